//! Transactions between nodes: a libp2p swarm of our own, since the engine carries no application data.
//!
//! Flow: the pool accepts a transaction → [`Gossip::publish`] → collected for a few milliseconds → one message to
//! all peers. A message from a peer → its transactions, unchecked, to the receiver given to [`start`], where the
//! pool checks each as if it had been submitted.
//!
//! Who may talk to us: only peers on the allow list, by their libp2p identity, which the noise handshake proves.
//! Anybody else is cut off when the handshake ends, before any protocol is spoken, and has few places to begin one
//! ([`crate::door`]). The list may change while the node runs ([`Gossip::set_peers`]).
//!
//! Invariants: a queue that is full drops transactions and says so in a count; nothing here waits for a slow peer.
//! Messages carry no signature of their own: connections are authenticated and every transaction is signed. A message
//! that is not a batch of transactions is not passed on, so whoever sent it made it: it loses its connections.
//!
//! Reach: a message goes to every connected peer. A node that its sender has no connection with learns of it
//! from the others within a heartbeat (a second), by gossipsub's lazy push. One that is lost all the same is told
//! again by the node that it was submitted to, until it is in a block ([`crate::mempool::Occasion`]).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use borsh::BorshDeserialize;
use futures::StreamExt;
use libp2p::core::upgrade;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{
    Multiaddr, PeerId, Swarm, Transport, allow_block_list, connection_limits, gossipsub, noise, tcp, yamux,
};
use libp2p_identity::Keypair;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use aula_ledger::params::MAX_TRANSACTION_BYTES;

use crate::divergence::Recent;
use crate::door::transport::Guarded;
use crate::door::{Door, Known, ip_of};
use crate::peer_watch::Silence;
use crate::ports::AdmittedPeer;
use crate::snapshots::{self, Ask, Source};

mod exchange;
mod message;

use exchange::{Asker, Exchange, Found};

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
/// Most transactions of a message: the smallest transaction has more bytes than this admits.
const MESSAGE_TRANSACTIONS: usize = 8 * 1024;
/// How long a peer that sent garbage is cut off.
const CUT: Duration = Duration::from_secs(60);

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
    /// Where it listens, a TCP multiaddr.
    pub listen: Multiaddr,
    /// The allow list; those with an address are dialled.
    pub peers: Vec<AdmittedPeer>,
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    limits: connection_limits::Behaviour,
    allowed: allow_block_list::Behaviour<allow_block_list::AllowedPeers>,
    gossip: gossipsub::Behaviour,
    snapshots: snapshots::codec::Behaviour,
}

enum Command {
    Publish(Arc<Vec<u8>>),
    SetPeers(Vec<AdmittedPeer>),
    Reconnect(PeerId),
    Ask(PeerId, Ask, Asker),
    Peers(oneshot::Sender<Vec<PeerId>>),
}

/// Counts for the node's metrics.
#[derive(Debug, Default)]
pub struct GossipCounts {
    /// Peers connected now.
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
    listeners: watch::Receiver<u64>,
    known: Arc<Known>,
    source: Arc<OnceLock<Source>>,
    recent: Arc<OnceLock<Arc<Recent>>>,
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

    /// Ends the connections with a peer that are of no use any more; it is dialled again within a second.
    pub async fn reconnect(&self, peer: PeerId) {
        // As above.
        let _ = self.commands.send(Command::Reconnect(peer)).await;
    }

    /// Changes whenever a peer begins to listen, and so has missed what was sent before.
    pub fn listeners(&self) -> watch::Receiver<u64> {
        self.listeners.clone()
    }

    /// The counts, live.
    pub fn counts(&self) -> Arc<GossipCounts> {
        Arc::clone(&self.counts)
    }

    /// The addresses of admitted peers, as far as they are known; they follow the allow list.
    pub fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known)
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
    gossipsub::IdentTopic::new(format!("aula/transactions/v2/{chain_id}"))
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
    let known = Arc::new(Known::default());
    let mut swarm = build(keypair, chain_id, &without_a_mesh(), Door::new(Arc::clone(&known)))?;
    swarm
        .listen_on(config.listen.clone())
        .map_err(|error| GossipError::Listen { address: config.listen.clone(), reason: error.to_string() })?;
    let counts = Arc::new(GossipCounts::default());
    let (tell, told) = mpsc::channel(snapshots::WAITING);
    let source: Arc<OnceLock<Source>> = Arc::default();
    let recent: Arc<OnceLock<Arc<Recent>>> = Arc::default();
    let (commands, received) = mpsc::channel(OUTGOING);
    let (listening, listeners) = watch::channel(0);
    let mut state = State {
        swarm,
        topic,
        peers: BTreeMap::new(),
        cut: BTreeMap::new(),
        known: Arc::clone(&known),
        silence: Silence::default(),
        batch: Vec::new(),
        batch_bytes: 0,
        // Differs from an earlier process's, whose messages the peers may still remember.
        number: rand::random(),
        counts: Arc::clone(&counts),
        listening,
        incoming,
        exchange: Exchange::new(Arc::clone(&source), Arc::clone(&recent), tell),
    };
    state.set_peers(config.peers);
    let task = tokio::spawn(state.run(received, told));
    Ok(Gossip { commands, counts, known, listeners, source, recent, task })
}

/// What every node uses.
fn without_a_mesh() -> gossipsub::ConfigBuilder {
    let mut config = gossipsub::ConfigBuilder::default();
    config
        .max_transmit_size(MESSAGE_BYTES)
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        // Nothing is passed on before it was looked at.
        .validate_messages()
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

/// What a peer's message holds, for the fuzz target alone.
#[cfg(fuzzing)]
pub fn transactions_of(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    message::decode(bytes)
}

/// The transactions of a message; `None` if it is not a batch of them. Looks at their number before it makes room for them.
fn batch_of(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let count = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    if count == 0 || count > MESSAGE_TRANSACTIONS {
        return None;
    }
    let batch = Vec::<Vec<u8>>::try_from_slice(bytes).ok()?;
    let fits = |transaction: &Vec<u8>| (1..=MAX_TRANSACTION_BYTES as usize).contains(&transaction.len());
    batch.iter().all(fits).then_some(batch)
}

fn build(
    keypair: Keypair,
    chain_id: &str,
    config: &gossipsub::ConfigBuilder,
    door: Door,
) -> Result<Swarm<Behaviour>, GossipError> {
    let failed = |error: String| GossipError::Transport(error);
    let config = config.build().map_err(|error| failed(error.to_string()))?;
    let mut gossip = gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, config)
        .map_err(|error| failed(error.to_string()))?;
    gossip.subscribe(&topic_of(chain_id)).map_err(|error| failed(error.to_string()))?;
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER));
    let behaviour = Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        allowed: allow_block_list::Behaviour::default(),
        gossip,
        snapshots: snapshots::codec::behaviour(chain_id).map_err(failed)?,
    };
    let swarm = libp2p::SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_other_transport(|keypair| {
            let transport = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
                .upgrade(upgrade::Version::V1Lazy)
                .authenticate(noise::Config::new(keypair)?)
                .multiplex(yamux::Config::default())
                .boxed();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Guarded::new(transport, door))
        })
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
    /// Peers that sent garbage, and until when they are cut off.
    cut: BTreeMap<PeerId, Instant>,
    known: Arc<Known>,
    silence: Silence,
    batch: Vec<Arc<Vec<u8>>>,
    batch_bytes: usize,
    /// Of the last message.
    number: u64,
    counts: Arc<GossipCounts>,
    listening: watch::Sender<u64>,
    incoming: mpsc::Sender<Vec<Vec<u8>>>,
    exchange: Exchange,
}

impl State {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut told: mpsc::Receiver<Found>) {
        let mut redial = tokio::time::interval(REDIAL);
        let flush = tokio::time::sleep(COLLECT);
        tokio::pin!(flush);
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    None => return,
                    Some(Command::SetPeers(peers)) => self.set_peers(peers),
                    Some(Command::Reconnect(peer)) => self.disconnect(peer),
                    Some(Command::Ask(peer, ask, asker)) => self.ask(peer, ask, asker),
                    Some(Command::Peers(answer)) => {
                        // Whoever asked may have gone.
                        let _ = answer.send(self.swarm.connected_peers().copied().collect());
                    }
                    Some(Command::Publish(transaction)) => {
                        if self.batch.is_empty() {
                            flush.as_mut().reset(tokio::time::Instant::now() + COLLECT);
                        }
                        self.batch_bytes += transaction.len();
                        self.batch.push(transaction);
                        if self.batch_bytes >= BATCH_BYTES || self.batch.len() >= MESSAGE_TRANSACTIONS {
                            self.flush();
                        }
                    }
                },
                () = &mut flush, if !self.batch.is_empty() => self.flush(),
                _ = redial.tick() => {
                    self.heal();
                    self.drop_silent();
                    self.dial();
                }
                Some((back, found)) = told.recv() => self.answer(back, found),
                event = self.swarm.select_next_some() => self.event(event),
            }
        }
    }

    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        self.number = self.number.wrapping_add(1);
        let bytes = message::encode(self.number, &batch);
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
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Message {
                message,
                message_id,
                propagation_source,
            })) => self.message(&message.data, &message_id, propagation_source),
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Subscribed { .. })) => {
                self.listening.send_modify(|count| *count = count.wrapping_add(1));
            }
            SwarmEvent::Behaviour(BehaviourEvent::Snapshots(event)) => self.exchanged(event),
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } => {
                tracing::debug!(%peer_id, "gossip peer connected");
                if let (true, Some(ip)) = (endpoint.is_listener(), ip_of(endpoint.get_remote_address())) {
                    self.known.seen(&peer_id, ip);
                }
                self.count_peers();
            }
            SwarmEvent::ConnectionClosed { .. } => self.count_peers(),
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "refused an incoming gossip connection");
            }
            _ => {}
        }
    }

    fn message(&mut self, bytes: &[u8], id: &gossipsub::MessageId, from: PeerId) {
        let batch = message::decode(bytes);
        let acceptance = match batch {
            Some(_) => gossipsub::MessageAcceptance::Accept,
            None => gossipsub::MessageAcceptance::Reject,
        };
        self.swarm.behaviour_mut().gossip.report_message_validation_result(id, &from, acceptance);
        let Some(batch) = batch else {
            tracing::warn!(peer = %from, "a peer sent bytes that are not a batch of transactions; it is cut off");
            self.swarm.behaviour_mut().allowed.disallow_peer(from);
            self.cut.insert(from, Instant::now() + CUT);
            return;
        };
        let count = batch.len() as u64;
        self.counts.received.fetch_add(count, Ordering::Relaxed);
        if self.incoming.try_send(batch).is_err() {
            self.counts.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Lets peers in again whose time is over.
    fn heal(&mut self) {
        let now = Instant::now();
        let over: Vec<PeerId> =
            self.cut.iter().filter(|(_, until)| **until <= now).map(|(id, _)| *id).collect();
        for id in over {
            self.cut.remove(&id);
            if self.peers.contains_key(&id) {
                self.swarm.behaviour_mut().allowed.allow_peer(id);
            }
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
        for id in next.keys().filter(|id| !self.cut.contains_key(id)) {
            self.swarm.behaviour_mut().allowed.allow_peer(*id);
        }
        self.known.set(next.clone());
        self.peers = next;
        self.dial();
    }

    /// Ends connections over which no subscription has come, so that both sides begin anew; see [`Silence`].
    fn drop_silent(&mut self) {
        let peers = self.swarm.behaviour().gossip.all_peers();
        let unheard = peers.filter(|(_, topics)| topics.is_empty()).map(|(peer, _)| *peer).collect();
        for peer in self.silence.look(unheard) {
            tracing::info!(%peer, "a connected gossip peer is silent; its connections end");
            self.disconnect(peer);
        }
    }

    fn disconnect(&mut self, peer: PeerId) {
        // An error means that it has gone by itself.
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    fn dial(&mut self) {
        use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
        for (id, address) in &self.peers {
            let Some(address) = address else { continue };
            if self.swarm.is_connected(id) || self.cut.contains_key(id) {
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
