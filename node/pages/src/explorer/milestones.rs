//! Milestones: how many stand on the ledger, never whose.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, register};
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::milestones::milestones;
use aula_read::words::grouped;
use aula_web::http::AppState;
use aula_web::pages;

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let known = milestones(&node.view())?;
    let content = html! {
        h1 { "Milestones" }
        p .lead { "What students reached, recorded once and never changed; a correction is a record of its own. Counts are rounded down to a multiple of "
            (known.rounded_to) ", so that they point at nobody (" (word("withheld", "withheld")) " below that)." }
        (verify::panel(&pages::MILESTONES, ""))
        div .scroll tabindex="0" role="region" aria-label="Milestones" { table .sortable {
            caption { "Up to height " (known.height) }
            (head([number("School year"), text("What was reached"), number("At least")]))
            tbody { @for one in &known.milestones { tr {
                td .n { (one.school_year) } td { (one.kind.replace('_', " ")) }
                td .n data-proof={ "milestones-" (one.school_year) "-" (one.kind) ".at_least" } data-value=[one.at_least] {
                    @match one.at_least { Some(n) => { (grouped(n.into())) } None => { "fewer than " (known.rounded_to) } }
                }
            } } @if known.milestones.is_empty() { tr { td colspan="3" { "None yet." } } } }
        } }
        (register(&pages::MILESTONES, known.milestones.len()))
        (explained(&["withheld", "height"]))
    };
    Ok(shell::page(&node, &pages::MILESTONES, content))
}
