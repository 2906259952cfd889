//! RotateKey: an account's next transactions are signed with another key. The account's name stays.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::chain::Code;
use crate::keys::Label;
use crate::keys::{PublicKey, Signature};
use crate::state::schema;
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure, require};
use crate::types::{AccountId, Hash};

/// Which key is replaced. Validator and network keys change by votes, the key-encryption key in the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum KeyName {
    /// The account key, which signs transactions.
    Account = 0,
}

/// A new key, with a proof that the sender holds it: locking oneself out takes more than a typing error.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// Which key.
    pub key: KeyName,
    /// The new one.
    pub public_key: PublicKey,
    /// The new key's signature over [`possession_statement`], under [`Label::KeyRotation`].
    pub possession: Signature,
}

impl Handler for RotateKey {
    fn check(&self) -> Result<(), Code> {
        require(self.public_key.is_usable())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let id = context.sender.account;
        let mut account = schema::account(context.overlay, &id)?.ok_or(Code::UnknownMember)?;
        ensure(account.public_key != self.public_key, Code::KeyUnchanged)?;
        let statement = possession_statement(&context.facts.genesis, &id);
        let held = self.public_key.verifies(Label::KeyRotation, &statement, &self.possession);
        ensure(held, Code::PossessionNotProved)?;
        account.public_key = self.public_key;
        schema::write(context.overlay, schema::account_key(&id), &account);
        Ok(vec![Event::KeyRotated { account: id }])
    }
}

/// What the new key signs, under [`Label::KeyRotation`]: the chain id's text, then the account's 20 bytes.
pub fn possession_statement(genesis: &Hash, account: &AccountId) -> Vec<u8> {
    [&genesis.0[..], &account.0].concat()
}
