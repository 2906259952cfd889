//! The vault kept open between requests, and given up when somebody else wants it.
//!
//! Opening a vault reads and checks every student's wrapped key: 0.1 to 1 s at 50,000 students, which no request should
//! wait for. Flow: a request takes the turn → [`KeptVault::open`] gives the open vault, or opens it and starts a thread
//! that looks every [`EVERY`] whether a command asks ([`aula_vault::turn`]) or nobody has read for [`IDLE`], and then
//! closes it. Invariants: a request never opens a vault that a command asks for; a folder without turns is opened for
//! one request alone; after a failure it is opened anew, so that nothing stale is read. Absent: any cache of records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aula_vault::turn::Turn;
use aula_vault::{Folders, Vault, VaultError};
use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::api_error::ApiError;

/// How often it looks whether somebody asks.
const EVERY: Duration = Duration::from_millis(10);
/// How long keys stay in memory after the last read.
const IDLE: Duration = Duration::from_secs(10);

/// The vault while it is open, and whose turn it is.
#[derive(Debug)]
pub struct KeptVault {
    turn: Arc<Semaphore>,
    slot: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    vault: Arc<Vault>,
    turn: Turn,
    used: Instant,
}

impl Default for KeptVault {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), slot: Mutex::new(None) }
    }
}

impl KeptVault {
    /// Waits for this node's turn at it.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes the semaphore.
        self.turn.clone().acquire_owned().await.ok()
    }

    /// The open vault; the caller has the turn, and lets it go before the turn.
    ///
    /// # Errors
    /// [`VaultError::Busy`] while a command asks for it or has it; those of [`Vault::open`].
    pub fn open(self: &Arc<Self>, folders: &Folders) -> Result<Arc<Vault>, VaultError> {
        let mut slot = self.slot();
        if let Some(kept) = slot.as_mut() {
            if !kept.turn.is_asked() {
                kept.used = Instant::now();
                return Ok(kept.vault.clone());
            }
            *slot = None;
        }
        let Ok(turn) = Turn::at(&folders.data) else { return Ok(Arc::new(Vault::open(folders)?)) };
        if turn.is_asked() {
            return Err(VaultError::Busy);
        }
        let vault = Arc::new(Vault::open(folders)?);
        *slot = Some(Kept { vault: vault.clone(), turn, used: Instant::now() });
        let watched = self.clone();
        let watcher = std::thread::Builder::new().name("vault-turn".into()).spawn(move || watched.watch());
        if watcher.is_err() {
            // Nobody would hear a command ask.
            *slot = None;
        }
        Ok(vault)
    }

    /// Closes it once the request that uses it has ended.
    pub fn close(&self) {
        *self.slot() = None;
    }

    fn watch(&self) {
        loop {
            std::thread::sleep(EVERY);
            let mut slot = self.slot();
            match slot.as_ref() {
                None => return,
                Some(kept) if kept.used.elapsed() > IDLE || kept.turn.is_asked() => *slot = None,
                Some(_) => {}
            }
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Kept>> {
        // What a panic leaves is a vault or none, both whole.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A vault that cannot be read now, as the reader is told.
pub(crate) fn unreadable(error: VaultError) -> ApiError {
    let unavailable =
        |code, message, hint| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, message, hint);
    match error {
        VaultError::Busy => unavailable("vault_busy", "the vault is in use", "try again in a second"),
        VaultError::NotActing(_) => unavailable(
            "not_acting",
            "the vault is served by the other one of a pair now",
            "ask the other one, or again in a few seconds",
        ),
        error => {
            tracing::error!(error = &error as &dyn std::error::Error, "a read of the vault failed");
            unavailable("vault_unusable", "the vault cannot be read now", "tell the district's operator")
        }
    }
}
