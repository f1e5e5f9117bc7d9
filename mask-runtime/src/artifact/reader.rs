//! From the bytes of a file to grammars.

use std::path::Path;
use std::sync::Arc;

use grammar_ir::pda::{Pda, PdaParts};
use grammar_ir::table::{SharedBytes, Table};

use super::checksum::checksum;
use super::error::{ArtifactError, Mismatch};
use super::header::{FILE_SECTIONS, Header};
use super::map::map;
use super::section::{FILE_KINDS, GRAMMAR_KINDS, GrammarRecord, SectionKind, SectionRecord, Sections};
use super::set::{EntryRecord, NOT_KNOWN, Sets};
use super::tables::Tables;
use crate::compiled::{CompiledGrammar, Tokenizer};

/// A file of compiled grammars. Cheap to clone; grammars keep what they need of it.
///
/// Opening it looks at its header and the list of its sections alone, however long it is. What belongs to a grammar is
/// checked when the grammar is asked for.
#[derive(Debug, Clone)]
pub struct Artifact {
    file: SharedBytes,
    header: Header,
    sections: [SectionRecord; FILE_SECTIONS],
    grammars: Table<GrammarRecord>,
    /// What tables refer to, if there are some.
    sets: Option<Sets>,
}

/// A grammar of a file, as far as it can be told without looking at its automaton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrammarEntry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What its maker says of it.
    pub metadata: &'a str,
}

/// Where a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionInfo {
    /// The grammar that it belongs to; the file itself, if none.
    pub grammar: Option<usize>,
    /// What it holds.
    pub kind: SectionKind,
    /// Where it begins. Equal sections begin at the same place.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

impl Artifact {
    /// Maps a file. It must not be changed or shortened in place as long as anything made from this is in use; writing
    /// another file and renaming it is fine.
    ///
    /// # Errors
    /// When it cannot be read, or is no artifact that this version can use.
    pub fn open(path: &Path) -> Result<Self, ArtifactError> {
        Self::of(map(path).map_err(|error| ArtifactError::Read { path: path.to_owned(), error })?)
    }

    /// Reads a file into memory. What happens to the file afterwards does not matter.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let bytes = std::fs::read(path).map_err(|error| ArtifactError::Read { path: path.to_owned(), error })?;
        Self::of(SharedBytes::of(bytes))
    }

    /// The artifact in a copy of `bytes`.
    ///
    /// # Errors
    /// When they are no artifact that this version can use.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArtifactError> {
        Self::of(SharedBytes::copy_of(bytes))
    }

    fn of(file: SharedBytes) -> Result<Self, ArtifactError> {
        let (header, records) = Header::read(&file)?;
        let sections = Sections::new(&file, "the file".to_owned(), records, &FILE_KINDS)?;
        let grammars: Table<GrammarRecord> = sections.table(SectionKind::Grammars)?;
        if grammars.len() != header.grammars as usize {
            let fault = "it has not as many grammars as its header says";
            return Err(ArtifactError::Invalid { part: "the file".to_owned(), fault });
        }
        let sets = match header.has_tables {
            0 => None,
            _ => Some(Sets {
                rows: sections.table(SectionKind::Rows)?,
                row_checksums: sections.table(SectionKind::RowChecksums)?,
                lists: sections.table(SectionKind::Lists)?,
                records: sections.table(SectionKind::Sets)?,
                vocabulary_size: header.vocabulary_size as usize,
            }),
        };
        if let Some(sets) = &sets {
            sets.row_count()?;
        }
        Ok(Self { sections: records, header, grammars, sets, file })
    }

    /// The number of grammars.
    pub fn len(&self) -> usize {
        self.grammars.len()
    }

    /// Whether there is no grammar.
    pub fn is_empty(&self) -> bool {
        self.grammars.is_empty()
    }

    /// The length of the file.
    pub fn file_length(&self) -> usize {
        self.file.len()
    }

    /// The fingerprint of the vocabulary that the tables are for; `None` without tables.
    pub fn fingerprint(&self) -> Option<[u8; 32]> {
        self.sets.as_ref().map(|_| self.header.fingerprint)
    }

    /// The number of ids of that vocabulary.
    pub fn vocabulary_size(&self) -> Option<usize> {
        self.sets.as_ref().map(|sets| sets.vocabulary_size)
    }

    /// How many sets of tokens the tables have, and how many rows.
    pub fn set_and_row_counts(&self) -> (usize, usize) {
        self.sets.as_ref().map_or((0, 0), |sets| (sets.records.len(), sets.row_checksums.len()))
    }

    /// What the maker of the file says of it.
    ///
    /// # Errors
    /// When that is no text.
    pub fn metadata(&self) -> Result<&str, ArtifactError> {
        text(self.file_sections()?.bytes(SectionKind::Metadata), "the metadata of the file")
    }

    /// The grammar with this number.
    ///
    /// # Errors
    /// When there is none, or what the file says of it is damaged.
    pub fn entry(&self, index: usize) -> Result<GrammarEntry<'_>, ArtifactError> {
        let sections = self.grammar_sections(index)?;
        let metadata = text(sections.bytes(SectionKind::GrammarMetadata), "the metadata of a grammar")?;
        Ok(GrammarEntry { name: self.name(index)?, metadata })
    }

    /// The number of the grammar with this name.
    ///
    /// # Errors
    /// When there is none, or what the file says of its grammars is damaged.
    pub fn find(&self, name: &str) -> Result<usize, ArtifactError> {
        for index in 0..self.len() {
            if self.name(index)? == name {
                return Ok(index);
            }
        }
        let mut names = (0..self.len().min(SHOWN_NAMES))
            .map(|index| Ok(format!("{:?}", self.name(index)?)))
            .collect::<Result<Vec<_>, ArtifactError>>()?;
        if self.len() > SHOWN_NAMES {
            names.push(format!("and {} more", self.len() - SHOWN_NAMES));
        }
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(ArtifactError::NoSuchGrammar { asked: name.to_owned(), names })
    }

    /// The automaton of a grammar, which lies in the file.
    ///
    /// # Errors
    /// When there is no such grammar, or its bytes are damaged or no automaton.
    pub fn automaton(&self, index: usize) -> Result<Pda, ArtifactError> {
        let sections = self.grammar_sections(index)?;
        sections.check()?;
        let parts = PdaParts {
            states: sections.table(SectionKind::States)?,
            byte_edges: sections.table(SectionKind::ByteEdges)?,
            call_edges: sections.table(SectionKind::CallEdges)?,
            token_edges: sections.table(SectionKind::TokenEdges)?,
            procedures: sections.table(SectionKind::Procedures)?,
            token_sets: sections.table(SectionKind::TokenSets)?,
            words: sections.table(SectionKind::Words)?,
            names: sections.table(SectionKind::ProcedureNames)?,
        };
        let grammar = self.name(index)?.to_owned();
        Pda::from_parts(parts).map_err(|error| ArtifactError::Automaton { grammar, error })
    }

    /// A grammar, bound to `tokenizer`, with its tables if the file has some.
    ///
    /// # Errors
    /// As [`automaton`](Self::automaton); and when the tables are for another tokenizer or damaged, or the grammar names a
    /// token that the vocabulary lacks.
    pub fn grammar(&self, index: usize, tokenizer: Arc<Tokenizer>) -> Result<Arc<CompiledGrammar>, ArtifactError> {
        if let Some(found) = self.fingerprint() {
            let expected = tokenizer.fingerprint();
            if found != expected {
                return Err(ArtifactError::Tokenizer(Mismatch { found, expected }));
            }
            if self.vocabulary_size() != Some(tokenizer.vocabulary().size()) {
                let fault = "it says another number of ids than the vocabulary with its fingerprint has";
                return Err(ArtifactError::Invalid { part: "the header".to_owned(), fault });
            }
        }
        let pda = self.automaton(index)?;
        let tables = self.tables(index, pda.state_count())?;
        let grammar = self.name(index)?.to_owned();
        CompiledGrammar::with_tables(pda, tokenizer, tables).map_err(|error| ArtifactError::Bind { grammar, error })
    }

    /// The tables of a grammar of so many states, if it has some.
    fn tables(&self, index: usize, states: usize) -> Result<Option<Tables>, ArtifactError> {
        let entries: Table<EntryRecord> = self.grammar_sections(index)?.table(SectionKind::Entries)?;
        let part = || format!("the entries of grammar {:?}", self.name(index).unwrap_or_default());
        let invalid = |fault| Err(ArtifactError::Invalid { part: part(), fault });
        let sets = match &self.sets {
            _ if entries.is_empty() => return Ok(None),
            Some(sets) => sets.clone(),
            None => return invalid("there are some in a file without tables"),
        };
        if entries.len() != states + 1 {
            return invalid("there is not one for each state and one for the first mask");
        }
        let known = |entry: &&EntryRecord| entry.is_known();
        if entries.iter().any(|entry| !entry.is_known() && *entry != EntryRecord::NONE) {
            return invalid("one says something of a state of which nothing is known");
        }
        let mut used: Vec<u32> =
            entries.iter().filter(known).flat_map(|entry| [entry.accepted, entry.dependent]).collect();
        used.sort_unstable();
        used.dedup();
        if used.last() == Some(&NOT_KNOWN) {
            return invalid("one has no set of dependent tokens");
        }
        let mut checked_rows = vec![false; sets.row_count()?];
        used.iter().try_for_each(|&set| sets.check(set, &mut checked_rows))?;
        Ok(Some(Tables::new(entries, sets)))
    }

    /// Checks all of the file: every section against its checksum, every grammar, every set.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), ArtifactError> {
        self.file_sections()?.check()?;
        if let Some(sets) = &self.sets {
            let mut checked_rows = vec![false; sets.row_count()?];
            (0..sets.records.len() as u32).try_for_each(|set| sets.check(set, &mut checked_rows))?;
        }
        for index in 0..self.len() {
            let states = self.automaton(index)?.state_count();
            self.tables(index, states)?;
        }
        self.check_gaps()
    }

    /// Where `bytes` differ from those of the file; `None` if they do not.
    ///
    /// # Errors
    /// When a list of sections is damaged.
    pub fn difference(&self, bytes: &[u8]) -> Result<Option<String>, ArtifactError> {
        if *self.file == *bytes {
            return Ok(None);
        }
        let infos = self.section_infos()?;
        let differs = |info: &&SectionInfo| {
            let range = info.offset as usize..(info.offset + info.length) as usize;
            self.file.get(range.clone()) != bytes.get(range)
        };
        // Those of a grammar say more than those that all grammars share.
        let first = infos.iter().filter(|info| info.grammar.is_some()).find(differs);
        Ok(Some(match first.or_else(|| infos.iter().find(differs)) {
            Some(SectionInfo { grammar: Some(index), kind, .. }) => {
                format!("{kind} of grammar {:?}", self.name(*index)?)
            }
            Some(SectionInfo { grammar: None, kind, .. }) => format!("{kind} of the file"),
            None => format!("{} bytes, not {}", bytes.len(), self.file.len()),
        }))
    }

    /// Between sections there are zeros.
    fn check_gaps(&self) -> Result<(), ArtifactError> {
        let mut used = vec![(0, size_of::<Header>() + FILE_SECTIONS * size_of::<SectionRecord>())];
        let lists = self.grammars.iter().map(|record| record.sections_offset as usize);
        used.extend(lists.map(|start| (start, start + size_of::<[SectionRecord; GRAMMAR_KINDS.len()]>())));
        let sections = self.section_infos()?;
        used.extend(sections.iter().map(|info| (info.offset as usize, (info.offset + info.length) as usize)));
        used.sort_unstable();
        let mut end = 0;
        for (start, past) in used.into_iter().chain([(self.file.len(), self.file.len())]) {
            if self.file.get(end..start).is_some_and(|gap| gap.iter().any(|&byte| byte != 0)) {
                let fault = "there is something between two sections";
                return Err(ArtifactError::Invalid { part: format!("byte {end} to {start} of the file"), fault });
            }
            end = end.max(past);
        }
        Ok(())
    }

    /// All sections: those of the file, then those of each grammar.
    ///
    /// # Errors
    /// When a list of sections is damaged.
    pub fn section_infos(&self) -> Result<Vec<SectionInfo>, ArtifactError> {
        let info = |grammar: Option<usize>| {
            move |(kind, offset, length): (SectionKind, u64, u64)| SectionInfo { grammar, kind, offset, length }
        };
        let mut infos: Vec<SectionInfo> = self.file_sections()?.infos().map(info(None)).collect();
        for index in 0..self.len() {
            infos.extend(self.grammar_sections(index)?.infos().map(info(Some(index))));
        }
        Ok(infos)
    }

    fn file_sections(&self) -> Result<Sections<'_, FILE_SECTIONS>, ArtifactError> {
        Sections::new(&self.file, "the file".to_owned(), self.sections, &FILE_KINDS)
    }

    fn record(&self, index: usize) -> Result<(&GrammarRecord, &[u8]), ArtifactError> {
        let part = || format!("grammar {index}");
        let invalid = |fault| ArtifactError::Invalid { part: part(), fault };
        let record = self.grammars.get(index).ok_or_else(|| invalid("there is no such grammar"))?;
        let names = self.file_sections()?.bytes(SectionKind::GrammarNames);
        let start = record.name_start as usize;
        let name = names.get(start..start.saturating_add(record.name_length as usize));
        let name = name.ok_or_else(|| invalid("its name is not among the names"))?;
        let found = record.own_checksum(name);
        if found != record.checksum {
            let checksum = Mismatch { found, expected: record.checksum };
            return Err(ArtifactError::Checksum { part: part(), checksum });
        }
        Ok((record, name))
    }

    fn name(&self, index: usize) -> Result<&str, ArtifactError> {
        text(self.record(index)?.1, "the name of a grammar")
    }

    fn grammar_sections(&self, index: usize) -> Result<Sections<'_, { GRAMMAR_KINDS.len() }>, ArtifactError> {
        let (record, _) = self.record(index)?;
        let owner = format!("grammar {:?}", self.name(index)?);
        let start = usize::try_from(record.sections_offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(size_of::<[SectionRecord; GRAMMAR_KINDS.len()]>());
        let Some(list) = self.file.get(start..end) else {
            let fault = "the list of its sections is not in the file";
            return Err(ArtifactError::Invalid { part: owner, fault });
        };
        if checksum(list) != record.sections_checksum {
            let checksum = Mismatch { found: checksum(list), expected: record.sections_checksum };
            return Err(ArtifactError::Checksum { part: format!("the list of sections of {owner}"), checksum });
        }
        Sections::new(&self.file, owner, bytemuck::pod_read_unaligned(list), &GRAMMAR_KINDS)
    }
}

/// How many names are listed when another one was asked for.
const SHOWN_NAMES: usize = 10;

fn text<'a>(bytes: &'a [u8], part: &str) -> Result<&'a str, ArtifactError> {
    std::str::from_utf8(bytes).map_err(|_| ArtifactError::Invalid { part: part.to_owned(), fault: "it is not UTF-8" })
}
