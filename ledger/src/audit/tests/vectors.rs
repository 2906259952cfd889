//! Pinned bundles: files written once must verify for as long as their version is read.

use aula_allocation::{Limits, solve, srap};

use super::*;
use crate::audit::open::{attach_band, open_fields};

const GENESIS: &[u8] = include_bytes!("../../../vectors/evidence/genesis.json");
/// Each in its folder beside the genesis of its chain: what must verify, and whether it stands.
const BUNDLES: [(&str, &[u8]); 16] = [
    ("round", include_bytes!("../../../vectors/evidence/round.bundle")),
    ("allocation", include_bytes!("../../../vectors/evidence/allocation.bundle")),
    ("student", include_bytes!("../../../vectors/evidence/student.bundle")),
    ("absent", include_bytes!("../../../vectors/evidence/absent.bundle")),
    ("proved", include_bytes!("../../../vectors/evidence/proved.bundle")),
    ("opened", include_bytes!("../../../vectors/evidence/opened.bundle")),
    ("budget", include_bytes!("../../../vectors/evidence/budget.bundle")),
    ("access", include_bytes!("../../../vectors/evidence/access.bundle")),
    ("estate", include_bytes!("../../../vectors/evidence/estate.bundle")),
    ("milestone", include_bytes!("../../../vectors/evidence/milestone.bundle")),
    ("figures", include_bytes!("../../../vectors/evidence/figures.bundle")),
    ("acts", include_bytes!("../../../vectors/evidence/acts.bundle")),
    ("no-tree", include_bytes!("../../../vectors/evidence/no-tree.bundle")),
    ("budget-without-floor", include_bytes!("../../../vectors/evidence/budget-without-floor.bundle")),
    ("reverted", include_bytes!("../../../vectors/evidence/reverted.bundle")),
    ("replaced", include_bytes!("../../../vectors/evidence/replaced.bundle")),
];
/// Rounds of chains of their own: with a fair share, with a proven gap, and one that went on by protocol 2.
const OTHERS: [(&str, &[u8], &[u8]); 4] = [
    (
        "fair share",
        include_bytes!("../../../vectors/evidence/fair-share/round.bundle"),
        include_bytes!("../../../vectors/evidence/fair-share/genesis.json"),
    ),
    (
        "gap",
        include_bytes!("../../../vectors/evidence/gap/round.bundle"),
        include_bytes!("../../../vectors/evidence/gap/genesis.json"),
    ),
    (
        "upgraded",
        include_bytes!("../../../vectors/evidence/upgraded/round.bundle"),
        include_bytes!("../../../vectors/evidence/upgraded/genesis.json"),
    ),
    (
        "charged",
        include_bytes!("../../../vectors/evidence/charged/budget.bundle"),
        include_bytes!("../../../vectors/evidence/charged/genesis.json"),
    ),
];
/// A signed lie about the chain of protocol 3: the same sum, moved between two schools.
const MOVED: &[u8] = include_bytes!("../../../vectors/evidence/charged/moved.bundle");
/// Signed lies about the chain of `genesis.json`, each refused.
const REFUSED: [(&str, &str, &[u8]); 5] = [
    ("opened-need-a", "field", include_bytes!("../../../vectors/evidence/refused/opened-need-a.bundle")),
    ("opened-need-b", "field", include_bytes!("../../../vectors/evidence/refused/opened-need-b.bundle")),
    ("prices-withheld", "prices", include_bytes!("../../../vectors/evidence/refused/prices-withheld.bundle")),
    ("pools-left-out", "pools", include_bytes!("../../../vectors/evidence/refused/pools-left-out.bundle")),
    (
        "budget-overstated",
        "budget statement",
        include_bytes!("../../../vectors/evidence/refused/budget-overstated.bundle"),
    ),
];

#[test]
fn pinned_bundles_still_verify_and_encode_to_their_own_bytes() {
    let main = BUNDLES.iter().map(|(name, bytes)| (*name, *bytes, GENESIS));
    for (name, bytes, genesis) in main.chain(OTHERS) {
        let report = verify(bytes, genesis, &Options::default());
        assert_eq!(report.verdict, Verdict::Valid, "{name}\n{}", lines(&report));
        let standing = match name {
            "reverted" => Standing::Reverted,
            "replaced" => Standing::Replaced,
            _ => Standing::Stands,
        };
        assert_eq!(report.standing, Some(standing), "{name}");
        assert_eq!(Bundle::from_canonical(bytes).unwrap().to_canonical(), bytes, "{name}");
        let version = if ["upgraded", "estate", "charged"].contains(&name) { 8 } else { 7 };
        assert_eq!(bytes.first(), Some(&version), "{name}");
    }
}

#[test]
fn pinned_lies_are_refused_for_what_they_are() {
    for (name, check, bytes) in REFUSED {
        let report = verify(bytes, GENESIS, &Options::default());
        assert_eq!((report.verdict, report.exit_code()), (Verdict::Invalid, 1), "{name}\n{}", lines(&report));
        assert_eq!(report.checks.last().unwrap().name, check, "{name}\n{}", lines(&report));
    }
    let report = verify(MOVED, OTHERS[3].2, &Options::default());
    assert_eq!((report.verdict, report.exit_code()), (Verdict::Invalid, 1), "{}", lines(&report));
    assert_eq!(report.checks.last().unwrap().name, "budget statement", "{}", lines(&report));
}

#[test]
fn pinned_certificates_still_tell_an_optimum_from_a_worse_assignment() {
    let instance = include_bytes!("../../../vectors/evidence/small.srap");
    let good = include_bytes!("../../../vectors/evidence/small.cert");
    let worse = include_bytes!("../../../vectors/evidence/worse.cert");
    assert_eq!(verify_optimum(instance, good).verdict, Verdict::Valid);
    assert_eq!(verify_optimum(instance, worse).verdict, Verdict::Invalid);
}

/// Writes the pinned files anew: a decision to write down, since old files should go on to verify.
/// `cargo test --release -p aula-ledger -- --ignored write_the_pinned_evidence`
#[test]
#[ignore = "writes into the source tree"]
#[expect(clippy::disallowed_methods, reason = "run by hand to write the pinned files")]
fn write_the_pinned_evidence() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/evidence");
    for sub in ["charged", "fair-share", "gap", "refused", "upgraded", "via"] {
        std::fs::create_dir_all(format!("{folder}/{sub}")).unwrap();
    }
    let write = |name: &str, bytes: &[u8]| std::fs::write(format!("{folder}/{name}"), bytes).unwrap();
    let world = World::decided();
    let collector = world.collector(&[Height(5)]);
    let bundle = |bundle: Result<Bundle, BuildError>| bundle.unwrap().to_canonical();
    write("genesis.json", &world.genesis);
    write("round.bundle", &bundle(collector.round(ROUND)));
    write("allocation.bundle", &bundle(collector.allocation(ROUND, DistrictId(1), &handle(3))));
    write("student.bundle", &bundle(collector.student(DistrictId(1), YEAR, &handle(3))));
    write("absent.bundle", &bundle(collector.student(DistrictId(1), YEAR, &handle(900))));
    write("budget.bundle", &bundle(collector.budget(account("funder"), YEAR)));
    write("access.bundle", &reads::listed(collector.access(DistrictId(1)).unwrap(), 1).to_canonical());
    write("milestone.bundle", &bundle(collector.milestone(DistrictId(1), &handle(3), 0)));
    write("figures.bundle", &bundle(collector.figures(&figures::public_keys(), &[])));
    write("acts.bundle", &figures::acts(&world).to_canonical());
    write("no-tree.bundle", &bundle(collector.student(DistrictId(9), YEAR, &handle(3))));
    let next_year = crate::types::SchoolYear(YEAR.0 + 1);
    write("budget-without-floor.bundle", &bundle(collector.budget(account("funder"), next_year)));
    write("estate.bundle", &estate::shown(&estate::anchored(world.clone())).to_canonical());
    let mut fallen = world.clone();
    fallen.another_round();
    write("replaced.bundle", &bundle(fallen.collector(&[]).round(ROUND)));
    fallen.revert(1);
    write("reverted.bundle", &bundle(fallen.collector(&[]).round(RoundId(1))));
    let (parent, over) = via::pinned();
    write("via/parent.json", &parent.genesis);
    write("via/allocation.via", &over.to_canonical());
    let mut upgraded = world.clone();
    upgraded.upgrade();
    write("upgraded/genesis.json", &upgraded.genesis);
    write("upgraded/round.bundle", &bundle(upgraded.collector(&[Height(5)]).round(ROUND)));
    let charged = charged::stated();
    write("charged/genesis.json", &charged.genesis);
    write("charged/budget.bundle", &charged::shown(&charged).to_canonical());
    write("charged/moved.bundle", &charged::lied(&[(11, 499), (21, 201)]).1.to_canonical());
    for (name, other) in [("fair-share", World::shared()), ("gap", World::with_a_gap())] {
        write(&format!("{name}/genesis.json"), &other.genesis);
        write(&format!("{name}/round.bundle"), &bundle(other.collector(&[]).round(ROUND)));
        write(
            &format!("{name}/allocation.bundle"),
            &bundle(other.collector(&[]).allocation(ROUND, DistrictId(1), &handle(3))),
        );
    }
    for (name, lie) in lies::pinned() {
        write(&format!("refused/{name}.bundle"), &lie.to_canonical());
    }
    let mut proved = collector.allocation(ROUND, DistrictId(1), &handle(3)).unwrap();
    attach_band(&mut proved, band_alone(&world, 3)).unwrap();
    write("proved.bundle", &proved.to_canonical());
    let mut opened = collector.student(DistrictId(1), YEAR, &handle(300)).unwrap();
    let names = ["input/0", "skill/00003"].map(str::to_owned).into();
    open_fields(&mut opened, &disclosure::fields(1), &names, disclosure::blinding(1)).unwrap();
    write("opened.bundle", &opened.to_canonical());
    // Three students, two pools of two places, costs by row.
    let words = [3i32, 2, 2, 2, 0, 0, 5, 1, 4, 2, 9, 3];
    let instance: Vec<u8> =
        b"SRAP0001".iter().copied().chain(words.iter().flat_map(|word| word.to_le_bytes())).collect();
    let solution = solve(&srap::parse(&instance).unwrap(), &Limits::default()).unwrap();
    let mut worse = solution.assignment.clone();
    worse.rotate_left(1);
    write("small.srap", &instance);
    write("small.cert", &Optimum::new(solution.assignment, solution.certificate.clone()).to_canonical());
    write("worse.cert", &Optimum::new(worse, solution.certificate).to_canonical());
}
