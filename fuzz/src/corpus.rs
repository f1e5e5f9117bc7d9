//! The committed grammars.

use compilers::{gbnf, json_schema, regex};
use grammar_ir::{Grammar, Limits};

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
    "password.regex",
    "person.json",
    "string.regex",
    "tokens.gbnf",
    "tree.json",
    "word_boundary.regex",
];

/// Compiles a grammar by its file name's ending.
///
/// # Errors
/// What the frontend says, rendered.
pub fn compile(name: &str, text: &str, limits: &Limits) -> Result<Grammar, String> {
    let render = |diagnostics: compilers::diagnostic::Diagnostics| diagnostics.render(name, text).to_string();
    match name.rsplit('.').next() {
        Some("gbnf") => gbnf::compile(text, &gbnf::Options::default(), None, limits).map_err(render),
        Some("regex") => regex::compile(text, &regex::Options::default(), limits).map_err(render),
        _ => json_schema::compile(text, &json_schema::Options::default(), limits)
            .map(|compiled| compiled.grammar)
            .map_err(render),
    }
}
