//! How probable a sampled token was.

/// How probable a sampled token was, and which tokens were most probable. Probabilities are those of the masked logits, at
/// temperature 1 and before any filter.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenLogprobs {
    /// The sampled token.
    pub token: u32,
    /// The natural logarithm of its probability.
    pub logprob: f32,
    /// The most probable tokens, in descending order; the smaller id first where equal.
    pub top: Vec<(u32, f32)>,
}

impl TokenLogprobs {
    /// Those of `token`, with the `top` most probable tokens that the mask allows.
    pub(super) fn of(logits: &[f32], token: u32, top: usize) -> Self {
        let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit - greatest).exp()).sum();
        let norm = f64::from(greatest) + sum.ln();
        let logprob = |token: u32| {
            let logit = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
            (f64::from(logit) - norm) as f32
        };
        let allowed = (0..logits.len() as u32).filter(|&token| logits[token as usize] > f32::NEG_INFINITY);
        let mut ranked: Vec<u32> = if top == 0 { Vec::new() } else { allowed.collect() };
        let order = |&a: &u32, &b: &u32| logits[b as usize].total_cmp(&logits[a as usize]).then(a.cmp(&b));
        if top < ranked.len() {
            ranked.select_nth_unstable_by(top, order);
            ranked.truncate(top);
        }
        ranked.sort_unstable_by(order);
        Self { token, logprob: logprob(token), top: ranked.into_iter().map(|token| (token, logprob(token))).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::TokenLogprobs;

    #[test]
    fn probabilities_of_what_the_mask_left() {
        let logits = [0.0, f32::NEG_INFINITY, 3.0_f32.ln(), 0.0];
        let found = TokenLogprobs::of(&logits, 0, 2);
        assert!((found.logprob - 0.2_f32.ln()).abs() < 1e-6, "{found:?}");
        assert_eq!(found.top.iter().map(|&(token, _)| token).collect::<Vec<_>>(), [2, 0]);
        assert!((found.top[0].1 - 0.6_f32.ln()).abs() < 1e-6, "{found:?}");
        assert_eq!(TokenLogprobs::of(&logits, 2, 9).top.len(), 3, "a masked token is none of them");
        assert!(TokenLogprobs::of(&logits, 2, 0).top.is_empty());
    }
}
