//! What a school's replica brings: records that another store of the same district took in.
//!
//! A statement keeps its identifier, what it says and its timestamp. When it is `stored` is when it came here, so that whoever asks for
//! what is new since some time is given it; who vouches for it is the replica with the client's name behind it, whatever it says itself. It
//! voids what the replica brought or brings later, never what somebody else sends under that identifier, and describes activities that are
//! not described here. Of a document the newest writing stays: a clock that is ahead counts as now, and whoever brought it is told when it
//! was written as far as this store knows. Absent: whose records a replica may bring.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use super::taking::{Batch, Keys, Near, Prepared};
use super::{Desk, DeskError, Incoming, Sender, now_us};
use crate::documents::{Document, Key};
use crate::json::Json;
use crate::limits::MAX_ID_BYTES;
use crate::statements::{Order, Term};
use crate::store::levelling::{REWRITTEN, is_left_of};
use crate::store::{Change, DocumentChange, Range, Reader, TermKey};
use crate::version::Version;

/// The home page of a replica that says of no client who vouched.
const HOME_PAGE: &str = "urn:aula:replica";

/// Statements of one change at most.
const GROUP: usize = 64;
/// Statements that came before the one that they refer to, at most: more are no school's, and are written anew with it.
const MAX_REFERRING: usize = 32;

/// A statement that a replica brings.
#[derive(Debug, Clone)]
pub struct Brought {
    /// It passed its checks, and has its identifier.
    pub incoming: Incoming,
    /// The identifiers of students whom it names: it is stored while all of them are students. One without any is stored only where it voids
    /// what the replica brought.
    pub students: Vec<String>,
}

/// What became of a statement that was brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It is stored now.
    Stored,
    /// It was here.
    Kept,
    /// Another one has its identifier, or it voids what is not the replica's.
    Refused,
}

/// A document that a replica brings.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Where it lies.
    pub key: Key,
    /// It, of the moment when it was written there.
    pub document: Document,
    /// It takes the place of what anybody wrote; else of nothing but what the replica brought and nobody wrote over since.
    pub over_all: bool,
}

/// What became of a document that was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Laid {
    /// It is the one here now, written at this moment, microseconds since 1970.
    Written(u64),
    /// It was the one here, of this moment.
    Kept(u64),
    /// This one here was written later, or by somebody whose writings the replica's does not replace, and stays.
    Newer(Document),
}

impl Desk {
    /// Stores statements of a replica's; on return they are on disk, and known to be the replica's too. Gives what became of each.
    ///
    /// # Errors
    /// The store's: some of it may be stored then, and the same again changes nothing.
    pub fn bring(&self, brought: Vec<Brought>, replica: &str) -> Result<Vec<Became>, DeskError> {
        let (mut keys, term) = (Keys::of_store(self.store()), Term::Replica(replica.to_owned()));
        let own = self.store.key(&term);
        let prepared: Vec<(Prepared, Vec<String>)> = brought
            .into_iter()
            .map(|Brought { incoming, students }| {
                let (client, authority) = vouched(replica, &incoming.statement);
                let version = incoming.statement.text_of("version").and_then(Version::parse);
                let version = version.unwrap_or(Version::One);
                let sender = Sender { client: &client, authority: &authority, version };
                let mut prepared = Prepared::new(&mut keys, incoming, sender);
                prepared.terms.push((term.clone(), own));
                prepared.describes_new_only = true;
                (prepared, students)
            })
            .collect();
        let mut became = Vec::with_capacity(prepared.len());
        {
            let mut newest_us = self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
            for group in groups(prepared) {
                let (mut change, kept) = self.weigh(group, own, (&mut became, &mut newest_us))?;
                // A few at a time, since each of those that refer to these has attachments of its own; and first, since what is kept is not
                // handed down again.
                for some in std::mem::take(&mut change.inherited).chunks(REWRITTEN) {
                    let (inherited, students) = (some.to_vec(), change.students.clone());
                    self.apply(Change { inherited, students, ..Change::default() })?;
                }
                if !change.statements.is_empty() || !change.voided.is_empty() {
                    self.apply(change)?;
                }
                for some in kept.chunks(REWRITTEN) {
                    let inherited = some.iter().map(|place| (*place, BTreeSet::from([own]))).collect();
                    self.apply(Change { inherited, ..Change::default() })?;
                }
            }
        }
        // One that is kept may have come to another desk, and be on no disk yet.
        self.store.sync()?;
        Ok(became)
    }

    /// What is new, as one change; what becomes of each; and the places of those that were not known to be the replica's.
    fn weigh(
        &self,
        prepared: Vec<(Prepared, Vec<String>)>,
        own: TermKey,
        (became, newest_us): (&mut Vec<Became>, &mut u64),
    ) -> Result<(Change, Vec<u64>), DeskError> {
        let asked: Vec<TermKey> = prepared.iter().flat_map(|(one, _)| one.near).collect();
        let found = self.store.first_places(&asked)?;
        let (mut batch, mut kept, mut seen) = (Batch::default(), Vec::new(), BTreeSet::new());
        for ((mut one, students), near) in prepared.into_iter().zip(found.chunks(2)) {
            let near = Near::at(near);
            let referring = if near.referring { self.referring(&one)? } else { Vec::new() };
            let twice = !seen.insert(one.near[0]);
            became.push(match near.own {
                _ if twice => Became::Refused,
                Some(place) => match self.check_brought(place, &one) {
                    Ok(()) => {
                        if !self.is_under(place, own)? {
                            kept.push(place);
                            if !one.voids && self.is_voided_by(&referring, own)? {
                                batch.voided.push(place);
                            }
                        }
                        Became::Kept
                    }
                    Err(DeskError::Conflict(_)) => Became::Refused,
                    Err(error) => return Err(error),
                },
                // Those that refer to it are written anew with it.
                None if referring.len() > MAX_REFERRING => Became::Refused,
                None if !self.may_come(&batch, (&one, !students.is_empty()), own)? => Became::Refused,
                None => {
                    *newest_us = now_us().max(newest_us.saturating_add(1));
                    let (place, voids) = (*newest_us, one.voids);
                    let is_voided = !voids && self.is_voided_by(&referring, own)?;
                    // By this term it would void whoever's statement comes under that identifier.
                    one.terms.retain(|(term, _)| !matches!(term, Term::Voids(_)));
                    match self.add(&mut batch, one, near, place) {
                        Ok(()) => {
                            if is_voided {
                                batch.void_new(place);
                            }
                            batch.students.extend(students);
                            Became::Stored
                        }
                        Err(DeskError::VoidsVoiding(_)) => Became::Refused,
                        Err(error) => return Err(error),
                    }
                }
            });
        }
        Ok((batch.change(), kept))
    }

    /// Whether the statement at a place is found by a key.
    fn is_under(&self, place: u64, key: TermKey) -> Result<bool, DeskError> {
        let there = Range { from: place, to: place, order: Order::Ascending };
        Ok(!self.store.places(Some(&key), there, 1)?.is_empty())
    }

    /// An error when another statement has this one's identifier. Of one of whom somebody was erased what is left is compared: once it counts
    /// as the replica's, the replica may void it.
    fn check_brought(&self, place: u64, one: &Prepared) -> Result<(), DeskError> {
        let sent = as_sent(&one.body);
        if !self.store.outline(place)?.is_some_and(|outline| outline.redacted) {
            return self.check_kept(place, (&one.id, &sent));
        }
        let kept = self.store.open(Reader::Itself, &[place])?;
        match kept.first().is_some_and(|(_, kept)| is_left_of(kept, &sent)) {
            true => Ok(()),
            false => Err(DeskError::Conflict(one.id.clone())),
        }
    }

    /// The places of statements that refer to this one, and one more than may come before it at most.
    fn referring(&self, one: &Prepared) -> Result<Vec<u64>, DeskError> {
        let all = Range { from: 0, to: u64::MAX, order: Order::Ascending };
        Ok(self.store.places(Some(&one.near[1]), all, MAX_REFERRING + 1)?)
    }

    /// Whether one of the statements that refer to another is the replica's and voids it.
    fn is_voided_by(&self, referring: &[u64], own: TermKey) -> Result<bool, DeskError> {
        for place in referring {
            let voids = self.store.outline(*place)?.is_some_and(|outline| outline.voids);
            if voids && self.is_under(*place, own)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a statement comes: of a student, and voiding nothing that is not the replica's; or voiding what is. What it voids need not be
    /// here yet: whoever brings that is asked then.
    fn may_come(
        &self,
        batch: &Batch,
        (one, of_student): (&Prepared, bool),
        own: TermKey,
    ) -> Result<bool, DeskError> {
        let Some((_, target)) = one.target.as_ref().filter(|_| one.voids) else { return Ok(of_student) };
        if batch.ids.contains_key(target) {
            return Ok(true);
        }
        match self.place_of_key(target)? {
            Some(place) => self.is_under(place, own),
            None => Ok(of_student),
        }
    }

    /// Writes documents of a replica's, of students alone, where they are newer than those here; on return they are on disk, and known to be
    /// the replica's too. Gives what became of each.
    ///
    /// # Errors
    /// The store's: those before it are written.
    pub fn lay(&self, brought: Vec<Sheet>, replica: &str) -> Result<Vec<Laid>, DeskError> {
        let own = self.store.key(&Term::Replica(replica.to_owned()));
        let mut laid = Vec::with_capacity(brought.len());
        {
            let _alone = self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
            for Sheet { key, document: mut sent, over_all } in brought {
                let found = self.store.document(Reader::Itself, &key)?;
                // Over one that is ahead itself it counts as the moment after that: this store's clock was set back since.
                let after = found.as_ref().map_or(0, Document::after);
                sent.updated_us = sent.updated_us.min(now_us().max(after));
                let may_replace = over_all || self.store.is_kept_for(&key, &own)?;
                let became = match found {
                    Some(found) if is_same(&found, &sent) => Laid::Kept(found.updated_us),
                    Some(found) if !may_replace || is_newer(&found, &sent) => Laid::Newer(found),
                    _ => {
                        let at_us = sent.updated_us;
                        let documents = vec![DocumentChange::Put(key.clone(), sent)];
                        let students = key.shelf.agent.clone().into_iter().collect();
                        self.apply(Change { documents, students, ..Change::default() })?;
                        Laid::Written(at_us)
                    }
                };
                // Else what somebody else wrote would count as brought, and the next one would take its place.
                if over_all || matches!(became, Laid::Written(_)) {
                    self.store.keep_for(&key, &own)?;
                }
                laid.push(became);
            }
        }
        self.store.sync()?;
        Ok(laid)
    }

    /// Writes a newer document in the place of one, if that one is still there; on return it is on disk. Gives whether it was.
    ///
    /// # Errors
    /// The store's.
    pub fn give_way(&self, key: Key, before: &Document, newer: Document) -> Result<bool, DeskError> {
        let ticket = {
            let _alone = self.newest_us.lock().unwrap_or_else(PoisonError::into_inner);
            let found = self.store.document(Reader::Itself, &key)?;
            if !found.is_some_and(|found| is_same(&found, before)) {
                return Ok(false);
            }
            let students = key.shelf.agent.clone().into_iter().collect();
            let documents = vec![DocumentChange::Put(key, newer)];
            self.apply(Change { documents, students, ..Change::default() })?
        };
        self.settle(ticket)?;
        Ok(true)
    }
}

/// Statements of one change each: what voids another writes that one anew, and is alone.
fn groups(prepared: Vec<(Prepared, Vec<String>)>) -> Vec<Vec<(Prepared, Vec<String>)>> {
    let mut groups: Vec<Vec<(Prepared, Vec<String>)>> = Vec::new();
    for one in prepared {
        let alone = one.0.voids;
        match groups.last_mut().filter(|last| !alone && last.len() < GROUP) {
            Some(last) if last.iter().all(|(other, _)| !other.voids) => last.push(one),
            _ => groups.push(vec![one]),
        }
    }
    groups
}

/// Who vouches for a statement that a replica brings: the client's name at the district, and it as an agent. No client of the
/// district's has a name with a stroke in it.
fn vouched(replica: &str, statement: &Json) -> (String, Json) {
    let account = statement.get("authority").and_then(|authority| authority.get("account"));
    let named = account.and_then(|account| Some((account.text_of("homePage")?, account.text_of("name")?)));
    let (home_page, client) = match named {
        Some((home_page, name)) => (home_page, [replica, "/", name].concat()),
        None => (HOME_PAGE, replica.to_owned()),
    };
    let client = if client.len() > MAX_ID_BYTES { replica.to_owned() } else { client };
    let account = Json::object([("homePage", Json::text(home_page)), ("name", Json::text(&client))]);
    (client, Json::object([("objectType", Json::text("Agent")), ("account", account)]))
}

/// The statement as its sender sent it, as far as a store sets its timestamp: each store sets another.
fn as_sent(body: &Json) -> Json {
    let mut body = body.clone();
    let set = body.text_of("timestamp").is_some() && body.text_of("timestamp") == body.text_of("stored");
    if let Some(object) = body.as_object_mut().filter(|_| set) {
        object.remove("timestamp");
    }
    body
}

/// Whether two documents say the same, whenever they were written.
fn is_same(one: &Document, other: &Document) -> bool {
    one.content_type == other.content_type && one.bytes == other.bytes
}

/// Whether a document was written later; of one moment the greater stays, so that it is one everywhere.
fn is_newer(one: &Document, than: &Document) -> bool {
    (one.updated_us, &one.bytes, &one.content_type) > (than.updated_us, &than.bytes, &than.content_type)
}
