//! Feeds of kind xapi: the record store of `aula-lrs` over this node's vault, on a listener of its own.
//!
//! Flow: the socket is bound and the clients read when the node starts → as soon as the vault lends itself, requests are
//! served; before, they wait in the socket's queue. The file of clients is looked at every few seconds, so that a secret
//! changes without a restart. Invariants: the vault is borrowed for one call at a time and given up to commands like for
//! any other reader; a file of clients that others can read is refused. Absent: TLS, which a proxy ends.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aula_home::config::{Feed, FeedKind};
use aula_ledger::names::Name;
use aula_lrs::clients::{Client, Clients, Scope};
use aula_lrs::desk::Desk;
use aula_lrs::http::{Service, router};
use aula_lrs::store::{Door, Roster, SealedStore, StoreError};
use aula_lrs::version::Version;
use aula_vault::{Folders, Vault};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::clock::now_ms;
use crate::http::{KeptVault, Node};
use crate::terminal::{Advise, Failure};

#[cfg(test)]
mod tests;

/// How often the file of clients is looked at, and a vault that somebody else has is asked for.
const EVERY: Duration = Duration::from_secs(2);
/// How often what nobody was matched with is looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// Binds a feed's socket, reads its clients, and serves it for as long as the node runs.
///
/// # Errors
/// A socket that cannot be bound, a file of clients that is refused.
pub(super) async fn serve(feed: &Feed, node: &Arc<Node>) -> Result<(), Failure> {
    let FeedKind::Xapi = feed.kind;
    let hint = "correct [[feed]] in config.toml; docs/feeds.md has an example";
    let clients =
        read_clients(&feed.clients).advise(format!("the feed {} has no clients", feed.name), hint)?;
    let socket = TcpListener::bind(feed.listen).await;
    let socket = socket.advise(format!("the feed {} cannot listen on {}", feed.name, feed.listen), hint)?;
    let Some(folders) = node.vault.clone() else { return Ok(()) };
    let door = KeptDoor { kept: node.kept_vault(), folders, runtime: Handle::current() };
    tokio::spawn(run(feed.clone(), clients, socket, door));
    Ok(())
}

async fn run(feed: Feed, clients: Clients, socket: TcpListener, door: KeptDoor) {
    let (store, desk) = loop {
        let (door, own) = (door.clone(), feed.clone());
        match tokio::task::spawn_blocking(move || open(door, &own)).await {
            Ok(Ok(opened)) => break opened,
            Ok(Err(error)) => tracing::warn!(feed = feed.name, %error, "the vault is not lent yet"),
            Err(_) => return,
        }
        tokio::time::sleep(EVERY).await;
    };
    let service = Arc::new(Service::new(desk, clients, feed.home_page.clone(), Version::Two));
    tokio::spawn(attend_clients(feed.clone(), service.clone()));
    tokio::spawn(sweep(store));
    tracing::info!(feed = feed.name, listen = %feed.listen, "xAPI is served at /xapi");
    let routes = axum::Router::new().nest("/xapi", router(service));
    if let Err(error) = axum::serve(socket, routes).await {
        tracing::error!(feed = feed.name, %error, "the feed ended");
    }
}

fn open(door: KeptDoor, feed: &Feed) -> Result<(Arc<SealedStore>, Desk), StoreError> {
    let roster = Roster { home_page: feed.home_page.clone(), unassigned_days: feed.unassigned_days };
    let store = Arc::new(SealedStore::new(Box::new(door), roster)?);
    Ok((store.clone(), Desk::new(store)?))
}

/// Drops what named nobody in time.
async fn sweep(store: Arc<SealedStore>) {
    loop {
        let own = store.clone();
        match tokio::task::spawn_blocking(move || own.drop_unassigned(now_ms())).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(rows)) => tracing::info!(rows, "records that named nobody in time were dropped"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "records that named nobody are looked through within the hour")
            }
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

/// Takes the clients anew whenever their file has changed; a file that is refused changes nothing.
async fn attend_clients(feed: Feed, service: Arc<Service>) {
    let mut seen = changed(&feed.clients);
    loop {
        tokio::time::sleep(EVERY).await;
        let now = changed(&feed.clients);
        if now == seen {
            continue;
        }
        seen = now;
        match read_clients(&feed.clients) {
            Ok(clients) => service.set_clients(clients),
            Err(error) => tracing::warn!(feed = feed.name, %error, "its clients stay as they were"),
        }
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|found| found.modified()).ok()
}

/// Why a file of clients is refused. Never says what is in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientsError {
    /// It cannot be read.
    #[error("cannot read {0}")]
    Read(String, #[source] std::io::Error),
    /// Others can read it.
    #[error("others can read {0}: chmod 600 it, and draw new secrets")]
    Open(String),
    /// It says what no client is.
    #[error("{0} is not a file of clients: {1}")]
    Malformed(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientsFile {
    client: Vec<ClientLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientLine {
    name: String,
    secret_sha256: String,
    scopes: Vec<String>,
}

fn read_clients(path: &Path) -> Result<Clients, ClientsError> {
    let shown = path.display().to_string();
    let read = |error| ClientsError::Read(shown.clone(), error);
    if std::fs::metadata(path).map_err(read)?.mode() & 0o077 != 0 {
        return Err(ClientsError::Open(shown));
    }
    let text = std::fs::read_to_string(path).map_err(read)?;
    let malformed = |why: String| ClientsError::Malformed(shown.clone(), why);
    // The parser's own words would quote the line.
    let file: ClientsFile = toml::from_str(&text)
        .map_err(|_| malformed("write [[client]] with name, secret_sha256 and scopes".into()))?;
    let mut clients: Vec<Client> = Vec::with_capacity(file.client.len());
    for line in file.client {
        Name::new(&line.name).map_err(|error| malformed(error.to_string()))?;
        if clients.iter().any(|other| other.name == line.name) {
            return Err(malformed(format!("the client {} stands twice", line.name)));
        }
        let mut hash = [0; 32];
        hex::decode_to_slice(&line.secret_sha256, &mut hash)
            .map_err(|_| malformed(format!("secret_sha256 of {} is not 64 hexadecimal digits", line.name)))?;
        let scopes = line.scopes.iter().map(|word| {
            let known = Scope::EVERY.map(Scope::name).join(", ");
            Scope::parse(word).ok_or_else(|| malformed(format!("{word:?} is not a scope: {known}")))
        });
        clients.push(Client::new(line.name, hash, scopes.collect::<Result<Vec<_>, _>>()?));
    }
    Ok(Clients::new(clients))
}

/// The vault as the node's readers keep it open.
#[derive(Clone)]
struct KeptDoor {
    kept: Arc<KeptVault>,
    folders: Folders,
    runtime: Handle,
}

impl Door for KeptDoor {
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), StoreError> {
        let turn = self.runtime.block_on(self.kept.turn());
        let vault = self.kept.open(&self.folders)?;
        call(&vault);
        // The vault goes before the turn: who comes next may have to open it anew.
        drop(vault);
        drop(turn);
        Ok(())
    }
}
