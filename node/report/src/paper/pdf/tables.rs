//! Tables on pages: columns as wide as they need, cells in lines, the head again on every page.

use super::fonts::Weight;
use super::pen::{Drawing, Kind, MARGIN, Node, Part, Pen, Shade, TEXT};
use crate::paper::{Align, Row, Table};

const SIZE: f32 = 7.5;
const LINE: f32 = 9.5;
const PADDING: f32 = 4.0;
/// Width of the column of proofs.
const PROOF: f32 = 40.0;
/// No column is narrower while another has more.
const LEAST: f32 = 34.0;

/// Lays a table.
pub fn lay(pen: &mut Pen<'_>, table: &Table, tree: &mut Vec<Node>) {
    pen.room(60.0);
    let caption = pen.wrapped(8.5, Weight::Bold, Shade::Ink, &table.caption);
    let mut nodes = vec![Node::Group(Kind::Caption, caption)];
    let widths = widths(pen, table);
    nodes.push(head(pen, table, &widths, Part::Content));
    for row in &table.rows {
        nodes.push(lay_row(pen, table, row, &widths));
    }
    pen.y += 4.0;
    tree.push(Node::Group(Kind::Table, nodes));
}

/// How wide each column is: what its longest cell needs, and where that is too much the widest give way first.
fn widths(pen: &Pen<'_>, table: &Table) -> Vec<f32> {
    let need = |at: usize| {
        let head = table.columns.get(at).map(|column| {
            let words = column.title.split(' ');
            words.map(|word| pen.fonts.width(Weight::Bold, SIZE, word)).fold(0.0, f32::max)
        });
        let cells = table.rows.iter().filter_map(|row| row.cells.get(at));
        let cells = cells.map(|cell| pen.fonts.width(Weight::Regular, SIZE, cell));
        cells.fold(head.unwrap_or(0.0), f32::max) + 2.0 * PADDING
    };
    let mut widths: Vec<f32> = (0..table.columns.len()).map(need).collect();
    let room = TEXT - PROOF;
    let mut excess = widths.iter().sum::<f32>() - room;
    while excess > 0.1 {
        let Some(widest) = (0..widths.len()).max_by(|a, b| widths[*a].total_cmp(&widths[*b])) else { break };
        if widths[widest] <= LEAST {
            break;
        }
        let give = excess.min((widths[widest] * 0.1).max(1.0)).min(widths[widest] - LEAST);
        widths[widest] -= give;
        excess -= give;
    }
    // What is left goes to the names, then to all alike.
    let left = room - widths.iter().sum::<f32>();
    if left > 0.0 {
        let names = left.min(90.0);
        let each = (left - names) / widths.len().max(1) as f32;
        widths.iter_mut().for_each(|width| *width += each);
        widths.iter_mut().take(1).for_each(|width| *width += names);
    }
    widths.push(PROOF);
    widths
}

fn titles(pen: &Pen<'_>, table: &Table) -> Vec<String> {
    let titles = table.columns.iter().map(|column| column.title.clone());
    titles.chain([pen.proof_head.to_owned()]).collect()
}

fn head(pen: &mut Pen<'_>, table: &Table, widths: &[f32], part: Part) -> Node {
    let titles = titles(pen, table);
    Node::Group(Kind::Row, cells(pen, table, &titles, widths, (Weight::Bold, part)))
}

fn lay_row(pen: &mut Pen<'_>, table: &Table, row: &Row, widths: &[f32]) -> Node {
    let lines = |(cell, width): (&String, &f32)| wrapped(pen, cell, *width, Weight::Regular).len();
    let most = row.cells.iter().zip(widths).map(lines).max().unwrap_or(1);
    // The head of a further page is for the eye: a table has one row of headings.
    if pen.room(most as f32 * LINE + 3.0) {
        head(pen, table, widths, Part::Decoration);
    }
    let top = pen.y;
    let mut nodes = cells(pen, table, &row.cells, widths, (Weight::Regular, Part::Content));
    let right = MARGIN + widths.iter().take(row.cells.len()).sum::<f32>() + PADDING;
    let mark = pen.mark(right, top + LINE - 1.5, SIZE, &row.proof);
    nodes.push(Node::Group(Kind::Cell, mark.into_iter().map(|(node, _)| node).collect()));
    Node::Group(Kind::Row, nodes)
}

fn wrapped(pen: &Pen<'_>, text: &str, width: f32, weight: Weight) -> Vec<String> {
    pen.fonts.lines(weight, SIZE, text, width - 2.0 * PADDING)
}

/// The cells of one row; moves down by its height.
fn cells(
    pen: &mut Pen<'_>,
    table: &Table,
    texts: &[String],
    widths: &[f32],
    (weight, part): (Weight, Part),
) -> Vec<Node> {
    let lines: Vec<Vec<String>> =
        texts.iter().zip(widths).map(|(text, width)| wrapped(pen, text, *width, weight)).collect();
    let height = lines.iter().map(Vec::len).max().unwrap_or(1) as f32 * LINE + 3.0;
    let (top, mut left, mut nodes) = (pen.y, MARGIN, Vec::new());
    for (at, (lines, width)) in lines.iter().zip(widths).enumerate() {
        let align = table.columns.get(at).map_or(Align::Start, |column| column.align);
        let mut parts = Vec::new();
        for (line, text) in lines.iter().enumerate() {
            let free = width - 2.0 * PADDING - pen.fonts.width(weight, SIZE, text);
            let x = left + PADDING + if align == Align::End { free } else { 0.0 };
            let y = top + LINE * (line as f32 + 1.0) - 1.5;
            let text = Drawing::Text { x, y, size: SIZE, weight, shade: Shade::Ink, text: text.clone() };
            parts.push(pen.leaf(vec![text], None, part));
        }
        let kind = match (weight, at) {
            (Weight::Bold, _) => Kind::ColumnHead,
            (Weight::Regular, 0) => Kind::RowHead,
            (Weight::Regular, _) => Kind::Cell,
        };
        nodes.push(Node::Group(kind, parts));
        left += width;
    }
    pen.y = top + height;
    let thick = if weight == Weight::Bold { 0.9 } else { 0.4 };
    pen.ground(MARGIN, pen.y - 1.0, TEXT, thick, Shade::Line);
    nodes
}
