//! Why a district's own student got this place, and the least band that would have brought a better one: for that district.
//!
//! The answer wants the whole round, which a district may not have and its node holds as a validator; so the node solves it
//! and tells the one row's answer. A district asks about its rows as they are, never about changed ones: what follows from
//! many changes is what the others asked for. One question is worked on at a time, up to nine solutions of a round.

use std::sync::Arc;

use aula_api::paths;
use aula_api::why::WhyAnswer;
use aula_ledger::audit::why::{Decided, Limits, Who, WhyError};
use aula_ledger::audit::{BuildError, Collector, Standing, Subject};
use aula_ledger::state::{StateReader, schema};
use aula_ledger::types::{DistrictId, Handle, RoundId};
use aula_read::why::{self, Asked, Others};
use aula_store::ChainView;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::evidence::{Blocks, not_built};
use crate::api_error::{ApiError, ErrorBody};
use crate::http::access::Caller;
use crate::http::places::blocking;
use crate::http::{AppState, FromPath, Network};

/// Why one of the district's own students got this place, and the least band that would have brought a better one
#[utoipa::path(get, path = paths::OWN_WHY, tag = "resources",
    params(("district" = u16, Path), ("round" = u32, Path), ("handle" = String, Path), ("aula-credential" = String, Header)),
    responses((status = 200, body = WhyAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub async fn own(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath((district, round, handle)): FromPath<(u16, u32, Handle)>,
) -> Result<Response, ApiError> {
    let (district, round) = (DistrictId(district), RoundId(round));
    caller.own(&node.view(), district)?;
    let view = node.view();
    let row = view.row(&schema::requests_tree(round), &schema::round_row_key(district, &handle))?;
    if row.is_none() {
        let message = format!("district {district} has no request of {handle} in round {round}");
        let hint = format!("its own are listed by /v1/districts/{district}/rounds/{round}");
        return Err(ApiError::new(StatusCode::NOT_FOUND, "no_request", message, hint));
    }
    let Ok(permit) = node.solving.clone().try_acquire_owned() else {
        let hint = "try again when that is done";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(ApiError::new(status, "busy", "another such question is being worked on", hint));
    };
    let who = Who { handle, district: Some(district) };
    let asked = tracing::Span::current();
    let network = node.network.clone();
    let made = blocking(move || {
        let _permit = permit;
        let span = tracing::debug_span!(target: "aula_trace", parent: &asked, "optimization", round = u64::from(round.0));
        span.in_scope(|| solved(&*network, &view, round, who))
    });
    let answer = made.await.map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ApiError::new(status, "internal", "solving the round failed", "report it with this node's log")
    })??;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

fn solved(network: &dyn Network, view: &ChainView, round: RoundId, who: Who) -> Result<WhyAnswer, ApiError> {
    let missing = || not_built(BuildError::NotFound("decision".into()), network, view);
    let record = schema::round(view, round)?.ok_or_else(missing)?;
    let decision = schema::decision(view, round)?.ok_or_else(missing)?;
    let standing: Option<Standing> = schema::decision_standing(view, &record)?;
    let archive = Blocks(view);
    let bundle = Collector::new(view, &archive, &[])
        .and_then(|collector| collector.round(round))
        .map_err(|error| not_built(error, network, view))?;
    let Subject::Round(evidence) = &bundle.subject else { return Err(missing()) };
    let decided = Decided::of_evidence(evidence).map_err(refusal)?;
    let limits = Limits { work: decision.max_work };
    let asked = Asked { who, change: None, limits, verified: false, standing, others: Others::Untold };
    why::answer(&decided, &asked).map_err(refusal)
}

fn refusal(error: WhyError) -> ApiError {
    let hint = "an auditor with the round's bundle may ask with more work: aula query why --max-work";
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "no_exact_answer", error.to_string(), hint)
}
