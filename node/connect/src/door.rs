//! How the vault is borrowed from whoever keeps it open.

use std::sync::Arc;
use std::time::Duration;

use aula_vault::{Vault, VaultError};

/// How often a vault is asked for that somebody else has for a moment, and how long is waited in between.
const TRIES: usize = 6;
const PAUSE: Duration = Duration::from_millis(200);

/// The vault is not to be had now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the vault is closed for a moment: {0}")]
pub struct Closed(pub String);

/// Whoever has the vault: lends it for one call at a time.
pub trait Door: Send + Sync {
    /// Calls once with the open vault.
    ///
    /// # Errors
    /// [`Lent::Closed`] while somebody else has it, [`Lent::Vault`] when it cannot be opened.
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), Lent>;
}

impl Door for Arc<Vault> {
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), Lent> {
        call(self);
        Ok(())
    }
}

/// Why nothing was done with the vault.
#[derive(Debug, thiserror::Error)]
pub enum Lent {
    /// Somebody else has the vault; ask again in a moment.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The vault is open, and refuses.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Calls once with the open vault, and gives what the call gives.
///
/// # Errors
/// [`Lent`].
pub fn lent<T>(door: &dyn Door, call: impl FnOnce(&Vault) -> Result<T, VaultError>) -> Result<T, Lent> {
    asked(door, call, 1)
}

/// As [`lent`], and asks again for a second where somebody else has the vault: most commands have it for less. Blocks.
///
/// # Errors
/// [`Lent`].
pub fn lent_in_a_moment<T>(
    door: &dyn Door,
    call: impl FnOnce(&Vault) -> Result<T, VaultError>,
) -> Result<T, Lent> {
    asked(door, call, TRIES)
}

fn asked<T>(
    door: &dyn Door,
    call: impl FnOnce(&Vault) -> Result<T, VaultError>,
    tries: usize,
) -> Result<T, Lent> {
    let (mut call, mut given, mut left) = (Some(call), None, tries);
    loop {
        left = left.saturating_sub(1);
        match door.lend(&mut |vault| given = call.take().map(|call| call(vault))) {
            Ok(()) => break,
            // Nothing was done with it yet.
            Err(Lent::Closed(_) | Lent::Vault(VaultError::Busy)) if left > 0 && call.is_some() => {
                std::thread::sleep(PAUSE);
            }
            Err(why) => return Err(why),
        }
    }
    match given {
        // The other one of a pair acts, or nobody does for a moment: nothing is wrong with the vault.
        Some(Err(error @ VaultError::NotActing(_))) => Err(Closed(error.to_string()).into()),
        Some(given) => Ok(given?),
        None => Err(Closed("it was not lent".into()).into()),
    }
}
