//! A state some blocks after one that is held: what the blocks wrote, above what was there.

use std::collections::BTreeMap;
use std::sync::Arc;

use aula_ledger::proof::BulkTree;
use aula_ledger::state::{Record, StateReader, StateWrites, StoreError, TreeLabel};
use aula_ledger::types::Handle;

/// A state, and what was written above it since.
pub struct Later {
    base: Arc<dyn StateReader>,
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    map_nodes: BTreeMap<Vec<u8>, Vec<u8>>,
    trees: BTreeMap<TreeLabel, Arc<BulkTree>>,
    rows: BTreeMap<TreeLabel, BTreeMap<Handle, Vec<u8>>>,
}

impl Later {
    /// Nothing was written yet.
    pub fn of(base: Arc<dyn StateReader>) -> Self {
        Self {
            base,
            values: BTreeMap::new(),
            map_nodes: BTreeMap::new(),
            trees: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    /// Applies what a block changes.
    pub fn apply(&mut self, writes: StateWrites) {
        self.values.extend(writes.values);
        for key in &writes.stale_map_nodes {
            // One of the base stays, and is read by nobody.
            self.map_nodes.remove(key);
        }
        self.map_nodes.extend(writes.map_nodes);
        self.trees.extend(writes.trees);
        for (label, rows) in writes.rows {
            self.rows.entry(label).or_default().extend(rows);
        }
    }
}

impl StateReader for Later {
    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.values.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.base.value(key),
        }
    }

    fn values(&self, prefix: &[u8]) -> Result<Vec<Record>, StoreError> {
        let written: Vec<_> =
            self.values.range(prefix.to_vec()..).take_while(|(key, _)| key.starts_with(prefix)).collect();
        let before = self.base.values(prefix)?;
        if written.is_empty() {
            return Ok(before);
        }
        let mut all: BTreeMap<_, _> = before.into_iter().collect();
        for (key, value) in written {
            match value {
                Some(value) => drop(all.insert(key.clone(), value.clone())),
                None => drop(all.remove(key)),
            }
        }
        Ok(all.into_iter().collect())
    }

    fn map_node(&self, node_key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.map_nodes.get(node_key) {
            Some(node) => Ok(Some(node.clone())),
            None => self.base.map_node(node_key),
        }
    }

    fn tree(&self, label: &str) -> Result<Option<Arc<BulkTree>>, StoreError> {
        match self.trees.get(label) {
            Some(tree) => Ok(Some(tree.clone())),
            None => self.base.tree(label),
        }
    }

    fn row(&self, label: &str, handle: &Handle) -> Result<Option<Vec<u8>>, StoreError> {
        match self.rows.get(label).and_then(|rows| rows.get(handle)) {
            Some(row) => Ok(Some(row.clone())),
            None => self.base.row(label, handle),
        }
    }

    fn rows(&self, label: &str) -> Result<Vec<(Handle, Vec<u8>)>, StoreError> {
        let before = self.base.rows(label)?;
        let Some(written) = self.rows.get(label) else { return Ok(before) };
        let mut all: BTreeMap<_, _> = before.into_iter().collect();
        all.extend(written.iter().map(|(handle, row)| (*handle, row.clone())));
        Ok(all.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use aula_ledger::state::MemoryState;

    use super::*;

    fn writes(values: &[(&str, Option<&str>)], rows: &[(u8, &str)]) -> StateWrites {
        StateWrites {
            values: values
                .iter()
                .map(|(key, value)| (key.as_bytes().to_vec(), value.map(|value| value.as_bytes().to_vec())))
                .collect(),
            map_nodes: values.iter().map(|(key, _)| (key.as_bytes().to_vec(), vec![1])).collect(),
            rows: BTreeMap::from([(
                "t".to_owned(),
                rows.iter().map(|(handle, row)| (Handle([*handle; 32]), row.as_bytes().to_vec())).collect(),
            )]),
            ..StateWrites::default()
        }
    }

    #[test]
    fn it_reads_as_a_state_that_all_was_written_to() -> Result<(), StoreError> {
        let first =
            writes(&[("a/1", Some("x")), ("a/2", Some("y")), ("b", Some("z"))], &[(1, "one"), (3, "three")]);
        let second = writes(&[("a/1", None), ("a/3", Some("new"))], &[(2, "two"), (3, "other")]);
        let third = writes(&[("a/1", Some("back")), ("b", None)], &[]);
        let (mut base, mut whole) = (MemoryState::new(), MemoryState::new());
        base.apply(first.clone());
        let mut later = Later::of(Arc::new(base));
        whole.apply(first);
        for next in [second, third] {
            later.apply(next.clone());
            whole.apply(next);
            for prefix in ["", "a/", "a/1", "b", "c"] {
                assert_eq!(later.values(prefix.as_bytes())?, whole.values(prefix.as_bytes())?, "{prefix}");
                assert_eq!(later.value(prefix.as_bytes())?, whole.value(prefix.as_bytes())?, "{prefix}");
            }
            assert_eq!(later.rows("t")?, whole.rows("t")?);
            assert_eq!(later.rows("u")?, whole.rows("u")?);
            for handle in 0..5 {
                let handle = Handle([handle; 32]);
                assert_eq!(later.row("t", &handle)?, whole.row("t", &handle)?);
            }
        }
        assert_eq!(later.map_node(b"a/2")?, Some(vec![1]));
        Ok(())
    }
}
