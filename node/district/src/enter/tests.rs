//! Any order, any repetition, any batches: one set of events, one state.

use aula_kit::{Made, Tested, reference};
use aula_ledger::types::SchoolYear;
use aula_twin_runtime::event::{Correctness, ItemId, SkillId, SkillSet};

use super::*;
use crate::amended::effect;
use crate::keep::fold;
use crate::live::{LiveTwins, events_of};

const STUDENTS: u64 = 3;
const START_MS: u64 = 1_772_352_000_000;

struct World {
    _root: tempfile::TempDir,
    vault: Vault,
    handles: Vec<Handle>,
}

fn world() -> Made<World> {
    let root = tempfile::tempdir()?;
    let (_, vault) = aula_kit::vault::create(root.path(), START_MS)?;
    let ids: Vec<String> = (0..STUDENTS).map(|n| format!("S-{n}")).collect();
    let handles = aula_kit::vault::enrol(&vault, &ids, SchoolYear(2025))?;
    Ok(World { _root: root, vault, handles })
}

fn answer(skill: u16, right: bool) -> EventBody {
    EventBody::Response {
        item: ItemId(u32::from(skill)),
        skills: SkillSet::new(vec![SkillId(skill)]).expect("one skill"),
        correctness: if right { Correctness::Correct } else { Correctness::Incorrect },
        duration_ms: 1_000,
    }
}

/// A term of messages: each tenth is corrected later, each fifteenth deleted.
fn messages(handles: &[Handle], count: u64) -> Vec<Entering<'static>> {
    let mut all = Vec::new();
    let mut push = |name: String, ms: u64, what| {
        let at = Stamp::new(START_MS + ms, 0).expect("before the year 9999");
        let (source, origin) = (source_of("lms"), name.clone().into_bytes());
        all.push(Entering { source, name: name.into(), at, received_ms: START_MS, what, origin });
    };
    for n in 0..count {
        let handle = handles[usize::try_from(n % STUDENTS).expect("small")];
        let skill = u16::try_from(n % 7).expect("small");
        push(format!("m{n}"), n * 1_000, Entry::Happened { handle, body: answer(skill, n % 4 != 0) });
        let instead = match (n % 10, n % 15) {
            (3, _) => Some(answer(skill, n % 4 == 0)),
            (_, 7) => None,
            _ => continue,
        };
        push(format!("a{n}"), n * 1_000 + 500, Entry::Amended { of: format!("m{n}"), instead });
    }
    all
}

fn states(world: &World) -> Made<Vec<Vec<u8>>> {
    let state = |handle| -> Made<Vec<u8>> {
        Ok(fold(&events_of(&world.vault, handle)?, &reference()).ok_or("events")?.snapshot())
    };
    world.handles.iter().map(state).collect()
}

#[test]
fn three_times_in_any_order_is_once_and_the_live_twins_are_the_fold_of_the_vault() -> Tested {
    let once = world()?;
    let all = messages(&once.handles, 1_200);
    let mut keys = once.vault.feed_keys()?;
    let entered = enter(&once.vault, &mut keys, all, |_| Vec::new())?;
    assert!(entered.iter().all(|entered| matches!(entered, Entered::New(..))));
    let mut expected = Vec::new();
    // The other vault has other keys: what is compared is the fold, not the bytes of the places.
    for state in once.handles.iter() {
        let events = events_of(&once.vault, state)?;
        expected.push(events.len());
    }

    let again = world()?;
    let all = messages(&again.handles, 1_200);
    let mut keys = again.vault.feed_keys()?;
    let mut live = LiveTwins::new(reference());
    // Three copies, walked with a stride that is prime to the count; what lacks its target waits and comes again.
    let thrice: Vec<Entering> = all.iter().chain(&all).chain(&all).cloned().collect();
    let order = (0..thrice.len()).map(|at| at * 1_009 % thrice.len());
    let mut arrivals: Vec<Entering> = order.map(|at| thrice[at].clone()).collect();
    let (mut new, mut rounds) = (0, 0);
    while !arrivals.is_empty() {
        let mut waiting = Vec::new();
        for batch in arrivals.chunks(97) {
            let entered = enter(&again.vault, &mut keys, batch.to_vec(), |_| Vec::new())?;
            let mut folding = Vec::new();
            for (message, entered) in batch.iter().zip(entered) {
                match entered {
                    Entered::New(handle, event) => folding.push((handle, event)),
                    Entered::NoTarget => waiting.push(message.clone()),
                    Entered::Known => {}
                    Entered::Refused(why) => return Err(why.into()),
                }
            }
            new += folding.len();
            live.fold(&again.vault, folding)?;
        }
        arrivals = waiting;
        rounds += 1;
        assert!(rounds < 4, "every target is there after the first round");
    }
    assert_eq!(new, all.len());
    let counts = again.handles.iter().map(|handle| events_of(&again.vault, handle).map(|all| all.len()));
    assert_eq!(counts.collect::<Result<Vec<_>, _>>()?, expected);
    for (handle, brute) in again.handles.iter().zip(states(&again)?) {
        assert_eq!(live.get(handle).ok_or("in memory")?.snapshot(), brute, "the live twin is the fold");
    }
    for (one, other) in states(&once)?.iter().zip(states(&again)?) {
        let decode = |bytes: &[u8]| aula_twin_runtime::twin::TwinState::from_snapshot(bytes);
        let (one, other) = (decode(one)?, decode(&other)?);
        assert_eq!((one.skills(), one.events()), (other.skills(), other.events()));
    }
    Ok(())
}

#[test]
fn a_deletion_takes_back_what_it_touched_and_says_what() -> Tested {
    let world = world()?;
    let handle = world.handles[0];
    let mut keys = world.vault.feed_keys()?;
    let message = |name: &str, ms: u64, what| -> Entering<'static> {
        Entering {
            source: source_of("lms"),
            name: name.to_owned().into(),
            at: Stamp::new(START_MS + ms, 0).expect("a stamp"),
            received_ms: START_MS,
            what,
            origin: Vec::new(),
        }
    };
    let right =
        |n: u64| message(&format!("m{n}"), n * 1_000, Entry::Happened { handle, body: answer(4, true) });
    let answers: Vec<Entering> = (0..40).map(right).collect();
    let mut live = LiveTwins::new(reference());
    let mut milestones = Vec::new();
    let mut deleted = None;
    for answer in answers {
        let entered = enter(&world.vault, &mut keys, vec![answer], |_| Vec::new())?;
        let Some(Entered::New(handle, event)) = entered.into_iter().next() else { return Err("new".into()) };
        let key = event.key;
        let changed = live.fold(&world.vault, [(handle, event)])?;
        let gained = &changed[0].gained;
        if !gained.is_empty() && deleted.is_none() {
            deleted = Some(key);
            milestones.clone_from(gained);
        }
    }
    let at_ms = deleted.ok_or("forty right answers pass the gate")?.stamp.wall_ms() - START_MS;
    let what = Entry::Amended { of: format!("m{}", at_ms / 1_000), instead: None };
    // The source's clock is wrong: it deletes before the answer happened.
    let entered = enter(&world.vault, &mut keys, vec![message("d", 0, what.clone())], |_| Vec::new())?;
    let Some(Entered::New(handle, deletion)) = entered.into_iter().next() else { return Err("new".into()) };
    let changed = live.fold(&world.vault, [(handle, deletion.clone())])?;
    assert_eq!(changed[0].lost, milestones, "the milestone that the answer had brought");
    let effect = effect(&world.vault, &handle, &deletion.key, &reference())?.ok_or("an amendment")?;
    assert_eq!((&effect.lost, &effect.gained), (&changed[0].lost, &changed[0].gained));
    assert!(effect.mastery.iter().any(|moved| moved.skill == SkillId(4) && moved.after_e4 < moved.before_e4));
    // Brute force: the answer never happened.
    let key = deleted.ok_or("found")?;
    let events = events_of(&world.vault, &handle)?;
    let without: Vec<Event> = events.into_iter().filter(|e| e.key != key && e.key != deletion.key).collect();
    let brute = fold(&without, &reference()).ok_or("events")?;
    let twin = live.get(&handle).ok_or("in memory")?;
    assert_eq!(
        (twin.skills(), twin.ability(), twin.engagement()),
        (brute.skills(), brute.ability(), brute.engagement())
    );
    // An amendment of an amendment is refused, and one of nothing waits.
    let refused = message("e", 0, Entry::Amended { of: "d".into(), instead: None });
    let nothing = message("f", 0, Entry::Amended { of: "never".into(), instead: None });
    let entered = enter(&world.vault, &mut keys, vec![refused, nothing], |_| Vec::new())?;
    assert_eq!(entered, [Entered::Refused(Refused::Amendment), Entered::NoTarget]);
    Ok(())
}
