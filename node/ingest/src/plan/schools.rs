//! Which school of the ledger a sending system's identifier means.

use std::collections::BTreeMap;

use crate::reading::LocalSchool;

/// A school of the district on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerSchool {
    /// Its number, by which enrolments name it.
    pub number: u32,
    /// Its name; empty where the ledger has none.
    pub name: String,
}

/// What is known of schools: the operator's file, what earlier imports found, the ledger.
#[derive(Debug, Clone, Default)]
pub struct Schools {
    given: BTreeMap<String, u32>,
    kept: BTreeMap<String, u32>,
    ledger: Vec<LedgerSchool>,
    unchecked: bool,
}

impl Schools {
    /// From the operator's table, the kept one, and the district's schools on the ledger.
    pub fn new(given: BTreeMap<String, u32>, kept: BTreeMap<String, u32>, ledger: Vec<LedgerSchool>) -> Self {
        Self { given, kept, ledger, unchecked: false }
    }

    /// Without a ledger to ask: an identifier that is a number is taken as the school's.
    pub fn unchecked(given: BTreeMap<String, u32>, kept: BTreeMap<String, u32>) -> Self {
        Self { given, kept, ledger: Vec::new(), unchecked: true }
    }

    /// The number that earlier imports found.
    pub fn kept(&self, id: &str) -> Option<u32> {
        self.kept.get(id).copied()
    }

    /// The school's number: by the operator's table, else by what is kept, else by its identifiers where they are a number of the
    /// district's, else by its name on the ledger.
    pub fn find(&self, id: &str, described: Option<&LocalSchool>) -> Option<u32> {
        let identifier = described.map_or("", |school| school.identifier.as_str());
        let tables = [&self.given, &self.kept];
        let listed = tables.iter().find_map(|table| table.get(id).or_else(|| table.get(identifier)));
        if let Some(number) = listed {
            return Some(*number);
        }
        let by_number = |text: &str| {
            let number: u32 = text.trim().parse().ok()?;
            if self.unchecked {
                return Some(number);
            }
            self.ledger.iter().find(|school| school.number == number).map(|school| school.number)
        };
        let by_name = |text: &str| {
            let mut named =
                self.ledger.iter().filter(|school| !text.trim().is_empty() && same(&school.name, text));
            // Two schools of one name are nobody's guess.
            named.next().filter(|_| named.next().is_none()).map(|school| school.number)
        };
        by_number(id)
            .or_else(|| by_number(identifier))
            .or_else(|| by_name(described.map_or("", |school| school.name.as_str())))
            .or_else(|| by_name(id))
    }
}

/// True when two names differ only in case and spaces.
fn same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    words(one) == words(other)
}
