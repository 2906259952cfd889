//! The limits of a block as a whole: what may be in one, checked before anything is executed.
//!
//! [`Budget`] is the one account of them. A block is valid only if its transactions, charged in order, all fit; a proposer
//! asks the same account what it may still take, so that it never builds a block that is over a limit. Sharing among
//! accounts is the proposer's business: the limit on one account's transactions is fixed.

use std::collections::{BTreeMap, BTreeSet};

use super::cost::Touch;
pub use super::cost::{Cost, Work, cost_of, unit};
use super::{ExecuteError, decode_transaction};
use crate::params::work::times;
use crate::params::{Params, work};
use crate::state::{StateReader, StoreError, schema, tree_leaves};
use crate::tx::{Transaction, may_send_run};
use crate::types::{AccountId, DistrictId, Height, RoundId, SchoolYear};

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

impl From<Full> for ExecuteError {
    fn from(full: Full) -> Self {
        match full {
            Full::Over(limit) => Self::OverLimit { limit },
            Full::Broken(error) => error.into(),
        }
    }
}

/// What a transaction takes of each limit, the state's part included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Charge {
    work: Work,
    range_values: u64,
    rounds: u64,
    /// Parts of the state that are paid for, and not again in this block.
    parts: Vec<Part>,
}

/// What the pools of a year cost a block and a statement.
#[derive(Debug, Clone, Copy)]
struct Charges {
    /// Reading them all, once a block.
    read: Work,
    /// Summing them, for every statement.
    summed: Work,
}

/// A part of the state that a block reads once, however many transactions need it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Tree(String),
    Class(RoundId),
    Requests(RoundId),
    Charges(SchoolYear),
}

/// What a block may still hold, on a state before it. Charging changes nothing when something does not fit.
#[derive(Clone)]
pub struct Budget<'a> {
    state: &'a dyn StateReader,
    height: Height,
    params: Params,
    bytes: u64,
    signatures: u64,
    range_values: u64,
    rounds: u64,
    work: Work,
    accounts: BTreeMap<AccountId, u64>,
    paid: BTreeSet<Part>,
    districts: BTreeMap<AccountId, Option<DistrictId>>,
    charges: BTreeMap<SchoolYear, Charges>,
}

impl<'a> Budget<'a> {
    /// A whole block's, on the state after its parent.
    ///
    /// # Errors
    /// [`StoreError`] when the state cannot be read.
    pub fn new(state: &'a dyn StateReader) -> Result<Self, StoreError> {
        Ok(Self::of(state, schema::chain(state)?.height.next(), schema::params(state)?))
    }

    /// That of a block of this height under these parameters.
    pub const fn of(state: &'a dyn StateReader, height: Height, params: Params) -> Self {
        Self {
            state,
            height,
            params,
            bytes: 0,
            signatures: 0,
            range_values: 0,
            rounds: 0,
            work: 0,
            accounts: BTreeMap::new(),
            paid: BTreeSet::new(),
            districts: BTreeMap::new(),
            charges: BTreeMap::new(),
        }
    }

    /// The parameters it counts by.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Bytes that are left.
    pub fn bytes_left(&self) -> u64 {
        u64::from(self.params.max_block_bytes).saturating_sub(self.bytes)
    }

    /// Work that may still be charged, in the unit of the parameter `max_block_work`: nanoseconds on the reference machine.
    pub fn work_left(&self) -> Work {
        self.params.max_block_work.saturating_sub(self.work)
    }

    /// True when no further transaction can fit, whichever it is.
    pub fn is_full(&self) -> bool {
        self.signatures >= u64::from(self.params.max_block_signatures)
            || self.work_left() < unit::TRANSACTION
            || self.bytes_left() == 0
    }

    /// Whether a transaction of this cost fits.
    ///
    /// # Errors
    /// [`Full`]: which limit it would pass, or that the state cannot be read.
    pub fn fits(&mut self, cost: &Cost) -> Result<(), Full> {
        let charge = self.price(cost)?;
        self.check(cost, &charge)
    }

    /// Takes a transaction of this cost into the block.
    ///
    /// # Errors
    /// As [`Self::fits`]; then nothing is charged.
    pub fn charge(&mut self, cost: &Cost) -> Result<(), Full> {
        let charge = self.price(cost)?;
        self.check(cost, &charge)?;
        self.bytes = self.bytes.saturating_add(cost.bytes);
        self.signatures = self.signatures.saturating_add(cost.signatures.into());
        self.range_values = self.range_values.saturating_add(charge.range_values);
        self.rounds = self.rounds.saturating_add(charge.rounds);
        self.work = self.work.saturating_add(charge.work);
        let count = self.accounts.entry(cost.account).or_default();
        *count = count.saturating_add(1);
        self.paid.extend(charge.parts);
        Ok(())
    }

    /// Whether a transaction would fit an empty block on this state. One that does not waits for other parameters.
    ///
    /// # Errors
    /// As [`Self::fits`].
    pub fn fits_alone(state: &'a dyn StateReader, cost: &Cost) -> Result<(), Full> {
        Self::new(state)?.fits(cost)
    }

    fn check(&self, cost: &Cost, charge: &Charge) -> Result<(), Full> {
        let params = &self.params;
        let sent = self.accounts.get(&cost.account).copied().unwrap_or(0).saturating_add(1);
        let all: [(u64, u64, u64, &'static str); 6] = [
            (self.bytes, cost.bytes, params.max_block_bytes.into(), "max_block_bytes"),
            (
                self.signatures,
                cost.signatures.into(),
                params.max_block_signatures.into(),
                "max_block_signatures",
            ),
            (
                self.range_values,
                charge.range_values,
                params.max_block_range_values.into(),
                "max_block_range_values",
            ),
            (self.rounds, charge.rounds, params.max_block_rounds.into(), "max_block_rounds"),
            (0, sent, params.max_block_account_transactions.into(), "max_block_account_transactions"),
            (self.work, charge.work, params.max_block_work, "max_block_work"),
        ];
        match all.into_iter().find(|(used, more, most, _)| used.saturating_add(*more) > *most) {
            Some((_, _, _, limit)) => Err(Full::Over(limit)),
            None => Ok(()),
        }
    }

    /// What a transaction takes, with what its parts of the state are worth.
    fn price(&mut self, cost: &Cost) -> Result<Charge, StoreError> {
        let mut charge =
            Charge { work: cost.work, range_values: cost.range_values.into(), ..Charge::default() };
        for touch in &cost.touches {
            self.add(&mut charge, cost, touch)?;
        }
        Ok(charge)
    }

    fn add(&mut self, charge: &mut Charge, cost: &Cost, touch: &Touch) -> Result<(), StoreError> {
        match *touch {
            Touch::StudentLeaves(year) => {
                if let Some(district) = self.district(&cost.account)? {
                    self.add_tree(charge, schema::students_tree(district, year))?;
                }
            }
            Touch::ConsentLeaves(year) => {
                if let Some(district) = self.district(&cost.account)? {
                    self.add_tree(charge, schema::consents_tree(district, year))?;
                }
            }
            Touch::ErasureLeaves(year) => {
                if let Some(district) = self.district(&cost.account)? {
                    self.add_tree(charge, schema::erasures_tree(district, year))?;
                }
            }
            Touch::Intake { round, values, requests } => {
                if schema::round(self.state, round)?.is_some_and(|record| record.takes_requests()) {
                    charge.work = charge.work.saturating_add(work::of_intake(values, requests));
                    self.add_part(charge, Part::Class(round), unit::CLASS);
                    self.add_tree(charge, schema::requests_tree(round))?;
                } else {
                    // Refused before a proof is looked at, so its values are no work and take nobody's place.
                    charge.range_values = charge.range_values.saturating_sub(values.into());
                }
            }
            Touch::Charges(year) => {
                if schema::protocol(self.state)?.at(self.height).now.binds_statements() {
                    let charges = self.charges(year)?;
                    charge.work = charge.work.saturating_add(charges.summed);
                    self.add_part(charge, Part::Charges(year), charges.read);
                }
            }
            Touch::Requests(round) => {
                if let Some(record) = schema::round(self.state, round)? {
                    let work = times(record.requests, unit::LISTED_ROW);
                    self.add_part(charge, Part::Requests(round), work);
                }
            }
            Touch::Run(round) => {
                if let Some(record) = schema::round(self.state, round)?
                    && record.may_run(self.height)
                    && may_send_run(self.state, &record, &cost.account)?
                    // Without a seed nothing is solved.
                    && schema::draw(self.state, round)?.is_some()
                    && !schema::refused_run(self.state, round)?.is_some_and(|last| last.stands(&self.params))
                {
                    charge.rounds = charge.rounds.saturating_add(1);
                    let work = work::of_run(record.requests.into(), record.pairs, &self.params);
                    charge.work = charge.work.saturating_add(work);
                }
            }
        }
        Ok(())
    }

    fn add_tree(&self, charge: &mut Charge, label: String) -> Result<(), StoreError> {
        let part = Part::Tree(label.clone());
        // Once paid, the state is not asked again: a block may have a thousand transactions on one tree.
        if !self.paid.contains(&part) {
            let leaves = tree_leaves(self.state, &label)?;
            self.add_part(charge, part, times(leaves, unit::LEAF));
        }
        Ok(())
    }

    /// Adds a part of the state, unless this block has paid for it.
    fn add_part(&self, charge: &mut Charge, part: Part, work: Work) {
        if !self.paid.contains(&part) && !charge.parts.contains(&part) {
            charge.work = charge.work.saturating_add(work);
            charge.parts.push(part);
        }
    }

    /// What the pools of a year cost: all classes listed, then the pools of each of the year's. Counted once a block, however
    /// many statements are asked about or taken.
    fn charges(&mut self, year: SchoolYear) -> Result<Charges, StoreError> {
        if let Some(known) = self.charges.get(&year) {
            return Ok(*known);
        }
        let classes = schema::classes(self.state)?;
        let mut charges = Charges { read: times(classes.len(), unit::ROW_READ), summed: 0 };
        for class in classes.iter().filter(|class| class.definition.school_year == year) {
            let pools = unit::ROW_READ.saturating_add(times(class.pools, unit::LISTED_ROW));
            charges.read = charges.read.saturating_add(pools);
            charges.summed = charges.summed.saturating_add(times(class.pools, unit::SUMMED_POOL));
        }
        self.charges.insert(year, charges);
        Ok(charges)
    }

    /// The district that an account acts for.
    fn district(&mut self, account: &AccountId) -> Result<Option<DistrictId>, StoreError> {
        if let Some(known) = self.districts.get(account) {
            return Ok(*known);
        }
        let district = schema::member(self.state, account)?.and_then(|member| member.district);
        self.districts.insert(*account, district);
        Ok(district)
    }
}

/// Decodes a block's transactions and charges them, in order.
///
/// # Errors
/// [`ExecuteError::OverLimit`] with the parameter's name, [`ExecuteError::Invalid`] for bytes that are not a transaction, or
/// [`ExecuteError::Broken`].
pub(super) fn decode_all(
    transactions: &[Vec<u8>],
    state: &dyn StateReader,
) -> Result<(Vec<Transaction>, Params), ExecuteError> {
    let mut budget = Budget::new(state)?;
    let bytes = transactions.iter().fold(0u64, |sum, bytes| sum.saturating_add(bytes.len() as u64));
    // Each has at least one signature, so nothing is decoded of a block that has too many, or too many bytes.
    within(bytes, budget.params.max_block_bytes, "max_block_bytes")?;
    within(transactions.len() as u64, budget.params.max_block_signatures, "max_block_signatures")?;
    let mut decoded = Vec::with_capacity(transactions.len());
    for (index, bytes) in (0u32..).zip(transactions) {
        let transaction = decode_transaction(bytes).map_err(|code| ExecuteError::Invalid { index, code })?;
        budget.charge(&cost_of(&transaction, bytes.len()))?;
        decoded.push(transaction);
    }
    Ok((decoded, budget.params))
}

fn within(value: u64, most: u32, limit: &'static str) -> Result<(), ExecuteError> {
    if value <= u64::from(most) { Ok(()) } else { Err(ExecuteError::OverLimit { limit }) }
}

#[cfg(test)]
mod tests;
