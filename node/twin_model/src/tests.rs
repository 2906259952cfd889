use std::path::Path;

use super::evaluate::evaluate;
use super::fit::{Fitted, fit};
use super::log::{Log, LogError, Names};
use super::logistic::{Design, Ridge};
use super::table::TableError;
use super::{baselines, logistic, metrics};

const HEADER: &str = "extra,student,seq,item,skills,correct\n";

fn parse(body: &str, names: &mut Names) -> Result<Log, LogError> {
    Log::parse(format!("{HEADER}{body}").as_bytes(), Path::new("t.csv"), names)
}

/// A log drawn from a known law: 40 items, 5 skills, ability and practice; every seventh row has two skills.
fn drawn(students: std::ops::Range<u64>) -> String {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(students.start + 1);
    let mut uniform = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) as f64) / f64::from(1_u32 << 31)
    };
    let mut body = String::new();
    for student in students {
        let ability = 3.0 * uniform() - 1.5;
        for seq in 0..40 {
            let item = (uniform() * 40.0) as u64;
            let x = ability + 0.03 * f64::from(seq) - (item as f64 - 20.0) / 8.0;
            let correct = u8::from(uniform() < logistic::sigmoid(x));
            let skills = if seq % 7 == 0 {
                format!("{};{}", item % 5, (item + 1) % 5)
            } else {
                (item % 5).to_string()
            };
            body.push_str(&format!("x,s{student},{seq},i{item},{skills},{correct}\n"));
        }
    }
    body
}

fn fitted(names: &mut Names) -> (Fitted, Log) {
    let train = parse(&drawn(0..150), names).unwrap();
    (fit(&train, &names.clone()), train)
}

#[test]
fn a_response_of_more_skills_than_an_event_carries_is_refused_with_its_line_and_none_is_cut_off() {
    let row = |skills: usize| {
        let names: Vec<String> = (0..skills).map(|skill| format!("k{skill}")).collect();
        format!("x,a,1,i,one,1\nx,a,2,i,{},1\n", names.join(";"))
    };
    let most = parse(&row(16), &mut Names::default()).unwrap();
    assert_eq!(most.rows_of(&most.students[0]).iter().map(|row| most.skills(row).len()).max(), Some(16));
    for skills in [17, 40] {
        let refused = parse(&row(skills), &mut Names::default()).unwrap_err().to_string();
        let said = format!(
            "t.csv line 3: the response names {skills} skills, an event carries at most 16; split it"
        );
        assert_eq!(refused, said);
    }
    // The same skill named again is one skill.
    assert!(parse(&format!("x,a,1,i,{},1\n", ["k"; 40].join(";")), &mut Names::default()).is_ok());
}

#[test]
fn every_refusal_says_where_and_why() {
    let refused =
        |text: &str| Log::parse(text.as_bytes(), Path::new("t.csv"), &mut Names::default()).unwrap_err();
    let cases = [
        ("", "t.csv holds no rows"),
        (HEADER, "t.csv holds no rows"),
        (
            "student,seq,item,correct\na,1,i,1\n",
            "t.csv has no column \"skills\"; it has student, seq, item, correct",
        ),
        ("student,seq,item,skills,correct\na,1,i,s,2\n", "t.csv line 2: correct is \"2\", not 0 or 1"),
        ("student,seq,item,skills,correct\na,x,i,s,1\n", "t.csv line 2: seq is \"x\", not a whole number"),
        (
            "student,seq,item,skills,correct\na,2,i,s,1\nb,2,i,s,1\na,2,i,s,1\n",
            "t.csv line 4: the response 2 of student \"a\" to this item stands twice",
        ),
    ];
    for (text, want) in cases {
        assert_eq!(refused(text).to_string(), want);
    }
    let ragged = refused("student,seq,item,skills,correct\na,1,i\n");
    assert!(matches!(ragged, LogError::Table(TableError::Csv { .. })));
    let (mut names, mut other) = (Names::default(), Names::default());
    let (a, b) = (parse("x,p,1,i,s,1\n", &mut names).unwrap(), parse("x,p,1,i,s,1\n", &mut other).unwrap());
    assert_eq!(a.shared(&b), ["p"]);
}

#[test]
fn rows_in_any_order_are_the_same_log_and_the_files_order_stays_known() {
    let rows = ["x,a,1,i,s,1", "x,a,2,j,s,0", "x,a,2,k,s,1", "x,b,1,i,t,0", "x,b,7,j,t,1"];
    let body = |order: [usize; 5]| order.map(|at| format!("{}\n", rows[at])).concat();
    let sorted = parse(&body([0, 1, 2, 3, 4]), &mut Names::default()).unwrap();
    assert_eq!(sorted.of_file, [0, 1, 2, 3, 4]);
    // Items are first seen in the same order, so that their numbers are the same ones.
    let mixed = parse(&body([0, 4, 1, 3, 2]), &mut Names::default()).unwrap();
    let students = |log: &Log| log.students.iter().map(|s| (s.name.clone(), s.range)).collect::<Vec<_>>();
    assert_eq!(students(&mixed), students(&sorted));
    let read = |log: &Log| log.rows.iter().map(|row| (row.seq, row.item, row.correct)).collect::<Vec<_>>();
    assert_eq!(read(&mixed), read(&sorted));
    assert_eq!(mixed.of_file, [0, 4, 1, 3, 2]);
}

#[test]
fn a_row_with_several_skills_is_one_response() {
    let mut names = Names::default();
    let log = parse("x,p,1,i,b;a;b,1\nx,p,2,j,,0\n", &mut names).unwrap();
    assert_eq!(log.rows.len(), 2);
    assert_eq!(log.skills(&log.rows[0]).len(), 2);
    assert_eq!(names.skill_names, ["b", "a", ""]);
}

#[test]
fn predictions_are_strictly_causal() {
    let mut names = Names::default();
    let (fitted, _) = fitted(&mut names);
    let body = drawn(500..504);
    let test = parse(&body, &mut names).unwrap();
    let before = evaluate(&fitted, &test).predictions_e6;
    for cut in [0_usize, 1, 57, 90, 159] {
        // Turn every label from `cut` on: what was predicted up to and including `cut` stays.
        let mut turned = test.clone();
        turned.rows[cut..].iter_mut().for_each(|row| row.correct = !row.correct);
        let after = evaluate(&fitted, &turned).predictions_e6;
        assert_eq!(before[..=cut], after[..=cut]);
        if cut % 40 != 39 {
            assert_ne!(before[cut + 1], after[cut + 1], "an answer must matter for the next prediction");
        }
    }
}

#[test]
fn unseen_items_and_skills_take_priors() {
    let mut names = Names::default();
    let (fitted, _) = fitted(&mut names);
    let test =
        parse("x,new,0,never,strange,1\nx,new,1,never,0,1\nx,new,2,i3,strange,1\n", &mut names).unwrap();
    let p = evaluate(&fitted, &test).predictions_e6;
    assert!(p.iter().all(|p| (50_000..950_000).contains(p)), "{p:?}");
}

#[test]
fn the_model_beats_the_textbook_on_a_known_law() {
    let mut names = Names::default();
    let (fitted, train) = fitted(&mut names);
    let train_names = names.clone();
    let test = parse(&drawn(1_000..1_100), &mut names).unwrap();
    let ours = evaluate(&fitted, &test).metrics;
    let b = baselines::compare(&train, &test, &train_names);
    for other in [b.bkt, b.pfa, b.elo, b.best_lr] {
        assert!(ours.auc > other.auc - 0.003, "{ours:?} {b:?}");
    }
    assert!(ours.auc > 0.8, "{ours:?}");
}

#[test]
fn fitting_is_deterministic_and_the_file_round_trips() {
    let mut names = Names::default();
    let (one, train) = fitted(&mut names);
    let two = fit(&train, &one.names);
    assert_eq!(one.model.digest(), two.model.digest());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.twin");
    super::model_file::write(&path, &one.model, &one.names).unwrap();
    let (model, names) = super::model_file::read(&path).unwrap();
    assert_eq!((model, names.item_names), (one.model, one.names.item_names));
    std::fs::write(&path, b"AULATWIN\x02").unwrap();
    assert!(super::model_file::read(&path).is_err());
}

#[test]
fn auc_counts_ties_half() {
    let pairs = [(0.9, true), (0.5, true), (0.5, false), (0.1, false)];
    assert_eq!(metrics::auc(&pairs), 0.875);
    assert_eq!(metrics::auc(&pairs[..1]), 0.5);
    let bins = metrics::calibration(&pairs);
    assert_eq!(bins.iter().map(|b| b.count).collect::<Vec<_>>(), vec![1, 2, 1]);
}

#[test]
fn regression_finds_the_penalised_optimum() {
    let mut design = Design::default();
    for n in 0..400_u32 {
        let x = (n % 20) as f32 / 10.0 - 1.0;
        design.push([(0, 1.0), (1, x)], (n * 7919) % 100 < 30 + 20 * u32::from(x > 0.0));
    }
    let ridge = Ridge { strength: vec![0.5, 2.0], centre: vec![0.0, 1.0] };
    let w = logistic::fit(&design, &ridge, vec![0.0; 2], 100);
    let cost = |w: &[f64]| design.log_loss(w) * 400.0 + 0.25 * w[0] * w[0] + (w[1] - 1.0) * (w[1] - 1.0);
    for (at, by) in [(0, 0.01), (0, -0.01), (1, 0.01), (1, -0.01)] {
        let mut moved = w.clone();
        moved[at] += by;
        assert!(cost(&moved) > cost(&w));
    }
}
