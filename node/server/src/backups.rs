//! When copies were made last: HOME/backups.json, written by `aula backup` and `aula node backup`, read by `aula doctor`. Holds no path
//! of a copy and no secret.

use std::io;

use aula_files::Access;
use aula_home::Home;
use serde::{Deserialize, Serialize};

/// The last copies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backups {
    /// When the data were copied, milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_ms: Option<u64>,
    /// What is known of the copy of the keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeysCopied>,
    /// When the node's database was copied by `aula node backup`, milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_ms: Option<u64>,
}

/// A copy of the keystore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysCopied {
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// The keystore's generation in it.
    pub generation: u32,
}

impl Backups {
    /// What this home knows; nothing when no copy was made.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn of_home(home: &Home) -> io::Result<Self> {
        match std::fs::read(home.backups_file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            read => Ok(serde_json::from_slice(&read?)?),
        }
    }

    /// Writes it down.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, home: &Home) -> io::Result<()> {
        aula_files::replace(&home.backups_file(), Access::Public, &serde_json::to_vec(self)?)
    }
}
