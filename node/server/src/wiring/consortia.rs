//! Figures of consortia as a parent ledger's node shows them: checked when a file of HOME/consortia changes.
//!
//! Flow: every ten seconds → the folder's files with their marks → all of them checked anew, where something changed → the explorer's
//! `/consortia`. Invariant: what is shown was checked by this process. Absent: fetching, which `aula evidence figures` does.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aula_home::Home;
use aula_home::own_file::Mark;
use aula_web::consortia::{Figures, MOST_FILES, files};
use aula_web::http::AppState;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_secs(10);

/// Shows the folder for as long as the node runs; one that is not there shows nothing.
pub(super) fn start(home: &Home, node: &Arc<AppState>) {
    let (folder, node) = (home.consortia_dir(), node.clone());
    tokio::spawn(async move {
        // Nothing is told of a folder that is not there, or empty; one that cannot be listed is another.
        let mut seen: State = Ok((0, Vec::new()));
        loop {
            let (folder, reader, known) = (folder.clone(), node.clone(), seen.clone());
            let looked = tokio::task::spawn_blocking(move || {
                let now = state(&folder);
                (now != known).then(|| (Figures::of_folder(&folder, &reader.genesis_bytes), now))
            });
            // An error: the process ends.
            if let Ok(Some((read, now))) = looked.await {
                match read {
                    Ok(figures) => tell(&node, figures),
                    Err(error) => tracing::warn!(%error, "figures of consortia cannot be listed"),
                }
                seen = now;
            }
            tokio::time::sleep(EVERY).await;
        }
    });
}

fn tell(node: &AppState, figures: Figures) {
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

/// How many files there are, which of them are read, and as of when; or why the folder cannot be listed.
type State = Result<(usize, Vec<(PathBuf, Option<Mark>)>), ErrorKind>;

fn state(folder: &Path) -> State {
    let found = files(folder).map_err(|error| error.kind())?;
    let count = found.len();
    let marked = |path: PathBuf| {
        let mark = Mark::of(&path);
        (path, mark)
    };
    Ok((count, found.into_iter().take(MOST_FILES).map(marked).collect()))
}
