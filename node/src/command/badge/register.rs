//! What a district issued: `badges/register.json`, and the lists and the document that it publishes, made from it.
//!
//! Flow: [`Register::open`] takes the folder's lock → a badge gets a bit nobody else has, at random, so that a list tells
//! nothing of the order → [`Register::publish`] writes register, lists and issuer's document, each whole or not at all.
//! Invariant: a bit is never given twice. Absent: names, handles, subjects; a badge stands here by its own id and a hash of
//! the milestone's name.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use aula_files::Access;
use aula_home::keys::{KeyKind, NodeKey};
use aula_home::operator::create_missing;
use aula_report::credentials::issue::{controller_document, list_url, with_proof};
use aula_report::credentials::limits::MIN_LIST_BITS;
use aula_report::credentials::status::{Purpose, StatusList};
use aula_report::credentials::time::Moment;
use rand::Rng;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

use crate::command::{Advise, Context, Failure};

/// Standing of an issued badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It holds.
    Good,
    /// Taken back for now.
    Suspended,
    /// Taken back for good.
    Revoked,
}

/// An issued badge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// The credential's `id`: an address of the district's.
    pub id: String,
    /// SHA-256 of the milestone's name, hex.
    pub milestone_sha256: String,
    /// Its bit in both status lists, drawn at random, never given twice.
    pub index: u64,
    /// How it stands.
    pub standing: Standing,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u8,
    issuer: String,
    lists: String,
    issued: Vec<Issued>,
}

/// The register, locked until it is dropped.
pub struct Register {
    folder: PathBuf,
    stored: Stored,
    key: NodeKey,
    _lock: File,
}

impl Register {
    /// The home's register. `founder` is issuer and address of the lists of a new one, and must agree with an old one.
    ///
    /// # Errors
    /// When there is none and no founder, when they differ, or a file cannot be used.
    pub fn open(context: &Context, founder: Option<(&str, &str)>) -> Result<Self, Failure> {
        let folder = context.home.badges_dir();
        let path = folder.join("register.json");
        let none = || {
            let message = format!("there is no {}: nothing was issued from this home", path.display());
            Failure::new("not_found", message, "give the home that issued the badge with --home")
        };
        if founder.is_none() && !path.exists() {
            return Err(none());
        }
        let hint = "choose a folder you own with --home";
        aula_files::private_folder(&folder).advise(format!("cannot make {}", folder.display()), hint)?;
        let lock = File::create(folder.join("lock")).advise("cannot lock the register", hint)?;
        lock.lock().advise("cannot lock the register", hint)?;
        let stored = match std::fs::read(&path) {
            Ok(bytes) => {
                let stored: Stored = serde_json::from_slice(&bytes).advise(
                    format!("{} is damaged", path.display()),
                    "bring it back from a backup: without it badges cannot be revoked",
                )?;
                agree(&stored, founder)?;
                stored
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (issuer, lists) = founder.ok_or_else(none)?;
                Stored { version: 1, issuer: issuer.to_owned(), lists: lists.to_owned(), issued: Vec::new() }
            }
            Err(error) => return Err(error).advise(format!("cannot read {}", path.display()), hint),
        };
        if stored.version != 1 {
            let message = format!("{} is of version {}", path.display(), stored.version);
            return Err(Failure::new("version", message, "use the program that wrote it"));
        }
        create_missing(&context.home, &[KeyKind::Issuer])?;
        let key = NodeKey::of_home(&context.home, KeyKind::Issuer)?;
        Ok(Self { folder, stored, key, _lock: lock })
    }

    /// The issuer's key.
    pub const fn key(&self) -> &NodeKey {
        &self.key
    }

    /// The badge that stands for this milestone and is not revoked.
    pub fn standing_for(&self, milestone_sha256: &str) -> Option<&Issued> {
        let same =
            |one: &&Issued| one.milestone_sha256 == milestone_sha256 && one.standing != Standing::Revoked;
        self.stored.issued.iter().find(same)
    }

    /// Enters a badge under a bit that is free.
    ///
    /// # Errors
    /// When every bit is taken.
    pub fn enter(&mut self, id: &str, milestone_sha256: &str) -> Result<u64, Failure> {
        let taken: BTreeSet<u64> = self.stored.issued.iter().map(|one| one.index).collect();
        if taken.len() >= MIN_LIST_BITS {
            let message = format!("all {MIN_LIST_BITS} places of the status lists are taken");
            return Err(Failure::new("lists_full", message, "issue from a new home, with lists of its own"));
        }
        let most = u64::try_from(MIN_LIST_BITS).unwrap_or(u64::MAX);
        let index = loop {
            let drawn = OsRng.gen_range(0..most);
            if !taken.contains(&drawn) {
                break drawn;
            }
        };
        let (id, milestone_sha256) = (id.to_owned(), milestone_sha256.to_owned());
        self.stored.issued.push(Issued { id, milestone_sha256, index, standing: Standing::Good });
        Ok(index)
    }

    /// The badge of this id, to change how it stands.
    pub fn issued(&mut self, id: &str) -> Option<&mut Issued> {
        self.stored.issued.iter_mut().find(|one| one.id == id)
    }

    /// Writes everything: the register first, so that no bit is given twice whatever happens after.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn publish(&self, now: Moment) -> Result<Vec<PathBuf>, Failure> {
        let pretty = |value: &serde_json::Value| format!("{value:#}\n").into_bytes();
        let stored = serde_json::to_value(&self.stored)
            .advise("the register cannot be written", "report it: this is a defect")?;
        self.write("register.json", Access::Private, &pretty(&stored))?;
        let document = controller_document(&self.stored.issuer, self.key.signing_key());
        let mut written = vec![self.write("issuer.json", Access::Public, &pretty(&document))?];
        for (purpose, standing) in
            [(Purpose::Revocation, Standing::Revoked), (Purpose::Suspension, Standing::Suspended)]
        {
            let mut bits = StatusList::default();
            for one in self.stored.issued.iter().filter(|one| one.standing == standing) {
                bits.set(one.index, true).advise("the register is damaged", "bring it back from a backup")?;
            }
            let url = list_url(&self.stored.lists, purpose);
            let list = bits.credential(&url, &self.stored.issuer, purpose, &now.text());
            let text = with_proof(list, self.key.signing_key(), now)
                .advise("a status list cannot be signed", "report it: this is a defect")?;
            written.push(self.write(&format!("{}.json", purpose.word()), Access::Public, text.as_bytes())?);
        }
        Ok(written)
    }

    fn write(&self, name: &str, access: Access, bytes: &[u8]) -> Result<PathBuf, Failure> {
        let path = self.folder.join(name);
        aula_files::replace(&path, access, bytes).advise(
            format!("cannot write {}", path.display()),
            "check the folder's owner and the space left",
        )?;
        Ok(path)
    }
}

/// One home has one issuer and one pair of lists: another would leave the first's badges without a way to revoke them.
fn agree(stored: &Stored, founder: Option<(&str, &str)>) -> Result<(), Failure> {
    let Some((issuer, lists)) = founder else { return Ok(()) };
    if (stored.issuer.as_str(), stored.lists.as_str()) == (issuer, lists) {
        return Ok(());
    }
    let message = format!(
        "this home issues as {} with lists at {}, and the request says {issuer} and {lists}",
        stored.issuer, stored.lists
    );
    Err(Failure::new("conflict", message, "correct the request, or issue from another home"))
}
