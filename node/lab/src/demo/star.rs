//! Reads the demo's two public tables from the folder `genesis/`.
//!
//! Flow: [`DataFolder::find`] locates the folder, [`DataFolder::student_years`] and
//! [`DataFolder::computer_ratios`] read it. Invariants: grades are 0..=3, a school has one district and one type,
//! no student has two rows of one grade. Tolerance, said here once: a missing score is `None`, a missing lunch
//! entry is [`Lunch::Unknown`]; a missing student, grade, district, school or school type is an error, because
//! nothing could be done with the row. Absent on purpose: gender, ethnicity, birth and teachers are never read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use aula_ledger::types::{DistrictId, SchoolId};
use serde::Deserialize;
use thiserror::Error;

/// The environment variable that names the folder.
pub const DATA_VARIABLE: &str = "AULA_DATA";
/// The repository this program was built from, for programs that a build put elsewhere.
const BUILT_FROM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../genesis");
const STAR_FILE: &str = "star/star_long.csv.gz";
const CALIFORNIA_FILE: &str = "caschools/caschools.csv";
/// Most bytes either table may unpack to; the larger one has 2 MB.
const MAX_TABLE_BYTES: u64 = 64 * 1024 * 1024;

/// Why the demo has no data.
#[derive(Debug, Error)]
pub enum DataError {
    /// No folder holds the tables.
    #[error(
        "the demo's data ({STAR_FILE}) is in none of: {0}; give the folder with --data or {DATA_VARIABLE}"
    )]
    NotFound(String),
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A table's row is not what this program understands.
    #[error("{path}, row {row}: {why}")]
    Row {
        /// Which file.
        path: PathBuf,
        /// Row number, 1 = the first after the header.
        row: usize,
        /// What is wrong.
        why: String,
    },
}

/// A school grade of the study: 0 = kindergarten to 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grade(u8);

impl Grade {
    /// All four, in the order of the epochs.
    pub const ALL: [Self; 4] = [Self(0), Self(1), Self(2), Self(3)];

    /// The number 0..=3.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// How people call it.
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "kindergarten",
            1 => "grade 1",
            2 => "grade 2",
            _ => "grade 3",
        }
    }
}

/// Whether a student gets free lunch, the study's only mark of poverty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lunch {
    /// Free or reduced-price lunch.
    Free,
    /// Pays for lunch.
    Paid,
    /// Not recorded (828 of 26,796 rows).
    Unknown,
}

/// What kind of place a school stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchoolType {
    /// Within a large city, as the study classes it.
    InnerCity,
    /// At the edge of one.
    Suburban,
    /// Countryside.
    Rural,
    /// Other city.
    Urban,
}

impl SchoolType {
    /// The number it has in the genesis, 0..=3.
    pub const fn number(self) -> u8 {
        match self {
            Self::InnerCity => 0,
            Self::Suburban => 1,
            Self::Rural => 2,
            Self::Urban => 3,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "inner-city" => Self::InnerCity,
            "suburban" => Self::Suburban,
            "rural" => Self::Rural,
            "urban" => Self::Urban,
            _ => return None,
        })
    }
}

/// One student in one grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudentYear {
    /// The study's number of the student.
    pub student: u32,
    /// Kindergarten to third grade, 0 to 3.
    pub grade: Grade,
    /// District of the school.
    pub district: DistrictId,
    /// The school in that grade.
    pub school: SchoolId,
    /// The school's type.
    pub school_type: SchoolType,
    /// Free lunch or not.
    pub lunch: Lunch,
    /// Scaled reading score in points, if tested.
    pub read: Option<u16>,
    /// Scaled mathematics score in points, if tested.
    pub math: Option<u16>,
}

/// Computers and students of one Californian district.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComputerRatio {
    /// As counted by the district; may be 0.
    pub computers: u32,
    /// Students, at least 1.
    pub students: u32,
}

/// The folder that holds both tables.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The first of: `given` (--data, or the environment through the command line), `../../genesis` beside the
    /// program, `./genesis`, the repository it was built from, that holds the STAR table. A folder that was given is the only one tried.
    ///
    /// # Errors
    /// [`DataError::NotFound`] names every folder that was tried.
    pub fn find(given: Option<&Path>) -> Result<Self, DataError> {
        let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("../../genesis")));
        let tried: Vec<PathBuf> = match given {
            Some(folder) => vec![folder.to_owned()],
            None => beside.into_iter().chain([PathBuf::from("genesis"), PathBuf::from(BUILT_FROM)]).collect(),
        };
        let found = tried.iter().find(|folder| folder.join(STAR_FILE).is_file());
        found.map(|folder| Self(folder.clone())).ok_or_else(|| {
            let names: Vec<String> = tried.iter().map(|folder| folder.display().to_string()).collect();
            DataError::NotFound(names.join(", "))
        })
    }

    /// Every student-year, ascending by grade, then student.
    ///
    /// # Errors
    /// [`DataError`] when the file is missing, or a row breaks a rule of the module's documentation.
    pub fn student_years(&self) -> Result<Vec<StudentYear>, DataError> {
        let path = self.0.join(STAR_FILE);
        let text = read_table(&path, |file| Box::new(flate2::read::GzDecoder::new(file)))?;
        let mut years = rows::<StarRow, _>(&path, &text, StarRow::student_year)?;
        years.sort_by_key(|year| (year.grade, year.student));
        check_study(&years).map_err(|why| DataError::Row { path, row: 0, why })?;
        Ok(years)
    }

    /// The Californian districts' computers and students, ascending by share of reduced-price lunch (then by
    /// district number).
    ///
    /// # Errors
    /// [`DataError`] when the file is missing or malformed.
    pub fn computer_ratios(&self) -> Result<Vec<ComputerRatio>, DataError> {
        let path = self.0.join(CALIFORNIA_FILE);
        let text = read_table(&path, |file| Box::new(file))?;
        let mut districts = rows::<CaliforniaRow, _>(&path, &text, |row| match row.students {
            0 => Err("a district without students".to_owned()),
            _ if !row.lunch.is_finite() => Err("a lunch share that is not a number".to_owned()),
            _ => Ok(row),
        })?;
        districts.sort_by(|a, b| a.lunch.total_cmp(&b.lunch).then(a.district.cmp(&b.district)));
        Ok(districts
            .iter()
            .map(|row| ComputerRatio { computers: row.computer, students: row.students })
            .collect())
    }
}

#[derive(Deserialize)]
struct StarRow {
    student: u32,
    grade: u8,
    read: Option<f64>,
    math: Option<f64>,
    lunch: String,
    school_type: String,
    district: u16,
    school: u32,
}

impl StarRow {
    fn student_year(self) -> Result<StudentYear, String> {
        let grade = *Grade::ALL.get(usize::from(self.grade)).ok_or("a grade above 3")?;
        let lunch = match self.lunch.as_str() {
            "free" => Lunch::Free,
            "non-free" => Lunch::Paid,
            "" => Lunch::Unknown,
            other => return Err(format!("lunch is {other:?}, not free, non-free or empty")),
        };
        let school_type = SchoolType::parse(&self.school_type)
            .ok_or_else(|| format!("school type {:?} is unknown", self.school_type))?;
        let (read, math) = (points(self.read)?, points(self.math)?);
        let (district, school) = (DistrictId(self.district), SchoolId(self.school));
        Ok(StudentYear { student: self.student, grade, district, school, school_type, lunch, read, math })
    }
}

#[derive(Deserialize)]
struct CaliforniaRow {
    district: u32,
    students: u32,
    lunch: f64,
    computer: u32,
}

/// A scaled score as whole points; the study's scores all are.
fn points(score: Option<f64>) -> Result<Option<u16>, String> {
    let Some(score) = score else { return Ok(None) };
    if !(0.0..=1_000.0).contains(&score) || score.fract() != 0.0 {
        return Err(format!("score {score} is not whole points from 0 to 1000"));
    }
    Ok(Some(score as u16))
}

fn read_table(path: &Path, open: impl Fn(File) -> Box<dyn Read>) -> Result<String, DataError> {
    let failed = |source| DataError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    open(file).take(MAX_TABLE_BYTES).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

fn rows<Row: for<'de> Deserialize<'de>, Out>(
    path: &Path,
    text: &str,
    convert: impl Fn(Row) -> Result<Out, String>,
) -> Result<Vec<Out>, DataError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let convert_row = |(index, row): (usize, Result<Row, csv::Error>)| {
        let converted = row.map_err(|error| error.to_string()).and_then(&convert);
        converted.map_err(|why| DataError::Row { path: path.to_owned(), row: index + 1, why })
    };
    reader.deserialize::<Row>().enumerate().map(convert_row).collect()
}

/// What the whole study must satisfy: no student twice in a grade, one district and type a school.
fn check_study(years: &[StudentYear]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let mut schools = BTreeMap::new();
    for year in years {
        if !seen.insert((year.student, year.grade)) {
            return Err(format!("student {} has two rows of {}", year.student, year.grade.name()));
        }
        let place = (year.district, year.school_type);
        if *schools.entry(year.school).or_insert(place) != place {
            return Err(format!("school {} has two districts or two types", year.school));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> DataFolder {
        let genesis = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../genesis");
        DataFolder::find(Some(&genesis)).expect("the repository holds the data")
    }

    #[test]
    fn the_study_has_the_students_schools_and_districts_it_is_said_to_have() {
        let years = folder().student_years().expect("the table reads");
        let distinct = |key: fn(&StudentYear) -> u32| years.iter().map(key).collect::<BTreeSet<_>>().len();
        assert_eq!(years.len(), 26_796);
        assert_eq!(distinct(|year| year.student), 11_598);
        assert_eq!(distinct(|year| year.school.0), 80);
        assert_eq!(distinct(|year| u32::from(year.district.0)), 42);
        assert_eq!(years.iter().filter(|year| year.read.is_none()).count(), 2_534);
        assert_eq!(years.iter().filter(|year| year.lunch == Lunch::Unknown).count(), 828);
    }

    #[test]
    fn california_is_ordered_by_lunch_share_and_has_420_districts() {
        let ratios = folder().computer_ratios().expect("the table reads");
        assert_eq!(ratios.len(), 420);
        assert!(ratios.iter().all(|ratio| ratio.students > 0));
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error =
            DataFolder::find(Some(Path::new("/nowhere/at/all"))).expect_err("there is no such folder");
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }

    #[test]
    fn a_row_that_makes_no_sense_is_refused_with_its_number() {
        let text = "student,grade,read,math,lunch,school_type,district,school\n1,0,400.0,,free,rural,1,1\n2,7,,,,rural,1,1\n";
        let error = rows::<StarRow, _>(Path::new("star"), text, StarRow::student_year).expect_err("grade 7");
        assert_eq!(error.to_string(), "star, row 2: a grade above 3");
    }
}
