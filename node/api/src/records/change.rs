//! What members vote on, and their votes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Params, Role, TwinParameters, Validator};

/// A proposed change with its votes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proposal {
    /// Its number.
    pub proposal: u32,
    /// The account of the member who proposed it.
    pub proposer: String,
    /// What would change.
    pub change: Change,
    /// The height of the block in which it was proposed.
    pub proposed: u64,
    /// The last height for votes.
    pub open_until: u64,
    /// Pairs of an account and its vote, ascending by account; one each, never changed.
    pub votes: Vec<(String, Choice)>,
    /// What became of it.
    pub status: ProposalStatus,
}

/// A vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// Counts towards the more than two thirds of the members that apply the change.
    Approve,
    /// Counts towards those who put two thirds out of reach.
    Reject,
}

/// What became of a proposed change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum ProposalStatus {
    /// May be voted on through its last height.
    Open,
    /// More than two thirds of the members approved.
    Applied {
        /// In which block.
        height: u64,
    },
    /// Approval went out of reach.
    Refused {
        /// In which block.
        height: u64,
    },
}

/// A change of the consortium that needs more than two thirds of its members. Later versions may have further kinds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Admits a registered candidate, or a removed member again.
    AdmitMember {
        /// The member's account.
        account: String,
    },
    /// Removes a member, with its validators and peers. Its history stays.
    RemoveMember {
        /// The member's account.
        account: String,
    },
    /// Lets a node connect.
    AdmitPeer {
        /// Its network identity.
        peer_id: String,
        /// Where it may be reached: a multiaddr.
        listen: String,
        /// The account of the member that runs it.
        operator: String,
    },
    /// Refuses a node from then on.
    RemovePeer {
        /// Its network identity.
        peer_id: String,
    },
    /// Adds a validator, in force two heights later.
    AddValidator {
        /// What people call it.
        name: String,
        /// The key that signs its votes.
        public_key: String,
        /// Voting power, at least 1.
        power: u32,
        /// The account of the member that runs it.
        operator: String,
        /// The network identity of its node, an admitted peer's.
        peer_id: String,
        /// The key with which its node signs shares of seeds.
        seed_key: String,
    },
    /// Removes a validator, in force two heights later.
    RemoveValidator {
        /// The address of the key in force.
        address: String,
    },
    /// Replaces all parameters.
    SetParameters {
        /// The new ones, whole.
        params: Box<Params>,
    },
    /// Gives a member its roles.
    SetRoles {
        /// The member's account.
        account: String,
        /// Its roles from then on.
        roles: Vec<Role>,
        /// The district it acts for, when a district or a school.
        district: Option<u16>,
        /// The school it acts for, when a school.
        school: Option<u32>,
    },
    /// Agrees on a program version to run from a height. The ledger only records it.
    Upgrade {
        /// The version and what operators do.
        note: String,
        /// The first height that the program is to run at.
        height: u64,
    },
    /// Names another steward of a class.
    ReplaceSteward {
        /// The class whose pools, rounds and terms pass to the new steward.
        class: u16,
        /// The new steward's account.
        steward: String,
    },
    /// Takes the standing decision of a class back and keeps its history.
    RevertDecision {
        /// A decided round whose decision stands for its class.
        round: u32,
        /// SHA-256 of the document that says why.
        reason: Option<String>,
    },
    /// Cancels an open round.
    CancelRound {
        /// A round that is not decided.
        round: u32,
    },
    /// Admits a district, with the member who acts for it.
    AdmitDistrict {
        /// Its number, not yet taken.
        district: u16,
        /// What people call it.
        name: String,
        /// The account of the member who acts for it.
        operator: String,
    },
    /// Closes a district, for good.
    CloseDistrict {
        /// The number of a district that is open.
        district: u16,
        /// The open district that has its business from then on; none: nobody has.
        successor: Option<u16>,
    },
    /// Admits a whole new node: member, district, peer and follower.
    AdmitNode {
        /// What it asked for, signed with its keys.
        node: Box<NodeRequest>,
    },
    /// Replaces a validator's key that was lost or stolen, in force two heights later.
    ReplaceValidatorKey {
        /// The address of the old key, which leaves the set.
        address: String,
        /// The new key.
        public_key: String,
        /// The new key's signature, by which its holder shows to have it: 128 hex digits.
        possession: String,
    },
    /// Has blocks executed by the next protocol's rules from a height on.
    SwitchProtocol {
        /// The protocol after the one in force; the one in force takes back a switch that was voted for.
        protocol: u16,
        /// The first height by its rules.
        height: u64,
        /// The version of the program that operators run by then.
        program: String,
    },
    /// Lets heads of another consortium's ledger be anchored here.
    AdmitConsortium {
        /// SHA-256 of its genesis file.
        genesis: String,
        /// What people call it.
        name: String,
        /// The time of its genesis, in ms since 1970 UTC.
        founded_ms: u64,
        /// The validators that its genesis names.
        validators: Vec<Validator>,
    },
    /// Adds a version of the twins' parameters, the need rule among them.
    SetTwinParameters {
        /// The first school year that it is in force for.
        from_year: u16,
        /// The parameters, whole.
        parameters: Box<TwinParameters>,
    },
}

/// What a new node asks for; both its keys sign all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeRequest {
    /// The member's and the validator's name, not yet taken.
    pub name: String,
    /// The account's first key.
    pub account_key: String,
    /// The roles it would have.
    pub roles: Vec<Role>,
    /// The district it would act for.
    pub district: Option<NewDistrict>,
    /// The key that would sign its votes.
    pub validator_key: String,
    /// The key with which its node would sign shares of seeds.
    pub seed_key: String,
    /// Its network identity.
    pub peer_id: String,
    /// Where it may be reached: a multiaddr.
    pub listen: String,
    /// The account key's signature: 128 hex digits.
    pub account_signature: String,
    /// The validator key's, over the same.
    pub validator_signature: String,
}

/// A district that a new node acts for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewDistrict {
    /// Its number.
    pub id: u16,
    /// What people call it, when it enters with this node; none: it is one of the consortium already.
    pub name: Option<String>,
}
