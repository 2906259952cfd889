//! Events that another vault of the district kept first enter this one.
//!
//! Flow: [`merge`] finds what is kept of each message, or at each place, and writes what is new or stays instead of what is kept, in
//! one synced batch. Invariants: of two events of one message, or of one place, the lesser stays, in whichever vault and order they
//! meet, so that both end with the same; a message whose student is another here stays as it is here. Absent: who may bring what,
//! and the network.

use std::collections::BTreeMap;

use aula_ledger::types::Handle;
use aula_twin_runtime::event::{Event, EventBody, EventError};
use aula_vault::feeds::{FeedEvent, FeedKeys, Once};
use aula_vault::replicas::Gone;
use aula_vault::{Vault, VaultError};

use crate::event_place::{EventPlace, place};
use crate::origin;

#[cfg(test)]
mod tests;

/// An event that comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merging {
    /// Whose it is here.
    pub handle: Handle,
    /// As it was folded in the other vault.
    pub event: Event,
    /// Where it came from, as it was sealed beside it.
    pub origin: Vec<u8>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merged {
    /// It is kept now, and was not.
    New,
    /// It was kept already, or what is kept stays instead.
    Known,
    /// It is kept now instead of another of the same message or place.
    Replaced,
    /// Its message is kept as another student's, or another year's.
    Elsewhere,
}

/// The mark that an event is kept under: its message's, or one of its place where no feed's message made it.
pub fn mark_of(keys: &FeedKeys, event: &Event, origin: &[u8]) -> (Once, bool) {
    let source = event.key.source.0;
    if let Some((name, ..)) = origin::decode(origin) {
        let (once, number) = keys.mark(source, name.as_bytes());
        if number == event.key.sequence {
            return (once, true);
        }
    }
    (keys.mark(source, &[b"place ", &place(&event.key)[..]].concat()).0, false)
}

struct Ready {
    handle: Handle,
    place: EventPlace,
    bytes: Vec<u8>,
    origin: Vec<u8>,
    once: Once,
    amends: bool,
}

/// Merges events, in one synced batch with the sources' notes: on disk on return. What became of each, in their order.
///
/// # Errors
/// A vault that refuses, a student whom it does not have any more, a kept event that is not valid: nothing of them is kept then.
pub fn merge(
    vault: &Vault,
    keys: &mut FeedKeys,
    rows: &[Merging],
    notes: impl FnOnce(&[Merged]) -> Vec<(u64, Vec<u8>)>,
) -> Result<Vec<Merged>, VaultError> {
    let marks: Vec<Once> = rows.iter().map(|row| mark_of(keys, &row.event, &row.origin).0).collect();
    let known = vault.marked(&marks)?;
    let mut merged = Vec::with_capacity(rows.len());
    // By mark, with its place in the batch: two of one message are one.
    let mut ready: BTreeMap<Once, (usize, Ready)> = BTreeMap::new();
    let mut gone: Vec<(Handle, Vec<u8>, Option<Once>)> = Vec::new();
    for ((row, once), known) in rows.iter().zip(marks).zip(known) {
        let (own, bytes) = (place(&row.event.key), row.event.encode());
        if let Some((at, earlier)) = ready.get(&once) {
            if earlier.handle != row.handle {
                merged.push(Merged::Elsewhere);
                continue;
            }
            if decoded(&earlier.bytes)? <= row.event {
                merged.push(Merged::Known);
                continue;
            }
            // This one stays instead, and has the earlier one's fate below; the earlier one is never kept.
            if let Some(fate) = merged.get_mut(*at) {
                *fate = Merged::Known;
            }
        } else if let Some(known) = &known
            && known.handle != row.handle
        {
            merged.push(Merged::Elsewhere);
            continue;
        }
        let at = known.as_ref().map_or(&own[..], |known| &known.key[..]);
        let fate = match vault.kept_event(&row.handle, at)? {
            None => Merged::New,
            Some(kept) if kept.event.as_slice() == bytes => Merged::Known,
            Some(kept) if decoded(&kept.event)? <= row.event => Merged::Known,
            Some(_) => Merged::Replaced,
        };
        if fate == Merged::Replaced && at != own {
            gone.push((row.handle, at.to_vec(), None));
        }
        if fate != Merged::Known {
            let amends = matches!(row.event.body, EventBody::Correction { .. });
            let origin = row.origin.clone();
            let own = Ready { handle: row.handle, place: own, bytes, origin, once, amends };
            ready.insert(once, (merged.len(), own));
        }
        merged.push(fate);
    }
    let events: Vec<FeedEvent<'_>> = ready
        .values()
        .map(|(_, ready)| FeedEvent {
            handle: ready.handle,
            key: &ready.place,
            event: &ready.bytes,
            origin: &ready.origin,
            once: ready.once,
            amends: ready.amends,
        })
        .collect();
    let gone: Vec<Gone<'_>> =
        gone.iter().map(|(handle, key, once)| Gone { handle: *handle, key, once: *once }).collect();
    let notes = notes(&merged);
    if !events.is_empty() || !notes.is_empty() {
        vault.put_merged(keys, &gone, &events, &notes)?;
    }
    Ok(merged)
}

/// Takes events away that the district does not have, or has elsewhere, in one synced batch.
///
/// # Errors
/// A vault that refuses: nothing has changed then.
pub fn leave(vault: &Vault, keys: &mut FeedKeys, places: &[(Handle, EventPlace)]) -> Result<(), VaultError> {
    let mut gone = Vec::with_capacity(places.len());
    for (handle, place) in places {
        let Some(kept) = vault.kept_event(handle, place)? else { continue };
        gone.push((*handle, *place, mark_of(keys, &decoded(&kept.event)?, &kept.origin).0));
    }
    let gone: Vec<Gone<'_>> =
        gone.iter().map(|(handle, key, once)| Gone { handle: *handle, key, once: Some(*once) }).collect();
    if gone.is_empty() { Ok(()) } else { vault.put_merged(keys, &gone, &[], &[]) }
}

fn decoded(bytes: &[u8]) -> Result<Event, VaultError> {
    Event::decode(bytes).map_err(|error: EventError| {
        VaultError::Damaged(format!("an event in the vault is not valid: {error}"))
    })
}
