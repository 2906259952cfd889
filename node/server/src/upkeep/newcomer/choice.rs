//! Which of the offers is fetched first, and which is left for its size.
//!
//! An offer's header is certified, its list of chunks is not: a liar may put any list under the newest header that there is, and only the
//! whole state behind it shows that. So what is newest does not go first, but what most peers offer among those that are no further behind
//! than snapshots lie apart; and nobody's list may have many times the bytes of the others', or more than this disk has room for.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use aula_ledger::types::Hash;

use super::{Known, LEAST_LEAD, Offer};

/// What any snapshot may have: so much fills no disk that a node is kept on.
const MODEST_BYTES: u64 = 1 << 30;
/// Beyond that, how many times as much as the median peer's: a state does not grow like that between two snapshots.
const TIMES: u64 = 4;
/// The part of the free bytes that a snapshot may have: there is the database made of it too, and what the chain writes meanwhile.
const PART: u64 = 4;

/// Those that offer the same together, in the order in which they are tried.
pub(super) fn ranked(offers: Vec<Offer>, known: &Known, interval: u64) -> Vec<Vec<Offer>> {
    let newest = offers.iter().map(Offer::height).max().unwrap_or_default();
    let mut by_name: BTreeMap<Hash, Vec<Offer>> = BTreeMap::new();
    for offer in offers {
        by_name.entry(offer.manifest.name()).or_default().push(offer);
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

/// Those whose size may be, where so many bytes are free. It is said of the others why they are left; they are judged anew when
/// other offers come.
pub(super) fn of_a_size(mut offers: Vec<Offer>, known: &mut Known, free: u64) -> Vec<Offer> {
    let mut sizes: Vec<u64> = offers.iter().map(|offer| offer.manifest.bytes()).collect();
    sizes.sort_unstable();
    // Of two the larger: nothing says which of them is right.
    let median = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
    offers.retain(|offer| {
        let manifest = &offer.manifest;
        let why = too_large(manifest.bytes(), median, free);
        if let Some(why) = &why {
            known.say(offer.peer, manifest.name(), why);
        }
        why.is_none()
    });
    offers
}

fn too_large(bytes: u64, median: u64, free: u64) -> Option<String> {
    if bytes > MODEST_BYTES.max(median.saturating_mul(TIMES)) {
        return Some(format!("its list names {bytes} bytes, and the median peer's {median}"));
    }
    (bytes > free / PART).then(|| {
        format!("it has {bytes} bytes, and no more than a quarter of the {free} free here goes to one: free space, or wait for the blocks")
    })
}
