//! Who leaves: students whom the district has at another school, or no more. All that was heard of them goes home first.
//!
//! Flow: of students without a place on the present roster the district is asked how they stand → who is at another school by that roster, or
//! nobody of the district's, leaves; whom it does not name leaves where it names as many as it leaves out, and else stays: it is not whole
//! yet → nobody reads who leaves, and every event of hers that a feed brought is brought, of whatever year and feed → where the district
//! has said of each what became of it, and has her records, the vault's one writer looks once more whether that is all, and erases. Invariants: an
//! event or a record that the district refuses, or that came meanwhile, keeps its student here; what no feed brought is the district's, who has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aula_district::event_place::EventPlace;
use aula_district::merge::mark_of;
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::event::Event;
use aula_vault::{Vault, VaultError};

use super::asking::{Bringing, Levelled, Replica};
use super::district::{District, LevelError};
use super::people;
use super::wire::{MAX_STANDING, Session, Stand, Stands, Stood};
use crate::taking::{Home, Leaving, Levelling};

/// Students of whom every event's place is in memory at once: where a school closes, all of it leaves. Each erasing wraps all other keys
/// anew, so that they are not few.
const AT_ONCE: usize = 500;

/// A student who leaves.
pub(super) struct Leaver {
    /// The district's identifier.
    id: String,
    /// Of every year.
    handles: Vec<(Handle, SchoolYear)>,
    /// Nobody's at the district any more.
    unknown: bool,
}

impl Replica {
    /// Who leaves, of all who are here and not on the present roster, which enrols so many here.
    pub(super) async fn going(
        &self,
        district: &District,
        session: Session,
        (present, enrolled): (SchoolYear, usize),
        did: &mut Levelled,
    ) -> Result<Vec<Leaver>, LevelError> {
        let leavers = self.with(move |vault| leavers(vault, present)).await?;
        let mut stand = Vec::with_capacity(leavers.len());
        for some in leavers.chunks(MAX_STANDING) {
            let ids = some.iter().map(|leaver| leaver.id.clone()).collect();
            let answer: Stood = district.ask("stand", &Stand { session, ids }).await?;
            if answer.stand.len() != some.len() {
                return Err(LevelError::Answer);
            }
            stand.extend(answer.stand);
        }
        let left_out = stand.iter().filter(|stands| **stands == Stands::LeftOut).count();
        let whole = left_out <= enrolled;
        did.left_out = if whole { 0 } else { left_out as u64 };
        let goes = |stands: &Stands| match stands {
            Stands::Unknown | Stands::Left => true,
            Stands::LeftOut => whole,
            Stands::Here => false,
        };
        let all = leavers.into_iter().zip(stand);
        let told =
            |(leaver, stands): (Leaver, Stands)| Leaver { unknown: stands == Stands::Unknown, ..leaver };
        Ok(all.filter(|(_, stands)| goes(stands)).map(told).collect())
    }

    /// Lets go of those who leave.
    pub(super) async fn depart(
        &self,
        district: &District,
        (genesis, present): ([u8; 32], SchoolYear),
        (leavers, home, now_ms): (Vec<Leaver>, Arc<Home>, u64),
        did: &mut Levelled,
    ) -> Result<(), LevelError> {
        // Nobody reads them here any more, whatever keeps them.
        let all: Vec<Handle> = handles(&leavers).collect();
        self.with(move |vault| people::end(vault, present, &all, now_ms)).await?;
        let mut left = leavers.into_iter();
        loop {
            let some: Vec<Leaver> = left.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.some_depart(district, genesis, (some, &home, now_ms), did).await?;
        }
    }

    /// Brings what was heard of these, and erases those of whom the district has said all.
    async fn some_depart(
        &self,
        district: &District,
        genesis: [u8; 32],
        (leavers, home, now_ms): (Vec<Leaver>, &Arc<Home>, u64),
        did: &mut Levelled,
    ) -> Result<(), LevelError> {
        let (mut leave, mut heard) = (Vec::with_capacity(leavers.len()), BTreeMap::<_, Vec<_>>::new());
        for leaver in leavers {
            let (id, is_unknown) = (leaver.id.clone(), leaver.unknown);
            let (own, events) = self.with(move |vault| all_of(vault, &leaver)).await?;
            leave.push(Leaving { records: home.clone(), id, is_unknown, ..own });
            for (year, event) in events {
                heard.entry(year).or_default().push(event);
            }
        }
        for (year, events) in heard {
            let begun = district.begin(genesis, (true, [0; 32]), Some(year)).await?;
            let told = self.bring(district, begun.session, &events).await?;
            did.count(&told);
            // What the district refuses is here alone.
            leave.retain(|leaving| leaving.told.keys().all(|handle| !told.stay.contains(handle)));
        }
        if !leave.is_empty() {
            let levelled = self.enter(Levelling { leave, at_ms: now_ms, ..Levelling::default() }).await?;
            did.erased = did.erased.saturating_add(levelled.erased as u64);
        }
        Ok(())
    }
}

/// Their handles, of every year.
pub(super) fn handles(leavers: &[Leaver]) -> impl Iterator<Item = Handle> {
    leavers.iter().flat_map(|leaver| &leaver.handles).map(|(own, _)| *own)
}

fn leavers(vault: &Vault, present: SchoolYear) -> Result<Vec<Leaver>, VaultError> {
    let mut leavers = Vec::new();
    for handles in people::students(vault) {
        leavers.extend(leaver(vault, present, &handles)?);
    }
    Ok(leavers)
}

/// The student of these handles, if it leaves.
fn leaver(
    vault: &Vault,
    present: SchoolYear,
    handles: &[(Handle, SchoolYear)],
) -> Result<Option<Leaver>, VaultError> {
    let mut id = None;
    for (handle, year) in handles {
        if vault.is_erased(handle)? {
            return Ok(None);
        }
        if let Some(place) = vault.roster_entry(handle)? {
            if *year == present && place.enrolled {
                return Ok(None);
            }
            id = Some(place.local_id.clone());
        }
    }
    Ok(id.map(|id| Leaver { id, handles: handles.to_vec(), unknown: false }))
}

/// Every event of a student as it stands; and those that feeds brought, with their years.
type All = (Leaving, Vec<(SchoolYear, Bringing)>);

fn all_of(vault: &Vault, leaver: &Leaver) -> Result<All, VaultError> {
    let (keys, mut leaving, mut heard) = (vault.feed_keys()?, Leaving::default(), Vec::new());
    for (handle, year) in &leaver.handles {
        let mut sealed = BTreeSet::new();
        vault.event_tags(handle, |place, tag| {
            // At another place no program of ours writes; what is there is not told of, and keeps the student.
            if let Ok(place) = EventPlace::try_from(place) {
                sealed.insert((place, tag));
            }
        })?;
        let events = vault.events_of(handle)?;
        for (place, _) in &sealed {
            let Some(kept) = events.get(place)? else { continue };
            let damaged = |_| VaultError::Damaged("an event in the vault is not valid".into());
            if mark_of(&keys, &Event::decode(&kept.event).map_err(damaged)?, &kept.origin).1 {
                heard.push((*year, Bringing { id: leaver.id.clone(), handle: *handle, place: *place }));
            }
        }
        leaving.told.insert(*handle, sealed);
    }
    Ok((leaving, heard))
}
