//! Milestones: a mastered unit with its proof, an intervention that began or ended.
//!
//! Flow: what the book says is due, one milestone each of many students → a number that is free, by the book and by the ledger →
//! the states folded again as they were anchored, since a proof speaks of that leaf → `RecordMilestone`s, all sent before the first
//! is waited for → the book. Invariants: a skill that stands on the ledger for a
//! student is not recorded again, though its commitment is a new one with each anchor; a book that was lost is made again from the
//! ledger, a student at a time.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use aula_api::paths;
use aula_district::milestone_book::{About, Book};
use aula_district::milestones::mastery_of;
use aula_district::twin_record::AnchoredState;
use aula_district::twin_state::{self, Standing};
use aula_ledger::audit::Subject;
use aula_ledger::codec::Canonical;
use aula_ledger::state::schema::Milestone;
use aula_ledger::tx::{MasteryProof, MilestoneKind, Payload, RecordMilestone};
use aula_ledger::types::{DistrictId, Handle, Hash, SchoolYear};
use aula_vault::Vault;
use sha2::{Digest, Sha256};

use super::interventions;
use super::office::{Node, Office};
use super::states::refolded;
use crate::command::evidence::act::Act;
use crate::command::evidence::bundle;
use crate::command::evidence::disclose::Own;
use crate::command::evidence::reader::Reader;
use crate::command::evidence::undisclosed::Undisclosed;
use crate::command::posting::rejection;
use crate::command::twin_parameters::Voted;
use crate::command::vault::refused;
use crate::command::{Advise, DEFECT, Failure, OTHER_VERSION};

/// How long one look records milestones: the others wait for the next look, so that a round's requests never wait for a year's
/// milestones.
const AT_MOST: Duration = Duration::from_secs(10);
/// Milestones on their way at once, of as many students: a student's next number rests on the one before.
const AT_ONCE: usize = 64;

/// What is recorded of a student.
enum Found {
    Ready(Box<RecordMilestone>),
    /// Its state moved on, or its vault has no such student any more: it is due no more.
    Gone,
}

/// A milestone that is due, under a number of its student's that is free.
struct Numbered {
    handle: Handle,
    about: About,
    number: u16,
}

/// Records what is due.
pub(super) async fn record(office: &Office) -> Result<String, Failure> {
    let (node, district) = office.district().await?;
    let mut due: VecDeque<(Handle, About)> = Book::of_home(&office.context.home)?.due().into();
    let (waiting, mut recorded, mut failed) = (due.len(), 0, None);
    let voted =
        if due.is_empty() { None } else { Some(Voted::of(&node.public, &office.context.home).await?) };
    let began = Instant::now();
    while let Some(voted) = voted.as_ref().filter(|_| !due.is_empty() && began.elapsed() < AT_MOST) {
        let numbered = numbered(office, &node, district, next_of_each(&mut due)).await?;
        let payloads = prepared(office, &node, voted, &numbered, &mut failed)?;
        if payloads.is_empty() {
            continue;
        }
        let fates = office.posting().await?.send_all(&payloads).await?;
        // Fewer answers than questions: the node is gone, and says it at the next look.
        let all = fates.len() == payloads.len();
        for fate in fates {
            match fate {
                Ok(settled) if settled.is_accepted() => recorded += 1,
                Ok(settled) => failed = Some(rejection(&settled, "a milestone")),
                Err(failure) => failed = Some(failure),
            }
        }
        if !all {
            break;
        }
    }
    match failed {
        Some(failure) => Err(failure),
        None => Ok(format!("{recorded} of {waiting} milestones recorded")),
    }
}

/// One milestone of each of the next students: what else of them is due goes to the end.
fn next_of_each(due: &mut VecDeque<(Handle, About)>) -> Vec<(Handle, About)> {
    let (mut next, mut of) = (Vec::new(), BTreeSet::new());
    for _ in 0..due.len() {
        if next.len() == AT_ONCE {
            break;
        }
        match due.pop_front() {
            Some(one) if of.insert(one.0) => next.push(one),
            Some(one) => due.push_back(one),
            None => break,
        }
    }
    next
}

/// Those that do not stand yet, each under a number that is free.
async fn numbered(
    office: &Office,
    node: &Node,
    district: DistrictId,
    next: Vec<(Handle, About)>,
) -> Result<Vec<Numbered>, Failure> {
    let mut book = Book::of_home(&office.context.home)?;
    let mut free = Vec::with_capacity(next.len());
    'due: for (handle, about) in next {
        let mut number = book.next(&handle);
        // What stands beyond the book: another's, or this home's own before its book was lost.
        while let Some(stands) = standing(node, district, &handle, number).await? {
            let same = stands.mastered.map(|mastered| About::Mastered(mastered.skill));
            book.takes(handle, number, same)?;
            if same == Some(about) {
                continue 'due;
            }
            number = number.saturating_add(1);
        }
        free.push(Numbered { handle, about, number });
    }
    Ok(free)
}

/// What is sent of them, from the vault opened once; what is due no more is settled, and one that cannot be made holds up no other.
fn prepared(
    office: &Office,
    node: &Node,
    voted: &Voted,
    numbered: &[Numbered],
    failed: &mut Option<Failure>,
) -> Result<Vec<Payload>, Failure> {
    if numbered.is_empty() {
        return Ok(Vec::new());
    }
    let mut book = Book::of_home(&office.context.home)?;
    let own = Own { context: &office.context, place: &office.place, reader: None, act: Act::fold() };
    let reader = own.reader()?;
    let mut payloads = Vec::with_capacity(numbered.len());
    for one in numbered {
        match prepare(&reader, &node.genesis, voted, one) {
            Ok(Found::Ready(milestone)) => payloads.push((*milestone).into()),
            Ok(Found::Gone) => book.settle(one.handle, one.about)?,
            Err(failure) => *failed = Some(failure),
        }
    }
    Ok(payloads)
}

/// The milestone of this number on the ledger.
async fn standing(
    node: &Node,
    district: DistrictId,
    handle: &Handle,
    number: u16,
) -> Result<Option<Milestone>, Failure> {
    let path = paths::evidence_milestone(district, handle, number);
    let bytes = match node.own.get_bytes(&path).await {
        Err(error) if error.is_not_found() => return Ok(None),
        told => told?,
    };
    let bundle = bundle::read(&bytes)?;
    let Subject::Milestone(evidence) = &bundle.subject else {
        return Err(Failure::new("bad_answer", "the node sent another bundle", OTHER_VERSION));
    };
    let record = Milestone::from_canonical(&evidence.record.value).map(Some);
    record.advise("the node sent no milestone", OTHER_VERSION)
}

/// Makes what is sent.
fn prepare(reader: &Reader, genesis: &Hash, voted: &Voted, due: &Numbered) -> Result<Found, Failure> {
    let Numbered { handle, about, number } = *due;
    let Some(school_year) = year_of(&reader.vault, &handle)? else { return Ok(Found::Gone) };
    let plain = |kind, evidence, mastery: Option<MasteryProof>| {
        let supersedes = None;
        let milestone = RecordMilestone { school_year, handle, number, kind, evidence, supersedes, mastery };
        Found::Ready(Box::new(milestone))
    };
    let Some((kept, _)) = reader.vault.anchored_state(&handle).map_err(refused)? else {
        return Err(Failure::new(
            "not_anchored",
            "a state with a milestone is not anchored yet",
            "it is tried again",
        ));
    };
    let own = match reader.twin_at(handle, Some(kept.version)) {
        Ok(own) => own,
        Err(Undisclosed::Denied(_)) => return Ok(Found::Gone),
        Err(undisclosed) => return Err(undisclosed.failure()),
    };
    let skill = match about {
        About::Mastered(skill) => skill,
        About::Began(_) | About::Ended(_) => {
            let event = own.events.iter().find(|event| interventions::about(event) == Some(about));
            let kind = match about {
                About::Began(_) => MilestoneKind::InterventionBegun,
                _ => MilestoneKind::InterventionEnded,
            };
            let evidence = event.map(|event| Hash(Sha256::digest(event.encode()).into()));
            return Ok(evidence.map_or(Found::Gone, |evidence| plain(kind, evidence, None)));
        }
    };
    let anchored = AnchoredState::from_canonical(&kept.anchored).advise(
        "the vault's note of a version is damaged",
        "restore the newest copies with `aula restore`",
    )?;
    let in_force = voted.version(anchored.parameters)?;
    let state = refolded(own.events, &in_force.params);
    let home_school = anchored.state.home_school;
    let standing = Standing { handle, home_school, version: kept.version };
    let made = twin_state::leaf(&standing, &state, &own.secret, &in_force.params);
    let (leaf, openings) = made.map_err(|why| Failure::because(why, DEFECT))?;
    let Some(height) = kept.height.filter(|_| leaf == anchored.state) else { return Ok(Found::Gone) };
    // Below the threshold again: it was not recorded while it was above.
    let Some(proof) = mastery_of(genesis, height, &leaf, &openings.fields, skill) else {
        return Ok(Found::Gone);
    };
    Ok(plain(MilestoneKind::UnitMastered, leaf.state_hash, Some(proof)))
}

fn year_of(vault: &Vault, handle: &Handle) -> Result<Option<SchoolYear>, Failure> {
    if vault.is_erased(handle).map_err(refused)? {
        return Ok(None);
    }
    let found = vault.keystore().student(handle).map(|(year, _)| year);
    Ok(found)
}
