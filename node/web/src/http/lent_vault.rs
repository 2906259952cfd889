//! The district's vault, lent to one request at a time.
//!
//! Flow: the node's turn at it ([`super::KeptVault`]) → open, or opened → the call, on a thread that may block. Invariants: a
//! vault that failed is opened anew; what is wrong with it is the operator's to know. Absent: who may read what.

use std::sync::Arc;

use aula_ledger::state::schema;
use aula_vault::{Identity, Vault, vault};
use axum::http::StatusCode;

use super::kept_vault::unreadable;
use super::node::AppState;
use super::places;
use crate::api_error::ApiError;

/// Reads the vault on a thread that may block, one request at a time.
pub(crate) async fn with_vault<T: Send + 'static>(
    node: Arc<AppState>,
    work: impl FnOnce(&AppState, &Vault) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let none = || ApiError::not_found("this node serves no vault", "ask the node of the student's district");
    let folders = node.vault.clone().filter(|folders| vault::is_there(&folders.data)).ok_or_else(none)?;
    let kept = node.kept_vault.clone();
    let turn = kept.turn().await;
    let worked = places::blocking(move || {
        let _turn = turn;
        let vault = kept.open(&folders).map_err(unreadable)?;
        let worked = work(&node, &vault);
        drop(vault);
        if worked.as_ref().is_err_and(|error| error.status().is_server_error()) {
            // A database that failed to write stays read-only until it is opened again.
            kept.close();
        }
        worked
    });
    worked.await.unwrap_or_else(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Err(ApiError::new(status, "internal", "reading the vault failed", "report it with this node's log"))
    })
}

/// Binds a vault that was made before its chain was known, once this chain knows its district.
pub(crate) fn bind(node: &AppState, vault: &Vault) -> Result<(), ApiError> {
    if vault.identity().is_ok() {
        return Ok(());
    }
    let account = vault.account();
    let member = schema::admitted_member(&*node.view(), &account)?.and_then(|(_, member)| member.district);
    let district = member.ok_or_else(|| {
        ApiError::not_found("the chain has no account of this vault's district", "ask its operator")
    })?;
    let chain_id = node.genesis.chain_id.to_string();
    let identity = Identity { district, chain_id, genesis: node.genesis.sha256, account };
    vault.bind(&identity).map_err(unreadable)
}
