//! Signatures of consensus: Ed25519, one scheme, strict verification.
//!
//! Flow: the engine asks [`GuardedSigner`] to sign; the bytes are built here (votes by the ledger crate, because
//! the auditor rebuilds exactly those), pass the [`SignGuard`], and only then is the key used. Verification is
//! [`verify_strict`](VerifyingKey::verify_strict), signature by signature: batch verification disagrees with it
//! on small-order points, and validators that disagree fork.
//!
//! Absent on purpose: vote extensions. Asked to sign one, the signer refuses; asked to verify one, it says no.

use std::sync::Arc;

use arc_malachitebft_core_types::{
    NilOrVal, Round, SignedMessage, SigningScheme, ValidatorProof, VoteExtensionScope, VoteType,
};
use arc_malachitebft_signing::{Error, Signer, VerificationResult, Verifier};
use async_trait::async_trait;
use aula_ledger::chain::misbehaviour::proposal_bytes;
use aula_ledger::chain::{self, validators::address};
use aula_ledger::codec::Canonical;
use aula_ledger::keys::{Label, public_key};
use aula_ledger::types::Hash;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::context::{Address, AulaContext, Height, Proposal, ProposalInit, Vote};
use crate::planted::{self, Bug};
use crate::ports::{Runtime, run};
use crate::quorums::Quorums;
use crate::sign_guard::{GuardError, SignGuard, Step};

mod remembered;

pub use crate::scheme::{DecodeError, Ed25519, Signature};
pub use remembered::Remembered;

/// The bytes a validator signs when it votes: the ledger's canonical vote under its label, which the auditor
/// rebuilds. `None` for a vote without a round, which nobody may sign or count.
pub fn vote_sign_bytes(genesis: &Hash, vote: &Vote) -> Option<Vec<u8>> {
    let vote_type = match vote.kind {
        VoteType::Prevote => chain::VoteType::Prevote,
        VoteType::Precommit => chain::VoteType::Precommit,
    };
    let block_hash = match vote.value {
        NilOrVal::Nil => None,
        NilOrVal::Val(hash) => Some(hash),
    };
    let vote = chain::Vote {
        genesis: *genesis,
        vote_type,
        height: vote.height.into(),
        round: vote.round.as_u32()?,
        block_hash,
        validator: vote.address.0,
    };
    Some(Label::Vote.prefixed(&vote.to_canonical()))
}

/// The version of the bytes of a stream's head: 2 binds the whole genesis hash.
const MESSAGE_VERSION: u8 = 2;

/// What a signed head begins with: the version of its form and the chain's whole genesis hash.
fn start(genesis: &Hash) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    out.push(MESSAGE_VERSION);
    out.extend_from_slice(&genesis.0);
    out
}

/// The bytes a proposer signs: the ledger's under its label, which whoever looks at evidence rebuilds.
pub fn proposal_sign_bytes(genesis: &Hash, proposal: &Proposal) -> Vec<u8> {
    let rounds = [proposal.round.as_u32(), proposal.pol_round.as_u32()];
    let height = proposal.height.into();
    let bytes = proposal_bytes(genesis, height, rounds, &proposal.value.0, &proposal.address.0);
    Label::Proposal.prefixed(&bytes)
}

/// The bytes that authenticate a stream of parts: everything its head says but the signature.
pub fn init_sign_bytes(genesis: &Hash, init: &ProposalInit) -> Vec<u8> {
    let mut out = start(genesis);
    out.extend_from_slice(&init.height.0.to_le_bytes());
    out.extend_from_slice(&init.round.as_i64().to_le_bytes());
    out.extend_from_slice(&init.valid_round.as_i64().to_le_bytes());
    out.extend_from_slice(&init.proposer.0.0);
    out.extend_from_slice(&init.block_hash.0);
    out.extend_from_slice(&init.block_bytes.to_le_bytes());
    Label::BlockParts.prefixed(&out)
}

/// Whether `signature` over `bytes` is valid under `public_key`, by the strict rules.
pub fn is_valid(public_key: &VerifyingKey, bytes: &[u8], signature: &Signature) -> bool {
    public_key.verify_strict(bytes, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
}

/// Verifies what validators signed on one chain, and counts the votes that are valid.
#[derive(Clone, Debug)]
pub struct StrictVerifier {
    genesis: Hash,
    quorums: Arc<Quorums>,
    remembered: Option<Arc<Remembered>>,
}

impl StrictVerifier {
    /// A verifier for one chain that tells `quorums` of every valid vote.
    pub fn new(genesis: Hash, quorums: Arc<Quorums>) -> Self {
        Self { genesis, quorums, remembered: None }
    }

    /// The same, checking no signature twice.
    pub fn remembering(self, remembered: Arc<Remembered>) -> Self {
        Self { remembered: Some(remembered), ..self }
    }

    fn is_valid(&self, public_key: &VerifyingKey, bytes: &[u8], signature: &Signature) -> bool {
        match &self.remembered {
            Some(remembered) => remembered.is_valid(public_key, bytes, signature),
            None => is_valid(public_key, bytes, signature),
        }
    }
}

#[async_trait]
impl Verifier<AulaContext> for StrictVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        public_key: &VerifyingKey,
    ) -> Result<VerificationResult, Error> {
        let Some(bytes) = vote_sign_bytes(&self.genesis, vote) else {
            return Ok(VerificationResult::Invalid);
        };
        let valid = self.is_valid(public_key, &bytes, signature);
        if valid {
            self.quorums.count(vote);
        }
        Ok(VerificationResult::from_bool(valid))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        public_key: &VerifyingKey,
    ) -> Result<VerificationResult, Error> {
        let bytes = proposal_sign_bytes(&self.genesis, proposal);
        Ok(VerificationResult::from_bool(self.is_valid(public_key, &bytes, signature)))
    }

    async fn verify_signed_vote_extension(
        &self,
        _scope: &VoteExtensionScope<AulaContext>,
        _extension: &(),
        _signature: &Signature,
        _public_key: &VerifyingKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(
        &self,
        proof: &ValidatorProof<AulaContext>,
    ) -> Result<VerificationResult, Error> {
        let Ok(public_key) = Ed25519::decode_public_key(&proof.public_key) else {
            return Ok(VerificationResult::Invalid);
        };
        Ok(VerificationResult::from_bool(is_valid(&public_key, &proof.preimage(), &proof.signature)))
    }
}

/// The validator's key behind its sign guard. Clones share both.
#[derive(Clone)]
pub struct GuardedSigner {
    genesis: Hash,
    key: Arc<SigningKey>,
    guard: Arc<SignGuard>,
    runtime: Arc<dyn Runtime>,
}

impl GuardedSigner {
    /// A signer for one chain whose every signature passes `guard` first.
    pub fn new(genesis: Hash, key: SigningKey, guard: Arc<SignGuard>, runtime: Arc<dyn Runtime>) -> Self {
        Self { genesis, key: Arc::new(key), guard, runtime }
    }

    /// The address of this validator.
    pub fn address(&self) -> Address {
        Address(address(&public_key(&self.key)))
    }

    /// Signs the head of a stream of parts. Not guarded: this signature commits to nothing that could be counted
    /// twice, it only says who sends; the proposal message itself is guarded.
    pub fn sign_init(&self, mut init: ProposalInit) -> ProposalInit {
        let bytes = init_sign_bytes(&self.genesis, &init);
        init.signature = Signature(self.key.sign(&bytes).to_bytes());
        init
    }

    /// Signs the binding of this validator's key to its libp2p peer id.
    pub fn proof(&self, peer_id: Vec<u8>) -> ValidatorProof<AulaContext> {
        let public_key = self.key.verifying_key().as_bytes().to_vec();
        let bytes = ValidatorProof::<AulaContext>::signing_bytes(&public_key, &peer_id);
        let signature = Signature(self.key.sign(&bytes).to_bytes());
        ValidatorProof::new(public_key, peer_id, signature)
    }

    /// The vote, or the one for nil: where that is on record, and for a precommit in a round that this key has left.
    ///
    /// A process that stopped before it logged its vote judges again, perhaps otherwise, what it judges anew. What was said is said
    /// again; a nil binds nobody, so saying it is safe whatever is judged now.
    ///
    /// A process that goes on with the whole part of a damaged log comes once more through rounds that it had left. A precommit
    /// for a block there would lock it after it has prevoted in later rounds as one that is not locked: with one liar among four
    /// that decides two blocks. A prevote there does no harm: what locked it before stands in the log.
    fn as_recorded(&self, vote: Vote, step: Step, bytes: Vec<u8>) -> (Vote, Vec<u8>) {
        let Some(round) = vote.round.as_u32() else { return (vote, bytes) };
        let recorded = self.guard.recorded(vote.height.0, round, step);
        let is_recorded = |bytes: &[u8]| recorded == Some(Sha256::digest(bytes).into());
        let is_late = recorded.is_none()
            && !planted::is(Bug::LatePrecommit)
            && step == Step::Precommit
            && vote.value != NilOrVal::Nil
            && self.guard.has_left(vote.height.0, round);
        if is_recorded(&bytes) || (recorded.is_none() && !is_late) {
            return (vote, bytes);
        }
        let nil = Vote { value: NilOrVal::Nil, ..vote.clone() };
        match vote_sign_bytes(&self.genesis, &nil).filter(|bytes| is_late || is_recorded(bytes)) {
            Some(bytes) => {
                let height = vote.height;
                let why = if is_late { "this round was left before" } else { "nil was said here before" };
                tracing::warn!(%height, round, ?step, why, "nil is said in place of another vote");
                (nil, bytes)
            }
            None => (vote, bytes),
        }
    }

    /// The engine comes to something else than its log says it said: it must not go on with that log.
    pub(crate) fn note_divergence(&self, height: Height) {
        self.guard.note_divergence(height.0);
    }

    /// Records (height, round, step, hash of bytes) durably, then signs. The record is written on a thread that may
    /// block: a busy disk must not hold up the network.
    async fn sign_guarded(
        &self,
        height: Height,
        round: Round,
        step: Step,
        bytes: Vec<u8>,
    ) -> Result<Signature, Error> {
        let round = round.as_u32().ok_or_else(|| Error::from_source(GuardError::NilRound))?;
        let (guard, key) = (Arc::clone(&self.guard), Arc::clone(&self.key));
        let signed = run(self.runtime.as_ref(), move || {
            guard.admit(height.0, round, step, &bytes)?;
            Ok::<_, GuardError>(Signature(key.sign(&bytes).to_bytes()))
        });
        let signed = signed.await.map_err(Error::from_source)?;
        signed.map_err(|error| {
            tracing::error!(%height, round, ?step, %error, "refusing to sign");
            Error::from_source(error)
        })
    }
}

#[async_trait]
impl Signer<AulaContext> for GuardedSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<AulaContext, Vote>, Error> {
        let bytes =
            vote_sign_bytes(&self.genesis, &vote).ok_or_else(|| Error::from_source(GuardError::NilRound))?;
        let step = match vote.kind {
            VoteType::Prevote => Step::Prevote,
            VoteType::Precommit => Step::Precommit,
        };
        let (vote, bytes) = self.as_recorded(vote, step, bytes);
        let signature = self.sign_guarded(vote.height, vote.round, step, bytes).await?;
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<AulaContext, Proposal>, Error> {
        let bytes = proposal_sign_bytes(&self.genesis, &proposal);
        let signature = self.sign_guarded(proposal.height, proposal.round, Step::Propose, bytes).await?;
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        _scope: VoteExtensionScope<AulaContext>,
        _extension: (),
    ) -> Result<SignedMessage<AulaContext, ()>, Error> {
        Err(Error::from_source(GuardError::NoExtensions))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<AulaContext>, Error> {
        if public_key != self.key.verifying_key().as_bytes() {
            return Err(Error::from_source(GuardError::ForeignKey));
        }
        Ok(self.proof(peer_id))
    }
}

#[cfg(test)]
mod tests;
