//! Who leaves the replica: never before all that was heard of them is at the district.

use aula_twin_runtime::clock::DAY_MS;

use super::*;

/// A mark of a student so many years before now, under a name.
fn mark(feed: &Arc<Feed>, name: &str, student: &str, years: u64) -> Result<Given, &'static str> {
    let at = NOW_MS - years * 365 * DAY_MS;
    message(
        feed,
        at,
        format!(
            r#"{{"id":"{name}","at":{at},"student":"{student}","event":{{"kind":"attendance","mark":"late"}}}}"#
        ),
    )
}

impl Apart {
    /// Both sides have had these students at the school for two years before.
    fn known_for_years(&self, ids: &[&str]) -> Tested {
        let students: Vec<(&str, u32, bool)> = ids.iter().map(|id| (*id, 11, true)).collect();
        for year in [2023, 2024].map(SchoolYear) {
            enrolled_in(&self.district.vault, year, &students)?;
            enrolled_in(&self.school.vault, year, &students)?;
        }
        Ok(())
    }

    /// Events of each of three years, 2023 first.
    fn at_the_district(&self, id: &str) -> Result<[usize; 3], Box<dyn std::error::Error>> {
        let mut found = [0; 3];
        for (count, year) in found.iter_mut().zip([2023, 2024, 2025]) {
            *count = self.district.events_in(id, SchoolYear(year)).map_or(0, |events| events.len());
        }
        Ok(found)
    }

    fn listed(&self) -> Result<usize, Box<dyn std::error::Error>> {
        Ok(self.district.vault.entries()?.len())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_left_goes_after_what_was_heard_in_every_year_is_home() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    // S-0 was here for three years and moves to the other school; S-9 was here for two and is at no school this year.
    world.known_for_years(&["S-0", "S-9"])?;
    for (years, student) in [(2, "S-0"), (1, "S-0"), (0, "S-0"), (2, "S-9"), (1, "S-9")] {
        let name = format!("{student}-{years}");
        assert_eq!(world.school.hear(vec![mark(&world.lincoln, &name, student, years)?]).await?.new, 1);
    }
    assert_eq!(world.school.events_in("S-9", SchoolYear(2023))?.len(), 1);
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.refused, did.sent), (true, 2, 0, 5), "{did:?}");
    assert_eq!(world.at_the_district("S-0")?, [1, 1, 1]);
    assert_eq!(world.at_the_district("S-9")?, [1, 1, 0]);
    for year in [2023, 2024, 2025].map(SchoolYear) {
        assert!(world.school.events_in("S-0", year).is_err() && world.school.events_in("S-9", year).is_err());
    }
    let again = world.level().await?;
    assert_eq!((again.level, again.erased, again.requests), (true, 0, 2), "roots and states: {again:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_earlier_years_events_come_home_and_nobodys_place_is_listed_for_it() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    world.known_for_years(&["S-0", "S-1"])?;
    world.school.hear(vec![mark(&world.lincoln, "late", "S-0", 1)?]).await?;
    // Another feed's that the school never had keeps the two years apart for ever.
    world.district.hear(vec![mark(&world.central, "other", "S-1", 1)?]).await?;
    let before = world.listed()?;
    let did = world.level().await?;
    assert_eq!((did.level, did.sent, did.erased), (true, 1, 0), "{did:?}");
    assert_eq!(world.at_the_district("S-0")?, [0, 1, 0]);
    for _ in 0..3 {
        let again = world.level().await?;
        assert_eq!((again.level, again.sent), (true, 0), "{again:?}");
    }
    assert_eq!(world.listed()?, before, "no place and no event left the district");
    // One process asks of such a year no more than once.
    let mut replica = Replica::new(world.school.entering(), vec![world.lincoln.clone()]);
    let speaking = world.speaking()?;
    let first = replica.level(&speaking, (GENESIS, NOW_MS), None).await?.requests;
    let second = replica.level(&speaking, (GENESIS, NOW_MS), None).await?.requests;
    assert!(second < first && second <= 2, "{first} {second}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_the_district_refuses_keeps_its_student_until_it_is_home() -> Tested {
    let world = Apart::new().await?;
    world.level().await?;
    let other = Arc::new(Feed::plain("unregistered")?);
    world.school.hear(vec![mark(&other, "m", "S-0", 0)?, mark(&world.lincoln, "n", "S-0", 0)?]).await?;
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.refused, did.students), (false, 0, 1, 3), "{did:?}");
    assert_eq!(world.school.events("S-0")?.len(), 2);
    assert_eq!(world.district.events("S-0")?.len(), 1, "what is not refused is home");
    // She is nobody's to see here meanwhile, and the roster is not told again and again.
    let local = LocalId::new("S-0").ok_or("an identifier")?;
    let handle = world.school.vault.find_in(&local, YEAR)?.ok_or("nobody")?;
    assert!(world.school.vault.relations_to(&handle)?.is_empty());
    let before = world.listed()?;
    assert_eq!(world.level().await?.refused, 1);
    assert_eq!(world.listed()?, before);
    world.served.set_clients(registered("s", "[11]", "[\"lincoln\", \"unregistered\"]")?);
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.refused), (true, 1, 0), "{did:?}");
    assert_eq!(world.district.events("S-0")?.len(), 2);
    assert!(world.school.events("S-0").is_err());
    // Who comes back before going has all of it still.
    enrolled(&world.district.vault, &[("S-1", 12, true)])?;
    world.school.hear(vec![mark(&Arc::new(Feed::plain("third")?), "m", "S-1", 0)?]).await?;
    assert_eq!(world.level().await?.erased, 0);
    enrolled(&world.district.vault, &[("S-1", 11, true)])?;
    let did = world.level().await?;
    assert_eq!((did.enrolled, did.erased, did.students), (1, 0, 3), "{did:?}");
    assert_eq!(world.school.events("S-1")?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn events_of_other_feeds_that_the_district_has_keep_nobody() -> Tested {
    let world = Apart::new().await?;
    world.district.hear(term(&world.central, (0, 40), NOW_MS)?).await?;
    world.level().await?;
    assert!(world.school.events("S-0")?.len() > 5);
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.erased, did.refused), (true, 1, 0), "{did:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_left_and_comes_back_has_all_that_the_district_has() -> Tested {
    let world = Apart::new().await?;
    world.district.hear(term(&world.central, (0, 20), NOW_MS)?).await?;
    world.level().await?;
    world.school.hear(term(&world.lincoln, (0, 20), NOW_MS)?).await?;
    enrolled(&world.district.vault, &[("S-0", 12, true)])?;
    assert_eq!(world.level().await?.erased, 1);
    assert!(world.school.events("S-0").is_err());
    enrolled(&world.district.vault, &[("S-0", 11, true)])?;
    let did = world.level().await?;
    assert_eq!((did.level, did.enrolled, did.same_states), (true, 1, Some(true)), "{did:?}");
    assert!(world.school.events("S-0")?.len() > 8);
    assert_eq!(world.school.events("S-0")?, world.district.events("S-0")?);
    assert_eq!(world.school.hear(term(&world.lincoln, (0, 20), NOW_MS)?).await?.new, 0);
    Ok(())
}
