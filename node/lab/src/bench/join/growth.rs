//! What a block costs the disk for good: idle, and with as many transactions as the demo's blocks hold, before and after pruning.
//!
//! Flow: a chain of its own → blocks of one kind, of which all but the newest are pruned: the database's bytes are what a node
//! that prunes stands at → more blocks of the kind: the difference by them is what a block costs an archive → pruned again: the
//! difference to the first is what a block leaves behind for good. Once for idle blocks, once for those with transactions.
//!
//! Absent: the index of the read model, which a node writes behind the chain: some ten bytes a transaction.

use aula_home::Failure;
use aula_ledger::types::Height;
use aula_store::Pruned;
use serde_json::{Value, json};

use crate::bench::Folder;
use crate::bench::reads::past::{Size, Writer, begin};
use crate::{Tell, storage_failure};

/// Blocks that stay: the fewest that may.
const KEEP: u64 = 1_000;
/// Students whose states and milestones the transactions are of.
const STUDENTS: u64 = 5_000;
/// Transactions of a block where there are some, of districts' daily work: as many as the demo's 216 blocks hold in the mean (2,572
/// in all; some of those are batches of requests with their proofs, and larger).
const TRANSACTIONS: u64 = 12;
/// Blocks of a day at one a second, which is what idle nodes decide.
const BLOCKS_A_DAY: f64 = 86_400.0;

/// What a block of a kind costs, in bytes.
struct Cost {
    blocks: u64,
    kept: f64,
    pruned: f64,
}

/// Measures a chain of this size's validators, with idle blocks in proportion to the size's.
///
/// # Errors
/// When the database cannot be written.
pub(super) fn measure(size: &Size, tell: Tell<'_>) -> Result<Value, Failure> {
    let folder = Folder::temporary()?;
    let mut writer = begin(folder.path(), size)?;
    writer.enrol(STUDENTS)?;
    // Enough entries by hash that pruning rewrites their tables too.
    let (idle, busy) = ((size.empty_blocks * 3).max(3_000), (size.empty_blocks / 2).max(1_000));
    tell(format!("what {idle} idle blocks cost"));
    let idle = cost(&mut writer, idle, 0)?;
    tell(format!("what {busy} blocks with {TRANSACTIONS} transactions cost"));
    let busy = cost(&mut writer, busy, TRANSACTIONS)?;
    Ok(json!({ "idle": idle.told(0), "busy": busy.told(TRANSACTIONS) }))
}

fn cost(writer: &mut Writer, blocks: u64, transactions: u64) -> Result<Cost, Failure> {
    writer.blocks(KEEP + 1, transactions)?;
    let begun = prune(writer)?.bytes_after as f64;
    writer.blocks(blocks, transactions)?;
    let done = prune(writer)?;
    let each = |bytes: u64| (bytes as f64 - begun) / blocks as f64;
    Ok(Cost { blocks, kept: each(done.bytes_before), pruned: each(done.bytes_after) })
}

fn prune(writer: &Writer) -> Result<Pruned, Failure> {
    let tip = writer.db().latest().tip().height.0;
    writer.db().prune(Height(tip.saturating_sub(KEEP))).map_err(storage_failure)
}

impl Cost {
    fn told(&self, transactions: u64) -> Value {
        json!({
            "blocks": self.blocks, "transactions_a_block": transactions,
            "bytes_a_block": self.kept, "bytes_a_block_pruned": self.pruned,
            "bytes_a_day": self.kept * BLOCKS_A_DAY, "bytes_a_day_pruned": self.pruned * BLOCKS_A_DAY,
        })
    }
}
