//! A copy of the node's database, made while it runs, and a node from such a copy.
//!
//! A copy is a folder: `database/` (RocksDB's checkpoint of one height), the home's public files, and `backup.json`, written
//! last, which names every file with its SHA-256. Never in it: `keys/`, which are copied by hand once, and the signer's guard:
//! a guard that is older than the key's last signature would let the key sign twice.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use aula_files::{Access, read_at_most, regular_at_most, sync_folder};
use aula_home::clock::now_ms;
use aula_home::{Advise, DEFECT, Failure, Home};
use aula_ledger::genesis::{Genesis, MAX_GENESIS_BYTES, Parsed};
use aula_ledger::store::Tip;
use aula_ledger::types::{Hash, Height};
use aula_store::{ChainDb, DbOptions, StorageError, snapshots};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::told::{Copied, Restored};
use crate::backups::Backups;
use crate::bootstrap::storage_failure;

/// The layout of a copy that this program writes.
const FORMAT: u8 = 1;
const INVENTORY: &str = "backup.json";
/// Most bytes of what a copy holds beside the database, each by itself: as many as a genesis may have. A list of a hundred thousand
/// files has no more.
const MOST_BYTES: u64 = MAX_GENESIS_BYTES as u64;
const DATABASE: &str = "database";
const HINT: &str = "check the folder's owner and the space left";

/// `backup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inventory {
    format: u8,
    made_ms: u64,
    genesis_sha256: Hash,
    height: u64,
    block_hash: Hash,
    files: Vec<Listed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    path: PathBuf,
    bytes: u64,
    sha256: Hash,
}

/// Makes a copy in a folder that is new or empty.
///
/// # Errors
/// When the folder holds something, or cannot be written; without `backup.json` it counts as no copy.
pub(super) fn make(db: &ChainDb, home: &Home, into: &Path) -> Result<Copied, Failure> {
    let what = || format!("cannot write {}", into.display());
    fs::create_dir_all(into).advise(what(), HINT)?;
    if fs::read_dir(into).advise(what(), HINT)?.next().is_some() {
        return Err(Failure::new(
            "not_empty",
            format!("{} holds something already", into.display()),
            "name a new folder for each copy",
        ));
    }
    let genesis = db.latest().genesis().map_err(storage_failure)?;
    db.checkpoint(&into.join(DATABASE)).map_err(storage_failure)?;
    aula_files::create(&into.join("genesis.json"), Access::Public, &genesis).advise(what(), HINT)?;
    for file in [home.config_file(), home.operator_file()] {
        if let Some(name) = file.file_name().filter(|_| file.exists()) {
            fs::copy(&file, into.join(name)).advise(what(), HINT)?;
        }
    }
    let tip = tip_of(&into.join(DATABASE))?;
    let mut files = Vec::new();
    list(into, Path::new(""), &mut files).advise(what(), HINT)?;
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    let inventory = Inventory {
        format: FORMAT,
        made_ms: now_ms(),
        genesis_sha256: aula_store::sha256(&genesis),
        height: tip.height.0,
        block_hash: tip.hash,
        files,
    };
    let text = serde_json::to_vec_pretty(&inventory).hint(DEFECT)?;
    aula_files::create(&into.join(INVENTORY), Access::Public, &text).advise(what(), HINT)?;
    let mut noted = Backups::of_home(home).unwrap_or_default();
    noted.node_ms = Some(inventory.made_ms);
    if let Err(error) = noted.save(home) {
        tracing::warn!(%error, "when this copy was made cannot be written down");
    }
    Ok(Copied {
        height: Height(inventory.height),
        block_hash: inventory.block_hash,
        files: inventory.files.len(),
        bytes,
        folder: into.to_owned(),
        sign_guard: false,
        keys: false,
    })
}

fn tip_of(database: &Path) -> Result<Tip, Failure> {
    let db = ChainDb::open_read_only(database, DbOptions::default()).map_err(storage_failure)?;
    Ok(db.latest().tip())
}

/// A node from a copy: every file is the one that was listed, and the database holds a certified block with its whole
/// state, or nothing is put in place.
///
/// # Errors
/// When the copy is not whole, or the home has a database already.
pub fn restore(from: &Path, home: &Home) -> Result<Restored, Failure> {
    let inventory = read_inventory(from)?;
    if home.data_dir().exists() {
        return Err(storage_failure(StorageError::Present(home.data_dir())).named("present"));
    }
    let bytes = check_files(from, &inventory)?;
    let genesis = read_at_most(&from.join("genesis.json"), MOST_BYTES)
        .advise("cannot read the copy's genesis", HINT)?;
    let parsed = Genesis::parse(&genesis).advise("the copy's genesis is refused", "use another copy")?;
    if parsed.sha256 != inventory.genesis_sha256 {
        return Err(damaged("its genesis is of another chain than it says"));
    }
    if fs::read(home.genesis_file()).is_ok_and(|present| !present.is_empty() && present != genesis) {
        return Err(Failure::new(
            "other_chain",
            format!("{} belongs to another genesis", home.path().display()),
            "give an empty --home",
        ));
    }
    let what = || format!("cannot write {}", home.path().display());
    fs::create_dir_all(home.path()).advise(what(), HINT)?;
    let aside = home.path().join(".data.restoring");
    if aside.exists() {
        fs::remove_dir_all(&aside).advise(what(), HINT)?;
    }
    copy_database(from, &aside, &inventory).advise(what(), HINT)?;
    let tip = check_database(&aside, &parsed, &inventory)?;
    for name in ["genesis.json", "config.toml", "operator.json"] {
        let (source, target) = (from.join(name), home.path().join(name));
        if source.exists() && !aula_files::is_there(&target) {
            let bytes = read_at_most(&source, MOST_BYTES).advise(what(), HINT)?;
            aula_files::create(&target, Access::Public, &bytes).advise(what(), HINT)?;
        }
    }
    fs::rename(&aside, home.data_dir()).advise(what(), HINT)?;
    sync_folder(&home.data_dir()).advise(what(), HINT)?;
    Ok(Restored {
        height: tip.height,
        block_hash: tip.hash,
        chain_id: parsed.chain_id,
        genesis_sha256: parsed.sha256,
        files: inventory.files.len(),
        bytes,
        sign_guard: home.sign_guard_file().exists(),
        data: home.data_dir(),
    })
}

fn read_inventory(from: &Path) -> Result<Inventory, Failure> {
    let path = from.join(INVENTORY);
    let bytes = regular_at_most(&path, MOST_BYTES).map_err(|error| {
        Failure::new(
            "no_backup",
            format!("{} is not a whole copy of a node: {INVENTORY}: {error}", from.display()),
            "name a folder that `aula node backup` made",
        )
    })?;
    let inventory: Inventory =
        serde_json::from_slice(&bytes).map_err(|error| damaged(&format!("{INVENTORY}: {error}")))?;
    if inventory.format != FORMAT {
        let message = format!("the copy has layout {}, this program reads {FORMAT}", inventory.format);
        return Err(Failure::new("format", message, "use the version of the program that made it"));
    }
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    match inventory.files.iter().all(|file| plain(&file.path)) {
        true => Ok(inventory),
        false => Err(damaged("it lists a file outside of itself")),
    }
}

/// Every listed file as it was listed, and no other in the database.
fn check_files(from: &Path, inventory: &Inventory) -> Result<u64, Failure> {
    let mut found = Vec::new();
    list(from, Path::new(""), &mut found).advise(format!("cannot read {}", from.display()), HINT)?;
    found.retain(|file| file.path != Path::new(INVENTORY));
    for listed in &inventory.files {
        let name = listed.path.display();
        match found.iter().find(|file| file.path == listed.path) {
            None => return Err(damaged(&format!("{name} is missing"))),
            Some(file) if file != listed => {
                return Err(damaged(&format!("{name} was changed: it is not what was copied")));
            }
            Some(_) => {}
        }
    }
    if let Some(other) = found.iter().find(|file| !inventory.files.contains(file)) {
        return Err(damaged(&format!("{} is not in its list", other.path.display())));
    }
    Ok(inventory.files.iter().map(|file| file.bytes).sum())
}

fn copy_database(from: &Path, aside: &Path, inventory: &Inventory) -> std::io::Result<()> {
    fs::create_dir_all(aside)?;
    for file in &inventory.files {
        let Ok(below) = file.path.strip_prefix(DATABASE) else { continue };
        let target = aside.join(below);
        target.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::copy(from.join(&file.path), &target)?;
        File::open(&target)?.sync_all()?;
    }
    File::open(aside)?.sync_all()
}

fn check_database(path: &Path, genesis: &Parsed, inventory: &Inventory) -> Result<Tip, Failure> {
    let db = ChainDb::open_read_only(path, DbOptions::default()).map_err(storage_failure)?;
    let tip = snapshots::check_view(&db.latest(), genesis).map_err(super::refused)?;
    match (tip.height.0, tip.hash) == (inventory.height, inventory.block_hash) {
        true => Ok(tip),
        false => Err(damaged("its database has another tip than it says")),
    }
}

fn list(root: &Path, below: &Path, files: &mut Vec<Listed>) -> std::io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(root, &path, files)?;
        } else {
            let (bytes, sha256) = hash_file(&entry.path())?;
            files.push(Listed { path, bytes, sha256 });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(())
}

fn hash_file(path: &Path) -> std::io::Result<(u64, Hash)> {
    let (mut file, mut hasher, mut buffer, mut bytes) =
        (File::open(path)?, Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
        bytes += read as u64;
    }
    Ok((bytes, Hash(hasher.finalize().into())))
}

fn damaged(why: &str) -> Failure {
    Failure::new(
        "damaged_backup",
        format!("the copy is not used: {why}"),
        "use another copy, or let the node fetch the chain from its peers: aula join, then aula start",
    )
}
