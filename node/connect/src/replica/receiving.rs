//! Records that a replica brings, at the district: what of them is taken in, and what became of each.
//!
//! Flow: bytes → checked as whatever comes over HTTP → of its students' people alone → the desk ([`aula_lrs::desk::Desk::bring`]).
//! Invariants: a statement names a student of the replica's, and of the district's students nobody else; it is sealed here for those whom
//! the replica sealed it for; one that names nobody voids what the replica brought; a document is its own student's, and takes the
//! place of what others wrote where she is at the replica's schools now. What the district has newer is listed before it leaves, and leaves
//! of students of the present roster's alone. Absent: what stays of two documents.

use std::collections::BTreeSet;

use aula_ledger::types::SchoolYear;
use aula_lrs::attachments::{Attachment, matched};
use aula_lrs::desk::{Became, Brought, Incoming, Laid, Sheet};
use aula_lrs::documents::{Document, Key, Kind, Shelf, merged};
use aula_lrs::json;
use aula_lrs::limits::{MAX_DOCUMENT_BYTES, MAX_ID_BYTES, MAX_PARTS, MAX_STATEMENT_BYTES};
use aula_lrs::statements::{account_of, people_of};
use aula_lrs::validate;
use aula_lrs::validate::text::{is_iri, is_media_type, is_uuid};
use aula_lrs::version::Version;
use aula_vault::access::Provided;
use aula_vault::rows::MAX_PART_BYTES;
use aula_vault::{LocalId, VaultError};

use super::clients::Registered;
use super::entering::Entering;
use super::judging::Judging;
use super::refusal::Refusal;
use super::wire::{
    BringRecords, DocumentFate, DocumentRow, Fate, MAX_RECORDS, Paper, RecordsBrought, Stands, StatementRow,
};
use crate::door::lent_in_a_moment;

/// What a store adds to a statement that was sent at its longest, bytes.
const ADDED_BYTES: usize = 8 << 10;
/// Most bytes of newer documents in one answer.
const MAX_NEWER_BYTES: usize = 16 << 20;
/// Most bytes of a media type.
const MAX_TYPE_BYTES: usize = 256;
/// Most students of one statement: no class has so many.
const MAX_STUDENTS: usize = 1_000;
/// Most bytes of an identifier, as [`LocalId`] has it.
const MAX_STUDENT_BYTES: usize = 128;

/// A statement that passed its checks.
struct Read {
    brought: Brought,
    /// For whom the replica sealed it.
    listed: Vec<String>,
    /// Whom it names, of the accounts that are students'.
    named: BTreeSet<String>,
    /// Whom it names by accounts that are students' in what the district's own clients send, and not in what this replica brings.
    beside: BTreeSet<String>,
}

/// The home pages of students' accounts.
#[derive(Clone, Copy)]
pub(super) struct Pages<'a> {
    /// In what the replica brings.
    pub own: &'a str,
    /// In what the district's own clients send.
    pub district: Option<&'a str>,
}

/// A document that passed its checks.
struct Lying {
    student: String,
    key: Key,
    document: Document,
}

/// Takes in what a replica brings.
///
/// # Errors
/// [`Refusal`]: some of it may be here, and the same again changes nothing.
pub(super) fn receive(
    entering: &Entering,
    (who, pages): (&Registered, Pages<'_>),
    brought: BringRecords,
    (year, now_ms): (SchoolYear, u64),
) -> Result<RecordsBrought, Refusal> {
    let BringRecords { students, statements, documents, .. } = brought;
    if statements.len().saturating_add(documents.len()) > MAX_RECORDS {
        return Err(Refusal::malformed(format!("bring at most {MAX_RECORDS} records at once")));
    }
    let statements: Vec<Option<Read>> =
        statements.into_iter().map(|row| statement(pages, &students, row)).collect();
    let documents: Vec<Option<Lying>> =
        documents.into_iter().map(|row| document(pages.own, &students, row)).collect();
    let (judged, owned) = lent_in_a_moment(entering.door(), |vault| {
        let mut judging = Judging::of(vault, who)?;
        let judged = statements.iter().map(|read| match read {
            Some(read) => judge(&mut judging, read),
            None => Ok(Some(Fate::Refused)),
        });
        let judged = judged.collect::<Result<Vec<_>, VaultError>>()?;
        let owned = documents.iter().map(|lying| {
            let Some(Lying { student, .. }) = lying else { return Ok((Some(Fate::Refused), false)) };
            Ok((judging.owns(student)?, judging.stands(student, year)? == Stands::Here))
        });
        Ok((judged, owned.collect::<Result<Vec<_>, VaultError>>()?))
    })?;
    let desk = entering.desk(pages.own)?;
    let coming = statements.into_iter().zip(&judged).filter(|(_, fate)| fate.is_none());
    let coming: Vec<Brought> = coming.filter_map(|(read, _)| Some(read?.brought)).collect();
    let mut became = match coming.is_empty() {
        true => Vec::new(),
        false => desk.bring(coming, who.name.as_str())?,
    }
    .into_iter();
    let statements = judged.into_iter().map(|fate| {
        fate.unwrap_or_else(|| match became.next() {
            Some(Became::Stored) => Fate::Taken,
            Some(Became::Kept) => Fate::Known,
            Some(Became::Refused) | None => Fate::Refused,
        })
    });
    let statements = statements.collect();
    let (mut sheets, mut whose) = (Vec::new(), Vec::new());
    for (lying, (fate, is_here)) in documents.into_iter().zip(&owned) {
        if let Some(Lying { student, key, document }) = lying.filter(|_| fate.is_none()) {
            sheets.push(Sheet { key, document, over_all: *is_here });
            whose.push(is_here.then_some(student));
        }
    }
    let laid = match sheets.is_empty() {
        true => Vec::new(),
        false => desk.lay(sheets, who.name.as_str())?,
    };
    let mut told = newer_told(entering, who, (laid, whose), now_ms)?.into_iter();
    let documents = owned.into_iter().map(|(fate, _)| match fate {
        Some(fate) => DocumentFate::Is(fate),
        None => told.next().unwrap_or(DocumentFate::Is(Fate::Refused)),
    });
    Ok(RecordsBrought { statements, documents: documents.collect() })
}

/// What is told of documents. Those that are newer here are listed first, and come as far as an answer's bytes go: of students who are at
/// the replica's schools now, and of others nothing.
fn newer_told(
    entering: &Entering,
    who: &Registered,
    (laid, whose): (Vec<Laid>, Vec<Option<String>>),
    now_ms: u64,
) -> Result<Vec<DocumentFate>, Refusal> {
    let newer = laid.iter().zip(&whose).filter(|(laid, _)| matches!(laid, Laid::Newer(_)));
    let of: BTreeSet<String> = newer.filter_map(|(_, id)| id.clone()).collect();
    let mut may = BTreeSet::new();
    if !of.is_empty() {
        may = lent_in_a_moment(entering.door(), |vault| {
            let mut handles = Vec::with_capacity(of.len());
            for id in &of {
                let found = LocalId::new(id).and_then(|id| vault.keystore().find(&id));
                handles.extend(found.map(|handle| (id.clone(), handle)));
            }
            let all = handles.iter().map(|(_, handle)| *handle).collect();
            let granted = vault.list_provided(&all, &who.name, Provided::Events, now_ms)?;
            let granted = handles.into_iter().filter(|(_, handle)| granted.contains(handle));
            Ok(granted.map(|(id, _)| id).collect::<BTreeSet<String>>())
        })?;
    }
    let mut left = MAX_NEWER_BYTES;
    let told = laid.into_iter().zip(whose).map(|(laid, id)| match laid {
        Laid::Written(at_us) => DocumentFate::Has(Fate::Taken, at_us),
        Laid::Kept(at_us) if id.is_some() => DocumentFate::Has(Fate::Known, at_us),
        Laid::Kept(_) => DocumentFate::Is(Fate::Known),
        Laid::Newer(_) if !id.as_ref().is_some_and(|id| may.contains(id)) => DocumentFate::Is(Fate::Known),
        Laid::Newer(Document { content_type, bytes, updated_us }) => match left.checked_sub(bytes.len()) {
            Some(rest) => {
                left = rest;
                DocumentFate::Newer(Paper { content_type, bytes, updated_us })
            }
            None => DocumentFate::Is(Fate::Elsewhere),
        },
    });
    Ok(told.collect())
}

/// What becomes of a statement because of who is in it; none where it comes.
fn judge(judging: &mut Judging<'_>, read: &Read) -> Result<Option<Fate>, VaultError> {
    let mut unknown = false;
    for id in &read.listed {
        match judging.owns(id)? {
            None => {}
            Some(Fate::Unknown) => unknown = true,
            other => return Ok(other),
        }
    }
    for id in &read.named {
        // Somebody of whom the district knows nothing is no student: a teacher has an account there as well.
        if judging.owns(id)? == Some(Fate::Refused) {
            return Ok(Some(Fate::Refused));
        }
    }
    for id in &read.beside {
        // It would be sealed for nobody whom it names so.
        if judging.owns(id)? != Some(Fate::Unknown) {
            return Ok(Some(Fate::Refused));
        }
    }
    if unknown {
        return Ok(Some(Fate::Unknown));
    }
    // Else it would be sealed for others than there, or for nobody.
    let all = read.listed.iter().all(|id| read.named.contains(id));
    Ok((!all).then_some(Fate::Refused))
}

/// The name of an account that is a student's, of an agent's identifier.
fn name_of<'a>(identifier: &'a str, home_page: &str) -> Option<&'a str> {
    let (page, name) = account_of(identifier)?;
    (page == home_page).then_some(name)
}

/// The identifier at a place, of one that could be a student's.
fn student_at(students: &[String], place: u16) -> Option<&str> {
    students.get(usize::from(place)).map(String::as_str).filter(|id| id.len() <= MAX_STUDENT_BYTES)
}

/// About what a statement and its attachments take where they are sealed: of a larger one the vault would say that it cannot be written.
fn sealed_bytes(row: &StatementRow) -> usize {
    let base64 = |bytes: &[u8]| bytes.len().div_ceil(3).saturating_mul(4);
    let attached = row.attachments.iter().map(|(sha2, content_type, bytes)| {
        base64(bytes).saturating_add(sha2.len()).saturating_add(content_type.len()).saturating_add(64)
    });
    attached.fold(row.body.len(), usize::saturating_add)
}

fn statement(pages: Pages<'_>, students: &[String], row: StatementRow) -> Option<Read> {
    let fits = row.body.len() <= MAX_STATEMENT_BYTES + ADDED_BYTES
        && row.students.len() <= MAX_STUDENTS
        && row.attachments.len() <= MAX_PARTS
        && sealed_bytes(&row) <= MAX_PART_BYTES;
    if !fits {
        return None;
    }
    let statement = json::read(&row.body).ok()?;
    let version = statement.text_of("version").and_then(Version::parse).unwrap_or(Version::One);
    validate::statement(&statement, version).ok()?;
    statement.text_of("id")?;
    let parts = row.attachments.into_iter();
    let parts = parts.map(|(sha2, content_type, bytes)| Attachment { sha2, content_type, bytes });
    // Each is described in the statement, which says of what type it is.
    let attachments = matched(std::slice::from_ref(&statement), parts.collect()).ok()?.pop()?;
    let listed = row.students.iter().map(|place| student_at(students, *place).map(str::to_owned));
    let listed = listed.collect::<Option<Vec<String>>>()?;
    let people = people_of(&statement);
    let of = |page: &str| -> BTreeSet<String> {
        people.iter().filter_map(|own| name_of(own, page)).map(str::to_owned).collect()
    };
    let named = of(pages.own);
    let beside = pages.district.filter(|page| *page != pages.own).map(of).unwrap_or_default();
    let own = listed.iter().map(|id| ["account ", pages.own, " ", id].concat());
    let students = own.collect();
    let brought = Brought { incoming: Incoming { statement, attachments, raw: None }, students };
    Some(Read { brought, listed, named, beside })
}

fn document(home_page: &str, students: &[String], row: DocumentRow) -> Option<Lying> {
    let DocumentRow { student, agent, activity, registration, id, paper } = row;
    let student = student_at(students, student)?;
    let short = |text: &str| (1..=MAX_ID_BYTES).contains(&text.len());
    let fits = name_of(&agent, home_page) == Some(student)
        && short(&id)
        && activity.as_deref().is_none_or(|activity| short(activity) && is_iri(activity))
        // A state's alone, in lower case as a store has it.
        && registration.as_deref().is_none_or(|text| {
            activity.is_some() && is_uuid(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        });
    let kind = if activity.is_some() { Kind::State } else { Kind::AgentProfile };
    let shelf = Shelf { kind, activity, agent: Some(agent) };
    let document = fits.then(|| read_paper(paper)).flatten()?;
    // What says that it is JSON is.
    let document = merged(None, document).ok()?;
    Some(Lying { student: student.to_owned(), key: Key { shelf, registration, id }, document })
}

/// What a paper says; none of one that no store takes.
pub(super) fn read_paper(paper: Paper) -> Option<Document> {
    let Paper { content_type, bytes, updated_us } = paper;
    let fits = bytes.len() <= MAX_DOCUMENT_BYTES
        && content_type.len() <= MAX_TYPE_BYTES
        && is_media_type(&content_type);
    fits.then_some(Document { content_type, bytes, updated_us })
}
