//! Status, blocks, validators, parameters, the genesis: what is final, without anybody's rows.

use std::sync::Arc;

pub use aula_api::chain::{
    BlockDetail, BlockSummary, BlocksPage, GenesisFile, ProtocolStatus, Standing, Status, Validators,
};
use aula_api::paths;
use aula_ledger::state::{StoreError, schema};
use aula_ledger::types::Height;
use aula_read::{transactions, uptime, waiting};
use aula_store::{ChainView, StorageError};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::IntoParams;

use super::elsewhere::older;
use crate::api_error::{ApiError, ErrorBody};
use crate::http::{AppState, FromPath, FromQuery, Network, Signing, Sorted};

/// Most blocks in one answer.
pub const MAX_BLOCKS: u64 = 100;

/// Which page of the blocks, newest first.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BlocksQuery {
    /// Highest height of the page; the newest when left out.
    pub from: Option<u64>,
    /// How many, 1 to 100; 20 when left out.
    pub limit: Option<u64>,
}

/// A page of headers at and below `from`, newest first.
///
/// # Errors
/// When the database fails.
pub fn page(view: &ChainView, from: Option<u64>, limit: u64) -> Result<BlocksPage, StorageError> {
    let (top, oldest) = (from.unwrap_or(u64::MAX).min(view.tip().height.0), view.oldest()?.0);
    let mut blocks = Vec::new();
    let mut height = top;
    while height >= oldest && (blocks.len() as u64) < limit {
        let Some(header) = view.header(Height(height))? else { break };
        blocks.push(BlockSummary::of(&header));
        height -= 1;
    }
    Ok(BlocksPage { blocks, next: (height >= oldest).then_some(height) })
}

/// A block's detail; none when it is not decided here.
///
/// # Errors
/// When the database fails.
pub fn detail(view: &ChainView, height: Height) -> Result<Option<BlockDetail>, ApiError> {
    let (Some(header), Some(certificate), Some(outlines)) =
        (view.header(height)?, view.certificate(height)?, transactions::of_block(view, height)?)
    else {
        return Ok(None);
    };
    Ok(Some(BlockDetail {
        summary: BlockSummary::of(&header),
        round: certificate.round,
        signers: certificate.signatures.iter().map(|(validator, _)| *validator).collect(),
        outlines,
    }))
}

/// This node's status.
///
/// # Errors
/// When the database fails.
pub fn status_of(node: &AppState) -> Result<Status, ApiError> {
    let view = node.view();
    let tip = view.tip();
    let (waiting_transactions, waiting_bytes) = node.network.waiting();
    let signing = node.signing()?;
    let counted = {
        let contents = node.index.follow(&view)?;
        (contents.height() == tip.height.0).then(|| contents.transactions())
    };
    Ok(Status {
        transactions: counted,
        finality: node.finality.summary(),
        chain_id: node.genesis.chain_id.clone(),
        genesis_sha256: node.genesis.sha256,
        height: tip.height,
        told_height: node.network.told_height(),
        block_hash: tip.hash,
        time_ms: tip.time_ms,
        validators: schema::validator_schedule(&*view)?.next.validators().len(),
        peers: node.network.peers(),
        validators_connected: node.network.validators_connected(),
        role: node.network.mode().to_owned(),
        signs: signing == Signing::Signs,
        silent_because: match signing {
            Signing::Silent(why) => Some(why),
            _ => None,
        },
        damage: node.network.damage(),
        ahead_of_clock_ms: node.network.ahead_of_clock_ms(),
        attention: attention(node),
        seeds: node.network.seeds(),
        waiting_transactions,
        waiting_bytes,
        delays: node.network.delays(),
        stands: node.network.standing(),
        protocol: ProtocolStatus::of(schema::protocol(&*view)?, tip.height),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        uptime_s: node.started.elapsed().as_secs(),
    })
}

/// What stops nothing and should be set right.
fn attention(node: &AppState) -> Option<String> {
    let all: Vec<String> = node.network.unproven().into_iter().chain(node.network.fast_clock()).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// This node and its chain
#[utoipa::path(get, path = paths::STATUS, tag = "chain", responses((status = 200, body = Status)))]
pub async fn status(State(node): State<Arc<AppState>>) -> Result<Json<Status>, ApiError> {
    status_of(&node).map(Json)
}

/// Blocks, newest first
#[utoipa::path(get, path = paths::BLOCKS, tag = "chain", params(BlocksQuery),
    responses((status = 200, body = BlocksPage), (status = 400, body = ErrorBody)))]
pub async fn blocks(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<BlocksQuery>,
) -> Result<Json<BlocksPage>, ApiError> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=MAX_BLOCKS).contains(&limit) {
        return Err(ApiError::bad_request("limit is 1 to 100", "ask for several pages with `from`"));
    }
    Ok(Json(page(&node.view(), query.from, limit)?))
}

/// One block with its transactions' outlines
#[utoipa::path(get, path = paths::BLOCK, tag = "chain", params(("height" = u64, Path)),
    responses((status = 200, body = BlockDetail), (status = 404, body = ErrorBody)))]
pub async fn block(
    State(node): State<Arc<AppState>>,
    FromPath(height): FromPath<u64>,
) -> Result<Json<BlockDetail>, ApiError> {
    let view = node.view();
    match detail(&view, Height(height))? {
        Some(detail) => Ok(Json(detail)),
        None => Err(no_block(&*node.network, &view, height)?),
    }
}

/// Why a block is not shown here, and where it may be.
///
/// # Errors
/// When the database fails.
pub fn no_block(network: &dyn Network, view: &ChainView, height: u64) -> Result<ApiError, StoreError> {
    let (tip, oldest) = (view.tip().height.0, view.oldest()?.0);
    let hint = match (oldest, height) {
        (1, _) => format!("the newest is {tip}, the first 1"),
        (oldest, height) if (1..oldest).contains(&height) => older(network, view, height)?,
        (oldest, _) => format!("the newest is {tip}, the oldest kept {oldest}"),
    };
    Ok(ApiError::not_found(format!("block {height} is not final here"), hint))
}

/// Who decides blocks now, next and after, what is known of each, and who waits to be ready
#[utoipa::path(get, path = paths::VALIDATORS, tag = "chain", responses((status = 200, body = Validators)))]
pub async fn validators(State(node): State<Arc<AppState>>) -> Result<Sorted<Validators>, ApiError> {
    let view = node.view();
    let schedule = schema::validator_schedule(&*view)?;
    Ok(Sorted(Validators {
        height: view.tip().height,
        now: schedule.now,
        next: schedule.next,
        after: schedule.after,
        known: schema::validator_infos(&*view)?,
        misbehaviour: schema::misbehaviours(&*view)?,
        peers: schema::peers(&*view)?,
        uptime: uptime::uptime(&view, &node.index)?,
        waiting: waiting::lines(&view)?,
    }))
}

/// The genesis file, byte for byte
#[utoipa::path(get, path = paths::GENESIS, tag = "chain",
    responses((status = 200, content_type = "application/json", body = GenesisFile)))]
pub async fn genesis(State(node): State<Arc<AppState>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], node.genesis_bytes.clone())
}
