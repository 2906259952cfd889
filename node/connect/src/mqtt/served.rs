//! A feed of MQTT that is served: who may send to it, and who is connected.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aula_home::config;
use aula_lrs::clients::{Clients, Leave, Need};
use serde_json::json;
use tokio::sync::Notify;

use super::answer::Welcome;
use super::packet::Connect;
use super::topics::Topics;
use crate::given::Feed;
use crate::payload::MAX_PAYLOAD_BYTES;
use crate::pipeline::Pipeline;
use crate::strangers::Strangers;

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
