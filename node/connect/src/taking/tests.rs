//! What a process that died had not entered yet, the next one enters.

use aula_district::enter::{Entering, Entry, enter};
use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::{Attendance, EventBody};

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
