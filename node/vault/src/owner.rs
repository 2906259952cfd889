//! To whom sealed bytes belong: the district by its number, or, in a vault that was made before any chain was known, the
//! district's account. Chosen once, when the vault is made, since every sealed value is bound to it.

use aula_ledger::types::{AccountId, DistrictId};

/// To whom a vault's sealed bytes belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A district of a known chain.
    District(DistrictId),
    /// The account that will act for the district, before a chain gave it a number.
    Account(AccountId),
}

impl Owner {
    /// The bytes that associated data and hashes begin with: 2 of a number, 32 of an account.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::District(district) => district.0.to_le_bytes().to_vec(),
            Self::Account(account) => account.0.to_vec(),
        }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::District(district) => write!(f, "district {district}"),
            Self::Account(account) => write!(f, "account {account}"),
        }
    }
}
