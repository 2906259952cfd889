//! The integer model against the same model in floating point.
//!
//! The reference below is written from the papers, not from the integer code: logistic posterior by Laplace,
//! MacKay's flattening, two-state Bayes, exponential averages, a weighted sum. Stated bound: after any number of
//! responses up to [`RESPONSES`], a prediction of the integers lies within [`BOUND`] of the reference's. The
//! integers round every step to millionths, so errors add up; the tracker forgets them as it forgets answers.

use aula_twin_model::features::event_of;
use aula_twin_model::log::{Log, Names};
use aula_twin_runtime::fixed::{Logit, Probability, Residual, Variance};
use aula_twin_runtime::model::{Feature, ItemParams, Knowledge, Model, SkillParams};
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::{TwinState, predict_response, step};
use std::path::Path;

/// Largest distance of the two predictions, in probability.
const BOUND: f64 = 0.000_2;
const RESPONSES: usize = 600;
const SKILLS: usize = 6;
const ITEMS: usize = 40;

struct Uniform(u64);

impl Uniform {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f64) / f64::from(1_u32 << 31)
    }
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }
}

fn logit(x: f64) -> Logit {
    Logit::clamped((x * 1e6).round() as i64)
}

fn chance(x: f64) -> Probability {
    Probability::clamped((x * 1e6).round() as i64)
}

fn random_model(u: &mut Uniform) -> Model {
    let mut model = Model::unfitted();
    let item = |u: &mut Uniform| ItemParams {
        difficulty: logit(u.between(-2.0, 2.0)),
        offset: logit(u.between(-0.5, 0.5)),
        slope: logit(u.between(-0.2, 0.2)),
    };
    let skill = |u: &mut Uniform| SkillParams {
        bias: logit(u.between(-0.3, 0.3)),
        win_slope: logit(u.between(-0.1, 0.1)),
        fail_slope: logit(u.between(-0.1, 0.1)),
        unseen_item: item(u),
        median_item: item(u),
        knowledge: Knowledge {
            start: chance(u.between(0.1, 0.6)),
            learn: chance(u.between(0.01, 0.2)),
            guess: chance(u.between(0.1, 0.3)),
            slip: chance(u.between(0.05, 0.2)),
        },
    };
    model.skills = (0..SKILLS).map(|_| skill(u)).collect();
    model.items = (0..ITEMS).map(|_| item(u)).collect();
    model.bias = logit(u.between(-0.5, 0.5));
    for weight in &mut model.weights {
        *weight = logit(u.between(-0.4, 0.4));
    }
    model.weights[Feature::Tracker as usize] = logit(0.8);
    model.tracker.ability_variance = Variance::clamped(900_000);
    model.tracker.skill_variance = Variance::clamped(300_000);
    model.tracker.ability_drift = Variance::clamped(1_000);
    model.tracker.skill_drift = Variance::clamped(3_000);
    model.tracker.fast_rate = Residual::clamped(200_000);
    model.tracker.slow_rate = Residual::clamped(30_000);
    model
}

/// The model in floating point.
struct Reference<'a> {
    model: &'a Model,
    ability: (f64, f64),
    counts: [f64; 2],
    recent: [f64; 2],
    /// mean, variance, fails, wins, recent, known.
    skills: Vec<[f64; 6]>,
    items: Vec<[f64; 2]>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn of(x: Logit) -> f64 {
    f64::from(x.e6()) / 1e6
}

fn p_of(x: Probability) -> f64 {
    f64::from(x.e6()) / 1e6
}

impl<'a> Reference<'a> {
    fn new(model: &'a Model) -> Self {
        let prior = f64::from(model.tracker.skill_variance.e6()) / 1e6;
        let skills =
            model.skills.iter().map(|s| [0.0, prior, 0.0, 0.0, 0.0, p_of(s.knowledge.start)]).collect();
        let ability = (0.0, f64::from(model.tracker.ability_variance.e6()) / 1e6);
        Self { model, ability, counts: [0.0; 2], recent: [0.0; 2], skills, items: vec![[0.0; 2]; ITEMS] }
    }

    /// Predicts, then learns from the answer.
    fn respond(&mut self, item: usize, skills: &[usize], correct: bool) -> f64 {
        let (model, n) = (self.model, skills.len() as f64);
        let mean = |f: &dyn Fn(usize) -> f64| skills.iter().map(|s| f(*s)).sum::<f64>() / n;
        let held = &self.skills;
        let known = |s: usize| {
            let k = &model.skills[s].knowledge;
            let p = held[s][5] * (1.0 - p_of(k.slip)) + (1.0 - held[s][5]) * p_of(k.guess);
            (p / (1.0 - p)).ln()
        };
        let difficulty = of(model.items[item].difficulty);
        let variance = self.ability.1 + mean(&|s| held[s][1]) / n;
        let x = self.ability.0 + mean(&|s| held[s][0]) - difficulty;
        let flat = x / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt();
        let features = [
            self.ability.0,
            mean(&|s| held[s][0]),
            -difficulty,
            flat,
            mean(&|s| held[s][3].ln_1p()),
            mean(&|s| held[s][2].ln_1p()),
            self.counts[1].ln_1p(),
            self.counts[0].ln_1p(),
            self.items[item][1].ln_1p(),
            self.items[item][0].ln_1p(),
            self.recent[0],
            self.recent[1],
            mean(&|s| held[s][4]),
            mean(&known),
            mean(&|s| held[s][3].min(100.0) / 10.0),
            mean(&|s| held[s][2].min(100.0) / 10.0),
        ];
        let own = of(model.items[item].offset)
            + of(model.items[item].slope) * self.ability.0
            + mean(&|s| of(model.skills[s].bias))
            + mean(&|s| {
                let skill = &model.skills[s];
                of(skill.win_slope) * held[s][3].ln_1p() + of(skill.fail_slope) * held[s][2].ln_1p()
            });
        let shared: f64 = features.iter().zip(&model.weights).map(|(f, w)| f * of(*w)).sum();
        let predicted = sigmoid(of(model.bias) + shared + own);
        self.learn(item, skills, correct, sigmoid(flat), variance);
        predicted
    }

    fn learn(&mut self, item: usize, skills: &[usize], correct: bool, p: f64, variance: f64) {
        let (tracker, n) = (self.model.tracker, skills.len() as f64);
        let v = |x: Variance| f64::from(x.e6()) / 1e6;
        let residual = f64::from(u8::from(correct)) - p;
        let spread = p * (1.0 - p);
        let denominator = 1.0 + spread * variance;
        let moved = |mean: f64, var: f64, share: f64, drift: f64, prior: f64| {
            let gain = var / share;
            let left = var - gain * gain * spread / denominator + drift;
            (mean + gain * residual / denominator, left.clamp(0.0, prior))
        };
        let (drift, prior) = (v(tracker.ability_drift), v(tracker.ability_variance));
        self.ability = moved(self.ability.0, self.ability.1, 1.0, drift, prior);
        let (fast, slow) = (f64::from(tracker.fast_rate.e6()) / 1e6, f64::from(tracker.slow_rate.e6()) / 1e6);
        self.recent[0] += (residual - self.recent[0]) * fast;
        self.recent[1] += (residual - self.recent[1]) * slow;
        self.counts[usize::from(correct)] += 1.0;
        self.items[item][usize::from(correct)] += 1.0;
        for s in skills {
            let held = &mut self.skills[*s];
            let (drift, prior) = (v(tracker.skill_drift), v(tracker.skill_variance));
            (held[0], held[1]) = moved(held[0], held[1], n, drift, prior);
            held[2 + usize::from(correct)] += 1.0;
            held[4] += (residual - held[4]) * fast;
            let k = &self.model.skills[*s].knowledge;
            let (yes, no) = if correct {
                (1.0 - p_of(k.slip), p_of(k.guess))
            } else {
                (p_of(k.slip), 1.0 - p_of(k.guess))
            };
            let posterior = held[5] * yes / (held[5] * yes + (1.0 - held[5]) * no);
            held[5] = (posterior + (1.0 - posterior) * p_of(k.learn)).min(0.999);
        }
    }
}

#[test]
fn integers_agree_with_floats_within_the_stated_bound() {
    let mut worst = 0.0_f64;
    for seed in 1..=12 {
        let mut u = Uniform(seed * 0x9E37_79B9);
        let model = random_model(&mut u);
        let (mut body, mut rows) = ("student,seq,item,skills,correct\n".to_owned(), Vec::new());
        // Every item and skill once in order, so that names and numbers agree; then at random.
        for n in 0..RESPONSES {
            let item = if n < ITEMS { n } else { (u.uniform() * ITEMS as f64) as usize };
            let mut skills = vec![item % SKILLS];
            if n >= ITEMS && n % 3 == 0 {
                skills.push((item + 1) % SKILLS);
            }
            skills.sort_unstable();
            let correct = u.uniform() < 0.2 + 0.6 * (seed as f64 / 12.0);
            let joined: Vec<String> = skills.iter().map(ToString::to_string).collect();
            body.push_str(&format!("a,{n},{item},{},{}\n", joined.join(";"), u8::from(correct)));
            rows.push((item, skills, correct));
        }
        let log = Log::parse(body.as_bytes(), Path::new("drawn"), &mut Names::default()).unwrap();
        let params = Params::reference(model.clone());
        let (mut state, mut reference) = (TwinState::new(&params), Reference::new(&model));
        for (n, (row, (item, skills, correct))) in log.rows.iter().zip(&rows).enumerate() {
            let p = predict_response(&state, row.item, log.skills(row), &params).probability;
            let want = reference.respond(*item, skills, *correct);
            let distance = (p_of(p) - want).abs();
            assert!(distance <= BOUND, "seed {seed}, response {n}: {} and {want}", p_of(p));
            worst = worst.max(distance);
            step(&mut state, &event_of(&log, row, n).unwrap(), &params).unwrap();
        }
    }
    eprintln!("largest distance {worst:.7} in probability");
    assert!(worst > 0.0, "two implementations that never differ are one");
}
