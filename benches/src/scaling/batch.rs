//! By the sequences of a batch, and by the threads that make its masks.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use mask_runtime::{BatchFiller, Matcher, Tokenizer};

use super::memory;
use super::walk::{Source, microseconds};
use crate::tokens_of;

const BATCHES: [usize; 4] = [1, 16, 64, 256];
const THREADS: [usize; 2] = [1, 2];
/// Steps that a batch makes in a round.
const STEPS: usize = 40;
/// Rounds over which the least time of each step is taken.
const ROUNDS: usize = 20;

/// Sequences of different grammars, each at a place of its own in its text, step by step: masks in a batch, timed, and one
/// token each, not timed. A sequence at its end begins anew. All grammars are warm after the first round.
pub(super) fn print(tokenizer: &Arc<Tokenizer>) -> Result<(), String> {
    println!(
        "\n{:<10} {:>8} {:>16} {:>14} {:>10} {:>18} {:>16}",
        "batch", "threads", "µs per batch", "µs per mask", "speed-up", "CPU, µs per mask", "CPU, × 1 thread"
    );
    let mut sequences = sequences(tokenizer)?;
    let words = tokenizer.vocabulary().words_per_row();
    for size in BATCHES {
        let mut single = None;
        for threads in THREADS {
            let filler = BatchFiller::new(threads).map_err(|error| error.to_string())?;
            let mut rows = vec![0; size * words];
            // One round without timing: what is learned is learned, and threads have begun.
            rounds(&filler, &mut sequences[..size], &mut rows, 1)?;
            let cpu_before = cpu_time();
            let least = rounds(&filler, &mut sequences[..size], &mut rows, ROUNDS)?;
            let masks = (ROUNDS * STEPS * size) as f64;
            let cpu = cpu_time().zip(cpu_before).map_or(f64::NAN, |(after, before)| (after - before) / masks);
            let (single_wall, single_cpu) = *single.get_or_insert((least, cpu));
            println!(
                "{size:<10} {threads:>8} {:>16.1} {:>14.3} {:>10.2} {:>18.3} {:>16.2}",
                least,
                least / size as f64,
                single_wall / least,
                cpu,
                cpu / single_cpu,
            );
        }
    }
    Ok(())
}

/// A generation that follows a text.
struct Sequence {
    matcher: Matcher,
    tokens: Arc<[u32]>,
    /// Where a round begins.
    start: usize,
    position: usize,
}

impl Sequence {
    fn seek(&mut self) -> Result<(), String> {
        self.matcher.reset();
        self.position = self.start;
        let mut tokens = self.tokens[..self.start].iter();
        tokens.try_for_each(|&token| self.matcher.accept_token(token)).map_err(|error| error.to_string())
    }

    fn advance(&mut self) -> Result<(), String> {
        match self.tokens.get(self.position) {
            Some(&token) => {
                self.position += 1;
                self.matcher.accept_token(token).map_err(|error| error.to_string())
            }
            None => {
                self.matcher.reset();
                self.position = 0;
                Ok(())
            }
        }
    }
}

/// The microseconds of a batch: the mean over the steps of the least time of each.
fn rounds(filler: &BatchFiller, sequences: &mut [Sequence], rows: &mut [u32], rounds: usize) -> Result<f64, String> {
    let words = rows.len() / sequences.len();
    let mut least = [f64::INFINITY; STEPS];
    for _ in 0..rounds {
        sequences.iter_mut().try_for_each(Sequence::seek)?;
        for least in &mut least {
            let matchers = sequences.iter_mut().map(|sequence| &mut sequence.matcher);
            let mut jobs: Vec<_> = matchers.zip(rows.chunks_exact_mut(words)).collect();
            let started = Instant::now();
            let results = filler.fill(&mut jobs);
            *least = least.min(microseconds(started.elapsed()));
            results.into_iter().collect::<Result<(), _>>().map_err(|error| error.to_string())?;
            sequences.iter_mut().try_for_each(Sequence::advance)?;
        }
    }
    Ok(super::walk::mean(&least))
}

/// As many as the largest batch has, of eight grammars.
fn sequences(tokenizer: &Arc<Tokenizer>) -> Result<Vec<Sequence>, String> {
    let json = Source::Gbnf(include_str!("../../../fuzz/grammars/json.gbnf"));
    let person = r#"{"name": "Ada Lovelace", "age": 36, "tags": ["mathematics", "engines"]}"#.to_owned();
    let words = r#""Some words of a text, as they come, and then a few more to go on with""#.to_owned();
    let schema = |text: &str| serde_json::from_str(text).map(Source::Schema).map_err(|error| error.to_string());
    let sources = [
        memory::object(5),
        memory::object(20),
        (json.clone(), person.clone()),
        (json, "[[1, 2], {\"a\": [true, null]}, \"b\", 1.5e10]".to_owned()),
        (schema(r#"{"type": "string"}"#)?, words.clone()),
        (schema(r#"{"type": "string", "maxLength": 1000}"#)?, words),
        (schema(r#"{"type": "array", "items": {"type": "integer"}}"#)?, "[1, 22, 333, 4444, 55555]".to_owned()),
        (schema(r#"{"type": "object"}"#)?, person),
    ];
    let count = BATCHES[BATCHES.len() - 1];
    let mut sequences = Vec::with_capacity(count);
    let prepared = sources.map(|(source, text)| {
        let tokens: Arc<[u32]> = tokens_of(&text, tokenizer.vocabulary()).into();
        source.matcher(tokenizer).map(|matcher| (matcher, tokens))
    });
    let prepared = prepared.into_iter().collect::<Result<Vec<_>, String>>()?;
    for number in 0..count {
        let (matcher, tokens) = &prepared[number % prepared.len()];
        let start = (number / prepared.len()) * 7 % (tokens.len() + 1);
        sequences.push(Sequence { matcher: matcher.fork(), tokens: Arc::clone(tokens), start, position: 0 });
    }
    Ok(sequences)
}

/// What all threads of this process have computed so far, in microseconds, where Linux tells.
fn cpu_time() -> Option<f64> {
    let nanoseconds = fs::read_dir("/proc/self/task").ok()?.filter_map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Some(nanoseconds.sum::<u64>() as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use mask_runtime::embedded_tiny;

    use super::*;

    #[test]
    fn masks_of_a_batch_are_those_of_each_sequence() {
        let tokenizer = Tokenizer::new(embedded_tiny());
        let mut sequences = sequences(&tokenizer).unwrap();
        let words = tokenizer.vocabulary().words_per_row();
        let mut rows = vec![0; sequences.len() * words];
        let filler = BatchFiller::new(2).unwrap();
        assert!(rounds(&filler, &mut sequences, &mut rows, 1).unwrap().is_finite());
        // A round leaves each sequence at the place of its next mask; one more step puts these into the rows.
        let matchers = sequences.iter_mut().map(|sequence| &mut sequence.matcher);
        let mut jobs: Vec<_> = matchers.zip(rows.chunks_exact_mut(words)).collect();
        assert!(filler.fill(&mut jobs).iter().all(Result::is_ok));
        for (sequence, row) in sequences.iter_mut().zip(rows.chunks_exact(words)) {
            let mut alone = sequence.matcher.row();
            sequence.matcher.fill(&mut alone).unwrap();
            assert_eq!(row, alone);
        }
    }
}
