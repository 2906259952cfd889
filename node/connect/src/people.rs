//! Which student an identifier names: asked of the keystore once, and remembered for one opening of the vault.

use std::collections::HashMap;

use aula_ledger::types::{Handle, SchoolYear, TimeMs};
use aula_vault::{LocalId, Vault, VaultError};

/// Identifiers remembered at most; beyond that all are asked anew.
const MAX_KNOWN: usize = 200_000;

/// Handles by year and identifier.
#[derive(Debug, Default)]
pub struct People {
    known: HashMap<u16, HashMap<String, Option<Handle>>>,
    count: usize,
    /// Of which opening, and with how many handles: who enrolled since is asked for anew.
    of: Option<(u64, usize)>,
}

impl People {
    /// The handle of a student in the school year of a moment, else the newest one; none of nobody whom the vault knows.
    ///
    /// # Errors
    /// When the keystore cannot be read.
    pub fn find(&mut self, vault: &Vault, id: &str, at_ms: u64) -> Result<Option<Handle>, VaultError> {
        let year = SchoolYear::at(TimeMs(at_ms));
        if let Some(known) = self.known.get(&year.0).and_then(|known| known.get(id)) {
            return Ok(*known);
        }
        let Some(local) = LocalId::new(id) else { return Ok(None) };
        let found = match vault.find_in(&local, year)? {
            Some(handle) => Some(handle),
            None => vault.keystore().find(&local),
        };
        let found = match found {
            Some(handle) if vault.is_erased(&handle)? => None,
            found => found,
        };
        if self.count >= MAX_KNOWN {
            self.forget();
        }
        self.known.entry(year.0).or_default().insert(id.to_owned(), found);
        self.count += 1;
        Ok(found)
    }

    /// Forgets what another opening, or fewer handles, told.
    pub fn refresh(&mut self, vault: &Vault) {
        let of = (vault.opening(), vault.keystore().handles());
        if self.of != Some(of) {
            self.forget();
            self.of = Some(of);
        }
    }

    /// Forgets everybody.
    pub fn forget(&mut self) {
        self.known.clear();
        self.count = 0;
    }
}
