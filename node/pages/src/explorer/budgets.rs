//! Budgets: what was funded and spent, by funder and school year.

use std::sync::Arc;

use aula_ledger::state::schema::{self, Budget};
use axum::extract::State;
use maud::html;

use super::error::Shown;
use super::shell::{self, percent, register};
use super::shown;
use super::standing;
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::rounds;
use aula_read::statements;
use aula_read::words::amount;
use aula_web::http::AppState;
use aula_web::pages;

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let view = node.view();
    let budgets = statements::budgets(&view)?;
    let bound = schema::protocol(&*view)?.now.binds_statements();
    let members = schema::members(&*view)?;
    let name = |account| {
        members.iter().find(|m| m.account == account).map(|m| m.name.to_string()).unwrap_or_default()
    };
    let columns @ [funder, year, funded, charged, unspent, share, by_school, floor] = [
        text("Funder"),
        number("School year"),
        number("Funded"),
        number("Spent on pools"),
        number("Left"),
        number("Spent, share"),
        text("By school"),
        text("Floor"),
    ];
    let content = html! {
        h1 { "Budgets" }
        p .lead { "A funder's " (word("budget", "budget")) " of a school year is charged when a " (word("pool", "pool")) " is opened, and can never be overdrawn." }
        (verify::panel(&pages::BUDGETS, ""))
        (standing::fallen_of_pools(&rounds::all(&view)?))
        (shown::money(budgets.iter().map(|stated| &stated.budget)))
        div .scroll tabindex="0" role="region" aria-label="Budgets" { table .sortable .cards {
            caption { (budgets.len()) " budgets" }
            (head(columns))
            tbody { @for (one, stated) in budgets.iter().map(|stated| (&stated.budget, stated)) { tr {
                td data-label=(funder) { a href={ "/members#" (one.funder) } { (name(one.funder)) } }
                td .n data-label=(year) { (one.school_year) }
                td .n data-label=(funded) data-proof={ (one.funder) "." (one.school_year) ".funded_cents" } data-value=(one.funded_cents) { (amount(one.funded_cents.0)) }
                td .n data-label=(charged) data-proof={ (one.funder) "." (one.school_year) ".charged_cents" } data-value=(one.charged_cents) { (amount(one.charged_cents.0)) }
                td .n data-label=(unspent) data-proof={ (one.funder) "." (one.school_year) ".left_cents" } data-value=(left(one)) { (amount(left(one))) }
                td .n data-label=(share) data-proof={ (one.funder) "." (one.school_year) ".charged_ppm" } data-value=[spent(one)] { (spent(one).map_or_else(|| "–".to_owned(), percent)) }
                td .wide data-label=(by_school) { (stated.statement.explain()) }
                td .wide data-label=(floor) { (stated.floor.explain()) }
            } } }
        } }
        p { "Amounts are in units of the funder's currency, with cents. " code { "aula evidence budget" } " fetches the proofs for the funder or an auditor; "
            code { "aula-audit verify" } " checks them offline." }
        h2 { "What a statement proves" }
        ul {
            @if bound {
                li { "How much went to which school: each school's amount is what the ledger charged to this budget for the school's " (word("pool", "pools"))
                    ", as of the block that the statement names, and no pool is left out. Pools are public; whoever checks adds them up himself." }
            } @else {
                li { "How much went to which school is stated as commitments: locked boxes that nobody reads. None is negative, or above 42,949,672.95." }
                li { "The amounts of all schools add up to exactly what the funder has funded in that year." }
            }
            li { "Where a floor is stated: of the same amounts, each school got at least so much for its weighted pupils, who are those of the round named. "
                "What the pupils of a school weigh stays hidden; that it is at most the school's amount, divided by the floor, follows."
                @if bound { " A floor over a statement from before protocol 3 is taken no more; one that an older block took is of amounts that its funder chose." } }
        }
        h2 { "What it does not prove" }
        ul {
            @if bound {
                li { "That all the money funded was spent: what no pool was charged for is not stated. It is the difference shown above." }
            } @else {
                li { "Any single amount; and that a school's amount is what its pools were charged, which the pools show one by one. "
                    "Statements prove this from protocol 3 on, which the members may vote for." }
            }
            li { "That the money was paid out, and what was bought with it." }
            li { "That the needs which weigh the pupils are true: audits draw a sample of those." }
        }
        (register(&pages::BUDGETS, budgets.len()))
        (explained(&["budget", "pool"]))
    };
    Ok(shell::page(&node, &pages::BUDGETS, content))
}

fn left(budget: &Budget) -> u64 {
    budget.funded_cents.0.saturating_sub(budget.charged_cents.0)
}

/// The share spent, in parts per million, rounded down.
fn spent(budget: &Budget) -> Option<u64> {
    let ppm = (u128::from(budget.charged_cents.0) * 1_000_000).checked_div(budget.funded_cents.0.into())?;
    u64::try_from(ppm).ok()
}
