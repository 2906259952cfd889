//! Students' states: folded where something came, anchored where they changed.
//!
//! Flow: who is due → by school year and a thousand at a time: what the ledger holds of each → the events, read through the access
//! check and listed → folded, an intervention opened or closed where the parameters say so → a version that nobody has seen →
//! sealed into the vault → one `AnchorStates`. Invariants: the vault knows a state before the ledger does; a version is never used
//! twice, since vault and ledger are both asked; a student who cannot be anchored holds nobody up. A kill leaves versions that
//! were kept and not sent: they are passed over, never sent later.

use std::collections::{BTreeMap, BTreeSet};

use aula_api::paths;
use aula_api::registers::Schools;
use aula_client::Client;
use aula_district::interventions;
use aula_district::keep::{self, KeepError, Kept};
use aula_district::milestone_book::{About, Book};
use aula_district::parameters::InForce;
use aula_district::twin_record::AnchoredState;
use aula_district::twin_state::Standing;
use aula_home::fault;
use aula_ledger::codec::Canonical;
use aula_ledger::proof::committed::CommittedField;
use aula_ledger::types::{DistrictId, Handle, SchoolId, SchoolYear};
use aula_server::at_risk::note_whole_fold;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::TwinState;
use aula_vault::Vault;
use aula_zk::Opening;

use super::interventions::Register;
use super::office::{Node, Office};
use crate::command::district::in_force;
use crate::command::evidence::act::Act;
use crate::command::evidence::disclose::Own;
use crate::command::evidence::reader::Reader;
use crate::command::evidence::rows::own_students;
use crate::command::evidence::undisclosed::Undisclosed;
use crate::command::posting::rejection;
use crate::command::vault::refused;
use crate::command::{Advise, DEFECT, Failure};

/// States of one transaction: about half a megabyte.
const BATCH: usize = 1_000;

/// A student to be folded.
struct Due {
    handle: Handle,
    school: SchoolId,
    /// Of the student in every year.
    handles: Vec<(Handle, SchoolYear)>,
}

/// A student who is ready, with what is done once the state is anchored.
struct Ready {
    kept: Kept,
    about: Vec<About>,
}

/// Folds and anchors.
pub(super) async fn anchor(office: &Office) -> Result<String, Failure> {
    let began_ms = office.now_ms();
    let (node, district) = office.district().await?;
    let open = schools(&node, district).await?;
    let mut register = Register::load(&office.context.home)?;
    let (due, mut passed_over) = {
        let vault = office.place.open(&office.context)?;
        register.forget_erased(&vault)?;
        due(&vault, &open, &register, office.now_ms())?
    };
    register.keep(office)?;
    let homeless = passed_over.len();
    let (mut anchored, mut denied, mut failed) = (0, 0, None);
    let mut seen = Seen::default();
    for (year, students) in due {
        let done = year_of(office, (&node, district, &mut seen), year, students, &mut register).await;
        match done {
            Ok((some, not)) => {
                (anchored, denied) = (anchored + some, denied + not.len());
                passed_over.extend(not);
            }
            // Other years go on: one may be closed on the ledger.
            Err(failure) => failed = Some(failure),
        }
    }
    if let Some(failure) = failed {
        return Err(failure);
    }
    // In their folds' order: what the node noted since is newer than the register, and of whom it passed over the register has nothing.
    note_whole_fold(&office.context.home, began_ms, &passed_over)?;
    let mut told = format!("{anchored} states anchored");
    if homeless > 0 {
        told.push_str(&format!(", {homeless} students are at no open school of the ledger"));
    }
    if denied > 0 {
        told.push_str(&format!(", {denied} were denied by the access check"));
    }
    Ok(told)
}

/// The district's schools on the ledger.
async fn schools(node: &Node, district: DistrictId) -> Result<BTreeSet<u32>, Failure> {
    let told: Schools = node.public.get(paths::SCHOOLS).await?;
    Ok(told
        .schools
        .into_iter()
        .map(|one| one.school)
        .filter(|one| one.district == district)
        .map(|one| one.id.0)
        .collect())
}

/// Who is due, by school year.
type ByYear = BTreeMap<SchoolYear, Vec<Due>>;

/// Who is due; and who is enrolled at no school of the ledger.
fn due(
    vault: &Vault,
    open: &BTreeSet<u32>,
    register: &Register,
    now_ms: u64,
) -> Result<(ByYear, BTreeSet<Handle>), Failure> {
    let mut found = ByYear::new();
    let mut homeless = BTreeSet::new();
    let years: BTreeSet<SchoolYear> =
        vault.keystore().all_handles().into_iter().map(|(_, year)| year).collect();
    for year in years {
        for (handle, entry) in vault.roster(year).map_err(refused)? {
            if !entry.enrolled {
                continue;
            }
            let Some(school) = entry.school.filter(|school| open.contains(school)) else {
                homeless.insert(handle);
                continue;
            };
            let last = vault.anchored_state(&handle).map_err(refused)?;
            let is_due = match last {
                None => true,
                Some((_, true)) => true,
                Some((kept, false)) => {
                    let anchored = AnchoredState::from_canonical(&kept.anchored).advise(
                        "the vault's note of a version is damaged",
                        "restore the newest copies with `aula restore`",
                    )?;
                    anchored.state.home_school.0 != school || register.is_due(&handle, now_ms)
                }
            };
            if is_due {
                let student = vault.keystore().student(&handle).map(|(_, student)| student);
                let handles =
                    student.map(|student| vault.keystore().handles_of(&student)).unwrap_or_default();
                found.entry(year).or_default().push(Due { handle, school: SchoolId(school), handles });
            }
        }
    }
    // A batch ascends by handle.
    found.values_mut().for_each(|students| students.sort_by_key(|one| one.handle));
    Ok((found, homeless))
}

/// One school year's students; gives how many were anchored, and who was denied.
async fn year_of(
    office: &Office,
    (node, district, seen): (&Node, DistrictId, &mut Seen),
    year: SchoolYear,
    students: Vec<Due>,
    register: &mut Register,
) -> Result<(usize, Vec<Handle>), Failure> {
    let in_force = in_force(&node.public, &office.context.home, year).await?;
    let (mut anchored, mut denied) = (0, Vec::new());
    for year in students.iter().flat_map(|due| &due.handles).map(|(_, year)| *year) {
        seen.year(&node.own, district, year).await?;
    }
    for batch in students.chunks(BATCH) {
        let versions: Vec<u32> = batch.iter().map(|due| seen.highest(due)).collect();
        let mut ready = Vec::with_capacity(batch.len());
        {
            let reader =
                Own { context: &office.context, place: &office.place, reader: None, act: Act::fold() };
            let reader = reader.reader()?;
            for (due, seen) in batch.iter().zip(versions) {
                match one(&reader, due, seen, &in_force, office.now_ms(), register)? {
                    Some(one) => ready.push(one),
                    None => denied.push(due.handle),
                }
            }
            let kept: Vec<Kept> = ready.iter().map(|one| one.kept.clone()).collect();
            fault::point();
            keep::keep(&reader.vault, &kept).map_err(|error| match error {
                KeepError::Vault(error) => refused(error),
                error => Failure::because(error, DEFECT),
            })?;
            fault::point();
        }
        if ready.is_empty() {
            continue;
        }
        // Of the same student another year may follow in this look.
        ready.iter().for_each(|one| seen.note(one.kept.handle, one.kept.anchored.state.version));
        register.keep(office)?;
        let owed = ready.iter().flat_map(|one| one.about.iter().map(|about| (one.kept.handle, *about)));
        Book::of_home(&office.context.home)?.owe(owed)?;
        let states: Vec<_> = ready.iter().map(|one| one.kept.anchored.state.clone()).collect();
        let mut posting = office.posting().await?;
        for payload in keep::anchors(&states, year, &in_force, BATCH) {
            let count = payload.states.len();
            let settled = posting.send(payload).await?;
            if !settled.is_accepted() {
                return Err(rejection(&settled, "students' states"));
            }
            anchored += count;
        }
    }
    Ok((anchored, denied))
}

/// The versions that the ledger has of the district's students, asked once a school year however many are due.
#[derive(Default)]
struct Seen {
    years: BTreeSet<SchoolYear>,
    versions: BTreeMap<Handle, u32>,
}

impl Seen {
    /// Learns a year's, unless they are known.
    async fn year(&mut self, own: &Client, district: DistrictId, year: SchoolYear) -> Result<(), Failure> {
        if !self.years.insert(year) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let part = own_students(own, district, year, after).await?;
            self.versions.extend(part.students.iter().map(|one| (one.handle, one.version)));
            after = part.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Knows a version before the ledger does.
    fn note(&mut self, handle: Handle, version: u32) {
        self.versions.insert(handle, version);
    }

    /// The highest of a student, in whatever year; 0 of one who was never anchored.
    fn highest(&self, due: &Due) -> u32 {
        due.handles.iter().filter_map(|(handle, _)| self.versions.get(handle)).copied().max().unwrap_or(0)
    }
}

/// Folds one student; none when the access check denies it.
fn one(
    reader: &Reader,
    due: &Due,
    seen: u32,
    in_force: &InForce,
    now_ms: u64,
    register: &mut Register,
) -> Result<Option<Ready>, Failure> {
    let own = match reader.twin(due.handle) {
        Ok(own) => own,
        Err(Undisclosed::Denied(denial)) => {
            tracing::warn!(handle = %due.handle, "not folded: {}", denial.explain());
            return Ok(None);
        }
        Err(undisclosed) => return Err(undisclosed.failure()),
    };
    let params = &in_force.params;
    let mut history = History::new(params);
    history.add(own.events, params);
    let mut events = Vec::new();
    if let Some(act) = interventions::due(history.state(), params, now_ms)
        && let Some(event) = interventions::event(history.state(), act, now_ms)
    {
        history.add([event.clone()], params);
        events.push(event);
    }
    let state = history.state();
    register.note(&due.handle, state, params);
    let known = reader.vault.versions(&due.handle).map_err(refused)?;
    let noted = known.last().map_or(0, |kept| kept.version);
    let version = seen.max(own.version).max(noted).saturating_add(1);
    let standing = Standing { handle: due.handle, home_school: due.school, version };
    let made = Kept::of(&standing, state, &own.secret, in_force);
    let (mut kept, openings) = made.map_err(|why| Failure::because(why, DEFECT))?;
    kept.events =
        events.iter().map(|event| (aula_district::event_place::place(&event.key), event.encode())).collect();
    let mut about = mastered(&kept, &openings.fields);
    // From the state, not from this look's events: a process may have died between those and the book.
    about.extend(super::interventions::of_state(state));
    Ok(Some(Ready { kept, about }))
}

/// The skills of a state whose committed mastery is past the threshold that the ledger proves.
fn mastered(kept: &Kept, openings: &[Opening]) -> Vec<About> {
    let threshold = u64::from(aula_ledger::proof::committed::MASTERY_THRESHOLD_E4);
    let pairs = kept.anchored.state.commitments.iter().zip(openings);
    let past = pairs.filter(|(_, opening)| opening.value() > threshold);
    past.filter_map(|(committed, _)| match committed.field {
        CommittedField::Mastery(skill) => Some(About::Mastered(skill)),
        _ => None,
    })
    .collect()
}

/// A state folded again as it was anchored, for a proof: none when the vault has another by now.
pub(super) fn refolded(
    events: impl IntoIterator<Item = aula_twin_runtime::event::Event>,
    params: &Params,
) -> TwinState {
    let mut history = History::new(params);
    history.add(events, params);
    history.state().clone()
}

#[cfg(test)]
mod tests {
    use aula_kit::vault::{create, enrol};
    use aula_vault::imports::{ImportNote, StudentWrite};
    use aula_vault::roster::RosterEntry;

    use super::*;

    const YEAR: SchoolYear = SchoolYear(2026);

    #[test]
    fn who_is_enrolled_at_no_open_school_is_passed_over_by_name() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let (_, vault) = create(root.path(), 1)?;
        let ids = ["S-1", "S-2", "S-3", "S-4"];
        let handles = enrol(&vault, &ids, YEAR)?;
        // At a school of the ledger, at one that is closed there, at one that nobody knows, and gone.
        let places = [(Some(31), true), (Some(32), true), (None, true), (Some(32), false)];
        let write =
            |((handle, id), (school, enrolled)): ((&Handle, &str), (Option<u32>, bool))| StudentWrite {
                handle: *handle,
                roster: Some(RosterEntry {
                    local_id: id.to_owned(),
                    school,
                    local_school: "site".into(),
                    enrolled,
                    modified_ms: 0,
                }),
                fields: Vec::new(),
                ties: Vec::new(),
                events: Vec::new(),
            };
        let writes: Vec<_> = handles.iter().zip(ids).zip(places).map(write).collect();
        let note = ImportNote {
            import: 0,
            at_ms: 1,
            school_year: YEAR,
            format: "csv".into(),
            rows: 4,
            students: 4,
            undone_ms: None,
        };
        vault.import(&note, &BTreeMap::new(), &writes)?;
        let told = due(&vault, &BTreeSet::from([31]), &Register::default(), 2);
        let (due, passed_over) = told.map_err(|failure| failure.message)?;
        assert_eq!(due[&YEAR].iter().map(|one| one.handle).collect::<Vec<_>>(), [handles[0]]);
        assert_eq!(passed_over, BTreeSet::from([handles[1], handles[2]]));
        Ok(())
    }
}
