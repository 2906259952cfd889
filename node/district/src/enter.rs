//! An event enters the vault: the one way in for feeds, imports and whatever else brings events of students.
//!
//! Flow: [`enter`] gives each message its mark, finds what is kept already, gives the rest their places in the order, and
//! writes all of them in one synced batch. Invariants: (source, name) makes a message exactly once, in whatever order and
//! however often it comes; an event's place is a function of its message alone, so that any order of arrival gives the same
//! events; what amends stands after what it amends. Absent: who a student is, folding, what becomes of a message that is no
//! event.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use aula_ledger::types::Handle;
use aula_twin_runtime::clock::{ClockError, Skew, Stamp};
use aula_twin_runtime::event::{Event, EventBody, EventError, EventKey, SourceId};
use aula_vault::feeds::{FeedEvent, FeedKeys, Marked, Once};
use aula_vault::{Vault, VaultError};
use sha2::{Digest, Sha256};

use crate::event_place::{EventPlace, key_at, place};

#[cfg(test)]
mod tests;

/// How far a source's clock may be from this machine's before its events are judged by when they came, milliseconds: what
/// machines that ask a time server stay within.
pub const SKEW_BOUND_MS: u64 = 60_000;

/// A message to enter.
#[derive(Debug, Clone)]
pub struct Entering<'a> {
    /// Who sends.
    pub source: SourceId,
    /// The source's own name of the message.
    pub name: Cow<'a, str>,
    /// When it happened.
    pub at: Stamp,
    /// When it was received, milliseconds since 1970.
    pub received_ms: u64,
    /// What it says.
    pub what: Entry,
    /// Where it came from, for whoever traces it: the writer's bytes.
    pub origin: Vec<u8>,
}

/// What a message says.
#[derive(Debug, Clone)]
pub enum Entry {
    /// Something happened.
    Happened {
        /// The student, by the pseudonym of the year.
        handle: Handle,
        /// What happened, without time and source.
        body: EventBody,
    },
    /// An earlier message of the source was wrong.
    Amended {
        /// The source's own name of that message.
        of: String,
        /// What it should have said; nothing when it did not happen.
        instead: Option<EventBody>,
    },
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// It is an event, on disk.
    New(Handle, Event),
    /// It was an event already.
    Known,
    /// It amends what has not come.
    NoTarget,
    /// It cannot be an event.
    Refused(Refused),
}

/// Why a message cannot be an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The twin's rules refuse its values.
    #[error("the event is refused")]
    Event(#[from] EventError),
    /// An amendment names the message that came first, never another amendment.
    #[error("it amends an amendment: name the message that came first")]
    Amendment,
    /// Its time is not one that an event can have.
    #[error("its time is refused")]
    Clock(#[from] ClockError),
}

/// The number of a source from the name that the district gives it: 64 bits of SHA-256, never 0.
pub fn source_of(name: &str) -> SourceId {
    let digest: [u8; 32] = Sha256::digest([b"aula feed ", name.as_bytes()].concat()).into();
    let mut number = [0; 8];
    number.copy_from_slice(&digest[..8]);
    SourceId(u64::from_be_bytes(number).max(1))
}

struct Ready {
    handle: Handle,
    place: EventPlace,
    /// Its bytes among those of the batch.
    bytes: Range<usize>,
    origin: Vec<u8>,
    once: Once,
    amends: bool,
}

/// Marks end in bytes of an HMAC: any eight of them are a hash already.
#[derive(Debug, Default)]
struct OfMark(u64);

impl Hasher for OfMark {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk::<8>() {
            self.0 = u64::from_le_bytes(*last);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a batch enters, which the vault does not show yet: by mark, where it stands in the batch.
type Own = HashMap<Once, usize, BuildHasherDefault<OfMark>>;

/// Enters messages, in one synced batch with the sources' notes: on disk on return. What became of each, in their order.
///
/// # Errors
/// A vault that refuses, or a student whom it does not have any more: nothing of them is kept then.
pub fn enter(
    vault: &Vault,
    keys: &mut FeedKeys,
    messages: Vec<Entering<'_>>,
    notes: impl FnOnce(&[Entered]) -> Vec<(u64, Vec<u8>)>,
) -> Result<Vec<Entered>, VaultError> {
    let marks: Vec<(Once, u64)> =
        messages.iter().map(|message| keys.mark(message.source.0, message.name.as_bytes())).collect();
    let known = vault.marked(&marks.iter().map(|(once, _)| *once).collect::<Vec<_>>())?;
    let mut own = Own::with_capacity_and_hasher(messages.len(), BuildHasherDefault::default());
    let mut entered = Vec::with_capacity(messages.len());
    let mut ready: Vec<Ready> = Vec::with_capacity(messages.len());
    let mut bytes = Vec::with_capacity(64 * messages.len());
    for ((message, (once, number)), known) in messages.into_iter().zip(marks).zip(known) {
        if known.is_some() || own.contains_key(&once) {
            entered.push(Entered::Known);
            continue;
        }
        let Entering { source, at, received_ms, what, origin, .. } = message;
        let made = event(vault, keys, what, (source, at, received_ms, number), (&own, &ready))?;
        entered.push(match made {
            Made::Event(handle, event) => {
                let (place, amends) = (place(&event.key), matches!(event.body, EventBody::Correction { .. }));
                own.insert(once, ready.len());
                let from = bytes.len();
                event.encode_to(&mut bytes);
                ready.push(Ready { handle, place, bytes: from..bytes.len(), origin, once, amends });
                Entered::New(handle, event)
            }
            Made::NoTarget => Entered::NoTarget,
            Made::Refused(why) => Entered::Refused(why),
        });
    }
    let events: Vec<FeedEvent<'_>> = ready
        .iter()
        .map(|ready| FeedEvent {
            handle: ready.handle,
            key: &ready.place,
            event: bytes.get(ready.bytes.clone()).unwrap_or_default(),
            origin: &ready.origin,
            once: ready.once,
            amends: ready.amends,
        })
        .collect();
    let notes = notes(&entered);
    if !events.is_empty() || !notes.is_empty() {
        vault.put_feed(keys, &events, &notes)?;
    }
    Ok(entered)
}

enum Made {
    Event(Handle, Event),
    NoTarget,
    Refused(Refused),
}

fn event(
    vault: &Vault,
    keys: &FeedKeys,
    what: Entry,
    (source, at, received_ms, number): (SourceId, Stamp, u64, u64),
    (own, ready): (&Own, &[Ready]),
) -> Result<Made, VaultError> {
    let (handle, stamp, body) = match what {
        Entry::Happened { handle, body } => (handle, at, body),
        Entry::Amended { of, instead } => {
            let (target, _) = keys.mark(source.0, of.as_bytes());
            let found = match own.get(&target).and_then(|at| ready.get(*at)) {
                Some(Ready { handle, place, amends, .. }) => {
                    Some(Marked { handle: *handle, key: place.to_vec(), amends: *amends })
                }
                None => vault.marked(&[target])?.pop().flatten(),
            };
            let Some(found) = found else { return Ok(Made::NoTarget) };
            if found.amends {
                return Ok(Made::Refused(Refused::Amendment));
            }
            let damaged = || VaultError::Damaged("a mark names no event".into());
            let target = key_at(&found.key).ok_or_else(damaged)?;
            // After its target whatever the source's clock says.
            let after = Stamp::new(target.stamp.wall_ms(), target.stamp.counter().saturating_add(1));
            let after = match after {
                Ok(after) => after,
                Err(why) => return Ok(Made::Refused(why.into())),
            };
            let replacement = instead.map(Box::new);
            (found.handle, at.max(after), EventBody::Correction { target, replacement })
        }
    };
    let key = EventKey { stamp, source, sequence: number };
    let skew = Skew::judge(stamp, received_ms, SKEW_BOUND_MS);
    let event = Event { key, skew, body };
    Ok(match event.check() {
        Ok(()) => Made::Event(handle, event),
        Err(why) => Made::Refused(why.into()),
    })
}
