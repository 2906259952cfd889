//! BudgetStatement: a funder says where a year's money went, school by school, without saying how much.
//!
//! From protocol 3 on it shows that each school's amount is what the ledger charged to this budget for the school's pools, as of
//! the block that the statement was made on, none left out. Those charges are public: what the commitments are for is the floor over
//! hidden weights that follows ([`super::EquityStatement`]). Before, it showed that no amount is negative or above 2^32 − 1 cents, and that
//! they sum to what was funded. Neither shows that money was paid out. A later statement of the same funder and year takes the place of
//! the first; both stay in their blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::params::MAX_TRANSACTION_RANGE_VALUES;
use crate::proof::money::{BudgetLine, BudgetProofBytes, MoneyError, Purse};
use crate::state::schema::{self, PoolRecord, StatedBudget};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ascends, ensure, require};
use crate::types::{AccountId, Cents, Height, PoolId, SchoolYear};

/// Amounts by school as commitments, with the proof that they sum to the total.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetStatement {
    /// The year of the sender's budget.
    pub school_year: SchoolYear,
    /// The height of the state that the statement was made on; the proof is bound to it.
    pub as_of: Height,
    /// What the amounts sum to: all that is charged to the sender's budget of that year (before protocol 3, all that is funded).
    pub total_cents: Cents,
    /// Strictly ascending by school; 1 to 1,024.
    pub lines: Vec<BudgetLine>,
    /// That each line is its school's charge (before protocol 3: range proofs of every eight lines, then the sum's).
    pub proof: BudgetProofBytes,
}

impl Handler for BudgetStatement {
    fn check(&self) -> Result<(), Code> {
        require((1..=MAX_TRANSACTION_RANGE_VALUES).contains(&self.lines.len()))?;
        require(ascends(self.lines.iter().map(|line| &line.school)))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (funder, year) = (context.sender.account, self.school_year);
        let budget = schema::budget(context.overlay, &funder, year)?.ok_or(Code::UnknownBudget)?;
        let bound = context.facts.protocol.binds_statements();
        let whole = if bound { budget.charged_cents } else { budget.funded_cents };
        ensure(whole == self.total_cents, Code::TotalDiffers)?;
        ensure(self.as_of < context.facts.height, Code::StatementAhead)?;
        for (position, line) in self.lines.iter().enumerate() {
            let known = schema::school(context.overlay, line.school)?.is_some();
            ensure(known, Code::UnknownSchool).map_err(|code| Refusal::from(code).at(position))?;
        }
        let purse = Purse { chain: &context.facts.genesis, funder, school_year: year };
        let holds = if bound {
            let amounts = self.charged(context)?;
            purse.charged(self.as_of, &self.lines, &amounts).map_err(refusal)?.holds(&self.proof)
        } else {
            let statement = purse.budget(self.as_of, &self.lines, self.total_cents).map_err(refusal)?;
            statement.verify(&self.proof.0).is_ok()
        };
        ensure(holds, Code::ProofRejected)?;
        let record = StatedBudget {
            funder,
            school_year: year,
            as_of: self.as_of,
            total_cents: self.total_cents,
            lines: self.lines.clone(),
            proof: self.proof.clone(),
            stated: context.facts.height,
        };
        schema::write(context.overlay, schema::stated_budget_key(&funder, year), &record);
        if bound {
            let height = context.facts.height.0.to_be_bytes().to_vec();
            context.overlay.put(schema::bound_budget_key(&funder, year), height);
        }
        Ok(vec![Event::BudgetStated { funder, school_year: year, total_cents: self.total_cents }])
    }
}

impl BudgetStatement {
    /// What each line's school was charged as of the block that the statement was made on; 0 where it has no pool. Refused when a
    /// pool was opened or retired since, or a school that was charged has no line: then the lines would not be all of it.
    fn charged(&self, context: &mut Context<'_, '_>) -> Result<Vec<u64>, Refusal> {
        let pools = charged_pools(context, self.school_year)?;
        let mut charged = schema::charged_at(&pools, self.as_of);
        ensure(charged == schema::charged_now(&pools), Code::TotalDiffers)?;
        let amounts = self.lines.iter().map(|line| charged.remove(&line.school).unwrap_or(0)).collect();
        ensure(charged.is_empty(), Code::TotalDiffers)?;
        Ok(amounts)
    }
}

/// The pools that are or were charged to the sender's budget of a year: those from before the block are read once a block, which is what
/// [`crate::execute::cost`] counts, those that the block wrote are read off it.
fn charged_pools(context: &mut Context<'_, '_>, year: SchoolYear) -> Result<Vec<PoolRecord>, Refusal> {
    let before = match context.memory.costly_pools.get(&year) {
        Some(known) => Arc::clone(known),
        None => {
            let mut read: BTreeMap<AccountId, Vec<PoolRecord>> = BTreeMap::new();
            for pool in schema::costly_pools(context.overlay.base(), year)? {
                read.entry(pool.funder).or_default().push(pool);
            }
            let read = Arc::new(read);
            context.memory.costly_pools.insert(year, Arc::clone(&read));
            read
        }
    };
    let own = before.get(&context.sender.account).into_iter().flatten();
    let mut pools: BTreeMap<PoolId, PoolRecord> = own.map(|pool| (pool.pool, pool.clone())).collect();
    for (_, bytes) in context.overlay.written(&schema::all_pools_prefix()) {
        let pool: PoolRecord = schema::decode(&bytes)?;
        if pool.funder == context.sender.account
            && pool.cost_cents() > 0
            && schema::class(context.overlay, pool.class)?
                .is_some_and(|class| class.definition.school_year == year)
        {
            pools.insert(pool.pool, pool);
        }
    }
    Ok(pools.into_values().collect())
}

/// The code of lines that make no statement, with the line at fault.
pub(super) fn refusal(error: MoneyError) -> Refusal {
    match error {
        MoneyError::NotCommitted(position) => Refusal::from(Code::NotCommitted).at(position),
        MoneyError::Lines => Code::ProofRejected.into(),
    }
}
