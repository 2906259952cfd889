//! What a report says, apart from how it looks: sections of figures, tables and bars, each with the path of its proof.
//!
//! Flow: figures → a [`Paper`] in one language → [`html::render`] and [`pdf::render`], which say the same. Nothing here
//! knows a clock: the same paper gives the same bytes.

pub mod count;
pub mod html;
pub mod number;
pub mod pdf;

pub use count::Count;
use serde::{Deserialize, Serialize};

/// The language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// Spanish.
    Es,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::Es];

    /// Its tag (BCP 47).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }

    /// The one of the two that is this language's.
    pub const fn pick<'a>(self, english: &'a str, spanish: &'a str) -> &'a str {
        match self {
            Self::En => english,
            Self::Es => spanish,
        }
    }
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// The language of its words; figures are the same in each.
    pub language: Language,
    /// What it is.
    pub title: String,
    /// Of whom.
    pub subtitle: String,
    /// Block time of its figures, in milliseconds since 1970.
    pub as_of_ms: u64,
    /// What names it for good: two papers of one id are the same.
    pub id: String,
    /// Before the path of every proof, for example `https://node.example`; empty where the reader's node serves the page.
    pub link: String,
    /// What it is made from, as a name and a value.
    pub facts: Vec<(String, String)>,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A part with a heading.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// What the outline and the tree of headings show.
    pub heading: String,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Sentences.
    Text(String),
    /// Single figures.
    Figures(Vec<Figure>),
    /// Rows under columns, with a caption.
    Table(Table),
    /// Horizontal bars.
    Bars(Bars),
    /// Lines to type into a shell.
    Commands(Vec<String>),
}

/// A figure with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What it counts.
    pub label: String,
    /// As it is read.
    pub value: String,
    /// What it is compared with, or why it is withheld.
    pub note: String,
    /// The path of the bundle that proves it.
    pub proof: String,
}

/// Figures of one kind side by side, each row with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Its columns: the first names the row.
    pub columns: Vec<Column>,
    /// In the order in which they are read.
    pub rows: Vec<Row>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// How its cells stand.
    pub align: Align,
}

/// How cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// As words stand: at the left.
    Start,
    /// As numbers stand: at the right.
    End,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As many as there are columns.
    pub cells: Vec<String>,
    /// The path of the bundle that proves the row.
    pub proof: String,
}

/// Bars over one scale from zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bars {
    /// What they show.
    pub caption: String,
    /// The end of the scale; the longest bar when 0.
    pub most: u64,
    /// One a group.
    pub bars: Vec<Bar>,
}

/// One bar. A range is drawn in full up to its low end and hollow from there to its high end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// The group that the bar is of.
    pub label: String,
    /// As it is read.
    pub text: String,
    /// Drawn in full up to here.
    pub low: u64,
    /// Drawn hollow from `low` up to here; equal to it where the figure is exact.
    pub high: u64,
    /// The path of the bundle that proves it.
    pub proof: String,
}

impl Table {
    /// A table of a naming column and columns of numbers.
    pub fn of_numbers(caption: &str, first: &str, numbers: &[&str]) -> Self {
        let column = |title: &str, align| Column { title: title.to_owned(), align };
        let mut columns = vec![column(first, Align::Start)];
        columns.extend(numbers.iter().map(|title| column(title, Align::End)));
        Self { caption: caption.to_owned(), columns, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>, proof: &str) {
        self.rows.push(Row { cells, proof: proof.to_owned() });
    }
}

impl Bars {
    /// The end of the scale, at least 1.
    pub fn scale(&self) -> u64 {
        let longest = self.bars.iter().map(|bar| bar.high.max(bar.low)).max().unwrap_or(0);
        self.most.max(longest).max(1)
    }
}

impl Paper {
    /// The paths of all proofs, each once, in the order of the text: the footnotes' numbers from 1.
    pub fn proofs(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        for path in blocks.flat_map(Block::proofs).filter(|path| !path.is_empty()) {
            if !found.contains(&path) {
                found.push(path);
            }
        }
        found
    }

    /// How many figures it shows: single ones, cells of numbers, and bars.
    pub fn figures(&self) -> usize {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.map(Block::figures).sum()
    }
}

impl Block {
    fn proofs(&self) -> Vec<&str> {
        match self {
            Self::Text(_) | Self::Commands(_) => Vec::new(),
            Self::Figures(figures) => figures.iter().map(|one| one.proof.as_str()).collect(),
            Self::Table(table) => table.rows.iter().map(|row| row.proof.as_str()).collect(),
            Self::Bars(bars) => bars.bars.iter().map(|bar| bar.proof.as_str()).collect(),
        }
    }

    fn figures(&self) -> usize {
        match self {
            Self::Text(_) | Self::Commands(_) => 0,
            Self::Figures(figures) => figures.len(),
            Self::Table(table) => {
                let numbers = table.columns.iter().filter(|column| column.align == Align::End).count();
                numbers.saturating_mul(table.rows.len())
            }
            Self::Bars(bars) => bars.bars.len(),
        }
    }
}
