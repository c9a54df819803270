//! What a request's body is made by, and what is kept of a batch on disk.

use super::client::Client;
use super::encode::{self, Encoded};
use super::{Protocol, Target};
use crate::export::ExportError;
use crate::export::json::{self, JsonEncoder};
use crate::record::{Batch, Signal};

/// How bodies are written.
pub(super) enum Encoder<P> {
    Protobuf(P),
    Json(JsonEncoder),
}

impl<P> Encoder<P> {
    pub(super) fn of(target: &Target, protobuf: fn(bool) -> P) -> Self {
        match target.protocol {
            Protocol::HttpJson => Self::Json(JsonEncoder::new(target.code_attributes)),
            Protocol::HttpProtobuf | Protocol::Grpc => Self::Protobuf(protobuf(target.code_attributes)),
        }
    }

    pub(super) fn encode<'a>(
        &'a mut self,
        batch: &Batch,
        protobuf: fn(&'a mut P, &Batch) -> Encoded<'a>,
    ) -> Encoded<'a> {
        match self {
            Self::Protobuf(encoder) => protobuf(encoder, batch),
            Self::Json(encoder) => Encoded { bytes: encoder.encode(batch), largest_item: 0 },
        }
    }

    /// The body of a request for nothing.
    pub(super) fn empty(&self) -> &'static [u8] {
        match self {
            Self::Protobuf(_) => b"",
            Self::Json(_) => b"{}",
        }
    }

    /// What a packed batch begins with: the rest is a request's body of this kind.
    fn mark(&self) -> u8 {
        match self {
            Self::Protobuf(_) => b'P',
            Self::Json(_) => b'J',
        }
    }

    /// The batch for later, if the receiver takes it as it is.
    pub(super) fn pack<'a>(
        &'a mut self,
        client: &Client,
        batch: &Batch,
        protobuf: fn(&'a mut P, &Batch) -> Encoded<'a>,
    ) -> Option<Vec<u8>> {
        let mark = self.mark();
        let body = self.encode(batch, protobuf);
        client.takes(&body).ok()?;
        Some([&[mark], body.bytes].concat())
    }

    /// A packed batch in two halves.
    pub(super) fn halve(&self, signal: Signal, packed: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
        let body = self.unpack(packed).ok()?;
        let halves = match self {
            Self::Protobuf(_) => encode::halves(body),
            Self::Json(_) => json::halves(signal, body),
        };
        Some(halves?.map(|(items, body)| (items, [&[self.mark()], &*body].concat())))
    }

    pub(super) fn unpack<'a>(&self, packed: &'a [u8]) -> Result<&'a [u8], ExportError> {
        let body = packed.strip_prefix(&[self.mark()]);
        body.ok_or_else(|| ExportError::permanent("the batch on disk is of another protocol"))
    }
}
