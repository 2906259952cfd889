use super::*;
use crate::context::Value;
use crate::ports::TokioRuntime;
use crate::sign_guard::SignGuard;
use aula_ledger::types::{Hash, ValidatorAddress};

fn chain() -> Hash {
    Hash([0; 32])
}

fn signer(folder: &tempfile::TempDir) -> GuardedSigner {
    let guard = SignGuard::create(&folder.path().join("guard"), 0).unwrap();
    GuardedSigner::new(
        chain(),
        SigningKey::from_bytes(&[7; 32]),
        Arc::new(guard),
        Arc::new(TokioRuntime::default()),
    )
}

fn vote(signer: &GuardedSigner, kind: VoteType, hash: u8) -> Vote {
    Vote {
        kind,
        height: Height(3),
        round: Round::new(1),
        value: NilOrVal::Val(Hash([hash; 32])),
        address: signer.address(),
    }
}

#[tokio::test]
async fn a_signed_precommit_is_what_the_ledgers_certificate_check_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(&folder);
    let signed = signer.sign_vote(vote(&signer, VoteType::Precommit, 1)).await.unwrap();
    let set = chain::ValidatorSet::new(vec![chain::Validator::new(public_key(&signer.key), 1)]).unwrap();
    let mut certificate = chain::CommitCertificate {
        height: aula_ledger::types::Height(3),
        round: 1,
        block_hash: Hash([1; 32]),
        signatures: vec![(signer.address().0, signed.signature.into())],
    };
    assert_eq!(certificate.verify(&chain(), &set), Ok(()));
    certificate.round = 2;
    assert!(certificate.verify(&chain(), &set).is_err());
}

#[tokio::test]
async fn verification_binds_every_field_and_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(&folder);
    let key = signer.key.verifying_key();
    let good = signer.sign_vote(vote(&signer, VoteType::Prevote, 1)).await.unwrap();
    let verifier = StrictVerifier::new(chain(), Arc::default());
    let check = async |vote: &Vote, verifier: &StrictVerifier| {
        verifier.verify_signed_vote(vote, &good.signature, &key).await.unwrap().is_valid()
    };
    assert!(check(&good.message, &verifier).await);
    let changed = [
        Vote { kind: VoteType::Precommit, ..good.message.clone() },
        Vote { height: Height(4), ..good.message.clone() },
        Vote { round: Round::new(2), ..good.message.clone() },
        Vote { round: Round::Nil, ..good.message.clone() },
        Vote { value: NilOrVal::Nil, ..good.message.clone() },
        Vote { value: NilOrVal::Val(Hash([2; 32])), ..good.message.clone() },
        Vote { address: Address(ValidatorAddress([0; 20])), ..good.message.clone() },
    ];
    for vote in &changed {
        assert!(!check(vote, &verifier).await, "{vote:?}");
    }
    let elsewhere = StrictVerifier::new(Hash([1; 32]), Arc::default());
    assert!(!check(&good.message, &elsewhere).await);
}

#[tokio::test]
async fn the_guard_stands_before_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(&folder);
    let first = signer.sign_vote(vote(&signer, VoteType::Precommit, 1)).await.unwrap();
    let again = signer.sign_vote(vote(&signer, VoteType::Precommit, 1)).await.unwrap();
    assert_eq!(first, again);
    assert!(signer.sign_vote(vote(&signer, VoteType::Precommit, 2)).await.is_err());
    let proposal = Proposal {
        height: Height(3),
        round: Round::new(1),
        value: Value(Hash([1; 32])),
        pol_round: Round::Nil,
        address: signer.address(),
    };
    signer.sign_proposal(proposal.clone()).await.unwrap();
    assert!(signer.sign_proposal(Proposal { pol_round: Round::new(0), ..proposal }).await.is_err());
}

#[tokio::test]
async fn a_nil_on_record_is_said_again_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(&folder);
    for kind in [VoteType::Prevote, VoteType::Precommit] {
        let nil = Vote { value: NilOrVal::Nil, ..vote(&signer, kind, 1) };
        let said = signer.sign_vote(nil.clone()).await.unwrap();
        let again = signer.sign_vote(vote(&signer, kind, 1)).await.unwrap();
        assert_eq!((again.message, again.signature), (nil, said.signature));
        // Another round knows nothing of it, and what was said for a block there is not taken back.
        let later = Vote { round: Round::new(2), ..vote(&signer, kind, 1) };
        assert_eq!(signer.sign_vote(later.clone()).await.unwrap().message, later);
        for value in [NilOrVal::Nil, NilOrVal::Val(Hash([2; 32]))] {
            assert!(signer.sign_vote(Vote { value, ..later.clone() }).await.is_err());
        }
    }
    assert_eq!(signer.guard.refusals(), 4);
}

#[tokio::test]
async fn a_round_that_was_left_gets_no_precommit_for_a_block() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(&folder);
    let at = |kind, round| Vote { round: Round::new(round), ..vote(&signer, kind, 1) };
    let locked = signer.sign_vote(at(VoteType::Precommit, 0)).await.unwrap();
    signer.sign_vote(at(VoteType::Prevote, 2)).await.unwrap();
    // As one that lost the end of its log and is in the rounds before once more.
    let late = signer.sign_vote(at(VoteType::Precommit, 1)).await.unwrap();
    let nil = Vote { value: NilOrVal::Nil, ..at(VoteType::Precommit, 1) };
    assert_eq!(late.message, nil);
    let check = StrictVerifier::new(chain(), Arc::default());
    let key = signer.key.verifying_key();
    assert!(check.verify_signed_vote(&nil, &late.signature, &key).await.unwrap().is_valid());
    // What was said is said again; a prevote there binds nobody; the round that it is in is as ever.
    assert_eq!(signer.sign_vote(at(VoteType::Precommit, 0)).await.unwrap(), locked);
    assert_eq!(signer.sign_vote(at(VoteType::Prevote, 1)).await.unwrap().message, at(VoteType::Prevote, 1));
    let now = at(VoteType::Precommit, 2);
    assert_eq!(signer.sign_vote(now.clone()).await.unwrap().message, now);
    assert_eq!(signer.guard.refusals(), 0);
}

#[tokio::test]
async fn a_proof_binds_key_and_peer_and_only_our_key() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(&folder);
    let verifier = StrictVerifier::new(chain(), Arc::default());
    let mut proof = signer.proof(b"peer".to_vec());
    assert!(verifier.verify_validator_proof(&proof).await.unwrap().is_valid());
    proof.peer_id = b"reep".to_vec();
    assert!(verifier.verify_validator_proof(&proof).await.unwrap().is_invalid());
    assert!(signer.sign_validator_proof(vec![1; 32], b"peer".to_vec()).await.is_err());
}

#[test]
fn a_small_order_key_verifies_nothing() {
    // The identity point: with the lax check, an all-zero scalar signature holds for any message.
    let mut identity = [0u8; 32];
    identity[0] = 1;
    let mut signature = [0u8; 64];
    signature[0] = 1;
    let key = VerifyingKey::from_bytes(&identity).unwrap();
    assert!(!is_valid(&key, b"anything", &Signature(signature)));
}
