//! The replica's side: one levelling with the district, begun by the replica.
//!
//! Flow: [`make`] once, where there is no vault → [`Replica::level`]: the roster is taken over, the sets are compared, what the district lacks is
//! brought, what the replica lacks fetched, what the district has otherwise goes, students who left go last. Invariants: whatever is
//! cut, the next levelling does what is left; a student's events go only after the district has said of each that it has them. Absent: how
//! often.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aula_district::event_place::{EventPlace, key_at};
use aula_district::merge::{Merging, mark_of};
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::event::Event;
use aula_twin_runtime::params::Params;
use aula_vault::replicas::EventsOf;
use aula_vault::{Folders, Identity, LocalId, SecretKey, Vault, VaultError};
use serde::{Deserialize, Serialize};

use super::difference::{Comparing, Id};
use super::district::{District, LevelError};
use super::entering::Entering;
use super::people;
use super::scope::{Numbers, Of, Set};
use super::served::states;
use super::wire::{
    Begun, Bring, Brought, Compare, Compared, Fate, Fetch, MAX_FETCHED, MAX_ROWS, Row, Rows, Stated, States,
};
use crate::door::lent;
use crate::given::Feed;
use crate::taking::Levelling;

/// Most bytes of events that are brought at once.
const MAX_BROUGHT_BYTES: usize = 2 << 20;
/// Rounds of one levelling at most: what comes meanwhile is the next one's.
const MAX_ROUNDS: usize = 4;

/// What a levelling did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levelled {
    /// Both sides have the same events of the replica's students.
    pub level: bool,
    /// Students here.
    pub students: u64,
    /// Their events.
    pub events: u64,
    /// Events that the district lacked.
    pub sent: u64,
    /// Events that were lacking here.
    pub received: u64,
    /// Events that went here: the district has them otherwise, or not at all.
    pub removed: u64,
    /// Students who are here now and were not.
    pub enrolled: u64,
    /// Students who were erased here: the district has them at another school, or no more.
    pub erased: u64,
    /// Events that the district refuses; they stay here.
    pub refused: u64,
    /// Bytes of bodies.
    pub bytes_sent: u64,
    /// Bytes of bodies.
    pub bytes_received: u64,
    /// Questions.
    pub requests: u64,
    /// The digest of the events, hexadecimal.
    pub root: String,
    /// Whether both sides fold to the same states, where it was asked; none where they fold with other parameters.
    pub same_states: Option<bool>,
}

/// Makes the replica's vault, where there is none: the district's by identity and marks, empty, with keys of its own.
///
/// # Errors
/// [`LevelError`]: nothing is there then.
pub async fn make(
    district: &District,
    folders: &Folders,
    (genesis, now_ms): ([u8; 32], u64),
) -> Result<(), LevelError> {
    let begun = district.begin(false, [0; 32], None).await?;
    if begun.genesis != genesis {
        return Err(LevelError::OtherChain);
    }
    let making = begun.making.ok_or(LevelError::Answer)?;
    let identity: Identity = serde_json::from_str(&making.identity).map_err(|_| LevelError::Answer)?;
    let key = SecretKey::from_bytes(&making.marks_key);
    Ok(Vault::create_replica(folders, &identity, &key, now_ms).map(|_| ())?)
}

/// What a replica keeps between levellings.
#[derive(Debug)]
pub struct Replica {
    entering: Arc<Entering>,
    feeds: Vec<Arc<Feed>>,
    numbers: Numbers,
}

impl Replica {
    /// Of this vault, with the feeds that it has itself.
    pub fn new(entering: Entering, feeds: Vec<Arc<Feed>>) -> Self {
        Self { entering: Arc::new(entering), feeds, numbers: Numbers::default() }
    }

    async fn with<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, LevelError> {
        let entering = self.entering.clone();
        let done = tokio::task::spawn_blocking(move || lent(entering.door(), call)).await;
        Ok(done.map_err(|_| LevelError::Answer)??)
    }

    async fn enter(&self, levelling: Levelling) -> Result<(), LevelError> {
        let entering = self.entering.clone();
        let done = tokio::task::spawn_blocking(move || entering.level(levelling)).await;
        Ok(done.map_err(|_| LevelError::Answer)?.map(|_| ())?)
    }

    async fn set(&mut self, year: SchoolYear) -> Result<Arc<Set>, LevelError> {
        let (entering, mut numbers) = (self.entering.clone(), std::mem::take(&mut self.numbers));
        let done = tokio::task::spawn_blocking(move || {
            let set = lent(entering.door(), |vault| people::here(vault, year))
                .and_then(|students| numbers.set(entering.door(), year, students));
            (set, numbers)
        });
        let (set, numbers) = done.await.map_err(|_| LevelError::Answer)?;
        self.numbers = numbers;
        Ok(Arc::new(set?))
    }

    /// Levels with the district. `check` folds the states on both sides as well, with these parameters here.
    ///
    /// # Errors
    /// [`LevelError`]: what was levelled until then stays, and the next levelling does the rest.
    pub async fn level(
        &mut self,
        district: &District,
        (genesis, now_ms): ([u8; 32], u64),
        check: Option<([u8; 32], Params)>,
    ) -> Result<Levelled, LevelError> {
        let (mut did, before) = (Levelled::default(), district.counted());
        for _ in 0..MAX_ROUNDS {
            let Some((begun, set)) = self.round(district, (genesis, now_ms), &mut did).await? else {
                continue;
            };
            did.level = begun.root == set.root();
            (did.students, did.events) = (set.students.len() as u64, set.ids.len() as u64);
            did.root = hex::encode(set.root());
            if let Some((digest, params)) = check.filter(|_| did.level) {
                let there: Stated = district.ask("states", &States { session: begun.session }).await?;
                let entering = self.entering.clone();
                let here =
                    tokio::task::spawn_blocking(move || states(&entering, &set.students, &params)).await;
                let here = here.map_err(|_| LevelError::Answer)??;
                did.same_states = (there.parameters == digest).then_some(there.states == here);
            }
            self.past(district, SchoolYear(begun.year), now_ms, &mut did).await?;
            break;
        }
        let after = district.counted();
        did.bytes_sent = after.0.saturating_sub(before.0);
        did.bytes_received = after.1.saturating_sub(before.1);
        did.requests = after.2.saturating_sub(before.2);
        Ok(did)
    }

    /// One round; the set and what it was compared with where nothing is left to do.
    async fn round(
        &mut self,
        district: &District,
        (genesis, now_ms): ([u8; 32], u64),
        did: &mut Levelled,
    ) -> Result<Option<(Begun, Arc<Set>)>, LevelError> {
        let told = self.with(|vault| match people::years(vault)?.last() {
            Some(newest) => people::digest_here(vault, *newest),
            None => Ok([0; 32]),
        });
        let mut begun = district.begin(true, told.await?, None).await?;
        if begun.genesis != genesis {
            return Err(LevelError::OtherChain);
        }
        let year = SchoolYear(begun.year);
        let left = match begun.roster.take() {
            None => Vec::new(),
            Some(roster) => {
                let (new, left) = self.with(move |vault| people::take(vault, year, &roster, now_ms)).await?;
                did.enrolled = did.enrolled.saturating_add(new as u64);
                if new > 0 {
                    let replay = self.feeds.clone();
                    self.enter(Levelling { replay, ..Levelling::default() }).await?;
                }
                left
            }
        };
        let set = self.set(year).await?;
        if set.root() == begun.root && left.is_empty() {
            return Ok(Some((begun, set)));
        }
        let comparing = compared(district, &begun, &set).await?;
        let (ours, mut gone) = self.mine(&begun, &set, comparing.ours).await?;
        did.refused = 0;
        let stay = self.bring(district, &begun, (&set, &ours), (&mut gone, did)).await?;
        self.fetch(district, &begun, &comparing.theirs, did).await?;
        did.removed = did.removed.saturating_add(gone.len() as u64);
        if !gone.is_empty() {
            self.enter(Levelling { gone, ..Levelling::default() }).await?;
        }
        let leave: Vec<Handle> =
            left.iter().map(|of| of.handle).filter(|handle| !stay.contains(handle)).collect();
        self.erase(leave, now_ms, did).await?;
        // What the district refuses stays a difference: another round would find it again.
        if did.refused > 0 {
            let set = self.set(year).await?;
            return Ok(Some((begun, set)));
        }
        Ok(None)
    }

    /// Events that are this replica's to bring, and places of those that go: what no feed brought is the district's to have or not.
    async fn mine(
        &self,
        begun: &Begun,
        set: &Arc<Set>,
        ids: Vec<Id>,
    ) -> Result<(Vec<Id>, Vec<(Handle, EventPlace)>), LevelError> {
        let mut own: BTreeSet<u64> = begun.sources.iter().copied().collect();
        // Those that the district does not know of it refuses; they stay here, and are told.
        own.extend(self.feeds.iter().map(|feed| feed.source.0));
        let set = set.clone();
        self.with(move |vault| {
            let (keys, mut mine, mut gone) = (vault.feed_keys()?, Vec::new(), Vec::new());
            for id in ids {
                let Some((of, at)) = set.at(&id) else { continue };
                if key_at(&at.place).is_some_and(|key| own.contains(&key.source.0)) {
                    mine.push(id);
                    continue;
                }
                let Some(kept) = vault.kept_event(&of.handle, &at.place)? else { continue };
                let damaged = |_| VaultError::Damaged("an event in the vault is none".into());
                let event = Event::decode(&kept.event).map_err(damaged)?;
                // An event of another's feed gives way to the district's when that is fetched, and is never simply dropped.
                if !mark_of(&keys, &event, &kept.origin).1 {
                    gone.push((of.handle, at.place));
                }
            }
            Ok((mine, gone))
        })
        .await
    }

    /// Brings what was heard in earlier school years, which nobody fetches any more, and lets go of those who are here for that alone.
    async fn past(
        &mut self,
        district: &District,
        present: SchoolYear,
        now_ms: u64,
        did: &mut Levelled,
    ) -> Result<(), LevelError> {
        let mut years = self.with(people::years).await?;
        years.retain(|year| *year < present);
        for year in years {
            let (kept, set) = (std::mem::take(&mut self.numbers), self.set(year).await);
            self.numbers = kept;
            let (set, begun) = (set?, district.begin(true, [0; 32], Some(year)).await?);
            let mut stay = BTreeSet::new();
            if set.root() != begun.root {
                let comparing = compared(district, &begun, &set).await?;
                let (ours, _) = self.mine(&begun, &set, comparing.ours).await?;
                stay = self.bring(district, &begun, (&set, &ours), (&mut Vec::new(), did)).await?;
            }
            let students = set.students.clone();
            let over = self.with(move |vault| {
                let mut over = Vec::new();
                for of in students.iter().filter(|of| !stay.contains(&of.handle)) {
                    let id = LocalId::new(&of.id);
                    if id.map(|id| vault.find_in(&id, present)).transpose()?.flatten().is_none() {
                        over.push(of.handle);
                    }
                }
                Ok(over)
            });
            let over = over.await?;
            self.erase(over, now_ms, did).await?;
        }
        Ok(())
    }

    async fn erase(&self, handles: Vec<Handle>, now_ms: u64, did: &mut Levelled) -> Result<(), LevelError> {
        if handles.is_empty() {
            return Ok(());
        }
        did.erased = did.erased.saturating_add(handles.len() as u64);
        self.with(move |vault| vault.erase(&handles, now_ms).map(|_| ())).await
    }

    /// Brings events; places of those that are to go are added to `gone`. Gives those students of whom some were refused.
    async fn bring(
        &self,
        district: &District,
        begun: &Begun,
        (set, ids): (&Arc<Set>, &[Id]),
        (gone, did): (&mut Vec<(Handle, EventPlace)>, &mut Levelled),
    ) -> Result<BTreeSet<Handle>, LevelError> {
        let (mut stay, mut rest) = (BTreeSet::new(), ids);
        while !rest.is_empty() {
            let (own, chunk) = (set.clone(), rest.iter().take(MAX_ROWS).copied().collect::<Vec<_>>());
            let (rows, places, used) = self.with(move |vault| gathered(vault, &own, &chunk)).await?;
            rest = rest.get(used..).unwrap_or_default();
            let answer: Brought = district.ask("bring", &Bring { session: begun.session, rows }).await?;
            if answer.fates.len() != places.len() {
                return Err(LevelError::Answer);
            }
            for (fate, (handle, place)) in answer.fates.into_iter().zip(places) {
                match fate {
                    Fate::Taken => did.sent = did.sent.saturating_add(1),
                    Fate::Known => {}
                    Fate::Elsewhere | Fate::Unknown => gone.push((handle, place)),
                    Fate::Refused => {
                        did.refused = did.refused.saturating_add(1);
                        stay.insert(handle);
                    }
                }
            }
        }
        Ok(stay)
    }

    async fn fetch(
        &self,
        district: &District,
        begun: &Begun,
        ids: &[Id],
        did: &mut Levelled,
    ) -> Result<(), LevelError> {
        let year = SchoolYear(begun.year);
        for ids in ids.chunks(MAX_FETCHED) {
            let asked = Fetch { session: begun.session, ids: ids.to_vec() };
            let Rows { students, rows } = district.ask("fetch", &asked).await?;
            let count = rows.len() as u64;
            let come = self
                .with(move |vault| {
                    let mut come = Vec::with_capacity(rows.len());
                    for Row { student, event, origin } in rows {
                        let id = students.get(usize::from(student)).and_then(|id| LocalId::new(id));
                        let Some(handle) = id.map(|id| vault.find_in(&id, year)).transpose()?.flatten()
                        else {
                            continue;
                        };
                        let damaged = |_| VaultError::Damaged("an event of the district's is none".into());
                        come.push(Merging { handle, event: Event::decode(&event).map_err(damaged)?, origin });
                    }
                    Ok(come)
                })
                .await?;
            self.enter(Levelling { come, ..Levelling::default() }).await?;
            did.received = did.received.saturating_add(count);
        }
        Ok(())
    }
}

/// Finds what each side lacks.
async fn compared(district: &District, begun: &Begun, set: &Set) -> Result<Comparing, LevelError> {
    let mut comparing = Comparing::default();
    loop {
        let parts = comparing.asks();
        if parts.is_empty() {
            return Ok(comparing);
        }
        let asked = Compare { session: begun.session, parts };
        let answer: Compared = district.ask("compare", &asked).await?;
        if answer.said.len() != asked.parts.len() {
            return Err(LevelError::Answer);
        }
        for (part, said) in asked.parts.iter().zip(&answer.said) {
            comparing.take(&set.ids, *part, said);
        }
    }
}

/// Events to bring, up to some bytes, with their places; and how many numbers that were.
type Gathered = (Rows, Vec<(Handle, EventPlace)>, usize);

fn gathered(vault: &Vault, set: &Set, ids: &[Id]) -> Result<Gathered, VaultError> {
    let (mut rows, mut places, mut bytes, mut used) = (Rows::default(), Vec::with_capacity(ids.len()), 0, 0);
    let (mut known, mut opened): (HashMap<&str, u16>, HashMap<Handle, EventsOf<'_>>) = Default::default();
    for id in ids {
        if bytes > MAX_BROUGHT_BYTES {
            break;
        }
        used += 1;
        let Some((Of { id: name, handle }, at)) = set.at(id) else { continue };
        let events = match opened.entry(*handle) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => place.insert(vault.events_of(handle)?),
        };
        let Some(kept) = events.get(&at.place)? else { continue };
        let student = *known.entry(name).or_insert_with(|| {
            rows.students.push(name.clone());
            u16::try_from(rows.students.len().saturating_sub(1)).unwrap_or(u16::MAX)
        });
        bytes += kept.event.len() + kept.origin.len() + 16;
        rows.rows.push(Row { student, event: kept.event.to_vec(), origin: kept.origin.to_vec() });
        places.push((*handle, at.place));
    }
    Ok((rows, places, used))
}
