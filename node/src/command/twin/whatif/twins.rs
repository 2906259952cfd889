//! Twins forked: events folded again, each twin compared with the leaf that was anchored of it.
//!
//! Two sources. Disclosures in a folder, as an auditor has them (`aula vault disclose`): the leaf with the folded hash
//! tells whose handle it is. Or the district's own vault: one read a student through the vault's access check, for
//! educational necessity, listed in the access log; whom the check denies takes no part and is counted. The events that
//! the leaf's version was folded from, as the vault noted them (else those up to the leaf's watermark), are folded and salted under
//! the leaf's version, so that a fork at an earlier height gives the twin of that height. Invariants: a twin whose hash nobody
//! anchored by the height, or under another model, is counted and takes no part; a disclosure that lacks a salt is refused; nobody
//! outside the audit's draw leaves the vault except as part of an aggregate. Absent: other districts' students, whose events are
//! not here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use aula_district::disclosure::{self, Disclosure};
use aula_district::parameters::InForce;
use aula_district::twin_state::salted_fields;
use aula_ledger::access::Denial;
use aula_ledger::proof::student_state;
use aula_ledger::state::schema::{self, StudentLeaf};
use aula_ledger::state::{MemoryState, StateReader};
use aula_ledger::types::{DistrictId, Handle, Hash, SchoolYear};
use aula_twin_runtime::event::Event;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::TwinState;

use crate::command::evidence::reader::{OwnTwin, Reader};
use crate::command::evidence::undisclosed::Undisclosed;
use crate::command::twin_parameters::Voted;
use crate::command::{Advise, Failure};

const HINT: &str =
    "give a folder of disclosures of this chain's students, as `aula vault disclose` writes them";
/// Files that are named when they differ.
const NAMED: usize = 5;

/// A forked twin.
#[derive(Debug)]
pub struct Twin {
    /// As its events fold to under `params`.
    pub state: TwinState,
    /// The parameters it was folded under.
    pub params: Params,
}

/// Every twin that was given, and what it was checked against.
#[derive(Debug, Default)]
pub struct Twins {
    /// The twins that gave an anchored hash, ascending by handle.
    pub states: BTreeMap<Handle, Twin>,
    /// Twins that were folded: disclosures, or students read.
    pub folded: usize,
    /// How many gave an anchored hash.
    pub reproduced: usize,
    /// The first files or handles that did not.
    pub differs: Vec<String>,
    /// Anchored students whom the access check denied; none of a folder.
    pub denied: usize,
}

impl Twins {
    /// Folds all disclosures in `dir` and compares them with the executed state.
    ///
    /// # Errors
    /// When there is none, or one cannot be read: it is named.
    pub fn of_files(state: &MemoryState, dir: &Path) -> Result<Self, Failure> {
        let anchored: BTreeMap<Hash, (Handle, StudentLeaf)> = anchored(state, None)?
            .into_iter()
            .map(|(handle, leaf)| (leaf.state_hash, (handle, leaf)))
            .collect();
        let mut twins = Self::default();
        for file in files(dir)? {
            let named = |failure: Failure| {
                let message = format!("{}: {}", file.display(), failure.message);
                Failure { message, ..failure }
            };
            let (hash, twin) = fold(&disclosure::read(&file)?).map_err(named)?;
            let known = anchored.get(&hash).filter(|(_, leaf)| leaf.model_digest.0 == twin.params.digest());
            twins.take(known.map(|(handle, _)| *handle), twin, || file.display().to_string());
        }
        Ok(twins)
    }

    /// Reads every anchored student of the reader's district, folds, and compares; `tell` hears of each.
    ///
    /// # Errors
    /// [`Undisclosed::Denied`] when the check denies the reader whoever the student is; a vault that cannot be read.
    pub fn of_vault(
        anchored: &[(Handle, StudentLeaf)],
        reader: &Reader,
        voted: &Voted,
        mut tell: impl FnMut(),
    ) -> Result<Self, Undisclosed> {
        let mut known: BTreeMap<u32, InForce> = BTreeMap::new();
        let mut twins = Self::default();
        for (handle, leaf) in anchored {
            tell();
            // What the vault notes of the version, since what came later may stand before it in time.
            let own = match reader.twin_at(*handle, Some(leaf.version)) {
                Err(Undisclosed::Denied(denial)) if of_the_student(denial) => {
                    twins.denied += 1;
                    continue;
                }
                read => read?,
            };
            let in_force = match known.entry(leaf.parameters) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(free) => free.insert(voted.version(leaf.parameters)?),
            };
            let (hash, twin) = of_record(&own, leaf, &in_force.params)?;
            let same = hash == leaf.state_hash && leaf.model_digest == in_force.voted.digest;
            twins.take(same.then_some(*handle), twin, || handle.to_string());
        }
        Ok(twins)
    }

    fn take(&mut self, known: Option<Handle>, twin: Twin, name: impl FnOnce() -> String) {
        self.folded += 1;
        if let Some(handle) = known {
            self.reproduced += 1;
            self.states.insert(handle, twin);
        } else if self.differs.len() < NAMED {
            self.differs.push(name());
        }
    }
}

/// Whether a denial is about the student, rather than about whoever asks.
const fn of_the_student(denial: Denial) -> bool {
    matches!(denial, Denial::InsufficientData | Denial::ConsentWithdrawn | Denial::Erased)
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

/// Every anchored leaf, of one district or of all: those of the school years that rounds were opened for.
///
/// # Errors
/// When the executed state cannot be read.
pub fn anchored(state: &MemoryState, of: Option<DistrictId>) -> Result<Vec<(Handle, StudentLeaf)>, Failure> {
    let damaged = "the replayed state is unusable";
    let rounds = schema::rounds(state).advise(damaged, HINT)?;
    let years: BTreeSet<SchoolYear> = rounds.iter().map(|round| round.school_year).collect();
    let mut anchored = Vec::new();
    for district in schema::districts(state).advise(damaged, HINT)? {
        if of.is_some_and(|of| of != district.id) {
            continue;
        }
        for year in &years {
            let rows = state.rows(&schema::students_tree(district.id, *year)).advise(damaged, HINT)?;
            for (handle, row) in rows {
                anchored.push((handle, schema::decode(&row).advise(damaged, HINT)?));
            }
        }
    }
    Ok(anchored)
}

/// The twin as it was when the leaf was anchored, and its hash under the leaf's version.
fn of_record(own: &OwnTwin, leaf: &StudentLeaf, params: &Params) -> Result<(Hash, Twin), Failure> {
    let state = up_to(&own.events, leaf.event_watermark, params);
    let fields = salted_fields(&state, u64::from(leaf.version), &own.secret, params)
        .map_err(|why| Failure::because(why, "report it with the version of this program"))?;
    Ok((student_state::state_hash(&fields), Twin { state, params: params.clone() }))
}

/// The fold of the first events that count, as many as the watermark says: what was added since is left out.
fn up_to(events: &[Event], watermark: u64, params: &Params) -> TwinState {
    let mut history = History::new(params);
    let mut rest = events.iter();
    loop {
        // An event that is refused, or corrected away, counts for none.
        let short = watermark.saturating_sub(history.state().events());
        let next: Vec<Event> =
            rest.by_ref().take(usize::try_from(short).unwrap_or(usize::MAX)).cloned().collect();
        if next.is_empty() {
            return history.state().clone();
        }
        history.add(next, params);
    }
}

/// The state that a disclosure folds to, and its hash under the disclosed salts.
fn fold(disclosure: &Disclosure) -> Result<(Hash, Twin), Failure> {
    let (params, events) = disclosure.decode()?;
    let mut history = History::new(&params);
    history.add(events, &params);
    let fields = disclosure.salted(history.state(), &params)?;
    let state = history.state().clone();
    Ok((student_state::state_hash(&fields), Twin { state, params }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_twin_runtime::clock::{Skew, Stamp};
    use aula_twin_runtime::event::{EventBody, EventKey, SourceId};
    use aula_twin_runtime::model::Model;
    use aula_zk::StudentSecret;

    #[test]
    fn a_disclosure_folds_to_the_hash_that_replay_agrees_with() -> Result<(), Box<dyn std::error::Error>> {
        let params = Params::reference(Model::unfitted());
        let key = EventKey { stamp: Stamp::new(5, 0)?, source: SourceId(1), sequence: 1 };
        let body = EventBody::InputRecorded { input: 0, value: 70 };
        let events = [Event { key, skew: Skew::Within, body }];
        let mut disclosure = Disclosure::of(&StudentSecret::new([9; 32]), 3, &params, &events)?;
        let (hash, twin) = fold(&disclosure)?;
        assert!(crate::command::folded::check(&disclosure, hash.0, None)?.agrees);
        assert_eq!(twin.state.need(&params).score(), 700);
        disclosure.salts.remove("need");
        assert_eq!(fold(&disclosure).map(|_| ()).map_err(|f| f.code), Err("no_salt".to_owned()));
        Ok(())
    }

    #[test]
    fn a_folder_without_disclosures_is_refused_and_a_twin_nobody_anchored_takes_no_part()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let state = MemoryState::new();
        let none = Twins::of_files(&state, folder.path()).map(|_| ()).map_err(|f| f.code);
        assert_eq!(none, Err("no_twins".to_owned()));
        let params = Params::reference(Model::unfitted());
        let disclosure = Disclosure::of(&StudentSecret::new([9; 32]), 1, &params, &[])?;
        std::fs::write(folder.path().join("a.json"), serde_json::to_vec(&disclosure)?)?;
        let twins = Twins::of_files(&state, folder.path())?;
        assert_eq!((twins.folded, twins.reproduced, twins.differs.len()), (1, 0, 1));
        assert!(twins.states.is_empty());
        Ok(())
    }

    #[test]
    fn a_fork_leaves_out_the_events_after_the_watermark() -> Result<(), Box<dyn std::error::Error>> {
        let params = Params::reference(Model::unfitted());
        let need = |n: u64, value| -> Result<Event, Box<dyn std::error::Error>> {
            let key = EventKey { stamp: Stamp::new(5 * n, 0)?, source: SourceId(1), sequence: n };
            Ok(Event { key, skew: Skew::Within, body: EventBody::InputRecorded { input: 0, value } })
        };
        let events = [need(1, 70)?, need(2, 80)?, need(3, 90)?];
        let score = |watermark| up_to(&events, watermark, &params).need(&params).score();
        assert_eq!([0, 1, 2, 3, 9].map(score), [0, 700, 800, 900, 900]);
        Ok(())
    }
}
