//! Puts sets of tokens together: equal ones once, and those that are alike as one row and what differs from it.

use rustc_hash::FxHashMap;

use super::checksum::{checksum, content_key};
use super::error::WriteError;
use super::set::{SetRecord, stride};
use super::tabulate::TokenRow;
use crate::bitmask;

/// Sets that are written, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) rows: Vec<u32>,
    pub(super) row_checksums: Vec<u64>,
    pub(super) lists: Vec<u32>,
    pub(super) records: Vec<SetRecord>,
    vocabulary_size: usize,
    /// Sets by what they hold.
    by_content: FxHashMap<u128, Vec<u32>>,
}

/// A list is kept instead of a row if it takes at most this part of the row's bytes.
const LIST_PART: usize = 4;

/// With how many rows a set is compared: the first ones, which are the common ones, and the last ones.
const COMPARED: usize = 24;

impl Pool {
    pub(super) fn new(vocabulary_size: usize) -> Self {
        Self { vocabulary_size, ..Self::default() }
    }

    /// The number of the set of the ids in `row`.
    pub(super) fn add(&mut self, row: &TokenRow) -> Result<u32, WriteError> {
        let key = content_key(bytemuck::cast_slice(row.words()));
        let known = self.by_content.get(&key).into_iter().flatten();
        if let Some(&set) = known.into_iter().find(|&&set| self.is(set, row)) {
            return Ok(set);
        }
        let set = u32::try_from(self.records.len()).map_err(|_| WriteError::TooMany { what: "sets" })?;
        let record = match row {
            TokenRow::Few(ids) => self.list(None, ids),
            TokenRow::Many(words) => self.like_another(words)?,
        };
        self.records.push(record);
        self.by_content.entry(key).or_default().push(set);
        Ok(set)
    }

    fn list(&mut self, row: Option<u32>, ids: &[u32]) -> SetRecord {
        let start = self.lists.len() as u64;
        self.lists.extend_from_slice(ids);
        SetRecord::new(row, start, ids)
    }

    /// The set of `words` as a row that there is and what differs, or as a new row.
    fn like_another(&mut self, words: &[u32]) -> Result<SetRecord, WriteError> {
        let count = self.row_checksums.len();
        let most = words.len() / LIST_PART;
        let tried = (0..count).filter(|number| *number < COMPARED || *number + COMPARED >= count);
        let alike = tried.filter_map(|number| Some((distance(self.row(number), words, most)?, number))).min();
        let number = match alike {
            Some((_, number)) => number,
            None => {
                self.row_checksums.push(checksum(bytemuck::cast_slice(words)));
                self.rows.extend_from_slice(words);
                self.rows.resize((count + 1) * stride(self.vocabulary_size), 0);
                count
            }
        };
        let differing: Vec<u32> = self.row(number).iter().zip(words).map(|(row, word)| row ^ word).collect();
        let toggled: Vec<u32> = bitmask::iter(&differing).collect();
        let number = u32::try_from(number).map_err(|_| WriteError::TooMany { what: "rows" })?;
        Ok(self.list(Some(number), &toggled))
    }

    fn row(&self, number: usize) -> &[u32] {
        let start = number * stride(self.vocabulary_size);
        &self.rows[start..start + bitmask::words_for(self.vocabulary_size)]
    }

    /// Whether the set has just the ids of `row`.
    fn is(&self, set: u32, row: &TokenRow) -> bool {
        let record = self.records[set as usize];
        let list = &self.lists[record.start as usize..record.start as usize + record.length as usize];
        match (row, record.row) {
            (TokenRow::Few(ids), super::set::NO_ROW) => list == &**ids,
            (TokenRow::Many(words), number) if number != super::set::NO_ROW => {
                let mut own = self.row(number as usize).to_vec();
                list.iter().for_each(|&id| own[id as usize / 32] ^= 1 << (id % 32));
                own == **words
            }
            _ => false,
        }
    }
}

/// In how many ids two rows differ, if that is at most `most`.
fn distance(row: &[u32], other: &[u32], most: usize) -> Option<usize> {
    let mut differing = 0;
    for (row, other) in row.chunks(256).zip(other.chunks(256)) {
        differing += row.iter().zip(other).map(|(row, other)| (row ^ other).count_ones() as usize).sum::<usize>();
        if differing > most {
            return None;
        }
    }
    Some(differing)
}
