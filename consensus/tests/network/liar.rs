//! A validator that lies: not a node of ours that was told to misbehave, but a program of its own that speaks the
//! engine's protocols, holds an admitted network key and perhaps a validator's, and says what it likes.

use std::time::Duration;

use arc_malachitebft_codec::Codec;
use arc_malachitebft_core_consensus::SignedConsensusMsg;
use arc_malachitebft_core_types::{NilOrVal, Round, SignedMessage, VoteType};
use arc_malachitebft_engine::util::streaming::StreamMessage;
use aula_consensus::context::{Address, Height, Proposal, ProposalInit, ProposalPart, Value, Vote};
use aula_consensus::parts;
use aula_consensus::ports::AdmittedPeer;
use aula_consensus::signing::{Signature, init_sign_bytes, proposal_sign_bytes, vote_sign_bytes};
use aula_consensus::wire::Wire;
use aula_ledger::chain::turns::Turns;
use aula_ledger::chain::{Block, ValidatorSet, validators::address};
use aula_ledger::codec::Canonical;
use aula_ledger::keys::public_key;
use aula_ledger::state::schema;
use aula_ledger::types::Hash;
use ed25519_dalek::{Signer, SigningKey};
use futures::StreamExt;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{gossipsub, identify, noise, tcp, yamux};
use libp2p_identity::Keypair;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::common::Chain;

/// The engine's topics.
const CONSENSUS: &str = "/consensus";
const PARTS: &str = "/proposal_parts";

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    gossip: gossipsub::Behaviour,
    /// The engine ends the connection with whoever does not speak it.
    sync: libp2p_scatter::Behaviour,
}

/// The liar: connected, saying nothing by itself.
pub struct Liar {
    genesis: Hash,
    key: SigningKey,
    say: mpsc::Sender<(&'static str, Vec<u8>)>,
    connected: tokio::sync::watch::Receiver<usize>,
    task: JoinHandle<()>,
    nonce: u64,
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Liar {
    /// Connects to `nodes` as the peer `network`, ready to sign as the validator `key`.
    pub fn connect(genesis: &Hash, network: Keypair, key: SigningKey, nodes: Vec<AdmittedPeer>) -> Self {
        let gossip = gossipsub::ConfigBuilder::default()
            .max_transmit_size(1024 * 1024)
            .validation_mode(gossipsub::ValidationMode::Strict)
            .build()
            .unwrap();
        let authenticity = gossipsub::MessageAuthenticity::Signed(network.clone());
        let mut gossip = gossipsub::Behaviour::new(authenticity, gossip).unwrap();
        for topic in [CONSENSUS, PARTS, "/liveness"] {
            gossip.subscribe(&gossipsub::IdentTopic::new(topic)).unwrap();
        }
        let version = format!("/aula/{genesis}/consensus/1");
        let identify = identify::Behaviour::new(identify::Config::new(version, network.public()));
        let mut swarm = libp2p::SwarmBuilder::with_existing_identity(network)
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| Behaviour { identify, gossip, sync: libp2p_scatter::Behaviour::default() })
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(600)))
            .build();
        let (say, mut said) = mpsc::channel::<(&'static str, Vec<u8>)>(64);
        let (tell, connected) = tokio::sync::watch::channel(0);
        let task = tokio::spawn(async move {
            let mut redial = tokio::time::interval(Duration::from_millis(300));
            loop {
                tokio::select! {
                    _ = redial.tick() => for node in &nodes {
                        let dial = DialOpts::peer_id(node.peer).addresses(node.listen.iter().cloned().collect());
                        // An error means that it is connected.
                        let _ = swarm.dial(dial.condition(PeerCondition::DisconnectedAndNotDialing).build());
                    },
                    message = said.recv() => {
                        let Some((topic, bytes)) = message else { return };
                        let topic = gossipsub::IdentTopic::new(topic);
                        // An error means that nobody listens any more, or that a queue is full: a liar goes on.
                        let _ = swarm.behaviour_mut().gossip.publish(topic, bytes);
                    }
                    event = swarm.select_next_some() => {
                        if let SwarmEvent::Behaviour(BehaviourEvent::Gossip(_)) | SwarmEvent::ConnectionClosed { .. } = event {
                            let parts = gossipsub::IdentTopic::new(PARTS).hash();
                            let peers = swarm.behaviour().gossip.all_peers();
                            let _ = tell.send(peers.filter(|(_, topics)| topics.contains(&&parts)).count());
                        }
                    }
                }
            }
        });
        Self { genesis: *genesis, key, say, connected, task, nonce: 0 }
    }

    /// Waits until so many nodes hear it.
    pub async fn heard_by(&mut self, nodes: usize) {
        let heard = self.connected.wait_for(|count| *count >= nodes);
        tokio::time::timeout(Duration::from_secs(30), heard).await.expect("the liar is heard").unwrap();
    }

    /// How many nodes hear it now.
    pub fn listeners(&self) -> usize {
        *self.connected.borrow()
    }

    pub fn address(&self) -> Address {
        Address(address(&public_key(&self.key)))
    }

    /// Its turns at the height after a store's tip, the first ones: it is left out of some for what it did before.
    pub fn turns(&self, set: &ValidatorSet, store: &dyn Chain, height: u64) -> Vec<u32> {
        let misses = schema::missed_turns(store.state().unwrap().as_ref()).unwrap();
        let turns = Turns::new(set, &misses, aula_ledger::types::Height(height));
        let own = self.address().0;
        (0..64).filter(|round| turns.proposer(*round).is_some_and(|one| one.address == own)).collect()
    }

    /// A head over a block, signed.
    pub fn head(
        &self,
        height: u64,
        round: u32,
        valid_round: Round,
        hash: Hash,
        bytes: usize,
    ) -> ProposalInit {
        let mut head = ProposalInit {
            height: Height(height),
            round: Round::new(round),
            valid_round,
            proposer: self.address(),
            block_hash: hash,
            block_bytes: bytes as u32,
            signature: Signature([0; 64]),
        };
        head.signature = Signature(self.key.sign(&init_sign_bytes(&self.genesis, &head)).to_bytes());
        head
    }

    /// Says "in this round, this block", signed.
    pub async fn propose(&self, height: u64, round: u32, hash: Hash) {
        let proposal = Proposal {
            height: Height(height),
            round: Round::new(round),
            value: Value(hash),
            pol_round: Round::Nil,
            address: self.address(),
        };
        let signature = Signature(self.key.sign(&proposal_sign_bytes(&self.genesis, &proposal)).to_bytes());
        let message = SignedConsensusMsg::Proposal(SignedMessage::new(proposal, signature));
        self.say(CONSENSUS, Wire.encode(&message).unwrap().to_vec()).await;
    }

    /// Votes for a block in the first step of a round, signed.
    pub async fn prevote(&self, height: u64, round: u32, hash: Hash) {
        let vote = Vote {
            kind: VoteType::Prevote,
            height: Height(height),
            round: Round::new(round),
            value: NilOrVal::Val(hash),
            address: self.address(),
        };
        let bytes = vote_sign_bytes(&self.genesis, &vote).unwrap();
        let signature = Signature(self.key.sign(&bytes).to_bytes());
        let message = SignedConsensusMsg::Vote(SignedMessage::new(vote, signature));
        self.say(CONSENSUS, Wire.encode(&message).unwrap().to_vec()).await;
    }

    /// Streams bytes under a head, as a stream of its own.
    pub async fn stream(&mut self, head: &ProposalInit, block: &[u8]) {
        self.nonce += 1;
        for part in parts::split(head, block, self.nonce << 32) {
            self.part(&part).await;
        }
    }

    /// Says one part of a stream.
    pub async fn part(&self, part: &StreamMessage<ProposalPart>) {
        self.say(PARTS, Wire.encode(part).unwrap().to_vec()).await;
    }

    /// Proposes a block for `round` and streams it under `head_round` and `valid_round`.
    pub async fn push(&mut self, block: &Block, round: u32, head_round: u32, valid_round: Round) {
        let (hash, bytes, height) = (block.header.hash(), block.to_canonical(), block.header.height.0);
        let head = self.head(height, head_round, valid_round, hash, bytes.len());
        self.propose(height, round, hash).await;
        self.stream(&head, &bytes).await;
    }

    async fn say(&self, topic: &'static str, bytes: Vec<u8>) {
        self.say.send((topic, bytes)).await.expect("the liar runs");
    }
}
