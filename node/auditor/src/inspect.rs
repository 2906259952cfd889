//! `aula-audit inspect FILE`: what a bundle says it holds. Nothing is checked but its form.

use std::path::PathBuf;

use aula_ledger::audit::{
    Bundle, Verdict, ViaBundle,
    bundle::Subject,
    bundle::{EquityStanding, StudentStanding},
    is_via,
};
use aula_ledger::codec::Canonical;
use clap::Args;
use serde_json::{Value, json};

use crate::answer::{Answer, Failure};
use crate::files::read;

/// Arguments of `aula-audit inspect`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  aula-audit inspect round-3.bundle")]
pub(crate) struct InspectArgs {
    /// The evidence bundle
    file: PathBuf,
}

/// Reads the bundle and lists its parts.
pub(crate) fn run(args: &InspectArgs) -> Result<Answer, Failure> {
    let bytes = read(&args.file, "bundle", ViaBundle::MAX_BYTES)?;
    let read = if is_via(&bytes) { over_two(&bytes) } else { part(&bytes) };
    let json = read.ok_or_else(|| Failure {
        message: format!(
            "{} is not a whole evidence bundle of version {}",
            args.file.display(),
            Bundle::VERSION
        ),
        next: "ask for the file again: it was damaged, or is something else",
    })?;
    let text = format!(
        "{}\nNothing of this is checked: use aula-audit verify.",
        serde_json::to_string_pretty(&json).unwrap_or_default()
    );
    Ok(Answer { exit_code: Verdict::Valid.exit_code(), text, json })
}

/// The two bundles of evidence over two ledgers.
fn over_two(bytes: &[u8]) -> Option<Value> {
    let ViaBundle { parent, child } = ViaBundle::from_canonical(bytes).ok()?;
    let (parent, child) = (part(&parent)?, part(&child)?);
    Some(
        json!({ "kind": "two ledgers", "bytes": bytes.len(), "parent": parent, "child": child, "checked": false }),
    )
}

/// What one bundle holds; none of other bytes.
fn part(bytes: &[u8]) -> Option<Value> {
    let bundle = Bundle::from_canonical(bytes).ok()?;
    let header = &bundle.chain.head.header;
    Some(json!({
        "kind": bundle.subject.kind(),
        "bytes": bytes.len(),
        "genesis": header.genesis,
        "height": header.height,
        "time_ms": header.time_ms,
        "block_hash": header.hash(),
        "signatures": bundle.chain.head.certificate.signatures.len(),
        "links": bundle.chain.links.len(),
        "validator_set_changes": bundle.chain.links.iter().filter(|link| link.new_set.is_some()).count(),
        "subject": subject(&bundle.subject),
        "checked": false,
    }))
}

fn subject(subject: &Subject) -> Value {
    match subject {
        Subject::Round(round) => json!({
            "round": round.context.round,
            "requests": round.rows.len(),
            "pools": round.context.pools.len(),
            "schools": round.context.schools.len(),
            "certificate_bytes": round.certificate.value.len(),
        }),
        Subject::Allocation(allocation) => json!({
            "round": allocation.context.round,
            "handle": allocation.handle,
            "pools": allocation.context.pools.len(),
        }),
        Subject::Budget(budget) => json!({
            "funder": budget.funder,
            "school_year": budget.school_year,
            "floor": matches!(budget.equity, EquityStanding::Stated { .. }),
        }),
        Subject::Charged(charged) => json!({
            "funder": charged.budget.funder,
            "school_year": charged.budget.school_year,
            "floor": matches!(charged.budget.equity, EquityStanding::Stated { .. }),
            "pools": charged.classes.iter().map(|class| class.pools.len()).sum::<usize>(),
        }),
        Subject::Access(access) => json!({
            "district": access.district,
            "listed": access.listed.is_some(),
        }),
        Subject::Estate(estate) => json!({
            "district": estate.district,
            "building": estate.shown.as_ref().map(|shown| &shown.building),
        }),
        Subject::Milestone(milestone) => json!({
            "district": milestone.district,
            "handle": milestone.handle,
            "number": milestone.number,
        }),
        Subject::Figures(evidence) => json!({
            "records": evidence.figures.len(),
            "acts": evidence.acts.len(),
        }),
        Subject::Student(student) => json!({
            "district": student.district,
            "school_year": student.school_year,
            "handle": student.handle,
            "standing": match student.standing {
                StudentStanding::Anchored { .. } => "anchored",
                StudentStanding::Absent { .. } => "absent",
                StudentStanding::NoTree { .. } => "no tree",
            },
        }),
    }
}
