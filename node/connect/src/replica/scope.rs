//! The events of some students as a set of numbers that another vault's set is compared with.
//!
//! A number is of a student's identifier, the year and an event's canonical bytes, so that both vaults have one number for one
//! event, whatever their keys. Events are opened once: what was numbered before is known by its seal, also where the vault was taken away
//! in between. Absent: what is done with a difference.

use std::collections::HashMap;

use aula_district::event_place::EventPlace;
use aula_ledger::types::{Handle, SchoolYear};
use aula_vault::{Vault, VaultError};
use sha2::{Digest, Sha256};

use super::difference::{Id, root};
use crate::door::{Door, Lent, lent_in_a_moment};

/// Students whose events are numbered in one borrowing of the vault.
const AT_ONCE: usize = 200;

/// A student of a scope.
#[derive(Clone, PartialEq, Eq)]
pub struct Of {
    /// The district's identifier.
    pub id: String,
    /// The handle of the year, in this vault.
    pub handle: Handle,
}

/// Shows that there is one, and not whose.
impl std::fmt::Debug for Of {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Of").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// An event that was numbered.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    place: EventPlace,
    tag: [u8; 8],
    id: Id,
}

/// What was numbered so far, kept between levellings.
#[derive(Debug, Default)]
pub struct Numbers {
    of: HashMap<Handle, Vec<Numbered>>,
    /// Events that were opened for it so far.
    pub opened: u64,
}

/// Where an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Whose, by its place among the scope's students.
    pub student: u32,
    /// Where the vault finds it again.
    pub place: EventPlace,
}

/// The events of a scope as they stood once.
#[derive(Debug, Default)]
pub struct Set {
    /// Those of the scope; [`At::student`] counts among them, from 0.
    pub students: Vec<Of>,
    /// The numbers, in order.
    pub ids: Vec<Id>,
    at: Vec<At>,
}

impl Set {
    /// The digest of it.
    pub fn root(&self) -> [u8; 32] {
        root(&self.ids)
    }

    /// Where the event of a number is.
    pub fn at(&self, id: &Id) -> Option<(&Of, At)> {
        let at = *self.at.get(self.ids.binary_search(id).ok()?)?;
        Some((self.students.get(usize::try_from(at.student).ok()?)?, at))
    }
}

/// The number of an event.
pub fn number(student: &str, year: SchoolYear, event: &[u8]) -> Id {
    let mut hash = Sha256::new();
    hash.update(b"aula/v1/replica-event");
    hash.update(year.0.to_le_bytes());
    hash.update((student.len() as u64).to_le_bytes());
    hash.update(student.as_bytes());
    hash.update(event);
    let digest: [u8; 32] = hash.finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id
}

impl Numbers {
    /// Numbers the events of these students as they stand now. Blocks for a moment where the vault is with somebody else.
    ///
    /// # Errors
    /// [`Lent`]: what was numbered until then is not opened again.
    pub fn set(&mut self, door: &dyn Door, year: SchoolYear, students: Vec<Of>) -> Result<Set, Lent> {
        for chunk in students.chunks(AT_ONCE) {
            let numbered = lent_in_a_moment(door, |vault| {
                chunk.iter().map(|of| self.of_student(vault, year, of)).collect::<Result<Vec<_>, _>>()
            })?;
            for (of, (numbered, opened)) in chunk.iter().zip(numbered) {
                self.opened = self.opened.saturating_add(opened);
                self.of.insert(of.handle, numbered);
            }
        }
        let mut all = Vec::new();
        let mut next = HashMap::with_capacity(students.len());
        for (of, student) in students.iter().zip(0..) {
            // Whoever is among them twice has one set of numbers.
            let Some(numbered) = self.of.remove(&of.handle) else { continue };
            all.extend(numbered.iter().map(|one| (one.id, At { student, place: one.place })));
            next.insert(of.handle, numbered);
        }
        self.of = next;
        all.sort_unstable_by_key(|(id, _)| *id);
        let (ids, at) = all.into_iter().unzip();
        Ok(Set { students, ids, at })
    }

    /// The numbers of a student's events, and how many of them were opened for it.
    fn of_student(
        &self,
        vault: &Vault,
        year: SchoolYear,
        of: &Of,
    ) -> Result<(Vec<Numbered>, u64), VaultError> {
        // Who was erased meanwhile has no events.
        if vault.is_erased(&of.handle)? {
            return Ok((Vec::new(), 0));
        }
        let before = self.of.get(&of.handle).map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<(EventPlace, [u8; 8])> = Vec::with_capacity(before.len());
        vault.event_tags(&of.handle, |place, tag| {
            // Events of other programs' places are not levelled: there are none.
            if let Ok(place) = EventPlace::try_from(place) {
                found.push((place, tag));
            }
        })?;
        let (mut numbered, mut events, mut opened) = (Vec::with_capacity(found.len()), None, 0);
        for (place, tag) in found {
            let known = before.binary_search_by_key(&place, |one| one.place).ok();
            let known = known.and_then(|at| before.get(at)).filter(|one| one.tag == tag);
            if let Some(known) = known {
                numbered.push(*known);
                continue;
            }
            if events.is_none() {
                events = Some(vault.events_of(&of.handle)?);
            }
            let kept = events.as_ref().map(|events| events.get(&place)).transpose()?.flatten();
            let Some(kept) = kept else { continue };
            opened += 1;
            numbered.push(Numbered { place, tag, id: number(&of.id, year, &kept.event) });
        }
        Ok((numbered, opened))
    }
}
