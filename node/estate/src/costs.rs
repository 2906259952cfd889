//! What a student costs a year in two systems: a calculator whose every assumption is in its file.
//!
//! A line costs its amount a year as a whole, for each student, or for each so many students begun; what lasts several years
//! counts a year's part. Nothing is assumed that the file does not say.

use serde::{Deserialize, Serialize};

use crate::ledger_pools::{Pool, read_pools};
use crate::text::Unreadable;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Students of the district.
    pub students: u64,
    /// The money's unit.
    #[serde(default)]
    pub currency: String,
    /// Systems to compare: the first is what the others are measured against.
    pub systems: Vec<System>,
}

/// A way to run schools.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// For people.
    pub name: String,
    /// What it takes.
    pub lines: Vec<Line>,
}

/// A line of a system: what one thing costs, for whom, and for how long.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// For people: building, payroll, platform, …
    pub name: String,
    /// Money, from 0; not with `pools`, whose amount is the ledger's.
    #[serde(default)]
    pub amount: Option<f64>,
    /// For what.
    pub per: Per,
    /// Students that one `unit` serves; wanted with `unit` alone.
    #[serde(default)]
    pub students_per_unit: Option<f64>,
    /// With `pools`: of which class of the ledger.
    #[serde(default)]
    pub class: Option<u32>,
    /// With `pools`: only of this kind.
    #[serde(default)]
    pub kind: Option<u32>,
    /// Years that the amount lasts.
    #[serde(default = "one")]
    pub years: f64,
    /// Where the figure is from.
    #[serde(default)]
    pub source: String,
}

fn one() -> f64 {
    1.0
}

/// What an amount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// The whole district, once.
    District,
    /// Each student, once.
    Student,
    /// A unit that serves so many students: a centre, a class, a bus.
    Unit,
    /// The district once, by what the ledger's pools of a class cost: places × cost of one.
    Pools,
}

/// The two systems of the field's reference design, every amount to be entered by the district.
pub const TEMPLATE: &str = r#"{"students":1000,"currency":"USD","systems":[
  {"name":"schools","lines":[
    {"name":"building","amount":0,"per":"district","source":"enter: upkeep, energy and capital of buildings a year"},
    {"name":"payroll","amount":0,"per":"unit","students_per_unit":25,"source":"enter: a unit of instruction, its staff with benefits"},
    {"name":"materials","amount":0,"per":"student","source":"enter: books and materials a year"}]},
  {"name":"network","lines":[
    {"name":"platform","amount":0,"per":"student","source":"enter: licences and hosting a year"},
    {"name":"content","amount":0,"per":"district","years":5,"source":"enter: making or buying content, and years that it lasts"},
    {"name":"centres","amount":0,"per":"unit","students_per_unit":300,"source":"enter: a centre with its staff a year"},
    {"name":"devices","per":"pools","class":1,"years":4}]}]}
"#;

/// What a system comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Total {
    /// As the file names it.
    pub name: String,
    /// What it costs a year, in the unit of the file's amounts.
    pub a_year: f64,
    /// The same for one student.
    pub a_student: f64,
    /// More than the first system's, in millionths of it.
    pub change_ppm: i64,
    /// What makes it up.
    pub lines: Vec<Part>,
}

/// What a line comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// As the file names it.
    pub name: String,
    /// What it costs a year, in the unit of the file's amounts.
    pub a_year: f64,
    /// The same for one student.
    pub a_student: f64,
    /// How far a tenth more of this line moves the system's cost of one student, in the unit of the file's amounts.
    pub if_a_tenth_more: f64,
    /// Where the figure is from.
    pub source: String,
}

/// Reads figures.
///
/// # Errors
/// When the JSON is not valid, or a figure is out of range.
pub fn read_figures(bytes: &[u8]) -> Result<Figures, Unreadable> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Unreadable::at("JSON", "figures are an object"));
    }
    let figures: Figures = serde_json::from_slice(bytes).map_err(|error| Unreadable::at("JSON", error))?;
    if !(1..=1_000_000_000).contains(&figures.students) {
        return Err(Unreadable::at("students", "it is a whole number from 1 to 1e9"));
    }
    if figures.systems.is_empty() || figures.systems.len() > 16 {
        return Err(Unreadable::at("systems", "there are 1 to 16"));
    }
    for (system, at) in figures.systems.iter().zip(0..) {
        for (line, index) in system.lines.iter().zip(0..) {
            let place = format!("systems[{at}].lines[{index}]");
            let within = |value: f64, least: f64| value.is_finite() && (least..=1e13).contains(&value);
            let by_ledger = line.per == Per::Pools;
            if by_ledger != line.class.is_some() || (line.kind.is_some() && !by_ledger) {
                return Err(Unreadable::at(
                    place,
                    "class, and kind where it is wanted, belong to per \"pools\" and to no other",
                ));
            }
            if by_ledger != line.amount.is_none() || !line.amount.is_none_or(|amount| within(amount, 0.0)) {
                return Err(Unreadable::at(
                    place,
                    "amount is a number from 0 to 1e13, and none with per \"pools\"",
                ));
            }
            if !within(line.years, 0.01) {
                return Err(Unreadable::at(place, "years is a number from 0.01"));
            }
            let fits = match (line.per, line.students_per_unit) {
                (Per::Unit, Some(students)) => within(students, 0.001),
                (Per::District | Per::Student | Per::Pools, None) => true,
                _ => false,
            };
            if !fits {
                return Err(Unreadable::at(
                    place,
                    "students_per_unit, above 0, belongs to per \"unit\" and to no other",
                ));
            }
        }
    }
    Ok(figures)
}

impl Figures {
    /// Whether the ledger's pools are asked for.
    #[must_use]
    pub fn asks_pools(&self) -> bool {
        self.systems.iter().flat_map(|system| &system.lines).any(|line| line.per == Per::Pools)
    }

    /// Enters what the pools cost, from the JSON of `aula query pools`.
    ///
    /// # Errors
    /// When it is not valid, or a line's class and kind have no pool.
    pub fn enter_pools(&mut self, pools: &[u8]) -> Result<(), Unreadable> {
        let pools = read_pools(pools)?;
        for line in self.systems.iter_mut().flat_map(|system| &mut system.lines) {
            let Some(class) = line.class else { continue };
            let kind = line.kind;
            let own = |pool: &&Pool| pool.class == class && kind.is_none_or(|kind| kind == pool.kind);
            let (mut cents, mut places, mut count) = (0u128, 0u64, 0usize);
            for pool in pools.iter().filter(own) {
                cents += u128::from(pool.capacity) * u128::from(pool.unit_cost_cents);
                (places, count) = (places + u64::from(pool.capacity), count + 1);
            }
            if count == 0 {
                let of = kind.map(|kind| format!(" of kind {kind}")).unwrap_or_default();
                return Err(Unreadable::at(
                    "pools",
                    format_args!("class {class} has no pool{of}, for {:?}", line.name),
                ));
            }
            line.amount = Some(cents as f64 / 100.0);
            let told = format!("ledger: {places} places of {count} pools of class {class}");
            line.source = if line.source.is_empty() { told } else { format!("{told}; {}", line.source) };
        }
        Ok(())
    }
}

/// Adds up; a line of pools whose amount was not entered counts nothing.
#[must_use]
pub fn totals(figures: &Figures) -> Vec<Total> {
    let students = figures.students as f64;
    let mut all: Vec<Total> = Vec::new();
    for system in &figures.systems {
        let part = |line: &Line| {
            let times = match line.per {
                Per::District | Per::Pools => 1.0,
                Per::Student => students,
                Per::Unit => (students / line.students_per_unit.unwrap_or(1.0)).ceil(),
            };
            let a_year = line.amount.unwrap_or(0.0) * times / line.years;
            let a_student = a_year / students;
            Part {
                name: line.name.clone(),
                a_year,
                a_student,
                if_a_tenth_more: a_student / 10.0,
                source: line.source.clone(),
            }
        };
        let lines: Vec<Part> = system.lines.iter().map(part).collect();
        let a_year: f64 = lines.iter().map(|part| part.a_year).sum();
        let first = all.first().map_or(a_year, |total| total.a_year);
        let change_ppm = if first > 0.0 { ((a_year / first - 1.0) * 1e6) as i64 } else { 0 };
        all.push(Total {
            name: system.name.clone(),
            a_year,
            a_student: a_year / students,
            change_ppm,
            lines,
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: &str = r#"{"students":1000,"currency":"USD","systems":[
      {"name":"schools","lines":[{"name":"building","amount":2000000,"per":"district","source":"budget 2026"},
        {"name":"payroll","amount":90000,"per":"unit","students_per_unit":15}]},
      {"name":"network","lines":[{"name":"platform","amount":120,"per":"student"},
        {"name":"devices","amount":600,"per":"student","years":4},{"name":"centres","amount":700000,"per":"unit","students_per_unit":300}]}]}"#;

    #[test]
    fn a_student_costs_what_the_lines_say() {
        let all = totals(&read_figures(FIGURES.as_bytes()).unwrap());
        // 2 M and 67 classes begun at 90,000; 120 + 150 a student and four centres.
        assert_eq!((all[0].a_year, all[0].a_student, all[0].change_ppm), (8_030_000.0, 8030.0, 0));
        assert_eq!((all[1].a_student, all[1].change_ppm), (3070.0, -617_683));
        assert_eq!(all[1].lines[1].if_a_tenth_more, 15.0);
    }

    #[test]
    fn what_the_ledger_knows_is_entered_from_it() {
        let mut figures = read_figures(TEMPLATE.as_bytes()).unwrap();
        assert!(figures.asks_pools());
        let pools = br#"{"count":4,"pools":[{"pool":1,"class":1,"school":61,"kind":0,"capacity":100,"unit_cost_cents":40050,"retired":null},
          {"pool":2,"class":1,"school":61,"kind":3,"capacity":10,"unit_cost_cents":100000},{"pool":3,"class":2,"school":61,"kind":0,"capacity":9,"unit_cost_cents":1},
          {"pool":4,"class":1,"school":61,"kind":0,"capacity":9,"unit_cost_cents":7,"retired":3}]}"#;
        figures.enter_pools(pools).unwrap();
        let devices = &totals(&figures)[1].lines[3];
        // 100 × 400.50 + 10 × 1000 over four years.
        assert_eq!((devices.a_year, devices.a_student), (12_512.5, 12.5125));
        assert_eq!(devices.source, "ledger: 110 places of 2 pools of class 1");
        figures.systems[1].lines[3].kind = Some(3);
        figures.enter_pools(pools).unwrap();
        assert_eq!(totals(&figures)[1].lines[3].a_year, 2_500.0);
        figures.systems[1].lines[3].kind = Some(8);
        let none = figures.enter_pools(pools).unwrap_err().to_string();
        assert_eq!(none, "pools: class 1 has no pool of kind 8, for \"devices\"");
        assert!(figures.enter_pools(b"[]").unwrap_err().to_string().starts_with("pools: "));
    }

    #[test]
    fn faults_are_said() {
        let refused = |from: &str, to: &str| {
            read_figures(FIGURES.replace(from, to).as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(
            refused("\"students\":1000", "\"students\":0"),
            "students: it is a whole number from 1 to 1e9"
        );
        assert!(refused("\"amount\":120", "\"amount\":-1").starts_with("systems[1].lines[0]: amount"));
        assert!(
            refused(",\"students_per_unit\":15", "").starts_with("systems[0].lines[1]: students_per_unit")
        );
        assert!(refused("\"years\":4", "\"years\":0").contains("years is a number"));
        assert!(refused("\"per\":\"district\"", "\"per\":\"county\"").starts_with("JSON: "));
        assert!(
            refused("\"amount\":120,\"per\":\"student\"", "\"per\":\"student\"")
                .contains("none with per \"pools\"")
        );
        assert!(
            refused("\"amount\":120,\"per\":\"student\"", "\"per\":\"pools\"").contains("class, and kind")
        );
        assert!(
            refused("\"amount\":120,", "\"amount\":120,\"class\":1,").contains("belong to per \"pools\"")
        );
        assert_eq!(read_figures(b"[]").unwrap_err().to_string(), "JSON: figures are an object");
    }
}
