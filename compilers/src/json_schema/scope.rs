//! Dynamic scopes: which dynamic anchors a `$dynamicRef` finds.
//!
//! A dynamic reference leads to the outermost of the resources that were entered on the way to it and have the anchor.
//! So of that way only the first resource for each anchor matters. A schema is read once for each such scope.

use rustc_hash::FxHashMap;

use super::reference::References;

/// A scope in [`Scopes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct ScopeId(usize);

/// All scopes that are met; the first is the empty one.
#[derive(Debug)]
pub(super) struct Scopes {
    /// Per scope: the pointer of each anchor, in the order of their names.
    list: Vec<Vec<(String, String)>>,
    ids: FxHashMap<Vec<(String, String)>, ScopeId>,
}

/// More scopes than this are refused.
pub(super) const MAX_SCOPES: usize = 4_096;

impl Scopes {
    /// The empty scope.
    pub(super) fn new() -> Self {
        Self { list: vec![Vec::new()], ids: FxHashMap::from_iter([(Vec::new(), ScopeId::default())]) }
    }

    /// The scope inside `resource`, entered from `scope`; `None` when there are too many scopes.
    pub(super) fn enter(&mut self, scope: ScopeId, resource: &str, references: &References) -> Option<ScopeId> {
        let anchors = references.dynamic_anchors(resource);
        if anchors.iter().all(|(name, _)| self.find(scope, name).is_some()) {
            return Some(scope);
        }
        let mut inner = self.list[scope.0].clone();
        for anchor in anchors {
            if let Err(place) = inner.binary_search_by(|(name, _)| name.cmp(&anchor.0)) {
                inner.insert(place, anchor.clone());
            }
        }
        if let Some(&known) = self.ids.get(&inner) {
            return Some(known);
        }
        let id = ScopeId(self.list.len());
        self.ids.insert(inner.clone(), id);
        self.list.push(inner);
        (id.0 < MAX_SCOPES).then_some(id)
    }

    /// The pointer of the outermost anchor called `name`.
    pub(super) fn find(&self, scope: ScopeId, name: &str) -> Option<&str> {
        let anchors = &self.list[scope.0];
        let index = anchors.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        Some(&anchors[index].1)
    }
}
