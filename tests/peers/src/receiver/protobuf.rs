//! As much of protobuf as counting takes: the frames of messages, not what is in them.

/// The spans in an OTLP trace request, or `None` if it is none.
pub(super) fn count_spans(request: &[u8]) -> Option<u64> {
    count(request, &PATH_TO_SPANS)
}

/// `resource_spans`, `scope_spans`, `spans`. Source: opentelemetry-proto, `collector/trace/v1` and `trace/v1`.
const PATH_TO_SPANS: [u64; 3] = [1, 2, 2];

/// How many messages are at the end of the path.
fn count(mut message: &[u8], path: &[u64]) -> Option<u64> {
    let Some((number, deeper)) = path.split_first() else { return Some(1) };
    let mut found = 0;
    while !message.is_empty() {
        let field = Field::take(&mut message)?;
        if field.number == *number {
            found += count(field.content, deeper)?;
        }
    }
    Some(found)
}

struct Field<'a> {
    number: u64,
    /// Empty unless the field is a message or a text.
    content: &'a [u8],
}

impl<'a> Field<'a> {
    fn take(message: &mut &'a [u8]) -> Option<Self> {
        let key = take_varint(message)?;
        let length = match key & 7 {
            0 => return take_varint(message).map(|_| Self { number: key >> 3, content: &[] }),
            1 => 8,
            2 => usize::try_from(take_varint(message)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let content = message.split_off(..length)?;
        Some(Self { number: key >> 3, content: if key & 7 == 2 { content } else { &[] } })
    }
}

fn take_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *message.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("a short message");
        [&[number << 3 | 2, length], content].concat()
    }

    #[test]
    fn spans_are_counted_wherever_they_are() {
        let spans = [message(2, b"\x0a\x01x"), message(2, b"")].concat();
        let scopes = [message(2, &spans), message(2, &spans), message(3, b"url")].concat();
        let request = [message(1, &scopes), message(1, &scopes)].concat();
        assert_eq!(count_spans(&request), Some(8));
        assert_eq!(count_spans(b""), Some(0));
    }

    #[test]
    fn fields_of_other_kinds_are_skipped() {
        let others = [&b"\x18\xff\x01"[..], b"\x21\0\0\0\0\0\0\0\0", b"\x2d\0\0\0\0"].concat();
        assert_eq!(count_spans(&[others, message(1, &message(2, &message(2, b"")))].concat()), Some(1));
    }

    #[test]
    fn what_is_cut_short_is_no_request() {
        let request = message(1, &message(2, &message(2, b"abc")));
        for length in 1..request.len() {
            assert_eq!(count_spans(&request[..length]), None);
        }
    }
}
