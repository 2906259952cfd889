//! Scheduled reports while the node runs: looks every minute, off the threads of consensus.

use std::sync::Arc;
use std::time::Duration;

use crate::pairs;
use crate::reports::past::Chain;
use crate::reports::schedule::{self, Looked};
use crate::reports::ways;
use aula_home::config::Config;
use aula_home::{Failure, Home};
use aula_store::{ChainDb, ChainView};
use tokio::sync::Notify;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);

/// Looks at once and then every minute, for as long as the node runs; deliveries have a loop of their own, since places that are slow must
/// hold up no report. A report that cannot be made is told and tried again. While one is due soon, the view of the look before is held, so that few blocks are executed for it; else none is, since a view keeps on disk
/// what was deleted.
pub(super) async fn watch(home: Home, config: Config, db: Arc<ChainDb>) {
    let mut before: Option<Arc<ChainView>> = None;
    let made = Arc::new(Notify::new());
    tokio::spawn(send(home.clone(), config.clone(), db.clone(), made.clone()));
    loop {
        if pairs::acts(&home).is_ok_and(|acts| acts.is_err()) {
            // The other one of the pair sends them.
            tokio::time::sleep(EVERY).await;
            continue;
        }
        let (home, config, view) = (home.clone(), config.clone(), db.latest());
        let (now, held) = (view.clone(), before.take());
        let looked = tokio::task::spawn_blocking(move || {
            let chain = Chain::of_view(view).with(home.snapshots_dir(), held);
            let is_near = schedule::is_near(&config, chain.view().tip().time_ms.0)?;
            Ok::<_, Failure>((schedule::make(&home, &config, &chain), is_near))
        });
        match looked.await {
            Ok(Ok((looked, is_near))) => {
                before = is_near.then_some(now);
                match looked {
                    Ok(looked) => {
                        tell(&looked);
                        if !looked.reports.is_empty() {
                            made.notify_one();
                        }
                    }
                    Err(failure) => warn(&failure),
                }
            }
            Ok(Err(failure)) => warn(&failure),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "report: its thread failed")
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Delivers what waits, every minute and when something was made. Each place goes on by itself: one that takes hours holds up no look.
async fn send(home: Home, config: Config, db: Arc<ChainDb>, made: Arc<Notify>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = made.notified() => {}
        }
        if pairs::acts(&home).is_ok_and(|acts| acts.is_err()) {
            continue;
        }
        if let Err(failure) = ways::begin(&home, &config, db.latest().tip().time_ms.0, tell) {
            warn(&failure);
        }
    }
}

fn warn(failure: &Failure) {
    tracing::warn!(code = failure.code, hint = failure.hint, "report: {failure}");
}

fn tell(looked: &Looked) {
    for one in &looked.reports {
        tracing::info!(name = one.name, date = one.date, height = one.height, "report delivered");
    }
    for one in &looked.sent {
        match &one.error {
            None => tracing::info!(name = one.name, date = one.date, to = one.to, "report sent"),
            Some(error) => {
                tracing::warn!(name = one.name, date = one.date, to = one.to, error, "report not sent")
            }
        }
    }
    for one in &looked.failed {
        tracing::warn!(name = one.name, code = one.code, hint = one.next, "report: {}", one.error);
    }
    if looked.deleted > 0 {
        tracing::info!(count = looked.deleted, "reports over their years deleted");
    }
}
