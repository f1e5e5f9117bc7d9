//! Listed values: those of `enum` and `const`.

use std::hash::{Hash, Hasher};
use std::ops::Deref;

use rustc_hash::FxHashSet;
use serde_json::Value;

use super::evaluate::is_equal;
use super::value_key::value_key;

/// The values of an `enum` or a `const`, in the order of the document.
#[derive(Debug, Clone)]
pub(super) struct ValueList {
    values: Vec<Value>,
    /// What longer lists are searched by.
    keys: Option<FxHashSet<String>>,
}

/// Shorter lists are searched one by one.
const MIN_INDEXED: usize = 16;

impl ValueList {
    pub(super) fn new(values: Vec<Value>) -> Self {
        let keys = (values.len() >= MIN_INDEXED).then(|| values.iter().map(value_key).collect());
        Self { values, keys }
    }

    /// Whether a value equal to `value` is listed.
    pub(super) fn lists(&self, value: &Value) -> bool {
        match &self.keys {
            Some(keys) => keys.contains(&value_key(value)),
            None => self.values.iter().any(|listed| is_equal(listed, value)),
        }
    }
}

impl Deref for ValueList {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.values
    }
}

impl<'a> IntoIterator for &'a ValueList {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

impl PartialEq for ValueList {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Eq for ValueList {}

impl Hash for ValueList {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.values.hash(state);
    }
}
