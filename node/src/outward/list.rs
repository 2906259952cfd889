//! HOME/left.jsonl: what commands wrote outside of the home, a line each, and what older lines come to.
//!
//! Flow: [`note`] appends a line → a list that is long becomes `left-N.jsonl` → where there are as many of those as are kept, the oldest is
//! added to the counts of `left-sums.json` and goes → [`noted`] adds up counts and lines. Invariants: no line goes before the counts that
//! have it are on disk, and none is counted twice; whatever lies there, one line at a time is in memory. Counts that are damaged are moved
//! aside, so that the list has an end all the same. Absent: which commands are noted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::group;
use crate::terminal::Context;
use aula_files::{append_private, replace_within};
use aula_home::Home;

/// Most bytes of a line; a longer one is somebody else's.
const MOST_LINE: u64 = 4 << 10;
/// Names of places that are told of one group.
const MOST_PLACES: usize = 200;
/// What further ones are called.
const FURTHER: &str = "others";
/// How often a list is read that is put away meanwhile.
const TRIES: usize = 10;

/// How much is kept line by line.
struct Bounds {
    /// Bytes from which on the list is put away.
    long: u64,
    /// Lists that were put away and are kept, 1 at least.
    older: usize,
}

/// Sixteen MiB with the present one: about 200,000 lines.
const BOUNDS: Bounds = Bounds { long: 1 << 20, older: 15 };

/// A file or folder outside of the home that a command was run to write: a line of HOME/left.jsonl.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The command's words without `aula`.
    pub command: String,
    /// The place of `[sovereignty]`; none where there was no rule.
    pub place: Option<String>,
}

/// What a group of commands wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// How often.
    pub times: u64,
    /// When last, milliseconds since 1970 UTC.
    pub last_ms: u64,
    /// The places of `[sovereignty]`, each once.
    pub places: BTreeSet<String>,
}

/// A home's list, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noted {
    /// By the command of each group.
    pub by_group: BTreeMap<String, Sum>,
    /// How many lines are not such ones: torn by a full disk or a power failure, or written by somebody else.
    pub unread: u64,
    /// How many lines are kept as counts alone.
    pub summed: u64,
    /// The names of files of counts that are damaged: in no number here.
    #[serde(skip)]
    pub damaged: Vec<String>,
}

impl Noted {
    fn add(&mut self, line: &[u8]) {
        let left = serde_json::from_slice::<Left>(line).ok();
        let Some((left, own)) = left.and_then(|left| group(&left.command).map(|own| (left, own))) else {
            self.unread += 1;
            return;
        };
        let sum = self.by_group.entry(own.command.to_owned()).or_default();
        sum.times += 1;
        sum.last_ms = sum.last_ms.max(left.at_ms);
        if let Some(place) = left.place {
            let is_told = sum.places.len() < MOST_PLACES || sum.places.contains(&place);
            sum.places.insert(if is_told { place } else { FURTHER.to_owned() });
        }
    }

    /// Adds the lines of a file; gives how many there are.
    fn add_file(&mut self, path: &Path) -> io::Result<u64> {
        let (mut file, mut line, mut lines) = (BufReader::new(File::open(path)?), Vec::new(), 0);
        loop {
            line.clear();
            if file.by_ref().take(MOST_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(lines);
            }
            if line == b"\n" {
                continue;
            }
            if line.last() != Some(&b'\n') && line.len() as u64 == MOST_LINE {
                file.skip_until(b'\n')?;
            }
            self.add(&line);
            lines += 1;
        }
    }
}

/// What lines come to that are gone.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sums {
    version: u8,
    /// The number of the newest list that is in them.
    through: u64,
    noted: Noted,
}

/// The part of every version of [`Sums`].
#[derive(Debug, Deserialize)]
struct Versioned {
    version: u64,
}

impl Sums {
    fn new() -> Self {
        Self { version: 1, ..Self::default() }
    }

    /// None of a file that is damaged; one of another version is not, and stays where it is.
    fn of(home: &Home) -> io::Result<Option<Self>> {
        let bytes = match fs::read(home.left_sums_file()) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(Self::new())),
            read => read?,
        };
        match serde_json::from_slice::<Versioned>(&bytes) {
            Ok(found) if found.version != 1 => Err(io::Error::other("left-sums.json is not of version 1")),
            _ => Ok(serde_json::from_slice(&bytes).ok()),
        }
    }

    /// Takes a list's lines in, on disk.
    fn take(&mut self, home: &Home, number: u64) -> io::Result<()> {
        self.noted.summed += self.noted.add_file(&home.left_old_file(number))?;
        self.through = number;
        replace_within(&home.left_sums_file(), &serde_json::to_vec(self)?)
    }
}

/// The names of the home's files that begin so, ascending; none where there is no home.
fn names(home: &Home, begins: &str) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(home.path()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(entry?.file_name().into_string().ok().filter(|name| name.starts_with(begins)));
    }
    found.sort_unstable();
    Ok(found)
}

/// The numbers of the lists that were put away, ascending.
fn numbers(home: &Home) -> io::Result<Vec<u64>> {
    let number = |name: String| {
        let number = name.strip_prefix("left-")?.strip_suffix(".jsonl")?.parse::<u64>().ok()?;
        // One that is written in another way, as left-07.jsonl, is somebody else's.
        (home.left_old_file(number).file_name()?.to_str()? == name).then_some(number)
    };
    let mut found: Vec<u64> = names(home, "left-")?.into_iter().filter_map(number).collect();
    found.sort_unstable();
    Ok(found)
}

/// Moves counts that are damaged aside, over no earlier ones; gives where they are.
fn set_aside(home: &Home) -> io::Result<PathBuf> {
    let path = home.left_sums_file();
    let mut aside = path.with_extension("json.damaged");
    for further in 2_u64.. {
        if !aside.try_exists()? {
            break;
        }
        aside = path.with_extension(format!("json.damaged-{further}"));
    }
    fs::rename(&path, &aside)?;
    Ok(aside)
}

/// Puts the list away where it is long; gives where damaged counts were moved to. The lock is on the list itself, which is renamed last:
/// nobody else puts anything away meanwhile.
fn put_away(home: &Home, bounds: &Bounds) -> io::Result<Option<PathBuf>> {
    let path = home.left_file();
    let list = match File::options().read(true).write(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if list.metadata()?.len() < bounds.long {
        return Ok(None);
    }
    match list.try_lock() {
        Ok(()) => {}
        // Another command puts it away.
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if is_away(&list, &path)? {
        return Ok(None);
    }
    let mut older = numbers(home)?;
    let (mut sums, aside) = match Sums::of(home)? {
        Some(sums) => (sums, None),
        None => (Sums::new(), Some(set_aside(home)?)),
    };
    while older.len() >= bounds.older {
        let oldest = older.remove(0);
        // An earlier run may have ended between the two.
        if oldest > sums.through {
            sums.take(home, oldest)?;
        }
        fs::remove_file(home.left_old_file(oldest))?;
    }
    let next = older.last().copied().unwrap_or(0).max(sums.through).saturating_add(1);
    fs::rename(&path, home.left_old_file(next))?;
    Ok(aside)
}

/// Whether another command put this list away since it was opened.
fn is_away(list: &File, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        found => Ok(found?.ino() != list.metadata()?.ino()),
    }
}

/// Appends what is about to be written to the home's list; a folder without settings is nobody's home and has none. A list that cannot be
/// written is said, and keeps nobody from a backup.
pub fn note(context: &Context, left: &[Left]) {
    if left.is_empty() || !context.home.config_file().exists() {
        return;
    }
    let path = context.home.left_file();
    let failed = |what: &str, error: io::Error| {
        context.tell(format_args!(
            "aula: {what} {}: {error}.\n  next: check the folder's owner and space",
            path.display()
        ));
    };
    match put_away(&context.home, &BOUNDS) {
        Ok(None) => {}
        Ok(Some(aside)) => context.tell(format_args!(
            "aula: the counts of older lines of {} cannot be read: they are moved aside, and begun anew.\n  next: keep {}; `aula doctor leaves` \
             names it",
            path.display(),
            aside.display()
        )),
        Err(error) => failed("the list is full and cannot be moved aside:", error),
    }
    if let Err(error) = append(&path, left) {
        failed("what left cannot be noted in", error);
    }
}

fn append(path: &Path, left: &[Left]) -> io::Result<()> {
    let lines: String =
        left.iter().filter_map(|one| serde_json::to_string(one).ok()).map(|line| line + "\n").collect();
    append_private(path, lines.as_bytes())
}

/// What was noted.
///
/// # Errors
/// When the list, or what older lines come to, cannot be read.
pub fn noted(home: &Home) -> io::Result<Noted> {
    for _ in 0..TRIES {
        let older = numbers(home)?;
        match added_up(home, &older) {
            Ok(noted) if numbers(home)? == older => return Ok(noted),
            // It was put away meanwhile.
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("it is moved aside again and again while it is read"))
}

fn added_up(home: &Home, older: &[u64]) -> io::Result<Noted> {
    let sums = Sums::of(home)?;
    let mut damaged = names(home, "left-sums.json.damaged")?;
    if sums.is_none() {
        damaged.extend(home.left_sums_file().file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    let Sums { through, mut noted, .. } = sums.unwrap_or_else(Sums::new);
    noted.damaged = damaged;
    for number in older.iter().filter(|number| **number > through) {
        noted.add_file(&home.left_old_file(*number))?;
    }
    match noted.add_file(&home.left_file()) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(noted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    /// Some three lines a list.
    const SMALL: Bounds = Bounds { long: 200, older: 3 };

    fn left(at_ms: u64) -> Left {
        let (command, place) = ("district export".to_owned(), Some(format!("place {}", at_ms % 7)));
        Left { at_ms, command, place }
    }

    /// Notes so many, one after another.
    fn fill(home: &Home, moments: std::ops::Range<u64>) -> io::Result<()> {
        for at_ms in moments {
            put_away(home, &SMALL)?;
            append(&home.left_file(), &[left(at_ms)])?;
        }
        Ok(())
    }

    fn times(home: &Home) -> io::Result<(u64, u64)> {
        let noted = noted(home)?;
        Ok((noted.by_group.get("district export").map_or(0, |sum| sum.times), noted.unread))
    }

    #[test]
    fn a_list_that_is_long_is_put_away_and_every_line_stays_in_the_counts() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        assert_eq!(noted(&home)?, Noted::default());
        fill(&home, 0..5)?;
        assert_eq!((numbers(&home)?, noted(&home)?.summed), (vec![1], 0));
        fill(&home, 5..500)?;
        let found = noted(&home)?;
        let sum = found.by_group.get("district export").cloned().unwrap_or_default();
        assert_eq!((sum.times, sum.last_ms, sum.places.len(), found.unread), (500, 499, 7, 0));
        assert!(found.summed > 400, "{}", found.summed);
        let kept: u64 = fs::read_dir(folder.path())?
            .flatten()
            .filter_map(|one| one.metadata().ok())
            .map(|one| one.len())
            .sum();
        assert!(numbers(&home)?.len() <= SMALL.older && kept < 3_000, "{kept}");
        Ok(())
    }

    #[test]
    fn a_list_that_was_put_away_since_it_was_opened_is_left_alone() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let path = home.left_file();
        append(&path, &[left(1)])?;
        let list = File::open(&path)?;
        assert!(!is_away(&list, &path)?);
        fs::rename(&path, home.left_old_file(1))?;
        assert!(is_away(&list, &path)?, "no new one was begun yet");
        append(&path, &[left(2)])?;
        assert!(is_away(&list, &path)?);
        Ok(())
    }

    #[test]
    fn a_copy_beside_the_lists_is_none_of_them() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        fill(&home, 0..5)?;
        for name in ["left-01.jsonl", "left-+1.jsonl", "left-1.old.jsonl"] {
            fs::copy(home.left_old_file(1), folder.path().join(name))?;
        }
        assert_eq!((numbers(&home)?, times(&home)?), (vec![1], (5, 0)));
        Ok(())
    }

    #[test]
    fn what_ended_between_its_counts_and_its_going_is_counted_once() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        fill(&home, 0..11)?;
        let oldest = numbers(&home)?[0];
        Sums::of(&home)?.ok_or("counts")?.take(&home, oldest)?;
        assert_eq!((numbers(&home)?[0], times(&home)?), (oldest, (11, 0)));
        fill(&home, 11..40)?;
        assert_eq!(times(&home)?, (40, 0));
        assert!(!numbers(&home)?.contains(&oldest));
        Ok(())
    }

    #[test]
    fn lines_that_are_none_are_counted_apart_however_long() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        let line = serde_json::to_string(&left(1))?;
        let other = line.replace("district export", "never heard of");
        let long = "x".repeat(3 * MOST_LINE as usize);
        let exact = "y".repeat(MOST_LINE as usize);
        let text = format!("{line}\n\n{long}\n{line}\n{other}\n{exact}\n{line}\n{}", &line[..20]);
        fs::write(home.left_file(), text)?;
        assert_eq!(times(&home)?, (3, 4));
        let both = ["evidence round", "evidence allocation"].map(|own| line.replace("district export", own));
        fs::write(home.left_file(), both.join("\n"))?;
        assert_eq!(noted(&home)?.by_group.get("evidence").map(|sum| sum.times), Some(2));
        Ok(())
    }

    #[test]
    fn counts_of_another_version_are_said_and_nothing_goes() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        fill(&home, 0..20)?;
        let older = numbers(&home)?;
        fs::write(home.left_sums_file(), r#"{"version":2,"more":0}"#)?;
        assert!(noted(&home).is_err());
        append(&home.left_file(), &[left(1), left(2), left(3), left(4)])?;
        assert!(put_away(&home, &SMALL).is_err());
        assert_eq!(numbers(&home)?, older);
        Ok(())
    }

    #[test]
    fn damaged_counts_are_moved_aside_once_and_the_count_goes_on() -> Tested {
        let folder = tempfile::tempdir()?;
        let home = Home::at(folder.path().to_owned());
        fill(&home, 0..20)?;
        for (nth, name) in ["left-sums.json.damaged", "left-sums.json.damaged-2"].into_iter().enumerate() {
            fs::write(home.left_sums_file(), "{")?;
            let (found, kept) = (noted(&home)?, times(&home)?.0);
            assert_eq!(found.damaged.last().map(String::as_str), Some("left-sums.json"));
            assert_eq!((found.summed, found.damaged.len()), (0, nth + 1));
            append(&home.left_file(), &[left(1), left(2), left(3), left(4)])?;
            assert_eq!(put_away(&home, &SMALL)?, Some(folder.path().join(name)));
            assert_eq!(fs::read(folder.path().join(name))?, b"{");
            assert_eq!(put_away(&home, &SMALL)?, None);
            fill(&home, 20..40)?;
            let found = noted(&home)?;
            assert_eq!((times(&home)?, found.damaged.len()), ((kept + 24, 0), nth + 1));
            assert!(found.summed > 0 && numbers(&home)?.len() <= SMALL.older);
        }
        Ok(())
    }

    #[test]
    fn places_without_end_are_told_as_others() {
        let mut noted = Noted::default();
        for place in 0..MOST_PLACES + 50 {
            let one = Left { place: Some(format!("place {place}")), ..left(1) };
            noted.add(&serde_json::to_vec(&one).expect("a line"));
        }
        let sum = &noted.by_group["district export"];
        assert_eq!((sum.times as usize, sum.places.len()), (MOST_PLACES + 50, MOST_PLACES + 1));
        assert!(sum.places.contains(FURTHER));
    }
}
