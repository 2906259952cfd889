//! Events from the replica to its district, and what the district says became of each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use aula_district::event_place::EventPlace;
use aula_ledger::types::Handle;
use aula_vault::replicas::EventsOf;
use aula_vault::{Vault, VaultError};

use super::asking::{Bringing, Replica, Told};
use super::district::{District, LevelError};
use super::wire::{Bring, Brought, Fate, MAX_ROWS, Row, Rows, Session};

/// Most bytes of events that are brought at once.
const MAX_BROUGHT_BYTES: usize = 2 << 20;

impl Replica {
    /// Brings events, in pieces.
    ///
    /// # Errors
    /// [`LevelError`]: what was brought until then is there.
    pub(super) async fn bring(
        &self,
        district: &District,
        session: Session,
        events: &[Bringing],
    ) -> Result<Told, LevelError> {
        let (mut told, mut rest) = (Told::default(), events);
        while !rest.is_empty() {
            let piece: Vec<Bringing> = rest.iter().take(MAX_ROWS).cloned().collect();
            let (rows, places, used) = self.with(move |vault| gathered(vault, &piece)).await?;
            rest = rest.get(used..).unwrap_or_default();
            if places.is_empty() {
                continue;
            }
            let answer: Brought = district.ask("bring", &Bring { session, rows }).await?;
            if answer.fates.len() != places.len() {
                return Err(LevelError::Answer);
            }
            for (fate, (handle, place)) in answer.fates.into_iter().zip(places) {
                match fate {
                    Fate::Taken => told.sent = told.sent.saturating_add(1),
                    Fate::Known => {}
                    Fate::Elsewhere | Fate::Unknown => told.gone.push((handle, place)),
                    Fate::Refused => {
                        told.refused = told.refused.saturating_add(1);
                        told.stay.insert(handle);
                    }
                }
            }
        }
        Ok(told)
    }
}

/// Events, up to some bytes, with their places; and of how many that is.
type Gathered = (Rows, Vec<(Handle, EventPlace)>, usize);

fn gathered(vault: &Vault, events: &[Bringing]) -> Result<Gathered, VaultError> {
    let (mut rows, mut places, mut bytes, mut used) =
        (Rows::default(), Vec::with_capacity(events.len()), 0, 0);
    let (mut known, mut opened): (HashMap<&str, u16>, HashMap<Handle, EventsOf<'_>>) = Default::default();
    for Bringing { id, handle, place } in events {
        if bytes > MAX_BROUGHT_BYTES {
            break;
        }
        used += 1;
        let of_student = match opened.entry(*handle) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => free.insert(vault.events_of(handle)?),
        };
        let Some(kept) = of_student.get(place)? else { continue };
        let student = *known.entry(id).or_insert_with(|| {
            rows.students.push(id.clone());
            u16::try_from(rows.students.len().saturating_sub(1)).unwrap_or(u16::MAX)
        });
        bytes += kept.event.len() + kept.origin.len() + 16;
        rows.rows.push(Row { student, event: kept.event.to_vec(), origin: kept.origin.to_vec() });
        places.push((*handle, *place));
    }
    Ok((rows, places, used))
}
