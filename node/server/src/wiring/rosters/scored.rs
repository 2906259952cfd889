//! Where scores stand among students' events, so that a student's events are opened once and not whenever somebody asks for results.
//!
//! What stays in memory is places of events, which say who sent and when, and no score. A student is looked through anew when any of the
//! events has another seal than when it was. Absent: scores that imports keep as records.

use std::collections::{BTreeMap, BTreeSet};

use aula_district::event_place::{EventPlace, place};
use aula_district::import::events::IMPORTS;
use aula_district::live::{LiveError, events_of};
use aula_ledger::types::Handle;
use aula_twin_runtime::event::{Event, EventBody, EventKey};
use aula_twin_runtime::merge::counted;
use aula_vault::{Vault, VaultError};
use sha2::{Digest, Sha256};

/// Places of scores and of what amends them, by handle.
#[derive(Default)]
pub(super) struct Scored {
    of: BTreeMap<Handle, Of>,
    /// How often a student's events were opened all.
    #[cfg(test)]
    pub opened: usize,
}

struct Of {
    /// The digest of places and seals.
    seals: [u8; 32],
    places: Vec<EventPlace>,
}

impl Scored {
    /// The scores that a student's feeds brought, as they count: corrections applied.
    ///
    /// # Errors
    /// A damaged vault.
    pub fn of(&mut self, vault: &Vault, handle: &Handle) -> Result<Vec<Event>, VaultError> {
        let mut hash = Sha256::new();
        vault.event_tags(handle, |place, tag| {
            hash.update((place.len() as u64).to_le_bytes());
            hash.update(place);
            hash.update(tag);
        })?;
        let seals: [u8; 32] = hash.finalize().into();
        let events = match self.of.get(handle).filter(|of| of.seals == seals) {
            Some(of) => opened(vault, handle, &of.places)?,
            None => {
                let events = scores(all(vault, handle)?);
                let places = events.iter().map(|event| place(&event.key)).collect();
                self.of.insert(*handle, Of { seals, places });
                #[cfg(test)]
                {
                    self.opened += 1;
                }
                events
            }
        };
        // What an import brought is a record as well.
        let heard = |event: &Event| event.key.source != IMPORTS && is_score(&event.body);
        Ok(counted(events).into_iter().filter(heard).collect())
    }

    /// Forgets everybody else.
    pub fn keep(&mut self, handles: &BTreeSet<Handle>) {
        self.of.retain(|handle, _| handles.contains(handle));
    }
}

fn damaged() -> VaultError {
    VaultError::Damaged("an event in the vault is damaged".into())
}

fn all(vault: &Vault, handle: &Handle) -> Result<Vec<Event>, VaultError> {
    events_of(vault, handle).map_err(|error| match error {
        LiveError::Vault(error) => error,
        LiveError::Event(_) => damaged(),
    })
}

fn opened(vault: &Vault, handle: &Handle, places: &[EventPlace]) -> Result<Vec<Event>, VaultError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let (own, mut events) = (vault.events_of(handle)?, Vec::with_capacity(places.len()));
    for place in places {
        let kept = own.get(place)?.ok_or_else(damaged)?;
        events.push(Event::decode(&kept.event).map_err(|_| damaged())?);
    }
    Ok(events)
}

const fn is_score(body: &EventBody) -> bool {
    matches!(body, EventBody::Assessment { .. })
}

/// Events that are scores, were, or become scores by a correction; and all that corrects those.
fn scores(events: Vec<Event>) -> Vec<Event> {
    let of: BTreeSet<EventKey> = events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Correction { target, replacement: Some(body) } if is_score(body) => Some(*target),
            body => is_score(body).then_some(event.key),
        })
        .collect();
    let kept = |event: &Event| match &event.body {
        EventBody::Correction { target, .. } => of.contains(target),
        _ => of.contains(&event.key),
    };
    events.into_iter().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use aula_district::enter::{Entering, Entry, enter, source_of};
    use aula_home::clock::now_ms;
    use aula_kit::Tested;
    use aula_kit::vault::{create, enrol};
    use aula_ledger::types::SchoolYear;
    use aula_twin_runtime::clock::Stamp;
    use aula_twin_runtime::event::{Attendance, SkillId};

    use super::*;

    fn score(score_e1: u32) -> EventBody {
        EventBody::Assessment { skill: SkillId(7), grade: 5, year: 2025, score_e1 }
    }

    fn happened(handle: Handle, body: EventBody) -> Entry {
        Entry::Happened { handle, body }
    }

    #[test]
    fn a_students_events_are_opened_once_until_one_of_them_is_another() -> Tested {
        let folder = tempfile::tempdir()?;
        let (_, vault) = create(folder.path(), now_ms())?;
        let handles = enrol(&vault, &["S-1", "S-2"], SchoolYear(2025))?;
        let amended = |of: &str, instead| Entry::Amended { of: of.into(), instead };
        let hear = |name: &str, what: Entry| -> Tested {
            // In the order of their names.
            let at_ms = 1_772_443_800_000 + name.bytes().map(u64::from).sum::<u64>();
            let message = Entering {
                source: source_of("lms"),
                name: name.to_owned().into(),
                at: Stamp::new(at_ms, 0)?,
                received_ms: at_ms,
                what,
                origin: Vec::new(),
            };
            enter(&vault, &mut vault.feed_keys()?, vec![message], |_| Vec::new())?;
            Ok(())
        };
        let late = EventBody::Attendance(Attendance::Late);
        hear("a", happened(handles[0], score(2_000)))?;
        hear("b", happened(handles[0], late.clone()))?;
        hear("c", happened(handles[1], late.clone()))?;
        let mut kept = Scored::default();
        let told = |kept: &mut Scored| -> Result<Vec<u32>, VaultError> {
            let mut all = Vec::new();
            for handle in &handles {
                for event in kept.of(&vault, handle)? {
                    if let EventBody::Assessment { score_e1, .. } = event.body {
                        all.push(score_e1);
                    }
                }
            }
            all.sort_unstable();
            // What is remembered gives what looking through everything gives.
            let mut anew = Vec::new();
            for handle in &handles {
                anew.extend(counted(super::all(&vault, handle)?).into_iter().filter_map(|event| {
                    match event.body {
                        EventBody::Assessment { score_e1, .. } => Some(score_e1),
                        _ => None,
                    }
                }));
            }
            anew.sort_unstable();
            assert_eq!(all, anew);
            Ok(all)
        };
        assert_eq!((told(&mut kept)?, kept.opened), (vec![2_000], 2));
        assert_eq!((told(&mut kept)?, kept.opened), (vec![2_000], 2), "nobody is opened again");
        // Corrected; become a score; a score no more; taken back.
        hear("d", amended("a", Some(score(2_100))))?;
        assert_eq!((told(&mut kept)?, kept.opened), (vec![2_100], 3), "one student's events were others");
        hear("e", amended("c", Some(score(1_500))))?;
        hear("f", happened(handles[1], score(900)))?;
        assert_eq!((told(&mut kept)?, told(&mut kept)?.len(), kept.opened), (vec![900, 1_500, 2_100], 3, 4));
        hear("g", amended("c", Some(late)))?;
        hear("h", amended("f", None))?;
        assert_eq!((told(&mut kept)?, kept.opened), (vec![2_100], 5));
        assert_eq!((told(&mut kept)?, kept.opened), (vec![2_100], 5));
        kept.keep(&[handles[1]].into());
        assert_eq!((told(&mut kept)?, kept.opened), (vec![2_100], 6));
        Ok(())
    }
}
