//! What else is kept of a log: further columns, for reports; and which students are taken.

use std::collections::BTreeMap;

/// A further column of a log, kept for reports: each row's value by its number.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The column.
    pub name: String,
    /// Its values, in the order of their first appearance.
    pub values: Vec<String>,
    /// For each row of the log, the place of its value in `values`.
    pub of_row: Vec<u32>,
    /// Places by value.
    places: BTreeMap<String, u32>,
}

impl Labels {
    /// An empty column.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Adds the next row's value.
    pub fn push(&mut self, value: &str) {
        let place = self.places.get(value).copied().unwrap_or_else(|| {
            let place = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
            self.values.push(value.to_owned());
            self.places.insert(value.to_owned(), place);
            place
        });
        self.of_row.push(place);
    }
}

/// Which students of a file are taken, and which further columns are kept.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Whether a student's rows are taken.
    pub keep: &'a dyn Fn(&str) -> bool,
    /// Columns kept as [`Labels`].
    pub labels: &'a [String],
}

impl Reading<'_> {
    /// Everybody, and nothing further.
    pub const ALL: Self = Self { keep: &|_| true, labels: &[] };
}
