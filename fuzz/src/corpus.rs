//! The committed grammars.

use compilers::{gbnf, json_schema, regex};
use grammar_ir::{Grammar, Limits, text};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each grammar in `fuzz/grammars`.
        pub const GRAMMARS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../grammars/", $name)))),*];
    };
}

files![
    "ambiguous.gbnf",
    "arithmetic.gbnf",
    "c.gbnf",
    "characters.gbnf",
    "counts.gbnf",
    "email.regex",
    "japanese.gbnf",
    "json.gbnf",
    "lengths.json",
    "markup.gbnf",
    "names.regex",
    "object.gir",
    "password.regex",
    "patterns.json",
    "person.json",
    "record.gir",
    "string.regex",
    "tags.gbnf",
    "tokens.gbnf",
    "tree.json",
    "word_boundary.regex",
];

/// Compiles a grammar by its file name's ending.
///
/// # Errors
/// What the frontend says, rendered.
pub fn compile(name: &str, source: &str, limits: &Limits) -> Result<Grammar, String> {
    let render = |diagnostics: compilers::diagnostic::Diagnostics| diagnostics.render(name, source).to_string();
    match name.rsplit('.').next() {
        Some("gbnf") => gbnf::compile(source, &gbnf::Options::default(), None, limits).map_err(render),
        Some("gir") => text::parse_with_limits(source, limits).map_err(|error| format!("{name}:{error}")),
        Some("regex") => regex::compile(source, &regex::Options::default(), limits).map_err(render),
        _ => json_schema::compile(source, &json_schema::Options::default(), limits)
            .map(|compiled| compiled.grammar)
            .map_err(render),
    }
}
