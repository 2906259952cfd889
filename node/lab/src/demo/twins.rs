//! A district's twins in the demo: a year's tests and need as events, the state they give, what is anchored of it.
//!
//! Flow: for each student of the year, up to two assessments and the assessed need enter the student's twin in
//! order; its fields, salted, give the state's hash; four numbers are committed to. [`advance`] does a district's
//! whole year. Invariants: a student's version counts its states over all years, so that no salt or blinding is
//! ever derived twice. Absent: sending anything; see [`super::driver`].

use std::collections::BTreeMap;

use aula_district::event_place::{EventPlace, place};
use aula_district::keep::Kept;
use aula_district::parameters::InForce;
use aula_district::twin_state::{Openings, Standing};
use aula_ledger::tx::StudentState;
use aula_ledger::types::{Height, SchoolYear};
use aula_twin_runtime::clock::{DAY_MS, HybridClock, Skew};
use aula_twin_runtime::event::{Event, EventBody, EventKey, SkillId, SourceId};
use aula_twin_runtime::twin::{TwinState, step};

use serde_json::json;

use super::office::{Office, OfficeError};
use super::rules;
use super::star::StudentYear;

/// 1 April 1986, when kindergarten's tests were taken: milliseconds since 1970. Later grades add 365 days each.
const FIRST_TESTS_MS: u64 = 512_697_600_000;
/// How far a source's clock may be from the server's: the records come from files, so any bound is kept.
const SKEW_BOUND_MS: u64 = DAY_MS;

/// Why a year's records make no states.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// An event was refused.
    #[error("an event of student {student} is refused: {why}")]
    Event {
        /// The study's number of the student.
        student: u32,
        /// By which rule.
        why: String,
    },
    /// The vault cannot keep the records.
    #[error(transparent)]
    Office(#[from] OfficeError),
}

/// A student's twin over the years, wherever the student is enrolled.
#[derive(Debug, Clone)]
pub struct Twin {
    state: TwinState,
    /// States anchored so far.
    version: u32,
    /// Every event so far: the newest district keeps them all, since an audit folds them all.
    events: Vec<Placed>,
}

/// An event as a vault keeps it: its place, canonical bytes.
type Placed = (EventPlace, Vec<u8>);

/// All students' twins, by the study's number.
pub type Twins = BTreeMap<u32, Twin>;

/// A student of the year, ready to be anchored and to request.
#[derive(Debug, Clone)]
pub struct Anchored {
    /// What the district alone knows.
    pub year: StudentYear,
    /// The need by the rule.
    pub need: u16,
    /// What everybody sees.
    pub leaf: StudentState,
    /// What opens the leaf's commitments: never leaves the district.
    pub openings: Openings,
    /// In which block the leaf was anchored; 0 until it is final.
    pub anchored: Height,
}

/// Folds a year's records of one district into its students' twins, seals them into the district's vault, and gives
/// what is to be anchored, ascending by handle.
///
/// # Errors
/// When an event is refused or the vault cannot be written.
pub fn advance(
    office: &Office,
    twins: &mut Twins,
    years: &[StudentYear],
    in_force: &InForce,
) -> Result<Vec<Anchored>, TwinError> {
    let params = &in_force.params;
    let Some(first) = years.first() else { return Ok(Vec::new()) };
    let school_year = SchoolYear(rules::school_year(first.grade));
    let wall_ms = FIRST_TESTS_MS + u64::from(first.grade.get()) * 365 * DAY_MS;
    let mut source =
        Source { clock: HybridClock::default(), id: SourceId(u64::from(office.district.0)), sequence: 0 };
    let (mut anchored, mut records) = (Vec::with_capacity(years.len()), Vec::with_capacity(years.len()));
    let students: Vec<u32> = years.iter().map(|year| year.student).collect();
    let handles = office.enrol(&students, school_year)?;
    for (year, handle) in years.iter().zip(handles) {
        let fresh = || Twin { state: TwinState::new(params), version: 0, events: Vec::new() };
        let twin = twins.entry(year.student).or_insert_with(fresh);
        let refused = |why| TwinError::Event { student: year.student, why };
        for body in bodies(year) {
            let event = source.event(wall_ms, body).map_err(refused)?;
            step(&mut twin.state, &event, params).map_err(|error| refused(error.to_string()))?;
            twin.events.push((place(&event.key), event.encode()));
        }
        twin.version += 1;
        let standing = Standing { handle, home_school: year.school, version: twin.version };
        let secret = office.secret(&handle)?;
        let (kept, openings) = Kept::of(&standing, &twin.state, &secret, in_force).map_err(refused)?;
        let leaf = kept.anchored.state.clone();
        records.push(with_the_year(kept, year, twin));
        anchored.push(Anchored {
            year: year.clone(),
            need: twin.state.need(params).score(),
            leaf,
            openings,
            anchored: Height::GENESIS,
        });
    }
    office.keep(&records)?;
    anchored.sort_by_key(|student| student.leaf.handle);
    Ok(anchored)
}

/// What the vault keeps beside the state: the year's fields, named as its access check knows them, and every event so far.
fn with_the_year(mut kept: Kept, year: &StudentYear, twin: &Twin) -> Kept {
    kept.fields.push(("grade".into(), json!(year.grade.name())));
    kept.fields.push(("home_school".into(), json!(year.school)));
    Kept { events: twin.events.clone(), ..kept }
}

/// Whoever records a district's events in one year.
struct Source {
    clock: HybridClock,
    id: SourceId,
    sequence: u64,
}

impl Source {
    fn event(&mut self, wall_ms: u64, body: EventBody) -> Result<Event, String> {
        let stamp = self.clock.tick(wall_ms).map_err(|error| error.to_string())?;
        self.sequence += 1;
        let key = EventKey { stamp, source: self.id, sequence: self.sequence };
        Ok(Event { key, skew: Skew::judge(stamp, wall_ms, SKEW_BOUND_MS), body })
    }
}

/// The year's events of a student: the tests taken, then what the need rule reads.
fn bodies(year: &StudentYear) -> Vec<EventBody> {
    let school_year = rules::school_year(year.grade);
    let test = |skill, score: Option<u16>| {
        let score_e1 = u32::from(score?) * 10;
        let skill = SkillId(skill);
        Some(EventBody::Assessment { skill, grade: year.grade.get(), year: school_year, score_e1 })
    };
    let tests = [test(rules::READING, year.read), test(rules::MATHEMATICS, year.math)];
    let inputs = rules::need_inputs(year).map(|(input, value)| EventBody::InputRecorded { input, value });
    tests.into_iter().flatten().chain(inputs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::office::MemberHome;
    use crate::demo::star::{DataFolder, Grade};
    use aula_ledger::twin::TwinVersion;
    use aula_ledger::types::{ChainId, Hash};
    use aula_twin_runtime::model::Model;
    use std::path::Path;

    #[test]
    fn a_students_second_year_has_a_new_handle_a_higher_version_and_a_new_commitment()
    -> Result<(), Box<dyn std::error::Error>> {
        let genesis = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../genesis");
        let years = DataFolder::find(Some(&genesis))?.student_years()?;
        let stayed = years.iter().find(|year| {
            let next = |other: &&StudentYear| other.student == year.student && other.grade == Grade::ALL[1];
            year.grade == Grade::ALL[0]
                && years.iter().find(next).is_some_and(|n| n.district == year.district)
        });
        let first = stayed.ok_or("nobody stayed")?.clone();
        let second = years.iter().find(|year| year.student == first.student && year.grade == Grade::ALL[1]);
        let second = second.ok_or("no second year")?.clone();
        let folder = tempfile::tempdir()?;
        let member = MemberHome::create(&folder.path().join("office"))?;
        let chain = (ChainId::new("test-00c0ffee").ok_or("a chain id")?, Hash([0xc0; 32]));
        let office = Office::create(first.district, member, &chain, 1_780_000_000_000)?;
        let parameters = rules::twin_parameters()?;
        let digest = parameters.digest();
        let (from_year, voted) = (SchoolYear(0), Height::GENESIS);
        let version = TwinVersion { version: 1, from_year, voted, digest, parameters };
        let (mut twins, in_force) = (Twins::new(), InForce::of(version, Model::unfitted())?);
        let one = advance(&office, &mut twins, &[first], &in_force)?.remove(0).leaf;
        let two = advance(&office, &mut twins, &[second], &in_force)?.remove(0).leaf;
        assert_ne!(one.handle, two.handle);
        assert!(one.version < two.version && one.event_watermark < two.event_watermark);
        assert_ne!((one.state_hash, &one.commitments), (two.state_hash, &two.commitments));
        Ok(())
    }
}
