//! A body, packed.

use crate::export::ExportError;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// The body as gzip: fast rather than small.
pub(crate) fn gzip(body: &[u8]) -> Result<Vec<u8>, ExportError> {
    let mut gzip = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    gzip.write_all(body)
        .and_then(|()| gzip.finish())
        .map_err(|error| ExportError::permanent("the batch cannot be compressed").with_source(error))
}
