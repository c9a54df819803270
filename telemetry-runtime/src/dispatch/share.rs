//! A share of all traces: which ones it keeps, so that smaller shares keep some of what larger ones do, and how a span's state says so.
//!
//! Source: OpenTelemetry specification, trace state, "probability sampling".

use crate::record::TraceId;

/// Randomness and thresholds have 56 bits.
const BITS: u32 = 56;
/// As many as hexadecimal digits.
const DIGITS: usize = 14;

/// Where the trace stands among all: its state's own number if that has one, else the low 56 bits of its id.
pub(super) fn randomness(trace_id: TraceId, state: &str) -> u64 {
    let explicit = || number(value(open_telemetry(state)?, "rv")?).filter(|(digits, _)| *digits == DIGITS);
    let low_bits = || trace_id.to_int() as u64 & ((1 << BITS) - 1);
    explicit().map_or_else(low_bits, |(_, randomness)| randomness)
}

/// The state of a span that was kept under this threshold, if it has to change: its own threshold is not lower then. A state without one
/// says nothing of the probability and stays so.
pub(super) fn raised(state: &str, threshold: u64) -> Option<String> {
    let own = open_telemetry(state)?;
    let before = value(own, "th")?;
    let (_, before_threshold) = number(before)?;
    if before_threshold >= threshold {
        return None;
    }
    let after = own.replacen(&format!("th:{before}"), &format!("th:{}", digits(threshold)), 1);
    Some(state.replacen(own, &after, 1))
}

/// OpenTelemetry's own member of a `tracestate`, such as `ot=th:8;rv:00000000000001`.
fn open_telemetry(state: &str) -> Option<&str> {
    state.split(',').map(|member| member.trim_matches([' ', '\t'])).find(|member| member.starts_with("ot="))
}

/// The value of a key in OpenTelemetry's member.
fn value<'s>(member: &'s str, key: &str) -> Option<&'s str> {
    let mut pairs = member.strip_prefix("ot=")?.split(';').filter_map(|pair| pair.split_once(':'));
    pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// How many digits there are, and the number of 56 bits that they begin: trailing zeros may be missing.
fn number(digits: &str) -> Option<(usize, u64)> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_number = (1..=DIGITS).contains(&digits.len()) && digits.bytes().all(is_digit);
    let number = is_number.then(|| u64::from_str_radix(digits, 16).ok())??;
    Some((digits.len(), number << (4 * (DIGITS - digits.len()))))
}

/// A threshold as the state writes it.
fn digits(threshold: u64) -> String {
    let digits = format!("{threshold:014x}");
    match digits.trim_end_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HALF: u64 = 1 << (BITS - 1);

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

    #[test]
    fn a_state_that_has_a_lower_threshold_gets_the_higher_one() {
        for (before, after) in [
            ("ot=th:0", Some("ot=th:8")),
            ("ot=th:4", Some("ot=th:8")),
            ("a=th:4,ot=rv:f0000000000000;th:4;x:1,b=2", Some("a=th:4,ot=rv:f0000000000000;th:8;x:1,b=2")),
            ("ot=th:8", None),
            ("ot=th:c", None),
            ("ot=rv:f0000000000000", None),
            ("ot=th:zz", None),
            ("a=1", None),
            ("", None),
        ] {
            assert_eq!(raised(before, HALF).as_deref(), after, "{before}");
        }
    }

    #[test]
    fn thresholds_are_written_as_the_specification_has_them() {
        for (threshold, written) in
            [(0, "0"), (HALF, "8"), (0xe6_6666_6666_6666, "e6666666666666"), (0xc0_0000_0000_0000, "c")]
        {
            assert_eq!(digits(threshold), written);
            assert_eq!(number(written).map(|(_, number)| number), Some(threshold));
        }
    }

    proptest! {
        #[test]
        fn any_state_has_a_randomness_and_may_be_raised(state in "(ot=|th:|rv:|[a-f0-9;:,= é]){0,12}", threshold in 0..=HALF * 2) {
            prop_assert!(randomness(TraceId::from_int(1), &state) < 1 << BITS);
            if let Some(raised) = raised(&state, threshold) {
                prop_assert_eq!(super::raised(&raised, threshold), None);
            }
        }
    }
}
