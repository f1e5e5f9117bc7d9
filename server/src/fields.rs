//! Fields of a request, read one by one, so that an error names the field.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// The most bytes of names, of a model or a request, that answers, and all events of streams, have in them.
const MAX_NAME: usize = 1_024;

/// The most characters of a number that messages say.
const MAX_SHOWN: usize = 40;

/// An object of a request. A field that is `null` counts as absent, and unknown fields are ignored.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// What stands before the names of fields in messages.
    path: String,
}

impl<'a> Fields<'a> {
    /// The fields of the body.
    pub(crate) fn of_body(body: &'a Value) -> Result<Self, ApiError> {
        match body {
            Value::Object(object) => Ok(Self { object, path: String::new() }),
            other => Err(wrong_type("the body", "an object", other)),
        }
    }

    /// The fields of `value`, which is at `path`.
    pub(crate) fn of(value: &'a Value, path: &str) -> Result<Self, ApiError> {
        match value {
            Value::Object(object) => Ok(Self { object, path: format!("{path}.") }),
            other => Err(wrong_type(path, "an object", other)),
        }
    }

    /// How the field is called in messages.
    pub(crate) fn name(&self, field: &str) -> String {
        format!("{}{field}", self.path)
    }

    /// The value of a field that is there.
    pub(crate) fn value(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &self,
        field: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.value(field) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong_type(&self.name(field), expected, value))
    }

    pub(crate) fn text(&self, field: &str) -> Result<Option<&'a str>, ApiError> {
        self.typed(field, "a string", Value::as_str)
    }

    /// A text that is said again in answers, so it is bounded.
    pub(crate) fn name_text(&self, field: &str) -> Result<Option<&'a str>, ApiError> {
        let text = self.text(field)?;
        match text.map_or(0, str::len) {
            0..=MAX_NAME => Ok(text),
            length => {
                let name = self.name(field);
                Err(ApiError::Invalid(format!("{name} must have at most {MAX_NAME} bytes, got {length}.")))
            }
        }
    }

    pub(crate) fn flag(&self, field: &str) -> Result<Option<bool>, ApiError> {
        self.typed(field, "true or false", Value::as_bool)
    }

    pub(crate) fn number(&self, field: &str) -> Result<Option<f64>, ApiError> {
        self.typed(field, "a number", Value::as_f64)
    }

    pub(crate) fn integer(&self, field: &str) -> Result<Option<i64>, ApiError> {
        match self.value(field) {
            // Numbers from 2⁶³ on are integers all the same.
            Some(value) if value.as_i64().is_none() && value.as_u64().is_some() => {
                let (name, most) = (self.name(field), i64::MAX);
                Err(ApiError::Invalid(format!("{name} must be at most {most}, got {value}.")))
            }
            _ => self.typed(field, "an integer", Value::as_i64),
        }
    }

    /// An integer that is not negative.
    pub(crate) fn count(&self, field: &str) -> Result<Option<usize>, ApiError> {
        match self.integer(field)? {
            None => Ok(None),
            Some(value) => match usize::try_from(value) {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(ApiError::Invalid(format!("{} must be at least 0, got {value}.", self.name(field)))),
            },
        }
    }

    pub(crate) fn list(&self, field: &str) -> Result<Option<&'a [Value]>, ApiError> {
        self.typed(field, "a list", |value| value.as_array().map(Vec::as_slice))
    }

    /// The fields of an object that is a field.
    pub(crate) fn object(&self, field: &str) -> Result<Option<Self>, ApiError> {
        self.value(field).map(|value| Self::of(value, &self.name(field))).transpose()
    }

    /// A string, or a list of strings.
    pub(crate) fn texts(&self, field: &str) -> Result<Vec<String>, ApiError> {
        let expected = "a string or a list of strings";
        let read = |value: &Value| match value {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(values) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        Ok(self.typed(field, expected, read)?.unwrap_or_default())
    }

    /// A list of token ids.
    pub(crate) fn token_ids(&self, field: &str) -> Result<Vec<u32>, ApiError> {
        let ids = self.typed(field, "a list of token ids", Value::as_array)?.map_or(&[][..], Vec::as_slice);
        let ids = ids.iter().enumerate().map(|(index, id)| {
            let wrong = || {
                let shown: String = id.to_string().chars().take(MAX_SHOWN).collect();
                ApiError::Malformed(format!("{}[{index}] must be a token id, got {shown}.", self.name(field)))
            };
            token_id(id).ok_or_else(wrong)
        });
        ids.collect()
    }

    /// Refuses a field that is neither absent nor at its `neutral` value.
    pub(crate) fn refuse(&self, field: &str, neutral: impl Fn(&Value) -> bool) -> Result<(), ApiError> {
        match self.value(field) {
            Some(value) if !neutral(value) => {
                let name = self.name(field);
                Err(ApiError::Invalid(format!("{name} is not supported by this server; leave it out.")))
            }
            _ => Ok(()),
        }
    }
}

/// The ids in a list of token ids.
pub(crate) fn token_ids(value: &Value) -> Option<Vec<u32>> {
    value.as_array()?.iter().map(token_id).collect()
}

fn token_id(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

fn wrong_type(name: &str, expected: &str, found: &Value) -> ApiError {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        // 1.5 is a number, and no integer.
        Value::Number(number) => number.to_string().chars().take(MAX_SHOWN).collect(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    ApiError::Malformed(format!("{name} must be {expected}, not {found}."))
}
