//! An OTLP/HTTP receiver on the loopback interface that takes what an exporter sends, decodes it, and misbehaves as told; and the demo's
//! program.

mod answer;
mod program;
mod receiver;
mod request;
mod sigv4;

pub use answer::Answer;
pub use opentelemetry_proto::tonic as proto;
pub use program::demo;
pub use receiver::Receiver;
pub use request::{Received, ReceivedLog, Request};
pub use sigv4::check_signature;
