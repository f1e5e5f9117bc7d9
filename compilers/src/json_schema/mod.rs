//! JSON Schema, exact or refused by name.
//!
//! ```text
//! texts ─ documents → Values ─ read → Ast (schemas with pointers, per-dialect meaning) ─ share → equal schemas are one
//!      ─ normalize → Normal (per node: a union of typed shapes, every sibling merged) ─ productive → pruned
//!      ─ lower (string, number, array, object, literal × whitespace, spelling) → Grammar
//! ```
//!
//! The grammar holds exactly the JSON texts, in the serialisation forms that [`Options`] choose, whose value is valid
//! against the schema; or the compile fails and names every keyword that cannot be enforced, with its JSON Pointer.
//! `docs/json-schema.md` lists the keywords, the options and the limits.

mod array_state;
mod ast;
mod container;
mod contradiction;
mod decimal;
mod dialect;
mod documents;
mod embed;
mod evaluate;
mod excludes;
mod expand;
mod few;
mod finite;
mod format;
mod keyword;
mod known;
mod language;
mod literal;
mod lower;
mod lower_array;
mod lower_members;
mod lower_object;
mod merge;
mod merge_array;
mod merge_object;
mod meta_schemas;
mod named_keyword;
mod normal;
mod number;
mod options;
mod parse;
mod pointer;
mod productive;
mod read;
mod reference;
mod refusal;
mod report;
mod scope;
mod share;
mod spelled;
mod spelling;
mod string;
mod tally;
mod unevaluated;
mod unique;
mod unsatisfiable;
mod value_key;
mod value_list;
mod whitespace;
mod xml;

use grammar_ir::{Budget, Grammar, Limits};

use crate::diagnostic::Diagnostics;
use documents::Documents;

pub use documents::Document;
pub use embed::Embedded;
pub use options::{
    AdditionalProperties, Annotation, Compiled, Digits, Escapes, Formats, KeyOrder, Options, Relaxation, Report,
    Whitespace,
};
pub(crate) use parse::parse as parse_json;
pub(crate) use pointer::push as push_pointer;
pub use spelling::JsonString;
pub use xml::XmlStyle;

/// Compiles the JSON Schema in `source`.
///
/// ```
/// use compilers::json_schema::{Options, compile};
/// use grammar_ir::Limits;
/// let schema = r#"{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}"#;
/// let compiled = compile(schema, &Options::default(), &Limits::default())?;
/// assert!(compiled.report.annotations.is_empty());
///
/// let refused = compile(r#"{"not": {"uniqueItems": true}}"#, &Options::default(), &Limits::default()).unwrap_err();
/// assert!(refused.to_string().contains("/not/uniqueItems"));
/// # Ok::<(), compilers::diagnostic::Diagnostics>(())
/// ```
///
/// # Errors
/// All faults of the schema, all keywords that cannot be enforced exactly, a schema that no instance satisfies, or a
/// limit; each with its JSON Pointer.
pub fn compile(source: &str, options: &Options, limits: &Limits) -> Result<Compiled, Diagnostics> {
    compile_with_documents(source, &[], options, limits)
}

/// Compiles the JSON Schema in `source`, whose references may lead to `documents`. A `$schema` may name one, too: its
/// `$vocabulary` says which keywords there are.
///
/// A place in a document is reported as its URI, `#`, and a JSON Pointer.
///
/// ```
/// use compilers::json_schema::{Document, Options, compile_with_documents};
/// use grammar_ir::Limits;
/// let documents = [Document { uri: "https://example.org/defs", source: r#"{"$anchor": "id", "type": "integer"}"# }];
/// let schema = r#"{"items": {"$ref": "https://example.org/defs#id"}}"#;
/// compile_with_documents(schema, &documents, &Options::default(), &Limits::default())?;
/// # Ok::<(), compilers::diagnostic::Diagnostics>(())
/// ```
///
/// # Errors
/// As for [`compile`]; also when a document is not JSON.
pub fn compile_with_documents(
    source: &str,
    documents: &[Document<'_>],
    options: &Options,
    limits: &Limits,
) -> Result<Compiled, Diagnostics> {
    let mut budget = Budget::new(limits);
    let documents = Documents::parse(source, documents, limits)?;
    let (mut ast, annotations) = read::read(&documents, options)?;
    share::share(&mut ast);
    let normal = normal::normalize(&ast, options, &mut Default::default(), &mut budget)
        .map_err(|failure| unsatisfiable::diagnostics(failure, &documents, options, &mut budget))?;
    let grammar = lower::lower(&normal, &ast, options, &mut budget)?;
    Ok(Compiled { grammar, report: report::report(&normal, &ast, options, annotations) })
}

/// The grammar of every JSON value, in the serialisation forms that `options` choose.
///
/// # Errors
/// When a limit is met.
pub fn any_json(options: &Options, limits: &Limits) -> Result<Grammar, Diagnostics> {
    compile("true", options, limits).map(|compiled| compiled.grammar)
}
