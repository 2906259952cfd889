//! Evidence bundles with rows, for those whose rows they are and for auditors, built from one view by the ledger's own
//! builders. Building runs on a thread that may block. Those of public figures are in [`super::public_evidence`].

use std::sync::Arc;

use aula_api::paths;
use aula_ledger::audit::{Archive, Body, BuildError, Bundle, Collector};
use aula_ledger::chain::{CommitCertificate, Header};
use aula_ledger::codec::Canonical;
use aula_ledger::roles::Role;
use aula_ledger::rounds::districts_of;
use aula_ledger::state::{StateReader, StoreError, schema};
use aula_ledger::types::{AccountId, DistrictId, Handle, Height, RoundId, SchoolYear};
use aula_store::ChainView;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::elsewhere::older;
use crate::api_error::{ApiError, ErrorBody};
use crate::http::access::Caller;
use crate::http::places::blocking;
use crate::http::{AppState, FromPath, FromQuery, Network};

/// What else the bundle shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct EvidenceQuery {
    /// A height on the way to show as well, for `aula-audit verify --trusted`.
    pub waypoint: Option<u64>,
}

impl EvidenceQuery {
    fn waypoints(&self) -> Vec<Height> {
        self.waypoint.map(Height).into_iter().collect()
    }
}

/// What of a decision on one student's request.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AllocationQuery {
    /// The student's district, for an auditor: needed only where two districts requested for one handle.
    pub district: Option<u16>,
    /// A height on the way to show as well, for `aula-audit verify --trusted`.
    pub waypoint: Option<u64>,
}

/// The blocks of a view, for a collector.
pub(super) struct Blocks<'a>(pub(super) &'a ChainView);

impl Archive for Blocks<'_> {
    fn signed_header(&self, height: Height) -> Result<Option<(Header, CommitCertificate)>, StoreError> {
        Ok(self.0.header(height)?.zip(self.0.certificate(height)?))
    }

    fn body(&self, height: Height) -> Result<Option<Body>, StoreError> {
        let Some((block, receipts)) = self.0.block(height)?.zip(self.0.receipts(height)?) else {
            return Ok(None);
        };
        Ok(Some((block.transactions, receipts)))
    }
}

/// A bundle of the newest view that shows these blocks on the way.
///
/// # Errors
/// 404 when there is no such thing, and when the database fails.
pub(super) async fn built(
    node: &Arc<AppState>,
    waypoints: Vec<Height>,
    build: impl FnOnce(&Collector<'_>) -> Result<Bundle, BuildError> + Send + 'static,
) -> Result<Response, ApiError> {
    let view = node.view();
    let shown = view.clone();
    let built = blocking(move || {
        let archive = Blocks(&view);
        let collector = Collector::new(&*view, &archive, &waypoints)?;
        build(&collector).map(|bundle| bundle.to_canonical())
    });
    let built = built.await.map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ApiError::new(status, "internal", "building the evidence failed", "report it with this node's log")
    })?;
    let bytes = built.map_err(|error| not_built(error, &*node.network, &shown))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// Why there is no such bundle of a view.
pub(super) fn not_built(error: BuildError, network: &dyn Network, view: &ChainView) -> ApiError {
    match error {
        BuildError::NotFound(what) => {
            ApiError::not_found(format!("there is no {what}"), "wait until it is final, or check the numbers")
        }
        BuildError::MissingBlock(height) => match older(network, view, height.0) {
            Ok(hint) => {
                let message = format!("this evidence needs block {height}, which this node does not keep");
                ApiError::not_found(message, hint)
            }
            Err(error) => error.into(),
        },
        BuildError::Store(error) => error.into(),
    }
}

/// A round with all its rows, for an auditor whom the ledger lists as having taken them
#[utoipa::path(get, path = paths::EVIDENCE_ROUND, tag = "evidence",
    params(("round" = u32, Path), EvidenceQuery, ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn round(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath(round): FromPath<u32>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    caller.of_round(RoundId(round))?;
    built(&node, query.waypoints(), move |collector| collector.round(RoundId(round))).await
}

/// The decision on one student's request, for its district and for an auditor who took the round's rows
#[utoipa::path(get, path = paths::EVIDENCE_ALLOCATION, tag = "evidence",
    params(("round" = u32, Path), ("handle" = String, Path), AllocationQuery, ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
pub async fn allocation(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath((round, handle)): FromPath<(u32, Handle)>,
    FromQuery(query): FromQuery<AllocationQuery>,
) -> Result<Response, ApiError> {
    let round = RoundId(round);
    let district = match caller.district() {
        Some(district) => {
            asked_by(&node, round, &handle, district)?;
            district
        }
        None => {
            caller.of_round(round)?;
            query.district.map(DistrictId).map_or_else(|| only_district(&node, round, &handle), Ok)?
        }
    };
    let waypoints = query.waypoint.map(Height).into_iter().collect();
    built(&node, waypoints, move |collector| collector.allocation(round, district, &handle)).await
}

/// The district that requested for a handle, where it is one.
fn only_district(node: &AppState, round: RoundId, handle: &Handle) -> Result<DistrictId, ApiError> {
    match districts_of(&*node.view(), round, handle)?.as_slice() {
        [district] => Ok(*district),
        [] => Err(ApiError::not_found(
            format!("there is no request of {handle} in round {round}"),
            "wait until it is final, or check the numbers",
        )),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            let message = format!("districts {} requested for {handle} in round {round}", names.join(", "));
            let hint = "say which with ?district=, or --district of aula evidence";
            Err(ApiError::new(StatusCode::CONFLICT, "two_districts", message, hint))
        }
    }
}

/// Refuses a request of another district's, and says of one that is not there that it is not.
fn asked_by(node: &AppState, round: RoundId, handle: &Handle, district: DistrictId) -> Result<(), ApiError> {
    let row = node.view().row(&schema::requests_tree(round), &schema::round_row_key(district, handle))?;
    // Another district's and nobody's are one answer: it tells nobody whose students asked.
    row.map(drop).ok_or_else(|| {
        let message = format!("district {district} has no request of {handle} in round {round}");
        ApiError::not_found(message, format!("its own are listed by /v1/districts/{district}/rounds/{round}"))
    })
}

/// The decision on one student's request, for the holder of that student's link: the caller has checked it.
///
/// # Errors
/// 404 when the round has no such request.
pub async fn allocation_bundle(
    node: &Arc<AppState>,
    round: RoundId,
    (district, handle): (DistrictId, Handle),
) -> Result<Response, ApiError> {
    built(node, Vec::new(), move |collector| collector.allocation(round, district, &handle)).await
}

/// Whether a student's state is anchored, and which; for its district, and for an auditor whose round has the student
#[utoipa::path(get, path = paths::EVIDENCE_STUDENT, tag = "evidence",
    params(("district" = u16, Path), ("school_year" = u16, Path), ("handle" = String, Path), EvidenceQuery,
        ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn student(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath((district, year, handle)): FromPath<(u16, u16, Handle)>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    let (district, year) = (DistrictId(district), SchoolYear(year));
    match caller.round() {
        None => caller.own(&node.view(), district)?,
        Some(round) => {
            asked_by(&node, round, &handle, district)?;
            let of_year = schema::round(&*node.view(), round)?.is_some_and(|round| round.school_year == year);
            if !of_year {
                return Err(ApiError::not_found(
                    format!("round {round} is of another school year"),
                    "see /v1/rounds",
                ));
            }
        }
    }
    built(&node, query.waypoints(), move |collector| collector.student(district, year, &handle)).await
}

/// A milestone of a district's own student, and whether it was corrected
#[utoipa::path(get, path = paths::EVIDENCE_MILESTONE, tag = "evidence",
    params(("district" = u16, Path), ("handle" = String, Path), ("number" = u16, Path), EvidenceQuery,
        ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn milestone(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath((district, handle, number)): FromPath<(u16, Handle, u16)>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    let district = DistrictId(district);
    caller.own(&node.view(), district)?;
    built(&node, query.waypoints(), move |collector| collector.milestone(district, &handle, number)).await
}

/// That the amounts by school which a funder stated are what its pools were charged (before protocol 3: that they sum to the
/// year's budget); for the funder and for auditors
#[utoipa::path(get, path = paths::EVIDENCE_BUDGET, tag = "evidence",
    params(("funder" = String, Path), ("school_year" = u16, Path), EvidenceQuery,
        ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn budget(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath((funder, year)): FromPath<(AccountId, u16)>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    if caller.member.account != funder && !caller.member.roles.has(Role::Auditor) {
        let hint = "ask with that funder's credential, or as an auditor";
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "other_funder",
            "this is another funder's money",
            hint,
        ));
    }
    built(&node, query.waypoints(), move |collector| collector.budget(funder, SchoolYear(year))).await
}

/// A district's anchored buildings, for anybody; the district adds a row of one of them
#[utoipa::path(get, path = paths::EVIDENCE_ESTATE, tag = "evidence",
    params(("district" = u16, Path), EvidenceQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = ErrorBody)))]
pub async fn estate(
    State(node): State<Arc<AppState>>,
    FromPath(district): FromPath<u16>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    built(&node, query.waypoints(), move |collector| collector.estate(DistrictId(district))).await
}

/// A district's anchored access log, for anybody; the district adds a read that is listed in it
#[utoipa::path(get, path = paths::EVIDENCE_ACCESS, tag = "evidence",
    params(("district" = u16, Path), EvidenceQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = ErrorBody)))]
pub async fn access(
    State(node): State<Arc<AppState>>,
    FromPath(district): FromPath<u16>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    built(&node, query.waypoints(), move |collector| collector.access(DistrictId(district))).await
}
