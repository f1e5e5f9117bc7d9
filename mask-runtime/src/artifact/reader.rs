//! From the bytes of a file to grammars.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use grammar_ir::pda::{InvalidPda, Pda, PdaParts};
use grammar_ir::table::{SharedBytes, Table};

use super::directory::{Directory, text};
use super::error::{ArtifactError, Mismatch};
use super::header::{FILE_SECTIONS, FormatVersion, Header};
use super::map::map;
use super::section::{FILE_KINDS, PROMPT_KINDS, SectionKind, SectionRecord, Sections};
use super::set::{EntryRecord, Sets};
use super::tables::Tables;
use crate::compiled::{CompiledGrammar, GrammarFault, Tokenizer};
use crate::token_index::{TokenIndex, TrieNode};
use crate::vocab::Vocabulary;

/// A file of compiled grammars. Cheap to clone; grammars keep what they need of it.
///
/// Opening it looks at its header and the list of its sections alone, however long it is. What belongs to a grammar is
/// checked when the grammar is asked for, its states and tables when they are first used.
#[derive(Debug, Clone)]
pub struct Artifact {
    file: SharedBytes,
    header: Header,
    sections: [SectionRecord; FILE_SECTIONS],
    grammars: Directory,
    /// What tables refer to, if there are some.
    sets: Option<Sets>,
    /// The tokenizer in the file, once somebody has asked for it.
    tokenizer: Arc<OnceLock<Arc<Tokenizer>>>,
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
    /// Where it begins.
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
        let begin = records[0].offset;
        let sections = Sections::new(&file, FILE.to_owned(), records, &FILE_KINDS, begin)?;
        let (found, expected) = (file.len() as u64, sections.end());
        if found != expected {
            return Err(ArtifactError::Length(Mismatch { found, expected }));
        }
        let names = sections.table(SectionKind::GrammarNames)?;
        let names_tokens = header.has_tables == 0 && header.fingerprint != [0; 32];
        let grammars = Directory::new(file.clone(), sections.table(SectionKind::Grammars)?, names, begin, names_tokens);
        let (found, expected) = (grammars.len() as u64, u64::from(header.grammars));
        if found != expected {
            let count = Mismatch { found, expected };
            return Err(ArtifactError::Count { what: "grammars in the list".to_owned(), count });
        }
        let sets = match header.has_tables {
            0 => None,
            _ => Some(Sets::new(
                sections.table(SectionKind::Rows)?,
                sections.table(SectionKind::RowChecksums)?,
                sections.table(SectionKind::Lists)?,
                sections.table(SectionKind::Sets)?,
                header.vocabulary_size as usize,
            )?),
        };
        Ok(Self { sections: records, header, grammars, sets, tokenizer: Arc::default(), file })
    }

    /// The number of grammars.
    pub fn len(&self) -> usize {
        self.grammars.len()
    }

    /// Whether there is no grammar.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of the file.
    pub fn file_length(&self) -> usize {
        self.file.len()
    }

    /// The format that the file says it has.
    pub fn format_version(&self) -> FormatVersion {
        FormatVersion { major: self.header.major, minor: self.header.minor }
    }

    /// The engine revision that the file says its tables are of.
    pub fn engine_revision(&self) -> u32 {
        self.header.engine_revision
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
    /// When that is damaged or no text.
    pub fn metadata(&self) -> Result<&str, ArtifactError> {
        text(self.file_sections()?.checked_bytes(SectionKind::Metadata)?, || "the metadata of the file".to_owned())
    }

    /// The grammar with this number.
    ///
    /// # Errors
    /// When there is none, or what the file says of it is damaged.
    pub fn entry(&self, index: usize) -> Result<GrammarEntry<'_>, ArtifactError> {
        let (name, sections) = (self.grammars.name(index)?, self.grammars.sections(index)?);
        let metadata = sections.checked_bytes(SectionKind::GrammarMetadata)?;
        Ok(GrammarEntry { name, metadata: text(metadata, || format!("the metadata of grammar {name:?}"))? })
    }

    /// The number of the grammar with this name.
    ///
    /// # Errors
    /// When there is none, or what the file says of its grammars is damaged.
    pub fn find(&self, name: &str) -> Result<usize, ArtifactError> {
        for index in 0..self.len() {
            if self.grammars.name(index)? == name {
                return Ok(index);
            }
        }
        let mut names = (0..self.len().min(SHOWN_NAMES))
            .map(|index| Ok(format!("{:?}", self.grammars.name(index)?)))
            .collect::<Result<Vec<_>, ArtifactError>>()?;
        if self.len() > SHOWN_NAMES {
            names.push(format!("and {} more", self.len() - SHOWN_NAMES));
        }
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(ArtifactError::NoSuchGrammar { asked: name.to_owned(), names })
    }

    /// The automaton of a grammar, which lies in the file. All of it is looked at.
    ///
    /// # Errors
    /// When there is no such grammar, or its bytes are damaged or no automaton.
    pub fn automaton(&self, index: usize) -> Result<Pda, ArtifactError> {
        let pda = self.automaton_in_use(index)?;
        pda.check().map_err(|error| self.no_automaton(index, error))?;
        Ok(pda)
    }

    /// The automaton of a grammar, whose states and edges are looked at when they are used.
    fn automaton_in_use(&self, index: usize) -> Result<Pda, ArtifactError> {
        let sections = self.grammars.sections(index)?;
        sections.check_some(&PROMPT_KINDS)?;
        let parts = PdaParts {
            states: sections.table(SectionKind::States)?,
            byte_edges: sections.unchecked(SectionKind::ByteEdges)?,
            call_edges: sections.unchecked(SectionKind::CallEdges)?,
            token_edges: sections.unchecked(SectionKind::TokenEdges)?,
            procedures: sections.table(SectionKind::Procedures)?,
            token_sets: sections.table(SectionKind::TokenSets)?,
            words: sections.table(SectionKind::Words)?,
            names: sections.table(SectionKind::ProcedureNames)?,
            checksums: sections.table(SectionKind::StateChecksums)?,
        };
        Pda::from_parts(parts).map_err(|error| self.no_automaton(index, error))
    }

    fn no_automaton(&self, index: usize, error: InvalidPda) -> ArtifactError {
        let grammar = self.grammars.name(index).unwrap_or_default().to_owned();
        match error {
            InvalidPda::Checksum { first, past, found, expected } => ArtifactError::Checksum {
                part: format!("states {first}..{past} of grammar {grammar:?}, or one of their edges,"),
                checksum: Mismatch { found, expected },
            },
            error => ArtifactError::Automaton { grammar, error },
        }
    }

    /// The fingerprint of the vocabulary whose ids a grammar names: the one that it was compiled with. `None` if it names no
    /// tokens, or was compiled without a vocabulary, from a source that has ids and not names.
    ///
    /// # Errors
    /// When there is no such grammar, or what the file says of it is damaged.
    pub fn token_ids_fingerprint(&self, index: usize) -> Result<Option<[u8; 32]>, ArtifactError> {
        let names_none = self.grammars.sections(index)?.checked_bytes(SectionKind::TokenSets)?.is_empty();
        let has_vocabulary = self.sets.is_some() || self.grammars.has_vocabulary(index)?;
        Ok((has_vocabulary && !names_none).then_some(self.header.fingerprint))
    }

    /// Whether the tokens that a grammar names are the same in the vocabulary with this fingerprint.
    ///
    /// # Errors
    /// When they are not, as it was compiled with another one; and as
    /// [`token_ids_fingerprint`](Self::token_ids_fingerprint).
    pub fn check_token_ids(&self, index: usize, fingerprint: [u8; 32]) -> Result<(), ArtifactError> {
        match self.token_ids_fingerprint(index)? {
            Some(found) if found != fingerprint => {
                let grammar = self.grammars.name(index)?.to_owned();
                let vocabulary = Mismatch { found, expected: fingerprint };
                Err(ArtifactError::TokenIds { grammar, vocabulary })
            }
            _ => Ok(()),
        }
    }

    /// Whether the vocabulary that the tables are for is in the file.
    pub fn has_tokenizer(&self) -> bool {
        self.sections.iter().any(|section| section.kind() == SectionKind::Tokenizer && section.length > 0)
    }

    /// Whether the index of that vocabulary is in the file, too.
    pub fn has_token_index(&self) -> bool {
        self.sections.iter().any(|section| section.kind() == SectionKind::TrieTokens && section.length > 0)
    }

    /// The tokenizer that the tables are for, if it is in the file. It is put together at the first call; later ones answer
    /// with the same. Its index stays in the file, or is built if it is not there.
    ///
    /// # Errors
    /// When it is damaged, or not the one that the tables are for.
    pub fn tokenizer(&self) -> Result<Option<Arc<Tokenizer>>, ArtifactError> {
        if let Some(tokenizer) = self.tokenizer.get() {
            return Ok(Some(tokenizer.clone()));
        }
        let bytes = self.file_sections()?.checked_bytes(SectionKind::Tokenizer)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let Some(expected) = self.fingerprint() else {
            let fault = "there is one in a file without tables";
            return Err(ArtifactError::Invalid { part: "the tokenizer in it".to_owned(), fault });
        };
        let vocabulary = Vocabulary::from_stored(bytes).map_err(ArtifactError::Vocabulary)?;
        let found = vocabulary.fingerprint();
        if found != expected {
            return Err(ArtifactError::EmbeddedTokenizer(Mismatch { found, expected }));
        }
        let tokenizer = match self.token_index(&vocabulary)? {
            Some(index) => Tokenizer::with_index(vocabulary, index, found),
            None => Tokenizer::new(vocabulary),
        };
        Ok(Some(self.tokenizer.get_or_init(|| tokenizer).clone()))
    }

    /// The index of the vocabulary in the file, if it is there.
    fn token_index(&self, vocabulary: &Vocabulary) -> Result<Option<TokenIndex>, ArtifactError> {
        let sections = self.file_sections()?;
        let [nodes, tokens] = [SectionKind::TrieNodes, SectionKind::TrieTokens];
        if sections.checked_bytes(nodes)?.is_empty() && sections.checked_bytes(tokens)?.is_empty() {
            return Ok(None);
        }
        let nodes: Table<TrieNode> = sections.table(nodes)?;
        sections.checked_bytes(tokens)?;
        let (token_starts, tokens) = sections.two_tables(tokens, nodes.len() + 1)?;
        let index = TokenIndex::from_stored(vocabulary, nodes, token_starts, tokens);
        index.map(Some).map_err(ArtifactError::TokenIndex)
    }

    /// A grammar, bound to `tokenizer`, with its tables if the file has some. It takes as long as its procedures are many:
    /// states, edges and tables that the first mask does not need are looked at when they are first used, and damage that is
    /// found then makes matchers refuse to go on. [`CompiledGrammar::check`] looks at all of it at once.
    ///
    /// # Errors
    /// When there is no such grammar, its procedures, its token sets or what its first mask needs are damaged or none, the tables or the token ids of the
    /// grammar are for another tokenizer, or the grammar names a token that the vocabulary lacks.
    pub fn grammar(&self, index: usize, tokenizer: Arc<Tokenizer>) -> Result<Arc<CompiledGrammar>, ArtifactError> {
        if let Some(found) = self.fingerprint() {
            let expected = tokenizer.fingerprint();
            if found != expected {
                return Err(ArtifactError::Tokenizer(Mismatch { found, expected }));
            }
            let (found, expected) = (u64::from(self.header.vocabulary_size), tokenizer.vocabulary().size() as u64);
            if found != expected {
                let count = Mismatch { found, expected };
                return Err(ArtifactError::Count { what: "ids of the vocabulary in its header".to_owned(), count });
            }
        }
        self.check_token_ids(index, tokenizer.fingerprint())?;
        let pda = self.automaton_in_use(index)?;
        let tables = self.tables(index, pda.state_count())?;
        let name = || self.grammars.name(index).unwrap_or_default().to_owned();
        let grammar = CompiledGrammar::with_tables(pda, tokenizer, tables)
            .map_err(|error| ArtifactError::Bind { grammar: name(), error })?;
        match grammar.check_start() {
            None => Ok(grammar),
            Some(GrammarFault::Automaton(error)) => Err(self.no_automaton(index, error)),
            Some(GrammarFault::Tables(error)) => Err(ArtifactError::Tables { grammar: name(), error }),
        }
    }

    /// The tables of a grammar of so many states, if it has some.
    fn tables(&self, index: usize, states: usize) -> Result<Option<Tables>, ArtifactError> {
        let sections = self.grammars.sections(index)?;
        let entries: Table<EntryRecord> = sections.table(SectionKind::Entries)?;
        let checksums: Table<u64> = sections.table(SectionKind::EntryChecksums)?;
        match &self.sets {
            _ if entries.is_empty() && checksums.is_empty() => Ok(None),
            Some(sets) => Tables::new(entries, checksums, sets.clone(), states).map(Some),
            None => Err(ArtifactError::Invalid {
                part: format!("the entries of grammar {:?}", self.grammars.name(index)?),
                fault: "there are some in a file without tables",
            }),
        }
    }

    /// Checks all of the file: every section against its checksum, every grammar, every set.
    ///
    /// # Errors
    /// The first fault.
    pub fn check(&self) -> Result<(), ArtifactError> {
        self.file_sections()?.check()?;
        self.grammars.check_order()?;
        if let Some(sets) = &self.sets {
            sets.check_all()?;
        }
        if let Some(tokenizer) = self.tokenizer()?
            && self.has_token_index()
            && tokenizer.index().to_stored() != TokenIndex::new(tokenizer.vocabulary()).to_stored()
        {
            let fault = "it is not that of the tokenizer beside it";
            return Err(ArtifactError::Invalid { part: "the token index in it".to_owned(), fault });
        }
        for index in 0..self.len() {
            self.grammars.sections(index)?.check()?;
            let states = self.automaton(index)?.state_count();
            if let Some(tables) = self.tables(index, states)? {
                let grammar = || self.grammars.name(index).unwrap_or_default().to_owned();
                tables.check().map_err(|error| ArtifactError::Tables { grammar: grammar(), error })?;
            }
        }
        Ok(())
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
                format!("{kind} of grammar {:?}", self.grammars.name(*index)?)
            }
            Some(SectionInfo { grammar: None, kind, .. }) => format!("{kind} of the file"),
            None => format!("{} bytes, not {}", bytes.len(), self.file.len()),
        }))
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
            infos.extend(self.grammars.sections(index)?.infos().map(info(Some(index))));
        }
        Ok(infos)
    }

    fn file_sections(&self) -> Result<Sections<'_, FILE_SECTIONS>, ArtifactError> {
        Sections::new(&self.file, FILE.to_owned(), self.sections, &FILE_KINDS, self.sections[0].offset)
    }
}

/// What messages call the file.
const FILE: &str = "the file";

/// How many names are listed when another one was asked for.
const SHOWN_NAMES: usize = 10;
