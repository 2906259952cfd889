//! Every limit, with its unit and its reason; and the parameters that members may vote to change.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::codec::Canonical;

/// Most bytes of a transaction: half a block, so that two large batches share one.
pub const MAX_TRANSACTION_BYTES: u64 = 2 * 1024 * 1024;

/// Parameters of the ledger: in the state, set by the genesis, changed by votes of members.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Most bytes of a block's transactions: 4 MiB reach a validator in well under the propose timeout.
    pub max_block_bytes: u32,
    /// Most transactions, hence signatures, in a block: about 60 ms of checking.
    pub max_block_signatures: u32,
    /// Most range-proved values in a block: about 200 ms of batch verification.
    pub max_block_range_values: u32,
    /// Most RunRound transactions in a block: one bounds the time a block takes.
    pub max_block_rounds: u32,
    /// Most transactions of one account in a block: nobody crowds the others out.
    pub max_block_account_transactions: u32,
    /// Most entries (student states, requests) in one transaction.
    pub max_batch_entries: u32,
    /// Most pools in a class.
    pub max_class_pools: u32,
    /// Work bound of one optimizer run: cost or price entries scanned.
    pub max_round_work: u64,
    /// Largest proven gap, in parts per million, at which a round's result is accepted.
    pub max_gap_ppm: u32,
    /// Equity weight e of W = 100 + ⌊e·d/100⌋ with d = 10·band + 5; 0..=1000.
    pub equity: u32,
    /// No published cell counts fewer students than this.
    pub min_cell_students: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_block_bytes: 4 * 1024 * 1024,
            max_block_signatures: 1_000,
            max_block_range_values: 1_024,
            max_block_rounds: 1,
            max_block_account_transactions: 1_000,
            max_batch_entries: 10_000,
            max_class_pools: 2_000,
            max_round_work: 1_000_000_000,
            max_gap_ppm: 3_000,
            equity: 73,
            min_cell_students: 10,
        }
    }
}

impl Canonical for Params {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "parameters";
    const MAX_BYTES: u64 = 1024;
}
