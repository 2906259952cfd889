//! Bundles from a small chain with four validators, a fifth added by vote: what they prove, and that nothing
//! else passes.

use super::bundle::StudentStanding;
use super::*;
use crate::codec::Canonical;
use crate::proof::need::NeedProof;
use crate::testkit::{YEAR, account, band_of, handle, request, submit_on};
use crate::tx::Mandate;
use crate::types::{DistrictId, Handle, Height, RoundId};

mod charged;
mod copied;
mod disclosure;
mod estate;
mod figures;
mod lies;
mod light;
mod measure;
mod milestones;
mod mutations;
mod page;
mod protocols;
mod reads;
mod totals;
mod vectors;
mod via;
mod world;

use world::World;

const ROUND: RoundId = RoundId(0);

/// A proof of the band of one student of district 1.
fn band_alone(world: &World, number: u32) -> NeedProof {
    let asked = request(number, 11, band_of(number), Mandate::None, &[0]);
    submit_on(&world.chain.parsed.sha256, 0, vec![asked]).proofs.remove(0)
}

fn lines(report: &Report) -> String {
    report.checks.iter().map(|check| format!("{} {}: {}\n", check.ok, check.name, check.detail)).collect()
}

fn check(world: &World, bundle: &Bundle, options: &Options) -> Report {
    verify(&bundle.to_canonical(), &world.genesis, options)
}

fn assert_valid(world: &World, bundle: &Bundle) -> Report {
    let report = check(world, bundle, &Options::default());
    assert_eq!(report.verdict, Verdict::Valid, "{}", lines(&report));
    assert!(report.checks.iter().all(|check| check.ok));
    assert_eq!(report.height, Some(world.chain.height));
    report
}

fn names(report: &Report) -> Vec<&'static str> {
    report.checks.iter().map(|check| check.name).collect()
}

#[test]
fn a_round_is_proved_from_the_genesis_to_its_optimum() {
    let world = World::decided();
    let bundle = world.collector(&[]).round(ROUND).unwrap();
    let report = assert_valid(&world, &bundle);
    let expected = [
        "genesis",
        "format",
        "validators",
        "certificate",
        "header",
        "state",
        "pools",
        "round",
        "standing",
        "rows",
        "decisions",
        "capacities",
        "floors",
        "mandates",
        "budget",
        "seed",
        "optimum",
        "lottery",
        "prices",
        "report",
        "equity",
        "band",
    ];
    assert_eq!(names(&report), expected, "{}", lines(&report));
    assert!(report.sentence.starts_with("VALID: true as of height "));
    assert!(report.sentence.contains("A later revert is not excluded. No past validator set is assumed"));
    assert!(lines(&report).contains("Bands proved: each of the 18 needs"));
}

#[test]
fn a_decision_that_was_replaced_or_reverted_is_true_and_does_not_stand() {
    let mut world = World::decided();
    let standing = |world: &World, round: u32, handle: Handle| {
        let whole = assert_valid(world, &world.collector(&[]).round(RoundId(round)).unwrap());
        let one = assert_valid(
            world,
            &world.collector(&[]).allocation(RoundId(round), DistrictId(1), &handle).unwrap(),
        );
        assert_eq!((whole.standing, whole.exit_code()), (one.standing, one.exit_code()));
        assert_eq!(whole.to_json()["valid"], true);
        (whole.to_json()["standing"].as_str().unwrap().to_owned(), whole.exit_code(), whole.sentence)
    };
    let (word, code, sentence) = standing(&world, 0, handle(3));
    assert_eq!((word.as_str(), code), ("stands", 0), "{sentence}");
    world.another_round();
    let (word, code, sentence) = standing(&world, 0, handle(3));
    assert_eq!((word.as_str(), code), ("replaced", 1), "{sentence}");
    assert!(
        sentence.starts_with("VALID, BUT IT DOES NOT STAND: a later decision had taken its place"),
        "{sentence}"
    );
    assert_eq!(standing(&world, 1, handle(3)).0, "stands");
    world.revert(1);
    let (word, code, sentence) = standing(&world, 1, handle(3));
    assert_eq!((word.as_str(), code), ("reverted", 1), "{sentence}");
    assert!(sentence.starts_with("VALID, BUT IT DOES NOT STAND: the decision was reverted"), "{sentence}");
    assert_eq!(standing(&world, 0, handle(3)).0, "stands");
    // A third round: the second was reverted all the same, the first is replaced again.
    world.revert(0);
    assert_eq!(standing(&world, 0, handle(3)).0, "reverted");
}

#[test]
fn a_round_with_a_fair_share_is_proved_with_its_schools_prices() {
    let world = World::shared();
    let words = lines(&assert_valid(&world, &world.collector(&[]).round(ROUND).unwrap()));
    assert!(words.contains("published prices are the least optimal ones"), "{words}");
    let decision = crate::state::schema::decision(&world.chain.state, ROUND).unwrap().unwrap();
    assert_eq!(decision.school_prices.len(), 2);
    for number in 0..12 {
        assert_valid(
            &world,
            &world.collector(&[]).allocation(ROUND, DistrictId(1), &handle(number)).unwrap(),
        );
    }
}

#[test]
fn every_decision_is_proved_on_its_own_and_shows_no_other_row() {
    let world = World::decided();
    let round = world.collector(&[]).round(ROUND).unwrap();
    let Subject::Round(evidence) = &round.subject else { panic!("a round") };
    for row in &evidence.rows {
        let own = row.request_row().unwrap();
        let bundle = world.collector(&[]).allocation(ROUND, own.district, &own.handle).unwrap();
        let report = assert_valid(&world, &bundle);
        assert!(names(&report).ends_with(&["request", "decision", "prices", "band"]));
        let bytes = bundle.to_canonical();
        let others = evidence.rows.iter().filter(|other| other.request != row.request);
        for other in others {
            let handle = other.request_row().unwrap().handle;
            assert!(!bytes.windows(32).any(|window| window == handle.0), "another student's handle");
        }
    }
    let nobody = world.collector(&[]).allocation(ROUND, DistrictId(1), &Handle([1; 32]));
    assert!(matches!(nobody, Err(BuildError::NotFound(_))));
}

#[test]
fn students_are_proved_anchored_absent_or_in_no_tree() {
    let world = World::decided();
    let collector = world.collector(&[]);
    let anchored = collector.student(DistrictId(1), YEAR, &handle(3)).unwrap();
    assert_eq!(names(&assert_valid(&world, &anchored)).last(), Some(&"inclusion"));
    for number in 1000..1030 {
        let absent = collector.student(DistrictId(1), YEAR, &handle(number)).unwrap();
        assert_eq!(names(&assert_valid(&world, &absent)).last(), Some(&"absence"));
    }
    for end in [[0; 32], [255; 32]] {
        assert_valid(&world, &collector.student(DistrictId(1), YEAR, &Handle(end)).unwrap());
    }
    let no_tree = collector.student(DistrictId(9), YEAR, &handle(3)).unwrap();
    let Subject::Student(evidence) = &no_tree.subject else { panic!("a student") };
    assert!(matches!(evidence.standing, StudentStanding::NoTree { .. }));
    assert_valid(&world, &no_tree);
}

#[test]
fn a_stated_budget_and_its_floor_are_proved_without_an_amount() {
    let world = World::decided();
    let bundle = world.collector(&[]).budget(account("funder"), YEAR).unwrap();
    let report = assert_valid(&world, &bundle);
    assert!(names(&report).ends_with(&["budget", "budget statement", "equity statement"]));
    let words = lines(&report);
    assert!(words.contains("the amounts of 4 schools") && words.contains("sum to 100000 cents"), "{words}");
    assert!(words.contains("each of 4 schools got at least 15 cents"), "{words}");
    // The other funder has stated nothing.
    let none = world.collector(&[]).budget(account("funder-b"), YEAR);
    assert!(matches!(none, Err(BuildError::NotFound(_))));
    let mut early = World::named("early");
    early.accept("funder", crate::testkit::fund(100));
    let stated = crate::testkit::money::stated(&early.chain.parsed.sha256, &[(11, 100)], 100);
    early.accept("funder", stated);
    let bundle = early.collector(&[]).budget(account("funder"), YEAR).unwrap();
    let words = lines(&assert_valid(&early, &bundle));
    assert!(words.contains("No floor per weighted pupil is stated"), "{words}");
}

/// A round's bands: another band, another order of groups, a group less or twice, a proof of another group.
#[test]
fn a_round_whose_bands_are_not_all_proved_is_refused() {
    let world = World::decided();
    let good = world.collector(&[]).round(ROUND).unwrap();
    let tampered = |change: &dyn Fn(&mut bundle::RoundEvidence)| {
        let mut bundle = good.clone();
        if let Subject::Round(round) = &mut bundle.subject {
            change(round);
        }
        let report = check(&world, &bundle, &Options::default());
        assert_eq!(report.verdict, Verdict::Invalid, "{}", lines(&report));
        (report.checks.last().unwrap().name, report.sentence)
    };
    let refusals = [
        tampered(&|round| drop(round.bands.pop())),
        tampered(&|round| round.bands.push(round.bands[0].clone())),
        tampered(&|round| round.bands[0].entries.truncate(7)),
        tampered(&|round| round.bands[0].entries.swap(0, 1)),
        tampered(&|round| round.bands[0].entries[0] = super::bundle::BandEntry::Row(99)),
        tampered(&|round| round.bands[0].proof = round.bands[1].proof.clone()),
    ];
    for (name, sentence) in refusals {
        assert_eq!(name, "band", "{sentence}");
    }
}

#[test]
fn a_district_may_prove_one_students_band_alone_and_another_proof_is_refused() {
    let world = World::decided();
    let mut bundle = world.collector(&[]).allocation(ROUND, DistrictId(1), &handle(3)).unwrap();
    let words = lines(&assert_valid(&world, &bundle));
    assert!(words.contains("rests on the ledger's rule"), "{words}");
    let mut with = |proof| {
        if let Subject::Allocation(evidence) = &mut bundle.subject {
            evidence.band = bundle::BandEvidence::Proof(proof);
        }
        check(&world, &bundle, &Options::default())
    };
    let report = with(band_alone(&world, 3));
    assert_eq!(report.verdict, Verdict::Valid, "{}", lines(&report));
    assert!(lines(&report).contains("Band 3 is proved"));
    assert_eq!(with(band_alone(&world, 4)).verdict, Verdict::Invalid);
}

#[test]
fn a_missing_validator_change_cannot_be_told_from_here() {
    let world = World::decided();
    let mut bundle = world.collector(&[]).student(DistrictId(1), YEAR, &handle(3)).unwrap();
    assert_eq!(bundle.chain.links.len(), 1, "the fifth validator");
    bundle.chain.links.clear();
    let report = check(&world, &bundle, &Options::default());
    assert_eq!(report.verdict, Verdict::CannotTell);
    assert!(report.sentence.contains("a change of the validator set is missing"), "{}", report.sentence);
}

#[test]
fn the_genesis_given_must_be_the_published_one_and_the_chains_own() {
    let world = World::decided();
    let bundle = world.collector(&[]).round(ROUND).unwrap();
    let sha256 = world.chain.parsed.sha256;
    let with = |genesis_sha256| Options { genesis_sha256: Some(genesis_sha256), trusted: None };
    assert_eq!(check(&world, &bundle, &with(sha256)).verdict, Verdict::Valid);
    let report = check(&world, &bundle, &with(crate::types::Hash([1; 32])));
    assert_eq!((report.verdict, report.checks.len()), (Verdict::Invalid, 1));
    let other = World::named("other");
    let report = verify(&bundle.to_canonical(), &other.genesis, &Options::default());
    assert_eq!(report.verdict, Verdict::Invalid);
    assert!(report.sentence.contains("another chain"), "{}", report.sentence);
    let report = verify(&bundle.to_canonical(), b"{}", &Options::default());
    assert_eq!(report.verdict, Verdict::CannotTell);
    // Windows line ends are named, whether or not the published hash is given.
    let text = String::from_utf8(world.genesis.clone()).unwrap().replace('\n', "\r\n");
    for (options, verdict) in [(Options::default(), Verdict::CannotTell), (with(sha256), Verdict::Invalid)] {
        let report = verify(&bundle.to_canonical(), text.as_bytes(), &options);
        assert_eq!(report.verdict, verdict);
        assert!(report.sentence.contains("CR LF"), "{}", report.sentence);
    }
    // A space more in the file founds another chain.
    let report = verify(&bundle.to_canonical(), &[&world.genesis[..], b" "].concat(), &Options::default());
    assert_eq!(report.verdict, Verdict::Invalid);
}

#[test]
fn a_trusted_block_is_found_compared_and_changes_what_is_assumed() {
    let world = World::decided();
    let waypoint = Height(5);
    let bundle = world.collector(&[waypoint]).student(DistrictId(1), YEAR, &handle(3)).unwrap();
    let trust =
        |height: Height, hash| Options { genesis_sha256: None, trusted: Some(TrustedBlock { height, hash }) };
    let hash = world.blocks[&waypoint].0.hash();
    let report = check(&world, &bundle, &trust(waypoint, hash));
    assert_eq!(report.verdict, Verdict::Valid, "{}", lines(&report));
    assert!(report.sentence.contains("The block of height 5 was taken as real"));
    let report = check(&world, &bundle, &trust(waypoint, crate::types::Hash([1; 32])));
    assert_eq!(report.verdict, Verdict::Invalid);
    let report = check(&world, &bundle, &trust(Height(6), hash));
    assert_eq!(report.verdict, Verdict::CannotTell);
}

#[test]
fn what_is_no_bundle_or_of_a_later_version_cannot_be_told_and_what_is_damaged_is_refused() {
    let world = World::decided();
    let good = world.collector(&[]).student(DistrictId(1), YEAR, &handle(3)).unwrap().to_canonical();
    let verdict = |bytes: &[u8]| verify(bytes, &world.genesis, &Options::default()).verdict;
    // An empty file is one that was cut, and a cut file is damaged.
    assert_eq!(verdict(b""), Verdict::Invalid);
    assert_eq!(verdict(b"PK zip"), Verdict::CannotTell);
    for other in [1, 2, 3, 4, 5, 6, 9] {
        assert_eq!(verdict(&[&[other], &good[1..]].concat()), Verdict::CannotTell);
    }
    assert_eq!(verdict(&good[..good.len() - 1]), Verdict::Invalid);
    assert_eq!(verdict(&[&good[..], &[0]].concat()), Verdict::Invalid);
}

#[test]
fn nothing_is_built_before_a_block_or_about_what_is_not_there() {
    let world = World::named("empty");
    let early = Collector::new(&world.chain.state, &world, &[]);
    assert!(matches!(early, Err(BuildError::NotFound(_))));
    let world = World::decided();
    assert!(matches!(world.collector(&[]).round(RoundId(7)), Err(BuildError::NotFound(_))));
    let mut gap = world.clone();
    gap.blocks.remove(&gap.chain.height);
    let missing = Collector::new(&gap.chain.state, &gap, &[]);
    assert!(matches!(missing, Err(BuildError::MissingBlock(_))));
}
