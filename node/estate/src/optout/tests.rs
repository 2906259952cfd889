use super::*;
use crate::random::Random;

/// Students of two courses: late ones leave physics four times of ten, others one of twenty; group b leaves twice as often and nothing else says so.
fn enrolments(ahead: usize) -> String {
    let mut text = String::from("student,course,section_size,days_late,group,final_result,opted_out\n");
    let mut random = Random::new(4);
    for student in 0..3000 + ahead {
        let course = ["maths", "physics"][student % 2];
        let (late, group) = (random.below(20), ["a", "b"][random.below(2) as usize]);
        let chance =
            if course == "physics" && late >= 12 { 20 } else { 3 } * if group == "b" { 2 } else { 1 };
        let left = random.below(100) < chance;
        let answer = if student < 3000 { u32::from(left).to_string() } else { String::new() };
        let result = if left { "Withdrawn" } else { "Pass" };
        text += &format!("{student},{course},{},{late},{group},{result},{answer}\n", 20 + random.below(10));
    }
    text
}

#[test]
fn who_leaves_is_told_and_a_group_that_was_set_aside_stands_apart() {
    let read = read_enrolments(enrolments(200).as_bytes(), &["group".to_owned()]).unwrap();
    assert_eq!((read.known.failed.len(), read.ahead.failed.len()), (3000, 200));
    assert_eq!(read.known.left_out, ["student", "final_result"]);
    assert!(!read.known.columns.iter().any(|column| column.starts_with("group")), "{:?}", read.known.columns);
    let found = opt_out(&read).unwrap();
    assert!(found.judged.auc.0 > 0.65, "{:?}", found.judged.auc);
    let of = |name: &str| found.calibration.iter().find(|group| group.group == name).unwrap();
    assert!(of("group=a").apart < -3.0 && of("group=b").apart > 3.0, "{:?}", found.calibration);
    assert!(of("course=maths").apart.abs() < 3.0, "{:?}", found.calibration);
    let courses: Vec<&str> = found.courses.iter().map(|course| course.course.as_str()).collect();
    assert_eq!(courses, ["maths", "physics"]);
    let physics = &found.courses[1];
    assert!(
        (physics.expected - physics.opted_out as f64).abs() < 0.25 * physics.opted_out as f64,
        "{physics:?}"
    );
    // As many of a hundred are expected to leave as did before.
    let before = physics.opted_out as f64 / physics.rows as f64 * 100.0;
    assert!(physics.ahead == 100 && (physics.expected_ahead - before).abs() < 8.0, "{physics:?} {before}");
    let csv = to_csv(&read, &found);
    assert_eq!((csv.lines().count(), csv.lines().last().unwrap().split(',').nth(2)), (3201, Some("")));
    assert_eq!(opt_out(&read).unwrap(), found, "the same rows give the same risks");
}

#[test]
fn a_group_that_the_models_see_is_theirs() {
    let read = read_enrolments(enrolments(0).as_bytes(), &[]).unwrap();
    let found = opt_out(&read).unwrap();
    let of = |name: &str| found.calibration.iter().find(|group| group.group == name).unwrap();
    assert!(of("group=b").apart.abs() < 3.0 && found.told.is_empty(), "{:?}", found.calibration);
}

#[test]
fn faults_are_said() {
    let refused = |text: &str, aside: &[&str]| {
        let aside: Vec<String> = aside.iter().map(|name| (*name).to_owned()).collect();
        read_enrolments(text.as_bytes(), &aside).unwrap_err().to_string()
    };
    assert!(refused("a,b\n1,2\n", &[]).starts_with("header: there is no column \"opted_out\""));
    assert_eq!(refused("course,opted_out\nx,2\n", &[]), "row 1: the answer is 0 or 1");
    assert!(refused("course,opted_out\nx,1\n", &["sex"]).contains("there is no column \"sex\""));
    assert_eq!(refused("course,opted_out\nx,1\n", &["opted_out"]), "header: the answer cannot be set aside");
    let few = read_enrolments(b"course,opted_out\nx,1\ny,0\n", &[]).unwrap();
    assert_eq!(
        opt_out(&few).unwrap_err().to_string(),
        "file: 1 left and 1 stayed; ten of either are needed to learn from"
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(junk: Vec<u8>, text in "[a-z,\n0-9\"-]{0,200}") {
        let _ = read_enrolments(&junk, &[]);
        if let Ok(read) = read_enrolments(format!("course,late,opted_out\n{text}").as_bytes(), &["late".to_owned()]) {
            let _ = opt_out(&read);
        }
    }
}
