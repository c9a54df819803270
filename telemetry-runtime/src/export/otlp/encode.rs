//! A batch as the bytes of an `ExportTraceServiceRequest`.

use crate::record::Batch;

/// Appends the request: ids and names only.
pub(super) fn encode(batch: &Batch, out: &mut Vec<u8>) {
    let mut spans = Vec::new();
    for span in batch.spans() {
        let mut fields = Vec::new();
        bytes(1, &span.trace_id().to_bytes(), &mut fields);
        bytes(2, &span.span_id().to_bytes(), &mut fields);
        bytes(5, span.name().as_bytes(), &mut fields);
        bytes(2, &fields, &mut spans);
    }
    let mut scope_spans = Vec::new();
    bytes(2, &spans, &mut scope_spans);
    bytes(1, &scope_spans, out);
}

fn bytes(field: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    let mut length = content.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(content);
}
