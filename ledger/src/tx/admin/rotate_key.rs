//! RotateKey: an operator replaces one of its own keys. Names stay: the account's, the validator's, the node's.
//!
//! An account's next transactions are signed with the new key. A validator's key changes two heights later, under the same
//! name, power and peer; a network key at once, and the node must then run under it. The old key of a node signs too, so
//! that whoever has the account alone can replace neither: a lost or stolen one is replaced by vote.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::key_change::{check_limits, may_replace, replace};
use super::ready::check_fresh;
use crate::chain::validators;
use crate::code::Code;
use crate::keys::{Label, PublicKey, Signature, peer_of};
use crate::state::schema::{self, Peer};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{AccountId, Hash, Height};

/// Which key is replaced. The key-encryption key changes in the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum KeyName {
    /// The account key, which signs transactions.
    Account = 0,
    /// The key that signs a validator's votes.
    Validator = 1,
    /// The key that identifies a node to its peers.
    Network = 2,
}

/// The key of a node that is replaced, and its word on that.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replaced {
    /// The key in force.
    pub public_key: PublicKey,
    /// The last block that the node had executed when both keys signed; at most 100 heights ago.
    pub height: Height,
    /// Its signature over [`node_statement`], under [`Label::KeyRotation`].
    pub signature: Signature,
}

/// A new key, with a proof that the sender holds it: locking oneself out takes more than a typing error.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// Which of the sender's keys is replaced, with what the replaced one says to it.
    pub key: KeyName,
    /// The new one; never one on this chain.
    pub public_key: PublicKey,
    /// The new key's signature over [`possession_statement`], or for a node's key [`node_statement`], under
    /// [`Label::KeyRotation`].
    pub possession: Signature,
    /// The old one, when it is a node's; an account's old key signs the transaction.
    #[serde(default)]
    pub replaces: Option<Replaced>,
}

impl Handler for RotateKey {
    fn check(&self) -> Result<(), Code> {
        require(self.public_key.is_usable() && self.replaces.is_some() != (self.key == KeyName::Account))
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        match (&self.replaces, self.key) {
            (Some(old), KeyName::Validator) => self.validator(context, old),
            (Some(old), _) => self.network(context, old),
            (None, _) => self.account(context),
        }
    }
}

impl RotateKey {
    fn account(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let id = context.sender.account;
        let mut account = schema::account(context.overlay, &id)?.ok_or(Code::UnknownMember)?;
        ensure(account.public_key != self.public_key, Code::KeyUnchanged)?;
        ensure(!schema::key_was_used(context.overlay, &self.public_key)?, Code::KeyUsed)?;
        let statement = possession_statement(&context.facts.genesis, &id);
        let held = self.public_key.verifies(Label::KeyRotation, &statement, &self.possession);
        ensure(held, Code::PossessionNotProved)?;
        account.public_key = self.public_key;
        schema::write(context.overlay, schema::account_key(&id), &account);
        schema::use_key(context.overlay, &self.public_key);
        Ok(vec![Event::KeyRotated { account: id }])
    }

    fn validator(&self, context: &mut Context<'_, '_>, old: &Replaced) -> Result<Vec<Event>, Refusal> {
        let address = validators::address(&old.public_key);
        let (validator, info) = may_replace(context.overlay, &address, &self.public_key)?;
        ensure(info.operator == context.sender.account, Code::UnknownValidator)?;
        self.check_signed(context, old, info.name.as_str())?;
        let facts = context.facts;
        check_limits(context.overlay, &validator, &info, facts.time_ms)?;
        let in_force = facts.height.next().next();
        let event = replace(context.overlay, &address, &self.public_key, facts.time_ms, in_force)?;
        Ok(vec![event])
    }

    fn network(&self, context: &mut Context<'_, '_>, old: &Replaced) -> Result<Vec<Event>, Refusal> {
        let names = peer_of(&old.public_key).zip(peer_of(&self.public_key));
        let (peer_id, successor) = names.ok_or(Code::UnknownPeer)?;
        let peer: Option<Peer> = schema::read(context.overlay, &schema::peer_key(&peer_id))?;
        let peer = peer.filter(|peer| peer.operator == context.sender.account).ok_or(Code::UnknownPeer)?;
        ensure(!schema::peer_was_used(context.overlay, &successor)?, Code::KeyUsed)?;
        self.check_signed(context, old, peer_id.as_str())?;
        let overlay = &mut *context.overlay;
        for mut info in schema::validator_infos(overlay)?.into_iter().filter(|one| one.peer_id == peer_id) {
            info.peer_id = successor.clone();
            schema::write(overlay, schema::validator_key(&info.address), &info);
        }
        for mut one in schema::waiting_validators(overlay)?.into_iter().filter(|one| one.peer_id == peer_id) {
            one.peer_id = successor.clone();
            schema::write(overlay, schema::waiting_key(&one.address), &one);
        }
        overlay.delete(schema::peer_key(&peer_id));
        schema::use_peer(overlay, &successor);
        let peer = Peer { peer_id: successor.clone(), ..peer };
        schema::write(overlay, schema::peer_key(&successor), &peer);
        Ok(vec![Event::PeerRotated { peer: peer_id, successor }])
    }

    /// Both keys signed, lately.
    fn check_signed(&self, context: &Context<'_, '_>, old: &Replaced, name: &str) -> Result<(), Code> {
        check_fresh(old.height, context.facts.height)?;
        let (genesis, new) = (&context.facts.genesis, &self.public_key);
        let statement = node_statement(genesis, old.height, self.key, &old.public_key, new, name);
        let signed = |key: &PublicKey, signature| key.verifies(Label::KeyRotation, &statement, signature);
        let both = signed(&old.public_key, &old.signature) && signed(new, &self.possession);
        ensure(both, Code::PossessionNotProved)
    }
}

/// What a new account key signs, under [`Label::KeyRotation`]: the genesis hash, then the account's 20 bytes.
pub fn possession_statement(genesis: &Hash, account: &AccountId) -> Vec<u8> {
    [&genesis.0[..], &account.0].concat()
}

/// What the old and the new key of a node sign, under [`Label::KeyRotation`]: the genesis hash, the height (eight bytes,
/// little endian), which key (a byte), the old key, the new key, and the name: the validator's, or the old peer's identity.
pub fn node_statement(
    genesis: &Hash,
    height: Height,
    key: KeyName,
    old: &PublicKey,
    new: &PublicKey,
    name: &str,
) -> Vec<u8> {
    [&genesis.0[..], &height.0.to_le_bytes(), &[key as u8], &old.0, &new.0, name.as_bytes()].concat()
}
