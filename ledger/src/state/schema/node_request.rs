//! What a new node asks for, as the vote on it keeps it.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::keys::{Label, PublicKey, Signature};
use crate::names::{ListenHint, Name, PeerName, Title};
use crate::roles::{RoleSet, place_fits};
use crate::types::{DistrictId, Hash};

/// A district that a new node acts for.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDistrict {
    /// Its number.
    pub id: DistrictId,
    /// What people call it, when it enters with this node; none: it is one of the consortium already.
    #[serde(default)]
    pub name: Option<Title>,
}

/// What a new node asks for. Both its keys sign all of it, so that nobody can ask for another, or for something else.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRequest {
    /// The member's and the validator's name, not yet taken.
    pub name: Name,
    /// The account's first key.
    pub account_key: PublicKey,
    /// The roles it would have; with `district` among them district.
    pub roles: RoleSet,
    /// The district it would act for.
    #[serde(default)]
    pub district: Option<NewDistrict>,
    /// The key that would sign its votes.
    pub validator_key: PublicKey,
    /// The key with which its node would sign shares of seeds.
    pub seed_key: PublicKey,
    /// Its network identity.
    pub peer_id: PeerName,
    /// Where it may be reached.
    pub listen: ListenHint,
    /// The account key's signature over [`NodeRequest::statement`], under [`Label::NodeRequest`].
    pub account_signature: Signature,
    /// The validator key's, over the same.
    pub validator_signature: Signature,
}

impl NodeRequest {
    /// What both keys sign: the genesis hash, then the canonical encoding of every field but the signatures.
    pub fn statement(&self, genesis: &Hash) -> Vec<u8> {
        let fields = (
            (&self.name, &self.account_key, &self.roles, &self.district),
            (&self.validator_key, &self.seed_key, &self.peer_id, &self.listen),
        );
        // Writing into a Vec fails only for a list of more than u32::MAX entries, which these have not.
        [&genesis.0[..], &borsh::to_vec(&fields).unwrap_or_default()].concat()
    }

    /// Whether both keys signed it for this chain.
    pub fn is_signed(&self, genesis: &Hash) -> bool {
        let statement = self.statement(genesis);
        let signed = |key: &PublicKey, signature| key.verifies(Label::NodeRequest, &statement, signature);
        signed(&self.account_key, &self.account_signature)
            && signed(&self.validator_key, &self.validator_signature)
    }

    /// Rules that need no state: usable keys, each its own, and roles that fit the place. A school needs no node.
    pub(crate) fn is_consistent(&self) -> bool {
        let district = self.district.as_ref().map(|district| district.id);
        self.account_key.is_usable()
            && self.validator_key.is_usable()
            && self.seed_key.is_usable()
            && self.account_key != self.validator_key
            && ![self.account_key, self.validator_key].contains(&self.seed_key)
            && place_fits(self.roles, district, None)
    }
}
