//! `aula-audit inspect FILE`: what a bundle says it holds. Nothing is checked but its form.

use std::path::PathBuf;

use aula_ledger::audit::{
    Bundle, VIA_VERSION, Verdict, ViaBundle,
    bundle::{EquityStanding, OF_FIRST, StudentStanding, Subject},
    is_via,
};
use aula_ledger::codec::{Canonical, CodecError};
use clap::Args;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

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
    let json = read.map_err(|unread| unread.failure(&args.file.display().to_string()))?;
    let text = format!(
        "{}\nNothing of this is checked: use aula-audit verify.",
        serde_json::to_string_pretty(&json).unwrap_or_default()
    );
    Ok(Answer { exit_code: Verdict::Valid.exit_code(), text, json })
}

/// Why a file's parts are not listed.
enum Unread {
    /// Whole, and of a version that this program does not read.
    Version(u8),
    /// Damaged, or something else.
    Damaged,
}

impl Unread {
    fn of(bytes: &[u8], error: CodecError) -> Self {
        match error {
            CodecError::Version { found: Some(version), .. }
                if version != VIA_VERSION && ends_with_its_sum(bytes) =>
            {
                Self::Version(version)
            }
            _ => Self::Damaged,
        }
    }

    fn failure(&self, file: &str) -> Failure {
        let read = Bundle::VERSION;
        match self {
            Self::Version(version) => Failure {
                message: format!(
                    "{file} holds an evidence bundle of version {version}, and this program reads versions {OF_FIRST} and {read}"
                ),
                next: match *version > read {
                    true => {
                        "it is of a newer version: use the aula-audit that has the version of the node that made it"
                    }
                    false => {
                        "it is of an older version: use the aula-audit that had the version of the node that made it, or have a node of \
                         today make the evidence again"
                    }
                },
            },
            Self::Damaged => Failure {
                message: format!("{file} is not a whole evidence bundle of version {read}"),
                next: "ask for the file again: it was damaged, or is something else",
            },
        }
    }
}

/// Evidence of every version ends with the SHA-256 of what stands before. Without it any file is a bundle of some version.
fn ends_with_its_sum(bytes: &[u8]) -> bool {
    bytes.split_last_chunk::<32>().is_some_and(|(body, sum)| <[u8; 32]>::from(Sha256::digest(body)) == *sum)
}

/// The two bundles of evidence over two ledgers.
fn over_two(bytes: &[u8]) -> Result<Value, Unread> {
    let ViaBundle { parent, child } =
        ViaBundle::from_canonical(bytes).map_err(|error| Unread::of(bytes, error))?;
    let (parent, child) = (part(&parent)?, part(&child)?);
    Ok(
        json!({ "kind": "two ledgers", "bytes": bytes.len(), "parent": parent, "child": child, "checked": false }),
    )
}

/// What one bundle holds.
fn part(bytes: &[u8]) -> Result<Value, Unread> {
    let bundle = Bundle::from_canonical(bytes).map_err(|error| Unread::of(bytes, error))?;
    let header = &bundle.chain.head.header;
    Ok(json!({
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
