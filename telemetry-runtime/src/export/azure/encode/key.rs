//! The attributes that fields and tags of Azure Monitor are made of, and those that are not repeated among the properties.

use crate::record::{Attributes, Value};
use std::borrow::Cow;

/// An attribute under its present name, or under an older one that still comes.
struct Found<'a> {
    value: Value<'a>,
    is_older: bool,
}

/// The known attributes of one span, event or log record.
pub(super) struct Known<'a>([Option<Found<'a>>; Key::COUNT]);

macro_rules! keys {
    ($($key:ident = $name:literal $(| $older:literal)*,)*) => {
        /// What is looked for, whatever the name it comes under.
        #[derive(Clone, Copy)]
        pub(super) enum Key { $($key),* }

        impl Key {
            const COUNT: usize = [$(Self::$key),*].len();

            /// The key of that name, and whether the name is an older one.
            fn of(name: &str) -> Option<(Self, bool)> {
                Some(match name {
                    $($name => (Self::$key, false), $($older => (Self::$key, true),)*)*
                    _ => return None,
                })
            }
        }
    };
}

// Source of the names: OpenTelemetry semantic conventions, of today and before they became stable; the vendor's exporter for `ai.`, `az.`,
// `microsoft.` and `_MS.`.
keys! {
    HttpMethod = "http.request.method" | "http.method",
    HttpStatus = "http.response.status_code" | "http.status_code",
    HttpRoute = "http.route",
    HttpHost = "http.host",
    HttpTarget = "http.target",
    HttpServerName = "http.server_name",
    UrlFull = "url.full" | "http.url",
    UrlScheme = "url.scheme" | "http.scheme",
    UrlPath = "url.path",
    UrlQuery = "url.query",
    UserAgent = "user_agent.original" | "http.user_agent",
    SyntheticType = "user_agent.synthetic.type",
    ClientAddress = "client.address" | "http.client_ip",
    ServerAddress = "server.address",
    ServerPort = "server.port",
    PeerService = "peer.service",
    PeerAddress = "peer.address",
    NetPeerName = "net.peer.name",
    NetPeerIp = "net.peer.ip",
    NetPeerPort = "net.peer.port",
    NetHostName = "net.host.name",
    NetHostPort = "net.host.port",
    DbSystem = "db.system.name" | "db.system",
    DbQuery = "db.query.text" | "db.statement",
    DbOperation = "db.operation.name" | "db.operation",
    DbNamespace = "db.namespace" | "db.name",
    MessagingSystem = "messaging.system",
    MessagingDestination = "messaging.destination.name" | "messaging.destination" | "message_bus.destination",
    RpcSystem = "rpc.system.name" | "rpc.system",
    GenAiSystem = "gen_ai.provider.name" | "gen_ai.system",
    AzureNamespace = "az.namespace",
    UserId = "enduser.pseudo.id",
    AuthenticatedUserId = "enduser.id",
    SessionId = "session.id",
    OperationName = "ai.operation.name",
    ExceptionType = "exception.type",
    ExceptionMessage = "exception.message",
    ExceptionStack = "exception.stacktrace",
    SampleRate = "_MS.sampleRate",
    EventName = "microsoft.custom_event.name",
    Measurements = "microsoft.custom_measurements",
    AvailabilityId = "microsoft.availability.id",
    AvailabilityName = "microsoft.availability.name",
    AvailabilityDuration = "microsoft.availability.duration",
    AvailabilitySuccess = "microsoft.availability.success",
    AvailabilityLocation = "microsoft.availability.runLocation",
    AvailabilityMessage = "microsoft.availability.message",
}

impl<'a> Known<'a> {
    pub(super) fn of(attributes: Attributes<'a>) -> Self {
        let mut known = Self([const { None }; Key::COUNT]);
        for attribute in attributes {
            if let Some((key, is_older)) = Key::of(attribute.key) {
                known.note(key, Found { value: attribute.value, is_older });
            }
        }
        known
    }

    /// Today's name goes before an older one.
    fn note(&mut self, key: Key, found: Found<'a>) {
        let slot = &mut self.0[key as usize];
        if slot.as_ref().is_none_or(|other| other.is_older) {
            *slot = Some(found);
        }
    }

    pub(super) fn value(&self, key: Key) -> Option<Value<'a>> {
        self.0[key as usize].as_ref().map(|found| found.value)
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.value(key).is_some()
    }

    /// The value as text; an empty one counts as absent.
    pub(super) fn text(&self, key: Key) -> Option<Cow<'a, str>> {
        let text = match self.value(key)? {
            Value::Str(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// The first that is there.
    pub(super) fn first(&self, keys: &[Key]) -> Option<Cow<'a, str>> {
        keys.iter().find_map(|key| self.text(*key))
    }

    /// The value as a whole number, also where it came as text.
    pub(super) fn integer(&self, key: Key) -> Option<i64> {
        match self.value(key)? {
            Value::I64(number) => Some(number),
            Value::Str(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The value as a number, also where it came as text.
    pub(super) fn number(&self, key: Key) -> Option<f64> {
        match self.value(key)? {
            Value::F64(number) => Some(number),
            Value::I64(number) => Some(number as f64),
            Value::Str(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// Whether a span or one of its events has this in fields and tags already, or not at all.
///
/// Source: the vendor's exporter for Python, `_is_standard_attribute`.
pub(super) fn is_field_of_span(key: &str) -> bool {
    const PREFIXES: [&str; 12] = [
        "http.",
        "db.",
        "message.",
        "messaging.",
        "rpc.",
        "enduser.",
        "net.",
        "peer.",
        "exception.",
        "thread.",
        "fass.",
        "code.",
    ];
    PREFIXES.iter().any(|prefix| key.starts_with(prefix))
        || matches!(
            key,
            "client.address"
                | "client.port"
                | "error.type"
                | "network.local.address"
                | "network.local.port"
                | "network.peer.address"
                | "network.peer.port"
                | "network.protocol.name"
                | "network.protocol.version"
                | "network.transport"
                | "server.address"
                | "server.port"
                | "session.id"
                | "url.full"
                | "url.path"
                | "url.query"
                | "url.scheme"
                | "url.template"
                | "user_agent.original"
                | "user_agent.synthetic.type"
                | "microsoft.custom_measurements"
                | "_MS.sampleRate"
        )
}

/// The same for a log record, of which nearly everything is kept.
///
/// Source: the vendor's exporter for Python, `_IGNORED_ATTRS`.
pub(super) fn is_field_of_log(key: &str) -> bool {
    matches!(
        key,
        "enduser.id"
            | "enduser.pseudo.id"
            | "exception.escaped"
            | "exception.message"
            | "exception.stacktrace"
            | "exception.type"
            | "microsoft.availability.duration"
            | "microsoft.availability.id"
            | "microsoft.availability.message"
            | "microsoft.availability.name"
            | "microsoft.availability.runLocation"
            | "microsoft.availability.success"
            | "microsoft.custom_event.name"
            | "microsoft.custom_measurements"
            | "session.id"
            | "_MS.sampleRate"
    )
}
