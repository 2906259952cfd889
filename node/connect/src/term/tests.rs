//! The term, in the gate and by script.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use aula_district::import::events::IMPORTS;
use aula_district::keep::fold;
use aula_district::live::events_of;
use aula_ledger::names::Name;
use aula_ledger::types::{Handle, SchoolYear};
use aula_twin_runtime::clock::Skew;
use aula_twin_runtime::event::Event;
use aula_vault::LocalId;
use sha2::{Digest, Sha256};

use super::sending::{Made, NOW_MS, Site, copy, feed, found, steps};
use super::traffic::{Size, Way, YEAR, drawn, student};
use crate::given::Origin;
use crate::letters;
use crate::taking::Taking;
use crate::testkit::{Tested, reference};

/// The term of the gate.
const SHORT: Size = Size { students: 8, days: 10 };

/// The folder, the size and the seed of a pass in a process of its own: `FOLDER STUDENTS DAYS SEED`.
const CHILD: &str = "AULA_TERM_PASS";

fn handle(site: &Site, number: u32) -> Made<Handle> {
    let id = LocalId::new(&student(number)).ok_or("an identifier")?;
    site.vault.find_in(&id, SchoolYear(YEAR))?.ok_or_else(|| format!("{} is unknown", student(number)).into())
}

/// Enters what waited for its student, and checks that everything is an event once and leads back to its message. Gives the root:
/// SHA-256 of every student's events and state, by the district's identifiers.
fn checked(folder: &Path, size: Size) -> Made<[u8; 32]> {
    let site = Site::open(folder, size)?;
    let mut taking = Taking::new(&site.vault)?;
    for way in Way::ALL {
        taking.replay(&site.vault, &feed(way)?)?;
        let left = letters::list(&site.vault, way.source())?;
        assert!(left.is_empty(), "{} dead letters of {}: {:?}", left.len(), way.name(), left.first());
    }
    let messages = size.messages();
    let mut wanted: BTreeSet<(String, String)> =
        messages.iter().map(|sent| (sent.way.name().to_owned(), sent.name.clone())).collect();
    assert_eq!(wanted.len(), messages.len());
    let (mut root, mut imported, reader) = (Sha256::new(), 0, Name::new("term")?);
    for number in 0..size.students {
        let handle = handle(&site, number)?;
        let events = events_of(&site.vault, &handle)?;
        root.update(student(number));
        for event in &events {
            let place = aula_district::event_place::place(&event.key);
            root.update(place);
            // How late it came is the arrival's, not the event's.
            root.update(Event { skew: Skew::Within, ..event.clone() }.encode());
            let kept = site.vault.traced(&handle, &place, &reader, NOW_MS)?.ok_or("an event")?;
            let origin = Origin::decode(&kept.origin).ok_or("an event without an origin")?;
            if event.key.source == IMPORTS {
                imported += 1;
                assert!(origin.number > 0 && origin.sender.contains('.'), "{origin:?}");
                continue;
            }
            assert!(
                wanted.remove(&(origin.feed.clone(), origin.name.clone())),
                "twice or never sent: {origin:?}"
            );
        }
        let state = fold(&events, &reference()).ok_or("a student without events")?;
        root.update(state.snapshot());
    }
    assert!(wanted.is_empty(), "{} lost: {:?}", wanted.len(), wanted.first());
    assert_eq!(imported, size.imported(), "results and marks of imports");
    site.pipeline.stop();
    Ok(root.finalize().into())
}

#[test]
fn one_root_whatever_the_order_with_crashes_nothing_lost_nothing_twice_all_of_it_traced() -> Tested {
    let root = tempfile::tempdir()?;
    let at = |name: &str| root.path().join(name);
    found(&at("founded"), SHORT)?;
    let messages = SHORT.messages();
    let mut roots = Vec::new();
    for (name, seeds, crashes) in [("once", 1..2, false), ("thrice", 2..5, true), ("again", 5..8, true)] {
        copy(&at("founded"), &at(name))?;
        let mut spooled = 0;
        for seed in seeds {
            let site = Site::open(&at(name), SHORT)?.run(&messages, steps(&messages, seed, crashes))?;
            spooled += site.spooled;
            // The imports need the roster: all of them came once it is there.
            site.pipeline.stop();
        }
        if name == "once" {
            // An export that came before its students comes again.
            let site = Site::open(&at(name), SHORT)?;
            site.run(&[], [super::sending::Step::OneRoster, super::sending::Step::EdFi].into())?
                .pipeline
                .stop();
        }
        assert!(spooled > 0, "a shut vault was waited for");
        roots.push(checked(&at(name), SHORT)?);
    }
    assert!(roots.iter().all(|root| *root == roots[0]), "{roots:02x?}");
    Ok(())
}

#[test]
#[ignore = "a pass in a process of its own, which the test below kills"]
fn one_pass() -> Tested {
    let asked = std::env::var(CHILD)?;
    let [folder, students, days, seed] = asked.split(' ').collect::<Vec<_>>()[..] else {
        return Err(format!("{CHILD}={asked}").into());
    };
    let size = Size { students: students.parse()?, days: days.parse()? };
    let messages = size.messages();
    let steps = steps(&messages, seed.parse()?, false);
    Site::open(Path::new(folder), size)?.run(&messages, steps)?.pipeline.stop();
    Ok(())
}

#[test]
#[ignore = "long: scripts/term.sh"]
fn a_term_whose_process_is_killed_again_and_again() -> Tested {
    let number =
        |name: &str, other: u32| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(other);
    let size = Size { students: number("AULA_TERM_STUDENTS", 120), days: number("AULA_TERM_DAYS", 60) };
    let kills = u64::from(number("AULA_TERM_KILLS", 30));
    let root = tempfile::tempdir()?;
    let at = |name: &str| root.path().join(name);
    found(&at("founded"), size)?;
    let pass = |folder: &Path, seed: u64| -> std::io::Result<std::process::Child> {
        let asked = format!("{} {} {} {seed}", folder.display(), size.students, size.days);
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", "term::tests::one_pass", "--ignored", "--nocapture"]);
        command.env(CHILD, asked).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
    };
    let (mut roots, mut killed) = (Vec::new(), 0);
    for (name, seeds, kills) in [("once", 1..4, 0), ("killed", 4..7, kills)] {
        copy(&at("founded"), &at(name))?;
        for seed in seeds {
            for kill in 0..kills.div_ceil(3) {
                let mut child = pass(&at(name), seed)?;
                std::thread::sleep(Duration::from_millis(100 + drawn(seed, kill, 9) % 2_900));
                if child.try_wait()?.is_none() {
                    killed += 1;
                }
                child.kill()?;
                child.wait()?;
            }
            assert!(pass(&at(name), seed)?.wait()?.success(), "seed {seed}");
        }
        roots.push(checked(&at(name), size)?);
    }
    println!(
        "{} messages and {} imported events of {} students, each sent three times; {killed} kills; one root: {}",
        size.messages().len(),
        size.imported(),
        size.students,
        roots[0] == roots[1]
    );
    assert!(roots[0] == roots[1]);
    Ok(())
}
