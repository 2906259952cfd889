use aula_district::live::events_of;

use super::*;
use crate::testkit::{NOW_MS, Tested, World, plain_settings};

#[test]
fn a_file_is_taken_whole_moved_and_taken_once_however_often_it_comes() -> Tested {
    let world = World::new()?;
    let settings = plain_settings(vec![world.feed.clone()]);
    let pipeline = Arc::new(Pipeline::start(Arc::new(world.vault.clone()), settings)?);
    let path = world.root.path().join("in");
    std::fs::create_dir(&path)?;
    let folder = Folder::new(world.feed.clone(), pipeline.clone(), &path, Form::Line).at_once();
    let line = |n: u64| {
        let at = NOW_MS + n;
        format!(r#"{{"id":"m{n}","at":{at},"student":"S-0","event":{{"kind":"attendance","mark":"late"}}}}"#)
    };
    let long = format!("{}\n", "x".repeat(100_000));
    let text = format!("{}\r\n\n{long}{}\n{}", line(1), line(2), line(3));
    std::fs::write(path.join("a.jsonl"), &text)?;
    std::fs::write(path.join("b.jsonl.part"), &text)?;
    std::os::unix::fs::symlink("/etc/hostname", path.join("link.jsonl"))?;
    let done = folder.sweep()?;
    assert_eq!(done, [("a.jsonl".into(), Summary { new: 3, dead_letters: 1, ..Summary::default() })]);
    assert!(path.join("done/a.jsonl").exists() && !path.join("a.jsonl").exists());
    std::fs::write(path.join("a.jsonl"), &text)?;
    let done = folder.sweep()?;
    assert_eq!(done.first().map(|(_, summary)| summary.known), Some(3));
    assert_eq!(std::fs::read_dir(path.join("done"))?.count(), 2);
    assert_eq!(events_of(&world.vault, &world.handles[0])?.len(), 3);
    // The third message stands in line 5 of its file.
    let taking = crate::taking::Taking::new(&world.vault)?;
    let mark = taking.mark(world.feed.source, "m3");
    let marked = world.vault.marked(&[mark])?.pop().flatten().ok_or("marked")?;
    let reader = aula_ledger::names::Name::new("operator")?;
    let kept = world.vault.traced(&marked.handle, &marked.key, &reader, NOW_MS)?.ok_or("kept")?;
    let origin = crate::given::Origin::decode(&kept.origin).ok_or("an origin")?;
    assert_eq!((&*origin.sender, origin.number, origin.name.as_str()), ("a.jsonl", 5, "m3"));
    pipeline.stop();
    Ok(())
}
