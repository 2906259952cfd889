//! The listener: sockets, who may send, how many at once.
//!
//! A broker that acknowledges by itself, before a district has a message on its disk, would lose what it acknowledged; this listener
//! is therefore no broker. It takes messages of the feed's topics and gives one retained message, at `aula/NAME/about`, which tells
//! a device the feed's topics and limits. Absent: delivery among clients, sessions that outlive a connection.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use aula_home::config;
use aula_lrs::clients::{Clients, Leave, Need};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use super::answer::Welcome;
use super::packet::Connect;
use super::session;
use super::topics::Topics;
use crate::given::Feed;
use crate::payload::MAX_PAYLOAD_BYTES;
use crate::pipeline::Pipeline;
use crate::strangers::Strangers;

/// Connections at once; more are closed unread.
pub const MAX_CONNECTIONS: usize = 65_536;
/// Most bytes of a packet: a payload, its topic and properties.
pub const MAX_PACKET_BYTES: usize = MAX_PAYLOAD_BYTES + (64 << 10);

/// A feed of MQTT that is served.
#[derive(Debug)]
pub struct Mqtt {
    pub(super) feed: Arc<Feed>,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) topics: Topics,
    /// The topic of what is said of the feed, and what is said.
    pub(super) about: (String, String),
    clients: RwLock<Clients>,
    strangers: Strangers,
    /// Who is connected, and how to tell one that another of its name came.
    open: Mutex<HashMap<String, (u64, Arc<Notify>)>>,
    next: AtomicU64,
}

impl Mqtt {
    /// A feed with its clients.
    pub fn new(own: &config::Feed, feed: Arc<Feed>, pipeline: Arc<Pipeline>, clients: Clients) -> Self {
        let about =
            json!({ "feed": own.name, "topics": own.topics(), "max_payload_bytes": MAX_PAYLOAD_BYTES });
        Self {
            feed,
            pipeline,
            topics: Topics::of(own),
            about: (format!("aula/{}/about", own.name), about.to_string()),
            clients: RwLock::new(clients),
            strangers: Strangers::default(),
            open: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    /// Takes other clients from now on; who is connected stays so until it goes.
    pub fn set_clients(&self, clients: Clients) {
        *self.clients.write().unwrap_or_else(PoisonError::into_inner) = clients;
    }

    /// Whether a client may send to this feed, and what it is called there.
    pub(super) fn admits(&self, connect: &Connect, address: IpAddr) -> Result<Arc<str>, Welcome> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let (name, secret) = connect.login.as_ref().map_or(("", &[][..]), |(name, secret)| (name, secret));
        let refused = |why| if self.strangers.refused(address) { Welcome::Later } else { why };
        let client = clients.of_secret(name.as_bytes(), secret).ok_or_else(|| refused(Welcome::Login))?;
        match client.may(Need::WriteStatements) {
            Leave::None => Err(refused(Welcome::Scope)),
            Leave::All | Leave::Mine => Ok(Arc::from(client.name.as_str())),
        }
    }

    /// Enters a connection under its name; whoever has the name is told to go.
    pub(super) fn enter(&self, name: &str) -> (u64, Arc<Notify>) {
        let own = (self.next.fetch_add(1, Ordering::Relaxed), Arc::new(Notify::new()));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, other)) = open.insert(name.to_owned(), own.clone()) {
            other.notify_one();
        }
        own
    }

    /// A connection under this name ends.
    pub(super) fn leave(&self, name: &str, number: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(name).is_some_and(|(of, _)| *of == number) {
            open.remove(name);
        }
    }

    /// How many are connected.
    pub fn connected(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Serves a socket until the process ends, in clear text: on loopback, or behind a proxy that ends TLS.
pub async fn serve(socket: TcpListener, mqtt: Arc<Mqtt>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Such as too many open files: those that are open go on.
                tracing::warn!(feed = mqtt.feed.name, %error, "a connection cannot be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else { continue };
        // Small answers go at once.
        let _ = stream.set_nodelay(true);
        let mqtt = mqtt.clone();
        tokio::spawn(async move {
            session::run(&mqtt, stream, peer.ip()).await;
            drop(place);
        });
    }
}
