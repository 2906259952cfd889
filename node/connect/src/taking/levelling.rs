//! What a replica or its district has otherwise, into the vault: with the sources' notes, and with letters that waited for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aula_district::event_place::EventPlace;
use aula_district::merge::{Merged, Merging, leave, mark_of, merge};
use aula_district::origin;
use aula_ingest::event::Kind;
use aula_ledger::types::{Handle, SchoolYear};
use aula_lrs::store::levelling::{Voiding, voiding};
use aula_twin_runtime::event::{Event, SourceId};
use aula_vault::feeds::Once;
use aula_vault::{Vault, VaultError};

use super::Taking;
use super::records::{held_by, strays, tag_of};
use crate::given::Feed;
use crate::note::Note;

/// What a replica or its district changes here.
#[derive(Debug, Default)]
pub struct Levelling {
    /// Events that come.
    pub come: Vec<Merging>,
    /// Places of events that go.
    pub gone: Vec<(Handle, EventPlace)>,
    /// Feeds whose letters are tried again: students came.
    pub replay: Vec<Arc<Feed>>,
    /// Students who are erased here.
    pub leave: Vec<Leaving>,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}

/// An event as it stands: its place, and of its sealing eight bytes that no other one has.
pub type Sealed = (EventPlace, [u8; 8]);

/// Records here of which the other side has told what becomes of them, by key: each with eight bytes of its sealing, where what stands
/// there changes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Home {
    /// The other side has them.
    pub all: HashMap<Vec<u8>, [u8; 8]>,
    /// Somebody in them is nobody's there any more: that one goes, and the others' stays here.
    pub unknown: HashMap<Vec<u8>, [u8; 8]>,
    /// The home pages whose accounts are students, in records here.
    pub home_pages: BTreeSet<String>,
}

/// Keys of records whose key no student holds.
type Strays = Vec<Vec<u8>>;

/// A student who is to be erased here: each handle, with those events that the other side has told what becomes of. Who has another one by
/// now, in whatever year, stays until that is told as well; and so who has a record that is not told of.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// By handle.
    pub told: BTreeMap<Handle, BTreeSet<Sealed>>,
    /// Of all who leave.
    pub records: Arc<Home>,
    /// The student's identifier, which records name that came before anybody knew it.
    pub id: String,
    /// The other side says that it has no such student any more.
    pub is_unknown: bool,
}

impl Leaving {
    /// Where all that is kept of the student was told of, the keys of records that nobody holds and that name her; none where it was not.
    /// `voiding` is of all statements that void another one.
    fn all_told(&self, vault: &Vault, voiding: &[Voiding]) -> Result<Option<Strays>, VaultError> {
        let Some(first) = self.told.keys().next() else { return Ok(None) };
        let Some((_, student)) = vault.keystore().student(first) else { return Ok(None) };
        let handles = vault.keystore().handles_of(&student);
        for (handle, _) in &handles {
            let Some(told) = self.told.get(handle) else { return Ok(None) };
            let mut all = true;
            vault.event_tags(handle, |place, tag| {
                all &= EventPlace::try_from(place).is_ok_and(|place| told.contains(&(place, tag)));
            })?;
            if !all {
                return Ok(None);
            }
        }
        self.records_told(vault, &handles, voiding)
    }

    /// As [`Leaving::all_told`], of the records of these handles and of what voids them.
    fn records_told(
        &self,
        vault: &Vault,
        handles: &[(Handle, SchoolYear)],
        voiding: &[Voiding],
    ) -> Result<Option<Strays>, VaultError> {
        let (terms, mut own) = (vault.terms()?, BTreeSet::new());
        for (handle, _) in handles {
            own.extend(held_by(vault, handle)?);
        }
        let strays = strays(vault, &terms, (&self.records.home_pages, &self.id), &own)?;
        own.extend(strays.iter().cloned());
        for key in &own {
            if !self.is_told(vault, key)? {
                return Ok(None);
            }
        }
        // What nobody has any more is voided for nobody.
        if own.is_empty() || self.is_unknown {
            return Ok(Some(strays));
        }
        for (key, target) in voiding {
            if own.contains(target) && !self.is_told(vault, key)? {
                return Ok(None);
            }
        }
        Ok(Some(strays))
    }

    fn is_told(&self, vault: &Vault, key: &[u8]) -> Result<bool, VaultError> {
        let Some(tag) = tag_of(vault, key)? else { return Ok(true) };
        let Home { all, unknown, .. } = &*self.records;
        Ok(all.get(key) == Some(&tag) || self.is_unknown && unknown.get(key) == Some(&tag))
    }
}

/// What became of a levelling.
#[derive(Debug, Default)]
pub struct Levelled {
    /// Of each event that came, in order.
    pub fates: Vec<Merged>,
    /// New events, those of letters that waited for them among them.
    pub events: Vec<(Handle, Event)>,
    /// Of whom something was replaced or taken away.
    pub anew: Vec<Handle>,
    /// How many students were erased.
    pub erased: usize,
}

impl Taking {
    /// Merges what comes, takes away what goes, tries letters again, erases who leaves: on disk on return. Nothing comes between the look at
    /// what is kept of a student and the erasing: whatever enters this vault does so here.
    ///
    /// # Errors
    /// A vault that refuses; what was merged before stays, and the same again changes nothing.
    pub fn level(&mut self, vault: &Vault, levelling: &Levelling) -> Result<Levelled, VaultError> {
        let Levelling { come, gone, replay, leave: leaving, at_ms } = levelling;
        let mut levelled = Levelled::default();
        if !gone.is_empty() {
            leave(vault, &mut self.keys, gone)?;
            levelled.anew.extend(gone.iter().map(|(handle, _)| *handle));
        }
        for row in come {
            let source = row.event.key.source;
            if let std::collections::btree_map::Entry::Vacant(place) = self.notes.entry(source) {
                let feed = origin::decode(&row.origin).map(|(_, _, feed, ..)| feed).unwrap_or_default();
                place.insert(Note::of(vault, source.0, &feed)?);
            }
        }
        let mut notes = self.notes.clone();
        levelled.fates = merge(vault, &mut self.keys, come, |fates| {
            let mut touched: BTreeMap<SourceId, Vec<u8>> = BTreeMap::new();
            for (row, _) in come.iter().zip(fates).filter(|(_, fate)| **fate == Merged::New) {
                let Some(note) = notes.get_mut(&row.event.key.source) else { continue };
                count(note, &row.event);
                touched.insert(row.event.key.source, note.encode());
            }
            touched.into_iter().map(|(source, note)| (source.0, note)).collect()
        })?;
        self.notes = notes;
        let mut due: BTreeMap<SourceId, (Arc<Feed>, Vec<Once>)> = BTreeMap::new();
        for (row, fate) in come.iter().zip(&levelled.fates) {
            match fate {
                Merged::New => {
                    levelled.events.push((row.handle, row.event.clone()));
                    let source = row.event.key.source;
                    if let Some(letter) = self.awaited.remove(&mark_of(&self.keys, &row.event, &row.origin).0)
                        && let Some(feed) = self.read.get(&source)
                    {
                        due.entry(source).or_insert_with(|| (feed.clone(), Vec::new())).1.push(letter);
                    }
                }
                Merged::Replaced => levelled.anew.push(row.handle),
                Merged::Known | Merged::Elsewhere => {}
            }
        }
        let entered = self.replay_due(vault, due.into_values().collect())?;
        levelled.events.extend(entered);
        for feed in replay {
            levelled.events.extend(self.replay(vault, feed)?.1);
        }
        // Once for all of them: it is of every student's statements.
        let voiding = if leaving.is_empty() { Vec::new() } else { voiding(vault, &vault.terms()?)? };
        let (mut erased, mut loose) = (Vec::new(), BTreeSet::new());
        for student in leaving {
            if let Some(strays) = student.all_told(vault, &voiding)? {
                loose.extend(strays);
                erased.extend(student.told.keys().next().copied());
                levelled.anew.extend(student.told.keys());
            }
        }
        if !erased.is_empty() {
            levelled.erased = erased.len();
            // What nobody holds goes with nobody, and would come home again with whoever is enrolled under that name.
            vault.purge_rows(&loose)?;
            vault.erase(&erased, *at_ms)?;
            self.people.forget();
        }
        Ok(levelled)
    }
}

fn count(note: &mut Note, event: &Event) {
    note.newest_event_ms = note.newest_event_ms.max(event.effective_ms());
    if let Some(kind) = Kind::of_body(&event.body) {
        *note.events.entry(kind.name().to_owned()).or_default() += 1;
    }
}
