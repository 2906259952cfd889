//! The parameters in force and their history.

use std::sync::Arc;

use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, column, register};
use super::verify;
use super::words::{explained, word};
use aula_read::parameters::parameters;
use aula_read::words::grouped;
use aula_web::http::Node;
use aula_web::pages;

/// A value as people read it: a school year is no count.
fn said(name: &str, value: u64) -> String {
    if name.ends_with("_school_year") { value.to_string() } else { grouped(value) }
}

pub(super) async fn list(State(node): State<Arc<Node>>) -> Shown {
    let known = parameters(&node.view())?;
    let content = html! {
        h1 { "Parameters" }
        p .lead { "Every validator uses these numbers. A " (word("parameter", "parameter")) " changes only by a vote of more than two thirds of the members. \"In the genesis\" is what it was when the chain was founded." }
        (verify::panel(&pages::PARAMETERS, ""))
        div .scroll tabindex="0" role="region" aria-label="Parameters" { table .sortable .cards {
            caption { "In force at height " (known.height) }
            thead { tr { (column("What it is", false)) (column("Value", true)) (column("In the genesis", true)) (column("Name", false)) } }
            tbody { @for one in &known.parameters { tr {
                td .wide { (one.meaning) }
                td .n data-proof={ "parameters." (one.name) } data-value=(one.value) { (said(&one.name, one.value)) }
                td .n data-proof={ "genesis.parameters." (one.name) } data-value=(one.at_genesis) { (said(&one.name, one.at_genesis)) }
                td { code .whole { (one.name) } }
            } } }
        } }
        (register(&pages::PARAMETERS, known.parameters.len()))
        h2 { "History" }
        @if known.history.is_empty() { p { "None was changed since the genesis." } } @else {
            div .scroll tabindex="0" role="region" aria-label="History" { table .cards {
                caption { "Oldest first" }
                thead { tr { (column("Block", true)) (column("Proposal", true)) (column("Name", false)) (column("Before", true)) (column("After", true)) } }
                tbody { @for one in &known.history { tr {
                    td .n data-proof={ "proposal-" (one.proposal) ".status.height" } data-value=(one.height) { a href={ "/blocks/" (one.height) } { (one.height) } }
                    td .n { (one.proposal) } td { code .whole { (one.name) } }
                    td .n { (said(&one.name, one.before)) }
                    td .n data-proof={ "proposal-" (one.proposal) ".change.params." (one.name) } data-value=(one.after) { (said(&one.name, one.after)) }
                } } }
            } }
        }
        p .exports { "All proposals with their votes: " a href="/v1/proposals" { "JSON" } ", " a href="/v1/export/proposals.csv" { "CSV" } }
        (explained(&["parameter", "validator", "genesis"]))
    };
    Ok(shell::page(&node, "/parameters", "Parameters", content))
}
