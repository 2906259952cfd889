//! Registers with a page or a cursor of their own: transactions, the administrative trail, parameters, milestones,
//! single districts, schools and pools, a round's figures, and search.
//!
//! Each answer names the height it is of. Cursors are ordinals of the chain, which never change: a reader that follows
//! `next` sees every row once while the chain grows.

use std::sync::Arc;

use aula_api::chain::TwinVersionList;
use aula_api::paths;
use aula_api::places::{Figures, Hits};
use aula_ledger::state::schema;
use aula_ledger::tx::PayloadKind;
use aula_ledger::types::{DistrictId, PoolId, RoundId, SchoolId};
use aula_read::milestones::{self, Milestones};
use aula_read::parameters::{self, Parameters};
use aula_read::places::{self, DistrictFigures, PoolFigures, SchoolFigures};
use aula_read::round_figures::RoundFigures;
use aula_read::search;
use aula_read::transactions::{self, Page};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api_error::{ApiError, ErrorBody};
use crate::http::{AppState, FromPath, FromQuery, Sorted};

/// Most transactions in one answer.
pub const MAX_TRANSACTIONS: usize = 100;

/// Which page of the transactions, newest first, and of which kind.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TransactionsQuery {
    /// Only below this ordinal: the `next` of the page before. The newest when left out.
    pub before: Option<u64>,
    /// Only of this kind, for example `RunRound`.
    pub kind: Option<String>,
    /// How many, 1 to 100; 20 when left out.
    pub limit: Option<usize>,
}

/// Which part of the trail.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TrailQuery {
    /// Only below this ordinal: the `next` of the page before. The newest when left out.
    pub before: Option<u64>,
    /// How many, 1 to 100; 20 when left out.
    pub limit: Option<usize>,
}

/// What to look for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// A height, a hash, an account, a name, or `round 3`, `school 11`; at most 200 bytes.
    pub q: String,
}

/// A page as asked for.
///
/// # Errors
/// 400 for a limit or kind that does not exist, and when the database fails.
pub fn transactions_page(node: &AppState, query: &TransactionsQuery) -> Result<Page, ApiError> {
    let kinds = match &query.kind {
        None => Vec::new(),
        Some(name) => vec![PayloadKind::named(name).ok_or_else(|| {
            let known: Vec<&str> = PayloadKind::ALL.iter().map(|kind| kind.name()).collect();
            ApiError::bad_request(
                "there is no such kind of transaction",
                format!("one of {}", known.join(", ")),
            )
        })?],
    };
    Ok(transactions::page(&node.view(), &node.index, query.before, &kinds, checked(query.limit)?)?)
}

/// A page of the administrative trail.
///
/// # Errors
/// As [`transactions_page`].
pub fn trail_page(node: &AppState, query: &TrailQuery) -> Result<Page, ApiError> {
    let kinds = transactions::administrative();
    Ok(transactions::page(&node.view(), &node.index, query.before, &kinds, checked(query.limit)?)?)
}

fn checked(limit: Option<usize>) -> Result<usize, ApiError> {
    let limit = limit.unwrap_or(20);
    if (1..=MAX_TRANSACTIONS).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::bad_request("limit is 1 to 100", "ask for several pages with `before`"))
}

/// Transactions of final blocks, newest first
#[utoipa::path(get, path = paths::TRANSACTIONS, tag = "transactions", params(TransactionsQuery),
    responses((status = 200, body = Page), (status = 400, body = ErrorBody)))]
pub async fn transactions(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<TransactionsQuery>,
) -> Result<Json<Page>, ApiError> {
    transactions_page(&node, &query).map(Json)
}

/// The administrative trail: what members did beside students' states and requests, newest first
#[utoipa::path(get, path = paths::TRAIL, tag = "consortium", params(TrailQuery),
    responses((status = 200, body = Page), (status = 400, body = ErrorBody)))]
pub async fn trail(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<TrailQuery>,
) -> Result<Json<Page>, ApiError> {
    trail_page(&node, &query).map(Json)
}

/// The parameters in force, explained, with every change since the genesis
#[utoipa::path(get, path = paths::PARAMETERS, tag = "chain", responses((status = 200, body = Parameters)))]
pub async fn parameters(State(node): State<Arc<AppState>>) -> Result<Json<Parameters>, ApiError> {
    Ok(Json(parameters::parameters(&node.view())?))
}

/// The same as /v1/parameters, under the name that it had before: ask by the other one
#[utoipa::path(get, path = paths::PARAMETERS_BY_THEIR_EARLIER_NAME, tag = "chain", responses((status = 200, body = Parameters)))]
pub async fn parameters_by_their_earlier_name(
    state: State<Arc<AppState>>,
) -> Result<Json<Parameters>, ApiError> {
    parameters(state).await
}

/// Every version of the twins' parameters, the need rule among them
#[utoipa::path(get, path = paths::TWIN_PARAMETERS, tag = "chain", responses((status = 200, body = TwinVersionList)))]
pub async fn twin_parameters(State(node): State<Arc<AppState>>) -> Result<Json<TwinVersionList>, ApiError> {
    let view = node.view();
    let versions = schema::twin_version_list(&*view).map_err(aula_read::ReadError::from)?;
    Ok(Json(TwinVersionList { height: view.tip().height.0, versions }))
}

/// How many milestones stand, by school year and kind, rounded down
#[utoipa::path(get, path = paths::MILESTONES, tag = "consortium", responses((status = 200, body = Milestones)))]
pub async fn milestones(State(node): State<Arc<AppState>>) -> Result<Json<Milestones>, ApiError> {
    Ok(Json(milestones::milestones(&node.view())?))
}

fn found<T>(
    node: &AppState,
    value: Option<T>,
    what: String,
    list: &str,
) -> Result<Sorted<Figures<T>>, ApiError> {
    let hint = format!("they are listed by {list}");
    let figures = value.ok_or_else(|| ApiError::not_found(format!("no {what}"), hint))?;
    Ok(Sorted(Figures { as_of_height: node.view().tip().height, figures }))
}

/// A round with its report, pools and schools as one answer: what the explorer's page shows
#[utoipa::path(get, path = paths::ROUND_FIGURES, tag = "resources", params(("id" = u32, Path)),
    responses((status = 200, body = Figures<RoundFigures>), (status = 404, body = ErrorBody)))]
pub async fn round(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<u32>,
) -> Result<Sorted<Figures<RoundFigures>>, ApiError> {
    let value = RoundFigures::read(&node.view(), RoundId(id))?;
    found(&node, value, format!("round {id}"), paths::ROUNDS)
}

/// A district with its schools and how its students fared
#[utoipa::path(get, path = paths::DISTRICT, tag = "consortium", params(("id" = u16, Path)),
    responses((status = 200, body = Figures<DistrictFigures>), (status = 404, body = ErrorBody)))]
pub async fn district(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<u16>,
) -> Result<Sorted<Figures<DistrictFigures>>, ApiError> {
    let value = places::district(&node.view(), DistrictId(id))?;
    found(&node, value, format!("district {id}"), paths::DISTRICTS)
}

/// A school with its pools and how its students fared
#[utoipa::path(get, path = paths::SCHOOL, tag = "consortium", params(("id" = u32, Path)),
    responses((status = 200, body = Figures<SchoolFigures>), (status = 404, body = ErrorBody)))]
pub async fn school(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<u32>,
) -> Result<Sorted<Figures<SchoolFigures>>, ApiError> {
    let value = places::school(&node.view(), SchoolId(id))?;
    found(&node, value, format!("school {id}"), paths::SCHOOLS)
}

/// A pool with its price and use in every round
#[utoipa::path(get, path = paths::POOL, tag = "resources", params(("id" = u32, Path)),
    responses((status = 200, body = Figures<PoolFigures>), (status = 404, body = ErrorBody)))]
pub async fn pool(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<u32>,
) -> Result<Sorted<Figures<PoolFigures>>, ApiError> {
    let value = places::pool(&node.view(), PoolId(id))?;
    found(&node, value, format!("pool {id}"), paths::POOLS)
}

/// Pages that a text may mean, the likeliest first
#[utoipa::path(get, path = paths::SEARCH, tag = "chain", params(SearchQuery),
    responses((status = 200, body = Hits), (status = 400, body = ErrorBody)))]
pub async fn search(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<SearchQuery>,
) -> Result<Json<Hits>, ApiError> {
    if query.q.len() > search::MAX_QUERY_BYTES {
        return Err(ApiError::bad_request("the text is too long", "search for at most 200 bytes"));
    }
    let hits = search::search(&node.view(), &query.q)?;
    Ok(Json(Hits { count: hits.len(), hits }))
}
