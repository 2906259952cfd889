//! Feeds of kind xapi: the record store of `aula-lrs` over this node's vault, on a listener of its own.
//!
//! Flow: the socket is bound and the clients read when the node starts → as soon as the vault lends itself, requests are
//! served; before, they wait in the socket's queue. The file of clients is looked at every few seconds, so that a secret
//! changes without a restart. Invariants: the vault is borrowed for one call at a time and given up to commands like for
//! any other reader; a file of clients that others can read is refused. Absent: TLS, which a proxy ends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aula_connect::clients::{self, read_clients};
use aula_connect::door::{Closed, Door as FeedsDoor, Lent};
use aula_connect::statements::Statements;
use aula_connect::strangers::limited;
use aula_home::config::Feed;
use aula_home::{Advise, Failure};
use aula_lrs::clients::Clients;
use aula_lrs::desk::Desk;
use aula_lrs::http::{Service, router};
use aula_lrs::store::{Door, Roster, SealedStore, StoreError};
use aula_lrs::version::Version;
use aula_vault::{Folders, Vault, VaultError};
use aula_web::http::{AppState, KeptVault};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

#[cfg(test)]
mod tests;

/// How often a vault that somebody else has is asked for.
const EVERY: Duration = Duration::from_secs(2);

/// Binds a feed's socket, reads its clients, and serves it for as long as the node runs.
///
/// # Errors
/// A socket that cannot be bound, a file of clients that is refused.
pub(super) async fn serve(
    feed: &Feed,
    (listen, clients_file): (SocketAddr, PathBuf),
    door: KeptDoor,
    statements: Option<Arc<Statements>>,
) -> Result<(), Failure> {
    let hint = "correct [[feed]] in config.toml; docs/feeds.md has an example";
    let clients =
        read_clients(&clients_file).advise(format!("the feed {} has no clients", feed.name), hint)?;
    let socket = TcpListener::bind(listen).await;
    let socket = socket.advise(format!("the feed {} cannot listen on {listen}", feed.name), hint)?;
    tokio::spawn(run(feed.clone(), clients_file, clients, socket, door, statements));
    Ok(())
}

async fn run(
    feed: Feed,
    clients_file: PathBuf,
    clients: Clients,
    socket: TcpListener,
    door: KeptDoor,
    statements: Option<Arc<Statements>>,
) {
    let desk = loop {
        let (door, own) = (door.clone(), feed.clone());
        match tokio::task::spawn_blocking(move || open(door, &own)).await {
            Ok(Ok(opened)) => break opened,
            Ok(Err(error)) => tracing::warn!(feed = feed.name, %error, "the vault is not lent yet"),
            Err(_) => return,
        }
        tokio::time::sleep(EVERY).await;
    };
    let desk = match &statements {
        Some(statements) => desk.in_turn(statements.turn()).with_listener(statements.clone()),
        None => desk,
    };
    let service = Arc::new(Service::new(desk, clients, feed.home_page.clone(), Version::Two));
    let taker = service.clone();
    let take = move |clients| taker.set_clients(clients);
    tokio::spawn(clients::attend(feed.name.clone(), clients_file, read_clients, take));
    tracing::info!(feed = feed.name, "xAPI is served at /xapi");
    let routes = axum::Router::new().nest("/xapi", router(service));
    let routes = limited(statements.map_or(routes.clone(), |statements| statements.with_room(routes)));
    if let Err(error) = axum::serve(socket, routes).await {
        tracing::error!(feed = feed.name, %error, "the feed ended");
    }
}

fn open(door: KeptDoor, feed: &Feed) -> Result<Desk, StoreError> {
    let roster = Roster { home_page: feed.home_page.clone(), unassigned_days: feed.unassigned_days };
    Desk::new(Arc::new(SealedStore::new(Box::new(door), roster)?))
}

/// The vault as the node's readers keep it open.
#[derive(Clone)]
pub struct KeptDoor {
    kept: Arc<KeptVault>,
    folders: Folders,
    runtime: Handle,
}

impl KeptDoor {
    /// The door of this node's vault; none of a node without one.
    pub fn of(node: &AppState) -> Option<Self> {
        let folders = node.vault.clone()?;
        Some(Self { kept: node.kept_vault(), folders, runtime: Handle::current() })
    }

    /// The door of a vault of its own, for tests.
    #[cfg(test)]
    pub(super) fn at(folders: Folders, runtime: Handle) -> Self {
        Self { kept: Arc::default(), folders, runtime }
    }

    /// The open vault, for work that goes on beside others': who has it keeps a command from opening it.
    pub(super) fn shared(&self) -> Result<Arc<Vault>, VaultError> {
        let turn = self.runtime.block_on(self.kept.turn());
        let vault = self.kept.open(&self.folders)?;
        drop(turn);
        Ok(vault)
    }

    fn lent(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), VaultError> {
        let turn = self.runtime.block_on(self.kept.turn());
        let vault = self.kept.open(&self.folders)?;
        call(&vault);
        // The vault goes before the turn: who comes next may have to open it anew.
        drop(vault);
        drop(turn);
        Ok(())
    }
}

impl Door for KeptDoor {
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), StoreError> {
        Ok(self.lent(call)?)
    }
}

impl FeedsDoor for KeptDoor {
    fn lend(&self, call: &mut dyn FnMut(&Vault)) -> Result<(), Lent> {
        self.lent(call).map_err(|error| match error {
            VaultError::Busy | VaultError::NotActing(_) => Closed(error.to_string()).into(),
            error => Lent::Vault(error),
        })
    }
}
