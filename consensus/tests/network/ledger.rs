//! The real ledger under the real engine: money, votes, a new peer and a new validator, from a genesis file.

use std::sync::Arc;
use std::time::Duration;

use aula_consensus::executor::LedgerExecutor;
use aula_consensus::ports::Tip;
use aula_ledger::chain::ValidatorSet;
use aula_ledger::genesis::{
    self, GenesisDistrict, GenesisMember, GenesisSchool, GenesisValidator, genesis_state,
};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::names::{ListenHint, Name, PeerName, Title};
use aula_ledger::params::Params;
use aula_ledger::protocol::Protocol;
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::state::{MemoryState, schema};
use aula_ledger::tx::{Body, Transaction};
use aula_ledger::tx::{Change, Choice, FundBudget, Payload, ProposeChange, VoteChange};
use aula_ledger::types::{Cents, DistrictId, Height, ProposalId, SchoolId, SchoolYear, TimeMs};
use aula_store::{DbOptions, open_or_create};
use ed25519_dalek::SigningKey;

use crate::common::{Genesis, Network, Node, now_ms, peer_id, validator_key};

const SECONDS_60: Duration = Duration::from_secs(60);

pub fn operator() -> SigningKey {
    SigningKey::from_bytes(&[50; 32])
}

/// A funder and district whom nobody should have admitted.
pub fn hostile() -> SigningKey {
    SigningKey::from_bytes(&[51; 32])
}

fn peer_name(n: usize) -> PeerName {
    PeerName::new(&peer_id(n as u8).to_string()).unwrap()
}

fn seed_key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number.wrapping_add(200); 32])
}

fn hint(node: &Node) -> ListenHint {
    ListenHint::new(&node.listen.to_string()).unwrap()
}

/// Four validators, see [`network_of`].
pub fn network() -> Network {
    network_of(4)
}

/// Validators of one operator, who also votes and funds, and a hostile funder. The nodes exist first: the file names their
/// peers.
pub fn network_of(validators: u8) -> Network {
    network_under(Protocol::NEWEST, validators)
}

/// The same on a chain that begins with this protocol.
pub fn network_under(protocol: Protocol, validators: u8) -> Network {
    with_genesis(protocol, validators).0
}

/// The same, each node's chain in the database that a node has: what is in memory then is what a node holds there.
pub fn network_on_disk(validators: u8) -> Network {
    let (mut network, file) = with_genesis(Protocol::NEWEST, validators);
    let parsed = genesis::Genesis::parse(&file).unwrap();
    for node in &mut network.nodes {
        let path = node.folder.join("chain");
        node.store = Arc::new(open_or_create(&path, DbOptions::default(), &file, &parsed).unwrap());
    }
    network
}

/// And the genesis file's bytes.
fn with_genesis(protocol: Protocol, validators: u8) -> (Network, Vec<u8>) {
    let empty = Genesis {
        genesis: crate::common::genesis_hash(),
        tip: Tip { height: Height(0), hash: Default::default(), time_ms: TimeMs(0) },
        state: MemoryState::new(),
        executor: Arc::new(LedgerExecutor::NEWEST),
    };
    let mut network = Network::new(validators, empty);
    let validators = network.nodes.iter().map(|node| GenesisValidator {
        name: Name::new(&format!("validator-{}", node.number)).unwrap(),
        operator: Name::new("operator").unwrap(),
        public_key: public_key(&validator_key(node.number)),
        power: 1,
        peer_id: peer_name(usize::from(node.number)),
        listen: hint(node),
        seed_key: public_key(&seed_key(node.number)),
    });
    let file = genesis::Genesis {
        name: Name::new("test").unwrap(),
        time_ms: TimeMs(now_ms()),
        protocol,
        params: Params::default(),
        members: vec![
            member("operator", &[Role::Consortium, Role::Funder], &operator()),
            GenesisMember {
                district: Some(DistrictId(1)),
                ..member("hostile", &[Role::Funder, Role::District], &hostile())
            },
        ],
        validators: validators.collect(),
        districts: vec![GenesisDistrict { id: DistrictId(1), name: Title::new("District 1").unwrap() }],
        schools: vec![GenesisSchool::unnamed(SchoolId(1), DistrictId(1), Name::new("rural").unwrap())],
        twin: Default::default(),
        sources: vec![],
    };
    let file = file.to_json().unwrap();
    let parsed = genesis::Genesis::parse(&file).unwrap();
    let (writes, _) = genesis_state(&parsed).unwrap();
    let mut state = MemoryState::new();
    state.apply(writes);
    network.begin_at(Genesis {
        genesis: parsed.sha256,
        tip: Tip { height: Height(0), hash: parsed.sha256, time_ms: parsed.genesis.time_ms },
        state,
        executor: Arc::new(LedgerExecutor::NEWEST),
    });
    (network, file)
}

fn member(name: &str, roles: &[Role], key: &SigningKey) -> GenesisMember {
    GenesisMember {
        name: Name::new(name).unwrap(),
        roles: RoleSet::of(roles),
        public_key: public_key(key),
        district: None,
        school: None,
    }
}

fn sign(network: &Network, sequence: u64, payload: Payload) -> Transaction {
    sign_as(network, &operator(), sequence, payload)
}

pub fn sign_as(network: &Network, key: &SigningKey, sequence: u64, payload: Payload) -> Transaction {
    let body = Body {
        genesis: network.genesis.genesis,
        account: account_of(&public_key(key)),
        sequence,
        valid_until_height: Height(10_000),
        payload,
    };
    Transaction::sign(body, key)
}

/// The operator, the only voter, proposes a change and decides it.
pub async fn decide(network: &Network, sequence: u64, proposal: u32, change: Change) {
    let open_until = Height(network.height(0) + 1_000);
    let propose = ProposeChange { change, open_until };
    network.send(0, &sign(network, sequence, propose.into())).await;
    let vote = VoteChange { proposal: ProposalId(proposal), choice: Choice::Approve };
    network.send(1, &sign(network, sequence + 1, vote.into())).await;
}

pub fn validators_of(network: &Network) -> ValidatorSet {
    let state = network.nodes[0].store.state().unwrap();
    schema::validator_schedule(state.as_ref()).unwrap().next
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_votes_and_a_node_that_joins_and_becomes_a_validator() {
    let mut network = network();
    for n in 0..4 {
        network.start(n).await;
    }
    network.reach(&[0, 1, 2, 3], 2, SECONDS_60).await;
    let fund = FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(100) };
    network.send(2, &sign(&network, 0, fund.into())).await;
    // A fifth node: admitted as a peer by vote, level by value sync, then a validator by vote.
    let fifth = network.add();
    network.start(fifth).await;
    let admit = Change::AdmitPeer {
        peer_id: peer_name(fifth),
        listen: hint(&network.nodes[fifth]),
        operator: account_of(&public_key(&operator())),
    };
    decide(&network, 1, 0, admit).await;
    let tip = network.height(0);
    network.reach(&[fifth], tip, SECONDS_60).await;
    let add = Change::AddValidator {
        name: Name::new("validator-4").unwrap(),
        public_key: public_key(&validator_key(fifth as u8)),
        power: 1,
        operator: account_of(&public_key(&operator())),
        peer_id: peer_name(fifth),
        seed_key: public_key(&seed_key(fifth as u8)),
    };
    decide(&network, 3, 1, add).await;
    let tip = network.height(0);
    network.reach(&[0, 1, 2, 3, fifth], tip + 4, SECONDS_60).await;
    assert_eq!(validators_of(&network).validators().len(), 5);
    // Of five, four are a quorum: the new one's vote is needed now.
    network.stop(0).await;
    let at = network.height(1);
    network.reach(&[1, 2, 3, fifth], at + 2, SECONDS_60).await;
    network.stop_all().await;
}
