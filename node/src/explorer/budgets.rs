//! Budgets: what was funded and spent, by funder and school year.

use std::sync::Arc;

use aula_ledger::state::schema;
use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, column, exports, percent};
use super::verify;
use super::words::{explained, word};
use crate::api::Node;
use crate::read::words::amount;

pub(super) async fn list(State(node): State<Arc<Node>>) -> Shown {
    let view = node.view();
    let budgets = schema::budgets(&*view)?;
    let members = schema::members(&*view)?;
    let name = |account| {
        members.iter().find(|m| m.account == account).map(|m| m.name.to_string()).unwrap_or_default()
    };
    let content = html! {
        h1 { "Budgets" }
        p .lead { "A funder's " (word("budget", "budget")) " of a school year is charged when a " (word("pool", "pool")) " is opened, and can never be overdrawn." }
        (verify::panel("/v1/evidence/figures", "all budgets"))
        div .scroll tabindex="0" role="region" aria-label="Budgets" { table .sortable {
            caption { (budgets.len()) " budgets" }
            thead { tr { (column("Funder", false)) (column("School year", true)) (column("Funded", true)) (column("Spent on pools", true))
                (column("Left", true)) (column("Spent, share", true)) (column("By school", false)) } }
            tbody { @for one in &budgets { tr {
                td { a href={ "/members#" (one.funder) } { (name(one.funder)) } }
                td .n { (one.school_year) }
                td .n data-proof={ (one.funder) "." (one.school_year) ".funded_cents" } data-value=(one.funded_cents) { (amount(one.funded_cents.0)) }
                td .n data-proof={ (one.funder) "." (one.school_year) ".charged_cents" } data-value=(one.charged_cents) { (amount(one.charged_cents.0)) }
                td .n { (amount(one.funded_cents.0.saturating_sub(one.charged_cents.0))) }
                td .n { ((one.charged_cents.0.saturating_mul(1_000_000)).checked_div(one.funded_cents.0).map_or_else(|| "–".to_owned(), percent)) }
                td { @if schema::stated_budget(&*view, &one.funder, one.school_year).ok().flatten().is_some() { "stated, as commitments" } @else { "not stated" } }
            } } }
        } }
        p { "Amounts by school are stated as commitments with a proof that they sum to the budget; nobody reads them here. "
            code { "aula evidence budget" } " fetches that proof for a member or auditor." }
        (exports("budgets", budgets.len()))
        (explained(&["budget", "pool"]))
    };
    Ok(shell::page(&node, "/budgets", "Budgets", content))
}
