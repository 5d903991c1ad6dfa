//! Text that others wrote, made fit for a line.

use std::borrow::Cow;

/// Whether a character could steer a terminal or hide what is written: control characters, and
/// those that turn the direction of writing.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// One line without control characters: names and tags are chosen by whoever may tag a
/// resource, and are shown to whoever reads the report.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if is_unsafe(c) => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
        line
    }))
}

/// At most `max` characters; the last is `…` where something was cut.
pub(crate) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.chars().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    Cow::Owned(kept.trim_end().to_owned() + "…")
}

/// Lines of at most `width` characters, broken at spaces; a longer word stands alone, cut where
/// it must be.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let chars: Vec<char> = word.chars().collect();
        for (index, piece) in chars.chunks(width).enumerate() {
            let gap = usize::from(length > 0 && index == 0);
            if length > 0 && (index > 0 || length + gap + piece.len() > width) {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.extend(piece);
            length += piece.len();
        }
    }
    if length > 0 {
        lines.push(line);
    }
    lines
}

/// `1 finding`, `2 findings`.
pub(crate) fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", grouped(number)) }
}

/// `12,906`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    digits.char_indices().fold(String::with_capacity(digits.len() + 6), |mut text, (at, digit)| {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{cut, grouped, line, wrap};

    #[test]
    fn what_would_steer_a_terminal_is_spelled_out() {
        assert_eq!(line("plain ünïcode"), "plain ünïcode");
        assert_eq!(line("a\u{1b}[31mred\nnext"), "a\\u{1b}[31mred next");
        assert_eq!(line("gnp.\u{202e}exe"), "gnp.\\u{202e}exe");
    }

    #[test]
    fn cutting_counts_characters_not_bytes() {
        assert_eq!(cut("ééé", 3), "ééé");
        assert_eq!(cut("éééé", 3), "éé…");
    }

    #[test]
    fn wrapping_loses_nothing() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a arn:aws:s3:::x b", 6), ["a", "arn:aw", "s:s3::", ":x b"]);
        assert!(wrap("  ", 5).is_empty());
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
