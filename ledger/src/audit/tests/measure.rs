//! How long evidence takes on a round of the demo's size. Run by hand:
//! `cargo test --release -p aula-ledger --lib -- --ignored --nocapture evidence_of_a_round_of_real_size`.

use super::*;
use crate::genesis::GenesisSchool;
use crate::testkit::{self, account, class, pool, request, submit};
use crate::tx::{DefineClass, DefinePool, FundBudget, Mandate};
use crate::types::{Cents, SchoolId};

#[test]
#[ignore = "measures, asserts nothing about time"]
#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
fn evidence_of_a_round_of_real_size() {
    let mut world = World::with("measured", |genesis| {
        for id in 100..180u32 {
            let school_type = testkit::name(["rural", "urban", "suburban", "inner-city"][id as usize % 4]);
            let district = DistrictId(1 + (id % 2) as u16);
            genesis.schools.push(GenesisSchool::unnamed(SchoolId(id), district, school_type));
        }
    });
    world.accept("funder", FundBudget { school_year: YEAR, amount_cents: Cents(1_000_000) });
    let kinds = ["reading", "math", "take-home", "tutoring"].map(testkit::name).to_vec();
    world.accept("voter-a", DefineClass { kinds, ..class(1) });
    world.accept("funder", testkit::grant(1, "voter-a", 1_000_000));
    for n in 0..301u32 {
        let places = pool(n, 1, 100 + n / 4, (n % 4) as u8, 3);
        world.accept("voter-a", DefinePool { funder: account("funder"), ..places });
    }
    let school = |n: u32| 100 + 2 * (n % 40);
    for at in 0..40 {
        world.accept("district-1", testkit::anchor((0..6_840).filter(|n| n % 40 == at), school(at)));
    }
    world.accept("voter-a", testkit::open(1));
    let rankings: [&[u8]; 4] = [&[0, 1, 2], &[1, 0, 3], &[2, 3], &[3, 1, 0, 2]];
    let ask = |n: u32| request(n, school(n), testkit::band_of(n), Mandate::None, rankings[n as usize % 4]);
    for from in (0..6_840u32).step_by(1_024) {
        let asked = (from..(from + 1_024).min(6_840)).map(ask).collect();
        world.accept("district-1", submit(&world.chain, 0, asked));
    }
    world.draw(0, &["seed-1", "seed-2"], &[]);
    world.accept("voter-a", testkit::run(0));
    let timed = |what: &str, build: &dyn Fn() -> Bundle| {
        let start = std::time::Instant::now();
        let bytes = build().to_canonical();
        let built = start.elapsed();
        let start = std::time::Instant::now();
        let report = verify(&bytes, &world.genesis, &Options::default());
        println!("{what}: {} bytes, built in {built:?}, verified in {:?}", bytes.len(), start.elapsed());
        assert_eq!(report.verdict, Verdict::Valid, "{}", lines(&report));
    };
    let collector = world.collector(&[]);
    timed("round", &|| collector.round(ROUND).unwrap());
    timed("allocation", &|| collector.allocation(ROUND, DistrictId(1), &handle(3)).unwrap());
    timed("student", &|| collector.student(DistrictId(1), YEAR, &handle(3)).unwrap());
}
