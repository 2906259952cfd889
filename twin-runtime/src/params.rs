//! Parameters of a twin: model, thresholds, rates, scales. Voted on the ledger, in force from an epoch on.
//!
//! Purpose: everything that decides how events change a twin and is not an event. Flow: the node reads the
//! parameters in force at an event's epoch and hands them to [`crate::twin::step`]. Invariants: tables
//! strictly ascending by key and bounded, so that equal parameters have equal bytes and one digest. Absent:
//! defaults that depend on the machine.

use crate::event::SkillId;
use crate::fixed::{Proportion, Variance};
use crate::model::Model;
use crate::need::NeedRule;
use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Most score scales: 64 skills × 21 grades and some.
pub const MAX_SCALES: usize = 2_048;
/// Most kinds of resource that can be recommended; a request ranks at most 32.
pub const MAX_KINDS: usize = 32;

/// When a twin's transitions happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Thresholds {
    /// The next unit opens above this mastery, and never before.
    pub mastery_gate: Proportion,
    /// Engagement below this counts as low.
    pub engagement_low: Proportion,
    /// Intervention once engagement was low for more than this many milliseconds.
    pub engagement_low_ms: u64,
    /// A resource used below this share is to be rebalanced.
    pub utilisation_low: Proportion,
    /// An assessment that leaves a subject's mastery below this recommends an intervention.
    pub support_below: Proportion,
}

/// Rates of the exponential averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Rates {
    /// Engagement moves by this share towards a session's active share.
    pub session: Proportion,
    /// Engagement moves by this share towards the sentiment of a text.
    pub sentiment: Proportion,
    /// Engagement moves by this share towards zero with an unexcused absence.
    pub absence: Proportion,
    /// The slow average that engagement's trend is measured against.
    pub trend: Proportion,
    /// Attendance moves by this share towards each mark.
    pub attendance: Proportion,
    /// Utilisation of a resource.
    pub utilisation: Proportion,
}

/// How a test's scaled scores are read: mean and spread in the population it was scaled on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ScoreScale {
    /// The subject as a skill.
    pub skill: SkillId,
    /// School grade, 0 = kindergarten.
    pub grade: u8,
    /// Mean, tenths of a point.
    pub mean_e1: u32,
    /// Standard deviation, tenths of a point, at least 1.
    pub deviation_e1: u32,
}

/// A kind of resource that a twin can recommend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct KindRule {
    /// The kind's number in the resource class.
    pub kind: u16,
    /// The subject it helps: ranked by that subject's mastery, weakest first. A kind that helps all ranks by
    /// the mean of the subjects.
    pub subject: Option<SkillId>,
}

/// All parameters of a twin.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Params {
    /// The fitted model of mastery, which the ledger knows by its digest.
    pub model: Model,
    /// From where on a state is told as a transition.
    pub thresholds: Thresholds,
    /// How fast the exponential averages follow what is new.
    pub rates: Rates,
    /// Variance of a test score as a look at ability, millionths: (1 − reliability) / reliability of the
    /// test times the prior variance.
    pub assessment_noise: Variance,
    /// Ascending by (skill, grade).
    pub scales: Vec<ScoreScale>,
    /// Ascending by kind.
    pub kinds: Vec<KindRule>,
    /// How need follows from a state.
    pub need: NeedRule,
}

/// Why parameters are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParamsError {
    /// A table is too long or not strictly ascending.
    #[error("table of {0} is too long or not strictly ascending")]
    Table(&'static str),
    /// A scale without spread.
    #[error("a score scale has deviation zero")]
    NoSpread,
    /// A need rule whose value may leave its scale.
    #[error(
        "the need rule has too many inputs, a value outside its input's range, or a need outside 0 to 2,559"
    )]
    Need,
}

impl Params {
    /// The reference design's thresholds around a model, without scales and kinds.
    #[must_use]
    pub fn reference(model: Model) -> Self {
        let share = |e4: i64| Proportion::clamped(e4);
        Self {
            model,
            thresholds: Thresholds {
                mastery_gate: share(8_500),
                engagement_low: share(3_000),
                engagement_low_ms: 3 * crate::clock::DAY_MS,
                utilisation_low: share(4_000),
                support_below: share(2_500),
            },
            rates: Rates {
                session: share(2_000),
                sentiment: share(1_000),
                absence: share(1_000),
                trend: share(500),
                attendance: share(500),
                utilisation: share(2_000),
            },
            assessment_noise: Variance::clamped(250_000),
            scales: Vec::new(),
            kinds: Vec::new(),
            need: NeedRule::reference(),
        }
    }

    /// Checks the tables.
    ///
    /// # Errors
    /// Any [`ParamsError`].
    pub fn check(&self) -> Result<(), ParamsError> {
        let scales: Vec<_> = self.scales.iter().map(|s| (s.skill, s.grade)).collect();
        if scales.len() > MAX_SCALES || !scales.is_sorted_by(|a, b| a < b) {
            return Err(ParamsError::Table("score scales"));
        }
        if self.kinds.len() > MAX_KINDS || !self.kinds.is_sorted_by(|a, b| a.kind < b.kind) {
            return Err(ParamsError::Table("resource kinds"));
        }
        if self.scales.iter().any(|s| s.deviation_e1 == 0) {
            return Err(ParamsError::NoSpread);
        }
        if !self.need.is_bounded() {
            return Err(ParamsError::Need);
        }
        Ok(())
    }

    /// The scale of a subject in a grade.
    #[must_use]
    pub fn scale(&self, skill: SkillId, grade: u8) -> Option<&ScoreScale> {
        let at = self.scales.binary_search_by_key(&(skill, grade), |s| (s.skill, s.grade)).ok()?;
        self.scales.get(at)
    }

    /// SHA-256 of a label, the canonical bytes of all but the model, and the model's digest: what AnchorStates carries. The
    /// ledger computes the same from the parameters that were voted, which hold the model's digest alone.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let rest =
            (&self.thresholds, &self.rates, &self.assessment_noise, &self.scales, &self.kinds, &self.need);
        let mut hash = Sha256::new();
        hash.update(b"aula/twin/params/v2");
        // Writing to a Vec has no failing path.
        hash.update(borsh::to_vec(&rest).unwrap_or_default());
        hash.update(self.model.digest());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_must_ascend_and_have_spread() {
        let mut params = Params::reference(Model::unfitted());
        let scale = ScoreScale { skill: SkillId(1), grade: 2, mean_e1: 5_000, deviation_e1: 300 };
        params.scales = vec![scale, ScoreScale { grade: 3, ..scale }];
        params.kinds = vec![KindRule { kind: 0, subject: None }, KindRule { kind: 1, subject: None }];
        assert_eq!(params.check(), Ok(()));
        assert_eq!(params.scale(SkillId(1), 3).map(|s| s.grade), Some(3));
        assert_eq!(params.scale(SkillId(1), 4), None);
        params.scales.reverse();
        assert_eq!(params.check(), Err(ParamsError::Table("score scales")));
        params.scales = vec![ScoreScale { deviation_e1: 0, ..scale }];
        assert_eq!(params.check(), Err(ParamsError::NoSpread));
        params.kinds.reverse();
        assert_eq!(params.check(), Err(ParamsError::Table("resource kinds")));
    }
}
