//! Validators that are admitted and have no power yet: what they wait for, by the block time of a view.

pub use aula_api::chain::WaitingLine;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, WaitingValidator};

use aula_store::ChainView;

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
        WaitingLine { record, ready_until_ms, standing: standing.to_owned() }
    };
    Ok(schema::waiting_validators(view)?.into_iter().map(line).collect())
}
