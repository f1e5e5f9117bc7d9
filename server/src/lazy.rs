//! JSON that is made while it is written, so that large parts of an answer are never there as values, which take ten times the
//! room of their text.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A list whose elements are made one at a time.
pub(crate) struct Each<'a, T, F> {
    of: &'a [T],
    make: F,
}

/// The list of what `make` makes of each element.
pub(crate) fn each<'a, T, V: Serialize, F: Fn(&'a T) -> V>(of: &'a [T], make: F) -> Each<'a, T, F> {
    Each { of, make }
}

impl<'a, T, V: Serialize, F: Fn(&'a T) -> V> Serialize for Each<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.of.iter().map(&self.make))
    }
}

/// An object, some of whose members are made when it is their turn.
pub(crate) struct With<F> {
    /// All members; of those that are made it says where they stand.
    pub(crate) object: Value,
    /// The member of a name, if it is one that is made.
    pub(crate) make: F,
}

impl<M: Serialize, F: Fn(&str) -> Option<M>> Serialize for With<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(object) = self.object.as_object() else { return self.object.serialize(serializer) };
        let mut map = serializer.serialize_map(Some(object.len()))?;
        for (name, value) in object {
            match (self.make)(name) {
                Some(made) => map.serialize_entry(name, &made)?,
                None => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{With, each};

    #[test]
    fn members_are_made_in_their_place() {
        let numbers = [1, 2];
        let make = |name: &str| (name == "b").then(|| each(&numbers, |number| json!({"n": number})));
        let object = |object| With { object, make };
        let text = serde_json::to_string(&object(json!({"a": 1, "b": null, "c": [2]}))).expect("it can be written");
        assert_eq!(text, r#"{"a":1,"b":[{"n":1},{"n":2}],"c":[2]}"#);
        assert_eq!(serde_json::to_string(&object(json!([3]))).expect("it can be written"), "[3]");
    }
}
