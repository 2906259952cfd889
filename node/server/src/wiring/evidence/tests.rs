//! Evidence is sent by one node after the other, until the ledger holds it, and never again.

use aula_home::founding::Base;
use aula_ledger::chain::misbehaviour::{Said, Statement};
use aula_ledger::chain::{Vote, VoteType, validators::address};
use aula_ledger::code::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::keys::{Label, public_key, sign};
use aula_ledger::protocol::Protocol;
use aula_ledger::types::Hash;
use ed25519_dalek::SigningKey;

use super::*;
use aula_kit::{DevChain, Tested};

fn blocks(chain: &DevChain, count: u64) -> Tested {
    for _ in 0..count {
        chain.block(&[]).map_err(|failure| failure.message)?;
    }
    Ok(())
}

fn chain(protocol: Protocol) -> Result<DevChain, Box<dyn std::error::Error>> {
    let of = DevChain::of(|_| Ok(Base { protocol: Some(protocol), ..Base::default() }));
    let chain = of.map_err(|failure| failure.message)?;
    blocks(&chain, 6)?;
    Ok(chain)
}

fn own(chain: &DevChain) -> ValidatorAddress {
    address(&public_key(chain.validator_key()))
}

/// Two precommits of the one validator.
fn seen(chain: &DevChain, height: u64) -> Result<Equivocation, &'static str> {
    precommits(chain, chain.validator_key(), height)
}

fn precommits(chain: &DevChain, liar: &SigningKey, height: u64) -> Result<Equivocation, &'static str> {
    let (genesis, validator) = (chain.genesis.sha256, address(&public_key(liar)));
    let statement = |block_hash| {
        let (vote_type, height) = (VoteType::Precommit, Height(height));
        let vote = Vote { genesis, vote_type, height, round: 0, block_hash, validator };
        let signature = sign(liar, Label::Vote, &vote.to_canonical());
        Statement { said: Said::Precommit { block: block_hash }, signature }
    };
    let two = [statement(None), statement(Some(Hash([1; 32])))];
    Equivocation::of(genesis, public_key(liar), Height(height), 0, two).ok_or("no contradiction")
}

/// A chain, and evidence against a key that was never a validator's.
pub(in crate::wiring) fn of_a_stranger() -> Result<(DevChain, Evidence), Box<dyn std::error::Error>> {
    let (chain, evidence) = (chain(Protocol::NEWEST)?, Evidence::default());
    evidence.keep(precommits(&chain, &SigningKey::from_bytes(&[9; 32]), 5)?);
    Ok((chain, evidence))
}

#[test]
fn it_is_due_at_once_for_the_first_later_for_others_and_never_when_it_is_on_record() -> Tested {
    let chain = chain(Protocol::NEWEST)?;
    let (evidence, own) = (Evidence::default(), own(&chain));
    let due = |own| evidence.due(&*chain.db.latest(), own);
    assert_eq!(due(Some(&own))?, []);
    evidence.keep(seen(&chain, 5)?);
    evidence.keep(seen(&chain, 5)?);
    assert_eq!(due(Some(&own))?.len(), 1, "once, however often it was seen");
    // A node that is not in the set goes after the one that is.
    assert_eq!(due(None)?, []);
    blocks(&chain, BLOCKS_EACH)?;
    let sent = due(None)?;
    assert_eq!(sent.len(), 1);
    for payload in sent {
        let transaction = chain.of_node(payload).map_err(|failure| failure.message)?;
        let receipts = chain.block(&[transaction]).map_err(|failure| failure.message)?;
        assert_eq!(receipts[0].code, Code::Accepted);
    }
    assert_eq!(due(Some(&own))?, []);
    assert!(evidence.seen.lock().is_ok_and(|seen| seen.is_empty()), "it is forgotten");
    Ok(())
}

#[test]
fn under_protocol_1_it_is_kept_and_not_sent() -> Tested {
    let chain = chain(Protocol::FIRST)?;
    let evidence = Evidence::default();
    evidence.keep(seen(&chain, 5)?);
    assert_eq!(evidence.due(&*chain.db.latest(), Some(&own(&chain)))?, []);
    assert!(evidence.seen.lock().is_ok_and(|seen| seen.len() == 1));
    Ok(())
}
