//! Names of types in the schemas of tools that are not JSON Schema's: clients write those of their language or database.

use serde_json::{Map, Value};

/// Keywords whose value is a schema, or a list of schemas.
const SCHEMAS: [&str; 16] = [
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
];

/// Keywords whose value has a schema in each member.
const MAPS: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// The type of JSON Schema that a name stands for in any case of its letters.
fn standard(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "string" | "str" | "text" | "varchar" | "char" | "enum" => "string",
        "integer" | "int" | "int8" | "int16" | "int32" | "int64" | "uint" | "uint8" | "uint16" | "uint32"
        | "uint64" | "long" | "short" | "bigint" | "unsigned" => "integer",
        "number" | "num" | "float" | "float32" | "float64" | "double" | "decimal" => "number",
        "boolean" | "bool" => "boolean",
        "object" | "dict" | "map" => "object",
        "array" | "arr" | "list" | "tuple" => "array",
        "null" | "none" => "null",
        _ => return None,
    })
}

/// Writes the types in `schema`, and in the schemas within it, by their names in JSON Schema.
pub(super) fn normalize(schema: &mut Value) {
    let mut open = vec![schema];
    while let Some(schema) = open.pop() {
        let schema = match schema {
            Value::Object(schema) => schema,
            Value::Array(schemas) => {
                open.extend(schemas);
                continue;
            }
            _ => continue,
        };
        normalize_type(schema);
        for (keyword, value) in schema.iter_mut() {
            match value {
                value if SCHEMAS.contains(&keyword.as_str()) => open.push(value),
                Value::Object(members) if MAPS.contains(&keyword.as_str()) => {
                    open.extend(members.iter_mut().map(|(_, schema)| schema));
                }
                _ => {}
            }
        }
    }
}

fn normalize_type(schema: &mut Map<String, Value>) {
    let is_of_values = schema.get("enum").is_some_and(Value::is_array);
    match schema.get_mut("type") {
        // The values say what they are.
        Some(Value::String(name)) if is_of_values && name.eq_ignore_ascii_case("enum") => {
            schema.remove("type");
        }
        Some(Value::String(name)) => normalize_name(name),
        Some(Value::Array(names)) => {
            for name in names {
                if let Value::String(name) = name {
                    normalize_name(name);
                }
            }
        }
        _ => {}
    }
}

fn normalize_name(name: &mut String) {
    if let Some(standard) = standard(name) {
        standard.clone_into(name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::normalize;

    #[test]
    fn types_are_renamed_where_they_are_types() {
        let mut schema = json!({
            "type": "dict",
            "properties": {
                "type": {"type": "VARCHAR", "default": {"type": "int"}},
                "sizes": {"type": "list", "items": {"anyOf": [{"type": ["int", "null"]}, {"type": "float"}]}},
                "kind": {"type": "enum", "enum": [1, "int"]},
                "other": {"type": "enum"},
                "odd": {"type": "nonsense", "const": {"type": "bool"}},
            },
            "$defs": {"a": {"type": "bool"}},
        });
        normalize(&mut schema);
        let expected = json!({
            "type": "object",
            "properties": {
                "type": {"type": "string", "default": {"type": "int"}},
                "sizes": {"type": "array", "items": {"anyOf": [{"type": ["integer", "null"]}, {"type": "number"}]}},
                "kind": {"enum": [1, "int"]},
                "other": {"type": "string"},
                "odd": {"type": "nonsense", "const": {"type": "bool"}},
            },
            "$defs": {"a": {"type": "boolean"}},
        });
        assert_eq!(schema, expected);
    }
}
