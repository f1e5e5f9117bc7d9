//! The first bytes of an artifact.

use std::fmt;

use bytemuck::{Pod, Zeroable};

use super::checksum::checksum;
use super::error::{ArtifactError, Mismatch};
use super::section::SectionRecord;

/// A format. Files of another major version, or of a later minor version, are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatVersion {
    /// Changes with what older readers would read wrongly.
    pub major: u16,
    /// Changes with what older readers cannot read.
    pub minor: u16,
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The format that is written.
pub const FORMAT_VERSION: FormatVersion = FormatVersion { major: 4, minor: 0 };

/// What masks mean. It changes when the engine comes to give another mask for some automaton, or follows automata in
/// another way, so that what was stored before may no longer be what the engine would say.
pub const ENGINE_REVISION: u32 = 1;

/// Not text, and not what is left of it when line ends or the eighth bit are tampered with (after the magic of PNG).
pub(super) const MAGIC: [u8; 8] = *b"\x89GMT\r\n\x1a\n";

/// Reads so only in the byte order that it was written in.
const BYTE_ORDER: u32 = 0x0a0b_0c0d;

/// The number of sections of a file, besides those of its grammars.
pub(super) const FILE_SECTIONS: usize = 10;

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) byte_order: u32,
    pub(super) major: u16,
    pub(super) minor: u16,
    pub(super) engine_revision: u32,
    /// 1 with tables, 0 with automata alone.
    pub(super) has_tables: u32,
    pub(super) file_length: u64,
    /// Of the vocabulary that the tables are for; without tables, of the one whose ids grammars name; zero if none do.
    pub(super) fingerprint: [u8; 32],
    /// The number of ids of the vocabulary that the tables are for.
    pub(super) vocabulary_size: u32,
    pub(super) grammars: u32,
    pub(super) reserved: [u64; 5],
    /// Of the list of sections that follows the header.
    pub(super) sections_checksum: u64,
    /// Of the header up to here.
    pub(super) checksum: u64,
}

/// What a file says of a vocabulary.
pub(super) enum HeaderVocabulary {
    /// It has tables for this one.
    OfTables { fingerprint: [u8; 32], size: u32 },
    /// It has automata alone, of which some name ids of this one.
    OfTokenIds { fingerprint: [u8; 32] },
    /// Nothing.
    None,
}

/// The header and the list of the file's sections, after which the first grammar begins.
pub(super) const PREAMBLE_LENGTH: usize = size_of::<Header>() + FILE_SECTIONS * size_of::<SectionRecord>();

const _: () = assert!(PREAMBLE_LENGTH.is_multiple_of(grammar_ir::table::ALIGNMENT));

impl Header {
    /// The header of a file, but for what is filled in by [`seal`](Self::seal).
    pub(super) fn new(vocabulary: HeaderVocabulary, grammars: u32, file_length: u64) -> Self {
        let (has_tables, fingerprint, vocabulary_size) = match vocabulary {
            HeaderVocabulary::OfTables { fingerprint, size } => (true, fingerprint, size),
            HeaderVocabulary::OfTokenIds { fingerprint } => (false, fingerprint, 0),
            HeaderVocabulary::None => (false, [0; 32], 0),
        };
        Self {
            magic: MAGIC,
            byte_order: BYTE_ORDER.to_le(),
            major: FORMAT_VERSION.major.to_le(),
            minor: FORMAT_VERSION.minor.to_le(),
            engine_revision: ENGINE_REVISION,
            has_tables: u32::from(has_tables),
            file_length,
            fingerprint,
            vocabulary_size,
            grammars,
            reserved: [0; 5],
            sections_checksum: 0,
            checksum: 0,
        }
    }

    /// Fills in the checksums.
    pub(super) fn seal(mut self, sections: &[SectionRecord]) -> Self {
        self.sections_checksum = checksum(bytemuck::cast_slice(sections));
        self.checksum = self.own_checksum();
        self
    }

    fn own_checksum(&self) -> u64 {
        let bytes = bytemuck::bytes_of(self);
        checksum(&bytes[..bytes.len() - size_of::<u64>()])
    }

    /// The header and the list of sections of a file.
    ///
    /// What tells other files apart is looked at first, so that a file of another version is not called damaged.
    pub(super) fn read(file: &[u8]) -> Result<(Self, [SectionRecord; FILE_SECTIONS]), ArtifactError> {
        // Of a file that ends before, as far as it goes.
        let mut magic = MAGIC;
        magic.iter_mut().zip(file).for_each(|(byte, &found)| *byte = found);
        if magic != MAGIC {
            magic[file.len().min(MAGIC.len())..].fill(0);
            return Err(ArtifactError::Magic(Mismatch { found: magic, expected: MAGIC }));
        }
        let Some(preamble) = file.get(..PREAMBLE_LENGTH) else {
            let (found, expected) = (file.len() as u64, PREAMBLE_LENGTH as u64);
            return Err(ArtifactError::Length(Mismatch { found, expected }));
        };
        let (header, sections) = preamble.split_at(size_of::<Header>());
        let header: Self = bytemuck::pod_read_unaligned(header);
        if header.byte_order != BYTE_ORDER {
            return Err(ArtifactError::Endianness(Mismatch { found: header.byte_order, expected: BYTE_ORDER }));
        }
        let version = FormatVersion { major: header.major, minor: header.minor };
        if version.major != FORMAT_VERSION.major || version.minor > FORMAT_VERSION.minor {
            return Err(ArtifactError::Version(Mismatch { found: version, expected: FORMAT_VERSION }));
        }
        let damaged = |part: &str, found, expected| {
            Err(ArtifactError::Checksum { part: part.to_owned(), checksum: Mismatch { found, expected } })
        };
        if header.own_checksum() != header.checksum {
            return damaged("the header", header.own_checksum(), header.checksum);
        }
        if header.engine_revision != ENGINE_REVISION {
            let (found, expected) = (header.engine_revision, ENGINE_REVISION);
            return Err(ArtifactError::EngineRevision(Mismatch { found, expected }));
        }
        if header.file_length != file.len() as u64 {
            let (found, expected) = (file.len() as u64, header.file_length);
            return Err(ArtifactError::Length(Mismatch { found, expected }));
        }
        if checksum(sections) != header.sections_checksum {
            return damaged("the list of sections", checksum(sections), header.sections_checksum);
        }
        if header.has_tables > 1 || header.reserved != [0; 5] {
            return Err(ArtifactError::Invalid {
                part: "the header".to_owned(),
                fault: "it has something where nothing is defined",
            });
        }
        Ok((header, bytemuck::pod_read_unaligned(sections)))
    }
}
