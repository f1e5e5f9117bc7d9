//! In the steady state, masks and accepted tokens take nothing from the heap: what a matcher and its grammar need is there
//! once a text like this one has been gone through. The exception are values that others must differ from (`uniqueItems`,
//! keys that are not declared): each takes room of its own.

use std::path::Path;
use std::sync::Arc;

use grammar_ir::Limits;
use grammarc_fuzz::corpus;
use mask_runtime::{CompiledGrammar, Matcher, TokenKind, Tokenizer, Vocabulary};

/// Goes through `text` from the beginning, with a mask before each token.
fn go_through(matcher: &mut Matcher, tokens: &[u32], row: &mut [u32]) {
    matcher.reset();
    for &token in tokens {
        matcher.fill(row).expect("some token fits");
        matcher.accept_token(token).expect("the text fits");
    }
}

/// The longest tokens that `text` is made of, each from where the one before ends.
fn tokenize(vocabulary: &Vocabulary, text: &[u8]) -> Vec<u32> {
    let fits = |id: u32, rest: &[u8]| {
        vocabulary.kind(id) == TokenKind::Text
            && !vocabulary.bytes(id).is_empty()
            && rest.starts_with(vocabulary.bytes(id))
    };
    let mut tokens = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let ids = (0..vocabulary.size() as u32).filter(|&id| fits(id, rest));
        let longest = ids.max_by_key(|&id| vocabulary.bytes(id).len()).expect("every byte is a token");
        tokens.push(longest);
        rest = &rest[vocabulary.bytes(longest).len()..];
    }
    tokens
}

#[test]
fn the_steady_state_takes_nothing_from_the_heap() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mask-runtime/data/tiny-tools");
    let tokenizer = Tokenizer::new(Vocabulary::from_huggingface_dir(model).expect("a tokenizer"));
    let limits = Limits::default();
    for (name, text) in [
        ("json.gbnf", r#"{"name": [1, -2.5e3, {"deep": [[["text \u00e9 and more"]]]}, true], "other": null}"#),
        ("person.json", r##"{"name": "Ada", "age": 36, "tags": ["new", "é"], "friends": []}"##),
        ("tree.json", r#"{"value": [1, "x"], "left": {"value": null}, "right": {"value": {}}}"#),
        ("c.gbnf", "int main() { return 1; }"),
        ("counts.gbnf", "# A title\n- some more words \n\nThat is all!"),
    ] {
        let Some((_, source)) = corpus::GRAMMARS.iter().find(|(file, _)| *file == name) else { panic!("no {name}") };
        let grammar = corpus::compile(name, source, &limits).unwrap_or_else(|error| panic!("{error}"));
        let compiled = CompiledGrammar::new(&grammar, Arc::clone(&tokenizer), &limits).expect("within limits");
        let mut matcher = Matcher::new(compiled);
        let mut row = matcher.row();
        let mut tokens = tokenize(tokenizer.vocabulary(), text.as_bytes());
        let fitting = {
            let mut fits = |&token: &u32| matcher.accept_token(token).is_ok();
            tokens.iter().take_while(|token| fits(token)).count()
        };
        assert!(fitting >= 4, "{name}: {fitting} tokens fit");
        tokens.truncate(fitting);
        go_through(&mut matcher, &tokens, &mut row);
        let taken = allocation_counter::measure(|| go_through(&mut matcher, &tokens, &mut row));
        assert_eq!(taken.count_total, 0, "{name}: {taken:?} in {fitting} tokens");
    }
}
