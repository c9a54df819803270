//! OTLP receivers on the loopback interface, for HTTP and gRPC, that take what an exporter sends, decode it, and misbehave as told; certificates; and the demo's
//! program.

mod alone;
mod answer;
mod assertion;
mod certificates;
mod grpc;
mod program;
mod receiver;
mod request;
mod sigv4;
mod taken;

pub use alone::{turn, unused};
pub use answer::Answer;
pub use assertion::{SERVICE_ACCOUNT_KEY, check_assertion};
pub use certificates::Authority;
pub use grpc::{GrpcAnswer, GrpcReceiver};
pub use h2::Reason;
pub use opentelemetry_proto::tonic as proto;
pub use program::demo;
pub use receiver::Receiver;
pub use request::{Received, ReceivedLog, Request};
pub use sigv4::check_signature;
