//! What so many students take: units of instruction, devices, hours of rooms, by a table that a district edits.
//!
//! A line of the table says what `students` students take, times every factor beside it. It is worked out for each class of
//! things (series and grade) by itself and rounded up there, since a unit that is half used is a unit.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::table::{Table, quoted};
use crate::text::Unreadable;

/// The baselines of the field's reference design: a unit of instruction per 25 students, a device each, 30 hours of a room a
/// week for each unit; spare devices as a factor.
pub const BASELINES: &str = "resource,students,amount,factor need,factor spare\n\
    instruction units,25,1,1,1\n\
    devices,1,1,1,1.05\n\
    room hours a week,25,30,1,1\n";

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// What is taken.
    pub resource: String,
    /// By how many students, above 0.
    pub students: f64,
    /// How much of it they take, with all factors.
    pub amount: f64,
}

/// So much of a resource in a period: as expected, and at both ends of the interval.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Need {
    /// As the forecast writes it.
    pub period: String,
    /// What is taken.
    pub resource: String,
    /// Series, empty where the forecast has one.
    pub series: String,
    /// For the number that is expected.
    pub point: u64,
    /// For the interval's lower end of every class.
    pub low: u64,
    /// For its upper end.
    pub high: u64,
}

/// Reads a table: resource, students, amount, and any columns whose names start with `factor`.
///
/// # Errors
/// When a column is missing or a number is not valid.
pub fn read_baselines(bytes: &[u8]) -> Result<Vec<Baseline>, Unreadable> {
    let table = Table::read(bytes)?;
    let [resource, students, amount] = ["resource", "students", "amount"].map(|name| table.column(name));
    let (resource, students, amount) = (resource?, students?, amount?);
    let factors: Vec<usize> =
        (0..table.header().len()).filter(|at| table.header()[*at].starts_with("factor")).collect();
    let line = |(index, row): (usize, &Vec<String>)| {
        let number = |column: usize, least: f64| {
            let value = row[column].trim().parse::<f64>().ok();
            let value = value.filter(|value| value.is_finite() && (least..=1e9).contains(value));
            value.ok_or_else(|| {
                let name = &table.header()[column];
                Unreadable::at(
                    format_args!("row {}", index + 1),
                    format_args!("{name} is a number from {least} to 1e9"),
                )
            })
        };
        let mut all = number(amount, 0.0)?;
        for factor in &factors {
            all *= number(*factor, 0.0)?;
        }
        Ok(Baseline {
            resource: row[resource].trim().to_owned(),
            students: number(students, 0.001)?,
            amount: all,
        })
    };
    table.rows().iter().enumerate().map(line).collect()
}

/// What a forecast (period, point, low, high; series and grade) takes, by period, resource and series.
///
/// # Errors
/// When the forecast is not valid.
pub fn needs(forecast: &[u8], baselines: &[Baseline]) -> Result<Vec<Need>, Unreadable> {
    let table = Table::read(forecast)?;
    let [period, point, low, high] = ["period", "point", "low", "high"].map(|name| table.column(name));
    let (period, ends) = (period?, [point?, low?, high?]);
    let series = table.find("series")?;
    // In the forecast's own order of periods.
    let mut periods: Vec<&str> = Vec::new();
    let mut sums: BTreeMap<(usize, usize, &str), [u64; 3]> = BTreeMap::new();
    for (index, row) in table.rows().iter().enumerate() {
        let label = row[period].trim();
        let at = periods.iter().position(|known| *known == label).unwrap_or_else(|| {
            periods.push(label);
            periods.len() - 1
        });
        for (which, line) in baselines.iter().enumerate() {
            let sum = sums.entry((at, which, series.map_or("", |series| row[series].trim()))).or_default();
            for (sum, column) in sum.iter_mut().zip(ends) {
                let students =
                    row[column].trim().parse::<f64>().ok().filter(|value| (0.0..=1e9).contains(value));
                let students = students.ok_or_else(|| {
                    Unreadable::at(
                        format_args!("row {}", index + 1),
                        "point, low and high are numbers from 0",
                    )
                })?;
                *sum = sum.saturating_add(units(students, line));
            }
        }
    }
    let need = |((at, which, series), [point, low, high]): ((usize, usize, &str), [u64; 3])| Need {
        period: periods[at].to_owned(),
        resource: baselines[which].resource.clone(),
        series: series.to_owned(),
        point,
        low,
        high,
    };
    Ok(sums.into_iter().map(need).collect())
}

/// Whole units of what a line takes are what is rounded up: 26 students are two units of 25 and so 60 hours of rooms.
fn units(students: f64, line: &Baseline) -> u64 {
    // A forecast's hundredths are no student.
    let heads = (students - 0.005).max(0.0).ceil();
    ((heads / line.students).ceil() * line.amount - 1e-9).ceil().max(0.0) as u64
}

/// period,resource,series,point,low,high.
#[must_use]
pub fn to_csv(needs: &[Need]) -> String {
    let mut text = String::from("period,resource,series,point,low,high\n");
    for one in needs {
        let (resource, series) = (quoted(&one.resource), quoted(&one.series));
        let period = quoted(&one.period);
        let _ = writeln!(text, "{period},{resource},{series},{},{},{}", one.point, one.low, one.high);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_of_26_is_two_units_and_a_device_each_with_spares() {
        let table = read_baselines(BASELINES.as_bytes()).unwrap();
        let forecast =
            b"period,point,low,high,series,grade\n2027,26.00,24.50,30.1,s,1\n2027,25.00,20.00,25.00,s,2\n";
        let all = needs(forecast, &table).unwrap();
        let of = |name: &str| {
            all.iter().find(|need| need.resource == name).map(|n| (n.point, n.low, n.high)).unwrap()
        };
        assert_eq!(of("instruction units"), (3, 2, 3));
        // 26 × 1.05 = 27.3 and 25 × 1.05 = 26.25, each rounded up.
        assert_eq!(of("devices"), (28 + 27, 27 + 21, 33 + 27));
        assert_eq!(of("room hours a week"), (90, 60, 90));
        assert_eq!(to_csv(&all).lines().nth(1), Some("2027,instruction units,s,3,2,3"));
    }

    #[test]
    fn faults_are_said() {
        let refused = |text: &str| read_baselines(text.as_bytes()).unwrap_err().to_string();
        assert!(refused("resource,students\nx,1\n").contains("amount"));
        assert_eq!(
            refused("resource,students,amount\nx,0,1\n"),
            "row 1: students is a number from 0.001 to 1e9"
        );
        assert_eq!(
            refused("resource,students,amount,factor a\nx,1,1,y\n"),
            "row 1: factor a is a number from 0 to 1e9"
        );
        let told = needs(b"period,point,low,high\n1,x,0,0\n", &read_baselines(BASELINES.as_bytes()).unwrap());
        assert_eq!(told.unwrap_err().to_string(), "row 1: point, low and high are numbers from 0");
    }
}
