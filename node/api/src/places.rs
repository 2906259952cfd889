//! Figures of one round, district, school or pool; schools in a list; pages that a search finds.

use aula_ledger::position::Position;
use aula_ledger::state::schema::School;
use aula_ledger::types::{Height, SchoolYear, TimeMs};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records;

/// What a page of the explorer shows, and up to which block it is counted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Figures<T> {
    /// The final block up to which they count.
    #[schema(value_type = u64)]
    pub as_of_height: Height,
    /// The rows that the explorer's page shows.
    pub figures: T,
}

/// A page that may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// `block`, `round`, `school` and the like: the kind of page.
    pub kind: String,
    /// What the page is about, as people call it.
    pub title: String,
    /// Its page on this node.
    pub href: String,
}

/// Pages that a text may mean, the likeliest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Hits {
    /// The length of `hits`; 0 when nothing fits.
    pub count: usize,
    /// In the order in which to offer them.
    pub hits: Vec<Hit>,
}

/// A school with its name and place of this school year.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchoolLine {
    /// The ledger's record: number, district, type, and each description with the school year it is from.
    #[serde(flatten)]
    #[schema(value_type = records::School)]
    pub school: School,
    /// What people call it now; none when its district has given no name.
    pub name: Option<String>,
    /// Where it is, in microdegrees of WGS 84; none when its district has not said.
    #[schema(value_type = Option<records::Position>)]
    pub position: Option<Position>,
    /// The place among the record's descriptions of the one that `name` and `position` are of; none without one.
    #[serde(skip)]
    pub described_at: Option<usize>,
}

impl SchoolLine {
    /// Of the school year that a block time is in.
    pub fn of(school: School, now: TimeMs) -> Self {
        let said = school.described_in(SchoolYear::at(now));
        let described_at = said.and_then(|said| school.described.iter().position(|one| one == said));
        let name = said.and_then(|said| said.name.as_ref()).map(ToString::to_string);
        let position = said.and_then(|said| said.position);
        Self { name, position, described_at, school }
    }

    /// What people call it, else `School` and its number.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("School {}", self.school.id))
    }

    /// The path at which a bundle proves the name.
    pub fn name_path(&self) -> Option<String> {
        let at = self.described_at.filter(|_| self.name.is_some())?;
        Some(format!("school-{}.described.{at}.name", self.school.id))
    }
}
