//! Proposed changes in words: who is for them, what is needed, until when.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, column, register};
use super::verify;
use super::words::explained;
use aula_read::proposals;
use aula_web::http::Node;
use aula_web::pages;

pub(super) async fn list(State(node): State<Arc<Node>>) -> Shown {
    let lines = proposals::lines(&node.view())?;
    let content = html! {
        h1 { "Proposals" }
        p .lead { "What the members were asked to agree on. A change is applied by the vote that makes it more than two thirds of those who may vote; each member votes once." }
        (verify::panel(&pages::PROPOSALS, ""))
        div .scroll tabindex="0" role="region" aria-label="Proposals" { table .sortable .cards {
            caption { (lines.len()) " proposals, newest first" }
            thead { tr { (column("Proposal", true)) (column("What", false)) (column("For", true)) (column("Against", true)) (column("Needed", true))
                (column("Standing", false)) (column("Closes at height", true)) (column("Proposed by", false)) } }
            tbody { @for one in lines.iter().rev() { @let record = &one.record; tr id={ "proposal-" (record.proposal) } {
                td .n { (record.proposal) }
                td .wide { (one.what) }
                td .n { (one.approvals) }
                td .n { (one.against) }
                td .n { (one.needed.map_or_else(|| "–".to_owned(), |needed| needed.to_string())) }
                td { (one.standing) }
                td .n data-proof={ "proposal-" (record.proposal) ".open_until" } data-value=(record.open_until) { (record.open_until) }
                td .wide { (one.proposer_name) }
            } } @if lines.is_empty() { tr { td colspan="8" { "None yet." } } } }
        } }
        (register(&pages::PROPOSALS, lines.len()))
        p { "Members vote with " code { "aula consortium vote N yes" } "." }
        (explained(&["parameter", "validator", "height"]))
    };
    Ok(shell::page(&node, "/proposals", "Proposals", content))
}
