//! The independent validator, the crate `jsonschema`.

use jsonschema::{Draft, Validator};
use serde_json::Value;

/// The validator of `schema`, by its `$schema` (2020-12 where that names no draft) and with formats asserted.
///
/// # Errors
/// When the crate does not take the schema.
pub fn validator(schema: &Value) -> Result<Validator, String> {
    let build = |schema: &Value, draft: Option<Draft>| {
        let mut options = jsonschema::options().should_validate_formats(true);
        if let Some(draft) = draft {
            options = options.with_draft(draft);
        }
        options.build(schema).map_err(|error| error.to_string())
    };
    build(schema, None).or_else(|error| {
        // A `$schema` that is not known and not there to be read.
        let mut plain = schema.clone();
        match plain.as_object_mut().and_then(|members| members.shift_remove("$schema")) {
            Some(_) => build(&plain, Some(Draft::Draft202012)),
            None => Err(error),
        }
    })
}

/// Why `text` is not valid; `None` if it is.
pub fn fault(validator: &Validator, text: &[u8]) -> Option<String> {
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => return Some(format!("not JSON: {error}")),
    };
    let error = validator.iter_errors(&value).next()?;
    let message: String = error.to_string().chars().take(SHOWN).collect();
    Some(format!("{}: {message}", error.schema_path()))
}

/// The longest part of a message that is shown.
const SHOWN: usize = 300;
