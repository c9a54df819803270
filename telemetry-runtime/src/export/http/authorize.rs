//! What a request needs before its receiver lets it in, where that changes from request to request: trait `Authorize`.

use crate::export::ExportError;
use ureq::http::request::Parts;

/// Signs a request, or adds a token that expires.
///
/// It is asked just before each request, on the exporter's own thread: it may block to fetch a token, which it keeps as long as that holds.
pub(crate) trait Authorize: Send {
    /// Adds headers; what is secret of them is marked as [sensitive](ureq::http::HeaderValue::set_sensitive). The body is as it will be sent,
    /// compressed or not.
    fn authorize(&mut self, parts: &mut Parts, body: &[u8]) -> Result<(), ExportError>;

    /// Told that the receiver did not let the last request in: whether there may be something newer, for another attempt at once.
    fn renew(&mut self) -> bool {
        false
    }
}
