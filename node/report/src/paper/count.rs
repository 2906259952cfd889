//! A count of students as it may be read: exact, a range, or withheld.

use serde::{Deserialize, Serialize};

use super::{Language, number};

/// A count: exact where both ends are the same.
///
/// A range says no more than what is published: its ends follow from the shown counts by subtraction, and never from the
/// count that is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// At least so many.
    pub low: u64,
    /// At most so many; none where not even that is published.
    pub high: Option<u64>,
}

impl Count {
    /// An exact count.
    pub const fn exact(n: u64) -> Self {
        Self { low: n, high: Some(n) }
    }

    /// Nothing is known.
    pub const WITHHELD: Self = Self { low: 0, high: None };

    /// From zero to this.
    pub const fn up_to(high: Option<u64>) -> Self {
        Self { low: 0, high }
    }

    /// The count where it is exact.
    pub const fn known(self) -> Option<u64> {
        match self.high {
            Some(high) if high == self.low => Some(high),
            _ => None,
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let high = self.high.zip(other.high).map(|(a, b)| a.saturating_add(b));
        Self { low: self.low.saturating_add(other.low), high }
    }

    /// As people read it.
    pub fn text(self, language: Language) -> String {
        match (self.low, self.high) {
            (low, Some(high)) if low == high => number::whole(low, language),
            (low, Some(high)) => {
                format!("{}\u{2013}{}", number::whole(low, language), number::whole(high, language))
            }
            (_, None) => language.pick("withheld", "no se muestra").to_owned(),
        }
    }
}

/// The counts of one kind of groups with its hidden ones as ranges: no hidden group has more than the whole less what is
/// shown. `whole` is none where the sum itself is withheld.
pub fn ranges(shown: &[Option<u64>], whole: Option<u64>) -> Vec<Count> {
    let known = shown.iter().flatten().fold(0u64, |sum, n| sum.saturating_add(*n));
    let rest = whole.map(|whole| whole.saturating_sub(known));
    shown.iter().map(|one| one.map_or(Count::up_to(rest), Count::exact)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_count_is_read_as_what_the_others_leave() {
        let counts = ranges(&[Some(40), None, None, Some(30)], Some(95));
        assert_eq!(
            counts,
            [Count::exact(40), Count::up_to(Some(25)), Count::up_to(Some(25)), Count::exact(30)]
        );
        assert_eq!(counts[1].text(Language::En), "0\u{2013}25");
        assert_eq!(counts[1].known(), None);
        assert_eq!(ranges(&[None], None), [Count::WITHHELD]);
        assert_eq!(Count::WITHHELD.text(Language::Es), "no se muestra");
    }

    #[test]
    fn a_range_never_depends_on_the_hidden_count() {
        // Whatever the two hidden ones are, with the same sum: the same range.
        assert_eq!(ranges(&[Some(7), None, None], Some(30)), ranges(&[Some(7), None, None], Some(30)));
        // A whole that contradicts the shown ones gives no negative range.
        assert_eq!(ranges(&[Some(50), None], Some(40))[1], Count::exact(0));
    }
}
