//! `aula evidence`: fetches an evidence bundle from a node and writes it to a file.
//!
//! Bundles hold rows, so the request carries a credential signed with the home's account key: a member's or an
//! auditor's. Where the home is a district's, `disclose` adds what only the district knows: the fields named with
//! `--fields`, and a proof of a decision's need band. Whoever gets the file needs no node to check it: `aula-audit
//! verify FILE --genesis G`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use aula_ledger::audit::bundle::StudentStanding;
use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::codec::Canonical;
use aula_ledger::proof::sample::audit_sample;
use aula_ledger::state::schema::Decision;
use aula_ledger::types::Handle;
use clap::{Args, Subcommand};
use serde_json::json;
use sha2::{Digest, Sha256};

pub mod audit;
pub(super) mod disclose;
pub(super) mod reader;

use disclose::{Own, Undisclosed};

use super::rpc::RpcArgs;
use super::{Advise, Context, Failure, Outcome, absolute, vault};
use crate::client::sender::Sender;

/// Arguments of `aula evidence`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula evidence round 7 --home D/auditor --rpc http://127.0.0.1:8480 -o round-7.bundle\n  aula evidence \
                  allocation 7 HANDLE -o place.bundle\n  aula evidence student 12 1988 HANDLE -o state.bundle\n  aula \
                  evidence student 12 1988 HANDLE --fields skill:00001,need --home D/district-12 -o state.bundle\n  aula \
                  evidence budget ACCOUNT 1988 -o budget.bundle\n  aula evidence access 12 --entry 3 --home D/district-12 -o read.bundle\n  aula evidence sample 7 --home D/auditor\n\n\
                  Then, anywhere: aula-audit verify FILE --genesis genesis.json"
)]
pub struct EvidenceArgs {
    /// Where the district's vault is, for what only the district knows
    #[command(flatten)]
    pub records: vault::Place,
    /// About what
    #[command(subcommand)]
    pub about: About,
}

/// About what a bundle is.
#[derive(Debug, Subcommand)]
pub enum About {
    /// A whole round: every request and decision, and that no assignment costs less
    Round {
        /// The round's number
        round: u32,
        /// Where and whence
        #[command(flatten)]
        place: Place,
    },
    /// The decision on one student's request
    Allocation {
        /// The round's number
        round: u32,
        /// The student's pseudonym, 64 hex digits
        handle: String,
        /// Where and whence
        #[command(flatten)]
        place: Place,
    },
    /// Whether a student's state is anchored, and which
    Student {
        /// The district's number
        district: u16,
        /// The school year, by the calendar year in which it starts
        school_year: u16,
        /// The student's pseudonym, 64 hex digits
        handle: String,
        /// Fields to open, separated by commas: skill:NNNNN, need, engagement. Needs the district's own folder as --home
        #[arg(long, value_name = "NAMES")]
        fields: Option<String>,
        /// A file with the reader's credential, or - for standard input [default: the district's own key, as a counselor]
        #[arg(long, env = "AULA_VAULT_CREDENTIAL_FILE", value_name = "FILE")]
        credential: Option<PathBuf>,
        /// Where and whence
        #[command(flatten)]
        place: Place,
    },
    /// Where a funder's money of a year went, as statements without an amount
    Budget {
        /// The funder's account, 40 hex digits
        funder: String,
        /// The school year, by the calendar year in which it starts
        school_year: u16,
        /// Where and whence
        #[command(flatten)]
        place: Place,
    },
    /// That a district's access log is anchored, and a read listed in it: for the family it concerns
    Access {
        /// The district's number
        district: u16,
        /// The entry's number in the log. Needs the district's own folder as --home
        #[arg(long, value_name = "N")]
        entry: Option<u64>,
        /// Where and whence
        #[command(flatten)]
        place: Place,
    },
    /// Which students of a decided round its seed draws for an audit; writes no file
    Sample {
        /// The round's number
        round: u32,
        /// The node to ask
        #[command(flatten)]
        rpc: RpcArgs,
    },
    /// Replay a drawn student's events, and record the signed result. Needs an auditor's folder as --home
    Audit(audit::AuditArgs),
}

/// Which node, and which file.
#[derive(Debug, Args)]
pub struct Place {
    /// The node to ask
    #[command(flatten)]
    pub rpc: RpcArgs,
    /// Where to write the bundle
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// A height on the way to show as well, for `aula-audit verify --trusted`
    #[arg(long, value_name = "HEIGHT")]
    pub waypoint: Option<u64>,
}

impl About {
    /// Which node is asked, the route, and where the bundle goes; no file for a sample, nothing for an audit.
    fn asked(&self) -> Option<(&RpcArgs, String, Option<&Place>)> {
        let (route, place) = match self {
            Self::Round { round, place } => (format!("round/{round}"), place),
            Self::Allocation { round, handle, place } => (format!("allocation/{round}/{handle}"), place),
            Self::Student { district, school_year, handle, place, .. } => {
                (format!("student/{district}/{school_year}/{handle}"), place)
            }
            Self::Budget { funder, school_year, place } => (format!("budget/{funder}/{school_year}"), place),
            Self::Access { district, place, .. } => (format!("access/{district}"), place),
            Self::Sample { round, rpc } => return Some((rpc, format!("/v1/evidence/round/{round}"), None)),
            Self::Audit(_) => return None,
        };
        let waypoint = place.waypoint.map(|height| format!("?waypoint={height}")).unwrap_or_default();
        Some((&place.rpc, format!("/v1/evidence/{route}{waypoint}"), Some(place)))
    }

    /// What to do when the node does not have it, where that is more than waiting.
    fn advise(&self, failure: Failure) -> Failure {
        match self {
            Self::Access { .. } if failure.code == "not_found" => Failure {
                hint: "the district anchors its log with `aula vault log anchor`; check its number".into(),
                ..failure
            },
            _ => failure,
        }
    }

    /// Adds what the home's own records know.
    fn disclose(
        &self,
        context: &Context,
        place: &vault::Place,
        bundle: &mut Bundle,
    ) -> Result<(), Undisclosed> {
        match self {
            Self::Student { fields: Some(names), credential, .. } => {
                Own { context, place, reader: credential.as_deref() }.fields(bundle, names)
            }
            Self::Access { entry: Some(number), .. } => {
                Own { context, place, reader: None }.listed(bundle, *number)
            }
            Self::Allocation { .. } => {
                let own = Own { context, place, reader: None };
                if own.has_vault()? { own.band(bundle) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

/// Fetches the bundle, adds to it, and writes it; or prints who is drawn.
///
/// # Errors
/// When the node refuses, does not have it, or cannot be reached, or the file cannot be written.
pub async fn run(context: &Context, args: &EvidenceArgs) -> Result<Outcome, Failure> {
    if let About::Audit(args) = &args.about {
        return audit::run(context, args).await;
    }
    let Some((rpc, route, place)) = args.about.asked() else { return Ok(Outcome::printed()) };
    let client = rpc.client(context)?;
    let sender = Sender::of_home(&client, &context.home, 0).await?;
    let reader = client.signed_by(*sender.genesis(), sender.account(), sender.key().clone());
    let fetched = reader.get_bytes(&route).await.map_err(|failure| args.about.advise(failure))?;
    let hint = "use the same version of the program as the node";
    let mut bundle = Bundle::from_canonical(&fetched).advise("the node sent no bundle", hint)?;
    let Some(place) = place else { return sample(&bundle) };
    if let Err(undisclosed) = args.about.disclose(context, &args.records, &mut bundle) {
        return undisclosed.outcome();
    }
    let bytes = bundle.to_canonical();
    let out = absolute(&place.out)?;
    std::fs::write(&out, &bytes).advise(format!("cannot write {}", out.display()), "choose another -o")?;
    let height = bundle.chain.head.header.height;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let kind = bundle.subject.kind();
    let about = match &bundle.subject {
        Subject::Student(student) if !matches!(student.standing, StudentStanding::Anchored { .. }) => {
            "student who is not anchored, which it proves"
        }
        _ => kind,
    };
    let text = format!(
        "{}\n{} bytes about {} {about}, as of height {height}\nsha256 {sha256}\ncheck it: aula-audit verify {} --genesis GENESIS",
        out.display(),
        bytes.len(),
        article(about),
        out.display()
    );
    let json = json!({ "file": out, "kind": kind, "bytes": bytes.len(), "sha256": sha256, "height": height });
    Ok(Outcome::yes(json, text))
}

/// The article before a word for a thing: none before several.
fn article(word: &str) -> &'static str {
    match word {
        _ if word.ends_with("figures") => "the",
        _ if word.starts_with(['a', 'e', 'i', 'o', 'u']) => "an",
        _ => "a",
    }
}

/// A round's draw.
pub(super) struct Drawn {
    pub(super) decision: Decision,
    pub(super) requests: usize,
    /// Who is drawn, ascending.
    pub(super) drawn: BTreeSet<Handle>,
}

/// Who is drawn, from a round's bundle: the same pure function that the ledger uses.
pub(super) fn drawn(bundle: &Bundle) -> Result<Drawn, Failure> {
    let hint = "use the same version of the program as the node";
    let Subject::Round(round) = &bundle.subject else {
        return Err(Failure::new("bad_answer", "the node sent no round", hint));
    };
    let decision = Decision::from_canonical(&round.context.decision.value);
    let decision = decision.advise("the round's decision cannot be read", hint)?;
    let drawn = audit_sample(&decision.seed, round.rows.iter().map(|row| &row.handle));
    Ok(Drawn { decision, requests: round.rows.len(), drawn })
}

fn sample(bundle: &Bundle) -> Result<Outcome, Failure> {
    let Drawn { decision, requests, drawn } = drawn(bundle)?;
    let listed: Vec<String> = drawn.iter().map(Handle::to_string).collect();
    let text = format!("{} of {requests} students are drawn\n{}", listed.len(), listed.join("\n"));
    let json = json!({
        "round": decision.round, "seed": decision.seed, "requests": requests, "drawn": listed,
    });
    Ok(Outcome::yes(json, text))
}
