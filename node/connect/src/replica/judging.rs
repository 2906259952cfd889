//! What of all that a replica brings is taken in: events of its own feeds, of students whom the roster has, or had, at its schools.
//!
//! A replica stands in a cupboard, and whoever has it writes what he likes. Invariants: an event is one that its feed could have heard, under its
//! own name and at the place that its message's mark gives; nothing that the district says itself, as inputs of needs are, comes from there;
//! of other schools' students nothing is taken; a message that is here stays in the year where it is, and an amendment beside what it
//! amends. Absent: what stays of two events ([`aula_district::merge`]).

use std::collections::HashMap;

use aula_district::enter::source_of;
use aula_district::event_place::place;
use aula_district::merge::{Merging, mark_of};
use aula_district::origin;
use aula_ingest::event::Kind;
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::event::{Event, EventBody};
use aula_vault::feeds::{FeedKeys, MAX_ORIGIN_BYTES};
use aula_vault::{LocalId, Vault, VaultError};

use super::clients::Registered;
use super::wire::{Fate, Row, Stands};
use crate::people::People;

/// What is done with an event.
#[derive(Debug)]
pub(super) enum Judged {
    /// It is merged.
    Comes(Merging),
    /// Nothing: this became of it.
    Is(Fate),
}

/// Whose a student is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Nobody,
    AnotherSchools,
    Own,
}

/// Judges the events of one bringing.
pub(super) struct Judging<'a> {
    vault: &'a Vault,
    who: &'a Registered,
    keys: FeedKeys,
    people: People,
    known: HashMap<String, Whose>,
}

impl<'a> Judging<'a> {
    /// Of a replica.
    ///
    /// # Errors
    /// When the keystore cannot be written, the first time.
    pub fn of(vault: &'a Vault, who: &'a Registered) -> Result<Self, VaultError> {
        let (people, known) = Default::default();
        Ok(Self { vault, who, keys: vault.feed_keys()?, people, known })
    }

    /// Judges an event of the student of an identifier.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn judge(&mut self, id: &str, row: Row) -> Result<Judged, VaultError> {
        if let Some(fate) = self.owns(id)? {
            return Ok(Judged::Is(fate));
        }
        let Ok(event) = Event::decode(&row.event) else { return Ok(Judged::Is(Fate::Refused)) };
        let Some(handle) = self.handle(id, &event)? else { return Ok(Judged::Is(Fate::Unknown)) };
        let (once, of_message) = mark_of(&self.keys, &event, &row.origin);
        let kept = if of_message { self.vault.marked(&[once])?.pop().flatten() } else { None };
        let student = |handle: &Handle| self.vault.keystore().student(handle).map(|(_, student)| student);
        // Heard here before a new year's roster came and there after it, or the other way round, a message is one.
        let here = kept.map(|kept| kept.handle).filter(|kept| student(kept) == student(&handle));
        if self.is_own(&event, &row.origin) {
            let handle = here.unwrap_or(handle);
            return Ok(Judged::Comes(Merging { handle, event, origin: row.origin }));
        }
        // Another feed's: of a student who leaves the replica asks whether it is here.
        Ok(Judged::Is(if here.is_some() { Fate::Known } else { Fate::Refused }))
    }

    /// Under which handle of the student an event is kept: that of its moment's year, and of an amendment that of what it amends.
    fn handle(&mut self, id: &str, event: &Event) -> Result<Option<Handle>, VaultError> {
        let target = match &event.body {
            EventBody::Correction { target, .. } => target,
            _ => return self.people.find(self.vault, id, event.key.stamp.wall_ms()),
        };
        let Some(handle) = self.people.find(self.vault, id, target.stamp.wall_ms())? else { return Ok(None) };
        let student = self.vault.keystore().student(&handle);
        let Some((_, student)) = student else { return Ok(Some(handle)) };
        let (handles, target) = (self.vault.keystore().handles_of(&student), place(target));
        for (own, _) in handles {
            if self.vault.has_event(&own, &target)? {
                return Ok(Some(own));
            }
        }
        Ok(Some(handle))
    }

    /// How the student of an identifier stands to the replica's schools by the roster of a year.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn stands(&mut self, id: &str, year: SchoolYear) -> Result<Stands, VaultError> {
        match self.whose(id)? {
            Whose::Nobody => return Ok(Stands::Unknown),
            Whose::AnotherSchools => return Ok(Stands::Left),
            Whose::Own => {}
        }
        let handle = LocalId::new(id).map(|local| self.vault.find_in(&local, year)).transpose()?.flatten();
        let place = handle.map(|handle| self.vault.roster_entry(&handle)).transpose()?.flatten();
        Ok(match place {
            None => Stands::LeftOut,
            Some(place) if !place.enrolled => Stands::Left,
            Some(place) => match place.school {
                // Nobody knows yet whether it is the replica's.
                None => Stands::LeftOut,
                Some(school) if self.who.schools.contains(&school) => Stands::Here,
                Some(_) => Stands::Left,
            },
        })
    }

    /// What becomes of a record of the student of an identifier; none where the student is the replica's.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn owns(&mut self, id: &str) -> Result<Option<Fate>, VaultError> {
        Ok(match self.whose(id)? {
            Whose::Nobody => Some(Fate::Unknown),
            Whose::AnotherSchools => Some(Fate::Refused),
            Whose::Own => None,
        })
    }

    fn whose(&mut self, id: &str) -> Result<Whose, VaultError> {
        if let Some(known) = self.known.get(id) {
            return Ok(*known);
        }
        let found = self.look_up(id)?;
        self.known.insert(id.to_owned(), found);
        Ok(found)
    }

    fn look_up(&self, id: &str) -> Result<Whose, VaultError> {
        let found = LocalId::new(id).and_then(|local| self.vault.keystore().find(&local));
        let Some(handle) = found else { return Ok(Whose::Nobody) };
        if self.vault.is_erased(&handle)? {
            return Ok(Whose::Nobody);
        }
        let student = self.vault.keystore().student(&handle);
        let Some((_, student)) = student else { return Ok(Whose::Nobody) };
        let handles = self.vault.keystore().handles_of(&student);
        // Who moved away since was heard before that.
        for (handle, _) in handles {
            if self.vault.schools_of(&handle)?.iter().any(|school| self.who.schools.contains(school)) {
                return Ok(Whose::Own);
            }
        }
        Ok(Whose::AnotherSchools)
    }

    /// Whether it is an event of a feed of this replica's, as its node would have heard it.
    fn is_own(&self, event: &Event, from: &[u8]) -> bool {
        let source = event.key.source;
        let says = match &event.body {
            EventBody::Correction { target, replacement } => {
                target.source == source && replacement.as_deref().is_none_or(is_a_feeds)
            }
            body => is_a_feeds(body),
        };
        let short = from.len() <= MAX_ORIGIN_BYTES;
        let names = short && origin::decode(from).is_some_and(|(_, _, feed, ..)| source_of(&feed) == source);
        says && names && self.who.feeds.contains(&source) && mark_of(&self.keys, event, from).1
    }
}

/// Whether feeds bring events that say this: inputs of needs are the district's.
fn is_a_feeds(body: &EventBody) -> bool {
    !matches!(body, EventBody::Correction { .. }) && Kind::of_body(body).is_some()
}
