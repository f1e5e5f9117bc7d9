//! What the server counts, in Prometheus' text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that others may read while it changes.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the server counts. Times are in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) requests: Number,
    pub(crate) client_errors: Number,
    pub(crate) overloaded: Number,
    pub(crate) server_errors: Number,
    pub(crate) prompt_tokens: Number,
    pub(crate) generated_tokens: Number,
    pub(crate) running: Number,
    pub(crate) waiting: Number,
    pub(crate) cancelled: Number,
    pub(crate) steps: Number,
    pub(crate) step_time: Number,
    pub(crate) forward_time: Number,
    pub(crate) mask_time: Number,
    pub(crate) mask_wait_time: Number,
    pub(crate) grammar_cache_hits: Number,
    pub(crate) grammar_cache_misses: Number,
    pub(crate) grammar_stored_hits: Number,
    pub(crate) grammar_compiles: Number,
    pub(crate) grammar_compile_time: Number,
}

/// How much there is of grammars.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Occupancy {
    /// Those in the cache.
    pub(crate) entries: usize,
    /// Their bytes.
    pub(crate) bytes: usize,
    /// Requests that wait for a compile that may be quick.
    pub(crate) waiting_for_quick: usize,
    /// Requests that wait for one that is not.
    pub(crate) waiting_for_slow: usize,
}

impl Metrics {
    /// The page.
    pub(crate) fn render(&self, grammars: Occupancy, body_bytes: usize) -> String {
        let counters = [
            ("requests_total", "Requests to generate", &self.requests),
            ("client_errors_total", "Requests answered with a status of 400 to 499 but 429", &self.client_errors),
            ("overloaded_total", "Requests answered with 429", &self.overloaded),
            ("server_errors_total", "Requests answered with a status of 500 or more", &self.server_errors),
            ("prompt_tokens_total", "Tokens of prompts taken on", &self.prompt_tokens),
            ("generated_tokens_total", "Tokens generated", &self.generated_tokens),
            ("cancelled_total", "Sequences ended because nobody listened any more", &self.cancelled),
            ("steps_total", "Steps of the model", &self.steps),
            ("grammar_cache_hits_total", "Grammars found in the cache or being compiled", &self.grammar_cache_hits),
            ("grammar_cache_misses_total", "Grammars that had to be compiled", &self.grammar_cache_misses),
            ("grammar_stored_hits_total", "Grammars found among those compiled before", &self.grammar_stored_hits),
            ("grammar_compiles_total", "Compiles that have ended", &self.grammar_compiles),
        ];
        let times = [
            ("step_seconds_total", "Time of steps", &self.step_time),
            ("forward_seconds_total", "Time of forward passes", &self.forward_time),
            ("mask_seconds_total", "Time of masks on all threads", &self.mask_time),
            (
                "mask_wait_seconds_total",
                "Time for which forward passes were done and masks were not",
                &self.mask_wait_time,
            ),
            ("grammar_compile_seconds_total", "Time of compiles on all threads", &self.grammar_compile_time),
        ];
        let gauges = [
            ("running_sequences", "Sequences being generated", self.running.get()),
            ("waiting_sequences", "Sequences that wait for room", self.waiting.get()),
            ("body_bytes", "Bytes of large bodies that have not been read yet", body_bytes as u64),
            ("grammar_cache_entries", "Grammars in the cache", grammars.entries as u64),
            ("grammar_cache_bytes", "Size of the cache", grammars.bytes as u64),
            (
                "waiting_for_quick_compiles",
                "Requests that wait for a compile that may be quick",
                grammars.waiting_for_quick as u64,
            ),
            (
                "waiting_for_slow_compiles",
                "Requests that wait for a compile that is not",
                grammars.waiting_for_slow as u64,
            ),
        ];
        let mut page = String::new();
        let mut line = |name: &str, kind: &str, help: &str, value: f64| {
            // Writing to a string does not fail.
            let _ =
                writeln!(page, "# HELP grammarc_{name} {help}\n# TYPE grammarc_{name} {kind}\ngrammarc_{name} {value}");
        };
        counters.iter().for_each(|(name, help, number)| line(name, "counter", help, number.get() as f64));
        times.iter().for_each(|(name, help, number)| line(name, "counter", help, number.get() as f64 / 1e6));
        gauges.iter().for_each(|(name, help, value)| line(name, "gauge", help, *value as f64));
        page
    }
}
