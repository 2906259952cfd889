//! Pools, by class, and one with its prices and use.

use std::sync::Arc;

use aula_api::paths;
use aula_ledger::state::schema;
use aula_ledger::types::{ClassId, PoolId};
use axum::extract::State;
use maud::{Markup, html};

use super::error::{PageError, Shown};
use super::shell::{self, count, register, whole};
use super::standing;
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::places::{self, PoolRow};
use aula_read::words::{amount, grouped};
use aula_web::api::registers::PoolsQuery;
use aula_web::http::{AppState, FromPath, FromQuery};
use aula_web::pages;

pub(super) async fn list(
    State(node): State<Arc<AppState>>,
    FromQuery(query): FromQuery<PoolsQuery>,
) -> Shown {
    let view = node.view();
    let classes = schema::classes(&*view)?;
    // A page holds one class's pools: the newest class's when none is asked for.
    let class = query.class.map(ClassId).or_else(|| classes.last().map(|class| class.definition.class));
    let rows = class.map(|class| places::pools(&view, Some(class))).transpose()?.unwrap_or_default();
    let total = schema::all_pools(&*view)?.len();
    let content = html! {
        h1 { "Pools" }
        p .lead { "A " (word("pool", "pool")) " is places of one kind at one school, charged to a " (word("budget", "budget")) " when it was opened. \"Guaranteed use\" is how many of its places must be given." }
        nav .chips aria-label="Classes" { ul { @for one in &classes { li {
            a href={ "/pools?class=" (one.definition.class) } aria-current=[(Some(one.definition.class) == class).then_some("page")] {
                (one.definition.title) ", " (one.definition.school_year) }
        } } } }
        @if let Some(class) = class { (verify::panel(&pages::POOLS, class)) }
        (table(&rows, Beside::School))
        (register(&pages::POOLS, total))
        (explained(&["pool", "budget", "class"]))
    };
    Ok(shell::page(&node, &pages::POOLS, content))
}

/// The place of a pool's figure in a proof.
fn at(row: &PoolRow, field: &str) -> String {
    format!("pool-{}.{field}", row.pool.pool)
}

/// What tells the pools of a list apart: of one class the school, of one school the class.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    School,
    Class,
}

/// Pools as lines; also on a school's page.
pub(super) fn table(rows: &[PoolRow], beside: Beside) -> Markup {
    let school = beside == Beside::School;
    let columns @ [pool, school_or_class, kind, places, floor, cost_of_one, cost_of_all] = [
        number("Pool"),
        if school { number("School") } else { text("Class") },
        text("Kind"),
        number("Places"),
        number("Guaranteed use"),
        number("Cost of a place"),
        number("Cost of all"),
    ];
    html! {
        div .scroll tabindex="0" role="region" aria-label="Pools" { table .sortable .cards {
            caption { (rows.len()) " pools" }
            (head(columns))
            tbody { @for row in rows { tr {
                td .n data-label=(pool) { a href={ "/pools/" (row.pool.pool) } { (row.pool.pool) } @if row.pool.retired.is_some() { " (retired)" } }
                @if school { td .n data-label=(school_or_class) { a href={ "/schools/" (row.pool.school) } { (row.pool.school) } } } @else { td .wide data-label=(school_or_class) { (row.title) } }
                td data-label=(kind) { (row.kind_name) }
                td .n data-label=(places) data-proof=(at(row, "capacity")) data-value=(row.pool.capacity) { (grouped(row.pool.capacity.into())) }
                td .n data-label=(floor) data-proof=(at(row, "floor")) data-value=(row.pool.floor) { (grouped(row.pool.floor.into())) }
                td .n data-label=(cost_of_one) data-proof=(at(row, "unit_cost_cents")) data-value=(row.pool.unit_cost_cents) { (amount(row.pool.unit_cost_cents.0)) }
                td .n data-label=(cost_of_all) data-proof=(at(row, "cost_cents")) data-value=(row.cost_cents) { (amount(row.cost_cents)) }
            } } @if rows.is_empty() { tr { td colspan=(columns.len()) { "None." } } } }
        } }
    }
}

pub(super) async fn show(State(node): State<Arc<AppState>>, FromPath(id): FromPath<u32>) -> Shown {
    let figures = places::pool(&node.view(), PoolId(id))?
        .ok_or_else(|| PageError::missing(format!("pool {id}"), &pages::POOLS))?;
    let row = &figures.pool;
    let content = html! {
        p .over { a href={ "/pools?class=" (row.pool.class) } { "Pools" } " / Pool " (id) }
        h1 { "Pool " (row.pool.pool) ": " (row.kind_name) " at school " (row.pool.school) }
        (verify::panel(&pages::POOL, row.pool.school))
        dl .facts {
            dt { "Class" } dd { a href={ "/pools?class=" (row.pool.class) } { (row.title) } }
            dt { "School" } dd { a href={ "/schools/" (row.pool.school) } { (row.pool.school) } }
            dt { "Places" } dd { span data-proof=(at(row, "capacity")) data-value=(row.pool.capacity) { (grouped(row.pool.capacity.into())) }
                ", of which " span data-proof=(at(row, "floor")) data-value=(row.pool.floor) { (grouped(row.pool.floor.into())) } " must be used" }
            dt { "Cost" } dd { span data-proof=(at(row, "unit_cost_cents")) data-value=(row.pool.unit_cost_cents) { (amount(row.pool.unit_cost_cents.0)) }
                " a place, " span data-proof=(at(row, "cost_cents")) data-value=(row.cost_cents) { (amount(row.cost_cents)) } " in all" }
            dt { "Funder" } dd data-proof=(at(row, "funder")) data-value=(row.pool.funder) { a href={ "/members#" (row.pool.funder) } { (whole(&row.pool.funder)) } }
            dt { "In use" } dd { @match figures.in_use_at {
                Some(height) => { (count(figures.in_use)) ", reported in " a href={ "/blocks/" (height) } { "block " (height) } }
                None => { "not reported" }
            } }
        }
        h2 { "In rounds" }
        div .scroll tabindex="0" role="region" aria-label="In rounds" { table {
            (head([number("Round"), text("Decision"), number("Price"), number("Used"), number("Could have had it")]))
            tbody { @for line in &figures.rounds { tr {
                td .n { a href={ "/rounds/" (line.round) } { (line.round) } }
                td { (standing::word(line.standing)) }
                td .n data-proof={ "round-" (line.round) ".pools." (id) ".price" } data-value=[line.price] { (shell::price(line.price)) }
                td .n { (count(line.used)) }
                td .n { (count(line.demand)) }
            } } @if figures.rounds.is_empty() { tr { td colspan="5" { "No round of its class is decided." } } } }
        } }
        p { "A " (word("price", "price")) " of zero says that one more place here would have helped nobody." }
        p .exports { a href=(paths::pool(id)) { "JSON" } }
        (explained(&["pool", "price", "withheld", "class"]))
    };
    Ok(shell::titled(&node, &pages::POOL, &format!("Pool {id}"), content))
}
