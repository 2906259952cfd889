//! Evidence bundles with rows, for members, built from one view by the ledger's own builders. Building runs on a thread
//! that may block. Those of public figures are in [`super::public_evidence`].

use std::sync::Arc;

use aula_ledger::audit::{Archive, Body, BuildError, Bundle, Collector};
use aula_ledger::chain::{CommitCertificate, Header};
use aula_ledger::codec::Canonical;
use aula_ledger::state::StoreError;
use aula_ledger::types::{AccountId, DistrictId, Handle, Height, RoundId, SchoolYear};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api_error::{ApiError, ErrorBody};
use crate::http::Node;
use crate::http::{FromPath, FromQuery};
use crate::storage::ChainView;

/// What else the bundle shows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct EvidenceQuery {
    /// A height on the way to show as well, for `aula-audit verify --trusted`.
    pub waypoint: Option<u64>,
}

struct Blocks<'a>(&'a ChainView);

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

/// A bundle with rows: for members.
async fn bundle(
    node: &Arc<Node>,
    headers: &HeaderMap,
    query: &EvidenceQuery,
    build: impl FnOnce(&Collector<'_>) -> Result<Bundle, BuildError> + Send + 'static,
) -> Result<Response, ApiError> {
    node.member(headers)?;
    built(node, query.waypoint.map(Height).into_iter().collect(), build).await
}

/// A bundle of the newest view that shows these blocks on the way.
///
/// # Errors
/// 404 when there is no such thing, and when the database fails.
pub(super) async fn built(
    node: &Arc<Node>,
    waypoints: Vec<Height>,
    build: impl FnOnce(&Collector<'_>) -> Result<Bundle, BuildError> + Send + 'static,
) -> Result<Response, ApiError> {
    let view = node.view();
    let built = tokio::task::spawn_blocking(move || {
        let archive = Blocks(&view);
        let collector = Collector::new(&*view, &archive, &waypoints)?;
        build(&collector).map(|bundle| bundle.to_canonical())
    });
    let built = built.await.map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ApiError::new(status, "internal", "building the evidence failed", "report it with this node's log")
    })?;
    match built {
        Ok(bytes) => Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()),
        Err(BuildError::NotFound(what)) => Err(ApiError::not_found(
            format!("there is no {what}"),
            "wait until it is final, or check the numbers",
        )),
        Err(BuildError::MissingBlock(height)) => {
            Err(ApiError::not_found(format!("this node does not have block {height}"), "ask another node"))
        }
        Err(BuildError::Store(error)) => Err(error.into()),
    }
}

/// A round with all its rows
#[utoipa::path(get, path = "/v1/evidence/round/{round}", tag = "evidence",
    params(("round" = u32, Path), EvidenceQuery, ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn round(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    FromPath(round): FromPath<u32>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    bundle(&node, &headers, &query, move |collector| collector.round(RoundId(round))).await
}

/// The decision on one student's request
#[utoipa::path(get, path = "/v1/evidence/allocation/{round}/{handle}", tag = "evidence",
    params(("round" = u32, Path), ("handle" = String, Path), EvidenceQuery, ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn allocation(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    FromPath((round, handle)): FromPath<(u32, Handle)>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    bundle(&node, &headers, &query, move |collector| collector.allocation(RoundId(round), &handle)).await
}

/// The decision on one student's request, for the holder of that student's link: the caller has checked it.
///
/// # Errors
/// 404 when the round has no such request.
pub async fn allocation_bundle(
    node: &Arc<Node>,
    round: RoundId,
    handle: Handle,
) -> Result<Response, ApiError> {
    built(node, Vec::new(), move |collector| collector.allocation(round, &handle)).await
}

/// Whether a student's state is anchored, and which
#[utoipa::path(get, path = "/v1/evidence/student/{district}/{school_year}/{handle}", tag = "evidence",
    params(("district" = u16, Path), ("school_year" = u16, Path), ("handle" = String, Path), EvidenceQuery,
        ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn student(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    FromPath((district, year, handle)): FromPath<(u16, u16, Handle)>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    let (district, year) = (DistrictId(district), SchoolYear(year));
    bundle(&node, &headers, &query, move |collector| collector.student(district, year, &handle)).await
}

/// Where a funder's money of a year went, as statements without an amount
#[utoipa::path(get, path = "/v1/evidence/budget/{funder}/{school_year}", tag = "evidence",
    params(("funder" = String, Path), ("school_year" = u16, Path), EvidenceQuery,
        ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn budget(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    FromPath((funder, year)): FromPath<(AccountId, u16)>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    bundle(&node, &headers, &query, move |collector| collector.budget(funder, SchoolYear(year))).await
}

/// A district's anchored access log; the district adds a read that is listed in it
#[utoipa::path(get, path = "/v1/evidence/access/{district}", tag = "evidence",
    params(("district" = u16, Path), EvidenceQuery, ("aula-credential" = String, Header)),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn access(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    FromPath(district): FromPath<u16>,
    FromQuery(query): FromQuery<EvidenceQuery>,
) -> Result<Response, ApiError> {
    bundle(&node, &headers, &query, move |collector| collector.access(DistrictId(district))).await
}
