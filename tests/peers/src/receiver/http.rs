//! As much of HTTP/1.1 as OTLP's clients speak: requests with a length, answered one after the other over a connection that stays.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// More than any library sends, and less than would hurt.
const MAX_BODY_BYTES: usize = 1 << 30;

/// Answers requests until the client closes the connection: 200 if `take` is content with the body, else 400.
pub(super) fn serve(connection: &TcpStream, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut input = BufReader::with_capacity(1 << 16, connection);
    let mut body = Vec::new();
    while let Some(length) = head(&mut input)? {
        if body.len() < length {
            body.resize(length, 0);
        }
        input.read_exact(&mut body[..length])?;
        let mut output = connection;
        output.write_all(if take(&body[..length]) { TAKEN } else { REFUSED })?;
    }
    Ok(())
}

const TAKEN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
const REFUSED: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

/// Reads a request's line and headers; the length of its body, or `None` if there is no further request.
fn head(input: &mut impl BufRead) -> io::Result<Option<usize>> {
    let mut length = None;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok().filter(|length| *length <= MAX_BODY_BYTES);
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    length.map(Some).ok_or_else(|| io::Error::other("a request without a usable Content-Length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_tells_the_length_of_the_body() {
        let mut input: &[u8] = b"POST /v1/traces HTTP/1.1\r\nHost: a:1\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(head(&mut input).ok(), Some(Some(3)));
        assert_eq!(input, b"abc");
    }

    #[test]
    fn the_end_of_a_connection_is_no_request() {
        assert_eq!(head(&mut &b""[..]).ok(), Some(None));
    }

    #[test]
    fn request_without_a_usable_length_is_refused() {
        for length in ["", "Content-Length: x\r\n", "Content-Length: 99999999999\r\n"] {
            let request = format!("POST / HTTP/1.1\r\n{length}\r\n");
            assert!(head(&mut request.as_bytes()).is_err(), "{length}");
        }
    }
}
