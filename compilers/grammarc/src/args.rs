//! What the commands have in common on the command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, ValueEnum};

use crate::commands::Command;
use crate::settings::CompileArgs;

const EXAMPLES: &str = "\
Examples:
  grammarc check grammar.gbnf
  grammarc mask --regex '[0-9]{4}-[0-9]{2}' --after 2024-
  grammarc accept --json-schema '{\"type\": \"integer\"}' --text 42
  grammarc sample grammar.gbnf -n 5 --seed 7
  grammarc generate --regex '(France|England)' --prompt 'Which country is Paris in?'
  grammarc sample --structural-tag examples/weather.tag.json
  grammarc cases cases.jsonl

Exit codes:
  0  done; a question was answered with yes
  1  answered with no: a grammar at fault (check), a text rejected (accept, mask), cases that disagree
  2  wrong usage, or an input that cannot be used
  3  refused: something unsupported, or a limit was met";

/// Grammars, token masks and texts of constrained decoding.
#[derive(Debug, Parser)]
#[command(name = "grammarc", version, about, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The language of a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Kind {
    /// GBNF of llama.cpp, EBNF of XGrammar
    #[value(alias = "ebnf")]
    Gbnf,
    /// Regular expression, matched from end to end
    Regex,
    /// JSON Schema
    #[value(alias = "json_schema")]
    JsonSchema,
    /// Structural tag: free text with constrained regions
    #[value(alias = "structural_tag")]
    StructuralTag,
    /// The text form of the intermediate representation
    Gir,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gbnf => "gbnf",
            Self::Regex => "regex",
            Self::JsonSchema => "json_schema",
            Self::StructuralTag => "structural_tag",
            Self::Gir => "gir",
        }
    }

    /// The kind with this [`name`](Self::name).
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|kind| kind.name() == name)
    }
}

/// Where the grammar comes from.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SourceArgs {
    /// File with the grammar, `-` for standard input; its extension tells the kind
    pub(crate) input: Option<PathBuf>,

    /// The grammar itself, in GBNF
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) grammar: Option<String>,

    /// The grammar as a regular expression
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub(crate) regex: Option<String>,

    /// The grammar as a JSON Schema, or the file that holds it
    #[arg(long, value_name = "TEXT|FILE", allow_hyphen_values = true)]
    pub(crate) json_schema: Option<String>,

    /// The grammar as a structural tag, or the file that holds it
    #[arg(long, value_name = "TEXT|FILE", allow_hyphen_values = true)]
    pub(crate) structural_tag: Option<String>,

    /// The grammar in a file that `compile` made
    #[arg(long, value_name = "FILE")]
    pub(crate) gmt: Option<PathBuf>,
}

impl SourceArgs {
    /// Whether the grammar is read from standard input.
    pub(crate) fn reads_stdin(&self) -> bool {
        self.input.as_deref() == Some(Path::new("-")) || self.structural_tag.as_deref() == Some("-")
    }
}

/// A grammar and how it is compiled.
#[derive(Debug, Args)]
pub(crate) struct GrammarArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,

    /// Kind of the grammar, if its file name does not tell
    #[arg(long, value_enum, help_heading = "Grammar options")]
    pub(crate) kind: Option<Kind>,

    /// Name of the grammar in a file that `compile` made, if it has several
    #[arg(long, value_name = "NAME", help_heading = "Grammar options")]
    pub(crate) entry: Option<String>,

    #[command(flatten)]
    pub(crate) options: CompileArgs,
}

/// Which tokens there are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tokenizer options")]
pub(crate) struct TokenizerArgs {
    /// Model folder, tokenizer.json, *.tiktoken, or *.gmt with a tokenizer in it; without it that of the file that the
    /// grammar is from, or a built-in tokenizer of 1,024 tokens
    #[arg(long, short = 't', value_name = "PATH")]
    pub(crate) tokenizer: Option<PathBuf>,

    /// Ids of the stop tokens, instead of those found beside the tokenizer
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) stop_tokens: Option<Vec<u32>>,

    /// Width of the model's logits, if greater than the tokenizer
    #[arg(long, value_name = "IDS")]
    pub(crate) logits_width: Option<usize>,
}

impl TokenizerArgs {
    /// Whether they say nothing.
    pub(crate) fn is_default(&self) -> bool {
        self.tokenizer.is_none() && self.stop_tokens.is_none() && self.logits_width.is_none()
    }
}
