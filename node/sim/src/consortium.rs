//! Whom a simulation is about: validators, funders who send transactions, and the genesis that names them.

use std::sync::Arc;

use aula_consensus::ports::Tip;
use aula_ledger::chain::validators::address;
use aula_ledger::codec::Canonical;
use aula_ledger::genesis::{Genesis, GenesisError, GenesisMember, GenesisValidator, genesis_state};
use aula_ledger::keys::{PublicKey, account_of, public_key};
use aula_ledger::names::{ListenHint, Name, PeerName, Title};
use aula_ledger::params::Params;
use aula_ledger::protocol::Protocol;
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::state::MemoryState;
use aula_ledger::tx::{Body, Change, Choice, FundBudget, Payload, ProposeChange, Transaction, VoteChange};
use aula_ledger::types::{Cents, Hash, Height, ProposalId, SchoolYear, TimeMs, ValidatorAddress};
use ed25519_dalek::SigningKey;
use libp2p_identity::{Keypair, PeerId};
use sha2::{Digest, Sha256};

/// When every simulation begins: 2026-01-01 UTC.
pub const BEGINNING_MS: u64 = 1_767_225_600_000;
/// The school year of all transactions.
const YEAR: u16 = 2026;
/// Accounts that send transactions.
pub const FUNDERS: u8 = 3;

/// A chain at its beginning.
pub struct Consortium {
    /// SHA-256 of the genesis file.
    pub genesis: Hash,
    /// Where the chain begins.
    pub tip: Tip,
    /// Its state there.
    pub state: Arc<MemoryState>,
}

fn seeded(what: &str, number: u8) -> [u8; 32] {
    Sha256::new().chain_update("aula/sim").chain_update(what).chain_update([number]).finalize().into()
}

/// A member's validator key.
pub fn validator_key(member: u8) -> SigningKey {
    SigningKey::from_bytes(&seeded("validator", member))
}

/// The address of a member's validator.
pub fn validator_address(member: u8) -> ValidatorAddress {
    address(&public_key(&validator_key(member)))
}

/// A member's network identity.
///
/// # Errors
/// Never for 32 bytes; the library checks.
pub fn network_key(member: u8) -> Result<Keypair, libp2p_identity::DecodingError> {
    Keypair::ed25519_from_bytes(seeded("network", member))
}

fn operator_key() -> SigningKey {
    SigningKey::from_bytes(&seeded("operator", 0))
}

fn funder_key(funder: u8) -> SigningKey {
    SigningKey::from_bytes(&seeded("funder", funder))
}

/// Why a consortium cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConsortiumError {
    /// A name or number that the ledger does not take.
    #[error("{0}")]
    Value(String),
    /// The genesis breaks a rule.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
}

fn value<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, ConsortiumError> {
    result.map_err(|error| ConsortiumError::Value(error.to_string()))
}

/// What the chain is told of a member's node.
struct Told {
    name: Name,
    public_key: PublicKey,
    peer_id: PeerName,
    listen: ListenHint,
    seed_key: PublicKey,
}

impl Told {
    fn of(member: u8) -> Result<Self, ConsortiumError> {
        let peer: PeerId = value(network_key(member))?.public().to_peer_id();
        let listen = format!("/ip4/127.0.0.1/tcp/{}", 27_000 + u32::from(member));
        Ok(Self {
            name: value(Name::new(&format!("validator-{member}")))?,
            public_key: public_key(&validator_key(member)),
            peer_id: value(PeerName::new(&peer.to_string()))?,
            listen: value(ListenHint::new(&listen))?,
            seed_key: public_key(&SigningKey::from_bytes(&seeded("seed", member))),
        })
    }
}

impl Consortium {
    /// So many validators of power 1, on a chain that begins with this protocol.
    ///
    /// # Errors
    /// [`ConsortiumError`].
    pub fn new(nodes: u8, protocol: Protocol) -> Result<Self, ConsortiumError> {
        let mut validators = Vec::new();
        for member in 0..nodes {
            let told = Told::of(member)?;
            validators.push(GenesisValidator {
                name: told.name,
                operator: value(Name::new("operator"))?,
                public_key: told.public_key,
                power: 1,
                peer_id: told.peer_id,
                listen: told.listen,
                seed_key: told.seed_key,
            });
        }
        let mut members = vec![member("operator", &[Role::Consortium], &operator_key())?];
        for number in 0..FUNDERS {
            members.push(member(&format!("funder-{number}"), &[Role::Funder], &funder_key(number))?);
        }
        let file = Genesis {
            name: value(Name::new("simulated"))?,
            time_ms: TimeMs(BEGINNING_MS),
            protocol,
            params: Params { first_school_year: YEAR - 1, last_school_year: YEAR + 1, ..Params::default() },
            twin: aula_ledger::twin::TwinParameters::default(),
            members,
            validators,
            districts: vec![],
            schools: vec![],
            sources: vec![],
        };
        let parsed = Genesis::parse(&value(file.to_json())?)?;
        let (writes, _) = value(genesis_state(&parsed))?;
        let mut state = MemoryState::new();
        state.apply(writes);
        let tip = Tip { height: Height(0), hash: parsed.sha256, time_ms: parsed.genesis.time_ms };
        Ok(Self { genesis: parsed.sha256, tip, state: Arc::new(state) })
    }

    /// A funder's transaction of this sequence number.
    pub fn transaction(&self, number: u8, sequence: u64) -> Vec<u8> {
        let fund = FundBudget { school_year: SchoolYear(YEAR), amount_cents: Cents(100) };
        self.sign(&funder_key(number), sequence, fund.into())
    }

    /// The operator's proposal to go by the second protocol from a height on, and its vote, which decides it: nobody else votes.
    pub fn switch(&self, height: Height) -> Vec<Vec<u8>> {
        let Ok(program) = Title::new("0.2.0") else { return Vec::new() };
        let change = Change::SwitchProtocol { protocol: Protocol::FIRST.next(), height, program };
        self.voted(change, 0, height)
    }

    /// The operator's proposals and votes that let a member in: its peer, then its validator. They are its proposals from `first` on.
    ///
    /// # Errors
    /// [`ConsortiumError`], for a name that the ledger does not take.
    pub fn lets_in(
        &self,
        member: u8,
        first: u32,
        open_until: Height,
    ) -> Result<Vec<Vec<u8>>, ConsortiumError> {
        let Told { name, public_key: key, peer_id, listen, seed_key } = Told::of(member)?;
        let operator = account_of(&public_key(&operator_key()));
        let admit = Change::AdmitPeer { peer_id: peer_id.clone(), listen, operator };
        let add = Change::AddValidator { name, public_key: key, power: 1, operator, peer_id, seed_key };
        let mut sent = self.voted(admit, first, open_until);
        sent.extend(self.voted(add, first + 1, open_until));
        Ok(sent)
    }

    /// The operator's proposal and vote, number `first` of its proposals, that removes a member's validator.
    pub fn removes(&self, member: u8, first: u32, open_until: Height) -> Vec<Vec<u8>> {
        self.voted(Change::RemoveValidator { address: validator_address(member) }, first, open_until)
    }

    /// A proposal of the operator and its vote, which decides it; it sends nothing else.
    fn voted(&self, change: Change, proposal: u32, open_until: Height) -> Vec<Vec<u8>> {
        let (key, sequence) = (operator_key(), 2 * u64::from(proposal));
        let propose = ProposeChange { change, open_until };
        let vote = VoteChange { proposal: ProposalId(proposal), choice: Choice::Approve };
        vec![self.sign(&key, sequence, propose.into()), self.sign(&key, sequence + 1, vote.into())]
    }

    fn sign(&self, key: &SigningKey, sequence: u64, payload: Payload) -> Vec<u8> {
        let body = Body {
            genesis: self.genesis,
            account: account_of(&public_key(key)),
            sequence,
            valid_until_height: Height(u64::from(u32::MAX)),
            payload,
        };
        Transaction::sign(body, key).to_canonical()
    }
}

fn member(name: &str, roles: &[Role], key: &SigningKey) -> Result<GenesisMember, ConsortiumError> {
    Ok(GenesisMember {
        name: value(Name::new(name))?,
        roles: RoleSet::of(roles),
        public_key: public_key(key),
        district: None,
        school: None,
    })
}
