//! What is public about a generation of the keystore, and where it lies.

use std::path::{Path, PathBuf};

use aula_ledger::keys::{Label, hash};
use aula_ledger::types::{AccountId, DistrictId, Hash};
use serde::{Deserialize, Serialize};

use super::{KekId, KeyStoreError};
use crate::files::{FileError, check_private};
use crate::owner::Owner;
use crate::schedule::Rotation;

/// What is public about a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Generation {
    /// Always 1; a file of another version is refused.
    pub version: u8,
    /// The district or the account that it belongs to.
    pub owner: Owner,
    /// 1 for the first, then one more each time.
    pub generation: u32,
    /// The key-encryption key's name, 32 hex digits.
    pub kek: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
}

/// As it stands in the file: `district` or `account` says whose.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    district: Option<DistrictId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<AccountId>,
    generation: u32,
    kek: String,
    created_ms: u64,
}

impl TryFrom<Written> for Generation {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let owner = match (written.district, written.account) {
            (Some(district), None) => Owner::District(district),
            (None, Some(account)) => Owner::Account(account),
            _ => return Err("either district or account says whose it is"),
        };
        let Written { version, generation, kek, created_ms, .. } = written;
        Ok(Self { version, owner, generation, kek, created_ms })
    }
}

impl From<Generation> for Written {
    fn from(made: Generation) -> Self {
        let (district, account) = match made.owner {
            Owner::District(district) => (Some(district), None),
            Owner::Account(account) => (None, Some(account)),
        };
        let Generation { version, generation, kek, created_ms, .. } = made;
        Self { version, district, account, generation, kek, created_ms }
    }
}

impl Generation {
    /// Its name in a RecordErasure: the labelled hash of owner, number and the key's name.
    pub fn name(&self) -> Hash {
        let number = self.generation.to_le_bytes();
        hash(Label::VaultKeystore, &[&self.owner.bytes(), &number, self.kek.as_bytes()])
    }

    /// What the clock says about it.
    pub fn rotation(&self, now_ms: u64) -> Rotation {
        Rotation::at(self.created_ms, now_ms)
    }

    pub(super) fn folder(root: &Path, generation: u32) -> PathBuf {
        root.join(format!("gen-{generation:06}"))
    }

    pub(super) fn kek_id(&self, path: &Path) -> Result<KekId, FileError> {
        let mut id = [0; 16];
        hex::decode_to_slice(&self.kek, &mut id)
            .map_err(|_| FileError::damaged(path, "the key's name is not 32 hex digits"))?;
        Ok(id)
    }

    /// Reads the public description of the keystore in a folder, without any secret: what a running node looks at.
    ///
    /// # Errors
    /// [`KeyStoreError::Absent`], or a file that is refused.
    pub fn read(root: &Path) -> Result<Self, KeyStoreError> {
        let current = root.join("CURRENT");
        if !current.exists() {
            return Err(KeyStoreError::Absent(root.to_owned()));
        }
        check_private(root)?;
        let text = std::fs::read_to_string(&current).map_err(FileError::io(&current))?;
        let number = text.trim().strip_prefix("gen-").and_then(|digits| digits.parse().ok());
        let number = number.ok_or(FileError::damaged(&current, "it names no generation"))?;
        let path = Self::folder(root, number).join("keystore.json");
        let text = std::fs::read_to_string(&path).map_err(FileError::io(&path))?;
        let found: Self = serde_json::from_str(&text)
            .map_err(|_| FileError::damaged(&path, "its fields are not a keystore's"))?;
        let right = found.version == 1 && found.generation == number;
        if right {
            Ok(found)
        } else {
            Err(FileError::damaged(&path, "it is another version or number").into())
        }
    }
}
