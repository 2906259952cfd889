//! A group of messages into the vault, and what became of each.
//!
//! Flow: students are found → [`enter`] puts the events on disk in one synced batch, together with the sources' notes → who waits
//! for what has come now is entered as well. Letters are written before that batch and synced with it. Invariants: on return
//! every message of the group is an event, was one, is a letter, or was refused whole with an error; a letter that becomes an
//! event is removed after it. Absent: threads and queues.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aula_district::enter::{Entered, Entering, Entry, enter};
use aula_ingest::event::{Kind, Message, Reason, What};
use aula_ledger::types::Handle;
use aula_twin_runtime::event::{Event, SourceId};
use aula_vault::feeds::{FeedKeys, Once};
use aula_vault::{Vault, VaultError};
use bytes::Bytes;

use crate::given::{Feed, Given};
use crate::letters::{self, Letter};
use crate::note::Note;
use crate::people::People;

mod levelling;
pub(crate) mod records;
#[cfg(test)]
mod tests;

pub use levelling::{Home, Leaving, Levelled, Levelling, Sealed};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is an event.
    New,
    /// It was one already.
    Known,
    /// It is a dead letter.
    Letter(Reason),
}

/// What became of a group.
#[derive(Debug, Default)]
pub struct Taken {
    /// Of each message, in order.
    pub fates: Vec<Fate>,
    /// The new events.
    pub events: Vec<(Handle, Event)>,
}

/// What a replay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Letters that are events now.
    pub entered: usize,
    /// Letters that stay.
    pub left: usize,
}

/// Feeds whose letters are due, with the marks of those.
type Due = Vec<(Arc<Feed>, Vec<Once>)>;

/// Whether messages come from their source, or are letters that are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coming {
    New,
    Again,
}

/// What is held ready for one opening of a vault.
#[derive(Debug)]
pub struct Taking {
    opening: u64,
    keys: FeedKeys,
    people: People,
    notes: BTreeMap<SourceId, Note>,
    /// Marks of messages that amendments wait for, each with the letter that waits.
    awaited: HashMap<Once, Once>,
    read: BTreeMap<SourceId, Arc<Feed>>,
}

impl Taking {
    /// For this vault.
    ///
    /// # Errors
    /// When the keystore cannot be written, the first time.
    pub fn new(vault: &Vault) -> Result<Self, VaultError> {
        Ok(Self {
            opening: vault.opening(),
            keys: vault.feed_keys()?,
            people: People::default(),
            notes: BTreeMap::new(),
            awaited: HashMap::new(),
            read: BTreeMap::new(),
        })
    }

    /// True when it was made for this opening.
    pub fn is_of(&self, vault: &Vault) -> bool {
        self.opening == vault.opening()
    }

    /// The mark of a source's message.
    pub fn mark(&self, source: SourceId, name: &str) -> Once {
        self.keys.mark(source.0, name.as_bytes()).0
    }

    /// Takes a group: on disk on return.
    ///
    /// # Errors
    /// A vault that refuses: nothing of it counts but letters, which the same group replaces.
    pub fn take(&mut self, vault: &Vault, group: &[Given]) -> Result<Taken, VaultError> {
        let mut late = Vec::new();
        for given in group {
            late.extend(self.meet(vault, &given.feed)?);
        }
        self.people.refresh(vault);
        let mut taken = self.try_take(vault, group, Coming::New);
        if matches!(taken, Err(VaultError::Erased(_) | VaultError::UnknownHandle(_))) {
            // Somebody was erased since he was asked for.
            self.people.forget();
            taken = self.try_take(vault, group, Coming::New);
        }
        let mut taken = taken?;
        taken.events.extend(late);
        let due = self.due(group, &taken);
        taken.events.extend(self.replay_due(vault, due)?);
        Ok(taken)
    }

    /// Enters letters that waited for what has come, and gives the new events.
    fn replay_due(&mut self, vault: &Vault, due: Due) -> Result<Vec<(Handle, Event)>, VaultError> {
        let mut all = Vec::new();
        for (feed, marks) in due {
            let waiting = letters::list(vault, feed.source)?;
            let waiting = waiting.into_iter().filter(|(once, _)| marks.contains(once)).collect();
            all.extend(self.replay_letters(vault, &feed, waiting)?.1);
        }
        Ok(all)
    }

    /// Feeds whose letters waited for what this group brought.
    fn due(&mut self, group: &[Given], taken: &Taken) -> Due {
        let mut due: BTreeMap<SourceId, (Arc<Feed>, Vec<Once>)> = BTreeMap::new();
        if self.awaited.is_empty() {
            return Vec::new();
        }
        for (given, fate) in group.iter().zip(&taken.fates) {
            let (Fate::New, Ok(message)) = (fate, &given.message) else { continue };
            let source = given.feed.source;
            let mark = self.mark(source, &message.name);
            if let Some(letter) = self.awaited.remove(&mark) {
                due.entry(source).or_insert_with(|| (given.feed.clone(), Vec::new())).1.push(letter);
            }
        }
        due.into_values().collect()
    }

    /// Reads the note and the waiting letters of a feed that is met for the first time, and gives the events of letters whose target
    /// came before a process that died could enter them.
    fn meet(&mut self, vault: &Vault, feed: &Arc<Feed>) -> Result<Vec<(Handle, Event)>, VaultError> {
        if self.read.contains_key(&feed.source) {
            return Ok(Vec::new());
        }
        self.notes.insert(feed.source, Note::of(vault, feed.source.0, &feed.name)?);
        for (once, letter) in letters::list(vault, feed.source)? {
            if Reason::parse(&letter.reason) == Some(Reason::UnknownTarget) {
                self.await_target(feed, once, &letter);
            }
        }
        self.read.insert(feed.source, feed.clone());
        let own = feed.source.0.to_be_bytes();
        let targets: Vec<Once> = self.awaited.keys().filter(|once| once.starts_with(&own)).copied().collect();
        let there = targets.iter().zip(vault.marked(&targets)?).filter(|(_, found)| found.is_some());
        let due: Vec<Once> = there.filter_map(|(target, _)| self.awaited.remove(target)).collect();
        match due.is_empty() {
            true => Ok(Vec::new()),
            false => self.replay_due(vault, vec![(feed.clone(), due)]),
        }
    }

    fn await_target(&mut self, feed: &Arc<Feed>, once: Once, letter: &Letter) {
        let raw = Bytes::copy_from_slice(&letter.raw);
        let sender = Arc::from(letter.sender.as_str());
        let read = Given::read(feed, letter.form, raw, (&sender, letter.number), letter.received_ms);
        if let Some(Given { message: Ok(Message { what: What::Amended { of, .. }, .. }), .. }) = read {
            let target = self.mark(feed.source, &of);
            self.awaited.insert(target, once);
        }
    }

    fn try_take(&mut self, vault: &Vault, group: &[Given], coming: Coming) -> Result<Taken, VaultError> {
        let mut fates: Vec<Option<Fate>> = vec![None; group.len()];
        let (mut entering, mut places) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
        let mut dead: Vec<(usize, Reason, String)> = Vec::new();
        for (at, given) in group.iter().enumerate() {
            match &given.message {
                Err(refusal) => dead.push((at, refusal.reason, refusal.detail.clone())),
                Ok(message) => match self.entry(vault, message)? {
                    Some(what) => {
                        entering.push(Entering {
                            source: given.feed.source,
                            name: message.name.as_str().into(),
                            at: message.at,
                            received_ms: given.received_ms,
                            what,
                            origin: given.origin(&message.name),
                        });
                        places.push(at);
                    }
                    None => dead.push((at, Reason::UnknownStudent, UNKNOWN.into())),
                },
            }
        }
        // Letters first: the events' batch syncs them as well.
        self.keep_letters(vault, group, &dead)?;
        let mut notes = self.notes.clone();
        for (at, ..) in dead.iter().filter(|_| coming == Coming::New) {
            count_letter(&mut notes, group.get(*at));
        }
        let entered = enter(vault, &mut self.keys, entering, |entered| {
            for (entered, given) in entered.iter().zip(places.iter().filter_map(|at| group.get(*at))) {
                if coming == Coming::New || matches!(entered, Entered::New(..)) {
                    count(&mut notes, given, entered);
                }
            }
            let new = entered.iter().any(|entered| matches!(entered, Entered::New(..)));
            if !new && dead.is_empty() {
                return Vec::new();
            }
            notes.iter().map(|(source, note)| (source.0, note.encode())).collect()
        })?;
        self.notes = notes;
        let (mut events, mut late) = (Vec::with_capacity(entered.len()), Vec::new());
        for (entered, at) in entered.into_iter().zip(places) {
            let fate = match entered {
                Entered::New(handle, event) => {
                    events.push((handle, event));
                    Fate::New
                }
                Entered::Known => Fate::Known,
                Entered::NoTarget => {
                    let detail = "it amends a message that has not come: it enters by itself when that comes";
                    late.push((at, Reason::UnknownTarget, detail.to_owned()));
                    Fate::Letter(Reason::UnknownTarget)
                }
                Entered::Refused(why) => {
                    let source = std::error::Error::source(&why).map(|inner| format!("{why}: {inner}"));
                    late.push((at, Reason::Refused, source.unwrap_or_else(|| why.to_string())));
                    Fate::Letter(Reason::Refused)
                }
            };
            if let Some(place) = fates.get_mut(at) {
                *place = Some(fate);
            }
        }
        for (at, reason, _) in &dead {
            if let Some(place) = fates.get_mut(*at) {
                *place = Some(Fate::Letter(*reason));
            }
        }
        if !late.is_empty() {
            self.keep_letters(vault, group, &late)?;
            vault.sync_rows()?;
        }
        Ok(Taken { fates: fates.into_iter().flatten().collect(), events })
    }

    /// What a message says, of a student whom the vault knows.
    fn entry(&mut self, vault: &Vault, message: &Message) -> Result<Option<Entry>, VaultError> {
        Ok(match &message.what {
            What::Amended { of, instead } => {
                Some(Entry::Amended { of: of.clone(), instead: instead.clone() })
            }
            What::Happened(body) => {
                let id = message.student.as_deref().unwrap_or_default();
                let handle = self.people.find(vault, id, message.at.wall_ms())?;
                handle.map(|handle| Entry::Happened { handle, body: body.clone() })
            }
        })
    }

    fn keep_letters(
        &mut self,
        vault: &Vault,
        group: &[Given],
        dead: &[(usize, Reason, String)],
    ) -> Result<(), VaultError> {
        let mut by_feed: BTreeMap<SourceId, (Arc<Feed>, Vec<Letter>)> = BTreeMap::new();
        for (at, reason, detail) in dead {
            let Some(given) = group.get(*at) else { continue };
            let letter = Letter::of(given, *reason, detail);
            if *reason == Reason::UnknownTarget {
                let once = letter.mark(&self.keys, given.feed.source);
                self.await_target(&given.feed, once, &letter);
            }
            let of_feed =
                by_feed.entry(given.feed.source).or_insert_with(|| (given.feed.clone(), Vec::new()));
            of_feed.1.push(letter);
        }
        for (feed, letters) in by_feed.into_values() {
            letters::keep(vault, &self.keys, feed.source, feed.unassigned_days, &letters)?;
        }
        Ok(())
    }

    /// Enters the letters of a feed whose cause is gone, and gives the new events.
    ///
    /// # Errors
    /// A vault that refuses; what was entered stays, and the letters may be replayed again.
    pub fn replay(
        &mut self,
        vault: &Vault,
        feed: &Arc<Feed>,
    ) -> Result<(Replayed, Vec<(Handle, Event)>), VaultError> {
        let late = self.meet(vault, feed)?;
        self.people.forget();
        self.people.refresh(vault);
        let all = letters::list(vault, feed.source)?;
        let (mut replayed, mut events) = self.replay_letters(vault, feed, all)?;
        replayed.entered += late.len();
        events.extend(late);
        Ok((replayed, events))
    }

    fn replay_letters(
        &mut self,
        vault: &Vault,
        feed: &Arc<Feed>,
        letters: Vec<(Once, Letter)>,
    ) -> Result<(Replayed, Vec<(Handle, Event)>), VaultError> {
        let (mut replayed, mut events, mut gone) = (Replayed::default(), Vec::new(), Vec::new());
        let (mut group, mut marks) = (Vec::new(), Vec::new());
        for (once, letter) in letters {
            let sender = Arc::from(letter.sender.as_str());
            let raw = Bytes::from(letter.raw);
            match Given::read(feed, letter.form, raw, (&sender, letter.number), letter.received_ms) {
                Some(given) => {
                    group.push(given);
                    marks.push(once);
                }
                // A rule that came since says that it is no event.
                None => gone.push(once),
            }
        }
        // What happened before what amends it.
        let mut order: Vec<usize> = (0..group.len()).collect();
        order.sort_by_key(|at| group.get(*at).is_some_and(amends));
        let sorted: Vec<Given> = order.iter().filter_map(|at| group.get(*at).cloned()).collect();
        for (chunk, at) in sorted.chunks(1_000).zip((0..).step_by(1_000)) {
            let taken = self.try_take(vault, chunk, Coming::Again)?;
            for (n, fate) in taken.fates.iter().enumerate() {
                match (fate, order.get(at + n).and_then(|at| marks.get(*at))) {
                    (Fate::Letter(_), _) | (_, None) => replayed.left += 1,
                    (Fate::New | Fate::Known, Some(once)) => gone.push(*once),
                }
            }
            events.extend(taken.events);
        }
        replayed.entered = gone.len();
        if !gone.is_empty() {
            letters::remove(vault, &gone)?;
        }
        Ok((replayed, events))
    }

    /// Counts what waited in the cold spool.
    pub fn count_deferred(&mut self, given: &Given) {
        if let (Some(note), Ok(message)) = (self.notes.get_mut(&given.feed.source), &given.message)
            && let Some(kind) = Kind::of(&message.what)
        {
            *note.deferred.entry(kind.name().into()).or_default() += 1;
        }
    }
}

const UNKNOWN: &str = "the vault knows no such student: import the roster, then replay";

fn amends(given: &Given) -> bool {
    matches!(&given.message, Ok(message) if matches!(message.what, What::Amended { .. }))
}

fn count_letter(notes: &mut BTreeMap<SourceId, Note>, given: Option<&Given>) {
    if let Some((given, note)) = given.and_then(|given| Some((given, notes.get_mut(&given.feed.source)?))) {
        note.dead_letters += 1;
        note.last_received_ms = note.last_received_ms.max(given.received_ms);
    }
}

fn count(notes: &mut BTreeMap<SourceId, Note>, given: &Given, entered: &Entered) {
    let Some(note) = notes.get_mut(&given.feed.source) else { return };
    note.last_received_ms = note.last_received_ms.max(given.received_ms);
    match entered {
        Entered::New(_, event) => {
            note.newest_event_ms = note.newest_event_ms.max(event.effective_ms());
            if let Some(kind) = Kind::of_body(&event.body) {
                match note.events.get_mut(kind.name()) {
                    Some(count) => *count += 1,
                    None => {
                        note.events.insert(kind.name().into(), 1);
                    }
                }
            }
        }
        Entered::Known => note.known += 1,
        Entered::NoTarget | Entered::Refused(_) => note.dead_letters += 1,
    }
}
