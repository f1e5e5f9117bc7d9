//! The official JSON-Schema-Test-Suite (<https://github.com/json-schema-org/JSON-Schema-Test-Suite>, MIT): files with
//! lists of `{"description", "schema", "tests": [{"description", "data", "valid"}]}`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use compilers::json_schema::{Document, Formats, Options};
use grammarc::ratchet::Verdict;
use mask_runtime::Tokenizer;
use serde_json::{Map, Value};

use super::subject::{Spellings, Subject};

/// A draft: its folder in the suite, and the `$schema` that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draft {
    /// The folder under `tests/`.
    pub folder: &'static str,
    schema: &'static str,
    /// Whether `format` is an annotation unless something says otherwise, which the required tests hold to.
    annotates_formats: bool,
}

/// The drafts that are judged.
pub const DRAFTS: [Draft; 5] = [
    Draft { folder: "draft4", schema: "http://json-schema.org/draft-04/schema#", annotates_formats: false },
    Draft { folder: "draft6", schema: "http://json-schema.org/draft-06/schema#", annotates_formats: false },
    Draft { folder: "draft7", schema: "http://json-schema.org/draft-07/schema#", annotates_formats: false },
    Draft { folder: "draft2019-09", schema: "https://json-schema.org/draft/2019-09/schema", annotates_formats: true },
    Draft { folder: "draft2020-12", schema: "https://json-schema.org/draft/2020-12/schema", annotates_formats: true },
];

/// A schema of the suite with its tests.
#[derive(Debug, Clone)]
pub struct Group {
    /// The file below the draft's folder, without its ending, and the description.
    pub name: String,
    /// Whether an implementation may leave this out.
    pub optional: bool,
    /// The schema, with a `$schema`.
    pub schema: Value,
    /// The tests.
    pub tests: Vec<Test>,
}

/// A test of the suite.
#[derive(Debug, Clone)]
pub struct Test {
    /// What it is called.
    pub description: String,
    /// The instance.
    pub data: Value,
    /// Whether it is valid.
    pub valid: bool,
}

/// How a test came out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Group and test.
    pub name: String,
    /// Whether an implementation may leave this out.
    pub optional: bool,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, if it was not to be.
    pub reason: Option<String>,
}

/// The groups of a draft, in the order of their files' names.
///
/// # Errors
/// When the suite cannot be read, or a file is not of its form.
pub fn read(suite: &Path, draft: Draft) -> io::Result<Vec<Group>> {
    let folder = suite.join("tests").join(draft.folder);
    let mut groups = Vec::new();
    for path in json_files(&folder)? {
        let value: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let name = path.strip_prefix(&folder).unwrap_or(&path).with_extension("");
        let name = name.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        let found =
            value.as_array().and_then(|list| list.iter().map(|group| self::group(&name, group, draft)).collect());
        let found: Vec<Group> = found.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: not of the form of the suite", path.display()))
        })?;
        groups.extend(found);
    }
    Ok(groups)
}

fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn group(file: &str, group: &Value, draft: Draft) -> Option<Group> {
    let tests = group.get("tests")?.as_array()?.iter().map(|test| {
        Some(Test {
            description: test.get("description")?.as_str()?.to_owned(),
            data: test.get("data")?.clone(),
            valid: test.get("valid")?.as_bool()?,
        })
    });
    Some(Group {
        name: format!("{file}: {}", group.get("description")?.as_str()?),
        optional: file.starts_with("optional/"),
        schema: with_draft(group.get("schema")?.clone(), draft),
        tests: tests.collect::<Option<_>>()?,
    })
}

/// `schema` as a document that names its draft, which in the suite the folder does.
fn with_draft(schema: Value, draft: Draft) -> Value {
    match schema {
        Value::Object(members) if !members.contains_key("$schema") => {
            let mut named = Map::new();
            named.insert("$schema".to_owned(), draft.schema.into());
            named.extend(members);
            named.into()
        }
        other => other,
    }
}

/// The URI under which the schemas of the suite refer to its folder of remote schemas.
const REMOTES: &str = "http://localhost:1234/";

/// The remote schemas of the suite: URI and text.
///
/// # Errors
/// When they cannot be read.
pub fn remotes(suite: &Path) -> io::Result<Vec<(String, String)>> {
    let folder = suite.join("remotes");
    let remote = |path: PathBuf| {
        let parts = path.strip_prefix(&folder).unwrap_or(&path).components();
        let parts: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy()).collect();
        Ok((format!("{REMOTES}{}", parts.join("/")), std::fs::read_to_string(&path)?))
    };
    json_files(&folder)?.into_iter().map(remote).collect()
}

/// Judges the tests of a group, each instance written as it is given. A valid instance that the default preset leaves
/// out only by its spelling must be accepted with keys in any order, or without bounds on digits.
pub fn judge(group: &Group, draft: Draft, remotes: &[(String, String)], tokenizer: &Arc<Tokenizer>) -> Vec<Outcome> {
    let mut options = Options::default();
    if draft.annotates_formats && !group.optional {
        options.formats = Formats::Annotation;
    }
    let documents: Vec<Document<'_>> = remotes.iter().map(|(uri, source)| Document { uri, source }).collect();
    let spellings = Spellings::with_digits(&group.schema, &documents, options, tokenizer);
    let outcome = |test: &Test| {
        let (verdict, reason) = match spellings.narrowest() {
            Subject::Refused(reason) => (Verdict::Refused, Some(reason.clone())),
            Subject::Faulty(reason) | Subject::Nameless(reason) => (Verdict::Wrong, Some(reason.clone())),
            _ if spellings.agree(&test.data.to_string(), test.valid) => (Verdict::Pass, None),
            _ => {
                let found = if test.valid { "rejected" } else { "accepted" };
                (Verdict::Wrong, Some(format!("{found}: {}; schema: {}", test.data, group.schema)))
            }
        };
        Outcome { name: format!("{}: {}", group.name, test.description), optional: group.optional, verdict, reason }
    };
    group.tests.iter().map(outcome).collect()
}
