//! A vault with students who stay away: whose events came how, what the log lists, what the file says, and a vault that is shut.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aula_connect::door::Closed;
use aula_district::event_place::place;
use aula_kit::vault::{create, enrol};
use aula_kit::{Made, Tested, reference};
use aula_ledger::types::SchoolYear;
use aula_twin_runtime::clock::{DAY_MS, Skew, Stamp};
use aula_twin_runtime::event::{Attendance, EventBody, EventKey, SourceId};
use aula_vault::imports::{ImportNote, ImportedEvent, StudentWrite};
use aula_vault::vault::EventIn;

use super::*;

const NOW_MS: u64 = 1_795_939_200_000;
const YEAR: SchoolYear = SchoolYear(2026);
/// More than what the reference parameters need.
const ABSENCES: u64 = 40;

/// A door that can be shut.
struct Shutter {
    vault: Arc<Vault>,
    shut: AtomicBool,
}

impl Door for Shutter {
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), Lent> {
        if self.shut.load(Ordering::SeqCst) {
            return Err(Closed("a command has it".into()).into());
        }
        call(&self.vault);
        Ok(())
    }
}

struct World {
    _root: tempfile::TempDir,
    home: Home,
    door: Shutter,
    handles: Vec<Handle>,
}

impl World {
    fn new(students: usize) -> Made<Self> {
        let root = tempfile::tempdir()?;
        let (_, vault) = create(root.path(), NOW_MS)?;
        let ids: Vec<String> = (0..students).map(|n| format!("S-{n}")).collect();
        let handles = enrol(&vault, &ids, YEAR)?;
        let door = Shutter { vault: Arc::new(vault), shut: AtomicBool::new(false) };
        Ok(Self { home: Home::at(root.path().join("home")), _root: root, door, handles })
    }

    fn put(&self, student: usize, events: &[Event]) -> Tested {
        let rows: Vec<_> = events.iter().map(|event| (place(&event.key), event.encode())).collect();
        let handle = self.handles[student];
        let events: Vec<_> = rows.iter().map(|(key, event)| EventIn { handle, key, event }).collect();
        Ok(self.door.vault.put_events(&events)?)
    }

    fn look(&self, risk: &Risk) -> Made<usize> {
        Ok(risk.look(&self.door, || Ok(reference()))?)
    }

    /// What the service reads of a student.
    fn told(&self, student: usize) -> Option<Option<u64>> {
        at_risk::read(&self.home).get(&self.handles[student]).map(|noted| noted.due_ms)
    }

    /// Students whose reads the log lists for this, in its order.
    fn listed(&self) -> Made<Vec<Handle>> {
        let entries = self.door.vault.entries()?.into_iter();
        Ok(entries.filter(|entry| entry.reader.as_str() == READER).map(|entry| entry.handle).collect())
    }
}

fn event(day: u64, source: u64, body: EventBody) -> Made<Event> {
    let stamp = Stamp::new(NOW_MS - (100 - day) * DAY_MS, 0)?;
    Ok(Event { key: EventKey { stamp, source: SourceId(source), sequence: day }, skew: Skew::Within, body })
}

fn absences() -> Made<Vec<Event>> {
    (1..=ABSENCES).map(|day| event(day, 1, EventBody::Attendance(Attendance::Absent))).collect()
}

fn sessions() -> Made<Vec<Event>> {
    let full = EventBody::Session { minutes: 30, active_minutes: 30 };
    (ABSENCES + 1..ABSENCES + 20).map(|day| event(day, 2, full.clone())).collect()
}

fn expected(events: Vec<Event>) -> Option<u64> {
    let params = reference();
    let mut history = History::new(&params);
    history.add(events, &params);
    due_from_ms(history.state(), &params)
}

fn import(vault: &Vault, handle: Handle, events: &[Event]) -> Tested {
    let imported = |event: &Event| ImportedEvent {
        key: place(&event.key).to_vec(),
        event: event.encode(),
        origin: Vec::new(),
    };
    let write = StudentWrite {
        handle,
        roster: None,
        fields: Vec::new(),
        ties: Vec::new(),
        events: events.iter().map(imported).collect(),
    };
    let note = ImportNote {
        import: 0,
        at_ms: NOW_MS,
        school_year: YEAR,
        format: "csv".into(),
        rows: 1,
        students: 1,
        undone_ms: None,
    };
    vault.import(&note, &BTreeMap::new(), &[write])?;
    Ok(())
}

#[test]
fn what_came_past_the_feeds_is_folded_at_the_next_look_and_nobody_else_is() -> Tested {
    let world = World::new(5)?;
    let due = expected(absences()?);
    assert!(due.is_some_and(|due| due < NOW_MS), "they are at risk by now: {due:?}");
    // Of before the process: the first look finds those who have something new.
    world.put(0, &absences()?)?;
    let risk = Risk::of(&world.home);
    assert_eq!(world.look(&risk)?, 1);
    assert_eq!(world.told(0), None, "not before it is told");
    assert_eq!(risk.tell(&world.door, NOW_MS)?, 1);
    assert_eq!(world.told(0), Some(due));
    // An import, with events and without.
    import(&world.door.vault, world.handles[1], &absences()?)?;
    import(&world.door.vault, world.handles[2], &[])?;
    assert_eq!(world.look(&risk)?, 1);
    // What a command brought.
    world.put(3, &absences()?)?;
    assert_eq!(world.look(&risk)?, 0, "nobody is looked at again");
    at_risk::ask(&world.home, &BTreeSet::from([world.handles[3]]))?;
    assert_eq!(world.look(&risk)?, 1);
    risk.tell(&world.door, NOW_MS)?;
    assert_eq!([0, 1, 2, 3, 4].map(|n| world.told(n)), [Some(due), Some(due), None, Some(due), None]);
    let [one, two, four] = [0, 1, 3].map(|n| world.handles[n]);
    assert_eq!(world.listed()?.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([one, two, four]));
    // Another process knows what was told, and lists nobody twice.
    let risk = Risk::of(&world.home);
    assert_eq!(world.look(&risk)?, 3, "their events wait for an anchor");
    assert_eq!(risk.tell(&world.door, NOW_MS)?, 0);
    assert_eq!(world.listed()?.len(), 3);
    // Engagement is back; another is erased.
    import(&world.door.vault, one, &sessions()?)?;
    assert_eq!(world.look(&risk)?, 1);
    world.door.vault.erase(&[two], NOW_MS)?;
    import(&world.door.vault, four, &sessions()?)?;
    assert_eq!(world.look(&risk)?, 1);
    risk.tell(&world.door, NOW_MS)?;
    assert_eq!([0, 1, 3].map(|n| world.told(n)), [Some(None), None, Some(None)]);
    Ok(())
}

#[test]
fn what_feeds_bring_is_noted_at_the_fold_and_told_once_it_is_listed() -> Tested {
    struct Nobody;
    impl Observer for Nobody {
        fn folded(&self, _: &[(Handle, Event)], _: &[Changed]) {}
    }
    let world = World::new(3)?;
    let risk = Arc::new(Risk::of(&world.home));
    let watch = risk.before(Arc::new(Nobody));
    let changed = |student: usize, due_from_ms| Changed {
        handle: world.handles[student],
        gained: Vec::new(),
        lost: Vec::new(),
        folded: 1,
        due_from_ms,
    };
    world.look(&risk)?;
    watch.folded(&[], &[changed(0, Some(7)), changed(1, None)]);
    // The log cannot be written: it is not told, and waits.
    world.door.shut.store(true, Ordering::SeqCst);
    assert_eq!(risk.tell(&world.door, NOW_MS)?, 0);
    assert_eq!(world.told(0), None);
    world.door.shut.store(false, Ordering::SeqCst);
    assert_eq!(risk.tell(&world.door, NOW_MS)?, 1);
    assert_eq!([world.told(0), world.told(1)], [Some(Some(7)), Some(None)]);
    assert_eq!(world.listed()?, [world.handles[0]]);
    // The same again is no other entry; what a look began to fold before it is older.
    let before = risk.inner().turn;
    watch.folded(&[], &[changed(0, Some(7))]);
    risk.inner().note(world.handles[0], Noted { at_ms: NOW_MS, due_ms: None }, before);
    assert_eq!(risk.tell(&world.door, NOW_MS)?, 0);
    assert_eq!((world.told(0), world.listed()?.len()), (Some(Some(7)), 1));
    // A fold that failed is made up for, once the vault is open.
    world.put(2, &absences()?)?;
    watch.missed(&[world.handles[2]]);
    world.door.shut.store(true, Ordering::SeqCst);
    assert_eq!(world.look(&risk)?, 0);
    world.door.shut.store(false, Ordering::SeqCst);
    assert_eq!(world.look(&risk)?, 1);
    risk.tell(&world.door, NOW_MS)?;
    assert_eq!(world.told(2), Some(expected(absences()?)));
    Ok(())
}

#[test]
fn whom_whole_folds_pass_over_is_listed_once_and_told_until_a_fold_has_her() -> Tested {
    let world = World::new(1)?;
    world.put(0, &absences()?)?;
    let (due, away) = (expected(absences()?), BTreeSet::from([world.handles[0]]));
    for _ in 0..3 {
        // Hour after hour, and another process each time.
        let risk = Risk::of(&world.home);
        assert_eq!(world.look(&risk)?, 1, "her events wait for an anchor");
        risk.tell(&world.door, NOW_MS)?;
        // A whole fold that began after every note.
        at_risk::note_whole_fold(&world.home, u64::MAX, &away)?;
        assert_eq!((world.told(0), world.listed()?.len()), (Some(due), 1));
    }
    at_risk::note_whole_fold(&world.home, u64::MAX, &BTreeSet::new())?;
    assert_eq!(world.told(0), None, "the register has her");
    Ok(())
}

/// `cargo test --release -p aula-server --lib risk -- --ignored --nocapture`
#[test]
#[ignore = "measures a district of 50,000 students: half a minute"]
fn measure_a_district() -> Tested {
    const STUDENTS: usize = 50_000;
    let world = World::new(STUDENTS)?;
    let all = absences()?;
    let rows: Vec<_> = all.iter().map(|event| (place(&event.key), event.encode())).collect();
    for (part, handles) in world.handles.chunks(500).enumerate() {
        let of = |(at, handle): (usize, &Handle)| {
            // A tenth of them stays away.
            let few = if (part * 500 + at).is_multiple_of(10) { rows.len() } else { 4 };
            let handle = *handle;
            rows.iter().take(few).map(move |(key, event)| EventIn { handle, key, event }).collect::<Vec<_>>()
        };
        let events: Vec<_> = handles.iter().enumerate().flat_map(of).collect();
        world.door.vault.put_events(&events)?;
    }
    let risk = Risk::of(&world.home);
    let timed = |what: &str, wanted: Option<usize>, work: &mut dyn FnMut() -> Made<usize>| -> Tested {
        let began = Instant::now();
        let done = work()?;
        writeln!(
            std::io::stdout(),
            "measured: {what}: {done} students, {:.3} s",
            began.elapsed().as_secs_f64()
        )?;
        assert!(wanted.is_none_or(|wanted| wanted == done), "{what}: {done}");
        Ok(())
    };
    timed("first look, all have something new", Some(STUDENTS), &mut || world.look(&risk))?;
    timed("listed and told", Some(STUDENTS / 10), &mut || Ok(risk.tell(&world.door, NOW_MS)?))?;
    timed("a look where nothing came", Some(0), &mut || world.look(&risk))?;
    let some: BTreeSet<Handle> = world.handles.iter().step_by(50).copied().collect();
    at_risk::ask(&world.home, &some)?;
    timed("a look after a thousand", Some(1_000), &mut || world.look(&risk))?;
    let again = Risk::of(&world.home);
    timed("first look of the next process", Some(STUDENTS), &mut || world.look(&again))?;
    timed("read by the service", None, &mut || Ok(at_risk::read(&world.home).len()))
}
