//! What the parts of a step take.

use std::ops::AddAssign;
use std::time::Duration;

/// The time of one step, or the sum over several.
///
/// Without [`EngineOptions::detailed_timing`](super::EngineOptions::detailed_timing) a device that queues work shows most
/// of its time under `sample`, which is the first that waits for it, and `apply` may be part of `sample`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepTiming {
    /// The forward pass.
    pub forward: Duration,
    /// All masks together, on whatever threads, in processor time.
    pub masks: Duration,
    /// How long the forward pass had been over when the last mask was ready: what masks cost beyond what they overlap.
    pub mask_wait: Duration,
    /// Masks applied to logits.
    pub apply: Duration,
    /// Tokens sampled.
    pub sample: Duration,
    /// Tokens accepted by matchers, forced text found and encoded.
    pub accept: Duration,
    /// The whole step.
    pub total: Duration,
}

impl AddAssign for StepTiming {
    fn add_assign(&mut self, other: Self) {
        self.forward += other.forward;
        self.masks += other.masks;
        self.mask_wait += other.mask_wait;
        self.apply += other.apply;
        self.sample += other.sample;
        self.accept += other.accept;
        self.total += other.total;
    }
}
