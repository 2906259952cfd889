//! Which of the offers is fetched first.
//!
//! An offer's header is certified, its list of chunks is not: a liar may put any list under the newest header that there is, and only the
//! whole state behind it shows that. So what is newest does not go first, but what most peers offer among those that are no further behind
//! than snapshots lie apart.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use aula_ledger::types::Hash;

use super::{Known, LEAST_LEAD, Offer};

/// Those that offer the same together, in the order in which they are tried.
pub(super) fn ranked(offers: Vec<Offer>, known: &Known, interval: u64) -> Vec<Vec<Offer>> {
    let newest = offers.iter().map(Offer::height).max().unwrap_or_default();
    let mut by_name: BTreeMap<Hash, Vec<Offer>> = BTreeMap::new();
    for offer in offers {
        by_name.entry(offer.verified.manifest.name()).or_default().push(offer);
    }
    let mut groups: Vec<Vec<Offer>> = by_name.into_values().collect();
    groups.sort_by_key(|group| {
        let height = group.first().map_or(0, Offer::height);
        // While the newest is being written, most still offer the one before.
        let is_recent = height.saturating_add(interval).saturating_add(LEAST_LEAD) >= newest;
        let able = group.iter().filter(|offer| !known.slow.contains(&offer.peer)).count();
        Reverse((able > 0, is_recent, if is_recent { able } else { 0 }, height, able))
    });
    groups
}
