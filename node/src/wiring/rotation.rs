//! Looks at the vault's schedule while the node runs: says when the key-encryption key is due. Stops nothing, opens
//! no vault and reads no secret, whatever the clock says.

use std::path::PathBuf;
use std::time::Duration;

use aula_vault::schedule::Rotation;
use aula_vault::{Generation, KeyStoreError};
use metrics::{describe_gauge, gauge};

use crate::command::now_ms;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(3_600);

/// Looks at once and then every hour, for as long as the node runs.
pub(super) async fn watch(keystore: PathBuf) {
    describe_gauge!("aula_vault_rotation_days", "days until the vault's key is due, below 0 when it is over");
    loop {
        let folder = keystore.clone();
        // A disk that hangs must not hold up anything else.
        if let Ok(read) = tokio::task::spawn_blocking(move || Generation::read(&folder)).await {
            tell(read);
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn tell(read: Result<Generation, KeyStoreError>) {
    match read.map(|generation| generation.rotation(now_ms())) {
        // A follower without a vault.
        Err(KeyStoreError::Absent(_)) => {}
        Err(error) => tracing::warn!(%error, "the vault's keystore cannot be looked at"),
        Ok(rotation) => {
            let days = match rotation {
                Rotation::Fresh { days_left } => days_left as f64,
                Rotation::Due { days_over } => -(days_over as f64),
                Rotation::ClockBehind => f64::NAN,
            };
            gauge!("aula_vault_rotation_days").set(days);
            if !matches!(rotation, Rotation::Fresh { .. }) {
                tracing::warn!("vault: {rotation}");
            }
        }
    }
}
