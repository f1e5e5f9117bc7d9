//! Delimiters of notations, which are special tokens of a vocabulary where it has them, and text otherwise.

/// A part of a delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Text.
    Text(&'t str),
    /// A special token: its name and its id.
    Token(&'t str, u32),
}

/// The special tokens in `text`, and the text between them. At the first place where one begins, the longest is taken, as
/// tokenizers do. Only names between brackets or bars are looked up with `special`, as such tokens are named in all
/// notations, and looking up every part of a text would take long.
pub(crate) fn pieces(text: &str, special: impl Fn(&str) -> Option<u32>) -> Vec<Piece<'_>> {
    const OPENING: [char; 4] = ['<', '[', ']', '｜'];
    const CLOSING: [char; 4] = ['>', '[', ']', '｜'];
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut plain = 0;
    while let Some(offset) = rest.get(plain..).and_then(|after| after.find(OPENING)) {
        let start = plain + offset;
        let name = rest[start..].rmatch_indices(CLOSING).find_map(|(last, closing)| {
            let name = &rest[start..start + last + closing.len()];
            special(name).map(|id| (name, id))
        });
        match name {
            Some((name, id)) => {
                if start > 0 {
                    pieces.push(Piece::Text(&rest[..start]));
                }
                pieces.push(Piece::Token(name, id));
                rest = &rest[start + name.len()..];
                plain = 0;
            }
            None => plain = start + rest[start..].chars().next().map_or(1, char::len_utf8),
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn the_longest_special_token_is_taken() {
        let names = ["<a>", "<a><b>", "｜D｜", "]<]m[>[", "word"];
        let found = |text| pieces(text, |name| names.iter().position(|other| *other == name).map(|id| id as u32));
        assert_eq!(found("x<a><b>y"), [Piece::Text("x"), Piece::Token("<a><b>", 1), Piece::Text("y")]);
        assert_eq!(found("<a><a>"), [Piece::Token("<a>", 0), Piece::Token("<a>", 0)]);
        assert_eq!(found("</｜D｜x>"), [Piece::Text("</"), Piece::Token("｜D｜", 2), Piece::Text("x>")]);
        assert_eq!(found("]<]m[>[<k>"), [Piece::Token("]<]m[>[", 3), Piece::Text("<k>")]);
        assert_eq!(found("a word <b"), [Piece::Text("a word <b")]);
        assert_eq!(found(""), []);
    }
}
