//! Figures of consortia as a parent ledger's node shows them: checked when a file of HOME/consortia changes.
//!
//! Flow: every ten seconds → the folder's files with their marks → all of them checked anew, where something changed → the explorer's
//! `/consortia`. Invariant: what is shown was checked by this process. Absent: fetching, which `aula evidence figures` does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aula_home::home::Home;
use aula_home::own_file::Mark;
use aula_web::consortia::{Figures, files};
use aula_web::http::Node;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_secs(10);

/// Shows the folder for as long as the node runs; one that is not there shows nothing.
pub(super) fn start(home: &Home, node: &Arc<Node>) {
    let (folder, node) = (home.consortia_dir(), node.clone());
    tokio::spawn(async move {
        let mut seen = Vec::new();
        loop {
            let now = state(&folder);
            if now != seen {
                let (folder, reader) = (folder.clone(), node.clone());
                let read =
                    tokio::task::spawn_blocking(move || Figures::of_folder(&folder, &reader.genesis_bytes));
                match read.await {
                    Ok(Ok(figures)) => tell(&node, figures),
                    Ok(Err(error)) => tracing::warn!(%error, "figures of consortia cannot be listed"),
                    // The process ends.
                    Err(_) => {}
                }
                seen = now;
            }
            tokio::time::sleep(EVERY).await;
        }
    });
}

fn tell(node: &Node, figures: Figures) {
    for one in &figures.refused {
        tracing::warn!(
            file = one.file,
            code = one.code,
            "figures of a consortium are in no sum: {}",
            one.why
        );
    }
    tracing::info!(
        proved = figures.proved.len(),
        refused = figures.refused.len(),
        "figures of consortia were read"
    );
    node.show_consortia(figures);
}

/// Which files there are, and as of when; none where the folder cannot be listed, which is said when it is read.
fn state(folder: &Path) -> Vec<(PathBuf, Option<Mark>)> {
    let found = files(folder).unwrap_or_default();
    found
        .into_iter()
        .map(|path| {
            let mark = Mark::of(&path);
            (path, mark)
        })
        .collect()
}
