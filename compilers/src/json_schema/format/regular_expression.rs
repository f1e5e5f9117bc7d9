//! The format `regex`: patterns of ECMA-262, as a grammar.
//!
//! The grammar is that of the standard's main part, without Annex B, and has the escapes of both its modes. What takes
//! a memory is left out: a back-reference needs its group, and two groups must not have one name. In a class, a range
//! must not be out of order, so only those are there whose order shows in a character or two.

use grammar_ir::regular::{CharAutomaton, Spelling, Utf8};
use grammar_ir::{Budget, CharSet, ExprId, GrammarBuilder, RuleId, interp};

/// Texts longer than this are not decided.
const MAX_TEXT: usize = 2_000;

/// Whether `text` is a regular expression; `None` when that is not known.
pub(in super::super) fn is_regex(text: &str) -> Option<bool> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let body = lower_regex(&Utf8, &mut builder);
    builder.define(root, body);
    let grammar = builder.finish(root).ok()?;
    interp::accepts(&grammar, text.as_bytes()).then_some(true)
}

/// Whether all texts of `language` are plainly regular expressions: those without characters that group, repeat or escape.
pub(in super::super) fn are_regexes(language: &CharAutomaton, budget: &mut Budget<'_>) -> bool {
    let special: CharSet = "\\*+?()[]{}".chars().collect();
    let plain = CharAutomaton::from_set(&special.complement()).repeat(0, None, budget);
    plain.and_then(|plain| language.difference(&plain, budget)).is_ok_and(|others| others.is_empty())
}

/// The regular expressions, with each character written as `spelling` says.
pub(in super::super) fn lower_regex(spelling: &dyn Spelling, builder: &mut GrammarBuilder) -> ExprId {
    let mut writer = Writer { spelling, builder };
    let (name, atom, class_escape) = (writer.name(), writer.atom(), writer.class_escape());
    let class = writer.class(class_escape);
    let atom = writer.choice(vec![atom, class]);
    let quantifier = writer.quantifier();
    let plain = writer.builder.declare("regex");
    let naming = writer.builder.declare("regex_with_name");
    writer.disjunctions(plain, naming, [name, atom, quantifier]);
    let (plain, naming) = (writer.builder.rule(plain), writer.builder.rule(naming));
    writer.choice(vec![plain, naming])
}

/// The end of the Basic Latin block: characters that are told apart one by one in ranges.
const ASCII_END: u32 = 0x80;
/// From here on characters are told apart by blocks of [`LARGE_BLOCK`], before by blocks of [`SMALL_BLOCK`].
const LARGE_FROM: u32 = 0x600;
const SMALL_BLOCK: u32 = 0x20;
const LARGE_BLOCK: u32 = 0x1000;

struct Writer<'a> {
    spelling: &'a dyn Spelling,
    builder: &'a mut GrammarBuilder,
}

impl Writer<'_> {
    fn set(&mut self, set: &CharSet) -> ExprId {
        self.spelling.class(self.builder, set)
    }

    fn any_of(&mut self, characters: &str) -> ExprId {
        self.set(&characters.chars().collect())
    }

    fn text(&mut self, text: &str) -> ExprId {
        let characters: Vec<ExprId> = text.chars().map(|character| self.set(&CharSet::single(character))).collect();
        self.builder.sequence(characters)
    }

    fn texts(&mut self, texts: &[&str]) -> ExprId {
        let arms: Vec<ExprId> = texts.iter().map(|text| self.text(text)).collect();
        self.choice(arms)
    }

    fn choice(&mut self, arms: Vec<ExprId>) -> ExprId {
        self.builder.choice(arms)
    }

    fn between(&mut self, open: &str, inside: ExprId, close: &str) -> ExprId {
        let (open, close) = (self.text(open), self.text(close));
        self.builder.sequence([open, inside, close])
    }

    fn digits(&mut self, min: u32, max: Option<u32>) -> ExprId {
        let digit = self.any_of("0123456789");
        self.builder.repeat(digit, min, max)
    }

    fn hexadecimal(&mut self, count: u32) -> ExprId {
        let digit = self.any_of("0123456789abcdefABCDEF");
        self.builder.repeat(digit, count, Some(count))
    }

    /// A group name: the ASCII part of `RegExpIdentifierName`.
    fn name(&mut self) -> ExprId {
        let start = CharSet::from_ranges([('A', 'Z'), ('a', 'z'), ('_', '_'), ('$', '$')]);
        let part = start.union(&CharSet::range('0', '9'));
        let (start, part) = (self.set(&start), self.set(&part));
        let rest = self.builder.repeat(part, 0, None);
        self.builder.sequence([start, rest])
    }

    /// `{n}`, `{n,}` and `{n,m}` with n ≤ m, and the others, greedy or not.
    fn quantifier(&mut self) -> ExprId {
        let mut counts = Vec::new();
        let any = self.digits(1, None);
        let comma = self.text(",");
        counts.push(any);
        counts.push(self.builder.sequence([any, comma]));
        let first = self.any_of("123456789");
        // The greater number has more digits,
        for length in 1..=4 {
            let less = self.digits(length, Some(length));
            let more = self.digits(length, None);
            counts.push(self.builder.sequence([less, comma, first, more]));
        }
        // or a greater first digit,
        for length in 0..=2 {
            for low in 0..9u32 {
                let less = self.text(&low.to_string());
                let more: CharSet = (low + 1..=9).filter_map(|digit| char::from_digit(digit, 10)).collect();
                let (more, rest) = (self.set(&more), self.digits(length, Some(length)));
                counts.push(self.builder.sequence([less, rest, comma, more, rest]));
            }
        }
        // or they are below 100 and either equal or differ in the second digit.
        for low in 0..=99u32 {
            let less = self.text(&low.to_string());
            let (tens, ones) = (low / 10, low % 10);
            let more: CharSet = (ones..=9).filter_map(|digit| char::from_digit(digit, 10)).collect();
            let more = self.set(&more);
            let tens = if tens > 0 { self.text(&tens.to_string()) } else { self.builder.empty() };
            counts.push(self.builder.sequence([less, comma, tens, more]));
        }
        let counts = self.choice(counts);
        let braces = self.between("{", counts, "}");
        let simple = self.any_of("*+?");
        let quantifier = self.choice(vec![simple, braces]);
        let lazy = self.text("?");
        let lazy = self.builder.optional(lazy);
        let quantifier = self.builder.sequence([quantifier, lazy]);
        self.shared("quantifier", quantifier)
    }

    fn shared(&mut self, name: &str, body: ExprId) -> ExprId {
        let rule = self.builder.declare(format!("regex_{name}"));
        self.builder.define(rule, body);
        self.builder.rule(rule)
    }

    /// A character, a dot, or an escape outside of a class.
    fn atom(&mut self) -> ExprId {
        let syntax: CharSet = "^$\\.*+?()[]{}|".chars().collect();
        let character = self.set(&syntax.complement());
        let dot = self.text(".");
        let single = self.single_escape(true);
        let several = self.class_escape();
        self.choice(vec![character, dot, single, several])
    }

    /// An escape that stands for one character. Outside of a class an escaped digit would be a back-reference.
    fn single_escape(&mut self, outside: bool) -> ExprId {
        // `\0` must not be followed by a digit, which is not looked at here: it is left to `\x00`.
        let mut arms = vec![self.any_of("fnrtv^$\\.*+?()[]{}|/")];
        let letter = self.set(&CharSet::from_ranges([('A', 'Z'), ('a', 'z')]));
        let control = self.text("c");
        arms.push(self.builder.sequence([control, letter]));
        for (letter, count) in [("x", 2), ("u", 4)] {
            let (letter, digits) = (self.text(letter), self.hexadecimal(count));
            arms.push(self.builder.sequence([letter, digits]));
        }
        let zero = self.text("0");
        let zeros = self.builder.repeat(zero, 0, None);
        let plane = self.texts(&["10"]);
        let digit = self.any_of("0123456789abcdefABCDEF");
        let (low, four) = (self.builder.repeat(digit, 1, Some(5)), self.hexadecimal(4));
        let top = self.builder.sequence([plane, four]);
        let value = self.choice(vec![low, top]);
        let value = self.builder.sequence([zeros, value]);
        arms.push(self.between("u{", value, "}"));
        // Without the `u` flag every character may be escaped that no name has; of them, those that are used.
        arms.push(self.any_of("-\"'#%&,:;<=>@`~! "));
        if !outside {
            arms.push(self.text("b"));
        }
        let arms = self.choice(arms);
        let backslash = self.text("\\");
        let escape = self.builder.sequence([backslash, arms]);
        self.shared(if outside { "escape" } else { "escape_in_class" }, escape)
    }

    /// `\d`, `\p{Lu}` and the like.
    fn class_escape(&mut self) -> ExprId {
        let letter = self.any_of("dDwWsS");
        let category = self.texts(&[
            "L", "LC", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd",
            "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs",
            "Co", "Cn",
        ]);
        let category = self.between("{", category, "}");
        let property = self.any_of("pP");
        let property = self.builder.sequence([property, category]);
        let escape = self.choice(vec![letter, property]);
        let backslash = self.text("\\");
        self.builder.sequence([backslash, escape])
    }

    /// `[…]`. A hyphen stands for itself at both ends and after a range.
    fn class(&mut self, class_escape: ExprId) -> ExprId {
        let special: CharSet = "\\]-".chars().collect();
        let character = self.set(&special.complement());
        let caret = CharSet::single('^');
        let first_character = self.set(&special.union(&caret).complement());
        let escape = self.single_escape(false);
        let range = self.range();
        let range = self.shared("range", range);
        let hyphen = self.text("-");
        let hyphen = self.builder.optional(hyphen);
        let after_range = self.builder.sequence([range, hyphen]);
        let item = self.choice(vec![character, escape, class_escape, after_range]);
        let items = self.builder.repeat(item, 0, None);
        // A caret that comes first negates. So the first item is no caret, or the class is negated.
        let first = self.choice(vec![first_character, escape, class_escape, after_range]);
        let some = self.builder.sequence([first, items, hyphen]);
        let plain_hyphen = self.text("-");
        let after_hyphen = self.builder.sequence([plain_hyphen, items, hyphen]);
        let rest = self.builder.sequence([hyphen, items, hyphen]);
        let caret = self.set(&caret);
        let negated = self.builder.sequence([caret, rest]);
        let nothing = self.builder.empty();
        let inside = self.choice(vec![nothing, some, after_hyphen, negated]);
        let class = self.between("[", inside, "]");
        self.shared("class", class)
    }

    /// A range of characters that are in order.
    fn range(&mut self) -> ExprId {
        let hyphen = self.text("-");
        let mut arms = Vec::new();
        // Characters that may be an end of a range without an escape.
        let usable: CharSet = "\\]-^".chars().collect::<CharSet>().complement();
        let mut pair = |writer: &mut Self, low: CharSet, from: Option<char>| {
            let Some(from) = from else { return };
            let high = usable.intersection(&CharSet::range(from, char::MAX));
            let (low, high) = (writer.set(&usable.intersection(&low)), writer.set(&high));
            arms.push(writer.builder.sequence([low, hyphen, high]));
        };
        for character in (0x20..ASCII_END).filter_map(char::from_u32) {
            pair(self, CharSet::single(character), Some(character));
        }
        let mut start = ASCII_END;
        while start <= u32::from(char::MAX) {
            let end = start + if start < LARGE_FROM { SMALL_BLOCK } else { LARGE_BLOCK - start % LARGE_BLOCK };
            let block = (char::from_u32(start), char::from_u32(end - 1));
            // The blocks around the surrogates have no first or no last character and are left out.
            if let (Some(first), Some(last)) = block {
                pair(self, CharSet::range(first, last), char::from_u32(end));
                pair(self, CharSet::single(first), Some(first));
            }
            start = end;
        }
        arms.push(self.escaped_range());
        self.choice(arms)
    }

    /// A range between `\xHH` or `\uHHHH`, where after zeros that both begin with the first digits differ.
    fn escaped_range(&mut self) -> ExprId {
        let hyphen = self.text("-");
        let mut arms = Vec::new();
        for (letter, count) in [("\\x", 2u32), ("\\u", 4)] {
            let letter = self.text(letter);
            for zeros in 0..count {
                let (equal, rest) = (self.text(&"0".repeat(zeros as usize)), self.hexadecimal(count - zeros - 1));
                for low in 0..15u32 {
                    let digits = |range: std::ops::RangeInclusive<u32>| -> CharSet {
                        let lower = range.filter_map(|digit| char::from_digit(digit, 16));
                        lower.flat_map(|digit| [digit, digit.to_ascii_uppercase()]).collect()
                    };
                    let (less, more) = (self.set(&digits(low..=low)), self.set(&digits(low + 1..=15)));
                    arms.push(self.builder.sequence([letter, equal, less, rest, hyphen, letter, equal, more, rest]));
                }
            }
        }
        self.choice(arms)
    }

    /// Defines `plain` as a disjunction without named groups and `naming` as one with exactly one.
    fn disjunctions(&mut self, plain: RuleId, naming: RuleId, [name, atom, quantifier]: [ExprId; 3]) {
        let (inside, naming_inside) = (self.builder.rule(plain), self.builder.rule(naming));
        let quantified = self.builder.optional(quantifier);
        let simple = self.texts(&["^", "$", "\\b", "\\B"]);
        let groups = |writer: &mut Self, inside: ExprId| {
            let look: Vec<ExprId> =
                ["(?=", "(?!", "(?<=", "(?<!"].iter().map(|open| writer.between(open, inside, ")")).collect();
            let group = [writer.between("(", inside, ")"), writer.between("(?:", inside, ")")];
            let mut arms: Vec<ExprId> =
                group.iter().map(|&group| writer.builder.sequence([group, quantified])).collect();
            arms.extend(look);
            arms
        };
        let mut terms = groups(self, inside);
        let mut naming_terms = groups(self, naming_inside);
        terms.push(simple);
        terms.push(self.builder.sequence([atom, quantified]));
        let term = self.choice(terms);
        let named = self.between("(?<", name, ">");
        let named = self.builder.sequence([named, inside]);
        let named = self.between("", named, ")");
        naming_terms.push(self.builder.sequence([named, quantified]));
        let naming_term = self.choice(naming_terms);
        let bar = self.text("|");
        // Alternatives are terms and bars in any order.
        let piece = self.choice(vec![term, bar]);
        let pieces = self.builder.repeat(piece, 0, None);
        self.builder.define(plain, pieces);
        let body = self.builder.sequence([pieces, naming_term, pieces]);
        self.builder.define(naming, body);
    }
}
