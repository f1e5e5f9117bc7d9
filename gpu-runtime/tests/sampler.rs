//! The sampler from outside: what it may answer, how often, and when it refuses.

use gpu_runtime::{
    SampleError, Sampler, SamplerScratch, SamplingParameterError, SamplingParameters, apply_bitmask, argmax,
};
use proptest::prelude::*;

const MASKED: f32 = f32::NEG_INFINITY;

fn sample(parameters: SamplingParameters, logits: &[f32], step: u64) -> Result<u32, SampleError> {
    Sampler::new(parameters).expect("parameters in range").sample(logits, step, &mut SamplerScratch::default())
}

fn parameters() -> impl Strategy<Value = SamplingParameters> {
    let temperature = prop_oneof![Just(0.0), Just(1e-40), 0.05..3.0_f32, Just(f32::MAX)];
    let top_k = prop_oneof![Just(0), 1..40_u32, Just(u32::MAX)];
    let top_p = prop_oneof![Just(1.0), 0.05..1.0_f32, Just(f32::MIN_POSITIVE)];
    let min_p = prop_oneof![Just(0.0), 0.0..=1.0_f32];
    (temperature, top_k, top_p, min_p, any::<u64>()).prop_map(|(temperature, top_k, top_p, min_p, seed)| {
        SamplingParameters { temperature, top_k, top_p, min_p, seed }
    })
}

fn logits() -> impl Strategy<Value = Vec<f32>> {
    let logit = prop_oneof![
        4 => -20.0..20.0_f32,
        2 => Just(MASKED),
        1 => prop::sample::select(vec![0.0, -0.0, f32::MAX, f32::MIN, 1.5]),
    ];
    prop::collection::vec(logit, 0..400)
}

proptest! {
    #[test]
    fn answers_are_allowed_likely_enough_and_reproducible(
        parameters in parameters(),
        logits in logits(),
        step in any::<u64>(),
    ) {
        let answer = sample(parameters, &logits, step);
        prop_assert_eq!(answer, sample(parameters, &logits, step));
        let Ok(token) = answer else {
            prop_assert_eq!(answer, Err(SampleError::AllMasked { width: logits.len() }));
            prop_assert!(logits.iter().all(|&logit| logit == MASKED));
            return Ok(());
        };
        let logit = logits[token as usize];
        prop_assert!(logit != MASKED);
        let larger: Vec<f64> = logits.iter().filter(|&&other| other > logit).map(|&other| other.into()).collect();
        if parameters.temperature == 0.0 {
            prop_assert_eq!(answer, argmax(&logits));
        } else if !larger.is_empty() {
            let temperature = f64::from(parameters.temperature);
            let largest = larger.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weight = |logit: f64| ((logit - largest) / temperature).exp();
            let own = weight(logit.into());
            prop_assert!(own > 0.0);
            prop_assert!(parameters.top_k == 0 || larger.len() < parameters.top_k as usize);
            prop_assert!(own >= f64::from(parameters.min_p));
            if parameters.top_k == 0 && parameters.top_p < 1.0 {
                let before: f64 = larger.iter().map(|&logit| weight(logit)).sum();
                let total: f64 =
                    logits.iter().filter(|&&logit| logit != MASKED).map(|&logit| weight(logit.into())).sum();
                prop_assert!(before / total < f64::from(parameters.top_p) + 1e-9);
            }
        }
    }

    /// Masking tokens is the same as having a vocabulary without them.
    #[test]
    fn masked_tokens_take_no_part(
        parameters in parameters(),
        logits in prop::collection::vec(-20.0..20.0_f32, 1..200),
        mask in prop::collection::vec(any::<u32>(), 0..8),
        step in any::<u64>(),
    ) {
        let mut masked = logits.clone();
        apply_bitmask(&mut masked, &mask);
        let allowed: Vec<u32> = (0..logits.len() as u32).filter(|&token| masked[token as usize] != MASKED).collect();
        let compact: Vec<f32> = allowed.iter().map(|&token| logits[token as usize]).collect();
        let answer = sample(parameters, &masked, step);
        match sample(parameters, &compact, step) {
            Ok(place) => prop_assert_eq!(answer, Ok(allowed[place as usize])),
            Err(_) => prop_assert_eq!(answer, Err(SampleError::AllMasked { width: logits.len() })),
        }
    }

    #[test]
    fn parameters_out_of_range_are_refused(value in any::<f32>()) {
        let default = SamplingParameters::default();
        let refused = |parameters| Sampler::new(parameters).is_err();
        prop_assert_eq!(
            refused(SamplingParameters { temperature: value, ..default }),
            !(value.is_finite() && value >= 0.0)
        );
        prop_assert_eq!(refused(SamplingParameters { top_p: value, ..default }), !(value > 0.0 && value <= 1.0));
        prop_assert_eq!(refused(SamplingParameters { min_p: value, ..default }), !(0.0..=1.0).contains(&value));
    }
}

/// Pearson's statistic of 100,000 draws against the probabilities that the parameters mean.
fn chi_square(parameters: SamplingParameters, logits: &[f32], probabilities: &[f64]) -> f64 {
    const DRAWS: u32 = 100_000;
    let sampler = Sampler::new(parameters).expect("parameters in range");
    let mut scratch = SamplerScratch::default();
    let mut counts = vec![0_u32; logits.len()];
    for step in 0..DRAWS.into() {
        counts[sampler.sample(logits, step, &mut scratch).expect("a token") as usize] += 1;
    }
    let total: f64 = probabilities.iter().sum();
    counts
        .iter()
        .zip(probabilities)
        .map(|(&count, probability)| {
            let expected = f64::from(DRAWS) * probability / total;
            if expected == 0.0 {
                assert_eq!(count, 0, "a token that was filtered out");
                return 0.0;
            }
            (f64::from(count) - expected).powi(2) / expected
        })
        .sum()
}

#[test]
fn draws_follow_the_probabilities() {
    let logits = [0.5, MASKED, 2.0, -1.0, 1.5, MASKED, 1.0, 0.0];
    let at = |temperature: f64| logits.iter().map(|&logit| (f64::from(logit) / temperature).exp()).collect::<Vec<_>>();
    let only = |temperature: f64, kept: &[usize]| {
        let all = at(temperature);
        (0..logits.len()).map(|token| if kept.contains(&token) { all[token] } else { 0.0 }).collect::<Vec<_>>()
    };
    let default = SamplingParameters { seed: 20_260_101, ..SamplingParameters::default() };
    // Shares at temperature 1: token 2 is 42 %, 4 is 25 %, 6 is 15 %, 0 is 9 %, 7 is 6 %, 3 is 2 %.
    let cases = [
        (default, at(1.0)),
        (SamplingParameters { temperature: 2.5, ..default }, at(2.5)),
        (SamplingParameters { top_k: 3, ..default }, only(1.0, &[2, 4, 6])),
        (SamplingParameters { top_p: 0.5, ..default }, only(1.0, &[2, 4])),
        (SamplingParameters { min_p: 0.3, ..default }, only(1.0, &[2, 4, 6])),
        // Of the three that top-k keeps, the first has 51 %; of all tokens it would have 42 %.
        (SamplingParameters { top_k: 3, top_p: 0.45, ..default }, only(1.0, &[2])),
        (SamplingParameters { top_p: 0.9, min_p: 0.5, ..default }, only(1.0, &[2, 4])),
    ];
    for (parameters, probabilities) in cases {
        // 5 degrees of freedom at most: above 25.7 with probability 0.0001.
        let found = chi_square(parameters, &logits, &probabilities);
        assert!(found < 25.7, "{parameters:?}: {found}");
    }
}

#[test]
fn seeds_and_steps_draw_apart() {
    let logits = [0.0; 1000];
    let draws = |seed| {
        let parameters = SamplingParameters { seed, ..SamplingParameters::default() };
        (0..50).map(|step| sample(parameters, &logits, step).expect("a token")).collect::<Vec<_>>()
    };
    assert_ne!(draws(1), draws(2));
    let distinct: std::collections::BTreeSet<_> = draws(1).into_iter().collect();
    assert!(distinct.len() > 40, "{} of 50 draws from 1,000 tokens differ", distinct.len());
}

/// Fixed answers: a change here changes every seeded generation of every user.
#[test]
fn the_stream_of_a_seed_is_fixed() {
    let logits: Vec<f32> = (0..64_u8).map(|token| f32::from(token) / 16.0).collect();
    let parameters =
        SamplingParameters { temperature: 0.8, top_k: 40, top_p: 0.95, min_p: 0.01, seed: 0x0123_4567_89ab_cdef };
    let found: Vec<_> = (0..12).map(|step| sample(parameters, &logits, step).expect("a token")).collect();
    assert_eq!(found, [61, 51, 56, 56, 61, 61, 63, 60, 56, 62, 58, 53]);
}

#[test]
fn scratch_carries_nothing_over() {
    let sampler = Sampler::new(SamplingParameters { top_p: 0.9, ..SamplingParameters::default() }).unwrap();
    let mut scratch = SamplerScratch::default();
    sampler.sample(&[1.0; 500], 0, &mut scratch).unwrap();
    assert_eq!(sampler.sample(&[MASKED, 2.0], 1, &mut scratch), Ok(1));
    assert_eq!(sampler.sample(&[MASKED], 2, &mut scratch), Err(SampleError::AllMasked { width: 1 }));
}

#[test]
fn argmax_prefers_the_smaller_id() {
    assert_eq!(argmax(&[MASKED, 1.0, 3.0, 3.0, 2.0]), Ok(2));
    assert_eq!(argmax(&[-0.0, 0.0]), Ok(0));
    assert_eq!(argmax(&[MASKED, f32::MIN]), Ok(1));
    assert_eq!(argmax(&[]), Err(SampleError::AllMasked { width: 0 }));
}

#[test]
fn broken_logits_are_refused_at_any_temperature() {
    for temperature in [0.0, 1.0] {
        let parameters = SamplingParameters { temperature, ..SamplingParameters::default() };
        let infinite = Err(SampleError::InvalidLogit { token: 1, value: f32::INFINITY });
        assert_eq!(sample(parameters, &[0.0, f32::INFINITY], 0), infinite);
        let nan = sample(parameters, &[MASKED, MASKED, f32::NAN], 0);
        assert!(matches!(nan, Err(SampleError::InvalidLogit { token: 2, value }) if value.is_nan()));
    }
}

#[test]
fn messages_say_what_to_do() {
    assert_eq!(
        SamplingParameterError::TopP(0.0).to_string(),
        "top_p 0 is not above 0 and at most 1; use 1 to keep every token, temperature 0 to keep the likeliest"
    );
    assert!(SampleError::AllMasked { width: 3 }.to_string().contains("check that the mask row is not empty"));
}
