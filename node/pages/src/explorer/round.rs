//! One round: who got what by school (a table that sorts, and a heatmap), the equity report, prices, budget and proof.

use std::sync::Arc;

use aula_api::paths;
use aula_ledger::state::schema::Window;
use aula_ledger::types::RoundId;
use axum::extract::State;
use maud::{Markup, html};

use super::audits;
use super::equity;
use super::error::{PageError, Shown};
use super::heatmap;
use super::shell::{self, count, exports, percent, share, short};
use super::shown;
use super::standing;
use super::table::{Column, head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::round_figures::{RoundFigures, SchoolInRound};
use aula_read::rounds::{DecisionView, RoundView, placed};
use aula_read::utc;
use aula_read::words::{amount, grouped};
use aula_web::http::{AppState, FromPath};
use aula_web::pages;

/// Pools in the list of the highest prices; the whole list stands on its export.
const PRICES: usize = 25;

pub(super) async fn show(State(node): State<Arc<AppState>>, FromPath(id): FromPath<u32>) -> Shown {
    let view = node.view();
    let figures = RoundFigures::read(&view, RoundId(id))?
        .ok_or_else(|| PageError::missing(format!("round {id}"), &pages::ROUNDS))?;
    let round = &figures.round;
    let audit = aula_read::audits::of_round(&view, RoundId(id))?;
    let content = html! {
        p .over { a href="/rounds" { "Rounds" } " / Round " (id) " · school year " (round.school_year) }
        h1 { (round.title) }
        (standing::fallen(round))
        (story(round))
        @if let Some(decision) = &round.decision {
            (verify::panel(&pages::ROUND, id))
            (totals(decision))
            (shown::by_need(round))
            (shown::demand(&figures))
            (schools(&figures))
            @if let Some(report) = &figures.report { (equity::report(&figures, report)) }
            (standing::owed(&figures.acknowledgements))
            (prices(&figures))
            (spend(&figures))
            @if let Some(audit) = &audit { (audits::section(audit)) }
            (proof(decision))
        }
        p .exports { "This round: " a href=(paths::round(id)) { "JSON" } ", with its figures "
            a href=(paths::round_figures(id)) { "JSON" } ", what followed from it " a href=(paths::round_report(id)) { "JSON" }
            ", its truth audit " a href=(paths::round_audits(id)) { "JSON" } "." }
        (explained(&["round", "anchor", "optimal", "cost", "price", "mandate", "weighted", "gini", "four-fifths", "envy", "fairness",
            "withheld", "seed", "tier", "pool", "budget"]))
    };
    Ok(shell::titled(&node, &pages::ROUND, &format!("Round {id}"), content))
}

fn story(round: &RoundView) -> Markup {
    html! {
        p .lead {
            @match &round.decision {
                Some(decision) => {
                    @if !round.stands() { "Was decided in " } @else { "Decided in " }
                    a href={ "/blocks/" (decision.height) } { "block " (decision.height) } ": "
                    strong { (count(decision.requests)) " students" } " asked, " strong { (count(decision.placed)) " got a place" } ", "
                    (count(decision.waitlisted)) " wait. The result is "
                    @if decision.optimal { "proved " (word("optimal", "optimal")) } @else { "proved within " (decision.gap_ppm) " parts per million" }
                    "; every " (word("mandate", "mandate")) @if decision.mandates_met { " is met." } @else { " is not met." }
                }
                None => {
                    "This round is " (round.status_word()) ". " (window(round)) " How many asked is shown once it is decided."
                }
            }
        }
        p { "Opened in " a href={ "/blocks/" (round.opened) } { "block " (round.opened) } " at " (utc(round.opened_ms.0))
            " UTC, with " a href="/parameters" { "equity weight" } " " (round.equity) ": the higher it is, the more a high need counts." }
    }
}

/// Which window is open, until when at least, and in which attempt.
fn window(round: &RoundView) -> Markup {
    let until = |round: &RoundView| {
        format!(
            "at least until height {} and {} UTC",
            round.window_until.height,
            utc(round.window_until.time_ms.0)
        )
    };
    html! {
        @match round.window {
            Window::Requests => { "Requests are taken, and shares of the " (word("seed", "seed")) " committed to, " (until(round)) "." }
            Window::Commits => { "Requests are closed; shares of the " (word("seed", "seed")) " are committed to, " (until(round)) "." }
            Window::Reveals => { "Requests are closed; shares of the " (word("seed", "seed")) " are revealed, " (until(round)) "." }
            Window::Closed => { "Requests and reveals of the " (word("seed", "seed")) " are closed; it may be run." }
        }
        @if round.attempt > 1 { " Attempt " (round.attempt) " at the seed: validators with more than a third of the power did not reveal in the one before." }
    }
}

fn totals(decision: &DecisionView) -> Markup {
    let tiers = ["own school", "own district", "same type of school"];
    html! {
        section aria-label="Totals" {
            dl .figures {
                div { dt { "Students asked" } dd data-proof={ "round-" (decision.round) ".students" } data-value=[decision.requests] { (count(decision.requests)) } }
                div { dt { "Placed" } dd data-proof={ "round-" (decision.round) ".totals.placed" } data-value=[decision.placed] { (count(decision.placed)) } }
                div { dt { "Waiting" } dd data-proof={ "round-" (decision.round) ".totals.waitlisted" } data-value=[decision.waitlisted] { (count(decision.waitlisted)) } }
                div { dt { "Got their first choice" } dd data-proof={ "round-" (decision.round) ".totals.first_choice" } data-value=[decision.first_choice] { (count(decision.first_choice)) } }
                div { dt { (word("mandate", "With a mandate")) } dd data-proof={ "round-" (decision.round) ".mandates" } data-value=[decision.mandated] { (count(decision.mandated)) } }
                div { dt { (word("cost", "Weighted cost")) } dd data-proof={ "round-" (decision.round) ".objective" } data-value=(decision.objective) { (grouped(decision.objective.unsigned_abs())) } }
            }
            @if let Some(by_tier) = decision.by_tier { p {
                "Placed by " (word("tier", "tier")) ": " @for (at, n) in by_tier.iter().enumerate() {
                    @if at > 0 { ", " } span data-proof={ "round-" (decision.round) ".by_tier." (at) } data-value=(n) { (grouped((*n).into())) } " " (tiers[at]) } "."
            } }
        }
    }
}

fn schools(figures: &RoundFigures) -> Markup {
    let id = figures.round.round;
    let (mut shown, withheld): (Vec<&SchoolInRound>, Vec<&SchoolInRound>) =
        figures.schools.iter().partition(|line| line.counts.is_some());
    // The fewest places a weighted pupil before the most.
    shown.sort_by_key(|line| (line.counts.map(|c| c.placed_per_weighted_pupil_e6), line.school));
    html! {
        section {
            h2 { "Who got what, by school" }
            p { "A row is a school's students; the stronger a share's colour, the higher it is. The schools with the fewest places per "
                (word("weighted", "weighted pupil")) " come first; click on a column's name to sort by it." }
            @if shown.is_empty() { p { "Every school's counts are " (word("withheld", "withheld")) " in this round." } } @else {
                div .scroll tabindex="0" role="region" aria-label="Who got what, by school" { table .sortable .heat .cards {
                    caption { (shown.len()) " of " (figures.schools.len()) " schools" }
                    (head(SCHOOLS))
                    tbody { @for line in &shown { (school(id, line)) } }
                } }
            }
            @if !withheld.is_empty() { details {
                summary { (withheld.len()) @if !shown.is_empty() { " more" } " schools, whose counts are withheld" }
                p { "A count is " (word("withheld", "withheld")) " when it, or what follows from it by subtraction, is of fewer than "
                    @if let Some(least) = figures.report.as_ref().map(|report| report.min_cell_students) { (least) " students" } @else { "the least number of students that may be shown" }
                    ": where few students of a school got a place, showing how many would point at them." }
                (withheld_schools(figures, &withheld))
            } }
            (exports(&format!("schools-of-round-{id}"), figures.schools.len()))
        }
    }
}

/// Withheld schools with the numbers between which their counts lie.
fn withheld_schools(figures: &RoundFigures, withheld: &[&SchoolInRound]) -> Markup {
    let id = figures.round.round;
    let of = |line: &SchoolInRound| figures.ranges.schools.get(&line.school.0).copied();
    let columns @ [school, district, students, got, first, waiting] = [
        number("School"),
        number("District"),
        text("Students"),
        text("Placed"),
        text("First choice"),
        text("Waiting"),
    ];
    html! {
        p { "Two numbers are the least and the most that a count can be by all that is shown here; nobody can know it closer." }
        div .scroll tabindex="0" role="region" aria-label="Withheld schools" { table .sortable .cards {
            caption { (withheld.len()) " schools" }
            (head(columns))
            tbody { @for line in withheld { @let range = of(line); tr {
                td .n data-label=(school) data-proof={ "round-" (id) ".by_school." (line.school) ".students" } { a href={ "/schools/" (line.school) } { (line.school) } }
                td .n data-label=(district) { a href={ "/districts/" (line.district) } { (line.district) } }
                td .n data-label=(students) { (shell::span(range.map(|range| range.students))) }
                td .n data-label=(got) { (shell::span(range.map(|range| range.placed))) }
                td .n data-label=(first) { (shell::span(range.map(|range| range.first_choice))) }
                td .n data-label=(waiting) { (shell::span(range.map(|range| range.waitlisted))) }
            } } }
        } }
    }
}

const SCHOOLS: [Column<'static>; 9] = [
    number("School"),
    number("District"),
    text("Type"),
    number("Students"),
    number("Placed"),
    number("Placed, share"),
    number("First choice, share"),
    number("Waiting, share"),
    number("Places per weighted pupil"),
];

fn school(round: RoundId, line: &SchoolInRound) -> Markup {
    let c = line.counts;
    let path = |field: &str| format!("round-{round}.by_school.{}.{field}", line.school);
    let part = |n: Option<u32>| {
        c.zip(n).and_then(|(c, n)| (u64::from(n) * 1_000_000).checked_div(c.students.into()))
    };
    let (students, got) = (c.map(|c| c.students), c.map(|c| placed(&c)));
    let rate = c.map(|c| c.placed_per_weighted_pupil_e6);
    let [id, district, kind, asked, served, served_share, first, waiting, weighted] = SCHOOLS;
    html! { tr {
        td .n data-label=(id) { a href={ "/schools/" (line.school) } { (line.school) } }
        td .n data-label=(district) { a href={ "/districts/" (line.district) } { (line.district) } }
        td data-label=(kind) { (line.school_type) }
        td .n data-label=(asked) data-proof=(path("students")) data-value=[students] { (count(students)) }
        td .n data-label=(served) data-proof=(path("placed")) data-value=[got] { (count(got)) }
        (shaded(served_share, part(got), &path("placed_ppm")))
        (shaded(first, part(c.map(|c| c.first_choice)), &path("first_choice_ppm")))
        (shaded(waiting, part(c.map(|c| c.waitlisted)), &path("waitlisted_ppm")))
        td .n .{ "h" (step(rate)) } data-label=(weighted) data-proof=(path("placed_per_weighted_pupil_e6")) data-value=[rate] { @match rate { Some(rate) => { (share(rate)) } None => { "–" } } }
    } }
}

/// A share as a shaded cell.
fn shaded(column: Column<'_>, ppm: Option<u64>, path: &str) -> Markup {
    html! { td .n .{ "h" (step(ppm)) } data-label=(column) data-proof=(path) data-value=[ppm] { @match ppm { Some(ppm) => { (percent(ppm)) } None => { "–" } } } }
}

/// The shade of a share: 0 to 9, none withheld.
fn step(ppm: Option<u64>) -> u64 {
    ppm.map_or(0, |ppm| (ppm / 100_001).min(9))
}

fn prices(figures: &RoundFigures) -> Markup {
    let id = figures.round.round;
    let mut lines: Vec<_> = figures.pools.iter().collect();
    lines.sort_by_key(|line| (std::cmp::Reverse(line.price.unwrap_or(i64::MIN)), line.pool));
    let columns @ [pool, school, kind, price, places, used, demand, cost] = [
        number("Pool"),
        number("School"),
        text("Kind"),
        number("Price"),
        number("Places"),
        number("Used"),
        number("Could have had it"),
        number("Cost of a place"),
    ];
    html! {
        section {
            h2 { "Prices: where one more place is worth most" }
            p { "A pool's " (word("price", "price")) " is what one more place there would save in " (word("cost", "weighted cost"))
                ": points, not money. A funder who can add one place helps most where the price is highest. \"Could have had it\" counts the students for whom the pool was a choice." }
            div .scroll tabindex="0" role="region" aria-label="Prices" { table .sortable .cards {
                caption { "The " (PRICES.min(lines.len())) " highest of " (lines.len()) " pools" }
                (head(columns))
                tbody { @for line in lines.iter().take(PRICES) { tr {
                    td .n data-label=(pool) { a href={ "/pools/" (line.pool) } { (line.pool) } }
                    td .n data-label=(school) { a href={ "/schools/" (line.school) } { (line.school) } }
                    td data-label=(kind) { (line.kind) }
                    td .n data-label=(price) data-proof={ "round-" (id) ".pools." (line.pool) ".price" } data-value=[line.price] { (shell::price(line.price)) }
                    td .n data-label=(places) data-proof={ "pool-" (line.pool) ".capacity" } data-value=(line.capacity) { (grouped(line.capacity.into())) }
                    td .n data-label=(used) data-proof={ "round-" (id) ".pools." (line.pool) ".used" } data-value=[line.used] { (count(line.used)) }
                    td .n data-label=(demand) data-proof={ "round-" (id) ".pools." (line.pool) ".demand" } data-value=[line.demand] { (count(line.demand)) }
                    td .n data-label=(cost) data-proof={ "pool-" (line.pool) ".unit_cost_cents" } data-value=(line.unit_cost_cents) { (amount(line.unit_cost_cents.0)) }
                } } }
            } }
            (exports(&format!("pools-of-round-{id}"), figures.pools.len()))
            (heatmap::prices(figures))
        }
    }
}

fn spend(figures: &RoundFigures) -> Markup {
    let mut kinds: Vec<(&str, u64, u64)> = Vec::new();
    for line in &figures.pools {
        match kinds.iter_mut().find(|(kind, ..)| *kind == line.kind) {
            Some((_, places, cents)) => {
                *places += u64::from(line.capacity);
                *cents = cents.saturating_add(line.cost_cents.0);
            }
            None => kinds.push((&line.kind, line.capacity.into(), line.cost_cents.0)),
        }
    }
    let total = kinds.iter().fold(0u64, |sum, (.., cents)| sum.saturating_add(*cents));
    let path = |kind: &str, field: &str| format!("spend-{}.{kind}.{field}", figures.round.class);
    html! {
        section {
            h2 { "Budget and spend" }
            p { "The pools of this round cost " span data-proof=(path("all_kinds", "cost_cents")) data-value=(total) { (amount(total)) } " in all, charged to their funders' " a href="/budgets" { "budgets" } " when they were opened." }
            div .scroll tabindex="0" role="region" aria-label="Spend by kind" { table {
                (head([text("Kind"), number("Places"), number("Cost")]))
                tbody { @for (kind, places, cents) in &kinds { tr { td { (kind) }
                    td .n data-proof=(path(kind, "places")) data-value=(places) { (grouped(*places)) }
                    td .n data-proof=(path(kind, "cost_cents")) data-value=(cents) { (amount(*cents)) } } } }
            } }
        }
    }
}

/// A number with its sign and its thousands apart.
fn signed(n: i64) -> String {
    let sign = if n < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(n.unsigned_abs()))
}

fn proof(decision: &DecisionView) -> Markup {
    html! {
        section {
            h2 { "Proof" }
            dl .facts {
                dt { "Cost and proven bound" } dd { span data-proof={ "round-" (decision.round) ".objective" } data-value=(decision.objective) { (signed(decision.objective)) }
                    " and " span data-proof={ "round-" (decision.round) ".dual" } data-value=(decision.dual) { (signed(decision.dual)) }
                    @if decision.gap_ppm == 0 { ": equal, so that no other assignment costs less" }
                    @else { ": at most " span data-proof={ "round-" (decision.round) ".gap_ppm" } data-value=(decision.gap_ppm) { (decision.gap_ppm) } " millionths apart" } }
                dt { "Optimizer's work" } dd { (grouped(decision.work)) " costs and prices looked at, of at most " (grouped(decision.max_work)) }
                dt { "Certificate" } dd { "SHA-256 " (short(&decision.certificate_sha256.to_string())) }
                dt { "Requests, decisions" } dd { "roots " (short(&decision.requests_root.to_string())) ", " (short(&decision.decisions_root.to_string())) }
                dt { (word("seed", "Lottery seed")) } dd { (short(&decision.seed.to_string())) "; " (decision.revealed.len()) " shares revealed, "
                    (decision.withheld.len()) " withheld" @if !decision.withheld.is_empty() { " (each who withholds chooses between two seeds)" }
                    "; attempt " (decision.attempt) ", draw " (decision.draw) " of its class and period"
                    @if decision.seed_round != decision.round { ", kept from " a href={ "/rounds/" (decision.seed_round) } { "round " (decision.seed_round) }
                        ", which had the same requests" } }
            }
            p { "That the result is optimal follows from the rows, which are pseudonymous and not public: an auditor, whom the ledger then lists, fetches the round's "
                "bundle with " code { "aula evidence round" } " and checks it with " code { "aula-audit verify" } "." }
        }
    }
}
