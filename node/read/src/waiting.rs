//! Validators that are admitted and have no power yet: what they wait for, by the block time of a view.

use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, WaitingValidator};
use aula_ledger::types::TimeMs;
use serde::Serialize;

use aula_store::ChainView;

/// A validator that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingLine {
    /// The record.
    #[serde(flatten)]
    pub record: WaitingValidator,
    /// The last block time at which its node may say that it is ready.
    pub ready_until_ms: TimeMs,
    /// `waits`, `held`: another silent validator could stop the chain now, or `late`: another vote is needed.
    pub standing: &'static str,
}

impl WaitingLine {
    /// In words.
    pub fn words(&self) -> &'static str {
        match self.standing {
            "late" => "seven days are over without its word: its validator needs another vote",
            "held" => "held back: too few validators propose for one more that may be silent",
            _ => "waits for its own word that it is level with the chain",
        }
    }
}

/// All that wait, by address.
///
/// # Errors
/// When the database fails.
pub fn lines(view: &ChainView) -> Result<Vec<WaitingLine>, StoreError> {
    let tip = view.tip();
    let after = schema::validator_schedule(view)?.after;
    let live = u128::from(schema::live_power(view, &after, tip.height)?);
    let line = |record: WaitingValidator| {
        let ready_until_ms = record.ready_until_ms();
        let total = u128::from(after.total_power()) + u128::from(record.power);
        let standing = if tip.time_ms > ready_until_ms {
            "late"
        } else if live * 3 <= total * 2 {
            "held"
        } else {
            "waits"
        };
        WaitingLine { record, ready_until_ms, standing }
    };
    Ok(schema::waiting_validators(view)?.into_iter().map(line).collect())
}
