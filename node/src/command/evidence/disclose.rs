//! What a district adds to a bundle from its own records: opened fields, a proof of one student's band.
//!
//! The node that built the bundle has none of this. Invariants: what leaves is what was asked for; a record that does
//! not give the anchored hash adds nothing. Absent: sending, and whether the asker may, which is the district's policy.

use std::collections::BTreeSet;

use aula_ledger::audit::open::{anchored_leaf, attach_band, open_fields};
use aula_ledger::audit::{Bundle, Subject};
use aula_ledger::codec::Canonical;
use aula_ledger::proof::committed::{CommittedField, ProofBytes, band_statement};
use aula_ledger::state::schema::{RequestRow, Round};
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::twin::TwinState;
use aula_zk::{Field, Opening};
use rand::rngs::OsRng;

use crate::command::{Advise, Failure};
use crate::demo::office::Office;
use crate::demo::twins;
use crate::home::Home;

const HINT: &str = "give the district's own folder with --home, and a bundle of its newest anchor";

/// True when the home holds a district's records.
pub fn has_records(home: &Home) -> bool {
    home.path().join("keystore/students.sealed").is_file()
}

/// Opens the fields named, such as `skill:00001` or `need`, of the student that the bundle is about.
///
/// # Errors
/// When the records cannot be read, are of another state, or have no such field.
pub fn fields(home: &Home, bundle: &mut Bundle, names: &str) -> Result<(), Failure> {
    let Subject::Student(student) = &bundle.subject else { return Ok(()) };
    let (handle, year) = (student.handle, student.school_year);
    let leaf = anchored_leaf(bundle).advise("nothing can be opened", "the student must be anchored")?;
    let mut office = Office::open(home.path()).advise("the district's records cannot be opened", HINT)?;
    let (student, state) = state_of(&mut office, &handle, year)?;
    let secret = office.secret(student);
    let salted = twins::salted_fields(&state, u64::from(leaf.version), &secret, &twins::params())
        .map_err(|why| Failure::because(why, HINT))?;
    let names: BTreeSet<String> = names.split(',').map(|name| name.trim().replace(':', "/")).collect();
    open_fields(bundle, &salted, &names).advise("the fields cannot be opened", HINT)
}

/// Proves the band of the request that the bundle is about, for this student alone.
///
/// # Errors
/// When the records cannot be read, or give another commitment than the request's.
pub fn band(home: &Home, bundle: &mut Bundle) -> Result<(), Failure> {
    let Subject::Allocation(allocation) = &bundle.subject else { return Ok(()) };
    let unread = "the bundle's records cannot be read";
    let request = RequestRow::from_canonical(&allocation.request.row).advise(unread, HINT)?;
    let round = Round::from_canonical(&allocation.context.record.value).advise(unread, HINT)?;
    let claim = request.band_claim(allocation.handle);
    let mut office = Office::open(home.path()).advise("the district's records cannot be opened", HINT)?;
    let (student, state) = state_of(&mut office, &claim.handle, round.school_year)?;
    let need = state.need().map(|need| u64::from(need.score()));
    let need = need.ok_or_else(|| Failure::because("the student's need is not assessed", HINT))?;
    let name = Field::new(&CommittedField::Need.to_string()).advise("no field", HINT)?;
    let secret = office.secret(student);
    // The request does not say which version of the state it spoke of; versions are few, and only one fits.
    let fits = |version: &u64| {
        let opening = Opening::derive(&secret, &name, *version, need);
        opening.commit().is_ok_and(|commitment| *commitment.as_bytes() == claim.commitment.0)
    };
    let version = (1..=MAX_VERSIONS).find(fits);
    let version =
        version.ok_or_else(|| Failure::because("the record's need is not the committed one", HINT))?;
    let opening = Opening::derive(&secret, &name, version, need);
    let chain = &bundle.chain.head.header.chain_id;
    let statement = band_statement(chain, round.round, &[claim]).advise("the band has no statement", HINT)?;
    let proof = statement.prove(&[opening], &mut OsRng).advise("the band cannot be proved", HINT)?;
    attach_band(bundle, ProofBytes(proof)).advise("the proof does not fit the bundle", HINT)
}

/// Most versions of a student's state that are tried: one a day for ten years.
const MAX_VERSIONS: u64 = 3_650;

/// The student behind a pseudonym, and the state that the year's record holds.
fn state_of(office: &mut Office, handle: &Handle, year: SchoolYear) -> Result<(u32, TwinState), Failure> {
    let record = office.record(handle, year).advise("the student's record cannot be read", HINT)?;
    let state = TwinState::from_snapshot(&record.snapshot).advise("the student's record is damaged", HINT)?;
    Ok((record.student, state))
}
