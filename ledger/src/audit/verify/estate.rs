//! Whether a district's buildings are anchored, and whether a row is one of a building's.

use super::super::bundle::EstateEvidence;
use super::super::report::{Checks, Stop, utc};
use super::State;
use crate::estate::Row;
use crate::proof::merkle::leaf_hash;
use crate::state::schema::{Estate, estate_key};

/// Checks the district's record and, if one is shown, the row under a building's root.
pub(super) fn verify(checks: &mut Checks, state: &State, evidence: &EstateEvidence) -> Result<(), Stop> {
    const NAME: &str = "estate";
    let district = evidence.district;
    let estate: Estate = state.open(checks, NAME, &estate_key(district), &evidence.estate)?;
    checks.ensure(NAME, estate.district == district, "The estate's record names another district.")?;
    let buildings = estate.buildings.len();
    checks.pass(NAME, format!("District {district} anchored {buildings} buildings of its estate."));
    let Some(shown) = &evidence.shown else { return Ok(()) };
    const ROW: &str = "estate row";
    let Some(building) = estate.building(shown.building.as_str()) else {
        return checks.fail(ROW, "The row is shown of a building that is not anchored.".to_owned());
    };
    let Some(row) = Row::read(&shown.row) else {
        return checks.fail(ROW, "The row is not one of an estate: it is damaged or too long.".to_owned());
    };
    checks.need(ROW, shown.path.verify(&leaf_hash(&row.leaf(&shown.row)), &building.head))?;
    checks.pass(
        ROW,
        format!(
            "Version {} of building {}, anchored at height {}, {}, has {} rows; one of them is {}. Whether it is true of the \
             building cannot be seen.",
            building.version,
            building.building,
            building.at.height,
            utc(building.at.time_ms),
            building.head.leaf_count,
            row.words()
        ),
    );
    Ok(())
}
