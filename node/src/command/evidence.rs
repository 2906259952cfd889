//! `aula evidence`: fetches an evidence bundle from a node and writes it to a file.
//!
//! Bundles hold rows, so the request carries a credential signed with the home's account key, of the one scope that it
//! needs (`rows`): a district's for its own students, an auditor's for a round whose rows the ledger lists it as having
//! taken, a funder's for its own money. Where the home is a district's, `disclose` adds what only the district knows: the fields named with
//! `--fields`, and a proof of a decision's need band. Whoever gets the file needs no node to check it: `aula-audit
//! verify FILE --genesis G`.

use std::path::PathBuf;

use aula_api::paths;
use aula_ledger::audit::bundle::{DecidedRequest, StudentStanding};
use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::codec::{Canonical, CodecError};
use aula_ledger::rounds::sample::{Asked, DrawnAmong, asked, audit_sample};
use aula_ledger::state::schema::Decision;
use aula_ledger::types::{DistrictId, Handle, RoundId};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub mod act;
pub mod audit;
pub(super) mod bundle;
pub(super) mod disclose;
pub(super) mod reader;
pub(super) mod rows;
pub(super) mod undisclosed;
pub(super) mod via;

use act::Act;
use disclose::Own;
use rows::Rows;
use undisclosed::Undisclosed;

use super::rpc::RpcArgs;
use super::twin_parameters::Voted;
use super::vault::record::LedgerArgs;
use super::{Advise, Context, Failure, OTHER_VERSION, Outcome, absolute, vault};

/// Arguments of `aula evidence`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula evidence round 7 --home D/auditor --rpc http://127.0.0.1:8480 -o round-7.bundle\n  aula evidence \
                  allocation 7 HANDLE -o place.bundle\n  aula evidence student 12 1988 HANDLE -o state.bundle\n  aula \
                  evidence student 12 1988 HANDLE --fields skill:00001,need --home D/district-12 -o state.bundle\n  aula \
                  evidence budget ACCOUNT 1988 -o budget.bundle\n  aula evidence access 12 --entry 3 --home D/district-12 -o read.bundle\n  aula evidence figures --via https://parent.example:8480 -o east.bundle\n  aula evidence sample 7 --home D/auditor\n\n\
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
    /// A whole round: every request and decision, and that no assignment costs less. For auditors: the ledger lists who
    /// takes a round's rows
    Round {
        /// The round's number
        round: u32,
        /// Which node, and which file
        #[command(flatten)]
        place: Place,
    },
    /// The decision on one student's request: for its district, or an auditor
    Allocation {
        /// The round's number
        round: u32,
        /// The student's pseudonym, 64 hex digits
        handle: String,
        /// The number of the student's district, for an auditor: needed only where two districts requested for one handle
        #[arg(long)]
        district: Option<u16>,
        /// Which node, and which file
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
        /// For an auditor: the round whose rows it has taken, and that has the student
        #[arg(long, value_name = "N")]
        round: Option<u32>,
        /// A file with the reader's credential, or - for standard input [default: the district's own key, as its operator who
        /// opens evidence]
        #[arg(long, env = "AULA_VAULT_CREDENTIAL_FILE", value_name = "FILE")]
        credential: Option<PathBuf>,
        /// Which node, and which file
        #[command(flatten)]
        place: Place,
    },
    /// Something a student of the home's district reached, and whether the record was corrected: for a credential
    Milestone {
        /// The district's number
        district: u16,
        /// The student's pseudonym, 64 hex digits
        handle: String,
        /// The record's number among the handle's, from 0
        number: u16,
        /// Which node, and which file
        #[command(flatten)]
        place: Place,
    },
    /// That the amounts by school which a funder stated are what its pools were charged (made before protocol 3: that they sum to
    /// the year's budget, without an amount)
    Budget {
        /// The funder's account, 40 hex digits
        funder: String,
        /// The school year, by the calendar year in which it starts
        school_year: u16,
        /// Which node, and which file
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
        /// Which node, and which file
        #[command(flatten)]
        place: Place,
    },
    /// The public figures of the whole ledger: parameters, validators, budgets, the newest rounds' reports. With --via PARENT what
    /// `aula consortium totals` adds up
    Figures {
        /// Which node, and which file
        #[command(flatten)]
        place: Place,
    },
    /// Which students of a decided round its seed draws for an audit: all for an auditor, its own for a district; writes no
    /// file
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
    /// A height on the way whose header the bundle shows as well, for `aula-audit verify --trusted`
    #[arg(long, value_name = "HEIGHT")]
    pub waypoint: Option<u64>,
    /// A node of the parent ledger: the file then holds its anchored head of this ledger as well, for `aula-audit verify
    /// --genesis PARENT --via-genesis THIS`
    #[arg(long, value_name = "URL", conflicts_with = "waypoint")]
    pub via: Option<String>,
}

impl About {
    /// Whence and where to; nothing for a sample and an audit.
    fn place(&self) -> Option<&Place> {
        self.asked(None).map(|(_, place)| place)
    }

    /// Which node is asked, the route, and where the bundle goes; nothing for a sample and an audit.
    fn asked(&self, anchored: Option<u64>) -> Option<(String, &Place)> {
        let (path, place) = match self {
            Self::Round { round, place } => (paths::evidence_round(round), place),
            Self::Allocation { round, handle, district, place } => {
                let district = district.map(|district| format!("?district={district}")).unwrap_or_default();
                (paths::evidence_allocation(round, handle) + &district, place)
            }
            Self::Student { district, school_year, handle, place, .. } => {
                (paths::evidence_student(district, school_year, handle), place)
            }
            Self::Milestone { district, handle, number, place } => {
                (paths::evidence_milestone(district, handle, number), place)
            }
            Self::Budget { funder, school_year, place } => {
                (paths::evidence_budget(funder, school_year), place)
            }
            Self::Access { district, place, .. } => (paths::evidence_access(district), place),
            Self::Figures { place } => (paths::EVIDENCE_FIGURES.to_owned(), place),
            Self::Sample { .. } | Self::Audit(_) => return None,
        };
        let joint = if path.contains('?') { '&' } else { '?' };
        let waypoint =
            place.waypoint.or(anchored).map(|height| format!("{joint}waypoint={height}")).unwrap_or_default();
        Some((path + &waypoint, place))
    }

    /// The bundle's bytes, asked for with the one credential that opens them; none for what is public.
    async fn fetch(&self, context: &Context, route: &str, place: &Place) -> Result<Vec<u8>, Failure> {
        if matches!(self, Self::Access { .. } | Self::Figures { .. }) {
            return Ok(place.rpc.client(context)?.get_bytes(route).await?);
        }
        let rows = Rows::of_home(context, &LedgerArgs::of(&place.rpc)).await?;
        match self {
            Self::Round { round, .. } => rows.of_round(RoundId(*round), route).await,
            Self::Allocation { round, .. } => rows.of_student(Some(RoundId(*round)), route).await,
            Self::Student { round, .. } => rows.of_student(round.map(RoundId), route).await,
            Self::Milestone { .. } => Ok(rows.own().get_bytes(route).await?),
            _ => Ok(rows.money().get_bytes(route).await?),
        }
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
        voted: Option<&Voted>,
        bundle: &mut Bundle,
    ) -> Result<(), Undisclosed> {
        match self {
            Self::Student { fields: Some(names), credential, .. } => {
                Own { context, place, reader: credential.as_deref(), act: Act::open() }
                    .fields(bundle, names, voted)
            }
            Self::Access { entry: Some(number), .. } => {
                Own { context, place, reader: None, act: Act::prove() }.listed(bundle, *number)
            }
            Self::Allocation { .. } => {
                let own = Own { context, place, reader: None, act: Act::prove() };
                if own.has_vault()? { own.band(bundle, voted) } else { Ok(()) }
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
    if let About::Sample { round, rpc } = &args.about {
        return sample(&Rows::of_home(context, &LedgerArgs::of(rpc)).await?, RoundId(*round)).await;
    }
    let Some(place) = args.about.place() else { return Ok(Outcome::printed()) };
    let parent = via::anchored(context, place).await?;
    let anchored = parent.as_ref().map(|parent| parent.height.0);
    let Some((route, place)) = args.about.asked(anchored) else { return Ok(Outcome::printed()) };
    let fetched = args.about.fetch(context, &route, place).await;
    let fetched = fetched.map_err(|failure| args.about.advise(failure))?;
    let mut bundle = bundle::read(&fetched)?;
    // What states were folded with, where something is opened or proved of one.
    let voted = match &args.about {
        About::Student { fields: Some(_), .. } | About::Allocation { .. } => {
            Some(Voted::of(&place.rpc.client(context)?, &context.home).await?)
        }
        _ => None,
    };
    if let Err(undisclosed) = args.about.disclose(context, &args.records, voted.as_ref(), &mut bundle) {
        return undisclosed.outcome();
    }
    let bytes = match &parent {
        Some(parent) => parent.with(&bundle)?,
        None => bundle.to_canonical(),
    };
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
        "{}\n{} bytes about {} {about}, as of height {height}\nsha256 {sha256}\ncheck it: aula-audit verify {} --genesis {}",
        out.display(),
        bytes.len(),
        article(about),
        out.display(),
        if parent.is_some() { "PARENT --via-genesis GENESIS" } else { "GENESIS" }
    );
    let anchored = parent.as_ref().map(|parent| parent.told());
    let json = json!({ "via": anchored, "file": out, "kind": kind, "bytes": bytes.len(), "sha256": sha256, "height": height });
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

/// Who is drawn: for an auditor the whole draw, computed here from the round's rows by the function that the ledger uses;
/// for a district its own students, as its node tells.
async fn sample(rows: &Rows<'_>, round: RoundId) -> Result<Outcome, Failure> {
    if !rows.is_auditor() {
        let own = rows.own_rows(round).await?.rows;
        let drawn: Vec<String> =
            own.iter().filter(|row| row.drawn).map(|row| row.handle.to_string()).collect();
        return Ok(told(json!({ "round": round, "requests": own.len(), "drawn": drawn }), own.len(), &drawn));
    }
    let bytes = rows.of_round(round, &paths::evidence_round(round)).await?;
    let bundle = bundle::read(&bytes)?;
    let Subject::Round(evidence) = &bundle.subject else {
        return Err(Failure::new("bad_answer", "the node sent no round", OTHER_VERSION));
    };
    let decision = Decision::from_canonical(&evidence.context.decision.value);
    let decision = decision.advise("the round's decision cannot be read", OTHER_VERSION)?;
    let student = |row: &DecidedRequest| row.request_row().map(|row| asked(&row));
    let students: Result<Vec<Asked>, CodecError> = evidence.rows.iter().map(student).collect();
    let drawn = audit_sample(&decision.seed, students.advise("a request cannot be read", OTHER_VERSION)?);
    let line = |((district, handle), among): (&(DistrictId, Handle), &DrawnAmong)| json!({ "district": district, "handle": handle, "for_its_mandate": *among == DrawnAmong::Mandates });
    let students: Vec<Value> = drawn.iter().map(line).collect();
    let drawn: Vec<String> = drawn.keys().map(|(_, handle)| handle.to_string()).collect();
    let requests = evidence.rows.len();
    let json = json!({
        "round": round, "seed": decision.seed, "requests": requests, "drawn": drawn, "students": students,
    });
    Ok(told(json, requests, &drawn))
}

fn told(json: Value, requests: usize, drawn: &[String]) -> Outcome {
    Outcome::yes(json, format!("{} of {requests} students are drawn\n{}", drawn.len(), drawn.join("\n")))
}
