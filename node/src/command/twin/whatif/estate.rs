//! The estate beside the chain: whether its buildings are what was anchored at the fork, and what changes of it would do.

use std::path::Path;

use aula_estate::anchor::{Row, root, rows};
use aula_estate::whatif::{Change, Compared};
use aula_ledger::state::schema;
use aula_ledger::types::Hash;
use serde::Serialize;

use super::fork::Fork;
use crate::command::estate::whatif::{DayArgs, Folder, lines};
use crate::command::{Advise, Failure};

/// A building of the folder beside the ledger's.
#[derive(Debug, Serialize)]
pub struct Anchored {
    building: String,
    /// Whose; none where nobody anchored such a building.
    district: Option<u16>,
    /// The newest version at the fork.
    version: Option<u32>,
    /// Whether the folder says what that version says.
    as_anchored: bool,
}

/// The estate at the fork and with changes.
#[derive(Debug, Serialize)]
pub struct EstateChange {
    buildings: Vec<Anchored>,
    #[serde(flatten)]
    compared: Compared,
}

/// Reads a folder, holds it against the fork's state and makes the changes.
///
/// # Errors
/// When the folder cannot be read, a change names what is not there, or the state is unusable.
pub fn forked(
    folder: &Path,
    day: &DayArgs,
    fork: &Fork,
    changes: &[Change],
) -> Result<EstateChange, Failure> {
    let folder = Folder::read(folder, day)?;
    let hint = "run aula replay on this home: it names the first height that differs";
    let known = schema::estates(&fork.state).advise("the replayed state is unusable", hint)?;
    let held = |id: &String| {
        let leaves: Vec<_> = rows(&folder.estate, id).iter().map(Row::leaf).collect();
        let own = (Hash(root(&leaves)), leaves.len() as u64);
        let mut all = known.iter().filter_map(|estate| Some((estate.district, estate.building(id)?)));
        let same = all.clone().find(|(_, one)| (one.head.root, one.head.leaf_count) == own);
        let found = same.or_else(|| all.next());
        Anchored {
            building: id.clone(),
            district: found.map(|(district, _)| district.0),
            version: found.map(|(_, one)| one.version),
            as_anchored: same.is_some(),
        }
    };
    let buildings = folder.estate.buildings.iter().map(|house| held(&house.id)).collect();
    Ok(EstateChange { buildings, compared: folder.compare(changes)? })
}

impl EstateChange {
    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let one = |held: &Anchored| match (held.version, held.as_anchored) {
            (Some(version), true) => format!("building {}: as anchored, version {version}", held.building),
            (Some(version), false) => format!("building {}: not what version {version} says", held.building),
            (None, _) => format!("building {}: not anchored", held.building),
        };
        self.buildings.iter().map(one).chain(lines(&self.compared)).collect()
    }
}
