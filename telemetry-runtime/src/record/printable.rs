//! Text from elsewhere, made safe to show: it can neither start a new line, nor steer a terminal, nor turn the reading direction.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that is not simply shown written as an escape, as in a Rust string.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(acts_unseen) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => safe.extend(c.escape_default()),
            c if acts_unseen(c) => {
                // Writing to a string does not fail.
                let _ = write!(safe, "{}", c.escape_unicode());
            }
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// The first so many characters, and a mark if there are more.
pub(crate) fn shortened(text: &str, max_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Control characters, line separators, and the format characters that are invisible or reorder what is around them.
///
/// Source: Unicode 16, general categories Cc, Zl, Zp and Cf; Unicode Technical Report 36, section 2.10.
pub(crate) fn acts_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_what_steers_the_terminal_or_the_reader() {
        assert_eq!(escaped("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(escaped("\u{1b}[31mred\u{9b}0m\u{7f}"), "\\u{1b}[31mred\\u{9b}0m\\u{7f}");
        assert_eq!(escaped("user\u{202e}nimda\u{2066}\u{2028}"), "user\\u{202e}nimda\\u{2066}\\u{2028}");
    }

    #[test]
    fn leaves_text_in_any_script_alone() {
        for text in ["", "plain", "naïve – “quoted”", "注文", "заказ", "👩 x"] {
            assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn shortens_between_characters() {
        assert_eq!(shortened("日本語", 2), "日本…");
        assert_eq!(shortened("日本語", 3), "日本語");
        assert_eq!(shortened("", 0), "");
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left(text: String) {
            prop_assert!(!escaped(&text).contains(acts_unseen));
        }
    }
}
