//! Sequences whose constraint is slow: they come to the same end, and the others do not wait for them.

mod common;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Answer, OPTIONS, answer, engine, engine_of, run};
use gpu_runtime::engine::{Engine, EngineOptions, Fill, Finish, Request, SequenceError, SequenceId, TokenMatcher};
use gpu_runtime::{CpuDevice, ModelFiles};

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

/// As many sequences have a place in a step.
const MOST: usize = OPTIONS.max_logits;

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

/// Steps until all of `ids` have ended.
fn finish(engine: &mut Engine<CpuDevice>, ids: &[SequenceId]) -> BTreeMap<SequenceId, Finish> {
    let mut ended = BTreeMap::new();
    while ended.len() < ids.len() {
        for event in engine.step().expect("the device works").events {
            if let Some(finish) = event.finish.filter(|_| ids.contains(&event.sequence)) {
                ended.insert(event.sequence, finish);
            }
        }
    }
    ended
}

/// Slow sequences until as many are aside as there may be, none of which comes back before the gate opens.
fn fill_up(
    engine: &mut Engine<CpuDevice>,
    files: &ModelFiles,
    gate: &Arc<AtomicBool>,
    tokens: usize,
) -> Vec<SequenceId> {
    let slow: Vec<SequenceId> =
        (0..MOST).map(|_| engine.submit(request(files, MUCH, tokens, gate)).expect("it can be served")).collect();
    // The first mask shows how slow it is.
    for _ in 0..MOST + 4 {
        engine.step().expect("the device works");
    }
    slow
}

#[test]
fn however_many_are_aside_there_is_room_for_others() {
    let files = ModelFiles::embedded_tiny().expect("the embedded model");
    let mut engine = engine_of(&files, EngineOptions { max_slow: MOST, ..EngineOptions::default() });
    let gate = Arc::new(AtomicBool::new(false));
    // So long that they take all pages.
    let slow = fill_up(&mut engine, &files, &gate, 500);
    let quick: Vec<SequenceId> =
        (0..2 * MOST).map(|_| engine.submit(request(&files, 0, 10, &gate)).expect("it can be served")).collect();
    for finish in finish(&mut engine, &quick).values() {
        assert_eq!(finish, &Finish::MaxTokens { complete: false });
    }
    let further = engine.submit(request(&files, MUCH, 10, &gate)).expect("it can be served");
    let refused = Finish::Failed(SequenceError::TooManySlow { limit: MOST });
    assert_eq!(finish(&mut engine, &[further])[&further], refused);
    for id in slow {
        assert!(engine.cancel(id));
    }
    assert_eq!(engine.load(), (0, 0));
    gate.store(true, Ordering::Relaxed);
    while !engine.is_idle() {
        engine.step().expect("the device works");
    }
}

#[test]
fn what_comes_back_without_its_pages_goes_on_where_it_was() {
    let files = ModelFiles::embedded_tiny().expect("the embedded model");
    let mut engine = engine(&files);
    let expected = answer(&mut engine, request(&files, 0, 40, &open())).tokens;
    let gate = Arc::new(AtomicBool::new(false));
    let slow = engine.submit(request(&files, MUCH, 40, &gate)).expect("it can be served");
    let mut tokens = Vec::new();
    let mut step = |engine: &mut Engine<CpuDevice>| {
        let events = engine.step().expect("the device works").events;
        tokens.extend(events.into_iter().filter(|event| event.sequence == slow).flat_map(|event| event.tokens));
    };
    (0..4).for_each(|_| step(&mut engine));
    // As many as there are pages for, those of the slow one included.
    let greedy: Vec<SequenceId> =
        (0..8).map(|_| engine.submit(request(&files, 0, 500, &gate)).expect("it can be served")).collect();
    while engine.load().1 > 0 {
        step(&mut engine);
    }
    gate.store(true, Ordering::Relaxed);
    (0..200).for_each(|_| step(&mut engine));
    assert!(greedy.into_iter().all(|id| engine.cancel(id)));
    while !engine.is_idle() {
        step(&mut engine);
    }
    assert_eq!(tokens, expected);
}

#[test]
fn a_constraint_has_so_much_time_and_no_more() {
    let files = ModelFiles::embedded_tiny().expect("the embedded model");
    let limit = Duration::from_millis(1);
    let mut engine = engine_of(&files, EngineOptions { constraint_time: limit, ..EngineOptions::default() });
    let slow = engine.submit(request(&files, MUCH, 400, &open())).expect("it can be served");
    let quick = Request { ignore_eos: true, ..Request::new(vec![70, 80, 90], 20) };
    let quick = engine.submit(quick).expect("it can be served");
    let error = SequenceError::ConstraintTime { seconds: 0.001 };
    assert!(error.is_of_constraint());
    let ended = finish(&mut engine, &[slow, quick]);
    assert_eq!((&ended[&slow], &ended[&quick]), (&Finish::Failed(error), &Finish::MaxTokens { complete: false }));
}
