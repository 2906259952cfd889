//! The credential with which a member reads rows: who, until when, for what, signed with the account's key.
//!
//! In text `ACCOUNT.EXPIRES_MS.PURPOSE.PUBLIC_KEY.SIGNATURE`, hex where bytes. The
//! signed bytes are the canonical bytes of [`Claim`], which name the genesis file's hash, so that a credential for one chain is
//! none for another. A node's server asks the state: the account's current key, an admitted member
//! ([`Credential::check`]); a district's vault asks its own key ([`Credential::verify`]). At most an hour ahead, so
//! that a stolen one is soon worthless. It proves who asks, not that what is asked for may be given: each route
//! says which roles it serves, the vault's access check which reads.

use std::fmt;
use std::str::FromStr;

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;

use crate::codec::Canonical;
use crate::keys::{Label, PublicKey, Signature, public_key, sign};
use crate::state::StoreError;
use crate::state::schema::{self, Member, Records, Standing};
use crate::types::{AccountId, Hash};

/// Furthest expiry that a server accepts, in milliseconds from its own clock.
pub const MAX_LIFETIME_MS: u64 = 3_600_000;
/// Most bytes of a purpose.
const MAX_PURPOSE_BYTES: usize = 40;

/// What is signed. Canonical bytes, version 2.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Claim {
    /// For which chain: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// Who asks.
    pub account: AccountId,
    /// Until when, in milliseconds since 1970 UTC.
    pub expires_ms: u64,
    /// For what, in 1 to 40 lower-case letters, digits and dashes; the node logs it.
    pub purpose: String,
}

impl Canonical for Claim {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "credential";
    const MAX_BYTES: u64 = 256;
}

/// A claim without the chain, which the server knows, and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    account: AccountId,
    expires_ms: u64,
    purpose: String,
    public_key: PublicKey,
    signature: Signature,
}

/// Why a credential is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not of the form above.
    #[error("the credential is not ACCOUNT.EXPIRES_MS.PURPOSE.PUBLIC_KEY.SIGNATURE")]
    Form,
    /// Expired, or further ahead than an hour.
    #[error("the credential is expired or expires later than an hour from now")]
    Expiry,
    /// The signature or the key is wrong.
    #[error("the credential is not signed with the account's current key for this chain")]
    Signature,
    /// The account is no admitted member.
    #[error("the account is no admitted member")]
    NotMember,
    /// The state cannot be read.
    #[error(transparent)]
    Broken(#[from] StoreError),
}

impl Credential {
    /// Signs a claim.
    pub fn sign(claim: &Claim, key: &SigningKey) -> Self {
        Self {
            account: claim.account,
            expires_ms: claim.expires_ms,
            purpose: claim.purpose.clone(),
            public_key: public_key(key),
            signature: sign(key, Label::ApiCredential, &claim.to_canonical()),
        }
    }

    /// For what it was made.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The member who asks.
    ///
    /// # Errors
    /// [`CredentialError`] says which check fails.
    pub fn check(
        &self,
        state: &(impl Records + ?Sized),
        genesis: &Hash,
        now_ms: u64,
    ) -> Result<Member, CredentialError> {
        self.check_expiry(now_ms)?;
        let account = schema::account(state, &self.account)?.ok_or(CredentialError::NotMember)?;
        self.check_signature(genesis, &account.public_key)?;
        let member = schema::member(state, &self.account)?.ok_or(CredentialError::NotMember)?;
        if member.standing == Standing::Admitted { Ok(member) } else { Err(CredentialError::NotMember) }
    }

    /// Checks it against an account and its key that are known without a state: a district's own.
    ///
    /// # Errors
    /// [`CredentialError`] says which check fails; [`CredentialError::NotMember`] for another account's.
    pub fn verify(
        &self,
        genesis: &Hash,
        account: &AccountId,
        key: &PublicKey,
        now_ms: u64,
    ) -> Result<(), CredentialError> {
        self.check_expiry(now_ms)?;
        if self.account != *account {
            return Err(CredentialError::NotMember);
        }
        self.check_signature(genesis, key)
    }

    fn check_expiry(&self, now_ms: u64) -> Result<(), CredentialError> {
        let in_time = self.expires_ms > now_ms && self.expires_ms <= now_ms.saturating_add(MAX_LIFETIME_MS);
        if in_time { Ok(()) } else { Err(CredentialError::Expiry) }
    }

    fn check_signature(&self, genesis: &Hash, key: &PublicKey) -> Result<(), CredentialError> {
        let claim = Claim {
            genesis: *genesis,
            account: self.account,
            expires_ms: self.expires_ms,
            purpose: self.purpose.clone(),
        };
        let signed = self.public_key.verifies(Label::ApiCredential, &claim.to_canonical(), &self.signature);
        if *key == self.public_key && signed { Ok(()) } else { Err(CredentialError::Signature) }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, expires_ms, purpose, public_key, signature } = self;
        write!(f, "{account}.{expires_ms}.{purpose}.{public_key}.{signature}")
    }
}

impl FromStr for Credential {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        let form = CredentialError::Form;
        let parts: Vec<&str> = text.split('.').collect();
        let [account, expires, purpose, public_key, signature] = parts.as_slice() else { return Err(form) };
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=MAX_PURPOSE_BYTES).contains(&purpose.len()) || !purpose.bytes().all(plain) {
            return Err(form);
        }
        Ok(Self {
            account: account.parse().map_err(|_| CredentialError::Form)?,
            expires_ms: expires.parse().map_err(|_| CredentialError::Form)?,
            purpose: (*purpose).to_owned(),
            public_key: public_key.parse().map_err(|_| CredentialError::Form)?,
            signature: signature.parse().map_err(|_| CredentialError::Form)?,
        })
    }
}
