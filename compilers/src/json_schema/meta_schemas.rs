//! The meta-schemas of the drafts: schemas refer to them, and nothing is fetched.

use serde_json::Value;

macro_rules! published {
    ($($file:literal)*) => { [$(include_str!(concat!("meta_schemas/", $file))),*] };
}

/// What the URIs of the meta-schema of a draft begin with, and its documents. Each says its own URI.
const DRAFTS: [(&str, &[&str]); 5] = [
    ("http://json-schema.org/draft-04/schema", &published!("draft-04.json")),
    ("http://json-schema.org/draft-06/schema", &published!("draft-06.json")),
    ("http://json-schema.org/draft-07/schema", &published!("draft-07.json")),
    (
        "https://json-schema.org/draft/2019-09/",
        &published!(
            "2019-09/schema.json"
            "2019-09/applicator.json"
            "2019-09/content.json"
            "2019-09/core.json"
            "2019-09/format.json"
            "2019-09/meta-data.json"
            "2019-09/validation.json"
        ),
    ),
    (
        "https://json-schema.org/draft/2020-12/",
        &published!(
            "2020-12/schema.json"
            "2020-12/applicator.json"
            "2020-12/content.json"
            "2020-12/core.json"
            "2020-12/format-annotation.json"
            "2020-12/format-assertion.json"
            "2020-12/meta-data.json"
            "2020-12/unevaluated.json"
            "2020-12/validation.json"
        ),
    ),
];

/// The texts of the meta-schemas that references in `documents` lead to.
pub(super) fn referred_to<'d>(
    documents: impl Iterator<Item = &'d Value> + Clone,
) -> impl Iterator<Item = &'static str> {
    let is_wanted = move |prefix: &str| documents.clone().any(|document| refers_to(document, prefix));
    DRAFTS.into_iter().filter(move |(prefix, _)| is_wanted(prefix)).flat_map(|(_, texts)| texts.iter().copied())
}

/// The URI that a meta-schema says to be its own.
pub(super) fn uri(meta_schema: &Value) -> &str {
    let id = meta_schema.get("$id").or_else(|| meta_schema.get("id")).and_then(Value::as_str);
    id.unwrap_or_default()
}

/// Whether some reference in `value` begins with `prefix`. Nesting is bounded by the parser.
fn refers_to(value: &Value, prefix: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| refers_to(item, prefix)),
        Value::Object(members) => members.iter().any(|(key, member)| match member {
            Value::String(uri) => matches!(key.as_str(), "$ref" | "$dynamicRef") && uri.starts_with(prefix),
            _ => refers_to(member, prefix),
        }),
        _ => false,
    }
}
