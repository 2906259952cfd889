//! A district's estate as the node shows it: made of the files of a folder, and again when one of them changes.
//!
//! Flow: every minute → the files that are there, by their names → the page, where something changed → the explorer's `/buildings/plan`.
//! Invariants: a page that cannot be made leaves the one before, and the log says why; conflicts are shown without who is in two places.
//! Absent: who may see it, which is everybody who reaches the node: a district that wants its rooms to itself sets no folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aula_home::config::Config;
use aula_home::own_file::Mark;

use crate::estate_files::{Look, Sources};
use aula_web::http::AppState;

#[cfg(test)]
mod tests;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_secs(60);
/// What files of a schedule end in; the first that is there.
const SCHEDULES: [&str; 3] = ["csv", "ics", "sol"];

/// Shows the folder for as long as the node runs, where config.toml names one.
pub(super) fn start(config: &Config, node: &Arc<AppState>) {
    let Some(folder) = config.estate.folder.clone() else { return };
    let (settings, node) = (config.estate.clone(), node.clone());
    tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            let now = state(&folder);
            if now != seen {
                let (sources, settings) = (sources(&folder), settings.clone());
                let made = tokio::task::spawn_blocking(move || {
                    sources.page(Look { title: &settings.title, periods: settings.periods, names: false })
                });
                match made.await {
                    Ok(Ok(made)) => {
                        tracing::info!(
                            bytes = made.html.len(),
                            conflicts = made.conflicts,
                            "the estate's page was made"
                        );
                        node.show_estate(made.html);
                    }
                    Ok(Err(failure)) => {
                        tracing::warn!(
                            code = failure.code,
                            hint = failure.hint,
                            "the estate's page: {failure}"
                        );
                    }
                    Err(_) => {}
                }
                seen = now;
            }
            tokio::time::sleep(EVERY).await;
        }
    });
}

/// The folder's files that a page is made of.
fn sources(folder: &Path) -> Sources {
    let named = |name: &str| {
        [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
    };
    let scheduled = |name: &str| SCHEDULES.iter().find_map(|ending| named(&format!("{name}.{ending}")));
    let schedule = scheduled("schedule");
    Sources {
        estate: named("estate.json"),
        // Neither says anything without a schedule in use.
        plan: schedule.as_ref().and_then(|_| scheduled("plan")),
        instance: schedule.as_ref().and_then(|_| named("instance.ctt")),
        schedule,
        load: named("load.csv"),
        history: named("history.csv"),
    }
}

/// Which files there are, and as of when.
fn state(folder: &Path) -> Vec<(PathBuf, Option<Mark>)> {
    let Sources { estate, schedule, plan, instance, load, history } = sources(folder);
    let files = [estate, schedule, plan, instance, load, history].into_iter().flatten();
    files
        .map(|path| {
            let mark = Mark::of(&path);
            (path, mark)
        })
        .collect()
}
