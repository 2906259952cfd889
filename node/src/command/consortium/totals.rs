//! `aula consortium totals`: what consortia under one parent ledger say of themselves, each proved, and all together. No network.
//!
//! Flow: a file of each consortium (`aula evidence figures --via PARENT`) and the genesis files → the ledger's own audit of each
//! ([`totals::one`]) → sums by school year. The first file that does not verify is named, and nothing is summed.

use std::path::{Path, PathBuf};

use aula_files::read_at_most;
use aula_ledger::audit::report::utc;
use aula_ledger::audit::totals::{self, Refused, Sums, Totals, YearSums};
use aula_ledger::audit::{Options, ViaBundle};
use aula_ledger::codec::Canonical;
use aula_ledger::genesis::MAX_GENESIS_BYTES;
use aula_ledger::types::{Hash, TimeMs};
use clap::Args;
use serde_json::json;

use crate::command::{Advise, Answer, Failure, Outcome, Verdict};

/// Arguments of `aula consortium totals`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula evidence figures --rpc https://east.example:8480 --via https://parent.example:8480 -o east.bundle\n  \
                  aula consortium totals east.bundle west.bundle --genesis parent.json --via-genesis east.json --via-genesis west.json\n\n\
                  Exit 0: every file verifies; 1: one does not, and its code says why; 2: one cannot be read or told."
)]
pub struct TotalsArgs {
    /// What `aula evidence figures --via PARENT` wrote, a file of each consortium
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The parent ledger's genesis file
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// The published SHA-256 of the parent's genesis file, in hex
    #[arg(long, value_name = "HEX")]
    pub genesis_sha256: Option<Hash>,
    /// A consortium's genesis file; one for each, in any order
    #[arg(long, value_name = "FILE", required = true)]
    pub via_genesis: Vec<PathBuf>,
}

/// Checks every file and adds up.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn run(args: &TotalsArgs) -> Result<Outcome, Failure> {
    let parent = read(&args.genesis, MAX_GENESIS_BYTES as u64)?;
    let children = args.via_genesis.iter().map(|path| read(path, MAX_GENESIS_BYTES as u64));
    let children = children.collect::<Result<Vec<_>, _>>()?;
    let options = Options { genesis_sha256: args.genesis_sha256, trusted: None };
    let (mut consortia, mut all) = (Vec::new(), Vec::new());
    for path in &args.files {
        let file = read(path, ViaBundle::MAX_BYTES)?;
        match totals::one(&file, &parent, &children, &options) {
            Ok(one) => consortia.push(one),
            Err(why) => return Ok(refused(path, &why)),
        }
        // Named with the file that is one too many.
        match totals::in_all(&consortia) {
            Ok(sums) => all = sums,
            Err(why) => return Ok(refused(path, &why)),
        }
    }
    let text = told(&consortia, &all);
    let oldest = totals::oldest(&consortia);
    let json = json!({ "valid": true, "consortia": consortia, "totals": all, "oldest_ms": oldest });
    Ok(Outcome::yes(json, text))
}

/// The file that is not summed, with the code of why.
fn refused(path: &Path, why: &Refused) -> Outcome {
    let hint = match why {
        Refused::Form => "make it with: aula evidence figures --via PARENT -o FILE",
        Refused::NoGenesis(_) => "give that consortium's genesis file with --via-genesis, too",
        Refused::Invalid(_) => {
            "ask for the file again, from another node; aula-audit verify names every check"
        }
        Refused::CannotTell(_) => {
            "make it again with this version of the program, after the newest head was anchored"
        }
        Refused::Other => "make it with aula evidence figures, which shows the whole ledger",
        Refused::Twice(_) => "give one file of each consortium",
        Refused::TooLarge => "add up fewer consortia; ask those of this file whether its figures are right",
    };
    let message = format!("{} is not summed: {why}", path.display());
    let text = format!("{message}\n  next: {hint}");
    let error = json!({ "code": why.code(), "message": message, "hint": hint });
    let json = json!({ "valid": false, "consortia": [], "totals": [], "error": error });
    let verdict = if why.is_no() { Verdict::No } else { Verdict::CannotTell };
    Outcome { verdict, answer: Some(Answer::new(json, text)) }
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let next = "check the path, and that it is the file you were given";
    read_at_most(path, most).advise(format!("{} cannot be read", path.display()), next)
}

fn told(consortia: &[Totals], all: &[YearSums]) -> String {
    let mut lines = Vec::new();
    for one in consortia {
        let (height, anchored) = (number(one.height), number(one.anchored));
        lines.push(format!(
            "{}, as of its height {height}, {}; the parent has its block {anchored}",
            one.name,
            moment(one.time_ms)
        ));
        lines.extend(one.years.iter().map(year));
    }
    lines.push(format!("all {}", consortia.len()));
    lines.extend(all.iter().map(year));
    lines.push(format!(
        "The oldest of these figures are of {}. What the ledgers withhold is in no sum.",
        moment(totals::oldest(consortia))
    ));
    lines.join("\n")
}

fn moment(time: Option<TimeMs>) -> String {
    time.map_or_else(|| "-".to_owned(), utc)
}

fn number(height: Option<aula_ledger::types::Height>) -> String {
    height.map_or_else(|| "-".to_owned(), |height| height.to_string())
}

fn year(line: &YearSums) -> String {
    let Sums { funded_cents, charged_cents, rounds, rounds_withheld, asked, placed, waitlisted, .. } =
        line.sums;
    format!(
        "  {}: {asked} requests in {rounds} rounds, {placed} placed, {waitlisted} wait; {rounds_withheld} rounds withheld; {} of {} cents \
         charged",
        line.school_year, charged_cents, funded_cents
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../ledger/vectors/evidence").join(name)
    }

    fn summed(files: &[PathBuf]) -> (Option<Verdict>, serde_json::Value) {
        let args = TotalsArgs {
            files: files.to_vec(),
            genesis: vectors("via/parent.json"),
            genesis_sha256: None,
            via_genesis: vec![vectors("genesis.json")],
        };
        let outcome = run(&args).ok();
        let verdict = outcome.as_ref().map(|outcome| outcome.verdict);
        (verdict, outcome.and_then(|outcome| outcome.answer).map(|answer| answer.json).unwrap_or_default())
    }

    /// Evidence of a decision verifies, and is the sum of nothing.
    #[test]
    fn evidence_of_something_else_and_of_one_ledger_alone_is_refused_with_its_code() {
        let (verdict, told) = summed(&[vectors("via/allocation.via")]);
        assert_eq!(
            (verdict, &told["error"]["code"]),
            (Some(Verdict::CannotTell), &"other_evidence".into()),
            "{told}"
        );
        let (verdict, told) = summed(&[vectors("figures.bundle")]);
        assert_eq!(
            (verdict, &told["error"]["code"]),
            (Some(Verdict::CannotTell), &"not_two_ledgers".into()),
            "{told}"
        );
        assert_eq!((&told["valid"], &told["totals"]), (&false.into(), &json!([])));
        // A bit of another is damage, as `aula-audit verify` says of the same file.
        let mut bytes = std::fs::read(vectors("via/allocation.via")).unwrap_or_default();
        let half = bytes.len() / 2;
        bytes[half] ^= 1;
        let folder = tempfile::tempdir().map(|folder| (folder.path().join("one.via"), folder)).ok();
        let (path, _folder) = folder.unwrap_or_else(|| panic!("no folder"));
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{error}"));
        let (verdict, told) = summed(&[path]);
        assert_eq!((verdict, &told["error"]["code"]), (Some(Verdict::No), &"not_valid".into()), "{told}");
        assert_eq!(summed(&[vectors("nothing")]).0, None, "a file that is not there");
    }

    #[test]
    fn the_text_has_a_line_for_each_year_and_says_what_is_withheld() {
        let sums = Sums {
            funded_cents: 900,
            charged_cents: 600,
            rounds: 2,
            rounds_withheld: 1,
            asked: 70,
            ..Sums::default()
        };
        let line = YearSums { school_year: aula_ledger::types::SchoolYear(2026), sums };
        let one = Totals {
            name: "east".into(),
            genesis_sha256: Hash([7; 32]),
            chain_id: None,
            height: Some(aula_ledger::types::Height(9)),
            time_ms: Some(TimeMs(1_000)),
            anchored: None,
            parent_height: None,
            years: Vec::new(),
        };
        let text = told(&[one], &[line]);
        assert!(
            text.starts_with("east, as of its height 9, 1970-01-01 00:00:01 UTC")
                && text.contains("The oldest of these figures are of 1970-01-01 00:00:01 UTC."),
            "{text}"
        );
        assert!(
            text.contains("2026: 70 requests in 2 rounds") && text.contains("600 of 900 cents"),
            "{text}"
        );
        assert!(text.contains("1 rounds withheld"), "{text}");
    }
}
