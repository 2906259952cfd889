//! The difference of two sets of numbers that two machines hold, found without sending the sets.
//!
//! Numbers are digests, so that they lie evenly: a part of a set is all that begins with the same hexadecimal digits. One side
//! asks for parts, the other answers with fingerprints of their sixteen parts, or with the numbers themselves where they are few;
//! only parts that differ are asked for further. Each number that one side lacks costs about log₁₆ n answers of 128 bytes at
//! most, however many both have. Invariant: whoever answers nonsense, on purpose or not, is asked [`MAX_QUESTIONS`] times at most and
//! believed [`MAX_LACKING`] numbers. Absent: what numbers stand for.

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};

/// A number: half of a SHA-256.
pub type Id = [u8; 16];

/// Numbers of a part that are sent themselves.
const FEW: usize = 8;
/// Digits after which a part is sent whatever it has.
const DEEPEST: u8 = 16;
/// Parts that are asked for at once.
pub const MAX_ASKED: usize = 2_048;
/// Questions of one comparison at most: with [`MAX_ASKED`] parts each, as many as [`MAX_LACKING`] numbers need.
pub const MAX_QUESTIONS: usize = 1 << 14;
/// Numbers that a side lacks, at most: half a gigabyte of them.
pub const MAX_LACKING: usize = 1 << 25;
const PARTS: usize = 16;

/// What no set of numbers would answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// Numbers that are not of the part, not in order, or too many or too few for how it is said.
    #[error("it says of a part what no set has there")]
    Part,
    /// The difference never ends.
    #[error("after {0} questions it still says that there is more")]
    Questions(usize),
    /// More than can be.
    #[error("it says that more than {0} events are lacking here")]
    Lacking(usize),
}

/// All numbers that begin with these digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Part {
    /// How many digits, at most 16.
    depth: u8,
    /// They, from the left; zeros behind them.
    digits: u64,
}

impl Part {
    /// Everything.
    pub const ALL: Self = Self { depth: 0, digits: 0 };

    fn child(self, digit: u8) -> Self {
        let shift = 60_u32.saturating_sub(4 * u32::from(self.depth));
        Self { depth: self.depth.saturating_add(1), digits: self.digits | u64::from(digit) << shift }
    }

    /// The last first eight bytes that a number of it may have.
    fn last(self) -> u64 {
        let width = 64_u32.saturating_sub(4 * u32::from(self.depth.min(DEEPEST)));
        self.digits | u64::MAX.checked_shr(64 - width).unwrap_or(0)
    }

    /// Whether it is a part: no deeper than there are digits, and zeros behind them.
    fn is_one(self) -> bool {
        let fixed = 4 * u32::from(self.depth);
        self.depth <= DEEPEST && self.digits.checked_shl(fixed).unwrap_or(0) == 0
    }

    /// The numbers of this part, of all in their order.
    fn of(self, ids: &[Id]) -> &[Id] {
        let last = self.last();
        let from = ids.partition_point(|id| first(id) < self.digits);
        let to = ids.partition_point(|id| first(id) <= last);
        ids.get(from..to).unwrap_or_default()
    }
}

/// By which eight bytes a number is of a part.
fn first(id: &Id) -> u64 {
    id.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Whether parts may be asked for together: each is one, and no number is of two of them, so that an answer goes through a set once.
pub fn apart(parts: &[Part]) -> bool {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable_by_key(|part| part.digits);
    let follow = |pair: &[Part]| matches!(pair, [one, other] if one.last() < other.digits);
    parts.iter().all(|part| part.is_one()) && sorted.windows(2).all(follow)
}

/// What is said of a part.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Said {
    /// Fingerprints of its sixteen parts, in their order.
    Parts([u64; PARTS]),
    /// All of it, in order.
    All(Vec<Id>),
}

/// 64 bits of numbers in their order; 0 of none.
fn fingerprint(ids: &[Id]) -> u64 {
    if ids.is_empty() {
        return 0;
    }
    let digest: [u8; 32] = Sha256::digest(ids.as_flattened()).into();
    let mut bits = [0; 8];
    bits.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(bits).max(1)
}

/// The digest of a whole set: two that have one are the same.
pub fn root(ids: &[Id]) -> [u8; 32] {
    Sha256::digest(ids.as_flattened()).into()
}

/// Says of a part what is to be compared; `ids` in their order.
pub fn say(ids: &[Id], part: Part) -> Said {
    let own = part.of(ids);
    if own.len() <= FEW || part.depth >= DEEPEST {
        return Said::All(own.to_vec());
    }
    let mut parts = [0; PARTS];
    for (digit, place) in (0..).zip(&mut parts) {
        *place = fingerprint(part.child(digit).of(own));
    }
    Said::Parts(parts)
}

/// A comparison under way.
#[derive(Debug)]
pub struct Comparing {
    open: Vec<Part>,
    /// Questions and lacking numbers that are left.
    left: (usize, usize),
    /// What the other side lacks.
    pub ours: Vec<Id>,
    /// What this side lacks.
    pub theirs: Vec<Id>,
}

impl Default for Comparing {
    fn default() -> Self {
        Self::within(MAX_QUESTIONS, MAX_LACKING)
    }
}

impl Comparing {
    /// Of so many questions and lacking numbers at most.
    pub fn within(questions: usize, lacking: usize) -> Self {
        Self { open: vec![Part::ALL], left: (questions, lacking), ours: Vec::new(), theirs: Vec::new() }
    }

    /// The parts to ask for next; none when the difference is known.
    ///
    /// # Errors
    /// [`Nonsense::Questions`].
    pub fn asks(&mut self) -> Result<Vec<Part>, Nonsense> {
        // From the end: what is open stays few parts a digit, however many are asked for.
        let parts = self.open.split_off(self.open.len().saturating_sub(MAX_ASKED));
        if !parts.is_empty() {
            self.left.0 = self.left.0.checked_sub(1).ok_or(Nonsense::Questions(MAX_QUESTIONS))?;
        }
        Ok(parts)
    }

    /// Takes what was said of a part.
    ///
    /// # Errors
    /// [`Nonsense::Part`], [`Nonsense::Lacking`].
    pub fn take(&mut self, ids: &[Id], part: Part, said: &Said) -> Result<(), Nonsense> {
        let own = part.of(ids);
        match said {
            Said::Parts(_) if part.depth >= DEEPEST => return Err(Nonsense::Part),
            Said::Parts(theirs) => {
                for (digit, theirs) in (0..).zip(theirs) {
                    let child = part.child(digit);
                    let ours = child.of(own);
                    match (*theirs, fingerprint(ours)) {
                        (0, 0) => {}
                        (theirs, ours) if theirs == ours => {}
                        (0, _) => self.ours.extend_from_slice(ours),
                        _ => self.open.push(child),
                    }
                }
            }
            Said::All(theirs) => {
                let few = theirs.len() <= FEW || part.depth >= DEEPEST;
                let ordered = theirs.windows(2).all(|pair| matches!(pair, [one, other] if one < other));
                if !few || !ordered || part.of(theirs).len() != theirs.len() {
                    return Err(Nonsense::Part);
                }
                let before = self.theirs.len();
                self.ours.extend(own.iter().filter(|id| theirs.binary_search(id).is_err()));
                self.theirs.extend(theirs.iter().filter(|id| own.binary_search(id).is_err()));
                let more = self.theirs.len().saturating_sub(before);
                self.left.1 = self.left.1.checked_sub(more).ok_or(Nonsense::Lacking(MAX_LACKING))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn id(number: u64) -> Id {
        let digest: [u8; 32] = Sha256::digest(number.to_be_bytes()).into();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        id
    }

    /// Compares, and gives what each lacks, how many bytes were answered and in how many questions.
    fn compared(one: &[Id], other: &[Id]) -> (BTreeSet<Id>, BTreeSet<Id>, usize, usize) {
        let (mut comparing, mut bytes, mut asked) = (Comparing::default(), 0, 0);
        loop {
            let parts = comparing.asks().unwrap_or_default();
            if parts.is_empty() {
                break;
            }
            assert!(apart(&parts), "what is asked for together is apart");
            asked += 1;
            for part in parts {
                let said = say(other, part);
                bytes += borsh::to_vec(&said).map_or(0, |bytes| bytes.len());
                assert_eq!(comparing.take(one, part, &said), Ok(()));
            }
        }
        (comparing.ours.into_iter().collect(), comparing.theirs.into_iter().collect(), bytes, asked)
    }

    fn sorted(ids: impl IntoIterator<Item = Id>) -> Vec<Id> {
        let set: BTreeSet<Id> = ids.into_iter().collect();
        set.into_iter().collect()
    }

    proptest! {
        #[test]
        fn the_difference_is_the_difference(
            both in proptest::collection::btree_set(any::<u64>(), 0..400),
            ours in proptest::collection::btree_set(any::<u64>(), 0..60),
            theirs in proptest::collection::btree_set(any::<u64>(), 0..60),
            narrow in any::<bool>(),
        ) {
            // Numbers that lie close are found as well, only with more questions.
            let made = |number: &u64| if narrow { let mut id = [7; 16]; id[8..].copy_from_slice(&number.to_be_bytes()); id } else { id(*number) };
            let one = sorted(both.union(&ours).map(made));
            let other = sorted(both.union(&theirs).map(made));
            let (lacks_other, lacks_one, ..) = compared(&one, &other);
            let (set_one, set_other): (BTreeSet<Id>, BTreeSet<Id>) = (one.iter().copied().collect(), other.iter().copied().collect());
            prop_assert_eq!(lacks_other, set_one.difference(&set_other).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(lacks_one, set_other.difference(&set_one).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(root(&one) == root(&other), one == other);
        }
    }

    #[test]
    fn what_is_answered_grows_with_the_difference_and_not_with_what_both_have() {
        let all = sorted((0..100_000).map(id));
        let mut last = 0;
        for missing in [0, 1, 10, 100, 1_000] {
            let gone: BTreeSet<Id> = (0..missing as u64).map(|n| id(n * 61)).collect();
            let less: Vec<Id> = all.iter().filter(|id| !gone.contains(*id)).copied().collect();
            let (ours, theirs, bytes, asked) = compared(&less, &all);
            assert_eq!((ours.len(), theirs), (0, gone));
            assert!(asked <= 6, "{missing}: {asked} questions");
            assert!(bytes <= 129 + 800 * missing, "{missing}: {bytes} bytes");
            assert!(bytes >= last);
            last = bytes;
        }
        // Of a set a tenth as large, the same difference costs no more.
        let small = sorted((0..10_000).map(id));
        let gone: BTreeSet<Id> = (0..100).map(|n| id(n * 61)).collect();
        let of = |all: &[Id]| {
            let less: Vec<Id> = all.iter().filter(|id| !gone.contains(*id)).copied().collect();
            compared(&less, all).2
        };
        assert!(of(&all) < 2 * of(&small), "{} {}", of(&all), of(&small));
    }

    #[test]
    fn attack_parts_that_overlap_or_are_none_are_not_asked_for_together() {
        let child = |digits: &[u8]| digits.iter().fold(Part::ALL, |part, digit| part.child(*digit));
        let deepest = child(&[15; 16]);
        for parts in [
            vec![],
            vec![Part::ALL],
            (0..16).map(|digit| child(&[digit])).collect(),
            vec![child(&[1, 2]), child(&[1, 1]), child(&[2])],
            vec![deepest, child(&[14])],
        ] {
            assert!(apart(&parts), "{parts:?}");
        }
        for parts in [
            vec![Part::ALL; 2],
            vec![child(&[0]), Part::ALL],
            vec![child(&[1, 2]), child(&[3]), child(&[1])],
            vec![deepest, child(&[15, 15])],
            vec![Part { depth: 17, digits: 0 }],
            vec![Part { depth: 1, digits: 1 }],
            vec![Part { depth: 0, digits: u64::MAX }],
        ] {
            assert!(!apart(&parts), "{parts:?}");
        }
    }

    #[test]
    fn attack_whoever_answers_what_no_set_has_is_left_there() {
        let deepest = (0..16).fold(Part::ALL, |part, _| part.child(0));
        let (one, other) = ([1; 16], [2; 16]);
        for (part, said) in [
            (Part::ALL, Said::All(vec![other, one])),
            (Part::ALL, Said::All(vec![one, one])),
            (Part::ALL.child(1), Said::All(vec![one])),
            (Part::ALL, Said::All(sorted((0..9).map(id)))),
            (deepest, Said::Parts([7; PARTS])),
        ] {
            assert_eq!(Comparing::default().take(&[], part, &said), Err(Nonsense::Part), "{part:?} {said:?}");
        }
        // Something more wherever it is looked: the questions end, and what is open stays few.
        let mut comparing = Comparing::within(100, usize::MAX);
        let end = loop {
            match comparing.asks() {
                Ok(parts) if parts.is_empty() => break None,
                Ok(parts) => {
                    for part in parts {
                        let said = match part.depth {
                            DEEPEST => Said::All(Vec::new()),
                            _ => Said::Parts([u64::from(part.depth) + 1; PARTS]),
                        };
                        assert_eq!(comparing.take(&[], part, &said), Ok(()));
                    }
                    assert!(comparing.open.len() <= MAX_ASKED * PARTS * usize::from(DEEPEST));
                }
                Err(why) => break Some(why),
            }
        };
        assert_eq!(end, Some(Nonsense::Questions(MAX_QUESTIONS)));
        let mut comparing = Comparing::within(100, 3);
        assert_eq!(comparing.take(&[], Part::ALL, &Said::All(sorted((0..3).map(id)))), Ok(()));
        let more = Said::All(sorted((3..5).map(id)));
        assert_eq!(comparing.take(&[], Part::ALL, &more), Err(Nonsense::Lacking(MAX_LACKING)));
    }
}
