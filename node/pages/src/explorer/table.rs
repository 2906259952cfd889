//! Tables: columns are named once, the head is made of them, and a cell says in which one it stands.
//!
//! ```text
//! let columns @ [name, since] = [text("Name"), number("Since height")];
//! …
//! (head(columns))
//! tbody { tr { td data-label=(name) { … } td .n data-label=(since) { … } } }
//! ```
//!
//! A narrow window shows the rows of a table of class `cards` as cards, without their head: `data-label` is what then says what a value is,
//! by style alone. A column that no cell names is a warning of the compiler, a cell of no column its error; that each stands under its own
//! head is checked in tests of pages, and in the browser on every page.

use maud::{Markup, Render, html};

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a> {
    name: &'a str,
    numbers: bool,
}

/// A column of words.
pub(super) const fn text(name: &str) -> Column<'_> {
    Column { name, numbers: false }
}

/// A column of numbers, which stand at its end.
pub(super) const fn number(name: &str) -> Column<'_> {
    Column { name, numbers: true }
}

/// As its name, for the `data-label` of a cell.
impl Render for Column<'_> {
    fn render_to(&self, buffer: &mut String) {
        self.name.render_to(buffer);
    }
}

/// The head of a table; the script makes its cells sort where the table is sortable.
pub(super) fn head<'a>(columns: impl IntoIterator<Item = Column<'a>>) -> Markup {
    html! { thead { tr { @for one in columns { th scope="col" .n[one.numbers] { (one.name) } } } } }
}

/// What is wrong with the cells of a page's cards: each has the name of its column's head, and a row as many as the head.
#[cfg(test)]
pub(super) fn misplaced(page: &str) -> Vec<String> {
    let cards = |table: &&str| table.split('>').next().is_some_and(|tag| tag.contains("cards"));
    let tables = page.split("<table").skip(1).filter(cards);
    tables.flat_map(|table| misplaced_in(table.split("</table>").next().unwrap_or_default())).collect()
}

#[cfg(test)]
fn misplaced_in(table: &str) -> Vec<String> {
    let (head, body) = table.split_once("<tbody").expect("a body");
    let text = |cell: &str| {
        let inside = cell.split_once('>').map_or("", |(_, inside)| inside);
        inside.split("</th>").next().unwrap_or_default().to_owned()
    };
    let names: Vec<String> = head.split("<th ").skip(1).map(text).collect();
    let tag = |cell: &str| cell.split('>').next().unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    for row in body.split("<tr").skip(1) {
        let cells: Vec<String> = row.replace("<th", "<td").split("<td").skip(1).map(tag).collect();
        let stands = |(cell, name): (&String, &String)| cell.contains(&format!(" data-label=\"{name}\""));
        let alone = cells.len() == 1 && cells[0].contains(&format!("colspan=\"{}\"", names.len()));
        if !alone && (cells.len() != names.len() || !cells.iter().zip(&names).all(stands)) {
            wrong.push(format!("{names:?}: {row}"));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_its_columns_name_and_a_cell_elsewhere_is_found() {
        let columns @ [name, since] = [text("Who & \"what\""), number("Since")];
        let table = |row: Markup| {
            html! { table .cards { (head(columns)) tbody { (row) } } table { tbody { tr { td { "1" } } } } }
                .into_string()
        };
        let good =
            table(html! { tr #x { th scope="row" data-label=(name) { "a" } td .n data-label=(since) {} } });
        assert_eq!(misplaced(&good), Vec::<String>::new());
        assert!(
            good.contains("<th scope=\"row\" data-label=\"Who &amp; &quot;what&quot;\">a</th>"),
            "{good}"
        );
        assert!(good.contains("<th class=\"n\" scope=\"col\">Since</th>"), "{good}");
        let none = table(html! { tr { td colspan=(columns.len()) { "None." } } });
        assert_eq!(misplaced(&none), Vec::<String>::new());
        for wrong in [
            html! { tr { td data-label=(since) {} td data-label=(name) {} } },
            html! { tr { td data-label=(name) {} } },
            html! { tr { td data-label=(name) {} td {} } },
            html! { tr { td colspan="3" { "None." } } },
        ] {
            assert_eq!(misplaced(&table(wrong)).len(), 1);
        }
    }
}
