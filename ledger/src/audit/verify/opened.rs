//! Opened fields of a student's state: each stands in the anchored hash, at the one place that its name has there; what
//! it says is read from its own bytes, and where the leaf commits to its number, the commitment opens to it.

use super::super::bundle::{Opened, OpenedField};
use super::super::report::{Checks, Stop};
use crate::proof::committed::opens;
use crate::proof::sparse::root_of;
use crate::proof::student_state::SaltedField;
use crate::state::schema::StudentLeaf;

const NAME: &str = "field";

/// Checks each opened field against the leaf's state hash and commitments; a line each.
pub(super) fn verify(checks: &mut Checks, leaf: &StudentLeaf, opened: &Opened) -> Result<(), Stop> {
    let names = || opened.fields.iter().map(|field| &field.field);
    let ascending = names().zip(names().skip(1)).all(|(a, b)| a < b);
    checks.ensure(NAME, ascending && !opened.fields.is_empty(), "Opened fields do not ascend by name.")?;
    for field in &opened.fields {
        let OpenedField { field: name, value, salt, siblings, .. } = field;
        let salted = SaltedField { field: name.clone(), value: value.clone(), salt: *salt }.leaf();
        let root = checks.need(NAME, root_of(&salted.key_hash, salted.hash(), siblings))?;
        let anchored = root == leaf.state_hash;
        checks.ensure(NAME, anchored, "A field opened does not stand in the anchored state.")?;
        let committed = check_commitment(checks, leaf, field)?;
        checks.pass(
            NAME,
            format!("Field {:?} of the anchored state is opened: {}{committed}.", name, words(name, value)),
        );
    }
    checks.pass(
        NAME,
        "Every name has one place in a state, so none of these fields has another value there. The other fields stay \
         closed, each behind a salt of its own.",
    );
    Ok(())
}

/// The blinding stands there exactly if the leaf commits to the field, and opens that commitment to the field's number.
fn check_commitment(
    checks: &mut Checks,
    leaf: &StudentLeaf,
    field: &OpenedField,
) -> Result<&'static str, Stop> {
    let committed = leaf.commitment_to(&field.field);
    let (Some(committed), Some(blinding)) = (&committed, &field.blinding) else {
        let neither = committed.is_none() && field.blinding.is_none();
        checks.ensure(
            NAME,
            neither,
            "A committed field is opened without its blinding, or another with one.",
        )?;
        return Ok("");
    };
    let number = committed.field.number_in(&field.value);
    let same = number.is_some_and(|number| opens(&committed.commitment, number, blinding));
    checks.ensure(NAME, same, "A field's value is not the one that the anchored leaf commits to.")?;
    Ok(", as the leaf commits to")
}

/// A field's value in words where its name says how to read it, else its bytes.
fn words(name: &str, value: &[u8]) -> String {
    let read = if name == "need" {
        borsh::from_slice::<u16>(value).ok().map(|need| format!("need {need} of 2559"))
    } else if name.starts_with("input/") {
        borsh::from_slice::<u8>(value).ok().map(|input| format!("input {input} of the need rule"))
    } else if name.starts_with("skill/") {
        let read = borsh::from_slice::<(u16, u16, u8)>(value).ok();
        read.map(|(mastery, confidence, stage)| {
            let stage = if stage == 0 { "still on its unit" } else { "its unit passed" };
            format!("mastery {mastery} of 10000 with confidence {confidence} of 10000, {stage}")
        })
    } else if name == "engagement" {
        let read = borsh::from_slice::<(u16, i16)>(value).ok();
        read.map(|(level, trend)| format!("engagement {level} of 10000, trend {trend}"))
    } else {
        None
    };
    read.unwrap_or_else(|| format!("bytes {}", hex::encode(value)))
}
