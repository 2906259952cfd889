//! Mastery: what a student's answers say about each skill, stepped online in integers.
//!
//! Purpose: predict the next response, publish mastery and confidence of each skill, and say why. Flow:
//! [`predict`] builds the features of a response from the student's tracks (ability with a variance, per skill
//! a deviation with a variance, counts, recent residuals, two-state knowledge) and adds them up under the
//! model's weights; `observe` then moves the tracks by one answer: an assumed-density step on the joint
//! logistic likelihood (the Rasch posterior by Laplace), counts, averages, Bayes for knowledge. Invariants:
//! pure; bounded in, bounded out; a track never leaves its type's range. A response on several skills is one
//! response: abilities are averaged, each skill takes its share of the surprise. Absent: fitting, and any
//! knowledge of names.
//!
//! Sources: Corbett and Anderson 1995 (knowledge tracing); Pavlik, Cen and Koedinger 2009 (counts);
//! Glickman 1999 (ratings with a variance); MacKay 1992 (flattening by uncertainty); Gervet et al. 2020
//! (which of these matter together).

use crate::curve::{ln_1p, logit, sigmoid};
use crate::event::Correctness;
use crate::fixed::{Logit, ONE_E6, Probability, Proportion, Residual, Variance, mul_e6};
use crate::model::{Feature, ItemParams, Knowledge, Model, SkillParams, TrackerParams};
use borsh::{BorshDeserialize, BorshSerialize};

#[cfg(test)]
mod tests;

/// Mastery is confident when the truth lies within this distance of it, ten-thousandths.
pub const CONFIDENCE_WIDTH_E4: i64 = 1_000;

/// What is known of the student as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AbilityTrack {
    /// Posterior mean of the overall ability.
    pub mean: Logit,
    /// Posterior variance of that ability: what is not known yet.
    pub variance: Variance,
    /// Right answers.
    pub wins: u32,
    /// Wrong answers.
    pub fails: u32,
    /// Average of the last few residuals.
    pub recent_fast: Residual,
    /// Average of the last few dozen residuals.
    pub recent_slow: Residual,
}

/// What is known of the student on one skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SkillTrack {
    /// Posterior mean of the deviation from the overall ability.
    pub mean: Logit,
    /// Posterior variance of that deviation.
    pub variance: Variance,
    /// Right answers.
    pub wins: u32,
    /// Wrong answers.
    pub fails: u32,
    /// Average of the last few residuals.
    pub recent: Residual,
    /// Probability of knowing the skill, two-state.
    pub known: Probability,
}

/// Answers to one item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ItemTrack {
    /// Right answers.
    pub wins: u16,
    /// Wrong answers.
    pub fails: u16,
}

impl AbilityTrack {
    /// A student of whom nothing is known.
    #[must_use]
    pub fn prior(params: &TrackerParams) -> Self {
        Self {
            mean: Logit::clamped(0),
            variance: params.ability_variance,
            wins: 0,
            fails: 0,
            recent_fast: Residual::clamped(0),
            recent_slow: Residual::clamped(0),
        }
    }
}

impl SkillTrack {
    /// A skill on which nothing is known of the student.
    #[must_use]
    pub fn prior(model: &Model, skill: &SkillParams) -> Self {
        Self {
            mean: Logit::clamped(0),
            variance: model.tracker.skill_variance,
            wins: 0,
            fails: 0,
            recent: Residual::clamped(0),
            known: skill.knowledge.start,
        }
    }
}

/// The parts of a prediction: log-odds, and what each part contributed to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// Probability of a right answer.
    pub probability: Probability,
    /// The logit of `probability`, clamped to its range.
    pub log_odds: Logit,
    /// The shared features, millionths, in the order of [`Feature::ALL`].
    pub features: [i64; Feature::COUNT],
    /// Contributions of the item's offset, the item's slope, the skills' biases, the skills' slopes,
    /// millionths of a logit.
    pub own: [i64; 4],
    /// The tracker's variance for this response, millionths.
    pub variance_e6: i64,
    /// The tracker's own probability, millionths: what residuals are taken against.
    pub tracker_e6: i64,
}

impl Prediction {
    /// Contribution of each part to the log-odds, millionths of a logit; they sum to the log-odds (before the
    /// bound of ±32) but for a rounding of 1 each.
    pub fn contributions<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = (&'static str, i64)> + 'a {
        const OWN: [&str; 4] =
            ["this item", "ability on this item", "these skills", "practice of these skills"];
        let shared = Feature::ALL.iter().zip(&model.weights).zip(&self.features);
        std::iter::once(("constant", i64::from(model.bias.e6())))
            .chain(shared.map(|((f, w), x)| (f.name(), mul_e6(i64::from(w.e6()), *x))))
            .chain(OWN.into_iter().zip(self.own))
    }
}

/// Sums over the exercised skills, before averaging.
#[derive(Default)]
struct SkillSums {
    mean: i64,
    variance: i64,
    wins: i64,
    fails: i64,
    recent: i64,
    knowledge: i64,
    win_count: i64,
    fail_count: i64,
    bias: i64,
    slopes: i64,
    unseen: [i64; 3],
    count: i64,
}

impl SkillSums {
    fn add(&mut self, params: &SkillParams, track: &SkillTrack) {
        let (wins, fails) = (ln_1p(track.wins), ln_1p(track.fails));
        self.mean += i64::from(track.mean.e6());
        self.variance += i64::from(track.variance.e6());
        self.wins += wins;
        self.fails += fails;
        self.recent += i64::from(track.recent.e6());
        self.knowledge += i64::from(logit(right_answer(&params.knowledge, track.known)).e6());
        self.win_count += tens_e6(track.wins);
        self.fail_count += tens_e6(track.fails);
        self.bias += i64::from(params.bias.e6());
        self.slopes +=
            mul_e6(i64::from(params.win_slope.e6()), wins) + mul_e6(i64::from(params.fail_slope.e6()), fails);
        for (sum, part) in self.unseen.iter_mut().zip(item_parts(&params.unseen_item)) {
            *sum += part;
        }
        self.count += 1;
    }

    /// Means over the skills, rounded towards zero; the variance is that of the mean. Most responses exercise one
    /// skill, whose sums are its means: fourteen divisions less.
    fn averaged(self) -> Self {
        let n = self.count;
        if n <= 1 {
            return self;
        }
        Self {
            mean: self.mean / n,
            variance: self.variance / (n * n),
            wins: self.wins / n,
            fails: self.fails / n,
            recent: self.recent / n,
            knowledge: self.knowledge / n,
            win_count: self.win_count / n,
            fail_count: self.fail_count / n,
            bias: self.bias / n,
            slopes: self.slopes / n,
            unseen: self.unseen.map(|x| x / n),
            count: n,
        }
    }
}

/// A count in tens, millionths, at most ten tens: a law that is straight in the number of answers is seen as one.
fn tens_e6(count: u32) -> i64 {
    i64::from(count.min(100)) * (ONE_E6 / 10)
}

fn item_parts(item: &ItemParams) -> [i64; 3] {
    [item.difficulty, item.offset, item.slope].map(|x| i64::from(x.e6()))
}

/// Probability of a right answer under two-state knowledge: known·(1 − slip) + (1 − known)·guess.
fn right_answer(params: &Knowledge, known: Probability) -> Probability {
    let known = i64::from(known.e6());
    let (guess, slip) = (i64::from(params.guess.e6()), i64::from(params.slip.e6()));
    Probability::clamped(mul_e6(known, ONE_E6 - slip) + mul_e6(ONE_E6 - known, guess))
}

/// A prediction before the two curves at its end: what is needed of it decides which are read.
struct Parts {
    features: [i64; Feature::COUNT],
    own: [i64; 4],
    log_odds: Logit,
    flattened: i64,
    variance_e6: i64,
}

/// Predicts one response. `item` is `None` for an item the model has not seen: the mean of its skills'
/// unseen items stands in. `skills` must not be empty and has at most 16 entries.
pub fn predict<'a>(
    model: &Model,
    ability: &AbilityTrack,
    item: Option<&ItemParams>,
    item_track: ItemTrack,
    skills: impl Iterator<Item = (&'a SkillParams, SkillTrack)>,
) -> Prediction {
    let Parts { features, own, log_odds, flattened, variance_e6 } =
        parts(model, ability, item, item_track, skills);
    Prediction {
        probability: sigmoid(log_odds),
        log_odds,
        features,
        own,
        variance_e6,
        tracker_e6: i64::from(sigmoid(Logit::clamped(flattened)).e6()),
    }
}

fn parts<'a>(
    model: &Model,
    ability: &AbilityTrack,
    item: Option<&ItemParams>,
    item_track: ItemTrack,
    skills: impl Iterator<Item = (&'a SkillParams, SkillTrack)>,
) -> Parts {
    let mut sums = SkillSums::default();
    for (params, track) in skills {
        sums.add(params, &track);
    }
    let sums = sums.averaged();
    let [difficulty, offset, slope] = item.map_or(sums.unseen, item_parts);
    let overall = i64::from(ability.mean.e6());
    let variance_e6 = i64::from(ability.variance.e6()) + sums.variance;
    let flattened = flatten(overall + sums.mean - difficulty, variance_e6);
    let features = [
        overall,
        sums.mean,
        -difficulty,
        flattened,
        sums.wins,
        sums.fails,
        ln_1p(ability.wins),
        ln_1p(ability.fails),
        ln_1p(u32::from(item_track.wins)),
        ln_1p(u32::from(item_track.fails)),
        i64::from(ability.recent_fast.e6()),
        i64::from(ability.recent_slow.e6()),
        sums.recent,
        sums.knowledge,
        sums.win_count,
        sums.fail_count,
    ];
    let own = [offset, mul_e6(slope, overall), sums.bias, sums.slopes];
    let shared: i64 = features.iter().zip(&model.weights).map(|(x, w)| mul_e6(i64::from(w.e6()), *x)).sum();
    let log_odds = Logit::clamped(i64::from(model.bias.e6()) + shared + own.iter().sum::<i64>());
    Parts { features, own, log_odds, flattened, variance_e6 }
}

/// Log-odds averaged over a normal uncertainty: x / √(1 + π·v/8), rounded towards zero (MacKay 1992).
fn flatten(x: i64, variance_e6: i64) -> i64 {
    const PI_BY_8_E6: i64 = 392_699;
    let inside = ONE_E6 + mul_e6(PI_BY_8_E6, variance_e6);
    let root = u64::try_from(inside * ONE_E6).unwrap_or(0).isqrt();
    x * ONE_E6 / i64::try_from(root).unwrap_or(ONE_E6).max(ONE_E6)
}

/// How the tracks move after one response: computed once, applied to each track.
#[derive(Debug, Clone, Copy)]
pub struct Surprise {
    correctness: Correctness,
    residual: i64,
    /// p(1 − p) over 1 + p(1 − p)·variance, millionths: information an answer adds.
    information: i64,
    denominator: i64,
    skills: i64,
}

impl Surprise {
    /// What an answer says against a prediction for a response on `skills` skills.
    #[must_use]
    pub fn new(prediction: &Prediction, correctness: Correctness, skills: usize) -> Self {
        let p = prediction.tracker_e6;
        let observed = if correctness == Correctness::Correct { ONE_E6 } else { 0 };
        let spread = mul_e6(p, ONE_E6 - p);
        let denominator = ONE_E6 + mul_e6(spread, prediction.variance_e6);
        Self {
            correctness,
            residual: observed - p,
            information: spread * ONE_E6 / denominator,
            denominator,
            skills: i64::try_from(skills).unwrap_or(1).max(1),
        }
    }

    fn moved(
        &self,
        mean: Logit,
        variance: Variance,
        share: i64,
        drift: Variance,
        prior: Variance,
    ) -> (Logit, Variance) {
        let gain = if share == 1 { i64::from(variance.e6()) } else { i64::from(variance.e6()) / share };
        let mean = i64::from(mean.e6()) + gain * self.residual / self.denominator;
        let shrunk = i64::from(variance.e6()) - mul_e6(mul_e6(gain, gain), self.information);
        let regained = (shrunk + i64::from(drift.e6())).clamp(0, i64::from(prior.e6()));
        (Logit::clamped(mean), Variance::clamped(regained))
    }

    fn averaged(&self, level: Residual, rate: Residual) -> Residual {
        let level = i64::from(level.e6());
        Residual::clamped(level + mul_e6(self.residual - level, i64::from(rate.e6())))
    }

    /// Moves the student's overall track.
    pub fn apply_to_ability(&self, params: &TrackerParams, track: &mut AbilityTrack) {
        (track.mean, track.variance) =
            self.moved(track.mean, track.variance, 1, params.ability_drift, params.ability_variance);
        track.recent_fast = self.averaged(track.recent_fast, params.fast_rate);
        track.recent_slow = self.averaged(track.recent_slow, params.slow_rate);
        let count = if self.correctness == Correctness::Correct { &mut track.wins } else { &mut track.fails };
        *count = count.saturating_add(1);
    }

    /// Moves one exercised skill's track.
    pub fn apply_to_skill(&self, params: &TrackerParams, skill: &SkillParams, track: &mut SkillTrack) {
        (track.mean, track.variance) =
            self.moved(track.mean, track.variance, self.skills, params.skill_drift, params.skill_variance);
        track.recent = self.averaged(track.recent, params.fast_rate);
        track.known = learned(&skill.knowledge, track.known, self.correctness);
        let count = if self.correctness == Correctness::Correct { &mut track.wins } else { &mut track.fails };
        *count = count.saturating_add(1);
    }

    /// Counts the answer on its item.
    pub fn apply_to_item(&self, track: &mut ItemTrack) {
        let count = if self.correctness == Correctness::Correct { &mut track.wins } else { &mut track.fails };
        *count = count.saturating_add(1);
    }
}

/// Knowing is never more certain than this, millionths: from certainty no wrong answer would lead back, and
/// what millionths can still tell apart decides how soon it does.
const MOST_KNOWN_E6: i64 = 999_000;

/// Bayes on the answer, then the chance of learning from it.
fn learned(params: &Knowledge, known: Probability, correctness: Correctness) -> Probability {
    let k = i64::from(known.e6());
    let (guess, slip) = (i64::from(params.guess.e6()), i64::from(params.slip.e6()));
    let (if_known, if_not) =
        if correctness == Correctness::Correct { (ONE_E6 - slip, guess) } else { (slip, ONE_E6 - guess) };
    let (yes, no) = (k * if_known, (ONE_E6 - k) * if_not);
    // 0/0 only when the answer was impossible under both: then nothing is learnt from it.
    let posterior = (yes / ((yes + no) / ONE_E6).max(1)).min(ONE_E6);
    let posterior = if yes + no == 0 { k } else { posterior };
    let known = posterior + mul_e6(ONE_E6 - posterior, i64::from(params.learn.e6()));
    Probability::clamped(known.min(MOST_KNOWN_E6))
}

/// A test score as standard deviations from the mean of its scale (`z_e6`, millionths), taken as a noisy look
/// at ability + deviation: one Kalman step on both. `noise` is the variance of the look.
pub fn assess(
    params: &TrackerParams,
    ability: &mut AbilityTrack,
    skill: &mut SkillTrack,
    z_e6: i64,
    noise: Variance,
) {
    let prior = i64::from(params.ability_variance.e6()) + i64::from(params.skill_variance.e6());
    let scale = i64::try_from(u64::try_from(prior * ONE_E6).unwrap_or(0).isqrt()).unwrap_or(0);
    let seen = mul_e6(z_e6.clamp(-6 * ONE_E6, 6 * ONE_E6), scale);
    let (va, vs) = (i64::from(ability.variance.e6()), i64::from(skill.variance.e6()));
    let total = (va + vs + i64::from(noise.e6())).max(1);
    let surprise = seen - i64::from(ability.mean.e6()) - i64::from(skill.mean.e6());
    ability.mean = Logit::clamped(i64::from(ability.mean.e6()) + va * surprise / total);
    skill.mean = Logit::clamped(i64::from(skill.mean.e6()) + vs * surprise / total);
    ability.variance = Variance::clamped(va - va * va / total);
    skill.variance = Variance::clamped(vs - vs * vs / total);
}

/// Mastery of a skill and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Mastery {
    /// Probability of a right answer on the skill's item of median difficulty in the training log.
    pub level: Proportion,
    /// Probability, by the tracker's posterior, that the true level is within ±0.10 of it.
    pub confidence: Proportion,
}

/// Publishes mastery of one skill.
#[must_use]
pub fn mastery(model: &Model, ability: &AbilityTrack, skill: &SkillParams, track: &SkillTrack) -> Mastery {
    let item = Some(&skill.median_item);
    let prediction = predict(model, ability, item, ItemTrack::default(), std::iter::once((skill, *track)));
    Mastery { level: prediction.probability.to_proportion(), confidence: confidence(&prediction) }
}

/// The level of [`mastery`] alone: what the gate asks after every response.
#[must_use]
pub fn level(model: &Model, ability: &AbilityTrack, skill: &SkillParams, track: &SkillTrack) -> Proportion {
    let item = Some(&skill.median_item);
    let parts = parts(model, ability, item, ItemTrack::default(), std::iter::once((skill, *track)));
    sigmoid(parts.log_odds).to_proportion()
}

/// 2·Φ(h/sd) − 1, where h is the width in log-odds at the predicted level and Φ(z) ≈ σ(1.702·z).
fn confidence(prediction: &Prediction) -> Proportion {
    const PROBIT_E6: i64 = 1_702_000;
    let p = i64::from(prediction.probability.e6());
    let slope = mul_e6(p, ONE_E6 - p).max(1);
    let width = (CONFIDENCE_WIDTH_E4 * 100) * ONE_E6 / slope;
    let sd = u64::try_from(prediction.variance_e6.max(0) * ONE_E6).unwrap_or(0).isqrt();
    let sd = i64::try_from(sd).unwrap_or(i64::MAX).max(1);
    let z = mul_e6(width.min(100 * ONE_E6) * ONE_E6 / sd, PROBIT_E6);
    let inside = 2 * i64::from(sigmoid(Logit::clamped(z)).e6()) - ONE_E6;
    Probability::clamped(inside).to_proportion()
}
