//! Transactions: submitted, waiting, final; accounts that send them.

use aula_ledger::keys::PublicKey;
use aula_ledger::state::schema::Member;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::{AccountId, Hash, Height};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::PublicEvent;
use crate::records;
use crate::registers::Statement;

/// A transaction in a final block, without its rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Outline {
    /// What `/v1/transactions/{id}` asks for: 64 hex digits.
    #[schema(value_type = String)]
    pub id: Hash,
    /// The ledger's name of the kind, for example `AnchorStates`.
    pub kind: String,
    /// The account that sent it: 40 hex digits.
    pub account: String,
    /// How many transactions the account had sent before it.
    pub sequence: u64,
    /// The length of the signed transaction in bytes; none for a batch of requests.
    pub bytes: Option<usize>,
    /// How many entries it carries, 1 when it is not a batch; none for a batch of requests.
    pub entries: Option<usize>,
    /// The receipt's number; 0 is accepted.
    pub code: u16,
    /// The number in words.
    pub meaning: String,
    /// Whether anybody may have it whole, with its proof; not when it names a student or a count that is withheld.
    pub provable: bool,
    /// What it did, in order; empty when it was rejected.
    pub events: Vec<PublicEvent>,
}

/// A transaction with its place in the chain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Its number in the chain, from 0: what cursors are made of.
    pub ordinal: u64,
    /// The height of the block that holds it.
    pub height: u64,
    /// The position in the block, from 0.
    pub index: u32,
    /// Block time in ms since 1970 UTC.
    pub time_ms: u64,
    /// What the public sees of it.
    #[serde(flatten)]
    pub outline: Outline,
    /// Its events in sentences.
    pub words: Vec<String>,
    /// Of a funder's statement: whether it is of the money as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
}

/// A page of transactions, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page {
    /// The height up to which transactions are listed.
    pub height: u64,
    /// How many the chain has (of the kinds asked for).
    pub count: u64,
    /// The transactions, newest first; empty when none of the kinds asked for is left.
    pub transactions: Vec<Line>,
    /// The `before` of the next page; none at the first transaction.
    pub next: Option<u64>,
}

/// A transaction that waits now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Submitted {
    /// Ask with it for what became of the transaction: 64 hex digits.
    #[schema(value_type = String)]
    pub id: TransactionId,
}

/// What this node knows of a transaction.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TransactionStatus {
    /// The transaction that was asked for: 64 hex digits.
    #[schema(value_type = String)]
    pub id: TransactionId,
    /// `unknown`: never seen, or forgotten; `pending`: waits; `final`: executed in a final block; `rejected`: in a
    /// final block, and the state refused it.
    pub status: String,
    /// The receipt's number, 0 for accepted; left out until the transaction is in a final block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The number in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// The position of a batch's first bad entry, from 0; left out where no entry is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u32>,
    /// The height of the block that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// The position in the block, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// What it did, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<PublicEvent>>,
    /// Whether the statement of money that it made still stands; none when it made none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Statement>,
}

impl TransactionStatus {
    /// Whether this node never saw it, or forgot it.
    pub fn is_unknown(&self) -> bool {
        self.status == "unknown"
    }
}

/// An account: its current key, next sequence number, and the member it is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccountStatus {
    /// The account that was asked for: 40 hex digits.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// The final block whose state this is.
    #[schema(value_type = u64)]
    pub height: Height,
    /// The member; none for an account that is none.
    #[schema(value_type = Option<records::Member>)]
    pub member: Option<Member>,
    /// The key its transactions are signed with.
    #[schema(value_type = String)]
    pub public_key: PublicKey,
    /// The sequence number of its next transaction.
    pub sequence: u64,
}
