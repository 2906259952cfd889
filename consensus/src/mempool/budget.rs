//! What a block may still hold, counted as the ledger's rules count it.

use std::collections::BTreeMap;

use aula_ledger::chain::Transaction;
use aula_ledger::params::Params;
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::tx::PayloadKind;
use aula_ledger::types::{AccountId, Height};

/// Why a transaction does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The block would be over this parameter.
    #[error("the block would be over {0}")]
    Over(&'static str),
    /// The state could not be read.
    #[error(transparent)]
    Broken(#[from] StoreError),
}

/// What a transaction costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The sender.
    pub account: AccountId,
    /// Bytes.
    pub bytes: u64,
    /// Signatures, the envelope's included.
    pub signatures: u32,
    /// Range-proved values.
    pub range_values: u32,
    rounds: u32,
}

/// What a transaction of so many canonical bytes costs.
pub fn cost_of(transaction: &Transaction, bytes: usize) -> Cost {
    let payload = &transaction.body.payload;
    Cost {
        account: transaction.body.account,
        bytes: bytes as u64,
        signatures: payload.signatures(),
        range_values: payload.range_values(),
        rounds: u32::from(payload.kind() == PayloadKind::RunRound),
    }
}

/// What a block may still hold.
#[derive(Clone)]
pub struct Budget<'a> {
    _state: &'a dyn StateReader,
    params: Params,
    bytes: u64,
    signatures: u64,
    range_values: u64,
    rounds: u64,
    accounts: BTreeMap<AccountId, u64>,
}

impl<'a> Budget<'a> {
    /// A whole block's.
    pub fn of(state: &'a dyn StateReader, _next: Height, params: Params) -> Self {
        Self {
            _state: state,
            params,
            bytes: 0,
            signatures: 0,
            range_values: 0,
            rounds: 0,
            accounts: BTreeMap::new(),
        }
    }

    /// The parameters it counts by.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// True when no further transaction can fit, whichever it is.
    pub fn is_full(&self) -> bool {
        self.signatures >= u64::from(self.params.max_block_signatures)
            || self.bytes >= u64::from(self.params.max_block_bytes)
    }

    /// Takes a transaction of this cost into the block.
    ///
    /// # Errors
    /// [`Full`]; then nothing is charged.
    pub fn charge(&mut self, cost: &Cost) -> Result<(), Full> {
        let params = &self.params;
        let sent = self.accounts.get(&cost.account).copied().unwrap_or(0);
        let all = [
            (self.bytes, cost.bytes, params.max_block_bytes, "max_block_bytes"),
            (self.signatures, cost.signatures.into(), params.max_block_signatures, "max_block_signatures"),
            (
                self.range_values,
                cost.range_values.into(),
                params.max_block_range_values,
                "max_block_range_values",
            ),
            (self.rounds, cost.rounds.into(), params.max_block_rounds, "max_block_rounds"),
            (sent, 1, params.max_block_account_transactions, "max_block_account_transactions"),
        ];
        if let Some((.., limit)) =
            all.into_iter().find(|(used, more, most, _)| used + more > u64::from(*most))
        {
            return Err(Full::Over(limit));
        }
        self.bytes += cost.bytes;
        self.signatures += u64::from(cost.signatures);
        self.range_values += u64::from(cost.range_values);
        self.rounds += u64::from(cost.rounds);
        *self.accounts.entry(cost.account).or_default() += 1;
        Ok(())
    }
}
