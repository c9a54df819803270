//! A request as it came over the wire, and the spans or log records in it.

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, Read};
use std::time::Instant;

/// A request that the receiver has read to its end.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method and the target of the first line, such as `POST /v1/traces`.
    pub line: String,
    headers: Vec<(String, String)>,
    /// When it came.
    pub at: Instant,
    /// The body as sent, compressed or not.
    pub body: Vec<u8>,
}

/// A span that arrived, with what its resource and scope say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The span.
    pub span: Span,
    /// The attributes of its resource.
    pub resource: Vec<KeyValue>,
    /// The name of its instrumentation scope.
    pub scope: String,
}

/// A log record that arrived, with what its resource and scope say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedLog {
    /// The log record.
    pub log: LogRecord,
    /// The attributes of its resource.
    pub resource: Vec<KeyValue>,
    /// The name of its instrumentation scope.
    pub scope: String,
}

impl Request {
    /// Reads one request; `None` when the other side has closed the connection instead.
    pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let line = head_line(stream)?;
        let Some(line) = line.strip_suffix(" HTTP/1.1") else {
            return if line.is_empty() { Ok(None) } else { Err(io::ErrorKind::InvalidData.into()) };
        };
        let (line, at) = (line.to_owned(), Instant::now());
        let mut request = Self { line, headers: Vec::new(), at, body: Vec::new() };
        loop {
            let header = head_line(stream)?;
            let Some((name, value)) = header.split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        request.body.resize(length, 0);
        stream.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    /// From a call of gRPC, whose message has its compression and length in front.
    pub(crate) fn of_grpc(line: String, headers: &http::HeaderMap, framed: &[u8]) -> Self {
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        if framed.first() == Some(&1) {
            headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        }
        let body = framed.get(5..).unwrap_or_default().to_vec();
        let length = framed.get(1..5).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes);
        assert_eq!(length.map(|length| length as usize), Some(body.len()), "the length in front");
        Self { line, headers, at: Instant::now(), body }
    }

    /// The header's value, whatever the case of its name; the first one if there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body without its `Content-Encoding`.
    ///
    /// # Errors
    /// It is not gzip although the header says so.
    pub fn content(&self) -> io::Result<Vec<u8>> {
        if self.header("content-encoding") != Some("gzip") {
            return Ok(self.body.clone());
        }
        let mut content = Vec::new();
        GzDecoder::new(self.body.as_slice()).read_to_end(&mut content)?;
        Ok(content)
    }

    /// The message in the body.
    ///
    /// # Errors
    /// The body is not gzip although it should be, or not an OTLP request.
    pub fn message(&self) -> io::Result<ExportTraceServiceRequest> {
        self.decoded()
    }

    fn decoded<M: Message + Default + DeserializeOwned>(&self) -> io::Result<M> {
        let content = self.content()?;
        match self.header("content-type") {
            Some("application/json") => Ok(serde_json::from_slice(&content)?),
            _ => Ok(M::decode(content.as_slice())?),
        }
    }

    /// Whether it holds telemetry, and not a form, a wish for a token, or nothing.
    pub(crate) fn is_otlp(&self) -> bool {
        self.line.starts_with("POST ")
            && !self.line.ends_with(":generateAccessToken")
            && self.header("content-type") != Some("application/x-www-form-urlencoded")
    }

    /// The value of a form's field, decoded.
    pub fn field(&self, name: &str) -> Option<String> {
        let form = std::str::from_utf8(&self.body).ok()?;
        let value = form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        let mut bytes = value.bytes();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            decoded.push(if byte == b'%' { u8::try_from(digit()? * 16 + digit()?).ok()? } else { byte });
        }
        String::from_utf8(decoded).ok()
    }

    /// Whether it was posted where log records are.
    pub fn is_of_logs(&self) -> bool {
        self.line.ends_with("/v1/logs") || self.line.ends_with("LogsService/Export")
    }

    pub(crate) fn logs(&self) -> io::Result<Vec<ReceivedLog>> {
        let message: ExportLogsServiceRequest = self.decoded()?;
        let mut logs = Vec::new();
        for of_resource in message.resource_logs {
            let resource = of_resource.resource.unwrap_or_default().attributes;
            for of_scope in of_resource.scope_logs {
                let scope = of_scope.scope.unwrap_or_default().name;
                let received = |log| ReceivedLog { log, resource: resource.clone(), scope: scope.clone() };
                logs.extend(of_scope.log_records.into_iter().map(received));
            }
        }
        Ok(logs)
    }

    pub(crate) fn spans(&self) -> io::Result<Vec<Received>> {
        let mut spans = Vec::new();
        for of_resource in self.message()?.resource_spans {
            let resource = of_resource.resource.unwrap_or_default().attributes;
            for of_scope in of_resource.scope_spans {
                let scope = of_scope.scope.unwrap_or_default().name;
                let received = |span| Received { span, resource: resource.clone(), scope: scope.clone() };
                spans.extend(of_scope.spans.into_iter().map(received));
            }
        }
        Ok(spans)
    }
}

impl Received {
    /// The span's attribute, if it has it.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        value_of(&self.span.attributes, key)
    }

    /// The resource's attribute, if it has it.
    pub fn resource_attribute(&self, key: &str) -> Option<&Value> {
        value_of(&self.resource, key)
    }

    /// The trace id in lower-case hexadecimal.
    pub fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }

    /// The span id in lower-case hexadecimal.
    pub fn span_id(&self) -> String {
        hex(&self.span.span_id)
    }

    /// The parent's span id in lower-case hexadecimal; empty for none.
    pub fn parent_span_id(&self) -> String {
        hex(&self.span.parent_span_id)
    }
}

impl ReceivedLog {
    /// The record's text; empty if it has none.
    pub fn body(&self) -> &str {
        match self.log.body.as_ref().and_then(|AnyValue { value }| value.as_ref()) {
            Some(Value::StringValue(text)) => text,
            _ => "",
        }
    }

    /// The record's attribute, if it has it.
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        value_of(&self.log.attributes, key)
    }

    /// The resource's attribute, if it has it.
    pub fn resource_attribute(&self, key: &str) -> Option<&Value> {
        value_of(&self.resource, key)
    }

    /// The trace id in lower-case hexadecimal; empty for none.
    pub fn trace_id(&self) -> String {
        hex(&self.log.trace_id)
    }

    /// The span id in lower-case hexadecimal; empty for none.
    pub fn span_id(&self) -> String {
        hex(&self.log.span_id)
    }
}

fn head_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn value_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    attribute.value.as_ref().and_then(|AnyValue { value }| value.as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
