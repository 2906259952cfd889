//! The student's twin: a state, and the one function that moves it.
//!
//! Purpose: `state' = step(state, event, params)`. Flow: the merge folds a student's events in their total
//! order through [`step`]; [`TwinState::snapshot`] gives the bytes a vault keeps, [`leaves`] the fields that
//! the student-state hash on the ledger is built over. Invariants: events enter in strictly ascending order,
//! or not at all; a refused event leaves the state as it was (everything that can fail is checked before
//! anything moves), so an assessment updates proficiency, recommendations and interventions together or none;
//! equal events give equal bytes. Absent: the set of events itself ([`crate::merge`]), hashing and salts (the
//! ledger's).

mod inputs;
mod leaves;
mod snapshot;
mod step;
#[cfg(test)]
pub(crate) mod tests;

pub use leaves::{Leaf, leaves};
pub use snapshot::{MAX_SNAPSHOT_BYTES, SNAPSHOT_VERSION, SnapshotError};
pub use step::{StepError, Stepped, predict_response, step, step_predicted};

use crate::event::{EventKey, ItemId, SkillId};
use crate::fixed::{Logit, Need, Proportion};
use crate::life::{AttendanceSummary, Engagement, InterventionHistory, ResourceHistory};
use crate::mastery::{AbilityTrack, ItemTrack, Mastery, SkillTrack, level, mastery};
use crate::params::Params;
use borsh::{BorshDeserialize, BorshSerialize};

/// Most skills one student holds: the reference design has 847.
pub const MAX_SKILLS: usize = 1_024;
/// Most items whose repeats are counted for one student; answers to further items still count in everything
/// but the item's own history.
pub const MAX_ITEMS: usize = 8_192;
/// Most recorded inputs of the need rule that one student holds: a rule reads six, and rules change over the years.
pub const MAX_RECORDED_INPUTS: usize = 64;

/// Where a student stands with a skill's unit. It never goes back: what was reached was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Stage {
    /// Still on this unit.
    Learning,
    /// The mastery gate opened the next unit.
    Advanced,
}

/// One skill of a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SkillEntry {
    /// Entries ascend by it.
    pub skill: SkillId,
    /// What its answers say of mastery.
    pub track: SkillTrack,
    /// How far the student is in the unit of this skill.
    pub stage: Stage,
}

/// Answers of a student to one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ItemEntry {
    /// Entries ascend by it.
    pub item: ItemId,
    /// Right and wrong.
    pub track: ItemTrack,
}

/// The last recorded value of an input of the need rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordedInput {
    /// The number that the rule reads it by; entries ascend by it.
    pub input: u16,
    /// Its value, not clamped.
    pub value: u16,
}

/// Everything a twin knows. Fields are readable; only [`step`] and decoding make states.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TwinState {
    ability: AbilityTrack,
    skills: Vec<SkillEntry>,
    items: Vec<ItemEntry>,
    engagement: Engagement,
    attendance: AttendanceSummary,
    resources: ResourceHistory,
    interventions: InterventionHistory,
    recommended: Vec<u16>,
    inputs: Vec<RecordedInput>,
    events: u64,
    watermark: Option<EventKey>,
}

impl TwinState {
    /// A student of whom nothing is known, under these parameters.
    #[must_use]
    pub fn new(params: &Params) -> Self {
        Self {
            ability: AbilityTrack::prior(&params.model.tracker),
            skills: Vec::new(),
            items: Vec::new(),
            engagement: Engagement::prior(),
            attendance: AttendanceSummary::prior(),
            resources: ResourceHistory::default(),
            interventions: InterventionHistory::default(),
            recommended: Vec::new(),
            inputs: Vec::new(),
            events: 0,
            watermark: None,
        }
    }

    /// The overall ability.
    #[must_use]
    pub const fn ability(&self) -> &AbilityTrack {
        &self.ability
    }

    /// The skills with evidence, ascending.
    #[must_use]
    pub fn skills(&self) -> &[SkillEntry] {
        &self.skills
    }

    /// Where engagement stands, and how long it has been low.
    #[must_use]
    pub const fn engagement(&self) -> &Engagement {
        &self.engagement
    }

    /// The rate and the counts of marks.
    #[must_use]
    pub const fn attendance(&self) -> &AttendanceSummary {
        &self.attendance
    }

    /// Resource access history.
    #[must_use]
    pub const fn resources(&self) -> &ResourceHistory {
        &self.resources
    }

    /// Those that run and the last ones that ended; older ones as a sum.
    #[must_use]
    pub const fn interventions(&self) -> &InterventionHistory {
        &self.interventions
    }

    /// Kinds of resource recommended, best first, as of the last assessment.
    #[must_use]
    pub fn recommended(&self) -> &[u16] {
        &self.recommended
    }

    /// The last recorded value of an input of the need rule, by its number.
    #[must_use]
    pub fn input(&self, number: u16) -> Option<u16> {
        let at = self.inputs.binary_search_by_key(&number, |one| one.input).ok()?;
        self.inputs.get(at).map(|one| one.value)
    }

    /// Need by the rule of these parameters.
    #[must_use]
    pub fn need(&self, params: &Params) -> Need {
        params.need.need(&params.need.values(self, params))
    }

    /// Events folded so far, corrections and what they replaced counted once each.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The last event folded.
    #[must_use]
    pub const fn watermark(&self) -> Option<EventKey> {
        self.watermark
    }

    /// The level of a skill's mastery, without its confidence.
    fn level(&self, skill: SkillId, params: &Params) -> Proportion {
        let known = params.model.skill(skill);
        let prior = SkillTrack::prior(&params.model, known);
        let track = self.skill_entry(skill).map_or(&prior, |entry| &entry.track);
        level(&params.model, &self.ability, known, track)
    }

    /// Mastery of a skill; that of a student without evidence on it when there is none.
    #[must_use]
    pub fn mastery(&self, skill: SkillId, params: &Params) -> Mastery {
        let known = params.model.skill(skill);
        let prior = SkillTrack::prior(&params.model, known);
        let track = self.skill_entry(skill).map_or(&prior, |entry| &entry.track);
        mastery(&params.model, &self.ability, known, track)
    }

    /// Overall proficiency: probability of a right answer on an item of difficulty 0, by ability alone.
    #[must_use]
    pub fn proficiency(&self) -> Proportion {
        crate::curve::sigmoid(Logit::clamped(i64::from(self.ability.mean.e6()))).to_proportion()
    }

    fn skill_entry(&self, skill: SkillId) -> Option<&SkillEntry> {
        self.skills.get(find_skill(&self.skills, skill).ok()?)
    }
}

/// Position of a skill, or where it would go. Students who hold every skill have skill n at place n: that
/// guess is tried before the search.
fn find_skill(skills: &[SkillEntry], skill: SkillId) -> Result<usize, usize> {
    let guess = usize::from(skill.0);
    if skills.get(guess).is_some_and(|entry| entry.skill == skill) {
        return Ok(guess);
    }
    skills.binary_search_by_key(&skill, |entry| entry.skill)
}
