//! Which keywords exist in which draft.

/// A version of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    /// Draft 4.
    Draft4,
    /// Draft 6.
    Draft6,
    /// Draft 7.
    Draft7,
    /// 2019-09.
    Draft2019,
    /// 2020-12.
    Draft2020,
}

/// What a `$schema` names.
pub(super) enum Named {
    /// A version of the standard.
    Draft(Draft),
    /// A version of the standard that is not supported.
    Unsupported,
    /// Something else.
    Unknown,
}

impl Named {
    /// What has this URI.
    pub(super) fn from_uri(uri: &str) -> Self {
        let uri = uri.trim_end_matches('#');
        let name = uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://")).unwrap_or(uri);
        match name {
            "json-schema.org/draft-04/schema" => Self::Draft(Draft::Draft4),
            "json-schema.org/draft-06/schema" => Self::Draft(Draft::Draft6),
            "json-schema.org/draft-07/schema" => Self::Draft(Draft::Draft7),
            "json-schema.org/draft/2019-09/schema" => Self::Draft(Draft::Draft2019),
            "json-schema.org/draft/2020-12/schema" | "json-schema.org/schema" => Self::Draft(Draft::Draft2020),
            "json-schema.org/draft-03/schema"
            | "json-schema.org/draft-02/schema"
            | "json-schema.org/draft-01/schema"
            | "json-schema.org/draft-00/schema"
            | "json-schema.org/draft/next/schema" => Self::Unsupported,
            _ => Self::Unknown,
        }
    }
}

/// What a keyword does in a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It may constrain values.
    Constraint,
    /// It is of the standard and constrains nothing.
    Annotation,
    /// The draft does not know it; by the standard it is an annotation.
    Unknown,
}

/// The role of `keyword` in `draft`.
pub(super) fn role(keyword: &str, draft: Draft) -> Role {
    use Draft::{Draft4, Draft6, Draft7, Draft2019, Draft2020};
    let (since, until) = match keyword {
        "type"
        | "enum"
        | "minimum"
        | "maximum"
        | "exclusiveMinimum"
        | "exclusiveMaximum"
        | "multipleOf"
        | "minLength"
        | "maxLength"
        | "pattern"
        | "format"
        | "items"
        | "minItems"
        | "maxItems"
        | "uniqueItems"
        | "properties"
        | "patternProperties"
        | "additionalProperties"
        | "required"
        | "minProperties"
        | "maxProperties"
        | "allOf"
        | "anyOf"
        | "oneOf"
        | "not"
        | "$ref" => (Draft4, Draft2020),
        "const" | "contains" | "propertyNames" => (Draft6, Draft2020),
        "if" | "then" | "else" => (Draft7, Draft2020),
        "additionalItems" => (Draft4, Draft2019),
        // Removed in 2019-09; still read there, since what it says is plain and dropping it would widen.
        "dependencies" => (Draft4, Draft2020),
        "dependentRequired"
        | "dependentSchemas"
        | "minContains"
        | "maxContains"
        | "unevaluatedItems"
        | "unevaluatedProperties" => (Draft2019, Draft2020),
        "$recursiveRef" => (Draft2019, Draft2019),
        "prefixItems" | "$dynamicRef" => (Draft2020, Draft2020),
        _ => return if is_annotation(keyword) { Role::Annotation } else { Role::Unknown },
    };
    if since <= draft && draft <= until { Role::Constraint } else { Role::Unknown }
}

/// Whether `keyword` may constrain values in some draft.
pub(super) fn is_constraint(keyword: &str) -> bool {
    use Draft::{Draft4, Draft6, Draft7, Draft2019, Draft2020};
    [Draft4, Draft6, Draft7, Draft2019, Draft2020].into_iter().any(|draft| role(keyword, draft) == Role::Constraint)
}

/// A set of keywords that a meta-schema may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vocabulary {
    /// Keywords that hold schemas.
    Applicator,
    /// `unevaluatedItems` and `unevaluatedProperties`.
    Unevaluated,
    /// Keywords that say something of a value by themselves.
    Validation,
    /// What is always there, or constrains nothing.
    Other,
}

impl Vocabulary {
    /// The vocabulary of the standard with this URI.
    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        let name = ["2019-09", "2020-12"]
            .iter()
            .find_map(|draft| uri.strip_prefix(&format!("https://json-schema.org/draft/{draft}/vocab/")))?;
        Some(match name {
            "applicator" => Self::Applicator,
            "unevaluated" => Self::Unevaluated,
            "validation" => Self::Validation,
            "core" | "format" | "format-annotation" | "format-assertion" | "content" | "meta-data" => Self::Other,
            _ => return None,
        })
    }

    /// The vocabulary of a keyword.
    pub(super) fn of(keyword: &str) -> Self {
        match keyword {
            "unevaluatedItems" | "unevaluatedProperties" => Self::Unevaluated,
            "prefixItems"
            | "items"
            | "additionalItems"
            | "contains"
            | "properties"
            | "patternProperties"
            | "additionalProperties"
            | "propertyNames"
            | "dependentSchemas"
            | "dependencies"
            | "allOf"
            | "anyOf"
            | "oneOf"
            | "not"
            | "if"
            | "then"
            | "else" => Self::Applicator,
            "type" | "enum" | "const" | "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum"
            | "multipleOf" | "minLength" | "maxLength" | "pattern" | "minItems" | "maxItems" | "uniqueItems"
            | "minContains" | "maxContains" | "required" | "minProperties" | "maxProperties" | "dependentRequired" => {
                Self::Validation
            }
            _ => Self::Other,
        }
    }
}

fn is_annotation(keyword: &str) -> bool {
    matches!(
        keyword,
        "$schema"
            | "$id"
            | "id"
            | "$anchor"
            | "$dynamicAnchor"
            | "$recursiveAnchor"
            | "$vocabulary"
            | "$comment"
            | "$defs"
            | "definitions"
            | "title"
            | "description"
            | "default"
            | "examples"
            | "deprecated"
            | "readOnly"
            | "writeOnly"
            | "contentEncoding"
            | "contentMediaType"
            | "contentSchema"
    )
}

/// Whether `format` is one that the standard defines in some draft.
pub(super) fn is_known_format(format: &str) -> bool {
    matches!(
        format,
        "date"
            | "time"
            | "date-time"
            | "duration"
            | "email"
            | "idn-email"
            | "hostname"
            | "idn-hostname"
            | "ipv4"
            | "ipv6"
            | "uri"
            | "uri-reference"
            | "iri"
            | "iri-reference"
            | "uri-template"
            | "uuid"
            | "json-pointer"
            | "relative-json-pointer"
            | "regex"
    )
}
