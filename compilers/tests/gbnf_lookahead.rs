//! Look-ahead, `rule ::= … (= X)`, against its definition: a rule ends at a place only if a word of X begins there.

use std::collections::BTreeSet;
use std::fmt;

use compilers::diagnostic::Code;
use compilers::gbnf::{self, Options};
use grammar_ir::{Grammar, Limits, interp};

fn compile(source: &str) -> Result<Grammar, compilers::diagnostic::Diagnostics> {
    gbnf::compile(source, &Options::default(), None, &Limits::default())
}

fn check(source: &str, accepted: &[&str], rejected: &[&str]) {
    let grammar = compile(source).unwrap_or_else(|found| panic!("{source}: {found}"));
    for text in accepted {
        assert!(interp::accepts(&grammar, text.as_bytes()), "{text:?} {source}");
    }
    for text in rejected {
        assert!(!interp::accepts(&grammar, text.as_bytes()), "{text:?} {source}");
    }
}

#[test]
fn what_follows_is_what_the_lookahead_asks_for() {
    let source = "root ::= (word | mark)*\nword ::= [a-z]+ (= mark)\nmark ::= [.!]";
    check(source, &["", "a.", "abc!x.", "...", "!a."], &["a", "a.b", "ab"]);
    let source = "root ::= key \"=\"* \";\"\nkey ::= [a-z]+ | \"\" (= \"=\" \"=\"? \";\")";
    check(source, &["a=;", "a==;", "=;"], &["a;", "a===;", ";"]);
    // It belongs to all alternatives of its rule, and to each use of it.
    check("root ::= a a [xy]*\na ::= \"x\" | \"y\" (= [xy] \"y\")", &["xxyy", "yxyy"], &["xxy", "xyxy", "xx"]);
    // A look-ahead that the empty text satisfies asks for nothing.
    check("root ::= a \"z\"?\na ::= \"x\" (= \"y\"*)", &["x", "xz"], &["xy"]);
    check("root ::= e \"ü\" | e \"ö\"\ne ::= \"é\" (= [ü-ÿ])", &["éü"], &["éö", "é"]);
}

#[test]
fn lookaheads_in_lookaheads_hold_too() {
    let source = "root ::= a [xyz]*\na ::= \"a\" (= b)\nb ::= \"x\" | \"y\" (= \"z\" \"z\")";
    check(source, &["axzz", "ayzzx"], &["axz", "ax", "azz"]);
    // With a rule that refers to itself at its end.
    let source =
        "root ::= open text \"\\\"\"\nopen ::= \"\\\"\" (= text \"\\\"\")\ntext ::= \"\" | [a-z] text (= \"\\\"\")";
    check(source, &["\"\"", "\"ab\""], &["\"", "\"a", "\"A\""]);
}

#[test]
fn repetitions_and_free_text_are_told_apart_by_what_is_pending() {
    check(
        "root ::= (a \",\")* \".\"\na ::= [a-z]{1,100000} (= [,] [a-z.])",
        &[".", "a,.", "abc,x,."],
        &["a,", "a.", "a,,."],
    );
    let source = "root ::= a [a-z]{0,100000} \"!\"\na ::= \"a\" (= \"b\"+ \"c\")";
    check(source, &["abc!", "abbbcz!"], &["a!", "ac!", "abz!", "abb!"]);
    let source = "root ::= a TagDispatch((\"<t>\", end), loop_after_dispatch=false)\nend ::= \"x\"\na ::= \"a\" (= [^<]* \"<t>\")";
    check(source, &["a<t>x", "a..<t>x"], &["a..", "a..<t>"]);
    check(
        "root ::= a \"b\"{3} a? \"c\"\na ::= \"a\" (= \"b\" \"b\"? \"b\"? | \"c\")",
        &["abbbc", "abbbac"],
        &["abbba", "abbc"],
    );
}

#[test]
fn what_cannot_be_enforced_is_refused_by_name() {
    for (source, code, message, place) in [
        (
            "root ::= a (<[3]> | \"y\")\na ::= \"x\" (= <[3]>)",
            Code::Unsupported,
            "a token in a lookahead is not supported",
            "(= <[3]>)",
        ),
        (
            "root ::= a [()]*\na ::= \"x\" (= nested \"!\")\nnested ::= \"(\" nested \")\" | \"\"",
            Code::Unsupported,
            "these lookaheads are not supported: there is no bound on what they may have to remember",
            "(= nested \"!\")",
        ),
        (
            "root ::= a [a-z]*\na ::= \"x\" (= left)\nleft ::= left \"a\" | \"b\"",
            Code::Unsupported,
            "these lookaheads are not supported: there is no bound on what they may have to remember",
            "(= left)",
        ),
        (
            "root ::= \"a\" (= Substring(\"b\"))",
            Code::Unsupported,
            "`Substring` in a lookahead is not supported",
            "Substring(\"b\")",
        ),
        ("root ::= \"x\" (= \"y\")", Code::Unsatisfiable, "no text has what the lookaheads ask for", "(= \"y\")"),
        (
            "root ::= a \"z\"\na ::= \"x\" (= \"y\")",
            Code::Unsatisfiable,
            "no text has what the lookaheads ask for",
            "(= \"y\")",
        ),
        ("root ::= (\"x\" (= \"y\")) \"y\"", Code::Syntax, "a lookahead inside of a rule", "(="),
        ("root ::= \"x\" (= \"y\") \"y\"", Code::Syntax, "`\"y\"` after the lookahead", "\"y\""),
        (
            "root ::= b \"y\"\nb[max_chars=3] ::= a \"x\"\na ::= \"x\" (= \"x\")",
            Code::Unsupported,
            "these attributes are not supported for `b`, which has a rule with attributes of its own",
            "[max_chars=3]",
        ),
    ] {
        let found = compile(source).unwrap_err();
        let first = found.iter().next().expect("a diagnostic");
        let span = match &first.place {
            compilers::diagnostic::Place::Span(span) => &source[span.clone()],
            other => panic!("{source}: {other:?}"),
        };
        assert_eq!((first.code, first.message.as_str()), (code, message), "{source}");
        assert!(span == place, "{source}: {span}");
    }
    // A look-ahead that is not regular is none of an obstacle where only so much can follow.
    let source = "root ::= a [()]{0,6} \"!\"\na ::= \"x\" (= nested \"!\")\nnested ::= \"(\" nested \")\" | \"\"";
    check(source, &["x!", "x()!", "x((()))!"], &["x(!", "x(()!", "x()()!"]);
}

/// Where what a rule looks for comes next anyway, it may be anything.
#[test]
fn lookaheads_that_hold_anyway_need_not_be_regular() {
    let source = "root ::= any\nany ::= [0-9] | \"[\" item close\nitem ::= any (= close)\n\
        close ::= \",\" item close | \"]\"";
    check(source, &["1", "[1]", "[1,2]", "[[1,[2]],3]"], &["", "[", "[1", "[1,]", "[]", "[1]]"]);
    check("root ::= a \"yz\"\na ::= \"x\" (= \"y\")", &["xyz"], &["xy", "x"]);
    assert!(compile("root ::= a <[3]>\na ::= \"x\" (= <[3]>)").is_ok());
    // Here it does not, as nothing comes after the root.
    let source = source.replace("root ::= any", "root ::= any | item");
    let found = compile(&source).unwrap_err();
    assert!(found.iter().all(|it| it.code == Code::Unsupported), "{found}");
}

/// An expression of a random grammar.
enum Piece {
    Letter(char),
    Rule(usize),
    Sequence(Vec<Piece>),
    Choice(Vec<Piece>),
    Repeat(Box<Piece>, u32, Option<u32>),
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |pieces: &[Piece], separator: &str| {
            pieces.iter().map(Piece::to_string).collect::<Vec<String>>().join(separator)
        };
        match self {
            Self::Letter(letter) => write!(f, "\"{letter}\""),
            Self::Rule(0) => write!(f, "root"),
            Self::Rule(rule) => write!(f, "r{rule}"),
            Self::Sequence(pieces) if pieces.is_empty() => write!(f, "\"\""),
            Self::Sequence(pieces) => write!(f, "({})", joined(pieces, " ")),
            Self::Choice(pieces) => write!(f, "({})", joined(pieces, " | ")),
            Self::Repeat(piece, min, None) => write!(f, "({piece}){{{min},}}"),
            Self::Repeat(piece, min, Some(max)) => write!(f, "({piece}){{{min},{max}}}"),
        }
    }
}

/// A rule: its body and its look-ahead.
struct Rule {
    body: Piece,
    lookahead: Option<Piece>,
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }

    fn piece(&mut self, depth: u32, rules: u64) -> Piece {
        match self.below(if depth == 0 { 4 } else { 9 }) {
            0 | 1 => Piece::Letter('a'),
            2 => Piece::Letter('b'),
            3 => Piece::Rule(self.below(rules) as usize),
            4 | 5 => Piece::Sequence((0..self.below(4)).map(|_| self.piece(depth - 1, rules)).collect()),
            6 | 7 => Piece::Choice((0..=self.below(3)).map(|_| self.piece(depth - 1, rules)).collect()),
            _ => {
                let min = self.below(3) as u32;
                let max = (self.below(2) == 0).then(|| min + self.below(3) as u32);
                Piece::Repeat(Box::new(self.piece(depth - 1, rules)), min, max)
            }
        }
    }

    fn grammar(&mut self) -> Vec<Rule> {
        let count = 2 + self.below(3);
        let rules = (0..count).map(|index| Rule {
            body: self.piece(3, count),
            lookahead: (index > 0 && self.below(2) == 0).then(|| self.piece(2, count)),
        });
        rules.collect()
    }
}

fn source(rules: &[Rule]) -> String {
    let mut text = String::new();
    for (index, rule) in rules.iter().enumerate() {
        text.push_str(&format!("{} ::= {}", Piece::Rule(index), rule.body));
        if let Some(lookahead) = &rule.lookahead {
            text.push_str(&format!(" (= {lookahead})"));
        }
        text.push('\n');
    }
    text
}

/// Where rules that begin at each place of a text end: the least relation that the rules ask for.
struct Meaning<'a> {
    rules: &'a [Rule],
    text: &'a [u8],
    ends: Vec<Vec<BTreeSet<usize>>>,
}

impl<'a> Meaning<'a> {
    fn of(rules: &'a [Rule], text: &'a [u8]) -> Self {
        let mut meaning = Self { rules, text, ends: vec![vec![BTreeSet::new(); text.len() + 1]; rules.len()] };
        loop {
            let mut has_grown = false;
            for (index, rule) in rules.iter().enumerate() {
                for from in 0..=text.len() {
                    let mut ends = meaning.ends_of(&rule.body, from);
                    if let Some(lookahead) = &rule.lookahead {
                        ends.retain(|&end| !meaning.ends_of(lookahead, end).is_empty());
                    }
                    has_grown |= ends.len() > meaning.ends[index][from].len();
                    meaning.ends[index][from].extend(ends);
                }
            }
            if !has_grown {
                return meaning;
            }
        }
    }

    fn ends_of(&self, piece: &Piece, from: usize) -> BTreeSet<usize> {
        let after = |froms: &BTreeSet<usize>, piece: &Piece| -> BTreeSet<usize> {
            froms.iter().flat_map(|&from| self.ends_of(piece, from)).collect()
        };
        match piece {
            Piece::Letter(letter) => {
                (self.text.get(from) == Some(&(*letter as u8))).then_some(from + 1).into_iter().collect()
            }
            Piece::Rule(rule) => self.ends[*rule][from].clone(),
            Piece::Sequence(pieces) => pieces.iter().fold(BTreeSet::from([from]), |froms, piece| after(&froms, piece)),
            Piece::Choice(pieces) => pieces.iter().flat_map(|piece| self.ends_of(piece, from)).collect(),
            Piece::Repeat(piece, min, max) => {
                let mut here = BTreeSet::from([from]);
                let mut ends = BTreeSet::new();
                // More repetitions than these lead nowhere that fewer do not.
                let enough = max.unwrap_or(min + self.text.len() as u32 + 1);
                for done in 0..=enough {
                    if done >= *min {
                        ends.extend(&here);
                    }
                    here = after(&here, piece);
                }
                ends
            }
        }
    }

    fn is_word(&self) -> bool {
        self.ends[0][0].contains(&self.text.len()) && self.rules[0].lookahead.is_none()
    }
}

/// The texts of up to `length` letters a and b.
fn texts(length: usize) -> Vec<Vec<u8>> {
    let mut texts = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..length {
        let to = texts.len();
        for index in from..to {
            for letter in *b"ab" {
                let longer = [&texts[index][..], &[letter]].concat();
                texts.push(longer);
            }
        }
        from = to;
    }
    texts
}

#[test]
fn random_grammars_mean_what_they_say() {
    let (mut compiled, mut refused, mut words, mut differs) = (0, 0, 0, 0);
    let texts = texts(6);
    for seed in 1..=600u64 {
        let rules = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).grammar();
        let source = source(&rules);
        let accepted: Vec<&Vec<u8>> = texts.iter().filter(|text| Meaning::of(&rules, text).is_word()).collect();
        let grammar = match compile(&source) {
            Ok(grammar) => grammar,
            Err(found) => {
                let codes: Vec<Code> = found.iter().map(|it| it.code).collect();
                assert!(
                    codes.iter().all(|code| matches!(code, Code::Unsupported | Code::Unsatisfiable)),
                    "{source}{found}"
                );
                if found.iter().any(|it| it.message.contains("can never produce anything")) {
                    continue;
                }
                if codes.contains(&Code::Unsatisfiable) {
                    assert!(accepted.is_empty(), "{source}{found}");
                } else {
                    refused += 1;
                }
                continue;
            }
        };
        compiled += 1;
        words += accepted.len();
        let plain =
            source.lines().map(|line| line.split(" (=").next().unwrap_or(line).to_owned() + "\n").collect::<String>();
        let plain = compile(&plain);
        for text in &texts {
            let expected = accepted.contains(&text);
            let shown = String::from_utf8_lossy(text);
            assert_eq!(interp::accepts(&grammar, text), expected, "seed {seed}, {shown:?}:\n{source}");
            differs += usize::from(!expected && plain.as_ref().is_ok_and(|plain| interp::accepts(plain, text)));
        }
    }
    assert!(compiled > 400 && refused < 30 && words > 2_000 && differs > 150, "{compiled} {refused} {words} {differs}");
}
