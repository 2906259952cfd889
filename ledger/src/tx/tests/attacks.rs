//! Attacks that worked once, each as it was tried: what it was to win, and that it no longer does.

use crate::chain::{Code, CommitCertificate, Transaction, Validator, ValidatorSet, Vote, VoteType};
use crate::codec::Canonical;
use crate::credential::{Claim, Credential, CredentialError, Scope};
use crate::execute::ExecuteError;
use crate::keys::{Label, public_key, sign};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

/// Another chain whose genesis hash agrees in the digits that the chain id shows: a second's work for its founder.
fn twin_chain(chain: &Chain) -> Hash {
    let mut hash = chain.parsed.sha256;
    hash.0[31] ^= 1;
    assert_eq!(hash.to_string()[..8], chain.parsed.sha256.to_string()[..8]);
    hash
}

#[test]
fn attack_17_what_was_signed_for_a_chain_of_the_same_id_is_refused() {
    let mut chain = opened_round();
    let other = twin_chain(&chain);

    let mut transaction = chain.transaction("funder", 0, fund(1).into());
    transaction.body.genesis = other;
    let bytes = Transaction::sign(transaction.body, &key("funder")).to_canonical();
    let refused = chain.try_block(&[bytes]);
    assert!(matches!(refused, Err(ExecuteError::Invalid { code: Code::WrongChain, .. })));

    let asked = vec![request(1, 11, band_of(1), Mandate::None, &[0])];
    let receipt = chain.send("district-1", submit_on(&other, 0, asked));
    assert_eq!(receipt.code, Code::ProofRejected);

    let new = key("funder-new");
    let statement = admin::rotate_key::possession_statement(&other, &account("funder"));
    let possession = sign(&new, Label::KeyRotation, &statement);
    let key_name = admin::rotate_key::KeyName::Account;
    let receipt = chain.send("funder", RotateKey { key: key_name, public_key: public_key(&new), possession });
    assert_eq!(receipt.code, Code::PossessionNotProved);

    let voter = key("validator-1");
    let set = ValidatorSet::new(vec![Validator::new(public_key(&voter), 1)]).unwrap();
    let validator = set.validators()[0].address;
    let (height, block_hash) = (Height(7), Hash([5; 32]));
    let vote_type = VoteType::Precommit;
    let vote = Vote { genesis: other, vote_type, height, round: 0, block_hash: Some(block_hash), validator };
    let signatures = vec![(validator, sign(&voter, Label::Vote, &vote.to_canonical()))];
    let certificate = CommitCertificate { height, round: 0, block_hash, signatures };
    assert_eq!(certificate.verify(&other, &set), Ok(()));
    assert!(certificate.verify(&chain.parsed.sha256, &set).is_err());

    let claim =
        Claim { genesis: other, account: account("auditor"), expires_ms: 1_000, scope: Scope::District };
    let credential = Credential::sign(&claim, &key("auditor"));
    let refused = credential.check(&chain.state, &chain.parsed.sha256, 0);
    assert_eq!(refused, Err(CredentialError::Signature));
}

/// A round of class 1 is open.
fn opened_round() -> Chain {
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    chain
}
