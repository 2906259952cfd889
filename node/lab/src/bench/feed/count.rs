//! What is lost and what stands twice: by opening the store again and reading it.

use std::collections::HashSet;

use aula_district::enter::source_of;
use aula_district::live::events_of;
use aula_home::{Advise, Failure};
use aula_vault::{Folders, Vault};

use super::{HINT, Source, events};

/// Marks that are looked up at once.
const AT_ONCE: usize = 10_000;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Events that were answered and are not in the store.
    pub lost: u64,
    /// Events that stand in the store more than once.
    pub duplicated: u64,
}

/// Looks for every event that was answered, and reads every event of every student.
///
/// # Errors
/// A store that cannot be read.
pub fn count(folders: &Folders, source: Source, answered: &[(u64, u64)]) -> Result<Found, Failure> {
    let vault = Vault::open(folders).advise("the store cannot be opened again", HINT)?;
    let keys = vault.feed_keys().advise("the store cannot be read", HINT)?;
    let feed = source_of(events::FEED);
    let name = |number| {
        if matches!(source, Source::Xapi | Source::Kafka) {
            events::statement_id(number)
        } else {
            events::name(number)
        }
    };
    let numbers: Vec<u64> = answered.iter().flat_map(|(from, to)| *from..*to).collect();
    let mut lost = 0;
    for chunk in numbers.chunks(AT_ONCE) {
        let marks: Vec<_> =
            chunk.iter().map(|number| keys.mark(feed.0, name(*number).as_bytes()).0).collect();
        for marked in vault.marked(&marks).advise("the store cannot be read", HINT)? {
            let there = match marked {
                Some(marked) => {
                    vault.has_event(&marked.handle, &marked.key).advise("the store cannot be read", HINT)?
                }
                None => false,
            };
            lost += u64::from(!there);
        }
    }
    let handles = vault.keystore().all_handles();
    let (mut seen, mut all) = (HashSet::new(), 0u64);
    for (handle, _) in handles {
        for event in events_of(&vault, &handle).advise("the store cannot be read", HINT)? {
            all += 1;
            // A message's number is of its name alone: the same message at two places has one number.
            seen.insert(event.key.sequence);
        }
    }
    Ok(Found { lost, duplicated: all - seen.len() as u64 })
}
