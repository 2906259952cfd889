//! Status, blocks, validators, parameters, the genesis: what is final, without anybody's rows.

use std::sync::Arc;

use aula_ledger::chain::{Header, TreeHead};
use aula_ledger::state::schema;
use aula_ledger::types::{ChainId, Hash, Height, TimeMs, ValidatorAddress};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api_error::{ApiError, ErrorBody};
use crate::http::Finality;
use crate::http::{FromPath, FromQuery};
use crate::http::{Node, SeedDuty, Signing};
use crate::read::transactions::{self, Outline};
use crate::read::{uptime, waiting};
use crate::storage::{ChainView, StorageError};

/// Most blocks in one answer.
pub const MAX_BLOCKS: u64 = 100;

/// This node and its chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// Which chain.
    #[schema(value_type = String)]
    pub chain_id: ChainId,
    /// SHA-256 of the genesis file; compare it with the published one.
    #[schema(value_type = String)]
    pub genesis_sha256: Hash,
    /// The last final block.
    #[schema(value_type = u64)]
    pub height: Height,
    /// Its hash.
    #[schema(value_type = String)]
    pub block_hash: Hash,
    /// Its time, in ms since 1970 UTC.
    #[schema(value_type = u64)]
    pub time_ms: TimeMs,
    /// How many validators decide the next block.
    pub validators: usize,
    /// How many peers are connected.
    pub peers: usize,
    /// `validator` while this node signs votes when it is in the set, else `follower`.
    pub role: &'static str,
    /// Whether this node's key is in the validator set and it signs votes.
    pub signs: bool,
    /// Why it signs nothing although its key is in the validator set; none in every other case.
    pub silent_because: Option<String>,
    /// What this node found damaged in its own state, with what to do next: it is not ready then. None while all is well.
    pub damage: Option<String>,
    /// What this node does for the lotteries; none where it only follows by its operator's choice.
    pub seeds: Option<SeedDuty>,
    /// Transactions in the chain so far; none while this node still counts a long chain.
    pub transactions: Option<u64>,
    /// From a block's own time until this node had it final and stored; none before it saw one.
    pub finality: Option<Finality>,
    /// Transactions that wait.
    pub waiting_transactions: usize,
    /// Bytes of those.
    pub waiting_bytes: usize,
    /// The program's version.
    pub version: &'static str,
    /// Seconds since the process started.
    pub uptime_s: u64,
}

/// A block without its transactions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BlockSummary {
    /// Its height.
    #[schema(value_type = u64)]
    pub height: Height,
    /// Its hash.
    #[schema(value_type = String)]
    pub hash: Hash,
    /// Block time in ms since 1970 UTC.
    #[schema(value_type = u64)]
    pub time_ms: TimeMs,
    /// The parent's hash.
    #[schema(value_type = String)]
    pub parent: Hash,
    /// Who built it.
    #[schema(value_type = String)]
    pub proposer: ValidatorAddress,
    /// Leaf count and root of its transactions.
    #[schema(value_type = Object)]
    pub transactions: TreeHead,
    /// Leaf count and root of the receipts.
    #[schema(value_type = Object)]
    pub receipts: TreeHead,
    /// Leaf count and root of the student states anchored in it.
    #[schema(value_type = Object)]
    pub students: TreeHead,
    /// Root of the state after it.
    #[schema(value_type = String)]
    pub state_root: Hash,
    /// Hash of the validators who decided it.
    #[schema(value_type = String)]
    pub validators_hash: Hash,
    /// Hash of the validators who decide the next.
    #[schema(value_type = String)]
    pub next_validators_hash: Hash,
}

/// A block with its transactions' outlines: what kind, how many entries, what became of them. No rows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BlockDetail {
    /// The header.
    #[serde(flatten)]
    pub summary: BlockSummary,
    /// The round in which it was decided, from 0.
    pub round: u32,
    /// The validators whose precommits make it final.
    #[schema(value_type = Vec<String>)]
    pub signers: Vec<ValidatorAddress>,
    /// Its transactions, in order.
    pub outlines: Vec<Outline>,
}

/// A page of blocks, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct BlocksPage {
    /// The blocks.
    pub blocks: Vec<BlockSummary>,
    /// The `from` of the next page; none at the first block.
    pub next: Option<u64>,
}

/// Which blocks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BlocksQuery {
    /// Highest height of the page; the newest when left out.
    pub from: Option<u64>,
    /// How many, 1 to 100; 20 when left out.
    pub limit: Option<u64>,
}

impl BlockSummary {
    /// From a header.
    pub fn of(header: &Header) -> Self {
        Self {
            height: header.height,
            hash: header.hash(),
            time_ms: header.time_ms,
            parent: header.parent,
            proposer: header.proposer,
            transactions: header.transactions,
            receipts: header.receipts,
            students: header.students,
            state_root: header.state_root,
            validators_hash: header.validators_hash,
            next_validators_hash: header.next_validators_hash,
        }
    }
}

/// A page of headers at and below `from`, newest first.
///
/// # Errors
/// When the database fails.
pub fn page(view: &ChainView, from: Option<u64>, limit: u64) -> Result<BlocksPage, StorageError> {
    let top = from.unwrap_or(u64::MAX).min(view.tip().height.0);
    let mut blocks = Vec::new();
    let mut height = top;
    while height > 0 && (blocks.len() as u64) < limit {
        let Some(header) = view.header(Height(height))? else { break };
        blocks.push(BlockSummary::of(&header));
        height -= 1;
    }
    Ok(BlocksPage { blocks, next: (height > 0).then_some(height) })
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
pub fn status_of(node: &Node) -> Result<Status, ApiError> {
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
        block_hash: tip.hash,
        time_ms: tip.time_ms,
        validators: schema::validator_schedule(&*view)?.next.validators().len(),
        peers: node.network.peers(),
        role: node.network.mode(),
        signs: signing == Signing::Signs,
        silent_because: match signing {
            Signing::Silent(why) => Some(why),
            _ => None,
        },
        damage: node.network.damage(),
        seeds: node.network.seeds(),
        waiting_transactions,
        waiting_bytes,
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: node.started.elapsed().as_secs(),
    })
}

/// This node and its chain
#[utoipa::path(get, path = "/v1/status", tag = "chain", responses((status = 200, body = Status)))]
pub async fn status(State(node): State<Arc<Node>>) -> Result<Json<Status>, ApiError> {
    status_of(&node).map(Json)
}

/// Blocks, newest first
#[utoipa::path(get, path = "/v1/blocks", tag = "chain", params(BlocksQuery),
    responses((status = 200, body = BlocksPage), (status = 400, body = ErrorBody)))]
pub async fn blocks(
    State(node): State<Arc<Node>>,
    FromQuery(query): FromQuery<BlocksQuery>,
) -> Result<Json<BlocksPage>, ApiError> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=MAX_BLOCKS).contains(&limit) {
        return Err(ApiError::bad_request("limit is 1 to 100", "ask for several pages with `from`"));
    }
    Ok(Json(page(&node.view(), query.from, limit)?))
}

/// One block with its transactions' outlines
#[utoipa::path(get, path = "/v1/blocks/{height}", tag = "chain", params(("height" = u64, Path)),
    responses((status = 200, body = BlockDetail), (status = 404, body = ErrorBody)))]
pub async fn block(
    State(node): State<Arc<Node>>,
    FromPath(height): FromPath<u64>,
) -> Result<Json<BlockDetail>, ApiError> {
    let view = node.view();
    detail(&view, Height(height))?.map(Json).ok_or_else(|| {
        let tip = view.tip().height;
        ApiError::not_found(
            format!("block {height} is not final here"),
            format!("the newest is {tip}, the first 1"),
        )
    })
}

/// Who decides blocks now, next and after, what is known of each, and who waits to be ready
#[utoipa::path(get, path = "/v1/validators", tag = "chain", responses((status = 200, body = Object)))]
pub async fn validators(State(node): State<Arc<Node>>) -> Result<Json<Value>, ApiError> {
    let view = node.view();
    let schedule = schema::validator_schedule(&*view)?;
    let known = schema::validator_infos(&*view)?;
    let peers = schema::peers(&*view)?;
    let waiting = waiting::lines(&view)?;
    Ok(Json(serde_json::json!({
        "height": view.tip().height, "now": schedule.now, "next": schedule.next, "after": schedule.after,
        "known": known, "waiting": waiting, "peers": peers, "uptime": uptime::uptime(&view, &node.index)?,
    })))
}

/// The ledger's parameters in force
#[utoipa::path(get, path = "/v1/params", tag = "chain", responses((status = 200, body = Object)))]
pub async fn params(State(node): State<Arc<Node>>) -> Result<Json<Value>, ApiError> {
    let view = node.view();
    let params = schema::params(&*view)?;
    Ok(Json(serde_json::json!({ "height": view.tip().height, "params": params })))
}

/// The genesis file, byte for byte
#[utoipa::path(get, path = "/v1/genesis", tag = "chain",
    responses((status = 200, content_type = "application/json", body = Object)))]
pub async fn genesis(State(node): State<Arc<Node>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], node.genesis_bytes.clone())
}
