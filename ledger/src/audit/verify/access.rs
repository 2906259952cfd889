//! Whether a district's access log is anchored, and whether it lists a read: for the family whom it concerns.

use super::super::bundle::AccessEvidence;
use super::super::report::{Checks, Stop, utc};
use super::State;
use crate::access::{AccessEntry, Verdict};
use crate::codec::Canonical;
use crate::state::schema::{AccessLog, access_log_key};

/// Checks the anchored head and, if one is shown, the entry under it.
pub(super) fn verify(checks: &mut Checks, state: &State, evidence: &AccessEvidence) -> Result<(), Stop> {
    const NAME: &str = "access log";
    let district = evidence.district;
    let log: AccessLog = state.open(checks, NAME, &access_log_key(district), &evidence.log)?;
    checks.ensure(NAME, log.district == district, "The log's record names another district.")?;
    let restored = match log.epoch {
        0 => String::new(),
        epoch => format!(" It is log {epoch}: so often was the vault restored and had lost entries."),
    };
    checks.pass(
        NAME,
        format!(
            "District {district} anchored {} entries of its access log at height {}, {}; none of them can be changed or \
             taken out unseen.{restored} What was never entered cannot be seen.",
            log.head.leaf_count,
            log.at.height,
            utc(log.at.time_ms)
        ),
    );
    let Some(listed) = &evidence.listed else { return Ok(()) };
    const READ: &str = "read listed";
    let entry = checks.need(READ, AccessEntry::from_canonical(&listed.entry))?;
    checks.ensure(READ, entry.genesis == state.genesis, "The entry is of another chain.")?;
    let own = entry.district == district && entry.number == listed.path.index;
    checks.ensure(READ, own, "The entry is another district's, or names another place.")?;
    checks.need(READ, listed.path.verify(&entry.hash(), &log.head))?;
    checks.pass(READ, words(&entry));
    Ok(())
}

fn words(entry: &AccessEntry) -> String {
    let fields: Vec<&str> = entry.fields.iter().map(|field| field.as_str()).collect();
    let AccessEntry { number, handle, reader, role, purpose, basis, relation, .. } = entry;
    let (when, fields) = (utc(entry.time_ms), fields.join(", "));
    let what = match entry.verdict {
        Verdict::Granted => format!("was given {fields}"),
        Verdict::Denied(denial) => format!("asked for {fields} and was denied: {}", denial.explain()),
    };
    let basis = basis.map(|basis| format!(" ({}: {})", basis.name(), basis.explain())).unwrap_or_default();
    let relation = relation.as_ref().map(|relation| format!(" {}", relation.explain())).unwrap_or_default();
    format!(
        "Entry {number}, {when}: {reader} as {role}{relation}, for {purpose}{basis}, {what}. Of student {handle}."
    )
}
