//! The block `azure_monitor` of an exporter: which resource to send to, and how.

use super::super::document::Node;
use super::super::key::{Key, Kind as Type, time, word_for, words};
use super::super::overrides::CONNECTION_STRING;
use super::super::preset::AuthWord;
use super::super::reader::{At, Reader};
use super::super::resolve::INSTRUMENTATION_KEY;
use super::{A_TIME, COMPRESSIONS, duration};
use crate::export::connection_string::ConnectionString;
use crate::export::destination::{Compression, DEFAULT_TIMEOUT};
use std::time::Duration;

/// Azure Monitor's options, as far as they are written.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct AzureMonitor {
    /// The resource; by default that of `APPLICATIONINSIGHTS_CONNECTION_STRING`.
    pub(in crate::config) connection_string: Option<ConnectionString>,
    /// How requests are authorized; not at all by default.
    pub(in crate::config) auth: Option<At<AuthWord>>,
    /// How long one batch may take, with all its requests; 10 s by default.
    pub(in crate::config) timeout: Option<Duration>,
    /// How bodies are packed; `gzip` by default.
    pub(in crate::config) compression: Option<Compression>,
}

const AUTH: [(&str, AuthWord); 2] = [("none", AuthWord::None), ("azure_entra", AuthWord::AzureEntra)];
pub(super) const AZURE_MONITOR: &[Key] = &[
    Key::new(
        "connection_string",
        Type::Secret,
        "the Application Insights resource: it is on the resource's overview page",
    )
    .else_by(&[CONNECTION_STRING, INSTRUMENTATION_KEY]),
    Key::new(
        "auth",
        Type::Word(|| words(&AUTH)),
        "whether a token of Microsoft Entra goes with each request",
    )
    .or(|| word_for(&AUTH, &AuthWord::None)),
    Key::new("timeout", Type::Time, "how long one batch may take, with all its requests")
        .or(|| time(DEFAULT_TIMEOUT)),
    Key::new("compression", Type::Word(|| words(&COMPRESSIONS)), "how bodies are packed")
        .or(|| word_for(&COMPRESSIONS, &Compression::Gzip)),
];

impl AzureMonitor {
    pub(super) fn read(node: Option<&Node>, reader: &mut Reader<'_>) -> Self {
        let fields = reader.fields(node, AZURE_MONITOR);
        let connection_string = reader.checked(fields.get("connection_string"), ConnectionString::parse);
        let auth = reader.word(fields.get("auth"), &AUTH);
        let timeout = reader.typed(fields.get("timeout"), A_TIME, duration);
        let compression = reader.word(fields.get("compression"), &COMPRESSIONS);
        Self {
            connection_string: connection_string.map(|at| at.value),
            auth,
            timeout: timeout.map(|at| at.value),
            compression: compression.map(|at| at.value),
        }
    }
}
