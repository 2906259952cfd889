//! From a folder of chunks to a state in memory, for whoever executes blocks from there on without a database of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use aula_ledger::proof::bulk_tree::{BulkTree, row_leaf};
use aula_ledger::state::{MemoryState, StateWrites};
use aula_ledger::types::Handle;

use super::error::SnapshotError;
use super::folder::Kept;
use super::install::count;
use super::read::{Kind, Records};
use super::state::StateCheck;

/// Bytes of a handle, at the end of a row's key.
const HANDLE: usize = 32;

/// The state of a snapshot of one's own: every chunk and the whole state are checked against the manifest's root, but not that its
/// block is final, which [`verify`](super::verify) tells of one that came from elsewhere.
///
/// # Errors
/// [`SnapshotError`] names what is wrong, and the chunk.
pub fn load(kept: &Kept) -> Result<MemoryState, SnapshotError> {
    let (mut check, mut records) = (StateCheck::default(), Records::of(kept));
    let mut writes = StateWrites::default();
    let mut leaves: BTreeMap<String, Vec<_>> = BTreeMap::new();
    while let Some(record) = records.next()? {
        check.take(record.kind, &record.key, &record.value)?;
        if record.kind == Kind::Value {
            writes.values.insert(record.key, Some(record.value));
            continue;
        }
        // The check refused a key that is another.
        let Some((label, handle)) = record.key.split_last_chunk::<HANDLE>() else { continue };
        let label = String::from_utf8_lossy(label.get(1..).unwrap_or_default()).into_owned();
        let handle = Handle(*handle);
        leaves.entry(label.clone()).or_default().push((handle, row_leaf(&handle, &record.value)));
        writes.rows.entry(label).or_default().insert(handle, record.value);
    }
    count(&check, &kept.manifest)?;
    writes.map_nodes = check.finish(kept.manifest.height, kept.manifest.state_root)?.nodes;
    for (label, leaves) in leaves {
        let tree = BulkTree::from_leaves(leaves).map_err(|error| SnapshotError::State(error.to_string()))?;
        writes.trees.insert(label, Arc::new(tree));
    }
    let mut state = MemoryState::new();
    state.apply(writes);
    Ok(state)
}
