//! What a client's, producer's or internal span says as a dependency: a call to something else.

use super::key::{Key, Known};
use super::request::address_and_destination;
use super::url::{Url, default_port, redacted};
use crate::record::{SpanKind, SpanView};
use std::borrow::Cow;

/// A `RemoteDependencyData`, as far as the span's kind and attributes decide.
#[derive(Debug)]
pub(super) struct Dependency<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) result_code: i64,
    pub(super) kind: Cow<'a, str>,
    pub(super) data: Option<Cow<'a, str>>,
    pub(super) target: Option<Cow<'a, str>>,
}

impl<'a> Dependency<'a> {
    /// Source: the vendor's exporter for Python, `_convert_span_to_envelope`.
    pub(super) fn of(span: &SpanView<'a>, known: &Known<'a>) -> Self {
        let gen_ai = known.text(Key::GenAiSystem);
        let mut dependency = match span.kind() {
            SpanKind::Client => client(span, known),
            SpanKind::Producer => producer(span, known),
            _ => in_process(span, known),
        };
        if let Some(system) = gen_ai.filter(|_| span.kind() != SpanKind::Producer) {
            dependency.kind = Cow::Owned(format!("GenAI | {system}"));
            dependency.target =
                dependency.target.or_else(|| Some(system).filter(|_| span.kind() == SpanKind::Client));
        }
        dependency
    }

    fn plain(span: &SpanView<'a>, kind: impl Into<Cow<'a, str>>, target: Option<Cow<'a, str>>) -> Self {
        Self { name: Cow::Borrowed(span.name()), result_code: 0, kind: kind.into(), data: None, target }
    }
}

fn client<'a>(span: &SpanView<'a>, known: &Known<'a>) -> Dependency<'a> {
    let peer = peer(known);
    if let Some(namespace) = known.text(Key::AzureNamespace) {
        Dependency::plain(span, namespace, peer.or_else(|| address_and_destination(known)))
    } else if let Some(method) = known.text(Key::HttpMethod) {
        http(span, known, &method)
    } else if let Some(system) = known.text(Key::DbSystem) {
        let data = known.first(&[Key::DbQuery, Key::DbOperation]);
        let target = database_target(known, peer, &system);
        Dependency { data, ..Dependency::plain(span, database_kind(system), Some(target)) }
    } else if let Some(system) = known.text(Key::MessagingSystem) {
        let target = peer.or_else(|| known.text(Key::MessagingDestination)).unwrap_or_else(|| system.clone());
        Dependency::plain(span, system, Some(target))
    } else if let Some(system) = known.text(Key::RpcSystem) {
        let target = peer.or_else(|| server(known, None)).unwrap_or_else(|| system.clone());
        Dependency::plain(span, system, Some(target))
    } else {
        Dependency::plain(span, "N/A", peer.or_else(|| server(known, None)))
    }
}

fn http<'a>(span: &SpanView<'a>, known: &Known<'a>, method: &str) -> Dependency<'a> {
    let url = url(known);
    let parsed = url.as_deref().and_then(Url::parse);
    let path = parsed.map_or("/", |url| url.path);
    let scheme = known.text(Key::UrlScheme).or_else(|| parsed.map(|url| url.scheme.to_owned().into()));
    let target = server(known, scheme.as_deref().and_then(default_port))
        .or_else(|| known.text(Key::PeerService))
        .or_else(|| known.text(Key::HttpHost).map(|host| without_port(host, scheme.as_deref())))
        .or_else(|| parsed.map(|url| url.target().to_owned().into()))
        .or_else(|| peer(known));
    Dependency {
        name: Cow::Owned(format!("{method} {path}")),
        result_code: known.integer(Key::HttpStatus).unwrap_or(0),
        data: url.map(redacted),
        ..Dependency::plain(span, "HTTP", target)
    }
}

fn url<'a>(known: &Known<'a>) -> Option<Cow<'a, str>> {
    if let Some(url) = known.text(Key::UrlFull) {
        return Some(url);
    }
    let (scheme, target) = (known.text(Key::UrlScheme)?, known.text(Key::HttpTarget)?);
    let peer = || {
        let host = known.first(&[Key::NetPeerName, Key::NetPeerIp])?;
        Some(Cow::Owned(format!("{host}:{}", known.text(Key::NetPeerPort)?)))
    };
    let host = known.text(Key::HttpHost).or_else(peer)?;
    Some(Cow::Owned(format!("{scheme}://{host}{target}")))
}

fn without_port<'a>(host: Cow<'a, str>, scheme: Option<&str>) -> Cow<'a, str> {
    let port = scheme.and_then(default_port).map(|port| format!(":{port}"));
    match port.and_then(|port| host.strip_suffix(&*port).map(str::to_owned)) {
        Some(host) => Cow::Owned(host),
        None => host,
    }
}

fn producer<'a>(span: &SpanView<'a>, known: &Known<'a>) -> Dependency<'a> {
    let azure = known.text(Key::AzureNamespace);
    let target = if azure.is_some() {
        address_and_destination(known)
    } else {
        peer(known).or_else(|| known.first(&[Key::MessagingDestination, Key::MessagingSystem]))
    };
    let kind = match azure.or_else(|| known.text(Key::MessagingSystem)) {
        Some(system) => Cow::Owned(format!("Queue Message | {system}")),
        None => Cow::Borrowed("Queue Message"),
    };
    Dependency::plain(span, kind, target)
}

fn in_process<'a>(span: &SpanView<'a>, known: &Known<'a>) -> Dependency<'a> {
    let kind = match known.text(Key::AzureNamespace) {
        Some(namespace) => Cow::Owned(format!("InProc | {namespace}")),
        None => Cow::Borrowed("InProc"),
    };
    Dependency::plain(span, kind, peer(known))
}

/// The other side, by the older names.
fn peer<'a>(known: &Known<'a>) -> Option<Cow<'a, str>> {
    if let Some(service) = known.text(Key::PeerService) {
        return Some(service);
    }
    let host = known.first(&[Key::NetPeerName, Key::NetPeerIp])?;
    let database = known.text(Key::DbSystem).and_then(|system| database_port(&system));
    let usual = database.or_else(|| known.text(Key::UrlScheme).and_then(|scheme| default_port(&scheme)));
    Some(with_port(host, known.integer(Key::NetPeerPort), usual))
}

/// The other side, by today's names.
fn server<'a>(known: &Known<'a>, usual_port: Option<i64>) -> Option<Cow<'a, str>> {
    Some(with_port(known.text(Key::ServerAddress)?, known.integer(Key::ServerPort), usual_port))
}

fn with_port(host: Cow<'_, str>, port: Option<i64>, usual: Option<i64>) -> Cow<'_, str> {
    match port {
        Some(port) if usual != Some(port) => Cow::Owned(format!("{host}:{port}")),
        _ => host,
    }
}

fn database_target<'a>(known: &Known<'a>, peer: Option<Cow<'a, str>>, system: &Cow<'a, str>) -> Cow<'a, str> {
    let host = peer.or_else(|| server(known, database_port(system)));
    match (host, known.text(Key::DbNamespace)) {
        (Some(host), Some(database)) => Cow::Owned(format!("{host}|{database}")),
        (host, database) => host.or(database).unwrap_or_else(|| system.clone()),
    }
}

/// The portal knows most databases as `SQL`.
fn database_kind(system: Cow<'_, str>) -> Cow<'_, str> {
    match &*system {
        "db2"
        | "ibm.db2"
        | "derby"
        | "mariadb"
        | "mssql"
        | "microsoft.sql_server"
        | "oracle"
        | "oracle.db"
        | "sqlite"
        | "other_sql"
        | "hsqldb"
        | "h2"
        | "h2database" => Cow::Borrowed("SQL"),
        _ => system,
    }
}

fn database_port(system: &str) -> Option<i64> {
    Some(match system {
        "postgresql" => 5432,
        "cassandra" => 9042,
        "mariadb" | "mysql" => 3306,
        "mssql" | "microsoft.sql_server" => 1433,
        "memcached" => 11211,
        "db2" | "ibm.db2" => 50000,
        "oracle" | "oracle.db" => 1521,
        "h2" | "h2database" => 8082,
        "derby" => 1527,
        "redis" => 6379,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Value;
    use crate::record::sample::{Sample, batch};

    fn dependency(kind: SpanKind, attributes: &[(&str, Value<'_>)]) -> [String; 5] {
        let sample = Sample::root("span", 1).kind(kind);
        let sample =
            attributes.iter().fold(sample, |sample, (key, value)| sample.later_attribute(key, *value));
        let batch = batch(&[sample]);
        let span = batch.spans().next().expect("a span");
        let dependency = Dependency::of(&span, &Known::of(span.attributes()));
        let Dependency { name, result_code, kind, data, target } = dependency;
        let text = |text: Option<Cow<'_, str>>| text.unwrap_or_default().into_owned();
        [name.into_owned(), result_code.to_string(), kind.into_owned(), text(data), text(target)]
    }

    #[test]
    fn an_http_call_has_its_url_status_and_host() {
        let stable = [
            ("http.request.method", "GET".into()),
            ("url.full", "https://a:b@shop/orders/7?sig=s".into()),
            ("server.address", "shop".into()),
            ("server.port", 443.into()),
            ("http.response.status_code", 503.into()),
        ];
        let data = "https://REDACTED:REDACTED@shop/orders/7?sig=REDACTED";
        assert_eq!(dependency(SpanKind::Client, &stable), ["GET /orders/7", "503", "HTTP", data, "shop"]);
        let old = [("http.method", "GET".into()), ("http.url", "http://shop:81".into())];
        assert_eq!(dependency(SpanKind::Client, &old), ["GET /", "0", "HTTP", "http://shop:81", "shop:81"]);
    }

    #[test]
    fn a_database_call_has_its_query_and_database() {
        let stable = [
            ("db.system.name", "postgresql".into()),
            ("db.query.text", "SELECT 1".into()),
            ("db.namespace", "shop".into()),
            ("server.address", "db".into()),
            ("server.port", 5432.into()),
        ];
        assert_eq!(dependency(SpanKind::Client, &stable), ["span", "0", "postgresql", "SELECT 1", "db|shop"]);
        let old =
            [("db.system", "mssql".into()), ("net.peer.name", "db".into()), ("net.peer.port", 9.into())];
        assert_eq!(dependency(SpanKind::Client, &old), ["span", "0", "SQL", "", "db:9"]);
        assert_eq!(dependency(SpanKind::Client, &[("db.system", "redis".into())])[4], "redis");
    }

    #[test]
    fn other_calls_are_called_by_their_system() {
        let of = |kind, key, system: &'static str| {
            let [_, _, kind, _, target] = dependency(kind, &[(key, system.into())]);
            [kind, target]
        };
        assert_eq!(of(SpanKind::Client, "messaging.system", "kafka"), ["kafka", "kafka"]);
        assert_eq!(of(SpanKind::Producer, "messaging.system", "kafka"), ["Queue Message | kafka", "kafka"]);
        assert_eq!(of(SpanKind::Client, "rpc.system", "grpc"), ["grpc", "grpc"]);
        assert_eq!(of(SpanKind::Client, "gen_ai.system", "openai"), ["GenAI | openai", "openai"]);
        assert_eq!(of(SpanKind::Client, "peer.service", "billing"), ["N/A", "billing"]);
        assert_eq!(of(SpanKind::Internal, "peer.service", "billing"), ["InProc", "billing"]);
        assert_eq!(
            of(SpanKind::Internal, "az.namespace", "Microsoft.Storage"),
            ["InProc | Microsoft.Storage", ""]
        );
    }
}
