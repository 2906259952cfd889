//! Which blocks this node itself has seen a quorum of votes for, at the height that is being decided.
//!
//! Every vote that the engine counts, single or inside a certificate, replayed from its log or its own, passes the
//! verifier first (`crate::signing`), and what is valid there is counted here as well. So this is this node's own
//! knowledge: nothing that a proposer merely claims, such as the valid round in the head of its stream, gets in.
//!
//! Bounds: two blocks a validator, round and kind of vote are told apart, and the votes of `ROUNDS` rounds are
//! remembered; a quorum that was seen is remembered until the height is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use arc_malachitebft_core_types::{NilOrVal, VoteType};
use aula_ledger::types::{Hash, ValidatorAddress};

use crate::context::{Address, Height, ValidatorSet, Vote};

/// Rounds whose single votes are remembered; the lowest is forgotten first.
const ROUNDS: usize = 64;
/// Blocks that one validator may vote for in one round: one, and the other one of an equivocator.
const CHOICES: usize = 2;

/// Prevotes for a block, or precommits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Prevote,
    Precommit,
}

#[derive(Debug, Default)]
struct Round {
    voted: BTreeMap<(Kind, Address), Vec<Hash>>,
    power: BTreeMap<(Kind, Hash), u64>,
}

#[derive(Debug, Default)]
struct Inner {
    height: Height,
    set: Option<ValidatorSet>,
    rounds: BTreeMap<u32, Round>,
    seen: BTreeSet<(u32, Kind, Hash)>,
    /// Who has voted at all, for a block or for none.
    voters: BTreeSet<Address>,
}

/// Counts the votes of one height. Shared by the verifier, which fills it, and the driver, which asks.
#[derive(Debug, Default)]
pub struct Quorums {
    inner: Mutex<Inner>,
}

impl Quorums {
    /// Begins a height with its validators. Asked again for the same height it changes nothing.
    pub fn begin(&self, height: Height, set: &ValidatorSet) {
        let mut inner = self.lock();
        if inner.height != height || inner.set.as_ref() != Some(set) {
            *inner = Inner { height, set: Some(set.clone()), ..Inner::default() };
        }
    }

    /// Counts a vote whose signature is valid.
    pub fn count(&self, vote: &Vote) {
        let mut inner = self.lock();
        let Some(set) = inner.set.clone().filter(|_| vote.height == inner.height) else { return };
        let Some(voter) = set.by_address(&vote.address) else { return };
        inner.voters.insert(vote.address);
        let (NilOrVal::Val(hash), Some(number)) = (vote.value, vote.round.as_u32()) else { return };
        let kind = match vote.kind {
            VoteType::Prevote => Kind::Prevote,
            VoteType::Precommit => Kind::Precommit,
        };
        let round = inner.rounds.entry(number).or_default();
        let choices = round.voted.entry((kind, vote.address)).or_default();
        if choices.contains(&hash) || choices.len() >= CHOICES {
            return;
        }
        choices.push(hash);
        let power = round.power.entry((kind, hash)).or_default();
        *power += voter.power;
        if u128::from(*power) * 3 > u128::from(set.total_power()) * 2 {
            inner.seen.insert((number, kind, hash));
        }
        if inner.rounds.len() > ROUNDS {
            inner.rounds.pop_first();
        }
    }

    /// Whether more than two thirds of the power prevoted for this block in this round.
    pub fn polka(&self, round: u32, block: &Hash) -> bool {
        self.lock().seen.contains(&(round, Kind::Prevote, *block))
    }

    /// Whether more than two thirds of the power precommitted to this block in this round: it is decided.
    pub fn commit(&self, round: u32, block: &Hash) -> bool {
        self.lock().seen.contains(&(round, Kind::Precommit, *block))
    }

    /// Validators of the height that is being decided from whom no vote of it came, as far as this node heard.
    pub fn silent(&self) -> Vec<ValidatorAddress> {
        let inner = self.lock();
        let all = inner.set.iter().flat_map(ValidatorSet::addresses);
        all.filter(|address| !inner.voters.contains(*address)).map(|address| address.0).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arc_malachitebft_core_types::Round as EngineRound;
    use aula_ledger::chain::{self, validators::address};
    use aula_ledger::keys::public_key;
    use ed25519_dalek::SigningKey;

    fn set() -> ValidatorSet {
        let key = |n| public_key(&SigningKey::from_bytes(&[n; 32]));
        ValidatorSet::of(
            &chain::ValidatorSet::new((1..=4).map(|n| chain::Validator::new(key(n), 1)).collect()).unwrap(),
        )
        .unwrap()
    }

    fn vote(n: u8, kind: VoteType, height: u64, round: u32, hash: Option<u8>) -> Vote {
        let value = hash.map_or(NilOrVal::Nil, |n| NilOrVal::Val(Hash([n; 32])));
        let address = Address(address(&public_key(&SigningKey::from_bytes(&[n; 32]))));
        Vote { kind, height: Height(height), round: EngineRound::new(round), value, address }
    }

    fn begun() -> Quorums {
        let quorums = Quorums::default();
        quorums.begin(Height(5), &set());
        quorums
    }

    #[test]
    fn three_of_four_are_a_quorum_of_their_kind_round_and_block() {
        let quorums = begun();
        for (n, expected) in [(1, false), (2, false), (2, false), (3, true), (4, true)] {
            quorums.count(&vote(n, VoteType::Prevote, 5, 2, Some(7)));
            assert_eq!(quorums.polka(2, &Hash([7; 32])), expected, "after {n}");
        }
        assert!(!quorums.polka(1, &Hash([7; 32])) && !quorums.polka(2, &Hash([8; 32])));
        assert!(!quorums.commit(2, &Hash([7; 32])));
        (1..=3).for_each(|n| quorums.count(&vote(n, VoteType::Precommit, 5, 2, Some(7))));
        assert!(quorums.commit(2, &Hash([7; 32])));
        quorums.begin(Height(5), &set());
        assert!(quorums.polka(2, &Hash([7; 32])), "beginning again changes nothing");
        quorums.begin(Height(6), &set());
        assert!(!quorums.polka(2, &Hash([7; 32])));
    }

    #[test]
    fn nil_strangers_and_other_heights_count_for_nothing() {
        let quorums = begun();
        for n in 1..=4 {
            quorums.count(&vote(n, VoteType::Prevote, 5, 0, None));
            quorums.count(&vote(n, VoteType::Prevote, 4, 0, Some(7)));
            quorums.count(&vote(n + 4, VoteType::Prevote, 5, 0, Some(7)));
        }
        assert!(!quorums.polka(0, &Hash([7; 32])));
    }

    #[test]
    fn whoever_has_not_voted_at_this_height_is_silent() {
        let quorums = begun();
        let address = |n: u8| address(&public_key(&SigningKey::from_bytes(&[n; 32])));
        let silent = |quorums: &Quorums| quorums.silent().into_iter().collect::<BTreeSet<_>>();
        assert_eq!(silent(&quorums), (1..=4).map(address).collect());
        quorums.count(&vote(1, VoteType::Prevote, 5, 0, None));
        quorums.count(&vote(2, VoteType::Precommit, 5, 3, Some(7)));
        quorums.count(&vote(3, VoteType::Precommit, 4, 0, Some(7)));
        assert_eq!(silent(&quorums), [address(3), address(4)].into());
        quorums.begin(Height(6), &set());
        assert_eq!(silent(&quorums).len(), 4, "another height, another count");
    }

    #[test]
    fn memory_is_bounded_whatever_one_validator_signs() {
        let quorums = begun();
        for round in 0..10_000 {
            for hash in 0..8 {
                quorums.count(&vote(1, VoteType::Prevote, 5, round, Some(hash)));
            }
        }
        let inner = quorums.lock();
        assert!(
            inner.rounds.len() <= ROUNDS && inner.rounds.values().all(|round| round.power.len() <= CHOICES)
        );
    }
}
