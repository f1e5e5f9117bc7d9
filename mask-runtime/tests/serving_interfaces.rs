//! One matcher behind the interfaces that two servers have for grammars, fed the same tokens: the masks are the same, bit for bit.
//!
//! SGLang drives one object per request: a mask of all rows is allocated for the batch, a row is filled in place, tokens are
//! accepted one by one and rolled back, and nothing happens after the end. vLLM has a batch of rows, several per request when it
//! speculates: tokens are accepted as a list, drafts are validated without a change, or accepted, masked and rolled back. Bindings
//! to the servers are written in Python and not part of this project; what they would call is.

use grammar_ir::{Limits, text};
use mask_runtime::{CompiledGrammar, Matcher, Token, Tokenizer, Vocabulary, bitmask};

/// More than one word of a row, and not a whole number of them.
const SIZE: usize = 70;

/// Letters and pairs of letters, digits, and a stop token as the last.
fn compiled(grammar: &str) -> std::sync::Arc<CompiledGrammar> {
    let letters = ('a'..='z').map(|letter| letter.to_string());
    let pairs = ('a'..='z').map(|letter| format!("{letter}{}", if letter == 'z' { 'a' } else { 'b' }));
    let digits = ('0'..='9').map(|digit| digit.to_string());
    let texts =
        letters.chain(pairs).chain(digits).chain(["aaa", "abc", "1a", "a1", "12", "ab1c", "0z"].map(str::to_owned));
    let tokens = texts.map(|text| Token::Text(text.into())).chain([Token::Special("</s>".into())]);
    let vocabulary = Vocabulary::from_tokens(tokens).expect("a vocabulary");
    let vocabulary = vocabulary.with_stop_tokens([SIZE as u32 - 1]).expect("it has this token");
    assert_eq!(vocabulary.size(), SIZE);
    let grammar = text::parse(grammar).expect("a grammar");
    CompiledGrammar::new(&grammar, Tokenizer::new(vocabulary), &Limits::default()).expect("it compiles")
}

/// A mask as the servers have them: 32-bit signed words, `ceil(V / 32)` to a row.
struct Mask {
    words: Vec<i32>,
}

impl Mask {
    const WORDS: usize = SIZE.div_ceil(32);

    /// All rows allow everything.
    fn of_rows(rows: usize) -> Self {
        Self { words: vec![-1; rows * Self::WORDS] }
    }

    fn row(&self, index: usize) -> &[i32] {
        &self.words[index * Self::WORDS..][..Self::WORDS]
    }

    fn fill(&mut self, index: usize, matcher: &mut Matcher) {
        let mut row = bitmask::row_for(SIZE);
        matcher.fill(&mut row).expect("it can be filled");
        for (word, bits) in self.words[index * Self::WORDS..][..Self::WORDS].iter_mut().zip(row) {
            *word = bits.cast_signed();
        }
    }
}

/// The grammar object of SGLang: one for each request.
struct OfSglang(Matcher);

impl OfSglang {
    fn accept_token(&mut self, token: u32) {
        if !self.0.is_terminated() {
            self.0.accept_token(token).expect("the mask allows it");
        }
    }

    fn fill_vocab_mask(&mut self, mask: &mut Mask, index: usize) {
        // The scheduler does not ask for rows of those that have ended.
        if !self.0.is_terminated() {
            mask.fill(index, &mut self.0);
        }
    }
}

/// The grammar of vLLM.
struct OfVllm(Matcher);

impl OfVllm {
    fn accept_tokens(&mut self, tokens: &[u32]) -> bool {
        tokens.iter().all(|&token| self.0.is_terminated() || self.0.accept_token(token).is_ok())
    }

    fn fill_bitmask(&mut self, mask: &mut Mask, index: usize) {
        if !self.0.is_terminated() {
            mask.fill(index, &mut self.0);
        }
    }
}

/// The tokens that a row allows.
fn allowed(row: &[i32]) -> Vec<u32> {
    (0..SIZE as u32).filter(|id| row[*id as usize / 32] as u32 >> (id % 32) & 1 != 0).collect()
}

/// Numbers without a pattern, the same in each run.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn m11_the_same_tokens_give_the_same_masks() {
    for (seed, grammar) in [
        "root = \"ab\" ([a-c]{0,7} | [0-9]+ \"z\"?) ;",
        "root = list ;  list = \"a\" list? \"b\" | [0-9]{1,3} ;",
        "root = ([a-z]{2} [0-9]){0,4} \"abc\"? ;",
    ]
    .into_iter()
    .enumerate()
    {
        let compiled = compiled(grammar);
        for round in 0..40 {
            let mut state = (seed * 1_000 + round) as u64;
            let mut sglang = OfSglang(Matcher::new(compiled.clone()));
            let mut vllm = OfVllm(Matcher::new(compiled.clone()));
            // Of the first, row 1 of a batch of 3; of the other, rows 0 to 2 of one request with two drafts.
            for _ in 0..30 {
                let (mut single, mut drafts) = (Mask::of_rows(3), Mask::of_rows(3));
                sglang.fill_vocab_mask(&mut single, 1);
                vllm.fill_bitmask(&mut drafts, 0);
                assert_eq!(single.row(1), drafts.row(0), "{grammar}");
                assert!(
                    [0, 2].iter().all(|&row| single.row(row).iter().all(|&word| word == -1)),
                    "others are as they were"
                );
                if sglang.0.is_terminated() {
                    assert!(vllm.0.is_terminated());
                    assert!(vllm.accept_tokens(&[0, 1]), "what comes after the end is ignored");
                    sglang.accept_token(0);
                    break;
                }
                // No bits beyond the vocabulary.
                assert_eq!(single.row(1)[Mask::WORDS - 1] as u32 >> (SIZE % 32), 0);
                // A draft of two, accepted and rolled back by both: row by row the masks of a tree of one branch.
                let mut taken = 0;
                for depth in 1..3 {
                    let choices = allowed(drafts.row(depth - 1));
                    let token = choices[next(&mut state) % choices.len()];
                    assert_eq!(vllm.0.validate_tokens(&[token]), 1);
                    assert!(vllm.accept_tokens(&[token]));
                    sglang.accept_token(token);
                    taken += 1;
                    if vllm.0.is_terminated() {
                        break;
                    }
                    vllm.fill_bitmask(&mut drafts, depth);
                    sglang.fill_vocab_mask(&mut single, 2);
                    assert_eq!(single.row(2), drafts.row(depth), "{grammar}");
                }
                vllm.0.rollback(taken).expect("they were made");
                sglang.0.rollback(taken).expect("they were made");
                let choices = allowed(drafts.row(0));
                for refused in (0..SIZE as u32).filter(|id| !choices.contains(id)) {
                    assert!(sglang.0.accept_token(refused).is_err() && !vllm.accept_tokens(&[refused]));
                }
                let token = choices[next(&mut state) % choices.len()];
                sglang.accept_token(token);
                assert!(vllm.accept_tokens(&[token]));
            }
        }
    }
}
