//! What a `tracestate` says of a trace's probability: where it stands among all, and under which threshold it was kept.
//!
//! Source: OpenTelemetry specification, trace state, "probability sampling".

use super::TraceId;

/// Randomness and thresholds have 56 bits.
pub(crate) const BITS: u32 = 56;
/// As many as hexadecimal digits.
const DIGITS: usize = 14;

/// Where the trace stands among all: its state's own number if that has one, else the low 56 bits of its id.
pub(crate) fn randomness(trace_id: TraceId, state: &str) -> u64 {
    let explicit = || number(value(open_telemetry(state)?, "rv")?).filter(|(digits, _)| *digits == DIGITS);
    let low_bits = || trace_id.to_int() as u64 & ((1 << BITS) - 1);
    explicit().map_or_else(low_bits, |(_, randomness)| randomness)
}

/// Below which randomness the state says that traces were left out, if it does.
#[cfg(feature = "azure")]
pub(crate) fn threshold(state: &str) -> Option<u64> {
    number(value(open_telemetry(state)?, "th")?).map(|(_, threshold)| threshold)
}

/// OpenTelemetry's own member of a `tracestate`, such as `ot=th:8;rv:00000000000001`.
pub(crate) fn open_telemetry(state: &str) -> Option<&str> {
    state.split(',').map(|member| member.trim_matches([' ', '\t'])).find(|member| member.starts_with("ot="))
}

/// The value of a key in OpenTelemetry's member.
pub(crate) fn value<'s>(member: &'s str, key: &str) -> Option<&'s str> {
    let mut pairs = member.strip_prefix("ot=")?.split(';').filter_map(|pair| pair.split_once(':'));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// How many digits there are, and the number of 56 bits that they begin: trailing zeros may be missing.
pub(crate) fn number(digits: &str) -> Option<(usize, u64)> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_number = (1..=DIGITS).contains(&digits.len()) && digits.bytes().all(is_digit);
    let number = is_number.then(|| u64::from_str_radix(digits, 16).ok())??;
    Some((digits.len(), number << (4 * (DIGITS - digits.len()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn randomness_is_the_low_bits_of_the_id_unless_the_state_has_its_own() {
        let id = TraceId::from_int(0xffff_ffff_ffff_ffff_ff12_3456_789a_bcde);
        assert_eq!(randomness(id, ""), 0x12_3456_789a_bcde);
        assert_eq!(randomness(id, "a=rv:1,ot=rv:0000000000000a"), 10);
        assert_eq!(randomness(id, "a=1, ot=th:8;rv:f0000000000000"), 0xf0_0000_0000_0000);
        for none in ["ot=rv:a", "ot=rv:0000000000000A", "ot=th:8", "x-ot=rv:0000000000000a", "ot="] {
            assert_eq!(randomness(id, none), 0x12_3456_789a_bcde, "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_state_has_a_randomness_in_its_range(state in "(ot=|th:|rv:|[a-f0-9;:,= é]){0,12}") {
            prop_assert!(randomness(TraceId::from_int(1), &state) < 1 << BITS);
        }
    }
}
