//! Clients that send one request after the other for a while.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::client::send;
use super::traffic::{Kind, Verdict, judge, request};

/// How many clients send what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mix {
    /// Clients that send requests of the kinds [`Kind::ORDINARY`] in turn.
    pub(super) ordinary: usize,
    /// Clients that go away in the middle.
    pub(super) cancelling: usize,
    /// Clients that send hostile requests.
    pub(super) hostile: usize,
}

/// Some time of traffic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phase {
    /// The clients.
    pub(super) mix: Mix,
    /// For how long they begin requests; they wait for the answers to all.
    pub(super) duration: Duration,
}

/// What has been seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed {
    /// Seconds from a request to the end of its answer, by kind.
    pub(super) latencies: BTreeMap<Kind, Vec<f64>>,
    /// The number of answers that were cut off and said so.
    pub(super) truncated: usize,
    /// The number of hostile requests that were refused.
    pub(super) refused: usize,
    /// What went wrong.
    pub(super) faults: Vec<String>,
}

impl Observed {
    /// Adds what has been seen elsewhere.
    pub(super) fn merge(&mut self, other: Self) {
        for (kind, latencies) in other.latencies {
            self.latencies.entry(kind).or_default().extend(latencies);
        }
        self.truncated += other.truncated;
        self.refused += other.refused;
        self.faults.extend(other.faults);
    }

    /// The latencies of the kinds that count.
    pub(super) fn ordinary(&self) -> impl Iterator<Item = f64> + '_ {
        let counts = |kind: &&Kind| Kind::ORDINARY.contains(kind);
        self.latencies.keys().filter(counts).flat_map(|kind| self.latencies[kind].iter().copied())
    }

    fn note(&mut self, kind: Kind, latency: Duration, verdict: Verdict) {
        match verdict {
            Verdict::Fault(fault) => self.faults.push(fault),
            verdict => {
                self.truncated += usize::from(verdict == Verdict::Truncated);
                self.refused += usize::from(verdict == Verdict::Refused);
                self.latencies.entry(kind).or_default().push(latency.as_secs_f64());
            }
        }
    }
}

/// Sends the traffic of a phase. `numbers` gives every request another number.
pub(super) fn run_phase(address: SocketAddr, phase: Phase, numbers: &AtomicU64) -> Observed {
    let Mix { ordinary, cancelling, hostile } = phase.mix;
    let end = Instant::now() + phase.duration;
    let observed = Mutex::new(Observed::default());
    std::thread::scope(|scope| {
        for client in 0..ordinary + cancelling + hostile {
            let observed = &observed;
            scope.spawn(move || {
                let mut own = Observed::default();
                let mut turn = client;
                while Instant::now() < end {
                    let kind = match client {
                        client if client < ordinary => Kind::ORDINARY[turn % Kind::ORDINARY.len()],
                        client if client < ordinary + cancelling => Kind::Cancelled,
                        _ => Kind::Hostile,
                    };
                    turn += 1;
                    let request = request(kind, numbers.fetch_add(1, Ordering::Relaxed));
                    let begin = Instant::now();
                    let verdict = match send(address, request.path, &request.body, request.abandon_after) {
                        Ok(answer) => judge(kind, &answer),
                        Err(error) => Verdict::Fault(format!("{}: {error}", kind.name())),
                    };
                    own.note(kind, begin.elapsed(), verdict);
                }
                if let Ok(mut observed) = observed.lock() {
                    observed.merge(own);
                }
            });
        }
    });
    observed.into_inner().unwrap_or_default()
}
