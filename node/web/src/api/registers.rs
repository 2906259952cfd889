//! The ledger's registers: rounds, pools, classes, budgets, districts, schools, members, proposals.
//!
//! Each answer names the height it is of. Rounds are shown as [`aula_api::rounds::RoundView`] has them, to everybody alike.

use std::sync::Arc;

use aula_api::paths;
use aula_api::registers::{Budgets, Classes, Districts, Members, Pools, Proposals, Rounds, Schools};
use aula_api::rounds::OneRound;
use aula_ledger::state::{StoreError, schema};
use aula_ledger::types::{ClassId, Height, RoundId};
use aula_read::{places, proposals, rounds, statements};
use aula_store::ChainView;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api_error::{ApiError, ErrorBody};
use crate::http::{AppState, FromPath, FromQuery, Sorted};

/// Which pools; those of all classes when nothing is given.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PoolsQuery {
    /// Only of this class.
    pub class: Option<u16>,
}

type Answer<T> = Result<Sorted<T>, ApiError>;

fn listed<T, R>(
    node: &AppState,
    register: fn(Height, Vec<T>) -> R,
    list: impl FnOnce(&ChainView) -> Result<Vec<T>, StoreError>,
) -> Answer<R> {
    let view = node.view();
    Ok(Sorted(register(view.tip().height, list(&view)?)))
}

/// All rounds, oldest first
#[utoipa::path(get, path = paths::ROUNDS, tag = "resources", responses((status = 200, body = Rounds)))]
pub async fn rounds(State(node): State<Arc<AppState>>) -> Answer<Rounds> {
    listed(&node, Rounds::of, rounds::all)
}

/// One round with what was fixed, and its decision once there is one
#[utoipa::path(get, path = paths::ROUND, tag = "resources", params(("id" = u32, Path)),
    responses((status = 200, body = OneRound), (status = 404, body = ErrorBody)))]
pub async fn round(State(node): State<Arc<AppState>>, FromPath(id): FromPath<u32>) -> Answer<OneRound> {
    let view = node.view();
    let round = known_round(&view, RoundId(id))?;
    let round = rounds::whole(&view, &round)?;
    Ok(Sorted(OneRound { as_of_height: view.tip().height, round }))
}

/// A round of the ledger, or that there is none of this number.
pub(super) fn known_round(view: &ChainView, id: RoundId) -> Result<schema::Round, ApiError> {
    schema::round(view, id)?.ok_or_else(|| {
        ApiError::not_found(format!("no round {id}"), format!("rounds are listed by {}", paths::ROUNDS))
    })
}

/// Pools of places, by class and number
#[utoipa::path(get, path = paths::POOLS, tag = "resources", params(PoolsQuery),
    responses((status = 200, body = Pools)))]
pub async fn pools(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<PoolsQuery>,
) -> Answer<Pools> {
    listed(&node, Pools::of, |view| match query.class {
        Some(class) => schema::pools(view, ClassId(class)),
        None => schema::all_pools(view),
    })
}

/// Classes of resources, by number: their kinds of places, costs, calendar and terms
#[utoipa::path(get, path = paths::CLASSES, tag = "resources", responses((status = 200, body = Classes)))]
pub async fn classes(State(node): State<Arc<AppState>>) -> Answer<Classes> {
    listed(&node, Classes::of, schema::classes)
}

/// Budgets by funder and school year, with what each funder stated of them
#[utoipa::path(get, path = paths::BUDGETS, tag = "resources", responses((status = 200, body = Budgets)))]
pub async fn budgets(State(node): State<Arc<AppState>>) -> Answer<Budgets> {
    listed(&node, Budgets::of, statements::budgets)
}

/// Districts of the consortium, by number, closed ones too
#[utoipa::path(get, path = paths::DISTRICTS, tag = "consortium", responses((status = 200, body = Districts)))]
pub async fn districts(State(node): State<Arc<AppState>>) -> Answer<Districts> {
    listed(&node, Districts::of, schema::districts)
}

/// Schools of all districts, by number, with what people call them now and where they are
#[utoipa::path(get, path = paths::SCHOOLS, tag = "consortium", responses((status = 200, body = Schools)))]
pub async fn schools(State(node): State<Arc<AppState>>) -> Answer<Schools> {
    listed(&node, Schools::of, places::schools)
}

/// Members: candidates, admitted ones, and those that a vote removed
#[utoipa::path(get, path = paths::MEMBERS, tag = "consortium", responses((status = 200, body = Members)))]
pub async fn members(State(node): State<Arc<AppState>>) -> Answer<Members> {
    listed(&node, Members::of, schema::members)
}

/// Proposed changes in words, with their votes and what is needed
#[utoipa::path(get, path = paths::PROPOSALS, tag = "consortium", responses((status = 200, body = Proposals)))]
pub async fn proposals(State(node): State<Arc<AppState>>) -> Answer<Proposals> {
    listed(&node, Proposals::of, proposals::lines)
}
