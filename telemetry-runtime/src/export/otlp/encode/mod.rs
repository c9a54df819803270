//! A batch as the bytes of an `ExportTraceServiceRequest`.
//!
//! Written for speed: records go straight to bytes, with what is common to a callsite encoded once. Field numbers are those of
//! opentelemetry-proto 1.x, `trace/v1/trace.proto`.

mod attribute;
mod protobuf;
mod site;

use crate::record::{Attributes, Batch, EventView, LinkView, Resource, SpanView, StatusCode};
use attribute::{put_attribute, put_attribute_named};
use protobuf::{bytes_field, fixed64_field, put_bytes, put_fixed64, put_message, put_varint, varint_field, varint_len};
use site::{Site, scope_field};

/// Encodes batches, and remembers what repeats.
#[derive(Default)]
pub(super) struct Encoder {
    /// By callsite number, from 1.
    sites: Vec<Option<Site>>,
    scopes: Vec<Scope>,
}

/// An instrumentation scope and the spans that belong to it in the batch at hand.
struct Scope {
    name: &'static str,
    field: Vec<u8>,
    spans: Vec<u8>,
}

impl Encoder {
    /// Appends the batch as one request.
    pub(super) fn encode(&mut self, batch: &Batch, out: &mut Vec<u8>) {
        for span in batch.spans() {
            let Self { sites, scopes } = self;
            let site = site_of(sites, scopes, &span);
            put_message(bytes_field(2), &mut scopes[site.scope].spans, |out| put_span(&span, site, out));
        }
        self.put_request(batch.resource(), out);
        self.scopes.iter_mut().for_each(|scope| scope.spans.clear());
    }

    fn put_request(&self, resource: &Resource, out: &mut Vec<u8>) {
        let resource = resource_field(resource);
        let used = || self.scopes.iter().filter(|scope| !scope.spans.is_empty());
        let length = used().fold(resource.len(), |sum, scope| {
            let length = scope.field.len() + scope.spans.len();
            sum + 1 + varint_len(length as u64) + length
        });
        out.reserve(length + 11);
        out.push(bytes_field(1));
        put_varint(length as u64, out);
        out.extend_from_slice(&resource);
        for scope in used() {
            out.push(bytes_field(2));
            put_varint((scope.field.len() + scope.spans.len()) as u64, out);
            out.extend_from_slice(&scope.field);
            out.extend_from_slice(&scope.spans);
        }
    }
}

/// What is known about the span's callsite, looked up by number or encoded now.
#[inline]
fn site_of<'a>(sites: &'a mut Vec<Option<Site>>, scopes: &mut Vec<Scope>, span: &SpanView<'_>) -> &'a Site {
    let index = span.callsite_number() as usize;
    if index >= sites.len() {
        sites.resize_with(index + 1, || None);
    }
    let callsite = span.callsite();
    let slot = &mut sites[index];
    if slot.as_ref().is_some_and(|site| !site.is_of(callsite)) {
        *slot = None;
    }
    slot.get_or_insert_with(|| Site::new(callsite, scope_index(scopes, callsite.scope())))
}

#[cold]
fn scope_index(scopes: &mut Vec<Scope>, name: &'static str) -> usize {
    scopes.iter().position(|scope| scope.name == name).unwrap_or_else(|| {
        scopes.push(Scope { name, field: scope_field(name), spans: Vec::new() });
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
    put_ids(span, out);
    match span.dynamic_name() {
        None => out.extend_from_slice(&site.name),
        Some(name) => put_bytes(bytes_field(5), name.as_bytes(), out),
    }
    put_fixed64(fixed64_field(7), span.start_unix_ns(), out);
    put_fixed64(fixed64_field(8), span.end_unix_ns(), out);
    put_flags(span, out);
    out.extend_from_slice(&site.kind_and_code);
    for attribute in span.attributes() {
        match attribute.index.and_then(|index| site.keys.get(usize::from(index))) {
            Some(key) => put_attribute(bytes_field(9), key, attribute.value, out),
            None => put_attribute_named(bytes_field(9), attribute.key, attribute.value, out),
        }
    }
    put_count(varint_field(10), span.dropped_attributes_count(), out);
    if span.is_plain() {
        return;
    }
    put_rest(span, out);
}

#[inline(always)]
fn put_ids(span: &SpanView<'_>, out: &mut Vec<u8>) {
    let mut ids = [0; 28];
    ids[..2].copy_from_slice(&[bytes_field(1), 16]);
    ids[2..18].copy_from_slice(&span.trace_id().to_bytes());
    ids[18..20].copy_from_slice(&[bytes_field(2), 8]);
    ids[20..].copy_from_slice(&span.span_id().to_bytes());
    out.extend_from_slice(&ids);
    if let Some(parent) = span.parent_span_id() {
        put_bytes(bytes_field(4), &parent.to_bytes(), out);
    }
}

/// Field `flags`: the W3C flags, and whether the parent is remote.
#[inline(always)]
fn put_flags(span: &SpanView<'_>, out: &mut Vec<u8>) {
    const PARENT_IS_KNOWN: u32 = 0x100;
    const PARENT_IS_REMOTE: u32 = 0x200;
    /// Number 16 and wire type 5, in two bytes.
    const TAG: [u8; 2] = [0x85, 0x01];
    let remote = if span.parent_is_remote() { PARENT_IS_REMOTE } else { 0 };
    let flags = u32::from(span.flags().to_byte()) | PARENT_IS_KNOWN | remote;
    out.extend_from_slice(&TAG);
    out.extend_from_slice(&flags.to_le_bytes());
}

/// What an ordinary span does not have.
#[cold]
#[inline(never)]
fn put_rest(span: &SpanView<'_>, out: &mut Vec<u8>) {
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
    let code = match status.code {
        StatusCode::Unset => return,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    };
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
