//! Copies of the vault, and the way back.
//!
//! Two copies that never lie together: of the data ([`back_up_data`]), as many as wanted, which hold no key and open
//! nothing; and of the keystore ([`back_up_keystore`]), of which only the newest is kept, so that an erasure is final
//! once the keystore was backed up again. A restored vault drops the rows of students whose keys are gone.
//!
//! Absent: the chain's database, which comes back from the peers, and the signer's guard, which must never come back.

use std::path::{Path, PathBuf};

use rocksdb::checkpoint::Checkpoint;

use crate::files::{FileError, check_private, copy_folder, make_folder, shred_folder, sync_folder};
use crate::keystore::Generation;
use crate::pair;
use crate::vault::{Folders, Vault, VaultError, is_there};

#[cfg(test)]
mod tests;

/// Name of the data inside a copy.
const DATA: &str = "vault";
/// Name of the keystore inside a copy.
const KEYSTORE: &str = "keystore";

/// Copies the data, as of now, into a new folder; gives the folder. It holds no key.
///
/// # Errors
/// [`FileError::Exists`] when `to` holds a copy already, [`VaultError::Together`] when it lies where a keystore does.
pub fn back_up_data(vault: &Vault, to: &Path) -> Result<PathBuf, VaultError> {
    apart(to, &vault.folders().keystore)?;
    if to.join(KEYSTORE).exists() {
        return Err(VaultError::Together(to.to_owned()));
    }
    let target = to.join(DATA);
    if target.exists() {
        return Err(FileError::Exists { path: target }.into());
    }
    make_folder(to)?;
    check_private(to)?;
    Checkpoint::new(&vault.db)?.create_checkpoint(&target)?;
    make_private(&target)?;
    sync_folder(&target)?;
    Ok(target)
}

/// Copies the keystore's current generation, in the place of the copy before, which is overwritten and removed.
///
/// # Errors
/// [`VaultError::Together`] when `to` lies in or holds a copy of the data, or the disk refuses: then the copy before is still there.
pub fn back_up_keystore(vault: &Vault, to: &Path) -> Result<PathBuf, VaultError> {
    apart(to, &vault.folders().data)?;
    if to.join(DATA).exists() {
        return Err(VaultError::Together(to.to_owned()));
    }
    // Held so that no rotation comes between the files.
    let _keystore = vault.keystore();
    make_folder(to)?;
    check_private(to)?;
    let (new, target) = (to.join("keystore.new"), to.join(KEYSTORE));
    shred_folder(&new)?;
    copy_folder(&vault.folders().keystore, &new)?;
    shred_folder(&target)?;
    std::fs::rename(&new, &target).map_err(FileError::io(&target))?;
    sync_folder(&target)?;
    Ok(target)
}

/// What a restored vault came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Students with keys.
    pub students: usize,
    /// Handles whose rows were removed: erased since the data was copied.
    pub swept: usize,
    /// Entries of the access log.
    pub log_size: u64,
}

/// Puts copies in the place of a vault that is gone, opens it, and removes rows without keys. Consents are forgotten,
/// since one may have been withdrawn after the copy: reads that need one are denied until they are fetched from the ledger.
/// If the log has lost entries that were anchored, the next anchor begins a new epoch.
///
/// All of that is done beside the two places, which stay empty until it is: a failure leaves nothing. Of the two the keystore is placed
/// first; a restore that died before the data was is finished by the next.
///
/// # Errors
/// [`VaultError::Present`] when there is a vault or keystore; copies that are not a vault or do not fit each other.
pub fn restore(
    data_copy: &Path,
    keystore_copy: &Path,
    folders: &Folders,
) -> Result<(Vault, Restored), VaultError> {
    let ready = Folders { data: beside(&folders.data), keystore: beside(&folders.keystore) };
    let swept = if is_half_placed(&ready, folders) {
        0
    } else {
        let swept = make_ready(data_copy, keystore_copy, &ready, folders)?;
        place(&ready.keystore, &folders.keystore)?;
        swept
    };
    place(&ready.data, &folders.data)?;
    let vault = Vault::open(folders)?;
    let students = vault.keystore().students();
    let log_size = vault.last_entry()?.map_or(0, |entry| entry.number.saturating_add(1));
    Ok((vault, Restored { students, swept, log_size }))
}

/// Where a copy is made ready: on the same disk as its place.
fn beside(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    place.with_file_name(name)
}

/// Whether an earlier restore placed the keystore alone: until then its copy lies beside the place, while the data's is made ready.
fn is_half_placed(ready: &Folders, folders: &Folders) -> bool {
    let keystore_is_placed = is_there(&folders.keystore) && !ready.keystore.exists();
    keystore_is_placed && is_there(&ready.data) && !folders.data.exists()
}

/// Copies both beside their empty places and does there all that a restored vault needs; gives of how many handles rows were removed.
fn make_ready(
    data_copy: &Path,
    keystore_copy: &Path,
    ready: &Folders,
    folders: &Folders,
) -> Result<usize, VaultError> {
    for folder in [&folders.data, &folders.keystore] {
        if is_there(folder) {
            return Err(VaultError::Present(folder.clone()));
        }
    }
    let (data, keystore) = (data_copy.join(DATA), keystore_copy.join(KEYSTORE));
    if !is_there(&data) {
        return Err(VaultError::Absent(data));
    }
    Generation::read(&keystore)?;
    for folder in [&folders.data, &folders.keystore] {
        if folder.exists() {
            // Only an empty folder goes away.
            std::fs::remove_dir(folder).map_err(FileError::io(folder))?;
        }
    }
    pair::decides_over_too(&folders.data, &ready.data);
    let swept = copied(&data, &keystore, ready);
    if swept.is_err() {
        // The keys among it. What stays is in nobody's way: the next restore begins with it.
        let _ = shred_folder(&ready.keystore);
        let _ = shred_folder(&ready.data);
    }
    swept
}

fn copied(data: &Path, keystore: &Path, ready: &Folders) -> Result<usize, VaultError> {
    copy_anew(keystore, &ready.keystore)?;
    copy_anew(data, &ready.data)?;
    let vault = Vault::open_restored(ready)?;
    vault.forget_consents()?;
    vault.forget_roster()?;
    vault.mark_restored()?;
    vault.sweep()
}

fn copy_anew(from: &Path, to: &Path) -> Result<(), VaultError> {
    shred_folder(to)?;
    copy_folder(from, to)?;
    make_private(to)
}

fn place(ready: &Path, at: &Path) -> Result<(), VaultError> {
    std::fs::rename(ready, at).map_err(FileError::io(at))?;
    Ok(sync_folder(at)?)
}

fn make_private(folder: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt;
    let private = std::fs::Permissions::from_mode(0o700);
    Ok(std::fs::set_permissions(folder, private).map_err(FileError::io(folder))?)
}

/// Refuses a target that is, holds or lies in the other half of the vault.
fn apart(to: &Path, other: &Path) -> Result<(), VaultError> {
    if to.starts_with(other) || other.starts_with(to) {
        Err(VaultError::Together(to.to_owned()))
    } else {
        Ok(())
    }
}
