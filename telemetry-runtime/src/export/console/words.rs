//! How durations, values and counts are written, and how wide text is.

use crate::record::printable::{escaped, shortened};
use crate::record::{Array, Value, ValueBuf};

/// As many characters of a value are shown.
const MAX_VALUE_CHARS: usize = 60;
/// As many characters of a name, key or message are shown.
const MAX_NAME_CHARS: usize = 200;

/// Three significant digits with a unit, such as `12.4 ms`; minutes and hours from a minute on.
pub(super) fn duration(ns: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1, "ns"), (1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s")];
    if ns < 1_000 {
        return format!("{ns} ns");
    }
    let seconds = ns.div_ceil(500_000_000) / 2;
    if seconds >= 3600 {
        return format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60);
    }
    if seconds >= 60 {
        return format!("{} m {:02} s", seconds / 60, seconds % 60);
    }
    let fits = |(unit_ns, _): &&(u64, &str)| ns as f64 / (*unit_ns as f64) < 999.5;
    let (unit_ns, unit) = UNITS.iter().find(fits).unwrap_or(&UNITS[3]);
    let count = ns as f64 / *unit_ns as f64;
    let decimals = if count < 9.995 { 2 } else { usize::from(count < 99.95) };
    format!("{count:.decimals$} {unit}")
}

/// `1 span`, `2 spans`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A name, key or message, safe and not too long.
pub(super) fn name(text: &str) -> String {
    escaped(&shortened(text, MAX_NAME_CHARS)).into_owned()
}

/// `key=value`. Text that could be taken for something else, or for two things, is quoted.
pub(super) fn attribute(key: &str, value: &ValueBuf) -> String {
    format!("{}={}", name(key), self::value(value.as_value()))
}

fn value(value: Value<'_>) -> String {
    match value {
        Value::Str(text) => quoted_unless_plain(text, ""),
        // Unlike `Display`, it shows that 3.0 is no integer, and 1e300 briefly.
        Value::F64(number) => format!("{number:?}"),
        Value::Bytes(bytes) => {
            let shown = &bytes[..bytes.len().min(MAX_VALUE_CHARS / 2)];
            format!("0x{}{}", Value::Bytes(shown), if shown.len() < bytes.len() { "…" } else { "" })
        }
        Value::Array(elements) => array_value(elements),
        other => other.to_string(),
    }
}

/// `[a, b]`, with as many elements as make up the characters of a value.
fn array_value(elements: Array<'_>) -> String {
    let mut shown = String::from("[");
    for (index, element) in elements.iter().enumerate() {
        shown.push_str(if index == 0 { "" } else { ", " });
        if shown.chars().count() > MAX_VALUE_CHARS {
            shown.push('…');
            break;
        }
        match element {
            Value::Str(text) => shown.push_str(&quoted_unless_plain(text, ",[]")),
            other => shown.push_str(&value(other)),
        }
    }
    shown + "]"
}

/// The text, in quotes also where it has one of these characters.
fn quoted_unless_plain(text: &str, others: &str) -> String {
    let shown = shortened(text, MAX_VALUE_CHARS);
    if is_plain(&shown) && !shown.contains(|c| others.contains(c)) {
        return shown.into_owned();
    }
    format!("\"{}\"", escaped(&shown.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn is_plain(text: &str) -> bool {
    let breaks = |c: char| c.is_whitespace() || matches!(c, '"' | '\\' | '=');
    let looks_typed = text.parse::<f64>().is_ok() || text.parse::<bool>().is_ok();
    !text.is_empty() && !text.contains(breaks) && !looks_typed && escaped(text) == text
}

/// The columns that text takes on a terminal, near enough for alignment.
///
/// Source: Unicode Standard Annex 11; the blocks that are wide throughout.
pub(super) fn width(text: &str) -> usize {
    let columns = |c: char| match c {
        '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    };
    text.chars().map(columns).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_have_three_digits() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (312_400, "312 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (9_994_999, "9.99 ms"),
            (9_996_000, "10.0 ms"),
            (12_400_000, "12.4 ms"),
            (99_960_000, "100 ms"),
            (999_600_000, "1.00 s"),
            (59_400_000_000, "59.4 s"),
            (59_600_000_000, "1 m 00 s"),
            (125_000_000_000, "2 m 05 s"),
            (3_720_000_000_000, "1 h 02 m"),
        ];
        for (ns, shown) in cases {
            assert_eq!(duration(ns), shown, "{ns} ns");
        }
    }

    #[test]
    fn values_show_their_type() {
        let shown = |value: ValueBuf| attribute("k", &value);
        assert_eq!(shown(3_i64.into()), "k=3");
        assert_eq!(shown(3.0.into()), "k=3.0");
        assert_eq!(shown(true.into()), "k=true");
        assert_eq!(shown("sqlite".into()), "k=sqlite");
        assert_eq!(shown(ValueBuf::Bytes(vec![0xab, 1])), "k=0xab01");
        for text in ["3", "true", "1e9", ""] {
            assert_eq!(shown(text.into()), format!("k=\"{text}\""));
        }
    }

    #[test]
    fn text_is_quoted_escaped_and_cut_where_needed() {
        let shown = |text: &str| attribute("k", &text.into());
        assert_eq!(shown("two words"), "k=\"two words\"");
        assert_eq!(shown("a=\"b\\\""), "k=\"a=\\\"b\\\\\\\"\"");
        assert_eq!(shown("x\n\u{1b}[0m"), "k=\"x\\n\\u{1b}[0m\"");
        assert_eq!(shown(&"ü".repeat(61)), format!("k={}…", "ü".repeat(60)));
        assert_eq!(attribute("a\nb", &ValueBuf::Bytes(vec![0; 31])), format!("a\\nb=0x{}…", "00".repeat(30)));
    }

    #[test]
    fn arrays_stand_in_brackets_and_their_elements_show_their_type() {
        assert_eq!(attribute("k", &[1, 2].into()), "k=[1, 2]");
        assert_eq!(attribute("k", &[1.0].into()), "k=[1.0]");
        assert_eq!(attribute("k", &[""; 0].into()), "k=[]");
        assert_eq!(attribute("k", &["anna", "a,b", "7"].into()), "k=[anna, \"a,b\", \"7\"]");
        assert_eq!(attribute("k", &"a,b".into()), "k=a,b");
    }

    #[test]
    fn arrays_are_cut_between_elements() {
        let long: ValueBuf = vec![12_345_678; 1_000].into();
        assert_eq!(attribute("k", &long), format!("k=[{}…]", "12345678, ".repeat(6)));
    }

    #[test]
    fn wide_and_combining_characters_are_measured() {
        assert_eq!((width("abc"), width("注文"), width("e\u{301}"), width("‹✗›")), (3, 4, 1, 3));
    }

    proptest! {
        #[test]
        fn durations_stay_narrow(ns: u64) {
            prop_assert!(duration(ns).chars().count() <= 14);
            prop_assert!(ns > 1 << 45 || duration(ns).chars().count() <= 9);
        }
    }
}
