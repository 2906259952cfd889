//! Item difficulties: a Rasch model by joint maximum a posteriori.
//!
//! log-odds = constant + ability(student) − difficulty(item), difficulty(item) = mean of its skills' levels +
//! deviation. Abilities, levels and deviations have normal priors whose variances are re-estimated from the
//! fit (empirical Bayes), so that rare items and skills rest on what is known of their kind. Newton steps,
//! one coordinate at a time, in sweeps.

use super::log::{Log, Student};
use super::logistic::sigmoid;

/// Sweeps over the log: on public logs the fit has settled after 12.
const SWEEPS: usize = 14;

/// Difficulties of items and levels of skills, logits, larger is harder; the mean student answers the mean
/// item right with probability one half plus nothing: the constant is folded in.
#[derive(Debug, Clone)]
pub struct Difficulties {
    /// By item number.
    pub items: Vec<f64>,
    /// By skill number: the prior of an item that exercises it alone.
    pub skills: Vec<f64>,
    /// For skills without data.
    pub unseen: f64,
    /// Variance of the normal prior of abilities, as the fit found it, squared logits.
    pub ability_variance: f64,
    /// Responses to each item.
    pub item_counts: Vec<u32>,
    /// Responses on each skill.
    pub skill_counts: Vec<u32>,
}

/// Running sums of a Newton step.
#[derive(Debug, Clone, Copy, Default)]
struct Newton {
    gradient: f64,
    curvature: f64,
    count: u32,
}

impl Newton {
    /// A response that moves with the value by `share`. The curvature takes the share once, not squared: values
    /// that always stand together then move together by the whole step, and not by as many.
    fn add(&mut self, residual: f64, spread: f64, share: f64) {
        self.gradient += residual * share;
        self.curvature += spread * share;
        self.count += 1;
    }

    /// The step from `value` under a normal prior around zero, at most 2 logits.
    fn step(&self, value: f64, precision: f64) -> f64 {
        ((self.gradient - precision * value) / (self.curvature + precision)).clamp(-2.0, 2.0)
    }
}

struct State<'a> {
    log: &'a Log,
    students: &'a [&'a Student],
    abilities: Vec<f64>,
    deviations: Vec<f64>,
    levels: Vec<f64>,
    constant: f64,
    variances: [f64; 3],
}

/// Fits on the given students; `items` and `skills` are how many numbers there are.
#[must_use]
pub fn fit(log: &Log, students: &[&Student], items: usize, skills: usize) -> Difficulties {
    let mut state = State {
        log,
        students,
        abilities: vec![0.0; students.len()],
        deviations: vec![0.0; items],
        levels: vec![0.0; skills],
        constant: 0.0,
        variances: [1.0, 0.5, 0.5],
    };
    let mut counts = (vec![0; items], vec![0; skills]);
    for sweep in 0..SWEEPS {
        state.sweep_abilities();
        let last = state.sweep_items();
        if sweep == 0 {
            counts = last;
        }
    }
    state.finish(counts)
}

impl State<'_> {
    fn level(&self, row: &super::log::Row) -> f64 {
        let skills = self.log.skills(row);
        let sum: f64 = skills.iter().map(|s| self.levels[usize::from(s.0)]).sum();
        sum / skills.len().max(1) as f64
    }

    fn log_odds(&self, ability: f64, row: &super::log::Row) -> f64 {
        self.constant + ability - self.level(row) - self.deviations[row.item.0 as usize]
    }

    fn sweep_abilities(&mut self) {
        let mut squares = 0.0;
        for n in 0..self.students.len() {
            let mut newton = Newton::default();
            for row in self.log.rows_of(self.students[n]) {
                let p = sigmoid(self.log_odds(self.abilities[n], row));
                newton.add(f64::from(u8::from(row.correct)) - p, p * (1.0 - p), 1.0);
            }
            let precision = 1.0 / self.variances[0];
            self.abilities[n] += newton.step(self.abilities[n], precision);
            // Second moment of the posterior: square of the mean plus its variance.
            squares += self.abilities[n].powi(2) + 1.0 / (newton.curvature + precision);
        }
        self.variances[0] = (squares / self.students.len().max(1) as f64).clamp(0.02, 9.0);
    }

    /// One Newton step on the constant and the levels, then, with fresh residuals, one on the deviations.
    fn sweep_items(&mut self) -> (Vec<u32>, Vec<u32>) {
        let mut constant = Newton::default();
        let mut levels = vec![Newton::default(); self.levels.len()];
        self.each_row(|log, row, residual, spread| {
            constant.add(residual, spread, 1.0);
            let skills = log.skills(row);
            for skill in skills {
                // A level is shared with the row's other skills and moves together with the deviations.
                levels[usize::from(skill.0)].add(-residual, spread, 1.0 / skills.len() as f64);
            }
        });
        self.constant += constant.step(0.0, 0.0001);
        let precision = 1.0 / self.variances[1];
        self.variances[1] = shrink(&mut self.levels, &levels, precision);
        let mut deviations = vec![Newton::default(); self.deviations.len()];
        self.each_row(|_, row, residual, spread| {
            deviations[row.item.0 as usize].add(-residual, spread, 1.0);
        });
        let precision = 1.0 / self.variances[2];
        self.variances[2] = shrink(&mut self.deviations, &deviations, precision);
        let count = |list: &[Newton]| list.iter().map(|n| n.count).collect();
        (count(&deviations), count(&levels))
    }

    fn each_row(&self, mut visit: impl FnMut(&Log, &super::log::Row, f64, f64)) {
        for (student, ability) in self.students.iter().zip(&self.abilities) {
            for row in self.log.rows_of(student) {
                let p = sigmoid(self.log_odds(*ability, row));
                visit(self.log, row, f64::from(u8::from(row.correct)) - p, p * (1.0 - p));
            }
        }
    }

    fn finish(self, (item_counts, skill_counts): (Vec<u32>, Vec<u32>)) -> Difficulties {
        let skills: Vec<f64> = self.levels.iter().map(|l| l - self.constant).collect();
        let mut items: Vec<f64> = self.deviations.iter().map(|_| f64::NAN).collect();
        for student in self.students {
            for row in self.log.rows_of(student) {
                let at = row.item.0 as usize;
                if items[at].is_nan() {
                    items[at] = self.level(row) + self.deviations[at] - self.constant;
                }
            }
        }
        items.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = -self.constant);
        Difficulties {
            items,
            skills,
            unseen: -self.constant,
            ability_variance: self.variances[0],
            item_counts,
            skill_counts,
        }
    }
}

/// Steps every value that has data, and returns the re-estimated variance of their prior.
fn shrink(values: &mut [f64], steps: &[Newton], precision: f64) -> f64 {
    let (mut squares, mut seen) = (0.0, 0.0);
    for (value, newton) in values.iter_mut().zip(steps) {
        if newton.count > 0 {
            *value += newton.step(*value, precision);
            squares += value.powi(2) + 1.0 / (newton.curvature + precision);
            seen += 1.0;
        }
    }
    // One pseudo-value of variance 1/4 keeps a log with one skill from a variance of zero.
    ((squares + 0.25) / (seen + 1.0)).clamp(0.01, 9.0)
}
