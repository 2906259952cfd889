//! Heads of another consortium: who may bring them, which are taken, and what is refused.

use super::rejections::{Row, propose};
use crate::code::Code;
use crate::keys::Signature;
use crate::state::schema;
use crate::testkit::consortia::*;
use crate::testkit::*;
use crate::tx::*;
use crate::types::*;

/// A chain that has admitted the child.
fn admitted() -> Chain {
    let mut chain = ready_newest();
    chain.agree(admission());
    chain
}

/// One with the child's fifth block anchored.
fn at_five() -> Chain {
    let mut chain = admitted();
    chain.accept("voter-a", child_head(5, 5));
    chain
}

/// A head whose header says another thing and whose validators signed that.
fn head_with(height: u64, change: impl FnOnce(&mut crate::chain::Header)) -> AnchorHead {
    let mut header = child_header(height, 9, &FOUNDERS, &FOUNDERS);
    change(&mut header);
    certified_for(CHILD, header, &FOUNDERS)
}

pub(super) const ROWS: &[Row] = &[
    (Code::RoleNotAllowed, || (admitted(), "district-1", child_head(1, 1).into())),
    (Code::UnknownConsortium, || (ready_newest(), "voter-a", child_head(1, 1).into())),
    // A head of a chain that nobody admitted, beside one that was.
    (Code::UnknownConsortium, || {
        (admitted(), "voter-a", head_with(1, |header| header.genesis = Hash([0x52; 32])).into())
    }),
    (Code::ConsortiumKnown, || (admitted(), "voter-a", propose(admission()))),
    (Code::ConsortiumKnown, || {
        let chain = ready_newest();
        let own = match admission() {
            Change::AdmitConsortium { name, founded_ms, validators, .. } => {
                Change::AdmitConsortium { genesis: chain.parsed.sha256, name, founded_ms, validators }
            }
            other => other,
        };
        (chain, "voter-a", propose(own))
    }),
    (Code::StaleHead, || (at_five(), "voter-a", child_head(5, 5).into())),
    (Code::StaleHead, || (at_five(), "voter-b", child_head(3, 3).into())),
    // Another block where one is anchored; one that does not follow; one that was too early.
    (Code::ConflictingHead, || (at_five(), "voter-a", child_head(5, 77).into())),
    (Code::ConflictingHead, || {
        (at_five(), "voter-a", head_with(6, |header| header.parent = Hash([0; 32])).into())
    }),
    (Code::ConflictingHead, || {
        (at_five(), "voter-a", head_with(9, |header| header.time_ms = FOUNDED).into())
    }),
    (Code::ConflictingHead, || {
        (admitted(), "voter-a", head_with(1, |header| header.parent = Hash([0; 32])).into())
    }),
    // Validators that no anchored head announced, though they all signed.
    (Code::HeadSetUnknown, || {
        let header = child_header(8, 8, &LATER, &LATER);
        (at_five(), "voter-a", certified_for(CHILD, header, &LATER).into())
    }),
    // Two of four; a stranger's signature; precommits of the same block for another ledger; a damaged signature.
    (Code::HeadNotCertified, || {
        let header = child_header(8, 8, &FOUNDERS, &FOUNDERS);
        (at_five(), "voter-a", certified_for(CHILD, header, &FOUNDERS[..2]).into())
    }),
    (Code::HeadNotCertified, || {
        let header = child_header(8, 8, &FOUNDERS, &FOUNDERS);
        (at_five(), "voter-a", certified_for(CHILD, header, &LATER).into())
    }),
    (Code::HeadNotCertified, || {
        let header = child_header(8, 8, &FOUNDERS, &FOUNDERS);
        (at_five(), "voter-a", certified_for(Hash([0x52; 32]), header, &FOUNDERS).into())
    }),
    (Code::HeadNotCertified, || {
        let mut head = child_head(8, 8);
        head.certificate.signatures[1].1 = Signature([7; 64]);
        (at_five(), "voter-a", head.into())
    }),
];

#[test]
fn heads_go_forward_through_a_change_of_the_validators_and_each_stands_under_its_height() {
    let mut chain = admitted();
    let known = |chain: &Chain| schema::consortium(&chain.state, &CHILD).unwrap().unwrap();
    assert_eq!((known(&chain).heads, known(&chain).newest), (0, None));
    let first = child_head(1, 1);
    let first = head_from_genesis(first);
    let receipt = chain.accept("voter-a", first.clone());
    let (height, block_hash) = (Height(1), first.header.hash());
    assert_eq!(receipt.events, [Event::HeadAnchored { consortium: CHILD, height, block_hash }]);
    // Any voter may bring the next; a block that changes the set brings the set.
    chain.accept("voter-b", child_head(5, 5));
    chain.accept("voter-c", child_change(7, 7));
    let header = child_header(9, 9, &LATER, &LATER);
    chain.accept("voter-a", certified_for(CHILD, header.clone(), &LATER[1..]));
    let record = known(&chain);
    assert_eq!((record.heads, record.next.hash()), (4, set_of(&LATER).hash()));
    assert_eq!(record.founders_hash, set_of(&FOUNDERS).hash());
    let newest = record.newest.unwrap();
    assert_eq!(
        (newest.height, newest.block_hash, newest.state_root),
        (Height(9), header.hash(), Hash([9; 32]))
    );
    assert_eq!((newest.by, newest.at.height), (account("voter-a"), chain.height));
    let fifth = schema::anchored_head(&chain.state, &CHILD, Height(5)).unwrap().unwrap();
    assert_eq!(fifth.block_hash, child_head(5, 5).header.hash());
    assert_eq!(schema::anchored_head(&chain.state, &CHILD, Height(6)).unwrap(), None);
    assert_eq!(schema::consortia(&chain.state).unwrap().len(), 1);
}

/// The child's first block follows its genesis file.
fn head_from_genesis(head: AnchorHead) -> AnchorHead {
    let header = crate::chain::Header { parent: CHILD, ..head.header };
    certified_for(CHILD, header, &FOUNDERS)
}

#[test]
fn what_a_head_says_of_itself_is_refused_before_any_state_is_asked() {
    assert_eq!(Payload::from(child_head(5, 5)).check(), Ok(()));
    assert_eq!(Payload::from(child_change(5, 5)).check(), Ok(()));
    let changed = |change: &dyn Fn(&mut AnchorHead)| {
        let mut head = child_change(5, 5);
        change(&mut head);
        Payload::from(head).check()
    };
    let cases: [&dyn Fn(&mut AnchorHead); 7] = [
        // The certificate is about another block or height.
        &|head| head.header.state_root = Hash([0; 32]),
        &|head| head.certificate.height = Height(6),
        // The announced set is missing or another one.
        &|head| head.new_set = None,
        &|head| head.new_set = Some(set_of(&FOUNDERS)),
        // No signature; a receipt too few; no block at all.
        &|head| head.certificate.signatures.clear(),
        &|head| {
            head.header.receipts.leaf_count = 1;
            head.certificate.block_hash = head.header.hash();
        },
        &|head| {
            head.header.height = Height(0);
            head.certificate.height = Height(0);
            head.certificate.block_hash = head.header.hash();
        },
    ];
    for (at, case) in cases.iter().enumerate() {
        assert_eq!(changed(case), Err(Code::InvalidPayload), "case {at}");
    }
    let head = child_head(5, 5);
    let signatures = u32::try_from(head.certificate.signatures.len()).unwrap();
    assert_eq!(Payload::from(head).signatures(), signatures + 1);
}

#[test]
fn a_head_is_written_as_json_with_its_certificate_in_hex() {
    use crate::codec::Canonical;
    let head = child_change(5, 5);
    let json = serde_json::json!({
        "transaction": "AnchorHead",
        "header": head.header,
        "certificate": hex::encode(head.certificate.to_canonical()),
        "new_set": head.new_set,
    });
    assert_eq!(serde_json::from_value::<Payload>(json.clone()).unwrap(), Payload::from(head));
    let mut cut = json;
    cut["certificate"] = "00ff".into();
    assert!(serde_json::from_value::<Payload>(cut).is_err());
}
