//! A roster asked of a provider of OneRoster's or Ed-Fi's API, as the files that it would export.

use std::path::Path;

use aula_home::own_file;
use aula_ingest::oneroster::rest;
use aula_ingest::{Format, Input, date};
use aula_rosters::{edfi, oneroster};

use crate::command::{Advise, Context, Failure};

const HINT: &str =
    "write url, client_id, client_secret and the rest that docs/import.md has for it, and chmod 600 it";
const AGAIN: &str = "try again; nothing was written";

/// What a provider gave.
pub(super) struct Fetched {
    pub files: Vec<Input>,
    pub format: Format,
    /// Whether it is everybody, where the files do not say so themselves.
    pub whole: bool,
    /// Until when it is, as `--since` wants it next time.
    pub until: Option<String>,
}

/// Asks the provider that a file of the operator's alone names.
pub(super) async fn ask(context: &Context, path: &Path, since: Option<&str>) -> Result<Fetched, Failure> {
    let shown = path.display();
    let text = own_file::read(path).map_err(|error| Failure::because(error.to_string(), HINT))?;
    let counted = |name: &str, count: usize| context.tell(format!("{name}: {count} objects"));
    if edfi::is_kind(&text) {
        let provider = edfi::provider(&text).advise(format!("{shown} is refused"), HINT)?;
        let version = since
            .map(|text| text.parse().ok().ok_or_else(|| not_since(text, "a change version such as 48211")));
        let fetched = edfi::fetch(&provider, version.transpose()?).await;
        let fetched = fetched.advise("the provider's roster was not had", AGAIN)?;
        for (name, count) in &fetched.counts {
            counted(name, *count);
        }
        let until = fetched.newest.map(|version| version.to_string());
        return Ok(Fetched { files: fetched.inputs, format: Format::EdFi, whole: fetched.whole, until });
    }
    if let Some(text) = since.filter(|text| date::moment_ms(text).is_none()) {
        return Err(not_since(text, "a moment such as 2026-03-02T09:30:00Z"));
    }
    let provider = oneroster::provider(&text).advise(format!("{shown} is refused"), HINT)?;
    let fetched = oneroster::fetch(&provider, since).await;
    let fetched = fetched.advise("the provider's roster was not had", AGAIN)?;
    for (collection, objects) in &fetched.collections {
        counted(collection.name(), objects.len());
    }
    let files = rest::inputs(&fetched.collections, since.is_none());
    let files = files.advise("the roster cannot be written as its files", AGAIN)?;
    Ok(Fetched { files, format: Format::OneRoster, whole: since.is_none(), until: fetched.newest })
}

fn not_since(text: &str, wanted: &str) -> Failure {
    Failure::because(format!("--since {text:?} is not {wanted}"), "give what the import before told")
}
