//! What became of a transaction, as a number: never text in the state.

use borsh::{BorshDeserialize, BorshSerialize};

use super::transaction::TransactionId;
use crate::code::Code;
use crate::codec::Canonical;
use crate::tx::Event;

/// A transaction's outcome, a leaf of the block's receipts tree. Canonical bytes, version 1.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// The labelled hash of its canonical bytes, signatures included.
    pub transaction: TransactionId,
    /// What became of it.
    pub code: Code,
    /// Of a rejected batch: the position of its first bad entry, from 0.
    pub entry: Option<u32>,
    /// What it did; of a rejected RunRound that cannot be met, why in numbers; else empty unless accepted.
    pub events: Vec<Event>,
}

impl Canonical for Receipt {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "receipt";
    const MAX_BYTES: u64 = 4 * 1024 * 1024;
}
