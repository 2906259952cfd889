//! `aula lake`: events, decisions, readings and figures of the district as Iceberg tables that other programs read.

use std::path::{Path, PathBuf};

use aula_home::config::{Config, LakePlace};
use aula_lake::LakeError;
use aula_lake::clean::Standing;
use aula_lake::lake::{Lake, catalog_file};
use aula_lake::tables::ALL;
use aula_server::reports::folder::unwritable;
use aula_vault::Vault;
use clap::{Args, Subcommand};

use super::vault::{Place, refused};
use super::{Context, Failure, Outcome, RpcArgs, Verdict, absolute};

mod compact;
mod decisions;
mod events;
mod figures;
mod mirror;
mod readings;
mod status;
mod sync;

/// Files a day from which on a table is written anew by the schedule.
const MANY_FILES: u64 = 8;

/// Arguments of `aula lake`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula lake sync                      bring what is new; twice brings nothing twice\n  aula lake sync --rebuild            make \
                  it again from the vault and the ledger\n  aula lake compact                   one file a day, older snapshots gone\n  aula lake \
                  status --output json        rows, files, snapshots, and where the catalog lies\n\nRead it with PyIceberg, DuckDB or Spark: docs/lake.md. \
                  Rows name students by pseudonyms of the lake's own.\nExit codes: 0 yes, 1 done in part or nothing there, 2 could not."
)]
pub struct LakeArgs {
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
    /// The lake's folder [default: config.toml's, else HOME/lake]
    #[arg(long, global = true, value_name = "DIR")]
    pub lake: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the lake.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Bring what the vault and the ledger have and the lake has not, and remove what they have no longer
    Sync(SyncArgs),
    /// Write every table anew, one file a day, and delete older snapshots
    Compact,
    /// Say what each table has, and where the catalog lies
    Status,
}

/// Arguments of `aula lake sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Delete the lake first and make it again
    #[arg(long)]
    pub rebuild: bool,
    /// The node whose ledger has the decisions and figures
    #[command(flatten)]
    pub rpc: RpcArgs,
}

/// Runs the action.
///
/// # Errors
/// A configuration, vault or folder that refuses.
pub async fn run(context: &Context, args: &LakeArgs) -> Result<Outcome, Failure> {
    let settings = Config::load(&context.home)?.lake;
    let folder = match &args.lake {
        Some(folder) => absolute(folder)?,
        None => absolute(&settings.folder(&context.home))?,
    };
    match &args.action {
        Action::Sync(asked) => sync::run(context, &args.place, (&folder, &settings), asked).await,
        Action::Compact => compact::run(&folder).await,
        Action::Status => status::run(&folder).await,
    }
}

/// What the district's service does by its schedule: a sync, and a compaction where files have become many. Gives in words what was done.
///
/// # Errors
/// As `aula lake sync`; a ledger that was not asked is one too, so that the service tells it and tries again.
pub(super) async fn by_schedule(context: &Context, place: &Place, rpc: &RpcArgs) -> Result<String, Failure> {
    let settings = Config::load(&context.home)?.lake;
    let folder = settings.folder(&context.home);
    let asked = SyncArgs { rebuild: false, rpc: rpc.clone() };
    let outcome = sync::run(context, place, (&folder, &settings), &asked).await?;
    let said = outcome.answer.map(|answer| answer.text.replace('\n', "; ")).unwrap_or_default();
    if outcome.verdict != Verdict::Yes {
        return Err(Failure::new("lake_waits", said, "start the node, or see `aula status`"));
    }
    let lake = open(&folder).await?;
    let mut many = false;
    for table in lake.tables() {
        let standing = lake.standing(table).await.map_err(told)?;
        many |= standing.files > standing.days_with_rows.saturating_mul(MANY_FILES);
    }
    drop(lake);
    if !many {
        return Ok(said);
    }
    let compacted = compact::run(&folder).await?;
    Ok(format!(
        "{said}; {}",
        compacted.answer.map(|answer| answer.text.replace('\n', "; ")).unwrap_or_default()
    ))
}

/// The lake in a folder, which is made where it is missing.
async fn open(folder: &Path) -> Result<Lake, Failure> {
    aula_files::private_folder(folder).map_err(|error| unwritable(folder, &error))?;
    Lake::open(folder, &ALL).await.map_err(told)
}

/// True when a lake was ever made in this folder.
fn is_there(folder: &Path) -> bool {
    catalog_file(folder).exists()
}

/// What the lake says, with what to do next.
fn told(error: LakeError) -> Failure {
    match &error {
        LakeError::Busy(_) => {
            Failure::telling(&error, "wait until the other command has ended").named("lake_busy")
        }
        LakeError::Io { path, error } => unwritable(path, error),
        LakeError::Iceberg(_) | LakeError::Rows(_) | LakeError::Count { .. } => {
            let hint =
                "free space and run again; if it stays, `aula lake sync --rebuild` makes the lake again";
            Failure::telling(&error, hint).named("lake_refused")
        }
    }
}

/// Removes from the home's lake every row of a student who has no key any more. Gives how many rows went.
///
/// # Errors
/// A lake that refuses: its rows of the student are then still there, and the next `aula lake sync` removes them.
pub(super) async fn forget(context: &Context, vault: &Vault) -> Result<u64, Failure> {
    let settings: LakePlace = Config::load(&context.home)?.lake;
    let folder = settings.folder(&context.home);
    if !is_there(&folder) {
        return Ok(0);
    }
    let students = vault.lake_students().map_err(refused)?;
    let known: std::collections::HashSet<String> =
        students.iter().map(|student| hex::encode(student.pseudonym())).collect();
    let lake = open(&folder).await?;
    let keep = |_: &_, student: Option<&str>| student.is_none_or(|student| known.contains(student));
    let mut removed = 0u64;
    for table in lake.tables().iter().filter(|table| table.of_students()) {
        if lake.unkept(table, keep).await.map_err(told)? > 0 {
            removed = removed.saturating_add(lake.rewrite(table, keep).await.map_err(told)?.removed);
        }
        // Also what a dead process wrote and never committed.
        lake.clean(table, i64::MAX).await.map_err(told)?;
    }
    Ok(removed)
}

/// The folder as other programs are told it.
fn uri(folder: &Path) -> String {
    format!("sqlite:///{}", catalog_file(folder).display())
}

/// A day of a table, as text.
fn day(days: i32) -> Option<String> {
    let ms = u64::try_from(days).ok()?.checked_mul(86_400_000)?;
    aula_ingest::date::Date::of_ms(ms).map(|date| date.to_string())
}

/// A table as it stands, for programs.
fn standing(name: &str, standing: &Standing) -> serde_json::Value {
    let (first, last) = standing.days.map_or((None, None), |(first, last)| (day(first), day(last)));
    serde_json::json!({
        "name": name, "rows": standing.rows, "files": standing.files, "bytes": standing.bytes,
        "snapshot": standing.snapshot.map(|id| id.to_string()), "snapshots": standing.snapshots,
        "written_ms": standing.written_ms, "first_day": first, "last_day": last, "metadata": standing.metadata,
    })
}
