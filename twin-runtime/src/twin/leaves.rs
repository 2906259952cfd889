//! The fields of a state that can be opened one by one.
//!
//! Purpose: the ordered list (field, value) over which the ledger builds the student-state hash, one salted
//! leaf each, so that one skill of 847 opens with ten hashes and nothing else is seen. Flow: [`leaves`] is
//! called at an anchor, after the fold. Invariants: fields strictly ascending by name; equal states under
//! equal parameters give equal lists; the digest of the whole snapshot is itself a leaf, so a replay of the
//! events can be compared with the anchored hash byte by byte. Absent: salts and the tree.

use super::TwinState;
use crate::params::Params;
use borsh::BorshSerialize;

/// A field and its canonical value bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Name: lower-case words with `/` between, numbers padded to their full width.
    pub field: String,
    /// Borsh of the value.
    pub value: Vec<u8>,
}

/// All fields of a state, ascending by name.
///
/// | field | value |
/// |---|---|
/// | `attendance` | counts present, late, absent, excused: u32; rate: u16 e4 |
/// | `engagement` | level: u16 e4; trend: i16 e4 |
/// | `events` | u64 |
/// | `intervention/NN` | opened_ms: u64; closed_ms: option u64; efficacy: i16 e4; number: u32 |
/// | `input/N` | u8: input N of the need rule, clamped |
/// | `need` | u16: by the rule |
/// | `recommended` | list of u16, best first |
/// | `resource/NNNNNNNNNN` | uses: u32; used_minutes: u64; utilisation: u16 e4 |
/// | `skill/NNNNN` | mastery: u16 e4; confidence: u16 e4; stage: u8 |
/// | `snapshot` | digest of the whole state, 32 bytes |
/// | `watermark` | option event key |
#[must_use]
pub fn leaves(state: &TwinState, params: &Params) -> Vec<Leaf> {
    let mut list = Vec::with_capacity(16 + state.skills.len());
    let a = &state.attendance;
    push(&mut list, "attendance".into(), &(a.present, a.late, a.absent, a.excused, a.rate));
    push(&mut list, "engagement".into(), &(state.engagement.level, state.engagement.trend()));
    push(&mut list, "events".into(), &state.events);
    let inputs = params.need.values(state, params);
    for (n, value) in inputs.iter().enumerate() {
        push(&mut list, format!("input/{n}"), value);
    }
    for (n, i) in state.interventions.list.iter().enumerate() {
        let value = (i.opened_ms, i.closed_ms, i.efficacy(), i.intervention);
        push(&mut list, format!("intervention/{n:02}"), &value);
    }
    push(&mut list, "need".into(), &params.need.need(&inputs));
    push(&mut list, "recommended".into(), &state.recommended);
    for r in &state.resources.tracks {
        let value = (r.uses, r.used_minutes, r.utilisation);
        push(&mut list, format!("resource/{:010}", r.resource.0), &value);
    }
    for entry in &state.skills {
        let mastery = state.mastery(entry.skill, params);
        push(&mut list, format!("skill/{:05}", entry.skill.0), &(mastery, entry.stage));
    }
    push(&mut list, "snapshot".into(), &state.digest());
    push(&mut list, "watermark".into(), &state.watermark);
    list
}

fn push(list: &mut Vec<Leaf>, field: String, value: &impl BorshSerialize) {
    // Writing to a Vec has no failing path.
    list.push(Leaf { field, value: borsh::to_vec(value).unwrap_or_default() });
}
