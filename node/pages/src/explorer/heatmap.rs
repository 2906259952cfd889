//! The map of a round's pools: schools by kinds of places, shaded by price. It needs no script; numbers stand in the cells.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::types::SchoolId;
use maud::{Markup, html};

use super::shell::{self, count};
use super::table::{Column, head, number};
use super::words::word;
use aula_read::round_figures::{PoolLine, RoundFigures};

/// The map, or nothing without pools.
pub(super) fn prices(figures: &RoundFigures) -> Markup {
    let kinds: BTreeSet<&str> = figures.pools.iter().map(|line| line.kind.as_str()).collect();
    let mut rows: BTreeMap<SchoolId, BTreeMap<&str, &PoolLine>> = BTreeMap::new();
    for line in &figures.pools {
        rows.entry(line.school).or_default().insert(&line.kind, line);
    }
    let highest = figures.pools.iter().filter_map(|line| line.price).max().unwrap_or(0);
    let place = number("School");
    html! {
        @if !figures.pools.is_empty() { details {
            summary { "Map: prices by school and kind" }
            p { "A cell is a " (word("pool", "pool")) ": its price, and its places in brackets. The stronger its colour, the more one more place there would help." }
            div .scroll tabindex="0" role="region" aria-label="Prices by school and kind" { table .sortable .heat .cards {
                caption { (rows.len()) " schools" }
                (head(std::iter::once(place).chain(kinds.iter().map(|kind| number(kind)))))
                tbody { @for (school, row) in &rows { tr {
                    th .n scope="row" data-label=(place) { a href={ "/schools/" (school) } { (school) } }
                    @for kind in &kinds { (cell(number(kind), row.get(kind).copied(), highest)) }
                } } }
            } }
        } }
    }
}

fn cell(column: Column<'_>, line: Option<&PoolLine>, highest: i64) -> Markup {
    let Some(line) = line else { return html! { td .n data-label=(column) { "" } } };
    html! {
        td .n .{ "h" (shade(line.price, highest)) } data-label=(column) {
            a href={ "/pools/" (line.pool) } { (shell::price(line.price)) }
            " (" (count(Some(line.capacity))) ")"
        }
    }
}

/// 0 to 9, in proportion to the highest price.
fn shade(price: Option<i64>, highest: i64) -> i64 {
    let price = price.unwrap_or(0).max(0);
    (i128::from(price) * 9)
        .checked_div(i128::from(highest))
        .map_or(0, |step| i64::try_from(step).unwrap_or(9))
        .clamp(0, 9)
}

#[cfg(test)]
mod tests {
    use super::shade;

    #[test]
    fn shades_go_with_the_price() {
        assert_eq!(
            (shade(Some(90), 90), shade(Some(45), 90), shade(Some(-4), 90), shade(None, 90)),
            (9, 4, 0, 0)
        );
        assert_eq!((shade(Some(0), 0), shade(Some(i64::MAX), i64::MAX)), (0, 9));
    }
}
