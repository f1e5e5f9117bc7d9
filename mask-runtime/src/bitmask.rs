//! Rows of a token mask: one bit per id, least significant bit first, 1 for allowed.
//!
//! A row of a vocabulary of *n* ids has ⌈*n* / 32⌉ words; the bits beyond *n* are always 0. Ids beyond the row are
//! not allowed, and [`set`] and [`clear`] leave them so.

/// Whether no id is set.
pub fn is_empty(row: &[u32]) -> bool {
    // By parts, so that a part is looked at in few instructions.
    row.chunks(64).all(|part| part.iter().fold(0, |all, &word| all | word) == 0)
}

/// The number of words in a row for `size` ids.
pub const fn words_for(size: usize) -> usize {
    size.div_ceil(32)
}

/// A row for `size` ids with nothing allowed.
pub fn row_for(size: usize) -> Vec<u32> {
    vec![0; words_for(size)]
}

/// Forbids every id.
pub fn clear_all(row: &mut [u32]) {
    row.fill(0);
}

/// Allows every id below `size` and forbids the others.
pub fn set_all(row: &mut [u32], size: usize) {
    let full = (size / 32).min(row.len());
    let (whole, rest) = row.split_at_mut(full);
    whole.fill(u32::MAX);
    rest.fill(0);
    if let Some(word) = rest.first_mut() {
        *word = (1 << (size % 32)) - 1;
    }
}

/// Allows `id`.
#[inline]
pub fn set(row: &mut [u32], id: u32) {
    if let Some(word) = row.get_mut(id as usize / 32) {
        *word |= 1 << (id % 32);
    }
}

/// Allows each of `ids`.
#[inline]
pub fn set_each(row: &mut [u32], ids: &[u32]) {
    for &id in ids {
        set(row, id);
    }
}

/// Allows each of `ids` that is forbidden, and forbids each that is allowed.
#[inline]
pub(crate) fn flip_each(row: &mut [u32], ids: &[u32]) {
    for &id in ids {
        if let Some(word) = row.get_mut(id as usize / 32) {
            *word ^= 1 << (id % 32);
        }
    }
}

/// Forbids `id`.
#[inline]
pub fn clear(row: &mut [u32], id: u32) {
    if let Some(word) = row.get_mut(id as usize / 32) {
        *word &= !(1 << (id % 32));
    }
}

/// Whether `id` is allowed.
#[inline]
pub fn contains(row: &[u32], id: u32) -> bool {
    row.get(id as usize / 32).is_some_and(|word| word & (1 << (id % 32)) != 0)
}

/// The number of allowed ids.
pub fn count(row: &[u32]) -> usize {
    row.iter().map(|word| word.count_ones() as usize).sum()
}

/// The allowed ids, ascending.
pub fn iter(row: &[u32]) -> impl Iterator<Item = u32> + '_ {
    row.iter().enumerate().flat_map(|(index, &word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = rest.checked_ilog2().map(|_| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(index as u32 * 32 + bit)
        })
    })
}
