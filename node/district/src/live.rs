//! Twins in memory, brought up to date as events enter.
//!
//! Flow: events that [`crate::enter`] put on disk → [`LiveTwins::fold`] → who changed and how. A twin that is not in memory is
//! folded from the vault's events; one that is takes the new ones, and what came late folds again what stands after it. A twin
//! keeps its last few hundred events and lets go of older ones ([`History::forget`]); what belongs before those is folded from
//! the vault again. Invariants: a twin here is the fold of the vault's events of its student; twins of another opening of
//! the vault are not used, since others may have written. Absent: writing, anchoring, and deciding who may see a twin.

use std::collections::HashMap;

use aula_ledger::types::Handle;
use aula_twin_runtime::event::{Event, EventBody, EventError, EventKey};
use aula_twin_runtime::merge::{History, Unusable};
use aula_twin_runtime::params::Params;
use aula_twin_runtime::transitions::Transition;
use aula_twin_runtime::twin::TwinState;
use aula_vault::{Vault, VaultError};

use crate::interventions::due_from_ms;

/// Twins in memory at most; those not touched for longest go first. A twin of 847 skills takes about 70 kB.
const MAX_TWINS: usize = 60_000;

/// Why twins cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The vault refuses.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// An event in the vault is not valid.
    #[error("an event in the vault is damaged")]
    Event(#[from] EventError),
}

/// What a batch did to a student's twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The student, by the pseudonym under which the events are kept.
    pub handle: Handle,
    /// Transitions that the fold has now and had not before.
    pub gained: Vec<Transition>,
    /// Transitions that it had and has no longer: an amendment or a late event took them away.
    pub lost: Vec<Transition>,
    /// Events folded, again or for the first time.
    pub folded: usize,
    /// From when on an intervention is due if nothing else comes ([`due_from_ms`]), milliseconds since 1970; none while none is.
    pub due_from_ms: Option<u64>,
}

/// Twins in memory.
#[derive(Debug)]
pub struct LiveTwins {
    params: Params,
    opening: Option<u64>,
    /// Touched since the last change of generations, and before.
    young: HashMap<Handle, History>,
    old: HashMap<Handle, History>,
}

impl LiveTwins {
    /// None in memory yet.
    pub fn new(params: Params) -> Self {
        Self { params, opening: None, young: HashMap::new(), old: HashMap::new() }
    }

    /// How many are in memory.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// True when none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Folds with other parameters from now on.
    pub fn set_params(&mut self, params: Params) {
        self.params = params;
        self.forget();
    }

    /// Forgets all of them: each is folded from the vault when an event of its student comes.
    pub fn forget(&mut self) {
        self.young.clear();
        self.old.clear();
    }

    /// Forgets one of them, as [`LiveTwins::forget`]: what the vault has of its student is other than what was folded.
    pub fn forget_of(&mut self, handle: &Handle) {
        self.young.remove(handle);
        self.old.remove(handle);
    }

    /// A student's twin as it is in memory.
    pub fn get(&self, handle: &Handle) -> Option<&TwinState> {
        self.young.get(handle).or_else(|| self.old.get(handle)).map(History::state)
    }

    /// Brings twins up to date with events that are in the vault already.
    ///
    /// # Errors
    /// [`LiveError`]; twins that were not reached are folded from the vault the next time.
    pub fn fold(
        &mut self,
        vault: &Vault,
        events: impl IntoIterator<Item = (Handle, Event)>,
    ) -> Result<Vec<Changed>, LiveError> {
        if self.opening != Some(vault.opening()) {
            self.forget();
            self.opening = Some(vault.opening());
        }
        let mut by_student: HashMap<Handle, Vec<Event>> = HashMap::new();
        for (handle, event) in events {
            by_student.entry(handle).or_default().push(event);
        }
        let mut changed = Vec::with_capacity(by_student.len());
        for (handle, mut events) in by_student {
            // In order, each is one step; a late one among them would fold the rest again for each.
            events.sort_unstable_by_key(|event| event.key);
            changed.push(self.fold_one(vault, handle, events)?);
        }
        Ok(changed)
    }

    fn fold_one(&mut self, vault: &Vault, handle: Handle, events: Vec<Event>) -> Result<Changed, LiveError> {
        let Some(mut history) = self.young.remove(&handle).or_else(|| self.old.remove(&handle)) else {
            return self.fold_anew(vault, handle, &events);
        };
        let in_order = follows(history.state().watermark(), &events);
        let before = history.folded().transitions.len();
        let kept = if in_order { Vec::new() } else { history.folded().transitions.clone() };
        let added = history.add(events.iter().cloned(), &self.params);
        if added.unusable.iter().any(|(_, why)| *why == Unusable::BeforeBase) {
            return self.fold_anew(vault, handle, &events);
        }
        let after = &history.folded().transitions;
        let (gained, lost) = match in_order {
            true => (after.get(before..).unwrap_or_default().to_vec(), Vec::new()),
            false => differing(&kept, after),
        };
        let due_from_ms = due_from_ms(history.state(), &self.params);
        history.forget();
        self.keep(handle, history);
        Ok(Changed { handle, gained, lost, folded: added.refolded, due_from_ms })
    }

    /// Folds a twin from the vault, which has the new events already.
    fn fold_anew(&mut self, vault: &Vault, handle: Handle, new: &[Event]) -> Result<Changed, LiveError> {
        let events = events_of(vault, &handle)?;
        let is_new = |event: &&Event| new.iter().any(|new| new.key == event.key);
        let before: Vec<Event> = events.iter().filter(|event| !is_new(event)).cloned().collect();
        let last = before.iter().map(|event| event.key).max();
        let mut history = History::new(&self.params);
        let folded = events.len();
        history.add(events, &self.params);
        let after = &history.folded().transitions;
        let (gained, lost) = match follows(last, new) {
            true => {
                let of_new = |one: &&Transition| last.is_none_or(|last| one.at > last);
                (after.iter().filter(of_new).copied().collect(), Vec::new())
            }
            false => {
                let mut without = History::new(&self.params);
                without.add(before, &self.params);
                differing(&without.folded().transitions, after)
            }
        };
        let due_from_ms = due_from_ms(history.state(), &self.params);
        history.forget();
        self.keep(handle, history);
        Ok(Changed { handle, gained, lost, folded, due_from_ms })
    }

    fn keep(&mut self, handle: Handle, history: History) {
        if self.young.len() >= MAX_TWINS / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(handle, history);
    }
}

/// Whether events all come after what was folded, and amend nothing of it.
fn follows(last: Option<EventKey>, events: &[Event]) -> bool {
    events.iter().all(|event| {
        last.is_none_or(|last| event.key > last) && !matches!(event.body, EventBody::Correction { .. })
    })
}

/// What the second list has and the first has not, and the other way.
pub(crate) fn differing(before: &[Transition], after: &[Transition]) -> (Vec<Transition>, Vec<Transition>) {
    let missing = |of: &[Transition], from: &[Transition]| -> Vec<Transition> {
        of.iter().filter(|transition| !from.contains(transition)).copied().collect()
    };
    (missing(after, before), missing(before, after))
}

/// A student's events as the vault has them, in order.
///
/// # Errors
/// [`LiveError`].
pub fn events_of(vault: &Vault, handle: &Handle) -> Result<Vec<Event>, LiveError> {
    let bytes = vault.events_to_fold(handle)?;
    Ok(bytes.iter().map(|bytes| Event::decode(bytes)).collect::<Result<_, _>>()?)
}
