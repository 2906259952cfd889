//! What a district adds to a bundle that the node built: opened fields of a student's state, a proof of one band.
//!
//! The node holds no student's record, so it can only show hashes and commitments. A district with the student's
//! secret adds exactly what is asked for: the value and salt of each field named and its path to the anchored hash
//! ([`open_fields`]), or a range proof about that student alone ([`attach_band`]). Invariant: nothing is added that
//! the verifier would refuse. Every other field stays a salted hash among the paths' siblings.

use std::collections::BTreeSet;

use super::bundle::{BandEvidence, Bundle, Opened, OpenedField, StudentStanding, Subject};
use crate::codec::Canonical;
use crate::proof::committed::{ProofBytes, band_statement};
use crate::proof::merkle;
use crate::proof::student_state::{SaltedField, head, state_hash};
use crate::state::schema::{RequestRow, StudentLeaf};
use crate::types::Hash;

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

/// Opens the fields named, of all `fields` of the state, ascending by name.
///
/// # Errors
/// [`OpenError`].
pub fn open_fields(
    bundle: &mut Bundle,
    fields: &[SaltedField],
    names: &BTreeSet<String>,
) -> Result<(), OpenError> {
    let leaf = anchored_leaf(bundle)?;
    if state_hash(fields) != leaf.state_hash {
        return Err(OpenError::OtherState(leaf.anchored.0));
    }
    let hashes: Vec<Hash> = fields.iter().map(SaltedField::hash).collect();
    let mut opened = Vec::with_capacity(names.len());
    for name in names {
        let missing = || OpenError::NoField(name.clone());
        let at = fields.iter().position(|field| field.field == *name).ok_or_else(missing)?;
        let field = fields.get(at).ok_or_else(missing)?.clone();
        let path = u64::try_from(at).ok().and_then(|at| merkle::path(&hashes, at)).ok_or_else(missing)?;
        opened.push(OpenedField { field: field.field, value: field.value, salt: field.salt, path });
    }
    let Subject::Student(student) = &mut bundle.subject else { return Err(OpenError::NotAnchored) };
    let StudentStanding::Anchored { opened: place, .. } = &mut student.standing else {
        return Err(OpenError::NotAnchored);
    };
    *place = (!opened.is_empty()).then_some(Opened { head: head(fields), fields: opened });
    Ok(())
}

/// Puts a proof about this student alone into a decision's bundle.
///
/// # Errors
/// [`OpenError::OtherRequest`] when the bundle is about no decision, or the proof does not hold for it.
pub fn attach_band(bundle: &mut Bundle, proof: ProofBytes) -> Result<(), OpenError> {
    let chain = bundle.chain.head.header.chain_id.clone();
    let Subject::Allocation(allocation) = &mut bundle.subject else { return Err(OpenError::OtherRequest) };
    let request = RequestRow::from_canonical(&allocation.request.row).map_err(|_| OpenError::OtherRequest)?;
    let claim = request.band_claim(allocation.handle);
    let statement = band_statement(&chain, allocation.context.round, &[claim]);
    let statement = statement.map_err(|_| OpenError::OtherRequest)?;
    statement.verify(&proof.0).map_err(|_| OpenError::OtherRequest)?;
    allocation.band = BandEvidence::Proof(proof);
    Ok(())
}
