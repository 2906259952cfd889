//! The turn of the school year: the calendar's, the new roster's import in parts and whole, and its being taken back.

use super::*;

const NEXT: SchoolYear = SchoolYear(2026);
/// 10 July 2026.
const JULY_MS: u64 = NOW_MS + 130 * 86_400_000;

fn july() -> u64 {
    JULY_MS
}

/// A mark of a student in July.
fn mark(feed: &Arc<Feed>, name: &str, student: &str) -> Result<Given, &'static str> {
    let text = format!(
        r#"{{"id":"{name}","at":{JULY_MS},"student":"{student}","event":{{"kind":"attendance","mark":"late"}}}}"#
    );
    message(feed, JULY_MS, text)
}

impl Apart {
    async fn heard_at_the_school(&self, name: &str, student: &str) -> Tested {
        assert_eq!(self.school.hear(vec![mark(&self.lincoln, name, student)?]).await?.new, 1, "{name}");
        Ok(())
    }

    /// Imports places of the new year; gives the import's number.
    fn imported(&self, students: &[(&str, u32)]) -> Result<u64, Box<dyn std::error::Error>> {
        let students: Vec<(&str, u32, bool)> =
            students.iter().map(|(id, school)| (*id, *school, true)).collect();
        enrolled_in(&self.district.vault, NEXT, &students)?;
        Ok(self.district.vault.imports()?.last().ok_or("no import")?.import)
    }
}

/// How many events a student has in a year; none where there is no such student.
fn count(side: &Side, id: &str, year: SchoolYear) -> Option<usize> {
    side.events_in(id, year).ok().map(|events| events.len())
}

/// Whom a side's roster of a year enrols at school 11.
fn at_school(side: &Side, year: SchoolYear) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    Ok(people::told(&side.vault, year, &[11])?.1.into_iter().map(|of| of.id).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn nobody_is_erased_before_the_new_roster_is_there_and_whole_and_taken_back_it_is_undone() -> Tested {
    let world = Apart::at(july).await?;
    // S-0 to S-3 are at the school, and so are these; S-8 is in the last grade.
    enrolled(&world.district.vault, &[("S-8", 11, true), ("S-10", 11, true), ("S-11", 11, true)])?;
    // The calendar has a new year, the district has no roster of it.
    let did = world.level().await?;
    assert_eq!((did.level, did.students, did.enrolled, did.erased), (true, 7, 7, 0), "{did:?}");
    for (name, student) in [("m-0", "S-0"), ("m-1", "S-1"), ("m-3", "S-3"), ("m-8", "S-8")] {
        world.heard_at_the_school(name, student).await?;
    }
    let did = world.level().await?;
    assert_eq!((did.level, did.sent, did.erased, did.left_out), (true, 4, 0, 0), "{did:?}");
    assert_eq!(count(&world.district, "S-8", YEAR), Some(1));

    // A first part of the new roster: nobody leaves for not being in it, and what is heard of them comes home.
    let first = world.imported(&[("S-0", 11)])?;
    world.heard_at_the_school("n-8", "S-8").await?;
    let did = world.level().await?;
    assert_eq!(
        (did.level, did.students, did.enrolled, did.erased, did.left_out),
        (true, 1, 0, 0, 6),
        "{did:?}"
    );
    assert_eq!((did.sent, count(&world.district, "S-8", YEAR)), (1, Some(2)));
    assert_eq!(at_school(&world.school, YEAR)?.len(), 7, "they are shown as before");
    // Who is erased at the district meanwhile is erased here all the same.
    let local = LocalId::new("S-2").ok_or("an identifier")?;
    let handle = world.district.vault.find_in(&local, YEAR)?.ok_or("nobody")?;
    world.district.vault.erase(&[handle], JULY_MS)?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.left_out), (true, 1, 5), "{did:?}");
    assert!(world.school.events_in("S-2", YEAR).is_err());

    // All of it: S-3 is at another school and S-8 at none; what was heard of them last is home before they go.
    let rest = world.imported(&[("S-1", 11), ("S-6", 11), ("S-10", 11), ("S-11", 11), ("S-3", 12)])?;
    world.heard_at_the_school("n-3", "S-3").await?;
    world.heard_at_the_school("o-8", "S-8").await?;
    let did = world.level().await?;
    assert_eq!((did.level, did.students, did.enrolled, did.erased), (true, 5, 1, 2), "{did:?}");
    assert_eq!((did.left_out, did.refused), (0, 0));
    let of_s3 = [YEAR, NEXT].map(|year| count(&world.district, "S-3", year).unwrap_or_default());
    assert_eq!((of_s3.iter().sum::<usize>(), count(&world.district, "S-8", YEAR)), (2, Some(3)));
    for id in ["S-3", "S-8"] {
        assert_eq!([YEAR, NEXT].map(|year| count(&world.school, id, year)), [None, None], "{id}");
    }
    world.heard_at_the_school("p-0", "S-0").await?;
    world.heard_at_the_school("p-1", "S-1").await?;
    let did = world.level().await?;
    assert_eq!((did.level, did.sent, did.events), (true, 2, 2), "{did:?}");
    assert_eq!(count(&world.district, "S-0", NEXT), Some(1));

    // The second import is taken back: the new roster is a part again. Whom it alone brought goes, whom it left out stays.
    world.district.vault.undo_import(rest, JULY_MS)?;
    world.heard_at_the_school("q-1", "S-1").await?;
    let did = world.level().await?;
    assert_eq!((did.level, did.students, did.erased, did.left_out), (true, 1, 1, 3), "{did:?}");
    assert_eq!(
        (did.sent, count(&world.district, "S-1", NEXT)),
        (1, Some(2)),
        "her place is gone, what was heard is not"
    );
    assert_eq!(at_school(&world.school, NEXT)?, ["S-0"]);
    // The first one as well: it is the year before again, with everybody whom that has.
    world.district.vault.undo_import(first, JULY_MS)?;
    let did = world.level().await?;
    assert_eq!((did.level, did.students, did.enrolled, did.erased), (true, 6, 2, 0), "{did:?}");
    assert_eq!((did.left_out, did.same_states), (0, Some(true)));
    assert!(at_school(&world.school, NEXT)?.is_empty());
    let local = LocalId::new("S-0").ok_or("an identifier")?;
    let handle = world.school.vault.find_in(&local, NEXT)?.ok_or("nobody")?;
    assert!(world.school.vault.relations_to(&handle)?.is_empty(), "nobody reads a place that is taken back");
    for id in ["S-0", "S-1", "S-3", "S-8", "S-10", "S-11"] {
        assert_eq!(world.school.events_in(id, YEAR)?, world.district.events_in(id, YEAR)?, "{id}");
    }
    // Made again it is as it was.
    world.imported(&[("S-0", 11), ("S-1", 11), ("S-6", 11), ("S-10", 11), ("S-11", 11), ("S-3", 12)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.students, did.enrolled, did.erased), (true, 5, 1, 2), "{did:?}");
    assert_eq!(did.same_states, Some(true));
    for id in ["S-0", "S-1"] {
        assert_eq!(world.school.events_in(id, NEXT)?, world.district.events_in(id, NEXT)?, "{id}");
    }
    let again = world.level().await?;
    assert_eq!((again.level, again.sent, again.removed, again.erased), (true, 0, 0, 0), "{again:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_was_heard_of_somebody_whose_import_is_taken_back_keeps_her() -> Tested {
    let world = Apart::at(july).await?;
    world.level().await?;
    let number = world.imported(&[("S-0", 11), ("S-1", 11), ("S-2", 11), ("S-3", 11), ("S-6", 11)])?;
    world.level().await?;
    world.heard_at_the_school("m", "S-6").await?;
    world.district.vault.undo_import(number, JULY_MS)?;
    let did = world.level().await?;
    assert_eq!((did.level, did.refused, did.erased, did.students), (false, 1, 0, 4), "{did:?}");
    assert_eq!(count(&world.school, "S-6", NEXT), Some(1), "no roster has her there: what was heard stays");
    world.imported(&[("S-0", 11), ("S-1", 11), ("S-2", 11), ("S-3", 11), ("S-6", 11)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.refused, did.sent, did.students), (true, 0, 1, 5), "{did:?}");
    assert_eq!(count(&world.district, "S-6", NEXT), Some(1));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_message_that_is_heard_on_both_sides_of_an_import_is_one() -> Tested {
    let world = Apart::at(july).await?;
    world.level().await?;
    // Before the import: the school hears one with its correction, the district another.
    world.heard_at_the_school("one", "S-0").await?;
    let text = format!(
        r#"{{"id":"mended","at":{JULY_MS},"event":{{"kind":"correction","of":"one","instead":{{"kind":"attendance","mark":"absent"}}}}}}"#
    );
    assert_eq!(world.school.hear(vec![message(&world.lincoln, JULY_MS, text)?]).await?.new, 1);
    let other = || mark(&world.lincoln, "other", "S-0");
    assert_eq!(world.district.hear(vec![other()?]).await?.new, 1);
    world.imported(&[("S-0", 11), ("S-1", 11), ("S-2", 11), ("S-3", 11)])?;
    // After it: the other way round.
    assert_eq!(world.district.hear(vec![mark(&world.lincoln, "one", "S-0")?]).await?.new, 1);
    let did = world.level().await?;
    assert_eq!((did.level, did.same_states, did.students, did.erased), (true, Some(true), 4, 0), "{did:?}");
    // Its year is the district's, and its correction's too.
    assert_eq!((count(&world.school, "S-0", YEAR), count(&world.school, "S-0", NEXT)), (Some(0), Some(2)));
    assert_eq!(
        (count(&world.district, "S-0", YEAR), count(&world.district, "S-0", NEXT)),
        (Some(1), Some(2))
    );
    assert_eq!(world.school.events_in("S-0", NEXT)?, world.district.events_in("S-0", NEXT)?);
    assert_eq!(world.school.hear(vec![other()?]).await?.new, 1);
    let did = world.level().await?;
    assert_eq!((did.level, did.same_states, did.removed), (true, Some(true), 1), "{did:?}");
    assert_eq!(
        (count(&world.district, "S-0", YEAR), count(&world.district, "S-0", NEXT)),
        (Some(1), Some(2))
    );
    assert_eq!(world.school.events_in("S-0", NEXT)?, world.district.events_in("S-0", NEXT)?);
    // Sent once more, each is known.
    let both =
        || -> Result<Vec<Given>, &'static str> { Ok(vec![mark(&world.lincoln, "one", "S-0")?, other()?]) };
    assert_eq!(world.district.hear(both()?).await?.new, 0);
    assert_eq!(world.school.hear(vec![mark(&world.lincoln, "one", "S-0")?]).await?.new, 0);
    let again = world.level().await?;
    assert_eq!((again.level, again.sent, again.received, again.removed), (true, 0, 0, 0), "{again:?}");
    world.school.live_is_the_fold(&[11])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_roster_that_is_imported_ahead_of_its_year_waits_for_it() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    world.imported(&[("S-0", 11), ("S-1", 12), ("S-2", 12), ("S-3", 12)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.students, did.erased, did.left_out), (true, 4, 0, 0), "{did:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn one_process_opens_no_event_of_any_year_twice() -> Tested {
    let world = Apart::at(july).await?;
    world.level().await?;
    for n in 0..4 {
        world.heard_at_the_school(&format!("m-{n}"), &format!("S-{n}")).await?;
    }
    world.level().await?;
    world.imported(&[("S-0", 11), ("S-1", 11), ("S-2", 11), ("S-3", 11)])?;
    let mut replica = Replica::new(world.school.entering(), vec![world.lincoln.clone()]);
    let speaking = world.speaking()?;
    assert!(replica.level(&speaking, (GENESIS, NOW_MS), None).await?.level);
    assert_eq!(replica.opened(), 4, "of the year before");
    world.heard_at_the_school("n", "S-0").await?;
    for _ in 0..3 {
        assert!(replica.level(&speaking, (GENESIS, NOW_MS), None).await?.level);
    }
    assert_eq!(replica.opened(), 5, "numbers of one year are not lost to another's");
    Ok(())
}

#[test]
fn a_rosters_digest_names_its_year() {
    let roster = super::super::wire::Roster::default();
    assert_ne!(people::digest(YEAR, &roster), people::digest(NEXT, &roster));
}
