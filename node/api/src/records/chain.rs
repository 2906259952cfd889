//! Blocks, validators and parameters.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A block's height and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moment {
    /// The block's height; 0 is the genesis.
    pub height: u64,
    /// The time in the block's header, in ms since 1970 UTC.
    pub time_ms: u64,
}

/// The head of a tree of RFC 9162.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TreeHead {
    /// How many leaves.
    pub leaf_count: u64,
    /// The root over them: 64 hex digits; of no leaves it is SHA-256 of the empty string.
    pub root: String,
}

/// A node with voting power.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Validator {
    /// First 20 bytes of the labelled hash of its public key, as 40 hex digits.
    pub address: String,
    /// The Ed25519 key that signs its votes: 64 hex digits.
    pub public_key: String,
    /// Voting power, at least 1.
    pub power: u64,
}

/// A validator's name, operator and peer; its key and power stand in the sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValidatorInfo {
    /// The address of the key in force, by which the sets know it.
    pub address: String,
    /// What people call it; stays when the key changes.
    pub name: String,
    /// The account of the member that answers for it.
    pub operator: String,
    /// The network identity of its node (libp2p).
    pub peer_id: String,
    /// The time of the block that replaced its key; none of one whose first key is in force.
    pub rotated_ms: Option<u64>,
    /// The account with which its node sends shares of seeds.
    pub seed: String,
}

/// A node that a vote admitted as validator and that has no power before it says itself that it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingValidator {
    /// The address it will vote under.
    pub address: String,
    /// The name it will have in the set.
    pub name: String,
    /// The key that will sign its votes.
    pub public_key: String,
    /// The voting power it will have.
    pub power: u64,
    /// The account of the member that answers for it.
    pub operator: String,
    /// The network identity of its node (libp2p).
    pub peer_id: String,
    /// The key with which its node will sign shares of seeds.
    pub seed_key: String,
    /// The height of the block that admitted it.
    pub admitted: u64,
    /// That block's time.
    pub admitted_ms: u64,
}

/// A node that may connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Peer {
    /// Its network identity (libp2p), in base58.
    pub peer_id: String,
    /// Where it may be reached: a multiaddr, for example `/ip4/192.0.2.7/tcp/8481`.
    pub listen: String,
    /// The account of the member that runs it.
    pub operator: String,
}

/// What the ledger holds against a validator. It stays when the validator goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Misbehaviour {
    /// The address that signed both statements of each.
    pub validator: String,
    /// Ascending by height; no more are kept of one validator than 16.
    pub offences: Vec<Offence>,
}

/// A height at which a validator signed two things where one is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offence {
    /// Both, with their signatures: anybody checks them again.
    pub evidence: Equivocation,
    /// The account that reported it.
    pub by: String,
    /// The block that took the report.
    pub at: Moment,
}

/// Two statements of one validator, of which the rules allow one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Equivocation {
    /// On which chain: SHA-256 of its genesis file.
    pub genesis: String,
    /// The key that signed both.
    pub public_key: String,
    /// The height that both are about.
    pub height: u64,
    /// The round of that height, from 0.
    pub round: u32,
    /// The one that comes first by what it says.
    pub first: SignedStatement,
    /// The other one.
    pub second: SignedStatement,
}

/// Something that a validator said, with its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedStatement {
    /// What it said.
    pub said: Said,
    /// The Ed25519 signature over the bytes of that kind: 128 hex digits.
    pub signature: String,
}

/// What a validator says of a round.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Said {
    /// Its first vote.
    Prevote {
        /// The hash of the block that it is for; none: for no block.
        block: Option<String>,
    },
    /// Its second vote.
    Precommit {
        /// The hash of the block that it is for; none: for no block.
        block: Option<String>,
    },
    /// What it proposed.
    Proposal {
        /// The hash of the block that it proposed.
        block: String,
        /// The round whose quorum of prevotes it claimed; none for a fresh block.
        valid_round: Option<u32>,
    },
}

/// Parameters of the ledger: set by the genesis, changed by votes of members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Params {
    /// Most bytes of a block's transactions.
    pub max_block_bytes: u32,
    /// Most signatures in a block, hence transactions.
    pub max_block_signatures: u32,
    /// Most proved values in a block.
    pub max_block_range_values: u32,
    /// Most rounds that a block runs.
    pub max_block_rounds: u32,
    /// Most transactions of one account in a block.
    pub max_block_account_transactions: u32,
    /// Most work of a block, in nanoseconds of one thread of the reference machine.
    pub max_block_work: u64,
    /// Most entries (student states, requests) in one transaction.
    pub max_batch_entries: u32,
    /// Most students of a district in one school year.
    pub max_district_students: u32,
    /// Most students of a district over all school years.
    pub max_district_leaves: u32,
    /// First school year that takes states; 0: the one before that of the block's time.
    pub first_school_year: u16,
    /// Last school year that takes states; 0: the one after that of the block's time.
    pub last_school_year: u16,
    /// Most requests in a round.
    pub max_round_requests: u32,
    /// Most pairs of a request and an eligible pool in a round.
    pub max_round_pairs: u64,
    /// Most of a round's requests, and of its pairs, that one district may take, in percent.
    pub max_district_round_percent: u32,
    /// Block time for a round's requests, and for commitments to shares of its seed, in ms.
    pub request_window_ms: u64,
    /// Block time for the reveals of these shares, in ms.
    pub reveal_window_ms: u64,
    /// Most block time that the opening of a round may add to each window, in ms.
    pub max_extra_window_ms: u64,
    /// How often commitments and reveals are tried for one round.
    pub max_seed_attempts: u32,
    /// Most pools in a class, retired ones included.
    pub max_class_pools: u32,
    /// Most work of one run of the optimizer: entries scanned.
    pub max_round_work: u64,
    /// Largest proven gap at which a round's result is accepted, in parts per million.
    pub max_gap_ppm: u32,
    /// The weight of need, 0 to 1,000.
    pub equity: u32,
    /// No published count is of fewer students than this.
    pub min_cell_students: u32,
}
