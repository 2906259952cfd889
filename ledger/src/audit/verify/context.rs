//! What rounds and single decisions have in common: the round, its class, its decision, pools, schools, trees.

use std::collections::{BTreeMap, BTreeSet};

use super::super::bundle::RoundContext;
use super::super::report::{Checks, Stop};
use super::State;
use crate::chain::TreeHead;
use crate::rounds::RoundInputs;
use crate::state::schema::{
    self, Class, Decision, PoolRecord, RequestRow, Round, RoundStatus, School, class_key, decision_key,
    decisions_tree, pool_key, requests_tree, round_key, school_key,
};
use crate::types::{Handle, SchoolId};

/// A round's records, each proved to stand in the state.
pub(super) struct Context {
    pub(super) round: Round,
    pub(super) class: Class,
    pub(super) decision: Decision,
    pub(super) pools: Vec<PoolRecord>,
    pub(super) schools: BTreeMap<SchoolId, School>,
    pub(super) requests: TreeHead,
    pub(super) decisions: TreeHead,
}

impl Context {
    /// Opens every record; `homes` are the schools that the shown requests name.
    pub(super) fn open(
        checks: &mut Checks,
        state: &State,
        evidence: &RoundContext,
        homes: BTreeSet<SchoolId>,
    ) -> Result<Self, Stop> {
        const NAME: &str = "state";
        let id = evidence.round;
        let round: Round = state.open(checks, NAME, &round_key(id), &evidence.record)?;
        let decision: Decision = state.open(checks, NAME, &decision_key(id), &evidence.decision)?;
        let class: Class = state.open(checks, NAME, &class_key(round.class), &evidence.class)?;
        let decided = round.status == RoundStatus::Decided { height: decision.height };
        let belong = decided
            && (round.round, decision.round) == (id, id)
            && decision.class == round.class
            && decision.height <= state.height;
        checks.ensure(NAME, belong, "The round and the decision do not belong together.")?;
        let pools = open_pools(checks, state, evidence, &decision, &class)?;
        let schools = open_schools(checks, state, evidence, &pools, homes)?;
        let requests = state.open_tree(checks, NAME, &requests_tree(id), &evidence.requests)?;
        let decisions = state.open_tree(checks, NAME, &decisions_tree(id), &evidence.decisions)?;
        let heads = (decision.requests, decision.decisions) == (requests, decisions);
        checks.ensure(
            NAME,
            heads,
            "The decision is about other requests or decisions than the state holds.",
        )?;
        checks.pass(
            "round",
            format!(
                "Round {id} of class {} ({}) was decided at height {}: {} requests, {} pools.",
                round.class,
                class.definition.title,
                decision.height,
                requests.leaf_count,
                pools.len()
            ),
        );
        checks.pass("standing", standing(&class, &decision, state));
        Ok(Self { round, class, decision, pools, schools, requests, decisions })
    }

    /// The inputs of the ledger's own formula, over these requests.
    pub(super) fn inputs(&self, requests: Vec<(Handle, RequestRow)>) -> RoundInputs {
        RoundInputs {
            definition: self.class.definition.clone(),
            equity: self.round.equity,
            terms: self.round.terms,
            pools: self.pools.clone(),
            schools: self.schools.clone(),
            requests,
            seed: self.decision.seed,
        }
    }
}

/// Whether the decision is the class's current one.
fn standing(class: &Class, decision: &Decision, state: &State) -> String {
    match class.standing_round {
        Some(round) if round == decision.round => {
            format!("The decision stands as of height {}.", state.height)
        }
        Some(round) => format!("The decision no longer stands: round {round} took its place."),
        None => "No decision of this class stands any more.".to_owned(),
    }
}

/// The pools that the decision prices: strictly ascending, all of the class.
fn open_pools(
    checks: &mut Checks,
    state: &State,
    evidence: &RoundContext,
    decision: &Decision,
    class: &Class,
) -> Result<Vec<PoolRecord>, Stop> {
    let ids: Vec<_> = decision.prices.iter().map(|price| price.pool).collect();
    let ascending = ids.iter().zip(ids.iter().skip(1)).all(|(a, b)| a < b);
    let all = ids.len() == evidence.pools.len() && ids.len() as u64 <= u64::from(class.pools);
    checks.ensure("state", ascending && all, "The pools shown are not those of the decision.")?;
    let mut pools = Vec::with_capacity(ids.len());
    for (id, proved) in ids.into_iter().zip(&evidence.pools) {
        let pool: PoolRecord = state.open(checks, "state", &pool_key(decision.class, id), proved)?;
        let same = (pool.pool, pool.class) == (id, decision.class);
        checks.ensure("state", same, "A pool's record names another pool or class.")?;
        pools.push(pool);
    }
    Ok(pools)
}

fn open_schools(
    checks: &mut Checks,
    state: &State,
    evidence: &RoundContext,
    pools: &[PoolRecord],
    mut ids: BTreeSet<SchoolId>,
) -> Result<BTreeMap<SchoolId, School>, Stop> {
    ids.extend(pools.iter().map(|pool| pool.school));
    let all = ids.len() == evidence.schools.len();
    checks.ensure("state", all, "The schools shown are not those of the pools and requests.")?;
    let mut schools = BTreeMap::new();
    for (id, proved) in ids.into_iter().zip(&evidence.schools) {
        let school: School = state.open(checks, "state", &school_key(id), proved)?;
        checks.ensure("state", school.id == id, "A school's record names another school.")?;
        schools.insert(id, school);
    }
    Ok(schools)
}

/// Decodes a row of a round.
pub(super) fn row<T: crate::codec::Canonical>(checks: &mut Checks, bytes: &[u8]) -> Result<T, Stop> {
    checks.need("rows", schema::decode::<T>(bytes))
}
