//! Trace ids, span ids and trace flags, as W3C Trace Context defines them.

use std::fmt;
use std::str::FromStr;

/// A trace's id: 16 bytes, shown as 32 lower-case hexadecimal digits. All zeros is invalid.
///
/// Source: W3C Trace Context Level 2, section 3.2.2.3.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(u128);

/// A span's id: 8 bytes, shown as 16 lower-case hexadecimal digits. All zeros is invalid.
///
/// Source: W3C Trace Context Level 2, section 3.2.2.4.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(u64);

/// The flags byte of a trace context.
///
/// Source: W3C Trace Context Level 2, section 3.2.2.5.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TraceFlags(u8);

/// The text was not an id: wrong length, an upper-case or foreign digit, or all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} lower-case hexadecimal digits, not all zero")]
pub struct ParseIdError {
    digits: usize,
}

macro_rules! id {
    ($name:ident, $int:ty, $bytes:literal) => {
        impl $name {
            /// The id that names nothing.
            pub const INVALID: Self = Self(0);

            /// The id in network byte order.
            pub const fn to_bytes(self) -> [u8; $bytes] {
                self.0.to_be_bytes()
            }

            /// An id from network byte order; all zeros give [`Self::INVALID`].
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(<$int>::from_be_bytes(bytes))
            }

            /// Whether the id names something, that is, is not all zeros.
            pub const fn is_valid(self) -> bool {
                self.0 != 0
            }

            pub(crate) const fn from_int(int: $int) -> Self {
                Self(int)
            }

            pub(crate) const fn to_int(self) -> $int {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:0width$x}", self.0, width = 2 * $bytes)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let error = ParseIdError { digits: 2 * $bytes };
                let lower_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
                if text.len() != 2 * $bytes || !text.bytes().all(lower_hex) {
                    return Err(error);
                }
                match <$int>::from_str_radix(text, 16) {
                    Ok(int) if int != 0 => Ok(Self(int)),
                    _ => Err(error),
                }
            }
        }
    };
}

id!(TraceId, u128, 16);
id!(SpanId, u64, 8);

impl TraceFlags {
    /// The caller may have recorded the trace (bit 0).
    pub const SAMPLED: Self = Self(0x01);
    /// At least the last 7 bytes of the trace id are random (bit 1, Level 2).
    pub const RANDOM: Self = Self(0x02);

    /// The flags as the byte of a `traceparent`.
    pub const fn to_byte(self) -> u8 {
        self.0
    }

    /// The known flags of a byte; unknown bits are dropped.
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte & (Self::SAMPLED.0 | Self::RANDOM.0))
    }

    /// Whether [`Self::SAMPLED`] is set.
    pub const fn is_sampled(self) -> bool {
        self.0 & Self::SAMPLED.0 != 0
    }

    /// These flags with [`Self::SAMPLED`] set or cleared.
    pub const fn with_sampled(self, sampled: bool) -> Self {
        if sampled { Self(self.0 | Self::SAMPLED.0) } else { Self(self.0 & !Self::SAMPLED.0) }
    }
}

impl fmt::Display for TraceFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}

impl fmt::Debug for TraceFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_what_they_show() {
        let id = TraceId::from_int(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!(id.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(TraceId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn ids_refuse_zeros_upper_case_signs_and_wrong_lengths() {
        for text in ["0000000000000000", "B7AD6B7169203331", "+7ad6b7169203331", "b7ad6b716920333", ""] {
            assert!(text.parse::<SpanId>().is_err(), "{text:?}");
        }
    }
}
