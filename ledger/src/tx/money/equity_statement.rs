//! EquityStatement: a funder shows that every school got at least a floor for each weighted pupil.
//!
//! Weights are not the funder's word: the ledger sums them from the round's own requests, school by school, and commits
//! to them under the blindings given. So the record shows commitments to amounts and to true weights, and proofs that
//! amount − floor · weight is not negative, for every school; the public does not see weights, nor amounts by protocol 1 and 2. From
//! protocol 3 on amounts are known ([`super::BudgetStatement`]), so that a school's weight is known to be at most amount / floor.
//! (Members see the requests anyway, so a blinding in a transaction tells them nothing.)
//!
//! The budget's statement must be bound to those charges then: a floor over one of before, whose split is the funder's own choice, would say
//! nothing of any school (code 226).
//!
//! Does not show: how far above the floor a school is, or that amounts were paid out.

use std::collections::BTreeMap;
use std::sync::Arc;

use aula_zk::Batch;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::budget_statement::refusal;
use crate::code::Code;
use crate::params::MAX_TRANSACTION_RANGE_VALUES;
use crate::proof::committed::ProofBytes;
use crate::proof::money::{LINE_GROUP, Purse, commit_weight};
use crate::rounds::weight;
use crate::state::schema::{self, RequestRow, StatedEquity};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{CommitmentBytes, Hash, RoundId, SchoolId, SchoolYear};

/// That a floor per weighted pupil holds for every school of the sender's stated budget.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EquityStatement {
    /// The year of the sender's stated budget.
    pub school_year: SchoolYear,
    /// The decided round of that year whose requests weigh the pupils.
    pub round: RoundId,
    /// Cents due for each hundredth of a weighted pupil: a weight W of 100 is one pupil.
    pub floor_cents: u32,
    /// Blindings of the commitments to the schools' weights, in the order of the stated budget's lines.
    pub blindings: Vec<Hash>,
    /// Range proofs of every eight lines.
    pub proofs: Vec<ProofBytes>,
}

impl Handler for EquityStatement {
    fn check(&self) -> Result<(), Code> {
        require((1..=MAX_TRANSACTION_RANGE_VALUES).contains(&self.blindings.len()))?;
        require(self.proofs.len() == self.blindings.len().div_ceil(LINE_GROUP))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (funder, school_year, round) = (context.sender.account, self.school_year, self.round);
        let budget = schema::stated_budget(context.overlay, &funder, school_year)?;
        let budget = budget.ok_or(Code::NoStatement)?;
        // A floor over amounts of the funder's own choice would say nothing of any school.
        let bound = !context.facts.protocol.binds_statements() || schema::is_bound(context.overlay, &budget)?;
        ensure(bound, Code::UnboundStatement)?;
        ensure(budget.lines.len() == self.blindings.len(), Code::SchoolMissing)?;
        let weights = school_weights(context, round, school_year)?;
        let stated =
            |school: &SchoolId| budget.lines.binary_search_by_key(school, |line| line.school).is_ok();
        ensure(weights.keys().all(stated), Code::SchoolMissing)?;
        let mut committed: Vec<CommitmentBytes> = Vec::with_capacity(budget.lines.len());
        for (position, (line, blinding)) in budget.lines.iter().zip(&self.blindings).enumerate() {
            let weight = weights.get(&line.school).copied().unwrap_or(0);
            let commitment = commit_weight(weight, &blinding.0);
            committed.push(commitment.ok_or_else(|| Refusal::from(Code::NotCommitted).at(position))?);
        }
        let purse = Purse { chain: &context.facts.genesis, funder, school_year };
        let statements = purse.floors(round, &budget.lines, &committed, self.floor_cents).map_err(refusal)?;
        let mut batch = Batch::new();
        for (statement, proof) in statements.iter().zip(&self.proofs) {
            batch.push(statement, &proof.0);
        }
        let first_of = |group: usize| group.saturating_mul(LINE_GROUP);
        batch.verify().map_err(|bad| Refusal::from(Code::ProofRejected).at(first_of(bad.index)))?;
        let record = StatedEquity {
            funder,
            school_year,
            round,
            floor_cents: self.floor_cents,
            budget_stated: budget.stated,
            weights: committed,
            proofs: self.proofs.clone(),
            stated: context.facts.height,
        };
        schema::write(context.overlay, schema::stated_equity_key(&funder, school_year), &record);
        Ok(vec![Event::EquityStated { funder, school_year, round, floor_cents: self.floor_cents }])
    }
}

/// The sum of the weights W of a decided round's requests, by school; computed once a block.
fn school_weights(
    context: &mut Context<'_, '_>,
    round: RoundId,
    school_year: SchoolYear,
) -> Result<Arc<BTreeMap<SchoolId, u64>>, Refusal> {
    let record = schema::round(context.overlay, round)?.ok_or(Code::UnknownRound)?;
    ensure(schema::decision(context.overlay, round)?.is_some(), Code::NotDecided)?;
    ensure(record.school_year == school_year, Code::OtherYear)?;
    if let Some(known) = context.memory.school_weights.get(&round) {
        return Ok(Arc::clone(known));
    }
    let mut sums: BTreeMap<SchoolId, u64> = BTreeMap::new();
    for (_, row) in context.overlay.rows(&schema::requests_tree(round))? {
        let row: RequestRow = schema::decode(&row)?;
        let sum = sums.entry(row.home_school).or_default();
        *sum = sum.saturating_add(u64::from(weight(record.equity, row.band)));
    }
    let sums = Arc::new(sums);
    context.memory.school_weights.insert(round, Arc::clone(&sums));
    Ok(sums)
}
