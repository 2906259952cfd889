//! What is said of an import.

use std::path::PathBuf;

use aula_ingest::Format;
use aula_ingest::plan::{Counts, Held};
use aula_ledger::types::SchoolYear;
use serde::Serialize;

use super::Done;
use crate::command::{Outcome, Verdict};

/// Most names in the answer for people.
const TOLD: usize = 20;

/// What an import came to: the object of `--output json`.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    /// The import's number in the vault; none when nothing was written.
    pub import: Option<u64>,
    /// Events of twins that were written with it.
    pub events: usize,
    /// What became of the rows.
    #[serde(flatten)]
    pub counts: Counts,
    /// Students whom the rows name.
    pub students: usize,
    /// Schools that the rows name.
    pub schools: usize,
    /// The file of rejected rows.
    pub report: PathBuf,
    /// The file of every row's fate.
    pub fates: PathBuf,
    /// The file of everything that changes.
    pub diff: PathBuf,
    /// What the files were read as.
    pub format: Format,
    /// Into which year, by the calendar year in which it begins.
    pub school_year: SchoolYear,
    /// Whether it was a comparison alone.
    pub dry_run: bool,
    /// Whether schools were held against the ledger's.
    pub schools_checked: bool,
    /// What the reader noticed, in sentences.
    pub notes: Vec<String>,
    /// What `--since` wants the next time; none where the source tells none.
    pub until: Option<String>,
    /// Who is in no row of a whole roster.
    pub leavers: Leaving,
    /// Said to people, a line each.
    #[serde(skip)]
    pub lines: Vec<String>,
}

/// Students whom a whole roster omits.
#[derive(Debug, Clone, Serialize)]
pub struct Leaving {
    /// How many were enrolled before.
    pub enrolled: usize,
    /// How many of them no row names.
    pub omitted: usize,
    /// How many enrolments ended.
    pub ended: usize,
    /// Why none did, though some are omitted.
    pub held: Option<Held>,
}

impl Imported {
    pub(super) fn of(done: &Done<'_>) -> Self {
        let leavers = &done.plan.leavers;
        Self {
            import: done.written.import,
            events: done.written.events,
            counts: done.plan.counts(),
            students: done.plan.students.len(),
            schools: done.plan.schools.len(),
            report: done.reports.rejected.clone(),
            fates: done.reports.rows.clone(),
            diff: done.reports.changes.clone(),
            format: done.format,
            school_year: done.year,
            dry_run: done.args.dry_run,
            schools_checked: done.schools.is_checked(),
            notes: done.reading.notes.clone(),
            until: done.until.clone(),
            leavers: Leaving {
                enrolled: leavers.enrolled,
                omitted: leavers.omitted,
                ended: leavers.ended.len(),
                held: leavers.held,
            },
            lines: lines(done),
        }
    }

    /// Whether all was taken.
    pub const fn verdict(&self) -> Verdict {
        verdict(&self.counts, self.import.is_some() || self.dry_run)
    }

    /// How the command ends.
    pub fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::yes(self, self.lines.join("\n"));
        outcome.verdict = self.verdict();
        outcome
    }
}

/// All taken, some rejected, or nothing done: nothing was written, and the vault had none of it either.
const fn verdict(counts: &Counts, written: bool) -> Verdict {
    if counts.rejected == 0 {
        Verdict::Yes
    } else if counts.taken() == 0 || (!written && counts.unchanged == 0) {
        Verdict::CannotTell
    } else {
        Verdict::No
    }
}

fn lines(done: &Done<'_>) -> Vec<String> {
    let (counts, leavers) = (done.plan.counts(), &done.plan.leavers);
    let mut lines = vec![match (done.written.import, done.args.dry_run) {
        (Some(number), _) => format!("import {number} into school year {}", done.year),
        (None, true) => format!("a comparison with school year {}: nothing is written", done.year),
        (None, false) if counts.rejected > 0 => {
            "nothing is written: mend the rejected rows and import again".to_owned()
        }
        (None, false) => "nothing to write: the vault has all of it".to_owned(),
    }];
    lines.push(format!(
        "{} rows: {} added, {} changed, {} unchanged, {} not used, {} rejected",
        counts.rows, counts.added, counts.changed, counts.unchanged, counts.ignored, counts.rejected
    ));
    lines.push(format!("{} students, {} schools", done.plan.students.len(), done.plan.schools.len()));
    if !leavers.ended.is_empty() {
        let rest = leavers.ended.len().saturating_sub(TOLD);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let told: Vec<&str> = leavers.ended.iter().take(TOLD).map(String::as_str).collect();
        lines.push(format!("{} leave: {}{more}", leavers.ended.len(), told.join(", ")));
    }
    if let Some(held) = leavers.held {
        let why = match held {
            Held::RowsRefused => "since rows were rejected; correct them, or give --confirm-leavers",
            Held::TooMany => "since one in twenty or more would leave; give --confirm-leavers if they do",
            Held::UnknownRows => "since whose some rejected rows are cannot be read; correct them first",
        };
        lines.push(format!(
            "{} of {} are in no row, and stay enrolled {why}",
            leavers.omitted, leavers.enrolled
        ));
    }
    if counts.rejected > 0 {
        lines.push(format!("rejected rows: {}", done.reports.rejected.display()));
    }
    lines.push(format!("every row: {}", done.reports.rows.display()));
    lines.push(format!("what changes: {}", done.reports.changes.display()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_done_is_no_no() {
        let counts = |added, unchanged, rejected| Counts { added, unchanged, rejected, ..Counts::default() };
        assert_eq!(verdict(&counts(0, 0, 0), false), Verdict::Yes, "a provider where nothing changed");
        assert_eq!(verdict(&counts(3, 0, 0), true), Verdict::Yes);
        assert_eq!(verdict(&counts(3, 0, 1), true), Verdict::No);
        assert_eq!(verdict(&counts(0, 3, 1), false), Verdict::No, "the vault has the rest of it");
        assert_eq!(verdict(&counts(0, 0, 1), false), Verdict::CannotTell);
        assert_eq!(verdict(&counts(0, 0, 1), true), Verdict::CannotTell, "a comparison of nothing");
        assert_eq!(verdict(&counts(3, 0, 1), false), Verdict::CannotTell, "and nothing was written");
    }
}
