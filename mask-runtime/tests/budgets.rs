//! Budgets of tokens against their definition, tried on all words: `max_tokens` of rules.
//!
//! A use of a rule with a budget of N tokens must not go on past the end of a token at which N tokens or more have a part of
//! their text in it and what it has read is a word of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use grammar_ir::{Expr, ExprId, Grammar, Limits, RuleId, text};
use mask_runtime::{CompiledGrammar, Matcher, Token, Tokenizer, Vocabulary, bitmask};

/// Every text of one to three letters, and a stop token.
fn tokenizer(letters: &[u8]) -> Arc<Tokenizer> {
    let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..3 {
        let to = texts.len();
        for index in from..to {
            for &letter in letters {
                let longer = [&texts[index][..], &[letter]].concat();
                texts.push(longer);
            }
        }
        from = to;
    }
    let tokens = texts.into_iter().skip(1).map(Token::Text).chain([Token::Special("</s>".into())]);
    let vocabulary = Vocabulary::from_tokens(tokens).unwrap();
    let stop = vocabulary.size() as u32 - 1;
    Tokenizer::new(vocabulary.with_stop_tokens([stop]).unwrap())
}

fn matcher(grammar: &str, tokenizer: &Arc<Tokenizer>) -> Matcher {
    let grammar = text::parse(grammar).unwrap();
    Matcher::new(CompiledGrammar::new(&grammar, Arc::clone(tokenizer), &Limits::default()).unwrap())
}

/// A text and where its tokens end.
struct Tokens<'t> {
    text: &'t [u8],
    ends: &'t [usize],
}

impl Tokens<'_> {
    /// How many tokens have a part of their text between two positions.
    fn between(&self, from: usize, to: usize) -> usize {
        1 + self.ends.iter().filter(|&&end| from < end && end < to).count()
    }

    /// Where a word of `expr` that begins at `from` can end. (The grammars here have no left recursion.)
    fn word_ends(&self, grammar: &Grammar, expr: ExprId, from: usize) -> BTreeSet<usize> {
        let rest = &self.text[from..];
        match grammar.expr(expr) {
            Expr::Empty => BTreeSet::from([from]),
            Expr::Bytes(bytes) if rest.starts_with(bytes) => BTreeSet::from([from + bytes.len()]),
            Expr::Class(set) => {
                let fits = rest.first().is_some_and(|&byte| set.contains(char::from(byte)));
                fits.then_some(from + 1).into_iter().collect()
            }
            Expr::Sequence(parts) => parts.iter().fold(BTreeSet::from([from]), |ends, &part| {
                ends.iter().flat_map(|&end| self.word_ends(grammar, part, end)).collect()
            }),
            Expr::Choice(arms) => arms.iter().flat_map(|&arm| self.word_ends(grammar, arm, from)).collect(),
            Expr::Repeat { body, min, max } => {
                let mut all = BTreeSet::new();
                let mut ends = BTreeSet::from([from]);
                for count in 0..=max.unwrap_or(u32::MAX) {
                    if count >= *min {
                        all.extend(&ends);
                    }
                    ends = ends.iter().flat_map(|&end| self.word_ends(grammar, *body, end)).collect();
                    if ends.is_empty() {
                        break;
                    }
                }
                all
            }
            Expr::Rule(rule) => self.rule_ends(grammar, *rule, from),
            _ => BTreeSet::new(),
        }
    }

    fn rule_ends(&self, grammar: &Grammar, rule: RuleId, from: usize) -> BTreeSet<usize> {
        let rule = grammar.rule(rule);
        let ends = self.word_ends(grammar, rule.body, from);
        let Some(max) = rule.attributes.max_tokens else { return ends };
        let is_spent = |end: &usize| self.ends.contains(end) && *end > from && self.between(from, *end) >= max as usize;
        match ends.iter().copied().find(is_spent) {
            Some(last) => ends.into_iter().filter(|&end| end <= last).collect(),
            None => ends,
        }
    }

    fn is_word(&self, grammar: &Grammar) -> bool {
        self.rule_ends(grammar, grammar.root(), 0).contains(&self.text.len())
    }
}

/// Whether some text of up to `more` letters completes the tokens.
fn is_viable(grammar: &Grammar, text: &mut Vec<u8>, ends: &[usize], more: usize) -> bool {
    if (Tokens { text, ends }).is_word(grammar) {
        return true;
    }
    more > 0
        && b"abc".iter().any(|&letter| {
            text.push(letter);
            let viable = is_viable(grammar, text, ends, more - 1);
            text.pop();
            viable
        })
}

/// Compares all masks along all sequences of `depth` tokens.
fn compare(source: &str, letters: &[u8], depth: usize) {
    let grammar = text::parse(source).unwrap();
    let tokenizer = tokenizer(letters);
    let mut matcher = matcher(source, &tokenizer);
    descend(&grammar, &tokenizer, &mut matcher, &mut Vec::new(), &mut Vec::new(), depth, source);
}

#[allow(clippy::too_many_arguments, reason = "the state of one walk over all sequences of tokens")]
fn descend(
    grammar: &Grammar,
    tokenizer: &Arc<Tokenizer>,
    matcher: &mut Matcher,
    text: &mut Vec<u8>,
    ends: &mut Vec<usize>,
    depth: usize,
    source: &str,
) {
    let mut row = matcher.row();
    let filled = matcher.fill(&mut row);
    let allowed: BTreeSet<u32> = bitmask::iter(&row).collect();
    let vocabulary = tokenizer.vocabulary();
    let stop = vocabulary.stop_tokens()[0];
    let mut expected = BTreeSet::new();
    for token in 0..stop {
        let before = text.len();
        text.extend_from_slice(vocabulary.bytes(token));
        ends.push(text.len());
        if is_viable(grammar, text, ends, 3) {
            expected.insert(token);
        }
        ends.pop();
        text.truncate(before);
    }
    if (Tokens { text, ends }).is_word(grammar) {
        expected.insert(stop);
    }
    assert_eq!(
        allowed,
        expected,
        "{source} after {:?} in tokens that end at {ends:?}",
        text.escape_ascii().to_string()
    );
    assert_eq!(filled.is_ok(), !expected.is_empty());
    for token in 0..=stop {
        let steps = matcher.step_count();
        let accepted = matcher.accept_token(token).is_ok();
        assert_eq!(accepted, expected.contains(&token), "{source}: token {token} after {text:?} {ends:?}");
        if accepted && token != stop && depth > 0 {
            let before = text.len();
            text.extend_from_slice(vocabulary.bytes(token));
            ends.push(text.len());
            descend(grammar, tokenizer, matcher, text, ends, depth - 1, source);
            ends.pop();
            text.truncate(before);
        }
        matcher.rollback(matcher.step_count() - steps).unwrap();
    }
    let mut again = matcher.row();
    assert_eq!(matcher.fill(&mut again).is_ok(), filled.is_ok());
    assert_eq!(again, row, "{source}: rollback changed the mask after {text:?}");
}

#[test]
fn masks_are_those_of_the_definition() {
    for source in [
        "root = r \"c\" ; r %max_tokens(1) = [ab]* ;",
        "root = r \"c\" ; r %max_tokens(2) = [ab]* ;",
        "root = \"a\" r \"c\" ; r %max_tokens(2) = [ab]+ ;",
        "root = r ; r %max_tokens(2) = [ab]* \"c\" | [ab]* ;",
        "root %max_tokens(2) = [abc]* ;",
        "root = r* \"c\" ; r %max_tokens(1) = \"a\"+ \"b\" ;",
        "root = r* ; r %max_tokens(2) = (\"a\"+ \"b\")+ \"c\"? ;",
        "root = outer \"c\" ; outer %max_tokens(2) = \"a\" inner \"b\"* ; inner %max_tokens(1) = \"a\"* ;",
        "root = outer \"c\" ; outer %max_tokens(3) = (inner \"b\")* ; inner %max_tokens(2) = \"a\"+ ;",
        "root = nested \"b\" ; nested %max_tokens(2) = \"a\" nested \"c\"? | \"b\" ;",
        "root = \"c\" part \"c\" ; part = \"a\" rest ; rest %max_tokens(1) = \"a\" rest | \"b\"* ;",
        "root = r \"b\" ; r %max_tokens(2) = \"a\"{0,5} ;",
        "root = r \"b\"{2,4} r ; r %max_tokens(1) = \"a\"{1,40} ;",
    ] {
        compare(source, b"abc", 1);
        compare(source, b"ab", 2);
    }
}

#[test]
fn budgets_hold_over_long_texts() {
    for source in [
        "root = r \"b\" ; r %max_tokens(4) = \"a\"* ;",
        "root = (r \"b\")* ; r %max_tokens(3) = \"a\" r | \"a\" ;",
        "root = r \"b\" ; r %max_tokens(4) = s* ; s %max_tokens(2) = \"a\" | \"ab\" ;",
    ] {
        compare(source, b"ab", 3);
    }
}

#[test]
fn a_rule_that_cannot_end_goes_on() {
    let tokenizer = tokenizer(b"ab");
    let mut matcher = matcher("root = r \"a\" ; r %max_tokens(1) = \"a\"* \"b\" ;", &tokenizer);
    let a = 0;
    for _ in 0..5 {
        matcher.accept_token(a).unwrap();
    }
    assert_eq!(matcher.next_bytes().iter().collect::<Vec<u8>>(), b"ab");
    matcher.accept_bytes(b"b").unwrap();
    assert_eq!(matcher.forced_bytes(10), b"a");
}

#[test]
fn forced_text_is_no_token() {
    let tokenizer = tokenizer(b"ab");
    let mut matcher = matcher("root = r \"b\" ; r %max_tokens(1) = \"aaaa\" \"b\"? ;", &tokenizer);
    assert_eq!(matcher.forced_bytes(10), b"aaaab");
    assert_eq!(matcher.step_count(), 0);
}
