//! Milestones: a mastered unit with its proof, an intervention that began or ended.
//!
//! Flow: what the book says is due → a number that is free, by the book and by the ledger → the state folded again as it was
//! anchored, since a proof speaks of that leaf → `RecordMilestone` → the book. Invariants: a skill that stands on the ledger for a
//! student is not recorded again, though its commitment is a new one with each anchor; a book that was lost is made again from the
//! ledger, a student at a time.

use std::time::{Duration, Instant};

use aula_district::milestones::mastery_of;
use aula_district::twin_record::AnchoredState;
use aula_district::twin_state::{self, Standing};
use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::codec::Canonical;
use aula_ledger::state::schema::Milestone;
use aula_ledger::tx::{MasteryProof, MilestoneKind, RecordMilestone};
use aula_ledger::types::{DistrictId, Handle, Hash, SchoolYear};
use sha2::{Digest, Sha256};

use super::interventions;
use super::office::{Node, Office};
use super::states::refolded;
use crate::command::district::book::{About, Book};
use crate::command::evidence::act::Act;
use crate::command::evidence::disclose::{Own, Undisclosed};
use crate::command::posting::rejection;
use crate::command::twin_parameters::Voted;
use crate::command::vault::refused;
use crate::command::{Advise, DEFECT, Failure};

/// How long one look records milestones, each a transaction of its own: the others wait for the next look, so that a round's
/// requests never wait for a year's milestones.
const AT_MOST: Duration = Duration::from_secs(10);

/// What is recorded of a student.
enum Found {
    Ready(Box<RecordMilestone>),
    /// Its state moved on, or its vault has no such student any more: it is due no more.
    Gone,
}

/// Records what is due.
pub(super) async fn record(office: &Office) -> Result<String, Failure> {
    let (node, district) = office.district().await?;
    let due = Book::of_home(&office.context.home)?.due();
    let (waiting, mut recorded, mut failed) = (due.len(), 0, None);
    let began = Instant::now();
    for (handle, about) in due {
        if began.elapsed() > AT_MOST {
            break;
        }
        match one(office, &node, district, handle, about).await {
            Ok(done) => recorded += usize::from(done),
            Err(failure) => failed = Some(failure),
        }
    }
    match failed {
        Some(failure) => Err(failure),
        None => Ok(format!("{recorded} of {waiting} milestones recorded")),
    }
}

/// One; true when it was recorded now.
async fn one(
    office: &Office,
    node: &Node,
    district: DistrictId,
    handle: Handle,
    about: About,
) -> Result<bool, Failure> {
    let home = &office.context.home;
    let mut number = Book::of_home(home)?.next(&handle);
    // What stands beyond the book: another's, or this home's own before its book was lost.
    while let Some(stands) = standing(node, district, &handle, number).await? {
        let same = stands.mastered.map(|mastered| About::Mastered(mastered.skill));
        Book::of_home(home)?.takes(handle, number, same)?;
        if same == Some(about) {
            return Ok(false);
        }
        number = number.saturating_add(1);
    }
    let genesis = node.public.status().await?.genesis_sha256;
    let milestone = match prepare(office, node, &genesis, handle, about, number).await? {
        Found::Ready(milestone) => milestone,
        Found::Gone => {
            Book::of_home(home)?.settle(handle, about)?;
            return Ok(false);
        }
    };
    let settled = office.posting().await?.send(*milestone).await?;
    if settled.is_accepted() { Ok(true) } else { Err(rejection(&settled, "a milestone")) }
}

/// The milestone of this number on the ledger.
async fn standing(
    node: &Node,
    district: DistrictId,
    handle: &Handle,
    number: u16,
) -> Result<Option<Milestone>, Failure> {
    let path = format!("/v1/evidence/milestone/{district}/{handle}/{number}");
    let bytes = match node.own.get_bytes(&path).await {
        Err(error) if error.is_not_found() => return Ok(None),
        told => told?,
    };
    let hint = "use the same version of the program as the node";
    let bundle = Bundle::from_canonical(&bytes).advise("the node sent no bundle", hint)?;
    let Subject::Milestone(evidence) = &bundle.subject else {
        return Err(Failure::new("bad_answer", "the node sent another bundle", hint));
    };
    Milestone::from_canonical(&evidence.record.value).map(Some).advise("the node sent no milestone", hint)
}

/// Makes what is sent.
async fn prepare(
    office: &Office,
    node: &Node,
    genesis: &Hash,
    handle: Handle,
    about: About,
    number: u16,
) -> Result<Found, Failure> {
    let Some(year) = year_of(office, &handle)? else { return Ok(Found::Gone) };
    let plain = |kind, evidence, mastery: Option<MasteryProof>| {
        let school_year = year;
        Found::Ready(Box::new(RecordMilestone {
            school_year,
            handle,
            number,
            kind,
            evidence,
            supersedes: None,
            mastery,
        }))
    };
    let voted = Voted::of(&node.public, &office.context.home).await?;
    let reader =
        Own { context: &office.context, place: &office.place, reader: None, act: Act::fold() }.reader()?;
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

fn year_of(office: &Office, handle: &Handle) -> Result<Option<SchoolYear>, Failure> {
    let vault = office.place.open(&office.context)?;
    if vault.is_erased(handle).map_err(refused)? {
        return Ok(None);
    }
    let found = vault.keystore().student(handle).map(|(year, _)| year);
    Ok(found)
}
