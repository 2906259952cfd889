use super::*;
use crate::sign_guard::SignGuard;
use crate::signing::{GuardedSigner, Signature};
use aula_ledger::chain;
use aula_ledger::keys::public_key;
use aula_ledger::types::ValidatorAddress;
use ed25519_dalek::SigningKey;

const CURRENT: Height = Height(10);

fn genesis() -> Hash {
    Hash([0; 32])
}

fn signer(n: u8) -> GuardedSigner {
    let folder = tempfile::tempdir().unwrap();
    let guard = SignGuard::create(&folder.path().join("guard"), 0).unwrap();
    GuardedSigner::new(genesis(), SigningKey::from_bytes(&[n; 32]), Arc::new(guard))
}

fn validators() -> ValidatorSet {
    let all = (1..=4).map(|n| chain::Validator::new(public_key(&SigningKey::from_bytes(&[n; 32])), 1));
    ValidatorSet::of(&chain::ValidatorSet::new(all.collect()).unwrap()).unwrap()
}

/// The signer whose turn (height, round) is.
fn proposer(height: Height, round: u32) -> GuardedSigner {
    let set = validators();
    let address = AulaContext::proposer_of(&set, height, Round::new(round)).unwrap().address;
    (1..=4).map(signer).find(|s| s.address() == address).unwrap()
}

fn head(by: &GuardedSigner, height: Height, round: u32) -> ProposalInit {
    by.sign_init(ProposalInit {
        height,
        round: Round::new(round),
        valid_round: Round::Nil,
        proposer: by.address(),
        block_hash: Hash([1; 32]),
        block_bytes: 100,
        signature: Signature([0; 64]),
    })
}

fn check(head: &ProposalInit) -> Result<(), &'static str> {
    check_head(&genesis(), CURRENT, &validators(), head)
}

#[test]
fn only_the_proposer_of_its_round_may_begin_a_stream() {
    let good = proposer(CURRENT, 2);
    assert_eq!(check(&head(&good, CURRENT, 2)), Ok(()));
    for n in (1..=4).filter(|n| signer(*n).address() != good.address()) {
        assert_eq!(check(&head(&signer(n), CURRENT, 2)), Err("not from the proposer of its round"));
    }
    assert_eq!(check(&head(&signer(9), CURRENT, 2)), Err("not from a validator"));
}

#[test]
fn the_signature_covers_the_whole_head() {
    let good = head(&proposer(CURRENT, 2), CURRENT, 2);
    let changed = [
        ProposalInit { block_hash: Hash([2; 32]), ..good.clone() },
        ProposalInit { block_bytes: 101, ..good.clone() },
        ProposalInit { valid_round: Round::new(1), ..good.clone() },
        ProposalInit { signature: Signature([0; 64]), ..good.clone() },
        ProposalInit { round: Round::new(6), ..good.clone() },
    ];
    for head in &changed {
        assert_eq!(check(head), Err("a head with a wrong signature"), "{head:?}");
    }
}

#[test]
fn heights_and_rounds_out_of_range_are_refused() {
    let by = proposer(CURRENT, 2);
    assert_eq!(check(&head(&by, Height(9), 2)), Err("a decided height"));
    assert_eq!(check(&head(&by, Height(12), 2)), Err("a height too far ahead"));
    let next = Height(11);
    // The next height's set may differ, so any validator of this one is heard, for now.
    assert_eq!(check(&head(&by, next, 2)), Ok(()));
    let nil = by.sign_init(ProposalInit { round: Round::Nil, ..head(&by, CURRENT, 2) });
    assert_eq!(check(&nil), Err("a stream without a round"));
    let backwards = by.sign_init(ProposalInit { valid_round: Round::new(2), ..head(&by, CURRENT, 2) });
    assert_eq!(check(&backwards), Err("a valid round that is not below the round"));
    let stranger = ProposalInit { proposer: Address(ValidatorAddress([0; 20])), ..head(&by, CURRENT, 2) };
    assert_eq!(check(&stranger), Err("not from a validator"));
}
