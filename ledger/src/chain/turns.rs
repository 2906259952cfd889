//! Whose turn it is to propose, and who is left out for having missed its own.
//!
//! Positions follow each other over heights and rounds, and each belongs to a validator in proportion to power. What a
//! height's header names as its builder shows who had a turn before that one and let it pass: their blocks were not decided.
//! A validator that missed is left out of its next turns, one after its first miss, three after the second in a row, seven,
//! and from then on nine: at the tenth it is asked again, so that somebody who is back has a turn at least every ten rounds
//! of everybody. A block of its own that is decided ends that at once.
//!
//! Invariants: all of it is a function of decided headers; those left out have less than a third of the power together, so
//! that nothing a liar does keeps the others from proposing; whoever is not left out has exactly the turns that it would
//! have without anybody's misses, and those of its neighbours that are left out beside; once a height has seen as many rounds
//! as there are validators nobody is left out of it.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::ValidatorSet;
use super::validators::Validator;
use crate::codec::Canonical;
use crate::types::{Height, ValidatorAddress};

#[cfg(test)]
mod tests;

/// Own turns from one that was missed to the next that is given, by how many were missed in a row before.
const NEXT_TURN: [u64; 4] = [2, 4, 8, 10];

/// A validator whose last turn brought no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Miss {
    /// Its address in the set in force.
    pub validator: ValidatorAddress,
    /// The last height at which it missed a turn.
    pub height: Height,
    /// How many heights in a row of those where it had one, as far as that matters.
    pub in_a_row: u8,
}

impl Miss {
    /// The first height at which it may have a turn again, among so many validators.
    fn until(&self, validators: u64) -> u64 {
        let at = usize::from(self.in_a_row.saturating_sub(1)).min(NEXT_TURN.len() - 1);
        let turns = NEXT_TURN.get(at).copied().unwrap_or(1).saturating_sub(1);
        self.height.0.saturating_add(turns.saturating_mul(validators)).saturating_add(1)
    }
}

/// Who missed their last turn. Strictly ascending by validator; nobody who is not in the set.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct Misses {
    /// The newest miss of each validator whose last turn brought no block.
    pub latest: Vec<Miss>,
}

impl Misses {
    /// What is known of one validator.
    pub fn of(&self, validator: &ValidatorAddress) -> Option<&Miss> {
        let at = self.latest.binary_search_by_key(validator, |miss| miss.validator).ok()?;
        self.latest.get(at)
    }

    /// Notes a decided block of this height, built by `builder`, where these misses were what was known before. True when
    /// anything changed.
    pub fn note(&mut self, set: &ValidatorSet, height: Height, builder: ValidatorAddress) -> bool {
        if set.get(&builder).is_none() {
            return false;
        }
        let before = self.clone();
        for missed in Turns::new(set, &before, height).before(builder) {
            self.missed(missed, height);
        }
        self.latest.retain(|miss| miss.validator != builder && set.get(&miss.validator).is_some());
        *self != before
    }

    fn missed(&mut self, validator: ValidatorAddress, height: Height) {
        match self.latest.binary_search_by_key(&validator, |miss| miss.validator) {
            Ok(at) => self.latest.get_mut(at).into_iter().for_each(|miss| {
                let in_a_row = miss.in_a_row.saturating_add(1).min(NEXT_TURN.len() as u8);
                *miss = Miss { validator, height, in_a_row };
            }),
            Err(at) => self.latest.insert(at, Miss { validator, height, in_a_row: 1 }),
        }
    }

    /// Who has no turn at a height: of those whose time is not over, the ones that missed most in a row and then the
    /// latest, as long as they have less than a third of the power together. By position in the set.
    fn left_out(&self, set: &ValidatorSet, height: Height) -> Vec<usize> {
        let count = set.validators().len() as u64;
        let mut due: Vec<&Miss> = self.latest.iter().filter(|miss| height.0 < miss.until(count)).collect();
        due.sort_by_key(|miss| std::cmp::Reverse((miss.in_a_row, miss.height, miss.validator)));
        let (mut out, mut power) = (Vec::new(), 0u128);
        for miss in due {
            let at = set.validators().binary_search_by_key(&miss.validator, |validator| validator.address);
            let Some((at, validator)) = at.ok().and_then(|at| Some((at, set.validators().get(at)?))) else {
                continue;
            };
            let with = power + u128::from(validator.power);
            if with * 3 < u128::from(set.total_power()) {
                power = with;
                out.push(at);
            }
        }
        out
    }
}

/// The turns of one height.
#[derive(Debug)]
pub struct Turns<'a> {
    set: &'a ValidatorSet,
    height: Height,
    out: Vec<usize>,
}

impl<'a> Turns<'a> {
    /// The turns of a height that this set decides, with the misses known below it.
    pub fn new(set: &'a ValidatorSet, misses: &Misses, height: Height) -> Self {
        let out = if misses.latest.is_empty() { Vec::new() } else { misses.left_out(set, height) };
        Self { set, height, out }
    }

    /// Whose turn a round is. `None` only for an empty set, which cannot be.
    pub fn proposer(&self, round: u32) -> Option<&'a Validator> {
        self.set.validators().get(self.position(round)?)
    }

    /// The same as a position in the set.
    pub fn position(&self, round: u32) -> Option<usize> {
        let count = self.set.validators().len();
        let plain = |turn| turn_of(self.set, self.height.0, turn);
        if self.out.is_empty() || round as usize >= count {
            return plain(round);
        }
        // Those left out have less than a third of the turns, evenly spread.
        let most = u32::try_from(count).unwrap_or(u32::MAX).saturating_mul(4).saturating_add(16);
        let given = (0..most).filter_map(plain).filter(|at| !self.out.contains(at));
        given.take(round as usize + 1).last().or_else(|| plain(round))
    }

    /// Whether a validator is left out of this height's first rounds.
    pub fn leaves_out(&self, validator: &ValidatorAddress) -> bool {
        let known = self.out.iter().filter_map(|at| self.set.validators().get(*at));
        known.into_iter().any(|one| one.address == *validator)
    }

    /// Who had a turn before the first one of `builder`, whose block was decided: each once. All of a first cycle, if it
    /// had none in it.
    fn before(&self, builder: ValidatorAddress) -> Vec<ValidatorAddress> {
        let rounds = u32::try_from(self.set.validators().len()).unwrap_or(u32::MAX);
        let mut before = Vec::new();
        for validator in (0..rounds).filter_map(|round| self.proposer(round)) {
            if validator.address == builder {
                break;
            }
            if !before.contains(&validator.address) {
                before.push(validator.address);
            }
        }
        before
    }
}

/// The proposer of (`height`, `round`): position (height + round) modulo the total power, spread over the validators in
/// order of address. Each has as many of these positions as it has power. With equal power this is a plain rotation;
/// else the positions of one lie apart, so that a dead validator of much power does not cost one failed round after another.
fn turn_of(set: &ValidatorSet, height: u64, round: u32) -> Option<usize> {
    let (validators, total) = (set.validators(), u128::from(set.total_power()));
    let count = u128::from(height) + u128::from(round);
    let first = validators.first()?.power;
    if validators.iter().all(|validator| validator.power == first) {
        return usize::try_from(count % validators.len() as u128).ok();
    }
    let mut position = (count % total) * stride(total) % total;
    for (at, validator) in validators.iter().enumerate() {
        let power = u128::from(validator.power);
        if position < power {
            return Some(at);
        }
        position -= power;
    }
    None
}

/// How far neighbouring turns lie apart on the line of all power: the golden section of it, which spreads any stretch of
/// the line evenly over the turns, moved up until it has no factor in common with the whole, so that each position comes
/// once.
fn stride(total: u128) -> u128 {
    let mut stride = (total * 618 / 1000).max(1);
    while gcd(stride, total) != 1 {
        stride += 1;
    }
    stride
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Canonical for Misses {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "record of missed turns";
    const MAX_BYTES: u64 = 16 * 1024;
}
