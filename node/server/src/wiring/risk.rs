//! Students whose engagement is low for too long, noted as their events are folded and not at the next whole fold.
//!
//! Flow: what feeds fold is noted at once ([`Watch`]); what came past them (imports, commands, a fold that failed, what a process before
//! this one did not fold) waits → every `[alerts] risk_every_s` those students alone are folded from the vault, some at a time → whoever is
//! newly low is listed in the access log, then everything is written for the district's service (`aula_server::at_risk`). Invariants: no
//! look reads everybody but the first, which reads keys, not events, of those who have nothing new; what could not be folded or listed waits.
//! Absent: opening interventions, which the service does.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aula_connect::door::{Door, Lent, lent};
use aula_connect::pipeline::Observer;
use aula_district::interventions::due_from_ms;
use aula_district::live::{Changed, LiveError, events_of};
use aula_home::clock::now_ms;
use aula_home::config::{AlertKind, Config};
use aula_home::{Advise, Failure, Home};
use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use aula_store::ChainDb;
use aula_twin_runtime::event::Event;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_vault::access::Provided;
use aula_vault::vault::is_there;
use aula_vault::{Vault, VaultError};
use aula_web::http::AppState;

use super::in_force::params;
use super::xapi::KeptDoor;
use crate::at_risk::{self, Noted};
use crate::feed_health::TOLD_EVERY;

#[cfg(test)]
mod tests;

/// As whom the access log lists it.
const READER: &str = "aula-risk";
/// Students folded, or looked through, while the vault is lent once.
const AT_ONCE: usize = 200;
const HINT: &str = "see `aula doctor`; it is tried again at the next look";

/// What is known, and what waits.
pub(super) struct Risk {
    home: Home,
    inner: Mutex<Inner>,
}

/// A student as the newest fold has it.
struct Known {
    noted: Noted,
    /// Which note it was: a fold that began before it is older, whatever the clock says.
    turn: u64,
}

#[derive(Default)]
struct Inner {
    known: HashMap<Handle, Known>,
    turn: u64,
    /// To be folded from the vault.
    waiting: BTreeSet<Handle>,
    /// To be looked through for events that nobody folded: everybody, when the process begins.
    unseen: Vec<Handle>,
    /// Newly low: listed in the access log before they are told.
    unlisted: BTreeSet<Handle>,
    /// There is more to be told than was written.
    changed: bool,
    /// The newest import whose students wait or were folded; none before the first look.
    import: Option<u64>,
}

impl Inner {
    /// Takes what a fold found that began at a turn.
    fn note(&mut self, handle: Handle, noted: Noted, turn: u64) {
        let before = self.known.get(&handle);
        if before.is_some_and(|before| before.turn > turn) {
            return;
        }
        let due = before.map(|before| before.noted.due_ms);
        if due != Some(noted.due_ms) {
            self.changed = true;
            match noted.due_ms {
                Some(_) => self.unlisted.insert(handle),
                None => self.unlisted.remove(&handle),
            };
        }
        self.known.insert(handle, Known { noted, turn });
    }
}

/// Tells what feeds fold, and passes it on.
pub(super) struct Watch {
    next: Arc<dyn Observer>,
    risk: Arc<Risk>,
}

impl Observer for Watch {
    fn folded(&self, events: &[(Handle, Event)], changed: &[Changed]) {
        {
            let (mut inner, at_ms) = (self.risk.inner(), now_ms());
            inner.turn += 1;
            let turn = inner.turn;
            for one in changed {
                inner.note(one.handle, Noted { at_ms, due_ms: one.due_from_ms }, turn);
            }
        }
        self.next.folded(events, changed);
    }

    fn missed(&self, handles: &[Handle]) {
        self.risk.inner().waiting.extend(handles);
        self.next.missed(handles);
    }
}

/// Notes for as long as the node runs; none where nobody is told of students at risk.
pub(super) fn start(
    home: &Home,
    config: &Config,
    (node, db): (&Arc<AppState>, &Arc<ChainDb>),
) -> Option<Arc<Risk>> {
    if !config.alerts.kinds.contains(&AlertKind::AtRisk) {
        if let Err(error) = at_risk::clear(home) {
            tracing::warn!(%error, "what was noted of students at risk cannot be taken away");
        }
        return None;
    }
    let door = KeptDoor::of(node)?;
    let risk = Arc::new(Risk::of(home));
    let data = config.vault.data_dir(home);
    let (own, to, every) = (risk.clone(), door.clone(), Duration::from_secs(config.alerts.risk_every_s));
    let (of, db) = (home.clone(), db.clone());
    tokio::spawn(repeat(
        every,
        move || {
            if is_there(&data) { own.look(&to, || params(&of, &db)) } else { Ok(0) }
        },
    ));
    let own = risk.clone();
    tokio::spawn(repeat(TOLD_EVERY, move || own.tell(&door, now_ms())));
    Some(risk)
}

/// Does it again and again; tells of a failure once, until it is done.
async fn repeat(every: Duration, work: impl Fn() -> Result<usize, Failure> + Send + Sync + 'static) {
    let (work, mut failed) = (Arc::new(work), false);
    loop {
        let own = work.clone();
        match tokio::task::spawn_blocking(move || own()).await {
            Ok(Ok(some)) => {
                failed = false;
                if some > 0 {
                    tracing::debug!(students = some, "who is at risk was noted");
                }
            }
            Ok(Err(failure)) if !failed => {
                tracing::warn!(code = failure.code, next = failure.hint, "students at risk: {failure}");
                failed = true;
            }
            Ok(Err(_)) => {}
            // The runtime ends.
            Err(_) => return,
        }
        tokio::time::sleep(every).await;
    }
}

impl Risk {
    /// With what an earlier process told.
    fn of(home: &Home) -> Self {
        let known = at_risk::read(home).into_iter().map(|(handle, noted)| (handle, Known { noted, turn: 0 }));
        let inner = Inner { known: known.collect(), ..Inner::default() };
        Self { home: home.clone(), inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stands between the feeds and an observer.
    pub(super) fn before(self: &Arc<Self>, next: Arc<dyn Observer>) -> Arc<Watch> {
        Arc::new(Watch { next, risk: self.clone() })
    }

    /// Folds who waits; gives how many. A vault that somebody else has is asked for at the next look.
    fn look(&self, door: &dyn Door, params: impl Fn() -> Result<Params, Failure>) -> Result<usize, Failure> {
        let asked = at_risk::asked(&self.home);
        self.inner().waiting.extend(asked.advise("what commands asked for cannot be read", HINT)?);
        match self.gather(door).and_then(|()| self.look_through(door)) {
            Err(Lent::Closed(_)) => return Ok(0),
            other => other.advise("who has new events cannot be read", HINT)?,
        }
        if self.inner().waiting.is_empty() {
            return Ok(0);
        }
        let params = params()?;
        match self.fold(door, &params) {
            Err(Lent::Closed(_)) => Ok(0),
            other => other.advise("students cannot be folded", HINT),
        }
    }

    /// Whom imports brought events, and at first everybody to be looked through; forgets who was erased.
    fn gather(&self, door: &dyn Door) -> Result<(), Lent> {
        let import = self.inner().import;
        lent(door, |vault| {
            let (imported, newest) = match import {
                Some(import) => vault.imported_after(import)?,
                None => (BTreeSet::new(), vault.imports()?.last().map_or(0, |last| last.import)),
            };
            let mut inner = self.inner();
            let keys = vault.keystore();
            let before = inner.known.len();
            inner.known.retain(|handle, _| keys.student(handle).is_some());
            inner.changed |= inner.known.len() != before;
            inner.waiting.extend(imported);
            if import.is_none() {
                inner.unseen = keys.all_handles().into_iter().map(|(handle, _)| handle).collect();
            }
            inner.import = Some(newest);
            Ok(())
        })
    }

    /// Who of those that are to be looked through has events that no anchored state was folded from.
    fn look_through(&self, door: &dyn Door) -> Result<(), Lent> {
        loop {
            let some: Vec<Handle> = self.inner().unseen.iter().rev().take(AT_ONCE).copied().collect();
            if some.is_empty() {
                return Ok(());
            }
            let mut found = Vec::new();
            lent(door, |vault| {
                for handle in &some {
                    if vault.has_events_to_anchor(handle)? {
                        found.push(*handle);
                    }
                }
                Ok(())
            })?;
            let mut inner = self.inner();
            let left = inner.unseen.len().saturating_sub(some.len());
            inner.unseen.truncate(left);
            inner.waiting.extend(found);
        }
    }

    /// Folds all who wait.
    fn fold(&self, door: &dyn Door, params: &Params) -> Result<usize, Lent> {
        let mut done = 0;
        loop {
            // Taken out first: whose events come meanwhile waits again.
            let (some, turn) = {
                let mut inner = self.inner();
                let some: Vec<Handle> =
                    std::iter::from_fn(|| inner.waiting.pop_first()).take(AT_ONCE).collect();
                (some, inner.turn)
            };
            if some.is_empty() {
                return Ok(done);
            }
            let mut found = Vec::with_capacity(some.len());
            let folded = lent(door, |vault| {
                for handle in &some {
                    found.extend(due(vault, handle, params)?.map(|due_ms| (*handle, due_ms)));
                }
                Ok(())
            });
            let (mut inner, at_ms) = (self.inner(), now_ms());
            if let Err(why) = folded {
                inner.waiting.extend(some);
                return Err(why);
            }
            done += found.len();
            for (handle, due_ms) in found {
                inner.note(handle, Noted { at_ms, due_ms }, turn);
            }
        }
    }

    /// Lists who is newly low, and writes what changed; gives how many were listed.
    fn tell(&self, door: &dyn Door, now_ms: u64) -> Result<usize, Failure> {
        let unlisted = std::mem::take(&mut self.inner().unlisted);
        if !unlisted.is_empty() {
            let reader = Name::new(READER).advise("the reader's name is not valid", aula_home::DEFECT)?;
            let listed =
                lent(door, |vault| vault.list_provided(&unlisted, &reader, Provided::Events, now_ms));
            let mut inner = self.inner();
            match listed {
                Ok(granted) => {
                    // Who was erased meanwhile is nobody's business.
                    for handle in unlisted.difference(&granted) {
                        inner.known.remove(handle);
                    }
                }
                Err(why) => {
                    inner.unlisted.extend(&unlisted);
                    return match why {
                        Lent::Closed(_) => Ok(0),
                        why => Err(why).advise("the access log cannot be written", HINT),
                    };
                }
            }
        }
        let all: HashMap<Handle, Noted> = {
            let mut inner = self.inner();
            if !std::mem::take(&mut inner.changed) {
                return Ok(unlisted.len());
            }
            let told = inner.known.iter().filter(|(handle, _)| !inner.unlisted.contains(*handle));
            let told = told.map(|(handle, known)| (*handle, known.noted)).collect();
            // Who became low since the list is told with the next one.
            inner.changed = !inner.unlisted.is_empty();
            told
        };
        if let Err(failure) = at_risk::write(&self.home, &all) {
            self.inner().changed = true;
            return Err(failure);
        }
        Ok(unlisted.len())
    }
}

/// From when on an intervention of a student is due; the outer none of one who is not to be folded.
fn due(vault: &Vault, handle: &Handle, params: &Params) -> Result<Option<Option<u64>>, VaultError> {
    match events_of(vault, handle) {
        Ok(events) => {
            let mut history = History::new(params);
            history.add(events, params);
            Ok(Some(due_from_ms(history.state(), params)))
        }
        Err(LiveError::Vault(VaultError::Erased(_) | VaultError::UnknownHandle(_))) => Ok(None),
        // One student's damage holds nobody up; the whole fold fails by it, and says so.
        Err(LiveError::Vault(VaultError::Sealed(..) | VaultError::Damaged(_)) | LiveError::Event(_)) => {
            Ok(None)
        }
        Err(LiveError::Vault(why)) => Err(why),
    }
}
