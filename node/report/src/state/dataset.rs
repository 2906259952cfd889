//! A table: typed columns with what they mean, and rows in a fixed order.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number of 64 bits with a sign.
    Integer,
}

/// Whether a cell may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is never empty.
    Required,
    /// It is empty where nothing is known, or where a figure is withheld.
    Optional,
}

/// A column of the export, documented where it is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its heading, the same in every format.
    pub name: &'static str,
    /// Global ID of the CEDS element; empty for an extension.
    pub ceds: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be empty.
    pub presence: Presence,
    /// Its unit; empty for text and identifiers.
    pub unit: &'static str,
    /// What it says.
    pub meaning: &'static str,
}

/// A value in a row, of its column's kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Nothing known, or withheld; an empty field in CSV, null in Parquet.
    Empty,
    /// UTF-8: a name, an account, a word of a fixed list.
    Text(String),
    /// A number.
    Integer(i64),
}

/// A table of the export, without its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its name, which its files bear.
    pub name: &'static str,
    /// What a row is.
    pub of: &'static str,
    /// In the order of the files.
    pub columns: &'static [Column],
}

/// A table that is held whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its name, which its files bear.
    pub name: &'static str,
    /// What a row is.
    pub of: &'static str,
    /// In the order of the files.
    pub columns: &'static [Column],
    /// Its rows, ascending.
    pub rows: Vec<Vec<Cell>>,
}

impl Cell {
    /// A cell of a column of texts.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number, at most the largest of 63 bits.
    pub fn number(n: impl TryInto<i64>) -> Self {
        Self::Integer(n.try_into().unwrap_or(i64::MAX))
    }

    /// A number that may be withheld.
    pub fn maybe(n: Option<impl TryInto<i64>>) -> Self {
        n.map_or(Self::Empty, Self::number)
    }

    /// As CSV has it.
    pub fn shown(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Integer(n) => n.to_string(),
        }
    }
}

impl Dataset {
    /// What it is of.
    pub const fn head(&self) -> Head {
        Head { name: self.name, of: self.of, columns: self.columns }
    }

    /// The same with its rows in order: by the first cell, then the second, and so on.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.rows.sort();
        self
    }
}
