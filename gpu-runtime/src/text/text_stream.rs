//! Tokens to text, piece by piece.

/// Puts the bytes of tokens together to text. A character whose bytes come in several tokens is held back until it is
/// whole; bytes that are not UTF-8 become U+FFFD.
#[derive(Debug, Clone, Default)]
pub struct TextStream {
    pending: Vec<u8>,
}

impl TextStream {
    /// Adds bytes; answers the text that is now certain.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut kept = 0;
        let mut chunks = self.pending.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if chunks.peek().is_none() && is_unfinished(invalid) {
                kept = invalid.len();
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        let done = self.pending.len() - kept;
        self.pending.drain(..done);
        text
    }

    /// What is left at the end: U+FFFD for a character that was not finished.
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}

/// Whether `bytes` are the beginning of a character, to which the next token can bring the rest.
fn is_unfinished(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_come_whole() {
        let text = "Zürich 東京 🦀";
        let mut stream = TextStream::default();
        let pieces: Vec<String> = text.bytes().map(|byte| stream.push(&[byte])).collect();
        assert_eq!(pieces.concat(), text);
        assert_eq!(pieces.iter().filter(|piece| !piece.is_empty()).count(), text.chars().count());
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        let mut stream = TextStream::default();
        assert_eq!(stream.push(b"a\xFFb\xE6\x9D"), "a\u{FFFD}b");
        assert_eq!(stream.push(b"x"), "\u{FFFD}x");
        assert_eq!(stream.push(b"\xF0\x9F"), "");
        assert_eq!(stream.finish(), "\u{FFFD}");
    }
}
