use super::*;
use crate::context::Address;
use crate::signing::Signature;
use arc_malachitebft_core_types::Round;
use aula_ledger::types::{Hash, ValidatorAddress};
use proptest::prelude::*;

fn random_peer() -> PeerId {
    PeerId::from_bytes(&libp2p::PeerId::random().to_bytes()).unwrap()
}

fn head(bytes: usize) -> ProposalInit {
    ProposalInit {
        height: Height(4),
        round: Round::new(1),
        valid_round: Round::Nil,
        proposer: Address(ValidatorAddress([1; 20])),
        block_hash: Hash([2; 32]),
        block_bytes: bytes as u32,
        signature: Signature([3; 64]),
    }
}

fn block(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i * 31 % 251) as u8).collect()
}

fn feed(assembly: &mut Assembly, from: PeerId, parts: Vec<StreamMessage<ProposalPart>>) -> Vec<Added> {
    parts.into_iter().map(|part| assembly.add(from, part, |_| Ok(()))).collect()
}

#[test]
fn a_block_of_any_size_arrives_whole() {
    for bytes in [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 5 * PART_BYTES + 7] {
        let block = block(bytes);
        let parts = split(&head(bytes), &block, 0);
        assert_eq!(parts.len(), bytes.div_ceil(PART_BYTES) + 2);
        let last = feed(&mut Assembly::default(), random_peer(), parts).pop().unwrap();
        let Added::Complete(received) = last else { panic!("{last:?}") };
        assert_eq!((received.block, received.head), (block, head(bytes)));
    }
}

#[test]
fn a_refused_head_closes_its_stream() {
    let mut assembly = Assembly::default();
    let from = random_peer();
    let mut parts = split(&head(10), &block(10), 0).into_iter();
    let refused = assembly.add(from, parts.next().unwrap(), |_| Err(Junk("not the proposer")));
    assert_eq!(refused, Added::Refused(Junk("not the proposer")));
    for part in parts {
        assert_eq!(assembly.add(from, part, |_| Ok(())), Added::Pending);
    }
}

#[test]
fn a_duplicate_part_and_a_finished_stream_do_nothing() {
    let mut assembly = Assembly::default();
    let from = random_peer();
    let parts = split(&head(10), &block(10), 0);
    let twice: Vec<_> = parts.iter().flat_map(|p| [p.clone(), p.clone()]).collect();
    let complete =
        feed(&mut assembly, from, twice).iter().filter(|a| matches!(a, Added::Complete(_))).count();
    assert_eq!(complete, 1);
}

#[test]
fn lies_about_the_length_are_refused() {
    let too_long = split(&head(9), &block(10), 0);
    assert!(
        feed(&mut Assembly::default(), random_peer(), too_long)
            .contains(&Added::Refused(Junk("more bytes than the head announces")))
    );
    let too_short = split(&head(11), &block(10), 0);
    assert!(
        feed(&mut Assembly::default(), random_peer(), too_short)
            .contains(&Added::Refused(Junk("fewer bytes than the head announces")))
    );
    let giant = split(&head(MAX_BLOCK_BYTES + 1), &block(10), 0);
    assert_eq!(
        feed(&mut Assembly::default(), random_peer(), giant)[0],
        Added::Refused(Junk("a block over the size limit"))
    );
}

#[test]
fn slices_without_a_head_are_bounded() {
    let mut assembly = Assembly::default();
    let from = random_peer();
    let parts = split(&head(10 * PART_BYTES), &block(10 * PART_BYTES), 0);
    let got = feed(&mut assembly, from, parts.into_iter().skip(1).collect());
    assert_eq!(got.iter().filter(|a| matches!(a, Added::Pending)).count(), 10);
    assert!(got.contains(&Added::Refused(Late("too many slices before the head"))));
}

#[test]
fn a_decided_height_closes_its_streams_and_no_later_one() {
    let mut assembly = Assembly::default();
    let from = random_peer();
    let later = ProposalInit { height: Height(5), ..head(10) };
    let mut old = split(&head(10), &block(10), 0);
    let mut new = split(&later, &block(10), 0);
    for parts in [&mut old, &mut new] {
        assert_eq!(assembly.add(from, parts.remove(0), |_| Ok(())), Added::Pending);
    }
    assembly.decided(Height(4));
    let outcome = |assembly: &mut Assembly, parts| feed(assembly, from, parts).pop().unwrap();
    assert_eq!(outcome(&mut assembly, old), Added::Pending);
    assert!(matches!(outcome(&mut assembly, new), Added::Complete(_)));
}

#[test]
fn the_streams_of_a_publisher_are_bounded() {
    let mut assembly = Assembly::default();
    let from = random_peer();
    for nonce in 0..100 {
        let turn = ProposalInit { round: Round::new(nonce), ..head(PART_BYTES * 2) };
        let parts = split(&turn, &block(PART_BYTES * 2), u64::from(nonce));
        feed(&mut assembly, from, parts.into_iter().take(2).collect());
    }
    assert_eq!(assembly.publishers[&from].open.len(), STREAMS_PER_PUBLISHER);
    assert!(assembly.publishers[&from].closed.len() <= CLOSED_STREAMS);
    assembly.retain(|_| false);
    assert_eq!(assembly.bytes(), 0);
}

#[test]
fn attack_02_one_turn_has_two_streams_of_a_publisher_and_the_same_block_again_replaces_itself() {
    let mut assembly = Assembly::default();
    let from = random_peer();
    let mut begin = |hash: u8, nonce| {
        let turn = ProposalInit { block_hash: Hash([hash; 32]), ..head(PART_BYTES * 2) };
        let parts = split(&turn, &block(PART_BYTES * 2), nonce);
        feed(&mut assembly, from, parts.into_iter().take(2).collect()).remove(0)
    };
    for (nonce, hash) in [1, 2, 1, 2, 1].into_iter().enumerate() {
        assert_eq!(begin(hash, nonce as u64), Added::Pending);
    }
    assert_eq!(begin(3, 9), Added::Refused(Junk("a third block of one turn")));
    assert_eq!(assembly.publishers[&from].open.len(), 2);
}

/// Eight admitted peers with three streams of 4 MiB each that never end, between the parts of an honest block.
#[test]
fn attack_13_half_received_blocks_of_others_are_not_pushed_out() {
    let mut assembly = Assembly::default();
    let (honest, hostile) = (random_peer(), (0..8).map(|_| random_peer()).collect::<Vec<_>>());
    let size = MAX_BLOCK_BYTES - 1;
    let mut parts = split(&head(size), &block(size), 0).into_iter();
    let mut flood: Vec<_> = hostile
        .iter()
        .flat_map(|peer| (0..3).map(move |n| (*peer, n)))
        .map(|(peer, n)| {
            let turn = ProposalInit { round: Round::new(2 + n), ..head(size) };
            (peer, split(&turn, &block(size), u64::from(n)).into_iter().take(33).collect::<Vec<_>>())
        })
        .collect();
    let mut complete = false;
    for step in 0..parts.len() {
        for (peer, stream) in flood.iter_mut().filter(|(_, stream)| step < stream.len()) {
            assembly.add(*peer, stream[step].clone(), |_| Ok(()));
            assert!(assembly.bytes() <= ASSEMBLY_BYTES);
        }
        let part = parts.next().unwrap();
        complete |= matches!(assembly.add(honest, part, |_| Ok(())), Added::Complete(_));
    }
    println!("attack 13: an honest block between 24 streams of 8 peers completes: {complete}");
    assert!(complete);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn parts_in_any_order_with_duplicates_assemble_or_are_refused_but_never_lie(
        slices in 1usize..5,
        order in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let bytes = slices * PART_BYTES - 3;
        let block = block(bytes);
        let parts = split(&head(bytes), &block, 0);
        let mut assembly = Assembly::default();
        let from = random_peer();
        // At most EARLY_PARTS slices can come before the head here, so whatever the order nothing is refused.
        let mut done = false;
        for index in order {
            let added = assembly.add(from, index.get(&parts).clone(), |_| Ok(()));
            if let Added::Complete(received) = added {
                prop_assert!(!done);
                done = true;
                prop_assert_eq!(&received.block, &block);
            } else {
                prop_assert_eq!(added, Added::Pending);
            }
        }
        for part in &parts {
            if let Added::Complete(received) = assembly.add(from, part.clone(), |_| Ok(())) {
                prop_assert!(!done);
                done = true;
                prop_assert_eq!(&received.block, &block);
            }
        }
        prop_assert!(done);
    }

    #[test]
    fn random_parts_never_panic_and_never_complete_without_a_head(
        sequences in proptest::collection::vec((0u64..50, 0usize..200_000, 0u8..3), 0..40),
    ) {
        let mut assembly = Assembly::default();
        let from = random_peer();
        for (sequence, length, kind) in sequences {
            let content = match kind {
                0 => StreamContent::Fin,
                _ => StreamContent::Data(ProposalPart::Data(vec![0; length])),
            };
            let id = StreamId::new(vec![kind % 2].into());
            let added = assembly.add(from, StreamMessage::new(id, sequence, content), |_| Ok(()));
            prop_assert!(!matches!(added, Added::Complete(_)));
        }
    }
}
