//! Whether a district recorded that its student reached something, and whether the record was corrected.

use super::super::bundle::{Lookup, MilestoneEvidence, Proved};
use super::super::report::{Checks, Standing, Stop};
use super::State;
use crate::state::schema::{Milestone, milestone_key, superseded_key};

/// Checks the record under its key, and that nothing or its correction stands beside it.
pub(super) fn verify(
    checks: &mut Checks,
    state: &State,
    evidence: &MilestoneEvidence,
) -> Result<Standing, Stop> {
    const NAME: &str = "milestone";
    const CORRECTED: &str = "correction";
    let MilestoneEvidence { district, handle, number, .. } = evidence;
    let key = milestone_key(*district, handle, *number);
    let record: Milestone = state.open(checks, NAME, &key, &evidence.record)?;
    let own = (record.district, record.handle, record.number) == (*district, *handle, *number);
    checks.ensure(NAME, own, "The record names another district, handle or number.")?;
    checks.ensure(
        NAME,
        record.recorded <= state.height,
        "The record is of a later block than the one that proves it.",
    )?;
    let what = serde_json::json!(record.kind).as_str().unwrap_or_default().replace('_', " ");
    let proved = record.mastered.as_ref().map_or_else(String::new, |mastered| {
        format!(" That mastery of skill {:05} lay above 0.85 was proved to every validator.", mastered.skill)
    });
    let words = format!(
        "District {district} recorded milestone {number} of handle {handle} in block {}: {what}, evidence {}.{proved}",
        record.recorded, record.evidence
    );
    checks.pass(NAME, words);
    let mark = superseded_key(*district, handle, *number);
    let superseded = match &evidence.superseded {
        Lookup::Absent(proof) => {
            state.absent(checks, CORRECTED, &mark, proof)?;
            None
        }
        Lookup::Present(Proved { value, proof }) => {
            checks.need(CORRECTED, proof.verify_inclusion(&state.root, &mark, value))?;
            let bytes: Result<[u8; 2], _> = value.as_slice().try_into();
            checks.ensure(CORRECTED, bytes.is_ok(), "The mark of a correction is not a number.")?;
            bytes.ok().map(u16::from_be_bytes)
        }
    };
    match superseded {
        None => {
            checks.pass(CORRECTED, "No later record corrects it.");
            Ok(Standing::Stands)
        }
        Some(by) => {
            checks.pass(CORRECTED, format!("Milestone {by} of the handle corrects it."));
            Ok(Standing::Replaced)
        }
    }
}
