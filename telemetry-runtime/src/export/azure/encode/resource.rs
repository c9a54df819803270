//! Who reports, in full: the metric `_OTELRESOURCE_`, whose properties are the resource's attributes.

use super::envelope::{put_property, put_shortened};
use super::json::put_object;
use super::time::Timestamp;
use crate::export::json::text::Text;
use crate::record::Resource;

/// Appends the item as one line without its end.
///
/// Source: the vendor's exporter for Python, `_get_otel_resource_envelope`.
pub(super) fn put(resource: &Resource, shared: &[u8], unix_ns: u64, out: &mut Text) {
    put_shortened(out, |scale, has_properties, out| {
        put_object(scale, out, |envelope| {
            envelope.plain_text("name", "Microsoft.ApplicationInsights.Metric");
            envelope.plain_text("time", Timestamp(unix_ns));
            envelope.object("tags", |tags| tags.members(shared));
            envelope.object("data", |data| {
                data.plain_text("baseType", "MetricData");
                data.object("baseData", |data| {
                    data.bare("ver", 2);
                    data.array_of_one("metrics", |metric| {
                        metric.plain_text("name", "_OTELRESOURCE_");
                        metric.bare("value", 0);
                    });
                    if has_properties {
                        data.object("properties", |properties| {
                            let attributes = resource.attributes();
                            attributes
                                .for_each(|(key, value)| put_property(properties, key, value.as_value()));
                        });
                    }
                });
            });
        });
    });
}
