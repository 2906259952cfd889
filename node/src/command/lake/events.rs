//! Events of the vault as rows of the lake.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use aula_district::event_place::place;
use aula_ingest::event::Kind;
use aula_lake::lake::Lake;
use aula_lake::rows::{Cell, Row, RowId};
use aula_lake::tables::EVENTS;
use aula_ledger::names::Name;
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::event::{Attendance, Correctness, Event, EventBody};
use aula_vault::Vault;
use aula_vault::lake::LakeStudent;

use super::mirror::{BATCH, Synced, drop_others};
use super::told;
use crate::command::vault::refused;
use crate::command::{Advise, DEFECT, Failure, now_ms};

/// How the lake is called in the access log.
const READER: &str = "aula-lake";

/// Brings the events that the lake has not; gives how many reads were listed.
pub(super) async fn sync(
    lake: &Lake,
    vault: &Vault,
    students: &[LakeStudent],
) -> Result<(Synced, u64), Failure> {
    let reader = Name::new(READER).hint(DEFECT)?;
    let there = lake.ids(&EVENTS).await.map_err(told)?;
    let (mut present, mut rows) = (HashSet::with_capacity(there.len()), Vec::new());
    let (mut added, mut reads) = (0u64, 0u64);
    for student in students {
        for (handle, year) in &student.handles {
            let mut missing: BTreeMap<Vec<u8>, RowId> = BTreeMap::new();
            for seal in vault.event_seals(handle).map_err(refused)? {
                let id = student.event_row(&seal);
                present.insert(id);
                if !there.contains(&id) {
                    missing.insert(seal.key, id);
                }
            }
            if missing.is_empty() {
                continue;
            }
            reads = reads.saturating_add(1);
            read(vault, (student, handle, *year), (&missing, &reader), &mut rows)?;
            if rows.len() >= BATCH {
                lake.append(&EVENTS, &rows).await.map_err(told)?;
                added = added.saturating_add(rows.len() as u64);
                rows.clear();
            }
        }
    }
    lake.append(&EVENTS, &rows).await.map_err(told)?;
    added = added.saturating_add(rows.len() as u64);
    let removed = drop_others(lake, &EVENTS, (&there, &present)).await?;
    Ok((Synced { added, removed }, reads))
}

fn read(
    vault: &Vault,
    (student, handle, year): (&LakeStudent, &Handle, SchoolYear),
    (missing, reader): (&BTreeMap<Vec<u8>, RowId>, &Name),
    rows: &mut Vec<Row>,
) -> Result<(), Failure> {
    let keys: BTreeSet<Vec<u8>> = missing.keys().cloned().collect();
    for kept in vault.events_for_lake(handle, &keys, reader, now_ms()).map_err(refused)? {
        let Some(id) = missing.get(&kept.key) else { continue };
        let event = Event::decode(&kept.event)
            .advise("an event in the vault is damaged", "restore the vault from its last copy")?;
        rows.push(row(student, year, (id, &kept.key), &event));
    }
    Ok(())
}

fn row(student: &LakeStudent, year: SchoolYear, (id, key): (&RowId, &[u8]), event: &Event) -> Row {
    let mut row = Row::new(&EVENTS, id);
    let mut set = |name, value| row.set(&EVENTS, name, value);
    let kind = Kind::of_body(&event.body).map_or("input_recorded", Kind::name);
    set("student", Cell::Text(hex::encode(student.pseudonym())));
    set("at", Cell::Time(i64::try_from(event.effective_ms()).unwrap_or(i64::MAX).saturating_mul(1_000)));
    set("school_year", Cell::Int(year.0.into()));
    set("event", Cell::Text(hex::encode(student.event(key))));
    set("kind", Cell::Text(kind.into()));
    if let EventBody::Correction { target, replacement } = &event.body {
        set("amends", Cell::Text(hex::encode(student.event(&place(target)))));
        if let Some(replacement) = replacement {
            says(replacement, &mut set);
        }
    } else {
        says(&event.body, &mut set);
    }
    row
}

/// The columns of what happened.
fn says(body: &EventBody, set: &mut impl FnMut(&'static str, Cell)) {
    match body {
        EventBody::Response { item, skills, correctness, duration_ms } => {
            let skills: Vec<String> = skills.as_slice().iter().map(|skill| skill.0.to_string()).collect();
            set("item", Cell::Long(item.0.into()));
            set("skills", Cell::Text(skills.join(";")));
            set("correct", Cell::Flag(*correctness == Correctness::Correct));
            set("duration_ms", Cell::Long((*duration_ms).into()));
        }
        EventBody::Written { sentiment } => set("sentiment_e4", Cell::Int(sentiment.e4().into())),
        EventBody::Session { minutes, active_minutes } => {
            set("minutes", Cell::Int((*minutes).into()));
            set("active_minutes", Cell::Int((*active_minutes).into()));
        }
        EventBody::Attendance(mark) => set(
            "attendance",
            Cell::Text(
                match mark {
                    Attendance::Present => "present",
                    Attendance::Late => "late",
                    Attendance::Absent => "absent",
                    Attendance::Excused => "excused",
                }
                .into(),
            ),
        ),
        EventBody::ResourceUse { resource, used_minutes, available_minutes } => {
            set("resource", Cell::Long(resource.0.into()));
            set("minutes", Cell::Int((*used_minutes).into()));
            set("available_minutes", Cell::Int((*available_minutes).into()));
        }
        EventBody::Assessment { skill, grade, year, score_e1 } => {
            set("skills", Cell::Text(skill.0.to_string()));
            set("grade", Cell::Int((*grade).into()));
            set("test_year", Cell::Int((*year).into()));
            set("score_e1", Cell::Long((*score_e1).into()));
        }
        EventBody::InterventionOpened { intervention } | EventBody::InterventionClosed { intervention } => {
            set("intervention", Cell::Long(intervention.0.into()));
        }
        EventBody::InputRecorded { input, value } => {
            set("input", Cell::Int((*input).into()));
            set("value", Cell::Int((*value).into()));
        }
        // A replacement never is one, and what is amended stands in its own row.
        EventBody::Correction { .. } => {}
    }
}
