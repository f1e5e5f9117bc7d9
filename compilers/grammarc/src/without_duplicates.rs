//! JSON in which no object has a member twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Any value; it is an error if an object in it has two members of one name, of which others see only the last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WithoutDuplicates;

impl<'de> Deserialize<'de> for WithoutDuplicates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = WithoutDuplicates;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(WithoutDuplicates)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(WithoutDuplicates)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(WithoutDuplicates)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(WithoutDuplicates)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(WithoutDuplicates)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(WithoutDuplicates)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<WithoutDuplicates>()?.is_some() {}
        Ok(WithoutDuplicates)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut names: HashSet<String> = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            members.next_value::<WithoutDuplicates>()?;
            if let Some(name) = names.replace(name) {
                return Err(A::Error::custom(format_args!(
                    "the member {name:?} is there twice; leave one of them out"
                )));
            }
        }
        Ok(WithoutDuplicates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_there_twice_are_found_wherever_they_are() {
        let read = |text: &str| serde_json::from_str::<WithoutDuplicates>(text).map_err(|error| error.to_string());
        for text in
            ["{}", "[1, -2, 1.5, 1e400, 123456789012345678901234567890]", r#"{"a": {"a": null}, "b": [true, "x"]}"#]
        {
            assert!(read(text).is_ok(), "{text}: {:?}", read(text));
        }
        for text in [r#"{"a": 1, "a": 2}"#, r#"[{"b": {"a": 1, "\u0061": 2}}]"#] {
            let error = read(text).expect_err("a member is there twice");
            assert!(error.contains("the member \"a\" is there twice"), "{error}");
        }
        assert!(read(r#"{"a": 1"#).is_err());
    }
}
