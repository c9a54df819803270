//! Where a configuration's spans go.

/// Where a configuration's spans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// To an exporter in this process that counts them.
    Counter,
    /// To an OTLP/HTTP receiver: its URL for traces.
    Otlp(String),
}

impl Sink {
    /// Reads what [`word`](Self::word) writes.
    pub(crate) fn from_word(word: &str) -> Self {
        if word == "counter" { Self::Counter } else { Self::Otlp(word.to_owned()) }
    }

    /// As a word of a command line.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::Counter => "counter",
            Self::Otlp(url) => url,
        }
    }
}
