//! What a district adds to a bundle that the node built: opened fields of a student's state, a proof of one band.
//!
//! The node holds no student's record, so it can only show hashes and commitments. A district with the student's
//! secret adds exactly what is asked for: the value and salt of each field named and its path to the anchored hash
//! ([`open_fields`]), a range proof about that student alone ([`attach_band`]), or an entry of its access log
//! ([`list_read`]), or a row of a building ([`show_row`]). Invariant: nothing is added that
//! the verifier would refuse. Every other field stays a salted hash among the paths' siblings.

use std::collections::BTreeSet;

use super::bundle::{
    BandEvidence, Bundle, ListedRead, Opened, OpenedField, ShownRow, StudentStanding, Subject,
};
use crate::access::AccessEntry;
use crate::codec::Canonical;
use crate::estate::Row;
use crate::names::Title;
use crate::proof::InclusionPath;
use crate::proof::committed::{CommittedField, opens};
use crate::proof::merkle::leaf_hash;
use crate::proof::need::{NeedBatch, NeedProof, NeedStatement};
use crate::proof::student_state::{self, SaltedField, state_hash};
use crate::state::schema::{AccessLog, Estate, RequestRow, StudentLeaf};
use crate::twin::TwinVersion;

/// Why nothing was added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The bundle is about something else, or the student is not anchored.
    #[error("the bundle shows no anchored state of a student")]
    NotAnchored,
    /// The fields are not those of the anchored state.
    #[error("the records at hand give another state than the one anchored at height {0}")]
    OtherState(u64),
    /// The state has no such field.
    #[error("the state has no field {0}")]
    NoField(String),
    /// The leaf commits to another number, or under another blinding.
    #[error("the anchored leaf does not commit to the value of the field {0}")]
    OtherCommitment(String),
    /// The entry is not in the anchored log.
    #[error("the entry is not in the access log as it is anchored")]
    OtherLog,
    /// The building is not anchored, or not with this row.
    #[error("the row is not one of the building as it is anchored")]
    OtherBuilding,
    /// The proof is not about this request.
    #[error("the proof does not hold for this request")]
    OtherRequest,
}

/// The anchored state's leaf that a student's bundle shows.
///
/// # Errors
/// [`OpenError::NotAnchored`].
pub fn anchored_leaf(bundle: &Bundle) -> Result<StudentLeaf, OpenError> {
    let Subject::Student(student) = &bundle.subject else { return Err(OpenError::NotAnchored) };
    let StudentStanding::Anchored { row, .. } = &student.standing else { return Err(OpenError::NotAnchored) };
    StudentLeaf::from_canonical(&row.row).map_err(|_| OpenError::NotAnchored)
}

/// Opens the fields named, of all `fields` of the state. `blinding_of` gives what blinds the leaf's commitment to a
/// field, under the leaf's version.
///
/// # Errors
/// [`OpenError`].
pub fn open_fields(
    bundle: &mut Bundle,
    fields: &[SaltedField],
    names: &BTreeSet<String>,
    blinding_of: impl Fn(CommittedField) -> [u8; 32],
) -> Result<(), OpenError> {
    let leaf = anchored_leaf(bundle)?;
    if state_hash(fields) != leaf.state_hash {
        return Err(OpenError::OtherState(leaf.anchored.0));
    }
    let mut opened = Vec::with_capacity(names.len());
    for name in names {
        let missing = || OpenError::NoField(name.clone());
        let field = fields.iter().find(|field| field.field == *name).ok_or_else(missing)?;
        let siblings = student_state::siblings(fields, name).ok_or_else(missing)?;
        let committed = leaf.commitment_to(name);
        let blinding = committed.as_ref().map(|committed| blinding_of(committed.field));
        let fits = committed.as_ref().zip(blinding).is_none_or(|(committed, blinding)| {
            let number = committed.field.number_in(&field.value);
            number.is_some_and(|number| opens(&committed.commitment, number, &blinding))
        });
        if !fits {
            return Err(OpenError::OtherCommitment(name.clone()));
        }
        let SaltedField { field, value, salt } = field.clone();
        opened.push(OpenedField { field, value, salt, blinding, siblings });
    }
    let Subject::Student(student) = &mut bundle.subject else { return Err(OpenError::NotAnchored) };
    let StudentStanding::Anchored { opened: place, .. } = &mut student.standing else {
        return Err(OpenError::NotAnchored);
    };
    *place = (!opened.is_empty()).then_some(Opened { fields: opened });
    Ok(())
}

/// Shows a read of the district's access log.
///
/// # Errors
/// [`OpenError::OtherLog`] when the bundle is about no log, or its anchored head does not cover the entry.
pub fn list_read(bundle: &mut Bundle, entry: &AccessEntry, path: InclusionPath) -> Result<(), OpenError> {
    let Subject::Access(access) = &mut bundle.subject else { return Err(OpenError::OtherLog) };
    let log = AccessLog::from_canonical(&access.log.value).map_err(|_| OpenError::OtherLog)?;
    let genesis = bundle.chain.head.header.genesis;
    let own = entry.genesis == genesis && entry.district == access.district && entry.number == path.index;
    let holds = own && path.verify(&entry.hash(), &log.head).is_ok();
    if !holds {
        return Err(OpenError::OtherLog);
    }
    access.listed = Some(ListedRead { entry: entry.to_canonical(), path });
    Ok(())
}

/// Shows a row of a building of the district's estate.
///
/// # Errors
/// [`OpenError::OtherBuilding`] when the bundle is about no estate, or the building's anchored root does not cover the row.
pub fn show_row(
    bundle: &mut Bundle,
    building: Title,
    row: Vec<u8>,
    path: InclusionPath,
) -> Result<(), OpenError> {
    let Subject::Estate(evidence) = &mut bundle.subject else { return Err(OpenError::OtherBuilding) };
    let estate = Estate::from_canonical(&evidence.estate.value).map_err(|_| OpenError::OtherBuilding)?;
    let anchored = estate.building(building.as_str()).ok_or(OpenError::OtherBuilding)?;
    let leaf = Row::read(&row).ok_or(OpenError::OtherBuilding)?.leaf(&row);
    path.verify(&leaf_hash(&leaf), &anchored.head).map_err(|_| OpenError::OtherBuilding)?;
    evidence.shown = Some(ShownRow { building, row, path });
    Ok(())
}

/// Puts a proof about this student alone into a decision's bundle.
///
/// # Errors
/// [`OpenError::OtherRequest`] when the bundle is about no decision, or the proof does not hold for it.
pub fn attach_band(bundle: &mut Bundle, proof: NeedProof) -> Result<(), OpenError> {
    let chain = bundle.chain.head.header.genesis;
    let Subject::Allocation(allocation) = &mut bundle.subject else { return Err(OpenError::OtherRequest) };
    let request = RequestRow::from_canonical(&allocation.request.row).map_err(|_| OpenError::OtherRequest)?;
    let twin = TwinVersion::from_canonical(&allocation.context.twin.value);
    let rule = twin.map_err(|_| OpenError::OtherRequest)?.parameters.need;
    let statement = NeedStatement::of(&chain, allocation.context.round, &rule, &[request.claim()]);
    let statement = statement.map_err(|_| OpenError::OtherRequest)?;
    let mut batch = NeedBatch::default();
    batch.push(&statement, &proof);
    batch.verify().map_err(|_| OpenError::OtherRequest)?;
    allocation.band = BandEvidence::Proof(proof);
    Ok(())
}
