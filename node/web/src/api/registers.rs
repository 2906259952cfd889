//! The ledger's registers: rounds, pools, classes, budgets, districts, schools, members, proposals.
//!
//! Each answer names the height it is of. Rounds are shown as [`RoundView`] has them, to everybody alike.

use std::sync::Arc;

use aula_ledger::state::StoreError;
use aula_ledger::state::schema;
use aula_ledger::types::{ClassId, RoundId};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::api_error::{ApiError, ErrorBody};
use crate::http::{FromPath, FromQuery, Node};
use crate::read::rounds::{self, RoundView};
use crate::read::{places, proposals, statements};
use crate::storage::ChainView;

/// Which pools.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PoolsQuery {
    /// Only of this class.
    pub class: Option<u16>,
}

type Answer = Result<Json<Value>, ApiError>;

fn listed<T: Serialize>(
    node: &Node,
    name: &str,
    list: impl FnOnce(&ChainView) -> Result<Vec<T>, StoreError>,
) -> Answer {
    let view = node.view();
    let items = list(&view)?;
    Ok(Json(json!({ "height": view.tip().height, "count": items.len(), name: items })))
}

/// All rounds, oldest first
#[utoipa::path(get, path = "/v1/rounds", tag = "resources", responses((status = 200, body = Object)))]
pub async fn rounds(State(node): State<Arc<Node>>) -> Answer {
    listed(&node, "rounds", rounds::all)
}

/// One round with its decision
#[utoipa::path(get, path = "/v1/rounds/{id}", tag = "resources", params(("id" = u32, Path)),
    responses((status = 200, body = Object), (status = 404, body = ErrorBody)))]
pub async fn round(State(node): State<Arc<Node>>, FromPath(id): FromPath<u32>) -> Answer {
    let view = node.view();
    let round = schema::round(&*view, RoundId(id))?
        .ok_or_else(|| ApiError::not_found(format!("no round {id}"), "rounds are listed by /v1/rounds"))?;
    let mut value = serde_json::to_value(RoundView::whole(&view, &round)?).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("as_of_height".into(), view.tip().height.0.into());
    }
    Ok(Json(value))
}

/// Pools of places, by class and number
#[utoipa::path(get, path = "/v1/pools", tag = "resources", params(PoolsQuery),
    responses((status = 200, body = Object)))]
pub async fn pools(State(node): State<Arc<Node>>, FromQuery(query): FromQuery<PoolsQuery>) -> Answer {
    listed(&node, "pools", |view| match query.class {
        Some(class) => schema::pools(view, ClassId(class)),
        None => schema::all_pools(view),
    })
}

/// Classes of resources
#[utoipa::path(get, path = "/v1/classes", tag = "resources", responses((status = 200, body = Object)))]
pub async fn classes(State(node): State<Arc<Node>>) -> Answer {
    listed(&node, "classes", schema::classes)
}

/// Budgets by funder and school year
#[utoipa::path(get, path = "/v1/budgets", tag = "resources", responses((status = 200, body = Object)))]
pub async fn budgets(State(node): State<Arc<Node>>) -> Answer {
    listed(&node, "budgets", statements::budgets)
}

/// Districts
#[utoipa::path(get, path = "/v1/districts", tag = "consortium", responses((status = 200, body = Object)))]
pub async fn districts(State(node): State<Arc<Node>>) -> Answer {
    listed(&node, "districts", schema::districts)
}

/// Schools
#[utoipa::path(get, path = "/v1/schools", tag = "consortium", responses((status = 200, body = Object)))]
pub async fn schools(State(node): State<Arc<Node>>) -> Answer {
    listed(&node, "schools", places::schools)
}

/// Members, admitted or not
#[utoipa::path(get, path = "/v1/members", tag = "consortium", responses((status = 200, body = Object)))]
pub async fn members(State(node): State<Arc<Node>>) -> Answer {
    listed(&node, "members", schema::members)
}

/// Proposed changes in words, with their votes and what is needed
#[utoipa::path(get, path = "/v1/proposals", tag = "consortium", responses((status = 200, body = Object)))]
pub async fn proposals(State(node): State<Arc<Node>>) -> Answer {
    listed(&node, "proposals", proposals::lines)
}
