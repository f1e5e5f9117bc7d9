//! Sections: aligned ranges of a file, each of one kind.

use std::fmt;
use std::ops::Range;

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};
use grammar_ir::table::{ALIGNMENT, SharedBytes, Table, TableError, Unchecked};

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
    /// The vocabulary that the tables are for; empty if it is only referred to.
    Tokenizer = 8, "tokenizer";
    /// The nodes of the index of that vocabulary; empty if the index is not in the file.
    TrieNodes = 9, "trie nodes";
    /// Where the tokens of each node begin, then the tokens.
    TrieTokens = 10, "trie tokens";
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
    /// The checksum of each block of states, with their edges.
    StateChecksums = 26, "state checksums";
    /// The checksum of each block of entries.
    EntryChecksums = 27, "entry checksums";
}

/// The sections of a file, in this order.
pub(super) const FILE_KINDS: [SectionKind; super::header::FILE_SECTIONS] = {
    use SectionKind::{GrammarNames, Grammars, Lists, Metadata, RowChecksums, Rows, Sets, Tokenizer};
    use SectionKind::{TrieNodes, TrieTokens};
    [Metadata, Grammars, GrammarNames, Rows, RowChecksums, Lists, Sets, Tokenizer, TrieNodes, TrieTokens]
};

/// The sections of a grammar, in this order.
pub(super) const GRAMMAR_KINDS: [SectionKind; 12] = {
    use SectionKind::{ByteEdges, CallEdges, Entries, EntryChecksums, GrammarMetadata, ProcedureNames, Procedures};
    use SectionKind::{StateChecksums, States, TokenEdges, TokenSets, Words};
    [
        GrammarMetadata,
        States,
        ByteEdges,
        CallEdges,
        TokenEdges,
        Procedures,
        TokenSets,
        Words,
        ProcedureNames,
        Entries,
        StateChecksums,
        EntryChecksums,
    ]
};

const _: () = assert!(GRAMMAR_LIST_LENGTH.is_multiple_of(ALIGNMENT as u64));

/// The sections of a grammar that are looked at as a whole when it is asked for; those with states, edges and entries are
/// looked at in blocks.
pub(super) const PROMPT_KINDS: [SectionKind; 6] = [
    SectionKind::Procedures,
    SectionKind::TokenSets,
    SectionKind::Words,
    SectionKind::ProcedureNames,
    SectionKind::StateChecksums,
    SectionKind::EntryChecksums,
];

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

    /// The byte after the section; no file is so long if there is no such number.
    fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }

    /// The range of the section, if there is one in a file of this length.
    fn range(&self, file_length: usize) -> Option<Range<usize>> {
        let end = usize::try_from(self.end()?).ok()?;
        (end <= file_length).then_some(self.offset as usize..end)
    }
}

/// Where what comes after `end` begins.
pub(super) fn aligned(end: u64) -> u64 {
    end.checked_next_multiple_of(ALIGNMENT as u64).unwrap_or(u64::MAX)
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
    /// The sections that `records` says there are, of these kinds, the first at `begin` and each where the one before ends;
    /// `owner` is for messages.
    pub(super) fn new(
        file: &'a SharedBytes,
        owner: String,
        records: [SectionRecord; N],
        kinds: &'static [SectionKind; N],
        begin: u64,
    ) -> Result<Self, ArtifactError> {
        let mut expected_offset = begin;
        for (index, (record, &expected)) in records.iter().zip(kinds).enumerate() {
            let found = record.kind();
            if found != expected {
                let kind = Mismatch { found, expected };
                return Err(ArtifactError::WrongSection { owner, index, kind });
            }
            let part = || format!("{expected} of {owner}");
            if record.offset != expected_offset {
                let offset = Mismatch { found: record.offset, expected: expected_offset };
                return Err(ArtifactError::Misplaced { part: part(), offset });
            }
            let Some(end) = record.end().filter(|&end| end <= file.len() as u64) else {
                let length = file.len() as u64;
                let length = Mismatch { found: record.length, expected: length.saturating_sub(record.offset) };
                return Err(ArtifactError::TooLong { part: part(), length });
            };
            if record.reserved != 0 {
                let fault = "its record has something where nothing is defined";
                return Err(ArtifactError::Invalid { part: part(), fault });
            }
            expected_offset = aligned(end);
        }
        Ok(Self { file, owner, records, kinds })
    }

    /// Where what comes after the sections begins.
    pub(super) fn end(&self) -> u64 {
        self.records.last().and_then(SectionRecord::end).map_or(0, aligned)
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

    /// The items of a section, which are looked at when they are used.
    pub(super) fn unchecked<T: CheckedBitPattern + NoUninit>(
        &self,
        kind: SectionKind,
    ) -> Result<Unchecked<T>, ArtifactError>
    where
        T::Bits: Send + Sync,
    {
        Unchecked::in_bytes(self.file, self.range(kind)).map_err(|error: TableError| ArtifactError::Section {
            owner: self.owner.clone(),
            section: kind,
            error,
        })
    }

    /// The items of a section in two tables: the first ones, so many, and the others.
    pub(super) fn two_tables<T: CheckedBitPattern + Send + Sync>(
        &self,
        kind: SectionKind,
        first: usize,
    ) -> Result<(Table<T>, Table<T>), ArtifactError> {
        let range = self.range(kind);
        let length = first.saturating_mul(size_of::<T>());
        let middle = range.start.saturating_add(length);
        if middle > range.end {
            let (found, expected) = (range.len() as u64, length as u64);
            let what = format!("bytes in {kind} of {}", self.owner);
            return Err(ArtifactError::Count { what, count: Mismatch { found, expected } });
        }
        let table = |range| {
            Table::in_bytes(self.file, range).map_err(|error: TableError| ArtifactError::Section {
                owner: self.owner.clone(),
                section: kind,
                error,
            })
        };
        Ok((table(range.start..middle)?, table(middle..range.end)?))
    }

    /// The bytes of a section, which are those that were written.
    pub(super) fn checked_bytes(&self, kind: SectionKind) -> Result<&'a [u8], ArtifactError> {
        let bytes = self.bytes(kind);
        let index = self.kinds.iter().position(|&known| known == kind);
        let (found, expected) = (checksum(bytes), index.map_or(0, |index| self.records[index].checksum));
        if found == expected {
            return Ok(bytes);
        }
        let checksum = Mismatch { found, expected };
        Err(ArtifactError::Checksum { part: format!("{kind} of {}", self.owner), checksum })
    }

    /// Compares the bytes of each section with its checksum, and those up to the next section with zero.
    pub(super) fn check(&self) -> Result<(), ArtifactError> {
        self.check_some(self.kinds)
    }

    /// [`check`](Self::check) of some sections.
    pub(super) fn check_some(&self, kinds: &[SectionKind]) -> Result<(), ArtifactError> {
        for &kind in kinds {
            self.checked_bytes(kind)?;
            let end = self.range(kind).end;
            let gap = self.file.get(end..end.next_multiple_of(ALIGNMENT)).unwrap_or_default();
            if gap.iter().any(|&byte| byte != 0) {
                let fault = "it is followed by something other than zeros";
                return Err(ArtifactError::Invalid { part: format!("{kind} of {}", self.owner), fault });
            }
        }
        Ok(())
    }
}

/// A grammar in the list of grammars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct GrammarRecord {
    /// Where its name ends among the names; it begins where the one before ends.
    pub(super) name_end: u32,
    /// In a file without tables: 1 if its token ids are those of the vocabulary in the header. Else 0.
    pub(super) has_vocabulary: u32,
    /// Where the list of its sections is in the file.
    pub(super) sections_offset: u64,
    /// Of that list.
    pub(super) sections_checksum: u64,
    /// Of its name and of this record up to here.
    pub(super) checksum: u64,
}

/// The greatest number of bytes of a grammar's name.
pub const MAX_NAME_LENGTH: usize = 1_024;

/// The bytes of the list of a grammar's sections, which follows them.
pub(super) const GRAMMAR_LIST_LENGTH: u64 = size_of::<[SectionRecord; GRAMMAR_KINDS.len()]>() as u64;

impl GrammarRecord {
    /// What [`checksum`](Self::checksum) has to be.
    pub(super) fn own_checksum(&self, name: &[u8]) -> u64 {
        let bytes = bytemuck::bytes_of(self);
        checksum(&[&bytes[..bytes.len() - size_of::<u64>()], name].concat())
    }
}
