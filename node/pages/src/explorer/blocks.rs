//! Blocks, newest first, and one with its transactions and signers.

use std::collections::BTreeMap;
use std::sync::Arc;

use aula_api::paths;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema;
use aula_ledger::types::{Height, ValidatorAddress};
use axum::extract::State;
use maud::{Markup, html};

use super::error::{PageError, Shown};
use super::shell::{self, moment, pager, short, whole};
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::words::{self, grouped};
use aula_store::ChainView;
use aula_web::api::chain::{self, BlockDetail, BlockSummary, BlocksQuery};
use aula_web::http::{AppState, FromPath, FromQuery};
use aula_web::pages;

/// Blocks on a page.
const SHOWN: u64 = 50;

pub(super) async fn list(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<BlocksQuery>,
) -> Shown {
    let limit = query.limit.unwrap_or(SHOWN).clamp(1, chain::MAX_BLOCKS);
    let view = node.view();
    let page = chain::page(&view, query.from, limit)?;
    let names = names(&view)?;
    // A page that does not move: while the reader looks at it the chain grows.
    let top = page.blocks.first().map_or(0, |block| block.height.0);
    let shown = format!("limit={limit}&before={top}");
    let columns @ [height, time, transactions, anchored, hash, proposer] = [
        text("Height"),
        text("Time (UTC)"),
        number("Transactions"),
        number("States anchored"),
        text("Hash"),
        text("Proposer"),
    ];
    let content = html! {
        h1 { "Blocks" }
        p { "Each " (word("block", "block")) " is " (word("final", "final")) "; a block without transactions is made once a second." }
        (verify::panel(&pages::BLOCKS, shown))
        div .scroll tabindex="0" role="region" aria-label="Blocks" { table .cards {
            caption { "Newest first" }
            (head(columns))
            tbody { @for block in &page.blocks { tr {
                td data-label=(height) { a href={ "/blocks/" (block.height) } { (block.height) } }
                td data-label=(time) data-proof=(at(block, "time_ms")) data-value=(block.time_ms) { (moment(block.time_ms.0)) }
                td .n data-label=(transactions) data-proof=(at(block, "transactions")) data-value=(block.transactions.leaf_count) { (grouped(block.transactions.leaf_count)) }
                td .n data-label=(anchored) data-proof=(at(block, "states_anchored")) data-value=(block.students.leaf_count) { (grouped(block.students.leaf_count)) }
                td data-label=(hash) data-proof=(at(block, "hash")) data-value=(block.hash) { (short(&block.hash.to_string())) }
                td data-label=(proposer) data-proof=(at(block, "proposer")) data-value=(block.proposer) { (validator(&names, &block.proposer)) }
            } } }
        } }
        (pager("/blocks", page.next.map(|next| format!("/blocks?from={next}"))))
        (explained(&["block", "final", "height", "hash", "validator"]))
    };
    Ok(shell::page(&node, &pages::BLOCKS, content))
}

pub(super) async fn show(State(node): State<Arc<AppState>>, FromPath(height): FromPath<u64>) -> Shown {
    let view = node.view();
    let block = chain::detail(&view, Height(height))?
        .ok_or_else(|| PageError::missing(format!("block {height}"), &pages::BLOCKS))?;
    let told = aula_read::transactions::words_of_block(&view, Height(height))?.unwrap_or_default();
    let summary = &block.summary;
    let names = names(&view)?;
    let field = |name: &str| at(summary, name);
    let content = html! {
        p .over { a href="/blocks" { "Blocks" } }
        h1 { "Block " (height) }
        (verify::panel(&pages::BLOCK, height))
        dl .facts {
            dt { "Time (UTC)" } dd data-proof=(field("time_ms")) data-value=(summary.time_ms) { (moment(summary.time_ms.0)) }
            dt { (word("hash", "Hash")) } dd data-proof=(field("hash")) data-value=(summary.hash) { (whole(&summary.hash)) }
            dt { "Before it" } dd data-proof=(field("parent")) data-value=(summary.parent) { @if height > 1 { a href={ "/blocks/" (height - 1) } { (whole(&summary.parent)) } }
                @else { a href=(paths::GENESIS) { "the genesis, " (whole(&summary.parent)) } } }
            dt { "Proposed by" } dd data-proof=(field("proposer")) data-value=(summary.proposer) { (validator(&names, &summary.proposer)) }
            dt { "Protocol" } dd { (summary.protocol) }
            dt { "Attempts" } dd { @if block.round == 0 { "decided at the first" } @else { "decided at attempt " (block.round + 1) } }
            dt { "Signed by" } dd { (block.signers.len()) " validators: " @for (at, signer) in block.signers.iter().enumerate() {
                @if at > 0 { ", " } (validator(&names, signer)) } }
            dt { "Student states anchored" } dd data-proof=(field("states_anchored")) data-value=(summary.students.leaf_count) { (grouped(summary.students.leaf_count))
                @if summary.students.leaf_count > 0 { ", root " (short(&summary.students.root.to_string())) } }
            dt { "Root of the state after it" } dd data-proof=(field("state_root")) data-value=(summary.state_root) { (whole(&summary.state_root)) }
        }
        (transactions(&block, &told))
        p .exports { a href=(paths::block(height)) { "JSON" } }
        nav .pager aria-label="Blocks before and after" {
            @if height > 1 { a rel="prev" href={ "/blocks/" (height - 1) } { "← Block " (height - 1) } }
            @if height < view.tip().height.0 { a rel="next" href={ "/blocks/" (height + 1) } { "Block " (height + 1) " →" } }
            @else { span { "This is the newest." } }
        }
        (explained(&["block", "final", "height", "hash", "validator", "transaction", "anchor"]))
    };
    Ok(shell::titled(&node, &pages::BLOCK, &format!("Block {height}"), content))
}

/// The place of a block's figure in a proof.
fn at(block: &BlockSummary, field: &str) -> String {
    format!("block-{}.{field}", block.height)
}

/// Names of the validators, by address.
fn names(view: &ChainView) -> Result<BTreeMap<ValidatorAddress, String>, StoreError> {
    let known = schema::validator_infos(view)?;
    Ok(known.into_iter().map(|info| (info.address, info.name.to_string())).collect())
}

fn validator(names: &BTreeMap<ValidatorAddress, String>, address: &ValidatorAddress) -> Markup {
    html! { a href={ "/validators#" (address) } title=(address) {
        @match names.get(address) { Some(name) => { (name) } None => { (short(&address.to_string())) } }
    } }
}

/// Transactions, each with what it did in sentences.
fn transactions(block: &BlockDetail, told: &[Vec<String>]) -> Markup {
    let columns @ [kind, did, outcome, id] = [text("Kind"), text("What it did"), text("Outcome"), text("Id")];
    html! {
        section {
            h2 { "Transactions" }
            @if block.outlines.is_empty() { p { "None: nothing was submitted in this second." } } @else {
                div .scroll tabindex="0" role="region" aria-label="Transactions of this block" { table .cards {
                    (head(columns))
                    tbody { @for (one, did_it) in block.outlines.iter().zip(told) { tr {
                        td data-label=(kind) title=(one.kind) { (words::kind_by_name(&one.kind)) }
                        td .wide data-label=(did) { (did_it.join(" ")) }
                        td data-label=(outcome) { @if one.code == 0 { "accepted" } @else { "rejected (" (one.code) "): " (one.meaning) } }
                        td data-label=(id) { a href={ "/transactions/" (one.id) } { (short(&one.id.to_string())) } }
                    } } }
                } }
            }
        }
    }
}
