//! What members may vote on, and how each is applied.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;

use crate::chain::Code;
use crate::keys::PublicKey;
use crate::names::{ListenHint, Name, PeerName, Title};
use crate::params::Params;
use crate::roles::{RoleSet, place_fits};
use crate::types::{AccountId, DistrictId, Height, SchoolId, ValidatorAddress};

/// A change of the consortium that needs more than two thirds of its members.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum Change {
    /// Admits a registered candidate, or a removed member again.
    AdmitMember {
        /// Whom.
        account: AccountId,
    } = 0,
    /// Removes a member: its transactions are no longer accepted. Its history stays.
    RemoveMember {
        /// Whom.
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
        /// Its name.
        name: Name,
        /// The key that signs its votes.
        public_key: PublicKey,
        /// Voting power, at least 1.
        power: u32,
        /// Who runs it.
        operator: AccountId,
        /// Its peer.
        peer_id: PeerName,
    } = 4,
    /// Removes a validator, in force two heights later.
    RemoveValidator {
        /// Its address.
        address: ValidatorAddress,
    } = 5,
    /// Replaces all parameters.
    SetParameters {
        /// The new ones, whole.
        params: Params,
    } = 6,
    /// Gives a member its roles.
    SetRoles {
        /// Whom.
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
        /// From which height.
        height: Height,
    } = 8,
}

impl Change {
    /// Rules that need no state.
    ///
    /// # Errors
    /// [`Code::InvalidPayload`].
    pub fn check(&self) -> Result<(), Code> {
        let fine = match self {
            Self::AddValidator { public_key, power, .. } => *power > 0 && public_key.is_usable(),
            Self::SetParameters { params } => params.check().is_ok(),
            Self::SetRoles { roles, district, school, .. } => place_fits(*roles, *district, *school),
            _ => true,
        };
        if fine { Ok(()) } else { Err(Code::InvalidPayload) }
    }
}
