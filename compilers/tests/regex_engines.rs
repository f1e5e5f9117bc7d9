//! Random patterns against two independent engines: `regex` (Rust syntax) and `regress` (ECMA-262).

use compilers::diagnostic::Code;
use compilers::regex::{self, Anchoring, Options, Syntax};
use grammar_ir::regular::Utf8;
use grammar_ir::{Budget, GrammarBuilder, Limits, interp};
use proptest::prelude::*;

/// Texts over letters, a digit, a line end and a letter outside ASCII.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let character = prop::sample::select(vec!['a', 'b', 'A', '1', '_', ' ', '\n', 'é']);
    let text = prop::collection::vec(character, 0..6).prop_map(|characters| characters.into_iter().collect());
    prop::collection::vec(text, 16)
}

fn atoms(syntax: Syntax) -> BoxedStrategy<String> {
    let mut atoms = vec![
        "a", "b", "A", "1", "é", "_", " ", ".", "^", "$", r"\b", r"\B", r"\d", r"\w", r"\s", r"\W", "[ab]", "[^a]",
        "[^b1]", r"[\da]", r"[^\w]", r"\n", r"\x61", "()", "[a-zA-Z]", r"\.", "(?:a|b)",
    ];
    match syntax {
        Syntax::Rust => atoms.extend([
            "[a-c&&[^b]]",
            r"[\w--a]",
            "[ab~~b1]",
            "[[:alpha:]]",
            r"\pL",
            r"\p{Lu}",
            "(?i)",
            "(?i:a)",
            "(?s).",
            "(?m)",
            "(?-i:A)",
            r"\A",
            r"\z",
            r"\b{start}",
            r"\b{end}",
            r"\b{start-half}",
            r"\b{end-half}",
            "(?x: a b )",
            "[]a]",
        ]),
        _ => atoms.extend(["[^]", "[]", r"\p{Nd}", r"\u{61}", r"\u00e9", r"\cJ", r"[\b]"]),
    }
    prop::sample::select(atoms).prop_map(str::to_owned).boxed()
}

fn patterns(syntax: Syntax) -> BoxedStrategy<String> {
    let quantifiers = prop::sample::select(vec!["*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "{0}", "{1,3}?"]);
    let groups = match syntax {
        Syntax::Rust => vec!["(", "(?:", "(?i:", "(?s:", "(?m:"],
        _ => vec!["(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?=", "(?!"],
    };
    let assertions = ["(?=", "(?!", "(?<"];
    atoms(syntax)
        .prop_recursive(5, 16, 3, move |inner| {
            let groups = prop::sample::select(groups.clone());
            prop_oneof![
                3 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|arms| format!("(?:{})", arms.join("|"))),
                2 => (inner.clone(), quantifiers.clone()).prop_map(|(body, sign)| format!("(?:{body}){sign}")),
                2 => (groups, inner).prop_map(move |(open, body)| {
                    let group = format!("{open}{body})");
                    if assertions.iter().any(|kind| open.starts_with(kind)) { format!("{group}.?") } else { group }
                }),
            ]
        })
        .boxed()
}

/// Whether a group with a repetition without end is itself repeated. A backtracking engine can then need all memory there is.
fn repeats_repetitions(pattern: &str) -> bool {
    let (mut open, mut in_class, mut escaped) = (vec![false], false, false);
    let mut closed = false;
    for (at, character) in pattern.char_indices() {
        if std::mem::take(&mut escaped) || (in_class && character != ']' && character != '\\') {
            closed = false;
            continue;
        }
        let repeats = matches!(character, '*' | '+') || (character == '{' && pattern[at..].contains(",}"));
        if (repeats || character == '{') && closed {
            return true;
        }
        let was_closed = std::mem::take(&mut closed);
        match character {
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' => open.push(false),
            ')' => {
                let inner = open.pop().unwrap_or_default();
                closed = inner;
                if let Some(outer) = open.last_mut() {
                    *outer |= inner;
                }
            }
            _ if repeats && !was_closed => {
                if let Some(group) = open.last_mut() {
                    *group = true;
                }
            }
            _ => {}
        }
    }
    false
}

/// Our verdicts on texts: by the automaton, and the same by the grammar.
fn verdicts(
    pattern: &str,
    options: &Options,
    anchoring: Anchoring,
    texts: &[String],
) -> Result<Vec<bool>, TestCaseError> {
    let limits = Limits::default();
    let parsed = regex::parse(pattern, options, &limits).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let small = Limits::default();
    let automaton = regex::to_automaton(&parsed, anchoring, &mut Budget::new(&small));
    let automaton = automaton.map_err(|error| TestCaseError::reject(error.to_string()))?;
    let mut builder = GrammarBuilder::new();
    let root = builder.declare("root");
    let body = regex::lower(&parsed, anchoring, &Utf8, &mut builder, &mut Budget::new(&limits))
        .map_err(|error| TestCaseError::reject(error.to_string()))?;
    builder.define(root, body);
    let grammar = builder.finish(root).unwrap();
    let mut verdicts = Vec::new();
    for text in texts {
        let verdict = automaton.accepts(text);
        prop_assert_eq!(interp::accepts(&grammar, text.as_bytes()), verdict, "grammar of {:?} on {:?}", pattern, text);
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_the_regex_crate(pattern in patterns(Syntax::Rust), texts in texts()) {
        let Ok(whole) = ::regex::Regex::new(&format!(r"\A(?:{pattern})\z")) else {
            return Err(TestCaseError::reject("the other engine refuses"));
        };
        let search = ::regex::Regex::new(&pattern).unwrap();
        let options = Options::new(Syntax::Rust);
        let ours = verdicts(&pattern, &options, Anchoring::Whole, &texts)?;
        let found = verdicts(&pattern, &options, Anchoring::Search, &texts)?;
        for (index, text) in texts.iter().enumerate() {
            prop_assert_eq!(ours[index], whole.is_match(text), "whole {:?} on {:?}", &pattern, text);
            prop_assert_eq!(found[index], search.is_match(text), "search {:?} on {:?}", &pattern, text);
        }
    }

    #[test]
    fn agrees_with_an_ecmascript_engine(
        pattern in patterns(Syntax::Ecma262),
        texts in texts(),
        flags in prop::sample::select(vec!["u", "iu", "su", "mu", "imsu"]),
    ) {
        if repeats_repetitions(&pattern) {
            return Err(TestCaseError::reject("the other engine may need all memory"));
        }
        let Ok(search) = regress::Regex::with_flags(&pattern, flags) else {
            return Err(TestCaseError::reject("the other engine refuses"));
        };
        let whole = regress::Regex::with_flags(&format!("^(?:{pattern})$"), flags.replace('m', "").as_str()).unwrap();
        let mut options = Options::new(Syntax::Ecma262);
        options.case_insensitive = flags.contains('i');
        options.dot_matches_new_line = flags.contains('s');
        options.multi_line = flags.contains('m');
        let found = verdicts(&pattern, &options, Anchoring::Search, &texts)?;
        let ours = verdicts(&pattern, &options, Anchoring::Whole, &texts)?;
        for (index, text) in texts.iter().enumerate() {
            prop_assert_eq!(found[index], search.find(text).is_some(), "search {:?} on {:?}", &pattern, text);
            if !options.multi_line {
                prop_assert_eq!(ours[index], whole.find(text).is_some(), "whole {:?} on {:?}", &pattern, text);
            }
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_refused(
        pattern in r"[\\()\[\]{}?*+|^$.<>=!:#,a-dpPuxUkbB0-9&~ é-]{0,24}",
        ecma in any::<bool>(),
    ) {
        let options = Options::new(if ecma { Syntax::Ecma262 } else { Syntax::Rust });
        let limits = Limits { states: 2_000, ..Limits::default() };
        if let Err(error) = regex::compile(&pattern, &options, &limits) {
            let first = error.iter().next().unwrap();
            prop_assert!(first.help.is_some() || first.code == Code::Limit, "{:?}: {}", &pattern, error);
            let _ = error.render("pattern", &pattern).to_string();
        }
        // What the `regex` crate accepts, we do too, but for what `docs/regex.md` lists.
        if !ecma && ::regex::Regex::new(&pattern).is_ok()
            && let Err(error) = regex::parse(&pattern, &options, &limits)
        {
            let listed = ["two quantifiers", "possessive", "POSIX", "flag `R`", "flag `u`", "surrogate"];
            prop_assert!(listed.iter().any(|part| error.to_string().contains(part)), "{:?}: {}", &pattern, error);
        }
    }
}
