//! A tree of many rows, strictly ascending by handle: a district's students, a round's requests.

use crate::types::{Handle, Hash};

/// The keys and leaf hashes of a bulk tree, strictly ascending by handle. Cloned cheaply behind an `Arc`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkTree {
    leaves: Vec<(Handle, Hash)>,
}

impl BulkTree {
    /// The leaves, ascending by handle.
    pub fn leaves(&self) -> &[(Handle, Hash)] {
        &self.leaves
    }
}
