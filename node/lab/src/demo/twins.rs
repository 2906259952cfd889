//! A district's twins in the demo: a year's export comes into the vault, its events are folded, and what is anchored of them is kept.
//!
//! [`advance`] does a district's whole year with the functions that a district's commands call: import, `need --record`, fold,
//! keep. Invariants: a state is the fold of what the vault has of its student in the year; a student's version counts its states over
//! all years, so that no salt or blinding is ever derived twice. Absent: sending anything; see [`super::driver`].

use std::collections::BTreeMap;

use aula_district::keep::{Kept, fold};
use aula_district::office::OfficeError;
use aula_district::parameters::InForce;
use aula_district::twin_state::{Openings, Standing};
use aula_home::clock::now_ms;
use aula_ledger::tx::StudentState;
use aula_ledger::types::{Height, SchoolId, SchoolYear};

use super::office::Office;
use super::one_roster;
use super::rules;
use super::star::StudentYear;

/// Why a year's records make no states.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    /// What came in gives no state.
    #[error("student {student} has no state: {why}")]
    State {
        /// The study's number of the student.
        student: u32,
        /// The rule that it breaks.
        why: String,
    },
    /// The export cannot be written.
    #[error("the export of {district} cannot be written")]
    Export {
        /// The district whose export it is.
        district: String,
        /// Why.
        source: std::io::Error,
    },
    /// The vault cannot keep the records.
    #[error(transparent)]
    Office(#[from] OfficeError),
}

/// How many states of each student were made so far, by the study's number.
pub type Versions = BTreeMap<u32, u32>;

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

/// Counts a year's states, once they are made.
pub fn count(versions: &mut Versions, years: &[StudentYear]) {
    years.iter().for_each(|year| *versions.entry(year.student).or_default() += 1);
}

/// Brings a year's export of one district into its vault, folds it, keeps the states, and gives what is to be anchored, ascending
/// by handle.
///
/// # Errors
/// When a row is not taken or the vault cannot be written.
pub fn advance(
    office: &Office,
    versions: &Versions,
    years: &[StudentYear],
    in_force: &InForce,
) -> Result<Vec<Anchored>, TwinError> {
    let Some(first) = years.first() else { return Ok(Vec::new()) };
    let school_year = SchoolYear(rules::school_year(first.grade));
    bring_in(office, school_year, years, in_force)?;
    let (mut anchored, mut records) = (Vec::with_capacity(years.len()), Vec::with_capacity(years.len()));
    for year in years {
        let without = |why: String| TwinError::State { student: year.student, why };
        let handle = office.work.handle(&one_roster::local_id(year.student), school_year)?;
        let handle = handle.ok_or_else(|| without("it is not in the vault".into()))?;
        let state = fold(&office.work.events(&handle)?, &in_force.params);
        let state = state.ok_or_else(|| without("it has no events".into()))?;
        let version = versions.get(&year.student).map_or(1, |seen| seen + 1);
        let standing = Standing { handle, home_school: year.school, version };
        let secret = office.work.secret(&handle)?;
        let (kept, openings) = Kept::of(&standing, &state, &secret, in_force).map_err(without)?;
        anchored.push(Anchored {
            year: year.clone(),
            need: state.need(&in_force.params).score(),
            leaf: kept.anchored.state.clone(),
            openings,
            anchored: Height::GENESIS,
        });
        records.push(kept);
    }
    office.work.keep(&records)?;
    anchored.sort_by_key(|student| student.leaf.handle);
    Ok(anchored)
}

/// What the district's systems export, into its vault.
fn bring_in(
    office: &Office,
    school_year: SchoolYear,
    years: &[StudentYear],
    in_force: &InForce,
) -> Result<(), TwinError> {
    let Some(first) = years.first() else { return Ok(()) };
    let exported = || {
        let files = one_roster::export(first.grade, years).map_err(std::io::Error::other)?;
        let inputs = one_roster::need_inputs(years).map_err(std::io::Error::other)?;
        one_roster::keep(
            &office.member.home.path().join("export").join(school_year.to_string()),
            &files,
            &inputs,
        )?;
        Ok((files, inputs))
    };
    let district = || super::office::district_name(office.work.district);
    let (files, inputs) = exported().map_err(|source| TwinError::Export { district: district(), source })?;
    let schools: std::collections::BTreeSet<SchoolId> = years.iter().map(|year| year.school).collect();
    let now = now_ms();
    office.work.import(files, schools, (school_year, &one_roster::SUBJECTS), in_force, now)?;
    Ok(office.work.record(&inputs, (school_year, u64::from(school_year.0)), in_force, now)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::office::MemberHome;
    use crate::demo::star::{DataFolder, Grade};
    use aula_ledger::twin::TwinVersion;
    use aula_ledger::types::{ChainId, Hash};
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
        let (mut versions, in_force) = (Versions::new(), InForce::unfitted(version)?);
        let one = advance(&office, &versions, std::slice::from_ref(&first), &in_force)?.remove(0).leaf;
        count(&mut versions, &[first]);
        let two = advance(&office, &versions, &[second], &in_force)?.remove(0).leaf;
        assert_ne!(one.handle, two.handle);
        assert!(one.version < two.version);
        // A year's tests, as far as they were taken, and the three inputs of the need rule.
        assert!(one.event_watermark >= 3 && two.event_watermark >= 3);
        assert_ne!((one.state_hash, &one.commitments), (two.state_hash, &two.commitments));
        Ok(())
    }
}
