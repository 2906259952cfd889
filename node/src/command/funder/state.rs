//! `aula funder state`: a year's budget by school, as commitments that are proved to be what the ledger charged (by protocols before
//! the third: to sum to what was funded).
//!
//! Flow: amounts from a file, or what the funder's pools cost → blinded → the openings are on disk, readable by the funder
//! alone → the statement leaves. An amount without its opening could never be shown to anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aula_api::paths;
use aula_api::registers::{Budgets, Classes, Pools};
use aula_district::statements::Ledger;
use aula_files::Access;
use aula_ledger::proof::money::Purse;
use aula_ledger::protocol::Protocol;
use aula_ledger::state::schema::{Budget, PoolRecord};
use aula_ledger::types::{Cents, ClassId, Height, SchoolId, SchoolYear};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command::acting::Acting;
use crate::command::{Advise, Context, Failure, Outcome};

/// A year's statement.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// The school year, by the calendar year in which it begins
    #[arg(long, value_name = "YEAR")]
    pub year: u16,
    /// Amounts by school, CSV: school,cents [default: what the pools charged to this budget cost; from protocol 3 on nothing else is taken]
    #[arg(value_name = "FILE.csv")]
    pub amounts: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Row {
    school: SchoolId,
    cents: u64,
}

/// What a statement of money can hold.
const AMOUNTS: &str =
    "a statement holds 1 to 1,024 schools; before protocol 3 each amount is less than 4,294,967,296 cents";

/// States it.
///
/// # Errors
/// When the amounts do not sum to what was funded, or the node refuses.
pub(super) async fn run(context: &Context, mut acting: Acting, args: &StateArgs) -> Result<Outcome, Failure> {
    let amounts = match &args.amounts {
        Some(path) => of_file(path)?,
        None => of_pools(&acting, args.year).await?,
    };
    some_of(&amounts, args.year)?;
    let protocol = acting.client.status().await?.protocol.now;
    check_total(&acting, args.year, &amounts, protocol).await?;
    let ledger = Ledger::of(amounts.iter().map(|(school, cents)| (*school, Cents(*cents)))).hint(AMOUNTS)?;
    let kept = keep(context, args.year, &ledger)?;
    let as_of = Height(acting.client.height().await?);
    let genesis = *acting.sender.genesis();
    let purse =
        Purse { chain: &genesis, funder: acting.sender.account(), school_year: SchoolYear(args.year) };
    let statement = tokio::task::block_in_place(|| ledger.state(protocol, &purse, as_of)).hint(AMOUNTS)?;
    let total = statement.total_cents;
    let done = acting.send(statement).await?;
    let text = format!(
        "the budget of {} is stated: {total} cents over {} schools; the openings are in {}",
        args.year,
        amounts.len(),
        kept.display()
    );
    let fields = json!({
        "school_year": args.year, "total_cents": total, "schools": amounts.len(), "openings": kept,
    });
    Ok(done.outcome(fields, text))
}

/// Refuses to state nothing: the account, the year or the node may be another than the one that was meant.
fn some_of(amounts: &BTreeMap<SchoolId, u64>, year: u16) -> Result<(), Failure> {
    if !amounts.is_empty() {
        return Ok(());
    }
    let message = format!("no school of school year {year} has an amount that this account paid");
    let hint =
        "see the year's pools and who pays them with `aula query pools`; --home is whose account states";
    Err(Failure::new("nothing_charged", message, hint))
}

fn of_file(path: &Path) -> Result<BTreeMap<SchoolId, u64>, Failure> {
    let hint = "give a CSV file with the heading school,cents and whole cents";
    let what = format!("{} holds no amounts", path.display());
    let mut reader = csv::Reader::from_path(path).advise(&what, hint)?;
    let mut amounts = BTreeMap::new();
    for row in reader.deserialize::<Row>() {
        let row = row.advise(&what, hint)?;
        if amounts.insert(row.school, row.cents).is_some() {
            let message = format!("{} names school {} twice", path.display(), row.school);
            return Err(Failure::new("twice", message, "give one line a school"));
        }
    }
    Ok(amounts)
}

/// What the pools cost that are charged to this funder's budget of the year, by school.
async fn of_pools(acting: &Acting, year: u16) -> Result<BTreeMap<SchoolId, u64>, Failure> {
    let own = acting.sender.account();
    let known: Classes = acting.client.get(paths::CLASSES).await?;
    let definitions = known.classes.into_iter().map(|one| one.definition);
    let of_year: BTreeSet<ClassId> =
        definitions.filter(|class| class.school_year.0 == year).map(|class| class.class).collect();
    let charged =
        |pool: &&PoolRecord| pool.funder == own && pool.retired.is_none() && of_year.contains(&pool.class);
    let known: Pools = acting.client.get(paths::POOLS).await?;
    let mut amounts: BTreeMap<SchoolId, u64> = BTreeMap::new();
    for pool in known.pools.iter().filter(charged) {
        let cost = pool.cost_cents();
        let sum = amounts.entry(pool.school).or_default();
        *sum = sum.saturating_add(cost);
    }
    Ok(amounts)
}

/// The ledger takes a statement of all of the money only; said here with both sums. From protocol 3 on that is what pools were
/// charged, school by school, and another file is refused.
async fn check_total(
    acting: &Acting,
    year: u16,
    amounts: &BTreeMap<SchoolId, u64>,
    protocol: Protocol,
) -> Result<(), Failure> {
    if protocol.binds_statements() {
        let charged = of_pools(acting, year).await?;
        let differs =
            |school: &SchoolId| charged.get(school).unwrap_or(&0) != amounts.get(school).unwrap_or(&0);
        let Some(school) = charged.keys().chain(amounts.keys()).find(|school| differs(school)) else {
            return Ok(());
        };
        let (of_file, own) = (amounts.get(school).unwrap_or(&0), charged.get(school).unwrap_or(&0));
        let message = format!(
            "the file gives school {school} {of_file} cents, and the ledger charged {own} for its pools"
        );
        return Err(Failure::new(
            "other_amount",
            message,
            "leave the file out: the ledger's charges are stated",
        ));
    }
    let own = acting.sender.account();
    let known: Budgets = acting.client.get(paths::BUDGETS).await?;
    let this = |budget: &&Budget| budget.funder == own && budget.school_year.0 == year;
    let budget = known.budgets.iter().map(|one| &one.budget).find(this);
    let funded = budget.map(|one| one.funded_cents.0).ok_or_else(|| {
        let message = format!("this member has no budget of school year {year}");
        Failure::new("no_budget", message, "fund it with `aula funder fund`")
    })?;
    let stated = total(amounts)?;
    if stated == funded {
        return Ok(());
    }
    let message = format!("the amounts sum to {stated} cents, and {funded} are funded for {year}");
    let hint = "give a file with all of it, also what no pool has been charged for yet";
    Err(Failure::new("other_total", message, hint))
}

/// What the amounts sum to.
fn total(amounts: &BTreeMap<SchoolId, u64>) -> Result<u64, Failure> {
    let sum = amounts.values().try_fold(0u64, |sum, cents| sum.checked_add(*cents));
    sum.ok_or_else(|| {
        let message = format!("the amounts sum to more than {} cents", u64::MAX);
        Failure::new(
            "too_much",
            message,
            "give each school's amount in whole cents; one of them has too many digits",
        )
    })
}

/// Writes the openings; an earlier statement's are kept under another name.
fn keep(context: &Context, year: u16, ledger: &Ledger) -> Result<PathBuf, Failure> {
    let folder = context.home.statements_dir();
    let hint = "check the folder's owner and the space left";
    aula_files::private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
    let mut path = folder.join(format!("budget-{year}.json"));
    for number in 2.. {
        if !path.exists() {
            break;
        }
        path = folder.join(format!("budget-{year}-{number}.json"));
    }
    let line = |(school, cents, blinding): (SchoolId, u64, [u8; 32])| json!({ "school": school, "cents": cents, "blinding": hex::encode(blinding) });
    let openings: Vec<Value> = ledger.openings().map(line).collect();
    let text = format!("{}\n", json!({ "school_year": year, "openings": openings }));
    aula_files::create(&path, Access::Private, text.as_bytes())
        .advise(format!("cannot write {}", path.display()), hint)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_not_stated() {
        let refused = some_of(&BTreeMap::new(), 2026);
        assert!(refused.is_err_and(|failure| failure.code == "nothing_charged"));
        assert!(some_of(&BTreeMap::from([(SchoolId(1), 0)]), 2026).is_ok());
    }

    #[test]
    fn a_file_whose_amounts_no_sum_holds_is_refused_and_the_process_goes_on() -> Result<(), Failure> {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        let path = folder.path().join("amounts.csv");
        for (text, told) in [
            ("school,cents\n1,40\n2,2\n", Ok(42)),
            ("school,cents\n1,18446744073709551615\n2,1\n", Err("too_much")),
        ] {
            std::fs::write(&path, text).advise("a file", "space")?;
            let sum = of_file(&path).and_then(|amounts| total(&amounts));
            assert_eq!(
                sum.as_ref().map_err(|failure| failure.code.as_str()),
                told.as_ref().map_err(|code| *code)
            );
        }
        std::fs::write(&path, "school,cents\n1,18446744073709551616\n").advise("a file", "space")?;
        assert!(of_file(&path).is_err(), "more than a number holds");
        Ok(())
    }
}
