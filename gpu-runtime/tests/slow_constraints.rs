//! Sequences whose constraint is slow: they come to the same end, and the others do not wait for them.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Answer, answer, engine, run};
use gpu_runtime::ModelFiles;
use gpu_runtime::engine::{Fill, Request, SequenceError, TokenMatcher};

/// Any text; each mask is much work, except beside the loop, where it waits until it may go on.
#[derive(Debug)]
struct Slow {
    size: usize,
    stop_tokens: Vec<u32>,
    work: u64,
    gate: Arc<AtomicBool>,
}

impl TokenMatcher for Slow {
    fn vocabulary_size(&self) -> usize {
        self.size
    }

    fn stop_tokens(&self) -> &[u32] {
        &self.stop_tokens
    }

    fn fill(&mut self, row: &mut [u32]) -> Result<Fill, SequenceError> {
        if std::thread::current().name() == Some("grammarc-aside") {
            while !self.gate.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
        } else {
            (0..self.work).for_each(|index| {
                black_box(index);
            });
        }
        row.fill(0);
        (0..self.size).for_each(|token| row[token / 32] |= 1 << (token % 32));
        self.stop_tokens.iter().for_each(|&token| row[token as usize / 32] &= !(1 << (token % 32)));
        Ok(Fill::Masked)
    }

    fn accept_token(&mut self, _: u32) -> Result<(), SequenceError> {
        Ok(())
    }

    fn is_complete(&mut self) -> bool {
        false
    }

    fn is_terminated(&self) -> bool {
        false
    }

    fn is_ended(&mut self) -> bool {
        false
    }

    fn rollback(&mut self, _: usize) -> Result<(), SequenceError> {
        Ok(())
    }
}

/// A request for `tokens` tokens, each of which is so much work.
fn request(files: &ModelFiles, work: u64, tokens: usize, gate: &Arc<AtomicBool>) -> Request {
    let vocabulary = files.vocabulary().expect("a vocabulary");
    let stop_tokens = vocabulary.stop_tokens().to_vec();
    let matcher = Slow { size: vocabulary.size(), stop_tokens, work, gate: gate.clone() };
    Request { matcher: Some(Box::new(matcher)), ..Request::new(vec![70, 80, 90], tokens) }
}

/// More work than a forward pass.
const MUCH: u64 = 100_000_000;

fn open() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

#[test]
fn the_answer_is_the_same() {
    let files = ModelFiles::embedded_tiny().expect("the embedded model");
    let mut engine = engine(&files);
    let quick = answer(&mut engine, request(&files, 0, 8, &open()));
    let slow = answer(&mut engine, request(&files, MUCH, 8, &open()));
    assert_eq!(slow, quick);
    assert_eq!(slow.tokens.len(), 8);
}

#[test]
fn the_others_go_on() {
    let files = ModelFiles::embedded_tiny().expect("the embedded model");
    let mut engine = engine(&files);
    let gate = Arc::new(AtomicBool::new(false));
    let slow = engine.submit(request(&files, MUCH, 20, &gate)).expect("it can be served");
    let quick = engine.submit(request(&files, 0, 60, &gate)).expect("it can be served");
    let mut slow_tokens = 0;
    'quick: loop {
        for event in engine.step().expect("the device works").events {
            slow_tokens += if event.sequence == slow { event.tokens.len() } else { 0 };
            if event.sequence == quick && event.finish.is_some() {
                break 'quick;
            }
        }
    }
    // In turn with the other it would have had all of its tokens, and had the other waited for it, there would be no end.
    assert!(slow_tokens < 20, "{slow_tokens} of 20");
    gate.store(true, Ordering::Relaxed);
    let Answer { tokens, .. } = &run(&mut engine)[&slow];
    assert_eq!(slow_tokens + tokens.len(), 20);
}

#[test]
fn one_that_is_cancelled_gives_its_place_back() {
    let files = ModelFiles::embedded_tiny().expect("the embedded model");
    let mut engine = engine(&files);
    let slow = engine.submit(request(&files, MUCH, 400, &open())).expect("it can be served");
    for _ in 0..4 {
        engine.step().expect("the device works");
    }
    assert!(engine.cancel(slow));
    assert!(!engine.cancel(slow), "once only");
    assert_eq!(engine.load(), (0, 0));
    while !engine.is_idle() {
        let events = engine.step().expect("the device works").events;
        assert_eq!(events, [], "nothing more is said of it");
    }
    // As many as there are pages for, which takes those of the cancelled one.
    for _ in 0..8 {
        engine.submit(request(&files, 0, 500, &open())).expect("it can be served");
    }
    assert_eq!(run(&mut engine).len(), 8);
}
