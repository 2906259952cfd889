//! The parameters in force and their history.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, register};
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_api::paths;
use aula_read::parameters::parameters;
use aula_read::words::grouped;
use aula_web::http::AppState;
use aula_web::pages;

/// A value as people read it: a school year is no count.
fn said(name: &str, value: u64) -> String {
    if name.ends_with("_school_year") { value.to_string() } else { grouped(value) }
}

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let known = parameters(&node.view())?;
    let columns @ [meaning, value, founded, name] =
        [text("What it is"), number("Value"), number("In the genesis"), text("Name")];
    let changes @ [block, proposal, changed, before, after] =
        [number("Block"), number("Proposal"), text("Name"), number("Before"), number("After")];
    let content = html! {
        h1 { "Parameters" }
        p .lead { "Every validator uses these numbers. A " (word("parameter", "parameter")) " changes only by a vote of more than two thirds of the members. \"In the genesis\" is what it was when the chain was founded." }
        (verify::panel(&pages::PARAMETERS, ""))
        div .scroll tabindex="0" role="region" aria-label="Parameters" { table .sortable .cards {
            caption { "In force at height " (known.height) }
            (head(columns))
            tbody { @for one in &known.parameters { tr {
                td .wide data-label=(meaning) { (one.meaning) }
                td .n data-label=(value) data-proof={ "parameters." (one.name) } data-value=(one.value) { (said(&one.name, one.value)) }
                td .n data-label=(founded) data-proof={ "genesis.parameters." (one.name) } data-value=(one.at_genesis) { (said(&one.name, one.at_genesis)) }
                td data-label=(name) { code .whole { (one.name) } }
            } } }
        } }
        (register(&pages::PARAMETERS, known.parameters.len()))
        h2 { "History" }
        @if known.history.is_empty() { p { "None was changed since the genesis." } } @else {
            div .scroll tabindex="0" role="region" aria-label="History" { table .cards {
                caption { "Oldest first" }
                (head(changes))
                tbody { @for one in &known.history { tr {
                    td .n data-label=(block) data-proof={ "proposal-" (one.proposal) ".status.height" } data-value=(one.height) { a href={ "/blocks/" (one.height) } { (one.height) } }
                    td .n data-label=(proposal) { (one.proposal) } td data-label=(changed) { code .whole { (one.name) } }
                    td .n data-label=(before) { (said(&one.name, one.before)) }
                    td .n data-label=(after) data-proof={ "proposal-" (one.proposal) ".change.params." (one.name) } data-value=(one.after) { (said(&one.name, one.after)) }
                } } }
            } }
        }
        p .exports { "All proposals with their votes: " a href=(paths::PROPOSALS) { "JSON" } ", " a href=(paths::export("proposals.csv")) { "CSV" } }
        (explained(&["parameter", "validator", "genesis"]))
    };
    Ok(shell::page(&node, &pages::PARAMETERS, content))
}
