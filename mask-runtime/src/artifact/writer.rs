//! From automata and tables to the bytes of a file.

use std::sync::Arc;

use bytemuck::NoUninit;
use grammar_ir::pda::Pda;
use grammar_ir::table::ALIGNMENT;
use rustc_hash::FxHashSet;

use super::checksum::checksum;
use super::error::WriteError;
use super::header::{FILE_SECTIONS, Header, HeaderVocabulary, PREAMBLE_LENGTH};
use super::pool::Pool;
use super::section::{FILE_KINDS, GRAMMAR_KINDS, GrammarRecord, MAX_NAME_LENGTH, SectionKind, SectionRecord};
use super::set::EntryRecord;
use super::tables::entry_checksums;
use super::tabulate::{Entry, Tabulated};
use crate::compiled::Tokenizer;

/// Puts a file together, grammar by grammar. What it makes depends on what it is given alone: the same automata, tables and
/// texts in the same order make the same bytes on every machine.
#[derive(Debug)]
pub struct ArtifactWriter {
    tokenizer: Option<Arc<Tokenizer>>,
    /// Without tables: the vocabulary whose ids automata name.
    named: Option<[u8; 32]>,
    /// The file, but for its preamble and the sections that come last.
    body: Vec<u8>,
    embeds_tokenizer: bool,
    embeds_index: bool,
    pool: Pool,
    records: Vec<GrammarRecord>,
    names: Vec<u8>,
    known: FxHashSet<String>,
}

impl ArtifactWriter {
    /// A file of automata without tables, for any tokenizer.
    pub fn automata() -> Self {
        Self::new(None)
    }

    /// A file with tables for `tokenizer`.
    pub fn with_tables(tokenizer: Arc<Tokenizer>) -> Self {
        Self::new(Some(tokenizer))
    }

    fn new(tokenizer: Option<Arc<Tokenizer>>) -> Self {
        let size = tokenizer.as_ref().map_or(0, |tokenizer| tokenizer.vocabulary().size());
        Self {
            tokenizer,
            named: None,
            body: Vec::new(),
            embeds_tokenizer: false,
            embeds_index: false,
            pool: Pool::new(size),
            records: Vec::new(),
            names: Vec::new(),
            known: FxHashSet::default(),
        }
    }

    /// Writes the vocabulary, too, so that the file can be used without the files of the tokenizer.
    #[must_use]
    pub fn embed_tokenizer(mut self) -> Self {
        self.embeds_tokenizer = true;
        self
    }

    /// Writes the vocabulary and its index, which then need not be built when the tokenizer of the file is used.
    #[must_use]
    pub fn embed_index(mut self) -> Self {
        self.embeds_index = true;
        self.embed_tokenizer()
    }

    /// Adds an automaton, about which the tables know nothing. `metadata` is for whoever asks. The ids of tokens that it
    /// names are taken as they are, in a file without tables with any tokenizer: where they were looked up in a vocabulary,
    /// [`add_with_token_ids`](Self::add_with_token_ids) keeps them from being used with another one.
    ///
    /// # Errors
    /// When the name is taken or longer than 1,024 bytes, the automaton could not be read again, or the file is full.
    pub fn add(&mut self, name: &str, pda: &Pda, metadata: &str) -> Result<(), WriteError> {
        self.add_grammar(name, pda, metadata, &[], false)
    }

    /// Adds an automaton whose token ids are those of the vocabulary with this fingerprint. If it names no tokens, it goes
    /// with any, as with [`add`](Self::add).
    ///
    /// # Errors
    /// As [`add`](Self::add), and when the tables, or the token ids of an automaton before it, are for another vocabulary.
    pub fn add_with_token_ids(
        &mut self,
        name: &str,
        pda: &Pda,
        metadata: &str,
        fingerprint: [u8; 32],
    ) -> Result<(), WriteError> {
        if pda.token_sets().is_empty() {
            return self.add(name, pda, metadata);
        }
        match &self.tokenizer {
            Some(tokenizer) if tokenizer.fingerprint() != fingerprint => {
                Err(WriteError::OtherTokenizer { name: name.to_owned() })
            }
            Some(_) => self.add(name, pda, metadata),
            None => {
                let expected = *self.named.get_or_insert(fingerprint);
                if expected != fingerprint {
                    return Err(WriteError::OtherTokenIds { name: name.to_owned(), found: fingerprint, expected });
                }
                self.add_grammar(name, pda, metadata, &[], true)
            }
        }
    }

    /// Adds a grammar with its tables.
    ///
    /// # Errors
    /// As [`add`](Self::add), and when the tables are for another tokenizer, or the grammar is from a file that is damaged.
    pub fn add_tables(&mut self, name: &str, tables: &Tabulated, metadata: &str) -> Result<(), WriteError> {
        let grammar = &tables.grammar;
        let fingerprint = self.tokenizer.as_ref().map(|tokenizer| tokenizer.fingerprint());
        if fingerprint != Some(grammar.tokenizer().fingerprint()) {
            return Err(WriteError::OtherTokenizer { name: name.to_owned() });
        }
        let sets = tables.sets.iter().map(|set| self.pool.add(set)).collect::<Result<Vec<u32>, _>>()?;
        let record = |entry: &Option<Entry>| match *entry {
            Some(Entry { accepted, dependent, counts_below }) => {
                let [accepted, dependent] = [accepted, dependent].map(|set| sets[set as usize]);
                EntryRecord { accepted, dependent, counts_below }
            }
            None => EntryRecord::NONE,
        };
        grammar.check().map_err(|fault| WriteError::Damaged { name: name.to_owned(), fault })?;
        let start = (!tables.entries.is_empty()).then_some(&tables.start);
        let entries: Vec<EntryRecord> = tables.entries.iter().chain(start).map(record).collect();
        self.add_grammar(name, grammar.pda(), metadata, &entries, false)
    }

    fn add_grammar(
        &mut self,
        name: &str,
        pda: &Pda,
        metadata: &str,
        entries: &[EntryRecord],
        has_vocabulary: bool,
    ) -> Result<(), WriteError> {
        if name.len() > MAX_NAME_LENGTH {
            let start = name.chars().take(40).collect();
            return Err(WriteError::LongName { start, length: name.len(), limit: MAX_NAME_LENGTH });
        }
        if !self.known.insert(name.to_owned()) {
            return Err(WriteError::SameName { name: name.to_owned() });
        }
        let no_automaton = |error| WriteError::Automaton { name: name.to_owned(), error };
        pda.check().map_err(no_automaton)?;
        let parts = pda.to_parts();
        Pda::from_parts(parts.clone()).and_then(|pda| pda.check()).map_err(no_automaton)?;
        let of_entries: Vec<u64> = entry_checksums(entries).collect();
        let section_of = |kind| match kind {
            SectionKind::GrammarMetadata => metadata.as_bytes(),
            SectionKind::States => parts.states.as_bytes(),
            SectionKind::ByteEdges => parts.byte_edges.as_bytes(),
            SectionKind::CallEdges => parts.call_edges.as_bytes(),
            SectionKind::TokenEdges => parts.token_edges.as_bytes(),
            SectionKind::Procedures => parts.procedures.as_bytes(),
            SectionKind::TokenSets => parts.token_sets.as_bytes(),
            SectionKind::Words => parts.words.as_bytes(),
            SectionKind::ProcedureNames => parts.names.as_bytes(),
            SectionKind::Entries => bytemuck::cast_slice(entries),
            SectionKind::StateChecksums => parts.checksums.as_bytes(),
            _ => bytemuck::cast_slice(&of_entries),
        };
        let sections = GRAMMAR_KINDS.map(|kind| self.section(kind, section_of(kind)));
        let list: &[u8] = bytemuck::cast_slice(&sections);
        let name_end = self.names.len() + name.len();
        let record = GrammarRecord {
            name_end: u32::try_from(name_end).map_err(|_| WriteError::TooMany { what: "bytes of names" })?,
            has_vocabulary: u32::from(has_vocabulary),
            sections_offset: self.append(list),
            sections_checksum: checksum(list),
            checksum: 0,
        };
        self.names.extend_from_slice(name.as_bytes());
        self.records.push(GrammarRecord { checksum: record.own_checksum(name.as_bytes()), ..record });
        Ok(())
    }

    /// The bytes of the file. `metadata` is for whoever asks.
    ///
    /// # Errors
    /// When there are too many grammars.
    pub fn finish(mut self, metadata: &str) -> Result<Vec<u8>, WriteError> {
        let grammars = u32::try_from(self.records.len()).map_err(|_| WriteError::TooMany { what: "grammars" })?;
        let pool = std::mem::take(&mut self.pool);
        let (records, names) = (std::mem::take(&mut self.records), std::mem::take(&mut self.names));
        let embedded = self.tokenizer.clone().filter(|_| self.embeds_tokenizer);
        let embedded = embedded.as_ref();
        let vocabulary = embedded.map(|tokenizer| tokenizer.vocabulary().to_stored()).unwrap_or_default();
        let index = embedded.filter(|_| self.embeds_index).map(|tokenizer| tokenizer.index().to_stored());
        let (nodes, tokens) = index.unwrap_or_default();
        let section_of = |kind| match kind {
            SectionKind::Metadata => metadata.as_bytes(),
            SectionKind::Grammars => bytes(&records),
            SectionKind::GrammarNames => &names,
            SectionKind::Rows => bytes(&pool.rows),
            SectionKind::RowChecksums => bytes(&pool.row_checksums),
            SectionKind::Lists => bytes(&pool.lists),
            SectionKind::Sets => bytes(&pool.records),
            SectionKind::TrieNodes => bytes(nodes),
            SectionKind::TrieTokens => bytes(&tokens),
            _ => &vocabulary,
        };
        let sections: [SectionRecord; FILE_SECTIONS] = FILE_KINDS.map(|kind| self.section(kind, section_of(kind)));
        let vocabulary = match (&self.tokenizer, self.named) {
            (Some(tokenizer), _) => {
                // `Vocabulary` bounds its size, so that it fits.
                let size = tokenizer.vocabulary().size() as u32;
                HeaderVocabulary::OfTables { fingerprint: tokenizer.fingerprint(), size }
            }
            (None, Some(fingerprint)) => HeaderVocabulary::OfTokenIds { fingerprint },
            (None, None) => HeaderVocabulary::None,
        };
        let length = PREAMBLE_LENGTH + self.body.len();
        let header = Header::new(vocabulary, grammars, length as u64).seal(&sections);
        let mut file = Vec::with_capacity(length);
        file.extend_from_slice(bytemuck::bytes_of(&header));
        file.extend_from_slice(bytemuck::cast_slice(&sections));
        file.append(&mut self.body);
        Ok(file)
    }

    /// Writes a section.
    fn section(&mut self, kind: SectionKind, content: &[u8]) -> SectionRecord {
        let (kind, length) = (kind.number(), content.len() as u64);
        SectionRecord { kind, reserved: 0, offset: self.append(content), length, checksum: checksum(content) }
    }

    /// Writes bytes at an aligned place; where that is in the file.
    fn append(&mut self, content: &[u8]) -> u64 {
        let offset = PREAMBLE_LENGTH + self.body.len();
        self.body.extend_from_slice(content);
        self.body.resize(self.body.len().next_multiple_of(ALIGNMENT), 0);
        offset as u64
    }
}

fn bytes<T: NoUninit>(items: &[T]) -> &[u8] {
    bytemuck::cast_slice(items)
}
