//! The estate beside the chain: whether its buildings are what was anchored at the fork, and what changes of it would do.

use std::path::Path;

use aula_estate::anchor::{Row, root, rows};
use aula_estate::check::estate::Estate;
use aula_estate::whatif::{Change, Compared};
use aula_home::Home;
use aula_home::keys::{KeyKind, NodeKey};
use aula_ledger::keys::account_of;
use aula_ledger::state::schema;
use aula_ledger::types::{AccountId, DistrictId, Hash};
use serde::Serialize;

use super::WhatIfArgs;
use super::fork::{Fork, node_home};
use crate::command::estate::whatif::{Folder, lines};
use crate::command::{Advise, Context, Failure, absolute};

/// A building of the folder beside the ledger's.
#[derive(Debug, Serialize)]
pub struct Anchored {
    building: String,
    /// Whose; none where it is not known which district the folder is of.
    district: Option<u16>,
    /// The district's newest version at the fork.
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

/// Whose estate a folder is.
enum Whose {
    District(DistrictId),
    Account(AccountId),
    Unknown,
}

/// A folder's estate with its changes, before the chain is asked.
pub struct Beside {
    estate: Estate,
    compared: Compared,
    whose: Whose,
}

impl Beside {
    /// Reads a folder and makes the changes.
    ///
    /// # Errors
    /// When the folder or an account key cannot be read, or a change names what is not there.
    pub fn read(
        context: &Context,
        args: &WhatIfArgs,
        folder: &Path,
        changes: &[Change],
    ) -> Result<Self, Failure> {
        let folder = Folder::read(folder, &args.day)?;
        let compared = folder.compare(changes)?;
        let home = match &args.from_vault {
            Some(home) => Home::at(absolute(home)?),
            None => node_home(&context.home),
        };
        let whose = match args.district {
            Some(district) => Whose::District(DistrictId(district)),
            None if NodeKey::path(&home, KeyKind::Account).exists() => {
                let key = NodeKey::of_home(&home, KeyKind::Account)?;
                Whose::Account(account_of(&key.public()))
            }
            None => Whose::Unknown,
        };
        Ok(Self { estate: folder.estate, compared, whose })
    }

    /// The same, its buildings held against what their district had anchored at the fork.
    ///
    /// # Errors
    /// When the state is unusable.
    pub fn held_against(self, fork: &Fork) -> Result<EstateChange, Failure> {
        let damaged = "the replayed state is unusable";
        let hint = "run aula replay on this home: it names the first height that differs";
        let district = match &self.whose {
            Whose::District(district) => Some(*district),
            Whose::Account(account) => {
                let member = schema::member(&fork.state, account).advise(damaged, hint)?;
                member.and_then(|member| member.district)
            }
            Whose::Unknown => None,
        };
        let known = schema::estates(&fork.state).advise(damaged, hint)?;
        let own = known.iter().find(|estate| Some(estate.district) == district);
        let held = |id: &String| {
            let leaves: Vec<_> = rows(&self.estate, id).iter().map(Row::leaf).collect();
            let said = (Hash(root(&leaves)), leaves.len() as u64);
            let found = own.and_then(|estate| estate.building(id));
            Anchored {
                building: id.clone(),
                district: district.map(|district| district.0),
                version: found.map(|one| one.version),
                as_anchored: found.is_some_and(|one| (one.head.root, one.head.leaf_count) == said),
            }
        };
        let buildings = self.estate.buildings.iter().map(|house| held(&house.id)).collect();
        Ok(EstateChange { buildings, compared: self.compared })
    }
}

impl EstateChange {
    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let one = |held: &Anchored| match (held.version, held.as_anchored) {
            (Some(version), true) => format!("building {}: as anchored, version {version}", held.building),
            (Some(version), false) => format!("building {}: not what version {version} says", held.building),
            (None, _) if held.district.is_none() => {
                format!("building {}: not known whose it is; give --district", held.building)
            }
            (None, _) => format!("building {}: not anchored", held.building),
        };
        self.buildings.iter().map(one).chain(lines(&self.compared)).collect()
    }
}
