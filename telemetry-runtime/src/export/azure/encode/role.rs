//! Who reports, as the tags that every envelope repeats: of the resource, only what Azure Monitor has a tag for.

use super::json::{Object, Scale};
use crate::export::json::text::Text;
use crate::record::{Resource, ValueBuf};
use std::borrow::Cow;

/// What the vendor's portal shows as the library that sent.
const SDK_VERSION: &str = concat!("rust:telemetry", env!("CARGO_PKG_VERSION"));

/// The members of `tags` that the resource gives, each with a comma behind it.
///
/// Source: the vendor's exporter for Python, `_populate_part_a_fields`; lengths of the schema `ContextTagKeys`.
pub(super) fn tags(resource: &Resource, host: Option<&str>) -> Text {
    let mut members = Text::default();
    let instance = first(resource, &["k8s.pod.name", "service.instance.id", "host.name"]);
    let instance = instance.or_else(|| host.map(Cow::Borrowed));
    let mut tags = Object::without_braces(Scale::ALL[0], &mut members);
    tags.text("ai.cloud.role", &role(resource), 256);
    tags.text_if("ai.cloud.roleInstance", instance.as_ref(), 256);
    tags.text_if("ai.internal.nodeName", instance.as_ref(), 256);
    tags.text_if("ai.application.ver", text(resource, "service.version"), 1024);
    tags.text_if("ai.device.id", text(resource, "device.id"), 1024);
    tags.text_if("ai.device.model", text(resource, "device.model.name"), 256);
    tags.text_if("ai.device.oemName", text(resource, "device.manufacturer"), 256);
    tags.text("ai.internal.sdkVersion", SDK_VERSION, 64);
    members
}

/// The service with its namespace; of one that has no name, what runs it.
fn role(resource: &Resource) -> Cow<'_, str> {
    const RUNNERS: [&str; 6] = [
        "k8s.deployment.name",
        "k8s.replicaset.name",
        "k8s.statefulset.name",
        "k8s.job.name",
        "k8s.cronjob.name",
        "k8s.daemonset.name",
    ];
    let name = resource.service_name();
    let runner = first(resource, &RUNNERS).filter(|_| name.starts_with("unknown_service"));
    runner.unwrap_or_else(|| match text(resource, "service.namespace") {
        Some(namespace) => Cow::Owned(format!("{namespace}.{name}")),
        None => Cow::Borrowed(name),
    })
}

fn first<'r>(resource: &'r Resource, keys: &[&str]) -> Option<Cow<'r, str>> {
    keys.iter().find_map(|key| text(resource, key))
}

fn text<'r>(resource: &'r Resource, key: &str) -> Option<Cow<'r, str>> {
    let text = match resource.get(key)? {
        ValueBuf::Str(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(resource: &Resource, key: &str) -> Option<String> {
        let members = String::from_utf8(tags(resource, Some("machine")).as_bytes().to_vec()).expect("text");
        let object = format!("{{{}}}", members.trim_end_matches(','));
        let tags: serde_json::Value = serde_json::from_str(&object).expect("JSON");
        tags[key].as_str().map(str::to_owned)
    }

    #[test]
    fn the_role_is_the_service_in_its_namespace() {
        let named = Resource::new().with("service.name", "orders");
        assert_eq!(tag(&named, "ai.cloud.role").as_deref(), Some("orders"));
        let in_namespace = named.with("service.namespace", "shop");
        assert_eq!(tag(&in_namespace, "ai.cloud.role").as_deref(), Some("shop.orders"));
    }

    #[test]
    fn a_service_without_a_name_is_called_as_what_runs_it() {
        let unknown = Resource::new().with("k8s.job.name", "nightly");
        assert_eq!(tag(&unknown, "ai.cloud.role").as_deref(), Some("nightly"));
        assert_eq!(tag(&unknown.with("service.name", "orders"), "ai.cloud.role").as_deref(), Some("orders"));
        assert_eq!(tag(&Resource::new(), "ai.cloud.role").as_deref(), Some("unknown_service"));
    }

    #[test]
    fn the_instance_is_the_pod_or_what_the_service_says_or_the_machine() {
        let none = Resource::new();
        assert_eq!(tag(&none, "ai.cloud.roleInstance").as_deref(), Some("machine"));
        let named = none.with("service.instance.id", "7");
        assert_eq!(tag(&named, "ai.cloud.roleInstance").as_deref(), Some("7"));
        assert_eq!(tag(&named.with("k8s.pod.name", "p"), "ai.internal.nodeName").as_deref(), Some("p"));
    }
}
