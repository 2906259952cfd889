//! `aula district request`: what a district's students ask for in a round, proved and sent.
//!
//! Flow: the round and its class from the node → what of the district stands there already → wishes from a file, or the kinds
//! that each student's twin recommends → each student's anchored state, read through the vault's access check and listed → need
//! bands proved on all cores, a batch at a time → sent, followed until final → a report of every row that was not taken.
//! Invariants: what stands on the ledger already is not asked for again, so a command that was killed is simply run again; a row
//! that cannot be asked for takes nothing from the others. Absent: deciding who needs what, which is the twin's and the office's.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::path::PathBuf;

use aula_api::paths;
use aula_api::registers::Classes;
use aula_api::rounds::{OneRound, RoundView};
use aula_client::Client;
use aula_district::asking::{self, Known};
use aula_district::parameters::InForce;
use aula_district::requests::{self, Claimed};
use aula_district::wishes::{self, Refused, Wish};
use aula_files::{MOST_GIVEN_BYTES, read_at_most};
use aula_ledger::names::Name;
use aula_ledger::state::schema::{RoundStatus, Window};
use aula_ledger::tx::Mandate;
use aula_ledger::types::{Handle, KindId, RoundId, SchoolYear};
use aula_vault::Vault;
use clap::Args;
use serde_json::json;

use super::report;
use crate::command::evidence::act::Act;
use crate::command::evidence::disclose::Own;
use crate::command::evidence::reader::Reader;
use crate::command::evidence::rows::Rows;
use crate::command::evidence::undisclosed::Undisclosed;
use crate::command::posting::Posting;
use crate::command::twin_parameters::Voted;
use crate::command::vault::record::LedgerArgs;
use crate::command::vault::{Place, bind_to_node, refused as vault_refused};
use crate::command::{Advise, Context, Failure, OTHER_VERSION, Outcome};

/// Students between two words about how far it is.
const STEP: usize = 1_000;

/// Arguments of `aula district request`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district request --round 7 --wishes wishes.csv --home D/district-07\n  aula district request \
                  --round 7 --dry-run\n\nThe file has local_id,mandate,kinds: mandate is yes or no, kinds are names of the class's kinds, best \
                  first, separated by `;`. Without a file every enrolled student asks for the kinds that its twin recommends, and \
                  nobody for a mandated place. Killed halfway, run it again: what stands on the ledger is not sent twice.\nExit 0: all \
                  stand on the ledger; 1: some rows do not, see the report; 2: nothing could be done."
)]
pub struct RequestArgs {
    /// The round's number; it must be taking requests
    #[arg(long, value_name = "N")]
    pub round: u32,
    /// What students wish for, CSV: local_id,mandate,kinds [default: the kinds that each student's twin recommends]
    #[arg(long, value_name = "FILE")]
    pub wishes: Option<PathBuf>,
    /// Say what would be asked for, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
}

/// The round, and the names of its class's kinds.
pub(super) async fn round(client: &Client, id: RoundId) -> Result<(OneRound, Vec<Name>), Failure> {
    let told: OneRound = client.get(&paths::round(id)).await?;
    let all: Classes = client.get(paths::CLASSES).await?;
    let class = all.classes.into_iter().find(|class| class.definition.class == told.round.class);
    let class = class.ok_or_else(|| {
        let message = format!("the node does not know class {}", told.round.class);
        Failure::new("bad_answer", message, OTHER_VERSION)
    })?;
    Ok((told, class.definition.kinds))
}

/// What is asked for, and what is not.
#[derive(Default)]
struct Plan {
    claimed: Vec<Claimed>,
    refused: Vec<Refused>,
    /// Rows that stand on the ledger already.
    stands: usize,
    /// The district's own identifier of each handle.
    names: BTreeMap<Handle, (u64, String)>,
}

/// Asks.
///
/// # Errors
/// When round, vault or file cannot be read, or the node refuses a whole batch at the door.
pub async fn run(context: &Context, ledger: &LedgerArgs, args: &RequestArgs) -> Result<Outcome, Failure> {
    let id = RoundId(args.round);
    let rows = Rows::of_home(context, ledger).await?;
    let client = rows.public();
    let (facts, kinds) = round(client, id).await?;
    let facts = facts.round;
    if facts.status != RoundStatus::Open || facts.window != Window::Requests {
        let message = format!(
            "round {id} takes no requests: it is {}, its window for them is closed",
            facts.status_word()
        );
        return Err(Failure::new(
            "requests_closed",
            message,
            "ask in the next round of its class: aula query rounds",
        ));
    }
    bind_to_node(context, &args.place, client).await?;
    // What an earlier process sent first: it may stand by now.
    if !args.dry_run {
        drop(Posting::begin(context, &args.place, ledger).await?);
    }
    let already: BTreeSet<Handle> = rows.own_rows(id).await?.rows.into_iter().map(|row| row.handle).collect();
    let in_force = Voted::of(client, &context.home).await?.version(facts.parameters)?;
    let plan = plan(context, args, &facts, &kinds, (&already, &in_force))?;
    let (wished, to_send) = (plan.claimed.len() + plan.refused.len() + plan.stands, plan.claimed.len());
    if args.dry_run {
        let report = report::write(context, &format!("request-{id}"), &plan.refused)?;
        let text = format!(
            "round {id}: {to_send} to be asked for, {} stand already, {} cannot be; nothing was sent\nreport {}",
            plan.stands,
            plan.refused.len(),
            report.display()
        );
        let json = json!({
            "round": id, "requests": wished, "batches": 0, "accepted": plan.stands, "rejected": plan.refused.len(),
            "would_send": to_send, "report": report,
        });
        return Ok(if plan.refused.is_empty() { Outcome::yes(json, text) } else { Outcome::no(json, text) });
    }
    let batches = send(context, ledger, (args, &in_force), &plan.claimed).await?;
    let now = rows.own_rows(id).await?;
    let stands: BTreeSet<Handle> = now.rows.iter().map(|row| row.handle).collect();
    let mut refused = plan.refused;
    for (request, _) in plan.claimed.iter().filter(|(request, _)| !stands.contains(&request.handle)) {
        let (line, local_id) = plan.names.get(&request.handle).cloned().unwrap_or_default();
        let value =
            "the ledger did not take it: aula query round has the class's kinds, pools and shares".to_owned();
        refused.push(Refused { line, local_id, rule: "refused_by_ledger", value });
    }
    let accepted = wished - refused.len();
    let report = report::write(context, &format!("request-{id}"), &refused)?;
    let json = json!({
        "round": id, "requests": wished, "batches": batches, "accepted": accepted, "rejected": refused.len(),
        "report": report,
    });
    let text = format!(
        "round {id}: {accepted} of {wished} requests stand on the ledger ({batches} batches sent now), {} do not\nreport {}",
        refused.len(),
        report.display()
    );
    Ok(if refused.is_empty() { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

/// Reads the wishes and every wished student's anchored state.
fn plan(
    context: &Context,
    args: &RequestArgs,
    facts: &RoundView,
    kinds: &[Name],
    (already, in_force): (&BTreeSet<Handle>, &InForce),
) -> Result<Plan, Failure> {
    let own = Own { context, place: &args.place, reader: None, act: Act::prove() };
    let reader = own.reader()?;
    let mut plan = Plan::default();
    let wishes = match &args.wishes {
        Some(path) => {
            let bytes = read_at_most(path, MOST_GIVEN_BYTES).advise(
                format!("cannot read {}", path.display()),
                "check the path and that you may read it",
            )?;
            let (wishes, refused) = wishes::read(&bytes, kinds).advise(
                format!("{} is not a file of wishes", path.display()),
                "see aula district request --help",
            )?;
            plan.refused = refused;
            wishes.into_iter().map(Asked::Wished).collect()
        }
        None => recommended(&reader.vault, facts.school_year)?,
    };
    let all = wishes.len();
    for (at, asked) in wishes.into_iter().enumerate() {
        if at > 0 && at % STEP == 0 {
            context.tell(format_args!("{at} of {all} students read"));
        }
        match one(&reader, &asked, facts, kinds, &in_force.params)? {
            Ok((wish, (request, _))) if already.contains(&request.handle) => {
                plan.stands += 1;
                drop(wish);
            }
            Ok((wish, claimed)) => {
                plan.names.insert(claimed.0.handle, (wish.line, wish.local_id));
                plan.claimed.push(claimed);
            }
            Err(refused) => plan.refused.push(refused),
        }
    }
    plan.claimed.sort_by_key(|(request, _)| request.handle);
    Ok(plan)
}

/// Whom to ask for.
enum Asked {
    /// As the file says.
    Wished(Wish),
    /// What the twin recommends to this student.
    Recommended { handle: Handle, local_id: String },
}

/// Every enrolled student of the year; without a roster, every student of the year.
fn recommended(vault: &Vault, year: SchoolYear) -> Result<Vec<Asked>, Failure> {
    let roster = vault.roster(year).map_err(vault_refused)?;
    let enrolled = roster.into_iter().filter(|(_, entry)| entry.enrolled);
    let asked: Vec<Asked> = enrolled
        .map(|(handle, entry)| Asked::Recommended { handle, local_id: entry.local_id.clone() })
        .collect();
    if !asked.is_empty() {
        return Ok(asked);
    }
    let of_year = vault.keystore().all_handles().into_iter().filter(|(_, other)| *other == year);
    Ok(of_year.map(|(handle, _)| Asked::Recommended { handle, local_id: String::new() }).collect())
}

/// One student's request, or why there is none.
fn one(
    reader: &Reader,
    asked: &Asked,
    facts: &RoundView,
    kinds: &[Name],
    params: &aula_twin_runtime::params::Params,
) -> Result<Result<(Wish, Claimed), Refused>, Failure> {
    let (line, local_id) = match asked {
        Asked::Wished(wish) => (wish.line, wish.local_id.clone()),
        Asked::Recommended { local_id, .. } => (0, local_id.clone()),
    };
    let not = |rule, value: &str| Refused { line, local_id: local_id.clone(), rule, value: value.to_owned() };
    let vault = &reader.vault;
    let known = match asked {
        Asked::Wished(wish) => asking::standing(vault, wish, facts.school_year, facts.opened),
        Asked::Recommended { handle, .. } => asking::anchored(vault, *handle, facts.opened),
    };
    let known: Known = match known.map_err(vault_refused)? {
        Ok(known) => known,
        Err(why) => return Ok(Err(not(why.rule(), why.next()))),
    };
    let provable = match reader.open_by_design(known.handle) {
        Ok(provable) => provable,
        Err(Undisclosed::Denied(denial)) => return Ok(Err(not("read_denied", denial.explain()))),
        Err(Undisclosed::Failed(failure)) => return Err(failure),
        Err(Undisclosed::NoField { .. }) => return Ok(Err(not("no_need", "its state has no need"))),
    };
    let wish = match asked {
        Asked::Wished(wish) => wish.clone(),
        Asked::Recommended { local_id, .. } => {
            let of_class = |kind: &&u16| usize::from(**kind) < kinds.len();
            let numbers = provable.state.recommended().iter().filter(of_class);
            let ranked: Vec<KindId> =
                numbers.filter_map(|kind| u8::try_from(*kind).ok()).map(KindId).collect();
            if ranked.is_empty() {
                return Ok(Err(not(
                    "nothing_recommended",
                    "the twin recommends none of the class's kinds: give --wishes",
                )));
            }
            Wish { line: 0, local_id: local_id.clone(), mandate: Mandate::None, kinds: ranked }
        }
    };
    let claimed = asking::claimed(&wish, &known, &provable.state, provable.version, &provable.secret, params);
    Ok(claimed.map(|claimed| (wish, claimed)).map_err(|why| not(why.rule(), why.next())))
}

/// Proves and sends batch by batch, a few at once; gives how many were sent.
async fn send(
    context: &Context,
    ledger: &LedgerArgs,
    (args, in_force): (&RequestArgs, &InForce),
    claimed: &[Claimed],
) -> Result<usize, Failure> {
    if claimed.is_empty() {
        return Ok(0);
    }
    let mut posting = Posting::begin(context, &args.place, ledger).await?;
    let genesis = *posting.sender.genesis();
    let rule = &in_force.voted.parameters.need;
    let batches = requests::batches(RoundId(args.round), rule, claimed);
    let at_once = std::thread::available_parallelism().map_or(1, NonZero::get);
    let (mut sent, all) = (0, batches.len());
    for group in batches.chunks(at_once) {
        let proved = tokio::task::block_in_place(|| requests::prove_all(&genesis, group)).advise(
            "a need band cannot be proved",
            "fold and anchor again: the vault and the ledger disagree",
        )?;
        for payload in proved {
            let told = posting.send(payload).await?.told;
            sent += 1;
            let height = told.height.unwrap_or_default();
            context.tell(format_args!("batch {sent} of {all}: {} in block {height}", told.status));
        }
    }
    Ok(sent)
}
