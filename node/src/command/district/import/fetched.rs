//! A roster asked of a provider of OneRoster's API, as the files that it would export.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use aula_connect::oneroster::{fetch, provider};
use aula_ingest::Input;
use aula_ingest::oneroster::rest;

use crate::command::{Advise, Context, Failure};

const HINT: &str = "write url, token_url, client_id and client_secret (docs/import.md), and chmod 600 it";

/// The files, and until when they know of changes.
pub(super) async fn inputs(
    context: &Context,
    path: &Path,
    since: Option<&str>,
) -> Result<(Vec<Input>, Option<String>), Failure> {
    let shown = path.display();
    let found = std::fs::metadata(path).advise(format!("cannot read {shown}"), HINT)?;
    if found.mode() & 0o077 != 0 {
        return Err(Failure::because(format!("others can read {shown}"), HINT));
    }
    let text = std::fs::read_to_string(path).advise(format!("cannot read {shown}"), HINT)?;
    let provider = provider(&text).advise(format!("{shown} is refused"), HINT)?;
    let next = "try again; nothing was written";
    let fetched = fetch(&provider, since).await.advise("the provider's roster was not had", next)?;
    for (collection, objects) in &fetched.collections {
        context.tell(format!("{}: {} objects", collection.name(), objects.len()));
    }
    let files = rest::inputs(&fetched.collections, since.is_none());
    Ok((files.advise("the roster cannot be written as its files", next)?, fetched.newest))
}
