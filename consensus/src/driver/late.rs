//! What the age of a block says of this machine's clock, see [`crate::lateness`].

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::types::{Hash, TimeMs};

use super::Driver;
use crate::context::Height;
use crate::lateness::News;

impl Driver {
    /// Notes how old the block is that has just become final, where its age is the clock's doing: it came as a proposal in the
    /// round that decided it. Where it was fetched, or came in another round, this node may have been slow: that ends the row.
    pub(super) fn note_age(&self, height: Height, round: u32, hash: Hash, time_ms: TimeMs) {
        let lateness = &self.services.lateness;
        let is_own = self.round == round && is_of_round(&self.at_height.taken, round, &hash);
        let news = if !is_own || self.synced == Some(height) {
            lateness.interrupted()
        } else {
            // A clock that cannot be read is said elsewhere.
            let Ok(now_ms) = self.services.clock.now_ms() else { return };
            lateness.came(now_ms.saturating_sub(time_ms.0))
        };
        match news {
            Some(News::Late) => {
                let words = lateness.words().unwrap_or_default();
                tracing::error!(%height, "{words}");
            }
            Some(News::Fresh) => {
                tracing::warn!(%height, "blocks arrive fresh again: this clock agrees with the chain's");
            }
            Some(News::Untold) => {
                tracing::warn!(
                    %height,
                    "whether this machine's clock is fast is not known any more: this block did not come in its own round, and says nothing of it"
                );
            }
            None => {}
        }
    }
}

/// Whether a block came as a proposal in this round, and in none before: one that is proposed again is as old as its first round.
fn is_of_round(taken: &BTreeMap<u32, BTreeSet<Hash>>, round: u32, hash: &Hash) -> bool {
    let first = taken.iter().find(|(_, hashes)| hashes.contains(hash));
    first.is_some_and(|(first, _)| *first == round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_of_the_first_round_in_which_it_came_and_one_that_was_fetched_of_none() {
        let (again, new, fetched) = (Hash([1; 32]), Hash([2; 32]), Hash([3; 32]));
        let taken = BTreeMap::from([(0, BTreeSet::from([again])), (2, BTreeSet::from([again, new]))]);
        assert!(is_of_round(&taken, 0, &again) && !is_of_round(&taken, 2, &again));
        assert!(is_of_round(&taken, 2, &new) && !is_of_round(&taken, 0, &new));
        assert!((0..4).all(|round| !is_of_round(&taken, round, &fetched)));
    }
}
