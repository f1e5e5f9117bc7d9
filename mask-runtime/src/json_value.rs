//! JSON texts by value: what the distinct parts of a scope are compared by.

use grammar_ir::ByteSet;

/// More levels of arrays and objects than this are not looked into; the text is then compared byte by byte.
const MAX_DEPTH: usize = 512;

/// The value of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum JsonValue {
    Null,
    Boolean(bool),
    Number(Number),
    /// The UTF-8 of the text; a lone surrogate is written like a character.
    String(Vec<u8>),
    Array(Vec<JsonValue>),
    /// Sorted by key.
    Object(Vec<(Vec<u8>, JsonValue)>),
    /// What is no JSON, or nested too deeply, or has an exponent beyond all measure.
    Other(Vec<u8>),
}

/// ± 0.`digits` · 10^`exponent`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Number {
    negative: bool,
    /// Without zeros at the ends; empty for zero.
    digits: Vec<u8>,
    exponent: i64,
}

impl JsonValue {
    /// The value of `text`.
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut reader = Reader { text, position: 0 };
        let value = reader.value(0);
        reader.blanks();
        match value {
            Some(value) if reader.position == text.len() => value,
            _ => Self::Other(text.to_vec()),
        }
    }

    /// Whether a text that begins with `text` may have this value. It may say so where none has.
    pub(crate) fn may_begin_with(&self, text: &[u8]) -> bool {
        Reader { text, position: 0 }.compare(self) != Comparison::Different
    }

    /// The bytes that a text of this value that begins with `text` may go on with; more where that is not plain to see.
    pub(crate) fn next_bytes(&self, text: &[u8]) -> ByteSet {
        match self {
            Self::String(string) => Reader { text, position: 0 }.bytes_of_string(string),
            _ => ByteSet::FULL,
        }
    }
}

/// How a text compares with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// It does not begin with a text of the value.
    Different,
    /// The text ends before that can be told.
    Open,
    /// It begins with a text of the value, after which the reader stands.
    Same,
}

struct Reader<'t> {
    text: &'t [u8],
    position: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.position += 1)
    }

    fn value(&mut self, depth: usize) -> Option<JsonValue> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blanks();
        match self.peek()? {
            b'n' => self.word(b"null").map(|()| JsonValue::Null),
            b't' => self.word(b"true").map(|()| JsonValue::Boolean(true)),
            b'f' => self.word(b"false").map(|()| JsonValue::Boolean(false)),
            b'"' => self.string().map(JsonValue::String),
            b'[' => self.array(depth),
            b'{' => self.object(depth),
            _ => Number::of(self.number()).map(JsonValue::Number),
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.position..].starts_with(word).then(|| self.position += word.len())
    }

    fn array(&mut self, depth: usize) -> Option<JsonValue> {
        self.take(b'[')?;
        let mut items = Vec::new();
        self.blanks();
        if self.take(b']').is_some() {
            return Some(JsonValue::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.take(b']').is_some() {
                return Some(JsonValue::Array(items));
            }
            self.take(b',')?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<JsonValue> {
        self.take(b'{')?;
        let mut members = Vec::new();
        self.blanks();
        if self.take(b'}').is_none() {
            loop {
                self.blanks();
                let key = self.string()?;
                self.blanks();
                self.take(b':')?;
                members.push((key, self.value(depth + 1)?));
                self.blanks();
                if self.take(b'}').is_some() {
                    break;
                }
                self.take(b',')?;
            }
        }
        members.sort_by(|left, right| left.0.cmp(&right.0));
        Some(JsonValue::Object(members))
    }

    /// What looks like a number.
    fn number(&mut self) -> &'t [u8] {
        let rest = &self.text[self.position..];
        let length =
            rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        self.position += length;
        &rest[..length]
    }

    fn string(&mut self) -> Option<Vec<u8>> {
        self.take(b'"')?;
        let mut decoded = Vec::new();
        loop {
            match self.character()? {
                Character::End => return Some(decoded),
                Character::Byte(byte) => decoded.push(byte),
                Character::CodePoint(code) => push_code_point(code, &mut decoded),
            }
        }
    }

    /// One byte or escape of a string; `None` where the text ends in it or it is none.
    fn character(&mut self) -> Option<Character> {
        let byte = self.peek()?;
        self.position += 1;
        Some(match byte {
            b'"' => Character::End,
            b'\\' => {
                let escape = self.peek()?;
                self.position += 1;
                match escape {
                    b'"' | b'\\' | b'/' => Character::Byte(escape),
                    b'b' => Character::Byte(8),
                    b'f' => Character::Byte(12),
                    b'n' => Character::Byte(b'\n'),
                    b'r' => Character::Byte(b'\r'),
                    b't' => Character::Byte(b'\t'),
                    b'u' => {
                        let first = self.four_digits()?;
                        let rest = &self.text[self.position..];
                        if !(0xd800..0xdc00).contains(&first) || matches!(rest.first(), Some(byte) if *byte != b'\\') {
                            return Some(Character::CodePoint(first));
                        }
                        self.low_surrogate(first)?
                    }
                    _ => return None,
                }
            }
            _ => Character::Byte(byte),
        })
    }

    /// What follows a high surrogate, if it is an escape.
    fn low_surrogate(&mut self, first: u32) -> Option<Character> {
        let before = self.position;
        self.take(b'\\')?;
        if self.peek()? == b'u' {
            self.position += 1;
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                return Some(Character::CodePoint(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)));
            }
        }
        self.position = before;
        Some(Character::CodePoint(first))
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.position..self.position + 4)?;
        let code = digits.iter().try_fold(0, |code, &digit| Some(code * 16 + char::from(digit).to_digit(16)?))?;
        self.position += 4;
        Some(code)
    }

    fn compare(&mut self, value: &JsonValue) -> Comparison {
        if let JsonValue::Other(other) = value {
            return if other.starts_with(self.text) { Comparison::Open } else { Comparison::Different };
        }
        self.blanks();
        if self.peek().is_none() {
            return Comparison::Open;
        }
        match value {
            JsonValue::Null => self.compare_word(b"null"),
            JsonValue::Boolean(true) => self.compare_word(b"true"),
            JsonValue::Boolean(false) => self.compare_word(b"false"),
            JsonValue::Number(number) => self.compare_number(number),
            JsonValue::String(string) => self.compare_string([string.as_slice()]).0,
            JsonValue::Array(items) => self.compare_array(items),
            JsonValue::Object(members) => self.compare_object(members),
            JsonValue::Other(_) => Comparison::Open,
        }
    }

    fn compare_word(&mut self, word: &[u8]) -> Comparison {
        let rest = &self.text[self.position..];
        if rest.starts_with(word) {
            self.position += word.len();
            return Comparison::Same;
        }
        if word.starts_with(rest) { Comparison::Open } else { Comparison::Different }
    }

    fn compare_number(&mut self, number: &Number) -> Comparison {
        let text = self.number();
        if self.peek().is_some() {
            return if Number::of(text).as_ref() == Some(number) { Comparison::Same } else { Comparison::Different };
        }
        if number.may_begin_with(text) { Comparison::Open } else { Comparison::Different }
    }

    /// The bytes that the text may go on with to become `string`.
    fn bytes_of_string(&mut self, string: &[u8]) -> ByteSet {
        self.blanks();
        if self.peek().is_none() {
            return [b' ', b'\t', b'\n', b'\r', b'"'].into_iter().collect();
        }
        if self.take(b'"').is_none() {
            return ByteSet::EMPTY;
        }
        let mut rest = string;
        while let Some(byte) = self.peek() {
            // Where an escape stands, or stood, is left to a comparison of the whole.
            if byte == b'\\' {
                return ByteSet::FULL;
            }
            match rest.split_first() {
                Some((&next, after)) if next == byte => rest = after,
                _ if byte == b'"' && rest.is_empty() => return ByteSet::FULL,
                _ => return ByteSet::EMPTY,
            }
            self.position += 1;
        }
        match rest.first() {
            Some(&next) => [next, b'\\'].into_iter().collect(),
            None => [b'"'].into_iter().collect(),
        }
    }

    /// Compares with several strings at once; says which one it is, too.
    fn compare_string<'s>(&mut self, strings: impl IntoIterator<Item = &'s [u8]>) -> (Comparison, usize) {
        if self.take(b'"').is_none() {
            return (Comparison::Different, 0);
        }
        let mut decoded = Vec::new();
        let mut strings = strings.into_iter();
        loop {
            match self.character() {
                Some(Character::End) => {
                    return match strings.position(|string| string == decoded) {
                        Some(position) => (Comparison::Same, position),
                        None => (Comparison::Different, 0),
                    };
                }
                Some(Character::Byte(byte)) => decoded.push(byte),
                Some(Character::CodePoint(code)) => push_code_point(code, &mut decoded),
                None => {
                    let open = strings.any(|string| string.starts_with(&decoded));
                    return (if open { Comparison::Open } else { Comparison::Different }, 0);
                }
            }
        }
    }

    fn compare_array(&mut self, items: &[JsonValue]) -> Comparison {
        if self.take(b'[').is_none() {
            return Comparison::Different;
        }
        let mut items = items.iter();
        let mut is_first = true;
        loop {
            self.blanks();
            match self.peek() {
                None => return Comparison::Open,
                Some(b']') => {
                    self.position += 1;
                    return if items.next().is_none() { Comparison::Same } else { Comparison::Different };
                }
                Some(b',') if !is_first => self.position += 1,
                _ => {}
            }
            is_first = false;
            let Some(item) = items.next() else { return Comparison::Different };
            match self.compare(item) {
                Comparison::Same => {}
                other => return other,
            }
        }
    }

    fn compare_object(&mut self, members: &[(Vec<u8>, JsonValue)]) -> Comparison {
        if self.take(b'{').is_none() {
            return Comparison::Different;
        }
        let mut seen = 0;
        loop {
            self.blanks();
            match self.peek() {
                None => return Comparison::Open,
                Some(b'}') => {
                    self.position += 1;
                    return if seen == members.len() { Comparison::Same } else { Comparison::Different };
                }
                Some(b',') if seen > 0 => self.position += 1,
                _ => {}
            }
            self.blanks();
            if self.peek().is_none() {
                return Comparison::Open;
            }
            let (comparison, member) = self.compare_string(members.iter().map(|(key, _)| key.as_slice()));
            if comparison != Comparison::Same {
                return comparison;
            }
            self.blanks();
            match self.peek() {
                None => return Comparison::Open,
                Some(b':') => self.position += 1,
                Some(_) => return Comparison::Different,
            }
            match self.compare(&members[member].1) {
                Comparison::Same => seen += 1,
                other => return other,
            }
        }
    }
}

enum Character {
    /// The closing quote.
    End,
    Byte(u8),
    CodePoint(u32),
}

/// Appends the UTF-8 of a code point; a surrogate is encoded like any other.
fn push_code_point(code: u32, bytes: &mut Vec<u8>) {
    match char::from_u32(code) {
        Some(character) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        None => bytes.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8]),
    }
}

/// The parts of a number's text.
struct Digits {
    negative: bool,
    /// Before and after the point, without zeros at the beginning.
    digits: Vec<u8>,
    /// How many of the digits, zeros at the beginning counted, stand before the point, less those zeros.
    before_point: i64,
    exponent: Option<i64>,
}

impl Digits {
    /// `None` where it is no number, nor the beginning of one, or has an exponent beyond all measure.
    fn of(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mantissa_length = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at(mantissa_length);
        let point = mantissa.iter().position(|&byte| byte == b'.').unwrap_or(mantissa.len());
        let digits: Vec<u8> = mantissa.iter().copied().filter(|&byte| byte != b'.').collect();
        if digits.iter().any(|digit| !digit.is_ascii_digit()) {
            return None;
        }
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        let exponent = match exponent {
            [] | [_] | [_, b'+' | b'-'] => None,
            [_, exponent @ ..] => Some(std::str::from_utf8(exponent).ok()?.parse().ok()?),
        };
        let before_point = i64::try_from(point).ok()? - i64::try_from(zeros).ok()?;
        Some(Self { negative, digits: digits[zeros..].to_vec(), before_point, exponent })
    }
}

impl Number {
    fn of(text: &[u8]) -> Option<Self> {
        let Digits { negative, mut digits, before_point, exponent } = Digits::of(text)?;
        if !text.last()?.is_ascii_digit() {
            return None;
        }
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        Some(Self { negative, digits, exponent: before_point.checked_add(exponent.unwrap_or(0))? })
    }

    /// Whether a number whose text begins with `text` may be this one: the digits must agree as far as they go, and zeros
    /// may follow; what the exponent will be is not known.
    fn may_begin_with(&self, text: &[u8]) -> bool {
        let Some(begun) = Digits::of(text) else { return true };
        if self.digits.is_empty() {
            return begun.digits.is_empty();
        }
        if begun.negative != self.negative {
            return false;
        }
        let common = begun.digits.len().min(self.digits.len());
        let agrees = begun.digits[..common] == self.digits[..common]
            && begun.digits[common..].iter().all(|&digit| digit == b'0');
        let has_exponent = text.iter().any(|byte| matches!(byte, b'e' | b'E'));
        agrees && (!has_exponent || begun.digits.len() >= self.digits.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(left: &str, right: &str) -> bool {
        JsonValue::of(left.as_bytes()) == JsonValue::of(right.as_bytes())
    }

    #[test]
    fn values_are_compared_and_not_spellings() {
        let same = [
            ("1", "1.0"),
            ("100", "1e2"),
            ("-0", "0.00"),
            ("0.001", "1E-3"),
            ("12", "120e-1"),
            (r#""a""#, r#""\u0061""#),
            (r#""😀""#, r#""\ud83d\ude00""#),
            (r#""\ud83d""#, r#""\uD83D""#),
            (r#""/\n""#, r#""\/\u000a""#),
            ("[1, 2]", "[ 1.0,2 ]"),
            (r#"{"a":1,"b":[2]}"#, r#"{ "b" : [2.0], "\u0061":1e0 }"#),
            ("x y", "x y"),
            (" true", "true "),
        ];
        for (left, right) in same {
            assert!(equal(left, right), "{left} {right}");
        }
        let different = [
            ("1", "-1"),
            ("1", "10"),
            ("true", "\"true\""),
            ("[1,2]", "[2,1]"),
            (r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
            (r#""\ud83d""#, r#""\ude00""#),
            ("x", "x "),
            ("1e99999999999999999999", "2e99999999999999999999"),
        ];
        for (left, right) in different {
            assert!(!equal(left, right), "{left} {right}");
        }
    }

    /// Every beginning of a text of a value is one that its value may begin with, and of the others most are not.
    #[test]
    fn beginnings_of_texts() {
        let texts = [
            "120",
            "-0.50",
            "12.0e3",
            "0",
            "null",
            "true",
            r#""a\u00e9\ud83d\ude00\n""#,
            r#"[1, "x", [], {}]"#,
            r#"{"k" : 1, "l":[null, {"m":0.5}]}"#,
            "neither",
        ];
        for text in texts {
            let value = JsonValue::of(text.as_bytes());
            for end in 0..=text.len() {
                assert!(value.may_begin_with(&text.as_bytes()[..end]), "{text} {}", &text[..end]);
            }
            for other in texts.iter().filter(|other| **other != text) {
                assert!(!value.may_begin_with(format!("{other} ").as_bytes()), "{text} {other}");
            }
        }
        let number = JsonValue::of(b"12");
        for text in ["13", "2", "-1", "1.3", "\"", "121", "12.1", "1e"] {
            assert!(!number.may_begin_with(text.as_bytes()), "{text}");
        }
        let object = JsonValue::of(br#"{"a":1,"bc":2}"#);
        assert!(object.may_begin_with(br#"{"bc":2,"a"#));
        assert!(!object.may_begin_with(br#"{"bc":3"#) || object.may_begin_with(br#"{"bc":2"#));
        assert!(!object.may_begin_with(br#"{"c"#));
        assert!(!object.may_begin_with(br#"{"bc":3,"#));
    }

    #[test]
    fn deep_texts_are_compared_byte_by_byte() {
        let deep = "[".repeat(100_000);
        assert!(equal(&deep, &deep));
    }

    #[test]
    fn a_text_of_the_value_goes_on_with_one_of_the_next_bytes() {
        let spellings: [&[&str]; 7] = [
            &[r#""""#, "  \"\"\n"],
            &[r#""ab/""#, r#""\u0061b\/""#, r#" "a\u0062/" "#],
            &[r#""ä""#, r#""\u00e4""#, r#""\u00E4""#],
            &[r#""\"\\""#, r#""\u0022\u005c""#],
            &[r#""😀x""#, r#""\ud83d\ude00x""#, r#""😀\u0078""#],
            &["12.5", "12.50", "125e-1"],
            &["[1, true]", "[1.0,true]"],
        ];
        for texts in spellings {
            let value = JsonValue::of(texts[0].as_bytes());
            for text in texts.iter().map(|text| text.as_bytes()) {
                assert_eq!(JsonValue::of(text), value);
                for length in 0..text.len() {
                    assert!(value.next_bytes(&text[..length]).contains(text[length]), "{value:?} {length} {text:?}");
                }
            }
        }
        let value = JsonValue::of(br#""ab""#);
        assert!(!value.next_bytes(br#""a"#).contains(b'"') && !value.next_bytes(br#""ab"#).contains(b'c'));
    }
}
