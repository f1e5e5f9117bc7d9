//! What requests may take of the memory: their compiles, their bodies, the texts of constraints that wait.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use counting_allocator::peak_of_this_thread;
use serde_json::{Value, json};
use server::{
    Backend, BackendEntry, BackendSetup, CompileBudget, CompileError, CompiledConstraint, Constraint, GRAMMARC,
    GrammarOptions, ServiceOptions,
};

use crate::client::{Server, wait_until};

/// The compiler of this project, with the most memory that a compile has taken.
const MEASURED: BackendEntry = BackendEntry { name: "measured", version: "1", start: start_measured };

static PEAK: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug)]
struct Measured(Arc<dyn Backend>);

fn start_measured(setup: BackendSetup) -> Result<Arc<dyn Backend>, String> {
    Ok(Arc::new(Measured((GRAMMARC.start)(setup)?)))
}

impl Backend for Measured {
    fn compile(
        &self,
        constraint: &Constraint,
        budget: &CompileBudget,
    ) -> Result<Arc<dyn CompiledConstraint>, CompileError> {
        let outcome = self.0.compile(constraint, budget);
        PEAK.fetch_max(peak_of_this_thread(), Ordering::Relaxed);
        outcome
    }
}

/// A compile that takes too much memory ends, however much time it would have; one that takes more than the quick lanes give
/// gets it.
#[test]
fn compiles_are_bounded() {
    const MEMORY: usize = 40_000_000;
    let grammars = GrammarOptions {
        compile_memory: MEMORY,
        compile_time: Duration::from_secs(3_600),
        ..GrammarOptions::default()
    };
    let server = Server::start(ServiceOptions { grammars, backend: Some(MEASURED), ..ServiceOptions::default() });
    let ask = |parameters: Value| server.post("/generate", &json!({"text": "x", "sampling_params": parameters}));
    let values: Vec<String> = (0..30_000).map(|index| format!("value-{index}")).collect();
    let large = ask(json!({"json_schema": json!({"enum": values}).to_string(), "max_new_tokens": 40}));
    assert_eq!(large.status, 200, "{}", large.body);
    let peak = PEAK.load(Ordering::Relaxed);
    assert!(peak > MEMORY / 8, "it took {peak} bytes, which the quick lanes have");
    // Its automaton has an edge from each state to each later one, two hundred million.
    let hostile = json!({"regex": "a?".repeat(20_000)});
    for _ in 0..2 {
        let refused = ask(hostile.clone());
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains("more memory than the limit of 40000000 bytes"), "{}", refused.body);
        assert!(refused.body.contains("sampling_params.regex"), "{}", refused.body);
    }
    assert_eq!(server.metric("grammar_cache_hits_total"), 1.0, "the fault is kept");
    let peak = PEAK.load(Ordering::Relaxed);
    // A list that grows is there twice as it does.
    assert!((MEMORY..3 * MEMORY).contains(&peak), "{peak}");
    assert_eq!(ask(json!({"regex": "ok"})).json()["text"], "ok");
}

/// The compiler of this project, behind a gate.
const HELD_UP: BackendEntry = BackendEntry { name: "held-up", version: "1", start: start_held_up };

static OPEN: AtomicBool = AtomicBool::new(false);

#[derive(Debug)]
struct HeldUp(Arc<dyn Backend>);

fn start_held_up(setup: BackendSetup) -> Result<Arc<dyn Backend>, String> {
    Ok(Arc::new(HeldUp((GRAMMARC.start)(setup)?)))
}

impl Backend for HeldUp {
    fn compile(
        &self,
        constraint: &Constraint,
        budget: &CompileBudget,
    ) -> Result<Arc<dyn CompiledConstraint>, CompileError> {
        while !OPEN.load(Ordering::Relaxed) && !budget.cancel.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(1));
        }
        self.0.compile(constraint, &CompileBudget { time: Duration::from_secs(3_600), ..budget.clone() })
    }
}

/// A text that waits for its compile counts like a body on its way: there may be as many as requests that wait.
#[test]
fn texts_that_wait_for_their_compile_are_bounded() {
    const TEXT: usize = 400_000;
    let grammars = GrammarOptions { compile_time: Duration::from_secs(3_600), ..GrammarOptions::default() };
    let server = Server::start(ServiceOptions {
        grammars,
        backend: Some(HELD_UP),
        body_bytes: 1_000_000,
        ..ServiceOptions::default()
    });
    let body = |text: &str| {
        let parameters = json!({"ebnf": format!("root ::= \"{text}\" # {}", "x".repeat(TEXT))});
        json!({"text": "x", "sampling_params": parameters, "ignored": "x".repeat(100_000)}).to_string()
    };
    let first = server.open("POST", "/generate", &body("first"));
    wait_until("it waits", || server.metric("waiting_for_quick_compiles") == 1.0);
    wait_until("the rest of its body is gone", || server.metric("body_bytes") < (TEXT + 50_000) as f64);
    assert!(server.metric("body_bytes") >= TEXT as f64, "its text is not");
    let second = server.open("POST", "/generate", &body("second"));
    wait_until("it waits, too", || server.metric("waiting_for_quick_compiles") == 2.0);
    let refused = server.send("POST", "/generate", &body("third"));
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.body.contains("1000000 bytes of requests"), "{}", refused.body);
    OPEN.store(true, Ordering::Relaxed);
    for (mut stream, text) in [(first, "first"), (second, "second")] {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains(&format!("\"text\":\"{text}\"")), "{answer}");
    }
    wait_until("all has been given back", || server.metric("body_bytes") == 0.0);
}

/// Connections are bounded, and one too many is told so; those there are go on.
#[test]
fn connections_are_bounded() {
    let server = Server::start(ServiceOptions {
        max_connections: 2,
        read_timeout: Duration::from_secs(3_600),
        ..ServiceOptions::default()
    });
    let silent = [(); 2].map(|()| TcpStream::connect(server.address).expect("a connection"));
    let mut refused = String::new();
    // Who takes longer than it may to be told so is not.
    wait_until("it is told so", || {
        refused.clear();
        let stream = TcpStream::connect(server.address);
        let read = stream.and_then(|mut stream| stream.read_to_string(&mut refused));
        read.is_ok_and(|length| length > 0)
    });
    assert!(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{refused}");
    assert!(refused.contains("retry-after: 1\r\n") && refused.contains("connection: close\r\n"), "{refused}");
    assert!(
        refused.contains("\"type\":\"RateLimitError\"") && refused.contains("2 connections, as many as it takes"),
        "{refused}"
    );
    let [first, second] = silent;
    drop(first);
    let whole = b"GET /health HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    wait_until("there is a place again", || {
        let mut answer = String::new();
        let stream = TcpStream::connect(server.address);
        let read = stream.and_then(|mut stream| {
            stream.write_all(whole)?;
            stream.read_to_string(&mut answer)
        });
        read.is_ok() && answer.starts_with("HTTP/1.1 200")
    });
    drop(second);
}
