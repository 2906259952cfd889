//! The socket in the home by which a command hands an order to the running node.
//!
//! A Unix socket that only the home's owner may open (mode 0600): who can open it could as well read the home. One line of
//! JSON each way, one order at a time. Where it is, and whether anybody listens: [`aula_home::running`].

use std::fs::Permissions;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aula_home::config::Config;
use aula_home::running::{address, connected};
use aula_home::{Advise, DEFECT, Failure, Home};
use aula_store::ChainDb;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Order, carry_out, told};
use crate::bootstrap::{db_options, open_database, read_genesis};

/// Longest line either way.
const MAX_LINE: u64 = 64 * 1024;
/// How long a command that is connected may take to say its order.
const TO_SAY: Duration = Duration::from_secs(5);
const HINT: &str = "check that the node runs and that this user owns the home";

/// What became of an order, as the running node says it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Became {
    Done(Value),
    Error(Failure),
}

/// Carries out what comes by the socket, for as long as the database is open. On a thread of its own, since all of it waits.
///
/// # Errors
/// When the socket cannot be made.
pub fn serve(db: &Arc<ChainDb>, home: &Home, config: &Config) -> Result<(), Failure> {
    let path = home.control_socket();
    let what = || format!("cannot listen on {}", path.display());
    let (address, folder) = address(home).advise(what(), HINT)?;
    // The database's lock is held, so whoever made the one that is there has ended.
    if let Err(error) = std::fs::remove_file(&path)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error).advise(what(), HINT);
    }
    let listener = UnixListener::bind(&address).advise(what(), HINT)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).advise(what(), HINT)?;
    drop(folder);
    let (db, home, config) = (Arc::downgrade(db), home.clone(), config.clone());
    let work = move || {
        for stream in listener.incoming().flatten() {
            let Some(db) = db.upgrade() else { return };
            if let Err(error) = one(stream, &db, &home, &config) {
                tracing::debug!(%error, "an order was not carried through");
            }
        }
    };
    std::thread::Builder::new().name("control".into()).spawn(work).map(drop).advise(what(), HINT)
}

fn one(stream: UnixStream, db: &ChainDb, home: &Home, config: &Config) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TO_SAY))?;
    let mut line = String::new();
    BufReader::new((&stream).take(MAX_LINE)).read_line(&mut line)?;
    let done = match serde_json::from_str::<Order>(&line) {
        Ok(order) => {
            tracing::info!(?order, "an order by the socket");
            carry_out(&order, db, home, config)
        }
        Err(error) => Err(Failure::because(
            format!("the running node does not know this order: {error}"),
            "use the program of the version that runs",
        )),
    };
    let told = serde_json::to_string(&done.map_or_else(Became::Error, Became::Done))?;
    (&stream).write_all(format!("{told}\n").as_bytes())
}

/// A snapshot of the newest state.
///
/// # Errors
/// When it cannot be made, in the words of whoever tried.
pub fn snapshot(home: &Home) -> Result<told::Snapshot, Failure> {
    order(home, &Order::Snapshot)
}

/// A copy of the database in a new folder, absolute.
///
/// # Errors
/// When it cannot be made, in the words of whoever tried.
pub fn backup(home: &Home, into: PathBuf) -> Result<told::Copied, Failure> {
    order(home, &Order::Backup { into })
}

/// Deletes blocks but the newest `keep`, or as many as the settings say.
///
/// # Errors
/// When it cannot be done, in the words of whoever tried.
pub fn prune(home: &Home, keep: Option<u64>) -> Result<told::Pruned, Failure> {
    order(home, &Order::Prune { keep })
}

/// Has an order carried out, and reads what became of it.
fn order<T: DeserializeOwned>(home: &Home, order: &Order) -> Result<T, Failure> {
    let hint = "use the program of the version that runs";
    serde_json::from_value(have(home, order)?).advise("the running node tells it in another way", hint)
}

/// By the running node, or here when none runs.
fn have(home: &Home, order: &Order) -> Result<Value, Failure> {
    match connected(home) {
        Ok(stream) => ask(stream, order),
        Err(_) => {
            let config = Config::load(home)?;
            let (bytes, parsed) = read_genesis(home)?;
            if !home.data_dir().exists() {
                return Err(crate::bootstrap::storage_failure(aula_store::StorageError::Absent(
                    home.data_dir(),
                )));
            }
            let db = open_database(home, db_options(&config), &bytes, &parsed)?;
            carry_out(order, &db, home, &config)
        }
    }
}

fn ask(stream: UnixStream, order: &Order) -> Result<Value, Failure> {
    let what = "the running node does not answer by its socket";
    let line = serde_json::to_string(order).hint(DEFECT)?;
    (&stream).write_all(format!("{line}\n").as_bytes()).advise(what, HINT)?;
    let mut told = String::new();
    BufReader::new((&stream).take(MAX_LINE)).read_line(&mut told).advise(what, HINT)?;
    let became: Became = serde_json::from_str(&told).advise(what, HINT)?;
    match became {
        Became::Done(done) => Ok(done),
        Became::Error(failure) => Err(failure),
    }
}
