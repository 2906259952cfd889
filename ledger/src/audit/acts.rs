//! Acts of members as evidence for anybody: which transactions may be shown, and their proofs from blocks.
//!
//! A transaction is shown whole, with its receipt, or not at all: a leaf of a block's tree cannot be cut. So those with
//! a handle or a count that the public does not see are left out, as are statements of amounts, whose own bundle is for
//! members and auditors.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::{Archive, BuildError};
use super::bundle::{Act, ProvedRow};
use crate::codec::Canonical;
use crate::proof::merkle::{self, leaf_hash};
use crate::rounds::report::may_show;
use crate::state::StoreError;
use crate::tx::{Event, Payload};
use crate::tx::{Receipt, Transaction};
use crate::types::{Hash, Height};

/// Whether anybody may have this transaction and its receipt whole; `min_cell` is the parameter `min_cell_students`.
pub fn is_public(payload: &Payload, receipt: &Receipt, min_cell: u32) -> bool {
    let Payload::RunRound(_) = payload else { return is_shown(payload) };
    receipt.events.iter().all(|event| match event {
        Event::RoundDecided { requests, placed, waitlisted, .. } => {
            may_show(&[*placed, *waitlisted, *requests], min_cell)
        }
        _ => false,
    })
}

/// Whether a transaction of this kind may be shown at all.
pub(super) fn is_shown(payload: &Payload) -> bool {
    matches!(
        payload,
        Payload::RegisterMember(_)
            | Payload::ProposeChange(_)
            | Payload::VoteChange(_)
            | Payload::RotateKey(_)
            | Payload::Ready(_)
            | Payload::ChangeSchool(_)
            | Payload::AnchorEstate(_)
            | Payload::ReportMisbehaviour(_)
            | Payload::AnchorHead(_)
            | Payload::RecordAccess(_)
            | Payload::FundBudget(_)
            | Payload::GrantBudget(_)
            | Payload::DefineClass(_)
            | Payload::DefinePool(_)
            | Payload::RetirePool(_)
            | Payload::OpenRound(_)
            | Payload::Acknowledge(_)
            | Payload::SetClassTerms(_)
            | Payload::RunRound(_)
    )
}

/// The acts at these places (height and position), ascending; those that are not public are left out.
///
/// # Errors
/// [`BuildError::MissingBlock`], [`BuildError::Store`].
pub(super) fn collect(
    archive: &dyn Archive,
    places: &BTreeSet<(Height, u32)>,
    min_cell: u32,
) -> Result<Vec<Act>, BuildError> {
    let mut blocks: BTreeMap<Height, Vec<u32>> = BTreeMap::new();
    for (height, index) in places {
        blocks.entry(*height).or_default().push(*index);
    }
    let mut acts = Vec::with_capacity(places.len());
    for (height, positions) in blocks {
        let body = archive.body(height)?.ok_or(BuildError::MissingBlock(height))?;
        let receipts: Vec<Vec<u8>> = body.1.iter().map(Canonical::to_canonical).collect();
        let transaction_leaves = leaves(&body.0);
        let receipt_leaves = leaves(&receipts);
        for index in positions {
            let none = || BuildError::NotFound(format!("transaction {index} in block {height}"));
            let at = usize::try_from(index).map_err(|_| none())?;
            let (bytes, receipt) = body.0.get(at).zip(body.1.get(at)).ok_or_else(none)?;
            let transaction = Transaction::from_canonical(bytes)
                .map_err(|error| StoreError::Damaged(format!("a stored transaction is damaged: {error}")))?;
            if is_public(&transaction.body.payload, receipt, min_cell) {
                let row = |leaves: &[Hash], row: Vec<u8>| -> Result<ProvedRow, BuildError> {
                    Ok(ProvedRow { row, path: merkle::path(leaves, index.into()).ok_or_else(none)? })
                };
                acts.push(Act {
                    height,
                    transaction: row(&transaction_leaves, bytes.clone())?,
                    receipt: row(&receipt_leaves, receipt.to_canonical())?,
                });
            }
        }
    }
    Ok(acts)
}

fn leaves(rows: &[Vec<u8>]) -> Vec<Hash> {
    rows.iter().map(|row| leaf_hash(row)).collect()
}
