//! Early warning at day 60 on the Open University's courses.
//!
//! A case is a student in one presentation of a module. The bad outcome is a failed or withdrawn course.
//! Features: what stands at day 60 of submissions that were not banked from an earlier course (handed in, missed,
//! scores, lateness, each against what others got on the same assessment), and the registration. Presentation
//! 2014J is held. Baseline in the same run: logistic regression on the same features. Said with the answer
//! ([`Bias`]): the table has no day of withdrawal, so students who had left before day 60 are among the cases
//! and are easy; the measures without them are given beside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::{Case, Importance, Summary, inner_fold_of, ranked, summarise, threshold_of};
use crate::boost::{self, Loss, Sample};
use crate::logistic::{self, Design, Ridge, sigmoid};
use crate::metrics::auc;
use crate::table::{Table, TableError};

/// The day a warning is given.
pub const DAY: f64 = 60.0;
/// The presentation that is held.
pub const HELD: &str = "2014J";
const GROUPS: [&str; 5] = ["module", "gender", "imd_band", "age_band", "disability"];
/// An alert: the last score is this many points below the mean of the student's earlier ones.
const ALERT_BELOW: f64 = -12.0;
const EDUCATION: [&str; 5] = [
    "No Formal quals",
    "Lower Than A Level",
    "A Level or Equivalent",
    "HE Qualification",
    "Post Graduate Qualification",
];

/// What withdrawal does to the measures.
#[derive(Debug, Clone, Serialize)]
pub struct Bias {
    /// Share of held cases that withdrew at some time.
    pub withdrawn: f64,
    /// Share of held cases without any submission by the day.
    pub silent: f64,
    /// AUC among those who had handed something in.
    pub auc_active: f64,
    /// AUC of failed against passed, without those who withdrew.
    pub auc_without_withdrawn: f64,
    /// What it means.
    pub note: &'static str,
}

const NOTE: &str = "the table has no day of withdrawal: students who had left before day 60 count as cases and are \
    easily told; auc_active and auc_without_withdrawn leave them out";

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Cases, training and held together.
    pub cases: usize,
    /// Held cases.
    pub held: usize,
    /// Area under the ROC curve on held cases.
    pub auc: f64,
    /// The same for logistic regression on the same features.
    pub auc_logistic_regression: f64,
    /// Rounds of boosting on top of it.
    pub rounds: usize,
    /// The risk of failing or withdrawing.
    pub risk: Summary,
    /// How much easier students who had left make it.
    pub withdrawal: Bias,
    /// Where the trees' gain came from.
    pub importance: Vec<Importance>,
}

/// (module, presentation).
type Course = (String, String);

/// An assessment that is due by the day.
struct Due {
    day: f64,
    weight: f64,
    /// Mean and count of scores handed in by the day.
    mean: f64,
}

/// A submission by the day.
#[derive(Clone, Copy)]
struct Submission {
    assessment: u32,
    day: f64,
    score: f64,
}

struct Student {
    course: Course,
    id: String,
    features: Vec<f32>,
    bad: bool,
    withdrawn: bool,
    submissions: usize,
    alert: Option<bool>,
    groups: Vec<String>,
}

/// Assessments due by the day with their courses, and submissions by student and course.
struct Work {
    due: BTreeMap<Course, BTreeMap<u32, Due>>,
    handed_in: BTreeMap<(String, Course), Vec<Submission>>,
}

fn number(table: &Table, row: usize, column: usize) -> Result<f64, TableError> {
    Ok(table.number(row, column)?.unwrap_or(f64::NAN))
}

fn read_work(dir: &Path) -> Result<Work, TableError> {
    let columns = ["code_module", "code_presentation", "id_assessment", "assessment_type", "date", "weight"];
    let table = Table::read(&dir.join("assessments.csv"), &columns)?;
    let mut due: BTreeMap<Course, BTreeMap<u32, Due>> = BTreeMap::new();
    let mut course_of: BTreeMap<u32, Course> = BTreeMap::new();
    for (n, row) in table.rows().enumerate() {
        let course = (row[0].clone(), row[1].clone());
        let (id, day) = (number(&table, n, 2)? as u32, number(&table, n, 4)?);
        course_of.insert(id, course.clone());
        if day <= DAY && row[3] != "Exam" {
            let weight = number(&table, n, 5)?.max(0.0);
            due.entry(course).or_default().insert(id, Due { day, weight, mean: 0.0 });
        }
    }
    let columns = ["id_assessment", "id_student", "date_submitted", "is_banked", "score"];
    let table = Table::read(&dir.join("studentAssessment.csv.gz"), &columns)?;
    let mut handed_in: BTreeMap<(String, Course), Vec<Submission>> = BTreeMap::new();
    let mut sums: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    for (n, row) in table.rows().enumerate() {
        let (assessment, day) = (number(&table, n, 0)? as u32, number(&table, n, 2)?);
        let (banked, score) = (number(&table, n, 3)?, number(&table, n, 4)?);
        let Some(course) = course_of.get(&assessment) else { continue };
        // A comparison with a missing day is false: such a row is left out.
        let in_time = day <= DAY;
        if banked != 0.0 || !in_time {
            continue;
        }
        if score.is_finite() {
            let sum = sums.entry(assessment).or_default();
            *sum = (sum.0 + score, sum.1 + 1.0);
        }
        let list = handed_in.entry((row[1].clone(), course.clone())).or_default();
        list.push(Submission { assessment, day, score });
    }
    for (id, one) in due.values_mut().flatten() {
        let (sum, count) = sums.get(id).copied().unwrap_or_default();
        one.mean = if count > 0.0 { sum / count } else { 70.0 };
    }
    Ok(Work { due, handed_in })
}

/// Names of the features, in their order; `modules` have a column each.
fn feature_names(modules: &[String]) -> Vec<String> {
    let own = [
        "due by the day",
        "handed in",
        "share of weight missed",
        "mean score",
        "mean against others",
        "lowest score",
        "last against others",
        "last against own earlier",
        "mean days late",
        "most days late",
        "handed in early",
        "earlier attempts",
        "credits",
        "disability",
        "age",
        "education",
        "deprivation",
        "deprivation unknown",
        "missed the last one due",
    ];
    own.iter().map(|s| (*s).to_owned()).chain(modules.iter().map(|m| format!("module {m}"))).collect()
}

/// Features of the work by the day, and the last score against the mean of the earlier ones.
fn of_work(due: &BTreeMap<u32, Due>, list: &[Submission]) -> ([f64; 11], f64, Option<f64>) {
    let mean_of = |list: &[f64], none: f64| match list.len() {
        0 => none,
        n => list.iter().sum::<f64>() / n as f64,
    };
    let handed: BTreeSet<u32> = list.iter().map(|s| s.assessment).collect();
    let total: f64 = due.values().map(|d| d.weight + 1.0).sum();
    let missed: f64 = due.iter().filter(|(id, _)| !handed.contains(id)).map(|(_, d)| d.weight + 1.0).sum();
    let scored: Vec<&Submission> = list.iter().filter(|s| s.score.is_finite()).collect();
    let scores: Vec<f64> = scored.iter().map(|s| s.score).collect();
    let against: Vec<f64> =
        scored.iter().map(|s| s.score - due.get(&s.assessment).map_or(s.score, |d| d.mean)).collect();
    let late: Vec<f64> = list.iter().filter_map(|s| Some(s.day - due.get(&s.assessment)?.day)).collect();
    let own = match scores.split_last() {
        Some((last, earlier)) if !earlier.is_empty() => Some(last - mean_of(earlier, 0.0)),
        _ => None,
    };
    let last_due = due.iter().max_by(|a, b| a.1.day.total_cmp(&b.1.day)).map(|(id, _)| *id);
    let missed_last = last_due.is_some_and(|id| !handed.contains(&id));
    let features = [
        due.len() as f64,
        handed.len() as f64,
        if total > 0.0 { missed / total } else { 0.0 },
        mean_of(&scores, 50.0),
        mean_of(&against, -20.0),
        scores.iter().copied().fold(100.0, f64::min),
        against.last().copied().unwrap_or(-20.0),
        own.unwrap_or(0.0),
        mean_of(&late, 0.0),
        late.iter().copied().fold(-30.0, f64::max),
        late.iter().filter(|d| **d < -1.0).count() as f64,
    ];
    (features, f64::from(u8::from(missed_last)), own)
}

fn read_students(dir: &Path) -> Result<(Vec<Student>, Vec<String>), TableError> {
    let columns = [
        "code_module",
        "code_presentation",
        "id_student",
        "gender",
        "highest_education",
        "imd_band",
        "age_band",
        "num_of_prev_attempts",
        "studied_credits",
        "disability",
        "final_result",
    ];
    let table = Table::read(&dir.join("studentInfo.csv.gz"), &columns)?;
    let mut work = read_work(dir)?;
    for list in work.handed_in.values_mut() {
        list.sort_by(|a, b| a.day.total_cmp(&b.day).then(a.assessment.cmp(&b.assessment)));
    }
    let modules: BTreeSet<String> = table.rows().map(|r| r[0].clone()).collect();
    let modules: Vec<String> = modules.into_iter().collect();
    let nothing = BTreeMap::new();
    let mut students = Vec::new();
    for (n, row) in table.rows().enumerate() {
        let course = (row[0].clone(), row[1].clone());
        let due = work.due.get(&course).unwrap_or(&nothing);
        let list = work.handed_in.get(&(row[2].clone(), course.clone())).map_or(&[][..], Vec::as_slice);
        let (of_work, missed_last, own) = of_work(due, list);
        let mut features: Vec<f32> = of_work.iter().map(|x| *x as f32).collect();
        let deprivation = deprivation_band(&row[5]);
        let band = deprivation.split('-').next().and_then(|p| p.parse::<f32>().ok());
        let education = EDUCATION.iter().position(|e| *e == row[4]).unwrap_or(2);
        let age = ["0-35", "35-55", "55<="].iter().position(|a| *a == row[6]).unwrap_or(0);
        let attempts = number(&table, n, 7)?.max(0.0);
        let credits = number(&table, n, 8)?.max(0.0) / 60.0;
        let disability = f32::from(u8::from(row[9] == "Y"));
        let known = f32::from(u8::from(band.is_none()));
        features.extend([attempts as f32, credits as f32, disability, age as f32, education as f32]);
        features.extend([band.unwrap_or(50.0) / 10.0, known, missed_last as f32]);
        features.extend(modules.iter().map(|m| f32::from(u8::from(*m == row[0]))));
        let text = |at: usize| if row[at].is_empty() { "unknown".to_owned() } else { row[at].clone() };
        students.push(Student {
            bad: matches!(row[10].as_str(), "Fail" | "Withdrawn"),
            withdrawn: row[10] == "Withdrawn",
            submissions: list.len(),
            alert: own.map(|d| d < ALERT_BELOW),
            groups: vec![text(0), text(3), deprivation.to_owned(), text(6), text(9)],
            id: row[2].clone(),
            course,
            features,
        });
    }
    Ok((students, feature_names(&modules)))
}

/// The band of the index of deprivation. A spreadsheet once took "10-20" for a date, and the public file has kept it.
fn deprivation_band(written: &str) -> &str {
    match written {
        "" => "unknown",
        "10-20" | "20-Oct" => "10-20%",
        other => other,
    }
}

/// Standardised logistic regression with ridge 1: means, deviations and weights.
struct Regression {
    scale: Vec<(f32, f32)>,
    weights: Vec<f64>,
}

impl Regression {
    fn fit(students: &[&Student]) -> Self {
        let width = students.first().map_or(0, |s| s.features.len());
        let n = students.len().max(1) as f32;
        let scale: Vec<(f32, f32)> = (0..width)
            .map(|at| {
                let mean = students.iter().map(|s| s.features[at]).sum::<f32>() / n;
                let spread = students.iter().map(|s| (s.features[at] - mean).powi(2)).sum::<f32>() / n;
                (mean, spread.sqrt().max(1e-3))
            })
            .collect();
        let mut fitted = Self { scale, weights: vec![0.0; width + 1] };
        let mut design = Design::default();
        for student in students {
            design.push(fitted.row(student), student.bad);
        }
        let mut strength = vec![1.0; width + 1];
        strength[0] = 1e-4;
        let ridge = Ridge { strength, centre: vec![0.0; width + 1] };
        fitted.weights = logistic::fit(&design, &ridge, vec![0.0; width + 1], 300);
        fitted
    }

    fn row(&self, student: &Student) -> Vec<(u32, f32)> {
        let scaled = student.features.iter().zip(&self.scale).map(|(x, (mean, spread))| (x - mean) / spread);
        std::iter::once((0, 1.0)).chain((1..).zip(scaled)).collect()
    }

    fn log_odds(&self, student: &Student) -> f64 {
        self.row(student).iter().map(|(c, x)| self.weights[*c as usize] * f64::from(*x)).sum()
    }
}

fn sample(students: &[&Student], start: &Regression) -> Sample {
    Sample {
        rows: students.iter().map(|s| s.features.clone()).collect(),
        base: students.iter().map(|s| start.log_odds(s)).collect(),
        target: students.iter().map(|s| f64::from(u8::from(s.bad))).collect(),
    }
}

/// Reads the folder, fits on the other presentations, judges on the held one.
///
/// # Errors
/// Any [`TableError`].
pub fn run(dir: &Path) -> Result<Report, TableError> {
    let (students, names) = read_students(dir)?;
    let (held, train): (Vec<&Student>, Vec<&Student>) = students.iter().partition(|s| s.course.1 == HELD);
    let (inner, fit_on): (Vec<&Student>, Vec<&Student>) =
        train.iter().copied().partition(|s| inner_fold_of(&s.id) == 0);
    if held.is_empty() || inner.is_empty() || fit_on.is_empty() {
        return Err(TableError::Empty(dir.to_owned()));
    }
    let baseline = Regression::fit(&train);
    let start = Regression::fit(&fit_on);
    let boosted = boost::fit(&sample(&fit_on, &start), &sample(&inner, &start), Loss::Logistic);
    let predict = |s: &Student| sigmoid(boosted.predict(start.log_odds(s), &s.features));
    let chosen: Vec<(f64, bool)> = inner.iter().map(|s| (predict(s), s.bad)).collect();
    let cases: Vec<Case> = held
        .iter()
        .map(|s| Case { probability: predict(s), came: s.bad, alert: s.alert, groups: s.groups.clone() })
        .collect();
    let risk = summarise(&cases, &GROUPS, threshold_of(&chosen));
    let among = |keep: &dyn Fn(&Student) -> bool| {
        let pairs: Vec<(f64, bool)> =
            held.iter().zip(&cases).filter(|(s, _)| keep(s)).map(|(_, c)| (c.probability, c.came)).collect();
        auc(&pairs)
    };
    let share =
        |keep: &dyn Fn(&Student) -> bool| held.iter().filter(|s| keep(s)).count() as f64 / held.len() as f64;
    let regression: Vec<(f64, bool)> = held.iter().map(|s| (baseline.log_odds(s), s.bad)).collect();
    Ok(Report {
        cases: students.len(),
        held: held.len(),
        auc: risk.all.auc,
        auc_logistic_regression: auc(&regression),
        rounds: boosted.rounds(),
        risk,
        withdrawal: Bias {
            withdrawn: share(&|s| s.withdrawn),
            silent: share(&|s| s.submissions == 0),
            auc_active: among(&|s| s.submissions > 0),
            auc_without_withdrawn: among(&|s| !s.withdrawn),
            note: NOTE,
        },
        importance: ranked(&names, &boosted.importance),
    })
}
