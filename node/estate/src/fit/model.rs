//! The expectation of an hour, and how far it is off.

use std::collections::BTreeMap;

use super::calendar::{Date, day_of_year, easter, holiday, weekday};
use super::meter::{Meter, Reading, Weather};
use crate::text::Unreadable;
use crate::trees::{self, Binned, Bins, Growth, ONE, Squares, Trees};

/// Days of the year over which the profile's weights fall to e^−½.
const NEAR_DAYS: f64 = 14.0;
/// What a year's age leaves of a day's weight.
const YEAR: f64 = 0.6;
/// Days around a day that its own profile is not made of while fitting.
const OWN_DAYS: i64 = 7;
const GROWTH: Growth = Growth { trees: 200, depth: 4, least_rows: 80, rate: ONE / 20, ridge: 20 * ONE };
const MOST_BINS: usize = 48;
const FEATURES: usize = 10;

/// How good expectations were on the time after the training.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Root mean square error over the mean reading.
    pub cv_rmse: f64,
    /// Mean of reading − expectation over the mean reading.
    pub nmbe: f64,
    /// Each hour judged: the reading and what was expected.
    pub expected: Vec<(Reading, f64)>,
}

/// Fits to the readings up to the end of a day and judges on those after it.
///
/// # Errors
/// When there is nothing to fit to or nothing to judge on.
pub fn judge(meter: &Meter, weather: &Weather, until: Date) -> Result<Judged, Unreadable> {
    let end = (until.number() + 1) * 24;
    let (train, test): (Vec<Reading>, Vec<Reading>) =
        meter.readings.iter().partition(|reading| reading.moment < end);
    if train.len() < 24 * 28 {
        return Err(Unreadable::at(
            "meter",
            format_args!("{} readings to fit to; four weeks are needed", train.len()),
        ));
    }
    if test.is_empty() {
        return Err(Unreadable::at("meter", "there is no reading after the training to judge on"));
    }
    let days = Days::new(&train, weather);
    let trees = correction(&days, &train, weather);
    let expected: Vec<(Reading, f64)> = test
        .iter()
        .zip(days.expect(&test, weather, None))
        .map(|(reading, known)| (*reading, trees.value(&known)))
        .collect();
    let count = expected.len() as f64;
    let mean = expected.iter().map(|(reading, _)| reading.value).sum::<f64>() / count;
    let error = |power: i32| expected.iter().map(|(r, e)| (r.value - e).powi(power)).sum::<f64>() / count;
    Ok(Judged { cv_rmse: error(2).sqrt() / mean, nmbe: error(1) / mean, expected })
}

/// What is known of an hour before its reading.
struct Known {
    profile: f64,
    features: [i64; FEATURES],
}

/// The days of the training, by number: the readings and temperatures of their hours.
struct Days {
    days: BTreeMap<i64, [Option<(f64, f64)>; 24]>,
    mean: f64,
    last: i64,
}

/// What kind of day it is; days of a kind are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Weekday(u32),
    Saturday,
    Sunday,
    Holiday,
    /// From Christmas Eve to New Year, when schools are closed whatever day it is.
    Christmas,
}

fn kind(day: i64) -> Kind {
    let date = Date::of(day);
    match weekday(day) {
        _ if (date.month == 12 && date.day >= 24) || (date.month == 1 && date.day == 1) => Kind::Christmas,
        _ if holiday(day) => Kind::Holiday,
        5 => Kind::Saturday,
        6 => Kind::Sunday,
        weekday => Kind::Weekday(weekday),
    }
}

/// How much a day says of another, by their kinds.
fn alike(one: Kind, two: Kind) -> f64 {
    match (one, two) {
        _ if one == two => 1.0,
        (Kind::Weekday(_), Kind::Weekday(_)) => 0.35,
        (Kind::Saturday, Kind::Sunday) | (Kind::Sunday, Kind::Saturday) => 0.15,
        (Kind::Holiday, Kind::Sunday) | (Kind::Sunday, Kind::Holiday) => 0.3,
        (Kind::Holiday, Kind::Christmas) | (Kind::Christmas, Kind::Holiday) => 0.05,
        _ => 0.002,
    }
}

impl Days {
    fn new(train: &[Reading], weather: &Weather) -> Self {
        let mut days: BTreeMap<i64, [Option<(f64, f64)>; 24]> = BTreeMap::new();
        for reading in train {
            let air = weather.hours.get(&reading.moment).map_or(f64::NAN, |hour| hour.0);
            let hour = reading.moment.rem_euclid(24) as usize;
            days.entry(reading.moment.div_euclid(24)).or_insert([None; 24])[hour] =
                Some((reading.value, air));
        }
        let last = days.keys().next_back().copied().unwrap_or(0);
        Self { days, mean: train.iter().map(|r| r.value).sum::<f64>() / train.len() as f64, last }
    }

    /// What is known of each reading's hour; `without` its own days while fitting.
    fn expect(&self, readings: &[Reading], weather: &Weather, without: Option<i64>) -> Vec<Known> {
        let mut all = Vec::with_capacity(readings.len());
        let mut profile: (i64, [(f64, f64); 24]) = (i64::MIN, [(0.0, 0.0); 24]);
        for reading in readings {
            let day = reading.moment.div_euclid(24);
            if profile.0 != day {
                profile = (day, self.profile(day, without));
            }
            let hour = reading.moment.rem_euclid(24) as usize;
            let (value, air) = profile.1[hour];
            all.push(Known {
                profile: value,
                features: features(reading.moment, air, value / self.mean, weather),
            });
        }
        all
    }

    /// Reading and temperature of each hour, as days near and alike had them.
    fn profile(&self, day: i64, without: Option<i64>) -> [(f64, f64); 24] {
        let (own, place) = (kind(day), day_of_year(day));
        let mut sums = [(0.0, 0.0, 0.0, 0.0); 24];
        for (other, hours) in &self.days {
            if without.is_some_and(|own_days| (other - day).abs() <= own_days) {
                continue;
            }
            let apart = (day_of_year(*other) - place)
                .rem_euclid(365)
                .min((place - day_of_year(*other)).rem_euclid(365));
            let near = (-0.5 * (apart as f64 / NEAR_DAYS).powi(2)).exp() + 1e-6;
            let age = YEAR.powf((self.last - other) as f64 / 365.0);
            let weight = near * age * alike(own, kind(*other));
            for (sum, reading) in sums.iter_mut().zip(hours) {
                if let Some((value, air)) = reading {
                    sum.0 += weight * value;
                    sum.1 += weight;
                    if air.is_finite() {
                        sum.2 += weight * air;
                        sum.3 += weight;
                    }
                }
            }
        }
        sums.map(|(value, weight, air, air_weight)| {
            let value = if weight > 0.0 { value / weight } else { self.mean };
            (value, if air_weight > 0.0 { air / air_weight } else { f64::NAN })
        })
    }
}

/// What the trees may look at, in integers; a temperature that is not known is the coldest.
fn features(moment: i64, usual: f64, level: f64, weather: &Weather) -> [i64; FEATURES] {
    let day = moment.div_euclid(24);
    let tenths = |value: f64| if value.is_finite() { (value * 10.0).round() as i64 } else { i64::MIN };
    let mean = |hours: i64| {
        let found: Vec<f64> =
            weather.hours.range(moment - hours + 1..=moment).map(|(_, hour)| hour.0).collect();
        if found.is_empty() { f64::NAN } else { found.iter().sum::<f64>() / found.len() as f64 }
    };
    let now = weather.hours.get(&moment).copied();
    let air = now.map_or(f64::NAN, |hour| hour.0);
    let kind = match kind(day) {
        Kind::Weekday(day) => i64::from(day),
        Kind::Saturday => 5,
        Kind::Sunday => 6,
        Kind::Holiday => 7,
        Kind::Christmas => 8,
    };
    let from_easter = (day - easter(Date::of(day).year)).clamp(-21, 21);
    [
        moment.rem_euclid(24),
        kind,
        day_of_year(day) / 7,
        tenths(air),
        tenths(mean(24)),
        tenths(mean(72)),
        tenths(air - usual),
        now.map_or(i64::MIN, |hour| hour.1.round() as i64),
        from_easter,
        (level * 100.0).round() as i64,
    ]
}

/// The trees and their bins.
struct Correction {
    bins: Vec<Bins>,
    trees: Trees,
    scale: f64,
}

/// Fits trees to what the profile of other days misses.
fn correction(days: &Days, train: &[Reading], weather: &Weather) -> Correction {
    let known = days.expect(train, weather, Some(OWN_DAYS));
    let scale = days.mean / ONE as f64;
    let bins: Vec<Bins> = (0..FEATURES)
        .map(|feature| Bins::new(known.iter().map(|known| known.features[feature]), MOST_BINS))
        .collect();
    let columns = bins.iter().enumerate();
    let data = Binned {
        columns: columns
            .map(|(index, bins)| known.iter().map(|known| bins.of(known.features[index])).collect())
            .collect(),
    };
    let targets: Vec<i64> = train
        .iter()
        .zip(&known)
        .map(|(reading, known)| ((reading.value - known.profile) / scale).clamp(-2e7, 2e7) as i64)
        .collect();
    Correction { trees: trees::fit(&data, train.len(), 0, &Squares(&targets), &GROWTH), bins, scale }
}

impl Correction {
    fn value(&self, known: &Known) -> f64 {
        let bins: Vec<u8> =
            self.bins.iter().zip(known.features).map(|(bins, value)| bins.of(value)).collect();
        (known.profile + self.trees.value(&bins) as f64 * self.scale).max(0.0)
    }
}
