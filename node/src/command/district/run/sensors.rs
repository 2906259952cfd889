//! Points of building automation, read at their interval and appended to the days' files of readings.
//!
//! The table is read anew before each round, so that a point is added without a restart; one that is refused is told, and the
//! devices are left alone until it is mended. What a device does not answer is told once a round and stops no other.

use std::path::Path;
use std::time::Duration;

use aula_home::config::Config;
use aula_sensors::points::Points;
use aula_sensors::{Round, read, readings};

use super::office::Office;
use crate::command::{Advise, Failure, given, now_ms};

const HINT: &str = "correct the file that [sensors] points names; docs/feeds.md has an example";
/// How long a table that is refused is left alone, seconds.
const REFUSED_S: u64 = 60;

/// Reads every point of a home once; gives when to read again. None without a table.
///
/// # Errors
/// A table that is refused, a folder that cannot be written.
pub(super) async fn round(office: &Office) -> Result<Option<Duration>, Failure> {
    let home = &office.context.home;
    let settings = Config::load(home)?.sensors;
    let Some(path) = &settings.points else { return Ok(None) };
    let points = table(path)?;
    let begun = std::time::Instant::now();
    let Round { readings, failures } = read(&points, now_ms).await;
    for (what, why) in &failures {
        tracing::warn!(home = %home.path().display(), what, why, "a point was not read");
    }
    let folder = settings.folder(home);
    let wrote = readings::append(&folder, &readings);
    let written = wrote
        .advise(format!("readings cannot be written to {}", folder.display()), "see its owner and space")?;
    tracing::info!(home = %home.path().display(), readings = written, missing = failures.len(), "points were read");
    Ok(Some(Duration::from_secs(points.every_s).saturating_sub(begun.elapsed())))
}

fn table(path: &Path) -> Result<Points, Failure> {
    let shown = path.display();
    let text = given::text_of_file(path).advise(format!("cannot read {shown}"), HINT)?;
    Points::parse(&text).advise(format!("{shown} is refused"), HINT)
}

/// Reads points for as long as the service runs.
pub(super) async fn watch(office: &Office) {
    loop {
        let wait = match round(office).await {
            Ok(None) => return,
            Ok(Some(wait)) => wait,
            Err(failure) => {
                tracing::error!(home = %office.context.home.path().display(), "{}; next: {}", failure.message, failure.hint);
                Duration::from_secs(REFUSED_S)
            }
        };
        tokio::time::sleep(wait).await;
    }
}
