//! The mutation corpus: bit flips, cuts, byte splices, and splices of whole parts from another height or
//! another chain. Each is refused, none panics. The seed is fixed, so a failure repeats.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::audit::bundle::SignedHeader;
use crate::audit::open::open_fields;

/// Bundles of each kind.
fn bundles(world: &World) -> Vec<Bundle> {
    let collector = world.collector(&[]);
    let mut opened = collector.student(DistrictId(1), YEAR, &handle(300)).unwrap();
    let names = ["input/0", "skill/00003"].map(str::to_owned).into();
    open_fields(&mut opened, &super::disclosure::fields(1), &names, super::disclosure::blinding(1)).unwrap();
    vec![
        collector.round(ROUND).unwrap(),
        collector.allocation(ROUND, DistrictId(1), &handle(3)).unwrap(),
        collector.student(DistrictId(1), YEAR, &handle(3)).unwrap(),
        collector.student(DistrictId(1), YEAR, &handle(900)).unwrap(),
        collector.student(DistrictId(9), YEAR, &handle(3)).unwrap(),
        collector.budget(account("funder"), YEAR).unwrap(),
        opened,
        super::reads::listed(collector.access(DistrictId(1)).unwrap(), 1),
        collector.figures(&super::figures::public_keys(), &[]).unwrap(),
        super::figures::acts(world),
    ]
}

fn refuse(world: &World, bytes: &[u8], what: &str) {
    let report = verify(bytes, &world.genesis, &Options::default());
    assert_ne!(report.verdict, Verdict::Valid, "{what}\n{}", lines(&report));
    assert!(report.checks.last().is_some_and(|check| !check.ok), "{what}");
}

#[test]
fn two_thousand_random_mutations_are_all_refused() {
    let world = World::decided();
    let mut other = World::decided_as("another");
    other.block(None);
    let originals = bundles(&world);
    let pristine: Vec<Vec<u8>> = originals.iter().map(Canonical::to_canonical).collect();
    let foreign: Vec<Vec<u8>> = bundles(&other).iter().map(Canonical::to_canonical).collect();
    for bytes in &pristine {
        assert_eq!(verify(bytes, &world.genesis, &Options::default()).verdict, Verdict::Valid);
    }
    let mut rng = StdRng::seed_from_u64(0xA0_1A);
    let mut tried = 0;
    while tried < 2_000 {
        let kind = rng.gen_range(0..pristine.len());
        let (good, donor) = (&pristine[kind], &foreign[kind]);
        let mut bytes = good.clone();
        let at = rng.gen_range(0..bytes.len());
        let what = match rng.gen_range(0..5) {
            0 | 1 => {
                bytes[at] ^= 1 << rng.gen_range(0..8);
                "bit flip"
            }
            2 => {
                let end = (at + rng.gen_range(1..200)).min(bytes.len());
                bytes.drain(at..end);
                "cut"
            }
            3 => {
                let end = (at + rng.gen_range(1..200)).min(bytes.len()).min(donor.len());
                if at < end {
                    bytes[at..end].copy_from_slice(&donor[at..end]);
                }
                "splice of another chain's bytes"
            }
            _ => {
                let from = rng.gen_range(0..good.len());
                let piece = good[from..(from + rng.gen_range(1..100)).min(good.len())].to_vec();
                bytes.splice(at..at, piece);
                "insertion of its own bytes"
            }
        };
        if bytes != *good {
            let what = format!("{what} in bundle {kind} at {at}, mutation {tried}");
            refuse(&world, &bytes, &what);
            refuse_resealed(&world, &originals[kind], bytes, &what);
            tried += 1;
        }
    }
}

/// The same mutation by somebody who repairs the checksum: refused, unless it asks about another student who is
/// as provably absent. Then the report is about that other student, and true.
fn refuse_resealed(world: &World, original: &Bundle, mut bytes: Vec<u8>, what: &str) {
    let body = bytes.len().saturating_sub(32);
    bytes.truncate(body);
    bytes.extend(crate::audit::sha256(&bytes).0);
    let report = verify(&bytes, &world.genesis, &Options::default());
    // Where only the checksum was hit, repairing it gives the original back.
    if report.verdict == Verdict::Valid && bytes != original.to_canonical() {
        let bundle = Bundle::from_canonical(&bytes).unwrap();
        let (Subject::Student(mine), Subject::Student(theirs)) = (&bundle.subject, &original.subject) else {
            panic!("resealed {what}");
        };
        let asked = |e: &crate::audit::bundle::StudentEvidence| (e.district, e.school_year, e.handle);
        assert!(!matches!(mine.standing, StudentStanding::Anchored { .. }), "resealed {what}");
        assert_eq!((&mine.standing, &bundle.chain), (&theirs.standing, &original.chain), "resealed {what}");
        assert_ne!(asked(mine), asked(theirs), "resealed {what}");
        assert!(report.checks.last().unwrap().detail.contains(&mine.handle.to_string()), "resealed {what}");
    }
}

/// Lengths of four billion entries at every place where a length could stand: refused before memory is taken.
#[test]
fn lengths_that_lie_are_refused_at_once() {
    let world = World::decided();
    let original = world.collector(&[]).student(DistrictId(1), YEAR, &handle(3)).unwrap();
    let good = original.to_canonical();
    for at in 1..good.len() - 36 {
        for lie in [u32::MAX, 1 << 24] {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&lie.to_le_bytes());
            if bytes != good {
                refuse_resealed(&world, &original, bytes, &format!("length {lie} at {at}"));
            }
        }
    }
}

/// Every way to put a part of one bundle into another that keeps the format.
#[test]
fn parts_of_another_height_or_chain_are_refused() {
    let early = World::decided();
    let mut late = early.clone();
    late.block(None);
    late.block(None);
    let mut other = World::decided_as("another");
    other.block(None);
    other.block(None);
    for (at, good) in bundles(&late).iter().enumerate() {
        for (world, which) in [(&early, "another height"), (&other, "another chain")] {
            let donor = &bundles(world)[at];
            let mut spliced: Vec<(&str, Bundle)> = Vec::new();
            let mut put = |what, change: &dyn Fn(&mut Bundle)| {
                let mut bundle = good.clone();
                change(&mut bundle);
                spliced.push((what, bundle));
            };
            put("certificate", &|b| b.chain.head.certificate = donor.chain.head.certificate.clone());
            put("header", &|b| b.chain.head.header = donor.chain.head.header.clone());
            put("head", &|b| b.chain.head = donor.chain.head.clone());
            put("signatures", &|b| {
                b.chain.head.certificate.signatures = donor.chain.head.certificate.signatures.clone();
            });
            put("chain record", &|b| b.chain_record = donor.chain_record.clone());
            put("link as head", &|b| b.chain.head = b.chain.links[0].block.clone());
            put("head as link", &|b| b.chain.links[0].block = b.chain.head.clone());
            put("link twice", &|b| b.chain.links.push(b.chain.links[0].clone()));
            put("set left out", &|b| b.chain.links[0].new_set = None);
            if which == "another chain" {
                put("links", &|b| b.chain.links = donor.chain.links.clone());
                put("subject", &|b| b.subject = donor.subject.clone());
                put("link's certificate", &|b| {
                    b.chain.links[0].block.certificate = donor.chain.links[0].block.certificate.clone();
                });
            }
            for (what, bundle) in spliced {
                refuse(&late, &bundle.to_canonical(), &format!("{what} of {which} in bundle {at}"));
            }
        }
        let swapped = &bundles(&late)[(at + 1) % 8];
        let mixed = Bundle { subject: swapped.subject.clone(), ..good.clone() };
        assert_valid(&late, &mixed);
    }
}

#[test]
fn a_certificate_without_quorum_with_a_duplicate_or_of_another_round_is_refused() {
    let world = World::decided();
    let good = world.collector(&[]).student(DistrictId(1), YEAR, &handle(3)).unwrap();
    let tampered = |change: &dyn Fn(&mut SignedHeader)| {
        let mut bundle = good.clone();
        change(&mut bundle.chain.head);
        let report = check(&world, &bundle, &Options::default());
        assert_eq!(report.verdict, Verdict::Invalid, "{}", lines(&report));
        report.sentence
    };
    let words = tampered(&|head| head.certificate.signatures.truncate(3));
    assert!(words.contains("not more than two thirds"), "{words}");
    let words = tampered(&|head| {
        let first = head.certificate.signatures[0];
        head.certificate.signatures.insert(1, first);
    });
    assert!(words.contains("duplicate"), "{words}");
    let words = tampered(&|head| head.certificate.round += 1);
    assert!(words.contains("signature is wrong"), "{words}");
    let words = tampered(&|head| head.certificate.height = Height(3));
    assert!(words.contains("about another block"), "{words}");
    let words = tampered(&|head| head.header.state_root = crate::types::Hash([0; 32]));
    assert!(words.contains("about another block"), "{words}");
}

#[test]
fn a_round_with_a_row_left_out_swapped_or_changed_is_refused() {
    let world = World::decided();
    let good = world.collector(&[]).round(ROUND).unwrap();
    let tampered = |change: &dyn Fn(&mut crate::audit::bundle::RoundEvidence)| {
        let mut bundle = good.clone();
        if let Subject::Round(round) = &mut bundle.subject {
            change(round);
        }
        let report = check(&world, &bundle, &Options::default());
        assert_eq!(report.verdict, Verdict::Invalid, "{}", lines(&report));
        report.checks.last().unwrap().name
    };
    assert_eq!(tampered(&|round| drop(round.rows.pop())), "rows");
    assert_eq!(tampered(&|round| round.rows.swap(0, 1)), "rows");
    assert_eq!(
        tampered(&|round| {
            let decision = round.rows[0].decision.clone();
            round.rows[1].decision = decision;
        }),
        "rows"
    );
    assert_eq!(tampered(&|round| drop(round.context.pools.pop())), "pools");
    assert_eq!(tampered(&|round| round.context.pools.swap(0, 1)), "pools");
    assert_eq!(tampered(&|round| drop(round.context.schools.pop())), "state");
    assert_eq!(tampered(&|round| drop(round.budgets.pop())), "budget");
    assert_eq!(tampered(&|round| drop(round.shares.pop())), "seed");
    assert_eq!(tampered(&|round| round.context.round = RoundId(1)), "state");
    assert_eq!(tampered(&|round| round.certificate = round.context.decision.clone()), "optimum");
}
