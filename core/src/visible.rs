//! Makes what cannot be seen visible, so that a capsule's text cannot pretend to be another text.

use std::fmt::Write;

/// The text with every control, bidirectional and zero-width character spelled out, `\u{202e}` for example; for texts of
/// one line. Everything else stays as it is.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        push(&mut shown, character);
    }
    shown
}

/// As [`visible`], for texts of several lines: line breaks and tabs stay, and so do the joiners that emoji are made with.
#[must_use]
pub fn visible_prose(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => shown.push(character),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\u{200d}' | '\u{fe0f}' if before.is_some_and(is_emoji) => shown.push(character),
            other => push(&mut shown, other),
        }
        before = Some(character);
    }
    shown
}

fn push(shown: &mut String, character: char) {
    if is_invisible(character) {
        // Writing to a string cannot fail.
        let _ = write!(shown, "{}", character.escape_unicode());
    } else {
        shown.push(character);
    }
}

/// Controls, separators of lines, and what Unicode calls ignorable by default: that is, everything which directs, joins or
/// marks up text without showing.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a joiner or a presentation selector may follow: pictographs, symbols and keycaps.
fn is_emoji(character: char) -> bool {
    matches!(character,
        '#' | '*' | '0'..='9' | '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{fe0f}'
        | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_seen_stays() {
        for text in ["", "delete /tmp/x", "Größe 東京 مرحبا", "a\\u{202e}b"] {
            assert_eq!(visible(text), text);
            assert_eq!(visible_prose(text), text);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(visible("pay\u{202e}001 \u{200b}€"), "pay\\u{202e}001 \\u{200b}€");
        assert_eq!(visible("a\nb\0\u{1b}[2J"), "a\\u{a}b\\u{0}\\u{1b}[2J");
        assert_eq!(visible("x\u{feff}\u{2066}\u{e0041}\u{85}"), "x\\u{feff}\\u{2066}\\u{e0041}\\u{85}");
    }

    #[test]
    fn prose_keeps_its_lines_and_its_emoji() {
        assert_eq!(visible_prose("a\r\nb\tc\rd"), "a\nb\tc\\u{d}d");
        let family = "\u{26a0}\u{fe0f} \u{1f468}\u{200d}\u{1f469}";
        assert_eq!(visible_prose(family), family);
        assert_eq!(visible_prose("a\u{200d}b\u{fe0f}"), "a\\u{200d}b\\u{fe0f}");
    }
}
