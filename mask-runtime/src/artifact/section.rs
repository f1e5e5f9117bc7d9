//! Sections: aligned ranges of a file, each of one kind.

use std::fmt;
use std::ops::Range;

use bytemuck::{CheckedBitPattern, Pod, Zeroable};
use grammar_ir::table::{ALIGNMENT, SharedBytes, Table, TableError};

use super::checksum::checksum;
use super::error::{ArtifactError, Mismatch};

macro_rules! section_kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// What a section holds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum SectionKind {
            $($(#[$doc])* $name,)*
            /// Nothing that is known.
            Unknown(u32),
        }

        impl SectionKind {
            /// The number that stands for it in a file.
            pub fn number(self) -> u32 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Unknown(number) => number,
                }
            }

            fn of(number: u32) -> Self {
                match number {
                    $($number => Self::$name,)*
                    _ => Self::Unknown(number),
                }
            }
        }

        impl fmt::Display for SectionKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Unknown(number) => write!(f, "unknown kind {number}"),
                }
            }
        }
    };
}

section_kinds! {
    /// What the maker says of the file.
    Metadata = 1, "metadata";
    /// One record per grammar.
    Grammars = 2, "grammars";
    /// The names of the grammars.
    GrammarNames = 3, "grammar names";
    /// Rows of masks, one after the other.
    Rows = 4, "rows";
    /// The checksum of each row.
    RowChecksums = 5, "row checksums";
    /// Token ids, the lists of all sets one after the other.
    Lists = 6, "lists";
    /// Sets of tokens.
    Sets = 7, "sets";
    /// What the maker says of a grammar.
    GrammarMetadata = 16, "grammar metadata";
    /// The states of an automaton.
    States = 17, "states";
    /// Its byte edges.
    ByteEdges = 18, "byte edges";
    /// Its call edges.
    CallEdges = 19, "call edges";
    /// Its token edges.
    TokenEdges = 20, "token edges";
    /// Its procedures.
    Procedures = 21, "procedures";
    /// Its token sets.
    TokenSets = 22, "token sets";
    /// What its procedures and token sets refer to.
    Words = 23, "words";
    /// The names of its procedures.
    ProcedureNames = 24, "procedure names";
    /// What is known of the masks of each state, and of the first mask.
    Entries = 25, "entries";
}

/// The sections of a file, in this order.
pub(super) const FILE_KINDS: [SectionKind; super::header::FILE_SECTIONS] = {
    use SectionKind::{GrammarNames, Grammars, Lists, Metadata, RowChecksums, Rows, Sets};
    [Metadata, Grammars, GrammarNames, Rows, RowChecksums, Lists, Sets]
};

/// The sections of a grammar, in this order.
pub(super) const GRAMMAR_KINDS: [SectionKind; 10] = {
    use SectionKind::{ByteEdges, CallEdges, Entries, GrammarMetadata, ProcedureNames, Procedures, States};
    use SectionKind::{TokenEdges, TokenSets, Words};
    [GrammarMetadata, States, ByteEdges, CallEdges, TokenEdges, Procedures, TokenSets, Words, ProcedureNames, Entries]
};

/// Where a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct SectionRecord {
    pub(super) kind: u32,
    pub(super) reserved: u32,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) checksum: u64,
}

impl SectionRecord {
    pub(super) fn kind(&self) -> SectionKind {
        SectionKind::of(self.kind)
    }

    /// The range of the section, if it can be one of a file of this length.
    fn range(&self, file_length: usize) -> Option<Range<usize>> {
        let start = usize::try_from(self.offset).ok()?;
        let end = start.checked_add(usize::try_from(self.length).ok()?)?;
        (end <= file_length && start.is_multiple_of(ALIGNMENT) && self.reserved == 0).then_some(start..end)
    }
}

/// The sections of a file or a grammar, whose places in the file have been checked.
#[derive(Debug, Clone)]
pub(super) struct Sections<'a, const N: usize> {
    file: &'a SharedBytes,
    /// For messages.
    owner: String,
    records: [SectionRecord; N],
    kinds: &'static [SectionKind; N],
}

impl<'a, const N: usize> Sections<'a, N> {
    /// The sections that `records` says there are; `owner` is for messages.
    pub(super) fn new(
        file: &'a SharedBytes,
        owner: String,
        records: [SectionRecord; N],
        kinds: &'static [SectionKind; N],
    ) -> Result<Self, ArtifactError> {
        for (index, (record, &expected)) in records.iter().zip(kinds).enumerate() {
            let found = record.kind();
            if found != expected {
                let kind = Mismatch { found, expected };
                return Err(ArtifactError::WrongSection { owner, index, kind });
            }
            if record.range(file.len()).is_none() {
                let fault = "it is not in the file, or not aligned";
                return Err(ArtifactError::Invalid { part: format!("{expected} of {owner}"), fault });
            }
        }
        Ok(Self { file, owner, records, kinds })
    }

    /// Where a section is; nowhere if it is none of these.
    fn range(&self, kind: SectionKind) -> Range<usize> {
        let index = self.kinds.iter().position(|&known| known == kind);
        index.and_then(|index| self.records[index].range(self.file.len())).unwrap_or_default()
    }

    /// The kind, place, length of each section.
    pub(super) fn infos(&self) -> impl Iterator<Item = (SectionKind, u64, u64)> {
        self.records.iter().map(|record| (record.kind(), record.offset, record.length))
    }

    /// The bytes of a section.
    pub(super) fn bytes(&self, kind: SectionKind) -> &'a [u8] {
        &self.file[self.range(kind)]
    }

    /// The items of a section.
    pub(super) fn table<T: CheckedBitPattern + Send + Sync>(
        &self,
        kind: SectionKind,
    ) -> Result<Table<T>, ArtifactError> {
        Table::in_bytes(self.file, self.range(kind)).map_err(|error: TableError| ArtifactError::Section {
            owner: self.owner.clone(),
            section: kind,
            error,
        })
    }

    /// Compares the bytes of each section with its checksum.
    pub(super) fn check(&self) -> Result<(), ArtifactError> {
        for (record, &kind) in self.records.iter().zip(self.kinds) {
            let found = checksum(self.bytes(kind));
            if found != record.checksum {
                let checksum = Mismatch { found, expected: record.checksum };
                return Err(ArtifactError::Checksum { part: format!("{kind} of {}", self.owner), checksum });
            }
        }
        Ok(())
    }
}

/// A grammar in the list of grammars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GrammarRecord {
    /// Where its name is among the names.
    pub(super) name_start: u32,
    pub(super) name_length: u32,
    /// Where the list of its sections is in the file.
    pub(super) sections_offset: u64,
    /// Of that list.
    pub(super) sections_checksum: u64,
    /// Of its name and of this record up to here.
    pub(super) checksum: u64,
}

impl GrammarRecord {
    /// What [`checksum`](Self::checksum) has to be.
    pub(super) fn own_checksum(&self, name: &[u8]) -> u64 {
        let bytes = bytemuck::bytes_of(self);
        checksum(&[&bytes[..bytes.len() - size_of::<u64>()], name].concat())
    }
}
