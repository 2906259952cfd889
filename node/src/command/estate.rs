//! `aula estate`: the school itself as a twin. Files in, files out; only what goes to the ledger asks a node.

use std::path::Path;

use aula_estate::ctt::{self, Instance};
use aula_files::Access;
use aula_server::estate_files::{read, refused};
use clap::{Args, Subcommand};
use serde_json::{Number, Value};

use super::{Advise, Context, Failure, Outcome, absolute};

mod anchor;
mod capacity;
mod check;
mod cost;
mod energy;
mod failures;
mod fit;
mod forecast;
mod heat;
mod import;
mod moved;
mod needs;
mod optout;
mod outputs;
mod outside;
mod page;
mod plan;
mod pools;
mod reseat;
mod scenario;
mod staff;
mod timetable;
pub(in crate::command) mod whatif;

/// Arguments of `aula estate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula estate timetable comp01.ctt --seconds 60 -o comp01.sol\n  aula estate energy \
                  office.json --inputs office.csv -o hours.csv\n\nFormats are described in \
                  docs/estate.md. Exit codes: 0 yes, 1 checked and the answer is no, 2 could not."
)]
pub struct EstateArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the estate.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Make an estate's file of a table of rooms or a timetabling instance
    Import(import::ImportArgs),
    /// Name the conflicts of a schedule
    Check(check::CheckArgs),
    /// Find a timetable for an instance
    Timetable(timetable::TimetableArgs),
    /// Heating and cooling of a building, hour by hour
    Energy(energy::EnergyArgs),
    /// Explain a meter by calendar and weather, and judge that on later readings
    Fit(fit::FitArgs),
    /// What the next periods will ask for, with intervals
    Forecast(forecast::ForecastArgs),
    /// What a forecast of students takes: units, devices, hours of rooms, by a table to be edited
    Needs(needs::NeedsArgs),
    /// How many teachers a forecast of students asks for, by subject, beside the staff there is
    Staff(staff::StaffArgs),
    /// Who will leave a course, and whether that is told as well of each group
    #[command(name = "optout")]
    OptOut(optout::OptOutArgs),
    /// What a student costs a year in two systems, every assumption in sight
    Cost(cost::CostArgs),
    /// Where one more place is worth most, from a decided round's prices
    Capacity(capacity::CapacityArgs),
    /// The estate as one page that loads nothing
    Page(page::PageArgs),
    /// Propose a timetable with few opened room-days, and say what it does to the year's energy
    Plan(plan::PlanArgs),
    /// What other schedules would do to a building's year
    Scenario(scenario::ScenarioArgs),
    /// What closures, other numbers or other staff would do to the estate as it stands
    #[command(name = "whatif")]
    WhatIf(whatif::WhatIfArgs),
    /// Where lessons sit whose rooms are taken out: a closure, an evacuation, a day that is too warm
    Reseat(reseat::ReseatArgs),
    /// Which equipment will fail, and what speaks for it
    Failures(failures::FailuresArgs),
    /// Move one lecture of a timetable, and as few others as can be
    Move(moved::MoveArgs),
    /// Which rooms become too warm under a year of weather
    Heat(heat::HeatArgs),
    /// Anchor the buildings of a district on the ledger
    Anchor(anchor::AnchorArgs),
    /// Prove what was anchored of a room, a meter or a building
    Prove(anchor::ProveArgs),
    /// Make the rooms pools of an hourly class, for a class's steward
    Pools(pools::PoolsArgs),
}

/// Runs `aula estate`.
///
/// # Errors
/// When a file cannot be read, is refused, or cannot be written, would be written over what is read, or a node refuses or cannot
/// be reached.
pub async fn run(context: &Context, args: &EstateArgs) -> Result<Outcome, Failure> {
    outputs::check(&args.action)?;
    let mut outcome = act(context, &args.action).await?;
    if let Some(answer) = &mut outcome.answer {
        to_millionths(&mut answer.json);
    }
    Ok(outcome)
}

async fn act(context: &Context, action: &Action) -> Result<Outcome, Failure> {
    match action {
        Action::Timetable(args) => timetable::run(args),
        Action::Energy(args) => energy::run(args),
        Action::Fit(args) => fit::run(args),
        Action::Forecast(args) => forecast::run(context, args),
        Action::Needs(args) => needs::run(args),
        Action::Staff(args) => staff::run(args),
        Action::OptOut(args) => optout::run(args),
        Action::WhatIf(args) => whatif::run(args),
        Action::Reseat(args) => reseat::run(args),
        Action::Cost(args) => cost::run(args),
        Action::Capacity(args) => capacity::run(args),
        Action::Page(args) => page::run(args),
        Action::Failures(args) => failures::run(args),
        Action::Plan(args) => plan::run(args),
        Action::Scenario(args) => scenario::run(args),
        Action::Import(args) => import::run(args),
        Action::Check(args) => check::run(context, args),
        Action::Move(args) => moved::run(args),
        Action::Heat(args) => heat::run(args),
        Action::Anchor(args) => anchor::anchor(context, args).await,
        Action::Prove(args) => anchor::prove(context, args).await,
        Action::Pools(args) => pools::run(context, args).await,
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let path = absolute(path)?;
    std::fs::write(&path, bytes).advise(format!("cannot write {}", path.display()), "choose a folder you own")
}

/// The same of what nobody but its owner is to read: of students.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let path = absolute(path)?;
    let written = aula_files::replace(&path, Access::Private, bytes);
    written.advise(format!("cannot write {}", path.display()), "choose a folder you own")
}

/// Whether a file is an archive: by its first character, and where it is empty by its name.
fn is_archive(path: &Path, bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let name = path.to_string_lossy().to_ascii_lowercase();
    start.starts_with(b"<") || start.is_empty() && name.trim_end_matches(".gz").ends_with(".xml")
}

/// A .ctt instance, for what archives are not for.
fn courses(path: &Path) -> Result<Instance, Failure> {
    let bytes = read(path)?;
    if is_archive(path, &bytes) {
        let message =
            format!("{} is an XHSTT archive; this command reads .ctt instances only", path.display());
        return Err(Failure::new(
            "not_of_archives",
            message,
            "aula estate timetable --close-rooms takes archives",
        ));
    }
    ctt::read(&bytes).map_err(|error| refused(path, &error))
}

/// Numbers with a fraction as whole millionths: further digits are those of the machine's fractions.
fn to_millionths(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let near = number.as_f64().map(|real| (real * 1e6).round() / 1e6 + 0.0);
            if let Some(near) = near.filter(|near| near.abs() < 1e9).and_then(Number::from_f64) {
                *number = near;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(to_millionths),
        Value::Object(all) => all.values_mut().for_each(to_millionths),
        _ => {}
    }
}

/// So many of something, in words.
fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_told_in_whole_millionths() {
        let mut told = serde_json::json!({
            "energy_kwh": 1.1 + 2.2, "all": [{ "auc": 2.0 / 3.0 }, -1e-9, 7], "large": 1e12,
        });
        to_millionths(&mut told);
        let text = r#"{"all":[{"auc":0.666667},0.0,7],"energy_kwh":3.3,"large":1000000000000.0}"#;
        assert_eq!(serde_json::from_str::<Value>(text).ok(), Some(told.clone()));
        assert!(told.to_string().contains(":3.3,") && !told.to_string().contains("-0"));
        assert_eq!((counted(1, "row", "rows"), counted(0, "row", "rows")), ("1 row".into(), "0 rows".into()));
    }
}
