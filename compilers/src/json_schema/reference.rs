//! `$ref`: which schema of the document a URI reference names.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::keyword::Draft;
use super::pointer;
use crate::diagnostic::Code;

/// The resources and anchors of one document.
#[derive(Debug)]
pub(super) struct References {
    /// The pointer of each resource, by its URI without fragment.
    resources: FxHashMap<String, String>,
    /// The URI of each resource, by its pointer.
    uris: FxHashMap<String, String>,
    /// The pointer of each anchor, by resource pointer and name.
    anchors: FxHashMap<(String, String), String>,
}

/// The URI of a document that does not say its own.
const UNNAMED: &str = "schema:///";

impl References {
    /// Finds the resources and anchors of `document`. Nesting is bounded by the parser.
    pub(super) fn of(document: &Value, draft: Draft) -> Self {
        let mut references =
            Self { resources: FxHashMap::default(), uris: FxHashMap::default(), anchors: FxHashMap::default() };
        references.resources.insert(UNNAMED.to_owned(), String::new());
        references.uris.insert(String::new(), UNNAMED.to_owned());
        references.scan(document, String::new(), String::new(), draft);
        references
    }

    fn scan(&mut self, value: &Value, place: String, mut resource: String, draft: Draft) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.scan(item, pointer::push(&place, &index.to_string()), resource.clone(), draft);
                }
            }
            Value::Object(members) => {
                let id_keyword = if draft == Draft::Draft4 { "id" } else { "$id" };
                let shadowed = draft <= Draft::Draft7 && members.contains_key("$ref");
                if let Some(id) = members.get(id_keyword).and_then(Value::as_str)
                    && !shadowed
                {
                    match id.strip_prefix('#') {
                        Some(anchor) if draft <= Draft::Draft7 => {
                            self.anchors.insert((resource.clone(), anchor.to_owned()), place.clone());
                        }
                        _ => {
                            let base = self.uris.get(&resource).map_or(UNNAMED, String::as_str);
                            let uri = resolve(base, id.split('#').next().unwrap_or(""));
                            resource.clone_from(&place);
                            self.resources.entry(uri.clone()).or_insert_with(|| place.clone());
                            self.uris.insert(place.clone(), uri);
                        }
                    }
                }
                if draft >= Draft::Draft2019 {
                    for keyword in ["$anchor", "$dynamicAnchor"] {
                        if let Some(anchor) = members.get(keyword).and_then(Value::as_str) {
                            self.anchors.insert((resource.clone(), anchor.to_owned()), place.clone());
                        }
                    }
                }
                for (key, member) in members {
                    if !matches!(key.as_str(), "enum" | "const" | "default" | "examples") || member.is_object() {
                        self.scan(member, pointer::push(&place, key), resource.clone(), draft);
                    }
                }
            }
            _ => {}
        }
    }

    /// The pointer of the schema that `reference` names, as written in the schema at `place`.
    ///
    /// # Errors
    /// A reference out of the document is unsupported; what cannot be read or found in it is a mistake.
    pub(super) fn resolve(&self, place: &str, reference: &str) -> Result<String, (Code, String)> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resource = self.resource_of(place);
        let target = if uri.is_empty() {
            resource
        } else {
            let base = self.uris.get(resource).map_or(UNNAMED, String::as_str);
            let absolute = resolve(base, uri);
            self.resources.get(&absolute).map(String::as_str).ok_or_else(|| {
                let reason = "only references into the document are followed";
                (Code::Unsupported, format!("`{reference}` is outside the document, and {reason}"))
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
    fn resource_of(&self, place: &str) -> &str {
        let mut prefix = place;
        loop {
            if let Some((resource, _)) = self.uris.get_key_value(prefix) {
                return resource;
            }
            prefix = prefix.rfind('/').map_or("", |end| &prefix[..end]);
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
        let references = References::of(&document, Draft::Draft2020);
        let resolve = |place, reference| references.resolve(place, reference);
        assert_eq!(resolve("", "t#n").as_deref(), Ok("/$defs/t"));
        assert_eq!(resolve("/$defs/t/$defs/u", "#/$defs/u").as_deref(), Ok("/$defs/t/$defs/u"));
        assert_eq!(resolve("/$defs/t", "s").as_deref(), Ok(""));
        assert_eq!(resolve("", "#/$defs/a~1b%25").as_deref(), Ok("/$defs/a~1b%"));
        assert!(resolve("", "http://elsewhere/").is_err());
        assert!(resolve("", "#n").is_err());
    }
}
