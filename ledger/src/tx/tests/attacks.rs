//! Attacks that worked once, each as it was tried: what it was to win, and that it no longer does.

use crate::chain::{CommitCertificate, Validator, ValidatorSet, Vote, VoteType};
use crate::code::Code;
use crate::codec::Canonical;
use crate::credential::{Claim, Credential, CredentialError, Scope};
use crate::execute::ExecuteError;
use crate::keys::{Label, public_key, sign};
use crate::state::schema;
use crate::testkit::*;
use crate::tx::Transaction;
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
    let receipt = chain.send(
        "funder",
        RotateKey { key: key_name, public_key: public_key(&new), possession, replaces: None },
    );
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

#[test]
fn attack_04_a_round_whose_outcome_is_known_is_never_given_up_by_time() {
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    let asked = vec![request(1, 11, band_of(1), Mandate::None, &[0])];
    chain.accept("district-1", submit(&chain, 0, asked));
    chain.draw(0);
    // Whoever dislikes the draw keeps the others from running it for long, and opens another.
    chain.advance_to(Height(chain.height.0 + 400));
    assert_eq!(chain.send("voter-a", open(1)).code, Code::RoundOpen);
    chain.accept("voter-a", run(0));
}

#[test]
fn attack_12_a_removed_member_takes_its_validators_and_peers_out() {
    let mut file = genesis();
    let first = file.validators[0].clone();
    file.validators.push(crate::genesis::GenesisValidator {
        name: name("validator-2"),
        operator: name("voter-b"),
        public_key: public_key(&key("validator-2")),
        peer_id: peer(2),
        seed_key: public_key(&key("seed-2")),
        ..first
    });
    let mut chain = Chain::of(file);
    let change = Change::RemoveMember { account: account("voter-b") };
    chain.accept("voter-a", ProposeChange { change, open_until: Height(20) });
    for voter in ["voter-a", "voter-b", "voter-c"] {
        chain.send(voter, VoteChange { proposal: ProposalId(0), choice: Choice::Approve });
    }
    chain.advance_to(Height(chain.height.0 + 2));
    let set = schema::validator_schedule(&chain.state).unwrap().now;
    assert_eq!(set.validators().len(), 1);
    assert_eq!(schema::validator_infos(&chain.state).unwrap().len(), 1);
    assert!(schema::peers(&chain.state).unwrap().iter().all(|one| one.operator != account("voter-b")));
}

#[test]
fn a_proved_mastery_backs_one_milestone_and_its_correction() {
    let mut chain = ready();
    let proof = mastered(&chain.parsed.sha256, 1, chain.height);
    let milestone = |number, supersedes| RecordMilestone {
        school_year: YEAR,
        handle: handle(1),
        number,
        kind: MilestoneKind::UnitMastered,
        evidence: Hash([8; 32]),
        supersedes,
        mastery: Some(proof.clone()),
    };
    chain.accept("district-1", milestone(0, None));
    assert_eq!(chain.send("district-1", milestone(1, None)).code, Code::MasteryUsed);
    chain.accept("district-1", milestone(1, Some(0)));
    assert_eq!(chain.send("district-1", milestone(2, None)).code, Code::MasteryUsed);
}
