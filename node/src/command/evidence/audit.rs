//! `aula evidence audit`: an auditor replays a student whom a round drew, and records the signed result.
//!
//! Flow: the student's request and leaf from the ledger → the district's disclosure (`aula vault disclose`) folded to a
//! state → its hash and model compared with the leaf, the leaf's commitments opened with the replayed numbers →
//! a report on disk, its hash and the finding in a RecordAudit. Whether the events are true is the auditor's to find
//! elsewhere: `--contradicted` records that a record of the district contradicts them. Absent: the sample, which
//! `aula evidence sample` lists and the ledger checks again.

use std::path::PathBuf;

use aula_ledger::audit::{Bundle, Subject, open::anchored_leaf};
use aula_ledger::chain::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::proof::bulk_tree::row_hash;
use aula_ledger::state::schema::{RequestRow, Round, StudentLeaf};
use aula_ledger::tx::{Finding, RecordAudit};
use aula_ledger::types::{Handle, Hash, RoundId};
use clap::Args;
use serde_json::{Value, json};

use crate::client::Client;
use crate::client::sender::Sender;
use crate::command::twin::{
    disclosure::{self, Disclosure},
    replay,
};
use crate::command::vault::record::{LedgerArgs, record};
use crate::command::{Advise, Context, Failure, Outcome, absolute};
use crate::storage::sha256;

const HINT: &str = "use the same version of the program as the node";

/// Arguments of `aula evidence audit`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula evidence audit 7 HANDLE --disclosure drawn.json -o report.json --home D/auditor\n  aula evidence \
                        audit 7 HANDLE --withheld -o report.json      the district gave nothing\n\nA result is recorded once, and a \
                        file of another student gives contradicted: try it first with aula twin replay --events drawn.json \
                        --anchored HASH, which records nothing.\n\nExit 0: confirmed; 1: \
                        contradicted or withheld, and recorded so; 2: nothing is recorded."
)]
pub struct AuditArgs {
    /// The decided round
    pub round: u32,
    /// The drawn student's pseudonym, 64 hex digits
    pub handle: String,
    /// What the district disclosed
    #[arg(long, value_name = "FILE", required_unless_present = "withheld")]
    pub disclosure: Option<PathBuf>,
    /// The district did not disclose
    #[arg(long, conflicts_with = "disclosure")]
    pub withheld: bool,
    /// A record of the district contradicts the events, whatever they give
    #[arg(long, conflicts_with = "withheld")]
    pub contradicted: bool,
    /// Where the report goes: the ledger holds its hash
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// The ledger
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// What the ledger holds of the drawn student.
struct Audited {
    state_row: Hash,
    leaf: StudentLeaf,
}

/// Replays, writes the report, records the result.
///
/// # Errors
/// When the ledger has no such request or state, a file cannot be used, or the result is refused.
pub async fn run(context: &Context, args: &AuditArgs) -> Result<Outcome, Failure> {
    let handle: Handle = args.handle.parse().map_err(|_| {
        Failure::new("bad_handle", "the handle is not 64 hex digits", "see `aula evidence sample`")
    })?;
    let client = args.ledger.rpc.client(context)?;
    let sender = Sender::of_home(&client, &context.home, 0).await?;
    let reader = client.signed_by(*sender.genesis(), sender.account(), sender.key().clone());
    let audited = audited(&reader, args.round, &handle).await?;
    let (finding, replayed) = match &args.disclosure {
        None => (Finding::Withheld, Value::Null),
        Some(path) => judge(&disclosure::read(path)?, &audited.leaf, args.contradicted)?,
    };
    let report = json!({
        "version": 1, "round": args.round, "handle": handle, "state_row": audited.state_row, "finding": finding,
        "replayed": replayed, "stated_contradicted": args.contradicted,
    });
    let (path, bytes) = (absolute(&args.out)?, serde_json::to_vec_pretty(&report)?);
    std::fs::write(&path, &bytes).advise(format!("cannot write {}", path.display()), "choose another -o")?;
    let payload = RecordAudit {
        round: RoundId(args.round),
        handle,
        state_row: audited.state_row,
        finding,
        report: sha256(&bytes),
    };
    let recorded = record(context, &args.ledger, payload).await?;
    if recorded.code != Code::Accepted {
        return Err(recorded.refusal("the audit's result"));
    }
    let json = json!({
        "finding": finding, "report": path, "report_sha256": sha256(&bytes), "transaction": recorded.id,
        "height": recorded.height,
    });
    let text = format!("{finding:?}, recorded in block {}\nreport {}", recorded.height, path.display());
    Ok(if finding == Finding::Confirmed { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

/// The leaf that the student's request spoke of.
async fn audited(reader: &Client, round: u32, handle: &Handle) -> Result<Audited, Failure> {
    let bundle = bundle(reader, &format!("/v1/evidence/allocation/{round}/{handle}")).await?;
    let Subject::Allocation(allocation) = &bundle.subject else {
        return Err(Failure::new("bad_answer", "the node sent no decision", HINT));
    };
    let request = RequestRow::from_canonical(&allocation.request.row).advise("no request", HINT)?;
    let year = Round::from_canonical(&allocation.context.record.value).advise("no round", HINT)?.school_year;
    let route = format!("/v1/evidence/student/{}/{year}/{handle}", request.district);
    let leaf =
        anchored_leaf(&self::bundle(reader, &route).await?).advise("the student is not anchored", HINT)?;
    if row_hash(&leaf.to_canonical()) != request.state_row {
        let message =
            "the student's state was anchored again since; the audited one is no longer in the tree";
        return Err(Failure::new(
            "anchored_again",
            message,
            "audit with a bundle from before, or the next round",
        ));
    }
    Ok(Audited { state_row: request.state_row, leaf })
}

async fn bundle(reader: &Client, route: &str) -> Result<Bundle, Failure> {
    Bundle::from_canonical(&reader.get_bytes(route).await?).advise("the node sent no bundle", HINT)
}

/// Confirmed when the events give the anchored hash under its model, and every commitment of the leaf opens to what they
/// give.
fn judge(
    disclosure: &Disclosure,
    leaf: &StudentLeaf,
    contradicted: bool,
) -> Result<(Finding, Value), Failure> {
    let mut report = replay::check(disclosure, leaf.state_hash.0, Some(leaf.model_digest.0))?;
    if !disclosure.opens(&leaf.commitments, &report.numbers) {
        report.agrees = false;
        report.differs.push("a commitment of the leaf does not open to the replayed state".into());
    }
    let confirmed = report.agrees && !contradicted;
    let finding = if confirmed { Finding::Confirmed } else { Finding::Contradicted };
    Ok((finding, serde_json::to_value(&report)?))
}
