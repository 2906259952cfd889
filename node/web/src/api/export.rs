//! `/v1/export/REGISTER.csv` and `.json`: whole registers, with the number of rows stated in the header `Aula-Rows` (and
//! in the JSON), so that whoever loads one knows that nothing is missing.
//!
//! Registers of state are one table of one view. Transactions are many, so they are read and sent piece by piece, up to
//! the number the chain had when the export began. Withheld counts are empty in CSV and `null` in JSON, as everywhere.

use std::sync::Arc;
use std::time::Duration;

use aula_api::paths;
use aula_api::registers::ExportedRegister;
use aula_ledger::state::StoreError;
use aula_ledger::types::RoundId;
use aula_read::round_figures::{RoundFigures, pool_table, school_table};
use aula_read::table::Table;
use aula_read::{audits, milestones, parameters, registers, transactions, uptime};
use aula_store::ChainView;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use metrics::counter;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::api_error::{ApiError, ErrorBody};
use crate::http::AppState;
use crate::http::FromPath;
use crate::http::places::blocking;

/// Transactions read at a time.
const PIECE: u64 = 256;
/// A client that takes nothing for so long is let go.
const SEND_LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
}

/// A register as a whole. `file` is its name with the form: `pools.csv`, `schools-of-round-3.json`; the registers are
/// blocks of state (budgets, classes, districts, members, milestones, parameters, pools, proposals, rounds, schools,
/// validators), `transactions`, and `schools-of-round-N`, `pools-of-round-N`, `audits-of-round-N`
#[utoipa::path(get, path = paths::EXPORT, tag = "chain", params(("file" = String, Path)),
    responses((status = 200, description = "by the file's ending; the header aula-rows says how many rows",
            content((ExportedRegister = "application/json"), (String = "text/csv"))),
        (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub async fn export(
    State(node): State<Arc<AppState>>,
    FromPath(file): FromPath<String>,
) -> Result<Response, ApiError> {
    let (name, form) = match file.rsplit_once('.') {
        Some((name, "csv")) => (name.to_owned(), Form::Csv),
        Some((name, "json")) => (name.to_owned(), Form::Json),
        _ => return Err(unknown()),
    };
    let Ok(permit) = node.exports.clone().try_acquire_owned() else {
        let tenant = node.quotas.tenant.clone();
        counter!("aula_quota_refused_total", "tenant" => tenant, "quota" => "long_work").increment(1);
        let hint = "try again when one of them is done";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(ApiError::new(status, "busy", "as many exports as may are being written", hint));
    };
    if name == "transactions" {
        let view = node.view();
        let (height, rows) = {
            let contents = node.index.follow(&view)?;
            (contents.height(), contents.transactions())
        };
        let (pieces, receiver) = mpsc::channel::<Bytes>(4);
        let reader = node.clone();
        // For as long as the client reads: that is the export's own place, not one of the requests'.
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            send_transactions(&reader, &view, form, (height, rows), &pieces);
        });
        let body = stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|piece| (Ok::<_, std::io::Error>(piece), receiver))
        });
        return Ok(answer(&file, form, rows, Body::from_stream(body)));
    }
    let view = node.view();
    let reader = node.clone();
    let made = blocking(move || {
        let _permit = permit;
        whole(&reader, &view, &name, form)
    });
    let made = made.await.map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ApiError::new(status, "internal", "writing the export failed", "report it with this node's log")
    })?;
    let (rows, bytes) = made?;
    Ok(answer(&file, form, rows, Body::from(bytes)))
}

fn unknown() -> ApiError {
    ApiError::not_found(
        "no such register",
        format!("one of {}, with .csv or .json", registers::NAMES.join(", ")),
    )
}

fn answer(file: &str, form: Form, rows: u64, body: Body) -> Response {
    let kind = if form == Form::Csv { "text/csv; charset=utf-8" } else { "application/json" };
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    let headers = response.headers_mut();
    headers.insert("aula-rows", HeaderValue::from(rows));
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{file}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// A register's rows and bytes.
fn whole(node: &AppState, view: &ChainView, name: &str, form: Form) -> Result<(u64, Vec<u8>), ApiError> {
    let table = table(node, view, name)?;
    let rows = table.rows.len() as u64;
    let bytes = match form {
        Form::Csv => table.csv()?,
        Form::Json => {
            let (height, objects) = (view.tip().height, table.objects());
            let register = ExportedRegister { count: rows, height, register: name.into(), rows: objects };
            let failed = |error: serde_json::Error| StoreError::Failed(format!("cannot write JSON: {error}"));
            serde_json::to_vec(&register).map_err(failed)?
        }
    };
    Ok((rows, bytes))
}

fn table(node: &AppState, view: &ChainView, name: &str) -> Result<Table, ApiError> {
    if let Some((what, round)) = name.rsplit_once("-of-round-") {
        let round = round.parse().map(RoundId).map_err(|_| unknown())?;
        let figures = RoundFigures::read(view, round)?.ok_or_else(unknown)?;
        return match what {
            "schools" => Ok(school_table(&figures)),
            "pools" => Ok(pool_table(&figures)),
            "audits" => Ok(audits::table(&audits::of_round(view, round)?.ok_or_else(unknown)?)),
            _ => Err(unknown()),
        };
    }
    match name {
        "validators" => Ok(uptime::table(&uptime::uptime(view, &node.index)?)),
        "parameters" => Ok(parameters::table(&parameters::parameters(view)?)),
        "milestones" => Ok(milestones::table(&milestones::milestones(view)?)),
        other => registers::table(view, other)?.ok_or_else(unknown),
    }
}

/// Sends transactions in pieces until all are sent or the client is gone.
fn send_transactions(
    node: &AppState,
    view: &ChainView,
    form: Form,
    (height, rows): (u64, u64),
    pieces: &mpsc::Sender<Bytes>,
) {
    let head = match form {
        Form::Csv => format!("{}\n", transactions::COLUMNS.join(",")),
        Form::Json => {
            format!("{{\"register\":\"transactions\",\"height\":{height},\"count\":{rows},\"rows\":[")
        }
    };
    if !send(pieces, head.into_bytes()) {
        return;
    }
    let mut from = 0;
    while from < rows {
        let until = rows.min(from + PIECE);
        let made = transactions::table(view, &node.index, from, until);
        let Ok(bytes) = made.map_err(ApiError::from).and_then(|table| piece(&table, form, from == 0)) else {
            tracing::error!(from, "an export broke off: the database cannot be read");
            return;
        };
        if !send(pieces, bytes) {
            return;
        }
        from = until;
    }
    if form == Form::Json {
        send(pieces, b"]}\n".to_vec());
    }
}

/// Rows without the head that came before them.
fn piece(table: &Table, form: Form, first: bool) -> Result<Vec<u8>, ApiError> {
    match form {
        Form::Csv => {
            let bytes = table.csv()?;
            let head = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            Ok(bytes.get(head..).unwrap_or_default().to_vec())
        }
        Form::Json => {
            let rows: Vec<String> = table.objects().iter().map(Value::to_string).collect();
            let comma = if first || rows.is_empty() { "" } else { "," };
            Ok(format!("{comma}{}", rows.join(",")).into_bytes())
        }
    }
}

/// False when the client is gone or takes too long.
fn send(pieces: &mpsc::Sender<Bytes>, bytes: Vec<u8>) -> bool {
    let sending = tokio::time::timeout(SEND_LIMIT, pieces.send(Bytes::from(bytes)));
    matches!(tokio::runtime::Handle::current().block_on(sending), Ok(Ok(())))
}
