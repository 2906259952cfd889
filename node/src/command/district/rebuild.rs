//! `aula district rebuild`: an export folded again, anywhere, against what was anchored.

use std::path::{Path, PathBuf};

use aula_district::portable::rebuild::{RebuildError, Rebuilt, rebuild};
use aula_ledger::types::{DistrictId, Hash};
use aula_twin_model::model_file;
use aula_twin_runtime::model::Model;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::command::{Context, Failure, Outcome, absolute};

/// How many states that differ are named.
const NAMED: usize = 20;

/// Arguments of `aula district rebuild`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula district rebuild /media/disk/export --output json\n\nNeeds no vault, no chain and no network: the folder alone. Folds every anchored version of every \
                  student's twin and compares hash and commitments with what was anchored, the newest with the ledger's row, and their tree with the ledger's \
                  root as the node told it at the export. That the root is the ledger's anybody proves with `aula evidence student` and `aula-audit verify`.\nExit 0: all agree; 1: some differ, or a file was changed; 2: could not."
)]
pub struct RebuildArgs {
    /// The folder that `aula district export` made
    pub folder: PathBuf,
}

/// The object of `--output json`.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    rebuilt: &'a Rebuilt,
    agrees: bool,
    district: DistrictId,
    genesis_sha256: Hash,
}

/// Rebuilds.
///
/// # Errors
/// A folder that cannot be read or is of another form.
pub fn run(_: &Context, args: &RebuildArgs) -> Result<Outcome, Failure> {
    let folder = absolute(&args.folder)?;
    match rebuild(&folder, &|digest| model(&folder, digest)) {
        Ok((manifest, rebuilt)) => {
            let (agrees, text) = (rebuilt.agrees(), text(&rebuilt));
            let (district, genesis_sha256) = (manifest.district, manifest.genesis);
            let told = Told { rebuilt: &rebuilt, agrees, district, genesis_sha256 };
            Ok(if agrees { Outcome::yes(told, text) } else { Outcome::no(told, text) })
        }
        Err(error @ RebuildError::Changed(_)) => {
            let json = json!({ "agrees": false, "changed": error.to_string() });
            Ok(Outcome::no(json, error.to_string()))
        }
        Err(error) => {
            let hint = "give the folder of `aula district export`, whole; export it again if it is damaged";
            Err(Failure::telling(&error, hint).named("not_rebuilt"))
        }
    }
}

fn model(folder: &Path, digest: &Hash) -> Result<Model, String> {
    let path = folder.join(format!("model-{digest}"));
    model_file::read(&path).map(|(model, _)| model).map_err(|error| error.to_string())
}

fn text(told: &Rebuilt) -> String {
    let mut lines = vec![format!(
        "{} students, {} events folded: {} anchored states agree, {} differ",
        told.students,
        told.events,
        told.versions,
        told.differ.len()
    )];
    for year in &told.years {
        let root = match (year.root, year.ledger_root) {
            (Some(own), Some(ledger)) if own == ledger => {
                format!("the tree's root is the ledger's, {ledger}")
            }
            (Some(_), _) => "the tree's root is NOT the ledger's".to_owned(),
            (None, _) => format!("{} students are not in the folder, so row by row", year.absent),
        };
        lines.push(format!(
            "{}: {} of {} rows of the ledger rebuilt; {root}",
            year.school_year, year.rebuilt, year.anchored
        ));
    }
    if told.years.is_empty() {
        lines.push("the export was made without a node: nothing of the ledger to compare with".to_owned());
    }
    lines.extend(
        told.differ
            .iter()
            .take(NAMED)
            .map(|one| format!("DIFFERS  {} version {}: {}", one.handle, one.version, one.what)),
    );
    lines.join("\n")
}
