//! Files of a district's estate, read for commands and for a node that shows them: unpacked, each as what it is.
//!
//! Absent: what is made of them, which is `aula_estate`'s.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use aula_estate::check::estate::{Estate, read_estate};
use aula_estate::check::find;
use aula_estate::check::ical::read_ical;
use aula_estate::check::schedule::{Schedule, of_instance, of_lines};
use aula_estate::check::table::read_csv;
use aula_estate::ctt;
use aula_estate::forecast::{forecast, read_history};
use aula_estate::page::{Content, page, read_curves};
use aula_estate::text::Unreadable;
use aula_home::{Advise, Failure};

/// Most bytes of a file, unpacked: read into columns it takes several times that.
const MOST_BYTES: u64 = 1 << 28;

/// A file's bytes, unpacked when it is gzipped.
///
/// # Errors
/// When it cannot be read or unpacked, or is larger than 256 MiB.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_within(path, MOST_BYTES)
}

/// Nothing beyond the limit is kept, so that what never ends is refused before memory does.
fn read_within(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let unreadable = || format!("cannot read {}", path.display());
    let hint = "name a file that you can read";
    let mut file = File::open(path).advise(unreadable(), hint)?;
    let size = file.metadata().map_or(0, |known| known.len()).min(most);
    let mut first = Vec::new();
    Read::by_ref(&mut file).take(2).read_to_end(&mut first).advise(unreadable(), hint)?;
    let zipped = first == [0x1f, 0x8b];
    let whole = Cursor::new(first).chain(file);
    // What is plain is as large as it will be.
    let mut bytes = Vec::with_capacity(if zipped { 0 } else { size as usize });
    let (done, hint) = match zipped {
        true => {
            let unpacked = flate2::read::MultiGzDecoder::new(whole).take(most + 1).read_to_end(&mut bytes);
            (unpacked, "unpack it by hand to see what is wrong with it")
        }
        false => (whole.take(most + 1).read_to_end(&mut bytes), hint),
    };
    done.advise(unreadable(), hint)?;
    if bytes.len() as u64 > most {
        let message = format!("{} is larger than {} MiB", path.display(), most >> 20);
        return Err(Failure::new("too_large", message, "take out what is not needed, or split it"));
    }
    Ok(bytes)
}

/// A file that is not what it should be.
pub fn refused(path: &Path, error: &Unreadable) -> Failure {
    Failure::new("unreadable", format!("{}: {error}", path.display()), "correct the file there and run again")
}

/// By what the file looks like: a calendar says so, CSV has commas in its first line.
///
/// # Errors
/// When it is not one of them.
pub fn schedule(path: &Path, bytes: &[u8]) -> Result<Schedule, Unreadable> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or(start);
    let named = |extension: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension));
    if start.starts_with(b"BEGIN:VCALENDAR") || named("ics") {
        read_ical(bytes)
    } else if first.contains(&b',') || named("csv") {
        read_csv(bytes)
    } else {
        of_lines(bytes)
    }
}

/// What a page is made of; whatever is left out is not on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Sites, buildings, rooms.
    pub estate: Option<PathBuf>,
    /// The schedule in use.
    pub schedule: Option<PathBuf>,
    /// A proposal beside it.
    pub plan: Option<PathBuf>,
    /// The instance of .ctt timetables.
    pub instance: Option<PathBuf>,
    /// The load under both.
    pub load: Option<PathBuf>,
    /// What was.
    pub history: Option<PathBuf>,
}

/// How a page is made.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// What it is called.
    pub title: &'a str,
    /// How many periods after the history's last.
    pub periods: u32,
    /// Whether conflicts name teachers and groups.
    pub names: bool,
}

/// A page, and what it tells of.
#[derive(Debug)]
pub struct Made {
    /// One file that loads nothing.
    pub html: String,
    /// How many conflicts it names.
    pub conflicts: usize,
    /// How many periods it looks ahead.
    pub forecasts: usize,
}

impl Sources {
    /// The page of these files.
    ///
    /// # Errors
    /// When a file cannot be read or is refused.
    pub fn page(&self, look: Look<'_>) -> Result<Made, Failure> {
        let instance = optional(self.instance.as_deref(), ctt::read)?;
        let estate: Option<Estate> = optional(self.estate.as_deref(), read_estate)?;
        let timetable = |path: Option<&Path>| -> Result<Option<Schedule>, Failure> {
            match &instance {
                None => optional(path, |bytes| schedule(path.unwrap_or(Path::new("")), bytes)),
                Some(instance) => {
                    optional(path, |bytes| Ok(of_instance(instance, &ctt::read_solution(instance, bytes)?)))
                }
            }
        };
        let (today, plan) = (timetable(self.schedule.as_deref())?, timetable(self.plan.as_deref())?);
        let load = optional(self.load.as_deref(), read_curves)?;
        let history = optional(self.history.as_deref(), read_history)?;
        let forecasts = history.as_ref().map(|history| forecast(history, look.periods)).unwrap_or_default();
        let mut conflicts = today.as_ref().map(|today| find(today, estate.as_ref())).unwrap_or_default();
        if !look.names {
            for one in conflicts.iter_mut().filter(|one| matches!(one.kind, "teacher" | "group")) {
                one.what = "in two lessons at once".to_owned();
            }
        }
        let html = page(&Content {
            title: look.title,
            estate: estate.as_ref(),
            today: today.as_ref(),
            plan: plan.as_ref(),
            load: load.as_ref(),
            ahead: history.as_ref().map(|history| (history, forecasts.as_slice())),
            conflicts: &conflicts,
        });
        Ok(Made { html, conflicts: conflicts.len(), forecasts: forecasts.len() })
    }
}

fn optional<T>(
    path: Option<&Path>,
    make: impl FnOnce(&[u8]) -> Result<T, Unreadable>,
) -> Result<Option<T>, Failure> {
    let Some(path) = path else { return Ok(None) };
    make(&read(path)?).map(Some).map_err(|error| refused(path, &error))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_larger_than_the_limit_is_refused_and_the_rest_is_whole() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("file");
        let code = |path: &Path, most: u64| {
            read_within(path, most).map(|bytes| bytes.len()).map_err(|failure| failure.code)
        };
        for bytes in [&b""[..], b"x", b"0123456789"] {
            std::fs::write(&path, bytes)?;
            assert_eq!(code(&path, 10), Ok(bytes.len()));
        }
        assert_eq!(code(&path, 9), Err("too_large".to_owned()));
        assert_eq!(code(Path::new("/dev/zero"), 5_000), Err("too_large".to_owned()));
        let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        zipped.write_all(&[0; 5_000])?;
        std::fs::write(&path, zipped.finish()?)?;
        // Unpacked, not packed, is what counts.
        assert_eq!((code(&path, 5_000), code(&path, 4_999)), (Ok(5_000), Err("too_large".to_owned())));
        Ok(())
    }
}
