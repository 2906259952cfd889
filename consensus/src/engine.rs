//! Sessions of the engine: its configuration, start and stop, and the peers it may talk to.
//!
//! A session is one run of the engine's actors, as validator or as follower. A follower is a full node to the
//! engine: it has no signer and an address that is in no validator set, so no code path of it can ask for a
//! signature. Passing from follower to validator is the end of one session and the start of the next.
//!
//! Peers: the engine runs with `persistent_peers_only`; its list of persistent peers IS the allow list, each entry
//! pinned by `/p2p/<id>`. A peer without a known address stands there by its id alone: it may connect, it is not
//! dialled. The list changes while the engine runs, so a vote that admits a peer needs no restart.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_malachitebft_app::config::NodeConfig;
use arc_malachitebft_app::metrics::SharedRegistry;
use arc_malachitebft_app::types::ProposedValue;
use arc_malachitebft_app_channel::spawn::spawn_network_actor;
use arc_malachitebft_app_channel::{
    Channels, ConsensusContext, EngineBuilder, EngineHandle, NetworkIdentity, RequestContext, SyncContext,
    WalContext,
};
use arc_malachitebft_codec::Codec;
use arc_malachitebft_config::{
    ChannelNames, ConsensusConfig, DiscoveryConfig, P2pConfig, ProtocolNames, PubSubProtocol, ValuePayload,
    ValueSyncConfig,
};
use arc_malachitebft_core_types::ValueOrigin;
use arc_malachitebft_engine::consensus::{ConsensusMsg, ConsensusRef};
use arc_malachitebft_engine::network::{Msg as NetworkMessage, NetworkRef, Status};
use aula_ledger::types::ValidatorAddress;
use bytesize::ByteSize;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use libp2p_identity::Keypair;

use crate::context::{Address, AulaContext, Height};
use crate::driver::{ToEngine, engine_peer};
use crate::events::FatalError;
use crate::gossip::gossip_address;
use crate::heights::Heights;
use crate::pace::{BATCH, MOST_ANSWER, Pace, REQUESTS};
use crate::parts::inbox::Inbox;
use crate::ports::AdmittedPeer;
use crate::quorums::Quorums;
use crate::signing::{GuardedSigner, StrictVerifier};
use crate::wire::Wire;

mod network;
mod tap;

pub(crate) use network::EngineNetwork;

/// Above the largest part, vote or certificate with room for gossip's own bytes.
const PUBSUB_MIB: u64 = 1;
/// How long a stopping engine may take before it is left behind.
const STOP: Duration = Duration::from_secs(5);

/// How a session is configured.
#[derive(Debug, Clone)]
pub(crate) struct SessionConfig {
    pub(crate) moniker: String,
    pub(crate) genesis: aula_ledger::types::Hash,
    pub(crate) listen: Multiaddr,
    pub(crate) wal: PathBuf,
    pub(crate) network: Keypair,
}

struct EngineConfig {
    moniker: String,
    consensus: ConsensusConfig,
    sync: ValueSyncConfig,
}

impl NodeConfig for EngineConfig {
    fn moniker(&self) -> &str {
        &self.moniker
    }

    fn consensus(&self) -> &ConsensusConfig {
        &self.consensus
    }

    fn consensus_mut(&mut self) -> &mut ConsensusConfig {
        &mut self.consensus
    }

    fn value_sync(&self) -> &ValueSyncConfig {
        &self.sync
    }

    fn value_sync_mut(&mut self) -> &mut ValueSyncConfig {
        &mut self.sync
    }
}

fn engine_config(config: &SessionConfig, peers: &BTreeSet<AdmittedPeer>) -> EngineConfig {
    // The names carry the chain id: two chains never understand each other, even on one allow list.
    let named = |what: &str| format!("/aula/{}/{what}/1", config.genesis);
    let p2p = P2pConfig {
        listen_addr: config.listen.clone(),
        persistent_peers: allow_addresses(peers).into_iter().collect(),
        persistent_peers_only: true,
        discovery: DiscoveryConfig {
            enabled: false,
            // Nodes of one operator, and a whole localnet, share an address; the allow list is the limit.
            max_connections_per_ip: 512,
            ip_throttle_duration: Duration::ZERO,
            num_inbound_peers: 256,
            num_outbound_peers: 256,
            // A peer that is away is dialled every second. More attempts in a row would lie ever further apart, so that a way
            // that is whole again is found 8 s later.
            dial_max_retries: 1,
            ..DiscoveryConfig::default()
        },
        protocol: PubSubProtocol::default(),
        pubsub_max_size: ByteSize::mib(PUBSUB_MIB),
        rpc_max_size: ByteSize::b(MOST_ANSWER as u64),
        protocol_names: ProtocolNames {
            consensus: named("consensus"),
            discovery_kad: named("kad"),
            discovery_regres: named("discovery"),
            sync: named("sync"),
            validator_proof: named("validator-proof"),
        },
        channel_names: ChannelNames::default(),
        ..P2pConfig::default()
    };
    let consensus = ConsensusConfig {
        enabled: true,
        p2p,
        value_payload: ValuePayload::ProposalAndParts,
        ..ConsensusConfig::default()
    };
    let sync = ValueSyncConfig {
        enabled: true,
        // A node that was away learns within a second that it is behind.
        status_update_interval: Duration::from_secs(1),
        request_timeout: Duration::from_secs(10),
        max_response_size: ByteSize::b(MOST_ANSWER as u64),
        batch_size: BATCH,
        parallel_requests: REQUESTS,
        ..ValueSyncConfig::default()
    };
    EngineConfig { moniker: config.moniker.clone(), consensus, sync }
}

/// What a session of the engine is reached by.
pub(crate) struct Session {
    pub(crate) channels: Channels<AulaContext>,
    pub(crate) handle: EngineHandle,
    /// Parts of blocks from the network.
    pub(crate) inbox: Arc<Inbox>,
    /// Take verdicts on blocks, and this node's height.
    pub(crate) actors: EngineActors,
}

/// The engine's consensus actor and its network, as the driver speaks to them.
pub(crate) struct EngineActors {
    consensus: ConsensusRef<AulaContext>,
    network: NetworkRef<AulaContext>,
}

impl ToEngine for EngineActors {
    fn proposed(&self, value: ProposedValue<AulaContext>) {
        // An error means that the engine stops, which its other messages will show.
        let _ = self.consensus.cast(ConsensusMsg::ReceivedProposedValue(value, ValueOrigin::Consensus));
    }

    fn say_height(&self, tip: Height, oldest: Height) {
        // As above.
        let _ = self.network.cast(NetworkMessage::BroadcastStatus(Status::new(tip, oldest)));
    }
}

/// Starts the engine, as validator with a signer, as follower without.
pub(crate) async fn start(
    config: &SessionConfig,
    peers: &BTreeSet<AdmittedPeer>,
    signer: Option<GuardedSigner>,
    quorums: Arc<Quorums>,
    heights: Arc<Heights>,
    pace: Pace,
) -> Result<Session, FatalError> {
    let failed = |error: &dyn std::fmt::Display| {
        FatalError::engine(format!(
            "the consensus engine does not start: {error:#}; is another node using {} or {}?",
            config.listen,
            config.wal.display()
        ))
    };
    let verifier = Box::new(StrictVerifier::new(config.genesis, quorums));
    let (identity, consensus) = match signer {
        Some(signer) => {
            let address = signer.address();
            let proof = signer.proof(config.network.public().to_peer_id().to_bytes());
            let proof = Wire.encode(&proof).map_err(|error| FatalError::program(error.to_string()))?;
            let identity = NetworkIdentity::new_validator(
                config.moniker.clone(),
                config.network.clone(),
                address.to_string(),
                proof,
            );
            (identity, ConsensusContext::new_validator(address, verifier, Box::new(signer)))
        }
        None => {
            // No key hashes to this address.
            let nobody = Address(ValidatorAddress([0; 20]));
            let identity = NetworkIdentity::new(config.moniker.clone(), config.network.clone(), None);
            (identity, ConsensusContext::new_full_node(nobody, verifier))
        }
    };
    let engine = engine_config(config, peers);
    let registry = SharedRegistry::global().with_moniker(engine.moniker());
    let (network, to_network) =
        spawn_network_actor(identity, engine.consensus(), engine.value_sync(), &registry, Wire)
            .await
            .map_err(|error| failed(&error))?;
    let inbox = Arc::new(Inbox::default());
    inbox.admit(peers.iter().filter_map(|peer| engine_peer(&peer.peer)).collect());
    let ears = tap::Ears { inbox: Arc::clone(&inbox), heights, pace: Arc::new(pace) };
    let tapped = tap::spawn(network.clone(), ears).await.map_err(|error| failed(&error))?;
    let (channels, handle) = EngineBuilder::new(AulaContext, engine)
        .with_default_wal(WalContext::new(config.wal.clone(), Wire))
        .with_custom_network(tapped, to_network)
        .with_default_sync(SyncContext::new(Wire))
        .with_default_consensus(consensus)
        .with_default_request(RequestContext::new(100))
        .build()
        .await
        .map_err(|error| failed(&error))?;
    let actors = handle.actor.get_children();
    let consensus = actors
        .into_iter()
        .find(|actor| actor.is_message_type_of::<ConsensusMsg<AulaContext>>() == Some(true));
    let consensus = consensus.ok_or_else(|| FatalError::engine("the engine has no consensus actor"))?.into();
    Ok(Session { channels, handle, inbox, actors: EngineActors { consensus, network } })
}

/// Stops the engine: its network first and alone, then the rest, then waits until the log is closed: its thread
/// outlives the actors for a moment, and holds a lock without which the next session cannot start.
///
/// The engine kills its actors as soon as one of them has ended. A network that is killed before it has closed its
/// connections keeps them until somebody speaks to it, and the peers would take the next session for a second
/// connection of the old one (see [`crate::peer_watch`]).
pub(crate) async fn stop(engine: EngineHandle, wal: &Path) {
    type Message = NetworkMessage<AulaContext>;
    let why = || Some("stopping".to_owned());
    let actors = engine.actor.get_children();
    for network in actors.iter().filter(|actor| actor.is_message_type_of::<Message>() == Some(true)) {
        if network.stop_and_wait(why(), Some(STOP)).await.is_err() {
            tracing::warn!("the network of the consensus engine did not stop in time");
        }
    }
    engine.actor.get_cell().stop_children_and_wait(why(), Some(STOP)).await;
    engine.actor.stop(why());
    if tokio::time::timeout(STOP, engine.handle).await.is_err() {
        tracing::warn!("the consensus engine did not stop in time and is left behind");
    }
    if tokio::time::timeout(STOP, released(wal)).await.is_err() {
        tracing::warn!(wal = %wal.display(), "the write-ahead log is still in use");
    }
}

/// Completes when nobody holds the log's advisory lock; at once when there is no log.
async fn released(wal: &Path) {
    while File::open(wal).is_ok_and(|log| matches!(log.try_lock(), Err(TryLockError::WouldBlock))) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The engine's allow list: each peer's address pinned to its id, or the id alone.
pub(crate) fn allow_addresses(peers: &BTreeSet<AdmittedPeer>) -> BTreeSet<Multiaddr> {
    peers.iter().map(allow_address).collect()
}

fn allow_address(peer: &AdmittedPeer) -> Multiaddr {
    let base = peer.listen.iter().flat_map(|address| address.iter());
    let mut address: Multiaddr = base.filter(|part| !matches!(part, Protocol::P2p(_))).collect();
    address.push(Protocol::P2p(peer.peer));
    address
}

/// The same peers as gossip reaches them: one port above the engine's.
pub(crate) fn for_gossip(peers: &BTreeSet<AdmittedPeer>) -> Vec<AdmittedPeer> {
    let gossip = |peer: &AdmittedPeer| AdmittedPeer {
        peer: peer.peer,
        listen: peer.listen.as_ref().and_then(gossip_address),
    };
    peers.iter().map(gossip).collect()
}
