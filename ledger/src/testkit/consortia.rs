//! A second consortium, as far as its heads show it: headers and certificates of four validators.

use super::{key, title};
use crate::chain::{CommitCertificate, Header, Validator, ValidatorSet, Vote, VoteType};
use crate::codec::Canonical;
use crate::keys::{Label, public_key, sign};
use crate::proof::TreeHead;
use crate::protocol::Protocol;
use crate::tx::{AnchorHead, Change};
use crate::types::{Hash, Height, TimeMs, ValidatorAddress};

/// SHA-256 of its genesis file.
pub const CHILD: Hash = Hash([0x51; 32]);
/// The time of its genesis.
pub const FOUNDED: TimeMs = TimeMs(5_000);

/// A set of validators by their names.
pub fn set_of(names: &[&str]) -> ValidatorSet {
    let validators = names.iter().map(|name| Validator::new(public_key(&key(name)), 1));
    ValidatorSet::new(validators.collect()).expect("a set")
}

/// Those of its genesis.
pub const FOUNDERS: [&str; 4] = ["child-1", "child-2", "child-3", "child-4"];
/// Those after a vote there.
pub const LATER: [&str; 4] = ["child-1", "child-2", "child-3", "child-5"];

/// The vote that admits it.
pub fn admission() -> Change {
    Change::AdmitConsortium {
        genesis: CHILD,
        name: title("Eastern consortium"),
        founded_ms: FOUNDED,
        validators: Box::new(set_of(&FOUNDERS)),
    }
}

/// A header of it, decided by `set`; `mark` tells blocks of one height apart.
pub fn child_header(height: u64, mark: u8, set: &[&str], next: &[&str]) -> Header {
    let none = TreeHead { leaf_count: 0, root: Hash([1; 32]) };
    Header {
        protocol: Protocol::FIRST,
        genesis: CHILD,
        height: Height(height),
        time_ms: TimeMs(FOUNDED.0 + 1_000 * height),
        parent: Hash([mark.wrapping_sub(1); 32]),
        proposer: ValidatorAddress([2; 20]),
        transactions: none,
        receipts: none,
        students: none,
        state_root: Hash([mark; 32]),
        validators_hash: set_of(set).hash(),
        next_validators_hash: set_of(next).hash(),
    }
}

/// The header with the precommits of `signers`, made for the ledger of `genesis`.
pub fn certified_for(genesis: Hash, header: Header, signers: &[&str]) -> AnchorHead {
    let set = set_of(signers);
    let signature = |address: &ValidatorAddress| {
        let name = signers.iter().find(|name| Validator::new(public_key(&key(name)), 1).address == *address);
        let vote = Vote {
            genesis,
            vote_type: VoteType::Precommit,
            height: header.height,
            round: 0,
            block_hash: Some(header.hash()),
            validator: *address,
        };
        sign(&key(name.expect("a signer")), Label::Vote, &vote.to_canonical())
    };
    let signatures = set.validators().iter().map(|one| (one.address, signature(&one.address))).collect();
    let certificate =
        CommitCertificate { height: header.height, round: 0, block_hash: header.hash(), signatures };
    AnchorHead { header, certificate, new_set: None }
}

/// A head by the founders that changes nothing.
pub fn child_head(height: u64, mark: u8) -> AnchorHead {
    certified_for(CHILD, child_header(height, mark, &FOUNDERS, &FOUNDERS), &FOUNDERS[..3])
}

/// The head that announces the later set.
pub fn child_change(height: u64, mark: u8) -> AnchorHead {
    let head = certified_for(CHILD, child_header(height, mark, &FOUNDERS, &LATER), &FOUNDERS[1..]);
    AnchorHead { new_set: Some(set_of(&LATER)), ..head }
}
