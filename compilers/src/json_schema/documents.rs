//! The schema, and the documents beside it that its references may name.

use grammar_ir::Limits;
use serde_json::Value;

use super::{meta_schemas, parse};
use crate::diagnostic::{Diagnostic, Diagnostics, Place};

/// A document that references of the schema may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// Its absolute URI, as references name it. An `$id` in it is one more name.
    pub uri: &'a str,
    /// Its text.
    pub source: &'a str,
}

/// Parsed documents; the first is the schema itself.
///
/// A *place* names a value in one of them: a JSON Pointer into the schema, or the URI of another document, `#`, and a
/// JSON Pointer into that. So a place is extended as a JSON Pointer is.
#[derive(Debug)]
pub(super) struct Documents {
    /// The place of the root of each document, and the document.
    list: Vec<(String, Value)>,
}

impl Documents {
    /// Parses the schema `source` and what it may refer to.
    pub(super) fn parse(source: &str, others: &[Document<'_>], limits: &Limits) -> Result<Self, Diagnostics> {
        let mut list = vec![(String::new(), parse::parse(source, "the schema", limits)?)];
        for other in others {
            let root = format!("{}#", other.uri.split('#').next().unwrap_or(""));
            let parsed =
                parse::parse(other.source, "the document", limits).map_err(|faults| in_document(&root, &faults))?;
            list.push((root, parsed));
        }
        let published: Vec<&str> = meta_schemas::referred_to(list.iter().map(|(_, document)| document)).collect();
        for text in published {
            let document = parse::parse(text, "the meta-schema", limits)?;
            let root = format!("{}#", meta_schemas::uri(&document).trim_end_matches('#'));
            // A document that was given under that name is what counts.
            if list.iter().all(|(known, _)| *known != root) {
                list.push((root, document));
            }
        }
        Ok(Self { list })
    }

    /// The schema alone.
    pub(super) fn of(schema: Value) -> Self {
        Self { list: vec![(String::new(), schema)] }
    }

    /// The same documents without one member of the object at `place`.
    pub(super) fn without(&self, place: &str, member: &str) -> Self {
        let mut list = self.list.clone();
        let root = root_of(place);
        let document = list.iter_mut().find(|(known, _)| known == root).map(|(_, document)| document);
        if let Some(Value::Object(members)) = document.and_then(|document| document.pointer_mut(&place[root.len()..])) {
            members.shift_remove(member);
        }
        Self { list }
    }

    /// The root of each document: its place, and its value.
    pub(super) fn roots(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.list.iter().map(|(root, value)| (root.as_str(), value))
    }

    /// The value at `place`.
    pub(super) fn get(&self, place: &str) -> Option<&Value> {
        let root = root_of(place);
        let (_, document) = self.list.iter().find(|(known, _)| known == root)?;
        document.pointer(&place[root.len()..])
    }
}

/// The place of the root of the document that `place` is in.
pub(super) fn root_of(place: &str) -> &str {
    match place.find('#') {
        Some(end) if !place.starts_with('/') => &place[..=end],
        _ => "",
    }
}

/// The faults of a document other than the schema, where no offset would say in which text it is.
fn in_document(root: &str, faults: &Diagnostics) -> Diagnostics {
    let moved = faults.iter().map(|fault| {
        let place = match &fault.place {
            Place::Pointer(pointer) => format!("{root}{pointer}"),
            Place::Span(_) | Place::Whole => root.to_owned(),
        };
        Diagnostic::new(fault.code, Place::Pointer(place), fault.message.clone())
    });
    moved.collect::<Vec<_>>().into()
}
