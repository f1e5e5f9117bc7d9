//! Sets of tokens as a file holds them.
//!
//! A set is a row of the file, of which some ids are toggled, or a list of ids. A bitmap is a row of which none is; the
//! complement of a list toggles the row of all tokens. Rows are few, as most sets are like another one but for some ids.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use bytemuck::{Pod, Zeroable};
use grammar_ir::table::Table;

use super::checksum::checksum;
use super::error::{ArtifactError, Mismatch};
use crate::bitmask;

/// A set of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct SetRecord {
    /// The number of the row that it is like, or [`NO_ROW`].
    pub(super) row: u32,
    /// The number of ids in its list.
    pub(super) length: u32,
    /// Where its list begins among the lists.
    pub(super) start: u64,
    /// Of the list, after this record up to here.
    pub(super) checksum: u64,
    pub(super) reserved: u64,
}

/// In [`SetRecord::row`]: the set is its list.
pub(super) const NO_ROW: u32 = u32::MAX;

impl SetRecord {
    pub(super) fn new(row: Option<u32>, start: u64, list: &[u32]) -> Self {
        let record = Self { row: row.unwrap_or(NO_ROW), length: list.len() as u32, start, checksum: 0, reserved: 0 };
        Self { checksum: record.own_checksum(list), ..record }
    }

    fn own_checksum(&self, list: &[u32]) -> u64 {
        let fields = [self.row, self.length, self.start as u32, (self.start >> 32) as u32];
        checksum(bytemuck::cast_slice(&[&fields[..], list].concat()))
    }
}

/// What is known of the masks of a state.
///
/// A token of the set `accepted` fits in any configuration with the state on top; one of neither set never does. Whether
/// one of the set `dependent` fits, depends on what is below the state or on what a scope remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct EntryRecord {
    /// The number of a set, or [`NOT_KNOWN`] in an entry that says nothing.
    pub(super) accepted: u32,
    /// The number of a set.
    pub(super) dependent: u32,
    /// The entry is for counts below this: further up, a token can be long enough for its count to matter.
    pub(super) counts_below: u32,
}

/// In [`EntryRecord::accepted`]: nothing is known of the state.
pub(super) const NOT_KNOWN: u32 = u32::MAX;

impl EntryRecord {
    /// Of a state of which nothing is known.
    pub(super) const NONE: Self = Self { accepted: NOT_KNOWN, dependent: NOT_KNOWN, counts_below: 0 };

    pub(super) fn is_known(&self) -> bool {
        self.accepted != NOT_KNOWN
    }
}

/// The words from one row of a file to the next: rows begin at multiples of 64 bytes.
pub(super) fn stride(vocabulary_size: usize) -> usize {
    bitmask::words_for(vocabulary_size).next_multiple_of(grammar_ir::table::ALIGNMENT / size_of::<u32>())
}

/// The sets of a file. Only those that have been [checked](Self::check) may be used.
#[derive(Debug, Clone)]
pub(super) struct Sets {
    pub(super) rows: Table<u32>,
    pub(super) row_checksums: Table<u64>,
    pub(super) lists: Table<u32>,
    pub(super) records: Table<SetRecord>,
    pub(super) vocabulary_size: usize,
    checked: Arc<Checked>,
}

/// What has been looked at, so that grammars that share sets do not look at them again.
#[derive(Debug, Default)]
struct Checked {
    /// A bit per set.
    sets: OnceLock<Bits>,
    /// A bit per row.
    rows: OnceLock<Bits>,
}

/// Bits that are set once.
#[derive(Debug)]
struct Bits(Box<[AtomicU32]>);

impl Bits {
    fn new(count: usize) -> Self {
        Self((0..count.div_ceil(32)).map(|_| AtomicU32::new(0)).collect())
    }

    fn has(&self, index: u32) -> bool {
        self.0.get(index as usize / 32).is_some_and(|word| word.load(Ordering::Relaxed) >> (index % 32) & 1 == 1)
    }

    fn set(&self, index: u32) {
        if let Some(word) = self.0.get(index as usize / 32) {
            word.fetch_or(1 << (index % 32), Ordering::Relaxed);
        }
    }
}

impl Sets {
    /// The sets of these sections.
    ///
    /// # Errors
    /// When rows and their checksums do not go together.
    pub(super) fn new(
        rows: Table<u32>,
        row_checksums: Table<u64>,
        lists: Table<u32>,
        records: Table<SetRecord>,
        vocabulary_size: usize,
    ) -> Result<Self, ArtifactError> {
        let words = row_checksums.len().checked_mul(stride(vocabulary_size));
        if words != Some(rows.len()) {
            let expected = words.map_or(u64::MAX, |words| words as u64);
            let count = Mismatch { found: rows.len() as u64, expected };
            return Err(ArtifactError::Count { what: "words in the rows".to_owned(), count });
        }
        Ok(Self { rows, row_checksums, lists, records, vocabulary_size, checked: Arc::default() })
    }

    /// The row with this number, without the words between rows.
    fn row(&self, number: u32) -> &[u32] {
        let start = number as usize * stride(self.vocabulary_size);
        let words = bitmask::words_for(self.vocabulary_size);
        // A row that a checked set names is there.
        self.rows.get(start..start + words).unwrap_or_default()
    }

    fn list(&self, record: &SetRecord) -> &[u32] {
        let start = record.start as usize;
        self.lists.get(start..start + record.length as usize).unwrap_or_default()
    }

    /// The row of a set that is no list, and the ids of its list.
    pub(super) fn get(&self, set: u32) -> (Option<&[u32]>, &[u32]) {
        match self.records.get(set as usize) {
            Some(record) => ((record.row != NO_ROW).then(|| self.row(record.row)), self.list(record)),
            None => (None, &[]),
        }
    }

    /// Writes a set into a row of zeros.
    #[inline]
    pub(super) fn write(&self, set: u32, row: &mut [u32]) {
        match self.get(set) {
            (Some(base), toggled) => {
                row.copy_from_slice(base);
                toggled.iter().for_each(|&id| row[id as usize / 32] ^= 1 << (id % 32));
            }
            (None, ids) => bitmask::set_each(row, ids),
        }
    }

    /// The number of ids of the list of a set that is only a list.
    #[inline]
    pub(super) fn short_list(&self, set: u32) -> Option<&[u32]> {
        match self.get(set) {
            (None, ids) => Some(ids),
            _ => None,
        }
    }

    /// Checks that a set is what was written, and that using it stays within bounds. Each set and each row is looked at
    /// once, whoever asks.
    #[inline]
    pub(super) fn check(&self, set: u32) -> Result<(), ArtifactError> {
        let checked = self.checked.sets.get_or_init(|| Bits::new(self.records.len()));
        if checked.has(set) { Ok(()) } else { self.check_new(set, checked) }
    }

    #[cold]
    fn check_new(&self, set: u32, checked: &Bits) -> Result<(), ArtifactError> {
        let part = || format!("set {set}");
        let invalid = |fault| Err(ArtifactError::Invalid { part: part(), fault });
        let Some(record) = self.records.get(set as usize) else { return invalid("there is no such set") };
        // As long as its ids can be in order, so that looking at one takes no longer than filling a row.
        if record.length as usize > self.vocabulary_size {
            return invalid("its ids are not in order, or not of the vocabulary");
        }
        let before = (set as usize).checked_sub(1).and_then(|before| self.records.get(before));
        let expected = before.map_or(Some(0), |before| before.start.checked_add(u64::from(before.length)));
        let end = record.start.checked_add(u64::from(record.length));
        if Some(record.start) != expected || end.is_none_or(|end| end > self.lists.len() as u64) {
            let offset = Mismatch { found: record.start, expected: expected.unwrap_or(u64::MAX) };
            return Err(ArtifactError::Misplaced { part: format!("the list of set {set}"), offset });
        }
        let list = self.list(record);
        let found = record.own_checksum(list);
        if found != record.checksum {
            let checksum = Mismatch { found, expected: record.checksum };
            return Err(ArtifactError::Checksum { part: part(), checksum });
        }
        if record.reserved != 0 {
            return invalid("its record has something where nothing is defined");
        }
        let in_order = list.is_sorted_by(|id, next| id < next);
        if !in_order || list.last().is_some_and(|&last| last as usize >= self.vocabulary_size) {
            return invalid("its ids are not in order, or not of the vocabulary");
        }
        if record.row != NO_ROW {
            if record.row as usize >= self.row_checksums.len() {
                return invalid("there is no such row");
            }
            self.check_row(record.row)?;
        }
        checked.set(set);
        Ok(())
    }

    /// Checks all sets and rows, and that the lists have no ids besides those of the sets.
    pub(super) fn check_all(&self) -> Result<(), ArtifactError> {
        (0..self.records.len() as u32).try_for_each(|set| self.check(set))?;
        let end = self.records.last().map_or(0, |last| last.start + u64::from(last.length));
        if end != self.lists.len() as u64 {
            let count = Mismatch { found: self.lists.len() as u64, expected: end };
            return Err(ArtifactError::Count { what: "ids in the lists".to_owned(), count });
        }
        (0..self.row_checksums.len() as u32).try_for_each(|row| self.check_row(row))
    }

    /// Checks a row that there is.
    fn check_row(&self, number: u32) -> Result<(), ArtifactError> {
        let checked = self.checked.rows.get_or_init(|| Bits::new(self.row_checksums.len()));
        if checked.has(number) {
            return Ok(());
        }
        let row = self.row(number);
        let (found, expected) = (checksum(bytemuck::cast_slice(row)), self.row_checksums[number as usize]);
        if found != expected {
            let checksum = Mismatch { found, expected };
            return Err(ArtifactError::Checksum { part: format!("row {number}"), checksum });
        }
        let past = self.vocabulary_size % 32;
        if past != 0 && row.last().is_some_and(|last| last >> past != 0) {
            let fault = "it allows ids past the vocabulary";
            return Err(ArtifactError::Invalid { part: format!("row {number}"), fault });
        }
        checked.set(number);
        Ok(())
    }
}
