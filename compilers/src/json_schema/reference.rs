//! `$ref`: which schema of the documents a URI reference names.

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::dialect::{Dialect, Remark};
use super::documents::{self, Documents};
use super::keyword::Draft;
use super::pointer;
use crate::diagnostic::Code;

/// The resources and anchors of some documents. What is said of pointers here holds of places in [`Documents`].
#[derive(Debug)]
pub(super) struct References {
    /// The pointer of each resource, by its URI without fragment.
    resources: FxHashMap<String, String>,
    /// The URI and the dialect of each resource, by its pointer.
    by_place: FxHashMap<String, (String, Dialect)>,
    /// The pointer of each anchor, by resource pointer and name.
    anchors: FxHashMap<(String, String), String>,
    /// The dynamic anchors of each resource, by its pointer: name and pointer. A `$recursiveAnchor` has the empty name.
    dynamic: FxHashMap<String, Vec<(String, String)>>,
    /// What is to be said of a `$schema`, with the pointer of its resource.
    pub(super) remarks: Vec<(String, String, Remark)>,
}

/// A value of a document.
struct Found<'v> {
    value: &'v Value,
    place: String,
    /// The pointer of the resource around it.
    resource: String,
    dialect: Dialect,
}

/// What a value is, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A schema, or a list of some.
    Schema,
    /// An object whose members are schemas.
    Schemas,
    /// The value of a keyword that is not known, or in one: there may be schemas, if something refers to them.
    Unknown,
}

impl Standing {
    /// What the member `key` of a value is; `None` for plain data.
    fn of_member(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Schemas, _) => Some(Self::Schema),
            (Self::Unknown, _) => Some(Self::Unknown),
            (Self::Schema, "enum" | "const" | "default" | "examples") => None,
            (
                Self::Schema,
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies",
            ) => Some(Self::Schemas),
            (
                Self::Schema,
                "allOf"
                | "anyOf"
                | "oneOf"
                | "not"
                | "if"
                | "then"
                | "else"
                | "items"
                | "prefixItems"
                | "additionalItems"
                | "contains"
                | "additionalProperties"
                | "propertyNames"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "contentSchema",
            ) => Some(Self::Schema),
            (Self::Schema, _) => Some(Self::Unknown),
        }
    }
}

/// The name under which a `$recursiveAnchor` is kept.
pub(super) const RECURSIVE: &str = "";
/// The URI of a document that does not say its own.
const UNNAMED: &str = "schema:///";

impl References {
    /// Finds the resources and anchors of `documents`. Nesting is bounded by the parser.
    pub(super) fn of(documents: &Documents) -> Self {
        let mut references = Self {
            resources: FxHashMap::default(),
            by_place: FxHashMap::default(),
            anchors: FxHashMap::default(),
            dynamic: FxHashMap::default(),
            remarks: Vec::new(),
        };
        let mut main = Dialect::whole(Draft::Draft2020);
        let mut unknown = Vec::new();
        for (root, value) in documents.roots() {
            let uri = if root.is_empty() { UNNAMED } else { root.trim_end_matches('#') };
            references.resources.entry(uri.to_owned()).or_insert_with(|| root.to_owned());
            // A document that does not say its dialect has that of the schema.
            let dialect = references.dialect(value, root, main, documents);
            if root.is_empty() {
                main = dialect;
            }
            references.by_place.insert(root.to_owned(), (uri.to_owned(), dialect));
            let root = Found { value, place: root.to_owned(), resource: root.to_owned(), dialect };
            references.scan(root, Standing::Schema, documents, &mut unknown);
        }
        // What stands where the standard knows of no schema has the names that are left.
        while let Some(found) = unknown.pop() {
            references.scan(found, Standing::Unknown, documents, &mut unknown);
        }
        references
    }

    /// The dialect of the resource `value`, which is in one of dialect `around`.
    fn dialect(&mut self, value: &Value, place: &str, around: Dialect, documents: &Documents) -> Dialect {
        let Some(uri) = value.get("$schema").and_then(Value::as_str) else { return around };
        let (dialect, remark) = Dialect::named(uri, documents);
        self.remarks.extend(remark.map(|remark| (place.to_owned(), uri.to_owned(), remark)));
        dialect
    }

    fn scan<'v>(&mut self, found: Found<'v>, standing: Standing, documents: &Documents, unknown: &mut Vec<Found<'v>>) {
        let Found { value, place, mut resource, mut dialect } = found;
        let members = match value {
            Value::Object(members) => members,
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    let place = pointer::push(&place, &index.to_string());
                    let item = Found { value, place, resource: resource.clone(), dialect };
                    self.scan(item, standing, documents, unknown);
                }
                return;
            }
            _ => return,
        };
        if standing != Standing::Schemas {
            let id_keyword = if dialect.draft == Draft::Draft4 { "id" } else { "$id" };
            let shadowed = dialect.draft <= Draft::Draft7 && members.contains_key("$ref");
            if let Some(id) = members.get(id_keyword).and_then(Value::as_str)
                && !shadowed
            {
                match id.strip_prefix('#') {
                    Some(anchor) if dialect.draft <= Draft::Draft7 => {
                        self.anchors.entry((resource.clone(), anchor.to_owned())).or_insert_with(|| place.clone());
                    }
                    _ => {
                        let uri = resolve(self.uri_of(&resource), id.split('#').next().unwrap_or(""));
                        if resource != place {
                            dialect = self.dialect(value, &place, dialect, documents);
                        }
                        resource.clone_from(&place);
                        self.resources.entry(uri.clone()).or_insert_with(|| place.clone());
                        self.by_place.insert(place.clone(), (uri, dialect));
                    }
                }
            }
            self.scan_anchors(members, &place, &resource, dialect.draft);
        }
        for (key, value) in members {
            let member = Found { value, place: pointer::push(&place, key), resource: resource.clone(), dialect };
            match standing.of_member(key) {
                Some(Standing::Unknown) if standing == Standing::Schema => unknown.push(member),
                Some(standing) => self.scan(member, standing, documents, unknown),
                None => {}
            }
        }
    }

    fn scan_anchors(&mut self, members: &Map<String, Value>, place: &str, resource: &str, draft: Draft) {
        let named = |keyword| members.get(keyword).and_then(Value::as_str);
        let dynamic = named("$dynamicAnchor").filter(|_| draft >= Draft::Draft2020);
        for anchor in named("$anchor").filter(|_| draft >= Draft::Draft2019).into_iter().chain(dynamic) {
            self.anchors.entry((resource.to_owned(), anchor.to_owned())).or_insert_with(|| place.to_owned());
        }
        let is_recursive = draft == Draft::Draft2019
            && place == resource
            && members.get("$recursiveAnchor") == Some(&Value::Bool(true));
        for anchor in dynamic.into_iter().chain(is_recursive.then_some(RECURSIVE)) {
            self.dynamic.entry(resource.to_owned()).or_default().push((anchor.to_owned(), place.to_owned()));
        }
    }

    /// The dynamic anchors of the resource at `resource`: name and pointer.
    pub(super) fn dynamic_anchors(&self, resource: &str) -> &[(String, String)] {
        self.dynamic.get(resource).map_or(&[], Vec::as_slice)
    }

    /// The dialect of the schema at `place`.
    pub(super) fn dialect_of(&self, place: &str) -> Dialect {
        let resource = self.by_place.get(self.resource_of(place));
        resource.map_or(Dialect::whole(Draft::Draft2020), |(_, dialect)| *dialect)
    }

    fn uri_of(&self, resource: &str) -> &str {
        self.by_place.get(resource).map_or(UNNAMED, |(uri, _)| uri)
    }

    /// The pointer of the schema that `reference` names, as written in the schema at `place`.
    ///
    /// # Errors
    /// A reference out of the documents is unsupported; what cannot be read or found in them is a mistake.
    pub(super) fn resolve(&self, place: &str, reference: &str) -> Result<String, (Code, String)> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resource = self.resource_of(place);
        let target = if uri.is_empty() {
            resource
        } else {
            let absolute = resolve(self.uri_of(resource), uri);
            self.resources.get(&absolute).map(String::as_str).ok_or_else(|| {
                let reason = "nothing is fetched; give the document to the compiler";
                (Code::Unsupported, format!("`{reference}` is in no document that is known, and {reason}"))
            })?
        };
        let fragment = pointer::from_fragment(fragment)
            .ok_or_else(|| (Code::Invalid, format!("the fragment of `{reference}` is not percent-encoded UTF-8")))?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return Ok(format!("{target}{fragment}"));
        }
        self.anchors
            .get(&(target.to_owned(), fragment))
            .cloned()
            .ok_or_else(|| (Code::Undefined, format!("`{reference}` names an anchor that the document does not have")))
    }

    /// The pointer of the innermost resource around `place`.
    pub(super) fn resource_of(&self, place: &str) -> &str {
        let root = documents::root_of(place);
        let mut prefix = place;
        loop {
            if let Some((resource, _)) = self.by_place.get_key_value(prefix) {
                return resource;
            }
            prefix = prefix.rfind('/').filter(|&end| end >= root.len()).map_or("", |end| &prefix[..end]);
        }
    }
}

/// `reference` (without fragment) resolved against the absolute URI `base` (RFC 3986 §5.2).
fn resolve(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_owned();
    }
    if scheme_length(reference).is_some() {
        return reference.to_owned();
    }
    let Some(scheme) = scheme_length(base) else { return reference.to_owned() };
    let hierarchical = base[scheme..].starts_with("//");
    let authority = if hierarchical {
        base[scheme + 2..].find('/').map_or(base.len(), |length| scheme + 2 + length)
    } else {
        scheme
    };
    if reference.starts_with("//") {
        return format!("{}{reference}", &base[..scheme]);
    }
    let base_path = base[authority..].split('?').next().unwrap_or("");
    let (path, query) = reference.split_once('?').map_or((reference, None), |(path, query)| (path, Some(query)));
    let merged = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", base_path.rfind('/').map_or("", |end| &base_path[..end]))
    };
    let mut segments: Vec<&str> = Vec::new();
    let mut ends_open = false;
    for segment in merged.split('/').skip(1) {
        ends_open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    if ends_open {
        segments.push("");
    }
    let mut absolute = format!("{}/{}", &base[..authority], segments.join("/"));
    if let Some(query) = query {
        absolute.push('?');
        absolute.push_str(query);
    }
    absolute
}

/// The length of `scheme:` at the start of an absolute URI.
fn scheme_length(uri: &str) -> Option<usize> {
    let colon = uri.find(':')?;
    let scheme = &uri[..colon];
    let sound = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
    sound.then_some(colon + 1)
}

#[cfg(test)]
mod tests {
    use super::super::documents::Document;
    use super::*;

    #[test]
    fn relative_references_follow_the_rfc() {
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("g?y", "http://a/b/c/g?y"),
            ("..", "http://a/b/"),
            ("../../../g", "http://a/g"),
            ("urn:x:y", "urn:x:y"),
            ("", "http://a/b/c/d"),
        ] {
            assert_eq!(resolve("http://a/b/c/d", reference), expected, "{reference}");
        }
        assert_eq!(resolve(UNNAMED, "t"), "schema:///t");
    }

    #[test]
    fn references_stay_in_their_resource() {
        let document = serde_json::json!({
            "$id": "http://x/s",
            "$defs": {"t": {"$id": "t", "$anchor": "n", "$defs": {"u": {}}}, "a/b%": {}}
        });
        let other = Document { uri: "http://y/d#", source: r#"{"$defs": {"v": {}, "w": {"$id": "w"}}}"# };
        let documents = Documents::parse(&document.to_string(), &[other], &grammar_ir::Limits::default()).unwrap();
        let references = References::of(&documents);
        let resolve = |place, reference| references.resolve(place, reference);
        assert_eq!(resolve("", "t#n").as_deref(), Ok("/$defs/t"));
        assert_eq!(resolve("/$defs/t/$defs/u", "#/$defs/u").as_deref(), Ok("/$defs/t/$defs/u"));
        assert_eq!(resolve("/$defs/t", "s").as_deref(), Ok(""));
        assert_eq!(resolve("", "#/$defs/a~1b%25").as_deref(), Ok("/$defs/a~1b%"));
        assert_eq!(resolve("", "http://y/d#/$defs/v").as_deref(), Ok("http://y/d#/$defs/v"));
        assert_eq!(resolve("http://y/d#/$defs/w", "d").as_deref(), Ok("http://y/d#"));
        assert_eq!(resolve("http://y/d#", "#/$defs/v").as_deref(), Ok("http://y/d#/$defs/v"));
        assert_eq!(documents.get("http://y/d#/$defs/w/$id"), Some(&Value::from("w")));
        assert!(resolve("", "http://elsewhere/").is_err());
        assert!(resolve("", "#n").is_err());
    }
}
