//! A whole new node as one proposal: what it asks for, signed with its account's and its validator's key.
//!
//! Flow: the newcomer's `aula join` writes a [`NodeRequest`] → a member proposes it as it is ([`super::Change::AdmitNode`]) →
//! the deciding vote makes it a member, admits its district and its peer, and lets it follow → once it is level it sends
//! [`super::Ready`], and votes two heights later. A node that never comes costs the others nothing.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::membership::{check_free, is_voter, recount, with_validator};
use super::{district_change, seed_account};
use crate::chain::{Code, Validator, validators};
use crate::keys::{Label, PublicKey, Signature, account_of};
use crate::names::{ListenHint, Name, PeerName, Title};
use crate::roles::{RoleSet, place_fits};
use crate::state::Overlay;
use crate::state::schema::{self, Account, Member, Moment, Peer, Standing, WaitingValidator};
use crate::tx::Event;
use crate::tx::handler::{Refusal, ensure};
use crate::types::{DistrictId, Hash};

/// The power a new validator begins with: one vote, as everybody's at genesis.
const POWER: u64 = 1;

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
    pub(super) fn is_consistent(&self) -> bool {
        let district = self.district.as_ref().map(|district| district.id);
        self.account_key.is_usable()
            && self.validator_key.is_usable()
            && self.seed_key.is_usable()
            && self.account_key != self.validator_key
            && ![self.account_key, self.validator_key].contains(&self.seed_key)
            && place_fits(self.roles, district, None)
    }
}

/// Whether the node could be admitted now.
///
/// # Errors
/// The code of the rule that it breaks.
pub(super) fn may_admit(overlay: &Overlay<'_>, node: &NodeRequest) -> Result<(), Refusal> {
    ensure(schema::account_of_name(overlay, &node.name)?.is_none(), Code::NameTaken)?;
    let account = account_of(&node.account_key);
    ensure(schema::member(overlay, &account)?.is_none(), Code::AccountExists)?;
    if let Some(NewDistrict { id, name }) = &node.district {
        match name {
            Some(_) => ensure(schema::district(overlay, *id)?.is_none(), Code::DistrictExists)?,
            None => schema::open_district(overlay, *id).map(|_| ())?,
        }
    }
    ensure(overlay.get(&schema::peer_key(&node.peer_id))?.is_none(), Code::PeerExists)?;
    let address = validators::address(&node.validator_key);
    check_free(overlay, &node.name, &node.peer_id, &address)?;
    ensure(schema::waiting_validator(overlay, &address)?.is_none(), Code::ValidatorExists)?;
    seed_account::may_admit(overlay, &node.seed_key, &address)?;
    for key in [&node.account_key, &node.validator_key, &node.seed_key] {
        ensure(!schema::key_was_used(overlay, key)?, Code::KeyUsed)?;
    }
    let after = schema::validator_schedule(overlay)?.after;
    with_validator(&after, Validator::new(node.validator_key, POWER)).map(|_| ())
}

/// Makes it a member with its district, peer and a validator that waits.
pub(super) fn admit(overlay: &mut Overlay<'_>, node: &NodeRequest, at: Moment) -> Result<Event, Refusal> {
    let account = account_of(&node.account_key);
    let member = Member {
        account,
        name: node.name.clone(),
        roles: node.roles,
        district: node.district.as_ref().map(|district| district.id),
        school: None,
        standing: Standing::Admitted,
        since: at.height,
    };
    recount(overlay, false, is_voter(&member))?;
    schema::write(overlay, schema::member_key(&account), &member);
    overlay.put(schema::name_key(&node.name), account.0.to_vec());
    let keys = Account { public_key: node.account_key, sequence: 0 };
    schema::write(overlay, schema::account_key(&account), &keys);
    if let Some(NewDistrict { id, name: Some(name) }) = &node.district {
        district_change::enter(overlay, *id, name, at.height);
    }
    let peer = Peer { peer_id: node.peer_id.clone(), listen: node.listen.clone(), operator: account };
    schema::write(overlay, schema::peer_key(&node.peer_id), &peer);
    let waiting = WaitingValidator {
        address: validators::address(&node.validator_key),
        name: node.name.clone(),
        public_key: node.validator_key,
        power: POWER,
        operator: account,
        peer_id: node.peer_id.clone(),
        seed_key: node.seed_key,
        admitted: at.height,
        admitted_ms: at.time_ms,
    };
    schema::write(overlay, schema::waiting_key(&waiting.address), &waiting);
    schema::use_key(overlay, &node.account_key);
    schema::use_key(overlay, &node.validator_key);
    schema::use_key(overlay, &node.seed_key);
    schema::use_peer(overlay, &node.peer_id);
    let ready_until_ms = waiting.ready_until_ms();
    Ok(Event::NodeAdmitted { account, validator: waiting.address, ready_until_ms })
}
