//! The public side of a claim: bands, bounds, and how they enter a transcript.
//!
//! Invariants: a bound that any number keeps has a least and a greatest one, so it is two-sided; the kind is
//! absorbed with the numbers, so bounds of different kinds with the same numbers are different statements. Absence:
//! no curve arithmetic, which stays with the statement.

use merlin::Transcript;

use crate::commitment::Commitment;
use crate::range_proof::Width;
use crate::transcript::label;

/// Bands of need: 0 (least) to 9.
pub const BANDS: u8 = 10;
/// Needs in one band.
pub const BAND_SPAN: u32 = 256;
/// Greatest need.
pub const NEED_MAX: u32 = 2_559;

/// A band of need, 0..=9: `need / 256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Band(u8);

impl Band {
    /// The band with this number, 0..=9, or `None`.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (number < BANDS).then_some(Self(number))
    }

    /// The band of a need, 0..=2559, or `None` above.
    #[must_use]
    pub fn of_need(need: u32) -> Option<Self> {
        u8::try_from(need.checked_div(BAND_SPAN)?).ok().and_then(Self::new)
    }

    /// 0 for the least need, 9 for the greatest.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    fn low(self) -> u32 {
        // At most 9 · 256.
        u32::from(self.0).saturating_mul(BAND_SPAN)
    }
}

/// The public bounds a committed number is proved to keep. Both sides always, see the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The need lies in this band.
    NeedInBand(Band),
    /// threshold < x ≤ cap, such as mastery above 8,500 of 10,000.
    Above {
        /// The number x exceeds.
        threshold: u32,
        /// The greatest x there is.
        cap: u32,
    },
    /// 0 ≤ x < threshold, such as engagement below 3,000 of 10,000.
    Below {
        /// The number x stays under; at least 1.
        threshold: u32,
    },
    /// 0 ≤ x ≤ cap, such as an amount of money.
    Within {
        /// The greatest x allowed.
        cap: u32,
    },
    /// x ≥ floor·w, for w in a second commitment: money per weighted pupil, with neither number shown. Exact in
    /// integers only if both are range-proved elsewhere, as [`Bound::Within`]; w·floor then stays below 2^64.
    FloorMet {
        /// The commitment to w.
        weight: Commitment,
        /// Units of x due for each unit of w.
        floor: u32,
    },
}

impl Bound {
    /// Least and greatest x, for the bounds about one commitment.
    pub(super) fn range(&self) -> Option<(u32, u32)> {
        match *self {
            Self::NeedInBand(band) => Some((band.low(), band.low().saturating_add(BAND_SPAN - 1))),
            Self::Above { threshold, cap } => Some((threshold.checked_add(1)?, cap)),
            Self::Below { threshold } => Some((0, threshold.checked_sub(1)?)),
            Self::Within { cap } => Some((0, cap)),
            Self::FloorMet { .. } => None,
        }
        .filter(|(low, high)| low <= high)
    }

    /// Bits of each value this bound proves; `None` for a bound that no number keeps.
    #[must_use]
    pub fn width(&self) -> Option<Width> {
        match self {
            Self::FloorMet { .. } => Some(Width::Bits32),
            _ => self.range().and_then(|(low, high)| high.checked_sub(low)).map(Width::holding),
        }
    }

    /// Range-proved values this bound takes, 1 or 2; `None` for a bound that no number keeps.
    #[must_use]
    pub fn values(&self) -> Option<usize> {
        match self {
            Self::FloorMet { .. } => Some(1),
            _ => {
                let (low, high) = self.range()?;
                let span = high.checked_sub(low)?;
                Some(if span == Width::holding(span).max() { 1 } else { 2 })
            }
        }
    }

    fn kind(&self) -> &'static [u8] {
        match self {
            Self::NeedInBand(_) => label::NEED_BAND,
            Self::Above { .. } => label::ABOVE,
            Self::Below { .. } => label::BELOW,
            Self::Within { .. } => label::WITHIN,
            Self::FloorMet { .. } => label::FLOOR,
        }
    }
}

/// One bound on one commitment of one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Handle of the student, or another 32-byte name (a school's line of a budget).
    pub subject: [u8; 32],
    /// The commitment, read from the ledger or the state leaf, never from the prover's message.
    pub commitment: Commitment,
    /// What is proved of it.
    pub bound: Bound,
}

impl Claim {
    /// Appends the whole claim to the statement's transcript.
    pub(super) fn absorb(&self, transcript: &mut Transcript) {
        transcript.append_message(label::SUBJECT, &self.subject);
        transcript.append_message(label::KIND, self.bound.kind());
        if let Some((low, high)) = self.bound.range() {
            transcript.append_u64(label::LOW, u64::from(low));
            transcript.append_u64(label::HIGH, u64::from(high));
        }
        transcript.append_message(label::COMMITMENT, self.commitment.as_bytes());
        if let Bound::FloorMet { weight, floor } = &self.bound {
            transcript.append_u64(label::FACTOR, u64::from(*floor));
            transcript.append_message(label::OTHER, weight.as_bytes());
        }
    }
}
