//! The words of the semantic conventions for what HTTP itself says: methods and versions.

use http::{Method, Version};

/// What stands for the method of which there are too many to record.
pub(super) const OTHER_METHOD: &str = "_OTHER";

/// The method, if it is one of those that everybody knows: anybody can invent others.
///
/// Source: RFC 9110, section 9.3, and RFC 5789 (`PATCH`).
pub(super) fn known_method(method: &Method) -> Option<&str> {
    let known = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    known.contains(method).then_some(method.as_str())
}

/// Source: OpenTelemetry semantic conventions, "network", `network.protocol.version`.
pub(super) fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}
