//! Why a file cannot be used, or not be written.

use std::path::PathBuf;

use grammar_ir::pda::InvalidPda;
use grammar_ir::table::TableError;

use super::section::SectionKind;
use crate::compiled::BindError;

/// Something that differs from what it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mismatch<T> {
    /// What the file says.
    pub found: T,
    /// What it should say.
    pub expected: T,
}

/// Why an artifact cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The first bytes are not those of an artifact.
    #[error("not a grammarc artifact: it begins with {found:02x?}, expected {expected:02x?}", found = .0.found, expected = .0.expected)]
    Magic(Mismatch<[u8; 8]>),
    /// Numbers are written in another order of bytes.
    #[error(
        "its numbers are in another byte order: the mark reads {:#010x}, expected {:#010x}; compile it again with this \
         version of grammarc", .0.found, .0.expected
    )]
    Endianness(Mismatch<u32>),
    /// The format is another one.
    #[error(
        "it has format version {}, expected {}; compile it again with this version of grammarc", .0.found, .0.expected
    )]
    Version(Mismatch<super::FormatVersion>),
    /// The tables are those of an engine that may mean something else by them.
    #[error(
        "its tables are of engine revision {}, expected {}; compile it again with this version of grammarc",
        .0.found, .0.expected
    )]
    EngineRevision(Mismatch<u32>),
    /// The file is longer or shorter than it says.
    #[error("it has {} bytes, expected {}: it was cut off, or something was appended", .0.found, .0.expected)]
    Length(Mismatch<u64>),
    /// Some bytes have changed.
    #[error(
        "{part} is damaged: its checksum is {:#018x}, expected {:#018x}; copy or compile the file again",
        .checksum.found, .checksum.expected
    )]
    Checksum {
        /// Which part.
        part: String,
        /// The checksum of its bytes, and the one that was written.
        checksum: Mismatch<u64>,
    },
    /// A section is not where it should be.
    #[error("section {index} of {owner} is {}, expected {}", .kind.found, .kind.expected)]
    WrongSection {
        /// What the section belongs to.
        owner: String,
        /// Its place in the list of sections.
        index: usize,
        /// The kinds.
        kind: Mismatch<SectionKind>,
    },
    /// A section does not lie in the file as it has to.
    #[error("{section} of {owner}: {error}")]
    Section {
        /// What the section belongs to.
        owner: String,
        /// The section.
        section: SectionKind,
        /// What is wrong.
        error: TableError,
    },
    /// Something refers to what is not there, or is otherwise not what it has to be.
    #[error("{part}: {fault}")]
    Invalid {
        /// Which part.
        part: String,
        /// What is wrong.
        fault: &'static str,
    },
    /// The arrays of a grammar are no automaton.
    #[error("grammar {grammar:?} is no automaton: {error}")]
    Automaton {
        /// The name of the grammar.
        grammar: String,
        /// What is wrong.
        error: InvalidPda,
    },
    /// The tables were made for another tokenizer.
    #[error(
        "its tables are for the tokenizer with fingerprint {}, but this one has {}; use the tokenizer, stop tokens and \
         logits width that it was compiled with", hex(&.0.found), hex(&.0.expected)
    )]
    Tokenizer(Mismatch<[u8; 32]>),
    /// There is no such grammar.
    #[error("there is no grammar {asked:?}; there are {names}")]
    NoSuchGrammar {
        /// The name asked for.
        asked: String,
        /// Some of the names that there are.
        names: String,
    },
    /// The automaton does not go with the vocabulary.
    #[error("grammar {grammar:?}: {error}")]
    Bind {
        /// The name of the grammar.
        grammar: String,
        /// Why.
        error: BindError,
    },
}

/// Why an artifact cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Two grammars have one name.
    #[error("two grammars have the name {name:?}; give them different names")]
    SameName {
        /// The name.
        name: String,
    },
    /// The tables of a grammar are for another tokenizer than those of the file.
    #[error("the tables of grammar {name:?} are for another tokenizer than the file's")]
    OtherTokenizer {
        /// The name of the grammar.
        name: String,
    },
    /// There is more than numbers in the file can say.
    #[error("more than {} {what}", u32::MAX)]
    TooMany {
        /// Of what.
        what: &'static str,
    },
    /// What would be written could not be read.
    #[error("the automaton of grammar {name:?} cannot be stored: {error}")]
    Automaton {
        /// The name of the grammar.
        name: String,
        /// What a reader would say.
        error: InvalidPda,
    },
}

/// Bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
