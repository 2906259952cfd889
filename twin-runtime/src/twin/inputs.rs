//! What a state gives for the inputs of the need rule. Absent: the sum, which is the rule's own.

use super::TwinState;
use crate::need::{InputSource, NeedInput, NeedRule};
use crate::params::Params;

impl NeedRule {
    /// The inputs of a state, in the rule's order, each in its range.
    #[must_use]
    pub fn values(&self, state: &TwinState, params: &Params) -> Vec<u8> {
        let position = |e4: u16| u8::try_from(u32::from(e4) * 255 / 10_000).unwrap_or(u8::MAX);
        let value = |input: &NeedInput| match input.source {
            InputSource::Recorded(number) => {
                let recorded = state.input(number).unwrap_or_else(|| u16::from(input.unrecorded));
                u8::try_from(recorded).unwrap_or(u8::MAX).min(input.kind.greatest())
            }
            InputSource::Mastery(skill) => position(state.mastery(skill, params).level.e4()),
            InputSource::Engagement => position(state.engagement().level.e4()),
            InputSource::Attendance => position(state.attendance().rate.e4()),
        };
        self.inputs.iter().map(value).collect()
    }
}
