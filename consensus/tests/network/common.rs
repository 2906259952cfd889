//! A consortium in one process: nodes on loopback with a store in memory and a ledger that counts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aula_consensus::ports::{
    AccountView, AdmittedPeer, Clock, ClockError, Executor, StoreError, SystemClock, Tip,
};
use aula_consensus::sign_guard::SignGuard;
use aula_consensus::{Config, Keys, Ports, RunningConsensus, start};
use aula_ledger::chain::validators::address;
use aula_ledger::chain::{Block, Header, Validator, ValidatorSet};
use aula_ledger::code::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::execute::{BlockInput, ExecuteError, Outcome, SignatureMemory};
use aula_ledger::keys::public_key;
use aula_ledger::params::Params;
use aula_ledger::proof::merkle;
use aula_ledger::protocol::Protocol;
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::state::{MemoryState, StateReader, StateWrites};
use aula_ledger::tx::FundBudget;
use aula_ledger::tx::transaction::id_of_bytes;
use aula_ledger::tx::{Body, Receipt, Transaction};
use aula_ledger::types::{AccountId, Cents, Hash, Height, SchoolYear, TimeMs, ValidatorAddress};
use ed25519_dalek::SigningKey;
use libp2p::{Multiaddr, PeerId};
use libp2p_identity::Keypair;
use sha2::{Digest, Sha256};

pub use crate::store::{Chain, MemoryStore};

pub fn genesis_hash() -> Hash {
    Hash([0; 32])
}

/// The system's clock.
pub fn now_ms() -> u64 {
    SystemClock.now_ms().unwrap()
}

/// A ledger that counts each account's transactions. Sets of validators by the height from which they decide.
pub struct Counter {
    pub validators: BTreeMap<u64, ValidatorSet>,
    pub admitted: Mutex<Vec<AdmittedPeer>>,
    /// How many blocks were executed, on all nodes.
    pub runs: AtomicUsize,
}

fn sequence(state: &dyn StateReader, account: &AccountId) -> Result<u64, StoreError> {
    let bytes = state.value(&account.0)?.unwrap_or_default();
    Ok(bytes.try_into().map_or(0, u64::from_le_bytes))
}

impl Counter {
    pub fn set_at(&self, height: u64) -> ValidatorSet {
        self.validators.range(..=height).next_back().unwrap().1.clone()
    }
}

/// Account n signs with key n; n = 13 makes the ledger panic.
pub fn account(n: u8) -> AccountId {
    AccountId([n; 20])
}

fn account_key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

pub fn transaction(n: u8, sequence: u64) -> Transaction {
    let body = Body {
        genesis: genesis_hash(),
        account: account(n),
        sequence,
        valid_until_height: Height(1_000_000),
        payload: FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(1) }.into(),
    };
    Transaction::sign(body, &account_key(n))
}

impl Executor for Counter {
    fn execute(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        memory: &dyn SignatureMemory,
    ) -> Result<Outcome, ExecuteError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        let (mut receipts, mut writes) = (Vec::new(), StateWrites::default());
        let mut next: BTreeMap<AccountId, u64> = BTreeMap::new();
        let mut digest = Sha256::new();
        digest.update(state.value(b"root")?.unwrap_or_default());
        for (index, bytes) in (0u32..).zip(input.transactions) {
            let invalid = |code| ExecuteError::Invalid { index, code };
            let transaction = Transaction::from_canonical(bytes).map_err(|_| invalid(Code::Malformed))?;
            let id = id_of_bytes(bytes);
            if !memory.is_verified(&id) && !transaction.signature_is_valid() {
                return Err(invalid(Code::BadSignature));
            }
            let from = transaction.body.account;
            assert_ne!(from, account(13), "this transaction makes the ledger panic");
            let expected = match next.get(&from) {
                Some(expected) => *expected,
                None => sequence(state, &from)?,
            };
            if transaction.body.sequence != expected {
                return Err(invalid(Code::WrongSequence));
            }
            next.insert(from, expected + 1);
            digest.update(id.0);
            receipts.push(receipt(id));
        }
        let root: [u8; 32] = digest.finalize().into();
        writes.values.insert(b"root".to_vec(), Some(root.to_vec()));
        for (from, sequence) in next {
            writes.values.insert(from.0.to_vec(), Some(sequence.to_le_bytes().to_vec()));
        }
        let header = Header {
            protocol: Protocol::FIRST,
            genesis: *input.genesis,
            height: input.height,
            time_ms: input.time_ms,
            parent: input.parent,
            proposer: input.proposer,
            transactions: merkle::head(input.transactions),
            receipts: merkle::head(receipts.iter().map(Canonical::to_canonical)),
            students: merkle::head(Vec::<Vec<u8>>::new()),
            state_root: Hash(root),
            validators_hash: self.set_at(input.height.0).hash(),
            next_validators_hash: self.set_at(input.height.0 + 1).hash(),
        };
        Ok(Outcome { header, receipts, student_leaves: Vec::new(), writes })
    }

    fn next_validators(&self, _: &dyn StateReader, tip: Height) -> Result<ValidatorSet, StoreError> {
        Ok(self.set_at(tip.0 + 1))
    }

    fn following_validators(&self, _: &dyn StateReader, tip: Height) -> Result<ValidatorSet, StoreError> {
        Ok(self.set_at(tip.0 + 2))
    }

    fn account(&self, state: &dyn StateReader, id: &AccountId) -> Result<Option<AccountView>, StoreError> {
        let n = id.0[0];
        let known = *id == account(n) && (1..=20).contains(&n);
        let view = AccountView {
            next_sequence: sequence(state, id)?,
            public_key: public_key(&account_key(n)),
            roles: RoleSet::of(&Role::ALL),
        };
        Ok(known.then_some(view))
    }

    fn params(&self, _: &dyn StateReader) -> Result<Params, StoreError> {
        Ok(Params::default())
    }

    fn validator_peers(&self, _: &dyn StateReader) -> Result<Vec<(ValidatorAddress, PeerId)>, StoreError> {
        Ok((0..8).map(|n| (address(&public_key(&validator_key(n))), peer_id(n))).collect())
    }

    fn admitted_peers(&self, _: &dyn StateReader) -> Result<Vec<AdmittedPeer>, StoreError> {
        Ok(self.admitted.lock().unwrap().clone())
    }
}

/// What an [`Executor`] takes from the ledger as it is, where only what it executes differs.
macro_rules! as_the_ledger {
    () => {
        fn next_validators(
            &self,
            state: &dyn aula_ledger::state::StateReader,
            tip: aula_ledger::types::Height,
        ) -> Result<aula_ledger::chain::ValidatorSet, aula_consensus::ports::StoreError> {
            aula_consensus::executor::LedgerExecutor::NEWEST.next_validators(state, tip)
        }

        fn following_validators(
            &self,
            state: &dyn aula_ledger::state::StateReader,
            tip: aula_ledger::types::Height,
        ) -> Result<aula_ledger::chain::ValidatorSet, aula_consensus::ports::StoreError> {
            aula_consensus::executor::LedgerExecutor::NEWEST.following_validators(state, tip)
        }

        fn missed_turns(
            &self,
            state: &dyn aula_ledger::state::StateReader,
        ) -> Result<aula_ledger::chain::turns::Misses, aula_consensus::ports::StoreError> {
            aula_consensus::executor::LedgerExecutor::NEWEST.missed_turns(state)
        }

        fn account(
            &self,
            state: &dyn aula_ledger::state::StateReader,
            id: &aula_ledger::types::AccountId,
        ) -> Result<Option<aula_consensus::ports::AccountView>, aula_consensus::ports::StoreError> {
            aula_consensus::executor::LedgerExecutor::NEWEST.account(state, id)
        }

        fn params(
            &self,
            state: &dyn aula_ledger::state::StateReader,
        ) -> Result<aula_ledger::params::Params, aula_consensus::ports::StoreError> {
            aula_consensus::executor::LedgerExecutor::NEWEST.params(state)
        }

        fn validator_peers(
            &self,
            state: &dyn aula_ledger::state::StateReader,
        ) -> Result<
            Vec<(aula_ledger::types::ValidatorAddress, libp2p::PeerId)>,
            aula_consensus::ports::StoreError,
        > {
            aula_consensus::executor::LedgerExecutor::NEWEST.validator_peers(state)
        }

        fn admitted_peers(
            &self,
            state: &dyn aula_ledger::state::StateReader,
        ) -> Result<Vec<aula_consensus::ports::AdmittedPeer>, aula_consensus::ports::StoreError> {
            aula_consensus::executor::LedgerExecutor::NEWEST.admitted_peers(state)
        }
    };
}

pub(crate) use as_the_ledger;

fn receipt(id: Hash) -> Receipt {
    let bytes = [vec![1u8], id.0.to_vec(), vec![0; 16]].concat();
    // The receipt's form is the ledger's matter; an accepted one without events is its shortest.
    (0..=16)
        .find_map(|cut| Receipt::from_canonical(&bytes[..bytes.len() - cut]).ok())
        .expect("a receipt of the ledger")
}

/// How soon blocks follow each other where nothing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Five a second: most tests wait for blocks, and the pace is nothing to them.
    Quick,
    /// As a node has it by default: for what is about the pace, or measured.
    Shipped,
}

/// Where a chain begins.
#[derive(Clone)]
pub struct Genesis {
    pub genesis: Hash,
    pub tip: Tip,
    pub state: MemoryState,
    pub executor: Arc<dyn Executor>,
}

/// One node: what survives a restart, and the running part.
pub struct Node {
    pub number: u8,
    /// Whether it has its validator key; without, it follows.
    pub signs: bool,
    pub store: Arc<dyn Chain>,
    pub folder: PathBuf,
    pub listen: Multiaddr,
    /// Its ledger, when it is not the network's: a node of another build.
    pub executor: Option<Arc<dyn Executor>>,
    /// How fast its clock is, in milliseconds.
    pub ahead_ms: u64,
    pub running: Option<RunningConsensus>,
}

/// The system's clock, and so much ahead of it.
struct Ahead(u64);

impl Clock for Ahead {
    fn now_ms(&self) -> Result<u64, ClockError> {
        Ok(SystemClock.now_ms()? + self.0)
    }
}

pub struct Network {
    pub nodes: Vec<Node>,
    pub genesis: Genesis,
    /// Of nodes that are started from now on.
    pub pace: Pace,
    folder: tempfile::TempDir,
}

pub fn validator_key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[100 + n; 32])
}

pub fn network_key(n: u8) -> Keypair {
    Keypair::ed25519_from_bytes([200 + n; 32]).unwrap()
}

pub fn peer_id(n: u8) -> PeerId {
    network_key(n).public().to_peer_id()
}

pub fn set_of(numbers: &[u8]) -> ValidatorSet {
    ValidatorSet::new(numbers.iter().map(|n| Validator::new(public_key(&validator_key(*n)), 1)).collect())
        .unwrap()
}

/// Two free neighbouring ports: the engine's and gossip's. None is given out twice: tests run side by side with the
/// same keys and chain, and two that met on a port would talk to each other.
///
/// They lie below the ports that the system gives to outgoing connections: one of those may else hold the port of a node
/// that is down for a moment.
pub fn free_ports() -> u16 {
    const PAIRS: u32 = 10_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Each process of a test run begins elsewhere.
        let at =
            std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PAIRS;
        let port = 12_000 + 2 * at as u16;
        let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 1) {
            return port;
        }
    }
}

/// The counting ledger as a genesis; the ledger is shared and can be changed while nodes run.
pub fn counting_genesis(validators: BTreeMap<u64, ValidatorSet>) -> (Genesis, Arc<Counter>) {
    let counter = Arc::new(Counter { validators, admitted: Mutex::default(), runs: AtomicUsize::new(0) });
    let genesis = Genesis {
        genesis: genesis_hash(),
        tip: Tip { height: Height(0), hash: Hash([0; 32]), time_ms: TimeMs(now_ms()) },
        state: MemoryState::new(),
        executor: counter.clone(),
    };
    (genesis, counter)
}

/// A network over the counting ledger.
pub fn counting(count: u8, validators: BTreeMap<u64, ValidatorSet>) -> (Network, Arc<Counter>) {
    let (genesis, counter) = counting_genesis(validators);
    let network = Network::new(count, genesis);
    *counter.admitted.lock().unwrap() = network.nodes.iter().map(Node::as_peer).collect();
    (network, counter)
}

/// Four validators over the counting ledger, started.
pub async fn four() -> Network {
    four_at(Pace::Quick).await
}

/// The same at this pace.
pub async fn four_at(pace: Pace) -> Network {
    let (mut network, _) = counting(4, BTreeMap::from([(0, set_of(&[0, 1, 2, 3]))]));
    network.pace = pace;
    for n in 0..4 {
        network.start(n).await;
    }
    network
}

impl Node {
    pub fn as_peer(&self) -> AdmittedPeer {
        AdmittedPeer { peer: peer_id(self.number), listen: Some(self.listen.clone()) }
    }

    fn new(number: u8, folder: PathBuf, genesis: &Genesis) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        SignGuard::create(&folder.join("guard"), 0).unwrap();
        let listen = format!("/ip4/127.0.0.1/tcp/{}", free_ports()).parse().unwrap();
        let store = Arc::new(MemoryStore::new(genesis));
        Self { number, signs: true, store, folder, listen, executor: None, ahead_ms: 0, running: None }
    }
}

impl Network {
    /// `count` nodes, none started. `RUST_LOG=debug cargo test … -- --nocapture` shows what they say.
    pub fn new(count: u8, genesis: Genesis) -> Self {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        // An error means that another test of this process has set it up already.
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
        let folder = tempfile::tempdir().unwrap();
        let nodes = (0..count).map(|n| Node::new(n, folder.path().join(n.to_string()), &genesis)).collect();
        Self { nodes, genesis, pace: Pace::Quick, folder }
    }

    /// Begins with another genesis; for networks whose genesis names their own nodes. None may have run.
    pub fn begin_at(&mut self, genesis: Genesis) {
        for node in &mut self.nodes {
            node.store = Arc::new(MemoryStore::new(&genesis));
        }
        self.genesis = genesis;
    }

    /// Adds a node, not started; nobody has admitted it.
    pub fn add(&mut self) -> usize {
        let n = self.nodes.len();
        self.nodes.push(Node::new(n as u8, self.folder.path().join(n.to_string()), &self.genesis));
        n
    }

    /// Adds a second node under the name of `n`, not started, that follows: to the others it is a connection that `n`
    /// had earlier.
    pub fn add_ghost(&mut self, n: usize) -> usize {
        let ghost = self.add();
        self.nodes[ghost].number = self.nodes[n].number;
        self.nodes[ghost].signs = false;
        ghost
    }

    pub async fn start(&mut self, n: usize) {
        self.start_with(n, |_| {}).await;
    }

    pub async fn start_with(&mut self, n: usize, change: impl FnOnce(&mut Config)) {
        // A joining node knows the others from its configuration, before it has read the state that admits them.
        let peers = self.nodes.iter().filter(|other| usize::from(other.number) != n).map(Node::as_peer);
        let peers = peers.collect();
        let node = &mut self.nodes[n];
        let (wal, guard) = (node.folder.join("wal"), node.folder.join("guard"));
        let mut config = Config::new(&format!("node-{n}"), node.listen.clone(), wal, guard);
        config.peers = peers;
        if self.pace == Pace::Quick {
            config.idle = Duration::from_millis(200);
        }
        change(&mut config);
        let ports = Ports {
            store: node.store.clone(),
            executor: node.executor.as_ref().unwrap_or(&self.genesis.executor).clone(),
            clock: Arc::new(Ahead(node.ahead_ms)),
        };
        let validator = node.signs.then(|| validator_key(node.number));
        let keys = Keys { validator, network: network_key(node.number) };
        node.running = Some(start(config, ports, keys, self.genesis.genesis).await.unwrap());
    }

    pub async fn stop(&mut self, n: usize) {
        if let Some(running) = self.nodes[n].running.take() {
            running.stop().await.unwrap();
        }
    }

    pub async fn stop_all(&mut self) {
        for n in 0..self.nodes.len() {
            self.stop(n).await;
        }
    }

    pub fn running(&self, n: usize) -> &RunningConsensus {
        self.nodes[n].running.as_ref().expect("a running node")
    }

    pub fn height(&self, n: usize) -> u64 {
        self.nodes[n].store.height()
    }

    /// Waits until the given nodes have decided `height`; says how long it took.
    pub async fn reach(&self, nodes: &[usize], height: u64, within: Duration) -> Duration {
        let started = Instant::now();
        loop {
            if nodes.iter().all(|n| self.height(*n) >= height) {
                return started.elapsed();
            }
            let heights: Vec<u64> = (0..self.nodes.len()).map(|n| self.height(n)).collect();
            assert!(started.elapsed() < within, "height {height} is not reached: {heights:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until node `n` is connected to `peers` others.
    pub async fn connected(&self, n: usize, peers: usize) {
        let started = Instant::now();
        while self.running(n).status().peers < peers {
            assert!(started.elapsed() < Duration::from_secs(60), "node {n} does not find {peers} peers");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All nodes agree on every height that two of them have, and every certificate is good under `sets`.
    pub fn check(&self, sets: impl Fn(u64) -> ValidatorSet) {
        for node in &self.nodes {
            for height in 1..=node.store.height() {
                let hash = node.store.hash_at(height).unwrap();
                for other in &self.nodes {
                    assert!(other.store.hash_at(height).is_none_or(|theirs| theirs == hash), "a fork");
                }
                let decided = node.store.decided_at(height).unwrap();
                assert_eq!(decided.certificate.block_hash, hash);
                let verdict = decided.certificate.verify(&self.genesis.genesis, &sets(height));
                assert_eq!(verdict, Ok(()), "height {height}");
            }
        }
    }

    /// Submits to node `n` and waits until it is decided there.
    pub async fn send(&self, n: usize, transaction: &Transaction) -> Duration {
        let (started, bytes) = (Instant::now(), transaction.to_canonical());
        let mut height = self.height(n);
        self.running(n).submit(bytes.clone()).unwrap();
        loop {
            while height < self.height(n) {
                height += 1;
                let decided = self.nodes[n].store.decided_at(height).unwrap();
                if Block::from_canonical(&decided.block).unwrap().transactions.contains(&bytes) {
                    return started.elapsed();
                }
            }
            assert!(started.elapsed() < Duration::from_secs(60), "the transaction is not decided");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// A transaction as bytes, for submitting by hand.
pub fn bytes_of(n: u8, sequence: u64) -> Vec<u8> {
    transaction(n, sequence).to_canonical()
}
