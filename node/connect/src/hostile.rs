//! What somebody sends who wants a feed to fail, and what becomes of it; docs/feeds.md lists it.
//!
//! Each case stands between two good messages: it is a letter or nothing, never an event, and the good ones are events.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_district::live::events_of;
use aula_ingest::event::{Message, What, frame};
use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::{Attendance, EventBody};
use bytes::Bytes;

use crate::given::{Form, Given};
use crate::letters;
use crate::payload;
use crate::pipeline::{Busy, Pipeline, Settings, Summary};
use crate::testkit::{NOW_MS, Shutter, Tested, World, mark, plain_settings};

/// One case may take so long, and this is far more than any needs.
const PATIENCE: Duration = Duration::from_secs(5);

fn line(id: &str, rest: &str) -> String {
    format!(r#"{{"id":"{id}",{rest}}}"#)
}

fn good(id: &str) -> Vec<u8> {
    let rest = format!(r#""at":{NOW_MS},"student":"S-0","event":{{"kind":"attendance","mark":"late"}}"#);
    line(id, &rest).into_bytes()
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Lines that are no message.
fn lines() -> Vec<(&'static str, Vec<u8>)> {
    let whole =
        |event: &str| line("x", &format!(r#""at":{NOW_MS},"student":"S-0","event":{event}"#)).into_bytes();
    let timed = |at: &str| {
        line("x", &format!(r#""at":{at},"student":"S-0","event":{{"kind":"attendance","mark":"late"}}"#))
            .into_bytes()
    };
    let mut cases = vec![
        ("deep JSON", nested(5_000).into_bytes()),
        ("deep JSON inside an event", whole(&format!(r#"{{"kind":"session","minutes":{}}}"#, nested(60)))),
        ("a number beyond a double", timed("1e400")),
        ("a number beyond 64 bits", timed("99999999999999999999")),
        ("a negative moment", timed("-1")),
        ("a fraction of a moment", timed("1.5")),
        ("a moment without a zone", timed("\"2026-03-01T08:00:00\"")),
        ("a day that does not exist", timed("\"2026-02-30T08:00:00Z\"")),
        ("minutes out of range", whole(r#"{"kind":"session","minutes":99999,"active_minutes":1}"#)),
        ("minutes below zero", whole(r#"{"kind":"session","minutes":-5,"active_minutes":1}"#)),
        ("more skills than an event has", whole(&format!(r#"{{"kind":"response","item":1,"skills":{:?},"correct":true}}"#, (0..17).collect::<Vec<_>>()))),
        ("no skill", whole(r#"{"kind":"response","item":1,"skills":[],"correct":true}"#)),
        ("a text for a number", whole(r#"{"kind":"session","minutes":"9","active_minutes":1}"#)),
        ("a member twice", br#"{"id":"x","id":"y","at":1,"student":"S-0","event":{"kind":"attendance","mark":"late"}}"#.to_vec()),
        ("an event's member twice", whole(r#"{"kind":"attendance","mark":"late","mark":"absent"}"#)),
        ("a member that nobody knows", whole(r#"{"kind":"attendance","mark":"late","really":true}"#)),
        ("bytes that are not UTF-8", [b"{\"id\":\"".to_vec(), vec![0xff, 0xfe], good("x")[8..].to_vec()].concat()),
        ("half a surrogate", whole(r#"{"kind":"attendance","mark":"\ud800"}"#)),
        ("nothing but zeros", vec![0; 100]),
        ("another protocol", b"GET / HTTP/1.1".to_vec()),
        ("a name of 257 bytes", good(&"n".repeat(257))),
        ("a name of no bytes", good("")),
        ("a student of 10,000 bytes", String::from_utf8_lossy(&good("x")).replace("S-0", &"S".repeat(10_000)).into_bytes()),
        ("a line over its limit", [good("x"), vec![b' '; 17 << 10]].concat()),
        ("an amendment of itself", line("x", &format!(r#""at":{NOW_MS},"event":{{"kind":"deletion","of":"x"}}"#)).into_bytes()),
        ("an amendment of a message of another source", line("x", &format!(r#""at":{NOW_MS},"event":{{"kind":"deletion","of":"nowhere"}}"#)).into_bytes()),
        ("an amendment inside an amendment", line("x", &format!(r#""at":{NOW_MS},"event":{{"kind":"correction","of":"before","instead":{{"kind":"deletion","of":"after"}}}}"#)).into_bytes()),
        ("an input of the need rule", whole(r#"{"kind":"need","need":2559}"#)),
    ];
    // Cut anywhere it is no message.
    let whole = good("x");
    cases.extend((1..whole.len()).step_by(7).map(|at| ("a line that is cut", whole[..at].to_vec())));
    cases
}

/// Frames that are no message, without their lengths.
fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let Ok(at) = Stamp::new(NOW_MS, 0) else { return Vec::new() };
    let what = What::Happened(EventBody::Attendance(Attendance::Late));
    let mut whole = Vec::new();
    frame::encode(&Message { name: "x".into(), at, student: Some("S-0".into()), what }, &mut whole);
    let whole = whole.split_off(4);
    let mut cases = vec![
        ("an empty frame", Vec::new()),
        ("another version", [vec![2], whole[1..].to_vec()].concat()),
        ("a name of four gigabytes", [vec![1], vec![0xff; 12]].concat()),
        ("bytes behind the frame", [whole.clone(), vec![0]].concat()),
        ("nothing but ones", vec![0xff; 900]),
        ("nothing but corrections in corrections", [vec![1], vec![9; 1_000]].concat()),
    ];
    cases.extend((1..whole.len()).map(|at| ("a frame that is cut", whole[..at].to_vec())));
    cases
}

#[test]
fn what_is_hostile_is_a_letter_and_stops_nobody() -> Tested {
    let world = World::new()?;
    let settings = plain_settings(vec![world.feed.clone()]);
    let pipeline = Pipeline::start(Arc::new(world.vault.clone()), settings)?;
    let all = lines().into_iter().map(|(name, raw)| (name, Form::Line, raw));
    let all = all.chain(frames().into_iter().map(|(name, raw)| (name, Form::Frame, raw)));
    let all = all.chain([
        ("a statement with a member twice", Form::Statement, br#"{"id":"a","id":"b"}"#.to_vec()),
        ("a deep statement", Form::Statement, nested(5_000).into_bytes()),
        ("a list instead of a statement", Form::Statement, b"[]".to_vec()),
    ]);
    let (mut wanted, mut cases) = (0, 0);
    for (number, (name, form, raw)) in (0..).zip(all) {
        let (started, sender) = (Instant::now(), Arc::from("east"));
        let read =
            |form, raw: Vec<u8>| Given::read(&world.feed, form, Bytes::from(raw), (&sender, 1), NOW_MS);
        let around = [good(&format!("before-{number}")), good(&format!("after-{number}"))];
        let mut group: Vec<Given> = around.into_iter().filter_map(|raw| read(Form::Line, raw)).collect();
        let hostile = read(form, raw);
        let letters = usize::from(hostile.is_some());
        group.extend(hostile);
        group.rotate_left(1);
        let summary = pipeline.submit_and_wait(group)?;
        assert_eq!(summary, Summary { new: 2, dead_letters: letters, ..Summary::default() }, "{name}");
        assert!(started.elapsed() < PATIENCE, "{name}");
        wanted += 2;
        cases += 1;
    }
    assert!(cases > 70, "{cases} cases");
    assert_eq!(events_of(&world.vault, &world.handles[0])?.len(), wanted);
    // What is told of them quotes nothing that was sent.
    for (_, letter) in letters::list(&world.vault, world.feed.source)? {
        assert!(!letter.detail.contains("S-0") && letter.detail.len() < 300, "{}", letter.detail);
    }
    pipeline.stop();
    Ok(())
}

#[test]
fn a_payload_that_cannot_be_cut_is_one_letter_of_bounded_size() -> Tested {
    let world = World::new()?;
    for (form, bytes) in [
        (Form::Frame, vec![0xff; 8]),
        (Form::Frame, vec![0; 3]),
        (Form::Statement, [b"[".repeat(100_000), b"]".repeat(100_000)].concat()),
        (Form::Statement, b"[{\"id\":1,\"id\":2}]".to_vec()),
        (Form::Line, vec![b'1'; payload::MAX_PAYLOAD_BYTES + 1]),
    ] {
        let mut given = Vec::new();
        payload::read(&world.feed, form, &Bytes::from(bytes), &Arc::from("t"), NOW_MS, &mut given);
        assert_eq!(given.len(), 1, "{form:?}");
        assert!(given[0].message.is_err() && given[0].raw.len() <= payload::MAX_PAYLOAD_BYTES, "{form:?}");
    }
    Ok(())
}

#[test]
fn another_content_under_a_name_that_is_known_changes_nothing() -> Tested {
    let world = World::new()?;
    let settings = plain_settings(vec![world.feed.clone()]);
    let pipeline = Pipeline::start(Arc::new(world.vault.clone()), settings)?;
    let first = mark(&world.feed, "m", "S-0", 1)?;
    pipeline.submit_and_wait(vec![first.clone()])?;
    let before = events_of(&world.vault, &world.handles[0])?;
    // The same name, of another student, at another moment: a replay that was changed on its way.
    let forged = mark(&world.feed, "m", "S-1", 9)?;
    let known = Summary { known: 3, ..Summary::default() };
    assert_eq!(pipeline.submit_and_wait(vec![forged.clone(), first, forged])?, known);
    assert_eq!(events_of(&world.vault, &world.handles[0])?, before);
    assert!(events_of(&world.vault, &world.handles[1])?.is_empty());
    pipeline.stop();
    Ok(())
}

#[test]
fn a_disk_that_refuses_the_spool_too_refuses_the_sender() -> Tested {
    let world = World::new()?;
    let folder = world.root.path().join("feeds");
    let spool = Some((folder.clone(), 1 << 20));
    let settings = Settings { spool, ..plain_settings(vec![world.feed.clone()]) };
    let door = Shutter::of(&world.vault, false);
    let pipeline = Pipeline::start(door.clone(), settings)?;
    pipeline.submit_and_wait(vec![mark(&world.feed, "m0", "S-0", 0)?])?;
    // No file can be made where the spools were: as on a disk without space.
    std::fs::remove_dir_all(&folder)?;
    std::fs::write(&folder, b"no folder")?;
    door.shut.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(pipeline.submit_and_wait(vec![mark(&world.feed, "m1", "S-0", 1)?]), Err(Busy::Full));
    assert!(pipeline.state().attention.is_some());
    door.shut.store(false, std::sync::atomic::Ordering::SeqCst);
    let done = pipeline.submit_and_wait(vec![mark(&world.feed, "m1", "S-0", 1)?])?;
    assert_eq!(done.new, 1, "what was refused was not taken in");
    pipeline.stop();
    Ok(())
}

/// docs/feeds.md names the test of each row.
#[test]
fn the_documents_name_tests_that_there_are() -> Tested {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/feeds.md"))?;
    let (_, section) = text.split_once("## What was tried against them").ok_or("a section")?;
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let rows: Vec<&str> =
        section.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert!(rows.len() > 20, "{} rows", rows.len());
    for row in rows {
        let mut cells = row.trim_end_matches(" |").rsplit(" | ");
        let cell = cells.next().ok_or("a cell")?.trim_matches('`');
        let (file, test) = cell.split_once("::").ok_or_else(|| format!("{row}: FILE::TEST"))?;
        let source = std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
        assert!(source.contains(&format!("fn {test}(")), "{file} has no test {test}");
    }
    Ok(())
}
