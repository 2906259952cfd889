//! Sets of a week's times. A week of 128 times, as schools have them, is one number, and so as fast as numbers are; a longer one is several
//! words. The rest of the module is written once, for either.

use std::fmt::Debug;

/// A set of times, each by its place in the week.
pub trait Times: Copy + PartialEq + Eq + Debug {
    /// How many times there are at most.
    const MOST: usize;
    /// No time.
    const NONE: Self;
    /// All [`Self::MOST`] of them.
    const ALL: Self;

    /// In either.
    #[must_use]
    fn or(self, other: Self) -> Self;

    /// In both.
    #[must_use]
    fn and(self, other: Self) -> Self;

    /// In this one alone.
    #[must_use]
    fn without(self, other: Self) -> Self;

    /// How many.
    fn count(self) -> u32;

    /// The times one after the other from a first one on; those beyond the last are left out.
    fn span(first: u16, count: u16) -> Self;

    /// From the first time of the set to its last, those between them too.
    #[must_use]
    fn hull(self) -> Self;

    /// The time with so many of the set before it.
    fn nth(self, before: u32) -> Option<u16>;

    /// Whether a time is in it.
    fn has(self, time: u16) -> bool;

    /// One time.
    #[must_use]
    #[inline]
    fn one(time: u16) -> Self {
        Self::span(time, 1)
    }

    /// Whether there is none.
    #[must_use]
    #[inline]
    fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl Times for u128 {
    const MOST: usize = 128;
    const NONE: Self = 0;
    const ALL: Self = Self::MAX;

    #[inline]
    fn or(self, other: Self) -> Self {
        self | other
    }

    #[inline]
    fn and(self, other: Self) -> Self {
        self & other
    }

    #[inline]
    fn without(self, other: Self) -> Self {
        self & !other
    }

    #[inline]
    fn count(self) -> u32 {
        self.count_ones()
    }

    #[inline]
    fn span(first: u16, count: u16) -> Self {
        let ones = if count >= 128 { Self::MAX } else { (1 << count) - 1 };
        ones.checked_shl(u32::from(first)).unwrap_or(0)
    }

    #[inline]
    fn hull(self) -> Self {
        if self == 0 { 0 } else { Self::MAX << self.trailing_zeros() & Self::MAX >> self.leading_zeros() }
    }

    #[inline]
    fn nth(self, before: u32) -> Option<u16> {
        let mut left = self;
        for _ in 0..before {
            left &= left.checked_sub(1)?;
        }
        (left != 0).then(|| left.trailing_zeros() as u16)
    }

    #[inline]
    fn has(self, time: u16) -> bool {
        self.checked_shr(u32::from(time)).is_some_and(|rest| rest & 1 == 1)
    }
}

/// A set of 1,024 times.
pub type Long = Words<16>;

/// A set of 64 × `N` times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words<const N: usize>([u64; N]);

const WORD: usize = 64;

impl<const N: usize> Words<N> {
    #[inline]
    fn each(self, other: Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|word| of(self.0[word], other.0[word])))
    }
}

impl<const N: usize> Times for Words<N> {
    const MOST: usize = WORD * N;
    const NONE: Self = Self([0; N]);
    const ALL: Self = Self([u64::MAX; N]);

    #[inline]
    fn or(self, other: Self) -> Self {
        self.each(other, |one, two| one | two)
    }

    #[inline]
    fn and(self, other: Self) -> Self {
        self.each(other, |one, two| one & two)
    }

    #[inline]
    fn without(self, other: Self) -> Self {
        self.each(other, |one, two| one & !two)
    }

    #[inline]
    fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    #[inline]
    fn span(first: u16, count: u16) -> Self {
        let (first, end) = (usize::from(first), usize::from(first) + usize::from(count));
        Self(std::array::from_fn(|word| {
            let (from, to) = (first.max(word * WORD), end.min((word + 1) * WORD));
            match to.saturating_sub(from) {
                0 => 0,
                ones => u64::MAX >> (WORD - ones) << (from - word * WORD),
            }
        }))
    }

    #[inline]
    fn hull(self) -> Self {
        let first = self.0.iter().position(|word| *word != 0);
        let last = self.0.iter().rposition(|word| *word != 0);
        let Some((first, last)) = first.zip(last) else { return Self::NONE };
        let from = first * WORD + self.0[first].trailing_zeros() as usize;
        let end = (last + 1) * WORD - self.0[last].leading_zeros() as usize;
        Self::span(from as u16, (end - from) as u16)
    }

    #[inline]
    fn nth(self, before: u32) -> Option<u16> {
        let mut before = before;
        for (word, mut left) in self.0.into_iter().enumerate() {
            let own = left.count_ones();
            if before >= own {
                before -= own;
                continue;
            }
            (0..before).for_each(|_| left &= left - 1);
            return Some((word * WORD) as u16 + left.trailing_zeros() as u16);
        }
        None
    }

    #[inline]
    fn has(self, time: u16) -> bool {
        let time = usize::from(time);
        self.0.get(time / WORD).is_some_and(|word| word >> (time % WORD) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn all<T: Times>(set: T) -> Vec<u16> {
        (0..T::MOST as u16).filter(|time| set.has(*time)).collect()
    }

    /// What a set does, as lists of times.
    #[derive(Debug, PartialEq)]
    struct Told {
        all: Vec<u16>,
        hull: Vec<u16>,
        count: u32,
        nth: [Option<u16>; 5],
        both: [Vec<u16>; 3],
    }

    fn told<T: Times>(spans: &[(u16, u16)]) -> Told {
        let set = spans.iter().fold(T::NONE, |set, (first, count)| set.or(T::span(*first, *count)));
        let other = T::span(20, 50);
        let nth = [0, 1, 7, 40, 127].map(|before| set.nth(before));
        let both = [set.and(other), set.without(other), set.or(other)].map(all);
        assert_eq!(set.is_none(), all(set).is_empty());
        Told { all: all(set), hull: all(set.hull()), count: set.count(), nth, both }
    }

    #[test]
    fn one_word_and_several_say_the_same() {
        let mut random = Random::new(4);
        for _ in 0..400 {
            let count = random.below(4);
            let spans: Vec<(u16, u16)> = (0..count)
                .map(|_| (random.below(128) as u16, random.below(30) as u16))
                .map(|(first, count)| (first, count.min(128 - first)))
                .collect();
            assert_eq!(told::<u128>(&spans), told::<Words<2>>(&spans), "{spans:?}");
            assert_eq!(told::<u128>(&spans), told::<Long>(&spans), "{spans:?}");
        }
    }

    #[test]
    fn what_lies_beyond_the_last_time_is_left_out() {
        assert_eq!((all(u128::span(120, 20)).len(), all(Words::<2>::span(120, 20)).len()), (8, 8));
        assert_eq!((u128::span(u16::MAX, 3), Long::span(u16::MAX, 3)), (0, Long::NONE));
        assert_eq!((u128::span(0, 1000), Long::span(0, 1024)), (u128::ALL, Long::ALL));
        assert_eq!(all(Long::span(1000, 1000)), (1000..1024).collect::<Vec<u16>>());
        assert!(!0u128.has(u16::MAX) && !Long::ALL.has(1024) && Long::ALL.has(1023));
        assert_eq!(
            (0u128.nth(0), 1u128.nth(1), Long::NONE.nth(0), Long::ALL.nth(1023)),
            (None, None, None, Some(1023))
        );
    }
}
