//! From events to what is anchored: folding, the vault's copy, the transactions.
//!
//! Flow: a student's events → [`fold`] → [`Kept::of`] under a version that nobody has seen → [`keep`], on disk on return →
//! [`anchors`]. Invariant: what is anchored was kept before, so that it can be proved. Absent: choosing the version, which
//! asks vault and ledger, and sending.

use aula_home::fault;
use aula_ledger::codec::Canonical;
use aula_ledger::names::{FieldName, TextError};
use aula_ledger::tx::{AnchorStates, StudentState};
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::event::Event;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::TwinState;
use aula_vault::vault::EventIn;
use aula_vault::versions::VersionIn;
use aula_vault::{Vault, VaultError};
use aula_zk::StudentSecret;
use serde_json::Value;

use crate::event_place::EventPlace;
use crate::parameters::InForce;
use crate::twin_record::{AnchoredState, STATE_FIELD, TwinRecord};
use crate::twin_state::{self, Openings, Standing};

/// What a district keeps of a student's state.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The student's pseudonym for the school year.
    pub handle: Handle,
    /// The whole state under its version, which the vault keeps and nobody is given.
    pub twin: TwinRecord,
    /// What is anchored of it.
    pub anchored: AnchoredState,
    /// Fields as readers ask for them.
    pub fields: Vec<(String, Value)>,
    /// Events that the vault does not have yet: place, canonical bytes.
    pub events: Vec<(EventPlace, Vec<u8>)>,
}

/// Why nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The vault refuses.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A field has a name that is not valid.
    #[error("a field's name is not valid")]
    Name(#[from] TextError),
    /// A value is not JSON, which none of these is.
    #[error("a value cannot be written")]
    Value(#[from] serde_json::Error),
}

/// The state of all of a student's events; none when there are no events.
pub fn fold(events: &[Event], params: &Params) -> Option<TwinState> {
    if events.is_empty() {
        return None;
    }
    let mut history = History::new(params);
    history.add(events.iter().cloned(), params);
    Some(history.state().clone())
}

impl Kept {
    /// What is kept and anchored of a state, and what opens its commitments.
    ///
    /// # Errors
    /// When a number cannot be committed to, which no state has.
    pub fn of(
        standing: &Standing,
        state: &TwinState,
        secret: &StudentSecret,
        in_force: &InForce,
    ) -> Result<(Self, Openings), String> {
        let params = &in_force.params;
        let (leaf, openings) = twin_state::leaf(standing, state, secret, params)?;
        let kept = Self {
            handle: standing.handle,
            twin: TwinRecord { version: standing.version, snapshot: state.snapshot() },
            anchored: AnchoredState {
                state: leaf,
                parameters: in_force.voted.version,
                model_digest: in_force.voted.digest,
            },
            fields: twin_state::fields(state, params),
            events: Vec::new(),
        };
        Ok((kept, openings))
    }
}

/// Seals records, events and what each version anchors into the vault, each kind in one synced batch: on disk on return.
///
/// # Errors
/// [`KeepError`].
pub fn keep(vault: &Vault, students: &[Kept]) -> Result<(), KeepError> {
    let state = FieldName::new(STATE_FIELD)?;
    let mut values: Vec<(Handle, FieldName, Vec<u8>)> = Vec::new();
    for one in students {
        values.push((one.handle, state.clone(), one.twin.to_canonical()));
        for (name, value) in &one.fields {
            values.push((one.handle, FieldName::new(name)?, serde_json::to_vec(value)?));
        }
    }
    let rows: Vec<(Handle, FieldName, &[u8])> =
        values.iter().map(|(handle, name, bytes)| (*handle, name.clone(), bytes.as_slice())).collect();
    vault.put_records(&rows)?;
    fault::point();
    let of = |one: &'_ Kept| -> Vec<(Handle, EventPlace, Vec<u8>)> {
        one.events.iter().map(|(key, event)| (one.handle, *key, event.clone())).collect()
    };
    let events: Vec<(Handle, EventPlace, Vec<u8>)> = students.iter().flat_map(of).collect();
    if !events.is_empty() {
        let events: Vec<EventIn<'_>> =
            events.iter().map(|(handle, key, event)| EventIn { handle: *handle, key, event }).collect();
        vault.put_events(&events)?;
        fault::point();
    }
    let anchored: Vec<Vec<u8>> = students.iter().map(|one| one.anchored.to_canonical()).collect();
    let versions: Vec<VersionIn<'_>> = students
        .iter()
        .zip(&anchored)
        .map(|(one, anchored)| VersionIn { handle: one.handle, version: one.twin.version, anchored })
        .collect();
    Ok(vault.keep_versions(&versions)?)
}

/// The transactions that anchor these states, ascending by handle, at most `batch` in each.
pub fn anchors(
    states: &[StudentState],
    school_year: SchoolYear,
    in_force: &InForce,
    batch: usize,
) -> Vec<AnchorStates> {
    let chunks = states.chunks(batch.max(1)).map(<[StudentState]>::to_vec);
    let (parameters, model_digest) = (in_force.voted.version, in_force.voted.digest);
    chunks.map(|states| AnchorStates { school_year, parameters, model_digest, states }).collect()
}
