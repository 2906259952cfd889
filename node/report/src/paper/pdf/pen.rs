//! What is put on pages, from top to bottom, and the nodes of the tree that it is of.
//!
//! Sizes are points (1/72 inch) from the top left of an A4 page.

use super::fonts::{Fonts, Weight};

/// Width of a page.
pub const WIDTH: f32 = 595.0;
/// Height of a page.
pub const HEIGHT: f32 = 842.0;
/// Left and right of the text.
pub const MARGIN: f32 = 48.0;
/// Width of the text.
pub const TEXT: f32 = WIDTH - 2.0 * MARGIN;
/// Where the text begins.
pub const TOP: f32 = 48.0;
const BOTTOM: f32 = HEIGHT - 56.0;

/// How dark something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shade {
    /// Text.
    Ink,
    /// Less important text.
    Soft,
    /// Links and bars.
    Accent,
    /// Lines.
    Line,
    /// Grounds.
    Panel,
}

/// One thing drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawing {
    /// A line of text; `y` is its baseline.
    Text { x: f32, y: f32, size: f32, weight: Weight, shade: Shade, text: String },
    /// A filled box.
    Filled { x: f32, y: f32, width: f32, height: f32, shade: Shade },
    /// The dashed outline of a box.
    Dashed { x: f32, y: f32, width: f32, height: f32 },
}

/// Where a click leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Goes {
    /// The address.
    pub uri: String,
    /// What a screen reader says of it.
    pub says: String,
    /// Left, top, right and bottom of the place.
    pub place: [f32; 4],
}

/// Drawings that belong together: a leaf of the tree, or, outside of it, decoration.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// In the order in which they are drawn.
    pub drawings: Vec<Drawing>,
    /// That it is a link.
    pub goes: Option<Goes>,
    /// Whether it is in the tree.
    pub part: Part,
}

/// Whether a leaf says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Content,
    /// It is decoration: screen readers pass it over.
    Decoration,
}

/// What a group of the tree is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A heading of this level.
    Heading(u16),
    Paragraph,
    List,
    /// An item of a list.
    Item,
    /// What an item says.
    Body,
    Table,
    /// The caption of a table or a chart.
    Caption,
    Row,
    ColumnHead,
    RowHead,
    Cell,
    /// A chart, with the words that say the same and its place: left, top, right and bottom.
    Chart(String, [f32; 4]),
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    Group(Kind, Vec<Node>),
    /// The leaf of a page.
    Leaf(usize, usize),
}

/// Puts things on pages from top to bottom.
pub struct Pen<'a> {
    pub fonts: &'a Fonts,
    pub link: &'a str,
    pub proofs: Vec<&'a str>,
    pub proof_of: &'a str,
    pub proof_head: &'a str,
    pub y: f32,
    pub pages: Vec<Vec<Leaf>>,
}

impl Pen<'_> {
    /// Starts a page unless there is this much room; says whether it did.
    pub fn room(&mut self, height: f32) -> bool {
        let full = self.y + height > BOTTOM && self.y > TOP;
        if full {
            self.pages.push(Vec::new());
            self.y = TOP;
        }
        full
    }

    /// Adds a leaf to the page.
    pub fn leaf(&mut self, drawings: Vec<Drawing>, goes: Option<Goes>, part: Part) -> Node {
        if self.pages.is_empty() {
            self.pages.push(Vec::new());
        }
        let page = self.pages.len() - 1;
        let leaves = &mut self.pages[page];
        leaves.push(Leaf { drawings, goes, part });
        Node::Leaf(page, leaves.len() - 1)
    }

    /// A line of text as a leaf.
    pub fn text(&mut self, x: f32, y: f32, size: f32, weight: Weight, shade: Shade, text: &str) -> Node {
        let text = self.fonts.known(text);
        self.leaf(vec![Drawing::Text { x, y, size, weight, shade, text }], None, Part::Content)
    }

    /// A box that says nothing.
    pub fn ground(&mut self, x: f32, y: f32, width: f32, height: f32, shade: Shade) {
        self.leaf(vec![Drawing::Filled { x, y, width, height, shade }], None, Part::Decoration);
    }

    /// The footnote of a proof, if there is one: its leaf and its width.
    pub fn mark(&mut self, x: f32, y: f32, size: f32, proof: &str) -> Option<(Node, f32)> {
        let at = self.proofs.iter().position(|one| *one == proof)?;
        let text = format!("[{}]", at + 1);
        let width = self.fonts.width(Weight::Regular, size, &text);
        let goes = Goes {
            uri: format!("{}{proof}", self.link),
            says: format!("{} {proof}", self.proof_of),
            place: [x, y - size, x + width, y + size * 0.3],
        };
        let drawing = Drawing::Text { x, y, size, weight: Weight::Regular, shade: Shade::Accent, text };
        Some((self.leaf(vec![drawing], Some(goes), Part::Content), width))
    }

    /// Wrapped text as the leaves of one group.
    pub fn wrapped(&mut self, size: f32, weight: Weight, shade: Shade, text: &str) -> Vec<Node> {
        let lines = self.fonts.lines(weight, size, text, TEXT);
        let mut nodes = Vec::new();
        for line in lines {
            self.room(size * 1.45);
            self.y += size * 1.45;
            nodes.push(self.text(MARGIN, self.y - size * 0.35, size, weight, shade, &line));
        }
        nodes
    }
}
