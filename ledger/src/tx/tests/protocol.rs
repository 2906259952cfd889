//! The members switch the rules at a height: before it blocks go by the old ones, from it on by the new, for whoever
//! executes or replays them.

use crate::chain::Block;
use crate::code::Code;
use crate::codec::Canonical;
use crate::execute::{BlockInput, ExecuteError, VerifyAll, execute_block};
use crate::genesis::{Genesis, genesis_state};
use crate::params::ON_DEMAND_REST_MS;
use crate::protocol::{Outdated, Protocol};
use crate::state::schema::{self, ProtocolRecord, Window};
use crate::state::{MemoryState, StateReader};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

const SECOND: Protocol = Protocol(2);

/// A block of one transaction or none, kept; with what a node stores of it.
fn block(chain: &mut Chain, stored: &mut Vec<Vec<u8>>, sent: Option<(&str, Payload)>) -> Option<Code> {
    let transactions: Vec<Vec<u8>> = sent
        .into_iter()
        .map(|(sender, payload)| chain.transaction(sender, 0, payload).to_canonical())
        .collect();
    let outcome = chain.block(&transactions);
    stored.push(Block { header: outcome.header, transactions }.to_canonical());
    outcome.receipts.first().map(|receipt| receipt.code)
}

/// Proposes a switch and lets all three vote for it.
fn agree(chain: &mut Chain, stored: &mut Vec<Vec<u8>>, number: u32, protocol: u16, at: u64) {
    let change =
        Change::SwitchProtocol { protocol: Protocol(protocol), height: Height(at), program: title("0.2.0") };
    let propose = ProposeChange { change, open_until: Height(chain.height.0 + 50) };
    assert_eq!(block(chain, stored, Some(("voter-a", propose.into()))), Some(Code::Accepted));
    for voter in ["voter-a", "voter-b", "voter-c"] {
        let vote = VoteChange { proposal: ProposalId(number), choice: Choice::Approve };
        assert_eq!(block(chain, stored, Some((voter, vote.into()))), Some(Code::Accepted));
    }
}

fn record(chain: &Chain) -> ProtocolRecord {
    schema::protocol(&chain.state).unwrap()
}

#[test]
fn a_chain_of_protocol_1_has_no_record_and_the_state_that_it_always_had() {
    let chain = Chain::new();
    assert_eq!(chain.state.value(&schema::protocol_key()).unwrap(), None);
    assert_eq!(record(&chain), ProtocolRecord::of_genesis(Protocol::FIRST));
    assert!(!String::from_utf8(chain.parsed.genesis.to_json().unwrap()).unwrap().contains("protocol"));
}

#[test]
fn a_vote_switches_at_its_height_and_every_block_replays_by_its_own_rules() {
    let (mut chain, mut stored) = (Chain::new(), Vec::new());
    let at = 9;
    agree(&mut chain, &mut stored, 0, 2, at);
    let next = record(&chain).next.expect("a voted switch");
    assert_eq!((next.protocol, next.height, next.program.as_str()), (SECOND, Height(at), "0.2.0"));
    while chain.height < Height(at + 3) {
        block(&mut chain, &mut stored, None);
    }
    let now = record(&chain);
    assert_eq!((now.now, now.since, &now.next), (SECOND, Height(at), &None));
    // Everything again from the genesis and the stored bytes alone.
    let mut state = MemoryState::new();
    state.apply(genesis_state(&chain.parsed).unwrap().0);
    for bytes in &stored {
        let block = Block::from_canonical(bytes).unwrap();
        let expected = if block.header.height < Height(at) { Protocol::FIRST } else { SECOND };
        assert_eq!(block.header.protocol, expected, "height {}", block.header.height);
        let again = execute_block(&state, &BlockInput::of(&block), &VerifyAll).unwrap();
        assert_eq!(again.header, block.header);
        state.apply(again.writes);
    }
}

#[test]
fn a_header_of_another_protocol_is_not_the_executed_one() {
    let mut chain = Chain::new();
    let outcome = chain.block(&[]);
    let mut lie = outcome.header.clone();
    lie.protocol = SECOND;
    assert_ne!(lie, outcome.header);
    assert_ne!(lie.hash(), outcome.header.hash(), "validators sign the protocol");
}

#[test]
fn protocols_follow_one_another_and_a_voted_one_may_be_moved_or_taken_back() {
    let (mut chain, mut stored) = (Chain::new(), Vec::new());
    let send = |chain: &mut Chain, protocol: u16, at: u64| {
        let change = Change::SwitchProtocol {
            protocol: Protocol(protocol),
            height: Height(at),
            program: title("9.0.0"),
        };
        chain.send("voter-a", ProposeChange { change, open_until: Height(60) }).code
    };
    for (protocol, at, code) in [
        (3, 50, Code::ProtocolStep),
        (1, 50, Code::ProtocolStep),
        (0, 50, Code::ProtocolStep),
        (2, 1, Code::UpgradePast),
    ] {
        assert_eq!(send(&mut chain, protocol, at), code, "protocol {protocol} at {at}");
    }
    agree(&mut chain, &mut stored, 0, 2, 40);
    agree(&mut chain, &mut stored, 1, 2, 30);
    assert_eq!(record(&chain).next.map(|next| next.height), Some(Height(30)), "the later vote counts");
    agree(&mut chain, &mut stored, 2, 1, 90);
    assert_eq!(record(&chain).next, None, "taken back");
    chain.advance_to(Height(45));
    assert_eq!(record(&chain).now, Protocol::FIRST);
}

#[test]
fn a_program_stops_before_rules_that_it_does_not_have_and_says_which_version_to_run() {
    let before = Protocol(Protocol::NEWEST.0 - 1);
    let (mut chain, mut stored) = (Chain::of(Genesis { protocol: before, ..genesis() }), Vec::new());
    agree(&mut chain, &mut stored, 0, Protocol::NEWEST.0, 7);
    chain.advance_to(Height(8));
    agree(&mut chain, &mut stored, 1, Protocol::NEWEST.next().0, 15);
    chain.advance_to(Height(14));
    let expected = Outdated {
        height: Height(15),
        needs: Protocol::NEWEST.next(),
        knows: Protocol::NEWEST,
        program: Some(title("0.2.0")),
    };
    assert_eq!(record(&chain).refuses(Height(14), Protocol::NEWEST), None);
    assert_eq!(record(&chain).refuses(Height(15), Protocol::NEWEST), Some(expected.clone()));
    assert!(matches!(chain.try_block(&[]), Err(ExecuteError::Outdated(outdated)) if outdated == expected));
    assert!(expected.next_step().contains("Aula 0.2.0"));
    // One that is older still stopped before the first switch.
    assert_eq!(record(&chain).refuses(Height(12), before).map(|one| one.height), Some(Height(7)));
}

#[test]
fn a_genesis_may_begin_with_a_later_protocol_but_not_with_one_that_nobody_has() {
    let of = |protocol| Genesis { protocol: Protocol(protocol), ..genesis() };
    let mut chain = Chain::of(of(2));
    assert_eq!(chain.block(&[]).header.protocol, SECOND);
    let newest = format!("protocols up to {}", Protocol::NEWEST);
    let unknown = of(Protocol::NEWEST.next().0).to_json();
    assert!(unknown.is_err_and(|error| error.to_string().contains(&newest)));
    assert!(of(0).to_json().is_err());
}

/// A chain of this protocol whose one class, on demand, has just decided its first round.
pub(super) fn decided(protocol: u16) -> Chain {
    let mut chain = Chain::of(Genesis { protocol: Protocol(protocol), ..genesis() });
    chain.accept("funder", fund(1_000_000));
    let calendar = Calendar { opens_ms: TimeMs(0), closes_ms: TimeMs(u64::MAX) };
    chain.accept("voter-a", DefineClass { calendar, ..class(1) });
    chain.accept("funder", grant(1, "voter-a", 1_000));
    chain.accept("voter-a", pool(1, 1, 11, 0, 3));
    chain.accept("district-1", anchor(0..4, 11));
    chain.accept("voter-a", open(1));
    let chain_hash = chain.parsed.sha256;
    chain.accept("seed-1", seeds::commit(&chain_hash, "seed-1", 0, 1));
    chain.pass_to(0, Window::Reveals);
    chain.accept("seed-1", seeds::reveal(&chain_hash, "seed-1", 0, 1));
    chain.pass_to(0, Window::Closed);
    chain.accept("voter-a", run(0));
    chain
}

/// What becomes of another round, so many milliseconds after the first was opened.
fn opened_again(protocol: u16, after_ms: u64) -> Code {
    let chain = decided(protocol);
    let now = TimeMs(chain.round(0).opened_ms.0 + after_ms);
    let bytes = chain.transaction("voter-a", 0, open(1).into()).to_canonical();
    chain.try_block_at(now, &[bytes]).unwrap().receipts[0].code
}

#[test]
fn from_protocol_2_on_a_class_on_demand_rests_an_hour_while_its_decision_stands() {
    assert_eq!(opened_again(1, ON_DEMAND_REST_MS - 1), Code::Accepted);
    assert_eq!(opened_again(2, ON_DEMAND_REST_MS - 1), Code::OnDemandRests);
    assert_eq!(opened_again(2, ON_DEMAND_REST_MS), Code::Accepted);
    let mut reverted = decided(2);
    reverted.revert(0);
    reverted.accept("voter-a", open(1));
}

/// The kinds that programs of protocol 1 decode. A kind that is new stands in [`rights::is_in`] with its protocol, never here.
const OF_THE_FIRST: [u8; 28] =
    [1, 2, 3, 4, 5, 6, 7, 20, 21, 22, 23, 24, 25, 40, 41, 42, 43, 60, 61, 62, 63, 64, 65, 66, 67, 69, 70, 71];

#[test]
fn every_kind_that_came_later_belongs_to_a_protocol() {
    for payload in super::bytes::one_of_each() {
        let (kind, first) = (payload.kind(), rights::is_in(Protocol::FIRST, &payload));
        assert_eq!(first, OF_THE_FIRST.contains(&(kind as u8)), "{}", kind.name());
        assert!(rights::is_in(Protocol::NEWEST, &payload), "{}", kind.name());
    }
}

/// What came with protocol 2, from whom.
fn of_the_second() -> [(&'static str, Payload); 3] {
    let building = AnchorEstate { building: title("A"), version: 1, root: Hash([1; 32]), leaf_count: 1 };
    let admission = ProposeChange { change: consortia::admission(), open_until: Height(90) };
    [
        ("district-1", building.into()),
        ("voter-a", admission.into()),
        ("voter-a", consortia::child_head(1, 1).into()),
    ]
}

#[test]
fn before_its_protocol_no_block_holds_a_building_or_a_head_and_no_pool_keeps_one() {
    let (mut chain, mut stored) = (Chain::new(), Vec::new());
    let at = 12;
    agree(&mut chain, &mut stored, 0, 2, at);
    chain.advance_to(Height(at - 2));
    let blocks = |chain: &Chain| {
        of_the_second().map(|(sender, payload)| {
            let bytes = chain.transaction(sender, 0, payload.clone()).to_canonical();
            let code = chain.try_block(&[bytes]).map(|outcome| outcome.receipts[0].code);
            (code, prospect(&chain.state, &account(sender), &payload).unwrap())
        })
    };
    let refused = Err(ExecuteError::Invalid { index: 0, code: Code::NotInProtocol });
    assert_eq!(blocks(&chain), [(); 3].map(|()| (refused.clone(), Err(Code::NotInProtocol))));
    block(&mut chain, &mut stored, None);
    // The next block is the first by protocol 2; that consortium is not admitted yet.
    let [estate, admission, head] = blocks(&chain);
    assert_eq!((estate, admission), ((Ok(Code::Accepted), Ok(())), (Ok(Code::Accepted), Ok(()))));
    assert_eq!(head, (Ok(Code::UnknownConsortium), Ok(())));
}
