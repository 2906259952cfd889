//! The twins' parameters and the need rule among them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A version of the twins' parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TwinVersion {
    /// Its number, from 1.
    pub version: u32,
    /// The first school year that it may be in force for.
    pub from_year: u16,
    /// The height of the block in which it was voted; 0: with the genesis.
    pub voted: u64,
    /// SHA-256 over the parameters: what anchored states name as their model.
    pub digest: String,
    /// What was voted, whole.
    pub parameters: TwinParameters,
}

/// All parameters of a twin. Names that end in `_e4` are parts of 10,000, those in `_e6` millionths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TwinParameters {
    /// From where on a twin's state is told as a transition.
    pub thresholds: Thresholds,
    /// How fast the exponential averages follow what is new.
    pub rates: Rates,
    /// Variance of a test score as a look at ability.
    pub assessment_noise_e6: u32,
    /// How tests' scores are read, ascending by skill and grade.
    pub scales: Vec<ScoreScale>,
    /// Kinds of resource that can be recommended, ascending by kind.
    pub kinds: Vec<KindRule>,
    /// How need follows from a student's inputs.
    pub need: NeedRule,
    /// SHA-256 of the skill graph, where one was agreed.
    pub skill_graph: Option<String>,
    /// SHA-256 of the mastery model.
    pub model: String,
}

/// When a twin's transitions happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// Rates of the exponential averages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScoreScale {
    /// The subject as a skill.
    pub skill: u16,
    /// School grade, 0 is kindergarten.
    pub grade: u8,
    /// Mean, in tenths of a point.
    pub mean_e1: u32,
    /// Standard deviation, in tenths of a point.
    pub deviation_e1: u32,
}

/// A kind of resource that a twin can recommend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KindRule {
    /// The kind's number in the resource class.
    pub kind: u16,
    /// The subject it helps; none: all.
    pub subject: Option<u16>,
}

/// How a student's need follows from the inputs: `constant` and the sum of each input's weight times its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NeedRule {
    /// The need of a student whose inputs are all 0.
    pub constant: i32,
    /// In the order in which they are committed to.
    pub inputs: Vec<NeedInput>,
}

/// A number about a student that the need depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NeedInput {
    /// What people call it.
    pub name: String,
    /// Which values it may have.
    pub kind: InputKind,
    /// Where it comes from: `recorded/N`, `skill/NNNNN`, `engagement` or `attendance`.
    pub source: String,
    /// What one step of it adds to the need.
    pub weight: i32,
    /// Its value where nothing is recorded.
    pub unrecorded: u8,
}

/// What an input may be: a flag, 0 or 1, or a position, 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// 0 or 1.
    Flag,
    /// 0 to 255.
    Position,
}
