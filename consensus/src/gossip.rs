//! Transactions between nodes: a libp2p swarm of our own, since the engine carries no application data.
//!
//! Flow: the pool accepts a transaction → [`Gossip::publish`] → collected for a few milliseconds → one message to
//! all peers. A message from a peer → its transactions, unchecked, to the receiver given to [`start`], where the
//! pool checks each as if it had been submitted.
//!
//! Who may talk to us: only peers on the allow list, by their libp2p identity, which the noise handshake proves.
//! Anybody else is cut off when the handshake ends, before any protocol is spoken. The list may change while the
//! node runs ([`Gossip::set_peers`]).
//!
//! Invariants: a queue that is full drops transactions and says so in a count; nothing here waits for a slow peer.
//! Messages carry no signature of their own: connections are authenticated and every transaction is signed.
//!
//! Reach: a message goes to every connected peer. A node that its sender has no connection with learns of it
//! from the others within a heartbeat (a second), by gossipsub's lazy push. One that is lost all the same waits in
//! its submitter's pool until that node proposes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use borsh::BorshDeserialize;
use futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, allow_block_list, connection_limits, gossipsub, noise, tcp, yamux};
use libp2p_identity::Keypair;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use aula_ledger::params::MAX_TRANSACTION_BYTES;

use crate::peer_watch::Silence;
use crate::ports::AdmittedPeer;

/// How long transactions are collected before they are sent together. Latency against messages: at 1,000
/// transactions a second one message carries ten.
const COLLECT: Duration = Duration::from_millis(8);
/// A message is sent at once when it has this many bytes.
const BATCH_BYTES: usize = 256 * 1024;
/// Most bytes of a message: a batch that was one byte short of full, plus the largest transaction.
const MESSAGE_BYTES: usize = BATCH_BYTES + MAX_TRANSACTION_BYTES as usize + 64 * 1024;
/// Transactions that wait to be sent; beyond that they stay in our own pool only.
const OUTGOING: usize = 20_000;
/// How often peers that are not connected are dialled, and silent ones looked for.
const REDIAL: Duration = Duration::from_secs(1);
/// Connections of one peer: both sides may dial at once.
const CONNECTIONS_PER_PEER: u32 = 2;
/// Handshakes under way at once, from anybody.
const PENDING_INCOMING: u32 = 64;

/// Why gossip cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GossipError {
    /// The address cannot be listened on.
    #[error("cannot listen for transactions on {address}: {reason}")]
    Listen {
        /// The configured address.
        address: Multiaddr,
        /// What the system says.
        reason: String,
    },
    /// The transport cannot be built.
    #[error("the gossip transport cannot be built: {0}")]
    Transport(String),
}

/// Where gossip listens and to whom it talks.
#[derive(Debug, Clone)]
pub struct GossipConfig {
    /// A TCP multiaddr.
    pub listen: Multiaddr,
    /// The allow list; those with an address are dialled.
    pub peers: Vec<AdmittedPeer>,
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    allowed: allow_block_list::Behaviour<allow_block_list::AllowedPeers>,
    gossip: gossipsub::Behaviour,
}

enum Command {
    Publish(Arc<Vec<u8>>),
    SetPeers(Vec<AdmittedPeer>),
}

/// Counts for the node's metrics.
#[derive(Debug, Default)]
pub struct GossipCounts {
    /// Connected peers.
    pub peers: AtomicUsize,
    /// Transactions sent, each once however many peers got it.
    pub sent: AtomicU64,
    /// Transactions received, duplicates included.
    pub received: AtomicU64,
    /// Transactions dropped because a queue was full.
    pub dropped: AtomicU64,
}

/// The running swarm. Stops when dropped or stopped.
#[derive(Debug)]
pub struct Gossip {
    commands: mpsc::Sender<Command>,
    counts: Arc<GossipCounts>,
    task: JoinHandle<()>,
}

impl Gossip {
    /// Sends a transaction to the peers, soon. Never waits.
    pub fn publish(&self, transaction: Arc<Vec<u8>>) {
        if self.commands.try_send(Command::Publish(transaction)).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Replaces the allow list. Peers that are no longer on it are disconnected.
    pub async fn set_peers(&self, peers: Vec<AdmittedPeer>) {
        // An error means that the task has ended; the node is stopping then.
        let _ = self.commands.send(Command::SetPeers(peers)).await;
    }

    /// The counts, live.
    pub fn counts(&self) -> Arc<GossipCounts> {
        Arc::clone(&self.counts)
    }

    /// Stops the swarm; connections are closed.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Gossip {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The address at which a node's gossip listens by convention: the engine's TCP port plus one.
pub fn gossip_address(engine: &Multiaddr) -> Option<Multiaddr> {
    use libp2p::multiaddr::Protocol;
    let mut found = false;
    let mut address = Multiaddr::empty();
    for part in engine.iter() {
        match part {
            Protocol::Tcp(port) => {
                found = true;
                address.push(Protocol::Tcp(port.checked_add(1)?));
            }
            Protocol::P2p(_) => {}
            other => address.push(other),
        }
    }
    found.then_some(address)
}

fn topic_of(chain_id: &str) -> gossipsub::IdentTopic {
    gossipsub::IdentTopic::new(format!("aula/transactions/v1/{chain_id}"))
}

/// Starts the swarm. Received transactions go to `incoming`, one batch an item; when it is full they are dropped.
///
/// # Errors
/// [`GossipError`].
pub fn start(
    keypair: Keypair,
    chain_id: &str,
    config: GossipConfig,
    incoming: mpsc::Sender<Vec<Vec<u8>>>,
) -> Result<Gossip, GossipError> {
    let topic = topic_of(chain_id);
    let mut swarm = build(keypair, &topic, &without_a_mesh())?;
    swarm
        .listen_on(config.listen.clone())
        .map_err(|error| GossipError::Listen { address: config.listen.clone(), reason: error.to_string() })?;
    let counts = Arc::new(GossipCounts::default());
    let (commands, received) = mpsc::channel(OUTGOING);
    let mut state = State {
        swarm,
        topic,
        peers: BTreeMap::new(),
        silence: Silence::default(),
        batch: Vec::new(),
        batch_bytes: 0,
        counts: Arc::clone(&counts),
        incoming,
    };
    state.set_peers(config.peers);
    let task = tokio::spawn(state.run(received));
    Ok(Gossip { commands, counts, task })
}

/// What every node uses.
fn without_a_mesh() -> gossipsub::ConfigBuilder {
    let mut config = gossipsub::ConfigBuilder::default();
    config
        .max_transmit_size(MESSAGE_BYTES)
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        // No mesh: a message goes straight to every connected peer and is not relayed at once, which would cost
        // each node two copies of everything. Whom it does not reach hears of it at the next heartbeat and asks.
        .mesh_outbound_min(0)
        .mesh_n_low(0)
        .mesh_n(0)
        .mesh_n_high(0)
        // The mesh may hold a peer that grafts itself all the same; gossipsub then subtracts this from their number.
        .retain_scores(0)
        .message_id_fn(|message| gossipsub::MessageId::from(Sha256::digest(&message.data).to_vec()));
    config
}

fn build(
    keypair: Keypair,
    topic: &gossipsub::IdentTopic,
    config: &gossipsub::ConfigBuilder,
) -> Result<Swarm<Behaviour>, GossipError> {
    let failed = |error: String| GossipError::Transport(error);
    let config = config.build().map_err(|error| failed(error.to_string()))?;
    let mut gossip = gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, config)
        .map_err(|error| failed(error.to_string()))?;
    gossip.subscribe(topic).map_err(|error| failed(error.to_string()))?;
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_INCOMING))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER));
    let behaviour = Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        allowed: allow_block_list::Behaviour::default(),
        gossip,
    };
    let swarm = libp2p::SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
        .map_err(|error| failed(error.to_string()))?
        .with_dns()
        .map_err(|error| failed(error.to_string()))?
        .with_behaviour(|_| behaviour)
        .map_err(|error| failed(error.to_string()))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
        .build();
    Ok(swarm)
}

struct State {
    swarm: Swarm<Behaviour>,
    topic: gossipsub::IdentTopic,
    peers: BTreeMap<PeerId, Option<Multiaddr>>,
    silence: Silence,
    batch: Vec<Arc<Vec<u8>>>,
    batch_bytes: usize,
    counts: Arc<GossipCounts>,
    incoming: mpsc::Sender<Vec<Vec<u8>>>,
}

impl State {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut redial = tokio::time::interval(REDIAL);
        let flush = tokio::time::sleep(COLLECT);
        tokio::pin!(flush);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None => return,
                    Some(Command::SetPeers(peers)) => self.set_peers(peers),
                    Some(Command::Publish(transaction)) => {
                        if self.batch.is_empty() {
                            flush.as_mut().reset(tokio::time::Instant::now() + COLLECT);
                        }
                        self.batch_bytes += transaction.len();
                        self.batch.push(transaction);
                        if self.batch_bytes >= BATCH_BYTES {
                            self.flush();
                        }
                    }
                },
                () = &mut flush, if !self.batch.is_empty() => self.flush(),
                _ = redial.tick() => {
                    self.drop_silent();
                    self.dial();
                }
                event = self.swarm.select_next_some() => self.event(event),
            }
        }
    }

    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let Ok(bytes) = borsh::to_vec(&batch.iter().map(|t| t.as_slice()).collect::<Vec<_>>()) else {
            return;
        };
        let count = batch.len() as u64;
        match self.swarm.behaviour_mut().gossip.publish(self.topic.clone(), bytes) {
            Ok(_) => self.counts.sent.fetch_add(count, Ordering::Relaxed),
            // No peer is connected, or its queue is full: what is lost waits in our own pool.
            Err(error) => {
                tracing::debug!(%error, count, "transactions not sent");
                self.counts.dropped.fetch_add(count, Ordering::Relaxed)
            }
        };
    }

    fn event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Message { message, .. })) => {
                let Ok(batch) = Vec::<Vec<u8>>::try_from_slice(&message.data) else {
                    tracing::warn!("a peer sent bytes that are no batch of transactions");
                    return;
                };
                let count = batch.len() as u64;
                self.counts.received.fetch_add(count, Ordering::Relaxed);
                if self.incoming.try_send(batch).is_err() {
                    self.counts.dropped.fetch_add(count, Ordering::Relaxed);
                }
            }
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                tracing::debug!(%peer_id, "gossip peer connected");
                self.count_peers();
            }
            SwarmEvent::ConnectionClosed { .. } => self.count_peers(),
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "refused an incoming gossip connection");
            }
            _ => {}
        }
    }

    fn count_peers(&self) {
        self.counts.peers.store(self.swarm.connected_peers().count(), Ordering::Relaxed);
    }

    fn set_peers(&mut self, peers: Vec<AdmittedPeer>) {
        let own = *self.swarm.local_peer_id();
        let next: BTreeMap<PeerId, Option<Multiaddr>> =
            peers.into_iter().filter(|p| p.peer != own).map(|p| (p.peer, p.listen)).collect();
        let removed: Vec<PeerId> = self.peers.keys().filter(|id| !next.contains_key(id)).copied().collect();
        for id in removed {
            // Taking a peer off the allow list also closes its connections.
            self.swarm.behaviour_mut().allowed.disallow_peer(id);
        }
        for id in next.keys() {
            self.swarm.behaviour_mut().allowed.allow_peer(*id);
        }
        self.peers = next;
        self.dial();
    }

    /// Ends connections over which no subscription has come, so that both sides begin anew; see [`Silence`].
    fn drop_silent(&mut self) {
        let peers = self.swarm.behaviour().gossip.all_peers();
        let unheard = peers.filter(|(_, topics)| topics.is_empty()).map(|(peer, _)| *peer).collect();
        for peer in self.silence.look(unheard) {
            tracing::info!(%peer, "a connected gossip peer is silent; its connections end");
            // An error means that it has gone by itself.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn dial(&mut self) {
        use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
        for (id, address) in &self.peers {
            let Some(address) = address else { continue };
            if self.swarm.is_connected(id) {
                continue;
            }
            let options = DialOpts::peer_id(*id)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(vec![address.clone()])
                .build();
            // A refusal here means that a dial is under way already.
            let _ = self.swarm.dial(options);
        }
    }
}

#[cfg(test)]
mod tests;
