//! The grammars of a file: their names, and where they lie.

use std::sync::{Arc, OnceLock};

use grammar_ir::table::{SharedBytes, Table};

use super::checksum::checksum;
use super::error::{ArtifactError, Mismatch};
use super::header::PREAMBLE_LENGTH;
use super::section::{GRAMMAR_KINDS, GRAMMAR_LIST_LENGTH, GrammarRecord, MAX_NAME_LENGTH, Sections};

/// The list of grammars.
///
/// Names follow one another, and so do grammars: the list of a grammar's sections comes after its sections, and the next
/// grammar after that list. So all grammars together are no longer than the file, and looking at each of them takes no
/// longer than looking at the file, whatever the records say.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    file: SharedBytes,
    records: Table<GrammarRecord>,
    names: Table<u8>,
    /// Where the last grammar ends.
    end: u64,
    /// Whether records may say that token ids are those of the vocabulary in the header.
    may_have_vocabulary: bool,
    /// Set once names and grammars have been found to follow one another.
    is_in_order: Arc<OnceLock<()>>,
}

/// The sections of a grammar.
pub(super) type GrammarSections<'a> = Sections<'a, { GRAMMAR_KINDS.len() }>;

impl Directory {
    /// The grammars of these records, which end where the sections of the file begin. Nothing is checked yet.
    pub(super) fn new(
        file: SharedBytes,
        records: Table<GrammarRecord>,
        names: Table<u8>,
        end: u64,
        may_have_vocabulary: bool,
    ) -> Self {
        Self { file, records, names, end, may_have_vocabulary, is_in_order: Arc::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Checks that names and grammars follow one another.
    pub(super) fn check_order(&self) -> Result<(), ArtifactError> {
        if self.is_in_order.get().is_some() {
            return Ok(());
        }
        let (mut name_end, mut least) = (0, PREAMBLE_LENGTH as u64);
        for (index, record) in self.records.iter().enumerate() {
            let invalid = |fault| Err(ArtifactError::Invalid { part: format!("grammar {index}"), fault });
            match record.name_end.checked_sub(name_end) {
                None => return invalid("its name ends before it begins"),
                Some(length) if length as usize > MAX_NAME_LENGTH => {
                    return invalid("its name is longer than 1,024 bytes");
                }
                Some(_) if record.has_vocabulary > u32::from(self.may_have_vocabulary) => {
                    return invalid("its record has something where nothing is defined");
                }
                Some(_) => name_end = record.name_end,
            }
            if record.sections_offset < least {
                let offset = Mismatch { found: record.sections_offset, expected: least };
                let part = format!("the list of sections of grammar {index}");
                return Err(ArtifactError::Misplaced { part, offset });
            }
            least = record.sections_offset.saturating_add(GRAMMAR_LIST_LENGTH);
        }
        if least != self.end {
            let offset = Mismatch { found: self.end, expected: least };
            return Err(ArtifactError::Misplaced { part: "metadata of the file".to_owned(), offset });
        }
        let (found, expected) = (u64::from(name_end), self.names.len() as u64);
        if found != expected {
            let count = Mismatch { found, expected };
            return Err(ArtifactError::Count { what: "bytes in the names of grammars".to_owned(), count });
        }
        self.is_in_order.get_or_init(|| ());
        Ok(())
    }

    fn record(&self, index: usize) -> Result<(&GrammarRecord, &[u8]), ArtifactError> {
        self.check_order()?;
        let part = || format!("grammar {index}");
        let Some(record) = self.records.get(index) else {
            return Err(ArtifactError::Invalid { part: part(), fault: "there is no such grammar" });
        };
        let begin = index.checked_sub(1).map_or(0, |before| self.records[before].name_end as usize);
        let name = self.names.get(begin..record.name_end as usize).unwrap_or_default();
        let found = record.own_checksum(name);
        if found != record.checksum {
            let checksum = Mismatch { found, expected: record.checksum };
            return Err(ArtifactError::Checksum { part: part(), checksum });
        }
        Ok((record, name))
    }

    /// Whether the token ids of a grammar in a file without tables are those of the vocabulary in the header.
    pub(super) fn has_vocabulary(&self, index: usize) -> Result<bool, ArtifactError> {
        Ok(self.record(index)?.0.has_vocabulary == 1)
    }

    /// The name of a grammar.
    pub(super) fn name(&self, index: usize) -> Result<&str, ArtifactError> {
        text(self.record(index)?.1, || format!("the name of grammar {index}"))
    }

    /// The sections of a grammar.
    pub(super) fn sections(&self, index: usize) -> Result<GrammarSections<'_>, ArtifactError> {
        let (record, _) = self.record(index)?;
        let owner = format!("grammar {:?}", self.name(index)?);
        let list_of = || format!("the list of sections of {owner}");
        let start = record.sections_offset as usize;
        let list = self.file.get(start..start.saturating_add(GRAMMAR_LIST_LENGTH as usize)).unwrap_or_default();
        let found = checksum(list);
        if found != record.sections_checksum {
            let checksum = Mismatch { found, expected: record.sections_checksum };
            return Err(ArtifactError::Checksum { part: list_of(), checksum });
        }
        let Ok(records) = bytemuck::try_pod_read_unaligned(list) else {
            return Err(ArtifactError::Invalid { part: list_of(), fault: "it is not in the file" });
        };
        let before = index.checked_sub(1).map(|before| self.records[before].sections_offset + GRAMMAR_LIST_LENGTH);
        let begin = before.unwrap_or(PREAMBLE_LENGTH as u64);
        let sections = Sections::new(&self.file, owner.clone(), records, &GRAMMAR_KINDS, begin)?;
        if record.sections_offset != sections.end() {
            let offset = Mismatch { found: record.sections_offset, expected: sections.end() };
            return Err(ArtifactError::Misplaced { part: list_of(), offset });
        }
        Ok(sections)
    }
}

/// Bytes that have to be text.
pub(super) fn text(bytes: &[u8], part: impl Fn() -> String) -> Result<&str, ArtifactError> {
    std::str::from_utf8(bytes).map_err(|_| ArtifactError::Invalid { part: part(), fault: "it is not UTF-8" })
}
