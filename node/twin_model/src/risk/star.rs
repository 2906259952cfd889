//! Next year's mathematics on Project STAR (Tennessee, kindergarten to grade 3).
//!
//! A pair is a student with reading and mathematics of one year and mathematics of the next. The bad outcome is
//! a score in the lowest quarter of the training students in that grade. Students whose SHA-256 is 0 modulo 5
//! are held. Features: this and the last year's scores, lunch, class type, teacher's experience, the school's
//! means of this year over training students. Baseline in the same run: least squares on mathematics, reading,
//! lunch and grade.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::{Case, Importance, Summary, fold_of, inner_fold_of, normal, ranked, summarise, threshold_of};
use crate::boost::{self, Loss, Sample};
use crate::linear::{apply, least_squares};
use crate::table::{Table, TableError};

const COLUMNS: [&str; 11] = [
    "student",
    "grade",
    "read",
    "math",
    "lunch",
    "class_type",
    "t_experience",
    "school",
    "gender",
    "ethnicity",
    "school_type",
];
const GROUPS: [&str; 5] = ["grade", "lunch", "gender", "ethnicity", "school_type"];
const FEATURES: [&str; 14] = [
    "mathematics",
    "reading",
    "free lunch",
    "lunch unknown",
    "small class",
    "class with aide",
    "teacher's years",
    "school's mathematics",
    "school's reading",
    "last year's mathematics",
    "last year's reading",
    "has a last year",
    "mathematics against own past",
    "grade",
];
/// Share of the training students that count as low.
const LOW_SHARE: f64 = 0.25;
/// An alert: this year's mathematics is this far below the student's own earlier mean, standard deviations.
const ALERT_BELOW: f64 = -0.75;

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Pairs, training and held together.
    pub pairs: usize,
    /// Pairs of held students.
    pub held: usize,
    /// Root of the mean squared error on held pairs, points.
    pub rmse: f64,
    /// The same for least squares on mathematics, reading, lunch and grade.
    pub rmse_least_squares: f64,
    /// Rounds of boosting on top of the linear start.
    pub rounds: usize,
    /// The risk of the lowest quarter.
    pub risk: Summary,
    /// Where the trees' gain came from.
    pub importance: Vec<Importance>,
}

/// One row of the study.
#[derive(Debug, Clone)]
struct Year {
    read: Option<f64>,
    math: Option<f64>,
    lunch: String,
    class: String,
    experience: f64,
    school: String,
    others: [String; 3],
}

/// A pair with its features in points and standard deviations.
#[derive(Debug, Clone)]
struct Pair {
    student: String,
    grade: usize,
    plain: Vec<f64>,
    full: Vec<f64>,
    next: f64,
    alert: Option<bool>,
    groups: Vec<String>,
}

type Years = BTreeMap<(String, usize), Year>;

fn read(path: &Path) -> Result<Years, TableError> {
    let table = Table::read(path, &COLUMNS)?;
    let mut years = Years::new();
    for (n, row) in table.rows().enumerate() {
        let text = |column: usize| row.get(column).cloned().unwrap_or_default();
        let grade = table.number(n, 1)?.unwrap_or(-1.0);
        if !(0.0..=3.0).contains(&grade) {
            let (path, line) = (table.path.clone(), Table::line(n));
            return Err(TableError::Value {
                path,
                line,
                column: "grade".into(),
                value: text(1),
                want: "0 to 3",
            });
        }
        let year = Year {
            read: table.number(n, 2)?,
            math: table.number(n, 3)?,
            lunch: text(4),
            class: text(5),
            experience: table.number(n, 6)?.unwrap_or(10.0),
            school: text(7),
            others: [text(8), text(9), text(10)],
        };
        years.insert((text(0), grade as usize), year);
    }
    Ok(years)
}

/// Mean and standard deviation of training students' scores by grade: mathematics, reading.
struct Scales([[(f64, f64); 2]; 4]);

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (mean, spread.sqrt().max(1.0))
}

impl Scales {
    fn new(years: &Years) -> Self {
        let mut scores: [[Vec<f64>; 2]; 4] = Default::default();
        for ((_, grade), year) in years.iter().filter(|((s, _), _)| fold_of(s) != 0) {
            scores[*grade][0].extend(year.math);
            scores[*grade][1].extend(year.read);
        }
        Self(scores.map(|of_grade| of_grade.map(|list| moments(&list))))
    }

    /// Standard deviations above the grade's mean; 0 when missing.
    fn z(&self, grade: usize, subject: usize, score: Option<f64>) -> f64 {
        let (mean, spread) = self.0[grade][subject];
        score.map_or(0.0, |s| (s - mean) / spread)
    }
}

/// Means of z by (school, grade) over training students, drawn to 0 by ten imagined average students.
fn school_means(years: &Years, scales: &Scales) -> BTreeMap<(String, usize), [f64; 2]> {
    let mut sums: BTreeMap<(String, usize), ([f64; 2], f64)> = BTreeMap::new();
    for ((student, grade), year) in years {
        if fold_of(student) != 0 {
            let (sum, n) = sums.entry((year.school.clone(), *grade)).or_default();
            sum[0] += scales.z(*grade, 0, year.math);
            sum[1] += scales.z(*grade, 1, year.read);
            *n += 1.0;
        }
    }
    sums.into_iter().map(|(k, (s, n))| (k, s.map(|x| x / (n + 10.0)))).collect()
}

fn pairs(years: &Years) -> Vec<Pair> {
    let scales = Scales::new(years);
    let schools = school_means(years, &scales);
    let mut pairs = Vec::new();
    for ((student, grade), year) in years {
        let next = years.get(&(student.clone(), grade + 1)).and_then(|y| y.math);
        let (Some(math), Some(reading), Some(next)) = (year.math, year.read, next) else { continue };
        let flag = |yes: bool| f64::from(u8::from(yes));
        let (free, unknown) =
            (flag(year.lunch == "free"), flag(!["free", "non-free"].contains(&&*year.lunch)));
        let z = scales.z(*grade, 0, year.math);
        let before: Vec<&Year> = (0..*grade)
            .filter_map(|g| years.get(&(student.clone(), g)))
            .filter(|y| y.math.is_some())
            .collect();
        let past: Vec<f64> = (0..*grade)
            .filter_map(|g| Some(scales.z(g, 0, Some(years.get(&(student.clone(), g))?.math?))))
            .collect();
        let own = (!past.is_empty()).then(|| z - past.iter().sum::<f64>() / past.len() as f64);
        let last_reading = before.last().map_or(0.0, |y| scales.z(grade.saturating_sub(1), 1, y.read));
        let school = schools.get(&(year.school.clone(), *grade)).copied().unwrap_or_default();
        let full = vec![
            z,
            scales.z(*grade, 1, year.read),
            free,
            unknown,
            flag(year.class == "small"),
            flag(year.class == "regular+aide"),
            year.experience,
            school[0],
            school[1],
            past.last().copied().unwrap_or(0.0),
            last_reading,
            flag(!past.is_empty()),
            own.unwrap_or(0.0),
            *grade as f64,
        ];
        let plain = vec![1.0, math, reading, free, unknown, flag(*grade == 1), flag(*grade == 2)];
        let lunch = if unknown > 0.0 { "unknown".to_owned() } else { year.lunch.clone() };
        let [gender, ethnicity, kind] = year.others.clone();
        pairs.push(Pair {
            student: student.clone(),
            grade: *grade,
            plain,
            full,
            next,
            alert: own.map(|d| d < ALERT_BELOW),
            groups: vec![grade.to_string(), lunch, gender, ethnicity, kind],
        });
    }
    pairs
}

/// The linear start: every feature with a slope of its own in each grade.
fn by_grade(pair: &Pair) -> Vec<f64> {
    let width = FEATURES.len();
    let mut row = vec![0.0; 1 + 3 * width];
    row[0] = 1.0;
    let at = 1 + pair.grade.min(2) * width;
    row[at..at + width].copy_from_slice(&pair.full);
    // In its own block the grade is a constant: one that differs by grade.
    row[at + width - 1] = 1.0;
    row
}

fn rmse(pairs: &[&Pair], predict: impl Fn(&Pair) -> f64) -> f64 {
    let sum: f64 = pairs.iter().map(|p| (predict(p) - p.next).powi(2)).sum();
    (sum / pairs.len().max(1) as f64).sqrt()
}

fn sample(pairs: &[&Pair], linear: &[f64]) -> Sample {
    Sample {
        rows: pairs.iter().map(|p| p.full.iter().map(|x| *x as f32).collect()).collect(),
        base: pairs.iter().map(|p| apply(&by_grade(p), linear)).collect(),
        target: pairs.iter().map(|p| p.next).collect(),
    }
}

fn weights(pairs: &[&Pair], row: impl Fn(&Pair) -> Vec<f64>, ridge: f64) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = pairs.iter().map(|p| row(p)).collect();
    let targets: Vec<f64> = pairs.iter().map(|p| p.next).collect();
    least_squares(&rows, &targets, ridge).unwrap_or_else(|| vec![0.0; rows.first().map_or(0, Vec::len)])
}

/// Reads `star_long.csv[.gz]`, fits, and judges on held students.
///
/// # Errors
/// Any [`TableError`].
pub fn run(path: &Path) -> Result<Report, TableError> {
    let pairs = pairs(&read(path)?);
    let (held, train): (Vec<&Pair>, Vec<&Pair>) = pairs.iter().partition(|p| fold_of(&p.student) == 0);
    let (inner, fit_on): (Vec<&Pair>, Vec<&Pair>) =
        train.iter().copied().partition(|p| inner_fold_of(&p.student) == 0);
    if fit_on.is_empty() || inner.is_empty() || held.is_empty() {
        return Err(TableError::Empty(path.to_owned()));
    }
    let plain = weights(&train, |p| p.plain.clone(), 1e-6);
    let linear = weights(&fit_on, by_grade, 5.0);
    let boosted = boost::fit(&sample(&fit_on, &linear), &sample(&inner, &linear), Loss::Squared);
    let predict = |p: &Pair| {
        let row: Vec<f32> = p.full.iter().map(|x| *x as f32).collect();
        boosted.predict(apply(&by_grade(p), &linear), &row)
    };
    let lines: Vec<(f64, f64)> = (0..3)
        .map(|grade| {
            let mut scores: Vec<f64> = train.iter().filter(|p| p.grade == grade).map(|p| p.next).collect();
            scores.sort_by(f64::total_cmp);
            let cut = scores.get((scores.len() as f64 * LOW_SHARE) as usize).copied().unwrap_or(0.0);
            let own: Vec<&Pair> = inner.iter().copied().filter(|p| p.grade == grade).collect();
            (cut, rmse(&own, predict).max(1.0))
        })
        .collect();
    let case = |p: &&Pair| {
        let (cut, spread) = lines[p.grade.min(2)];
        let probability = normal((cut - predict(p)) / spread);
        Case { probability, came: p.next < cut, alert: p.alert, groups: p.groups.clone() }
    };
    let chosen: Vec<(f64, bool)> = inner.iter().map(case).map(|c| (c.probability, c.came)).collect();
    let cases: Vec<Case> = held.iter().map(case).collect();
    let names: Vec<String> = FEATURES.iter().map(|f| (*f).to_owned()).collect();
    Ok(Report {
        pairs: pairs.len(),
        held: held.len(),
        rmse: rmse(&held, predict),
        rmse_least_squares: rmse(&held, |p| apply(&p.plain, &plain)),
        rounds: boosted.rounds(),
        risk: summarise(&cases, &GROUPS, threshold_of(&chosen)),
        importance: ranked(&names, &boosted.importance),
    })
}
