//! What share of a block transactions are.

use aula_ledger::execute::limits::Work;
use aula_ledger::params::Params;

use super::shapes::Pooled;

/// Shares of a block are counted in millionths.
pub(super) const WHOLE: u64 = 1_000_000;

/// What transactions use of a block, as far as their bytes say: what the state adds, [`Budget`](aula_ledger::execute::limits::Budget) counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) bytes: u64,
    pub(super) transactions: u64,
    pub(super) range_values: u64,
    pub(super) rounds: u64,
    pub(super) work: Work,
}

impl Use {
    pub(super) fn of<'p>(all: impl IntoIterator<Item = &'p Pooled>) -> Self {
        all.into_iter().fold(Self::default(), |sum, pooled| Self {
            bytes: sum.bytes.saturating_add(pooled.cost.bytes),
            transactions: sum.transactions.saturating_add(1),
            range_values: sum.range_values.saturating_add(pooled.cost.range_values.into()),
            rounds: sum.rounds.saturating_add(pooled.rounds),
            work: sum.work.saturating_add(pooled.cost.work),
        })
    }

    /// The share of a block that this is, by the limit it uses most of, in millionths.
    pub(super) fn share(self, params: &Params) -> u64 {
        let part = |used: u64, most: u64| match (used, most) {
            (0, _) => 0,
            (_, 0) => u64::MAX,
            (used, most) => {
                u64::try_from(u128::from(used) * u128::from(WHOLE) / u128::from(most)).unwrap_or(u64::MAX)
            }
        };
        let shares = [
            part(self.bytes, params.max_block_bytes.into()),
            part(self.transactions, params.max_block_signatures.into()),
            part(self.range_values, params.max_block_range_values.into()),
            part(self.rounds, params.max_block_rounds.into()),
            part(self.work, params.max_block_work),
        ];
        shares.into_iter().max().unwrap_or(0)
    }
}
