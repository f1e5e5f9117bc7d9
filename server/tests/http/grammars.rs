//! Compiles: once for equal constraints that come together, beside everything else, kept up to a number of bytes.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use server::{
    Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint, Constraint, GRAMMARC,
    GrammarOptions, ServiceOptions,
};

use crate::client::{Server, wait_until};

/// The compiler of this project behind a gate: as long as it is closed, compiles take. Constraints that begin with [`SLOW`]
/// are at the gate in the last lane, and find the time of the others too short; all others pass while [`SLOW_ONLY`] is set.
const GATED: BackendEntry = BackendEntry { name: "gated", version: "1", start: start_gated };

static OPEN: AtomicBool = AtomicBool::new(false);
static BEGUN: AtomicUsize = AtomicUsize::new(0);
static CANCELLED: AtomicUsize = AtomicUsize::new(0);
/// Compiles at the gate do not notice that they are cancelled.
static STUBBORN: AtomicBool = AtomicBool::new(false);

/// More time than the lanes before the last have.
const LAST_LANE: Duration = Duration::from_secs(1);

/// How a constraint begins that only the last lane has time for.
const SLOW: &str = "slow";

static SLOW_ONLY: AtomicBool = AtomicBool::new(false);

/// The tests that use the gate come one after the other.
static GATE: Mutex<()> = Mutex::new(());

#[derive(Debug)]
struct Gated(Arc<dyn Backend>);

fn start_gated(setup: BackendSetup) -> Result<Arc<dyn Backend>, String> {
    Ok(Arc::new(Gated((GRAMMARC.start)(setup)?)))
}

impl Backend for Gated {
    fn compile(
        &self,
        constraint: &Constraint,
        budget: &CompileBudget,
    ) -> Result<Arc<dyn CompiledConstraint>, CompileError> {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        let is_slow = constraint.text.starts_with(SLOW);
        let slow_only = SLOW_ONLY.load(Ordering::Relaxed);
        if slow_only && is_slow && budget.time < LAST_LANE {
            sleep(budget.time);
            return Err(CompileError::new(constraint.kind, "out of time"));
        }
        while (is_slow || !slow_only) && !OPEN.load(Ordering::Relaxed) {
            if budget.cancel.load(Ordering::Relaxed) && !STUBBORN.load(Ordering::Relaxed) {
                CANCELLED.fetch_add(1, Ordering::Relaxed);
                return Err(CompileError::new(constraint.kind, "cancelled"));
            }
            sleep(Duration::from_millis(1));
        }
        self.0.compile(constraint, &CompileBudget { time: Duration::from_secs(60), ..budget.clone() })
    }
}

/// A server whose gate is closed.
fn gated() -> Server {
    gated_with(ServiceOptions::default())
}

fn gated_with(options: ServiceOptions) -> Server {
    OPEN.store(false, Ordering::Relaxed);
    STUBBORN.store(false, Ordering::Relaxed);
    SLOW_ONLY.store(false, Ordering::Relaxed);
    BEGUN.store(0, Ordering::Relaxed);
    CANCELLED.store(0, Ordering::Relaxed);
    Server::start(ServiceOptions { backend: Some(GATED), ..options })
}

#[test]
fn equal_constraints_that_come_together_are_compiled_once() {
    const CLIENTS: usize = 8;
    let _one_at_a_time = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = gated();
    let body = json!({"text": "x", "sampling_params": {"regex": "together"}});
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| server.generate(&body))).collect();
        wait_until("all of them wait for the compile", || {
            server.metric("grammar_cache_hits_total") + server.metric("grammar_cache_misses_total") == CLIENTS as f64
        });
        assert_eq!(server.metric("grammar_cache_misses_total"), 1.0);
        wait_until("the compile has begun", || BEGUN.load(Ordering::Relaxed) == 1);
        let other = json!({"text": "x", "sampling_params": {"max_new_tokens": 3, "ignore_eos": true}});
        assert_eq!(server.generate(&other)["meta_info"]["completion_tokens"], 3, "others do not wait");
        OPEN.store(true, Ordering::Relaxed);
        for client in clients {
            assert_eq!(client.join().expect("an answer")["text"], "together");
        }
    });
    assert_eq!(BEGUN.load(Ordering::Relaxed), 1);
    assert_eq!(server.generate(&body)["text"], "together");
    assert_eq!(BEGUN.load(Ordering::Relaxed), 1, "it is kept");
}

#[test]
fn a_compile_that_nobody_waits_for_any_more_is_cancelled() {
    let _one_at_a_time = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = gated();
    let body = json!({"text": "x", "sampling_params": {"regex": "abandoned"}});
    let clients = [(); 2].map(|()| server.open("POST", "/generate", &body.to_string()));
    wait_until("both wait", || server.metric("grammar_cache_hits_total") == 1.0);
    let [first, second] = clients;
    drop(first);
    sleep(Duration::from_millis(200));
    assert_eq!(CANCELLED.load(Ordering::Relaxed), 0, "one still waits");
    drop(second);
    wait_until("the compile has been cancelled", || CANCELLED.load(Ordering::Relaxed) == 1);
    OPEN.store(true, Ordering::Relaxed);
    assert_eq!(server.generate(&body)["text"], "abandoned", "what was cancelled is compiled again");
}

/// Requests that wait for compiles keep none from generating that need no compile, however many they are.
#[test]
fn those_that_wait_for_compiles_leave_the_model_to_others() {
    const WAITING: usize = 4;
    let _one_at_a_time = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    let grammars = GrammarOptions { waiting: WAITING, ..GrammarOptions::default() };
    let server = gated_with(ServiceOptions { grammars, max_sequences: 2, ..ServiceOptions::default() });
    let regex = |regex: &str| json!({"text": "x", "sampling_params": {"regex": regex}});
    OPEN.store(true, Ordering::Relaxed);
    assert_eq!(server.generate(&regex("known"))["text"], "known");
    OPEN.store(false, Ordering::Relaxed);
    let slow: Vec<_> = (0..WAITING)
        .map(|index| server.open("POST", "/generate", &regex(&format!("slow{index}")).to_string()))
        .collect();
    wait_until("all of them wait", || server.metric("grammar_cache_misses_total") == 1.0 + WAITING as f64);
    assert_eq!(server.generate(&regex("known"))["text"], "known", "what is compiled goes on");
    let plain = json!({"messages": [{"role": "user", "content": "x"}], "max_tokens": 3});
    assert_eq!(server.post("/v1/chat/completions", &plain).status, 200, "what needs no grammar goes on");
    let refused = server.post("/generate", &regex("one more"));
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
    assert!(refused.body.contains("4 requests that wait for a grammar"), "{}", refused.body);
    OPEN.store(true, Ordering::Relaxed);
    for (index, mut stream) in slow.into_iter().enumerate() {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains(&format!("\"text\":\"slow{index}\"")), "they are answered, too: {answer}");
    }
    assert_eq!(server.generate(&regex("one more"))["text"], "one more");
}

/// Constraints that take long to compile have places of their own: whoever sends many of them keeps nobody out whose
/// constraints do not.
#[test]
fn slow_compiles_leave_the_places_to_quick_ones() {
    const WAITING: usize = 3;
    let _one_at_a_time = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    let grammars = GrammarOptions { waiting: WAITING, compile_time: 600 * LAST_LANE, ..GrammarOptions::default() };
    let server = gated_with(ServiceOptions { grammars, ..ServiceOptions::default() });
    SLOW_ONLY.store(true, Ordering::Relaxed);
    let regex = |regex: &str| json!({"text": "x", "sampling_params": {"regex": regex}});
    let mut slow = Vec::new();
    for index in 0..WAITING {
        slow.push(server.open("POST", "/generate", &regex(&format!("{SLOW}{index}")).to_string()));
        wait_until("it is slow", || server.metric("waiting_for_slow_compiles") == (index + 1) as f64);
    }
    let one_more = server.post("/generate", &regex("slow one more"));
    assert_eq!(one_more.status, 429, "{}", one_more.body);
    assert!(one_more.body.contains("3 requests that wait for a grammar that takes long"), "{}", one_more.body);
    for index in 0..2 * WAITING {
        let quick = format!("quick{index}");
        assert_eq!(server.generate(&regex(&quick))["text"], quick, "it has a place, and is compiled");
    }
    OPEN.store(true, Ordering::Relaxed);
    for (index, mut stream) in slow.into_iter().enumerate() {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains(&format!("\"text\":\"{SLOW}{index}\"")), "they are answered, too: {answer}");
    }
}

/// A compile that has to wait for others does not do so for ever, and leaves the queue with its request.
#[test]
fn the_wait_for_a_compile_is_bounded_from_the_arrival_of_the_request() {
    let _one_at_a_time = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    let grammars = GrammarOptions { compile_time: Duration::from_millis(200), ..GrammarOptions::default() };
    let server = gated_with(ServiceOptions { grammars, ..ServiceOptions::default() });
    // The lane stays taken by the first compile when its request has gone, or the second could begin just before its end.
    STUBBORN.store(true, Ordering::Relaxed);
    let body = |regex: &str| json!({"text": "x", "sampling_params": {"regex": regex}});
    let chat = json!({"messages": [{"role": "user", "content": "x"}], "regex": "third"});
    std::thread::scope(|scope| {
        let clients = ["first", "second"].map(|regex| scope.spawn(|| server.post("/generate", &body(regex))));
        let chat = server.post("/v1/chat/completions", &chat);
        for response in clients.into_iter().map(|client| client.join().expect("an answer")).chain([chat]) {
            assert_eq!(response.status, 503, "{}", response.body);
            assert!(response.head.contains("retry-after: 1"), "{}", response.head);
            assert!(response.body.contains("within 0.6 s") && response.body.contains("--compile-seconds"));
        }
    });
    OPEN.store(true, Ordering::Relaxed);
    assert_eq!(server.generate(&body("fourth"))["text"], "fourth");
    assert_eq!(BEGUN.load(Ordering::Relaxed), 2, "those that had gone were not compiled");
}

#[test]
fn the_cache_is_bounded_by_bytes() {
    const CAPACITY: usize = 400_000;
    const GRAMMARS: usize = 60;
    let grammars = GrammarOptions { cache_bytes: CAPACITY, ..GrammarOptions::default() };
    let server = Server::start(ServiceOptions { grammars, ..ServiceOptions::default() });
    let regex = |index: usize| format!("[a-f]{{{}}}", index + 1);
    let ask = |index: usize| {
        let parameters = json!({"regex": regex(index), "max_new_tokens": 200});
        assert_eq!(
            server.generate(&json!({"text": "x", "sampling_params": parameters}))["text"].as_str().map(str::len),
            Some(index + 1)
        );
    };
    for index in 0..GRAMMARS {
        ask(index);
        assert!(server.metric("grammar_cache_bytes") <= CAPACITY as f64);
    }
    let entries = server.metric("grammar_cache_entries");
    assert!(entries >= 1.0 && entries < GRAMMARS as f64, "{entries} of {GRAMMARS} are kept");
    let misses = server.metric("grammar_cache_misses_total");
    ask(GRAMMARS - 1);
    assert_eq!(server.metric("grammar_cache_misses_total"), misses, "the last one is kept");
    ask(0);
    assert_eq!(server.metric("grammar_cache_misses_total"), misses + 1.0, "the first one is not");
}
