//! All rounds, newest first.

use std::sync::Arc;

use aula_ledger::state::schema;
use axum::extract::State;
use maud::{Markup, html};

use super::error::Shown;
use super::shell::{self, once_decided, register};
use super::shown;
use super::standing;
use super::table::{Column, head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::rounds::{self, RoundView};
use aula_read::words::grouped;
use aula_web::http::AppState;
use aula_web::pages;

const COLUMNS: [Column<'static>; 11] = [
    number("Round"),
    text("What was shared"),
    number("School year"),
    text("Status"),
    number("Students asked"),
    number("Placed"),
    number("Waiting"),
    number("First choice"),
    text("Mandates"),
    number("Weighted cost"),
    text("Result"),
];

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let view = node.view();
    let mut rounds = rounds::all(&view)?;
    rounds.reverse();
    let min_cell = schema::params(&*view)?.min_cell_students;
    let content = html! {
        h1 { "Rounds" }
        p .lead {
            "A " (word("round", "round")) " gives the places of one class of resources to the students who asked, by an optimizer that "
            "every validator runs and that proves its own answer. " (word("optimal", "Optimal")) " means: no other assignment costs less. "
            "Counts of fewer than " (min_cell) " students are " (word("withheld", "withheld")) "."
        }
        (verify::panel(&pages::ROUNDS, ""))
        (shown::over_rounds(&rounds))
        (rounds_table(&rounds))
        p .exports { "A " a href="/feed.atom" type="application/atom+xml" { "feed" } " of rounds and votes (also as " a href="/feed.json" { "JSON" } "); two rounds " a href="/compare" { "side by side" } "." }
        (register(&pages::ROUNDS, rounds.len()))
        (explained(&["round", "optimal", "cost", "mandate", "withheld"]))
    };
    Ok(shell::page(&node, &pages::ROUNDS, content))
}

/// Rounds as lines; also on the overview.
pub(super) fn rounds_table(rounds: &[RoundView]) -> Markup {
    html! {
        div .scroll #rounds tabindex="0" role="region" aria-label="Rounds" { table .sortable .cards {
            caption { "Newest first" }
            (head(COLUMNS))
            tbody { @for round in rounds { (row(round)) } @if rounds.is_empty() {
                tr { td colspan=(COLUMNS.len()) { "No round has been opened yet." } }
            } }
        } }
    }
}

fn row(round: &RoundView) -> Markup {
    let decision = round.decision.as_ref();
    let proof = |field: &str| decision.map(|d| format!("round-{}.{field}", d.round));
    let (placed, waiting) = (decision.and_then(|d| d.placed), decision.and_then(|d| d.waitlisted));
    let first = decision.and_then(|d| d.first_choice);
    let told = |n: Option<u32>| once_decided(decision.is_some(), n);
    let [id, shared, year, status, asked, got, waits, first_choice, mandates, cost, result] = COLUMNS;
    html! { tr {
        td .n data-label=(id) { a href={ "/rounds/" (round.round) } { (round.round) } }
        td .wide data-label=(shared) { a href={ "/rounds/" (round.round) } { (round.title) } }
        td .n data-label=(year) { (round.school_year) }
        td data-label=(status) { (standing::cell(round)) }
        td .n data-label=(asked) data-proof=[proof("students")] data-value=[round.requests] { (told(round.requests)) }
        td .n data-label=(got) data-proof=[proof("totals.placed")] data-value=[placed] { (told(placed)) }
        td .n data-label=(waits) data-proof=[proof("totals.waitlisted")] data-value=[waiting] { (told(waiting)) }
        td .n data-label=(first_choice) data-proof=[proof("totals.first_choice")] data-value=[first] { (told(first)) }
        td data-label=(mandates) { @match decision { Some(d) if d.mandates_met => { "all met" } Some(_) => { "not all met" } None => { "–" } } }
        td .n data-label=(cost) data-proof=[proof("objective")] data-value=[decision.map(|d| d.objective)] { @match decision { Some(d) => { (grouped(d.objective.unsigned_abs())) } None => { "–" } } }
        td data-label=(result) { @match decision { Some(d) if d.optimal => { "optimal" } Some(d) => { "within " (d.gap_ppm) " millionths" } None => { "–" } }
            @if decision.is_some() && !round.stands() { ", not in force" } }
    } }
}
