//! JSON Pointers (RFC 6901).

/// `pointer` extended by one reference token.
pub(crate) fn push(pointer: &str, token: &str) -> String {
    let mut extended = String::with_capacity(pointer.len() + token.len() + 1);
    extended.push_str(pointer);
    extended.push('/');
    for character in token.chars() {
        match character {
            '~' => extended.push_str("~0"),
            '/' => extended.push_str("~1"),
            _ => extended.push(character),
        }
    }
    extended
}

/// The JSON Pointer in the fragment of a URI reference, percent-decoded; `None` when the encoding is malformed.
pub(super) fn from_fragment(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(*rest.next()?).to_digit(16)?;
        let low = char::from(*rest.next()?).to_digit(16)?;
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped_and_fragments_decoded() {
        assert_eq!(push("", "a/b~c"), "/a~1b~0c");
        assert_eq!(from_fragment("/a%25b").as_deref(), Some("/a%b"));
        assert_eq!(from_fragment("/%4"), None);
        assert_eq!(from_fragment("%FF"), None);
    }
}
