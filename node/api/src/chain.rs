//! The chain as a node has it: status, blocks, validators, parameters.

use aula_ledger::chain::Header;
use aula_ledger::chain::validators::ValidatorSet;
use aula_ledger::params::Params;
use aula_ledger::proof::TreeHead;
use aula_ledger::protocol::Protocol;
use aula_ledger::state::schema::{Misbehaviour, Peer, ProtocolRecord, ValidatorInfo, WaitingValidator};
use aula_ledger::twin::TwinVersion;
use aula_ledger::types::{AccountId, ChainId, Hash, Height, RoundId, TimeMs, ValidatorAddress};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::delays::Delays;
use crate::records;
use crate::transactions::Outline;

/// This node and its chain.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The genesis's name, a dash, and the first 8 hex digits of the SHA-256 of the genesis file.
    #[schema(value_type = String)]
    pub chain_id: ChainId,
    /// SHA-256 of the genesis file; compare it with the published one.
    #[schema(value_type = String)]
    pub genesis_sha256: Hash,
    /// The last final block; 0 before the first one.
    #[schema(value_type = u64)]
    pub height: Height,
    /// The highest block that more of the connected validators say they have than can lie, or, where too few are connected, the
    /// middle one of what the peers say: their word, which nothing here has checked. Far above `height` while this node fetches
    /// what it lacks; none before a peer has said so.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    pub told_height: Option<Height>,
    /// Of the block at `height`: 64 hex digits, lower case.
    #[schema(value_type = String)]
    pub block_hash: Hash,
    /// The time in that block's header, in ms since 1970 UTC.
    #[schema(value_type = u64)]
    pub time_ms: TimeMs,
    /// How many validators decide the next block.
    pub validators: usize,
    /// How many peers are connected.
    pub peers: usize,
    /// How many of the validators are, this node's own not counted: followers decide nothing. None where that is not known.
    #[serde(default)]
    pub validators_connected: Option<usize>,
    /// `validator` while this node signs votes when it is in the set, else `follower`.
    pub role: String,
    /// Whether this node's key is in the validator set and it signs votes.
    pub signs: bool,
    /// Why it signs nothing although its key is in the validator set; none in every other case.
    pub silent_because: Option<String>,
    /// What this node found damaged in its own state, with what to do next: it is not ready then. None while all is well.
    pub damage: Option<String>,
    /// How far the last block's time lies ahead of this node's clock, in ms; 0 when it does not. Above 500 the node is not
    /// ready: its clock is slow, or the validators' are fast. None when the clock cannot be read.
    pub ahead_of_clock_ms: Option<u64>,
    /// What its operator should set right, though the node goes on: a clock that is fast, a chain that is not proven yet. None
    /// while all is well.
    #[serde(default)]
    pub attention: Option<String>,
    /// What this node does for the lotteries; none where it only follows by its operator's choice.
    pub seeds: Option<SeedDuty>,
    /// Transactions in the chain so far; none while this node still counts a long chain.
    pub transactions: Option<u64>,
    /// From a block's own time until this node had it final and stored; none before it saw one.
    pub finality: Option<Finality>,
    /// Transactions that this node has checked and that no block holds yet.
    pub waiting_transactions: usize,
    /// What those take, in bytes as they are signed.
    pub waiting_bytes: usize,
    /// How long they wait, and whom blocks pass over.
    #[serde(default)]
    pub delays: Delays,
    /// Set while no block is decided: since when, and who is missing.
    #[serde(default)]
    pub stands: Option<Standing>,
    /// By which rules blocks are executed, and what was voted for.
    #[serde(default)]
    pub protocol: ProtocolStatus,
    /// The program's version.
    pub version: String,
    /// Seconds since the process started.
    pub uptime_s: u64,
}

/// The part of [`Status`] by which a node of any version is judged: of what it does not tell, nothing is known.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Vitals {
    /// The last final block.
    pub height: Height,
    /// The highest block that its peers say they have.
    pub told_height: Option<Height>,
    /// The time in that block's header, in ms since 1970 UTC.
    pub time_ms: TimeMs,
    /// How many validators decide the next block.
    pub validators: usize,
    /// How many peers are connected.
    pub peers: usize,
    /// How many of the other validators are.
    pub validators_connected: Option<usize>,
    /// Whether it signs votes.
    pub signs: bool,
    /// Why it signs nothing although it should.
    pub silent_because: Option<String>,
    /// What it found damaged in its own state; none while all is well.
    pub damage: Option<String>,
    /// How far the last block's time lies ahead of its clock, in ms.
    pub ahead_of_clock_ms: Option<u64>,
    /// What its operator should set right though it goes on.
    pub attention: Option<String>,
    /// Set while no block is decided.
    pub stands: Option<Standing>,
    /// By which rules it executes blocks, and which come next.
    pub protocol: ProtocolStatus,
    /// The program's version, for example `0.1.0`.
    pub version: Option<String>,
}

/// Blocks that a node lacks of those that its peers say they have; 0 while none has said so.
pub fn blocks_behind(height: Height, told: Option<Height>) -> u64 {
    told.map_or(0, |told| told.0.saturating_sub(height.0))
}

/// A chain that decides no block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// For how many seconds, from 20 on.
    pub for_s: u64,
    /// The validators from whom this node heard no vote for the next block, by name.
    pub missing: Vec<String>,
    /// For how many seconds this node's own disk has not answered, from 30 on: then it votes for nothing, and does not say who
    /// else is missing. None while the disk answers.
    #[serde(default)]
    pub disk_silent_s: Option<u64>,
}

impl Standing {
    /// Why, in words.
    pub fn why(&self) -> String {
        match (self.disk_silent_s, self.missing.as_slice()) {
            (Some(for_s), _) => format!("this node's own disk has not answered for {for_s} s"),
            (None, []) => "every validator has voted".to_owned(),
            (None, missing) => format!("no vote for the next height came from {}", missing.join(", ")),
        }
    }
}

/// The protocol in force and the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProtocolStatus {
    /// By whose rules the last block was executed, from 1.
    #[schema(value_type = u16)]
    pub now: Protocol,
    /// Since which height; 0: the genesis.
    #[schema(value_type = u64)]
    pub since: Height,
    /// The newest that this node's program knows.
    #[schema(value_type = u16)]
    pub known: Protocol,
    /// What the members have voted for and has not begun.
    pub next: Option<NextProtocol>,
}

/// A protocol that begins at a height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextProtocol {
    /// Greater than the one in force.
    #[schema(value_type = u16)]
    pub protocol: Protocol,
    /// The first height by its rules.
    #[schema(value_type = u64)]
    pub height: Height,
    /// Blocks until then: 1 when it is the next one.
    pub blocks_left: u64,
    /// The version of the program that operators run by then, as voted.
    pub program: String,
    /// Whether this node's program knows it. One that does not stops before that height.
    pub is_known: bool,
}

impl ProtocolStatus {
    /// From the state's record, after the block of `tip`.
    pub fn of(record: ProtocolRecord, tip: Height) -> Self {
        let known = Protocol::NEWEST;
        let next = record.next.map(|switch| NextProtocol {
            protocol: switch.protocol,
            height: switch.height,
            blocks_left: switch.height.0.saturating_sub(tip.0),
            program: switch.program.as_str().to_owned(),
            is_known: switch.protocol <= known,
        });
        Self { now: record.now, since: record.since, known, next }
    }
}

impl NextProtocol {
    /// In a sentence: how long, and what an operator does.
    pub fn words(&self) -> String {
        let Self { protocol, height, blocks_left, program, is_known } = self;
        let then = if *is_known {
            format!("this node's program knows it (the vote names Aula {program})")
        } else {
            format!("this node's program does not know it and stops before: run Aula {program} by then")
        };
        format!("protocol {protocol} begins in {blocks_left} blocks, at height {height}; {then}")
    }
}

/// A share of a seed that this node sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedSeed {
    /// `committed` or `revealed`.
    pub act: String,
    /// The lottery round whose seed it is a share of.
    #[schema(value_type = u32)]
    pub round: RoundId,
    /// Which attempt at the round's seed, from 1.
    pub attempt: u32,
    /// The last final block then.
    #[schema(value_type = u64)]
    pub height: Height,
}

/// What a validator's node does for the lotteries: by itself it commits to and reveals its shares of rounds' seeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeedDuty {
    /// The account that sends them.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Whether the ledger knows that account: from the genesis or the vote that admitted the validator.
    pub admitted: bool,
    /// How many are due or on their way.
    pub due: usize,
    /// The last one sent since the process started.
    pub last: Option<SharedSeed>,
    /// Why the last one could not be sent; it is tried again after each block.
    pub error: Option<String>,
}

/// A block without its transactions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BlockSummary {
    /// Genesis is 0, the first block 1.
    #[schema(value_type = u64)]
    pub height: Height,
    /// SHA-256 of the header under a label: 64 hex digits, lower case. Evidence proves against it.
    #[schema(value_type = String)]
    pub hash: Hash,
    /// Block time in ms since 1970 UTC.
    #[schema(value_type = u64)]
    pub time_ms: TimeMs,
    /// The parent's hash.
    #[schema(value_type = String)]
    pub parent: Hash,
    /// By which rules it was executed, from 1.
    #[serde(default)]
    #[schema(value_type = u16)]
    pub protocol: Protocol,
    /// The validator that built it: 40 hex digits.
    #[schema(value_type = String)]
    pub proposer: ValidatorAddress,
    /// Leaf count and root of its transactions.
    #[schema(value_type = records::TreeHead)]
    pub transactions: TreeHead,
    /// Leaf count and root of the receipts.
    #[schema(value_type = records::TreeHead)]
    pub receipts: TreeHead,
    /// Leaf count and root of the student states anchored in it.
    #[schema(value_type = records::TreeHead)]
    pub students: TreeHead,
    /// Root of the state after the block: 64 hex digits. The next block executes on it.
    #[schema(value_type = String)]
    pub state_root: Hash,
    /// Hash of the validator set that decided this block.
    #[schema(value_type = String)]
    pub validators_hash: Hash,
    /// Hash of the validator set that decides the next one.
    #[schema(value_type = String)]
    pub next_validators_hash: Hash,
}

/// A block with its transactions' outlines: what kind, how many entries, what became of them. No rows.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BlockDetail {
    /// What its header says, under the names of a block in a list.
    #[serde(flatten)]
    pub summary: BlockSummary,
    /// Which round of consensus decided it, from 0; above 0 a proposer before was missing or slow.
    pub round: u32,
    /// The validators whose precommits make it final.
    #[schema(value_type = Vec<String>)]
    pub signers: Vec<ValidatorAddress>,
    /// Its transactions, in order.
    pub outlines: Vec<Outline>,
}

/// A page of blocks, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BlocksPage {
    /// Newest first, without gaps; empty only before the first block.
    pub blocks: Vec<BlockSummary>,
    /// The `from` of the next page; none at the first block.
    pub next: Option<u64>,
}

/// The newest blocks' times to final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finality {
    /// Half of the blocks took at most so many ms.
    pub p50_ms: u64,
    /// 99 in 100 took at most so many ms.
    pub p99_ms: u64,
    /// How many blocks this is about.
    pub blocks: usize,
}

impl BlockSummary {
    /// From a header.
    pub fn of(header: &Header) -> Self {
        Self {
            height: header.height,
            hash: header.hash(),
            time_ms: header.time_ms,
            parent: header.parent,
            protocol: header.protocol,
            proposer: header.proposer,
            transactions: header.transactions,
            receipts: header.receipts,
            students: header.students,
            state_root: header.state_root,
            validators_hash: header.validators_hash,
            next_validators_hash: header.next_validators_hash,
        }
    }
}

/// Who decides blocks, and what is known of each.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Validators {
    /// Who decides the block after the next.
    #[schema(value_type = Vec<records::Validator>)]
    pub after: ValidatorSet,
    /// The newest final block; `now` decided it.
    #[schema(value_type = u64)]
    pub height: Height,
    /// Names, operators and network identities.
    #[schema(value_type = Vec<records::ValidatorInfo>)]
    pub known: Vec<ValidatorInfo>,
    /// Evidence that a validator signed two things where one is allowed, with both signatures; of those who left too.
    #[schema(value_type = Vec<records::Misbehaviour>)]
    #[serde(default)]
    pub misbehaviour: Vec<Misbehaviour>,
    /// Who decides the next block.
    #[schema(value_type = Vec<records::Validator>)]
    pub next: ValidatorSet,
    /// Who decided the newest block.
    #[schema(value_type = Vec<records::Validator>)]
    pub now: ValidatorSet,
    /// The nodes that may connect: identity, address and operator of each.
    #[schema(value_type = Vec<records::Peer>)]
    pub peers: Vec<Peer>,
    /// What each signed and proposed.
    pub uptime: Uptime,
    /// Admitted, and without power until they say that they are ready.
    pub waiting: Vec<WaitingLine>,
}

/// The part of [`Validators`] by which a network is judged, as a node of any version tells it.
#[derive(Debug, Clone, Deserialize)]
pub struct NetworkVitals {
    /// What each signed.
    pub uptime: UptimeVitals,
    /// The nodes that may connect.
    pub peers: Vec<PeerVitals>,
}

/// The part of [`Uptime`] that is looked at.
#[derive(Debug, Clone, Deserialize)]
pub struct UptimeVitals {
    /// Those in the set and those who left it.
    pub validators: Vec<SignerVitals>,
}

/// A validator is silent whose signature none of so many newest blocks carries: late signatures are in none.
pub const LATELY_BLOCKS: u64 = 20;

/// The part of [`ValidatorLine`] that says whether a validator signs.
#[derive(Debug, Clone, Deserialize)]
pub struct SignerVitals {
    /// As the vote that admitted it calls it.
    pub name: String,
    /// Its voting power; 0 of one that is not in the set.
    pub power: u64,
    /// The last height whose block carries its signature; 0 of one that never signed.
    pub last_signed: u64,
}

/// The part of a [`Peer`] that is called.
#[derive(Debug, Clone, Deserialize)]
pub struct PeerVitals {
    /// Where it says that it listens, in the form of its own version: resolved before it is called.
    pub listen: String,
}

/// A validator that a vote admitted and that has no power yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingLine {
    /// The ledger's record: its key, its power once it is ready, and when it was admitted.
    #[serde(flatten)]
    #[schema(value_type = records::WaitingValidator)]
    pub record: WaitingValidator,
    /// The last block time at which its node may say that it is ready.
    #[schema(value_type = u64)]
    pub ready_until_ms: TimeMs,
    /// `waits`, `held`: another silent validator could stop the chain now, or `late`: another vote is needed.
    pub standing: String,
}

impl WaitingLine {
    /// Its standing in a sentence for operators.
    pub fn words(&self) -> &'static str {
        match self.standing.as_str() {
            "late" => "seven days are over without its word: its validator needs another vote",
            "held" => "held back: too few validators propose for one more that may be silent",
            _ => "waits for its own word that it is level with the chain",
        }
    }
}

/// A validator that the ledger names, and what it has done in all blocks counted so far.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ValidatorLine {
    /// First 20 bytes of the labelled hash of its public key, as 40 hex digits.
    #[schema(value_type = String)]
    pub address: ValidatorAddress,
    /// As the genesis or the vote that admitted it says.
    pub name: String,
    /// The account of the member that runs it: 40 hex digits.
    pub operator: Option<String>,
    /// Its voting power for the next block; 0 when it is no longer in the set.
    pub power: u64,
    /// Blocks it was to sign.
    pub expected: u64,
    /// Blocks whose certificate holds its signature: a certificate is done with two thirds, late ones are not in it.
    pub signed: u64,
    /// Blocks of its making that were decided.
    pub proposed: u64,
    /// Rounds in which its turn to propose ended without a block.
    pub missed_rounds: u64,
    /// The last height it signed; 0 while it has signed none.
    pub last_signed: u64,
    /// Share of `expected` that it signed, in parts per million, rounded down; none while nothing was expected.
    pub signed_ppm: Option<u64>,
}

/// All validators known, and how far they are counted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Uptime {
    /// The height up to which is counted.
    pub height: u64,
    /// Rounds of consensus that decided nothing, of all heights.
    pub failed_rounds: u64,
    /// Every validator that the ledger names, by name.
    pub validators: Vec<ValidatorLine>,
}

/// A parameter as people read it: what it is now, what it limits, and what it was.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParameterLine {
    /// As members vote on it, for example `max_block_bytes`.
    pub name: String,
    /// In force from the next block on; `meaning` gives the unit.
    pub value: u64,
    /// What it limits, with its unit.
    pub meaning: String,
    /// Its value by the genesis; the same as `value` when no vote changed it.
    pub at_genesis: u64,
}

/// What one vote changed of one parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParameterChange {
    /// The block that applied it.
    pub height: u64,
    /// The proposal that was voted for.
    pub proposal: u32,
    /// The parameter, as `ParameterLine` names it.
    pub name: String,
    /// Its value until then.
    pub before: u64,
    /// Its value from the next height on.
    pub after: u64,
}

/// The ledger's parameters: those in force, and every change since the genesis.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Parameters {
    /// The final block after which they are in force.
    pub height: u64,
    /// The record in force.
    #[schema(value_type = records::Params)]
    pub params: Params,
    /// In force, explained.
    pub parameters: Vec<ParameterLine>,
    /// What changed since the genesis, oldest first.
    pub history: Vec<ParameterChange>,
}

/// Every version of the twins' parameters, version 1 first. In force for a school year is the newest whose `from_year` is not
/// later.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TwinVersionList {
    /// The final block after which these are all.
    pub height: u64,
    /// The versions, by number.
    #[schema(value_type = Vec<records::TwinVersion>)]
    pub versions: Vec<TwinVersion>,
}

/// The genesis file, answered byte for byte: its SHA-256 is the chain's identity.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = records::Genesis)]
pub struct GenesisFile(pub serde_json::Map<String, serde_json::Value>);
