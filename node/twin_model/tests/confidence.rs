//! Is the published confidence worth its name? Students drawn from a known law: of the masteries published with
//! a confidence of about c, about c lie within 0.10 of the truth.

mod kit;

use std::fmt::Write;
use std::path::Path;

use aula_twin_model::features::event_of;
use aula_twin_model::fit::fit;
use aula_twin_model::log::{Log, Names};
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::{TwinState, step};
use kit::{Draw, sigmoid};

const SKILLS: usize = 5;
const PER_SKILL: usize = 9;

/// Nine items a skill, −2 to 2 logits around the skill's own level; the fifth is the median.
fn difficulty(item: usize) -> f64 {
    let (skill, step) = (item % SKILLS, item / SKILLS);
    0.4 * skill as f64 - 0.8 + 0.5 * (step as f64 - 4.0)
}

/// Rows, and each student's true log-odds on the median item of each skill.
fn drawn(students: std::ops::Range<u64>, length: usize) -> (String, Vec<[f64; SKILLS]>) {
    let mut body = "student,seq,item,skills,correct\n".to_owned();
    let mut truth = Vec::new();
    for student in students {
        let mut draw = Draw::of_student(student);
        let ability = draw.normal();
        let own: [f64; SKILLS] = std::array::from_fn(|_| ability + 0.5 * draw.normal());
        for seq in 0..length {
            let item = draw.below(SKILLS * PER_SKILL);
            let skill = item % SKILLS;
            let correct = u8::from(draw.uniform() < sigmoid(own[skill] - difficulty(item)));
            let _ = writeln!(body, "s{student},{seq},i{item},k{skill},{correct}");
        }
        truth.push(std::array::from_fn(|k| own[k] - difficulty(4 * SKILLS + k)));
    }
    (body, truth)
}

#[test]
fn confidence_is_the_share_that_lies_within_a_tenth() {
    let mut names = Names::default();
    let (body, _) = drawn(0..800, 60);
    let train = Log::parse(body.as_bytes(), Path::new("train"), &mut names).unwrap();
    let fitted = fit(&train, &names.clone());
    let params = Params::reference(fitted.model);
    let (mut claimed, mut inside, mut count) = ([0.0; 2], [0.0; 2], [0.0_f64; 2]);
    for (half, length) in [20, 160].into_iter().enumerate() {
        let (body, truth) = drawn(5_000..5_300, length);
        let test = Log::parse(body.as_bytes(), Path::new("test"), &mut names).unwrap();
        for (student, own) in test.students.iter().zip(&truth) {
            let mut state = TwinState::new(&params);
            for (n, row) in test.rows_of(student).iter().enumerate() {
                step(&mut state, &event_of(&test, row, n).unwrap(), &params).unwrap();
            }
            for entry in state.skills() {
                let name = &fitted.names.skill_names[usize::from(entry.skill.0)];
                let skill: usize = name.trim_start_matches('k').parse().unwrap();
                let mastery = state.mastery(entry.skill, &params);
                let distance = (f64::from(mastery.level.e4()) / 1e4 - sigmoid(own[skill])).abs();
                claimed[half] += f64::from(mastery.confidence.e4()) / 1e4;
                inside[half] += f64::from(u8::from(distance <= 0.1));
                count[half] += 1.0;
            }
        }
    }
    let share = |sum: [f64; 2]| [sum[0] / count[0], sum[1] / count[1]];
    let (claimed, inside) = (share(claimed), share(inside));
    eprintln!("claimed {claimed:.3?}, inside {inside:.3?} after 20 and 160 responses");
    for half in 0..2 {
        assert!((claimed[half] - inside[half]).abs() < 0.08, "claimed {claimed:?}, inside {inside:?}");
    }
    assert!(claimed[1] > claimed[0] + 0.1, "more answers, more confidence");
}
