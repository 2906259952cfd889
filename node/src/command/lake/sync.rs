//! `aula lake sync`: the lake has what vault and ledger have, once each.
//!
//! Flow: ids that should be there, from the vault's places and the ledger's rows → those that are → the missing rows are read, which the
//! vault's log lists, and added; rows that are true no longer (a replaced event, a decision that was taken back, an erased student) are
//! left out of a rewrite. Nothing is remembered aside: a process that dies anywhere leaves a lake from which the next sync goes on.
//! Readings are only added, since their files may be taken away.

use std::path::Path;

use aula_home::config::LakePlace;
use aula_lake::lake::{Lake, catalog_file};
use aula_lake::tables::{DECISIONS, FIGURES, READINGS};
use aula_server::reports::folder::unwritable;
use aula_vault::lake::LakeStudent;
use serde::Serialize;
use serde_json::json;

use super::mirror::{Synced, append_missing, mirror};
use super::{SyncArgs, decisions, events, figures, open, readings, told};
use crate::command::evidence::rows::Rows;
use crate::command::vault::record::LedgerArgs;
use crate::command::vault::{Place, refused};
use crate::command::{Context, Failure, Outcome, now_ms};

/// Syncs. Exit 0: all is there; 1: what the ledger has waits for a node that answers.
pub(super) async fn run(
    context: &Context,
    place: &Place,
    (folder, settings): (&Path, &LakePlace),
    args: &SyncArgs,
) -> Result<Outcome, Failure> {
    let vault = place.open(context)?;
    vault.identity().map_err(refused)?;
    let lake = open(folder).await?;
    let lake = if args.rebuild { rebuilt(lake).await? } else { lake };
    let students = vault.lake_students().map_err(refused)?;
    let (events, reads) = events::sync(&lake, &vault, &students).await?;
    // Others may have the vault while the node is asked.
    drop(vault);
    let read = readings::rows(settings.readings.as_deref())?;
    let readings = append_missing(&lake, &READINGS, read).await?;
    let mut done = vec![("events", events), ("readings", readings)];
    let mut waiting = Vec::new();
    match of_ledger(context, (&lake, &students), args).await {
        Ok(of_ledger) => done.extend(of_ledger),
        Err(failure) => {
            for name in [DECISIONS.name, FIGURES.name] {
                done.push((name, Synced::default()));
                let Failure { code, message: reason, hint: next, .. } = failure.clone();
                waiting.push(Waiting { name, code, reason, next });
            }
        }
    }
    tell(&lake, settings, (&done, reads, students.len()), waiting).await
}

/// A table that needs a node, which did not answer.
#[derive(Serialize)]
struct Waiting {
    name: &'static str,
    code: String,
    reason: String,
    next: String,
}

/// Decisions and figures from a node.
async fn of_ledger(
    context: &Context,
    (lake, students): (&Lake, &[LakeStudent]),
    args: &SyncArgs,
) -> Result<[(&'static str, Synced); 2], Failure> {
    let rows = Rows::of_home(context, &LedgerArgs::of(&args.rpc)).await?;
    let rounds = figures::rounds(rows.public()).await?;
    let decisions = mirror(lake, &DECISIONS, decisions::rows(&rows, &rounds, students).await?).await?;
    let figures = mirror(lake, &FIGURES, figures::rows(&rounds)).await?;
    Ok([(DECISIONS.name, decisions), (FIGURES.name, figures)])
}

/// The same folder, emptied.
async fn rebuilt(lake: Lake) -> Result<Lake, Failure> {
    let folder = lake.root().to_owned();
    drop(lake);
    let warehouse = folder.join("warehouse");
    std::fs::remove_dir_all(&warehouse).map_err(|error| unwritable(&warehouse, &error))?;
    let catalog = catalog_file(&folder);
    std::fs::remove_file(&catalog).map_err(|error| unwritable(&catalog, &error))?;
    open(&folder).await
}

async fn tell(
    lake: &Lake,
    settings: &LakePlace,
    (done, reads, students): (&[(&str, Synced)], u64, usize),
    waiting: Vec<Waiting>,
) -> Result<Outcome, Failure> {
    let hours = settings.keep_snapshots_hours.saturating_mul(3_600_000);
    let before = i64::try_from(now_ms().saturating_sub(hours)).unwrap_or(i64::MAX);
    let (mut tables, mut lines) = (Vec::new(), Vec::new());
    for table in lake.tables() {
        lake.clean(table, before).await.map_err(told)?;
        let found = lake.standing(table).await.map_err(told)?;
        let synced = done
            .iter()
            .find(|(name, _)| *name == table.name)
            .map_or_else(Synced::default, |(_, synced)| *synced);
        lines.push(format!(
            "{}: {} rows added, {} removed, {} in all",
            table.name, synced.added, synced.removed, found.rows
        ));
        tables.push(json!({
            "name": table.name, "rows_added": synced.added, "rows_removed": synced.removed, "rows": found.rows,
            "snapshot": found.snapshot.map(|id| id.to_string()),
        }));
    }
    lines.push(format!("{students} students, {reads} reads listed in the access log"));
    for one in &waiting {
        lines.push(format!("{} waits: {}", one.name, one.reason));
    }
    let whole = waiting.is_empty();
    let json = json!({ "tables": tables, "students": students, "reads_listed": reads, "waiting": waiting });
    let text = lines.join("\n");
    Ok(if whole { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}
