//! The need rule as it is voted: named inputs with signed weights, its bounds, and what a band tells of an input.
//!
//! need = w₀ + Σ wᵢ·xᵢ, each xᵢ a flag 0..1 or a position 0..255. A vote is refused unless every value of the inputs gives a
//! need in 0..=2,559, so that nothing is ever rounded or clamped after the sum. A band is public: where it can only be
//! reached by some values of an input, it tells them, and whoever votes reads that first ([`NeedRule::reveals`]).

use std::fmt;
use std::str::FromStr;

pub use aula_allocation::need::InputKind;
use aula_zk::LinearForm;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::codec::objects;
use crate::names::Name;

/// Most inputs of a rule.
pub const MAX_INPUTS: usize = 6;
/// The greatest need.
pub const NEED_MAX: i64 = 2_559;
/// Needs of one band.
const BAND_WIDTH: i64 = 256;
/// A band tells of a position when it leaves at most this many of its 256 values: a quarter.
const NARROW: usize = 64;

/// Where an input's value comes from. As text: `recorded/N`, `skill/NNNNN`, `engagement`, `attendance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum InputSource {
    /// What the district recorded last under this number.
    Recorded(u16) = 0,
    /// Mastery of the skill of this number, brought to 0..=255.
    Mastery(u16) = 1,
    /// Engagement, likewise.
    Engagement = 2,
    /// The attendance rate, likewise.
    Attendance = 3,
}

impl fmt::Display for InputSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded(number) => write!(f, "recorded/{number}"),
            Self::Mastery(skill) => write!(f, "skill/{skill:05}"),
            Self::Engagement => f.write_str("engagement"),
            Self::Attendance => f.write_str("attendance"),
        }
    }
}

/// Text that names no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a source is recorded/N, skill/NNNNN, engagement or attendance")]
pub struct UnknownSource;

impl FromStr for InputSource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, UnknownSource> {
        let number = |text: &str| text.parse::<u16>().map_err(|_| UnknownSource);
        let source = match (text.strip_prefix("recorded/"), text.strip_prefix("skill/")) {
            (Some(rest), _) => Self::Recorded(number(rest)?),
            (_, Some(rest)) => Self::Mastery(number(rest)?),
            _ if text == "engagement" => Self::Engagement,
            _ if text == "attendance" => Self::Attendance,
            _ => return Err(UnknownSource),
        };
        // One text a source.
        if source.to_string() == text { Ok(source) } else { Err(UnknownSource) }
    }
}

impl Serialize for InputSource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for InputSource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A number about a student that the need depends on.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedInput {
    /// What people call it.
    pub name: Name,
    /// Whether it is a flag, 0..=1, or a position, 0..=255.
    pub kind: InputKind,
    /// Where it comes from; a flag is recorded.
    pub source: InputSource,
    /// What one step of it adds to the need.
    pub weight: i32,
    /// Its value where nothing is recorded; read for recorded inputs alone.
    #[serde(default)]
    pub unrecorded: u8,
}

/// How a student's need follows from the inputs: a sum, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedRule {
    /// w₀: the need of a student whose inputs are all 0.
    pub constant: i32,
    /// 1 to [`MAX_INPUTS`], in the order in which they are committed to.
    #[serde(deserialize_with = "objects::list")]
    pub inputs: Vec<NeedInput>,
}

impl Default for NeedRule {
    /// One position that the district records, ten points a step.
    fn default() -> Self {
        let (kind, source) = (InputKind::Position, InputSource::Recorded(0));
        // `position` is a name; were it none, the rule would have no input and no chain would begin with it.
        let input = |name| NeedInput { name, kind, source, weight: 10, unrecorded: 0 };
        Self { constant: 0, inputs: Name::new("position").into_iter().map(input).collect() }
    }
}

/// A rule that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// None, or too many.
    #[error("a need rule has 1 to {MAX_INPUTS} inputs")]
    Count,
    /// Two of a name.
    #[error("the need rule has two inputs of the name {0}")]
    Twice(Name),
    /// A flag that is computed, or a value beyond the input's range.
    #[error(
        "the input {0} of the need rule is a flag that is not recorded, or its value unrecorded is beyond its range"
    )]
    Input(Name),
    /// All weights are 0.
    #[error("every weight of the need rule is 0")]
    NoWeight,
    /// A need could leave its scale.
    #[error("the need rule reaches from {least} to {greatest}; a need must lie within 0 to {NEED_MAX}")]
    Bounds {
        /// The least value.
        least: i64,
        /// The greatest sum that the inputs' ranges allow.
        greatest: i64,
    },
}

/// What a band tells of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reveals {
    /// A band of need, 0..=9.
    pub band: u8,
    /// The input's name.
    pub input: Name,
    /// Its least value among the needs of the band.
    pub least: u8,
    /// Its greatest value among the needs of the band.
    pub greatest: u8,
}

impl fmt::Display for Reveals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.least == self.greatest {
            true => write!(f, "band {} reveals {} = {}", self.band, self.input, self.least),
            false => {
                write!(f, "band {} reveals {} in {}..{}", self.band, self.input, self.least, self.greatest)
            }
        }
    }
}

impl NeedRule {
    /// Checks the inputs and the bounds.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn check(&self) -> Result<(), RuleError> {
        if !(1..=MAX_INPUTS).contains(&self.inputs.len()) {
            return Err(RuleError::Count);
        }
        for (at, input) in self.inputs.iter().enumerate() {
            if self.inputs.iter().take(at).any(|other| other.name == input.name) {
                return Err(RuleError::Twice(input.name.clone()));
            }
            let recorded = matches!(input.source, InputSource::Recorded(_));
            let fits = recorded || input.kind == InputKind::Position;
            if !fits || input.unrecorded > input.kind.greatest() {
                return Err(RuleError::Input(input.name.clone()));
            }
        }
        if self.inputs.iter().all(|input| input.weight == 0) {
            return Err(RuleError::NoWeight);
        }
        let (least, greatest) = self.range();
        if least >= 0 && greatest <= NEED_MAX { Ok(()) } else { Err(RuleError::Bounds { least, greatest }) }
    }

    /// The least and the greatest value.
    fn range(&self) -> (i64, i64) {
        let reach =
            |input: &NeedInput| i64::from(input.weight).saturating_mul(i64::from(input.kind.greatest()));
        let start = i64::from(self.constant);
        self.inputs.iter().map(reach).fold((start, start), |(least, greatest), reach| {
            (least.saturating_add(reach.min(0)), greatest.saturating_add(reach.max(0)))
        })
    }

    /// The same sum over committed inputs.
    pub fn form(&self) -> LinearForm {
        let weights = self.inputs.iter().map(|input| input.weight).collect();
        LinearForm { constant: self.constant, weights }
    }

    /// As a sum: `1785 +320 x lunch-free -7 x scores`.
    pub fn words(&self) -> String {
        let term = |input: &NeedInput| format!(" {:+} x {}", input.weight, input.name);
        let terms: String = self.inputs.iter().map(term).collect();
        format!("{}{terms}", self.constant)
    }

    /// What a fold reads of it: all but the names.
    pub(super) fn folded(&self) -> (i32, Vec<(InputKind, InputSource, i32, u8)>) {
        let part = |input: &NeedInput| (input.kind, input.source, input.weight, input.unrecorded);
        (self.constant, self.inputs.iter().map(part).collect())
    }

    /// What each band tells of an input: the only value of a flag or position, or a position's narrow range. Of a rule that
    /// keeps its bounds; bands that no need reaches tell nothing.
    pub fn reveals(&self) -> Vec<Reveals> {
        let mut found = Vec::new();
        for (at, input) in self.inputs.iter().enumerate() {
            let others = self.inputs.iter().enumerate().filter(|(other, _)| *other != at);
            let counts = running_counts(self.constant, others.map(|(_, other)| other));
            for band in 0..10u8 {
                let low = i64::from(band).saturating_mul(BAND_WIDTH);
                let possible = |value: &u8| {
                    let least = low.saturating_sub(i64::from(input.weight).saturating_mul(i64::from(*value)));
                    any_within(&counts, least, least.saturating_add(BAND_WIDTH))
                };
                let values: Vec<u8> = (0..=input.kind.greatest()).filter(possible).collect();
                let (Some(least), Some(greatest)) = (values.first(), values.last()) else { continue };
                let narrow = match input.kind {
                    InputKind::Flag => values.len() == 1,
                    InputKind::Position => values.len() <= NARROW,
                };
                if narrow {
                    let (least, greatest) = (*least, *greatest);
                    found.push(Reveals { band, input: input.name.clone(), least, greatest });
                }
            }
        }
        found.sort_by_key(|one| one.band);
        found
    }
}

/// How many sums up to each are reached by these inputs, from 0 on. Of a rule that keeps its bounds no sum of a part leaves
/// the scale: the inputs left out could be 0.
fn running_counts<'a>(constant: i32, inputs: impl Iterator<Item = &'a NeedInput>) -> Vec<u32> {
    let size = usize::try_from(NEED_MAX.saturating_add(1)).unwrap_or_default();
    let mut reached = vec![false; size];
    if let Some(start) = usize::try_from(constant).ok().and_then(|at| reached.get_mut(at)) {
        *start = true;
    }
    for input in inputs {
        let step = usize::try_from(input.weight.unsigned_abs()).unwrap_or(size);
        let before = reached.clone();
        for times in 1..=usize::from(input.kind.greatest()) {
            let moved = step.saturating_mul(times);
            if moved == 0 || moved >= size {
                break;
            }
            let (from, to) = if input.weight > 0 { (0, moved) } else { (moved, 0) };
            let ends = before.iter().skip(from).zip(reached.iter_mut().skip(to));
            ends.for_each(|(was, now)| *now |= *was);
        }
    }
    let mut count = 0u32;
    let running = reached.into_iter().map(|one| {
        count = count.saturating_add(u32::from(one));
        count
    });
    running.collect()
}

/// Whether some reached sum lies in `least..end`.
fn any_within(counts: &[u32], least: i64, end: i64) -> bool {
    let below = |sum: i64| {
        let last = counts.len().saturating_sub(1);
        let at = usize::try_from(sum.saturating_sub(1)).ok();
        at.and_then(|at| counts.get(at.min(last))).copied().unwrap_or(0)
    };
    below(end) > below(least)
}
