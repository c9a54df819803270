//! An OTLP/HTTP receiver on the loopback interface that takes what an exporter sends, decodes it, and misbehaves as told.

mod answer;
mod receiver;
mod request;

pub use answer::Answer;
pub use opentelemetry_proto::tonic as proto;
pub use receiver::Receiver;
pub use request::{Received, ReceivedLog, Request};
