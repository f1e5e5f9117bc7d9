//! Texts of JSON without what does not tell values apart.

/// `added` as one of the ways to spell it: no white space that punctuation is next to, other white space as one blank; no
/// zeros at the end of a fraction, no fraction of zeros alone, no zeros at the beginning of an exponent; no escapes where
/// the character can stand for itself. `before` is what comes before it in the same value, and says what is inside a string.
///
/// Two texts that are the same afterwards, and have led to the same states, become equal values with whatever follows, but
/// for the zeros of a fraction that goes on.
pub(crate) fn canonical(before: &[u8], added: &[u8]) -> Vec<u8> {
    let mut spelling = Spelling::new(added.len());
    before.iter().for_each(|&byte| spelling.read(byte));
    spelling.forget();
    added.iter().for_each(|&byte| spelling.read(byte));
    spelling.finish()
}

/// Where in a value a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In no string and no number.
    Outside,
    /// In the digits before the point.
    Integer,
    Fraction,
    /// Before the first digit of an exponent other than zero.
    ExponentStart,
    Exponent,
    String,
    /// In an escape.
    Escape,
}

struct Spelling {
    place: Place,
    last: u8,
    blank: bool,
    kept: Vec<u8>,
    /// What may turn out not to matter: a point and zeros, or the beginning of an escape.
    pending: Vec<u8>,
    /// Whether the escape being read began before what is spelled.
    is_cut: bool,
}

impl Spelling {
    fn new(length: usize) -> Self {
        let kept = Vec::with_capacity(length);
        Self { place: Place::Outside, last: b'[', blank: false, kept, pending: Vec::new(), is_cut: false }
    }

    /// Leaves out what has been read.
    fn forget(&mut self) {
        self.kept.clear();
        if self.place == Place::Escape {
            self.is_cut = true;
        } else {
            self.pending.clear();
        }
    }

    fn read(&mut self, byte: u8) {
        match self.place {
            Place::String => self.read_in_string(byte),
            Place::Escape => self.read_in_escape(byte),
            _ => self.read_outside(byte),
        }
        self.last = byte;
    }

    fn read_in_string(&mut self, byte: u8) {
        match byte {
            b'\\' => {
                self.place = Place::Escape;
                self.is_cut = false;
                self.pending.push(byte);
            }
            b'"' => {
                self.place = Place::Outside;
                self.kept.push(byte);
            }
            _ => self.kept.push(byte),
        }
    }

    fn read_in_escape(&mut self, byte: u8) {
        self.pending.push(byte);
        let character = match (self.pending.get(1), self.pending.len()) {
            (Some(b'u'), 6) => std::str::from_utf8(&self.pending[2..])
                .ok()
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .and_then(char::from_u32),
            (Some(b'u'), _) => return,
            (Some(b'b'), _) => Some('\u{8}'),
            (Some(b'f'), _) => Some('\u{c}'),
            (Some(b'n'), _) => Some('\n'),
            (Some(b'r'), _) => Some('\r'),
            (Some(b't'), _) => Some('\t'),
            (Some(&byte), _) => Some(char::from(byte)),
            (None, _) => None,
        };
        match character {
            // The beginning has been left out, and so the rest stays what it is.
            _ if self.is_cut => self.kept.push(byte),
            Some(character @ ('"' | '\\')) => self.kept.extend([b'\\', character as u8]),
            Some(character) => self.kept.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            // Half of a pair of surrogates.
            None => self.kept.extend(self.pending.iter().map(u8::to_ascii_lowercase)),
        }
        self.pending.clear();
        self.place = Place::String;
    }

    fn read_outside(&mut self, byte: u8) {
        let is_number = self.place != Place::Outside;
        match (self.place, byte) {
            (Place::Integer, b'.') => {
                self.place = Place::Fraction;
                self.pending.push(byte);
                return;
            }
            (Place::Fraction, b'0') => {
                self.pending.push(byte);
                return;
            }
            (Place::Fraction, b'1'..=b'9') => self.kept.append(&mut self.pending),
            (Place::Integer | Place::Fraction, b'e' | b'E') => {
                self.place = Place::ExponentStart;
                self.pending.clear();
                self.kept.push(b'e');
                return;
            }
            (Place::ExponentStart, b'0' | b'+') => return,
            (Place::ExponentStart, b'1'..=b'9') => self.place = Place::Exponent,
            (Place::ExponentStart, b'-') | (Place::Integer | Place::Exponent, b'0'..=b'9') => {}
            (_, b'0'..=b'9' | b'-') => self.place = Place::Integer,
            _ => self.place = Place::Outside,
        }
        if is_number && self.place == Place::Outside {
            self.pending.clear();
        }
        let is_punctuation = |byte: u8| b"[]{},:".contains(&byte);
        if byte.is_ascii_whitespace() {
            self.blank |= !is_punctuation(self.last) && !self.last.is_ascii_whitespace();
            return;
        }
        if std::mem::take(&mut self.blank) && !is_punctuation(byte) {
            self.kept.push(b' ');
        }
        if byte == b'"' {
            self.place = Place::String;
        }
        self.kept.push(byte);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.place == Place::Escape && !self.is_cut {
            // The beginning of an escape may become several.
            self.kept.append(&mut self.pending);
        } else if self.blank {
            self.kept.push(b' ');
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn canonical_of(before: &str, added: &str) -> String {
        String::from_utf8(canonical(before.as_bytes(), added.as_bytes())).expect("UTF-8")
    }

    #[test]
    fn one_spelling_of_many() {
        for (before, added, expected) in [
            ("", " [ 1 ,\n2 ] ", "[1,2]"),
            ("", "[1.0, 1.50, 1.05, 1.000, 0.0]", "[1,1.5,1.05,1,0]"),
            ("[3, 1", ".000", ""),
            ("[3, 1.0", "00 ,2", ",2"),
            ("[3, 1.", "05", "05"),
            ("", "[1e+05, 1E5, 1.0e-007, 1e00]", "[1e5,1e5,1e-7,1e]"),
            ("", r#""1.000""#, r#""1.000""#),
            ("", r#""\u0061\n\u0022\u005C\/ \ud83D""#, "\"a\n\\\"\\\\/ \\ud83d\""),
            (r#"["\u00"#, r#"61b""#, r#"1b""#),
            (r#"["\"#, r#"n b""#, r#"n b""#),
            (r#"["a"#, r#" , b"#, " , b"),
            ("[tru", "e , 1 ", "e,1 "),
            ("", "\"a\\u0", "\"a\\u0"),
        ] {
            assert_eq!(canonical_of(before, added), expected, "{before:?} {added:?}");
        }
    }

    /// A value in some spelling.
    fn spelled() -> impl Strategy<Value = String> {
        let digit = || prop::sample::select(vec!["0", "00", "1", "5"]);
        let number =
            (prop::sample::select(vec!["0", "1", "-1", "10"]), prop::option::of(prop::collection::vec(digit(), 1..3)))
                .prop_map(|(whole, fraction)| match fraction {
                    Some(digits) => format!("{whole}.{}", digits.concat()),
                    None => whole.to_owned(),
                });
        let part = prop::sample::select(vec![
            "a", r"\u0061", r"\n", r"\u000a", r"\u000A", r#"\""#, r"\u0022", "1.0", " ", r"\\", "0",
        ]);
        let string = prop::collection::vec(part, 0..4).prop_map(|parts| format!("\"{}\"", parts.concat()));
        let blank = || prop::sample::select(vec!["", " ", "\n\t"]);
        let leaf = prop_oneof![number, string, Just("true".to_owned()), Just("null".to_owned())];
        leaf.prop_recursive(2, 8, 3, move |inner| {
            (prop::collection::vec((blank(), inner, blank()), 0..3), blank()).prop_map(|(items, end)| {
                let items: Vec<String> =
                    items.iter().map(|(before, item, after)| format!("{before}{item}{after}")).collect();
                format!("[{}{end}]", items.join(","))
            })
        })
    }

    /// Numbers by their value: `serde_json` tells 1 from 1.0.
    fn value(text: &str) -> Value {
        fn plain(value: Value) -> Value {
            match value {
                Value::Number(number) => Value::from(number.as_f64()),
                Value::Array(items) => items.into_iter().map(plain).collect(),
                other => other,
            }
        }
        plain(serde_json::from_str(text).expect("JSON"))
    }

    proptest! {
        #[test]
        fn values_are_told_apart_and_spellings_are_not(left in spelled(), right in spelled(), cut in any::<prop::sample::Index>()) {
            let same = canonical_of("", &left) == canonical_of("", &right);
            prop_assert_eq!(same, value(&left) == value(&right), "{} {}", left, right);
            // What follows a beginning is spelled as it is in the whole, up to what straddles the two.
            let places: Vec<usize> = left.char_indices().map(|(at, _)| at).chain([left.len()]).collect();
            let (before, added) = left.split_at(*cut.get(&places));
            let whole = canonical_of("", &left);
            if before.ends_with([',', '[']) && !before.contains('"') {
                prop_assert!(whole.ends_with(&canonical_of(before, added)), "{} {}", before, added);
            }
        }
    }
}
