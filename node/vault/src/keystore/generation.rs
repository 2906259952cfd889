//! What is public about a generation of the keystore, and where it lies.

use std::path::{Path, PathBuf};

use aula_ledger::keys::{Label, hash};
use aula_ledger::types::{DistrictId, Hash};
use serde::{Deserialize, Serialize};

use super::{KekId, KeyStoreError};
use crate::files::{FileError, check_private};
use crate::schedule::Rotation;

/// What is public about a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// 1.
    pub version: u8,
    /// Whose.
    pub district: DistrictId,
    /// 1 for the first, then one more each time.
    pub generation: u32,
    /// The key-encryption key's name, 32 hex digits.
    pub kek: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
}

impl Generation {
    /// Its name in a RecordErasure: the labelled hash of district, number and the key's name.
    pub fn name(&self) -> Hash {
        let (district, number) = (self.district.0.to_le_bytes(), self.generation.to_le_bytes());
        hash(Label::VaultKeystore, &[&district, &number, self.kek.as_bytes()])
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
