//! The demo's consortium: folders and keys of its members, and what the genesis says of them.
//!
//! Everything stands under one folder D: `node-NN` (validators, made with the localnet's code), `district-NN`,
//! `funder`, `auditor`, `genesis.json`, the evidence. Invariants: districts, schools and types are the study's;
//! each validator's operator is a consortium member, each district, the funder and the auditor a member with
//! its own key. [`clean`] removes what an earlier run made, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use aula_home::founding::Base;
use aula_ledger::genesis::{GenesisDistrict, GenesisMember, GenesisSchool, Source};
use aula_ledger::names::{Name, TextError, Title};
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::types::{ChainId, DistrictId, Hash};

use super::office::{MemberHome, Office, OfficeError, district_name};
use super::rules;
use super::star::{SchoolType, StudentYear};

/// The file that marks a folder as a demo's.
const MARKER: &str = "demo.txt";
const MARKER_TEXT: &str = "Made by `aula demo`, which removes and makes again what is in this folder.\n";

/// Why there is no consortium.
#[derive(Debug, thiserror::Error)]
pub enum ConsortiumError {
    /// The folder holds something that no demo made.
    #[error("{0} is not empty and was not made by a demo")]
    Foreign(String),
    /// The folder cannot be read or written.
    #[error("cannot use the folder {folder}")]
    Folder {
        /// The folder, as it was given.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// A member's folder cannot be made.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// A name the ledger does not take.
    #[error(transparent)]
    Name(#[from] TextError),
}

/// The members beside the validators' operators.
#[derive(Debug)]
pub struct Consortium {
    /// One home a district, by number.
    pub districts: BTreeMap<DistrictId, MemberHome>,
    /// Funds every year.
    pub funder: MemberHome,
    /// Reads the evidence.
    pub auditor: MemberHome,
}

impl Consortium {
    /// Makes the members' folders and keys under `root`.
    ///
    /// # Errors
    /// When a folder cannot be written.
    pub fn create(root: &Path, study: &[StudentYear]) -> Result<Self, ConsortiumError> {
        let districts: std::collections::BTreeSet<DistrictId> =
            study.iter().map(|year| year.district).collect();
        let member = |name: &str| MemberHome::create(&root.join(name));
        let home = |district| Ok((district, member(&district_name(district))?));
        let districts = districts.into_iter().map(home).collect::<Result<_, OfficeError>>()?;
        Ok(Self { districts, funder: member("funder")?, auditor: member("auditor")? })
    }

    /// What the genesis holds beside the validators and their operators.
    ///
    /// # Errors
    /// When a name breaks the ledger's rule.
    pub fn base(&self, study: &[StudentYear]) -> Result<Base, ConsortiumError> {
        let mut members = Vec::new();
        for (district, home) in &self.districts {
            let name = district_name(*district);
            members.push(member(&name, Role::District, home, Some(*district))?);
        }
        members.push(member("funder", Role::Funder, &self.funder, None)?);
        members.push(member("auditor", Role::Auditor, &self.auditor, None)?);
        let title = |district: &DistrictId| Title::new(&format!("District {:02}", district.0));
        let district = |id: &DistrictId| Ok(GenesisDistrict { id: *id, name: title(id)? });
        let districts = self.districts.keys().map(district).collect::<Result<_, TextError>>()?;
        let mut schools = Vec::new();
        for (id, (district, school_type)) in rules::school_register(study) {
            schools.push(GenesisSchool::unnamed(id, district, Name::new(type_name(school_type))?));
        }
        let said = |rule: &rules::Rule| Source { title: rule.title.into(), text: rule.text.into() };
        let sources = rules::RULES.iter().map(said).collect();
        let (params, twin) = (rules::ledger_params(), rules::twin_parameters()?);
        Ok(Base { params, twin, members, districts, schools, sources, ..Base::default() })
    }
}

/// Vaults made at once: each waits for the disk a third of a second, and hardly computes.
const AT_ONCE: usize = 8;

/// Makes the districts' vaults, now that the chain has a name.
///
/// # Errors
/// When a vault cannot be made.
pub fn offices(
    districts: BTreeMap<DistrictId, MemberHome>,
    chain: &(ChainId, Hash),
    now_ms: u64,
) -> Result<BTreeMap<DistrictId, Office>, OfficeError> {
    let mut shares: Vec<Vec<(DistrictId, MemberHome)>> = (0..AT_ONCE).map(|_| Vec::new()).collect();
    let places = (0..AT_ONCE).cycle();
    for (place, one) in places.zip(districts) {
        if let Some(share) = shares.get_mut(place) {
            share.push(one);
        }
    }
    let furnish = |(district, home)| Ok((district, Office::create(district, home, chain, now_ms)?));
    std::thread::scope(|scope| {
        let share = |share: Vec<_>| scope.spawn(move || share.into_iter().map(furnish).collect::<Vec<_>>());
        let workers: Vec<_> = shares.into_iter().map(share).collect();
        let stopped = |_| OfficeError::Stopped;
        let made: Vec<Vec<_>> =
            workers.into_iter().map(|worker| worker.join().map_err(stopped)).collect::<Result<_, _>>()?;
        made.into_iter().flatten().collect()
    })
}

fn member(
    name: &str,
    role: Role,
    home: &MemberHome,
    district: Option<DistrictId>,
) -> Result<GenesisMember, TextError> {
    let (roles, public_key) = (RoleSet::of(&[role]), home.public_key());
    Ok(GenesisMember { name: Name::new(name)?, roles, public_key, district, school: None })
}

/// The type's name in the genesis.
const fn type_name(school_type: SchoolType) -> &'static str {
    match school_type {
        SchoolType::InnerCity => "inner-city",
        SchoolType::Suburban => "suburban",
        SchoolType::Rural => "rural",
        SchoolType::Urban => "urban",
    }
}

/// Empties a demo's folder of what an earlier run made, and marks it as a demo's.
///
/// # Errors
/// [`ConsortiumError::Foreign`] when it holds anything and is not marked; [`ConsortiumError::Folder`].
pub fn clean(root: &Path) -> Result<(), ConsortiumError> {
    let failed = |source| ConsortiumError::Folder { folder: root.display().to_string(), source };
    fs::create_dir_all(root).map_err(failed)?;
    let marker = root.join(MARKER);
    let empty = fs::read_dir(root).map_err(failed)?.next().is_none();
    if !empty && !marker.is_file() {
        return Err(ConsortiumError::Foreign(root.display().to_string()));
    }
    for entry in fs::read_dir(root).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let folder = ["node-", "district-"].iter().any(|prefix| name.starts_with(prefix));
        if folder || name == "funder" || name == "auditor" {
            fs::remove_dir_all(entry.path()).map_err(failed)?;
        } else if name == "genesis.json" || name.ends_with(".bundle") {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    fs::write(marker, MARKER_TEXT).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("thesis.txt"), "do not delete")?;
        assert!(matches!(clean(folder.path()), Err(ConsortiumError::Foreign(_))));
        assert!(folder.path().join("thesis.txt").is_file());
        Ok(())
    }

    #[test]
    fn a_second_run_removes_what_the_first_made_and_nothing_else() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        clean(folder.path())?;
        fs::create_dir(folder.path().join("district-07"))?;
        fs::write(folder.path().join("genesis.json"), "{}")?;
        fs::write(folder.path().join("notes.txt"), "mine")?;
        clean(folder.path())?;
        let mut left: Vec<_> =
            fs::read_dir(folder.path())?.map(|e| e.map(|e| e.file_name())).collect::<Result<_, _>>()?;
        left.sort();
        assert_eq!(left, [MARKER, "notes.txt"]);
        Ok(())
    }
}
