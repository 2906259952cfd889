//! Evidence against validators: what is recorded, once, and what is refused.

use super::attacks_state::watched;
use super::rejections::Row;
use crate::chain::misbehaviour::{Equivocation, Said, Statement, proposal_bytes};
use crate::chain::{Vote, VoteType, validators::address};
use crate::code::Code;
use crate::codec::Canonical;
use crate::execute::ExecuteError;
use crate::genesis::{Genesis, GenesisValidator};
use crate::keys::{Label, PublicKey, Signature, public_key, sign};
use crate::protocol::Protocol;
use crate::state::schema::{self, MAX_OFFENCES};
use crate::testkit::*;
use crate::tx::admin::report_misbehaviour::{WITHIN_HEIGHTS, check_timely};
use crate::tx::*;
use crate::types::*;

/// A chain whose blocks may hold evidence, some blocks on.
fn chain() -> Chain {
    let mut chain = Chain::of(Genesis { protocol: Protocol::NEWEST, ..genesis() });
    chain.advance_to(Height(20));
    chain
}

/// What a validator signs when it says this.
fn says(chain: &Hash, who: &str, height: u64, round: u32, said: Said) -> Statement {
    let (genesis, height, validator) = (*chain, Height(height), address(&public_key(&key(who))));
    let vote = |vote_type, block_hash| {
        let vote = Vote { genesis, vote_type, height, round, block_hash, validator };
        sign(&key(who), Label::Vote, &vote.to_canonical())
    };
    let signature = match said {
        Said::Prevote { block } => vote(VoteType::Prevote, block),
        Said::Precommit { block } => vote(VoteType::Precommit, block),
        Said::Proposal { block, valid_round } => {
            let rounds = [Some(round), valid_round];
            sign(&key(who), Label::Proposal, &proposal_bytes(&genesis, height, rounds, &block, &validator))
        }
    };
    Statement { said, signature }
}

fn block(byte: u8) -> Option<Hash> {
    Some(Hash([byte; 32]))
}

fn two(chain: &Hash, who: &str, height: u64, one: Said, other: Said) -> Equivocation {
    let statements = [says(chain, who, height, 1, one), says(chain, who, height, 1, other)];
    Equivocation::of(*chain, public_key(&key(who)), Height(height), 1, statements).expect("a contradiction")
}

fn precommits(chain: &Chain, height: u64) -> Equivocation {
    let (one, other) = (Said::Precommit { block: block(1) }, Said::Precommit { block: None });
    two(&chain.parsed.sha256, "validator-1", height, one, other)
}

fn report(evidence: Equivocation) -> Payload {
    ReportMisbehaviour { evidence }.into()
}

pub(super) const ROWS: &[Row] = &[
    (Code::ForeignEvidence, || {
        let (one, other) = (Said::Prevote { block: block(1) }, Said::Prevote { block: block(2) });
        (chain(), "voter-a", report(two(&Hash([9; 32]), "validator-1", 5, one, other)))
    }),
    // Of this chain by what it says, but signed for another.
    (Code::EvidenceForged, || {
        let (one, other) = (Said::Prevote { block: block(1) }, Said::Prevote { block: block(2) });
        let chain = chain();
        let genesis = chain.parsed.sha256;
        let evidence = Equivocation { genesis, ..two(&Hash([9; 32]), "validator-1", 5, one, other) };
        (chain, "voter-a", report(evidence))
    }),
    (Code::EvidenceForged, || {
        let chain = chain();
        let mut evidence = precommits(&chain, 5);
        evidence.second.signature = evidence.first.signature;
        (chain, "voter-a", report(evidence))
    }),
    // Another round than the signed one.
    (Code::EvidenceForged, || {
        let chain = chain();
        let evidence = Equivocation { round: 0, ..precommits(&chain, 5) };
        (chain, "voter-a", report(evidence))
    }),
    (Code::EvidenceStale, || {
        let chain = chain();
        let evidence = precommits(&chain, 21);
        (chain, "voter-a", report(evidence))
    }),
    // A member's key, not a validator's.
    (Code::UnknownValidator, || {
        let chain = chain();
        let (one, other) = (Said::Prevote { block: block(1) }, Said::Prevote { block: block(2) });
        let evidence = two(&chain.parsed.sha256, "voter-a", 5, one, other);
        (chain, "voter-b", report(evidence))
    }),
    (Code::EvidenceRecorded, || {
        let mut chain = chain();
        let evidence = precommits(&chain, 5);
        chain.accept("voter-a", ReportMisbehaviour { evidence: evidence.clone() });
        (chain, "reader", report(evidence))
    }),
    (Code::EvidenceEnough, || {
        let mut chain = chain();
        for height in 1..=MAX_OFFENCES as u64 {
            let evidence = precommits(&chain, height);
            chain.accept("voter-a", ReportMisbehaviour { evidence });
        }
        let evidence = precommits(&chain, 18);
        (chain, "voter-a", report(evidence))
    }),
];

#[test]
fn two_of_a_kind_are_recorded_once_a_height_in_order_with_who_brought_them() {
    let mut chain = chain();
    let genesis = chain.parsed.sha256;
    let proposals = |valid_round| Said::Proposal { block: Hash([3; 32]), valid_round };
    let all = [
        (9, precommits(&chain, 9)),
        (
            3,
            two(&genesis, "validator-1", 3, Said::Prevote { block: None }, Said::Prevote { block: block(4) }),
        ),
        (6, two(&genesis, "validator-1", 6, proposals(None), proposals(Some(0)))),
    ];
    let validator = address(&public_key(&key("validator-1")));
    // A reader may, and the account of a validator's node.
    for (sender, (height, evidence)) in ["reader", "seed-1", "district-1"].into_iter().zip(all.clone()) {
        let receipt = chain.accept(sender, ReportMisbehaviour { evidence });
        let event = Event::MisbehaviourRecorded { validator, height: Height(height), round: 1 };
        assert_eq!(receipt.events, [event]);
    }
    let record = schema::misbehaviour(&chain.state, &validator).unwrap().unwrap();
    let heights: Vec<u64> = record.offences.iter().map(|one| one.evidence.height.0).collect();
    assert_eq!((record.validator, heights), (validator, vec![3, 6, 9]));
    assert_eq!(record.offences[2].by, account("reader"));
    assert!(record.offences.iter().all(|one| one.evidence.is_signed()), "anybody checks it again");
    assert!(record.words().contains("two prevotes at height 3 round 1"), "{}", record.words());
    assert_eq!(schema::misbehaviours(&chain.state).unwrap(), [record]);
}

#[test]
fn evidence_counts_from_the_next_block_on_for_a_hundred_thousand_blocks() {
    let at = Height(7);
    for (now, expected) in [
        (at, Err(Code::EvidenceStale)),
        (at.next(), Ok(())),
        (Height(7 + WITHIN_HEIGHTS), Ok(())),
        (Height(8 + WITHIN_HEIGHTS), Err(Code::EvidenceStale)),
        (Height(0), Err(Code::EvidenceStale)),
    ] {
        assert_eq!(check_timely(at, now), expected, "a block of height {now}");
    }
}

#[test]
fn a_validator_that_left_is_still_charged_with_what_it_did_before() {
    let mut chain = chain();
    let second = key("validator-2");
    chain.agree(Change::AdmitPeer { peer_id: peer(2), listen: listen(), operator: account("voter-b") });
    chain.agree(Change::AddValidator {
        name: name("validator-2"),
        public_key: public_key(&second),
        power: 1,
        operator: account("voter-b"),
        peer_id: peer(2),
        seed_key: public_key(&key("seed-2")),
    });
    let height = chain.height.0 + 5;
    chain.advance_to(Height(height + 1));
    let address = address(&public_key(&second));
    chain.agree(Change::RemoveValidator { address });
    chain.advance_to(Height(chain.height.0 + 3));
    let schedule = schema::validator_schedule(&chain.state).unwrap();
    assert!(schedule.now.get(&address).is_none());
    let (one, other) = (Said::Prevote { block: block(1) }, Said::Prevote { block: block(2) });
    let of = |height| two(&chain.parsed.sha256, "validator-2", height, one, other);
    let (before, then, after) = (of(2), of(height), of(chain.height.0));
    for (evidence, code) in
        [(before, Code::UnknownValidator), (after, Code::UnknownValidator), (then, Code::Accepted)]
    {
        assert_eq!(chain.send("voter-a", ReportMisbehaviour { evidence }).code, code);
    }
}

/// The chain's first change of the set is that one founder goes.
#[test]
fn a_founder_that_left_first_is_charged_with_what_it_did_before_from_protocol_3_on() {
    for (protocol, code, records) in
        [(Protocol(2), Code::UnknownValidator, 2), (Protocol::NEWEST, Code::Accepted, 3)]
    {
        let mut genesis = Genesis { protocol, ..genesis() };
        let founder = |n: u8| GenesisValidator {
            name: name(&format!("validator-{n}")),
            public_key: public_key(&key(&format!("validator-{n}"))),
            peer_id: peer(n),
            seed_key: public_key(&key(&format!("seed-{n}"))),
            ..genesis.validators[0].clone()
        };
        genesis.validators = (1..=3).map(founder).collect();
        let mut chain = Chain::of(genesis);
        chain.advance_to(Height(8));
        let leaves = |chain: &mut Chain, who: &str| {
            chain.agree(Change::RemoveValidator { address: address(&public_key(&key(who))) });
            chain.advance_to(Height(chain.height.0 + 3));
        };
        leaves(&mut chain, "validator-2");
        leaves(&mut chain, "validator-3");
        let sets = schema::set_changes(&chain.state).unwrap();
        assert_eq!(sets.len(), records, "{protocol}");
        let first = sets.get(&Height::GENESIS).map_or(3, |set| set.validators().len());
        assert_eq!(first, 3, "the founders, once");
        for founder in ["validator-2", "validator-3"] {
            let (one, other) = (Said::Prevote { block: block(1) }, Said::Prevote { block: block(2) });
            let evidence = two(&chain.parsed.sha256, founder, 5, one, other);
            assert_eq!(chain.send("voter-a", report(evidence)).code, code, "{protocol}: {founder}");
        }
    }
}

/// Anybody may sign two statements with a fresh key: the price is flat, so the reading is, however often the set has changed.
#[test]
fn strangers_evidence_lists_no_sets() {
    let chain = chain();
    let (one, other) = (Said::Prevote { block: block(1) }, Said::Prevote { block: block(2) });
    let evidence = two(&chain.parsed.sha256, "a stranger", 5, one, other);
    let (code, [_, lists]) = watched(&chain, "voter-a", report(evidence));
    assert_eq!((code, lists), (Code::UnknownValidator, 0));
}

#[test]
fn what_does_not_contradict_itself_or_is_out_of_order_is_no_payload() {
    let chain = chain();
    let good = precommits(&chain, 5);
    assert_eq!(report(good.clone()).check(), Ok(()));
    let prevote = says(&chain.parsed.sha256, "validator-1", 5, 1, Said::Prevote { block: block(1) });
    for bad in [
        Equivocation { second: good.first, ..good.clone() },
        Equivocation { first: good.second, second: good.first, ..good.clone() },
        Equivocation { first: prevote, ..good.clone() },
    ] {
        assert_eq!(report(bad).check(), Err(Code::InvalidPayload));
    }
    assert!(Equivocation::of(good.genesis, good.public_key, good.height, 1, [good.first; 2]).is_none());
}

#[test]
fn no_block_of_protocol_1_holds_evidence_and_no_pool_keeps_it_there() {
    let mut old = Chain::new();
    old.advance_to(Height(9));
    let payload = report(precommits(&old, 5));
    let bytes = old.transaction("voter-a", 0, payload.clone()).to_canonical();
    let refused = old.try_block(&[bytes]).unwrap_err();
    assert_eq!(refused, ExecuteError::Invalid { index: 0, code: Code::NotInProtocol });
    let asked = prospect(&old.state, &account("voter-a"), &payload).unwrap();
    assert_eq!(asked, Err(Code::NotInProtocol));
    let new = chain();
    assert_eq!(prospect(&new.state, &account("voter-a"), &payload).unwrap(), Ok(()));
}

/// For the pinned bytes of every payload.
pub(super) fn sample() -> ReportMisbehaviour {
    let statement =
        |block, byte| Statement { said: Said::Precommit { block }, signature: Signature([byte; 64]) };
    ReportMisbehaviour {
        evidence: Equivocation {
            genesis: Hash([0; 32]),
            public_key: PublicKey([4; 32]),
            height: Height(7),
            round: 2,
            first: statement(None, 5),
            second: statement(Some(Hash([6; 32])), 7),
        },
    }
}
