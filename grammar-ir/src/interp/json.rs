//! Texts that scopes compare: equal JSON values get equal forms.
//!
//! JSON is read by RFC 8259, blanks around the value included. Strings are equal by their UTF-16 code units, as section 8.3
//! of it says, so that a lone surrogate is a text, too; numbers by the number that their decimal digits say, however large
//! it is; arrays in order; objects as collections of members in any order. What is not JSON is compared byte by byte.

/// Bytes that are equal for texts that are equal.
pub(super) fn canonical(text: &[u8]) -> Vec<u8> {
    match Reader::new(text).and_then(Reader::document) {
        Some(value) => [b"J".as_slice(), &value].concat(),
        None => [b"T".as_slice(), text].concat(),
    }
}

/// An array or object that is not closed yet.
enum Open {
    Array(Vec<Vec<u8>>),
    /// The members so far, and the name of the one that is being read.
    Object(Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>),
}

struct Reader<'t> {
    text: &'t str,
}

impl<'t> Reader<'t> {
    fn new(text: &'t [u8]) -> Option<Self> {
        std::str::from_utf8(text).ok().map(|text| Self { text })
    }

    /// The form of the whole text. `None`, here and below, is no JSON.
    fn document(mut self) -> Option<Vec<u8>> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.skip_blanks();
            let mut value = if self.eat("[") {
                if !self.eat_after_blanks("]") {
                    open.push(Open::Array(Vec::new()));
                    continue;
                }
                array(&[])
            } else if self.eat("{") {
                if !self.eat_after_blanks("}") {
                    let name = self.name()?;
                    open.push(Open::Object(Vec::new(), name));
                    continue;
                }
                object(Vec::new())
            } else {
                self.scalar()?
            };
            loop {
                self.skip_blanks();
                value = match open.pop() {
                    None => return self.text.is_empty().then_some(value),
                    Some(Open::Array(mut items)) => {
                        items.push(value);
                        if self.eat(",") {
                            open.push(Open::Array(items));
                            break;
                        }
                        self.eat("]").then(|| array(&items))?
                    }
                    Some(Open::Object(mut members, name)) => {
                        members.push((name, value));
                        if self.eat(",") {
                            self.skip_blanks();
                            let name = self.name()?;
                            open.push(Open::Object(members, name));
                            break;
                        }
                        self.eat("}").then(|| object(members))?
                    }
                };
            }
        }
    }

    /// The name of a member and the colon after it.
    fn name(&mut self) -> Option<Vec<u8>> {
        let name = self.string()?;
        self.eat_after_blanks(":").then_some(name)
    }

    fn scalar(&mut self) -> Option<Vec<u8>> {
        if self.text.starts_with('"') {
            return self.string();
        }
        let word = ["true", "false", "null"].into_iter().find(|word| self.eat(word));
        word.map(|word| word.as_bytes().to_vec()).or_else(|| self.number())
    }

    fn string(&mut self) -> Option<Vec<u8>> {
        if !self.eat("\"") {
            return None;
        }
        let mut units = Vec::new();
        loop {
            let next = self.text.chars().next()?;
            self.text = &self.text[next.len_utf8()..];
            match next {
                '"' => break,
                '\\' => units.push(self.escape()?),
                '\0'..='\x1f' => return None,
                _ => units.extend_from_slice(next.encode_utf16(&mut [0; 2])),
            }
        }
        Some([b'"'].into_iter().chain(units.into_iter().flat_map(u16::to_be_bytes)).collect())
    }

    fn escape(&mut self) -> Option<u16> {
        let simple = [
            ("\"", '"'),
            ("\\", '\\'),
            ("/", '/'),
            ("b", '\u{8}'),
            ("f", '\u{c}'),
            ("n", '\n'),
            ("r", '\r'),
            ("t", '\t'),
        ];
        if let Some((_, meant)) = simple.into_iter().find(|(written, _)| self.eat(written)) {
            return u16::try_from(u32::from(meant)).ok();
        }
        if !self.eat("u") {
            return None;
        }
        let digits = self.text.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.text = &self.text[4..];
        u16::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Option<Vec<u8>> {
        let negative = self.eat("-");
        let whole = self.digits()?;
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let fraction = if self.eat(".") { self.digits()? } else { "" };
        let mut exponent = (false, "0");
        if self.eat("e") || self.eat("E") {
            exponent = (self.eat("-"), "");
            if !exponent.0 {
                self.eat("+");
            }
            exponent.1 = self.digits()?;
        }
        Some(number(negative, whole, fraction, exponent))
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<&'t str> {
        let end = self.text.find(|next: char| !next.is_ascii_digit()).unwrap_or(self.text.len());
        let (digits, rest) = self.text.split_at(end);
        self.text = rest;
        (!digits.is_empty()).then_some(digits)
    }

    fn eat(&mut self, expected: &str) -> bool {
        let rest = self.text.strip_prefix(expected);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn eat_after_blanks(&mut self, expected: &str) -> bool {
        self.skip_blanks();
        self.eat(expected)
    }

    fn skip_blanks(&mut self) {
        self.text = self.text.trim_start_matches([' ', '\t', '\n', '\r']);
    }
}

/// A form that no other form begins with, so that forms can stand one after the other.
fn delimited(form: &[u8]) -> Vec<u8> {
    [form.len().to_string().as_bytes(), b":", form].concat()
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items.iter().map(|item| delimited(item)).collect();
    [b"[".to_vec(), items.concat()].concat()
}

fn object(mut members: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    members.sort_unstable();
    let members: Vec<Vec<u8>> = members.iter().flat_map(|(name, value)| [delimited(name), delimited(value)]).collect();
    [b"{".to_vec(), members.concat()].concat()
}

/// The form of a number: its sign, its digits from the first to the last that is not zero, and the exponent of ten of the
/// last of them. The exponent, which is as long as one likes, is not worked out but added to as it is written.
fn number(negative: bool, whole: &str, fraction: &str, exponent: (bool, &str)) -> Vec<u8> {
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return b"0".to_vec();
    }
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let (is_down, shift) =
        if trailing >= fraction.len() { (false, trailing - fraction.len()) } else { (true, fraction.len() - trailing) };
    let (negative_exponent, exponent) = sum(exponent, (is_down, &shift.to_string()));
    let sign = |negative| if negative { "-" } else { "" };
    format!("{}{significant}e{}{exponent}", sign(negative), sign(negative_exponent)).into_bytes()
}

/// The sum of two numbers, each with whether it is negative; zero is not.
fn sum(left: (bool, &str), right: (bool, &str)) -> (bool, String) {
    let width = left.1.len().max(right.1.len()) + 1;
    let padded = |digits: &str| format!("{digits:0>width$}");
    let (mut greater, mut less) = ((left.0, padded(left.1)), (right.0, padded(right.1)));
    if greater.1 < less.1 {
        std::mem::swap(&mut greater, &mut less);
    }
    let mut carry = 0;
    let mut digits: Vec<u8> = Vec::with_capacity(width);
    for (a, b) in greater.1.bytes().rev().zip(less.1.bytes().rev()) {
        let (a, b) = (i16::from(a - b'0'), i16::from(b - b'0'));
        let digit = if greater.0 == less.0 { a + b } else { a - b } + carry;
        carry = digit.div_euclid(10);
        digits.push(b'0' + digit.rem_euclid(10) as u8);
    }
    digits.reverse();
    let digits = String::from_utf8_lossy(&digits).trim_start_matches('0').to_owned();
    if digits.is_empty() { (false, "0".to_owned()) } else { (greater.0, digits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(left: &str, right: &str) -> bool {
        canonical(left.as_bytes()) == canonical(right.as_bytes())
    }

    #[test]
    fn values_are_compared_not_spellings() {
        let groups: [&[&str]; 14] = [
            &["1", "1.0", "10e-1", "0.1E+1", " 1\n", "1000e-0003"],
            &["0", "-0", "0.000e99999999999999999999999", "-0E5"],
            &["-1", "-1.000"],
            &["1e100000000000000000000", "10e99999999999999999999", "0.01e100000000000000000002"],
            &["1e-100000000000000000000", "0.1e-99999999999999999999", "100e-100000000000000000002"],
            &["123456789012345678901234567890", "1.2345678901234567890123456789e29"],
            &[r#""a/""#, r#""\u0061\/""#, r#""\u0061/""#],
            &[r#""😀""#, r#""\ud83d\ude00""#, r#""\uD83D\uDE00""#],
            &[r#""\ud83d""#, r#""\uD83D""#],
            &[r#"{"a":1,"b":2}"#, r#"{ "b" : 2.0 , "\u0061" : 1 }"#],
            &["[1,2]", " [ 1 , 2e0 ] "],
            &["[2,1]"],
            &["[]", "[ ]"],
            &["{}", "{\t}"],
        ];
        for (index, group) in groups.iter().enumerate() {
            for left in *group {
                for (other, texts) in groups.iter().enumerate() {
                    texts.iter().for_each(|right| assert_eq!(equal(left, right), index == other, "{left} {right}"));
                }
            }
        }
    }

    #[test]
    fn what_is_not_json_is_compared_as_it_is() {
        let faulty = [
            "",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "tru",
            "truee",
            "[1,]",
            "[1 2]",
            "[1",
            "]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{1:1}",
            "{,}",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\n\"",
            "1 1",
            "nul",
            "[\"a\",]",
            "{\"a\":}",
        ];
        for text in faulty {
            let form = canonical(text.as_bytes());
            assert_eq!(form, [b"T", text.as_bytes()].concat(), "{text}");
            assert_ne!(canonical(format!("{text} ").as_bytes()), form, "{text}");
        }
        assert_eq!(canonical(b"\"\xff\""), b"T\"\xff\"");
    }

    #[test]
    fn nesting_costs_no_stack() {
        let deep = "[".repeat(20_000);
        assert_eq!(canonical(deep.as_bytes())[0], b'T');
        let closed = "[".repeat(1_000) + &"]".repeat(1_000);
        assert_eq!(canonical(closed.as_bytes())[0], b'J');
    }

    #[test]
    fn forms_of_different_shapes_differ() {
        let texts = [
            "[[1],2]",
            "[[1,2]]",
            "[1,[2]]",
            "[\"1\",2]",
            "{\"a\":[1,2]}",
            "{\"a\":1}",
            "[[],[]]",
            "[[[]]]",
            "[\"\",\"\"]",
        ];
        for (index, left) in texts.iter().enumerate() {
            texts[..index].iter().for_each(|right| assert!(!equal(left, right), "{left} {right}"));
        }
    }
}
