//! Where one more place is worth most, from a decided round's prices.
//!
//! A price is what the round's cost would fall by with one more place in that pool, proved by the round's certificate. It is
//! the worth of the first further place: the next ones are worth at most as much, and how much is seen by deciding again.

use serde::{Deserialize, Serialize};

use crate::ledger_pools::read_pools;
use crate::text::Unreadable;

/// A round as `aula query round` has it.
#[derive(Debug, Deserialize)]
struct Round {
    class: u32,
    decision: Option<Decision>,
}

#[derive(Debug, Deserialize)]
struct Decision {
    prices: Vec<Price>,
}

#[derive(Debug, Deserialize)]
struct Price {
    pool: u32,
    price: Option<i64>,
    used: Option<u32>,
}

/// What a pool's price says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worth {
    /// The pool's number on the ledger.
    pub pool: u32,
    /// Its school on the ledger.
    pub school: u32,
    /// Its kind in the class.
    pub kind: u32,
    /// Places that students can be given.
    pub capacity: u32,
    /// Places used; none where few are not told.
    pub used: Option<u32>,
    /// What the round's cost falls by with one more place; below 0, what one more guaranteed place costs.
    pub price: i64,
    /// What a place costs, in cents.
    pub unit_cost_cents: u64,
    /// Price × 100,000 for each cent; none where a place costs nothing.
    pub price_per_1000_dollars: Option<i64>,
}

/// Pools by what should become of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Proposal {
    /// One more place is worth something: most for its money first, then most.
    pub more: Vec<Worth>,
    /// Places are left and one more is worth nothing: most left first.
    pub spare: Vec<Worth>,
    /// Guaranteed places cost the round something: the dearest first.
    pub floors: Vec<Worth>,
}

/// Proposes from the JSON of `aula query pools` and `aula query round`.
///
/// # Errors
/// When one of them is not valid, or the round is not decided.
pub fn propose(pools: &[u8], round: &[u8]) -> Result<Proposal, Unreadable> {
    let pools = read_pools(pools)?;
    let round: Round = serde_json::from_slice(round).map_err(|error| Unreadable::at("round", error))?;
    let decision = round.decision.ok_or_else(|| Unreadable::at("round", "it is not decided yet"))?;
    let mut proposal = Proposal::default();
    for pool in pools.iter().filter(|pool| pool.class == round.class) {
        // Where it is unbounded no place can be left out; that is nothing to propose by.
        let line = decision.prices.iter().find(|line| line.pool == pool.pool);
        let Some((line, price)) = line.and_then(|line| Some((line, line.price?))) else { continue };
        let per_money = i128::from(price) * 100_000;
        let per_money = per_money.checked_div(i128::from(pool.unit_cost_cents));
        let worth = Worth {
            pool: pool.pool,
            school: pool.school,
            kind: pool.kind,
            capacity: pool.capacity,
            used: line.used,
            price,
            unit_cost_cents: pool.unit_cost_cents,
            price_per_1000_dollars: per_money.and_then(|value| i64::try_from(value).ok()),
        };
        match price.signum() {
            1 => proposal.more.push(worth),
            0 if line.used.is_some_and(|used| used < pool.capacity) => proposal.spare.push(worth),
            -1 => proposal.floors.push(worth),
            _ => {}
        }
    }
    let by_money = |one: &Worth| one.price_per_1000_dollars.unwrap_or(i64::MAX);
    proposal.more.sort_by_key(|one| (std::cmp::Reverse((by_money(one), one.price)), one.pool));
    proposal
        .spare
        .sort_by_key(|one| (std::cmp::Reverse(one.capacity - one.used.unwrap_or(one.capacity)), one.pool));
    proposal.floors.sort_by_key(|one| (one.price, one.pool));
    Ok(proposal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOLS: &str = r#"{"count":5,"pools":[
      {"pool":1,"class":7,"school":61,"kind":0,"capacity":5,"unit_cost_cents":30000,"retired":null,"floor":0},
      {"pool":2,"class":7,"school":62,"kind":0,"capacity":4,"unit_cost_cents":10000,"retired":null},
      {"pool":3,"class":7,"school":61,"kind":1,"capacity":9,"unit_cost_cents":0},
      {"pool":4,"class":8,"school":61,"kind":1,"capacity":9},{"pool":5,"class":7,"school":61,"kind":0,"capacity":2,"retired":9}]}"#;

    fn told(prices: &str) -> Result<Proposal, Unreadable> {
        propose(
            POOLS.as_bytes(),
            format!(r#"{{"round":3,"class":7,"decision":{{"prices":[{prices}]}}}}"#).as_bytes(),
        )
    }

    #[test]
    fn what_is_worth_most_for_its_money_comes_first() {
        let all = told(
            r#"{"pool":1,"price":900,"used":5},{"pool":2,"price":400,"used":4},{"pool":3,"price":0,"used":2},{"pool":5,"price":9,"used":2}"#,
        )
        .unwrap();
        assert_eq!(all.more.iter().map(|one| one.pool).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(all.more[0].price_per_1000_dollars, Some(4_000));
        assert_eq!(all.spare.iter().map(|one| one.pool).collect::<Vec<_>>(), [3]);
        assert!(all.floors.is_empty(), "{all:?}");
    }

    #[test]
    fn floors_and_unbounded_prices_are_told_apart() {
        let all = told(r#"{"pool":1,"price":-30,"used":null},{"pool":2,"price":null,"used":4},{"pool":3,"price":7,"used":9}"#).unwrap();
        assert_eq!((all.floors[0].pool, all.more[0].price_per_1000_dollars), (1, None));
        assert_eq!((all.more.len(), all.spare.len()), (1, 0));
        let undecided = propose(POOLS.as_bytes(), br#"{"class":7,"decision":null}"#);
        assert_eq!(undecided.unwrap_err().to_string(), "round: it is not decided yet");
        assert!(propose(b"[]", b"{}").unwrap_err().to_string().starts_with("pools: "));
    }
}
