//! What rounds and single decisions have in common: the round, its class, its decision, pools, schools, trees.

use std::collections::{BTreeMap, BTreeSet};

use super::super::bundle::RoundContext;
use super::super::report::{Checks, Standing, Stop};
use super::State;
use crate::codec::Canonical;
use crate::proof::TreeHead;
use crate::rounds::RoundInputs;
use crate::state::schema::{
    self, Class, Decision, PoolRecord, RequestRow, Reversion, Round, RoundStatus, School, class_key,
    decision_key, decisions_tree, pool_key, requests_tree, reversion_key, round_key, school_key,
    twin_version_key,
};
use crate::twin::{NeedRule, TwinVersion};
use crate::types::{Handle, SchoolId};

/// A round's records, each proved to stand in the state.
pub(super) struct Context {
    pub(super) round: Round,
    pub(super) class: Class,
    /// The need rule that its requests go by.
    pub(super) rule: NeedRule,
    pub(super) decision: Decision,
    pub(super) pools: Vec<PoolRecord>,
    pub(super) schools: BTreeMap<SchoolId, School>,
    pub(super) requests: TreeHead,
    pub(super) decisions: TreeHead,
    pub(super) standing: Standing,
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
        let twin: TwinVersion =
            state.open(checks, NAME, &twin_version_key(round.parameters), &evidence.twin)?;
        let class: Class = state.open(checks, NAME, &class_key(round.class), &evidence.class)?;
        let decided = round.status == RoundStatus::Decided { height: decision.height };
        let belong = decided
            && (round.round, decision.round) == (id, id)
            && twin.version == round.parameters
            && decision.class == round.class
            && class.definition.class == round.class
            && class.definition.school_year == round.school_year
            && round.opened < decision.height
            && decision.height <= state.height;
        checks.ensure(NAME, belong, "The round, its class and the decision do not belong together.")?;
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
        let counted = u64::from(round.requests) == requests.leaf_count;
        checks.ensure(NAME, counted, "The round counts other requests than the state holds.")?;
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
        let reversion = state.look_up(checks, "standing", &reversion_key(id), &evidence.reversion)?;
        let standing = check_standing(checks, state, &class, &decision, reversion.as_ref())?;
        Ok(Self {
            round,
            class,
            rule: twin.parameters.need,
            decision,
            pools,
            schools,
            requests,
            decisions,
            standing,
        })
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

/// Whether the decision is the class's current one, and why not.
fn check_standing(
    checks: &mut Checks,
    state: &State,
    class: &Class,
    decision: &Decision,
    reversion: Option<&Reversion>,
) -> Result<Standing, Stop> {
    const NAME: &str = "standing";
    let height = state.height;
    match (class.standing_round == Some(decision.round), reversion) {
        (true, None) => {
            checks.pass(NAME, format!("The decision stands as of height {height}."));
            Ok(Standing::Stands)
        }
        (false, Some(record)) => {
            let at = record.at.height;
            let own = record.round == decision.round && decision.height <= at && at <= height;
            checks.ensure(NAME, own, "The reversion shown is of another decision or time.")?;
            checks.pass(NAME, format!("The decision was REVERTED at height {at}: it does not stand."));
            Ok(Standing::Reverted)
        }
        (false, None) => {
            let Some(round) = class.standing_round.filter(|other| *other > decision.round) else {
                return checks
                    .fail(NAME, "The decision does not stand, and nothing took its place or reverted it.");
            };
            let words = format!(
                "The decision was REPLACED by round {round}'s: it does not stand as of height {height}."
            );
            checks.pass(NAME, words);
            Ok(Standing::Replaced)
        }
        (true, Some(_)) => checks.fail(NAME, "The decision is reverted and stands all the same."),
    }
}

/// The pools that the decision prices: all that the class had when the round was opened. The class counts its pools, so
/// that none can be left out; those defined since the decision are shown and have no part in it.
fn open_pools(
    checks: &mut Checks,
    state: &State,
    evidence: &RoundContext,
    decision: &Decision,
    class: &Class,
) -> Result<Vec<PoolRecord>, Stop> {
    let mut pools: Vec<PoolRecord> = Vec::with_capacity(evidence.pools.len());
    for proved in &evidence.pools {
        let named = checks.need("pools", PoolRecord::from_canonical(&proved.value))?;
        let pool: PoolRecord = state.open(checks, "pools", &pool_key(decision.class, named.pool), proved)?;
        checks.ensure("pools", pool.class == decision.class, "A pool's record names another class.")?;
        pools.push(pool);
    }
    let ascending = pools.iter().zip(pools.iter().skip(1)).all(|(a, b)| a.pool < b.pool);
    let all = pools.len() as u64 == u64::from(class.pools);
    checks.ensure("pools", ascending && all, "The pools shown are not all those of the class.")?;
    let retired = pools.iter().filter(|pool| pool.retired.is_some()).count() as u64;
    let counted = retired == u64::from(class.retired);
    checks.ensure("pools", counted, "The class counts other pools as retired than those shown.")?;
    pools.retain(|pool| decision.concerns(pool));
    let priced = pools.iter().map(|pool| pool.pool).eq(decision.prices.iter().map(|price| price.pool));
    checks.ensure("pools", priced, "The decision leaves out a pool that the class had, or names another.")?;
    checks.pass("pools", format!("The decision is about all {} pools that the class had.", pools.len()));
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
