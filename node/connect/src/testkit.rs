//! A small vault with students, a door that can be shut, and files of clients, for tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aula_kit::private_file;
use aula_kit::vault::create;
pub use aula_kit::{Made, Tested, reference};
use aula_ledger::types::{Handle, SchoolYear};
use aula_lrs::clients::Client;
use aula_vault::{Vault, VaultError};
use bytes::Bytes;

use crate::door::{Closed, Door, Lent};
use crate::given::{Feed, Form, Given};
use crate::pipeline::Settings;

/// 2 March 2026, 09:30 UTC: in the school year 2025.
pub const NOW_MS: u64 = 1_772_443_800_000;

pub struct World {
    pub root: tempfile::TempDir,
    pub vault: Arc<Vault>,
    pub handles: Vec<Handle>,
    pub feed: Arc<Feed>,
}

impl World {
    /// A vault with students S-0, S-1, S-2 of the school year 2025, and a feed.
    pub fn new() -> Made<Self> {
        let root = tempfile::tempdir()?;
        let vault = Arc::new(create(root.path(), NOW_MS)?.1);
        let handles = enrol(&vault, &["S-0", "S-1", "S-2"])?;
        Ok(Self { root, vault, handles, feed: Arc::new(Feed::plain("registers")?) })
    }
}

/// A pipeline of these feeds, without spools, limits or an observer.
pub fn plain_settings(feeds: Vec<Arc<Feed>>) -> Settings {
    Settings { params: reference(), spool: None, room: None, feeds, observer: None }
}

pub fn enrol(vault: &Vault, ids: &[&str]) -> Made<Vec<Handle>> {
    aula_kit::vault::enrol(vault, ids, SchoolYear(2025))
}

/// A message of the feed as a line, read.
pub fn line(feed: &Arc<Feed>, text: String) -> Result<Given, &'static str> {
    let sender = Arc::from("east");
    Given::read(feed, Form::Line, Bytes::from(text), (&sender, 1), NOW_MS).ok_or("a message")
}

/// A mark of a student, some seconds after [`NOW_MS`].
pub fn mark(feed: &Arc<Feed>, name: &str, student: &str, second: u64) -> Result<Given, &'static str> {
    let at = NOW_MS + second * 1_000;
    line(
        feed,
        format!(
            r#"{{"id":"{name}","at":{at},"student":"{student}","event":{{"kind":"attendance","mark":"absent"}}}}"#
        ),
    )
}

/// A session of a student.
pub fn session(feed: &Arc<Feed>, name: &str, student: &str) -> Result<Given, &'static str> {
    line(
        feed,
        format!(
            r#"{{"id":"{name}","at":{NOW_MS},"student":"{student}","event":{{"kind":"session","minutes":9,"active_minutes":3}}}}"#
        ),
    )
}

/// A door that can be shut.
pub struct Shutter {
    pub vault: Arc<Vault>,
    pub shut: AtomicBool,
    /// It cannot be written.
    pub broken: AtomicBool,
    /// How often it was asked for.
    pub asked: AtomicUsize,
}

impl Shutter {
    pub fn of(vault: &Arc<Vault>, shut: bool) -> Arc<Self> {
        let vault = vault.clone();
        Arc::new(Self { vault, shut: shut.into(), broken: false.into(), asked: 0.into() })
    }
}

impl Door for Shutter {
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), Lent> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.shut.load(Ordering::SeqCst) {
            return Err(Closed("a command has it".into()).into());
        }
        if self.broken.load(Ordering::SeqCst) {
            return Err(VaultError::Unwritable("no space left on the device".into()).into());
        }
        call(&self.vault);
        Ok(())
    }
}

/// A file with one client who may everything.
pub fn write_clients(path: &Path, name: &str, secret: &[u8]) -> std::io::Result<()> {
    let hash = hex::encode(Client::hash(secret));
    let text = format!("[[client]]\nname = \"{name}\"\nsecret_sha256 = \"{hash}\"\nscopes = [\"all\"]\n");
    private_file(path, text)
}
