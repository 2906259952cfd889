//! The files of a school's hours: one a day, of what may be shown and nothing else, in a folder that holds no secret.
//!
//! Flow: whoever counts puts hours in ([`Shelf::add`]) → the day's file is written anew → the API and the page read it. Invariants: an
//! hour that stands is never counted again, so that no two versions tell what one student did; a file's address names its bytes.
//! Absent: counting, which the node's own task does.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aula_api::hours::{DayOfHours, Hour, HoursOfDay, ResourceHours, SchoolHours};
use aula_api::paths;
use aula_files::{Access, replace};
use aula_home::own_file::Mark;
use aula_ledger::types::SchoolId;
use aula_store::sha256;

/// Days that are published.
pub const DAYS: usize = 30;
/// Longest file that is read: 30 of them stay within 12 MB.
pub const MAX_DAY_BYTES: u64 = 400_000;

/// Resources of a day that are published, those that most students used.
const MAX_RESOURCES: usize = 2_000;

/// What was read of a day's file: which file it was, and what the list of days tells of it.
type Known = (Mark, Option<(usize, String)>);

/// The folder. Clones share what they know of its files, so that a day is parsed once, however often the list of days is asked for.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
    /// By school and date; no more than [`DAYS`] of a school that has a folder.
    known: Arc<Mutex<BTreeMap<SchoolId, BTreeMap<String, Known>>>>,
}

/// Hours of one day, counted together.
#[derive(Debug, Clone)]
pub struct Added<'a> {
    /// The local date, as YYYY-MM-DD.
    pub date: &'a str,
    /// The IANA time zone of date and hours.
    pub time_zone: &'a str,
    /// To what counts are rounded.
    pub rounded_to: u32,
    /// Hours that are over: each is counted once, for good.
    pub hours: &'a [Hour],
    /// By resource, what may be shown of each of these hours.
    pub shown: &'a BTreeMap<u32, Vec<Option<u32>>>,
}

impl Shelf {
    /// At this folder, which may not be there.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), known: Arc::default() }
    }

    fn of_school(&self, school: SchoolId) -> PathBuf {
        self.folder.join(school.to_string())
    }

    /// A day's file.
    fn bytes(&self, school: SchoolId, date: &str) -> Option<Vec<u8>> {
        let path = is_date(date).then(|| self.of_school(school).join(format!("{date}.json")))?;
        fs::metadata(&path).ok().filter(|found| found.len() <= MAX_DAY_BYTES)?;
        fs::read(path).ok()
    }

    /// A day as it stands.
    pub fn day(&self, school: SchoolId, date: &str) -> Option<HoursOfDay> {
        serde_json::from_slice(&self.bytes(school, date)?).ok()
    }

    /// The bytes at an address `SCHOOL-DATE-DIGEST.json`, while they are these.
    pub fn at_address(&self, file: &str) -> Option<Vec<u8>> {
        let (school, rest) = file.strip_suffix(".json")?.split_once('-')?;
        let (date, digest) = rest.rsplit_once('-')?;
        let bytes = self.bytes(SchoolId(school.parse().ok()?), date)?;
        (short(&bytes) == digest).then_some(bytes)
    }

    /// Which days there are, oldest first: the last thirty. A file is read when it is another than the one that was read.
    pub fn school(&self, school: SchoolId) -> SchoolHours {
        let mut dates = self.dates(school);
        dates.drain(..dates.len().saturating_sub(DAYS));
        let before = self.locked().get(&school).cloned().unwrap_or_default();
        let (mut known, mut days) = (BTreeMap::new(), Vec::new());
        for date in dates {
            let path = self.of_school(school).join(format!("{date}.json"));
            // Before it is read: what takes its place meanwhile is read the next time.
            let Some(mark) = Mark::of(&path) else { continue };
            let told = match before.get(&date).filter(|(of, _)| *of == mark) {
                Some((_, told)) => told.clone(),
                None => self.told(school, &date),
            };
            if let Some((hours, digest)) = &told {
                let href = paths::hours(format_args!("{school}-{date}-{digest}.json"));
                days.push(DayOfHours { date: date.clone(), hours: *hours, href });
            }
            known.insert(date, (mark, told));
        }
        match known.is_empty() {
            true => self.locked().remove(&school),
            false => self.locked().insert(school, known),
        };
        SchoolHours { days, school }
    }

    /// How many hours a day's file has, and what its bytes hash to; none of one that is no day's.
    fn told(&self, school: SchoolId, date: &str) -> Option<(usize, String)> {
        let bytes = self.bytes(school, date)?;
        let day: HoursOfDay = serde_json::from_slice(&bytes).ok()?;
        Some((day.hours.len(), short(&bytes)))
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<SchoolId, BTreeMap<String, Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything is published of a school.
    pub fn has(&self, school: SchoolId) -> bool {
        !self.dates(school).is_empty()
    }

    fn dates(&self, school: SchoolId) -> Vec<String> {
        let entries = fs::read_dir(self.of_school(school)).into_iter().flatten().flatten();
        let mut dates: Vec<String> = entries
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
            .filter(|date| is_date(date))
            .collect();
        dates.sort();
        dates
    }

    /// Puts hours into a day's file, but for those that stand there, and lets go of days before the last thirty.
    ///
    /// # Errors
    /// A folder that cannot be written, a day that has grown too long, a file that is not a day's.
    pub fn add(&self, school: SchoolId, added: &Added<'_>) -> io::Result<()> {
        let folder = self.of_school(school);
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.json", added.date));
        let mut day = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => HoursOfDay {
                date: added.date.to_owned(),
                hours: Vec::new(),
                resources: Vec::new(),
                rounded_to: added.rounded_to,
                school,
                time_zone: added.time_zone.to_owned(),
            },
            Err(error) => return Err(error),
        };
        if !put(&mut day, added) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&day).map_err(io::Error::other)?;
        if bytes.len() as u64 > MAX_DAY_BYTES {
            return Err(io::Error::other(format!(
                "school {school} has more resources a day than are published"
            )));
        }
        replace(&path, Access::Public, &bytes)?;
        let dates = self.dates(school);
        for old in dates.iter().rev().skip(DAYS) {
            fs::remove_file(folder.join(format!("{old}.json")))?;
        }
        Ok(())
    }
}

/// Adds the hours that are new; false when none is.
fn put(day: &mut HoursOfDay, added: &Added<'_>) -> bool {
    let last = day.hours.last().map(|hour| hour.from_ms);
    let is_new = |hour: &Hour| last.is_none_or(|last| hour.from_ms > last);
    let new: Vec<usize> =
        (0..added.hours.len()).filter(|at| added.hours.get(*at).is_some_and(is_new)).collect();
    if new.is_empty() {
        return false;
    }
    let stood = day.hours.len();
    day.hours.extend(new.iter().filter_map(|at| added.hours.get(*at)).cloned());
    let mut rows: BTreeMap<u32, Vec<Option<u32>>> =
        day.resources.drain(..).map(|row| (row.resource, row.students)).collect();
    for (resource, shown) in added.shown {
        let told: Vec<Option<u32>> = new.iter().map(|at| shown.get(*at).copied().flatten()).collect();
        if told.iter().any(Option::is_some) {
            let row = rows.entry(*resource).or_default();
            row.resize(stood, None);
            row.extend(told);
        }
    }
    if rows.len() > MAX_RESOURCES {
        let used = |row: &[Option<u32>]| row.iter().flatten().map(|n| u64::from(*n)).sum::<u64>();
        let mut by_use: Vec<(u64, u32)> = rows.iter().map(|(resource, row)| (used(row), *resource)).collect();
        by_use.sort_by_key(|(used, resource)| (std::cmp::Reverse(*used), *resource));
        for (_, resource) in by_use.split_off(MAX_RESOURCES) {
            rows.remove(&resource);
        }
    }
    day.resources = rows
        .into_iter()
        .map(|(resource, mut students)| {
            students.resize(day.hours.len(), None);
            ResourceHours { resource, students }
        })
        .collect();
    true
}

/// First digits of what bytes hash to.
fn short(bytes: &[u8]) -> String {
    sha256(bytes).to_string().chars().take(16).collect()
}

/// YYYY-MM-DD, in digits.
fn is_date(text: &str) -> bool {
    let digit = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    fn hours(from: u64, until: u64) -> Vec<Hour> {
        (from..until).map(|n| Hour { from_ms: n * 3_600_000, starts: format!("{n:02}:00") }).collect()
    }

    fn added<'a>(date: &'a str, hours: &'a [Hour], shown: &'a BTreeMap<u32, Vec<Option<u32>>>) -> Added<'a> {
        Added { date, time_zone: "UTC", rounded_to: 10, hours, shown }
    }

    #[test]
    fn an_hour_that_stands_is_never_counted_again() -> Tested {
        let folder = tempfile::tempdir()?;
        let (shelf, school) = (Shelf::at(folder.path()), SchoolId(31));
        let first = BTreeMap::from([(7, vec![Some(10), None])]);
        shelf.add(school, &added("2026-11-29", &hours(0, 2), &first))?;
        let before = shelf.school(school);
        let later = BTreeMap::from([
            (7, vec![Some(90), Some(20)]),
            (8, vec![None, Some(30)]),
            (9, vec![Some(40), None]),
        ]);
        shelf.add(school, &added("2026-11-29", &hours(1, 3), &later))?;
        let day = shelf.day(school, "2026-11-29").ok_or("a day")?;
        let rows: Vec<_> = day.resources.iter().map(|row| (row.resource, row.students.clone())).collect();
        assert_eq!(rows, [(7, vec![Some(10), None, Some(20)]), (8, vec![None, None, Some(30)])]);
        let after = shelf.school(school);
        assert_eq!((before.days[0].hours, after.days[0].hours), (2, 3));
        // Another address for other bytes; what the old one named is gone here.
        let file = |listed: &SchoolHours| {
            listed.days[0].href.trim_start_matches(paths::stem(paths::HOURS)).to_owned()
        };
        assert!(shelf.at_address(&file(&before)).is_none() && shelf.at_address(&file(&after)).is_some());
        shelf.add(school, &added("2026-11-29", &hours(0, 3), &later))?;
        assert_eq!(shelf.school(school), after);
        for wrong in ["31-2026-11-29-.json", "31-../../x-0.json", "x", "31-2026-11-29-0000000000000000.json"]
        {
            assert!(shelf.at_address(wrong).is_none(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn attack_days_are_read_once_and_no_more_than_thirty_whatever_lies_there() -> Tested {
        let folder = tempfile::tempdir()?;
        let (shelf, school) = (Shelf::at(folder.path()), SchoolId(31));
        let shown = BTreeMap::from([(7, vec![Some(10)])]);
        for n in 1..=28 {
            shelf.add(school, &added(&format!("2026-11-{n:02}"), &hours(0, 1), &shown))?;
        }
        let of_school = folder.path().join("31");
        let path = of_school.join("2026-11-28.json");
        let listed = shelf.school(school);
        assert_eq!((listed.days.len(), listed.days[27].hours), (28, 1));
        // What was read is known by its file, and not read again: a clone, as another request has it, knows it too.
        for known in shelf.locked().values_mut().flat_map(BTreeMap::values_mut) {
            known.1 = known.1.take().map(|(hours, digest)| (hours + 100, digest));
        }
        assert_eq!(shelf.clone().school(school).days[0].hours, 101, "not read again");
        // Another file in its place is read, an old date or not.
        let later = BTreeMap::from([(7, vec![None, Some(20)])]);
        shelf.add(school, &added("2026-11-28", &hours(0, 2), &later))?;
        assert_eq!(shelf.school(school).days[27].hours, 2);
        // Files that are no days, and more days than are published.
        for n in 10..60 {
            fs::copy(&path, of_school.join(format!("1999-01-{n}.json")))?;
        }
        fs::write(of_school.join("2026-11-29.json"), "{")?;
        let listed = shelf.school(school);
        assert_eq!((listed.days.len(), listed.days[0].date.as_str()), (DAYS - 1, "1999-01-59"));
        assert_eq!(shelf.locked().get(&school).map(BTreeMap::len), Some(DAYS));
        // Of a school without a folder nothing is kept.
        shelf.school(SchoolId(99));
        fs::remove_dir_all(&of_school)?;
        assert_eq!(shelf.school(school).days, []);
        assert!(shelf.locked().is_empty());
        Ok(())
    }

    #[test]
    fn thirty_days_stand_and_the_largest_school_stays_within_twelve_megabytes() -> Tested {
        let folder = tempfile::tempdir()?;
        let (shelf, school) = (Shelf::at(folder.path()), SchoolId(1));
        // 5,000 students, 3,000 resources, each hour of each day.
        let shown: BTreeMap<u32, Vec<Option<u32>>> =
            (0..3_000).map(|resource| (1_000_000 + resource, vec![Some(4_990); 24])).collect();
        let day = hours(0, 24);
        for n in 1..=32 {
            let date = if n <= 31 { format!("2026-10-{n:02}") } else { "2026-11-01".into() };
            shelf.add(school, &added(&date, &day, &shown))?;
        }
        let listed = shelf.school(school);
        assert_eq!((listed.days.len(), listed.days[0].date.as_str()), (DAYS, "2026-10-03"));
        let day = shelf.day(school, "2026-10-03").ok_or("a day")?;
        assert!(
            day.resources.len() == MAX_RESOURCES
                && day.resources.last().is_some_and(|row| row.resource == 1_001_999)
        );
        let mut bytes = 0;
        for day in &listed.days {
            let file = day.href.trim_start_matches(paths::stem(paths::HOURS));
            bytes += shelf.at_address(file).ok_or("a file")?.len();
        }
        assert!(bytes <= 12_000_000, "{bytes}");
        Ok(())
    }
}
