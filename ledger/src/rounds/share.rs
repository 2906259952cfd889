//! The schools' fair share of a round's places: the optimizer's school layer from the rows.
//!
//! A school's share is its part of all places by weight, where a school weighs Σ W of its students who request:
//! the largest remainder method (Hamilton's), ties to the lower school number. Its guarantee is a percentage of
//! that share, rounded down, never more than the students it has. Both follow from rows that an auditor holds.
//!
//! Absent: enrolment beyond the requests. A school whose students do not request has no share.

use std::collections::{BTreeMap, BTreeSet};

use aula_allocation::certificate::Prices;
use aula_allocation::problem::{MAX_COST, School, SchoolLayer};

use crate::state::schema::FairShare;
use crate::types::SchoolId;

/// The schools of the requests, ascending: the order of the layer's schools and of their prices.
pub fn layer_schools(homes: impl Iterator<Item = SchoolId>) -> Vec<SchoolId> {
    homes.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What waiting costs the students of each school of the layer beyond the table: the waitlist's price and its own.
pub fn waiting_prices(prices: &Prices) -> Vec<i64> {
    let waitlist = prices.pools.last().copied().unwrap_or(0);
    prices.schools.iter().map(|price| price.saturating_add(waitlist)).collect()
}

/// The layer of requests given as (home school, weight W), sharing `places`.
pub fn layer(requests: &[(SchoolId, u32)], places: u64, terms: FairShare) -> SchoolLayer {
    let mut sums: BTreeMap<SchoolId, (u32, u64)> = BTreeMap::new();
    for (home, weight) in requests {
        let (students, weights) = sums.entry(*home).or_default();
        *students = students.saturating_add(1);
        *weights = weights.saturating_add(u64::from(*weight));
    }
    let weights: Vec<u64> = sums.values().map(|(_, weight)| *weight).collect();
    let schools = sums.values().zip(shares(&weights, places)).map(|((students, _), share)| {
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let guaranteed = u64::from(share.min(*students)).saturating_mul(terms.min_share_percent.into()) / 100;
        School {
            min_placed: u32::try_from(guaranteed).unwrap_or(*students),
            share,
            penalty: i32::try_from(terms.penalty).unwrap_or(MAX_COST),
        }
    });
    let index: BTreeMap<SchoolId, u32> = sums.keys().copied().zip(0u32..).collect();
    let school_of = requests.iter().map(|(home, _)| index.get(home).copied().unwrap_or(0)).collect();
    SchoolLayer { school_of, schools: schools.collect() }
}

/// `places` by weight, largest remainder; sums to `places` unless all weights are 0.
fn shares(weights: &[u64], places: u64) -> Vec<u64> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let exact = |weight: &u64| u128::from(*weight).saturating_mul(places.into());
    let whole = |weight: &u64| exact(weight).checked_div(total).unwrap_or(0);
    let rest = |weight: &u64| exact(weight).checked_rem(total).unwrap_or(0);
    let mut shares: Vec<u64> = weights.iter().map(|w| u64::try_from(whole(w)).unwrap_or(places)).collect();
    let given = shares.iter().fold(0u64, |sum, share| sum.saturating_add(*share));
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| (std::cmp::Reverse(weights.get(*at).map_or(0, rest)), *at));
    let left = if total == 0 { 0 } else { places.saturating_sub(given) };
    for at in order.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        shares.get_mut(at).into_iter().for_each(|share| *share = share.saturating_add(1));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_sum_to_the_places_and_remainders_go_to_the_largest_then_the_first() {
        assert_eq!(shares(&[1, 1, 1], 10), [4, 3, 3]);
        assert_eq!(shares(&[5, 3, 1], 4), [2, 1, 1]);
        assert_eq!(shares(&[0, 0], 4), [0, 0]);
        assert_eq!(shares(&[], 4), [0u64; 0]);
        for places in 0..50 {
            assert_eq!(shares(&[103, 169, 7, 41], places).iter().sum::<u64>(), places);
        }
    }

    #[test]
    fn a_guarantee_is_never_more_than_the_school_has() {
        let requests = [(SchoolId(9), 100), (SchoolId(4), 100), (SchoolId(9), 100)];
        let terms = FairShare { penalty: 7, min_share_percent: 100 };
        let layer = layer(&requests, 30, terms);
        assert_eq!(layer.school_of, [1, 0, 1]);
        let four = School { min_placed: 1, share: 10, penalty: 7 };
        let nine = School { min_placed: 2, share: 20, penalty: 7 };
        assert_eq!(layer.schools, [four, nine]);
    }
}
