//! What a twin does when a threshold is crossed, each as a record that explains itself.
//!
//! Purpose: the four rules (mastery gate, intervention, rebalance, support after an assessment) in one place,
//! each a pure comparison of a value with its threshold. Flow: [`crate::twin::step`] moves the state, then asks
//! here; what comes back can be anchored as a milestone. Invariants: nobody advances at or below the gate; a
//! rule speaks once a spell; a record holds the value and the threshold that it was compared with, so it can
//! be checked from itself. Absent: what an intervention is; that is people's work.

use crate::event::{EventKey, ResourceId, SkillId};
use crate::fixed::Proportion;
use crate::life::{Alert, Engagement, ResourceTrack};
use crate::params::Thresholds;
use borsh::{BorshDeserialize, BorshSerialize};

/// Which rule, about what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Rule {
    /// Mastery of the skill passed the gate: the next unit opens.
    Advance(SkillId),
    /// Engagement was low for too long: an intervention is due.
    Intervene,
    /// The resource is used too little: it should go where it is used.
    Rebalance(ResourceId),
    /// An assessment left the subject's mastery low: support is recommended.
    Support(SkillId),
}

/// A transition and why it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Transition {
    /// The event that brought it about.
    pub at: EventKey,
    /// Which of the four it is.
    pub rule: Rule,
    /// The value that was compared: mastery, engagement, utilisation or mastery.
    pub value: Proportion,
    /// What it was compared with.
    pub threshold: Proportion,
    /// For [`Rule::Intervene`], how long the level had been low, milliseconds; 0 otherwise.
    pub duration_ms: u64,
}

/// Version, then the fields: the payload of a milestone.
pub const TRANSITION_VERSION: u8 = 1;

impl Transition {
    /// Canonical bytes for a milestone.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![TRANSITION_VERSION];
        // Writing to a Vec has no failing path.
        let _ = self.serialize(&mut bytes);
        bytes
    }

    /// Reads canonical bytes; `None` when they are not.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        if *version == TRANSITION_VERSION { borsh::from_slice(rest).ok() } else { None }
    }

    /// Whether the record's own numbers satisfy its rule under these thresholds.
    #[must_use]
    pub fn follows(&self, thresholds: &Thresholds) -> bool {
        match self.rule {
            Rule::Advance(_) => self.threshold == thresholds.mastery_gate && self.value > self.threshold,
            Rule::Intervene => {
                self.threshold == thresholds.engagement_low
                    && self.value < self.threshold
                    && self.duration_ms > thresholds.engagement_low_ms
            }
            Rule::Rebalance(_) => self.threshold == thresholds.utilisation_low && self.value < self.threshold,
            Rule::Support(_) => self.threshold == thresholds.support_below && self.value < self.threshold,
        }
    }
}

/// The mastery gate: `Some` when the next unit opens now.
#[must_use]
pub fn advance(
    at: EventKey,
    skill: SkillId,
    mastery: Proportion,
    thresholds: &Thresholds,
) -> Option<Transition> {
    let threshold = thresholds.mastery_gate;
    (mastery > threshold).then_some(Transition {
        at,
        rule: Rule::Advance(skill),
        value: mastery,
        threshold,
        duration_ms: 0,
    })
}

/// Intervention by engagement and days, once a spell.
pub fn intervene(
    at: EventKey,
    engagement: &mut Engagement,
    now_ms: u64,
    thresholds: &Thresholds,
) -> Option<Transition> {
    engagement.note_spell(thresholds.engagement_low, now_ms);
    let duration_ms = now_ms.saturating_sub(engagement.low_since_ms?);
    if duration_ms <= thresholds.engagement_low_ms || engagement.alert == Alert::Raised {
        return None;
    }
    engagement.alert = Alert::Raised;
    let (value, threshold) = (engagement.level, thresholds.engagement_low);
    Some(Transition { at, rule: Rule::Intervene, value, threshold, duration_ms })
}

/// Rebalance by utilisation, once a spell of low use.
pub fn rebalance(at: EventKey, track: &mut ResourceTrack, thresholds: &Thresholds) -> Option<Transition> {
    if track.utilisation >= thresholds.utilisation_low {
        track.alert = Alert::Silent;
        return None;
    }
    if track.alert == Alert::Raised {
        return None;
    }
    track.alert = Alert::Raised;
    let (rule, value) = (Rule::Rebalance(track.resource), track.utilisation);
    Some(Transition { at, rule, value, threshold: thresholds.utilisation_low, duration_ms: 0 })
}

/// Support after an assessment.
#[must_use]
pub fn support(
    at: EventKey,
    skill: SkillId,
    mastery: Proportion,
    thresholds: &Thresholds,
) -> Option<Transition> {
    let threshold = thresholds.support_below;
    (mastery < threshold).then_some(Transition {
        at,
        rule: Rule::Support(skill),
        value: mastery,
        threshold,
        duration_ms: 0,
    })
}
