//! What is told of one round, district, school or pool, and where things are.

use aula_ledger::types::Height;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Figures of a height.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Figures<T> {
    /// Of which height.
    #[schema(value_type = u64)]
    pub as_of_height: Height,
    /// The rows that the explorer's page shows.
    pub figures: T,
}

/// A page that may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// What kind of thing.
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// Its page on this node.
    pub href: String,
}

/// Pages that a text may mean, the likeliest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Hits {
    /// How many.
    pub count: usize,
    /// The pages.
    pub hits: Vec<Hit>,
}
