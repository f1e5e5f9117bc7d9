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
//!
//! They keep nothing from others: they have no place in the batch, and when pages run short, theirs are taken; a sequence that
//! comes back without pages is computed again from its tokens. Of one that has been cancelled nothing is done any more but
//! the token that it is at.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use mask_runtime::Tokenizer;

use super::jump::Jumper;
use super::logprobs::TokenLogprobs;
use super::outcome::{Event, SequenceError, SequenceId};
use super::pages::{Pages, SequencePages};
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

/// What is kept of a sequence in the loop while it is aside.
#[derive(Debug)]
struct Entry {
    id: SequenceId,
    /// Its own, if they have not been taken for others.
    pages: SequencePages,
    /// Tells the thread that nobody waits for it any more.
    cancelled: Arc<AtomicBool>,
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
        sequence.spend(processor_time().saturating_sub(start));
        Advanced { sequence, event }
    }
}

/// The thread, and the sequences with it.
#[derive(Debug)]
pub(super) struct Aside {
    /// Closed when this is dropped, which ends the thread once it is done with what it is at.
    sampled: Sender<(Sampled, Arc<AtomicBool>)>,
    /// `None` is a cancelled sequence.
    advanced: Receiver<Option<Advanced>>,
    /// Those that have not been cancelled, the one that was handed over last at the end.
    entries: Vec<Entry>,
    /// Those that have not come back, cancelled ones included.
    count: usize,
}

impl Aside {
    pub(super) fn start(advancing: Advancing) -> io::Result<Self> {
        let (sampled, inbox) = mpsc::channel::<(Sampled, Arc<AtomicBool>)>();
        let (outbox, advanced) = mpsc::channel();
        let work = move || {
            run_behind_others();
            for (sequence, cancelled) in inbox {
                let advanced = (!cancelled.load(Ordering::Relaxed)).then(|| advancing.run(sequence));
                // Nobody may be waiting any more.
                if outbox.send(advanced).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("grammarc-aside".to_owned()).spawn(work)?;
        Ok(Self { sampled, advanced, entries: Vec::new(), count: 0 })
    }

    /// The number of sequences that have not come back, without cancelled ones.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing will come back, not even a cancelled sequence.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Hands a sequence over.
    ///
    /// # Panics
    /// When the thread has panicked, which is a bug in a constraint's engine.
    pub(super) fn hand_over(&mut self, mut sampled: Sampled) {
        let cancelled = Arc::<AtomicBool>::default();
        let pages = std::mem::take(&mut sampled.sequence.pages);
        self.entries.push(Entry { id: sampled.sequence.id, pages, cancelled: cancelled.clone() });
        assert!(self.sampled.send((sampled, cancelled)).is_ok(), "the thread of slow constraints has panicked");
        self.count += 1;
    }

    /// The next sequence that has come back, with its pages if they have not been taken; waits for one up to `patience`.
    ///
    /// # Panics
    /// When the thread has panicked, which is a bug in a constraint's engine.
    pub(super) fn take_back(&mut self, patience: Duration) -> Option<Advanced> {
        while self.count > 0 {
            match self.advanced.recv_timeout(patience) {
                Ok(advanced) => {
                    self.count -= 1;
                    let Some(mut advanced) = advanced else { continue };
                    // It may have been cancelled while it was worked on.
                    let place = self.entries.iter().position(|entry| entry.id == advanced.sequence.id);
                    let Some(place) = place else { continue };
                    advanced.sequence.pages = self.entries.remove(place).pages;
                    if advanced.sequence.pages.is_none() {
                        advanced.sequence.computed = 0;
                    }
                    return Some(advanced);
                }
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("the thread of slow constraints has panicked"),
            }
        }
        None
    }

    /// Lets go of a sequence, whose pages go back to `pages`; false if it is not here.
    pub(super) fn cancel(&mut self, id: SequenceId, pages: &mut Pages) -> bool {
        let Some(place) = self.entries.iter().position(|entry| entry.id == id) else { return false };
        let entry = self.entries.remove(place);
        entry.cancelled.store(true, Ordering::Relaxed);
        pages.give_back(entry.pages);
        true
    }

    /// Gives the pages of a sequence back to `pages`; false if none has any.
    pub(super) fn release_pages(&mut self, pages: &mut Pages) -> bool {
        let Some(entry) = self.entries.iter_mut().rev().find(|entry| !entry.pages.is_none()) else { return false };
        pages.give_back(std::mem::take(&mut entry.pages));
        true
    }
}
