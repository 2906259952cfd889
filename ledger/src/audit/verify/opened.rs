//! Opened fields of a student's state: each stands in the anchored hash; what it says is read from its own bytes.

use super::super::bundle::{Opened, OpenedField};
use super::super::report::{Checks, Stop};
use crate::proof::student_state::{SaltedField, hash_of_head};
use crate::state::schema::StudentLeaf;

const NAME: &str = "field";

/// Checks each opened field against the leaf's state hash; a line each.
pub(super) fn verify(checks: &mut Checks, leaf: &StudentLeaf, opened: &Opened) -> Result<(), Stop> {
    let anchored = hash_of_head(&opened.head) == leaf.state_hash;
    checks.ensure(NAME, anchored, "The fields opened are not of the anchored state.")?;
    let names = || opened.fields.iter().map(|field| &field.field);
    let ascending = names().zip(names().skip(1)).all(|(a, b)| a < b);
    checks.ensure(NAME, ascending && !opened.fields.is_empty(), "Opened fields do not ascend by name.")?;
    for field in &opened.fields {
        let OpenedField { field: name, value, salt, path } = field;
        let salted = SaltedField { field: name.clone(), value: value.clone(), salt: *salt };
        checks.need(NAME, path.verify(&salted.hash(), &opened.head))?;
        checks
            .pass(NAME, format!("Field {:?} of the anchored state is opened: {}.", name, words(name, value)));
    }
    checks.pass(
        NAME,
        format!(
            "The state has {} fields; the {} others stay closed, each behind a salt of its own.",
            opened.head.leaf_count,
            opened.head.leaf_count.saturating_sub(opened.fields.len() as u64)
        ),
    );
    Ok(())
}

/// A field's value in words where its name says how to read it, else its bytes.
fn words(name: &str, value: &[u8]) -> String {
    let read = if name == "need" {
        borsh::from_slice::<Option<u16>>(value).ok().map(|need| match need {
            Some(need) => format!("need {need} of 2559"),
            None => "need not assessed".to_owned(),
        })
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
