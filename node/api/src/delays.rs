//! What waits too long for a block, and whom blocks pass over.

use aula_ledger::tx::TransactionId;
use aula_ledger::types::{AccountId, ValidatorAddress};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What waits in this node's pool, as far as time goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delays {
    /// Age of the oldest transaction that a block could hold, in ms; none when nothing waits.
    pub oldest_waiting_ms: Option<u64>,
    /// Accounts whose next transaction three blocks in a row or more, that had room for it, left out: as seen by this node.
    pub passed_over: Vec<PassedOver>,
}

/// An account that blocks with room pass over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PassedOver {
    /// Who sent the transaction: 40 hex digits.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// What waits: the next transaction of the account, 64 hex digits.
    #[schema(value_type = String)]
    pub transaction: TransactionId,
    /// Blocks with room that left it out.
    pub blocks: u32,
    /// Who built them.
    pub by: Vec<Builder>,
}

/// A validator that built such blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Builder {
    /// Its address: 40 hex digits.
    #[schema(value_type = String)]
    pub validator: ValidatorAddress,
    /// How many of them.
    pub blocks: u32,
}

impl PassedOver {
    /// In a sentence, with the validators' names where they are known.
    pub fn words(&self, name: impl Fn(&ValidatorAddress) -> String) -> String {
        let by: Vec<String> =
            self.by.iter().map(|one| format!("{} ({})", name(&one.validator), one.blocks)).collect();
        format!(
            "account {}: {} blocks with room left its transaction {} out, built by {}",
            self.account,
            self.blocks,
            self.transaction,
            by.join(", ")
        )
    }
}
