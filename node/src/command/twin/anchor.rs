//! `aula twin anchor`: a district folds its own students' events and anchors the states they give.
//!
//! Flow: each student's events, read through the vault's access check and listed → folded → a version that neither the
//! vault nor the ledger has seen of this student in any year → record and fields sealed into the vault, synced → one
//! `AnchorStates`. Invariants: the vault knows a state before the ledger does, so that what is anchored can be proved; the
//! read rests on the district's own processing (34 CFR 99.31(a)(1)(i)(B)), for which no family is asked: what people read
//! needs what it always needs. Who is on the roster and of whom nothing else is known is anchored as a state without events. Absent: writing
//! events (`aula twin written`, whoever feeds the vault), and the first school of a student whom no roster names, which the operator does.

use aula_api::paths;
use aula_client::Client;
use aula_client::sender::Sender;
use aula_district::keep::{self, KeepError, Kept};
use aula_district::parameters::InForce;
use aula_district::twin_state::Standing;
use aula_ledger::audit::open::anchored_leaf;
use aula_ledger::code::Code;
use aula_ledger::credential::Scope;
use aula_ledger::state::schema::StudentLeaf;
use aula_ledger::tx::{AnchorStates, StudentState};
use aula_ledger::types::{Handle, SchoolId, SchoolYear};
use aula_twin_runtime::twin::TwinState;
use aula_vault::Vault;
use clap::Args;
use serde_json::json;

use crate::command::evidence::act::Act;
use crate::command::evidence::bundle;
use crate::command::evidence::disclose::Own;
use crate::command::evidence::reader::OwnTwin;
use crate::command::evidence::undisclosed::Undisclosed;
use crate::command::twin_parameters::Voted;
use crate::command::vault::record::{LedgerArgs, record};
use crate::command::vault::{Place, bind_to_node, handle, refused};
use crate::command::{Context, Failure, OTHER_VERSION, Outcome};
use crate::terminal::with_causes;

/// Most students of one call: a transaction of a few hundred kilobytes.
const MAX_STUDENTS: usize = 1_000;

/// Arguments of `aula twin anchor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula twin written answers.jsonl --source 12 --home D/district-07      events into the vault\n  aula twin \
                        anchor HANDLE --home D/district-07                      fold them, anchor the new state\n  aula twin anchor \
                        HANDLE --school 31 --home D/district-07          a student who was never anchored\n\nEvery student's events \
                        are read through the vault's access check, as a service of the district's own, and listed in the log. Exit 0: \
                        anchored; 1: the check denied a student, and nobody is anchored; 2: could not."
)]
pub struct AnchorArgs {
    /// The students' pseudonyms of one school year, 64 hex digits each, at most 1,000
    #[arg(required = true, value_name = "HANDLE")]
    pub handles: Vec<String>,
    /// The number of the school of students who are not anchored yet [default: the roster's]
    #[arg(long, value_name = "N")]
    pub school: Option<u32>,
    /// A file with the reader's credential, or - for standard input [default: the district's own key, as its service]
    #[arg(long, env = "AULA_VAULT_CREDENTIAL_FILE", value_name = "FILE")]
    pub credential: Option<std::path::PathBuf>,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
    /// Where the states are anchored
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// A student's handles, each with its year.
type Handles = Vec<(Handle, SchoolYear)>;

/// A student to be anchored.
struct Student {
    handle: Handle,
    own: OwnTwin,
    /// Of the student in any year.
    leaves: Vec<(Handle, StudentLeaf)>,
}

/// Folds, keeps, anchors.
///
/// # Errors
/// A vault that cannot be read or written, students of several years, a node that refuses.
pub async fn run(context: &Context, args: &AnchorArgs) -> Result<Outcome, Failure> {
    let mut handles = args.handles.iter().map(|text| handle(text)).collect::<Result<Vec<Handle>, _>>()?;
    handles.sort_unstable();
    handles.dedup();
    if handles.len() > MAX_STUDENTS {
        return Err(Failure::new("too_many", format!("more than {MAX_STUDENTS} students"), "split the call"));
    }
    let client = args.ledger.rpc.client(context)?;
    bind_to_node(context, &args.place, &client).await?;
    let sender = Sender::of_home(&client, &context.home, 0).await?;
    let node = client.signed_by(*sender.genesis(), sender.account(), sender.key().clone(), Scope::District);
    let voted = Voted::of(&client, &context.home).await?;
    // In a block of its own: the vault is closed while the ledger is waited for.
    let (year, in_force, states) = {
        let own = Own { context, place: &args.place, reader: args.credential.as_deref(), act: Act::fold() };
        let reader = own.reader()?;
        let (year, every) = years(&reader.vault, &handles)?;
        let mut students = Vec::with_capacity(handles.len());
        for (handle, all) in handles.into_iter().zip(every) {
            let own = match reader.twin(handle) {
                Err(Undisclosed::Denied(denial)) => {
                    context.tell(format!("student {handle}"));
                    return Undisclosed::Denied(denial).outcome();
                }
                Err(undisclosed) => return undisclosed.outcome(),
                Ok(own) => own,
            };
            let leaves = leaves(&node, reader.vault.identity().map_err(refused)?.district.0, &all).await?;
            students.push(Student { handle, own, leaves });
        }
        let in_force = voted.in_force(year)?;
        let states = keep(&reader.vault, &students, args.school, &in_force)?;
        (year, in_force, states)
    };
    let told: Vec<_> = states
        .iter()
        .map(|state| {
            json!({ "handle": state.handle, "version": state.version, "state_hash": state.state_hash,
                    "events": state.event_watermark })
        })
        .collect();
    let lines: Vec<String> = states
        .iter()
        .map(|s| {
            format!(
                "{}  version {}, {} events, state {}",
                s.handle, s.version, s.event_watermark, s.state_hash
            )
        })
        .collect();
    let versions: Vec<(Handle, u32)> = states.iter().map(|state| (state.handle, state.version)).collect();
    let (parameters, model_digest) = (in_force.voted.version, in_force.voted.digest);
    let payload = AnchorStates { school_year: year, parameters, model_digest, states };
    let recorded = record(context, &args.ledger, payload).await?;
    if recorded.code != Code::Accepted {
        return Err(recorded.refusal("the states"));
    }
    // For an audit of a round that speaks of this version: without it the block is searched.
    args.place.open(context)?.note_anchored(&versions, recorded.height).map_err(refused)?;
    let text = format!("{}\nanchored in block {}", lines.join("\n"), recorded.height);
    let json = json!({ "anchored": told, "transaction": recorded.id, "height": recorded.height });
    Ok(Outcome::yes(json, text))
}

/// The one school year of all handles, and every handle of each student with its year.
fn years(vault: &Vault, handles: &[Handle]) -> Result<(SchoolYear, Vec<Handles>), Failure> {
    let keystore = vault.keystore();
    let (mut years, mut every) = (std::collections::BTreeSet::new(), Vec::with_capacity(handles.len()));
    for handle in handles {
        let unknown = || refused(aula_vault::VaultError::UnknownHandle(*handle));
        let (year, student) = keystore.student(handle).ok_or_else(unknown)?;
        years.insert(year);
        every.push(keystore.handles_of(&student));
    }
    match (years.len(), years.first()) {
        (1, Some(year)) => Ok((*year, every)),
        _ => Err(Failure::new(
            "mixed_years",
            "the students are of several school years",
            "anchor year by year",
        )),
    }
}

/// What the ledger holds of a student, in every year.
async fn leaves(
    node: &Client,
    district: u16,
    handles: &[(Handle, SchoolYear)],
) -> Result<Vec<(Handle, StudentLeaf)>, Failure> {
    let mut found = Vec::new();
    for (handle, year) in handles {
        let bytes = node.get_bytes(&paths::evidence_student(district, year, handle)).await?;
        let bundle = bundle::read(&bytes)?;
        // A student who is not anchored has no leaf, which the bundle proves.
        found.extend(anchored_leaf(&bundle).ok().map(|leaf| (*handle, leaf)));
    }
    Ok(found)
}

/// Folds each student and seals record and fields into the vault: on disk on return.
fn keep(
    vault: &Vault,
    students: &[Student],
    school: Option<u32>,
    in_force: &InForce,
) -> Result<Vec<StudentState>, Failure> {
    let mut kept = Vec::with_capacity(students.len());
    for Student { handle, own, leaves } in students {
        let place = vault.roster_entry(handle).map_err(refused)?.filter(|place| place.enrolled);
        let state = match keep::fold(&own.events, &in_force.params) {
            Some(state) => state,
            // Who is on the roster is anchored before anything is known, as by `aula district run`.
            None if place.is_some() => TwinState::new(&in_force.params),
            None => {
                let message =
                    format!("the vault has no events of student {handle}, who is not on its roster");
                let hint =
                    "import the roster (`aula district import`), or write events with `aula twin written`";
                return Err(Failure::new("no_events", message, hint));
            }
        };
        let seen = leaves.iter().map(|(_, leaf)| leaf.version).max().unwrap_or(0).max(own.version);
        let home_school = leaves.iter().find(|(of, _)| of == handle).map(|(_, leaf)| leaf.home_school);
        let home_school = home_school.or(school.or(place.and_then(|place| place.school)).map(SchoolId));
        let home_school = home_school.ok_or_else(|| {
            let message =
                format!("student {handle} was never anchored, and the roster names no school of the ledger");
            Failure::new("no_school", message, "name the student's school with --school")
        })?;
        let standing = Standing { handle: *handle, home_school, version: seen.saturating_add(1) };
        let made = Kept::of(&standing, &state, &own.secret, in_force);
        kept.push(made.map_err(|why| Failure::because(why, OTHER_VERSION))?.0);
    }
    keep::keep(vault, &kept).map_err(|error| match error {
        KeepError::Vault(error) => refused(error),
        error => Failure::because(with_causes(&error), OTHER_VERSION),
    })?;
    Ok(kept.into_iter().map(|one| one.anchored.state).collect())
}
