//! A request as protobuf divided into two by its spans or log records.

use super::protobuf::{bytes_field, put_bytes};
use crate::export::halves::{self, Pick};
use crate::export::otlp::response::Fields;

/// The fields that lead to the items: what there is of each resource, of each of its scopes, and their items.
const LISTS: [u8; 3] = [1, 2, 2];

/// Two requests with a half of the items each, and how many those are; `None` if this is no request.
pub(in crate::export) fn halves(request: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
    halves::halves(|pick| {
        let mut part = Vec::new();
        put_part(request, &LISTS, pick, &mut part)?;
        Some(part)
    })
}

/// Puts what is picked of a message, and all that it says besides.
fn put_part(message: &[u8], lists: &[u8], pick: &mut Pick, out: &mut Vec<u8>) -> Option<()> {
    let (list, inner) = lists.split_first()?;
    let mut fields = Fields(message);
    while !fields.0.is_empty() {
        let before = fields.0;
        let content = fields.next()?.bytes_of(u64::from(*list));
        let whole = &before[..before.len() - fields.0.len()];
        match content {
            Some(_) if inner.is_empty() => out.extend_from_slice(if pick.item() { whole } else { &[] }),
            Some(content) => {
                let mut part = Vec::new();
                if pick.list(|pick| put_part(content, inner, pick, &mut part))? {
                    put_bytes(bytes_field(*list), &part, out);
                }
            }
            None => out.extend_from_slice(whole),
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::export::Exporter;
    use crate::export::otlp::{Otlp, Protocol, Target};
    use crate::record::sample::{LogSample, Sample, batch, logs};
    use crate::record::{Batch, Level, ScopeDetails, Signal};
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use proptest::prelude::*;
    use prost::Message;
    use serde::de::DeserializeOwned;

    fn exporter(protocol: Protocol) -> Otlp {
        let target = Target { protocol, ..Target::new("http://localhost:4318/") };
        Otlp::new(target.clone()).and_then(|otlp| otlp.with_logs(target)).expect("valid targets")
    }

    /// A packed batch, read by somebody else.
    fn read<T: Message + Default + DeserializeOwned>(packed: &[u8]) -> T {
        match packed.split_first().expect("a mark") {
            (b'P', request) => T::decode(request).expect("OTLP"),
            (b'J', request) => serde_json::from_slice(request).expect("OTLP JSON"),
            (mark, _) => panic!("{mark}"),
        }
    }

    /// Each item with all that is said of it.
    fn items(signal: Signal, packed: &[u8]) -> Vec<String> {
        let mut items = Vec::new();
        match signal {
            Signal::Traces => {
                for of_resource in read::<ExportTraceServiceRequest>(packed).resource_spans {
                    for of_scope in of_resource.scope_spans {
                        let about = format!(
                            "{:?} {:?} {}",
                            of_resource.resource, of_scope.scope, of_scope.schema_url
                        );
                        assert!(!of_scope.spans.is_empty(), "a scope of nothing");
                        items.extend(of_scope.spans.iter().map(|span| format!("{about} {span:?}")));
                    }
                }
            }
            Signal::Logs => {
                for of_resource in read::<ExportLogsServiceRequest>(packed).resource_logs {
                    for of_scope in of_resource.scope_logs {
                        let about = format!(
                            "{:?} {:?} {}",
                            of_resource.resource, of_scope.scope, of_scope.schema_url
                        );
                        items.extend(of_scope.log_records.iter().map(|log| format!("{about} {log:?}")));
                    }
                }
            }
        }
        items
    }

    /// Halves the batch until there is one item in each part.
    fn check(exporter: &mut Otlp, batch: &Batch) {
        let signal = batch.signal();
        let mut parts = vec![(batch.item_count(), exporter.pack(batch).expect("it has a target"))];
        while let Some((count, packed)) = parts.pop() {
            let whole = items(signal, &packed);
            assert_eq!(whole.len(), count);
            let halves = exporter.halve_packed(signal, &packed).expect("a request");
            assert_eq!((halves[0].0, halves[1].0), (count / 2, count - count / 2));
            assert_eq!(halves.each_ref().map(|(_, half)| items(signal, half)).concat(), whole);
            parts.extend(halves.into_iter().filter(|_| count > 1));
        }
    }

    fn spans(scopes: &[u8]) -> Batch {
        let details =
            ScopeDetails { schema_url: "https://example.org/1".to_owned(), ..ScopeDetails::NONE.clone() };
        let samples = scopes.iter().zip(1..).map(|(scope, id)| {
            let sample = Sample::root("s", id)
                .attribute("half", 0.1)
                .attribute("text", "\u{1f600}\"\\")
                .event("e", 5, &[]);
            match scope {
                0 => sample,
                1 => sample.scope("one"),
                _ => sample.scope("two").scope_details(details.clone()),
            }
        });
        batch(&Vec::from_iter(samples))
    }

    fn records(scopes: &[u8]) -> Batch {
        let target = |scope: &u8| ["a", "b", "c"][usize::from(*scope)];
        let record = |scope| LogSample::new(Level::Info, 1, "text").without_place(target(scope));
        logs(&Vec::from_iter(scopes.iter().map(record)))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn both_halves_together_are_the_whole(scopes in prop::collection::vec(0..3_u8, 1..20)) {
            for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
                let mut exporter = exporter(protocol);
                check(&mut exporter, &spans(&scopes));
                check(&mut exporter, &records(&scopes));
            }
        }

        #[test]
        fn what_is_no_request_is_not_divided(at: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            for protocol in [Protocol::HttpProtobuf, Protocol::HttpJson] {
                let mut exporter = exporter(protocol);
                let packed = exporter.pack(&spans(&[0, 1])).expect("it has a target");
                let cut = 1 + at.index(packed.len() - 1);
                prop_assert_eq!(exporter.halve_packed(Signal::Traces, &packed[..cut]).map(|halves| halves[1].0).unwrap_or(0), 0);
                // Whatever it is, it ends.
                exporter.halve_packed(Signal::Logs, &[&packed[..1], &bytes].concat());
            }
        }
    }
}
