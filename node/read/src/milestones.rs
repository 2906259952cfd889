//! Milestones for the public: how many of each kind and school year stand on the ledger, never whose.
//!
//! The ledger itself keeps the published counts, rounded down to a multiple of `min_cell_students`: exact ones, read
//! after each block, would tell the kind of the one milestone that the block recorded.

use aula_ledger::state::schema;
use aula_ledger::tx::MilestoneKind;
use aula_ledger::types::SchoolYear;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::table::Table;
use crate::ReadError;
use aula_store::ChainView;

/// Milestones of one kind in one school year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MilestoneLine {
    /// The calendar year in which it starts.
    #[schema(value_type = u16)]
    pub school_year: SchoolYear,
    /// `unit_mastered`, `grade_completed` or `credential_awarded`.
    pub kind: String,
    /// At least so many, corrections not counted; none when there are fewer than `rounded_to`.
    pub at_least: Option<u32>,
}

/// Every published count of milestones.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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
pub fn milestones(view: &ChainView) -> Result<Milestones, ReadError> {
    let line = |one: schema::MilestonesShown| MilestoneLine {
        school_year: one.school_year,
        kind: name(one.kind).to_owned(),
        at_least: Some(one.at_least).filter(|n| *n > 0),
    };
    let milestones = schema::milestones_shown(view)?.into_iter().map(line).collect();
    let rounded_to = schema::params(view)?.min_cell_students.max(1);
    Ok(Milestones { height: view.tip().height.0, rounded_to, milestones })
}

/// The kind as evidence names it.
const fn name(kind: MilestoneKind) -> &'static str {
    match kind {
        MilestoneKind::UnitMastered => "unit_mastered",
        MilestoneKind::GradeCompleted => "grade_completed",
        MilestoneKind::CredentialAwarded => "credential_awarded",
        MilestoneKind::InterventionBegun => "intervention_begun",
        MilestoneKind::InterventionEnded => "intervention_ended",
    }
}

/// The register as a table.
pub fn table(milestones: &Milestones) -> Table {
    let row = |line: &MilestoneLine| vec![json!(line.school_year), json!(line.kind), json!(line.at_least)];
    let rows = milestones.milestones.iter().map(row).collect();
    Table { columns: &["school_year", "kind", "at_least"], rows }
}
