//! Options as files of compiled grammars have them: written when a grammar is compiled, read when it is verified.

use compilers::{gbnf, json_schema, regex};
use grammar_ir::Limits;
use serde_json::{Value, json};

use super::{NamedDocument, Settings};

impl Settings {
    /// The options, as files say with what they were made: all that an automaton depends on besides its source.
    pub(crate) fn describe(&self) -> Value {
        let Self { gbnf, regex, json_schema, documents, limits } = self;
        let document = |document: &NamedDocument| json!({"uri": document.uri, "text": document.text});
        let documents: Vec<Value> = documents.iter().map(document).collect();
        let Limits { expressions, states, determinize, unroll_states, .. } = limits;
        json!({
            "gbnf": {"root": gbnf.root}, "regex": regex.to_json(), "json_schema": json_schema.to_json(),
            "documents": documents,
            "limits": {
                "expressions": expressions, "states": states, "determinize": determinize,
                "unroll_states": unroll_states,
            },
        })
    }

    /// The options that [`describe`](Self::describe) has written; `None` if there are such as this version does not know. What
    /// no automaton depends on, as limits of time, is that of `limits`.
    pub(crate) fn from_description(description: &Value, limits: &Limits) -> Option<Self> {
        let count = |name: &str| usize::try_from(description["limits"][name].as_u64()?).ok();
        let document = |document: &Value| {
            let [uri, text] = ["uri", "text"].map(|name| document[name].as_str().map(str::to_owned));
            Some(NamedDocument { uri: uri?, text: text? })
        };
        let read = Self {
            gbnf: gbnf::Options::default().with_root(description["gbnf"]["root"].as_str()?),
            regex: regex::Options::from_json(&description["regex"])?,
            json_schema: json_schema::Options::from_json(&description["json_schema"])?,
            documents: description["documents"].as_array()?.iter().map(document).collect::<Option<_>>()?,
            limits: Limits {
                expressions: count("expressions")?,
                states: count("states")?,
                determinize: description["limits"]["determinize"].as_bool()?,
                unroll_states: count("unroll_states")?,
                ..limits.clone()
            },
        };
        // What is not known here must not be left out.
        (read.describe() == *description).then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_is_read() {
        let limits = Limits { states: 77, unroll_states: 3, nesting: 5, ..Limits::default() };
        let settings = Settings {
            gbnf: gbnf::Options::default().with_root("answer"),
            regex: regex::Options::new(regex::Syntax::Ecma262),
            json_schema: json_schema::Options::generation(),
            documents: vec![NamedDocument { uri: "urn:a".to_owned(), text: "{}".to_owned() }],
            limits,
        };
        let description = settings.describe();
        let read = Settings::from_description(&description, &Limits::default()).expect("it was just written");
        assert_eq!(read.describe(), description);
        assert_eq!((read.limits.states, read.limits.nesting), (77, Limits::default().nesting));
        assert_eq!((read.gbnf, read.documents), (settings.gbnf, settings.documents));
        for name in ["gbnf", "regex", "json_schema", "documents", "limits"] {
            let mut other = description.clone();
            other[name] = Value::Null;
            assert!(Settings::from_description(&other, &Limits::default()).is_none(), "{name}");
        }
        let mut later = description;
        later["later"] = true.into();
        assert!(Settings::from_description(&later, &Limits::default()).is_none());
    }
}
