//! From the ledger's rows to an allocation problem, and back.
//!
//! Flow: a class, its pools, the schools, the requests of a round and its seed ([`RoundInputs`]) →
//! [`RoundInputs::problem`] → the optimizer → [`RoundInputs::decisions`] and [`RoundInputs::report`]. The
//! auditor runs the same functions over rows it has proofs of, with [`RoundInputs::assignment`] in place of
//! the optimizer: both are pure functions of the inputs.
//!
//! Row s of the problem is the s-th request by ascending handle and, of one handle in two districts, by district; pool index p is the p-th pool by ascending
//! id; the waitlist, if the class has one, is the last pool and holds everybody. The cost of a pair is
//! `W · (tier cost + rank_step · rank)` with `W = 100 + ⌊equity·d/100⌋` and `d = 10·band + 5`; a mandated
//! student has no entry at the waitlist. No party submits a cost.
//!
//! A class's terms may add the schools' fair share (`share`); what is published of the result stands in
//! [`report`].
//!
//! Absent: budgets (a pool is paid when defined), other classes, and any order among requests.

use std::collections::BTreeMap;

use aula_allocation::draw::DrawKey;
use aula_allocation::problem::{Pool, Problem, ProblemError, SchoolLayer};

use crate::keys::{Label, hash};
use crate::state::schema::{ClassTerms, DefineClass, FairShare, Mandate};
use crate::state::schema::{DecisionRow, Placement, PoolRecord, RequestRow, RoundReport, School, SeedShare};
use crate::types::{Band, Handle, Hash, RoundId, SchoolId};

mod eligibility;
mod read;
pub mod report;
mod rows;
pub mod sample;
mod share;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod windows;

pub use crate::state::schema::PublishedReport;
pub use eligibility::{Eligibility, RoundPools, tier};
pub use read::{Decisions, Requests, decided_rows, districts_of, requests_in_order};
pub use report::{Figures, published};
pub use share::waiting_prices;

/// Why rows make no problem, or no decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// A school that a request or a pool names is not among the inputs.
    #[error("school {0} is not known")]
    UnknownSchool(SchoolId),
    /// The optimizer refuses the problem.
    #[error("the rows make no allocation problem")]
    Problem(#[from] ProblemError),
    /// Decisions do not stand in the requests' order, one each.
    #[error("decision {0} is not its request's")]
    Order(u32),
    /// What is given as the round at equity 0 is not proved to be of least cost.
    #[error("the round at equity 0 is not proved to be of least cost")]
    Plain,
    /// A decision names a pool its request could not get, or costs or ranks it wrongly.
    #[error("decision {0} does not follow from its request")]
    Decision(u32),
}

/// All that decides a round.
#[derive(Debug, Clone)]
pub struct RoundInputs {
    /// The class: costs and kinds.
    pub definition: DefineClass,
    /// Equity weight, as fixed when the round was opened.
    pub equity: u32,
    /// What the class asks beyond its costs, as fixed when the round was opened.
    pub terms: ClassTerms,
    /// The class's pools, strictly ascending by id.
    pub pools: Vec<PoolRecord>,
    /// Every school that a pool or a request names.
    pub schools: BTreeMap<SchoolId, School>,
    /// The requests that count with their handles, strictly ascending by handle and district.
    pub requests: Requests,
    /// The seed of the lottery.
    pub seed: Hash,
}

/// W = 100 + ⌊equity·d/100⌋ with d = 10·band + 5; 100..=1050 for an equity of 0..=1000.
pub fn weight(equity: u32, band: Band) -> u32 {
    let need = u32::from(band.get()).saturating_mul(10).saturating_add(5);
    100u32.saturating_add(equity.saturating_mul(need) / 100)
}

/// A round's seed: SHA-256 over the genesis hash, the round's number, the root of its requests, then each share that was
/// revealed in one attempt with its account, by ascending account. Whoever withholds a share chose between two seeds; the
/// decision names them.
pub fn seed(genesis: &Hash, round: RoundId, requests_root: &Hash, shares: &[SeedShare]) -> Hash {
    let number = round.0.to_le_bytes();
    let mut parts: Vec<&[u8]> = vec![&genesis.0, &number, &requests_root.0];
    for share in shares {
        if let Some(secret) = &share.secret {
            parts.extend([&share.account.0[..], &secret.0[..]]);
        }
    }
    hash(Label::RoundSeed, &parts)
}

impl RoundInputs {
    /// The allocation problem, with the lottery's numbers.
    ///
    /// # Errors
    /// [`RoundError::UnknownSchool`], or [`RoundError::Problem`] when a limit of the optimizer is passed.
    pub fn problem(&self) -> Result<Problem, RoundError> {
        let (row_start, entries) = self.rows()?;
        let mut pools: Vec<Pool> =
            self.pools.iter().map(|pool| Pool { capacity: pool.capacity, floor: pool.floor }).collect();
        let keys = self.requests.iter().map(|(handle, _)| DrawKey::derive(&self.seed.0, &handle.0)).collect();
        if self.definition.waitlist_cost.is_some() {
            let everybody = u32::try_from(self.requests.len()).unwrap_or(u32::MAX);
            pools.push(Pool { capacity: everybody, floor: 0 });
            let problem = Problem::lists(pools, row_start, entries)?.with_waitlist().with_draw(keys)?;
            Ok(match self.terms.fair_share {
                Some(share) if !self.requests.is_empty() => problem.with_schools(self.layer(share))?,
                _ => problem,
            })
        } else {
            Ok(Problem::lists(pools, row_start, entries)?.with_draw(keys)?)
        }
    }

    /// The schools' fair share of all places of the class.
    fn layer(&self, terms: FairShare) -> SchoolLayer {
        let places = self.pools.iter().fold(0u64, |sum, pool| sum.saturating_add(pool.capacity.into()));
        let homes =
            |(_, request): &(Handle, RequestRow)| (request.home_school, weight(self.equity, request.band));
        share::layer(&self.requests.iter().map(homes).collect::<Vec<_>>(), places, terms)
    }

    /// The schools of the problem's school layer, in its order; empty without a fair share.
    pub fn share_schools(&self) -> Vec<SchoolId> {
        let shared = self.terms.fair_share.is_some() && self.definition.waitlist_cost.is_some();
        let homes = self.requests.iter().map(|(_, request)| request.home_school);
        share::layer_schools(homes.filter(|_| shared))
    }

    fn school(&self, id: SchoolId) -> Result<&School, RoundError> {
        self.schools.get(&id).ok_or(RoundError::UnknownSchool(id))
    }

    /// c(s, p) before the weight.
    fn cost(&self, tier: u8, rank: u8) -> u32 {
        let table = self.definition.tier_costs.get(usize::from(tier)).copied().unwrap_or(u32::MAX);
        table.saturating_add(self.definition.rank_step.saturating_mul(u32::from(rank)))
    }

    /// The decision of request `position` if it is given `pool` (the last index is the waitlist); none if it
    /// may not have it.
    fn decision(&self, position: usize, pool: u32) -> Option<DecisionRow> {
        let (_, request) = self.requests.get(position)?;
        let weight = weight(self.equity, request.band);
        let Some(record) = self.pools.get(pool as usize) else {
            let waits = pool as usize == self.pools.len();
            let cost = self.waiting_cost(request).filter(|_| waits)?;
            let cost = u32::try_from(weighted(weight, cost)).ok()?;
            return Some(DecisionRow { placement: Placement::Waitlist, weight, cost });
        };
        let rank = request.kinds.iter().position(|kind| *kind == record.kind)?;
        let rank = u8::try_from(rank).ok()?;
        let tier = tier(self.schools.get(&request.home_school)?, self.schools.get(&record.school)?)?;
        let cost = u32::try_from(weighted(weight, self.cost(tier, rank))).ok()?;
        Some(DecisionRow { placement: Placement::Pool { pool: record.pool, rank, tier }, weight, cost })
    }

    /// The rows of an assignment: one a request, in the requests' order.
    ///
    /// # Errors
    /// [`RoundError::Decision`] when a request may not have its pool, [`RoundError::Order`] when there is not
    /// one pool a request.
    pub fn decisions(&self, assignment: &[u32]) -> Result<Decisions, RoundError> {
        if assignment.len() != self.requests.len() {
            return Err(RoundError::Order(position(assignment.len().min(self.requests.len()))));
        }
        let rows = self.requests.iter().zip(assignment).enumerate();
        rows.map(|(at, ((handle, _), pool))| {
            let row = self.decision(at, *pool).ok_or(RoundError::Decision(position(at)))?;
            Ok((*handle, row))
        })
        .collect()
    }

    /// Decisions of these requests with the keys of their rows, ascending by key: what the tree of decisions is made of.
    pub fn keyed(&self, decisions: &[(Handle, DecisionRow)]) -> Decisions {
        let rows = self.requests.iter().zip(decisions);
        let mut rows: Decisions = rows.map(|((_, request), (_, row))| (request.key(), row.clone())).collect();
        rows.sort_by_key(|(key, _)| *key);
        rows
    }

    /// The assignment that decisions state: a pool index a request. The inverse of [`RoundInputs::decisions`].
    ///
    /// # Errors
    /// [`RoundError::Order`] unless the handles are the requests', [`RoundError::Decision`] unless placement,
    /// rank, tier, weight and cost all follow from the request.
    pub fn assignment(&self, decisions: &[(Handle, DecisionRow)]) -> Result<Vec<u32>, RoundError> {
        if decisions.len() != self.requests.len() {
            return Err(RoundError::Order(position(decisions.len().min(self.requests.len()))));
        }
        let rows = self.requests.iter().zip(decisions).enumerate();
        rows.map(|(at, ((handle, _), (decided, row)))| {
            if handle != decided {
                return Err(RoundError::Order(position(at)));
            }
            let wrong = RoundError::Decision(position(at));
            let index = match row.placement {
                Placement::Waitlist => self.pools.len(),
                Placement::Pool { pool, .. } => {
                    let found = self.pools.binary_search_by_key(&pool, |record| record.pool);
                    found.map_err(|_| wrong.clone())?
                }
            };
            let index = u32::try_from(index).map_err(|_| wrong.clone())?;
            if self.decision(at, index).as_ref() == Some(row) { Ok(index) } else { Err(wrong) }
        })
        .collect()
    }

    /// What the report counts.
    pub fn report(&self, decisions: &[(Handle, DecisionRow)]) -> RoundReport {
        let mut report = RoundReport::default();
        for ((_, request), (_, decision)) in self.requests.iter().zip(decisions) {
            let mandated = request.mandate == Mandate::Mandated;
            count(&mut report.requests);
            count_if(&mut report.mandated, mandated);
            let Some(band) = report.by_band.get_mut(usize::from(request.band.get())) else { continue };
            count(&mut band.requests);
            match decision.placement {
                Placement::Waitlist => count(&mut report.waitlisted),
                Placement::Pool { rank, tier, .. } => {
                    count(&mut report.placed);
                    count(&mut band.placed);
                    count_if(&mut band.first_choice, rank == 0);
                    count_if(&mut report.first_choice, rank == 0);
                    count_if(&mut report.mandates_met, mandated);
                    report.by_tier.get_mut(usize::from(tier)).into_iter().for_each(count);
                }
            }
        }
        report
    }
}

fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

fn count_if(counter: &mut u32, holds: bool) {
    *counter = counter.saturating_add(u32::from(holds));
}

fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// W·c; the limits of parameters and classes keep it below 2^27.
fn weighted(weight: u32, cost: u32) -> i32 {
    i32::try_from(u64::from(weight).saturating_mul(u64::from(cost))).unwrap_or(i32::MAX)
}
