//! The need rule: a student's need as a sum of weighted inputs, voted with the other parameters.
//!
//! Purpose: the same numbers that a district commits to one by one give the need, so that the RULE can be checked by
//! everybody. Flow: a state and the rule → [`NeedRule::values`], each clamped to its input's range → [`NeedRule::need`], a sum
//! in integers without rounding. Invariants: every state has all inputs, those that nothing is recorded of at the value that
//! the rule says; no event sets the need. Absent: names of inputs, which stand on the ledger, and the votes' own bounds beyond
//! those that keep a need in its range.

pub use aula_allocation::need::InputKind;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::event::SkillId;
use crate::fixed::Need;

/// Most inputs of a rule.
pub const MAX_INPUTS: usize = 6;

/// Where an input's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum InputSource {
    /// The last [`crate::event::EventBody::InputRecorded`] of this number.
    Recorded(u16) = 0,
    /// Mastery of a skill, 0..=10,000 brought to 0..=255, rounded down.
    Mastery(SkillId) = 1,
    /// Engagement, likewise.
    Engagement = 2,
    /// The attendance rate, likewise.
    Attendance = 3,
}

/// One input of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NeedInput {
    /// Whether it is a flag, 0..=1, or a position, 0..=255.
    pub kind: InputKind,
    /// Where it comes from.
    pub source: InputSource,
    /// What one step of it adds to the need.
    pub weight: i32,
    /// Its value where nothing is recorded; read for recorded inputs alone.
    pub unrecorded: u8,
}

/// Need = `constant` + Σ weight · input.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NeedRule {
    /// w₀: the need of a student whose inputs are all 0.
    pub constant: i32,
    /// At most [`MAX_INPUTS`], in the order in which they are committed to.
    pub inputs: Vec<NeedInput>,
}

impl NeedRule {
    /// One position that the district records, ten points a step.
    #[must_use]
    pub fn reference() -> Self {
        let (kind, source) = (InputKind::Position, InputSource::Recorded(0));
        Self { constant: 0, inputs: vec![NeedInput { kind, source, weight: 10, unrecorded: 0 }] }
    }

    /// Whether every value of the inputs gives a need.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        let ends = |pick: fn(i64) -> i64| {
            let reach = |input: &NeedInput| {
                pick(i64::from(input.weight).saturating_mul(i64::from(input.kind.greatest())))
            };
            self.inputs.iter().map(reach).fold(i64::from(self.constant), i64::saturating_add)
        };
        let fits = |input: &NeedInput| {
            let recorded = matches!(input.source, InputSource::Recorded(_));
            input.unrecorded <= input.kind.greatest() && (recorded || input.kind == InputKind::Position)
        };
        self.inputs.len() <= MAX_INPUTS
            && self.inputs.iter().all(fits)
            && ends(|reach| reach.min(0)) >= 0
            && ends(|reach| reach.max(0)) <= i64::from(Need::MAX.score())
    }

    /// What each input adds to the constant, in the rule's order.
    #[must_use]
    pub fn terms(&self, values: &[u8]) -> Vec<i64> {
        let term = |(input, value): (&NeedInput, &u8)| i64::from(input.weight) * i64::from(*value);
        self.inputs.iter().zip(values).map(term).collect()
    }

    /// The need that these values give. Under a bounded rule nothing is clamped.
    #[must_use]
    pub fn need(&self, values: &[u8]) -> Need {
        Need::clamped(self.terms(values).into_iter().fold(i64::from(self.constant), i64::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use crate::params::Params;
    use crate::twin::TwinState;

    fn recorded(number: u16, kind: InputKind, weight: i32, unrecorded: u8) -> NeedInput {
        NeedInput { kind, source: InputSource::Recorded(number), weight, unrecorded }
    }

    #[test]
    fn a_state_without_events_has_the_values_that_the_rule_says() {
        let mut params = Params::reference(Model::unfitted());
        let source = InputSource::Mastery(SkillId(4));
        params.need = NeedRule {
            constant: 600,
            inputs: vec![
                recorded(7, InputKind::Flag, 640, 1),
                recorded(8, InputKind::Position, -2, 128),
                NeedInput { kind: InputKind::Position, source, weight: 3, unrecorded: 0 },
            ],
        };
        assert!(params.need.is_bounded());
        let state = TwinState::new(&params);
        let values = params.need.values(&state, &params);
        let mastery = state.mastery(SkillId(4), &params).level.e4();
        assert_eq!(values, [1, 128, u8::try_from(u32::from(mastery) * 255 / 10_000).unwrap()]);
        let need = 600 + 640 - 2 * 128 + 3 * u16::from(values[2]);
        assert_eq!(params.need.need(&values).score(), need);
    }

    #[test]
    fn a_rule_that_can_leave_the_scale_is_not_bounded() {
        let rule = |constant, inputs: &[NeedInput]| NeedRule { constant, inputs: inputs.to_vec() };
        let position = |weight| recorded(0, InputKind::Position, weight, 0);
        assert!(rule(9, &[position(10)]).is_bounded());
        for refused in [
            rule(10, &[position(10)]),
            rule(-1, &[position(10)]),
            rule(254, &[position(-1)]),
            rule(0, &[position(0); 7]),
            rule(0, &[recorded(0, InputKind::Flag, 1, 2)]),
            rule(i32::MAX, &[position(i32::MAX); 6]),
            rule(
                0,
                &[NeedInput {
                    kind: InputKind::Flag,
                    source: InputSource::Engagement,
                    weight: 1,
                    unrecorded: 0,
                }],
            ),
        ] {
            assert!(!refused.is_bounded(), "{refused:?}");
        }
    }
}
