//! What a district anchors and keeps of a twin: the salted fields under its hash, the committed numbers, the fields that
//! readers ask the vault for.
//!
//! Flow: a folded state and the student's secret → [`leaf`] → `AnchorStates`; the same state → [`fields`] → the vault.
//! Invariants: salts and blindings are derived for one version, which is never used twice; the numbers committed to are
//! those of the state, so that a proof about them is one about the hash. Absent: folding, sending.

use std::collections::BTreeSet;

use aula_ledger::proof::committed::{CommittedField, FieldCommitment};
use aula_ledger::proof::need::input_field;
use aula_ledger::proof::student_state::{SaltedField, state_hash};
use aula_ledger::tx::StudentState;
use aula_ledger::types::{CommitmentBytes, Handle, SchoolId};
use aula_twin_runtime::event::SkillId;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::{Leaf, TwinState, leaves};
use aula_zk::{Field, Opening, StudentSecret, commitment};
use serde_json::{Value, json};

/// Committed skills: with engagement no more than a leaf may carry.
const MAX_SKILLS: usize = 6;

/// Whose state it is.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The student's pseudonym of the year.
    pub handle: Handle,
    /// The school that the student is of.
    pub home_school: SchoolId,
    /// Which of the student's states, from 1, over all years.
    pub version: u32,
}

/// The fields of a state with their salts of this version: the leaves under the anchored hash.
///
/// # Errors
/// When a field's name cannot be a name, which no state has.
pub fn salted_fields(
    state: &TwinState,
    version: u64,
    secret: &StudentSecret,
    params: &Params,
) -> Result<Vec<SaltedField>, String> {
    let salted = |leaf: Leaf| {
        let name = Field::new(&leaf.field).map_err(|error| error.to_string())?;
        let salt = *commitment::leaf_salt(secret, &name, version);
        Ok(SaltedField { field: leaf.field, value: leaf.value, salt })
    };
    leaves(state, params).into_iter().map(salted).collect()
}

/// What blinds the commitment to a field under a version.
pub fn blinding(secret: &StudentSecret, field: CommittedField, version: u64) -> [u8; 32] {
    // Every committed field's text is a name; none of them opens nothing.
    let Ok(name) = Field::new(&field.to_string()) else { return [0; 32] };
    Opening::derive(secret, &name, version, 0).blinding().to_bytes()
}

/// The numbers that are committed to: the inputs of the need rule, engagement, and mastery of the skills that assessments have
/// scales for.
pub fn numbers(state: &TwinState, params: &Params) -> Vec<(CommittedField, u64)> {
    let inputs = params.need.values(state, params);
    let inputs = inputs.into_iter().enumerate().map(|(at, value)| (input_field(at), u64::from(value)));
    let engagement = (CommittedField::Engagement, u64::from(state.engagement().level.e4()));
    let skills: BTreeSet<SkillId> = params.scales.iter().map(|scale| scale.skill).collect();
    let mastery = |skill: SkillId| {
        (CommittedField::Mastery(skill.0), u64::from(state.mastery(skill, params).level.e4()))
    };
    inputs.chain([engagement]).chain(skills.into_iter().take(MAX_SKILLS).map(mastery)).collect()
}

/// What opens a leaf's commitments; never leaves the district.
#[derive(Debug, Clone, Default)]
pub struct Openings {
    /// Those to the inputs of the need rule, in its order.
    pub inputs: Vec<Opening>,
    /// The others, in their order.
    pub fields: Vec<Opening>,
}

/// What opens the commitments to the inputs of the need rule of a version.
///
/// # Errors
/// When an input has no name, which none has.
pub fn input_openings(
    state: &TwinState,
    version: u64,
    secret: &StudentSecret,
    params: &Params,
) -> Result<Vec<Opening>, String> {
    let opening = |(at, value): (usize, u8)| {
        let name = Field::new(&input_field(at).to_string()).map_err(|error| error.to_string())?;
        Ok(Opening::derive(secret, &name, version, u64::from(value)))
    };
    params.need.values(state, params).into_iter().enumerate().map(opening).collect()
}

/// What is anchored of a twin, the root over its salted fields and the commitments, and what opens these.
///
/// # Errors
/// When a number cannot be committed to, which no state has.
pub fn leaf(
    standing: &Standing,
    state: &TwinState,
    secret: &StudentSecret,
    params: &Params,
) -> Result<(StudentState, Openings), String> {
    let version = u64::from(standing.version);
    let fields = salted_fields(state, version, secret, params)?;
    let (mut inputs, mut commitments, mut openings) = (Vec::new(), Vec::new(), Openings::default());
    for (field, number) in numbers(state, params) {
        let name = Field::new(&field.to_string()).map_err(|error| error.to_string())?;
        let opening = Opening::derive(secret, &name, version, number);
        let committed = opening.commit().map_err(|error| error.to_string())?;
        let commitment = CommitmentBytes(*committed.as_bytes());
        if let CommittedField::Input(_) = field {
            inputs.push(commitment);
            openings.inputs.push(opening);
        } else {
            commitments.push(FieldCommitment { field, commitment });
            openings.fields.push(opening);
        }
    }
    let leaf = StudentState {
        handle: standing.handle,
        version: standing.version,
        state_hash: state_hash(&fields),
        home_school: standing.home_school,
        inputs,
        commitments,
        event_watermark: state.events(),
    };
    Ok((leaf, openings))
}

/// What readers ask the vault for of a state, by the names that its access check knows.
pub fn fields(state: &TwinState, params: &Params) -> Vec<(String, Value)> {
    let mut fields = vec![("engagement".to_owned(), json!({ "level_e4": state.engagement().level.e4() }))];
    let need = state.need(params);
    fields.push(("need".into(), json!(need.score())));
    fields.push(("band".into(), json!(need.band())));
    let tested = params.scales.iter().map(|scale| scale.skill);
    let skills: BTreeSet<SkillId> = state.skills().iter().map(|entry| entry.skill).chain(tested).collect();
    fields.extend(skills.into_iter().map(|skill| {
        (format!("skill:{:05}", skill.0), json!({ "mastery_e4": state.mastery(skill, params).level.e4() }))
    }));
    fields
}
