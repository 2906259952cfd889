//! Transactions of the whole chain, newest first, and one with its receipt in words.

use std::sync::Arc;

use aula_ledger::state::schema;
use aula_ledger::tx::PayloadKind;
use aula_ledger::types::Hash;
use axum::extract::State;
use maud::{Markup, html};

use super::error::{PageError, Shown};
use super::shell::{self, column, exports, pager, short};
use super::words::{explained, word};
use crate::api::listings::{TransactionsQuery, transactions_page};
use crate::api::{FromPath, FromQuery, Node};
use crate::read::transactions::{self, Line, Page};
use crate::read::utc;
use crate::read::words::grouped;

pub(super) async fn list(
    State(node): State<Arc<Node>>,
    FromQuery(mut query): FromQuery<TransactionsQuery>,
) -> Shown {
    query.kind = query.kind.filter(|kind| !kind.is_empty());
    query.limit = Some(query.limit.unwrap_or(50));
    let page = transactions_page(&node, &query)?;
    let kind = query.kind.as_deref();
    let with = |before: u64| match kind {
        Some(kind) => format!("/transactions?kind={kind}&before={before}"),
        None => format!("/transactions?before={before}"),
    };
    let total = usize::try_from(node.index.follow(&node.view())?.transactions()).unwrap_or(usize::MAX);
    let content = html! {
        h1 { "Transactions" }
        p { "Each " (word("transaction", "transaction")) " was signed by its sender and stands in a " (word("final", "final")) " block." }
        form .filter method="get" action="/transactions" {
            label for="kind" { "Kind" }
            select #kind name="kind" {
                option value="" selected[kind.is_none()] { "all" }
                @for one in PayloadKind::ALL { option value=(one.name()) selected[kind == Some(one.name())] { (one.name()) } }
            }
            button type="submit" { "Show" }
        }
        p { (grouped(page.count)) " transactions, up to height " (page.height) "." }
        (table(&page))
        (pager("/transactions", page.next.map(with)))
        (exports("transactions", total))
        (explained(&["transaction", "final", "block", "anchor"]))
    };
    Ok(shell::page(&node, "/transactions", "Transactions", content))
}

/// Lines of transactions; also of the administrative trail.
pub(super) fn table(page: &Page) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label="Transactions" { table {
            caption { "Newest first" }
            thead { tr {
                (column("Number", true)) (column("Block", true)) (column("Time (UTC)", false)) (column("Kind", false))
                (column("Outcome", false)) (column("What it did", false)) (column("Id", false))
            } }
            tbody { @for line in &page.transactions { tr {
                td .n { (line.ordinal) }
                td .n { a href={ "/blocks/" (line.height) } { (line.height) } }
                td { (utc(line.time_ms)) }
                td { (line.outline.kind) }
                td { @if line.outline.code == 0 { "accepted" } @else { "rejected (" (line.outline.code) ")" } }
                td .wide { (line.words.join(" ")) }
                td { a href={ "/transactions/" (line.outline.id) } { (short(&line.outline.id.to_string())) } }
            } } }
        } }
    }
}

pub(super) async fn show(State(node): State<Arc<Node>>, FromPath(id): FromPath<Hash>) -> Shown {
    let view = node.view();
    let missing = || PageError::missing(format!("final transaction {id}"), "/transactions");
    let line = transactions::one(&view, &node.index, &id)?.ok_or_else(missing)?;
    let sender =
        line.outline.account.parse().ok().map(|account| schema::member(&*view, &account)).transpose()?;
    let sender = sender.flatten().map(|member| member.name.to_string());
    let content = html! {
        h1 { "Transaction" }
        p .lead { (told(&line, sender.as_deref())) }
        dl .facts {
            dt { "Id" } dd { code { (line.outline.id) } }
            dt { "Kind" } dd { (line.outline.kind) }
            dt { "Sender" } dd { a href={ "/members#" (line.outline.account) } { (sender.as_deref().unwrap_or("no longer a member")) }
                " " code { (line.outline.account) } ", its number " (line.outline.sequence) }
            dt { "Place" } dd { a href={ "/blocks/" (line.height) } { "block " (line.height) } ", position " (line.index)
                "; number " (line.ordinal) " of the chain" }
            dt { "Time (UTC)" } dd { (utc(line.time_ms)) }
            dt { "Size" } dd { @match (line.outline.bytes, line.outline.entries) {
                (Some(bytes), Some(entries)) => { (grouped(bytes as u64)) " bytes, " (grouped(entries as u64)) " entries" }
                _ => { "withheld: a district's batches would tell how many of its students asked" }
            } }
            dt { "Outcome" } dd { (line.outline.meaning) " (code " (line.outline.code) ")" }
        }
        section {
            h2 { "The receipt in words" }
            @if line.words.is_empty() { p { "It changed nothing." } }
            ul { @for words in &line.words { li { (words) } } }
        }
        p .exports { a href={ "/v1/transactions/" (line.outline.id) } { "JSON" } }
        (explained(&["transaction", "final", "block"]))
    };
    Ok(shell::page(&node, "/transactions", "Transaction", content))
}

fn told(line: &Line, sender: Option<&str>) -> Markup {
    html! {
        (sender.unwrap_or("A former member")) " sent " (line.outline.kind) "; it is " (word("final", "final")) " in block " (line.height) " and was "
        @if line.outline.code == 0 { "accepted." } @else { "rejected: " (line.outline.meaning) "." }
    }
}
