//! A pipeline over a real vault: once, letters, a vault that is shut, spools, lag.

use std::time::{Duration, Instant};

use aula_district::live::events_of;
use aula_vault::seal::Cipher;

use super::writer::spooled;
use super::*;
use crate::letters;
use crate::note::Note;
use crate::taking::Taking;
use crate::testkit::{NOW_MS, Shutter, Tested, World, enrol, line, mark, plain_settings, reference, session};

const PATIENCE: Duration = Duration::from_secs(20);

fn settings(world: &World, spool_bytes: u64) -> Settings {
    let spool = (spool_bytes > 0).then(|| (world.root.path().join("feeds"), spool_bytes));
    Settings { spool, ..plain_settings(vec![world.feed.clone()]) }
}

fn shutter(world: &World, shut: bool) -> Arc<Shutter> {
    Shutter::of(&world.vault, shut)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        if Instant::now() > end {
            return Err(format!("{what} did not happen in time"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

#[test]
fn what_is_answered_is_an_event_once_and_the_twin_has_it() -> Tested {
    let world = World::new()?;
    let pipeline = Pipeline::start(Arc::new(world.vault.clone()), settings(&world, 0))?;
    let given = |n: u64| mark(&world.feed, &format!("m{n}"), "S-1", n);
    let all = (0..50).map(given).collect::<Result<Vec<_>, _>>()?;
    let done = pipeline.submit_and_wait(all.clone())?;
    assert_eq!(done, Summary { new: 50, ..Summary::default() });
    let again = pipeline.submit_and_wait(all.into_iter().rev().collect())?;
    assert_eq!(again, Summary { known: 50, ..Summary::default() });
    let handle = world.handles[1];
    assert_eq!(events_of(&world.vault, &handle)?.len(), 50);
    until("folding", || locked(pipeline.twins()).get(&handle).is_some_and(|twin| twin.events() == 50))?;
    pipeline.stop();
    assert_eq!(pipeline.submit(vec![given(1)?]).err(), Some(Busy::Closed));
    let note = Note::of(&world.vault, world.feed.source.0, "registers")?;
    assert_eq!((note.total(), note.events.get("attendance")), (50, Some(&50)));
    Ok(())
}

#[test]
fn letters_name_their_reason_and_come_back_when_the_cause_is_gone() -> Tested {
    let world = World::new()?;
    let feed = &world.feed;
    let text =
        |id: &str, event: &str| format!(r#"{{"id":"{id}","at":{NOW_MS},"student":"S-0","event":{event}}}"#);
    let pipeline = Pipeline::start(Arc::new(world.vault.clone()), settings(&world, 0))?;
    let group = vec![
        mark(feed, "a", "S-9", 1)?,
        line(feed, text("b", r#"{"kind":"need","need":3}"#))?,
        line(feed, text("c", r#"{"kind":"session","minutes":9,"active_minutes":10}"#))?,
        line(feed, text("d", r#"{"kind":"deletion","of":"e"}"#))?,
        line(feed, "no JSON".into())?,
    ];
    let done = pipeline.submit_and_wait(group.clone())?;
    assert_eq!(done.dead_letters, 5);
    // The same again is the same letters.
    pipeline.submit_and_wait(group)?;
    let reasons = |vault| -> Result<Vec<String>, VaultError> {
        let mut all: Vec<_> = letters::list(vault, feed.source)?.into_iter().map(|(_, l)| l.reason).collect();
        all.sort();
        Ok(all)
    };
    assert_eq!(
        reasons(&world.vault)?,
        ["refused", "refused", "unknown_kind", "unknown_student", "unknown_target"]
    );
    // What the deletion waits for comes: both are events at once.
    pipeline.submit_and_wait(vec![mark(feed, "e", "S-0", 2)?])?;
    assert_eq!(events_of(&world.vault, &world.handles[0])?.len(), 2);
    assert_eq!(reasons(&world.vault)?.len(), 4);
    let twins = || locked(pipeline.twins()).get(&world.handles[0]).map(|twin| twin.events());
    until("folding", || twins().is_some())?;
    pipeline.stop();
    // The roster comes: the letter is an event, the others stay.
    let mut taking = Taking::new(&world.vault)?;
    assert_eq!(taking.replay(&world.vault, feed)?.0.entered, 0);
    let handle = enrol(&world.vault, &["S-9"])?[0];
    let (replayed, events) = taking.replay(&world.vault, feed)?;
    assert_eq!((replayed.entered, replayed.left, events.len()), (1, 3, 1));
    assert_eq!(events_of(&world.vault, &handle)?.len(), 1);
    assert_eq!(reasons(&world.vault)?.len(), 3);
    // Nothing of a letter stands in clear, and after its days it is gone.
    assert_eq!(world.vault.drop_unassigned(NOW_MS + 91 * 86_400_000)?, 3);
    Ok(())
}

#[test]
fn a_shut_vault_is_waited_for_in_the_spool_and_nothing_is_lost_by_a_restart() -> Tested {
    let world = World::new()?;
    let door = shutter(&world, false);
    let pipeline = Pipeline::start(door.clone(), settings(&world, 1 << 20))?;
    // The spool's key comes from the vault while it is open.
    pipeline.submit_and_wait(vec![mark(&world.feed, "m0", "S-2", 0)?])?;
    door.shut.store(true, Ordering::SeqCst);
    let done = pipeline
        .submit_and_wait(vec![mark(&world.feed, "m1", "S-2", 1)?, mark(&world.feed, "m0", "S-2", 0)?])?;
    assert_eq!(done.spooled, 2);
    until("telling", || pipeline.state().attention.is_some() && pipeline.state().spooled_bytes[0] > 0)?;
    pipeline.stop();
    drop(pipeline);
    // A restart with a shut vault has no key: nothing is taken in, and nothing is lost.
    let pipeline = Pipeline::start(door.clone(), settings(&world, 1 << 20))?;
    assert_eq!(pipeline.submit_and_wait(vec![mark(&world.feed, "m2", "S-2", 2)?]), Err(Busy::Closed));
    door.shut.store(false, Ordering::SeqCst);
    until("draining", || pipeline.state().spooled_bytes == [0, 0] && pipeline.state().attention.is_none())?;
    assert_eq!(events_of(&world.vault, &world.handles[2])?.len(), 2);
    pipeline.stop();
    Ok(())
}

#[test]
fn a_full_spool_refuses_before_it_acknowledges_and_no_spool_is_told() -> Tested {
    for (bytes, wanted) in [(0, Busy::Closed), (1_200, Busy::Full)] {
        let world = World::new()?;
        let door = shutter(&world, false);
        let pipeline = Pipeline::start(door.clone(), settings(&world, bytes))?;
        pipeline.submit_and_wait(vec![mark(&world.feed, "m0", "S-0", 0)?])?;
        door.shut.store(true, Ordering::SeqCst);
        let (mut taken, mut refused) = (0, None);
        for n in 1..20 {
            match pipeline.submit_and_wait(vec![mark(&world.feed, &format!("m{n}"), "S-0", n)?]) {
                Ok(summary) => taken += summary.spooled,
                Err(busy) => refused = Some(busy),
            }
        }
        assert_eq!((refused, taken > 0), (Some(wanted), bytes > 0));
        door.shut.store(false, Ordering::SeqCst);
        until("draining", || pipeline.state().spooled_bytes == [0, 0])?;
        assert_eq!(events_of(&world.vault, &world.handles[0])?.len(), 1 + taken, "what was told is there");
        pipeline.stop();
    }
    Ok(())
}

#[test]
fn a_backlog_defers_sessions_and_never_marks() -> Tested {
    let world = World::new()?;
    let spools = world.root.path().join("feeds");
    {
        // A backlog of an earlier run, as old as can be.
        let key = world.vault.keystore().district_key("feed-spool")?;
        let mut hot = Spool::at(&spools.join("hot.spool"), 1 << 20)?;
        hot.push(&Cipher::new(&key), &[spooled(&mark(&world.feed, "old", "S-0", 0)?)])?;
    }
    let door = shutter(&world, false);
    let pipeline = Pipeline::start(door, settings(&world, 1 << 20))?;
    let group = vec![session(&world.feed, "s", "S-1")?, mark(&world.feed, "m", "S-1", 1)?];
    let done = pipeline.submit_and_wait(group)?;
    // Unless the backlog was gone already, the session waits and the mark does not.
    let deferred = done == Summary { new: 1, spooled: 1, ..Summary::default() };
    assert!(deferred || done == Summary { new: 2, ..Summary::default() }, "{done:?}");
    until("draining", || pipeline.state().spooled_bytes == [0, 0])?;
    pipeline.stop();
    assert_eq!(events_of(&world.vault, &world.handles[1])?.len(), 2);
    assert_eq!(events_of(&world.vault, &world.handles[0])?.len(), 1);
    Ok(())
}

#[test]
fn a_vault_that_fails_is_tried_again_then_left_alone_and_nothing_is_lost() -> Tested {
    let world = World::new()?;
    let door = shutter(&world, false);
    let pipeline = Pipeline::start(door.clone(), settings(&world, 1 << 20))?;
    pipeline.submit_and_wait(vec![mark(&world.feed, "m0", "S-0", 0)?])?;
    door.broken.store(true, Ordering::SeqCst);
    let before = door.asked.load(Ordering::SeqCst);
    let started = Instant::now();
    let done = pipeline.submit_and_wait(vec![mark(&world.feed, "m1", "S-0", 1)?])?;
    assert_eq!(done.spooled, 1);
    assert!(started.elapsed() >= Duration::from_millis(200), "a failed write is repeated after a while");
    // Five failures: it is left alone, and what comes is in the spool at once.
    until("resting", || pipeline.state().attention.is_some_and(|why| why.contains("tried again in")))?;
    let asked = door.asked.load(Ordering::SeqCst);
    for n in 2..10 {
        assert_eq!(
            pipeline.submit_and_wait(vec![mark(&world.feed, &format!("m{n}"), "S-0", n)?])?.spooled,
            1
        );
    }
    assert_eq!(door.asked.load(Ordering::SeqCst), asked, "nothing is tried while it rests");
    assert!(asked - before >= 5);
    pipeline.stop();
    // Another start finds the vault whole, and everything in the spool.
    door.broken.store(false, Ordering::SeqCst);
    let pipeline = Pipeline::start(door, settings(&world, 1 << 20))?;
    let handle = world.handles[0];
    until("draining", || events_of(&world.vault, &handle).is_ok_and(|events| events.len() == 10))?;
    pipeline.stop();
    Ok(())
}

#[test]
fn other_parameters_fold_the_twins_anew() -> Tested {
    let world = World::new()?;
    let pipeline = Pipeline::start(Arc::new(world.vault.clone()), settings(&world, 0))?;
    pipeline.submit_and_wait(
        (0..20).map(|n| mark(&world.feed, &format!("m{n}"), "S-1", n)).collect::<Result<_, _>>()?,
    )?;
    let handle = world.handles[1];
    let state = || locked(pipeline.twins()).get(&handle).map(|twin| twin.snapshot());
    until("folding", || state().is_some())?;
    let before = state().ok_or("a twin")?;
    let mut other = reference();
    other.rates.attendance = aula_twin_runtime::fixed::Proportion::clamped(5_000);
    pipeline.set_params(other.clone());
    assert!(state().is_none(), "twins of earlier parameters are not shown");
    pipeline.submit_and_wait(vec![mark(&world.feed, "again", "S-1", 30)?])?;
    until("folding", || state().is_some())?;
    let events = events_of(&world.vault, &handle)?;
    let brute = aula_district::keep::fold(&events, &other).ok_or("events")?;
    assert_eq!(state().ok_or("a twin")?, brute.snapshot());
    assert_ne!(brute.snapshot(), before);
    pipeline.stop();
    Ok(())
}

/// What an observer is told of.
#[derive(Default)]
struct Heard {
    due_ms: Mutex<Vec<(Handle, Option<u64>)>>,
    missed: Mutex<Vec<Handle>>,
}

impl Observer for Heard {
    fn folded(&self, _: &[(Handle, Event)], changed: &[Changed]) {
        locked(&self.due_ms).extend(changed.iter().map(|one| (one.handle, one.due_from_ms)));
    }

    fn missed(&self, handles: &[Handle]) {
        locked(&self.missed).extend(handles);
    }
}

#[test]
fn who_has_been_away_too_long_is_told_with_the_fold_and_a_fold_that_fails_is_told_too() -> Tested {
    const DAY_S: u64 = 86_400;
    let world = World::new()?;
    let (heard, door) = (Arc::new(Heard::default()), shutter(&world, false));
    let observer: Option<Arc<dyn Observer>> = Some(heard.clone());
    let pipeline = Pipeline::start(door.clone(), Settings { observer, ..settings(&world, 0) })?;
    // Absent day after day, as a feed brings it that was down for a month: the source's moments are its own.
    let long_ago = |n: u64| {
        let text = format!(
            r#"{{"id":"d{n}","at":{},"student":"S-1","event":{{"kind":"attendance","mark":"absent"}}}}"#,
            NOW_MS - (60 - n) * DAY_S * 1_000
        );
        line(&world.feed, text)
    };
    let mut told = Vec::new();
    for n in 0..40 {
        pipeline.submit_and_wait(vec![long_ago(n)?])?;
        let all = usize::try_from(n)? + 1;
        until("folding", || locked(&heard.due_ms).len() == all)?;
        told.push(locked(&heard.due_ms)[all - 1]);
    }
    assert!(told.iter().all(|(handle, _)| *handle == world.handles[1]));
    let first = told.iter().position(|(_, due)| due.is_some()).ok_or("it gets low")?;
    let due = told[first].1;
    // Three days after it was low first, which is long ago: at risk as soon as it is folded.
    assert_eq!(due, Some(NOW_MS - (60 - u64::try_from(first)?) * DAY_S * 1_000 + 3 * DAY_S * 1_000 + 1));
    assert!(told[first..].iter().all(|(_, later)| *later == due) && due < Some(NOW_MS));
    pipeline.stop();
    let events = events_of(&world.vault, &world.handles[1])?;
    door.shut.store(true, Ordering::SeqCst);
    let (send, groups) = sync_channel(1);
    let event = events.into_iter().next().ok_or("an event")?;
    send.send(Folding { events: vec![(world.handles[1], event)], anew: vec![world.handles[2]] })?;
    drop(send);
    fold(&*door, &groups, &Mutex::new(LiveTwins::new(reference())), Some(&*heard));
    assert_eq!(*locked(&heard.missed), [world.handles[2], world.handles[1]]);
    Ok(())
}
