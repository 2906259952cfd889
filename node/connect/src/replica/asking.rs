//! The replica's side: one levelling with the district, begun by the replica.
//!
//! Flow: [`make`] once, where there is no vault → [`Replica::level`]: the roster is taken over, the sets are compared, what the district lacks is
//! brought, what the replica lacks fetched, what the district has otherwise goes; then records are brought (`carrying`), what was heard in other
//! years (`years`), and students who left go last (`leaving`). Invariants: whatever is cut, the next levelling does what is left; a student's events
//! and records go only after the district has said of each what became of it; of what the district says, no more is believed than can be. Absent:
//! how often.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aula_district::event_place::{EventPlace, key_at};
use aula_district::merge::{Merged, Merging, mark_of};
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::event::Event;
use aula_twin_runtime::params::Params;
use aula_vault::{Folders, Identity, LocalId, SecretKey, Vault, VaultError};
use serde::{Deserialize, Serialize};

use super::difference::{Comparing, Id};
use super::district::{District, LevelError};
use super::entering::Entering;
use super::people;
use super::records::RecordNumbers;
use super::scope::{Numbers, Set, number};
use super::served::states;
use super::wire::{Begun, Compare, Compared, Fetch, MAX_FETCHED, Row, Rows, Session, Stated, States};
use crate::door::lent_in_a_moment;
use crate::given::Feed;
use crate::taking::{self, Levelling};

/// Rounds of one levelling at most: what comes meanwhile is the next one's.
const MAX_ROUNDS: usize = 6;

/// What a levelling did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levelled {
    /// Both sides have the same events of the replica's students, and the district has the records here.
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
    /// Students who stay here though the district's roster of its newest year does not name them: it names fewer than it leaves out.
    #[serde(default)]
    pub left_out: u64,
    /// Events that the district refuses; they stay here.
    pub refused: u64,
    /// Records here, of these students: statements and documents.
    #[serde(default)]
    pub records: u64,
    /// Records that the district lacked.
    #[serde(default)]
    pub records_sent: u64,
    /// Documents that were written later at the district, and gave way to that here.
    #[serde(default)]
    pub records_received: u64,
    /// Records that the district refuses or has otherwise; they stay here.
    #[serde(default)]
    pub records_refused: u64,
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

impl Levelled {
    /// Counts what was brought.
    pub(super) fn count(&mut self, told: &Told) {
        self.sent = self.sent.saturating_add(told.sent);
        self.refused = self.refused.saturating_add(told.refused);
    }
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
    let begun = district.begin(genesis, (false, [0; 32]), None).await?;
    let making = begun.making.ok_or(LevelError::Answer)?;
    let identity: Identity = serde_json::from_str(&making.identity).map_err(|_| LevelError::Answer)?;
    // The vault is what it says, whatever was said beside it.
    if identity.genesis.0 != genesis {
        return Err(LevelError::OtherChain);
    }
    let key = SecretKey::from_bytes(&making.marks_key);
    Ok(Vault::create_replica(folders, &identity, &key, now_ms).map(|_| ())?)
}

/// An event that is to be brought.
#[derive(Clone)]
pub(super) struct Bringing {
    /// The district's identifier of the student.
    pub id: String,
    /// The handle here.
    pub handle: Handle,
    /// Where it is.
    pub place: EventPlace,
}

/// What became of events that were brought.
#[derive(Default)]
pub(super) struct Told {
    /// That the district lacked.
    pub sent: u64,
    /// That the district refuses; they stay here.
    pub refused: u64,
    /// That are to go here.
    pub gone: Vec<(Handle, EventPlace)>,
    /// Those of whom something was refused.
    pub stay: BTreeSet<Handle>,
}

/// What a replica keeps between levellings, so that the next one costs less.
#[derive(Debug)]
pub struct Replica {
    pub(super) entering: Arc<Entering>,
    pub(super) feeds: Vec<Arc<Feed>>,
    pub(super) records: RecordNumbers,
    /// By year, and whether of those beside its roster.
    numbers: BTreeMap<(SchoolYear, bool), Numbers>,
    /// The roots of both sides, of other years of which nothing was left to bring.
    pub(super) settled: BTreeMap<SchoolYear, [[u8; 32]; 2]>,
}

/// Whose events make a set.
pub(super) enum Whose {
    /// Those whom the year's roster enrols.
    Enrolled,
    /// Those beside the present year's, without those who go.
    Beside(SchoolYear, Arc<BTreeSet<Handle>>),
}

impl Replica {
    /// Of this vault, with the feeds that it has itself.
    pub fn new(entering: Entering, feeds: Vec<Arc<Feed>>) -> Self {
        let (records, numbers, settled) = Default::default();
        Self { entering: Arc::new(entering), feeds, records, numbers, settled }
    }

    pub(super) async fn with<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, LevelError> {
        let entering = self.entering.clone();
        let done = tokio::task::spawn_blocking(move || lent_in_a_moment(entering.door(), call)).await;
        Ok(done.map_err(|_| LevelError::Answer)??)
    }

    pub(super) async fn enter(&self, levelling: Levelling) -> Result<taking::Levelled, LevelError> {
        let entering = self.entering.clone();
        let done = tokio::task::spawn_blocking(move || entering.level(levelling)).await;
        Ok(done.map_err(|_| LevelError::Answer)??)
    }

    /// The events of those whom the roster of a year enrols here; or of those who are in it beside the present one ([`people::beside`]).
    pub(super) async fn set(&mut self, year: SchoolYear, whose: Whose) -> Result<Arc<Set>, LevelError> {
        let key = (year, matches!(whose, Whose::Beside(..)));
        let (entering, mut numbers) = (self.entering.clone(), self.numbers.remove(&key).unwrap_or_default());
        let done = tokio::task::spawn_blocking(move || {
            let set = lent_in_a_moment(entering.door(), |vault| match &whose {
                Whose::Enrolled => people::enrolled(vault, year),
                Whose::Beside(present, going) => people::beside(vault, (year, *present), going),
            });
            let set = set.and_then(|students| numbers.set(entering.door(), year, students));
            (set, numbers)
        });
        let (set, numbers) = done.await.map_err(|_| LevelError::Answer)?;
        self.numbers.insert(key, numbers);
        Ok(Arc::new(set?))
    }

    /// How many events were opened to be numbered so far.
    pub fn opened(&self) -> u64 {
        self.numbers.values().map(|numbers| numbers.opened).sum()
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
        for rest in (0..MAX_ROUNDS).rev() {
            (did.level, did.refused, did.same_states) = (false, 0, None);
            let (begun, set, is_settled) = self.round(district, (genesis, now_ms), &mut did).await?;
            // Where events come all the time, records go home and who left goes all the same.
            if !is_settled && rest > 0 {
                continue;
            }
            let alike = begun.root == set.root();
            (did.students, did.events) = (set.students.len() as u64, set.ids.len() as u64);
            did.root = hex::encode(set.root());
            if let Some((digest, params)) = check.as_ref().filter(|_| alike) {
                let there: Stated = district.ask("states", &States { session: begun.session }).await?;
                let (entering, params, set) = (self.entering.clone(), params.clone(), set.clone());
                let here =
                    tokio::task::spawn_blocking(move || states(&entering, &set.students, &params)).await;
                let here = here.map_err(|_| LevelError::Answer)??;
                did.same_states = (there.parameters == *digest).then_some(there.states == here);
            }
            let home = self.carry(district, &begun, &mut did).await?;
            let present = SchoolYear(begun.year);
            let going = self.going(district, begun.session, (present, set.students.len()), &mut did).await?;
            // What moved to the present year there is fetched from it.
            if self.other_years(district, (genesis, present), &going, &mut did).await? {
                continue;
            }
            self.depart(district, (genesis, present), (going, home, now_ms), &mut did).await?;
            did.level = alike && did.refused == 0 && did.records_refused == 0;
            break;
        }
        let after = district.counted();
        did.bytes_sent = after.0.saturating_sub(before.0);
        did.bytes_received = after.1.saturating_sub(before.1);
        did.requests = after.2.saturating_sub(before.2);
        Ok(did)
    }

    /// One round; the set, what it was compared with, and whether nothing is left to do.
    async fn round(
        &mut self,
        district: &District,
        (genesis, now_ms): ([u8; 32], u64),
        did: &mut Levelled,
    ) -> Result<(Begun, Arc<Set>, bool), LevelError> {
        let told = self.with(|vault| Ok((vault.identity()?.genesis.0, people::told_last(vault)?)));
        let (own, told) = told.await?;
        if own != genesis {
            return Err(LevelError::OtherChain);
        }
        let digest = told.map_or([0; 32], |(_, digest)| digest);
        let mut begun = district.begin(genesis, (true, digest), None).await?;
        let year = SchoolYear(begun.year);
        // Without a roster it is the one that was told last, hence of its year.
        if begun.roster.is_none() && told.is_none_or(|(last, _)| last != year) {
            return Err(LevelError::Answer);
        }
        if let Some(roster) = begun.roster.take() {
            let new = self.with(move |vault| people::take(vault, year, &roster, now_ms)).await?;
            did.enrolled = did.enrolled.saturating_add(new as u64);
            if new > 0 {
                let replay = self.feeds.clone();
                self.enter(Levelling { replay, ..Levelling::default() }).await?;
            }
        }
        let set = self.set(year, Whose::Enrolled).await?;
        if set.root() == begun.root {
            return Ok((begun, set, true));
        }
        let comparing = compared(district, ("compare", begun.session), &set.ids).await?;
        let (ours, mut gone) = self.mine(&begun, &set, comparing.ours).await?;
        let told = self.bring(district, begun.session, &ours).await?;
        did.count(&told);
        let fetched = self.fetch(district, &begun, &comparing.theirs).await?;
        did.received = did.received.saturating_add(fetched);
        gone.extend(told.gone);
        did.removed = did.removed.saturating_add(gone.len() as u64);
        let moved = told.sent > 0 || fetched > 0 || !gone.is_empty();
        if !gone.is_empty() {
            self.enter(Levelling { gone, ..Levelling::default() }).await?;
        }
        // What the district refuses, or gives otherwise than it says, stays a difference: another round would find it again.
        if did.refused > 0 || !moved {
            let set = self.set(year, Whose::Enrolled).await?;
            return Ok((begun, set, true));
        }
        Ok((begun, set, false))
    }

    /// Events that are this replica's to bring, and places of those that go: what no feed brought is the district's to have or not.
    pub(super) async fn mine(
        &self,
        begun: &Begun,
        set: &Arc<Set>,
        ids: Vec<Id>,
    ) -> Result<(Vec<Bringing>, Vec<(Handle, EventPlace)>), LevelError> {
        let mut own: BTreeSet<u64> = begun.sources.iter().copied().collect();
        own.extend(self.feeds.iter().map(|feed| feed.source.0));
        let set = set.clone();
        self.with(move |vault| {
            let (keys, mut mine, mut gone) = (vault.feed_keys()?, Vec::new(), Vec::new());
            for id in ids {
                let Some((of, at)) = set.at(&id) else { continue };
                let heard = match key_at(&at.place).is_some_and(|key| own.contains(&key.source.0)) {
                    true => true,
                    false => {
                        let Some(kept) = vault.kept_event(&of.handle, &at.place)? else { continue };
                        let damaged = |_| VaultError::Damaged("an event in the vault is not valid".into());
                        let event = Event::decode(&kept.event).map_err(damaged)?;
                        mark_of(&keys, &event, &kept.origin).1
                    }
                };
                // Whoever's feed it was: the district says whether it has the message, or refuses it, and it stays here and is told.
                match heard {
                    true => mine.push(Bringing { id: of.id.clone(), handle: of.handle, place: at.place }),
                    false => gone.push((of.handle, at.place)),
                }
            }
            Ok((mine, gone))
        })
        .await
    }

    /// Fetches events; gives how many were lacking.
    async fn fetch(&self, district: &District, begun: &Begun, ids: &[Id]) -> Result<u64, LevelError> {
        let (year, mut received) = (SchoolYear(begun.year), 0_u64);
        for ids in ids.chunks(MAX_FETCHED) {
            let asked = Fetch { session: begun.session, ids: ids.to_vec() };
            let Rows { students, rows } = district.ask("fetch", &asked).await?;
            if rows.len() > ids.len() {
                return Err(LevelError::Answer);
            }
            let mut wanted: BTreeSet<Id> = asked.ids.into_iter().collect();
            let come = self
                .with(move |vault| {
                    let mut come = Vec::with_capacity(rows.len());
                    for Row { student, event, origin } in rows {
                        let Some(name) = students.get(usize::from(student)) else { continue };
                        // What changed there since is the next round's, and what was not asked for nobody's.
                        if !wanted.remove(&number(name, year, &event)) {
                            continue;
                        }
                        let id = LocalId::new(name);
                        let Some(handle) = id.map(|id| vault.find_in(&id, year)).transpose()?.flatten()
                        else {
                            continue;
                        };
                        let damaged =
                            |_| VaultError::Damaged("an event of the district's is not valid".into());
                        come.push(Merging { handle, event: Event::decode(&event).map_err(damaged)?, origin });
                    }
                    Ok(come)
                })
                .await?;
            let fates = self.enter(Levelling { come, ..Levelling::default() }).await?.fates;
            let taken = fates.iter().filter(|fate| matches!(fate, Merged::New | Merged::Replaced)).count();
            received = received.saturating_add(taken as u64);
        }
        Ok(received)
    }
}

/// Finds what each side lacks of a set of numbers, by the word that compares them.
pub(super) async fn compared(
    district: &District,
    (word, session): (&str, Session),
    ids: &[Id],
) -> Result<Comparing, LevelError> {
    let mut comparing = Comparing::default();
    loop {
        let parts = comparing.asks()?;
        if parts.is_empty() {
            return Ok(comparing);
        }
        let asked = Compare { session, parts };
        let answer: Compared = district.ask(word, &asked).await?;
        if answer.said.len() != asked.parts.len() {
            return Err(LevelError::Answer);
        }
        for (part, said) in asked.parts.iter().zip(&answer.said) {
            comparing.take(ids, *part, said)?;
        }
    }
}
