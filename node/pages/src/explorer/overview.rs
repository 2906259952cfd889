//! The overview: what this is, where the chain is, the newest blocks and rounds, and where the data came from.

use std::sync::Arc;

use aula_ledger::genesis::Source;
use aula_ledger::state::schema;
use axum::extract::State;
use maud::{Markup, html};

use super::error::Shown;
use super::rounds::rounds_table;
use super::shell;
use super::shown;
use super::standing;
use super::table::{head, number, text};
use super::verify;
use super::who;
use super::words::{explained, word};
use aula_read::acknowledgements;
use aula_read::rounds::{self, RoundView};
use aula_read::utc;
use aula_read::words::{amount, grouped};
use aula_store::ChainView;
use aula_web::api::chain::{self, BlockSummary, Status};
use aula_web::http::AppState;
use aula_web::pages;

/// Newest blocks shown; the script keeps as many.
const BLOCKS: u64 = 12;

/// Totals of the register.
struct Totals {
    districts: usize,
    schools: usize,
    pools: usize,
    places: u64,
    funded_cents: u64,
    charged_cents: u64,
    anchored: u64,
}

pub(super) async fn show(State(node): State<Arc<AppState>>) -> Shown {
    let status = chain::status_of(&node)?;
    let view = node.view();
    let blocks = chain::page(&view, None, BLOCKS)?.blocks;
    let mut newest = rounds::all(&view)?;
    newest.reverse();
    newest.truncate(10);
    let min_cell = schema::params(&*view)?.min_cell_students;
    let totals = totals(&node, &view)?;
    let late_lines = acknowledgements::late(&view)?;
    let content = html! {
        h1 { "Who got what, and was it fair?" }
        (countdown(&status))
        (intro())
        (steps(newest.iter().find(|round| round.stands())))
        (totals_section(&totals))
        section {
            h2 { "Newest rounds" }
            p { "A " (word("round", "round")) " gives the places of one kind of resource to the students who asked. Counts that could point at a student are "
                (word("withheld", "withheld")) " and shown as a dash: no number here is of fewer than " (min_cell) " students." }
            (verify::panel(&pages::OVERVIEW, ""))
            (shown::over_rounds(&newest))
            (rounds_table(&newest))
            (standing::late(&late_lines))
            p { a href="/rounds" { "All rounds" } }
        }
        (figures(&status))
        (blocks_section(&blocks))
        (who::section())
        (sources(&node.genesis.genesis.sources))
        (explained(&["block", "final", "height", "validator", "transaction", "anchor", "round", "optimal", "cost",
            "mandate", "withheld", "pool", "budget", "genesis"]))
    };
    Ok(shell::page(&node, &pages::OVERVIEW, content))
}

fn totals(node: &AppState, view: &ChainView) -> Result<Totals, aula_web::api_error::ApiError> {
    let mut pools = schema::all_pools(view)?;
    pools.retain(|pool| pool.retired.is_none());
    let budgets = schema::budgets(view)?;
    Ok(Totals {
        districts: schema::districts(view)?.len(),
        schools: schema::schools(view)?.len(),
        places: pools.iter().map(|pool| u64::from(pool.capacity)).sum(),
        pools: pools.len(),
        funded_cents: budgets.iter().map(|budget| budget.funded_cents.0).sum(),
        charged_cents: budgets.iter().map(|budget| budget.charged_cents.0).sum(),
        anchored: node.index.follow(view)?.anchored(),
    })
}

/// What the members have voted for and every node must be ready for.
fn countdown(status: &Status) -> Markup {
    html! {
        @if let Some(next) = &status.protocol.next {
            p #protocol-next .lead role="status" {
                "In " (grouped(next.blocks_left)) " blocks, at height " (grouped(next.height.0)) ", the ledger goes by protocol "
                (next.protocol) ". Its nodes run Aula " (next.program) " by then. "
                a href="/proposals" { "What was voted" }
            }
        }
    }
}

fn intro() -> Markup {
    html! {
        p .lead {
            "School districts run this ledger together. They share scarce things (devices, aids, rooms) by "
            (word("round", "rounds")) " of an optimizer that proves its own answer, and write down what anybody needs to check it. "
            "No student's name or record is on it. Who asked is a row under a pseudonym, which these pages do not show: "
            a href="#who" { "who sees what" } ". A " (word("block", "block")) " is "
            (word("final", "final")) " once more than two thirds of the " (word("validator", "validators")) " signed it."
        }
    }
}

/// Where somebody who has never seen a ledger may begin.
fn steps(newest: Option<&RoundView>) -> Markup {
    let decided = newest.and_then(|round| round.decision.as_ref().map(|decision| (round, decision)));
    html! {
        ol .steps aria-label="Where to begin" {
            li {
                h2 { "See who got what" }
                @match decided {
                    Some((round, decision)) => p {
                        a href={ "/rounds/" (round.round) } { "Round " (round.round) ", " (round.title) } ": "
                        (shell::count(decision.requests)) " students asked, " (shell::count(decision.placed)) " got a place."
                    },
                    None => p { "No decision of a " a href="/rounds" { "round" } " stands yet." },
                }
            }
            li {
                h2 { "Find your school" }
                p { "By its " a href="/schools" { "number" } " or its " a href="/districts" { "district" } ": its places, and how its students fared. For one child there is the "
                    a href="/family" { "families' page" } "." }
            }
            li {
                h2 { "Check it yourself" }
                p { "Press a \"Verify\" button: your own browser checks the figures against what the " (word("validator", "validators")) " signed. "
                    a href="/verify" { "How that works" } "." }
            }
        }
    }
}

fn figures(status: &Status) -> Markup {
    let finality = status.finality.map(|f| format!("{} ms", grouped(f.p50_ms)));
    let slowest = status.finality.map(|f| format!("99 of 100 blocks within {} ms", grouped(f.p99_ms)));
    html! {
        section {
            h2 { "The ledger now" }
            dl .figures {
                div { dt { (word("height", "Height")) } dd #height { (status.height) } }
                div { dt { "Last block (UTC)" } dd .small #time data-ms=(status.time_ms) { (utc(status.time_ms.0)) } }
                div { dt { "Time until a block is " (word("final", "final")) } dd #finality title=[slowest] { (finality.as_deref().unwrap_or("not measured yet")) } }
                div { dt { (word("validator", "Validators")) } dd { a href="/validators" data-proof="validators.count" data-value=(status.validators) { (status.validators) } } }
                div { dt { (word("transaction", "Transactions")) } dd #transactions {
                    (status.transactions.map_or_else(|| "counting".to_owned(), grouped))
                } }
                div { dt { "Waiting to enter a block" } dd {
                    (status.waiting_transactions)
                    @if let Some(oldest) = status.delays.oldest_waiting_ms.filter(|age| *age >= 1_000) { " (the oldest " (oldest / 1_000) " s)" }
                } }
                @if !status.delays.passed_over.is_empty() {
                    div { dt { "Accounts passed over" } dd { a href="/validators#passed-over" { (status.delays.passed_over.len()) } } }
                }
            }
        }
    }
}

fn totals_section(totals: &Totals) -> Markup {
    html! {
        section {
            h2 { "Shared so far" }
            dl .figures {
                div { dt { "Districts" } dd { a href="/districts" { (totals.districts) } } }
                div { dt { "Schools" } dd { a href="/schools" { (totals.schools) } } }
                div { dt { "Places in " (grouped(totals.pools as u64)) " " (word("pool", "pools")) } dd { a href="/pools" { (grouped(totals.places)) } } }
                div { dt { (word("budget", "Funded")) ", in currency units" } dd { a href="/budgets" { (amount(totals.funded_cents)) } } }
                div { dt { "Spent on places" } dd { (amount(totals.charged_cents)) } }
                div { dt { "Student states " (word("anchor", "anchored")) } dd { (grouped(totals.anchored)) } }
            }
        }
    }
}

fn blocks_section(blocks: &[BlockSummary]) -> Markup {
    let columns @ [height, time, transactions, anchored, hash] =
        [text("Height"), text("Time (UTC)"), number("Transactions"), number("States anchored"), text("Hash")];
    html! {
        section {
            h2 { "Newest blocks" }
            div .scroll tabindex="0" role="region" aria-label="Newest blocks" { table .cards {
                caption { "With nothing to do there is a block a second." }
                (head(columns))
                tbody #blocks data-limit=(BLOCKS) { @for block in blocks { tr {
                    td data-label=(height) { a href={ "/blocks/" (block.height) } { (block.height) } }
                    td data-label=(time) { (shell::moment(block.time_ms.0)) }
                    td .n data-label=(transactions) { (block.transactions.leaf_count) }
                    td .n data-label=(anchored) { (block.students.leaf_count) }
                    td data-label=(hash) { (shell::short(&block.hash.to_string())) }
                } } }
            } }
            p { a href="/blocks" { "All blocks" } }
        }
    }
}

/// What the founders said of the data in the genesis, which everybody holds.
fn sources(said: &[Source]) -> Markup {
    html! {
        section {
            h2 #sources { "Where the data came from, and which numbers are invented" }
            @if !said.is_empty() {
                p {
                    "The founders of this chain say in its genesis file where its data came from, what was joined to them, and what was "
                    strong { "invented" } "."
                }
                dl .rules { @for source in said { div { dt { (source.title) } dd { (source.text) } } } }
            } @else {
                p {
                    "Every figure is counted by the ledger from what its members submitted and signed. Members, districts and "
                    "schools stand in the genesis file and in votes; states and requests come from the districts. None is invented here."
                }
            }
        }
    }
}
