//! A district's vault: both halves there and private, its key in time, its copies not older than what they copy.

use std::path::Path;

use aula_home::Home;
use aula_home::config::Config;
use aula_server::backups::Backups;
use aula_vault::room::Room;
use aula_vault::schedule::Rotation;
use aula_vault::{Generation, KeyStoreError};

use super::Check;

const DAY_MS: u64 = 86_400_000;
/// A copy of the data older than this loses too much.
const OLD_DAYS: u64 = 7;

/// Nothing when this home has no vault.
pub fn all(home: &Home, config: &Config, now_ms: u64) -> Vec<Check> {
    let (data, keystore) = (config.vault.data_dir(home), config.vault.keystore_dir(home));
    if !data.exists() && !keystore.exists() {
        return Vec::new();
    }
    let mut checks = vec![halves(&data, &keystore)];
    checks.extend(share(&Room::new(&data, config.quotas.vault_mib)));
    match Generation::read(&keystore) {
        Ok(current) => {
            checks.push(schedule(current.rotation(now_ms)));
            checks.push(backups(Backups::of_home(home), current.generation, now_ms));
        }
        Err(KeyStoreError::Absent(_)) => {}
        Err(error) => checks.push(Check::fail(
            "keystore",
            aula_home::with_causes(&error),
            "give the folder mode 0700, or bring the newest copy back with `aula restore`",
        )),
    }
    checks
}

fn halves(data: &Path, keystore: &Path) -> Check {
    let next = "mount the missing disk, or bring both copies back with `aula restore`; without its keys no record opens";
    match (data.join("CURRENT").exists(), keystore.join("CURRENT").exists()) {
        (true, true) => Check::ok("vault", format!("data {}, keys {}", data.display(), keystore.display())),
        (true, false) => Check::fail("vault", format!("its keys are not in {}", keystore.display()), next),
        (false, _) => Check::fail("vault", format!("its data are not in {}", data.display()), next),
    }
}

/// What the vault uses of its share of the disk; nothing without a share.
pub fn share(room: &Room) -> Option<Check> {
    let (name, most) = ("vault_quota", room.most()?);
    let used = room.used().ok()?;
    let detail = format!("{} MiB of {} MiB", used >> 20, most >> 20);
    let next = "erase who is gone, or raise vault_mib in [quotas] of config.toml";
    Some(match used {
        used if used >= most => {
            Check::fail(name, format!("{detail}: no feed and no import of files enters"), next)
        }
        used if used / 8 >= most / 10 => Check::warn(name, detail, next),
        _ => Check::ok(name, detail),
    })
}

/// What the key's schedule says.
pub fn schedule(rotation: Rotation) -> Check {
    let name = "vault_key";
    let next = "replace it: aula vault rotate (it rewraps keys, not data), then aula backup --keys";
    match rotation {
        Rotation::Due { .. } => Check::fail(name, rotation.to_string(), next),
        Rotation::Fresh { days_left } if days_left < 7 => Check::warn(name, rotation.to_string(), next),
        _ => Check::ok(name, rotation.to_string()),
    }
}

/// What is known of the copies, against the keystore's generation now.
pub fn backups(noted: std::io::Result<Backups>, generation: u32, now_ms: u64) -> Check {
    let name = "backups";
    let next = "aula backup --data DIR and aula backup --keys OTHER-DIR, to two different places";
    let noted = match noted {
        Ok(noted) => noted,
        Err(error) => {
            return Check::warn(name, format!("the note of the last copies cannot be read: {error}"), next);
        }
    };
    let age = |made_ms: u64| now_ms.saturating_sub(made_ms) / DAY_MS;
    match (noted.data_ms, noted.keys) {
        (None, _) => Check::fail(name, "the vault's data were never copied", next),
        (_, None) => Check::fail(name, "the vault's keys were never copied", next),
        (_, Some(keys)) if keys.generation != generation => {
            let detail =
                format!("the copy holds key generation {}, the keystore is at {generation}", keys.generation);
            Check::fail(name, detail, "aula backup --keys DIR: the copy opens nothing that was written since")
        }
        (Some(data_ms), Some(_)) if age(data_ms) >= OLD_DAYS => {
            Check::warn(name, format!("the vault's data were copied {} days ago", age(data_ms)), next)
        }
        (Some(data_ms), Some(_)) => {
            Check::ok(name, format!("data copied {} days ago, keys at generation {generation}", age(data_ms)))
        }
    }
}
