//! Masked logits against the definition: a bit, read by the crate that writes the rows, decides over a logit.

use gpu_runtime::{Logit, ShapeError, apply_bitmask, apply_bitmask_rows};
use half::bf16;
use mask_runtime::{bitmask, embedded_tiny};
use proptest::prelude::*;

fn masked(logits: &[u32], row: &[u32]) -> Vec<u32> {
    (0..)
        .zip(logits)
        .map(|(token, &bits)| if bitmask::contains(row, token) { bits } else { f32::NEG_INFINITY.to_bits() })
        .collect()
}

fn to_f32(bits: &[u32]) -> Vec<f32> {
    bits.iter().copied().map(f32::from_bits).collect()
}

fn to_bits(logits: &[f32]) -> Vec<u32> {
    logits.iter().map(|logit| logit.to_bits()).collect()
}

fn words(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(prop_oneof![Just(0), Just(u32::MAX), any::<u32>()], count)
}

/// Width, logits as bits, words a row, mask rows, row indices.
fn batch() -> impl Strategy<Value = (usize, Vec<u32>, usize, Vec<u32>, Vec<i32>)> {
    (0..100_usize, 0..5_usize, 0..4_usize, 1..4_usize).prop_flat_map(|(width, rows, words_per_row, mask_rows)| {
        // Rows of no words leave no mask row to name.
        let named = if words_per_row == 0 { 0 } else { mask_rows as i32 };
        (
            Just(width),
            prop::collection::vec(any::<u32>(), width * rows),
            Just(words_per_row),
            words(words_per_row * mask_rows),
            prop::collection::vec(-2..named, rows),
        )
    })
}

proptest! {
    /// Any bits are logits here: what is allowed keeps even the payload of a NaN.
    #[test]
    fn a_bit_decides_over_a_logit(logits in prop::collection::vec(any::<u32>(), 0..300), row in words(0..10)) {
        let mut found = to_f32(&logits);
        apply_bitmask(&mut found, &row);
        prop_assert_eq!(to_bits(&found), masked(&logits, &row));
    }

    #[test]
    fn bf16_is_masked_like_f32(logits in prop::collection::vec(any::<u16>(), 0..300), row in words(0..10)) {
        let mut found: Vec<_> = logits.iter().copied().map(bf16::from_bits).collect();
        apply_bitmask(&mut found, &row);
        for (token, (found, logit)) in (0..).zip(found.iter().zip(logits)) {
            prop_assert_eq!(found.to_bits(), if bitmask::contains(&row, token) { logit } else { 0xFF80 });
        }
    }

    #[test]
    fn rows_are_masked_by_the_row_they_name((width, logits, words_per_row, mask, indices) in batch()) {
        let mut found = to_f32(&logits);
        apply_bitmask_rows(&mut found, width, &mask, words_per_row, &indices).expect("shapes that fit");
        for (row, &index) in indices.iter().enumerate() {
            let logits = &logits[row * width..][..width];
            let expected = match usize::try_from(index) {
                Ok(index) => masked(logits, &mask[index * words_per_row..][..words_per_row]),
                Err(_) => logits.to_vec(),
            };
            prop_assert_eq!(to_bits(&found[row * width..][..width]), expected);
        }
    }
}

#[test]
fn logits_padded_beyond_the_vocabulary_are_masked() {
    let vocabulary = embedded_tiny();
    let size = 1000;
    assert!(size < vocabulary.size());
    let mut row = vec![0; vocabulary.words_per_row()];
    bitmask::set_all(&mut row, size);
    let mut logits = vec![1.0_f32; vocabulary.size() + 70];
    apply_bitmask(&mut logits, &row);
    assert!(logits[..size].iter().all(|&logit| logit == 1.0));
    assert!(logits[size..].iter().all(|&logit| logit == f32::NEGATIVE_INFINITY));
}

#[test]
fn shapes_that_do_not_fit_write_nothing() {
    let mask = [0; 4];
    let cases = [
        (3, 2, &[0, 1][..], ShapeError::Logits { found: 4, rows: 2, width: 3 }),
        (usize::MAX, 2, &[0, 1], ShapeError::Logits { found: 4, rows: 2, width: usize::MAX }),
        (2, 3, &[0, 1], ShapeError::Bitmask { found: 4, words_per_row: 3 }),
        (2, 0, &[-1, -1], ShapeError::Bitmask { found: 4, words_per_row: 0 }),
        (2, 2, &[0, 2], ShapeError::RowIndex { row: 1, index: 2, rows: 2 }),
        (2, 2, &[0, i32::MAX], ShapeError::RowIndex { row: 1, index: i32::MAX, rows: 2 }),
    ];
    for (width, words_per_row, indices, expected) in cases {
        let mut logits = [1.0_f32; 4];
        assert_eq!(apply_bitmask_rows(&mut logits, width, &mask, words_per_row, indices), Err(expected));
        assert_eq!(logits, [1.0; 4]);
    }
    let none = apply_bitmask_rows::<f32>(&mut [], 2, &[], 0, &[]);
    assert_eq!(none, Ok(()));
    let unnamed = apply_bitmask_rows(&mut [1.0_f32], 1, &[], 0, &[0]);
    assert_eq!(unnamed, Err(ShapeError::RowIndex { row: 0, index: 0, rows: 0 }));
}
