//! A teacher's heatmap: units by students, day by day.

use aula_ledger::types::Handle;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Mastery of a section's students by unit over the last 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassroomHeatmap {
    /// When it was computed, milliseconds since 1970; again after five minutes.
    pub computed_ms: u64,
    /// The days, oldest first, as YYYY-MM-DD in UTC.
    pub days: Vec<String>,
    /// The section, as the district names it.
    pub section: String,
    /// The students whom the access check granted, by handle.
    pub students: Vec<ClassroomStudent>,
    /// Numbers of the units, ascending: the columns of `levels`.
    pub units: Vec<u16>,
    /// How many students of the section the check did not grant: no consent, or it was withdrawn.
    pub withheld: usize,
}

/// One row of a heatmap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClassroomStudent {
    /// Whose row it is.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// By day, then by unit: mastery in ten-thousandths, null without evidence.
    pub levels: Vec<Vec<Option<u16>>>,
    /// The student's name, where the vault has one.
    pub name: Option<String>,
}
