//! `aula district import`: what other systems export, into the district's vault.
//!
//! Flow: files → [`aula_ingest::read`] → schools matched → compared with the vault, which is told → reports written beside → one synced
//! batch. With `--dry-run` everything but the last step. Invariants: a rejected row takes nothing from anybody; the reports are
//! there before anything is written, so that no import is without one.

use std::path::PathBuf;

use aula_district::import::events::{EventRules, Subject};
use aula_district::import::{ImportError, Written, compare, write};
use aula_district::parameters::InForce;
use aula_home::config::Config;
use aula_ingest::date::Date;
use aula_ingest::plan::Plan;
use aula_ingest::reading::Coverage;
use aula_ingest::{Format, Reading, read};
use aula_ledger::types::{SchoolYear, TimeMs};
use aula_twin_runtime::event::SkillId;
use aula_vault::imports::ImportNote;
use aula_vault::room::Room;
use clap::{Args, ValueEnum};

use crate::command::district::in_force;
use crate::command::vault::{Place, refused};
use crate::command::{Advise, Context, Failure, Outcome, RpcArgs, now_ms};

mod answer;
mod fetched;
mod files;
mod reports;
mod schools;

pub use answer::Imported;

/// Rows between two words on a terminal about how far it is.
const STEP: usize = 1_000;

/// Arguments of `aula district import`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district import roster.csv --dry-run               local_id,school,grade: what would change\n  aula \
                  district import oneroster.zip --schools sites.csv       sites.csv: local_id,school\n  aula district import \
                  Student.xml StudentEnrollment.xml           Ed-Fi\n  aula district import scores.csv --map vendor.toml             a \
                  vendor's results\n  aula district import --from sis.toml --since \
                  2026-03-02T09:30:00Z        what changed at a provider of OneRoster's API\n  aula district import --from ods.toml                          all of an Ed-Fi ODS API (kind = \"edfi\")\n\nA whole roster ends the enrolment of those it omits, and erases nobody: only if all its rows \
                  were read and fewer than one in twenty would leave, else with --confirm-leavers. The same files twice change \
                  nothing. docs/import.md has formats, mappings and rules.\nExit 0: all taken; 1: some rows rejected, see the \
                  report; 2: nothing done."
)]
pub struct ImportArgs {
    /// Files or folders: CSV, zip, XML, JSON lines, each packed with gzip or not
    #[arg(required_unless_present = "from", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Ask a provider of OneRoster's API, or of Ed-Fi's, instead: a file of the operator's alone (docs/import.md)
    #[arg(long, value_name = "PROVIDER.toml", conflicts_with_all = ["files", "format", "map"])]
    pub from: Option<PathBuf>,
    /// With --from: only what changed since this moment (Ed-Fi: change version), as the import before told it
    #[arg(long, value_name = "MOMENT", requires = "from", value_parser = moment)]
    pub since: Option<String>,
    /// The format [default: the mapping's, else what the files are recognised as]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<Word>,
    /// A mapping, TOML: which columns mean what (docs/import.md)
    #[arg(long, value_name = "MAPPING.toml")]
    pub map: Option<PathBuf>,
    /// A table local_id,school: the sending system's identifier of each school, and the school's number on the ledger
    #[arg(long, value_name = "FILE.csv")]
    pub schools: Option<PathBuf>,
    /// The school year, by the calendar year in which it begins [default: the present one]
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(u16).range(1900..=2100))]
    pub school_year: Option<u16>,
    /// Compare and report, and write nothing into the vault
    #[arg(long)]
    pub dry_run: bool,
    /// End the enrolment of all students whom a whole roster omits, however many they are
    #[arg(long)]
    pub confirm_leavers: bool,
    /// Where the report of rejected rows is written [default: into HOME/imports]
    #[arg(long, value_name = "FILE.csv")]
    pub report: Option<PathBuf>,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
}

/// A format by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Word {
    /// OneRoster 1.1 or 1.2, CSV
    Oneroster,
    /// Ed-Fi interchange XML, or exports of its API as JSON lines
    Edfi,
    /// SIF NA 3.x xPress Roster, XML or JSON
    Sif,
    /// Results of assessments, by a mapping
    Assessment,
    /// A roster as a table
    Csv,
}

impl Word {
    const fn format(self) -> Format {
        match self {
            Self::Oneroster => Format::OneRoster,
            Self::Edfi => Format::EdFi,
            Self::Sif => Format::Sif,
            Self::Assessment => Format::Assessment,
            Self::Csv => Format::Csv,
        }
    }
}

/// A moment as OneRoster writes it, which goes into the filter of a request, or a change version.
fn moment(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-:.+".contains(c);
    let version = text.parse::<u64>().is_ok();
    match version || text.chars().all(plain) && aula_ingest::date::moment_ms(text).is_some() {
        true => Ok(text.to_owned()),
        false => Err("write a moment such as 2026-03-02T09:30:00Z, or a change version".into()),
    }
}

/// What an import said and did.
struct Done<'a> {
    args: &'a ImportArgs,
    format: Format,
    year: SchoolYear,
    reading: &'a Reading,
    plan: &'a Plan,
    schools: schools::Known,
    reports: reports::Reports,
    written: Written,
    until: Option<String>,
}

/// Imports.
///
/// # Errors
/// Those of [`import()`].
pub async fn run(context: &Context, rpc: &RpcArgs, args: &ImportArgs) -> Result<Outcome, Failure> {
    Ok(import(context, rpc, args).await?.outcome())
}

/// Imports, for whoever reads what came of it.
///
/// # Errors
/// Files that cannot be read at all, a mapping that does not fit, a vault or a node that refuses: nothing has changed then.
pub async fn import(context: &Context, rpc: &RpcArgs, args: &ImportArgs) -> Result<Imported, Failure> {
    let now = now_ms();
    let bad_clock =
        || Failure::new("bad_clock", "this machine's clock is past the year 2100", "set the clock");
    let today = Date::of_ms(now).ok_or_else(bad_clock)?;
    let (format, mut reading, until) = given(context, args, today).await?;
    let until = until.or_else(|| args.since.clone());
    reading.notes.extend(until.iter().map(|until| format!("changes after this: --since {until}")));
    for note in &reading.notes {
        context.tell(note);
    }
    // A provider where nothing changed has none to give.
    if reading.rows.is_empty() && args.since.is_none() {
        return Err(Failure::new(
            "no_rows",
            "the files have no rows",
            "give files with rows behind their header",
        ));
    }
    // A roster that a system gives says who left and who reads whom: no full disk keeps a teacher who went.
    if !args.dry_run && args.from.is_none() {
        room(context, &args.place)?;
    }
    let year = args.school_year.map_or_else(|| SchoolYear::at(TimeMs(now)), SchoolYear);
    let district = args.place.open(context)?.identity().ok().map(|identity| identity.district);
    // Asked while the vault is closed: a node may have readers who wait for it.
    let known = schools::of_district(context, rpc, district).await?;
    let in_force = parameters(context, rpc, known.is_checked(), year).await;
    let vault = args.place.open(context)?;
    let given = args.schools.as_deref().map(files::schools).transpose()?.unwrap_or_default();
    let schools = known.table(given, vault.local_schools().map_err(refused)?);
    let bar = progress(reading.rows.len(), "compared");
    let step = |at: usize| {
        if at.is_multiple_of(STEP) {
            bar.set_position(at as u64);
        }
    };
    let plan = compare(&vault, year, &reading, &schools, args.confirm_leavers, step).map_err(failed)?;
    bar.finish_and_clear();
    let reports = reports::Reports::write(context, args, now, &reading, &plan)?;
    let written = match args.dry_run {
        true => Written::default(),
        false => {
            let bar = progress(plan.changes.len(), "sealed");
            let rows = reading.rows.len() as u64;
            let format = format.name().to_owned();
            let note = ImportNote {
                import: 0,
                at_ms: now,
                school_year: year,
                format,
                rows,
                students: 0,
                undone_ms: None,
            };
            let rules = EventRules::new(in_force.as_ref().map(|one| &one.params), subjects(context)?);
            let written =
                write(&vault, &plan, &note, &rules, |at| bar.set_position(at as u64)).map_err(failed)?;
            bar.finish_and_clear();
            written
        }
    };
    Ok(Imported::of(&Done {
        args,
        format,
        year,
        reading: &reading,
        plan: &plan,
        schools: known,
        reports,
        written,
        until,
    }))
}

/// What the files have, or what is asked of a provider, with the moment up to which that one was asked.
async fn given(
    context: &Context,
    args: &ImportArgs,
    today: Date,
) -> Result<(Format, Reading, Option<String>), Failure> {
    let mapping = args.map.as_deref().map(files::mapping).transpose()?;
    let asked = match &args.from {
        Some(path) => Some(fetched::ask(context, path, args.since.as_deref()).await?),
        None => None,
    };
    Ok(match asked {
        None => {
            let inputs = files::inputs(&args.files)?;
            let read = read(inputs, args.format.map(Word::format), mapping.as_ref(), today);
            let (format, reading) = read.map_err(files::unreadable)?;
            (format, reading, None)
        }
        // Where nothing changed there are no files.
        Some(asked) if asked.files.is_empty() => (asked.format, Reading::default(), asked.until),
        Some(asked) => {
            let (_, mut reading) =
                read(asked.files, Some(asked.format), None, today).map_err(files::unreadable)?;
            if asked.whole {
                reading.coverage = Coverage::Bulk;
            }
            (asked.format, reading, asked.until)
        }
    })
}

/// Whether the vault may take more.
fn room(context: &Context, place: &Place) -> Result<(), Failure> {
    let most_mib = Config::load(&context.home)?.quotas.vault_mib;
    let room = Room::new(&place.folders(context)?.data, most_mib);
    room.check().map_err(|over| {
        let hint = "erase who is gone, or give it a larger share: vault_mib in [quotas] of config.toml";
        Failure::new("vault_over_quota", over, hint)
    })
}

/// The twins' parameters in force, where a node of the district's chain answers: without them no score is held against a scale.
async fn parameters(context: &Context, rpc: &RpcArgs, asks: bool, year: SchoolYear) -> Option<InForce> {
    let client = rpc.client(context).ok().filter(|_| asks)?;
    in_force(&client, &context.home, year).await.ok()
}

/// Which results are of which skill, by the home's configuration.
fn subjects(context: &Context) -> Result<Vec<Subject>, Failure> {
    let config = Config::load(&context.home)?;
    let subject = |one: aula_home::config::Subject| Subject { word: one.word, skill: SkillId(one.skill) };
    Ok(config.district.subject.into_iter().map(subject).collect())
}

fn failed(error: ImportError) -> Failure {
    match error {
        ImportError::Vault(error) => refused(error),
        error @ ImportError::Name => Failure::because(error, "give the field another name in the mapping"),
    }
}

/// A bar on stderr; nothing where stderr is not a terminal.
fn progress(steps: usize, what: &'static str) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(steps as u64);
    bar.set_message(what);
    bar
}

/// `what` could not be read.
fn unreadable(path: &std::path::Path, next: &str, error: std::io::Error) -> Failure {
    let result: Result<(), _> = Err(error);
    match result.advise(format!("cannot read {}", path.display()), next) {
        Err(failure) => failure,
        Ok(()) => Failure::because("unreadable", next),
    }
}
