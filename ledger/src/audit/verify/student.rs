//! Whether a student's state is anchored in a district's tree of a school year.

use super::super::bundle::{StudentEvidence, StudentStanding};
use super::super::report::{Checks, Stop};
use super::{State, opened};
use crate::codec::Canonical;
use crate::proof::bulk_tree::verify_row;
use crate::state::{schema, tree_key};

/// Checks inclusion or absence, whichever the bundle claims.
pub(super) fn verify(checks: &mut Checks, state: &State, evidence: &StudentEvidence) -> Result<(), Stop> {
    let StudentEvidence { district, school_year, handle, standing } = evidence;
    let label = schema::students_tree(*district, *school_year);
    let whose = format!("of district {district} in school year {school_year}");
    match standing {
        StudentStanding::Anchored { tree, row, opened } => {
            let head = state.open_tree(checks, "tree", &label, tree)?;
            checks.pass("tree", format!("The tree {whose} holds {} students.", head.leaf_count));
            checks.need("inclusion", verify_row(&row.path, handle, &row.row, &head))?;
            let leaf = checks.need("inclusion", schema::StudentLeaf::from_canonical(&row.row))?;
            checks.ensure("inclusion", leaf.anchored <= state.height, "The leaf is from a later block.")?;
            let fields = || leaf.commitments.iter().map(|one| one.field);
            let once = fields().zip(fields().skip(1)).all(|(a, b)| a < b);
            checks.ensure("inclusion", once, "The leaf commits to a field twice, or out of order.")?;
            checks.pass(
                "inclusion",
                format!(
                    "Student {handle} stands in the tree {whose}: version {}, state hash {}, anchored at height {}.",
                    leaf.version, leaf.state_hash, leaf.anchored
                ),
            );
            if let Some(opened) = opened {
                opened::verify(checks, &leaf, opened)?;
            }
        }
        StudentStanding::Absent { tree, proof } => {
            let head = state.open_tree(checks, "tree", &label, tree)?;
            checks.pass("tree", format!("The tree {whose} holds {} students.", head.leaf_count));
            checks.need("absence", proof.verify(handle, &head))?;
            checks.pass("absence", format!("No student {handle} stands in the tree {whose}."));
        }
        StudentStanding::NoTree { proof } => {
            state.absent(checks, "absence", &tree_key(&label), proof)?;
            checks.pass("absence", format!("Nobody {whose} was anchored, so student {handle} was not."));
        }
    }
    Ok(())
}
