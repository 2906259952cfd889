//! The roster that a replica is told: who its students are, and what a school needs to show of them.
//!
//! Invariants: a roster is of a year, and so is its digest; the one that was told last is the newest that enrols anybody here, because one
//! of an earlier year ends the later ones: their import was taken back.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::access::{ConsentChoice, Purpose};
use aula_ledger::names::{FieldName, Name};
use aula_ledger::types::{Handle, SchoolYear};
use aula_vault::imports::{ImportNote, StudentWrite};
use aula_vault::roster::RosterEntry;
use aula_vault::{LocalId, Vault, VaultError};
use sha2::{Digest, Sha256};

use super::scope::Of;
use super::wire::{Pupil, Roster};

/// What a school's pages name a student by.
const FIELDS: [&str; 2] = ["name", "grade"];

/// The handles of each student, of every year.
pub(super) fn students(vault: &Vault) -> Vec<Vec<(Handle, SchoolYear)>> {
    let (mut students, all) = (BTreeMap::<_, Vec<_>>::new(), vault.keystore().all_handles());
    for (handle, year) in all {
        let student = vault.keystore().student(&handle);
        if let Some((_, student)) = student {
            students.entry(student).or_default().push((handle, year));
        }
    }
    students.into_values().collect()
}

fn damaged(what: &str) -> VaultError {
    VaultError::Damaged(format!("{what} of a roster is not valid"))
}

fn fields() -> Result<Vec<FieldName>, VaultError> {
    FIELDS.iter().map(|name| FieldName::new(name).map_err(|_| damaged("a field"))).collect()
}

/// The roster of these schools, with each student's handle here.
///
/// # Errors
/// A damaged vault.
pub fn told(vault: &Vault, year: SchoolYear, schools: &[u32]) -> Result<(Roster, Vec<Of>), VaultError> {
    told_where(vault, year, |school| schools.contains(&school))
}

fn told_where(
    vault: &Vault,
    year: SchoolYear,
    wanted: impl Fn(u32) -> bool,
) -> Result<(Roster, Vec<Of>), VaultError> {
    let mut of = Vec::new();
    let mut roster = Roster::default();
    let own = |place: &RosterEntry| place.school.filter(|school| place.enrolled && wanted(*school));
    for placed in vault.placed_where(year, &fields()?, |place| own(place).is_some())? {
        let place = &placed.place;
        let Some(school) = own(place) else { continue };
        let ties = vault.relations_to(&placed.handle)?;
        let mut consents = Vec::new();
        for purpose in Purpose::ALL {
            if let Some(choice) = vault.consent(&placed.handle, purpose)? {
                consents.push((purpose as u8, choice == ConsentChoice::Given));
            }
        }
        of.push(Of { id: place.local_id.clone(), handle: placed.handle });
        roster.students.push(Pupil {
            id: place.local_id.clone(),
            school,
            local_school: place.local_school.clone(),
            modified_ms: place.modified_ms,
            fields: placed
                .fields
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), value.to_vec()))
                .collect(),
            ties: ties.into_iter().map(|(reader, own)| (reader.to_string(), own)).collect(),
            consents,
        });
    }
    // Those that its students name alone: what else a side knows of schools, or knew, makes no other roster.
    let named: BTreeSet<&str> = roster.students.iter().map(|pupil| pupil.local_school.as_str()).collect();
    let all = vault.local_schools()?;
    let own = all.into_iter().filter(|(id, number)| named.contains(id.as_str()) && wanted(*number));
    let schools = own.collect();
    roster.schools = schools;
    Ok((roster, of))
}

/// The digest of a year's roster.
pub fn digest(year: SchoolYear, roster: &Roster) -> [u8; 32] {
    // Writing to a Vec has no failing path.
    Sha256::digest(borsh::to_vec(&(year.0, roster)).unwrap_or_default()).into()
}

/// The year and digest of the roster that this vault was told last, as far as it has it; none where it enrols nobody.
///
/// # Errors
/// A damaged vault.
pub fn told_last(vault: &Vault) -> Result<Option<(SchoolYear, [u8; 32])>, VaultError> {
    let Some(year) = vault.newest_roster(SchoolYear(u16::MAX))? else { return Ok(None) };
    Ok(Some((year, digest(year, &told_where(vault, year, |_| true)?.0))))
}

/// Those whom the roster of a year enrols here.
///
/// # Errors
/// A damaged vault.
pub fn enrolled(vault: &Vault, year: SchoolYear) -> Result<Vec<Of>, VaultError> {
    let all = vault.roster(year)?.into_iter().filter(|(_, place)| place.enrolled);
    Ok(all.map(|(handle, place)| Of { id: place.local_id.clone(), handle }).collect())
}

/// Those who are here in a year and are not levelled with the present roster, without those who go: of another year everybody, of the
/// present one whom it leaves out.
///
/// # Errors
/// A damaged vault.
pub fn beside(
    vault: &Vault,
    (year, present): (SchoolYear, SchoolYear),
    going: &BTreeSet<Handle>,
) -> Result<Vec<Of>, VaultError> {
    let all = vault.roster(year)?.into_iter();
    let beside =
        all.filter(|(handle, place)| !going.contains(handle) && (year != present || !place.enrolled));
    Ok(beside.map(|(handle, place)| Of { id: place.local_id.clone(), handle }).collect())
}

/// The school years of which somebody is here, ascending.
///
/// # Errors
/// A damaged vault.
pub fn years(vault: &Vault) -> Result<BTreeSet<SchoolYear>, VaultError> {
    let mut years = BTreeSet::new();
    let all = vault.keystore().all_handles();
    for (handle, year) in all {
        if !years.contains(&year) && !vault.is_erased(&handle)? {
            years.insert(year);
        }
    }
    Ok(years)
}

/// The end of a place here and of who reads its student; none where both ended before.
fn ended(vault: &Vault, handle: &Handle) -> Result<Option<StudentWrite>, VaultError> {
    if vault.is_erased(handle)? {
        return Ok(None);
    }
    let place = vault.roster_entry(handle)?.filter(|place| place.enrolled).map(|mut place| {
        place.enrolled = false;
        place
    });
    let ties = vault.relations_to(handle)?.into_iter().map(|(reader, _)| (reader, Vec::new()));
    let ties: Vec<_> = ties.collect();
    let ends = place.is_some() || !ties.is_empty();
    let (fields, events) = Default::default();
    Ok(ends.then_some(StudentWrite { handle: *handle, roster: place, fields, ties, events }))
}

/// Ends the places of these handles and who reads them, in one synced write.
///
/// # Errors
/// A vault that refuses.
pub fn end(vault: &Vault, year: SchoolYear, handles: &[Handle], now_ms: u64) -> Result<(), VaultError> {
    let mut writes = Vec::new();
    for handle in handles {
        writes.extend(ended(vault, handle)?);
    }
    match writes.is_empty() {
        true => Ok(()),
        false => vault.import(&note(year, (0, writes.len()), now_ms), &BTreeMap::new(), &writes).map(|_| ()),
    }
}

fn note(year: SchoolYear, (rows, students): (usize, usize), now_ms: u64) -> ImportNote {
    ImportNote {
        import: 0,
        at_ms: now_ms,
        school_year: year,
        format: "replica".into(),
        rows: rows as u64,
        students: students as u64,
        undone_ms: None,
    }
}

/// Takes a roster over: who is new is enrolled, what differs is written, who is on it no more is enrolled no more and read by nobody, and
/// so is who is on one of a later year, which the district has no more; in one synced write. Gives how many are new.
///
/// # Errors
/// A vault that refuses; a name that is not valid.
pub fn take(vault: &Vault, year: SchoolYear, roster: &Roster, now_ms: u64) -> Result<usize, VaultError> {
    // Whoever is enrolled here in whatever year was here before.
    let (mut before, mut here, all) = (Vec::new(), BTreeSet::<String>::new(), vault.keystore().all_handles());
    for (handle, own) in all {
        if vault.is_erased(&handle)? {
            continue;
        }
        let place = vault.roster_entry(&handle)?.filter(|place| place.enrolled);
        here.extend(place.as_ref().map(|place| place.local_id.clone()));
        if own > year || own == year && place.is_some() {
            before.push((handle, own, place.map(|place| place.local_id.clone())));
        }
    }
    let ids = roster
        .students
        .iter()
        .map(|pupil| LocalId::new(&pupil.id).map(|id| (id, year)).ok_or_else(|| damaged("an identifier")));
    let handles = vault.enrol(&ids.collect::<Result<Vec<_>, _>>()?)?;
    let mut writes = Vec::new();
    for (pupil, handle) in roster.students.iter().zip(&handles) {
        if let Some(write) = differing(vault, pupil, handle)? {
            writes.push(write);
        }
        for (purpose, given) in &pupil.consents {
            let Some(purpose) = Purpose::ALL.into_iter().find(|own| *own as u8 == *purpose) else { continue };
            let choice = if *given { ConsentChoice::Given } else { ConsentChoice::Withdrawn };
            if vault.consent(handle, purpose)? != Some(choice) {
                vault.keep_consent(&[*handle], purpose, choice)?;
            }
        }
    }
    let named: BTreeSet<&str> = roster.students.iter().map(|pupil| pupil.id.as_str()).collect();
    for (handle, own, id) in &before {
        if *own > year || id.as_ref().is_some_and(|id| !named.contains(id.as_str())) {
            writes.extend(ended(vault, handle)?);
        }
    }
    let schools: BTreeMap<String, u32> = roster.schools.iter().cloned().collect();
    let known = vault.local_schools()?;
    if !writes.is_empty() || schools.iter().any(|(id, number)| known.get(id) != Some(number)) {
        vault.import(&note(year, (roster.students.len(), writes.len()), now_ms), &schools, &writes)?;
    }
    Ok(named.iter().filter(|id| !here.contains(**id)).count())
}

/// What of a student is otherwise here.
fn differing(vault: &Vault, pupil: &Pupil, handle: &Handle) -> Result<Option<StudentWrite>, VaultError> {
    let place = RosterEntry {
        local_id: pupil.id.clone(),
        school: Some(pupil.school),
        local_school: pupil.local_school.clone(),
        enrolled: true,
        modified_ms: pupil.modified_ms,
    };
    let comparing = vault.comparing();
    let roster = (comparing.roster_entry(handle)?.as_ref() != Some(&place)).then_some(place);
    let told: BTreeMap<&str, &Vec<u8>> =
        pupil.fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let mut changed = Vec::new();
    for field in fields()? {
        let now = told.get(field.as_str());
        let same = comparing.is_same(handle, &field, now.map_or(&[][..], |value| value.as_slice()))?;
        match (now, same) {
            (Some(_), Some(true)) | (None, None) => {}
            (value, _) => changed.push((field, value.map(|value| (*value).clone()))),
        }
    }
    let before: BTreeMap<Name, _> = vault.relations_to(handle)?.into_iter().collect();
    let mut ties = Vec::new();
    let mut after = BTreeSet::new();
    for (reader, relations) in &pupil.ties {
        let reader = Name::new(reader).map_err(|_| damaged("a reader"))?;
        if before.get(&reader) != Some(relations) {
            ties.push((reader.clone(), relations.clone()));
        }
        after.insert(reader);
    }
    ties.extend(
        before.into_keys().filter(|reader| !after.contains(reader)).map(|reader| (reader, Vec::new())),
    );
    let nothing = roster.is_none() && changed.is_empty() && ties.is_empty();
    Ok((!nothing).then_some(StudentWrite {
        handle: *handle,
        roster,
        fields: changed,
        ties,
        events: Vec::new(),
    }))
}
