//! What an answer's body says: `partial_success`, or why the request failed; in [`json`] as in protobuf.

pub(crate) mod json;

/// How many spans or log records the answer to a request for them says were rejected; a body that is no such message rejects none.
///
/// Source: opentelemetry-proto, `ExportTracePartialSuccess.rejected_spans` and `ExportLogsPartialSuccess.rejected_log_records`.
pub(crate) fn rejected_items(body: &[u8]) -> usize {
    let partial_success = Fields(body).filter_map(|field| field.bytes_of(1));
    let rejected = partial_success.flat_map(Fields).filter_map(|field| field.varint_of(1)).last();
    // It is a signed number, of which a negative one makes no sense.
    rejected
        .and_then(|rejected| i64::try_from(rejected).ok())
        .and_then(|rejected| rejected.try_into().ok())
        .unwrap_or(0)
}

/// The message of a `google.rpc.Status`, if the body is one and has one.
pub(crate) fn error_message(body: &[u8]) -> Option<String> {
    let message = Fields(body).filter_map(|field| field.bytes_of(2)).last()?;
    Some(String::from_utf8_lossy(message).trim().to_owned()).filter(|message| !message.is_empty())
}

/// The fields of a protobuf message, up to the first that cannot be read: an iterator.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

pub(super) struct Field<'a> {
    number: u64,
    value: Value<'a>,
}

enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length.try_into().ok()?)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some(Field { number: tag >> 3, value })
    }
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = *self.take(1)? else { return None };
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }
}

impl<'a> Field<'a> {
    pub(super) fn bytes_of(&self, number: u64) -> Option<&'a [u8]> {
        match self.value {
            Value::Bytes(bytes) if self.number == number => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn varint_of(&self, number: u64) -> Option<u64> {
        match self.value {
            Value::Varint(value) if self.number == number => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use proptest::prelude::*;
    use prost::Message;

    fn response(rejected_spans: i64, error_message: &str) -> Vec<u8> {
        let partial_success =
            ExportTracePartialSuccess { rejected_spans, error_message: error_message.to_owned() };
        ExportTraceServiceResponse { partial_success: Some(partial_success) }.encode_to_vec()
    }

    #[test]
    fn no_body_rejects_nothing_and_says_nothing() {
        assert_eq!(rejected_items(&[]), 0);
        assert_eq!(error_message(&[]), None);
    }

    #[test]
    fn negative_counts_reject_nothing() {
        assert_eq!(rejected_items(&response(-5, "")), 0);
    }

    #[test]
    fn other_formats_reject_nothing_and_say_nothing() {
        for body in [
            "{\"partialSuccess\":{\"rejectedSpans\":\"3\"}}",
            "<html><body>502</body></html>",
            "OK\n",
            "\n\n",
        ] {
            assert_eq!(rejected_items(body.as_bytes()), 0, "{body:?}");
            assert_eq!(error_message(body.as_bytes()), None, "{body:?}");
        }
    }

    #[test]
    fn reads_a_message_between_other_fields() {
        let status = [&[0x08, 0x0e, 0x12, 4][..], b"busy", &[0x1a, 2, 0x0a, 0]].concat();
        assert_eq!(error_message(&status).as_deref(), Some("busy"));
    }

    proptest! {
        #[test]
        fn reads_back_every_count(rejected: i64, message in ".*") {
            let expected = usize::try_from(rejected).unwrap_or(0);
            prop_assert_eq!(rejected_items(&response(rejected, &message)), expected);
        }

        #[test]
        fn takes_any_bytes(body: Vec<u8>) {
            rejected_items(&body);
            error_message(&body);
        }

        #[test]
        fn takes_a_message_cut_or_changed_anywhere(cut in 0_usize..40, at in 0_usize..40, byte: u8) {
            let mut body = response(3, "a message of some length");
            body.truncate(cut);
            if let Some(changed) = body.get_mut(at) {
                *changed = byte;
            }
            rejected_items(&body);
            error_message(&body);
        }
    }
}
