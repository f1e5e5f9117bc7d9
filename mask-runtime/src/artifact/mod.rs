//! Files of compiled grammars: automata, and tables of masks for one tokenizer.
//!
//! ```text
//! CompiledGrammar ─ tabulate → Tabulated ─┐                              ┌ grammar → CompiledGrammar with Tables → Matcher
//! Pda ────────────────────────────────────┴→ ArtifactWriter → file → Artifact
//!                                              └ pool: sets of tokens      └ header, section, error: what is checked
//! ```
//!
//! `docs/artifact.md` has the byte map, what of it may change, and what is trusted. In short: a file is mapped, its header
//! and its list of sections are checked when it is opened, the procedures of a grammar when it is asked for, and its states,
//! edges and tables when they are first used. Nothing that the bytes say is followed before it is checked.
//!
//! ```
//! use grammar_ir::{GrammarBuilder, Limits};
//! use mask_runtime::artifact::{Artifact, ArtifactWriter, Tabulated, TabulatedStates};
//! use mask_runtime::{CompiledGrammar, Matcher, Tokenizer, embedded_tiny};
//!
//! let mut builder = GrammarBuilder::new();
//! let root = builder.declare("root");
//! let body = builder.literal("yes");
//! builder.define(root, body);
//! let tokenizer = Tokenizer::new(embedded_tiny());
//! let compiled = CompiledGrammar::new(&builder.finish(root)?, tokenizer.clone(), &Limits::default())?;
//!
//! let mut writer = ArtifactWriter::with_tables(tokenizer.clone());
//! writer.add_tables("answer", &Tabulated::of(&compiled, TabulatedStates::All), "")?;
//! let bytes = writer.finish("")?;
//!
//! let artifact = Artifact::from_bytes(&bytes)?;
//! let loaded = artifact.grammar(0, tokenizer)?;
//! let (mut row, mut expected) = (Matcher::new(loaded.clone()).row(), Matcher::new(loaded.clone()).row());
//! Matcher::new(loaded).fill(&mut row)?;
//! Matcher::new(compiled).fill(&mut expected)?;
//! assert_eq!(row, expected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checksum;
mod directory;
mod error;
mod header;
mod map;
mod pool;
mod reader;
mod reseal;
mod section;
mod set;
mod tables;
mod tabulate;
mod writer;

pub use error::{ArtifactError, Mismatch, WriteError};
pub use header::{ENGINE_REVISION, FORMAT_VERSION, FormatVersion};
pub use reader::{Artifact, GrammarEntry, SectionInfo};
pub use reseal::reseal;
pub use section::{MAX_NAME_LENGTH, SectionKind};
pub use tables::TablesFault;
pub use tabulate::{TableReport, Tabulated, TabulatedStates};
pub use writer::ArtifactWriter;

pub(crate) use tables::Tables;
