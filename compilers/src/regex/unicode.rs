//! Character classes by name, from the tables of `regex-syntax`.

use grammar_ir::CharSet;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use super::Syntax;

/// `\d`.
pub(super) fn digits(syntax: Syntax) -> CharSet {
    match syntax {
        Syntax::Ecma262 => CharSet::range('0', '9'),
        Syntax::Rust => table(r"\d"),
    }
}

/// `\w`. Under ECMA-262 and case folding, also the characters that fold to an ASCII letter (22.2.2.7.3).
pub(super) fn word(syntax: Syntax, case_insensitive: bool) -> CharSet {
    match syntax {
        Syntax::Ecma262 => {
            let ascii = CharSet::from_ranges([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);
            if case_insensitive { fold(&ascii) } else { ascii }
        }
        Syntax::Rust => table(r"\w"),
    }
}

/// `\s`: `WhiteSpace` and `LineTerminator` of ECMA-262 (12.2, 12.3), or Unicode `White_Space`.
pub(super) fn space(syntax: Syntax) -> CharSet {
    match syntax {
        Syntax::Ecma262 => table(r"[\t\n\x0B\x0C\r\x{FEFF}\x{2028}\x{2029}\p{Zs}]"),
        Syntax::Rust => table(r"\s"),
    }
}

/// The characters that end a line: what `.` leaves out and multi-line anchors look for.
pub(super) fn line_terminators(syntax: Syntax) -> CharSet {
    match syntax {
        Syntax::Ecma262 => CharSet::from_iter(['\n', '\r', '\u{2028}', '\u{2029}']),
        Syntax::Rust => CharSet::single('\n'),
    }
}

/// `\p{name}`, where `name` is a property, a value, or `property=value`.
pub(super) fn property(name: &str) -> Option<CharSet> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_=:- ".contains(character);
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    parse(&format!(r"\p{{{name}}}"))
}

/// The names that `[:name:]` can have.
pub(super) const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// `[:name:]`.
pub(super) fn posix(name: &str) -> Option<CharSet> {
    // Under another name the tables would be asked for a class of these letters.
    if POSIX.contains(&name) { parse(&format!("[[:{name}:]]")) } else { None }
}

/// The characters that simple case folding does not tell from one in `set`, with `set` itself.
pub(super) fn fold(set: &CharSet) -> CharSet {
    let ranges = set.ranges().iter().map(|&(low, high)| ClassUnicodeRange::new(low, high));
    let mut class = ClassUnicode::new(ranges);
    class.case_fold_simple();
    from_class(&class)
}

/// A class that the tables are known to have.
fn table(class: &str) -> CharSet {
    parse(class).unwrap_or_default()
}

fn parse(class: &str) -> Option<CharSet> {
    let hir = regex_syntax::Parser::new().parse(class).ok()?;
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => Some(from_class(class)),
        HirKind::Literal(literal) => Some(std::str::from_utf8(&literal.0).ok()?.chars().collect()),
        _ => None,
    }
}

fn from_class(class: &ClassUnicode) -> CharSet {
    CharSet::from_ranges(class.iter().map(|range| (range.start(), range.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_there() {
        for syntax in [Syntax::Ecma262, Syntax::Rust] {
            assert!(digits(syntax).contains('7') && word(syntax, false).contains('_') && space(syntax).contains(' '));
        }
        assert!(space(Syntax::Ecma262).contains('\u{feff}') && !space(Syntax::Ecma262).contains('\u{85}'));
        assert!(space(Syntax::Rust).contains('\u{85}') && !space(Syntax::Rust).contains('\u{feff}'));
        assert!(word(Syntax::Ecma262, true).contains('\u{17f}') && word(Syntax::Ecma262, true).contains('\u{212a}'));
        assert!(property("Script=Greek").is_some_and(|set| set.contains('α')));
        assert!(property("Lu").is_some() && property("Nonsense").is_none() && property("L}|a{").is_none());
        assert!(POSIX.iter().all(|name| posix(name).is_some()) && posix("nonsense").is_none());
    }
}
