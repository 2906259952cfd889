//! Names of columns on the cells themselves, so that a narrow window can show a row as a card without losing what each
//! value is. Style alone then decides between table and cards; nothing is hidden, and no script is needed.

/// The page with `data-label` on every body cell of the tables of the class `cards`. Only pages that this program
/// rendered pass here: their tables have a head of one row and cells that are not nested in other tables.
pub(super) fn labelled(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 4);
    let mut rest = page;
    while let Some(at) = rest.find("<table class=\"") {
        let (before, table) = rest.split_at(at);
        out.push_str(before);
        let end = table.find("</table>").unwrap_or(table.len());
        let (table, after) = table.split_at(end);
        let cards = table.split('>').next().is_some_and(|tag| tag.contains("cards"));
        match table.split_once("<tbody") {
            Some((head, body)) if cards => {
                out.push_str(head);
                out.push_str("<tbody");
                rows(&names(head), body, &mut out);
            }
            _ => out.push_str(table),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The texts of the head's cells.
fn names(head: &str) -> Vec<String> {
    head.split("<th ").skip(1).map(|cell| text(cell.split("</th>").next().unwrap_or_default())).collect()
}

/// What stands between tags; entities stay as they are, since the text goes into an attribute of the same page.
fn text(cell: &str) -> String {
    let mut inside = true;
    let kept = cell.chars().filter(|letter| match letter {
        '<' => {
            inside = true;
            false
        }
        '>' => {
            inside = false;
            false
        }
        _ => !inside,
    });
    kept.collect::<String>().replace('"', "&quot;")
}

fn rows(names: &[String], body: &str, out: &mut String) {
    let mut column = 0;
    let mut rest = body;
    while let Some(at) = rest.find("<t") {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let kind = tag.get(..3).unwrap_or(tag);
        let after = tag.get(kind.len()..).unwrap_or_default();
        out.push_str(kind);
        rest = after;
        match kind {
            "<tr" => column = 0,
            "<td" | "<th" => {
                let spans = after.split('>').next().is_some_and(|tag| tag.contains("colspan"));
                if let Some(name) = names.get(column).filter(|_| !spans) {
                    out.push_str(" data-label=\"");
                    out.push_str(name);
                    out.push('"');
                }
                column += 1;
            }
            _ => {}
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_get_their_columns_names_and_other_tables_stay() {
        let table = |class: &str, cells: &str| {
            format!(
                "<p>a</p><table class=\"{class}\"><thead><tr><th scope=\"col\">Round</th><th class=\"n\"><a href=\"#x\">So &amp; so</a>\
                 </th></tr></thead><tbody><tr><td class=\"n\">1</td>{cells}</tr></tbody></table><p>b</p>"
            )
        };
        let plain = table("sortable", "<td>2</td>");
        assert_eq!(labelled(&plain), plain);
        let cards = labelled(&format!("{plain}{}", table("sortable cards", "<td><time>2</time></td>")));
        assert_eq!(cards.matches("data-label").count(), 2);
        assert!(cards.contains("<td data-label=\"Round\" class=\"n\">1</td>"), "{cards}");
        assert!(cards.contains("<td data-label=\"So &amp; so\"><time>2</time></td>"), "{cards}");
        let none = table("cards", "<tr><td colspan=\"2\">None.</td></tr>");
        assert!(labelled(&none).contains("<td colspan=\"2\">None.</td>"));
    }

    #[test]
    fn a_page_without_an_end_or_a_table_is_kept() {
        for page in ["", "<p>x</p>", "<table class=\"cards\"><tbody><tr><t", "<table class=\"cards\">"] {
            assert_eq!(labelled(page), page);
        }
    }
}
