//! AnchorStates: a district puts the hashes of its students' states on the ledger.
//!
//! The leaves go into the district's bulk tree of that school year, one leaf a handle; a later anchor of a
//! handle replaces its leaf and must carry a higher version. What a state holds is never seen here.

use std::collections::BTreeSet;

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::codec::Canonical;
use crate::params::MAX_COMMITMENTS;
use crate::proof::committed::{CommittedField, FieldCommitment};
use crate::state::schema::{self, StudentLeaf};
use crate::twin::TwinVersion;
use crate::twin::need::MAX_INPUTS;
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, Rows, ascends, ensure, require};
use crate::types::{CommitmentBytes, DistrictId, Handle, Hash, Height, SchoolId, SchoolYear};

/// One student's state, as hashes and commitments.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentState {
    /// The student's pseudonym of that school year.
    pub handle: Handle,
    /// Counts the states of this handle; strictly increasing, from 1.
    pub version: u32,
    /// Root of the salted fields of the state.
    pub state_hash: Hash,
    /// The school the student attends; one of the sender's district.
    pub home_school: SchoolId,
    /// Commitments to the inputs of the need rule in force, in its order: exactly these.
    pub inputs: Vec<CommitmentBytes>,
    /// Commitments to further fields that proofs speak about, strictly ascending by field, at most 8; none to need or an
    /// input.
    pub commitments: Vec<FieldCommitment>,
    /// How many events of the student's telemetry the state has seen.
    pub event_watermark: u64,
}

/// A batch of states of one district and school year.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorStates {
    /// The school year of the handles.
    pub school_year: SchoolYear,
    /// Version of the twins' parameters that the states were computed under: the one in force for the school year.
    pub parameters: u32,
    /// Their digest, as the ledger has it ([`crate::twin::TwinParameters::digest`]).
    pub model_digest: Hash,
    /// Strictly ascending by handle; at least one.
    pub states: Vec<StudentState>,
}

impl Handler for AnchorStates {
    fn check(&self) -> Result<(), Code> {
        require(!self.states.is_empty())?;
        require(ascends(self.states.iter().map(|state| &state.handle)))?;
        require(self.states.iter().all(|state| {
            let fields = state.commitments.iter().map(|one| &one.field);
            let apart =
                |one: &FieldCommitment| matches!(one.field, CommittedField::Need | CommittedField::Input(_));
            state.version > 0
                && state.inputs.len() <= MAX_INPUTS
                && state.commitments.len() <= MAX_COMMITMENTS
                && ascends(fields)
                && !state.commitments.iter().any(apart)
        }))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.open_district()?;
        context.check_batch(self.states.len())?;
        let facts = context.facts;
        let (params, height) = (&facts.params, facts.height);
        let open = params.takes_school_year(self.school_year, facts.time_ms);
        ensure(open, Code::SchoolYearClosed)?;
        let in_force = schema::twin_in_force(context.overlay, self.school_year)?;
        let named =
            |version: &TwinVersion| (version.version, version.digest) == (self.parameters, self.model_digest);
        let in_force = in_force.filter(named).ok_or(Code::ParametersNotInForce)?;
        let inputs = in_force.parameters.need.inputs.len();
        let short = self.states.iter().position(|state| state.inputs.len() != inputs);
        if let Some(position) = short {
            return Err(Refusal::from(Code::InputsMissing).at(position));
        }
        self.check_schools(context, district)?;
        let mut counted = schema::district_leaves(context.overlay, district)?.unwrap_or_default();
        let room = u64::from(params.max_district_students).saturating_sub(counted.of(self.school_year));
        let all_room = u64::from(params.max_district_leaves).saturating_sub(counted.all());
        let rows =
            Rows::of(context.overlay, schema::students_tree(district, self.school_year), self.states.len())?;
        let erasures =
            Rows::of(context.overlay, schema::erasures_tree(district, self.school_year), self.states.len())?;
        let mut fresh = 0u32;
        for (position, state) in self.states.iter().enumerate() {
            let erased = erasures.get(context.overlay, &state.handle)?.is_some();
            ensure(!erased, Code::HandleErased).map_err(|code| Refusal::from(code).at(position))?;
            let earlier =
                rows.get(context.overlay, &state.handle)?.as_deref().map(schema::decode).transpose()?;
            let higher = earlier.as_ref().is_none_or(|leaf: &StudentLeaf| leaf.version < state.version);
            ensure(higher, Code::VersionNotHigher).map_err(|code| Refusal::from(code).at(position))?;
            fresh = fresh.saturating_add(u32::from(earlier.is_none()));
            ensure(u64::from(fresh) <= room, Code::TooManyStudents)?;
            ensure(u64::from(fresh) <= all_room, Code::TooManyLeaves)?;
            let row = state.leaf(self.parameters, self.model_digest, height).to_canonical();
            let row_hash = context.overlay.put_row(rows.label(), state.handle, row);
            context.student_leaves.push(anchored_leaf(district, self.school_year, &state.handle, &row_hash));
        }
        if fresh > 0 {
            counted.add(self.school_year, fresh);
            schema::write(context.overlay, schema::district_leaves_key(district), &counted);
        }
        let leaves = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        Ok(vec![Event::StatesAnchored { district, school_year: self.school_year, leaves }])
    }
}

impl AnchorStates {
    /// Every home school is one of the district's. Asked before any tree is read.
    fn check_schools(&self, context: &Context<'_, '_>, district: DistrictId) -> Result<(), Refusal> {
        let mut schools = BTreeSet::new();
        for (position, state) in self.states.iter().enumerate() {
            if schools.insert(state.home_school) {
                let school = schema::school(context.overlay, state.home_school)?;
                let school = school.filter(|school| school.district == district);
                let open = school
                    .ok_or(Code::ForeignSchool)
                    .and_then(|school| ensure(school.is_open(self.school_year), Code::SchoolClosed));
                open.map_err(|code| Refusal::from(code).at(position))?;
            }
        }
        Ok(())
    }
}

impl StudentState {
    /// The leaf that it is in the district's tree once it is anchored.
    pub fn leaf(&self, parameters: u32, model_digest: Hash, anchored: Height) -> StudentLeaf {
        StudentLeaf {
            version: self.version,
            state_hash: self.state_hash,
            home_school: self.home_school,
            inputs: self.inputs.clone(),
            commitments: self.commitments.clone(),
            parameters,
            model_digest,
            event_watermark: self.event_watermark,
            anchored,
        }
    }
}

/// A leaf of the header's students tree: district and school year (little endian), the handle, and the SHA-256
/// of the row that went into the district's tree. 68 bytes.
pub fn anchored_leaf(district: DistrictId, year: SchoolYear, handle: &Handle, row_hash: &Hash) -> Vec<u8> {
    [&district.0.to_le_bytes()[..], &year.0.to_le_bytes(), &handle.0, &row_hash.0].concat()
}
