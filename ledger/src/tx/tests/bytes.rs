//! Canonical bytes of every payload: one encoding, the number in front, and a pinned hash. A changed hash is a
//! changed format, which is a decision someone writes down.

use sha2::{Digest, Sha256};

use crate::access::ConsentChoice;
use crate::code::Code;
use crate::codec::Canonical;
use crate::keys::{PublicKey, Signature};
use crate::names::Name;
use crate::position::Position;
use crate::roles::{Role, RoleSet};
use crate::testkit::*;
use crate::tx::admin::rotate_key::KeyName;
use crate::tx::transaction::sender_and_kind;
use crate::tx::*;
use crate::tx::{Body, Transaction};
use crate::types::*;

fn genesis() -> Hash {
    Hash([0; 32])
}

pub(super) fn one_of_each() -> Vec<Payload> {
    vec![
        RegisterMember {
            name: Name::new("district-9").unwrap(),
            public_key: PublicKey([1; 32]),
            roles: RoleSet::of(&[Role::District]),
            district: Some(DistrictId(9)),
            school: None,
            possession: Signature([3; 64]),
        }
        .into(),
        ProposeChange { change: Change::RemovePeer { peer_id: peer(3) }, open_until: Height(77) }.into(),
        VoteChange { proposal: ProposalId(3), choice: Choice::Approve }.into(),
        RotateKey {
            key: KeyName::Account,
            public_key: PublicKey([2; 32]),
            possession: Signature([3; 64]),
            replaces: None,
        }
        .into(),
        access(5, 3).into(),
        Ready { validator: ValidatorAddress([4; 20]), height: Height(7), signature: Signature([5; 64]) }
            .into(),
        ChangeSchool {
            school: SchoolId(31),
            from_year: YEAR,
            change: SchoolChange::Rename { name: title("North"), position: Position::new(-1, 2).ok() },
        }
        .into(),
        AnchorEstate { building: title("North wing"), version: 2, root: Hash([6; 32]), leaf_count: 12 }
            .into(),
        super::misbehaviour::sample().into(),
        crate::testkit::consortia::child_change(7, 7).into(),
        anchor([1], 11).into(),
        RecordMilestone {
            school_year: YEAR,
            handle: Handle([4; 32]),
            number: 1,
            kind: MilestoneKind::GradeCompleted,
            evidence: Hash([5; 32]),
            supersedes: Some(0),
            mastery: None,
        }
        .into(),
        consent(ConsentChoice::Withdrawn, [1, 2]).into(),
        erasure([1, 2]).into(),
        RecordAudit {
            round: RoundId(1),
            district: DistrictId(2),
            handle: Handle([4; 32]),
            state_row: Hash([5; 32]),
            replay: Replay::Agrees,
            claims: Claims {
                mandate: RecordsSay::Contradict,
                inputs: RecordsSay::Withheld,
                ..Claims::all(RecordsSay::Confirm)
            },
            report: Hash([6; 32]),
        }
        .into(),
        TakeRows { round: RoundId(1) }.into(),
        fund(12_345).into(),
        crate::testkit::money::stated(&genesis(), &[(11, 70), (12, 30)], 100).into(),
        crate::testkit::money::floor_on(&genesis(), &[(11, 70), (12, 30)], &[(11, 7)].into(), 10).into(),
        grant(1, "voter-a", 70).into(),
        class(1).into(),
        DefinePool { funder: AccountId([6; 20]), ..pool(1, 1, 11, 0, 3) }.into(),
        open(1).into(),
        CommitSeed { round: RoundId(1), attempt: 1, commitment: Hash([7; 32]) }.into(),
        submit_on(&genesis(), 1, vec![request(1, 11, 1, Mandate::Mandated, &[1, 0])]).into(),
        RevealSeed { round: RoundId(1), attempt: 1, secret: SeedSecret([8; 32]) }.into(),
        run(1).into(),
        Acknowledge { round: RoundId(1), pool: PoolId(2), arrival: Arrival::Received }.into(),
        ReportUtilisation { pool: PoolId(2), in_use: 3 }.into(),
        terms(1, Some(FairShare { penalty: 700, min_share_percent: 50 }), Some(14_400_000)).into(),
        RetirePool { pool: PoolId(2) }.into(),
    ]
}

fn transaction_of(payload: Payload) -> Transaction {
    let body = Body {
        genesis: genesis(),
        account: AccountId([1; 20]),
        sequence: 2,
        valid_until_height: Height(3),
        payload,
    };
    Transaction { body, public_key: PublicKey([4; 32]), signature: Signature([5; 64]) }
}

#[test]
fn every_payload_has_one_encoding_under_its_number() {
    let kinds: Vec<PayloadKind> = one_of_each().iter().map(Payload::kind).collect();
    assert_eq!(kinds, PayloadKind::ALL);
    for payload in one_of_each() {
        let number = payload.kind() as u8;
        assert_eq!(borsh::to_vec(&payload).unwrap()[0], number);
        let transaction = transaction_of(payload);
        let bytes = transaction.to_canonical();
        assert_eq!(Transaction::from_canonical(&bytes).unwrap(), transaction);
        let longer = [bytes.clone(), vec![0]].concat();
        assert!(Transaction::from_canonical(&longer).is_err());
        assert!(Transaction::from_canonical(&bytes[..bytes.len() - 1]).is_err());
    }
}

#[test]
fn the_bytes_of_every_payload_are_pinned() {
    let mut lines = Vec::new();
    for payload in one_of_each() {
        let name = payload.kind().name();
        let bytes = transaction_of(payload).to_canonical();
        let digest = hex::encode(Sha256::digest(&bytes));
        lines.push(format!("{name} {} {}", bytes.len(), &digest[..16]));
    }
    let pinned = include_str!("bytes.txt");
    assert_eq!(lines.join("\n"), pinned.trim_end(), "the format changed");
}

#[test]
fn sender_and_kind_are_read_from_the_beginning_alone() {
    for payload in one_of_each() {
        let transaction = transaction_of(payload);
        let bytes = transaction.to_canonical();
        let expected = Some((transaction.body.account, transaction.body.payload.kind()));
        assert_eq!(sender_and_kind(&bytes), expected);
        let beginning = 1 + 32 + 20 + 8 + 8 + 1;
        assert_eq!(sender_and_kind(&bytes[..beginning]), expected);
        assert_eq!(sender_and_kind(&bytes[..beginning - 1]), None);
        for (at, byte) in [(0, 1), (beginning - 1, 0)] {
            let mut other = bytes.clone();
            other[at] = byte;
            assert_eq!(sender_and_kind(&other), None, "no such version, no such kind");
        }
    }
}

#[test]
fn bytes_of_any_kind_decode_or_are_refused_without_a_panic() {
    for payload in one_of_each() {
        let bytes = transaction_of(payload).to_canonical();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                if let Ok(decoded) = Transaction::from_canonical(&flipped) {
                    assert_eq!(decoded.to_canonical(), flipped, "one encoding");
                    let _ = decoded.body.payload.check();
                }
            }
        }
    }
}

#[test]
fn any_payload_that_decodes_gets_a_receipt_and_never_a_panic() {
    let mut chain = ready_newest();
    chain.accept("voter-a", open(1));
    let senders = ["voter-a", "district-1", "funder"];
    let (mut executed, mut accepted) = (0, 0);
    for payload in one_of_each() {
        let bytes = borsh::to_vec(&payload).unwrap();
        for at in 1..bytes.len() {
            for value in [bytes[at] ^ 1, bytes[at].wrapping_sub(1), 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let Ok(payload) = borsh::from_slice::<Payload>(&changed) else { continue };
                if payload.check().is_err() {
                    continue;
                }
                let sender = senders[at % senders.len()];
                let transaction = chain.transaction(sender, 0, payload).to_canonical();
                let outcome = chain.try_block(&[transaction]).expect("a receipt");
                executed += 1;
                accepted += u32::from(outcome.receipts[0].code == Code::Accepted);
            }
        }
    }
    assert!(executed > 3_000 && accepted > 40, "{executed} executed, {accepted} accepted");
}
