//! A round's rows in the order of its problem: by handle, then by district.
//!
//! The trees are ordered by [`schema::round_row_key`], which says nothing; the problem's order settles ties between equal
//! tickets, so it is by what everybody knows of a row.

use std::collections::BTreeMap;

use crate::state::schema::{self, DecisionRow, RequestRow};
use crate::state::{StateReader, StoreError};
use crate::types::{DistrictId, Handle, RoundId};

/// Requests in the problem's order, each with its handle.
pub type Requests = Vec<(Handle, RequestRow)>;
/// Decisions in the order of their requests, each with its handle.
pub type Decisions = Vec<(Handle, DecisionRow)>;

/// The requests among the rows of a round's requests tree.
///
/// # Errors
/// [`StoreError`] when a row is damaged.
pub fn requests_in_order(rows: &[(Handle, Vec<u8>)]) -> Result<Requests, StoreError> {
    let decoded =
        |(_, row): &(Handle, Vec<u8>)| schema::decode::<RequestRow>(row).map(|row| (row.handle, row));
    let mut requests: Requests = rows.iter().map(decoded).collect::<Result<_, StoreError>>()?;
    requests.sort_by_key(|(handle, row)| (*handle, row.district));
    Ok(requests)
}

/// A decided round's requests and decisions.
///
/// # Errors
/// [`StoreError`] when the store fails, a row is damaged, or a request has no decision.
pub fn decided_rows(
    state: &(impl StateReader + ?Sized),
    round: RoundId,
) -> Result<(Requests, Decisions), StoreError> {
    let requests = requests_in_order(&state.rows(&schema::requests_tree(round))?)?;
    let decided: BTreeMap<Handle, Vec<u8>> =
        state.rows(&schema::decisions_tree(round))?.into_iter().collect();
    let decision = |(handle, request): &(Handle, RequestRow)| {
        let row = decided.get(&request.key());
        let row =
            row.ok_or_else(|| StoreError::Damaged("a request of a decided round has no decision".into()))?;
        Ok((*handle, schema::decode(row)?))
    };
    let decisions = requests.iter().map(decision).collect::<Result<_, StoreError>>()?;
    Ok((requests, decisions))
}

/// The districts that requested for this handle, ascending: one, unless a district copied another's.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn districts_of(
    state: &(impl StateReader + ?Sized),
    round: RoundId,
    handle: &Handle,
) -> Result<Vec<DistrictId>, StoreError> {
    let tree = schema::requests_tree(round);
    let mut found = Vec::new();
    for district in schema::districts(state)? {
        if state.row(&tree, &schema::round_row_key(district.id, handle))?.is_some() {
            found.push(district.id);
        }
    }
    Ok(found)
}
