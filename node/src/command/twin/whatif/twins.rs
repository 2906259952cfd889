//! Twins forked: disclosed events folded again, each twin compared with the leaf that was anchored of it.
//!
//! Flow: every disclosure in a folder (`aula vault disclose` writes them) → its events folded by the production step →
//! its salted fields hashed → the leaf with that hash in the executed state, which tells whose handle it is. Invariants:
//! a twin whose hash nobody anchored by the height, or under another model, is counted, named by its file, and takes no
//! part; a disclosure that lacks a salt is refused. Absent: the vault, which gives events through its access check only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aula_ledger::proof::student_state::{self, SaltedField};
use aula_ledger::state::schema::{self, StudentLeaf};
use aula_ledger::state::{MemoryState, StateReader};
use aula_ledger::types::{Handle, Hash, SchoolYear};
use aula_twin_runtime::event::Event;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::{TwinState, leaves};

use crate::command::twin::replay::{self, Disclosure};
use crate::command::{Advise, Failure};

const HINT: &str =
    "give a folder of disclosures of this chain's students, as `aula vault disclose` writes them";
/// Files that are named when they differ.
const NAMED: usize = 5;

/// A forked twin.
#[derive(Debug)]
pub struct Twin {
    /// Its state.
    pub state: TwinState,
    /// The parameters it was folded under.
    pub params: Params,
}

/// Every twin that was disclosed, and what it was checked against.
#[derive(Debug, Default)]
pub struct Twins {
    /// The twins that gave an anchored hash, ascending by handle.
    pub states: BTreeMap<Handle, Twin>,
    /// Disclosures in the folder.
    pub disclosed: usize,
    /// How many gave an anchored hash.
    pub reproduced: usize,
    /// The first files that did not.
    pub differs: Vec<String>,
}

impl Twins {
    /// Folds all disclosures in `dir` and compares them with the executed state.
    ///
    /// # Errors
    /// When there is none, or one cannot be read.
    pub fn fork(state: &MemoryState, dir: &Path) -> Result<Self, Failure> {
        let anchored = anchored(state)?;
        let mut twins = Self::default();
        for file in files(dir)? {
            twins.disclosed += 1;
            let (hash, twin) = fold(&replay::read(&file)?)?;
            let known = anchored.get(&hash).filter(|(_, leaf)| leaf.model_digest.0 == twin.params.digest());
            if let Some((handle, _)) = known {
                twins.reproduced += 1;
                twins.states.insert(*handle, twin);
            } else if twins.differs.len() < NAMED {
                twins.differs.push(file.display().to_string());
            }
        }
        Ok(twins)
    }
}

/// The disclosures of a folder, ascending by name.
fn files(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unread = || format!("cannot read {}", dir.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).advise(unread(), HINT)? {
        let path = entry.advise(unread(), HINT)?.path();
        if path.extension().is_some_and(|end| end == "json") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::new("no_twins", format!("{} holds no disclosure", dir.display()), HINT));
    }
    Ok(files)
}

/// Every anchored leaf by its state hash: those of the school years that rounds were opened for.
fn anchored(state: &MemoryState) -> Result<BTreeMap<Hash, (Handle, StudentLeaf)>, Failure> {
    let damaged = "the replayed state is unusable";
    let mut years: Vec<SchoolYear> =
        schema::rounds(state).advise(damaged, HINT)?.iter().map(|round| round.school_year).collect();
    years.sort_unstable();
    years.dedup();
    let mut anchored = BTreeMap::new();
    for district in schema::districts(state).advise(damaged, HINT)? {
        for year in &years {
            for (handle, row) in
                state.rows(&schema::students_tree(district.id, *year)).advise(damaged, HINT)?
            {
                let leaf: StudentLeaf = schema::decode(&row).advise(damaged, HINT)?;
                anchored.insert(leaf.state_hash, (handle, leaf));
            }
        }
    }
    Ok(anchored)
}

/// The state that a disclosure folds to, and its hash under the disclosed salts.
fn fold(disclosure: &Disclosure) -> Result<(Hash, Twin), Failure> {
    let bytes = hex::decode(&disclosure.params).advise("the parameters are not hex", HINT)?;
    let params: Params = borsh::from_slice(&bytes).advise("the parameters are not canonical bytes", HINT)?;
    params.check().advise("the parameters are refused", HINT)?;
    let mut events = Vec::with_capacity(disclosure.events.len());
    for (n, text) in disclosure.events.iter().enumerate() {
        let bytes = hex::decode(text).advise(format!("event {n} is not hex"), HINT)?;
        events.push(Event::decode(&bytes).advise(format!("event {n} is refused"), HINT)?);
    }
    let mut history = History::new(&params);
    history.add(events, &params);
    let mut fields = Vec::new();
    for leaf in leaves(history.state(), &params) {
        let salt = disclosure.salts.get(&leaf.field).and_then(|text| hex::decode(text).ok());
        let salt = salt.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or_else(|| {
            Failure::new("no_salt", format!("a disclosure has no salt for {}", leaf.field), HINT)
        })?;
        fields.push(SaltedField { field: leaf.field, value: leaf.value, salt });
    }
    let state = history.state().clone();
    Ok((student_state::state_hash(&fields), Twin { state, params }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_twin_runtime::clock::{Skew, Stamp};
    use aula_twin_runtime::event::{EventBody, EventKey, SourceId};
    use aula_twin_runtime::fixed::Need;
    use aula_twin_runtime::model::Model;
    use aula_zk::StudentSecret;

    #[test]
    fn a_disclosure_folds_to_the_hash_that_replay_agrees_with() -> Result<(), Failure> {
        let params = Params::reference(Model::unfitted());
        let key = EventKey { stamp: Stamp::new(5, 0)?, source: SourceId(1), sequence: 1 };
        let body = EventBody::NeedAssessed(Need::clamped(700));
        let events = [Event { key, skew: Skew::Within, body }];
        let mut disclosure = Disclosure::of(&StudentSecret::new([9; 32]), 3, &params, &events)?;
        let (hash, twin) = fold(&disclosure)?;
        assert!(replay::check(&disclosure, hash.0, None)?.agrees);
        assert_eq!(twin.state.need(), Some(Need::clamped(700)));
        disclosure.salts.remove("need");
        assert_eq!(fold(&disclosure).map(|_| ()).map_err(|f| f.code), Err("no_salt".to_owned()));
        Ok(())
    }

    #[test]
    fn a_folder_without_disclosures_is_refused_and_a_twin_nobody_anchored_takes_no_part()
    -> Result<(), Failure> {
        let folder = tempfile::tempdir()?;
        let state = MemoryState::new();
        let none = Twins::fork(&state, folder.path()).map(|_| ()).map_err(|f| f.code);
        assert_eq!(none, Err("no_twins".to_owned()));
        let params = Params::reference(Model::unfitted());
        let disclosure = Disclosure::of(&StudentSecret::new([9; 32]), 1, &params, &[])?;
        std::fs::write(folder.path().join("a.json"), serde_json::to_vec(&disclosure)?)?;
        let twins = Twins::fork(&state, folder.path())?;
        assert_eq!((twins.disclosed, twins.reproduced, twins.differs.len()), (1, 0, 1));
        assert!(twins.states.is_empty());
        Ok(())
    }
}
