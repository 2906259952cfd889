//! How many teachers the next periods ask for: students of each course by a forecast, less those who leave, in sections of a size, each of
//! so many hours a week, by subject beside the staff there is.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::table::{Table, quoted};
use crate::text::Unreadable;

/// How a course is taught.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// As the forecast's series or grade names it.
    pub course: String,
    /// Whose teachers teach it.
    pub subject: String,
    /// Most students of a section.
    pub size: f64,
    /// Hours a week that a section takes.
    pub hours: f64,
    /// Fewest students for whom it is taught at all.
    pub least: f64,
    /// Share of the students who stay; none where the table does not say.
    pub stay: Option<f64>,
}

/// The staff of a subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Staff {
    /// As its table writes it.
    pub subject: String,
    /// How many there are, in full posts.
    pub teachers: f64,
    /// Hours a week that a full post teaches.
    pub hours: f64,
}

/// A subject's teachers in a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Need {
    /// As the forecast writes it.
    pub period: String,
    /// As the courses' table writes it.
    pub subject: String,
    /// Sections as expected.
    pub sections: u64,
    /// Hours a week.
    pub hours: f64,
    /// Full posts as expected.
    pub teachers: f64,
    /// With every course at the lower end of its interval.
    pub low: f64,
    /// With every course at the upper end.
    pub high: f64,
    /// Full posts there are.
    pub there: f64,
    /// Posts missing as expected; below 0, to spare.
    pub short: f64,
}

/// What the next periods ask for.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Needs {
    /// By period and subject.
    pub staff: Vec<Need>,
    /// Series of the forecast that the table of sections does not name.
    pub left_out: Vec<String>,
}

fn number(table: &Table, row: usize, column: usize, least: f64, most: f64) -> Result<f64, Unreadable> {
    let value = table.rows()[row][column].trim().parse::<f64>().ok();
    let value = value.filter(|value| value.is_finite() && (least..=most).contains(value));
    value.ok_or_else(|| {
        let name = &table.header()[column];
        Unreadable::at(
            format_args!("row {}", row + 1),
            format_args!("{name} is a number from {least} to {most}"),
        )
    })
}

/// Reads a table of sections: course, subject, size, hours; optional least and stay.
///
/// # Errors
/// When a column is missing, a number is not valid, or a course is there twice.
pub fn read_sections(bytes: &[u8]) -> Result<Vec<Course>, Unreadable> {
    let table = Table::read(bytes)?;
    let [course, subject, size, hours] =
        ["course", "subject", "size", "hours"].map(|name| table.column(name));
    let (course, subject, size, hours) = (course?, subject?, size?, hours?);
    let (least, stay) = (table.find("least")?, table.find("stay")?);
    let mut all: Vec<Course> = Vec::with_capacity(table.rows().len());
    for (index, row) in table.rows().iter().enumerate() {
        let given = |column: Option<usize>| column.filter(|column| !row[*column].trim().is_empty());
        let one = Course {
            course: row[course].trim().to_owned(),
            subject: row[subject].trim().to_owned(),
            size: number(&table, index, size, 0.5, 1e6)?,
            hours: number(&table, index, hours, 0.0, 168.0)?,
            least: given(least).map_or(Ok(0.0), |column| number(&table, index, column, 0.0, 1e6))?,
            stay: given(stay).map(|column| number(&table, index, column, 0.0, 1.0)).transpose()?,
        };
        if all.iter().any(|known| known.course == one.course) {
            return Err(twice(index, &one.course));
        }
        all.push(one);
    }
    Ok(all)
}

/// Reads a table of staff: subject, teachers, hours.
///
/// # Errors
/// When a column is missing, a number is not valid, or a subject is there twice.
pub fn read_staff(bytes: &[u8]) -> Result<Vec<Staff>, Unreadable> {
    let table = Table::read(bytes)?;
    let [subject, teachers, hours] = ["subject", "teachers", "hours"].map(|name| table.column(name));
    let (subject, teachers, hours) = (subject?, teachers?, hours?);
    let mut all: Vec<Staff> = Vec::with_capacity(table.rows().len());
    for (index, row) in table.rows().iter().enumerate() {
        let one = Staff {
            subject: row[subject].trim().to_owned(),
            teachers: number(&table, index, teachers, 0.0, 1e6)?,
            hours: number(&table, index, hours, 0.5, 168.0)?,
        };
        if all.iter().any(|known| known.subject == one.subject) {
            return Err(twice(index, &one.subject));
        }
        all.push(one);
    }
    Ok(all)
}

fn twice(index: usize, name: &str) -> Unreadable {
    Unreadable::at(format_args!("row {}", index + 1), format_args!("{name:?} is there twice"))
}

/// Shares who stay by course, from what `aula estate optout` writes: of the rows still to come where there are some, else of all.
///
/// # Errors
/// When the file is not one of those.
pub fn read_stays(bytes: &[u8]) -> Result<BTreeMap<String, f64>, Unreadable> {
    let table = Table::read(bytes)?;
    let [course, answer, risk] = ["course", "opted_out", "p_trees_ppm"].map(|name| table.column(name));
    let (course, answer, risk) = (course?, answer?, risk?);
    // Rows and risks: known ones, those to come.
    let mut sums: BTreeMap<&str, [(f64, f64); 2]> = BTreeMap::new();
    for (index, row) in table.rows().iter().enumerate() {
        let p = number(&table, index, risk, 0.0, 1e6)? / 1e6;
        let sum =
            &mut sums.entry(row[course].trim()).or_default()[usize::from(row[answer].trim().is_empty())];
        *sum = (sum.0 + 1.0, sum.1 + p);
    }
    let share = |[known, ahead]: [(f64, f64); 2]| {
        let (rows, left) = if ahead.0 > 0.0 { ahead } else { known };
        1.0 - left / rows
    };
    Ok(sums.into_iter().map(|(course, both)| (course.to_owned(), share(both))).collect())
}

/// What a forecast (period, point, low, high; series or grade is the course) asks for.
///
/// # Errors
/// When the forecast is not valid, or a subject of a course has no line among the staff.
pub fn needs(
    forecast: &[u8],
    sections: &[Course],
    staff: &[Staff],
    stays: &BTreeMap<String, f64>,
) -> Result<Needs, Unreadable> {
    let table = Table::read(forecast)?;
    let [period, point, low, high] = ["period", "point", "low", "high"].map(|name| table.column(name));
    let (period, ends) = (period?, [point?, low?, high?]);
    let names = ["series", "grade"].iter().filter_map(|name| table.find(name).transpose());
    let names: Vec<usize> = names.collect::<Result<_, _>>()?;
    let staff: BTreeMap<&str, &Staff> = staff.iter().map(|one| (one.subject.as_str(), one)).collect();
    let mut periods: Vec<&str> = Vec::new();
    let mut sums: BTreeMap<(usize, &str), ([f64; 3], u64)> = BTreeMap::new();
    let mut answer = Needs::default();
    for (index, row) in table.rows().iter().enumerate() {
        let named = |course: &&Course| names.iter().any(|column| row[*column].trim() == course.course);
        let Some(course) = sections.iter().find(named) else {
            let name = names.iter().map(|column| row[*column].trim()).collect::<Vec<_>>().join(" ");
            if !answer.left_out.contains(&name) {
                answer.left_out.push(name);
            }
            continue;
        };
        if !staff.contains_key(course.subject.as_str()) {
            let what = format!(
                "{:?} is taught by {:?}, which has no line among the staff",
                course.course, course.subject
            );
            return Err(Unreadable::at("sections", what));
        }
        let label = row[period].trim();
        let at = periods.iter().position(|known| *known == label).unwrap_or_else(|| {
            periods.push(label);
            periods.len() - 1
        });
        let stay = course.stay.or_else(|| stays.get(&course.course).copied()).unwrap_or(1.0);
        let sum = sums.entry((at, course.subject.as_str())).or_default();
        for (end, column) in ends.iter().enumerate() {
            let opened = opened(number(&table, index, *column, 0.0, 1e9)? * stay, course);
            sum.0[end] += opened as f64 * course.hours;
            sum.1 += if end == 0 { opened } else { 0 };
        }
    }
    for ((at, subject), (hours, sections)) in sums {
        let Some(own) = staff.get(subject) else { continue };
        let [teachers, low, high] = hours.map(|hours| hours / own.hours);
        answer.staff.push(Need {
            period: periods[at].to_owned(),
            subject: subject.to_owned(),
            sections,
            hours: hours[0],
            teachers,
            low,
            high,
            there: own.teachers,
            short: teachers - own.teachers,
        });
    }
    Ok(answer)
}

/// Sections for so many students.
fn opened(students: f64, course: &Course) -> u64 {
    // A forecast's hundredths are no student.
    let heads = (students - 0.005).max(0.0);
    if heads < course.least - 0.01 { 0 } else { (heads / course.size).ceil() as u64 }
}

/// period,subject,sections,hours,teachers,low,high,there,short.
#[must_use]
pub fn to_csv(staff: &[Need]) -> String {
    let mut text = String::from("period,subject,sections,hours,teachers,low,high,there,short\n");
    for one in staff {
        let Need { period, subject, sections, hours, teachers, low, high, there, short } = one;
        let (period, subject) = (quoted(period), quoted(subject));
        let _ = writeln!(
            text,
            "{period},{subject},{sections},{hours:.2},{teachers:.2},{low:.2},{high:.2},{there:.2},{short:.2}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTIONS: &str = "course,subject,size,hours,least,stay\nalgebra,maths,25,5,,\ngeometry,maths,25,4,10,0.5\nart,art,20,2,,\n";
    const STAFF: &str = "subject,teachers,hours\nmaths,1,20\nart,2,20\n";
    const FORECAST: &str = "period,point,low,high,series\n2027,60,40,80,algebra\n2027,19,10,52,geometry\n2027,20,20,20,art\n2027,9,9,9,yoga\n";

    fn told(forecast: &str, stays: &BTreeMap<String, f64>) -> Result<Needs, Unreadable> {
        let sections = read_sections(SECTIONS.as_bytes())?;
        needs(forecast.as_bytes(), &sections, &read_staff(STAFF.as_bytes())?, stays)
    }

    #[test]
    fn sections_are_whole_and_teachers_are_hours_by_their_load() {
        let all = told(FORECAST, &BTreeMap::new()).unwrap();
        // 60, 40 and 80 students of algebra are 3, 2 and 4 sections; half of 19 and of 10 are too few, of 52 two.
        let maths = &all.staff[1];
        assert_eq!((maths.subject.as_str(), maths.sections, maths.hours), ("maths", 3, 15.0));
        assert_eq!((maths.teachers, maths.low, maths.high, maths.short), (0.75, 0.5, 1.4, -0.25));
        assert_eq!(all.left_out, ["yoga"]);
        assert_eq!(to_csv(&all.staff).lines().nth(2), Some("2027,maths,3,15.00,0.75,0.50,1.40,1.00,-0.25"));
    }

    #[test]
    fn who_leaves_needs_no_section() {
        let written = "row,course,opted_out,p_trees_ppm,p_logistic_ppm,reason\n1,algebra,0,900000,0,\n2,algebra,,100000,0,\n3,algebra,,300000,0,\n";
        let stays = read_stays(written.as_bytes()).unwrap();
        assert!((stays["algebra"] - 0.8).abs() < 1e-9, "of those to come: {stays:?}");
        // 60 × 0.8 = 48 are two sections.
        assert_eq!(told(FORECAST, &stays).unwrap().staff[1].sections, 2);
    }

    #[test]
    fn faults_are_said() {
        let sections = |text: &str| read_sections(text.as_bytes()).unwrap_err().to_string();
        assert!(sections("course,subject,size\nx,y,1\n").contains("hours"));
        assert_eq!(
            sections("course,subject,size,hours\nx,y,0,1\n"),
            "row 1: size is a number from 0.5 to 1000000"
        );
        assert_eq!(sections("course,subject,size,hours\nx,y,1,1\nx,y,1,1\n"), "row 2: \"x\" is there twice");
        let staff = read_staff(b"subject,teachers,hours\nart,1,0\n").unwrap_err().to_string();
        assert_eq!(staff, "row 1: hours is a number from 0.5 to 168");
        let alone = needs(
            FORECAST.as_bytes(),
            &read_sections(SECTIONS.as_bytes()).unwrap(),
            &read_staff(b"subject,teachers,hours\nart,2,20\n").unwrap(),
            &BTreeMap::new(),
        );
        assert!(alone.unwrap_err().to_string().contains("\"maths\", which has no line among the staff"));
        assert!(read_stays(b"course,x\n1,2\n").unwrap_err().to_string().contains("opted_out"));
        assert!(told("period,point,low,high,series\n1,x,0,0,art\n", &BTreeMap::new()).is_err());
    }
}
