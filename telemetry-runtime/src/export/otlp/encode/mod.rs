//! A batch of spans as the bytes of an `ExportTraceServiceRequest`; [`logs`] does the same for log records.
//!
//! Written for speed: records go straight to bytes, with what is common to a callsite encoded once. Field numbers are those of
//! opentelemetry-proto 1.x, `trace/v1/trace.proto`.

mod attribute;
mod halves;
mod logs;
mod protobuf;
mod site;
#[cfg(test)]
mod tests;

use crate::export::numbers;
use crate::record::{
    Attributes, Batch, Callsite, EventView, LinkView, RawAttribute, Resource, ScopeDetails, SpanView,
};
use attribute::{put_attribute, put_attribute_named, put_raw_attribute};
use protobuf::{bytes_field, fixed64_field, put_bytes, put_fixed64, put_message, put_varint, varint_field};
use site::{Site, scope_fields};

pub(in crate::export) use halves::halves;
pub(in crate::export) use logs::LogEncoder;

/// A batch as one request's body.
pub(in crate::export) struct Encoded<'a> {
    pub(in crate::export) bytes: &'a [u8],
    /// The bytes of its largest item, as protobuf; JSON does not tell.
    pub(in crate::export) largest_item: usize,
}

/// Encodes batches of spans, and remembers what repeats.
#[derive(Default)]
pub(in crate::export) struct SpanEncoder {
    /// Whether spans say where their code is.
    code_attributes: bool,
    /// By callsite number, from 1.
    sites: Vec<Option<Site>>,
    scopes: Vec<Scope>,
    /// The scope that had most of the spans last time: its spans are written where they stay.
    main: usize,
    request: Vec<u8>,
}

/// An instrumentation scope and the spans that belong to it in the batch at hand.
struct Scope {
    name: &'static str,
    details: &'static ScopeDetails,
    fields: Vec<u8>,
    /// Those of the main scope are in the request already.
    spans: Vec<u8>,
    /// How many bytes of spans it had last time.
    bytes: usize,
}

impl SpanEncoder {
    pub(in crate::export) fn new(code_attributes: bool) -> Self {
        Self { code_attributes, ..Self::default() }
    }

    /// The batch as one request.
    pub(in crate::export) fn encode(&mut self, batch: &Batch) -> Encoded<'_> {
        let resource = resource_field(batch.resource());
        if let Some(first) = batch.spans().next() {
            // The room in front is for the main scope's name, which is therefore known even in the first request.
            scope_index(&mut self.scopes, first.callsite());
        }
        let front =
            resource.len() + self.scopes.get(self.main).map_or(0, |main| main.fields.len()) + FRONT_BYTES;
        self.request.clear();
        self.request.resize(front, 0);
        let mut largest_item = 0;
        for span in batch.spans() {
            let Self { sites, scopes, main, request, .. } = self;
            let site = site_of(sites, scopes, &span, self.code_attributes);
            let out = if site.scope == *main { request } else { &mut scopes[site.scope].spans };
            let before = out.len();
            put_message(bytes_field(2), out, |out| put_span(&span, site, out));
            largest_item = largest_item.max(out.len() - before);
        }
        let start = self.complete(front, &resource);
        self.main = (0..self.scopes.len()).max_by_key(|scope| self.scopes[*scope].bytes).unwrap_or(0);
        Encoded { bytes: &self.request[start..], largest_item }
    }

    /// Appends the other scopes, and puts everything that comes before the main one's spans in front; where the request begins.
    fn complete(&mut self, front: usize, resource: &[u8]) -> usize {
        let Self { scopes, main, request, .. } = self;
        let spans = request.len() - front;
        let mut head = Vec::new();
        for (index, scope) in scopes.iter_mut().enumerate() {
            scope.bytes = if index == *main { spans } else { scope.spans.len() };
            let out = if index == *main { &mut head } else { &mut *request };
            if scope.bytes > 0 {
                out.push(bytes_field(2));
                put_varint((scope.fields.len() + scope.bytes) as u64, out);
                out.extend_from_slice(&scope.fields);
                out.append(&mut scope.spans);
            }
        }
        let length = resource.len() + head.len() + request.len() - front;
        let mut before = vec![bytes_field(1)];
        put_varint(length as u64, &mut before);
        before.extend_from_slice(resource);
        before.append(&mut head);
        let start = front - before.len();
        request[start..front].copy_from_slice(&before);
        start
    }
}

/// Two tags and two lengths.
const FRONT_BYTES: usize = 2 * (1 + 10);

/// What is known about the span's callsite, looked up by number or encoded now.
#[inline]
fn site_of<'a>(
    sites: &'a mut Vec<Option<Site>>,
    scopes: &mut Vec<Scope>,
    span: &SpanView<'_>,
    code_attributes: bool,
) -> &'a Site {
    let index = span.callsite_number() as usize;
    if index >= sites.len() {
        sites.resize_with(index + 1, || None);
    }
    let callsite = span.callsite();
    let slot = &mut sites[index];
    if slot.as_ref().is_some_and(|site| !site.is_of(callsite)) {
        *slot = None;
    }
    slot.get_or_insert_with(|| Site::new(callsite, scope_index(scopes, callsite), code_attributes))
}

#[cold]
fn scope_index(scopes: &mut Vec<Scope>, callsite: &'static Callsite) -> usize {
    let (name, details) = (callsite.scope(), callsite.scope_details());
    let known = scopes.iter().position(|scope| scope.name == name && scope.details == details);
    known.unwrap_or_else(|| {
        scopes.push(Scope {
            name,
            details,
            fields: scope_fields(name, details),
            spans: Vec::new(),
            bytes: 0,
        });
        scopes.len() - 1
    })
}

fn resource_field(resource: &Resource) -> Vec<u8> {
    let mut field = Vec::new();
    put_message(bytes_field(1), &mut field, |out| {
        for (key, value) in resource.attributes() {
            put_attribute_named(bytes_field(1), key, value.as_value(), out);
        }
    });
    field
}

#[inline]
fn put_span(span: &SpanView<'_>, site: &Site, out: &mut Vec<u8>) {
    put_numbers(span, out);
    if span.is_plain() {
        site.put(None, out);
        for RawAttribute { key, value } in span.raw_attributes() {
            if let Some(key) = site.keys.get(usize::from(key)) {
                put_raw_attribute(bytes_field(9), key, value, out);
            }
        }
        put_count(varint_field(10), span.dropped_attributes_count(), out);
    } else {
        put_unusual(span, site, out);
    }
}

/// The fields that are numbers: ids, times and flags, in as few steps as can be.
#[inline(always)]
fn put_numbers(span: &SpanView<'_>, out: &mut Vec<u8>) {
    let mut ids = [0; 28];
    ids[..2].copy_from_slice(&[bytes_field(1), 16]);
    ids[2..18].copy_from_slice(&span.trace_id().to_bytes());
    ids[18..20].copy_from_slice(&[bytes_field(2), 8]);
    ids[20..].copy_from_slice(&span.span_id().to_bytes());
    out.extend_from_slice(&ids);
    if let Some(parent) = span.parent_span_id() {
        let mut field = [bytes_field(4), 8, 0, 0, 0, 0, 0, 0, 0, 0];
        field[2..].copy_from_slice(&parent.to_bytes());
        out.extend_from_slice(&field);
    }
    let (start, end) = span.times_unix_ns();
    let mut times = [0; 24];
    times[0] = fixed64_field(7);
    times[1..9].copy_from_slice(&start.to_le_bytes());
    times[9] = fixed64_field(8);
    times[10..18].copy_from_slice(&end.to_le_bytes());
    times[18..20].copy_from_slice(&FLAGS_TAG);
    times[20..].copy_from_slice(&numbers::flags(span).to_le_bytes());
    out.extend_from_slice(&times);
}

/// Number 16 and wire type 5, in two bytes.
const FLAGS_TAG: [u8; 2] = [0x85, 0x01];

/// What an ordinary span does not have.
#[cold]
#[inline(never)]
fn put_unusual(span: &SpanView<'_>, site: &Site, out: &mut Vec<u8>) {
    site.put(span.dynamic_name(), out);
    for attribute in span.attributes() {
        match attribute.index.and_then(|index| site.keys.get(usize::from(index))) {
            Some(key) => put_attribute(bytes_field(9), key.as_slice(), attribute.value, out),
            None => put_attribute_named(bytes_field(9), attribute.key, attribute.value, out),
        }
    }
    put_count(varint_field(10), span.dropped_attributes_count(), out);
    if !span.trace_state().is_empty() {
        put_bytes(bytes_field(3), span.trace_state().as_bytes(), out);
    }
    for event in span.events() {
        put_message(bytes_field(11), out, |out| put_event(&event, out));
    }
    for link in span.links() {
        put_message(bytes_field(13), out, |out| put_link(&link, out));
    }
    let status = span.status();
    let Some(code) = numbers::status_code(status.code) else { return };
    put_message(bytes_field(15), out, |out| {
        put_bytes(bytes_field(2), status.message.as_bytes(), out);
        out.extend_from_slice(&[varint_field(3), code]);
    });
}

fn put_event(event: &EventView<'_>, out: &mut Vec<u8>) {
    put_fixed64(fixed64_field(1), event.unix_ns(), out);
    put_bytes(bytes_field(2), event.name().as_bytes(), out);
    put_attributes(bytes_field(3), event.attributes(), out);
}

fn put_link(link: &LinkView<'_>, out: &mut Vec<u8>) {
    /// Number 6 and wire type 5.
    const FLAGS: u8 = 6 << 3 | 5;
    let context = link.context();
    put_bytes(bytes_field(1), &context.trace_id().to_bytes(), out);
    put_bytes(bytes_field(2), &context.span_id().to_bytes(), out);
    put_bytes(bytes_field(3), context.trace_state().as_str().as_bytes(), out);
    put_attributes(bytes_field(4), link.attributes(), out);
    out.push(FLAGS);
    out.extend_from_slice(&u32::from(context.flags().to_byte()).to_le_bytes());
}

fn put_attributes(tag: u8, attributes: Attributes<'_>, out: &mut Vec<u8>) {
    for attribute in attributes {
        put_attribute_named(tag, attribute.key, attribute.value, out);
    }
}

fn put_count(tag: u8, count: u32, out: &mut Vec<u8>) {
    if count > 0 {
        out.push(tag);
        put_varint(u64::from(count), out);
    }
}
