//! A token sampled from masked logits.

use std::cmp::Ordering;

use crate::philox;

#[cfg(test)]
mod tests;

/// How a token is chosen. The default samples from the plain softmax.
///
/// The steps, in this order, each on what the one before left; masked tokens (logit −∞) never take part:
///
/// 1. **temperature**: a token's weight is exp((logit − largest logit) / temperature). At 0 the answer is [`argmax`] and
///    nothing below applies.
/// 2. **top-k**: the `top_k` tokens of highest rank stay. Rank is by logit, and among equals the smaller id is higher.
/// 3. **top-p**: tokens stay in order of rank until their weights reach `top_p` of the sum of all weights; the token
///    that reaches it stays.
/// 4. **min-p**: tokens with at least `min_p` times the largest weight stay.
/// 5. **draw**: one of the rest, each with a probability in proportion to its weight.
///
/// The token of highest rank survives every step, so a draw never fails for want of candidates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SamplingParameters {
    /// Finite and not negative; 0 is greedy, 1 leaves the softmax as it is.
    pub temperature: f32,
    /// How many tokens top-k keeps; 0 is off.
    pub top_k: u32,
    /// The share of probability that top-p keeps, above 0 and at most 1; 1 is off.
    pub top_p: f32,
    /// The least probability, relative to the likeliest token's, from 0 to 1; 0 is off.
    pub min_p: f32,
    /// The seed of the draws.
    pub seed: u64,
}

impl Default for SamplingParameters {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 0 }
    }
}

/// A sampling parameter is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SamplingParameterError {
    /// The temperature is negative or not finite.
    #[error("temperature {0} is not a finite number of at least 0; use 0 for greedy, 1 for the plain softmax")]
    Temperature(f32),
    /// Top-p is outside (0, 1].
    #[error("top_p {0} is not above 0 and at most 1; use 1 to keep every token, temperature 0 to keep the likeliest")]
    TopP(f32),
    /// Min-p is outside [0, 1].
    #[error("min_p {0} is not from 0 to 1; use 0 to keep every token")]
    MinP(f32),
}

/// No token can be sampled from these logits.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// Every logit is −∞: the mask allows no token that the model has, or there are no logits.
    #[error(
        "all {width} logits are masked; check that the mask row is not empty and was made for the model's vocabulary"
    )]
    AllMasked {
        /// The number of logits.
        width: usize,
    },
    /// A logit is NaN or +∞, which has no softmax.
    #[error("the logit of token {token} is {value}; the model's output is broken")]
    InvalidLogit {
        /// The token id.
        token: u32,
        /// The logit.
        value: f32,
    },
    /// There are more logits than token ids.
    #[error("{width} logits are more than there are token ids (2^32); pass one row of logits")]
    TooWide {
        /// The number of logits.
        width: usize,
    },
}

/// Samples tokens. It has no mutable state: a token is a function of the parameters, the logits and the step, so steps
/// that were rolled back can be sampled again, and threads can share a sampler.
///
/// Draws use Philox4x32-10 with the seed as key and the step as counter, and double precision throughout. Equal inputs
/// give equal tokens on one platform; between platforms the exponential function may differ in its last bit, which
/// changes a token only if the draw falls on that very bit.
#[derive(Debug, Clone, Copy)]
pub struct Sampler {
    parameters: SamplingParameters,
}

/// Working memory for [`Sampler::sample`]: 16 bytes for each unmasked token, kept between calls.
#[derive(Debug, Clone, Default)]
pub struct SamplerScratch {
    candidates: Vec<Candidate>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    token: u32,
    logit: f32,
    weight: f64,
}

impl Sampler {
    /// A sampler with these parameters.
    ///
    /// # Errors
    /// When a parameter is out of its range.
    pub fn new(parameters: SamplingParameters) -> Result<Self, SamplingParameterError> {
        let SamplingParameters { temperature, top_p, min_p, .. } = parameters;
        if !(0.0..f32::INFINITY).contains(&temperature) {
            return Err(SamplingParameterError::Temperature(temperature));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(SamplingParameterError::TopP(top_p));
        }
        if !(0.0..=1.0).contains(&min_p) {
            return Err(SamplingParameterError::MinP(min_p));
        }
        Ok(Self { parameters })
    }

    /// The parameters.
    pub fn parameters(&self) -> &SamplingParameters {
        &self.parameters
    }

    /// The token of step `step` (0 for the first generated token), given its masked `logits` `[width]`.
    ///
    /// # Errors
    /// When every logit is −∞, or one is NaN or +∞.
    pub fn sample(&self, logits: &[f32], step: u64, scratch: &mut SamplerScratch) -> Result<u32, SampleError> {
        let likeliest = argmax(logits)?;
        if self.parameters.temperature == 0.0 {
            return Ok(likeliest);
        }
        let candidates = &mut scratch.candidates;
        candidates.clear();
        candidates.extend(
            logits.iter().zip(0..).filter(|(logit, _)| **logit != f32::NEG_INFINITY).map(|(&logit, token)| Candidate {
                token,
                logit,
                weight: 0.0,
            }),
        );
        keep_top_k(candidates, self.parameters.top_k);
        set_weights(candidates, logits[likeliest as usize], self.parameters.temperature);
        keep_top_p(candidates, self.parameters.top_p);
        keep_min_p(candidates, self.parameters.min_p);
        let fraction = philox::uniform(self.parameters.seed, step);
        Ok(draw(candidates, fraction).unwrap_or(likeliest))
    }
}

/// The token with the largest of `logits` `[width]`; the smallest id among equals.
///
/// # Errors
/// When every logit is −∞, or one is NaN or +∞.
pub fn argmax(logits: &[f32]) -> Result<u32, SampleError> {
    let width = logits.len();
    if u32::try_from(width).is_err() {
        return Err(SampleError::TooWide { width });
    }
    let mut largest = f32::NEG_INFINITY;
    let mut answer = None;
    for (&logit, token) in logits.iter().zip(0..) {
        if logit.is_nan() || logit == f32::INFINITY {
            return Err(SampleError::InvalidLogit { token, value: logit });
        }
        if logit > largest {
            largest = logit;
            answer = Some(token);
        }
    }
    answer.ok_or(SampleError::AllMasked { width })
}

/// Higher rank first. No logit is NaN here, and 0 equals −0.
fn by_rank(left: &Candidate, right: &Candidate) -> Ordering {
    right.logit.partial_cmp(&left.logit).unwrap_or(Ordering::Equal).then(left.token.cmp(&right.token))
}

/// Keeps the `top_k` candidates of highest rank, in order of ids.
fn keep_top_k(candidates: &mut Vec<Candidate>, top_k: u32) {
    let top_k = top_k as usize;
    if top_k == 0 || top_k >= candidates.len() {
        return;
    }
    candidates.select_nth_unstable_by(top_k - 1, by_rank);
    candidates.truncate(top_k);
    candidates.sort_unstable_by_key(|candidate| candidate.token);
}

fn set_weights(candidates: &mut [Candidate], largest_logit: f32, temperature: f32) {
    for candidate in candidates {
        let distance = f64::from(candidate.logit) - f64::from(largest_logit);
        candidate.weight = (distance / f64::from(temperature)).exp();
    }
}

/// Keeps the shortest run of highest rank that holds `top_p` of the weight, in order of ids.
///
/// The run is short as a rule, and sorting a whole vocabulary costs milliseconds: ranks are brought in order a block
/// at a time, each four times as long as the one before.
fn keep_top_p(candidates: &mut Vec<Candidate>, top_p: f32) {
    if top_p >= 1.0 {
        return;
    }
    let enough = f64::from(top_p) * total_weight(candidates);
    let mut sum = 0.0;
    let mut start = 0;
    let mut block = 256;
    while start < candidates.len() {
        let rest = &mut candidates[start..];
        let length = block.min(rest.len());
        if length < rest.len() {
            rest.select_nth_unstable_by(length - 1, by_rank);
        }
        let ranked = &mut rest[..length];
        ranked.sort_unstable_by(by_rank);
        let reached = ranked.iter().position(|candidate| {
            sum += candidate.weight;
            sum >= enough
        });
        if let Some(last) = reached {
            candidates.truncate(start + last + 1);
            break;
        }
        start += length;
        block *= 4;
    }
    candidates.sort_unstable_by_key(|candidate| candidate.token);
}

/// Keeps the candidates of at least `min_p` times the largest weight, which is 1.
fn keep_min_p(candidates: &mut Vec<Candidate>, min_p: f32) {
    if min_p > 0.0 {
        candidates.retain(|candidate| candidate.weight >= f64::from(min_p));
    }
}

fn total_weight(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|candidate| candidate.weight).sum()
}

/// The candidate at `fraction` of the way, in [0, 1), through the weights in order of ids.
fn draw(candidates: &[Candidate], fraction: f64) -> Option<u32> {
    let target = fraction * total_weight(candidates);
    let mut sum = 0.0;
    let mut answer = None;
    for candidate in candidates.iter().filter(|candidate| candidate.weight > 0.0) {
        // The target can round up to the total, and then the last token of any weight is meant.
        answer = Some(candidate.token);
        sum += candidate.weight;
        if sum > target {
            break;
        }
    }
    answer
}
