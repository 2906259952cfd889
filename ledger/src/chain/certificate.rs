//! Votes and the certificate that a block is final.
//!
//! The bytes of a vote are rebuilt by the auditor, so they are fixed here, away from the consensus engine:
//! label, 0x00, version 2, genesis hash, type, height, round, block hash or nil, validator address.

use borsh::{BorshDeserialize, BorshSerialize};

use super::validators::ValidatorSet;
use crate::codec::Canonical;
use crate::keys::{Label, Signature};
use crate::types::{Hash, Height, ValidatorAddress};

/// Which of Tendermint's two votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum VoteType {
    /// The first vote of a round.
    Prevote = 1,
    /// The second; more than 2/3 of them for one block decide it.
    Precommit = 2,
}

/// A vote as it is signed (under [`Label::Vote`]). Canonical bytes, version 2.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Vote {
    /// Which chain: SHA-256 of its genesis file.
    pub genesis: Hash,
    /// Prevote or precommit.
    pub vote_type: VoteType,
    /// The height of the block that is voted on.
    pub height: Height,
    /// Which round of that height, from 0.
    pub round: u32,
    /// The block voted for, or none (nil).
    pub block_hash: Option<Hash>,
    /// Who votes.
    pub validator: ValidatorAddress,
}

impl Canonical for Vote {
    const VERSION: u8 = 2;
    const WHAT: &'static str = "vote";
    const MAX_BYTES: u64 = 256;
}

/// The precommits of more than 2/3 of the power for one block, strictly ascending by validator address.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CommitCertificate {
    /// The height that the block is final at.
    pub height: Height,
    /// The round in which it was decided; part of the signed bytes.
    pub round: u32,
    /// The hash that every precommit names.
    pub block_hash: Hash,
    /// Each precommit's validator and signature.
    pub signatures: Vec<(ValidatorAddress, Signature)>,
}

/// Why a certificate does not make a block final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Signatures are not strictly ascending by address: a duplicate, or not canonical.
    #[error("signatures are not strictly ascending by validator: a duplicate or a wrong order")]
    Order,
    /// A signer is not in the validator set of that height.
    #[error("a signer is not a validator of that height")]
    UnknownValidator,
    /// A signature does not verify.
    #[error("a precommit's signature is wrong")]
    BadSignature,
    /// Not more than 2/3 of the power.
    #[error("the precommits hold {power} of {total} voting power, not more than two thirds")]
    NoQuorum {
        /// Voting power of those whose signatures are there.
        power: u64,
        /// Power of the whole set.
        total: u64,
    },
}

impl CommitCertificate {
    /// Checks every signature against the set that decides this height.
    ///
    /// # Errors
    /// [`CertificateError`]; one bad or duplicate signature refuses the whole certificate.
    pub fn verify(&self, genesis: &Hash, set: &ValidatorSet) -> Result<(), CertificateError> {
        let ascending = self.signatures.iter().zip(self.signatures.iter().skip(1)).all(|(a, b)| a.0 < b.0);
        if !ascending {
            return Err(CertificateError::Order);
        }
        let mut power = 0u64;
        for (address, signature) in &self.signatures {
            let validator = set.get(address).ok_or(CertificateError::UnknownValidator)?;
            let vote = Vote {
                genesis: *genesis,
                vote_type: VoteType::Precommit,
                height: self.height,
                round: self.round,
                block_hash: Some(self.block_hash),
                validator: *address,
            };
            if !validator.public_key.verifies(Label::Vote, &vote.to_canonical(), signature) {
                return Err(CertificateError::BadSignature);
            }
            power = power.saturating_add(validator.power);
        }
        if !set.is_quorum(power) {
            return Err(CertificateError::NoQuorum { power, total: set.total_power() });
        }
        Ok(())
    }
}

impl Canonical for CommitCertificate {
    const VERSION: u8 = 1;
    const WHAT: &'static str = "commit certificate";
    const MAX_BYTES: u64 = 32 * 1024;
}
