//! What is said of a schema that no instance satisfies.

use grammar_ir::Budget;
use serde_json::Value;

use super::documents::Documents;
use super::normal::{self, Failure};
use super::options::Options;
use super::{pointer, read, share};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Place};

/// Keywords that constrain nothing by themselves.
const SILENT: [&str; 13] = [
    "$schema",
    "$id",
    "id",
    "$anchor",
    "$dynamicAnchor",
    "$defs",
    "definitions",
    "$comment",
    "$vocabulary",
    "title",
    "description",
    "default",
    "examples",
];
/// So many keywords are tried at most.
const MAX_TRIALS: usize = 16;
/// Larger documents are not read again for each keyword.
const MAX_SIZE: usize = 2_000;

const HELP: &str = "look for constraints that exclude each other, or a required member that needs itself";

/// What became of a schema: where nothing is valid, the keyword without which something would be.
pub(super) fn diagnostics(
    failure: Failure,
    documents: &Documents,
    options: &Options,
    budget: &mut Budget<'_>,
) -> Diagnostics {
    let places = match failure {
        Failure::Faults(faults) => return faults,
        Failure::Empty(places) => places,
    };
    let is_small = documents.roots().map(|(_, document)| size(document)).sum::<usize>() <= MAX_SIZE;
    // What is stated later narrows what is there.
    let schemas = places.iter().rev().filter_map(|place| Some((place, documents.get(place)?.as_object()?)));
    let keywords = schemas.flat_map(|(place, members)| members.keys().rev().map(move |keyword| (place, keyword)));
    let mut constraints: Vec<(&String, &String)> =
        keywords.filter(|(_, keyword)| !SILENT.contains(&keyword.as_str())).collect();
    // Without a type there nearly always is a value, of another one.
    constraints.sort_by_key(|(_, keyword)| *keyword == "type");
    let decisive = constraints.into_iter().take(MAX_TRIALS).filter(|_| is_small).find(|(place, keyword)| {
        let without = documents.without(place, keyword);
        let read = read::read(&without, options).map(|(mut ast, _)| {
            share::share(&mut ast);
            normal::normalize(&ast, options, &mut Default::default(), budget).is_ok()
        });
        read.unwrap_or(false)
    });
    let (place, reason) = match decisive {
        Some((place, keyword)) => {
            let others = if places.len() > 1 { ", together with what else is asked of the same value," } else { "" };
            (pointer::push(place, keyword), format!("`{keyword}`{others} leaves none"))
        }
        None => {
            let place = places.last().cloned().unwrap_or_default();
            let reason = match documents.get(&place) {
                Some(Value::Object(members)) => {
                    let named: Vec<String> = members
                        .keys()
                        .filter(|keyword| !SILENT.contains(&keyword.as_str()))
                        .map(|keyword| format!("`{keyword}`"))
                        .collect();
                    format!("what {} ask for excludes each other", named.join(", "))
                }
                _ => match place.rsplit_once('/') {
                    Some((_, name)) => format!("`{name}` is `false`, which allows nothing"),
                    None => "it is `false`, which allows nothing".to_owned(),
                },
            };
            (place, reason)
        }
    };
    let message = format!("no instance can satisfy the schema: {reason}");
    Diagnostic::new(Code::Unsatisfiable, Place::Pointer(place), message).with_help(HELP).into()
}

/// How many values there are in `value`. Nesting is bounded by the parser.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(size).sum::<usize>(),
        _ => 1,
    }
}
