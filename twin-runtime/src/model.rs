//! The mastery model as data: what was fitted offline, frozen into integers.
//!
//! Purpose: every node steps the same model, and its digest stands on the ledger. Flow: the node fits a model
//! from a log (floating point, outside this crate), rounds it into a [`Model`], and the consortium votes its
//! digest into the parameters; [`crate::mastery`] reads it. Invariants: bounded sizes, canonical bytes,
//! every coefficient in range, so no arithmetic on a decoded model can overflow. Absent: names of skills and
//! items. They are numbers here; the dictionary lives beside the fitted model in the node.

use crate::event::{ItemId, SkillId};
use crate::fixed::{Logit, Probability, Residual, Variance};
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// First byte of an encoded model.
pub const MODEL_VERSION: u8 = 1;
/// Most items of a model: 24 MB of bytes; the largest public log has about 200,000.
pub const MAX_ITEMS: usize = 2_000_000;
/// Most skills of a model.
pub const MAX_SKILLS: usize = 65_536;
/// Longest encoding of a model, bytes.
pub const MAX_MODEL_BYTES: usize = 64 << 20;

/// The shared features of a response, in the order of [`Model::weights`]. Units: millionths of a logit for
/// abilities and difficulty, of a natural logarithm for counts, of a probability for recent residuals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Posterior mean of the student's overall ability.
    Ability,
    /// Posterior mean of the deviation on the exercised skills (averaged).
    SkillAbility,
    /// Minus the item's difficulty.
    Easiness,
    /// Log-odds of the tracker, flattened for its own uncertainty.
    Tracker,
    /// ln(1 + right answers) on the exercised skills (averaged).
    SkillWins,
    /// ln(1 + wrong answers) on the exercised skills (averaged).
    SkillFails,
    /// ln(1 + right answers) in all.
    Wins,
    /// ln(1 + wrong answers) in all.
    Fails,
    /// ln(1 + right answers) on this very item.
    ItemWins,
    /// ln(1 + wrong answers) on this very item.
    ItemFails,
    /// Average of the last few residuals.
    RecentFast,
    /// Average of the last few dozen residuals.
    RecentSlow,
    /// Average of the last few residuals on the exercised skills.
    SkillRecent,
    /// Log-odds of a right answer under knowledge tracing with two states (averaged).
    Knowledge,
    /// Right answers on the exercised skills, in tens, at most ten of them (averaged).
    SkillWinCount,
    /// Wrong answers on the exercised skills, likewise.
    SkillFailCount,
}

impl Feature {
    /// How many there are.
    pub const COUNT: usize = 16;
    /// All, in the order of the weights.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Ability,
        Self::SkillAbility,
        Self::Easiness,
        Self::Tracker,
        Self::SkillWins,
        Self::SkillFails,
        Self::Wins,
        Self::Fails,
        Self::ItemWins,
        Self::ItemFails,
        Self::RecentFast,
        Self::RecentSlow,
        Self::SkillRecent,
        Self::Knowledge,
        Self::SkillWinCount,
        Self::SkillFailCount,
    ];

    /// A short name for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ability => "ability",
            Self::SkillAbility => "skill ability",
            Self::Easiness => "easiness of the item",
            Self::Tracker => "tracker",
            Self::SkillWins => "right on the skill",
            Self::SkillFails => "wrong on the skill",
            Self::Wins => "right in all",
            Self::Fails => "wrong in all",
            Self::ItemWins => "right on the item",
            Self::ItemFails => "wrong on the item",
            Self::RecentFast => "last few answers",
            Self::RecentSlow => "last dozens of answers",
            Self::SkillRecent => "last few answers on the skill",
            Self::Knowledge => "knowledge tracing",
            Self::SkillWinCount => "number right on the skill",
            Self::SkillFailCount => "number wrong on the skill",
        }
    }
}

/// What the model knows of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ItemParams {
    /// Difficulty on the tracker's scale.
    pub difficulty: Logit,
    /// Addition to the log-odds of the prediction.
    pub offset: Logit,
    /// Addition to the weight of [`Feature::Ability`]: how well the item tells students apart.
    pub slope: Logit,
}

/// Knowledge tracing of one skill (Corbett and Anderson 1995).
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Knowledge {
    /// Probability of knowing at the start.
    pub start: Probability,
    /// Probability of learning at a response.
    pub learn: Probability,
    /// Probability of a right answer without knowing.
    pub guess: Probability,
    /// Probability of a wrong answer in spite of knowing.
    pub slip: Probability,
}

/// What the model knows of a skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SkillParams {
    /// Addition to the log-odds of the prediction.
    pub bias: Logit,
    /// Addition to the weight of [`Feature::SkillWins`].
    pub win_slope: Logit,
    /// Addition to the weight of [`Feature::SkillFails`].
    pub fail_slope: Logit,
    /// Stands in for an item the model has not seen: the mean of the skill's items.
    pub unseen_item: ItemParams,
    /// The skill's item of median difficulty in the training log: what mastery is defined on.
    pub median_item: ItemParams,
    /// Two-state knowledge tracing.
    pub knowledge: Knowledge,
}

/// How fast the tracker moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TrackerParams {
    /// Prior variance of the overall ability.
    pub ability_variance: Variance,
    /// Prior variance of the deviation on one skill.
    pub skill_variance: Variance,
    /// Variance the overall ability regains with each response.
    pub ability_drift: Variance,
    /// Variance a skill's deviation regains with each response on it.
    pub skill_drift: Variance,
    /// Rate of [`Feature::RecentFast`] and [`Feature::SkillRecent`].
    pub fast_rate: Residual,
    /// Rate of [`Feature::RecentSlow`].
    pub slow_rate: Residual,
}

/// A fitted model. Items and skills are found by their number; one that is not there takes the prior.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Model {
    /// How the tracks move with an answer.
    pub tracker: TrackerParams,
    /// Constant of the log-odds.
    pub bias: Logit,
    /// Weight of each shared [`Feature`], in millionths.
    pub weights: [Logit; Feature::COUNT],
    /// For skills the model has not seen.
    pub unseen_skill: SkillParams,
    /// By number of the skill, from 0.
    pub skills: Vec<SkillParams>,
    /// By number of the item, from 0.
    pub items: Vec<ItemParams>,
}

/// Why bytes are not a model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelError {
    /// Longer than a model may be, or more items or skills than it may have.
    #[error("the model is larger than its limits allow")]
    TooLarge,
    /// A version this program does not know.
    #[error("model version {0} is not {MODEL_VERSION}")]
    Version(u8),
    /// Not the canonical bytes of a model, or a coefficient out of range.
    #[error("malformed model bytes")]
    Malformed,
}

fn logit(e6: i64) -> Logit {
    Logit::clamped(e6)
}

impl Model {
    /// The model before any fitting: an adaptive Rasch model with unit prior variances and items of equal
    /// difficulty. What a district runs until its first model is voted in.
    #[must_use]
    pub fn unfitted() -> Self {
        let plain = ItemParams { difficulty: logit(0), offset: logit(0), slope: logit(0) };
        let mut weights = [logit(0); Feature::COUNT];
        for (weight, feature) in weights.iter_mut().zip(Feature::ALL) {
            if matches!(feature, Feature::Ability | Feature::SkillAbility | Feature::Easiness) {
                *weight = logit(1_000_000);
            }
        }
        Self {
            tracker: TrackerParams {
                ability_variance: Variance::clamped(1_000_000),
                skill_variance: Variance::clamped(1_000_000),
                ability_drift: Variance::clamped(1_000),
                skill_drift: Variance::clamped(5_000),
                fast_rate: Residual::clamped(200_000),
                slow_rate: Residual::clamped(30_000),
            },
            bias: logit(0),
            weights,
            unseen_skill: SkillParams {
                bias: logit(0),
                win_slope: logit(0),
                fail_slope: logit(0),
                unseen_item: plain,
                median_item: plain,
                knowledge: Knowledge {
                    start: Probability::clamped(400_000),
                    learn: Probability::clamped(100_000),
                    guess: Probability::clamped(200_000),
                    slip: Probability::clamped(100_000),
                },
            },
            skills: Vec::new(),
            items: Vec::new(),
        }
    }

    /// The skill's parameters, or those of an unseen skill.
    #[must_use]
    pub fn skill(&self, id: SkillId) -> &SkillParams {
        self.skills.get(usize::from(id.0)).unwrap_or(&self.unseen_skill)
    }

    /// The item's parameters; `None` when the model has not seen it.
    #[must_use]
    pub fn item(&self, id: ItemId) -> Option<&ItemParams> {
        self.items.get(usize::try_from(id.0).ok()?)
    }

    /// Canonical bytes: version, then the fields.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![MODEL_VERSION];
        // Writing to a Vec has no failing path.
        let _ = self.serialize(&mut bytes);
        bytes
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Any [`ModelError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() > MAX_MODEL_BYTES {
            return Err(ModelError::TooLarge);
        }
        let (version, rest) = bytes.split_first().ok_or(ModelError::Malformed)?;
        if *version != MODEL_VERSION {
            return Err(ModelError::Version(*version));
        }
        let model: Self = borsh::from_slice(rest).map_err(|_| ModelError::Malformed)?;
        if model.items.len() > MAX_ITEMS || model.skills.len() > MAX_SKILLS {
            return Err(ModelError::TooLarge);
        }
        Ok(model)
    }

    /// SHA-256 of a label and the canonical bytes: what the ledger's parameters and anchors name.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"aula/twin/model/v1");
        hash.update(self.encode());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip_and_refuse() {
        let model = Model::unfitted();
        let bytes = model.encode();
        assert_eq!(Model::decode(&bytes), Ok(model.clone()));
        let mut long = bytes.clone();
        long.push(0);
        assert_eq!(Model::decode(&long), Err(ModelError::Malformed));
        assert_eq!(Model::decode(&[9]), Err(ModelError::Version(9)));
        assert_eq!(Model::decode(&[]), Err(ModelError::Malformed));
        let mut out_of_range = bytes;
        out_of_range[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Model::decode(&out_of_range), Err(ModelError::Malformed));
    }

    #[test]
    fn the_unfitted_models_digest_is_the_one_that_the_ledgers_defaults_name() {
        let digest: String = Model::unfitted().digest().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, "097efe4189e6e63a346d3b01925ceb4dd9647ac87ffb10d9891b74eb5ff241ff");
    }

    #[test]
    fn digest_sees_every_coefficient() {
        let model = Model::unfitted();
        let mut other = model.clone();
        other.weights[13] = Logit::clamped(1);
        assert_ne!(model.digest(), other.digest());
        assert_eq!(model.digest(), model.clone().digest());
    }
}
