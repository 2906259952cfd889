//! Records to the district, and what it says became of each: statements and documents that the school's record store took in.
//!
//! Flow: where the roots differ, the sets are compared → what the district lacks is brought, statements that void others last → of a document
//! that was written later at the district, that writing takes the place of the school's → what the district has of this replica and is gone
//! here it lets go. Nothing else comes from there. Invariants: a record counts as home once the district has said that it has it; what changed
//! here meanwhile does not. Absent: which of two documents stays, which the district says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aula_lrs::desk::DeskError;
use aula_lrs::documents::{Document, Key};
use aula_lrs::statements::account_of;
use aula_lrs::store::levelling::{Record, changes, number, record};
use aula_vault::{Vault, VaultError};

use super::asking::{Levelled, Replica, compared};
use super::difference::Id;
use super::district::{District, LevelError};
use super::receiving::read_paper;
use super::records::{OfSchool, RecordSet, SealedRow};
use super::wire::{
    Begun, BringRecords, DocumentFate, DocumentRow, Fate, LetGo, LetGone, MAX_LET_GO, MAX_RECORDS, Paper,
    RecordsBrought, Session, StatementRow,
};
use crate::taking::Home;
use crate::taking::records::tag_of;

/// Bytes of records after which no other one is brought with them.
const ENOUGH_BYTES: usize = 2 << 20;

/// Records on their way, and which rows they are.
struct Carried {
    bring: BringRecords,
    statements: Vec<SealedRow>,
    documents: Vec<(SealedRow, Key, Document)>,
}

impl Replica {
    /// Levels records; gives which of those here the district has, or says that nobody is in them any more.
    ///
    /// # Errors
    /// [`LevelError`]: what was brought until then is there.
    pub(super) async fn carry(
        &mut self,
        district: &District,
        begun: &Begun,
        did: &mut Levelled,
    ) -> Result<Arc<Home>, LevelError> {
        let (set, OfSchool { voiding, named, .. }) = self.record_set().await?;
        (did.records, did.records_refused) = (set.ids.len() as u64, set.nowhere);
        let (all, home_pages) = (set.rows().iter().cloned().collect(), self.home_pages());
        let mut home = Home { all, home_pages, ..Home::default() };
        if set.root() == begun.records {
            return Ok(Arc::new(home));
        }
        let session = begun.session;
        let comparing = compared(district, ("compare_records", session), &set.ids).await?;
        let mut ours: Vec<SealedRow> = comparing.ours.iter().filter_map(|id| set.row(id)).cloned().collect();
        for (key, _) in &ours {
            home.all.remove(key);
        }
        ours.sort_unstable_by(|(one, _), (other, _)| {
            (voiding.contains(one), one).cmp(&(voiding.contains(other), other))
        });
        let (mut rest, named, mut came) = (ours.as_slice(), Arc::new(named), BTreeSet::new());
        while !rest.is_empty() {
            let piece: Vec<SealedRow> = rest.iter().take(MAX_RECORDS).cloned().collect();
            let named = named.clone();
            let (carried, used) = self.with(move |vault| gathered(vault, session, (&piece, &named))).await?;
            rest = rest.get(used..).unwrap_or_default();
            if carried.statements.is_empty() && carried.documents.is_empty() {
                continue;
            }
            let answer: RecordsBrought = district.ask("bring_records", &carried.bring).await?;
            self.told(carried, answer, (&mut home, &mut *did, &mut came)).await?;
        }
        // Last: of who moved, a document takes the place of nothing but what is known to be this replica's. What came meanwhile is here.
        let gone: Vec<Id> = comparing.theirs.into_iter().filter(|id| !came.contains(id)).collect();
        for ids in gone.chunks(MAX_LET_GO) {
            let _: LetGone = district.ask("let_go", &LetGo { session, ids: ids.to_vec() }).await?;
        }
        Ok(Arc::new(home))
    }

    /// The home pages whose accounts are students, by the feeds here.
    fn home_pages(&self) -> BTreeSet<String> {
        let all = self.feeds.iter().map(|feed| feed.home_page.clone());
        all.filter(|home_page| !home_page.is_empty()).collect()
    }

    /// The records here, numbered.
    async fn record_set(&mut self) -> Result<(RecordSet, OfSchool), LevelError> {
        let (entering, mut numbers) = (self.entering.clone(), std::mem::take(&mut self.records));
        let home_pages = self.home_pages();
        let done = tokio::task::spawn_blocking(move || {
            let set = OfSchool::of(entering.door(), &home_pages).and_then(|of| {
                let set = numbers.set(entering.door(), &of.keys)?;
                Ok((set, of))
            });
            (set, numbers)
        });
        let (set, numbers) = done.await.map_err(|_| LevelError::Answer)?;
        self.records = numbers;
        Ok(set?)
    }

    /// Takes in what became of records that were brought; `came` is given the numbers of documents that came instead.
    async fn told(
        &self,
        carried: Carried,
        answer: RecordsBrought,
        (home, did, came): (&mut Home, &mut Levelled, &mut BTreeSet<Id>),
    ) -> Result<(), LevelError> {
        let Carried { statements, documents, .. } = carried;
        if answer.statements.len() != statements.len() || answer.documents.len() != documents.len() {
            return Err(LevelError::Answer);
        }
        for (fate, row) in answer.statements.into_iter().zip(statements) {
            count(fate, row, home, did);
        }
        for (fate, (row, key, before)) in answer.documents.into_iter().zip(documents) {
            let paper = match fate {
                DocumentFate::Newer(paper) => paper,
                DocumentFate::Is(fate) => {
                    count(fate, row, home, did);
                    continue;
                }
                DocumentFate::Has(fate, at_us) => {
                    let row = self.not_later(row, (key, before), at_us).await?;
                    count(fate, row, home, did);
                    continue;
                }
            };
            let newer = read_paper(paper).ok_or(LevelError::Answer)?;
            match self.give_way((row.0, key), before, newer).await? {
                Some((row, id)) => {
                    did.records_received = did.records_received.saturating_add(1);
                    home.all.extend([row]);
                    came.extend(id);
                }
                // It was written here meanwhile: that is the next levelling's.
                None => did.records_refused = did.records_refused.saturating_add(1),
            }
        }
        Ok(())
    }

    /// Dates a document back that was written later here than the district has it; gives how it is sealed now. A clock that was ahead when
    /// it was written would win over whatever the district writes until then.
    async fn not_later(
        &self,
        (row, tag): SealedRow,
        (key, before): (Key, Document),
        at_us: u64,
    ) -> Result<SealedRow, LevelError> {
        if before.updated_us <= at_us {
            return Ok((row, tag));
        }
        let dated = Document { updated_us: at_us, ..before.clone() };
        // One that was written here meanwhile is sealed otherwise than what was told of, and the next levelling's.
        let gave = self.give_way((row.clone(), key), before, dated).await?;
        Ok(gave.map_or((row, tag), |(dated, _)| dated))
    }

    /// Lets a document give way to a newer one; gives how that is sealed, and its number. None where another one was written here
    /// meanwhile.
    async fn give_way(
        &self,
        (row, key): (Vec<u8>, Key),
        before: Document,
        newer: Document,
    ) -> Result<Option<(SealedRow, Option<Id>)>, LevelError> {
        let account = key.shelf.agent.as_deref().and_then(account_of);
        let home_page = account.map(|(page, _)| page.to_owned());
        let (entering, Some(home_page)) = (self.entering.clone(), home_page) else { return Ok(None) };
        let given = newer.clone();
        let gave = tokio::task::spawn_blocking(move || {
            let desk = entering.desk(&home_page)?;
            desk.give_way(key, &before, newer)
        });
        let gave = gave.await.map_err(|_| LevelError::Answer)?.map_err(|why| match why {
            DeskError::Store(why) => why.into(),
            _ => LevelError::Answer,
        })?;
        if !gave {
            return Ok(None);
        }
        self.with(move |vault| {
            let (terms, now) = (vault.terms()?, vault.open_rows(None, std::slice::from_ref(&row), 0)?.pop());
            let id = now.as_ref().and_then(|now| number(&terms, now));
            let is_it = match now.as_ref().and_then(record) {
                Some(Record::Document(_, now)) => now == given,
                _ => false,
            };
            Ok(tag_of(vault, &row)?.filter(|_| is_it).map(|tag| ((row, tag), id)))
        })
        .await
    }
}

/// Counts what became of a record.
fn count(fate: Fate, (key, tag): SealedRow, home: &mut Home, did: &mut Levelled) {
    match fate {
        Fate::Taken => {
            did.records_sent = did.records_sent.saturating_add(1);
            home.all.insert(key, tag);
        }
        Fate::Known => {
            home.all.insert(key, tag);
        }
        Fate::Unknown => {
            home.unknown.insert(key, tag);
        }
        Fate::Elsewhere | Fate::Refused => did.records_refused = did.records_refused.saturating_add(1),
    }
}

/// Records, up to some bytes, and of how many rows that is.
fn gathered(
    vault: &Vault,
    session: Session,
    (rows, named): (&[SealedRow], &BTreeMap<Vec<u8>, BTreeSet<String>>),
) -> Result<(Carried, usize), VaultError> {
    let (students, statements, documents) = Default::default();
    let bring = BringRecords { session, students, statements, documents };
    let mut carried = Carried { bring, statements: Vec::new(), documents: Vec::new() };
    let (mut known, mut bytes, mut used) = (BTreeMap::<String, u16>::new(), 0_usize, 0_usize);
    for (key, tag) in rows {
        if bytes > ENOUGH_BYTES {
            break;
        }
        used = used.saturating_add(1);
        let Some(seal) = vault.row_seal(key)? else { continue };
        // What was written anew since has another number.
        if changes(key) && seal.tag != *tag {
            continue;
        }
        let mut ids = named.get(key).cloned().unwrap_or_default();
        for handle in &seal.holders {
            ids.extend(vault.roster_entry(handle)?.map(|place| place.local_id.clone()));
        }
        let mut of = Vec::with_capacity(ids.len());
        for id in ids {
            let next = u16::try_from(known.len()).unwrap_or(u16::MAX);
            of.push(*known.entry(id.clone()).or_insert_with(|| {
                carried.bring.students.push(id);
                next
            }));
        }
        let Some(row) = vault.open_rows(None, std::slice::from_ref(key), 0)?.pop() else { continue };
        match record(&row) {
            Some(Record::Statement(statement, attachments)) => {
                let body = statement.written().into_bytes();
                // However often one is described, its bytes go once.
                let mut seen = BTreeSet::new();
                let attachments = attachments.into_iter().filter(|one| seen.insert(one.sha2.clone()));
                let attachments: Vec<_> =
                    attachments.map(|one| (one.sha2, one.content_type, one.bytes)).collect();
                let attached: usize = attachments.iter().map(|(.., bytes)| bytes.len()).sum();
                bytes = bytes.saturating_add(body.len()).saturating_add(attached);
                carried.bring.statements.push(StatementRow { students: of, body, attachments });
                carried.statements.push((key.clone(), *tag));
            }
            Some(Record::Document(place, document)) => {
                let (Some(student), Some(agent)) = (of.first().copied(), place.shelf.agent.clone()) else {
                    continue;
                };
                bytes = bytes.saturating_add(document.bytes.len());
                let Document { content_type, bytes, updated_us } = document.clone();
                carried.bring.documents.push(DocumentRow {
                    student,
                    agent,
                    activity: place.shelf.activity.clone(),
                    registration: place.registration.clone(),
                    id: place.id.clone(),
                    paper: Paper { content_type, bytes, updated_us },
                });
                carried.documents.push(((key.clone(), *tag), place, document));
            }
            None => {}
        }
    }
    Ok((carried, used))
}
