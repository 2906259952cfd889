//! The credential with which a member reads what is not public: who, until when, and which class of routes it opens, signed
//! with the account's key.
//!
//! In text `ACCOUNT.EXPIRES_MS.SCOPE.PUBLIC_KEY.SIGNATURE`, hex where bytes, the scope as [`Scope`] has it. The
//! signed bytes are the canonical bytes of [`Claim`], which name the genesis file's hash, so that a credential for one chain is
//! none for another. A node's server asks the state: the account's current key, an admitted member
//! ([`Credential::check`]); a district's vault asks its own key ([`Credential::verify`]). At most an hour ahead, so
//! that a stolen one is soon worthless. It opens its own class and nothing else: a teacher's credential for the vault is not one
//! for anybody's rows. That its holder's roles fit the class is the server's to check, which reads are given the vault's.

use std::fmt;
use std::str::FromStr;

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_dalek::SigningKey;

use crate::codec::Canonical;
use crate::keys::{Label, PublicKey, Signature, public_key, sign};
use crate::names::Name;
use crate::state::StoreError;
use crate::state::schema::{self, Member, Records, Standing};
use crate::types::{AccountId, Hash, RoundId};

/// Furthest expiry that a server accepts, in milliseconds from its own clock.
pub const MAX_LIFETIME_MS: u64 = 3_600_000;

/// The class of routes that a credential opens; every other route refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// `vault-ROLE-READER`: records of the vault of the district that signed, to this reader in this role.
    Vault {
        /// The role; no dash in it.
        role: Name,
        /// Who reads, as the district names its readers.
        reader: Name,
    },
    /// `district`: rows of the district that signed.
    District,
    /// `round-N`: rows of one round, for an auditor whom the ledger lists as having taken them.
    Round(RoundId),
    /// `money`: statements about the money of the funder who signed.
    Money,
}

impl Scope {
    /// The scope of a reader of a vault; none when the words do not fit: lower-case letters and digits, in the reader's
    /// name also dashes.
    pub fn vault(role: &str, reader: &str) -> Option<Self> {
        let fits = !role.contains('-');
        fits.then(|| Some(Self::Vault { role: Name::new(role).ok()?, reader: Name::new(reader).ok()? }))?
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault { role, reader } => write!(f, "vault-{role}-{reader}"),
            Self::District => f.write_str("district"),
            Self::Round(round) => write!(f, "round-{round}"),
            Self::Money => f.write_str("money"),
        }
    }
}

impl FromStr for Scope {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        let scope = match text.split_once('-') {
            None if text == "district" => Some(Self::District),
            None if text == "money" => Some(Self::Money),
            Some(("round", round)) => round.parse().ok().map(|round| Self::Round(RoundId(round))),
            Some(("vault", rest)) => {
                rest.split_once('-').and_then(|(role, reader)| Self::vault(role, reader))
            }
            _ => None,
        };
        // One text a scope: `round-007` is not one.
        scope.filter(|scope| scope.to_string() == text).ok_or(CredentialError::Form)
    }
}

impl BorshSerialize for Scope {
    fn serialize<W: std::io::Write>(&self, writer: &mut W) -> std::io::Result<()> {
        self.to_string().serialize(writer)
    }
}

impl BorshDeserialize for Scope {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        String::deserialize_reader(reader)?.parse().map_err(std::io::Error::other)
    }
}

/// What is signed. Canonical bytes, version 3: 2 had a purpose in any words, which no route looked at.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Claim {
    /// For which chain: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// Who asks.
    pub account: AccountId,
    /// Until when, in milliseconds since 1970 UTC.
    pub expires_ms: u64,
    /// What it opens; in the bytes its text.
    pub scope: Scope,
}

impl Canonical for Claim {
    const VERSION: u8 = 3;
    const WHAT: &'static str = "credential";
    const MAX_BYTES: u64 = 256;
}

/// A claim without the chain, which the server knows, and its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    account: AccountId,
    expires_ms: u64,
    scope: Scope,
    public_key: PublicKey,
    signature: Signature,
}

/// Why a credential is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not of the form above.
    #[error("the credential is not ACCOUNT.EXPIRES_MS.SCOPE.PUBLIC_KEY.SIGNATURE")]
    Form,
    /// Expired, or further ahead than an hour.
    #[error("the credential is expired or expires later than an hour from now")]
    Expiry,
    /// The signature or the key is wrong.
    #[error("the credential is not signed with the account's current key for this chain")]
    Signature,
    /// The account is not an admitted member.
    #[error("the account is not an admitted member")]
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
            scope: claim.scope.clone(),
            public_key: public_key(key),
            signature: sign(key, Label::ApiCredential, &claim.to_canonical()),
        }
    }

    /// What it opens.
    pub fn scope(&self) -> &Scope {
        &self.scope
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
            scope: self.scope.clone(),
        };
        let signed = self.public_key.verifies(Label::ApiCredential, &claim.to_canonical(), &self.signature);
        if *key == self.public_key && signed { Ok(()) } else { Err(CredentialError::Signature) }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, expires_ms, scope, public_key, signature } = self;
        write!(f, "{account}.{expires_ms}.{scope}.{public_key}.{signature}")
    }
}

impl FromStr for Credential {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        let parts: Vec<&str> = text.split('.').collect();
        let [account, expires, scope, public_key, signature] = parts.as_slice() else {
            return Err(CredentialError::Form);
        };
        Ok(Self {
            account: account.parse().map_err(|_| CredentialError::Form)?,
            expires_ms: expires.parse().map_err(|_| CredentialError::Form)?,
            scope: scope.parse()?,
            public_key: public_key.parse().map_err(|_| CredentialError::Form)?,
            signature: signature.parse().map_err(|_| CredentialError::Form)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(scope: Scope) -> Claim {
        Claim { genesis: Hash([7; 32]), account: AccountId([1; 20]), expires_ms: 1_000, scope }
    }

    #[test]
    fn a_scope_has_one_text_and_its_credential_is_signed_with_it() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let (account, genesis) = (AccountId([1; 20]), Hash([7; 32]));
        for text in
            ["vault-teacher-t-1042", "vault-janitor-j", "district", "round-0", "round-4294967295", "money"]
        {
            let scope: Scope = text.parse().unwrap();
            assert_eq!(scope.to_string(), text);
            let bytes = claim(scope.clone()).to_canonical();
            assert_eq!(Claim::from_canonical(&bytes), Ok(claim(scope.clone())));
            let credential = Credential::sign(&claim(scope.clone()), &key);
            let read: Credential = credential.to_string().parse().unwrap();
            assert_eq!((read.scope(), &read), (&scope, &credential));
            assert_eq!(read.verify(&genesis, &account, &public_key(&key), 999), Ok(()));
            // Put into another class it is no longer signed.
            let moved = credential.to_string().replace(&format!(".{text}."), ".round-1.");
            let moved: Credential = moved.parse().unwrap();
            let refused = moved.verify(&genesis, &account, &public_key(&key), 999);
            assert_eq!(refused, Err(CredentialError::Signature));
        }
        for text in [
            "",
            "command-line",
            "vault",
            "vault-teacher",
            "vault-Teacher-t1",
            "vault--t1",
            "round",
            "round-",
            "round-007",
            "round-+1",
            "round-4294967296",
            "district-1",
            "money-1",
            "District",
        ] {
            assert_eq!(text.parse::<Scope>(), Err(CredentialError::Form), "{text}");
        }
    }
}
