//! Who is left out of turns to propose is a rule of protocol 2: blocks of protocol 1 know nothing of it, whoever was silent.

use crate::chain::Block;
use crate::chain::turns::{Misses, Turns};
use crate::codec::Canonical;
use crate::execute::{BlockInput, VerifyAll, execute_block};
use crate::genesis::{Genesis, GenesisValidator, genesis_state};
use crate::keys::public_key;
use crate::protocol::Protocol;
use crate::state::{MemoryState, StateReader, schema};
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

/// Four validators on a chain that begins with this protocol.
fn four(protocol: Protocol) -> Chain {
    let mut genesis = Genesis { protocol, ..genesis() };
    for number in 2..=4u8 {
        genesis.validators.push(GenesisValidator {
            name: name(&format!("validator-{number}")),
            operator: name("voter-a"),
            public_key: public_key(&key(&format!("validator-{number}"))),
            power: 1,
            peer_id: peer(number),
            listen: listen(),
            seed_key: public_key(&key(&format!("seed-{number}"))),
        });
    }
    Chain::of(genesis)
}

fn misses(state: &MemoryState) -> Misses {
    schema::missed_turns(state).unwrap()
}

/// A block by whoever of the living has the first turn, as the engine has it; with its bytes.
fn next(chain: &mut Chain, stored: &mut Vec<Vec<u8>>, dead: ValidatorAddress, sent: Vec<Vec<u8>>) {
    let set = schema::validator_schedule(&chain.state).unwrap().next;
    let misses = misses(&chain.state);
    let turns = Turns::new(&set, &misses, chain.height.next());
    let living = (0..9).filter_map(|round| turns.proposer(round)).find(|one| one.address != dead);
    chain.proposer = living.unwrap().address;
    let outcome = chain.block(&sent);
    stored.push(Block { header: outcome.header, transactions: sent }.to_canonical());
}

fn dead(chain: &Chain) -> ValidatorAddress {
    schema::validator_schedule(&chain.state).unwrap().next.validators()[2].address
}

#[test]
fn a_chain_of_protocol_1_keeps_its_roots_though_turns_were_missed() {
    let (mut chain, mut stored) = (four(Protocol::FIRST), Vec::new());
    let dead = dead(&chain);
    for _ in 0..12 {
        next(&mut chain, &mut stored, dead, Vec::new());
        assert_eq!(misses(&chain.state), Misses::default());
        assert_eq!(chain.state.value(&schema::missed_turns_key()).unwrap(), None);
    }
    // Each of the dead one's turns is its own, as it was before there was a protocol 2.
    let set = schema::validator_schedule(&chain.state).unwrap().next;
    let builders: Vec<_> =
        stored.iter().map(|bytes| Block::from_canonical(bytes).unwrap().header.proposer).collect();
    for (height, builder) in (1u64..).zip(&builders) {
        let turns = Turns::new(&set, &Misses::default(), Height(height));
        let expected = (0..2).filter_map(|round| turns.proposer(round)).find(|one| one.address != dead);
        assert_eq!(expected.map(|one| one.address), Some(*builder), "height {height}");
    }
    // The roots that builds from before decision 0035 gave such a chain.
    assert_eq!(chain.parent.to_string(), PINNED);
}

/// The hash of block 12 of the chain above.
const PINNED: &str = "532495ca5a370269cb9ccb31d4be41f80363aac462721b904b065d9f23b1a489";

#[test]
fn one_of_protocol_2_leaves_the_silent_out_and_a_switch_begins_with_nobody_blamed() {
    let (mut chain, mut stored) = (four(Protocol(2)), Vec::new());
    let silent = dead(&chain);
    for _ in 0..4 {
        next(&mut chain, &mut stored, silent, Vec::new());
    }
    assert!(misses(&chain.state).of(&silent).is_some());

    let (mut chain, mut stored) = (four(Protocol::FIRST), Vec::new());
    let at = Height(8);
    let send = |chain: &mut Chain, stored: &mut Vec<Vec<u8>>, who: &str, payload: Payload| {
        let bytes = chain.transaction(who, 0, payload).to_canonical();
        next(chain, stored, silent, vec![bytes]);
    };
    let change = Change::SwitchProtocol { protocol: Protocol(2), height: at, program: title("0.2.0") };
    send(&mut chain, &mut stored, "voter-a", ProposeChange { change, open_until: Height(40) }.into());
    for voter in ["voter-a", "voter-b", "voter-c"] {
        let vote = VoteChange { proposal: ProposalId(0), choice: Choice::Approve };
        send(&mut chain, &mut stored, voter, vote.into());
    }
    while chain.height < Height(16) {
        let before = misses(&chain.state);
        next(&mut chain, &mut stored, silent, Vec::new());
        assert!(chain.height >= at || before == Misses::default(), "height {}", chain.height);
    }
    let blamed = misses(&chain.state);
    assert!(blamed.of(&silent).is_some_and(|miss| miss.height >= at), "{blamed:?}");
    // All of it again, from the genesis and the stored bytes.
    let mut state = MemoryState::new();
    state.apply(genesis_state(&chain.parsed).unwrap().0);
    for bytes in &stored {
        let block = Block::from_canonical(bytes).unwrap();
        let again = execute_block(&state, &BlockInput::of(&block), &VerifyAll).unwrap();
        assert_eq!(again.header, block.header);
        state.apply(again.writes);
    }
    assert_eq!(misses(&state), blamed);
}
