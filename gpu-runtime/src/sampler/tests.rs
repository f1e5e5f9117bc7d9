//! Each step against its definition. Weights are small integers here, so that sums are exact in any order.

use proptest::prelude::*;

use super::*;

fn candidates(weights: &[u16]) -> Vec<Candidate> {
    weights
        .iter()
        .zip(0..)
        .map(|(&weight, token)| Candidate { token, logit: weight.into(), weight: weight.into() })
        .collect()
}

fn tokens(candidates: &[Candidate]) -> Vec<u32> {
    candidates.iter().map(|candidate| candidate.token).collect()
}

/// The ids of `weights` from the highest rank down.
fn ranked(weights: &[u16]) -> Vec<u32> {
    let mut ids: Vec<_> = (0..weights.len() as u32).collect();
    ids.sort_by_key(|&id| (std::cmp::Reverse(weights[id as usize]), id));
    ids
}

fn sorted(mut ids: Vec<u32>) -> Vec<u32> {
    ids.sort_unstable();
    ids
}

fn weights() -> impl Strategy<Value = Vec<u16>> {
    prop_oneof![
        prop::collection::vec(0..5_u16, 1..20),
        prop::collection::vec(0..1000_u16, 1..600),
        // Several blocks of equal weights.
        prop::collection::vec(1..3_u16, 1000..3000),
    ]
}

proptest! {
    #[test]
    fn top_k_keeps_the_highest_ranks(weights in weights(), top_k in 0..700_u32) {
        let mut kept = candidates(&weights);
        keep_top_k(&mut kept, top_k);
        let count = if top_k == 0 { weights.len() } else { top_k as usize };
        prop_assert_eq!(tokens(&kept), sorted(ranked(&weights).into_iter().take(count).collect()));
    }

    #[test]
    fn top_p_keeps_the_shortest_run_that_reaches_it(weights in weights(), eighths in 1..8_u16) {
        let mut kept = candidates(&weights);
        keep_top_p(&mut kept, f32::from(eighths) / 8.0);
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut run = Vec::new();
        let mut sum = 0;
        for id in ranked(&weights) {
            run.push(id);
            sum += u64::from(weights[id as usize]);
            if 8 * sum >= u64::from(eighths) * total {
                break;
            }
        }
        prop_assert_eq!(tokens(&kept), sorted(run));
    }

    #[test]
    fn min_p_keeps_what_reaches_it(weights in prop::collection::vec(0..=64_u16, 1..100), share in 0..=64_u16) {
        let mut kept = candidates(&weights);
        for candidate in &mut kept {
            candidate.weight /= 64.0;
        }
        keep_min_p(&mut kept, f32::from(share) / 64.0);
        let expected: Vec<_> =
            (0..weights.len() as u32).filter(|&id| weights[id as usize] >= share).collect();
        prop_assert_eq!(tokens(&kept), expected);
    }

    #[test]
    fn draw_is_the_inverse_of_the_cumulated_weights(
        weights in prop::collection::vec(0..50_u16, 1..50),
        fraction in 0..1024_u32,
    ) {
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut sum = 0;
        let expected = (0..weights.len() as u32).find(|&id| {
            sum += 1024 * u64::from(weights[id as usize]);
            sum > u64::from(fraction) * total
        });
        prop_assert_eq!(draw(&candidates(&weights), f64::from(fraction) / 1024.0), expected);
    }
}

#[test]
fn a_draw_at_the_very_end_skips_tokens_without_weight() {
    assert_eq!(draw(&candidates(&[0, 3, 0]), 1.0), Some(1));
    assert_eq!(draw(&candidates(&[0, 0]), 0.0), None);
    assert_eq!(draw(&[], 0.5), None);
}

#[test]
fn zero_and_minus_zero_have_one_rank() {
    let mut kept: Vec<_> =
        [-0.0, 0.0].iter().zip(0..).map(|(&logit, token)| Candidate { token, logit, weight: 1.0 }).collect();
    keep_top_k(&mut kept, 1);
    assert_eq!(tokens(&kept), [0]);
}

#[test]
fn weights_are_the_softmax_at_the_temperature_up_to_a_factor() {
    let mut found: Vec<_> =
        [1.0, 3.0, 2.0].iter().zip(0..).map(|(&logit, token)| Candidate { token, logit, weight: f64::NAN }).collect();
    set_weights(&mut found, 3.0, 0.5);
    let expected = [(-4_f64).exp(), 1.0, (-2_f64).exp()];
    for (candidate, expected) in found.iter().zip(expected) {
        assert!((candidate.weight - expected).abs() < 1e-15);
    }
}
