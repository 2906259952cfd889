//! The schedule of the vault's key-encryption key, while the node runs: looks every hour, says when the key is due, and
//! replaces it if the configuration leaves that to the node.
//!
//! Invariants: looking opens no vault and reads no secret; whatever the clock says, nothing is stopped: a clock that
//! jumped ahead makes a rotation come early, which costs nothing, and one that jumped back makes it late. A vault that is
//! in use is asked for, and tried again in an hour. Absent: the backup of the new keystore, which is the operator's.

use std::collections::BTreeSet;
use std::time::Duration;

use aula_home::clock::now_ms;
use aula_home::config::RotationBy;
use aula_vault::schedule::Rotation;
use aula_vault::{Folders, Generation, KeyStoreError, Vault, VaultError};
use metrics::{describe_gauge, gauge};

#[cfg(test)]
mod tests;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(3_600);
const DAY_S: f64 = 86_400.0;
/// How long it asks for a vault that this node's readers keep open, and gives up where a command has it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Looks at once and then every hour, for as long as the node runs.
pub(super) async fn watch(folders: Folders, by: RotationBy) {
    describe_gauge!(
        "aula_vault_rotation_due_seconds",
        "seconds until the vault's key is due, below 0 when it is over"
    );
    loop {
        let folders = folders.clone();
        // A disk that hangs must not hold up anything else.
        let looked = tokio::task::spawn_blocking(move || look(&folders, by, now_ms())).await;
        if let Ok(Err(error)) = looked {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the vault's keystore cannot be looked at"
            );
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Tells what the clock says of the key, and replaces it when that is due and the node's to do.
fn look(folders: &Folders, by: RotationBy, now_ms: u64) -> Result<(), VaultError> {
    let rotation = match Generation::read(&folders.keystore) {
        // A follower without a vault.
        Err(KeyStoreError::Absent(_)) => return Ok(()),
        read => read?.rotation(now_ms),
    };
    tell(rotation);
    if !rotation.is_due() || by == RotationBy::Operator {
        return Ok(());
    }
    let vault = match Vault::open_in_turn(folders, PATIENCE) {
        Err(VaultError::Busy | VaultError::NotActing(_)) => {
            tracing::info!(
                "vault: in use, or the other one of the pair acts: its key is replaced within the hour"
            );
            return Ok(());
        }
        opened => opened?,
    };
    let mut keystore = vault.keystore();
    keystore.replace(&BTreeSet::new(), now_ms)?;
    tracing::info!(generation = keystore.current().generation, "vault: key replaced; back up the keystore");
    tell(keystore.current().rotation(now_ms));
    Ok(())
}

fn tell(rotation: Rotation) {
    let due = match rotation {
        Rotation::Fresh { days_left } => days_left as f64 * DAY_S,
        Rotation::Due { days_over } => -(days_over as f64) * DAY_S,
        Rotation::ClockBehind => f64::NAN,
    };
    gauge!("aula_vault_rotation_due_seconds").set(due);
    if !matches!(rotation, Rotation::Fresh { .. }) {
        tracing::warn!("vault: {rotation}");
    }
}
