//! A paper broken into pages: where everything stands, and the logical tree that a screen reader follows.

use super::fonts::{Fonts, Weight};
use super::pen::{Drawing, HEIGHT, Kind, Leaf, MARGIN, Node, Part, Pen, Shade, TEXT, TOP, WIDTH};
use super::tables;
use crate::paper::{Bar, Bars, Block, Figure, Paper, Section, number};

/// The whole.
pub struct Laid {
    /// The leaves of each page.
    pub pages: Vec<Vec<Leaf>>,
    /// What a screen reader follows: every leaf of content once, in reading order.
    pub tree: Vec<Node>,
    /// Headings of the sections with page and place, for the outline.
    pub outline: Vec<(String, usize, f32)>,
}

/// Breaks a paper into pages.
pub fn lay(paper: &Paper, fonts: &Fonts) -> Laid {
    let l = paper.language;
    let proofs = paper.proofs();
    let proof_of = l.pick("the proof of this:", "la prueba de esto:");
    let proof_head = l.pick("Proof", "Prueba");
    let mut pen = Pen { fonts, link: &paper.link, proofs, proof_of, proof_head, y: TOP, pages: Vec::new() };
    let mut tree = Vec::new();
    let mut outline = Vec::new();
    let title = pen.wrapped(20.0, Weight::Bold, Shade::Ink, &paper.title);
    tree.push(Node::Group(Kind::Heading(1), title));
    outline.push((paper.title.clone(), 0, TOP));
    let of = pen.wrapped(12.0, Weight::Regular, Shade::Ink, &paper.subtitle);
    tree.push(Node::Group(Kind::Paragraph, of));
    let when = format!("{} {}", l.pick("As of", "Con fecha de"), number::utc(paper.as_of_ms));
    tree.push(Node::Group(Kind::Paragraph, pen.wrapped(9.0, Weight::Regular, Shade::Soft, &when)));
    pen.y += 4.0;
    for (name, value) in &paper.facts {
        let line = format!("{name}: {value}");
        tree.push(Node::Group(Kind::Paragraph, pen.wrapped(7.5, Weight::Regular, Shade::Soft, &line)));
    }
    for section in &paper.sections {
        outline.push(lay_section(&mut pen, section, &mut tree));
    }
    outline.push(lay_section(&mut pen, &proved(paper), &mut tree));
    let mut pages = pen.pages;
    number_pages(&mut pages, paper, fonts);
    Laid { pages, tree, outline }
}

fn lay_section(pen: &mut Pen<'_>, section: &Section, tree: &mut Vec<Node>) -> (String, usize, f32) {
    pen.room(70.0);
    pen.y += 12.0;
    pen.ground(MARGIN, pen.y, TEXT, 0.6, Shade::Line);
    pen.y += 4.0;
    let heading = pen.wrapped(13.0, Weight::Bold, Shade::Ink, &section.heading);
    let place = (section.heading.clone(), pen.pages.len().saturating_sub(1), pen.y - 20.0);
    tree.push(Node::Group(Kind::Heading(2), heading));
    for block in &section.blocks {
        pen.y += 4.0;
        match block {
            Block::Text(text) => {
                let lines = pen.wrapped(9.0, Weight::Regular, Shade::Ink, text);
                tree.push(Node::Group(Kind::Paragraph, lines));
            }
            Block::Commands(lines) => {
                for line in lines {
                    let nodes = pen.wrapped(8.0, Weight::Regular, Shade::Ink, line);
                    tree.push(Node::Group(Kind::Paragraph, nodes));
                }
            }
            Block::Figures(figures) => {
                for row in figures.chunks(3) {
                    tree.extend(lay_figures(pen, row));
                }
            }
            Block::Table(table) => tables::lay(pen, table, tree),
            Block::Bars(bars) => lay_bars(pen, bars, tree),
        }
    }
    place
}

/// Up to three figures beside each other.
fn lay_figures(pen: &mut Pen<'_>, figures: &[Figure]) -> Vec<Node> {
    let width = TEXT / 3.0;
    let inner = width - 14.0;
    let notes: Vec<Vec<String>> =
        figures.iter().map(|one| pen.fonts.lines(Weight::Regular, 7.0, &one.note, inner)).collect();
    let labels: Vec<Vec<String>> =
        figures.iter().map(|one| pen.fonts.lines(Weight::Regular, 7.5, &one.label, inner)).collect();
    let most = |lines: &[Vec<String>]| lines.iter().map(Vec::len).max().unwrap_or(1) as f32;
    let (labels_high, notes_high) = (most(&labels) * 9.5, most(&notes) * 9.0);
    let height = labels_high + 18.0 + notes_high + 8.0;
    pen.room(height + 4.0);
    let top = pen.y;
    let mut nodes = Vec::new();
    for (at, figure) in figures.iter().enumerate() {
        let left = MARGIN + width * at as f32;
        pen.ground(left, top, width - 4.0, height, Shade::Panel);
        let mut parts = Vec::new();
        for (line, text) in labels[at].iter().enumerate() {
            let y = top + 10.0 + line as f32 * 9.5;
            parts.push(pen.text(left + 5.0, y, 7.5, Weight::Regular, Shade::Soft, text));
        }
        let y = top + labels_high + 15.0;
        parts.push(pen.text(left + 5.0, y, 12.0, Weight::Bold, Shade::Ink, &figure.value));
        let after = left + 9.0 + pen.fonts.width(Weight::Bold, 12.0, &pen.fonts.known(&figure.value));
        parts.extend(pen.mark(after, y, 7.0, &figure.proof).map(|(node, _)| node));
        for (line, text) in notes[at].iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let y = top + labels_high + 26.0 + line as f32 * 9.0;
            parts.push(pen.text(left + 5.0, y, 7.0, Weight::Regular, Shade::Soft, text));
        }
        nodes.push(Node::Group(Kind::Paragraph, parts));
    }
    pen.y = top + height + 4.0;
    nodes
}

fn lay_bars(pen: &mut Pen<'_>, bars: &Bars, tree: &mut Vec<Node>) {
    pen.room(40.0);
    let caption = pen.wrapped(8.5, Weight::Bold, Shade::Ink, &bars.caption);
    tree.push(Node::Group(Kind::Paragraph, caption));
    let scale = bars.scale() as f32;
    let mut items = Vec::new();
    for bar in &bars.bars {
        items.push(lay_bar(pen, bar, scale));
    }
    tree.push(Node::Group(Kind::List, items));
    pen.y += 4.0;
}

fn lay_bar(pen: &mut Pen<'_>, bar: &Bar, scale: f32) -> Node {
    const LABEL: f32 = 140.0;
    const VALUE: f32 = 110.0;
    let lines = pen.fonts.lines(Weight::Regular, 8.0, &bar.label, LABEL - 6.0);
    let height = 4.0 + lines.len() as f32 * 9.5;
    pen.room(height);
    let top = pen.y;
    let mut parts = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        parts.push(pen.text(MARGIN, top + 9.0 + at as f32 * 9.5, 8.0, Weight::Regular, Shade::Ink, line));
    }
    let (left, most) = (MARGIN + LABEL, TEXT - LABEL - VALUE);
    pen.ground(left, top + 2.0, most, 9.0, Shade::Panel);
    let (low, high) = (most * bar.low as f32 / scale, most * bar.high.max(bar.low) as f32 / scale);
    let mut drawings = Vec::new();
    if low > 0.0 {
        drawings.push(Drawing::Filled {
            x: left,
            y: top + 2.0,
            width: low,
            height: 9.0,
            shade: Shade::Accent,
        });
    }
    if high > low {
        drawings.push(Drawing::Dashed { x: left + low, y: top + 2.5, width: high - low, height: 8.0 });
    }
    if !drawings.is_empty() {
        let chart = pen.leaf(drawings, None, Part::Content);
        let place = [left, top + 2.0, left + high, top + 11.0];
        parts.push(Node::Group(Kind::Chart(format!("{}: {}", bar.label, bar.text), place), vec![chart]));
    }
    let text = pen.fonts.known(&bar.text);
    let x = left + most + 6.0;
    parts.push(pen.text(x, top + 9.0, 8.0, Weight::Regular, Shade::Ink, &text));
    let after = x + pen.fonts.width(Weight::Regular, 8.0, &text) + 4.0;
    parts.extend(pen.mark(after, top + 9.0, 7.0, &bar.proof).map(|(node, _)| node));
    pen.y = top + height;
    Node::Group(Kind::Item, vec![Node::Group(Kind::Body, parts)])
}

/// The last section: what the numbers in brackets stand for.
fn proved(paper: &Paper) -> Section {
    let l = paper.language;
    let text = l.pick(
        "Each number in brackets names a bundle of evidence. Fetch it from any node of the consortium and check it offline with the genesis file: curl -o proof.bundle NODE/PATH && aula-audit verify proof.bundle --genesis genesis.json",
        "Cada n\u{fa}mero entre corchetes nombra un archivo de pruebas. Puede pedirlo a cualquier nodo del consorcio y comprobarlo sin red con el archivo de g\u{e9}nesis: curl -o proof.bundle NODE/PATH && aula-audit verify proof.bundle --genesis genesis.json",
    );
    let lines = paper.proofs().iter().enumerate().map(|(at, path)| format!("[{}] {path}", at + 1)).collect();
    Section {
        heading: l.pick("Proofs", "Pruebas").to_owned(),
        blocks: vec![Block::Text(text.to_owned()), Block::Commands(lines)],
    }
}

fn number_pages(pages: &mut [Vec<Leaf>], paper: &Paper, fonts: &Fonts) {
    let l = paper.language;
    let count = pages.len();
    for (at, leaves) in pages.iter_mut().enumerate() {
        let right = format!("{} {} {} {count}", l.pick("Page", "P\u{e1}gina"), at + 1, l.pick("of", "de"));
        let left = fonts.known(&format!("{} \u{2013} {}", paper.title, paper.subtitle));
        let x = WIDTH - MARGIN - fonts.width(Weight::Regular, 7.5, &right);
        let line = |x: f32, text: String| Drawing::Text {
            x,
            y: HEIGHT - 30.0,
            size: 7.5,
            weight: Weight::Regular,
            shade: Shade::Soft,
            text,
        };
        let drawings = vec![line(MARGIN, left), line(x, right)];
        leaves.push(Leaf { drawings, goes: None, part: Part::Decoration });
    }
}
