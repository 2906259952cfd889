//! What was sent, written and read, as this home's own logs tell it: marks of deliveries, the list of what commands wrote, the access log.

use std::collections::BTreeMap;
use std::path::Path;

use aula_home::Home;
use aula_ledger::access::{AccessEntry, Verdict};
use aula_read::utc;
use serde::Serialize;

use crate::command::{Advise, Failure};
use crate::outward::{self, BY_HAND, ByHand, Noted};

/// A count below this is told as "fewer than": the page may be given to anybody.
pub const FEW: u64 = 10;

/// The dates that a place got, ascending: the marks that a delivery leaves.
pub fn sent(folder: &Path, place: &str) -> Vec<String> {
    let end = format!(".to-{place}");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut dates: Vec<String> =
        names.filter_map(|name| name.strip_suffix(&end).map(str::to_owned)).collect();
    dates.sort();
    dates
}

/// What commands of a group wrote outside of the home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The group: by which command, what, and in which form.
    #[serde(flatten)]
    pub own: &'static ByHand,
    /// How often they were run to, also where they failed.
    pub times: u64,
    /// When last, UTC to the second; none: never.
    pub last: Option<String>,
    /// The places of `[sovereignty]` that it was written to, each once.
    pub places: Vec<String>,
}

/// Every group, also one that never wrote anything; beside them the home's list as it was read.
///
/// # Errors
/// When the home's list cannot be read.
pub fn written(home: &Home) -> Result<(Vec<Written>, Noted), Failure> {
    let what = format!("cannot read {}", home.left_file().display());
    let noted = outward::noted(home).advise(what, "check the owner and mode of left*.json* there")?;
    Ok((grouped(&noted), noted))
}

fn grouped(noted: &Noted) -> Vec<Written> {
    let of = |own: &'static ByHand| {
        let sum = noted.by_group.get(own.command).cloned().unwrap_or_default();
        let last = (sum.times > 0).then(|| utc(sum.last_ms));
        Written { own, times: sum.times, last, places: sum.places.into_iter().collect() }
    };
    BY_HAND.iter().map(of).collect()
}

/// Reads of the vault by one class of reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadBy {
    /// The role in which it was asked.
    pub role: String,
    /// Reads that were granted; none below [`FEW`] and above 0.
    pub granted: Option<u64>,
    /// Reads that were denied; none below [`FEW`] and above 0.
    pub denied: Option<u64>,
    /// The days of the first and the newest, UTC; none where there are fewer than [`FEW`]: a day would tell of a single read.
    pub days: Option<(String, String)>,
}

/// Counts of the access log by role, in the order of their names.
pub fn reads(entries: &[AccessEntry]) -> Vec<ReadBy> {
    let mut by: BTreeMap<String, (u64, u64, u64, u64)> = BTreeMap::new();
    for entry in entries {
        let at = entry.time_ms.0;
        let (granted, denied, first, last) = by.entry(entry.role.to_string()).or_insert((0, 0, at, at));
        match entry.verdict {
            Verdict::Granted => *granted += 1,
            Verdict::Denied(_) => *denied += 1,
        }
        *first = at.min(*first);
        *last = at.max(*last);
    }
    let day = |ms: u64| utc(ms).chars().take(10).collect::<String>();
    let told = |count: u64| (count == 0 || count >= FEW).then_some(count);
    by.into_iter()
        .map(|(role, (granted, denied, first, last))| ReadBy {
            role,
            granted: told(granted),
            denied: told(denied),
            days: (granted + denied >= FEW).then(|| (day(first), day(last))),
        })
        .collect()
}

/// A count as it is told.
pub fn count(told: Option<u64>) -> String {
    told.map_or_else(|| format!("fewer than {FEW}"), |count| count.to_string())
}

#[cfg(test)]
mod tests {
    use aula_ledger::names::{Name, Term};
    use aula_ledger::types::{DistrictId, Handle, Hash, TimeMs};

    use super::*;
    use crate::outward::Sum;

    #[test]
    fn what_commands_wrote_is_counted_by_group_with_its_places() {
        let sum = |times, last_ms, places: &[&str]| {
            let places = places.iter().map(|place| (*place).to_owned()).collect();
            Sum { times, last_ms, places }
        };
        let by_group = BTreeMap::from([
            ("evidence".to_owned(), sum(3, 3_000, &["county"])),
            ("district export".to_owned(), sum(1, 1_000, &["safe"])),
        ]);
        let found = grouped(&Noted { by_group, ..Noted::default() });
        assert_eq!(found.len(), BY_HAND.len());
        let of = |command: &str| found.iter().find(|one| one.own.command == command).cloned().expect(command);
        let evidence = of("evidence");
        assert_eq!((evidence.times, evidence.last.as_deref()), (3, Some("1970-01-01 00:00:03")));
        assert_eq!(evidence.places, ["county"]);
        assert_eq!((of("district export").times, of("district export").own.students), (1, "named"));
        assert_eq!((of("backup").times, of("backup").last), (0, None));
    }

    #[test]
    fn few_reads_are_told_as_few() {
        assert_eq!(count(Some(0)), "0");
        assert_eq!(count(None), "fewer than 10");
        assert!(reads(&[]).is_empty());
        let term = |text: &str| Term::new(text).expect("a term");
        let entry = |number: u64| AccessEntry {
            genesis: Hash([1; 32]),
            number,
            time_ms: TimeMs(number * 86_400_000),
            district: DistrictId(1),
            handle: Handle([2; 32]),
            reader: Name::new("t-1042").expect("a name"),
            role: term("teacher"),
            class: term("FERPA_PII"),
            purpose: term("educational_necessity"),
            basis: None,
            relation: None,
            fields: Vec::new(),
            verdict: Verdict::Granted,
            salt: [3; 16],
        };
        let told = |count: u64| reads(&(0..count).map(entry).collect::<Vec<_>>());
        assert!(matches!(told(FEW - 1).as_slice(), [one] if one.granted.is_none() && one.days.is_none()));
        let days = Some(("1970-01-01".to_owned(), "1970-01-10".to_owned()));
        assert!(matches!(told(FEW).as_slice(), [one] if one.granted == Some(FEW) && one.days == days));
    }
}
