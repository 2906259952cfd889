//! The forecast: what continues best, and how far it may be off.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::history::{Calendar, History, Key};
use crate::table::quoted;

/// The usual error of a year ahead on the scale of logarithms: nine in ten changes of enrolment are within a tenth.
const USUAL: f64 = 0.08;
/// How many errors of its own the usual one weighs as much as.
const USUAL_WEIGHT: f64 = 3.0;
/// How many ratios of its own a school needs to count as much as all others.
const RATIO_WEIGHT: f64 = 3.0;
/// Errors over its width that hold the middle four in five, where too few are known.
const REACH: f64 = 1.3;
/// Standardised errors from which the reach is measured instead.
const ENOUGH: usize = 60;
/// The share of known errors beyond each end: fewer than one in ten, because what a period does to all series at once is
/// seen in as few errors as there are periods.
const TAIL: f64 = 0.085;
/// Backtests below which the last value is taken for the best continuation.
const JUDGED: usize = 12;

/// A forecast of one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Of what.
    pub key: Key,
    /// When, as the file writes periods.
    pub period: String,
    /// The value that is as likely too high as too low.
    pub point: f64,
    /// One in ten is below.
    pub low: f64,
    /// One in ten is above.
    pub high: f64,
}

/// How a series goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Continuation {
    /// From a level smoothed by `level`, by a share `trend` of the mean step so far, damped with distance.
    Smooth { level: f64, trend: f64 },
    /// As a year of periods before, by the change over that year.
    Season { periods: i64, trend: f64 },
}

const CANDIDATES: [Continuation; 6] = [
    Continuation::Smooth { level: 1.0, trend: 0.0 },
    Continuation::Smooth { level: 0.8, trend: 0.0 },
    Continuation::Smooth { level: 0.5, trend: 0.0 },
    Continuation::Smooth { level: 1.0, trend: 0.5 },
    Continuation::Smooth { level: 1.0, trend: 0.9 },
    Continuation::Smooth { level: 0.7, trend: 0.9 },
];
/// What is left of the trend a period later.
const DAMPING: f64 = 0.9;

/// Forecasts every history for so many periods after its last.
#[must_use]
pub fn forecast(history: &History, periods: u32) -> Vec<Forecast> {
    let model = Model::new(history);
    let mut all = Vec::new();
    for (key, values) in &history.cells {
        let Some(last) = values.keys().next_back().copied() else { continue };
        for ahead in 1..=i64::from(periods) {
            let Some(point) = model.predict(key, last, ahead) else { continue };
            let width = model.spread(key, point) * (ahead as f64).sqrt();
            let value = |log: f64| (log.exp() - SMALL).max(0.0);
            all.push(Forecast {
                key: key.clone(),
                period: history.calendar.text(last + ahead),
                point: value(point),
                low: value(point + model.reach.0 * width),
                high: value(point + model.reach.1 * width),
            });
        }
    }
    all
}

/// Added to every value before its logarithm, so that an empty class has one.
const SMALL: f64 = 0.5;

struct Model<'a> {
    /// Logarithms.
    cells: BTreeMap<&'a Key, BTreeMap<i64, f64>>,
    continuation: Continuation,
    /// Sum of squared errors and their number, by cell.
    errors: BTreeMap<&'a Key, (f64, usize)>,
    /// Lower and upper reach in widths.
    reach: (f64, f64),
}

impl<'a> Model<'a> {
    fn new(history: &'a History) -> Self {
        let logs = |values: &BTreeMap<i64, f64>| {
            values.iter().map(|(period, value)| (*period, (value + SMALL).ln())).collect()
        };
        let cells = history.cells.iter().map(|(key, values)| (key, logs(values))).collect();
        let continuation = CANDIDATES[0];
        let mut model = Self { cells, continuation, errors: BTreeMap::new(), reach: (-REACH, REACH) };
        model.continuation = model.best(history.calendar);
        let errors = model.backtest(model.continuation);
        model.measure(&errors);
        model
    }

    fn best(&self, calendar: Calendar) -> Continuation {
        let mut candidates = CANDIDATES.to_vec();
        if calendar == Calendar::Months {
            candidates.extend([0.0, 0.7].map(|trend| Continuation::Season { periods: 12, trend }));
        }
        let judged = candidates.iter().map(|candidate| {
            let errors = self.backtest(*candidate);
            let mean =
                errors.iter().map(|(_, error, _)| error.abs()).sum::<f64>() / errors.len().max(1) as f64;
            (mean, errors.len(), *candidate)
        });
        let judged: Vec<_> = judged.collect();
        let most = judged.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
        // A season needs a year before it can be judged, so its errors are fewer.
        let fair = judged.into_iter().filter(|(_, count, _)| *count >= JUDGED && 2 * count >= most);
        fair.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(self.continuation, |best| best.2)
    }

    /// The errors one period ahead, as of each period from the third on: cell, error, value forecast.
    fn backtest(&self, continuation: Continuation) -> Vec<(&'a Key, f64, f64)> {
        let mut errors = Vec::new();
        for (key, values) in &self.cells {
            for (period, value) in values.iter().skip(2) {
                let as_of = period - 1;
                if values.contains_key(&as_of)
                    && let Some(point) = self.predict_by(continuation, key, as_of, 1)
                {
                    errors.push((*key, value - point, point));
                }
            }
        }
        errors
    }

    /// Widths by cell, and how far errors reach in them.
    fn measure(&mut self, errors: &[(&'a Key, f64, f64)]) {
        let mut standard = Vec::with_capacity(errors.len());
        for (key, error, point) in errors {
            standard.push(error / self.spread(key, *point));
            let sum = self.errors.entry(key).or_default();
            *sum = (sum.0 + error * error, sum.1 + 1);
        }
        if standard.len() >= ENOUGH {
            standard.sort_by(f64::total_cmp);
            let at =
                |share: f64| standard[((standard.len() as f64 * share) as usize).min(standard.len() - 1)];
            self.reach = (at(TAIL).min(-0.1), at(1.0 - TAIL).max(0.1));
        }
    }

    /// The standard error that a cell's own errors so far and the usual one make, with what counting by heads adds.
    fn spread(&self, key: &Key, point: f64) -> f64 {
        let (sum, count) = self.errors.get(key).copied().unwrap_or_default();
        let own = (USUAL_WEIGHT * USUAL * USUAL + sum) / (USUAL_WEIGHT + count as f64);
        (own + 0.25 / point.exp().max(1.0)).sqrt()
    }

    fn predict(&self, key: &Key, as_of: i64, ahead: i64) -> Option<f64> {
        self.predict_by(self.continuation, key, as_of, ahead)
    }

    fn predict_by(&self, continuation: Continuation, key: &Key, as_of: i64, ahead: i64) -> Option<f64> {
        let progressed = key.grade.and_then(|_| self.progress(continuation, key, as_of, ahead));
        progressed.or_else(|| continuation.predict(self.cells.get(key)?, as_of, ahead))
    }

    /// The class below a period earlier, times the ratio by which classes went on so far.
    fn progress(&self, continuation: Continuation, key: &Key, as_of: i64, ahead: i64) -> Option<f64> {
        let below = Key { series: key.series.clone(), grade: key.grade.map(|grade| grade - 1) };
        let values = self.cells.get(&below)?;
        let base = match ahead {
            1 => *values.get(&as_of)?,
            _ => self.predict_by(continuation, &below, as_of, ahead - 1)?,
        };
        let (own, own_count) = self.ratio(as_of, |other| other == key);
        let (all, all_count) = self.ratio(as_of, |other| other.grade == key.grade);
        let pooled = all / (all_count + RATIO_WEIGHT);
        Some(base + (own + RATIO_WEIGHT * pooled) / (own_count + RATIO_WEIGHT))
    }

    /// Sum and number of the logarithms of the ratios to the class below, as of a period.
    fn ratio(&self, as_of: i64, wanted: impl Fn(&Key) -> bool) -> (f64, f64) {
        let (mut sum, mut count) = (0.0, 0.0);
        for (key, values) in self.cells.iter().filter(|(key, _)| wanted(key)) {
            let below = Key { series: key.series.clone(), grade: key.grade.map(|grade| grade - 1) };
            let Some(lower) = self.cells.get(&below) else { continue };
            for (period, value) in values.range(..=as_of) {
                if let Some(before) = lower.get(&(period - 1)) {
                    sum += value - before;
                    count += 1.0;
                }
            }
        }
        (sum, count)
    }
}

impl Continuation {
    fn predict(self, values: &BTreeMap<i64, f64>, as_of: i64, ahead: i64) -> Option<f64> {
        match self {
            Self::Smooth { level, trend } => {
                let mut known = values.range(..=as_of).map(|(_, value)| *value);
                let first = known.next()?;
                let (mut smooth, mut last, mut count) = (first, first, 0.0);
                for value in known {
                    smooth = level * value + (1.0 - level) * smooth;
                    last = value;
                    count += 1.0;
                }
                // A few steps are not a trend yet: their mean is shrunk.
                let step = (last - first) / (count + 2.0) * trend;
                let reach: f64 = (0..ahead).map(|period| DAMPING.powi(period as i32)).sum();
                Some(smooth + step * reach)
            }
            Self::Season { periods, trend } => {
                let years = (ahead + periods - 1) / periods;
                let same = values.get(&(as_of + ahead - years * periods))?;
                let before = values.get(&(as_of - periods));
                let change = before.and_then(|before| Some(values.get(&as_of)? - before)).unwrap_or(0.0);
                Some(same + trend * change * years as f64)
            }
        }
    }
}

/// period,point,low,high; then series and grade where the history has them.
#[must_use]
pub fn to_csv(history: &History, forecasts: &[Forecast]) -> String {
    let series = history.cells.keys().any(|key| !key.series.is_empty());
    let grades = history.cells.keys().any(|key| key.grade.is_some());
    let mut text = String::from("period,point,low,high");
    text.push_str(if series { ",series" } else { "" });
    text.push_str(if grades { ",grade\n" } else { "\n" });
    for forecast in forecasts {
        let Forecast { key, period, point, low, high } = forecast;
        let _ = write!(text, "{period},{point:.2},{low:.2},{high:.2}");
        if series {
            let _ = write!(text, ",{}", quoted(&key.series));
        }
        if let Some(grade) = key.grade {
            let _ = write!(text, ",{grade}");
        }
        text.push('\n');
    }
    text
}
