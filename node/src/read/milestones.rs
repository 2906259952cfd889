//! Milestones for the public: how many of each kind and school year stand on the ledger, never whose.
//!
//! Counts are rounded down to a multiple of `min_cell_students`: exact ones, read after each block, would tell the kind
//! of the one milestone that the block recorded.

use aula_ledger::state::schema;
use aula_ledger::types::SchoolYear;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::index::Index;
use super::table::Table;
use crate::api::ApiError;
use crate::storage::ChainView;

/// Names of the kinds, by their number.
const KINDS: [&str; 5] =
    ["unit_mastered", "grade_completed", "credential_awarded", "intervention_begun", "intervention_ended"];

/// Milestones of one kind in one school year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MilestoneLine {
    /// The school year.
    #[schema(value_type = u16)]
    pub school_year: SchoolYear,
    /// What was reached.
    pub kind: &'static str,
    /// At least so many, corrections not counted; none when there are fewer than `rounded_to`.
    pub at_least: Option<u32>,
}

/// The register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Milestones {
    /// The height up to which is counted.
    pub height: u64,
    /// Counts are rounded down to a multiple of this.
    pub rounded_to: u32,
    /// By school year and kind.
    pub milestones: Vec<MilestoneLine>,
}

/// Reads the counts.
///
/// # Errors
/// When the database fails.
pub fn milestones(view: &ChainView, index: &Index) -> Result<Milestones, ApiError> {
    let step = schema::params(view)?.min_cell_students.max(1);
    let contents = index.follow(view)?;
    let line = |((school_year, kind), count): (&(SchoolYear, u8), &u32)| MilestoneLine {
        school_year: *school_year,
        kind: KINDS.get(usize::from(*kind)).copied().unwrap_or("other"),
        at_least: Some(count / step * step).filter(|n| *n > 0),
    };
    let milestones = contents.milestones().iter().map(line).collect();
    Ok(Milestones { height: contents.height(), rounded_to: step, milestones })
}

/// The register as a table.
pub fn table(milestones: &Milestones) -> Table {
    let row = |line: &MilestoneLine| vec![json!(line.school_year), json!(line.kind), json!(line.at_least)];
    let rows = milestones.milestones.iter().map(row).collect();
    Table { columns: &["school_year", "kind", "at_least"], rows }
}
