//! Whatever is written where, in whatever order, and however often a levelling is cut: in the end the district has all of it, once.

use std::collections::{BTreeMap, BTreeSet};

use super::papers::state;
use super::records::{did, voids};
use super::*;

/// Numbers of a seed (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or_default()
    }
}

const STUDENTS: [&str; 3] = ["S-0", "S-1", "S-2"];

async fn mixed(seed: u64) -> Tested {
    let (world, mut random) = (Apart::new().await?, Random(seed));
    world.level().await?;
    let (mut all, mut voided) = (Vec::new(), BTreeSet::new());
    // By student: what was written last, and whether the school ever wrote.
    let mut papers: BTreeMap<&str, (String, bool)> = BTreeMap::new();
    for step in 0..50_u32 {
        let id = STUDENTS[random.below(STUDENTS.len())];
        match random.below(10) {
            0..=3 => {
                world.school.take("tablets", &[did(step, id)])?;
                all.push(step);
            }
            4 if !all.is_empty() => {
                let target = all[random.below(all.len())];
                if voided.insert(target) {
                    world.school.take("tablets", &[voids(1_000 + step, target)])?;
                }
            }
            at @ 5..=7 => {
                let (text, at_school) = (format!("page {step}"), at < 7);
                let side = if at_school { &world.school } else { &world.district };
                side.write(&state(id, "bookmark"), &text)?;
                let ever = papers.get(id).is_some_and(|(_, ever)| *ever);
                papers.insert(id, (text, ever || at_school));
            }
            8 => {
                world.cut.left.store(random.below(7), Ordering::SeqCst);
                world.cut.does.store(random.below(2) == 1, Ordering::SeqCst);
                match world.level().await {
                    Ok(_) | Err(LevelError::Refused(502, ..)) => {}
                    Err(error) => return Err(error.into()),
                }
                world.cut.left.store(usize::MAX, Ordering::SeqCst);
            }
            _ => drop(world.level().await?),
        }
    }
    let did = world.level().await?;
    assert!(did.level, "seed {seed}: {did:?}");
    for number in &all {
        let (shown, hidden) = (world.district.one(*number)?.is_some(), world.district.is_voided(*number)?);
        assert_eq!(
            (shown, hidden),
            (!voided.contains(number), voided.contains(number)),
            "seed {seed}, {number}"
        );
    }
    assert_eq!(world.district.kept()?, (all.len() + voided.len()) as u64, "seed {seed}: each once");
    for (id, (text, at_school)) in &papers {
        let here = world.school.text(&state(id, "bookmark"))?;
        let there = world.district.text(&state(id, "bookmark"))?;
        assert_eq!(there.as_ref(), Some(text), "seed {seed}, {id}");
        assert_eq!(here, there.filter(|_| *at_school), "seed {seed}, {id}");
    }
    let again = world.level().await?;
    assert_eq!((again.level, again.requests), (true, 2), "seed {seed}: {again:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn whatever_is_written_where_the_district_has_it_once() -> Tested {
    for seed in 1..=8 {
        mixed(seed).await?;
    }
    Ok(())
}
