use std::collections::BTreeSet;

use arc_malachitebft_core_consensus::PeerId;
use arc_malachitebft_core_types::{ExtendedCommitCertificate, ExtendedCommitSignature};
use arc_malachitebft_sync::ValueResponse;
use aula_ledger::chain::Header;
use aula_ledger::proof::TreeHead;
use aula_ledger::protocol::Protocol;
use aula_ledger::types::{Hash, TimeMs, ValidatorAddress};
use ed25519_dalek::SigningKey;
use libp2p_identity::Keypair;

use super::*;
use crate::context::Address;
use crate::signing::Signature;

fn liar() -> Liar {
    Liar::new(Hash([1; 32]), SigningKey::from_bytes(&[2; 32]))
}

fn block() -> Block {
    let tree = TreeHead { leaf_count: 0, root: Hash([3; 32]) };
    let header = Header {
        protocol: Protocol::NEWEST,
        genesis: Hash([1; 32]),
        height: aula_ledger::types::Height(5),
        time_ms: TimeMs(1_000),
        parent: Hash([4; 32]),
        proposer: ValidatorAddress([5; 20]),
        transactions: tree,
        receipts: tree,
        students: tree,
        state_root: Hash([6; 32]),
        validators_hash: Hash([7; 32]),
        next_validators_hash: Hash([7; 32]),
    };
    Block { header, transactions: vec![vec![1, 2, 3]] }
}

fn answer(values: Vec<RawDecidedValue<AulaContext>>) -> Message {
    let response = Response::<AulaContext>::ValueResponse(ValueResponse::new(Height(5), values));
    Message::Response { number: 9, body: Wire.encode(&response).unwrap() }
}

fn decided() -> RawDecidedValue<AulaContext> {
    let signed = ExtendedCommitSignature::<AulaContext>::new(
        Address(ValidatorAddress([5; 20])),
        Signature([8; 64]),
        None,
    );
    let certificate = ExtendedCommitCertificate::<AulaContext> {
        height: Height(5),
        round: Round::new(0),
        value_id: block().header.hash(),
        commit_signatures: vec![signed],
    };
    RawDecidedValue::new(block().to_canonical().into(), certificate)
}

#[test]
fn every_way_gives_another_answer_and_one_of_them_a_true_header_with_other_transactions() {
    let (liar, honest) = (liar(), answer(vec![decided()]));
    assert_eq!(liar.mislead(&honest, 0), Some(Vec::new()), "silence");
    let lies: BTreeSet<Vec<u8>> = (1..WAYS)
        .map(|way| {
            let told = liar.mislead(&honest, way).unwrap();
            assert!(told.len() == 1 && told[0] != honest, "way {way}");
            told[0].body().to_vec()
        })
        .collect();
    assert_eq!(lies.len() as u64, WAYS - 1);
    let told = liar.mislead(&honest, 3).unwrap();
    let Response::ValueResponse(told) =
        Codec::<Response<AulaContext>>::decode(&Wire, told[0].body().clone()).unwrap();
    let other = Block::from_canonical(&told.values[0].value_bytes).unwrap();
    assert!(other.header == block().header && other.transactions != block().transactions);
    assert_eq!(told.values[0].certificate, decided().certificate);
}

#[test]
fn nothing_is_made_of_an_answer_without_blocks_or_of_other_messages() {
    let liar = liar();
    assert_eq!(liar.mislead(&answer(Vec::new()), 3), None);
    assert_eq!(liar.mislead(&Message::Part(Bytes::new()), 3), None);
    assert_eq!(liar.exaggerate(&answer(vec![decided()]), 0), None);
}

#[test]
fn heights_and_ranges_are_others_than_those_that_were_said() {
    let keys = Keypair::ed25519_from_bytes([1; 32]).unwrap();
    let peer_id = PeerId::from_bytes(&keys.public().to_peer_id().to_bytes()).unwrap();
    let status = Status::<AulaContext> { peer_id, tip_height: Height(7), history_min_height: Height(1) };
    let status = Message::Status(Wire.encode(&status).unwrap());
    let request = Request::<AulaContext>::ValueRequest(ValueRequest::new(Height(5)..=Height(6)));
    let request = Message::Request { number: 1, body: Wire.encode(&request).unwrap() };
    for honest in [status, request] {
        let lies: BTreeSet<Vec<u8>> =
            (0..4).map(|chance| liar().exaggerate(&honest, chance).unwrap().body().to_vec()).collect();
        assert!(lies.len() == 4 && !lies.contains(&honest.body()[..]), "{honest:?}");
    }
}
