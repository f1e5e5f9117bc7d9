//! One text through one grammar, timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use compilers::json_schema;
use grammar_ir::{Grammar, Limits};
use mask_runtime::{CompiledGrammar, Matcher, Tokenizer};
use serde_json::Value;

use crate::tokens_of;

/// What a grammar is compiled from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Schema(Value),
    Gbnf(&'static str),
}

impl Source {
    fn grammar(&self) -> Result<Grammar, String> {
        let limits = Limits::default();
        match self {
            Self::Schema(schema) => json_schema::compile(&schema.to_string(), &Default::default(), &limits)
                .map(|compiled| compiled.grammar)
                .map_err(|error| error.to_string()),
            Self::Gbnf(text) => {
                compilers::gbnf::compile(text, &Default::default(), None, &limits).map_err(|error| error.to_string())
            }
        }
    }

    /// A matcher at the beginning.
    pub(super) fn matcher(&self, tokenizer: &Arc<Tokenizer>) -> Result<Matcher, String> {
        let grammar = CompiledGrammar::new(&self.grammar()?, Arc::clone(tokenizer), &Limits::default());
        grammar.map(Matcher::new).map_err(|error| error.to_string())
    }
}

/// What was measured along a text, times in microseconds.
#[derive(Debug)]
pub(super) struct Walk {
    /// From the source to the first mask.
    pub(super) first_mask: f64,
    /// Mask + accept of each token, each state new to the grammar.
    pub(super) new: Vec<f64>,
    /// The same for the same text once more.
    pub(super) again: Vec<f64>,
    /// Where the text ends, the grammar having seen it all.
    pub(super) matcher: Matcher,
}

impl Walk {
    /// Goes along `text` `rounds` times, which is at least once.
    pub(super) fn new(source: &Source, text: &str, tokenizer: &Arc<Tokenizer>, rounds: usize) -> Result<Self, String> {
        let tokens = tokens_of(text, tokenizer.vocabulary());
        let mut walk = Self::once(source, &tokens, tokenizer)?;
        for _ in 1..rounds {
            let next = Self::once(source, &tokens, tokenizer)?;
            walk.first_mask = walk.first_mask.min(next.first_mask);
            let least = |times: &mut [f64], next: &[f64]| {
                times.iter_mut().zip(next).for_each(|(time, next)| *time = time.min(*next));
            };
            least(&mut walk.new, &next.new);
            least(&mut walk.again, &next.again);
        }
        Ok(walk)
    }

    fn once(source: &Source, tokens: &[u32], tokenizer: &Arc<Tokenizer>) -> Result<Self, String> {
        let started = Instant::now();
        let mut matcher = source.matcher(tokenizer)?;
        let mut row = matcher.row();
        matcher.fill(&mut row).map_err(|error| error.to_string())?;
        let first_mask = microseconds(started.elapsed());
        let mut pass = || -> Result<Vec<f64>, String> {
            matcher.reset();
            let step = |&token: &u32| {
                let started = Instant::now();
                matcher.fill(&mut row).map_err(|error| error.to_string())?;
                matcher.accept_token(token).map_err(|error| error.to_string())?;
                Ok(microseconds(started.elapsed()))
            };
            tokens.iter().map(step).collect()
        };
        let (new, again) = (pass()?, pass()?);
        Ok(Self { first_mask, new, again, matcher })
    }
}

/// The mean; NaN of nothing.
pub(super) fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

pub(super) fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use mask_runtime::embedded_tiny;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_token_is_timed_and_the_text_is_complete() {
        let tokenizer = Tokenizer::new(embedded_tiny());
        let source = Source::Schema(json!({"type": "array", "items": {"type": "integer"}}));
        let walk = Walk::new(&source, "[10, 200]", &tokenizer, 2).unwrap();
        let tokens = tokens_of("[10, 200]", tokenizer.vocabulary()).len();
        assert_eq!((walk.new.len(), walk.again.len(), walk.matcher.step_count()), (tokens, tokens, tokens));
        assert!(walk.matcher.is_complete() && walk.first_mask > 0.0);
        assert!(Walk::new(&source, "[true]", &tokenizer, 1).is_err());
    }
}
