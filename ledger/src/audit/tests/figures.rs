//! Bundles of public records and acts: what they say, what they never hold, and that nothing else passes.

use super::*;
use crate::audit::bundle::{Act, Figure, FigureKey};
use crate::state::schema;
use crate::testkit;
use crate::tx::MilestoneKind;
use crate::tx::Receipt;
use crate::types::{ClassId, PoolId, ProposalId, SchoolId};

/// Public records of the test's round and consortium, one of each kind.
pub fn public_keys() -> Vec<FigureKey> {
    let (class, pool) = (ClassId(1), PoolId(1));
    let budget = FigureKey::Budget { funder: account("funder"), school_year: YEAR };
    let validator = crate::chain::validators::address(&crate::keys::public_key(&testkit::key("validator-1")));
    vec![
        FigureKey::Report(ROUND),
        FigureKey::Parameters,
        budget,
        FigureKey::Class(class),
        FigureKey::Pool { class, pool },
        FigureKey::Validators,
        FigureKey::Validator(validator),
        FigureKey::Member(account("voter-a")),
        FigureKey::District(DistrictId(2)),
        FigureKey::School(SchoolId(11)),
        FigureKey::Proposal(ProposalId(1)),
        FigureKey::Milestones { school_year: YEAR, kind: MilestoneKind::GradeCompleted },
        FigureKey::AccessLog(DistrictId(1)),
    ]
}

/// The newest act, with its block on the way.
pub fn acts(world: &World) -> Bundle {
    let height = world.newest_act();
    world.collector(&[height]).figures(&[], &[(height, 0)]).unwrap()
}

fn said<'r>(report: &'r Report, name: &str) -> &'r serde_json::Value {
    report.figures.iter().find_map(|figure| figure.get(name)).unwrap()
}

#[test]
fn public_figures_are_proved_without_a_row_a_handle_or_a_withheld_count() {
    let world = World::decided();
    let bundle = world.collector(&[]).figures(&public_keys(), &[]).unwrap();
    let report = assert_valid(&world, &bundle);
    let expected = [
        "parameters",
        "budget",
        "class",
        "pool",
        "report",
        "standing",
        "validators",
        "validator",
        "member",
        "district",
        "school",
        "proposal",
        "milestones",
        "access log",
    ];
    assert!(names(&report).ends_with(&expected), "{}", lines(&report));
    assert!(lines(&report).contains("That the result is optimal needs the auditor's bundle"));
    let bytes = bundle.to_canonical();
    let round = world.collector(&[]).round(ROUND).unwrap();
    let Subject::Round(evidence) = &round.subject else { panic!("a round") };
    for row in &evidence.rows {
        assert!(!bytes.windows(32).any(|window| window == row.request_row().unwrap().handle.0), "a handle");
    }
    let stated = said(&report, "round-0");
    assert_eq!((&stated["gap_ppm"], &stated["students"]), (&0.into(), &18.into()));
    assert_eq!(stated["standing"], "stands");
    assert!(stated["pools"]["1"].get("price").is_some() && report.to_json()["figures"].is_array());
    assert_eq!(said(&report, "validators")["count"], 5);
    assert_eq!(said(&report, &format!("member-{}", account("voter-a")))["roles"], "consortium");
    assert_eq!(said(&report, "proposal-1")["change"]["change"], "add_validator");
    assert_eq!(said(&report, "genesis")["parameters"]["min_cell_students"], 10);
    // One milestone is below what may be shown; that one was recorded is shown, and not how many.
    assert!(said(&report, &format!("milestones-{YEAR}-grade_completed"))["at_least"].is_null());
    let head = said(&report, &format!("block-{}", world.chain.height));
    assert_eq!(head["hash"], world.blocks[&world.chain.height].0.hash().to_string());
    let none = world.collector(&[]).figures(&[], &[]);
    assert!(matches!(none, Err(BuildError::NotFound(_))));
    let nowhere = world.collector(&[]).figures(&[FigureKey::Report(RoundId(77))], &[]);
    assert!(matches!(nowhere, Err(BuildError::NotFound(_))));
}

#[test]
fn a_report_says_whether_its_decision_stands_by_its_class_which_cannot_be_left_out() {
    let mut world = World::decided();
    let standing = |world: &World, round: u32| {
        let bundle = world.collector(&[]).figures(&[FigureKey::Report(RoundId(round))], &[]).unwrap();
        let report = assert_valid(world, &bundle);
        let words = said(&report, &format!("round-{round}"))["standing"].clone();
        (report.standing.unwrap(), report.exit_code(), words)
    };
    assert_eq!(standing(&world, 0), (Standing::Stands, 0, "stands".into()));
    world.another_round();
    assert_eq!(standing(&world, 0), (Standing::Replaced, 1, "replaced".into()));
    assert_eq!(standing(&world, 1), (Standing::Stands, 0, "stands".into()));
    world.revert(1);
    assert_eq!(standing(&world, 1), (Standing::Reverted, 1, "reverted".into()));
    assert_eq!(standing(&world, 0), (Standing::Stands, 0, "stands".into()));
    let mut bundle = world.collector(&[]).figures(&[FigureKey::Report(ROUND)], &[]).unwrap();
    if let Subject::Figures(evidence) = &mut bundle.subject {
        evidence.figures.remove(0);
    }
    assert_eq!(check(&world, &bundle, &Options::default()).verdict, Verdict::Invalid);
}

#[test]
fn what_a_class_costs_is_said_only_with_all_its_pools() {
    let world = World::decided();
    let class = ClassId(1);
    let mut keys = vec![FigureKey::Class(class)];
    keys.extend((1..=4).map(|pool| FigureKey::Pool { class, pool: PoolId(pool) }));
    let whole = assert_valid(&world, &world.collector(&[]).figures(&keys, &[]).unwrap());
    let places = said(&whole, "spend-1")["all_kinds"]["places"].as_u64();
    assert_eq!(places, Some(3 + 2 + 2 + 4));
    keys.pop();
    let part = assert_valid(&world, &world.collector(&[]).figures(&keys, &[]).unwrap());
    assert!(!part.figures.iter().any(|figure| figure.get("spend-1").is_some()));
}

#[test]
fn shares_are_worked_out_from_proved_counts() {
    let world = World::decided_with(|genesis| genesis.params.min_cell_students = 1);
    let report = assert_valid(&world, &world.collector(&[]).figures(&public_keys(), &[]).unwrap());
    let totals = &said(&report, "round-0")["totals"];
    let n = |name: &str| totals[name].as_u64().unwrap();
    assert_eq!(n("placed"), n("students") - n("waitlisted"));
    assert_eq!(n("placed_ppm"), n("placed") * 1_000_000 / n("students"));
    assert_eq!(said(&report, &format!("milestones-{YEAR}-grade_completed"))["at_least"], 1);
}

#[test]
fn a_public_record_under_another_name_or_twice_is_refused() {
    let world = World::decided();
    let good = world.collector(&[]).figures(&public_keys(), &[]).unwrap();
    let spoil = |change: &dyn Fn(&mut Vec<Figure>)| {
        let mut bundle = good.clone();
        if let Subject::Figures(evidence) = &mut bundle.subject {
            change(&mut evidence.figures);
        }
        check(&world, &bundle, &Options::default()).verdict
    };
    assert_eq!(spoil(&|_| ()), Verdict::Valid);
    assert_eq!(spoil(&|figures| figures.reverse()), Verdict::Invalid);
    assert_eq!(spoil(&|figures| figures.clear()), Verdict::Invalid);
    assert_eq!(spoil(&|figures| figures.insert(0, figures[0].clone())), Verdict::Invalid);
    assert_eq!(spoil(&|figures| figures[4].key = FigureKey::Report(RoundId(1))), Verdict::Invalid);
    assert_eq!(spoil(&|figures| figures[2].key = FigureKey::Class(ClassId(2))), Verdict::Invalid);
    for at in 0..public_keys().len() {
        assert_eq!(spoil(&|figures| figures[at].record.value[1] ^= 1), Verdict::Invalid, "record {at}");
        let other = (at + 1) % public_keys().len();
        let taken = |figures: &mut Vec<Figure>| figures[at].record = figures[other].record.clone();
        assert_eq!(spoil(&taken), Verdict::Invalid, "the record of {other} under the name of {at}");
    }
}

#[test]
fn an_act_is_proved_from_its_block_with_what_became_of_it() {
    let world = World::decided();
    let bundle = acts(&world);
    let report = assert_valid(&world, &bundle);
    assert_eq!(names(&report).last(), Some(&"act"));
    let height = world.newest_act();
    let act = said(&report, &format!("act-{height}-0"));
    assert_eq!((&act["kind"], &act["code"]), (&"FundBudget".into(), &0.into()));
    assert_eq!(act["account"], account("funder-b").to_string());
    assert_eq!(act["events"][0]["event"], "budget_funded");
    assert_eq!(said(&report, &format!("block-{height}"))["transactions"], 1);
    let hidden = world.collector(&[]).figures(&[], &[(height, 0)]);
    assert!(matches!(hidden, Err(BuildError::MissingBlock(at)) if at == height));
    let beyond = world.collector(&[height]).figures(&[], &[(height, 1)]);
    assert!(matches!(beyond, Err(BuildError::NotFound(_))));
}

/// Changes the acts of a bundle.
type Spoil<'a> = &'a dyn Fn(&mut Vec<Act>);

#[test]
fn an_act_that_is_changed_moved_or_doubled_is_refused() {
    let world = World::decided();
    let good = acts(&world);
    let earlier = Height(1);
    let other = world.collector(&[earlier]).figures(&[], &[(earlier, 0)]).unwrap();
    let Subject::Figures(other) = &other.subject else { panic!("figures") };
    let changes: [Spoil<'_>; 9] = [
        &|acts| acts.clear(),
        &|acts| acts.push(acts[0].clone()),
        &|acts| acts[0].height = earlier,
        &|acts| acts[0].transaction.row[40] ^= 1,
        &|acts| acts[0].receipt.row[40] ^= 1,
        &|acts| acts[0].receipt = other.acts[0].receipt.clone(),
        &|acts| acts[0].transaction = other.acts[0].transaction.clone(),
        &|acts| acts[0].receipt.path.index = 1,
        &|acts| acts[0].transaction.path.siblings.push(crate::types::Hash([0; 32])),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut bundle = good.clone();
        if let Subject::Figures(evidence) = &mut bundle.subject {
            change(&mut evidence.acts);
        }
        let report = check(&world, &bundle, &Options::default());
        assert_eq!(report.verdict, Verdict::Invalid, "change {number}\n{}", lines(&report));
    }
}

/// Of the whole chain, only acts without a handle, a batch or a count that is withheld may be had by anybody.
#[test]
fn acts_about_students_are_for_nobody() {
    let world = World::decided();
    let heights: Vec<Height> = world.bodies.keys().copied().collect();
    let places: Vec<(Height, u32)> =
        world.bodies.iter().filter(|(_, body)| !body.0.is_empty()).map(|(height, _)| (*height, 0)).collect();
    let bundle = world.collector(&heights).figures(&[], &places).unwrap();
    let report = assert_valid(&world, &bundle);
    let Subject::Figures(evidence) = &bundle.subject else { panic!("figures") };
    assert!(evidence.acts.len() > 10 && evidence.acts.len() < places.len());
    let bytes = bundle.to_canonical();
    for number in (0..30).chain([300]) {
        assert!(!bytes.windows(32).any(|window| window == handle(number).0), "a handle");
    }
    let words = lines(&report);
    let withheld = [
        "AnchorStates",
        "SubmitRequests",
        "RecordMilestone",
        "CommitSeed",
        "BudgetStatement",
        "EquityStatement",
    ];
    assert!(withheld.iter().all(|kind| !words.contains(&format!("is {kind} "))), "{words}");
    // 18 requests, and a handful of students who wait.
    let receipt = |body: &Body| body.1.first().cloned();
    let decided = |one: &Receipt| matches!(one.events.first(), Some(crate::tx::Event::RoundDecided { .. }));
    let round = world.bodies.values().filter_map(receipt).find(decided).unwrap();
    let payload = testkit::run(0).into();
    assert!(!is_public(&payload, &round, 10) && is_public(&payload, &round, 1));
    assert!(
        schema::params(&world.chain.state).unwrap().min_cell_students == 10
            && !words.contains("is RunRound ")
    );
}
