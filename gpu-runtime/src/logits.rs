//! Token masks applied to logits on the CPU: what the `apply_bitmask` kernels compute.

use half::bf16;

/// An element type of logits.
pub trait Logit: Copy {
    /// −∞: the logit of a masked token.
    const NEGATIVE_INFINITY: Self;
}

impl Logit for f32 {
    const NEGATIVE_INFINITY: Self = f32::NEG_INFINITY;
}

impl Logit for bf16 {
    const NEGATIVE_INFINITY: Self = bf16::NEG_INFINITY;
}

/// Logits, masks and row indices do not fit together. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// The logits are not one row of the width for each row index.
    #[error("{found} logits are not {rows} rows of {width}; pass one row of logits for each row index")]
    Logits {
        /// The length of the logits.
        found: usize,
        /// The number of row indices.
        rows: usize,
        /// The width of a row of logits.
        width: usize,
    },
    /// The bitmask is not a whole number of rows.
    #[error(
        "{found} mask words are not whole rows of {words_per_row}; pass Vocabulary::words_per_row words for each row"
    )]
    Bitmask {
        /// The length of the bitmask in words.
        found: usize,
        /// The words in a row.
        words_per_row: usize,
    },
    /// A row of logits asks for a row that the bitmask does not have.
    #[error("row {row} of the logits asks for mask row {index} of {rows}; a negative index means unconstrained")]
    RowIndex {
        /// The row of the logits.
        row: usize,
        /// Its row index.
        index: i32,
        /// The number of rows in the bitmask.
        rows: usize,
    },
}

/// Masks one row of logits in place: the logit of each token whose bit is 0 becomes −∞, every other one keeps its bits.
///
/// Shapes: `logits` `[width]`, `row` `[words]`, with bit *t* mod 32 of word ⌊*t* / 32⌋ for token *t*. Logits beyond the
/// row have no bit and become −∞. As the bits of the last word beyond the vocabulary are 0, this masks the whole tail
/// of logits that are padded beyond the vocabulary. Bits beyond the logits are ignored.
pub fn apply_bitmask<L: Logit>(logits: &mut [L], row: &[u32]) {
    let words = row.iter().copied().chain(std::iter::repeat(0));
    for (columns, word) in logits.chunks_mut(32).zip(words) {
        match word {
            u32::MAX => {}
            0 => columns.fill(L::NEGATIVE_INFINITY),
            _ => {
                for (bit, logit) in columns.iter_mut().enumerate() {
                    if word >> bit & 1 == 0 {
                        *logit = L::NEGATIVE_INFINITY;
                    }
                }
            }
        }
    }
}

/// Masks the rows of a batch of logits in place, each by [`apply_bitmask`] with the mask row that its index names.
///
/// Shapes, all row-major and contiguous: `logits` `[rows, logits_width]`, `bitmask` `[mask_rows, words_per_row]`,
/// `row_indices` `[rows]`. A row of logits whose index is negative is unconstrained: it is not touched, its padded tail
/// included. Several rows may share a mask row.
///
/// # Errors
/// When the shapes do not fit, or an index is not negative and names no mask row. The kernels cannot report the latter
/// and mask the whole row instead.
pub fn apply_bitmask_rows<L: Logit>(
    logits: &mut [L],
    logits_width: usize,
    bitmask: &[u32],
    words_per_row: usize,
    row_indices: &[i32],
) -> Result<(), ShapeError> {
    if row_indices.len().checked_mul(logits_width) != Some(logits.len()) {
        return Err(ShapeError::Logits { found: logits.len(), rows: row_indices.len(), width: logits_width });
    }
    let mask_rows = bitmask.len().checked_div(words_per_row).unwrap_or(0);
    if mask_rows * words_per_row != bitmask.len() {
        return Err(ShapeError::Bitmask { found: bitmask.len(), words_per_row });
    }
    let mask_row = |index: i32| usize::try_from(index).ok();
    for (row, &index) in row_indices.iter().enumerate() {
        if mask_row(index).is_some_and(|index| index >= mask_rows) {
            return Err(ShapeError::RowIndex { row, index, rows: mask_rows });
        }
    }
    if logits_width == 0 {
        return Ok(());
    }
    for (logits, &index) in logits.chunks_exact_mut(logits_width).zip(row_indices) {
        if let Some(index) = mask_row(index) {
            apply_bitmask(logits, &bitmask[index * words_per_row..][..words_per_row]);
        }
    }
    Ok(())
}
