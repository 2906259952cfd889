//! The register of interventions that opened by themselves: who owns each, since when, and what had changed when it closed; and of
//! resources that students use too little, as a proposal to whoever runs their class.
//!
//! HOME/service/interventions.json for the service, HOME/reports/interventions.csv and rebalance.csv for people. It also remembers
//! from when on an intervention is due of a student whose engagement is low and of whom nothing new comes: time alone makes it due.
//! Both follow from the students' events, and are made again where a state is folded; losing them delays, and loses nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use aula_district::interventions::{due_from_ms, register};
use aula_district::milestone_book::About;
use aula_files::{Access, private_folder, replace};
use aula_home::{Home, fault};
use aula_ledger::types::Handle;
use aula_server::at_risk::Noted;
use aula_twin_runtime::event::{Event, EventBody};
use aula_twin_runtime::life::Alert;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::TwinState;
use aula_vault::Vault;
use serde::{Deserialize, Serialize};

use super::office::Office;
use crate::command::district::report;
use crate::command::vault::refused;
use crate::command::{Advise, Failure};

/// An intervention as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    owner: String,
    opened_ms: u64,
    closed_ms: Option<u64>,
    /// Proficiency when it began, in ten-thousandths.
    before_e4: i64,
    /// The newest minus that; a difference, not a cause.
    change_e4: i64,
}

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Register {
    /// By student, 64 hex digits, then by number.
    rows: BTreeMap<String, BTreeMap<u32, Row>>,
    /// By student, from when on one is due.
    due_ms: BTreeMap<String, u64>,
    /// By student and resource, the share used, in ten-thousandths, where it is low.
    #[serde(default)]
    low_use: BTreeMap<String, BTreeMap<u32, u16>>,
    #[serde(skip)]
    owner: String,
    #[serde(skip)]
    changed: bool,
}

fn path(home: &Home) -> PathBuf {
    home.service_dir().join("interventions.json")
}

impl Register {
    /// The home's register.
    pub fn load(home: &Home) -> Result<Self, Failure> {
        let owner = aula_home::config::Config::load(home)?.district.interventions_by;
        let bytes = std::fs::read(path(home)).unwrap_or_default();
        let kept: Self = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Self { owner, ..kept })
    }

    /// Whether time alone made an intervention due.
    pub fn is_due(&self, handle: &Handle, now_ms: u64) -> bool {
        self.due_ms.get(&handle.to_string()).is_some_and(|due| *due <= now_ms)
    }

    /// Students of whom an intervention is open, or due: by what the node folded since the last whole fold, else by the register.
    pub fn at_risk(&self, newer: &HashMap<Handle, Noted>, now_ms: u64) -> Vec<String> {
        let open = self.rows.iter().filter(|(_, rows)| rows.values().any(|row| row.closed_ms.is_none()));
        let newer: BTreeMap<String, Option<u64>> =
            newer.iter().map(|(handle, noted)| (handle.to_string(), noted.due_ms)).collect();
        let known = self.due_ms.iter().filter(|(name, _)| !newer.contains_key(*name));
        let known = known.map(|(name, due)| (name, Some(*due)));
        let due = known.chain(newer.iter().map(|(name, due)| (name, *due)));
        let due = due.filter(|(_, due)| due.is_some_and(|due| due <= now_ms));
        let all = open.map(|(name, _)| name).chain(due.map(|(name, _)| name));
        all.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }

    /// Forgets who was erased: what is kept here is of her events, in clear.
    pub fn forget_erased(&mut self, vault: &Vault) -> Result<(), Failure> {
        let names = self.rows.keys().chain(self.due_ms.keys()).chain(self.low_use.keys());
        let names: BTreeSet<String> = names.cloned().collect();
        for name in names {
            let Ok(handle) = name.parse::<Handle>() else { continue };
            if vault.is_erased(&handle).map_err(refused)? {
                self.rows.remove(&name);
                self.due_ms.remove(&name);
                self.low_use.remove(&name);
                self.changed = true;
            }
        }
        Ok(())
    }

    /// Notes a student's interventions as a state has them.
    pub fn note(&mut self, handle: &Handle, state: &TwinState, params: &Params) {
        let name = handle.to_string();
        let due = due_from_ms(state, params);
        let before = match due {
            Some(due) => self.due_ms.insert(name.clone(), due),
            None => self.due_ms.remove(&name),
        };
        self.changed |= before != due;
        let low = low_use(state);
        let before = match low.is_empty() {
            true => self.low_use.remove(&name),
            false => self.low_use.insert(name.clone(), low.clone()),
        };
        self.changed |= before.unwrap_or_default() != low;
        for one in register(state) {
            let row = Row {
                owner: self.owner.clone(),
                opened_ms: one.opened_ms,
                closed_ms: one.closed_ms,
                before_e4: one.before.e4().into(),
                change_e4: one.efficacy().e4().into(),
            };
            let rows = self.rows.entry(name.clone()).or_default();
            // Who owned it when it opened owns it still.
            let owner = rows.get(&one.intervention.0).map(|row| row.owner.clone());
            let row = Row { owner: owner.unwrap_or_else(|| row.owner.clone()), ..row };
            if rows.get(&one.intervention.0) != Some(&row) {
                rows.insert(one.intervention.0, row);
                self.changed = true;
            }
        }
    }

    /// Writes both files where something changed.
    pub fn keep(&mut self, office: &Office) -> Result<(), Failure> {
        if !self.changed {
            return Ok(());
        }
        let home = &office.context.home;
        let hint = "check the folder's owner and the space left";
        for folder in [home.service_dir(), home.path().join("reports")] {
            private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
        }
        let bytes = serde_json::to_vec(self).advise("the register cannot be written", hint)?;
        fault::point();
        replace(&path(home), Access::Private, &bytes)
            .advise("cannot write the register of interventions", hint)?;
        fault::point();
        let table = self.table(office)?;
        let csv = home.path().join("reports").join("interventions.csv");
        replace(&csv, Access::Private, &table).advise(format!("cannot write {}", csv.display()), hint)?;
        let csv = home.path().join("reports").join("rebalance.csv");
        replace(&csv, Access::Private, &self.rebalance()?)
            .advise(format!("cannot write {}", csv.display()), hint)?;
        self.changed = false;
        Ok(())
    }

    /// Resources that are used too little, the most students first; nobody is named.
    fn rebalance(&self) -> Result<Vec<u8>, Failure> {
        let mut by_resource: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for (resource, share) in self.low_use.values().flatten() {
            let (students, sum) = by_resource.entry(*resource).or_default();
            (*students, *sum) = (*students + 1, *sum + u64::from(*share));
        }
        let mut rows: Vec<(u32, u64, u64)> = by_resource
            .into_iter()
            .map(|(resource, (students, sum))| (resource, students, sum / students.max(1)))
            .collect();
        rows.sort_by_key(|(resource, students, _)| (std::cmp::Reverse(*students), *resource));
        let rows = rows.into_iter().map(|(resource, students, share)| {
            [resource.to_string(), students.to_string(), share.to_string()]
        });
        report::table(&["resource", "students", "mean_use_e4"], rows)
    }

    fn table(&self, office: &Office) -> Result<Vec<u8>, Failure> {
        let vault = office.place.open(&office.context)?;
        let mut lines = Vec::new();
        for (handle, rows) in &self.rows {
            let entry = match handle.parse::<Handle>() {
                Ok(handle) if !vault.is_erased(&handle).map_err(refused)? => {
                    vault.roster_entry(&handle).map_err(refused)?
                }
                _ => continue,
            };
            let name = entry.map_or_else(|| handle.clone(), |entry| entry.local_id.clone());
            for (number, row) in rows {
                let number = number.wrapping_sub(aula_district::interventions::FIRST).saturating_add(1);
                let closed = row.closed_ms.map(|ms| ms.to_string()).unwrap_or_default();
                let change = row.closed_ms.map(|_| row.change_e4.to_string()).unwrap_or_default();
                lines.push([
                    name.clone(),
                    number.to_string(),
                    row.owner.clone(),
                    row.opened_ms.to_string(),
                    closed,
                    row.before_e4.to_string(),
                    change,
                ]);
            }
        }
        let header =
            ["local_id", "intervention", "owner", "opened_ms", "closed_ms", "before_e4", "change_e4"];
        report::table(&header, lines.into_iter())
    }
}

/// The resources that a student uses too little, as the parameters see it.
fn low_use(state: &TwinState) -> BTreeMap<u32, u16> {
    let tracks = state.resources().tracks.iter().filter(|track| track.alert == Alert::Raised);
    tracks.map(|track| (track.resource.0, track.utilisation.e4())).collect()
}

/// The milestones that a state's interventions are, those of long ago too: the book knows which stand.
pub(super) fn of_state(state: &TwinState) -> Vec<About> {
    let both = register(state).flat_map(|one| {
        let ended = one.closed_ms.map(|_| About::Ended(one.intervention.0));
        [Some(About::Began(one.intervention.0)), ended]
    });
    both.flatten().collect()
}

/// What milestone an event of the service is.
pub(super) fn about(event: &Event) -> Option<About> {
    match &event.body {
        EventBody::InterventionOpened { intervention } => Some(About::Began(intervention.0)),
        EventBody::InterventionClosed { intervention } => Some(About::Ended(intervention.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use aula_kit::vault::{create, enrol};
    use aula_ledger::types::SchoolYear;

    use super::*;

    #[test]
    fn of_who_was_erased_nothing_stays() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let (_, vault) = create(root.path(), 1)?;
        let handles = enrol(&vault, &["S-1".to_owned(), "S-2".to_owned()], SchoolYear(2026))?;
        let row =
            Row { owner: "counselor".into(), opened_ms: 5, closed_ms: None, before_e4: 0, change_e4: 0 };
        let names = || handles.iter().map(Handle::to_string);
        let mut register = Register {
            rows: names().map(|name| (name, BTreeMap::from([(1, row.clone())]))).collect(),
            due_ms: names().map(|name| (name, 7)).collect(),
            low_use: names().map(|name| (name, BTreeMap::from([(1, 9)]))).collect(),
            ..Register::default()
        };
        register.forget_erased(&vault).map_err(|failure| failure.message)?;
        assert!(!register.changed && register.at_risk(&HashMap::new(), 7).len() == 2);
        let (gone, stays) = (handles[0], handles[1].to_string());
        vault.erase(&[gone], 8)?;
        register.forget_erased(&vault).map_err(|failure| failure.message)?;
        assert!(register.changed);
        assert_eq!(register.at_risk(&HashMap::new(), 7), std::slice::from_ref(&stays));
        assert!(register.rows.keys().chain(register.due_ms.keys()).all(|name| *name == stays));
        assert!(register.low_use.keys().all(|name| *name == stays));
        Ok(())
    }

    #[test]
    fn what_the_node_folded_since_goes_before_the_register_and_what_is_open_stays() {
        let [open, due, later, well, new] = [1, 2, 3, 4, 5].map(|n| Handle([n; 32]));
        let row =
            Row { owner: "counselor".into(), opened_ms: 5, closed_ms: None, before_e4: 0, change_e4: 0 };
        let register = Register {
            rows: BTreeMap::from([(open.to_string(), BTreeMap::from([(1, row)]))]),
            due_ms: [(due, 100), (later, 101), (well, 50)].map(|(who, ms)| (who.to_string(), ms)).into(),
            ..Register::default()
        };
        let names = |all: &[Handle]| all.iter().map(Handle::to_string).collect::<Vec<_>>();
        assert_eq!(register.at_risk(&HashMap::new(), 100), names(&[open, due, well]));
        let noted = |due_ms| Noted { at_ms: 90, due_ms };
        let newer = HashMap::from([
            (open, noted(None)),
            (well, noted(None)),
            (new, noted(Some(100))),
            (later, noted(Some(102))),
        ]);
        assert_eq!(register.at_risk(&newer, 99), names(&[open]), "one who recovered is no longer at risk");
        assert_eq!(register.at_risk(&newer, 100), names(&[open, due, new]));
        assert_eq!(register.at_risk(&newer, 101), names(&[open, due, new]), "the newer moment counts");
        assert_eq!(register.at_risk(&newer, 102), names(&[open, due, later, new]));
    }
}
