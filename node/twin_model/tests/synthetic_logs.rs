//! Logs drawn from laws that are known, each of which one textbook model is made for: ours is within .003 of the
//! best of the four on every one, with the same fitting for all.

use std::fmt::Write;
use std::path::Path;

use aula_twin_model::baselines::compare;
use aula_twin_model::evaluate::evaluate;
use aula_twin_model::fit::fit;
use aula_twin_model::log::{Log, Names};

const TRAIN: u64 = 500;
const TEST: u64 = 200;
const LENGTH: usize = 60;
const SKILLS: usize = 8;
const ITEMS: usize = 64;

struct Draw(u64);

impl Draw {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((self.0 >> 11) as f64) + 0.5) / (1_u64 << 53) as f64
    }
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos()
    }
    fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// What decides an answer.
#[derive(Debug, Clone, Copy)]
enum Law {
    /// Difficulties of items, and nothing of practice: where Elo and Best-LR are at home.
    Items,
    /// Right and wrong answers on a skill each move it, all items alike: where PFA is at home.
    Practice,
    /// A skill is known or not, and learnt at once: where BKT is at home.
    TwoStates,
    /// Ability drifts as a random walk.
    Drift,
}

fn drawn(law: Law, students: std::ops::Range<u64>) -> String {
    let mut of_items = Draw(77);
    let difficulty: Vec<f64> = (0..ITEMS).map(|_| 1.6 * of_items.normal()).collect();
    let easiness: Vec<f64> = (0..SKILLS).map(|_| 0.8 * of_items.normal() - 1.0).collect();
    let mut body = "student,seq,item,skills,correct\n".to_owned();
    for student in students {
        let mut draw = Draw(student.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
        (0..3).for_each(|_| _ = draw.uniform());
        let mut ability = 0.8 * draw.normal();
        let (mut wins, mut fails, mut known) = ([0.0; SKILLS], [0.0; SKILLS], [false; SKILLS]);
        known.iter_mut().for_each(|k| *k = draw.uniform() < 0.25);
        for seq in 0..LENGTH {
            let item = draw.below(ITEMS);
            let skill = item % SKILLS;
            let p = match law {
                Law::Items => sigmoid(ability - difficulty[item]),
                Law::Practice => sigmoid(easiness[skill] + 0.35 * wins[skill] + 0.10 * fails[skill]),
                Law::TwoStates => {
                    if known[skill] {
                        0.9
                    } else {
                        0.2
                    }
                }
                Law::Drift => sigmoid(2.0 * ability),
            };
            let correct = draw.uniform() < p;
            let count = if correct { &mut wins } else { &mut fails };
            count[skill] += 1.0;
            known[skill] |= draw.uniform() < 0.18;
            if let Law::Drift = law {
                ability += 0.25 * draw.normal();
            }
            let _ = writeln!(body, "s{student},{seq},i{item},k{skill},{}", u8::from(correct));
        }
    }
    body
}

fn holds(law: Law) {
    let mut names = Names::default();
    let train = Log::parse(drawn(law, 0..TRAIN).as_bytes(), Path::new("train"), &mut names).unwrap();
    let train_names = names.clone();
    let test = drawn(law, 10_000..10_000 + TEST);
    let test = Log::parse(test.as_bytes(), Path::new("test"), &mut names).unwrap();
    let ours = evaluate(&fit(&train, &train_names), &test).metrics;
    let b = compare(&train, &test, &train_names);
    let rivals = [("BKT", b.bkt), ("PFA", b.pfa), ("Elo", b.elo), ("Best-LR", b.best_lr)];
    let line: Vec<String> = rivals.iter().map(|(n, m)| format!("{n} {:.4}", m.auc)).collect();
    eprintln!("{law:?}: ours {:.4}, {}", ours.auc, line.join(", "));
    let best = rivals.iter().map(|r| r.1.auc).fold(0.0, f64::max);
    assert!(best > 0.6, "a law that nobody can learn tests nothing");
    assert!(ours.auc >= best - 0.003, "{law:?}: {} against {best}", ours.auc);
}

#[test]
fn where_the_difficulty_of_items_matters_most() {
    holds(Law::Items);
}

#[test]
fn where_practice_matters_most() {
    holds(Law::Practice);
}

#[test]
fn where_skills_are_known_or_not() {
    holds(Law::TwoStates);
}

#[test]
fn where_ability_drifts() {
    holds(Law::Drift);
}
