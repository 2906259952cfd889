//! A district's own rows, for that district alone: what it asked for its students in a round and what each got, and which
//! states of its students are anchored.
//!
//! Whom the seed drew for an audit is among a round's, so that a district discloses without seeing anybody else's rows.

use std::sync::Arc;

use aula_api::district::{OwnRow, OwnRows, OwnStudent, OwnStudents};
use aula_api::paths;
use aula_ledger::proof::bulk_tree::row_hash;
use aula_ledger::rounds::requests_in_order;
use aula_ledger::rounds::sample::{asked, audit_sample};
use aula_ledger::state::StateReader;
use aula_ledger::state::schema::{self, DecisionRow, StudentLeaf};
use aula_ledger::types::{DistrictId, Handle, RoundId, SchoolYear};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::registers::known_round;
use crate::api_error::{ApiError, ErrorBody};
use crate::http::access::Caller;
use crate::http::{AppState, FromPath, FromQuery, Sorted};

/// The district's own requests in a round, each with its decision and whether the seed drew the student
#[utoipa::path(get, path = paths::OWN_ROWS, tag = "resources",
    params(("district" = u16, Path), ("round" = u32, Path), ("aula-credential" = String, Header)),
    responses((status = 200, body = OwnRows), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn rows(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath((district, round)): FromPath<(u16, u32)>,
) -> Result<Response, ApiError> {
    let (district, id) = (DistrictId(district), RoundId(round));
    caller.own(&node.view(), district)?;
    let view = node.view();
    let round = known_round(&view, id)?;
    let decision = schema::decision(&*view, id)?;
    let requests = requests_in_order(&view.rows(&schema::requests_tree(id))?)?;
    let drawn = match &decision {
        Some(decision) => audit_sample(&decision.seed, requests.iter().map(|(_, row)| asked(row))),
        None => Default::default(),
    };
    let mut rows = Vec::new();
    for (handle, request) in requests.iter().filter(|(_, request)| request.district == district) {
        let decided = view.row(&schema::decisions_tree(id), &request.key())?;
        let decided: Option<DecisionRow> = decided.as_deref().map(schema::decode).transpose()?;
        let audit = schema::audit_result(&*view, id, district, handle)?;
        rows.push(OwnRow {
            claims: audit.as_ref().map(|result| result.claims),
            decision: decided,
            drawn: drawn.contains_key(&(district, *handle)),
            finding: audit.as_ref().map(|result| result.finding),
            handle: *handle,
            request: request.clone(),
        });
    }
    let rows = OwnRows {
        as_of_height: view.tip().height,
        count: rows.len(),
        district,
        opened: round.opened,
        round: id,
        rows,
        school_year: round.school_year,
        standing: schema::decision_standing(&*view, &round)?,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Sorted(rows)).into_response())
}

/// Most students of one answer: about half a megabyte.
const MOST: usize = 5_000;

/// Where a part begins.
#[derive(Deserialize)]
pub struct After {
    after: Option<Handle>,
}

/// The district's own students of a school year as they are anchored: handle, version, block
#[utoipa::path(get, path = paths::OWN_STUDENTS, tag = "resources",
    params(("district" = u16, Path), ("school_year" = u16, Path), ("after" = Option<String>, Query),
        ("aula-credential" = String, Header)),
    responses((status = 200, body = OwnStudents), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub async fn students(
    State(node): State<Arc<AppState>>,
    caller: Caller,
    FromPath((district, year)): FromPath<(u16, u16)>,
    FromQuery(After { after }): FromQuery<After>,
) -> Result<Response, ApiError> {
    let (district, school_year) = (DistrictId(district), SchoolYear(year));
    caller.own(&node.view(), district)?;
    let view = node.view();
    let label = schema::students_tree(district, school_year);
    let rows = view.rows(&label)?;
    let root = view.tree(&label)?.map(|tree| tree.head().root);
    let count = rows.len();
    let mut later =
        rows.into_iter().filter(|(handle, _)| after.is_none_or(|after| *handle > after)).peekable();
    let mut students = Vec::new();
    for (handle, row) in later.by_ref().take(MOST) {
        let leaf: StudentLeaf = schema::decode(&row)?;
        students.push(OwnStudent {
            anchored: leaf.anchored,
            handle,
            row: row_hash(&row),
            version: leaf.version,
        });
    }
    let next = later.peek().and_then(|_| students.last().map(|last| last.handle));
    let told =
        OwnStudents { as_of_height: view.tip().height, count, district, next, root, school_year, students };
    Ok(([(header::CACHE_CONTROL, "no-store")], Sorted(told)).into_response())
}
