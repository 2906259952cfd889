//! Transactions in, and what became of them "as seen by this node": unknown, pending, final or rejected.

use std::sync::Arc;

use aula_api::paths;
use aula_api::transactions::{AccountStatus, Submitted, TransactionStatus};
use aula_ledger::code::Code;
use aula_ledger::state::schema;
use aula_ledger::types::{AccountId, Hash};
use aula_read::{publish, statements};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api_error::{ApiError, ErrorBody};
use crate::http::{AppState, FromPath, Sorted};

/// Submits a transaction: the body is its canonical bytes
#[utoipa::path(post, path = paths::TRANSACTIONS, tag = "transactions",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 202, body = Submitted), (status = 413, body = ErrorBody), (status = 422, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
pub async fn submit(
    State(node): State<Arc<AppState>>,
    // Read by the gate already, within its limits.
    body: Bytes,
) -> Result<(StatusCode, Json<Submitted>), ApiError> {
    let outcome = node.network.submit(body.into());
    let id = outcome.map_err(|refused| {
        let code = u8::try_from(refused.code).ok().and_then(Code::from_number);
        let message = code.map_or(refused.message, |code| code.explain().to_owned());
        ApiError::refused(refused.code, message, next_step(refused.code))
    })?;
    Ok((StatusCode::ACCEPTED, Json(Submitted { id })))
}

/// What a submitter does about a refusal at the door: nothing was executed, and no sequence number is used up.
fn next_step(code: u16) -> &'static str {
    match code {
        4 => "ask /v1/accounts/ACCOUNT for the next sequence number, and sign again with it",
        1001 => "send the same bytes again in a second",
        1002 | 1004 => {
            "wait until an earlier transaction of this account is in a block, then send the same bytes again"
        }
        1003 => "sign again with the next higher sequence number; `aula tx` does so by itself",
        1005 => "ask this node's operator for its log, and send it through another node",
        1099 => "send it to another node, and tell this one's operator",
        _ => {
            "correct what the message says and sign again; nothing was executed and no sequence number is used up"
        }
    }
}

/// What this node knows of a transaction
#[utoipa::path(get, path = paths::TRANSACTION, tag = "transactions", params(("id" = String, Path)),
    responses((status = 200, body = TransactionStatus), (status = 400, body = ErrorBody)))]
pub async fn transaction(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<Hash>,
) -> Result<Json<TransactionStatus>, ApiError> {
    // Asked before the view is taken: a transaction that is decided in between is then found in the view.
    let pending = node.network.is_pending(&id);
    let view = node.view();
    let mut status = TransactionStatus {
        id,
        status: if pending { "pending" } else { "unknown" }.to_owned(),
        code: None,
        meaning: None,
        entry: None,
        height: None,
        index: None,
        events: None,
        statement: None,
    };
    if let Some(place) = view.locate(&id)? {
        let receipts = view.receipts(place.height)?.unwrap_or_default();
        let at = usize::try_from(place.index).unwrap_or(usize::MAX);
        if let Some(receipt) = receipts.get(at) {
            let min_cell = schema::params(&*view)?.min_cell_students;
            status.status = if receipt.code == Code::Accepted { "final" } else { "rejected" }.to_owned();
            status.code = Some(receipt.code.number().into());
            status.meaning = Some(receipt.code.explain().to_owned());
            status.entry = receipt.entry;
            status.height = Some(place.height.0);
            status.index = Some(place.index);
            status.statement = statements::of_events(&view, &receipt.events, place.height)?;
            status.events = Some(receipt.events.iter().map(|e| publish::event(e, min_cell)).collect());
        }
    }
    Ok(Json(status))
}

/// An account: its current key, next sequence number, and the member it is
#[utoipa::path(get, path = paths::ACCOUNT, tag = "transactions", params(("id" = String, Path)),
    responses((status = 200, body = AccountStatus), (status = 404, body = ErrorBody)))]
pub async fn account(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<AccountId>,
) -> Result<Sorted<AccountStatus>, ApiError> {
    let view = node.view();
    let account = schema::account(&*view, &id)?.ok_or_else(|| {
        ApiError::not_found(format!("no account {id}"), "members are listed by /v1/members")
    })?;
    let member = schema::member(&*view, &id)?;
    let (public_key, sequence) = (account.public_key, account.sequence);
    Ok(Sorted(AccountStatus { account: id, height: view.tip().height, member, public_key, sequence }))
}
