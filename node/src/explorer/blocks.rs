//! Blocks, newest first, and one with its transactions and signers.

use std::sync::Arc;

use aula_ledger::types::Height;
use axum::extract::State;
use maud::{Markup, html};

use super::error::{PageError, Shown};
use super::shell::{self, column, pager, short};
use super::words::{explained, word};
use crate::api::chain::{self, BlockDetail, BlocksQuery};
use crate::api::{FromPath, FromQuery, Node};
use crate::read::{utc, words};

/// Blocks on a page.
const SHOWN: u64 = 50;

pub(super) async fn list(State(node): State<Arc<Node>>, FromQuery(query): FromQuery<BlocksQuery>) -> Shown {
    let limit = query.limit.unwrap_or(SHOWN).clamp(1, chain::MAX_BLOCKS);
    let page = chain::page(&node.view(), query.from, limit)?;
    let content = html! {
        h1 { "Blocks" }
        p { "Each " (word("block", "block")) " is " (word("final", "final")) "; a block without transactions is made once a second." }
        div .scroll tabindex="0" role="region" aria-label="Blocks" { table {
            caption { "Newest first" }
            thead { tr {
                (column("Height", false)) (column("Time (UTC)", false)) (column("Transactions", true))
                (column("States anchored", true)) (column("Hash", false)) (column("Proposer", false))
            } }
            tbody { @for block in &page.blocks { tr {
                td { a href={ "/blocks/" (block.height) } { (block.height) } }
                td { (utc(block.time_ms.0)) }
                td .n { (block.transactions.leaf_count) }
                td .n { (block.students.leaf_count) }
                td { (short(&block.hash.to_string())) }
                td { a href={ "/validators#" (block.proposer) } { (short(&block.proposer.to_string())) } }
            } } }
        } }
        (pager("/blocks", page.next.map(|next| format!("/blocks?from={next}"))))
        (explained(&["block", "final", "height", "hash", "validator"]))
    };
    Ok(shell::page(&node, "/blocks", "Blocks", content))
}

pub(super) async fn show(State(node): State<Arc<Node>>, FromPath(height): FromPath<u64>) -> Shown {
    let view = node.view();
    let block = chain::detail(&view, Height(height))?
        .ok_or_else(|| PageError::missing(format!("block {height}"), "/blocks"))?;
    let summary = &block.summary;
    let content = html! {
        h1 { "Block " (height) }
        dl .facts {
            dt { "Time (UTC)" } dd { (utc(summary.time_ms.0)) }
            dt { (word("hash", "Hash")) } dd { code { (summary.hash) } }
            dt { "Before it" } dd { @if height > 1 { a href={ "/blocks/" (height - 1) } { code { (summary.parent) } } }
                @else { a href="/v1/genesis" { "the genesis, " code { (summary.parent) } } } }
            dt { "Proposed by" } dd { a href={ "/validators#" (summary.proposer) } { code { (summary.proposer) } } }
            dt { "Decided in round" } dd { (block.round) @if block.round == 0 { ": at the first attempt" } }
            dt { "Signed by" } dd { (block.signers.len()) " validators: " @for (at, signer) in block.signers.iter().enumerate() {
                @if at > 0 { ", " } a href={ "/validators#" (signer) } { (short(&signer.to_string())) } } }
            dt { "Student states anchored" } dd { (summary.students.leaf_count) ", root " (short(&summary.students.root.to_string())) }
            dt { "Root of the state after it" } dd { code { (summary.state_root) } }
        }
        (transactions(&block))
        p .exports { a href={ "/v1/blocks/" (height) } { "JSON" } }
        nav .pager aria-label="Blocks before and after" {
            @if height > 1 { a rel="prev" href={ "/blocks/" (height - 1) } { "Block " (height - 1) } }
            a rel="next" href={ "/blocks/" (height + 1) } { "Block " (height + 1) }
        }
        (explained(&["block", "final", "height", "hash", "validator", "transaction", "anchor"]))
    };
    Ok(shell::page(&node, "/blocks", &format!("Block {height}"), content))
}

fn transactions(block: &BlockDetail) -> Markup {
    html! {
        section {
            h2 { "Transactions" }
            @if block.outlines.is_empty() { p { "None: nothing was submitted in this second." } } @else {
                div .scroll tabindex="0" role="region" aria-label="Transactions of this block" { table {
                    thead { tr { (column("Id", false)) (column("Kind", false)) (column("Outcome", false)) (column("What it did", false)) } }
                    tbody { @for one in &block.outlines { tr {
                        td { a href={ "/transactions/" (one.id) } { (short(&one.id.to_string())) } }
                        td { (one.kind) }
                        td { @if one.code == 0 { "accepted" } @else { "rejected (" (one.code) "): " (one.meaning) } }
                        td .wide { @for event in &one.events { (words::event(event)) " " } }
                    } } }
                } }
            }
        }
    }
}
