//! Every limit, with its unit and its reason; and the parameters that members may vote to change.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::codec::Canonical;
use crate::types::{SchoolYear, TimeMs};

#[cfg(test)]
mod tests;
pub mod work;

use work::{Work, unit};

/// Most bytes of a transaction: half a block, so that two large batches share one.
pub const MAX_TRANSACTION_BYTES: u64 = 2 * 1024 * 1024;

/// Milliseconds that validators wait for a proposal in round 0: THE constant from which the time of consensus, the work of
/// a block and what a vote may set are derived.
pub const PROPOSE_TIMEOUT_MS: u64 = 2_000;
/// Of them, for a full block's bytes to reach everybody.
pub const TRANSFER_MS: u64 = 300;
/// Most work that a vote may allow a block, in nanoseconds: what remains serves to execute it twice, at the proposer and
/// then, at the same time, at everybody else. Below half the time to propose.
pub const MAX_BLOCK_WORK: u64 = (PROPOSE_TIMEOUT_MS - TRANSFER_MS) / 2 * 1_000_000;
/// Work of a block unless a vote says otherwise; the rest is for machines slower than the reference.
pub const DEFAULT_BLOCK_WORK: u64 = 800_000_000;

/// Furthest ahead of its proposal that voting may end: a week at a block a second.
pub const MAX_PROPOSAL_HEIGHTS: u64 = 604_800;
/// Least block time of a window for shares of a seed, in milliseconds: the turn of a proposer that is down, and of the next.
pub const MIN_WINDOW_MS: u64 = PROPOSE_TIMEOUT_MS;
/// Longest block time of a window before OpenRound lengthens it, in milliseconds: 31 days.
pub const MAX_WINDOW_MS: u64 = 31 * 24 * 60 * 60 * 1_000;
/// Blocks that are decided within a window at least, for each validator that decides the block which opens it: every
/// validator has its turns to propose, however fast blocks come.
pub const WINDOW_BLOCKS_PER_VALIDATOR: u64 = 4;
/// Least milliseconds of block time from the opening of a round on demand to the next of its class, while the decision that
/// stands there stands; from protocol 2 on. An hour: members can vote against it meanwhile.
pub const ON_DEMAND_REST_MS: u64 = 60 * 60 * 1_000;
/// Milliseconds of block time after a round's reveals closed, when anybody may run it: its steward had the time to.
pub const RUN_BY_ANYBODY_AFTER_MS: u64 = 10 * 60 * 1_000;
/// Most school years that may be named as those that take states.
pub const MAX_SCHOOL_YEARS: u16 = 8;
/// Most kinds of a class, hence ranks of a request.
pub const MAX_KINDS: usize = 32;
/// Most proved values of a transaction. A batch of more requests is split.
pub const MAX_TRANSACTION_RANGE_VALUES: usize = 1_024;
/// Most commitments in a student's leaf.
pub const MAX_COMMITMENTS: usize = 8;
/// Highest tier cost of a class.
pub const MAX_TIER_COST: u32 = 10_000;
/// Highest rank step. With the highest tier cost, 31 ranks, waiting at twice that and the highest weight
/// (1,050) a weighted cost stays below 2^27, so that the optimizer's 32-bit kernel holds it.
pub const MAX_RANK_STEP: u32 = 1_000;
/// Most places of a pool.
pub const MAX_POOL_CAPACITY: u32 = 1_000_000;
/// Most cents of one amount: 10^15, so that sums of thousands fit 64 bits.
pub const MAX_AMOUNT_CENTS: u64 = 1_000_000_000_000_000;

/// Highest penalty of a school's student beyond its share: with the highest weighted cost still far below what the
/// optimizer's 32-bit kernel holds.
pub const MAX_SHARE_PENALTY: u32 = 100_000_000;
/// Block time in milliseconds within which a school acknowledges special-education aids: four hours.
pub const DEFAULT_ACKNOWLEDGE_MS: u64 = 4 * 60 * 60 * 1_000;
/// Longest window for an acknowledgement: a year in milliseconds.
pub const MAX_ACKNOWLEDGE_MS: u64 = 366 * 24 * 60 * 60 * 1_000;
/// The price of fairness may cost one in this many of a round's work.
pub const FAIRNESS_WORK_SHARE: u64 = 4;

/// Parameters that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// One is out of its range.
    #[error("the parameter {name} must be from {least} to {most}")]
    Range {
        /// The parameter, as a vote spells it.
        name: &'static str,
        /// Least value.
        least: u64,
        /// Greatest value.
        most: u64,
    },
    /// A transaction that they allow would never fit a block.
    #[error(
        "under these parameters one {kind} may take {needed} of the {most} nanoseconds of max_block_work; lower its limits or \
         raise that one"
    )]
    Work {
        /// The kind of transaction.
        kind: &'static str,
        /// What it may take.
        needed: u64,
        /// What a block may.
        most: u64,
    },
    /// The school years that take states.
    #[error(
        "first_school_year and last_school_year must both be 0, for the current year and one on each side, or name at most \
         {MAX_SCHOOL_YEARS} years in order"
    )]
    SchoolYears,
}

/// Parameters of the ledger: in the state, set by the genesis, changed by votes of members.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Most bytes of a block's transactions: 4 MiB reach a validator in well under the propose timeout.
    pub max_block_bytes: u32,
    /// Most signatures in a block, hence transactions.
    pub max_block_signatures: u32,
    /// Most proved values in a block, flags among them: a request has one for each input of the need rule and one for its band.
    /// 0.4 s of batch verification.
    pub max_block_range_values: u32,
    /// Most RunRound transactions in a block: one bounds the time a block takes.
    pub max_block_rounds: u32,
    /// Most transactions of one account in a block, whoever else sends. Sharing a block is its proposer's business.
    pub max_block_account_transactions: u32,
    /// Most work of a block, in nanoseconds of one thread of the reference machine, counted before execution by
    /// [`crate::execute::limits`]. Whoever proposes executes the block, then everybody else does, within the time to
    /// propose ([`PROPOSE_TIMEOUT_MS`]).
    pub max_block_work: u64,
    /// Most entries (student states, requests) in one transaction.
    pub max_batch_entries: u32,
    /// Most students of a district in one school year: one bulk tree, held in memory.
    pub max_district_students: u32,
    /// Most students of a district over all school years, which each have a handle of their own.
    pub max_district_leaves: u32,
    /// First school year that takes states; 0: the one before that of the block's time.
    pub first_school_year: u16,
    /// Last school year that takes states; 0: the one after that of the block's time.
    pub last_school_year: u16,
    /// Most requests in a round.
    pub max_round_requests: u32,
    /// Most pairs of a request and an eligible pool in a round: 8 bytes each in the optimizer's memory. The optimizer
    /// reads hard rows 20 to 30 times, so a round much larger would be refused for its work bound after its requests
    /// were taken.
    pub max_round_pairs: u64,
    /// Most of a round's requests, and of its pairs, that one district may take, in percent; the others' places in it are
    /// not its to refuse. 100 where a consortium has one district only.
    pub max_district_round_percent: u32,
    /// Block time in milliseconds for a round's requests, and for commitments to shares of its seed. By default what
    /// `max_round_requests` take in full blocks.
    pub request_window_ms: u64,
    /// Block time in milliseconds for the reveals of these shares.
    pub reveal_window_ms: u64,
    /// Most block time in milliseconds that OpenRound may add to each window: nothing else can be done to its class
    /// meanwhile.
    pub max_extra_window_ms: u64,
    /// How often commitments and reveals are tried until validators with more than a third of the power have revealed.
    pub max_seed_attempts: u32,
    /// Most pools in a class, retired ones included.
    pub max_class_pools: u32,
    /// Work bound of one optimizer run: cost or price entries scanned. With it, the share of it for the price of fairness
    /// and the round's rows and pairs, the hardest round is charged no more than [`Params::max_block_work`].
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
            max_block_range_values: 4_096,
            max_block_rounds: 1,
            max_block_account_transactions: 1_000,
            max_block_work: DEFAULT_BLOCK_WORK,
            max_batch_entries: 10_000,
            max_district_students: 200_000,
            max_district_leaves: 2_000_000,
            first_school_year: 0,
            last_school_year: 0,
            max_round_requests: 100_000,
            max_round_pairs: 10_000_000,
            max_district_round_percent: 50,
            request_window_ms: 30_000,
            reveal_window_ms: 15_000,
            max_extra_window_ms: 7 * 24 * 60 * 60 * 1_000,
            max_seed_attempts: 8,
            max_class_pools: 2_000,
            max_round_work: 155_000_000,
            max_gap_ppm: 3_000,
            equity: 73,
            min_cell_students: 10,
        }
    }
}

impl Params {
    /// Checks every parameter's range, and that whatever they allow fits a block: a vote must not be able to stop the
    /// chain. No range admits more than a whole block of the most work that may be voted, half the time to propose.
    ///
    /// # Errors
    /// [`ParamsError`] names what does not fit.
    pub fn check(&self) -> Result<(), ParamsError> {
        let most = |each: Work| MAX_BLOCK_WORK / each;
        let ranges: [(&'static str, u64, u64, u64); 21] = [
            ("max_block_bytes", self.max_block_bytes.into(), MAX_TRANSACTION_BYTES, 7 * 1024 * 1024),
            ("max_block_signatures", self.max_block_signatures.into(), 10, most(unit::TRANSACTION)),
            ("max_block_range_values", self.max_block_range_values.into(), 0, most(unit::FLAG)),
            ("max_block_rounds", self.max_block_rounds.into(), 1, 16),
            ("max_block_account_transactions", self.max_block_account_transactions.into(), 1, 10_000),
            ("max_block_work", self.max_block_work, 100_000_000, MAX_BLOCK_WORK),
            ("max_batch_entries", self.max_batch_entries.into(), 1, most(unit::ROW)),
            ("max_district_students", self.max_district_students.into(), 1, most(unit::LEAF)),
            ("max_district_leaves", self.max_district_leaves.into(), 1, 100_000_000),
            ("max_round_requests", self.max_round_requests.into(), 1, most(unit::REQUEST)),
            ("max_round_pairs", self.max_round_pairs, 1, most(unit::PAIR)),
            ("max_district_round_percent", self.max_district_round_percent.into(), 1, 100),
            ("request_window_ms", self.request_window_ms, MIN_WINDOW_MS, MAX_WINDOW_MS),
            ("reveal_window_ms", self.reveal_window_ms, MIN_WINDOW_MS, MAX_WINDOW_MS),
            ("max_extra_window_ms", self.max_extra_window_ms, 0, MAX_WINDOW_MS),
            ("max_seed_attempts", self.max_seed_attempts.into(), 1, 100),
            ("max_class_pools", self.max_class_pools.into(), 1, 4_000),
            ("max_round_work", self.max_round_work, 1, most(unit::SCAN_1000).saturating_mul(1_000)),
            ("max_gap_ppm", self.max_gap_ppm.into(), 0, 1_000_000),
            ("equity", self.equity.into(), 0, 1_000),
            ("min_cell_students", self.min_cell_students.into(), 1, 1_000),
        ];
        if let Some((name, _, least, most)) =
            ranges.into_iter().find(|(_, value, least, most)| value < least || value > most)
        {
            return Err(ParamsError::Range { name, least, most });
        }
        let years = self.last_school_year.checked_sub(self.first_school_year);
        let named = self.first_school_year > 0 && years.is_some_and(|more| more < MAX_SCHOOL_YEARS);
        if !named && (self.first_school_year, self.last_school_year) != (0, 0) {
            return Err(ParamsError::SchoolYears);
        }
        let most = self.max_block_work;
        match work::hardest(self).into_iter().find(|(_, needed)| *needed > most) {
            Some((kind, needed)) => Err(ParamsError::Work { kind, needed, most }),
            None => Ok(()),
        }
    }

    /// Block time in milliseconds that so many requests take, each of so many proved values, when every block is full of them: each
    /// is executed by its proposer and then, at the same time, by everybody else. What OpenRound's extra time is chosen by.
    pub fn intake_ms(&self, requests: u32, values: u32) -> u64 {
        let (requests, values) = (u64::from(requests), u64::from(values.max(1)));
        let work = work::of_intake(values, 1_u64).saturating_add(work::of_request_row());
        let shared = work::of_shared_intake(requests);
        let by_values = u64::from(self.max_block_range_values) / values;
        let by_work = self.max_block_work.saturating_sub(shared) / work.max(1);
        let each_block = by_values.min(by_work).max(1);
        let block = work.saturating_mul(each_block).saturating_add(shared).saturating_mul(2) / 1_000_000;
        requests.div_ceil(each_block).saturating_mul(block.saturating_add(TRANSFER_MS))
    }

    /// The first school year that takes states in a block of this time.
    pub fn first_open_year(&self, now: TimeMs) -> SchoolYear {
        match self.first_school_year {
            0 => SchoolYear(SchoolYear::at(now).0.saturating_sub(1)),
            year => SchoolYear(year),
        }
    }

    /// Whether a school year takes states in a block of this time.
    pub fn takes_school_year(&self, year: SchoolYear, now: TimeMs) -> bool {
        if self.first_school_year > 0 {
            return (self.first_school_year..=self.last_school_year).contains(&year.0);
        }
        year.0.abs_diff(SchoolYear::at(now).0) <= 1
    }
}

impl Canonical for Params {
    const VERSION: u8 = 4;
    const WHAT: &'static str = "parameters";
    const MAX_BYTES: u64 = 1024;
}
