//! Transactions of the whole chain, newest first, and one with its receipt in words.

use std::sync::Arc;

use aula_api::paths;
use aula_ledger::state::schema;
use aula_ledger::tx::PayloadKind;
use aula_ledger::types::Hash;
use axum::extract::State;
use maud::{Markup, html};

use super::error::{PageError, Shown};
use super::shell::{self, moment, pager, register, short, whole};
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::statements::Statement;
use aula_read::transactions::{self, Line, Page};
use aula_read::words::{self, grouped, kind_by_name};
use aula_web::api::listings::{TransactionsQuery, transactions_page};
use aula_web::http::{AppState, FromPath, FromQuery};
use aula_web::pages;

pub(super) async fn list(
    State(node): State<Arc<AppState>>,
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
                option value="" selected[kind.is_none()] { "All kinds" }
                @for one in PayloadKind::ALL { option value=(one.name()) selected[kind == Some(one.name())] { (words::kind(*one)) } }
            }
            button type="submit" { "Show" }
        }
        p { (grouped(page.count)) " transactions, up to height " (page.height) "." }
        (table(&page))
        (pager("/transactions", page.next.map(with)))
        (register(&pages::TRANSACTIONS, total))
        (explained(&["transaction", "final", "block", "anchor"]))
    };
    Ok(shell::page(&node, &pages::TRANSACTIONS, content))
}

/// Lines of transactions; also of the administrative trail.
pub(super) fn table(page: &Page) -> Markup {
    let columns @ [ordinal, kind, did, result, block, time, id] = [
        number("Number"),
        text("Kind"),
        text("What it did"),
        text("Outcome"),
        number("Block"),
        text("Time (UTC)"),
        text("Id"),
    ];
    html! {
        div .scroll tabindex="0" role="region" aria-label="Transactions" { table .cards {
            caption { "Newest first" }
            (head(columns))
            tbody { @for line in &page.transactions { tr {
                td .n data-label=(ordinal) { (line.ordinal) }
                td data-label=(kind) data-proof=[act(line, "kind")] data-value=(line.outline.kind) title=(line.outline.kind) { (kind_by_name(&line.outline.kind)) }
                td .wide data-label=(did) data-proof=[act(line, "events")] data-value=[act(line, "").map(|_| events(line))] { (line.words.join(" ")) @if let Some(note) = fallen(line) { " (" (note) ")" } }
                td data-label=(result) data-proof=[act(line, "code")] data-value=(line.outline.code) { (outcome(line)) }
                td .n data-label=(block) { a href={ "/blocks/" (line.height) } { (line.height) } }
                td data-label=(time) data-proof={ "block-" (line.height) ".time_ms" } data-value=(line.time_ms) { (moment(line.time_ms)) }
                td data-label=(id) data-proof=[act(line, "id")] data-value=(line.outline.id) { a href={ "/transactions/" (line.outline.id) } { (short(&line.outline.id.to_string())) } }
            } } @if page.transactions.is_empty() { tr { td colspan=(columns.len()) { "None yet." } } } }
        } }
    }
}

/// The place of an act in a proof; none when nobody but members may have the proof.
fn act(line: &Line, field: &str) -> Option<String> {
    line.outline.provable.then(|| format!("act-{}-{}.{field}", line.height, line.index))
}

/// What the receipt says, as the proof has it.
fn events(line: &Line) -> String {
    serde_json::to_string(&line.outline.events).unwrap_or_default()
}

/// Of a funder's statement that is not of the money as it is now: that, and why.
fn fallen(line: &Line) -> Option<&'static str> {
    line.statement.filter(|one| *one == Statement::Superseded).map(Statement::explain)
}

fn outcome(line: &Line) -> Markup {
    html! { @if line.outline.code == 0 { "accepted" } @else { "rejected (" (line.outline.code) ")" } }
}

pub(super) async fn show(State(node): State<Arc<AppState>>, FromPath(id): FromPath<Hash>) -> Shown {
    let view = node.view();
    let missing = || PageError::missing(format!("final transaction {id}"), &pages::TRANSACTIONS);
    let line = transactions::one(&view, &node.index, &id)?.ok_or_else(missing)?;
    let sender =
        line.outline.account.parse().ok().map(|account| schema::member(&*view, &account)).transpose()?;
    let sender = sender.flatten().map(|member| member.name.to_string());
    let content = html! {
        p .over { a href="/transactions" { "Transactions" } " / number " (line.ordinal) }
        h1 { (kind_by_name(&line.outline.kind)) }
        p .lead { (told(&line, sender.as_deref())) }
        @if line.outline.provable { (verify::panel(&pages::TRANSACTION, id)) }
        @else { p .soft { "It names students or tells a withheld count, so its proof is for members and auditors. That its block is final, anybody verifies on "
            a href={ "/blocks/" (line.height) } { "the block's page" } "." } }
        dl .facts {
            dt { "Id" } dd data-proof=[act(&line, "id")] data-value=(line.outline.id) { (whole(&line.outline.id)) }
            dt { "Kind" } dd data-proof=[act(&line, "kind")] data-value=(line.outline.kind) { code { (line.outline.kind) } }
            dt { "Sender" } dd data-proof=[act(&line, "account")] data-value=(line.outline.account) { a href={ "/members#" (line.outline.account) } { (sender.as_deref().unwrap_or("no longer a member")) }
                " " (whole(&line.outline.account)) ", the sender's number " (line.outline.sequence) }
            dt { "Place" } dd { a href={ "/blocks/" (line.height) } { "block " (line.height) } ", position " (line.index)
                "; number " (line.ordinal) " of the chain" }
            dt { "Time (UTC)" } dd data-proof={ "block-" (line.height) ".time_ms" } data-value=(line.time_ms) { (moment(line.time_ms)) }
            dt { "Size" } dd { @match (line.outline.bytes, line.outline.entries) {
                (Some(bytes), Some(entries)) => { (grouped(bytes as u64)) " bytes, " (grouped(entries as u64)) @if entries == 1 { " entry" } @else { " entries" } }
                _ => { "withheld: a district's batches would tell how many of its students asked" }
            } }
            dt { "Outcome" } dd data-proof=[act(&line, "code")] data-value=(line.outline.code) { (line.outline.meaning) " (code " (line.outline.code) ")" }
        }
        section {
            h2 { "The receipt in words" }
            @if line.words.is_empty() { p { "It changed nothing." } }
            @if let Some(note) = fallen(&line) { p .note role="status" { "This statement is " (note) "." } }
            ul data-proof=[act(&line, "events")] data-value=[act(&line, "").map(|_| events(&line))] { @for words in &line.words { li { (words) } } }
        }
        p .exports { a href=(paths::transaction(line.outline.id)) { "JSON" } }
        (explained(&["transaction", "final", "block"]))
    };
    Ok(shell::page(&node, &pages::TRANSACTION, content))
}

fn told(line: &Line, sender: Option<&str>) -> Markup {
    html! {
        (sender.unwrap_or("A former member")) " sent it; it is " (word("final", "final")) " in block " (line.height) " and was "
        @if line.outline.code == 0 { "accepted." } @else { "rejected: " (line.outline.meaning) "." }
    }
}
