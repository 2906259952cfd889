//! Use of resources at a school by hour: which days there are, and each day's counts at an address of their own that holds for good.

use std::sync::Arc;

use aula_api::hours::{HoursOfDay, SchoolHours};
use aula_api::paths;
use aula_ledger::types::SchoolId;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::api_error::{ApiError, ErrorBody};
use crate::hours::Shelf;
use crate::http::{AppState, FromPath};

fn shelf(node: &AppState) -> Result<&Shelf, ApiError> {
    let none =
        || ApiError::not_found("this node publishes no hours", "ask the node of the school's district");
    node.hours.as_ref().ok_or_else(none)
}

/// Of which days a school's use of resources by hour is published
///
/// At most the last thirty. An hour is counted once, when it is over.
#[utoipa::path(get, path = paths::SCHOOL_HOURS, tag = "resources",
    params(("id" = u32, Path)),
    responses((status = 200, body = SchoolHours), (status = 404, body = ErrorBody)))]
pub async fn school(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<u32>,
) -> Result<Json<SchoolHours>, ApiError> {
    let listed = shelf(&node)?.school(SchoolId(id));
    if listed.days.is_empty() {
        let message = format!("no hours of school {id} are published here");
        return Err(ApiError::not_found(message, "ask the node of the school's district"));
    }
    Ok(Json(listed))
}

/// A day's counts of students by resource and hour, rounded down
///
/// The address names the bytes: it may be kept for good, by a cache of whomever.
#[utoipa::path(get, path = paths::HOURS, tag = "resources",
    params(("file" = String, Path)),
    responses((status = 200, body = HoursOfDay), (status = 404, body = ErrorBody)))]
pub async fn day(
    State(node): State<Arc<AppState>>,
    FromPath(file): FromPath<String>,
) -> Result<Response, ApiError> {
    let hint = "the newest address is in /v1/schools/ID/hours";
    let none = || ApiError::not_found("no such hours, or no longer", hint);
    let bytes = shelf(&node)?.at_address(&file).ok_or_else(none)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}
