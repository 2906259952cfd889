//! Knowledge tracing with two states, fitted by likelihood: the feature of the model, and the textbook BKT.
//!
//! For each skill the parameters (start, learn, guess, slip) that make the students' sequences of answers on
//! it likeliest: a coarse grid, then a pattern search on log-odds, drawn to the parameters of all skills
//! together as far as a skill has little data. A response on several skills counts in each one's sequence.

use aula_twin_runtime::fixed::Probability;
use aula_twin_runtime::model::Knowledge;

use super::log::{Log, Student};

/// Most responses of one skill that are looked at: more do not move four numbers.
const MAX_RESPONSES: usize = 20_000;
/// Strength of the pull to the common parameters, in log-loss a squared logit.
const PULL: f64 = 1.5;

/// start, learn, guess, slip.
pub type Parameters = [f64; 4];

/// Parameters that stand without any data.
pub const PRIOR: Parameters = [0.4, 0.1, 0.2, 0.1];

/// Sequences of answers, one a student, on one skill.
type Sequences = Vec<Vec<bool>>;

/// Probability of a right answer.
#[must_use]
pub fn predict(known: f64, p: &Parameters) -> f64 {
    known * (1.0 - p[3]) + (1.0 - known) * p[2]
}

/// Bayes on the answer, then learning.
#[must_use]
pub fn update(known: f64, p: &Parameters, correct: bool) -> f64 {
    let (yes, no) = if correct { (1.0 - p[3], p[2]) } else { (p[3], 1.0 - p[2]) };
    let joint = known * yes;
    let posterior = joint / (joint + (1.0 - known) * no).max(1e-12);
    posterior + (1.0 - posterior) * p[1]
}

fn loss(sequences: &Sequences, p: &Parameters) -> f64 {
    let mut total = 0.0;
    for sequence in sequences {
        let mut known = p[0];
        for correct in sequence {
            let right = predict(known, p).clamp(1e-6, 1.0 - 1e-6);
            total -= (if *correct { right } else { 1.0 - right }).ln();
            known = update(known, p, *correct);
        }
    }
    total
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn pull(p: &Parameters, centre: &Parameters) -> f64 {
    p.iter().zip(centre).map(|(a, b)| PULL * (logit(*a) - logit(*b)).powi(2)).sum()
}

/// Coordinate-wise pattern search on log-odds from a start.
fn refine(sequences: &Sequences, start: Parameters, centre: &Parameters) -> Parameters {
    let cost = |p: &Parameters| loss(sequences, p) + pull(p, centre);
    let (mut best, mut best_cost, mut width) = (start, cost(&start), 0.8);
    while width > 0.1 {
        let mut improved = false;
        for at in 0..4 {
            for sign in [-1.0, 1.0] {
                let mut next = best;
                next[at] = super::logistic::sigmoid(logit(best[at]) + sign * width).clamp(0.001, 0.999);
                // Guessing and slipping above one half would swap the two states.
                if next[2] > 0.6 || next[3] > 0.6 {
                    continue;
                }
                let next_cost = cost(&next);
                if next_cost < best_cost {
                    (best, best_cost, improved) = (next, next_cost, true);
                }
            }
        }
        if !improved {
            width *= 0.5;
        }
    }
    best
}

/// The best of a coarse grid.
fn coarse(sequences: &Sequences) -> Parameters {
    let mut best = (f64::INFINITY, PRIOR);
    for start in [0.15, 0.4, 0.7] {
        for learn in [0.02, 0.1, 0.3] {
            for guess in [0.1, 0.25, 0.45] {
                for slip in [0.05, 0.15, 0.35] {
                    let p = [start, learn, guess, slip];
                    let cost = loss(sequences, &p);
                    if cost < best.0 {
                        best = (cost, p);
                    }
                }
            }
        }
    }
    best.1
}

/// Parameters of every skill, and of all together (for skills without data).
#[must_use]
pub fn fit(log: &Log, students: &[&Student], skills: usize) -> (Vec<Parameters>, Parameters) {
    let mut by_skill: Vec<Sequences> = vec![Vec::new(); skills];
    let mut sizes = vec![0_usize; skills];
    for student in students {
        let mut own: std::collections::BTreeMap<usize, Vec<bool>> = std::collections::BTreeMap::new();
        for row in log.rows_of(student) {
            for skill in log.skills(row) {
                own.entry(usize::from(skill.0)).or_default().push(row.correct);
            }
        }
        for (skill, sequence) in own {
            if sizes[skill] < MAX_RESPONSES {
                sizes[skill] += sequence.len();
                by_skill[skill].push(sequence);
            }
        }
    }
    let mut sample: Sequences = Vec::new();
    let share = (MAX_RESPONSES / skills.max(1)).max(50);
    for sequences in &by_skill {
        let mut taken = 0;
        sample.extend(sequences.iter().cloned().take_while(|s| {
            taken += s.len();
            taken <= share
        }));
    }
    let common = refine(&sample, coarse(&sample), &PRIOR);
    let fitted = by_skill.iter().map(|sequences| match sequences.len() {
        0 => common,
        _ => refine(sequences, common, &common),
    });
    (fitted.collect(), common)
}

/// The parameters as the integer model holds them.
#[must_use]
pub fn rounded(p: &Parameters) -> Knowledge {
    let e6 = |x: f64| Probability::clamped((x * 1e6).round() as i64);
    Knowledge { start: e6(p[0]), learn: e6(p[1]), guess: e6(p[2]), slip: e6(p[3]) }
}
