//! A share of all traces: how the state of a span that it keeps says so.
//!
//! Source: OpenTelemetry specification, trace state, "probability sampling".

use crate::record::probability::{number, open_telemetry, value};

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
    use crate::record::probability::BITS;
    use proptest::prelude::*;

    const HALF: u64 = 1 << (BITS - 1);

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
        fn any_state_may_be_raised(state in "(ot=|th:|rv:|[a-f0-9;:,= é]){0,12}", threshold in 0..=HALF * 2) {
            if let Some(raised) = raised(&state, threshold) {
                prop_assert_eq!(super::raised(&raised, threshold), None);
            }
        }
    }
}
