//! Bytes and texts in words.

use std::fmt::{self, Write as _};

use grammar_ir::ByteSet;
use serde_json::Value;

/// Shows bytes in quotes, with escapes for what is not printable or not UTF-8. At most `max` characters are shown.
pub(crate) struct Quoted<'a> {
    bytes: &'a [u8],
    max: usize,
}

impl<'a> Quoted<'a> {
    /// All of `bytes`.
    pub(crate) fn all(bytes: &'a [u8]) -> Self {
        Self { bytes, max: usize::MAX }
    }

    /// The beginning of `bytes`.
    pub(crate) fn start(bytes: &'a [u8], max: usize) -> Self {
        Self { bytes, max }
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut left = self.max;
        for chunk in self.bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                if left == 0 {
                    return f.write_str("\"…");
                }
                left -= 1;
                write_character(f, character)?;
            }
            for byte in chunk.invalid() {
                if left == 0 {
                    return f.write_str("\"…");
                }
                left -= 1;
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_char('"')
    }
}

fn write_character(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '"' => f.write_str("\\\""),
        // `escape_debug` would turn it into an escape, too.
        '\'' => f.write_char('\''),
        _ => write!(f, "{}", character.escape_debug()),
    }
}

/// A text of unknown origin for a terminal: what is not printable, escapes of the terminal among it, as an escape.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// A set of bytes in words, for a text that is UTF-8 up to there.
pub(crate) struct Bytes<'a>(pub(crate) &'a ByteSet);

/// Above this many printable characters, it is easier to say which are missing.
const LISTED_CHARACTERS: usize = 64;

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        let mut parts = Vec::new();
        let ascii = self.0.intersection(&ByteSet::range(0, 0x7f));
        let missing = ByteSet::range(0, 0x7f).intersection(&ascii.complement());
        if missing.is_empty() {
            parts.push("any ASCII character".to_owned());
        } else if ascii.intersection(&ByteSet::range(b' ', b'~')).len() > LISTED_CHARACTERS {
            parts.push(format!("any ASCII character but {}", ranges(&missing)));
        } else if !ascii.is_empty() {
            parts.push(ranges(&ascii));
        }
        let leads = ByteSet::range(0xc2, 0xf4);
        let begin = self.0.intersection(&leads);
        if begin == leads {
            parts.push("any other character".to_owned());
        } else if !begin.is_empty() {
            parts.push(format!("other characters that begin with the byte {}", ranges(&begin)));
        }
        let rest = self.0.intersection(&ByteSet::range(0x80, 0xff)).intersection(&leads.complement());
        if !rest.is_empty() {
            parts.push(format!("the byte {}", ranges(&rest)));
        }
        f.write_str(&parts.join(", "))
    }
}

fn ranges(set: &ByteSet) -> String {
    let mut text = String::new();
    for (low, high) in set.ranges() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&byte(low));
        if high > low {
            // Two neighbours are a list, not a range.
            text.push_str(if high - low == 1 { " " } else { "–" });
            text.push_str(&byte(high));
        }
    }
    text
}

fn byte(byte: u8) -> String {
    match byte {
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\'' | b'\\' => format!("'\\{}'", char::from(byte)),
        b' '..=b'~' => format!("'{}'", char::from(byte)),
        _ => format!("\\x{byte:02x}"),
    }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A set of bytes for programs: the ranges `[low, high]`.
pub(crate) fn bytes_json(set: &ByteSet) -> Value {
    set.ranges().map(|(low, high)| Value::from(vec![low, high])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_unseen() {
        assert_eq!(printable("a\"\\ü"), "a\"\\ü");
        assert_eq!(printable("\u{1b}[2J\n\u{202e}\u{7f}\u{9b}"), "\\u{1b}[2J\\n\\u{202e}\\u{7f}\\u{9b}");
    }

    #[test]
    fn quoted_shows_every_byte() {
        assert_eq!(Quoted::all("a\"'\n\u{1}ü".as_bytes()).to_string(), "\"a\\\"'\\n\\u{1}ü\"");
        assert_eq!(Quoted::all(b"a\xff\xc3").to_string(), "\"a\\xff\\xc3\"");
        assert_eq!(Quoted::start(b"abcdef", 3).to_string(), "\"abc\"…");
        assert_eq!(Quoted::start(b"abc", 3).to_string(), "\"abc\"");
    }

    #[test]
    fn sets_in_words() {
        let shown = |set: ByteSet| Bytes(&set).to_string();
        assert_eq!(shown([b'\'', b'\\'].into_iter().collect()), "'\\'' '\\\\'");
        assert_eq!(shown(ByteSet::EMPTY), "nothing");
        assert_eq!(shown(ByteSet::range(b'0', b'9')), "'0'–'9'");
        assert_eq!(shown([b'a', b'b', b'\n'].into_iter().collect()), "\\n 'a' 'b'");
        assert_eq!(shown(ByteSet::FULL.intersection(&ByteSet::range(0, 0x7f))), "any ASCII character");
        assert_eq!(
            shown(ByteSet::range(b'\x20', b'\x7e').union(&ByteSet::range(0xc2, 0xf4))),
            "any ASCII character but \\x00–\\x1f \\x7f, any other character"
        );
        assert_eq!(shown(ByteSet::range(0xc3, 0xc3)), "other characters that begin with the byte \\xc3");
        assert_eq!(shown(ByteSet::range(0x80, 0xbf)), "the byte \\x80–\\xbf");
    }
}
