//! Why a file cannot be used, or not be written.

use std::path::PathBuf;

use grammar_ir::pda::InvalidPda;
use grammar_ir::table::TableError;

use super::section::SectionKind;
use super::tables::TablesFault;
use crate::compiled::{BindError, GrammarFault};
use crate::token_index::StoredIndexError;
use crate::vocab::StoredVocabularyError;

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
    /// Something overlaps with what comes before it in the file, or leaves a gap.
    #[error("{part} begins at {}, expected {}, where what comes before it ends", .offset.found, .offset.expected)]
    Misplaced {
        /// Which part.
        part: String,
        /// Where it begins, in bytes of the file; for the list of a set in ids of the lists.
        offset: Mismatch<u64>,
    },
    /// A section ends after the file.
    #[error("{part} is {} bytes long, but after its beginning the file has {}", .length.found, .length.expected)]
    TooLong {
        /// Which part.
        part: String,
        /// The bytes that it should have, and those that there are.
        length: Mismatch<u64>,
    },
    /// There are more or fewer of something than something else says.
    #[error("there are {} {what}, expected {}", .count.found, .count.expected)]
    Count {
        /// Of what.
        what: String,
        /// How many.
        count: Mismatch<u64>,
    },
    /// A section is no array of items.
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
    /// The tables of a grammar are damaged, or none.
    #[error("the tables of grammar {grammar:?}: {error}")]
    Tables {
        /// The name of the grammar.
        grammar: String,
        /// What is wrong.
        error: TablesFault,
    },
    /// The tables were made for another tokenizer.
    #[error(
        "its tables are for the tokenizer with fingerprint {}, but this one has {}; use the tokenizer, stop tokens and \
         logits width that it was compiled with", hex(&.0.found), hex(&.0.expected)
    )]
    Tokenizer(Mismatch<[u8; 32]>),
    /// A grammar names tokens by the ids that they have in another vocabulary.
    #[error(
        "grammar {grammar:?} names tokens by their ids in the tokenizer with fingerprint {}, but this one has {}; use the \
         tokenizer, stop tokens and logits width that it was compiled with, or compile its source again",
        hex(&.vocabulary.found), hex(&.vocabulary.expected)
    )]
    TokenIds {
        /// The name of the grammar.
        grammar: String,
        /// The fingerprint of the vocabulary that the ids are of, and of the one that it was to be used with.
        vocabulary: Mismatch<[u8; 32]>,
    },
    /// The vocabulary in the file is not the one that its tables are for.
    #[error(
        "the tokenizer in it has the fingerprint {}, expected {}, which its tables are for; compile the file again",
        hex(&.0.found), hex(&.0.expected)
    )]
    EmbeddedTokenizer(Mismatch<[u8; 32]>),
    /// What the file has as its vocabulary is none.
    #[error("the tokenizer in it: {0}")]
    Vocabulary(StoredVocabularyError),
    /// What the file has as the index of its vocabulary is none.
    #[error("the token index in it: {0}")]
    TokenIndex(StoredIndexError),
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
    /// Grammars of a file without tables name tokens by their ids in two vocabularies.
    #[error(
        "grammar {name:?} names tokens by their ids in the tokenizer with fingerprint {}, others before it in that with {}; \
         write them to files of their own", hex(.found), hex(.expected)
    )]
    OtherTokenIds {
        /// The name of the grammar.
        name: String,
        /// The fingerprint of the vocabulary of its ids.
        found: [u8; 32],
        /// That of the vocabulary of ids before it.
        expected: [u8; 32],
    },
    /// A name is longer than names in files are.
    #[error(
        "the name of a grammar has {length} bytes, at most {limit} are possible; give it a shorter one: {start:?}…"
    )]
    LongName {
        /// Its first characters.
        start: String,
        /// Its bytes.
        length: usize,
        /// How many are possible.
        limit: usize,
    },
    /// There is more than numbers in the file can say.
    #[error("more than {} {what}", u32::MAX)]
    TooMany {
        /// Of what.
        what: &'static str,
    },
    /// The grammar is from a file, and damaged.
    #[error("grammar {name:?}: {fault}")]
    Damaged {
        /// The name of the grammar.
        name: String,
        /// What is wrong.
        fault: GrammarFault,
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
