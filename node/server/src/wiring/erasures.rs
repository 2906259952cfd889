//! Erasures that the ledger has and this home's vault lacks: done again.
//!
//! A home of a pair that took over with an accepted loss still has the students whom the other one erased while it was alone; what that one
//! recorded is on the ledger. It is compared with the vault when a turn of acting begins, and each minute while it lasts, since a node may
//! hear the newest blocks later. Absent: an erasure that was not recorded yet, which nobody here can know of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use aula_home::clock::now_ms;
use aula_home::{Advise, Failure, Home};
use aula_ledger::state::{StateReader, schema};
use aula_ledger::types::{Handle, SchoolYear};
use aula_vault::{Vault, VaultError};
use aula_web::family_link;
use aula_web::http::AppState;

use super::xapi::KeptDoor;

#[cfg(test)]
mod tests;

/// Between two looks of a turn.
const EVERY: Duration = Duration::from_secs(60);
const HINT: &str = "run `aula vault erase` with the handle, and see the vault's disk";

/// What looks, of one home.
pub(super) struct Again {
    /// Not kept alive by this: its database closes with it.
    node: Weak<AppState>,
    links: PathBuf,
    looked: Option<Instant>,
}

impl Again {
    pub(super) fn new(home: &Home, node: &Arc<AppState>) -> Self {
        Self { node: Arc::downgrade(node), links: home.links_dir(), looked: None }
    }

    /// The next look is due.
    pub(super) fn begin(&mut self) {
        self.looked = None;
    }

    /// Looks, where it is due and the vault can be had.
    pub(super) fn look(&mut self, door: &KeptDoor) {
        if self.looked.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        let Some(node) = self.node.upgrade() else { return };
        let vault = match door.shared() {
            Ok(vault) => vault,
            // It is tried again with the next round.
            Err(VaultError::Busy | VaultError::NotActing(_)) => return,
            Err(error) => {
                tracing::warn!(%error, "the vault is not compared with the ledger's erasures yet");
                return;
            }
        };
        self.looked = Some(Instant::now());
        match erase(&vault, &*node.view(), &self.links, now_ms()) {
            Ok(0) => {}
            Ok(handles) => {
                tracing::warn!(handles, "erased again: the ledger had their erasure, and this vault did not")
            }
            Err(failure) => {
                tracing::error!(
                    error = failure.message,
                    next = failure.hint,
                    "an erasure on the ledger was not repeated in this vault"
                );
            }
        }
    }
}

/// Erases whom the vault has and the ledger calls erased, and closes their links; gives how many handles went.
fn erase(vault: &Vault, state: &dyn StateReader, links: &Path, now_ms: u64) -> Result<usize, Failure> {
    // A vault that is bound to no chain has nobody on one.
    let Ok(district) = vault.identity().map(|identity| identity.district) else { return Ok(0) };
    let handles = vault.keystore().all_handles();
    let years: BTreeSet<SchoolYear> = handles.iter().map(|(_, year)| *year).collect();
    let mut missed = Vec::new();
    for year in years {
        let rows = state.rows(&schema::erasures_tree(district, year)).hint(HINT)?;
        let known = |handle: &Handle| vault.keystore().student(handle).is_some();
        missed.extend(rows.into_iter().map(|(handle, _)| handle).filter(known));
    }
    if missed.is_empty() {
        return Ok(0);
    }
    let erased = vault.erase(&missed, now_ms).hint(HINT)?;
    family_link::revoke_of(links, &erased, now_ms).hint(HINT)?;
    vault.keep_erasure_receipt(&missed, None).hint(HINT)?;
    Ok(erased.len())
}
