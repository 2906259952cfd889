//! A vault with a school of forty and one of twelve, hours that end, a late event, and what the log and the files say.

use std::collections::BTreeMap;

use aula_district::event_place::place;
use aula_kit::vault::{create, enrol};
use aula_kit::{Made, Tested};
use aula_ledger::types::SchoolYear;
use aula_twin_runtime::clock::{Skew, Stamp};
use aula_twin_runtime::event::{Event, EventBody, EventKey, ResourceId, SourceId};
use aula_vault::Vault;
use aula_vault::imports::{ImportNote, StudentWrite};
use aula_vault::roster::RosterEntry;
use aula_vault::vault::EventIn;
use tokio::runtime::Handle as Runtime;

use super::*;

const YEAR: SchoolYear = SchoolYear(2026);
const HOUR: u64 = 3_600_000;
/// 2026-11-29, eight in the morning (UTC).
const EIGHT: u64 = 1_795_939_200_000;

fn used(at_ms: u64, sequence: u64) -> Made<Event> {
    let body = EventBody::ResourceUse { resource: ResourceId(77), used_minutes: 20, available_minutes: 40 };
    let key = EventKey { stamp: Stamp::new(at_ms, 0)?, source: SourceId(1), sequence };
    Ok(Event { key, skew: Skew::Within, body })
}

fn enrolled(vault: &Vault, names: std::ops::Range<u32>, school: u32) -> Made<Vec<Handle>> {
    let ids: Vec<String> = names.map(|n| format!("S-{n}")).collect();
    let handles = enrol(vault, &ids, YEAR)?;
    let write = |(handle, id): (&Handle, &String)| StudentWrite {
        handle: *handle,
        roster: Some(RosterEntry {
            local_id: id.clone(),
            school: Some(school),
            local_school: "site".into(),
            enrolled: true,
            modified_ms: 0,
        }),
        fields: Vec::new(),
        ties: Vec::new(),
        events: Vec::new(),
    };
    let writes: Vec<_> = handles.iter().zip(&ids).map(write).collect();
    let note = ImportNote {
        import: 0,
        at_ms: EIGHT,
        school_year: YEAR,
        format: "csv".into(),
        rows: 1,
        students: 1,
        undone_ms: None,
    };
    vault.import(&note, &BTreeMap::from([("site".to_owned(), school)]), &writes)?;
    Ok(handles)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_is_counted_once_when_it_is_over_and_no_small_count_is_on_disk() -> Tested {
    let above = tempfile::tempdir()?;
    let (folders, vault) = create(above.path(), EIGHT)?;
    let large = enrolled(&vault, 0..40, 31)?;
    let small = enrolled(&vault, 40..52, 32)?;
    let put = |vault: &Vault, handle: &Handle, event: &Event| {
        vault.put_events(&[EventIn { handle: *handle, key: &place(&event.key), event: &event.encode() }])
    };
    // At eight 23 students of the large school, at nine 4 of them; all twelve of the small one, which would tell of everybody.
    for (n, handle) in large.iter().enumerate().take(23) {
        put(&vault, handle, &used(EIGHT + 60_000, 1)?)?;
        if n < 4 {
            put(&vault, handle, &used(EIGHT + HOUR, 2)?)?;
        }
    }
    for handle in &small {
        put(&vault, handle, &used(EIGHT + 60_000, 1)?)?;
    }
    let reads = vault.entries()?.len();
    drop(vault);
    let counting = Counting {
        door: KeptDoor::at(folders.clone(), Runtime::current()),
        folder: above.path().join("hours"),
        zone: "UTC".into(),
    };
    let look = |now_ms: u64| {
        let counting = counting.clone();
        tokio::task::spawn_blocking(move || counting.look(now_ms, 10).map_err(|failure| failure.message))
    };
    // Within the grace the hour of eight is not over yet: what is counted are the 29 days and eight hours before.
    assert_eq!(look(EIGHT + HOUR + GRACE_MS - 1).await??, 29 * 24 + 8);
    assert_eq!(look(EIGHT + HOUR + GRACE_MS).await??, 1);
    let shelf = Shelf::at(&counting.folder);
    let day = |school| shelf.day(SchoolId(school), "2026-11-29").ok_or("a day");
    let row = &day(31)?.resources[0];
    assert_eq!((row.resource, row.students.len(), row.students[8]), (77, 9, Some(20)));
    assert!(day(32)?.resources.is_empty());
    assert_eq!(shelf.school(SchoolId(31)).days.len(), 30);
    // A late event changes nothing that stands; the next hour has too few.
    let vault = Vault::open_in_turn(&folders, aula_vault::turn::PATIENCE)?;
    for handle in large.iter().skip(23).take(8) {
        put(&vault, handle, &used(EIGHT + 120_000, 3)?)?;
    }
    assert_eq!(vault.entries()?.len(), reads + 23 + 12, "one entry a student whose events were opened");
    drop(vault);
    assert_eq!(look(EIGHT + 2 * HOUR + GRACE_MS).await??, 1);
    let row = &day(31)?.resources[0];
    assert_eq!(row.students[8..], [Some(20), None]);
    assert_eq!(look(EIGHT + 2 * HOUR + GRACE_MS).await??, 0);
    let text = std::fs::read_to_string(counting.folder.join("31/2026-11-29.json"))?;
    assert!(!text.contains("23"), "no exact count is kept: {text}");
    Ok(())
}
