//! What members vote on. How each is checked and applied stands in [`crate::tx::admin::change`].

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::NodeRequest;
use crate::chain::ValidatorSet;
use crate::keys::{PublicKey, Signature};
use crate::names::{ListenHint, Name, PeerName, Title};
use crate::params::Params;
use crate::protocol::Protocol;
use crate::roles::RoleSet;
use crate::twin::TwinParameters;
use crate::types::{
    AccountId, ClassId, DistrictId, Hash, Height, RoundId, SchoolId, SchoolYear, TimeMs, ValidatorAddress,
};

/// What a vote says; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Choice {
    /// Counts towards the more than two thirds of the members that apply it.
    Approve = 1,
    /// Counts towards those who put two thirds out of reach, which refuses it.
    Reject = 2,
}

/// A change of the consortium that needs more than two thirds of its members.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum Change {
    /// Admits a registered candidate, or a removed member again.
    AdmitMember {
        /// A candidate, or a member that was removed.
        account: AccountId,
    } = 0,
    /// Removes a member: its transactions are no longer accepted, its validators and peers leave with it. Its history stays.
    RemoveMember {
        /// An admitted member.
        account: AccountId,
    } = 1,
    /// Lets a peer connect.
    AdmitPeer {
        /// Its identity.
        peer_id: PeerName,
        /// Where it may be reached.
        listen: ListenHint,
        /// Who runs it.
        operator: AccountId,
    } = 2,
    /// Refuses a peer from now on.
    RemovePeer {
        /// Its identity.
        peer_id: PeerName,
    } = 3,
    /// Adds a validator, in force two heights later. Its peer is admitted before.
    AddValidator {
        /// What people call it; stays when the key changes.
        name: Name,
        /// The key that signs its votes.
        public_key: PublicKey,
        /// Voting power, at least 1.
        power: u32,
        /// Who runs it.
        operator: AccountId,
        /// The network identity of its node, an admitted peer's.
        peer_id: PeerName,
        /// The key with which its node signs shares of seeds.
        seed_key: PublicKey,
    } = 4,
    /// Removes a validator, in force two heights later.
    RemoveValidator {
        /// The address of the key in force, which the set lists.
        address: ValidatorAddress,
    } = 5,
    /// Replaces all parameters.
    SetParameters {
        /// The new ones, whole.
        params: Params,
    } = 6,
    /// Gives a member its roles.
    SetRoles {
        /// A registered member, whatever its standing.
        account: AccountId,
        /// Its roles from now on.
        roles: RoleSet,
        /// The district it acts for, when a district or a school.
        district: Option<DistrictId>,
        /// The school it acts for, when a school.
        school: Option<SchoolId>,
    } = 7,
    /// Agrees on a program version to run from a height. The ledger only records it.
    Upgrade {
        /// The version and what operators do.
        note: Title,
        /// The first height that the program is to run at.
        height: Height,
    } = 8,
    /// Names another steward of a class.
    ReplaceSteward {
        /// The class whose pools, rounds and terms pass to the new steward.
        class: ClassId,
        /// Whom: an admitted member with the role consortium, district or funder.
        steward: AccountId,
    } = 9,
    /// Takes the standing decision of a class back and keeps its history. An open round of the class is cancelled.
    RevertDecision {
        /// A decided round whose decision stands for its class.
        round: RoundId,
        /// SHA-256 of the document that says why; the document stays with its author.
        #[serde(default)]
        reason: Option<Hash>,
    } = 10,
    /// Cancels an open round.
    CancelRound {
        /// A round that is not decided.
        round: RoundId,
    } = 11,
    /// Admits a district, with the member who acts for it.
    AdmitDistrict {
        /// Its number, not yet taken.
        district: DistrictId,
        /// What people call it.
        name: Title,
        /// The admitted member who acts for it from then on, beside its other roles; it acts for no other.
        operator: AccountId,
    } = 20,
    /// Closes a district, for good. Refused while a round of any class is open. Its members' new states, requests, milestones
    /// and schools are refused from then on; consents, erasures and the access log stay theirs to record.
    CloseDistrict {
        /// The number of a district that is open.
        district: DistrictId,
        /// The open district that has its standing decisions, acknowledgements and audits from then on; none: they stay as
        /// 'closed'.
        #[serde(default)]
        successor: Option<DistrictId>,
    } = 21,
    /// Admits a whole new node: member, district, peer and follower. Its voting power starts two heights after its own
    /// `Ready`.
    AdmitNode {
        /// What it asked for, signed with its keys.
        node: Box<NodeRequest>,
    } = 22,
    /// Replaces a validator's key that was lost or stolen, in force two heights later under the same name, power and peer.
    ReplaceValidatorKey {
        /// The address of the old key, which leaves the set.
        address: ValidatorAddress,
        /// The new key; never one on this chain.
        public_key: PublicKey,
        /// The new key's signature over [`crate::tx::admin::key_change::replacement_statement`], under [`crate::keys::Label::KeyRotation`].
        possession: Signature,
    } = 23,
    /// Has blocks executed by the next protocol's rules from a height on. A program that does not know it stops before.
    SwitchProtocol {
        /// The protocol after the one in force; the one in force takes back a switch that was voted for.
        protocol: Protocol,
        /// The first height by its rules.
        height: Height,
        /// The version of the program that operators run by then.
        program: Title,
    } = 24,
    /// Lets heads of another consortium's ledger be anchored here. Its genesis file shows whether time and validators are its own.
    AdmitConsortium {
        /// SHA-256 of its genesis file.
        genesis: Hash,
        /// What people call it.
        name: Title,
        /// The time of its genesis, milliseconds since 1970 UTC.
        founded_ms: TimeMs,
        /// The validators that its genesis names.
        validators: Box<ValidatorSet>,
    } = 26,
    /// Adds a version of the twins' parameters, the need rule among them.
    SetTwinParameters {
        /// The first school year that it is in force for; one that may still take states, or a later one.
        from_year: SchoolYear,
        /// The parameters, whole.
        parameters: Box<TwinParameters>,
    } = 30,
}
