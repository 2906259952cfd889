//! Scheduled reports while the node runs: looks every minute, off the threads of consensus.

use std::sync::Arc;
use std::time::Duration;

use aula_home::config::Config;
use aula_home::home::Home;
use crate::reports::past::Chain;
use crate::reports::schedule::{self, Looked};
use aula_store::ChainDb;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(60);

/// Looks at once and then every minute, for as long as the node runs. A report that cannot be made is told and tried again.
pub(super) async fn watch(home: Home, config: Config, db: Arc<ChainDb>) {
    loop {
        let (home, config, view) = (home.clone(), config.clone(), db.latest());
        let looked =
            tokio::task::spawn_blocking(move || schedule::look(&home, &config, &Chain::of_view(view))).await;
        match looked {
            Ok(Ok(looked)) => tell(&looked),
            Ok(Err(failure)) => tracing::warn!(code = failure.code, hint = failure.hint, "report: {failure}"),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "report: its thread failed")
            }
        }
        tokio::time::sleep(EVERY).await;
    }
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
    if looked.deleted > 0 {
        tracing::info!(count = looked.deleted, "reports over their years deleted");
    }
}
