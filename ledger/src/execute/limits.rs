//! The limits of a block as a whole, checked before anything is executed.

use std::collections::BTreeMap;

use super::{ExecuteError, decode_transaction};
use crate::chain::Transaction;
use crate::params::Params;
use crate::tx::PayloadKind;
use crate::types::AccountId;

/// Decodes a block's transactions.
///
/// # Errors
/// [`ExecuteError::OverLimit`] with the parameter's name, or [`ExecuteError::Invalid`] for bytes that are no
/// transaction.
pub(super) fn decode_all(
    transactions: &[Vec<u8>],
    params: &Params,
) -> Result<Vec<Transaction>, ExecuteError> {
    let bytes = transactions.iter().fold(0u64, |sum, bytes| sum.saturating_add(bytes.len() as u64));
    within(bytes, params.max_block_bytes, "max_block_bytes")?;
    // Each has at least one signature, so nothing is decoded of a block that has too many.
    within(transactions.len() as u64, params.max_block_signatures, "max_block_signatures")?;
    let mut decoded = Vec::with_capacity(transactions.len());
    for (index, bytes) in (0u32..).zip(transactions) {
        decoded.push(decode_transaction(bytes).map_err(|code| ExecuteError::Invalid { index, code })?);
    }
    check(&decoded, params)?;
    Ok(decoded)
}

fn check(transactions: &[Transaction], params: &Params) -> Result<(), ExecuteError> {
    let (mut signatures, mut range_values, mut rounds) = (0u64, 0u64, 0u64);
    let mut by_account: BTreeMap<AccountId, u64> = BTreeMap::new();
    for transaction in transactions {
        let payload = &transaction.body.payload;
        signatures = signatures.saturating_add(u64::from(payload.signatures()));
        range_values = range_values.saturating_add(u64::from(payload.range_values()));
        rounds = rounds.saturating_add(u64::from(payload.kind() == PayloadKind::RunRound));
        let count = by_account.entry(transaction.body.account).or_default();
        *count = count.saturating_add(1);
    }
    within(signatures, params.max_block_signatures, "max_block_signatures")?;
    within(range_values, params.max_block_range_values, "max_block_range_values")?;
    within(rounds, params.max_block_rounds, "max_block_rounds")?;
    let busiest = by_account.values().copied().max().unwrap_or(0);
    within(busiest, params.max_block_account_transactions, "max_block_account_transactions")
}

fn within(value: u64, most: u32, limit: &'static str) -> Result<(), ExecuteError> {
    if value <= u64::from(most) { Ok(()) } else { Err(ExecuteError::OverLimit { limit }) }
}
