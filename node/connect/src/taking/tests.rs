//! What a process that died had not entered yet, the next one enters.

use aula_district::enter::{Entering, Entry, enter};
use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::{Attendance, EventBody};
use aula_vault::rows::{Custody, NewRow, RowChange, TermSet};

use super::*;
use crate::testkit::{NOW_MS, Tested, World, line, mark};

#[test]
fn an_amendment_whose_target_came_before_a_crash_enters_with_the_next_message() -> Tested {
    let world = World::new()?;
    let mut taking = Taking::new(&world.vault)?;
    let early = format!(r#"{{"id":"a","at":{NOW_MS},"event":{{"kind":"deletion","of":"m"}}}}"#);
    let taken = taking.take(&world.vault, &[line(&world.feed, early)?])?;
    assert_eq!(taken.fates, [Fate::Letter(Reason::UnknownTarget)]);
    // The target is on disk, and the process died before it entered what waited for it.
    let target = Entering {
        source: world.feed.source,
        name: "m".into(),
        at: Stamp::new(NOW_MS, 0)?,
        received_ms: NOW_MS,
        what: Entry::Happened { handle: world.handles[0], body: EventBody::Attendance(Attendance::Absent) },
        origin: Vec::new(),
    };
    enter(&world.vault, &mut world.vault.feed_keys()?, vec![target], |_| Vec::new())?;
    let mut next = Taking::new(&world.vault)?;
    let taken = next.take(&world.vault, &[mark(&world.feed, "n", "S-1", 2)?])?;
    assert_eq!((taken.fates, taken.events.len()), (vec![Fate::New], 2), "the message, and what waited");
    assert!(letters::list(&world.vault, world.feed.source)?.is_empty());
    Ok(())
}

#[test]
fn who_is_to_be_erased_stays_while_an_event_was_not_told_of() -> Tested {
    let world = World::new()?;
    let vault = &world.vault;
    let mut taking = Taking::new(vault)?;
    let earlier = aula_kit::vault::enrol(vault, &["S-0"], aula_ledger::types::SchoolYear(2024))?[0];
    let handles = [world.handles[0], earlier];
    let told = || -> Result<Leaving, VaultError> {
        let mut leaving = Leaving::default();
        for handle in handles {
            let own = leaving.told.entry(handle).or_default();
            vault.event_tags(&handle, |place, tag| {
                own.extend(place.try_into().ok().map(|place| (place, tag)))
            })?;
        }
        Ok(leaving)
    };
    let leave = |taking: &mut Taking, leaving: Leaving| {
        let levelling = Levelling { leave: vec![leaving], at_ms: NOW_MS, ..Levelling::default() };
        taking.level(vault, &levelling).map(|levelled| levelled.erased)
    };
    taking.take(vault, &[mark(&world.feed, "a", "S-0", 1)?])?;
    let before = told()?;
    // Another event comes after the other side was asked.
    taking.take(vault, &[mark(&world.feed, "b", "S-0", 2)?])?;
    assert_eq!(leave(&mut taking, before)?, 0);
    assert!(!vault.is_erased(&handles[0])?);
    // A year that was not told of keeps her as well.
    let mut one = told()?;
    one.told.remove(&earlier);
    assert_eq!(leave(&mut taking, one)?, 0);
    assert_eq!(leave(&mut taking, Leaving::default())?, 0);
    assert_eq!(leave(&mut taking, told()?)?, 1);
    assert!(vault.is_erased(&handles[0])? && vault.is_erased(&earlier)?);
    // What comes of her now is a letter: nothing of it is lost.
    let taken = taking.take(vault, &[mark(&world.feed, "c", "S-0", 3)?])?;
    assert_eq!(taken.fates, [Fate::Letter(Reason::UnknownStudent)]);
    Ok(())
}

#[test]
fn who_is_to_be_erased_stays_while_a_record_was_not_told_of_as_it_stands() -> Tested {
    let world = World::new()?;
    let vault = &world.vault;
    let mut taking = Taking::new(vault)?;
    let (statement, document) = ([b's'; 9].to_vec(), [b'd'; 33].to_vec());
    let put = |key: &[u8]| {
        let row = NewRow {
            key: key.to_vec(),
            is_first: false,
            own: vec![(world.handles[0], Vec::new())],
            custody: Custody::District,
            common: b"{}".to_vec(),
            whole: Vec::new(),
            terms: TermSet::default(),
            keys: TermSet::default(),
            terms_of: Vec::new(),
            marks: vec![0],
        };
        vault.change_rows(&RowChange { put: vec![row], ..RowChange::default() })
    };
    put(&statement)?;
    put(&document)?;
    let tag = || -> Result<[u8; 8], Box<dyn std::error::Error>> {
        Ok(vault.row_seal(&document)?.ok_or("no document")?.tag)
    };
    let mut leave = |all: Vec<(&Vec<u8>, [u8; 8])>, unknown: Vec<(&Vec<u8>, [u8; 8])>, is_unknown| {
        let of =
            |rows: Vec<(&Vec<u8>, [u8; 8])>| rows.into_iter().map(|(key, tag)| (key.clone(), tag)).collect();
        let (all, unknown) = (of(all), of(unknown));
        let records = Arc::new(Home { all, unknown, ..Home::default() });
        let told = [(world.handles[0], Default::default())].into();
        let leave = vec![Leaving { told, records, id: "S-0".into(), is_unknown }];
        taking.level(vault, &Levelling { leave, at_ms: NOW_MS, ..Levelling::default() }).map(|did| did.erased)
    };
    let stale = tag()?;
    assert_eq!(leave(Vec::new(), Vec::new(), true)?, 0);
    assert_eq!(leave(vec![(&statement, [0; 8])], Vec::new(), false)?, 0, "the document was not told of");
    put(&document)?;
    assert_eq!(
        leave(vec![(&statement, [0; 8]), (&document, stale)], Vec::new(), false)?,
        0,
        "it was written anew"
    );
    let now = tag()?;
    let rows = [(&statement, [0; 8]), (&document, now)];
    assert_eq!(leave(Vec::new(), rows.to_vec(), false)?, 0, "she is somebody's there");
    assert_eq!(leave(rows[..1].to_vec(), rows[1..].to_vec(), true)?, 1);
    assert!(vault.rows_of(&world.handles[0])?.is_empty());
    Ok(())
}
