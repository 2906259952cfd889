//! `aula evidence audit`: an auditor replays a student whom a round drew, and records the signed result.
//!
//! Flow: the student's request from the ledger → the district's disclosure (`aula vault disclose`) holds the leaf whose hash
//! the request speaks of, whatever was anchored since → folded to a state, its hash and model compared with that leaf, the
//! leaf's commitments opened with the replayed numbers → a report on disk, its hash and the finding in a RecordAudit.
//! That the events give the state is `replayed`, and no more; `confirmed` says besides that the auditor held the request against
//! the district's records, which no program does: that the student exists, is enrolled, has the mandate or none, and that the
//! events happened. `--records` says it claim by claim, and a record that speaks against one makes the finding
//! contradicted; the ledger holds each claim. That nothing was given can
//! always be recorded; of a student who was erased the ledger writes down that instead. Absent: the sample, which `aula
//! evidence sample` lists and the ledger checks again.

use std::path::PathBuf;

use aula_api::PublicEvent;
use aula_api::paths;
use aula_api::transactions::TransactionStatus;
use aula_district::disclosure::{self, Disclosure};
use aula_ledger::audit::Subject;
use aula_ledger::code::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::proof::bulk_tree::row_hash;
use aula_ledger::state::schema::{RequestRow, StudentLeaf};
use aula_ledger::tx::{Claims, Finding, RecordAudit, RecordsSay, Replay};
use aula_ledger::types::{Handle, Hash, RoundId};
use aula_store::sha256;
use clap::Args;
use serde_json::{Value, json};

use super::bundle;
use super::rows::Rows;
use crate::command::folded;
use crate::command::vault::record::{LedgerArgs, record};
use crate::command::{Advise, Context, DEFECT, Failure, OTHER_VERSION, Outcome, absolute};

/// Arguments of `aula evidence audit`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula evidence audit 7 HANDLE --disclosure drawn.json -o report.json --home D/auditor       replayed\n  aula \
                  evidence audit 7 HANDLE --disclosure drawn.json --confirmed -o report.json     and held against the district's records\n  aula \
                  evidence audit 7 HANDLE --disclosure drawn.json --records existence=confirm,enrolment=contradict,mandate=withheld -o report.json\n  aula \
                  evidence audit 7 HANDLE --withheld -o report.json      the district gave nothing\n\nA result is recorded once, and a \
                  file of another student gives contradicted: try it first with aula twin replay --events drawn.json --anchored \
                  HASH, which records nothing.\n\nExit 0: replayed or confirmed; 1: contradicted, withheld or erased, and recorded so; \
                  2: nothing is recorded."
)]
pub struct AuditArgs {
    /// The decided round's number
    pub round: u32,
    /// The drawn student's pseudonym, 64 hex digits
    pub handle: String,
    /// The number of the student's district: needed only where two districts requested for one handle
    #[arg(long)]
    pub district: Option<u16>,
    /// What the district disclosed, as `aula vault disclose` writes it
    #[arg(long, value_name = "FILE", required_unless_present = "withheld")]
    pub disclosure: Option<PathBuf>,
    /// The district did not disclose, and so it is recorded
    #[arg(long, conflicts_with = "disclosure")]
    pub withheld: bool,
    /// The district's own records were looked at, which no program can see, and bear out existence, enrolment, mandate and
    /// inputs, but for what --records says
    #[arg(long, conflicts_with_all = ["withheld", "contradicted"])]
    pub confirmed: bool,
    /// A record of the district contradicts the events, whatever they give
    #[arg(long, conflicts_with = "withheld")]
    pub contradicted: bool,
    /// What the district's records say of each claim, separated by commas: existence, enrolment, mandate or inputs, then
    /// =confirm, =contradict or =withheld. A claim that is not named was not looked at
    #[arg(long, value_name = "CLAIM=SAYS", value_delimiter = ',', value_parser = claim)]
    pub records: Vec<(Claim, RecordsSay)>,
    /// Where the report is written: the ledger holds its SHA-256
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Where the result is recorded
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// A claim of a request that records bear out or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// That there is such a student.
    Existence,
    /// That the student is enrolled at the home school.
    Enrolment,
    /// That the student has the mandate, or has none.
    Mandate,
    /// That the events happened.
    Inputs,
}

fn claim(text: &str) -> Result<(Claim, RecordsSay), String> {
    let (name, says) = text.split_once('=').ok_or("write CLAIM=SAYS, for example enrolment=contradict")?;
    let claim = match name.trim() {
        "existence" => Claim::Existence,
        "enrolment" => Claim::Enrolment,
        "mandate" => Claim::Mandate,
        "inputs" => Claim::Inputs,
        _ => return Err("a claim is existence, enrolment, mandate or inputs".into()),
    };
    let says = match says.trim() {
        "confirm" => RecordsSay::Confirm,
        "contradict" => RecordsSay::Contradict,
        "withheld" => RecordsSay::Withheld,
        _ => return Err("records confirm, contradict or are withheld".into()),
    };
    Ok((claim, says))
}

impl AuditArgs {
    /// What the auditor says of the district's records.
    fn claims(&self) -> Claims {
        let mut claims = match self.confirmed {
            true => Claims::all(RecordsSay::Confirm),
            false => Claims::default(),
        };
        if self.contradicted {
            claims.inputs = RecordsSay::Contradict;
        }
        for (claim, says) in &self.records {
            *match claim {
                Claim::Existence => &mut claims.existence,
                Claim::Enrolment => &mut claims.enrolment,
                Claim::Mandate => &mut claims.mandate,
                Claim::Inputs => &mut claims.inputs,
            } = *says;
        }
        claims
    }
}

/// Replays, writes the report, records the result.
///
/// # Errors
/// When the ledger has no such request or state, a file cannot be used, or the result is refused.
pub async fn run(context: &Context, args: &AuditArgs) -> Result<Outcome, Failure> {
    let handle: Handle = args.handle.parse().map_err(|_| {
        Failure::new("bad_handle", "the handle is not 64 hex digits", "see `aula evidence sample`")
    })?;
    let rows = Rows::of_home(context, &args.ledger).await?;
    let RequestRow { district, state_row, .. } =
        request_of(&rows, RoundId(args.round), &handle, args.district).await?;
    let (replay, replayed) = match &args.disclosure {
        None => (Replay::Withheld, Value::Null),
        Some(path) => {
            let disclosure = disclosure::read(path)?;
            judge(&disclosure, &leaf(&disclosure, &state_row)?)?
        }
    };
    let claims = args.claims();
    let finding = Finding::of(replay, claims);
    let report = json!({
        "version": 3, "round": args.round, "district": district, "handle": handle, "state_row": state_row, "finding": finding,
        "replay": replay, "replayed": replayed, "claims": claims,
    });
    let (path, bytes) = (absolute(&args.out)?, serde_json::to_vec_pretty(&report).hint(DEFECT)?);
    std::fs::write(&path, &bytes).advise(format!("cannot write {}", path.display()), "choose another -o")?;
    let payload = RecordAudit {
        round: RoundId(args.round),
        district,
        handle,
        state_row,
        replay,
        claims,
        report: sha256(&bytes),
    };
    let recorded = record(context, &args.ledger, payload).await?;
    if recorded.code != Code::Accepted {
        return Err(recorded.refusal("the audit's result"));
    }
    let finding = recorded_finding(&rows, &recorded.id).await?.unwrap_or(finding);
    let json = json!({
        "finding": finding, "replay": replay, "claims": claims, "report": path, "report_sha256": sha256(&bytes), "transaction": recorded.id,
        "height": recorded.height,
    });
    let text =
        format!("{}, recorded in block {}\nreport {}", finding.explain(), recorded.height, path.display());
    let good = matches!(finding, Finding::Replayed | Finding::Confirmed);
    Ok(if good { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

/// What the ledger wrote down: of a student who was erased another finding than the auditor's.
async fn recorded_finding(rows: &Rows<'_>, id: &Hash) -> Result<Option<Finding>, Failure> {
    let told: TransactionStatus = rows.public().get(&paths::transaction(id)).await?;
    let finding = told.events.iter().flatten().find_map(PublicEvent::finding);
    finding.transpose().advise("the node told no known finding", OTHER_VERSION)
}

/// The student's request: it names the district and the leaf that it speaks of.
async fn request_of(
    rows: &Rows<'_>,
    round: RoundId,
    handle: &Handle,
    district: Option<u16>,
) -> Result<RequestRow, Failure> {
    let district = district.map(|district| format!("?district={district}")).unwrap_or_default();
    let path = paths::evidence_allocation(round, handle);
    let bytes = rows.of_round(round, &format!("{path}{district}")).await?;
    let bundle = bundle::read(&bytes)?;
    let Subject::Allocation(allocation) = &bundle.subject else {
        return Err(Failure::new("bad_answer", "the node sent no decision", OTHER_VERSION));
    };
    RequestRow::from_canonical(&allocation.request.row).advise("no request", OTHER_VERSION)
}

/// The leaf that is audited, from the district's file: it must have the hash that the request spoke of.
fn leaf(disclosure: &Disclosure, state_row: &Hash) -> Result<StudentLeaf, Failure> {
    let hint =
        "ask the district to disclose again with `aula vault disclose`; that it does not is --withheld";
    let bytes = disclosure.leaf.as_deref().and_then(|text| hex::decode(text).ok()).ok_or_else(|| {
        Failure::new("no_leaf", "the disclosure does not hold the leaf that was anchored", hint)
    })?;
    let leaf = StudentLeaf::from_canonical(&bytes).advise("the disclosure's leaf cannot be read", hint)?;
    if row_hash(&leaf.to_canonical()) != *state_row {
        let message = "the disclosure is of another state than the student's request spoke of";
        return Err(Failure::new("other_state", message, hint));
    }
    Ok(leaf)
}

/// They agree when the events give the anchored hash under its model, and every commitment of the leaf opens to what they give.
fn judge(disclosure: &Disclosure, leaf: &StudentLeaf) -> Result<(Replay, Value), Failure> {
    let mut report = folded::check(disclosure, leaf.state_hash.0, Some(leaf.model_digest.0))?;
    if !disclosure.opens(leaf, &report.numbers) {
        report.agrees = false;
        report.differs.push("a commitment of the leaf does not open to the replayed state".into());
    }
    let replay = if report.agrees { Replay::Agrees } else { Replay::Differs };
    Ok((replay, serde_json::to_value(&report).hint(DEFECT)?))
}
