//! The twins' parameters as the consortium votes them: thresholds, rates, score scales, rules of kinds, the need rule, the
//! digests of skill graph and model. A version is in force from a school year on.
//!
//! Flow: the genesis carries version 1 → a vote adds the next ([`crate::state::schema::Change::SetTwinParameters`]) → AnchorStates names the
//! version in force for its school year and is refused under another; OpenRound fixes it for the round. Districts fold with
//! what stands here, auditors replay with it. Invariants: every version stays readable; what is in force for a year is the
//! newest version whose first year is not later. Absent: folding, and the model itself, of which the digest stands here: the
//! file goes from hand to hand.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::codec::Canonical;
use crate::codec::objects;
use crate::types::{Hash, Height, SchoolYear};

pub mod need;
#[cfg(test)]
mod tests;

pub use need::{InputKind, InputSource, NeedInput, NeedRule, RuleError};

/// Most score scales: 64 skills × 21 grades and some.
pub const MAX_SCALES: usize = 2_048;
/// Most kinds of resource that can be recommended.
pub const MAX_KINDS: usize = 32;
/// Most versions of a chain: two votes a year for two centuries.
pub const MAX_VERSIONS: usize = 400;
/// Parts of a whole.
const ONE_E4: u16 = 10_000;
/// Highest variance, in millionths.
const MAX_NOISE_E6: u32 = 100_000_000;
/// Digest of the model that nothing was fitted to.
const UNFITTED_MODEL: [u8; 32] = [
    0x09, 0x7e, 0xfe, 0x41, 0x89, 0xe6, 0xe6, 0x3a, 0x34, 0x6d, 0x3b, 0x01, 0x92, 0x5c, 0xeb, 0x4d, 0xd9,
    0x64, 0x7a, 0xc8, 0x7f, 0xfb, 0x10, 0xd9, 0x89, 0x1b, 0x74, 0xeb, 0x5f, 0xf2, 0x41, 0xff,
];

/// When a twin's transitions happen; shares in parts of 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// The next unit opens above this mastery.
    pub mastery_gate_e4: u16,
    /// Engagement below this is low.
    pub engagement_low_e4: u16,
    /// Milliseconds of low engagement before an intervention.
    pub engagement_low_ms: u64,
    /// A resource used below this share is to be rebalanced.
    pub utilisation_low_e4: u16,
    /// An assessment that leaves a subject's mastery below this recommends an intervention.
    pub support_below_e4: u16,
}

/// Rates of the exponential averages, in parts of 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Engagement, towards a session's active share.
    pub session_e4: u16,
    /// Engagement, towards the sentiment of a text.
    pub sentiment_e4: u16,
    /// Engagement, towards zero with an unexcused absence.
    pub absence_e4: u16,
    /// The slow average that engagement's trend is measured against.
    pub trend_e4: u16,
    /// Attendance, towards each day's mark.
    pub attendance_e4: u16,
    /// Utilisation of a resource.
    pub utilisation_e4: u16,
}

/// How a test's scaled scores are read: mean and spread of the population that it was scaled on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreScale {
    /// The subject as a skill.
    pub skill: u16,
    /// School grade, 0 = kindergarten.
    pub grade: u8,
    /// Mean, tenths of a point.
    pub mean_e1: u32,
    /// Standard deviation, tenths of a point, at least 1.
    pub deviation_e1: u32,
}

/// A kind of resource that a twin can recommend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindRule {
    /// The kind's number in the resource class.
    pub kind: u16,
    /// The subject it helps; none: all.
    pub subject: Option<u16>,
}

/// All parameters of a twin. As JSON, what is left out has the reference design's value.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TwinParameters {
    /// From where on a twin's state is told as a transition.
    #[serde(deserialize_with = "objects::one")]
    pub thresholds: Thresholds,
    /// How fast the exponential averages follow what is new.
    #[serde(deserialize_with = "objects::one")]
    pub rates: Rates,
    /// Variance of a test score as a look at ability, millionths.
    pub assessment_noise_e6: u32,
    /// Ascending by skill and grade.
    #[serde(deserialize_with = "objects::list")]
    pub scales: Vec<ScoreScale>,
    /// Ascending by kind.
    #[serde(deserialize_with = "objects::list")]
    pub kinds: Vec<KindRule>,
    /// How need follows from a student's inputs.
    #[serde(deserialize_with = "objects::one")]
    pub need: NeedRule,
    /// SHA-256 of the skill graph, where one was agreed.
    pub skill_graph: Option<Hash>,
    /// Digest of the mastery model, as `aula twin fit` prints it.
    pub model: Hash,
}

impl Default for TwinParameters {
    fn default() -> Self {
        Self {
            thresholds: Thresholds {
                mastery_gate_e4: 8_500,
                engagement_low_e4: 3_000,
                engagement_low_ms: 3 * 24 * 60 * 60 * 1_000,
                utilisation_low_e4: 4_000,
                support_below_e4: 2_500,
            },
            rates: Rates {
                session_e4: 2_000,
                sentiment_e4: 1_000,
                absence_e4: 1_000,
                trend_e4: 500,
                attendance_e4: 500,
                utilisation_e4: 2_000,
            },
            assessment_noise_e6: 250_000,
            scales: Vec::new(),
            kinds: Vec::new(),
            need: NeedRule::default(),
            skill_graph: None,
            model: Hash(UNFITTED_MODEL),
        }
    }
}

/// Parameters that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwinError {
    /// A share above the whole, or a variance too high.
    #[error("{0} of the twins' parameters is above its greatest value")]
    Range(&'static str),
    /// A table that is too long, out of order, or without spread.
    #[error("the {0} of the twins' parameters are too many, not strictly ascending, or without spread")]
    Table(&'static str),
    /// The need rule.
    #[error(transparent)]
    Need(#[from] RuleError),
}

impl TwinParameters {
    /// Checks every range and table, and the need rule's bounds.
    ///
    /// # Errors
    /// [`TwinError`] names what does not fit.
    pub fn check(&self) -> Result<(), TwinError> {
        self.check_tables()?;
        Ok(self.need.check()?)
    }

    /// All of it but for the need rule.
    ///
    /// # Errors
    /// [`TwinError`].
    pub fn check_tables(&self) -> Result<(), TwinError> {
        let (thresholds, rates) = (&self.thresholds, &self.rates);
        let shares = [
            ("mastery_gate_e4", thresholds.mastery_gate_e4),
            ("engagement_low_e4", thresholds.engagement_low_e4),
            ("utilisation_low_e4", thresholds.utilisation_low_e4),
            ("support_below_e4", thresholds.support_below_e4),
            ("session_e4", rates.session_e4),
            ("sentiment_e4", rates.sentiment_e4),
            ("absence_e4", rates.absence_e4),
            ("trend_e4", rates.trend_e4),
            ("attendance_e4", rates.attendance_e4),
            ("utilisation_e4", rates.utilisation_e4),
        ];
        if let Some((name, _)) = shares.into_iter().find(|(_, share)| *share > ONE_E4) {
            return Err(TwinError::Range(name));
        }
        if self.assessment_noise_e6 > MAX_NOISE_E6 {
            return Err(TwinError::Range("assessment_noise_e6"));
        }
        let ascend = self.scales.is_sorted_by(|a, b| (a.skill, a.grade) < (b.skill, b.grade));
        let spread = self.scales.iter().all(|scale| scale.deviation_e1 > 0);
        if self.scales.len() > MAX_SCALES || !ascend || !spread {
            return Err(TwinError::Table("scales"));
        }
        if self.kinds.len() > MAX_KINDS || !self.kinds.is_sorted_by(|a, b| a.kind < b.kind) {
            return Err(TwinError::Table("kinds"));
        }
        Ok(())
    }

    /// What anchored states name as their model: SHA-256 of a label, of everything here that a fold reads, and of the model's
    /// digest. A district's program computes the same from what it folds with.
    pub fn digest(&self) -> Hash {
        let rest = (
            &self.thresholds,
            &self.rates,
            self.assessment_noise_e6,
            &self.scales,
            &self.kinds,
            self.need.folded(),
        );
        let mut hash = Sha256::new();
        hash.update(b"aula/twin/params/v2");
        // Writing to a Vec has no failing path.
        hash.update(borsh::to_vec(&rest).unwrap_or_default());
        hash.update(self.model.0);
        Hash(hash.finalize().into())
    }
}

/// A version of the parameters.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct TwinVersion {
    /// Its number, from 1.
    pub version: u32,
    /// The first school year that it may be in force for.
    pub from_year: SchoolYear,
    /// In which block it was voted; 0: with the genesis.
    pub voted: Height,
    /// What anchored states name as their model.
    pub digest: Hash,
    /// What was voted, whole: no version builds on another.
    pub parameters: TwinParameters,
}

/// The first school year of every version, version 1 first.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
pub struct TwinVersions {
    /// The first year of version n stands at n − 1.
    pub from_years: Vec<SchoolYear>,
}

impl TwinVersions {
    /// The version in force for a school year: the newest whose first year is not later.
    pub fn in_force(&self, year: SchoolYear) -> Option<u32> {
        let at = self.from_years.iter().rposition(|from| *from <= year)?;
        u32::try_from(at).ok()?.checked_add(1)
    }
}

impl Canonical for TwinVersion {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "version of the twins' parameters";
    const MAX_BYTES: u64 = 32 * 1024;
}

impl Canonical for TwinVersions {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "versions of the twins' parameters";
    const MAX_BYTES: u64 = 1024;
}
