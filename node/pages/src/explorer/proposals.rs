//! Proposed changes in words: who is for them, what is needed, until when.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, register};
use super::table::{head, number, text};
use super::verify;
use super::words::explained;
use aula_read::proposals;
use aula_web::http::AppState;
use aula_web::pages;

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let lines = proposals::lines(&node.view())?;
    let columns @ [proposal, what, in_favour, against, needed, stands, closes, by] = [
        number("Proposal"),
        text("What"),
        number("For"),
        number("Against"),
        number("Needed"),
        text("Standing"),
        number("Closes at height"),
        text("Proposed by"),
    ];
    let content = html! {
        h1 { "Proposals" }
        p .lead { "What the members were asked to agree on. A change is applied by the vote that makes it more than two thirds of those who may vote; each member votes once." }
        (verify::panel(&pages::PROPOSALS, ""))
        div .scroll tabindex="0" role="region" aria-label="Proposals" { table .sortable .cards {
            caption { (lines.len()) " proposals, newest first" }
            (head(columns))
            tbody { @for one in lines.iter().rev() { @let record = &one.record; tr id={ "proposal-" (record.proposal) } {
                td .n data-label=(proposal) { (record.proposal) }
                td .wide data-label=(what) { (one.what) }
                td .n data-label=(in_favour) { (one.approvals) }
                td .n data-label=(against) { (one.against) }
                td .n data-label=(needed) { (one.needed.map_or_else(|| "–".to_owned(), |needed| needed.to_string())) }
                td data-label=(stands) { (one.standing) }
                td .n data-label=(closes) data-proof={ "proposal-" (record.proposal) ".open_until" } data-value=(record.open_until) { (record.open_until) }
                td .wide data-label=(by) { (one.proposer_name) }
            } } @if lines.is_empty() { tr { td colspan=(columns.len()) { "None yet." } } } }
        } }
        (register(&pages::PROPOSALS, lines.len()))
        p { "Members vote with " code { "aula consortium vote N yes" } "." }
        (explained(&["parameter", "validator", "height"]))
    };
    Ok(shell::page(&node, &pages::PROPOSALS, content))
}
