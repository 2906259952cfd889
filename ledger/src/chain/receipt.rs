//! What became of a transaction, as a number: never text in the state.

use borsh::{BorshDeserialize, BorshSerialize};

use super::transaction::TransactionId;
use crate::codec::Canonical;
use crate::tx::Event;

/// The outcome of a transaction. 0 is accepted; 1 to 99 make a BLOCK invalid and are told to the submitter;
/// 100 and above are rejections by the state: writes rolled back, sequence consumed, receipt kept.
/// Numbers are never reused. [`Code::explain`] says each in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u16)]
#[non_exhaustive]
pub enum Code {
    /// Executed.
    Accepted = 0,
    /// Bytes are not a canonical transaction.
    Malformed = 1,
    /// The signature does not verify.
    BadSignature = 2,
    /// For another chain.
    WrongChain = 3,
    /// Not the account's next sequence number (also: a replay).
    WrongSequence = 4,
    /// `valid_until_height` is past.
    Expired = 5,
    /// No such account.
    UnknownAccount = 6,
    /// Signed with a key that is not the account's current one.
    KeyNotCurrent = 7,
    /// A payload breaks a rule that needs no state.
    InvalidPayload = 8,
    /// More entries or bytes than a limit allows.
    Oversized = 9,
    /// The sender's role may not send this.
    RoleNotAllowed = 100,
}

/// A transaction's outcome, a leaf of the block's receipts tree. Canonical bytes, version 1.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// Which transaction.
    pub transaction: TransactionId,
    /// What became of it.
    pub code: Code,
    /// What it did; empty unless accepted.
    pub events: Vec<Event>,
}

impl Canonical for Receipt {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "receipt";
    const MAX_BYTES: u64 = 4 * 1024 * 1024;
}
