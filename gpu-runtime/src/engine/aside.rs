//! Sequences whose constraint is slow, advanced beside the loop.
//!
//! ```text
//! step: sampled token ─┬ quick constraint: accept, jump; its mask is filled beside the next forward pass
//!                      └ slow: the whole sequence → Aside (a thread): accept, jump, fill → back at a later step
//! ```
//!
//! An ambiguous grammar of a line can take a tenth of a second for a token. The loop does not wait for it: the sequence
//! leaves out steps until it comes back with its mask, and the others go on. There is one thread for all such sequences,
//! and the loop's threads go before it.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use mask_runtime::Tokenizer;

use super::jump::Jumper;
use super::logprobs::TokenLogprobs;
use super::outcome::{Event, SequenceError};
use super::sequence::Sequence;
use crate::text::Encoder;
use crate::thread::{processor_time, run_behind_others};

/// What takes a sequence on from a sampled token to its next mask.
#[derive(Debug, Clone)]
pub(super) struct Advancing {
    pub(super) tokenizer: Arc<Tokenizer>,
    pub(super) encoder: Encoder,
    /// See [`Guide::fill`](super::guide::Guide::fill).
    pub(super) not_stopping: Arc<[u32]>,
}

/// A sequence with the token that was sampled for it.
#[derive(Debug)]
pub(super) struct Sampled {
    pub(super) sequence: Sequence,
    pub(super) token: Result<u32, SequenceError>,
    pub(super) logprobs: Option<TokenLogprobs>,
}

/// A sequence that comes back, with what has become of the token.
#[derive(Debug)]
pub(super) struct Advanced {
    pub(super) sequence: Sequence,
    pub(super) event: Event,
}

impl Advancing {
    pub(super) fn jumper(&self) -> Jumper<'_> {
        Jumper { encoder: &self.encoder, vocabulary: self.tokenizer.vocabulary(), index: self.tokenizer.index() }
    }

    /// Takes the token over and fills the next mask.
    fn run(&self, Sampled { mut sequence, token, logprobs }: Sampled) -> Advanced {
        let start = processor_time();
        let event = Event { logprobs, ..sequence.advance(token, &self.jumper()) };
        if event.finish.is_none()
            && let Some(mut job) = sequence.fill_job(0, self.not_stopping.len())
        {
            job.run(&self.not_stopping);
            sequence.take_back(job);
        }
        sequence.constraint_time = processor_time().saturating_sub(start);
        Advanced { sequence, event }
    }
}

/// The thread, and the sequences with it.
#[derive(Debug)]
pub(super) struct Aside {
    /// Closed when this is dropped, which ends the thread once it is done with what it is at.
    sampled: Sender<Sampled>,
    advanced: Receiver<Advanced>,
    count: usize,
}

impl Aside {
    pub(super) fn start(advancing: Advancing) -> io::Result<Self> {
        let (sampled, inbox) = mpsc::channel();
        let (outbox, advanced) = mpsc::channel();
        let work = move || {
            run_behind_others();
            for sequence in inbox {
                // Nobody may be waiting any more.
                if outbox.send(advancing.run(sequence)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("grammarc-aside".to_owned()).spawn(work)?;
        Ok(Self { sampled, advanced, count: 0 })
    }

    /// The number of sequences that have not come back.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Hands a sequence over.
    ///
    /// # Panics
    /// When the thread has panicked, which is a bug in a constraint's engine.
    pub(super) fn hand_over(&mut self, sampled: Sampled) {
        assert!(self.sampled.send(sampled).is_ok(), "the thread of slow constraints has panicked");
        self.count += 1;
    }

    /// The next sequence that has come back; waits for one up to `patience`.
    ///
    /// # Panics
    /// When the thread has panicked, which is a bug in a constraint's engine.
    pub(super) fn take_back(&mut self, patience: Duration) -> Option<Advanced> {
        if self.count == 0 {
            return None;
        }
        match self.advanced.recv_timeout(patience) {
            Ok(advanced) => {
                self.count -= 1;
                Some(advanced)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the thread of slow constraints has panicked"),
        }
    }
}
