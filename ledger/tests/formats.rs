//! The ledger's formats: pinned bytes of each, round trips, and decoders that accept one encoding only.
//!
//! `vectors/formats.json` holds canonical bytes and hashes of fixed values. Changing one changes what
//! validators sign: a decision that somebody writes down.

use aula_ledger::chain::{Block, CommitCertificate, Header, Validator, ValidatorSet, Vote, VoteType};
use aula_ledger::code::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::keys::{Label, PublicKey, Signature, public_key, sign};
use aula_ledger::proof::TreeHead;
use aula_ledger::protocol::Protocol;
use aula_ledger::tx::{Body, Receipt, Transaction};
use aula_ledger::tx::{Event, FundBudget, Payload};
use aula_ledger::types::{AccountId, Cents, Hash, Height, SchoolYear, TimeMs, ValidatorAddress};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use serde_json::{Value, json};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn chain() -> Hash {
    Hash([0xc0; 32])
}

fn head(byte: u8) -> TreeHead {
    TreeHead { leaf_count: u64::from(byte), root: Hash([byte; 32]) }
}

fn header() -> Header {
    Header {
        protocol: Protocol::FIRST,
        genesis: chain(),
        height: Height(12),
        time_ms: TimeMs(1_700_000_000_000),
        parent: Hash([1; 32]),
        proposer: ValidatorAddress([2; 20]),
        transactions: head(3),
        receipts: head(4),
        students: head(5),
        state_root: Hash([6; 32]),
        validators_hash: Hash([7; 32]),
        next_validators_hash: Hash([8; 32]),
    }
}

/// A header of a protocol after the first, which says so.
fn later() -> Header {
    Header { protocol: Protocol(2), ..header() }
}

fn block(header: Header) -> Block {
    Block { header, transactions: vec![transaction().to_canonical()] }
}

fn set() -> ValidatorSet {
    ValidatorSet::new(vec![Validator::new(public_key(&key()), 1)]).unwrap()
}

fn vote() -> Vote {
    Vote {
        genesis: chain(),
        vote_type: VoteType::Precommit,
        height: Height(12),
        round: 1,
        block_hash: Some(header().hash()),
        validator: set().validators()[0].address,
    }
}

fn certificate() -> CommitCertificate {
    CommitCertificate {
        height: Height(12),
        round: 1,
        block_hash: header().hash(),
        signatures: vec![(vote().validator, sign(&key(), Label::Vote, &vote().to_canonical()))],
    }
}

fn transaction() -> Transaction {
    let body = Body {
        genesis: chain(),
        account: AccountId([9; 20]),
        sequence: 3,
        valid_until_height: Height(100),
        payload: Payload::from(FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(5_000) }),
    };
    Transaction::sign(body, &key())
}

fn receipt() -> Receipt {
    let event = Event::BudgetFunded {
        funder: AccountId([9; 20]),
        school_year: SchoolYear(1988),
        funded_cents: Cents(5_000),
    };
    Receipt { transaction: transaction().id(), code: Code::Accepted, entry: None, events: vec![event] }
}

fn vectors() -> Value {
    json!({
        "header": { "bytes": hex::encode(header().to_canonical()), "hash": header().hash() },
        "header_of_protocol_2": { "bytes": hex::encode(later().to_canonical()), "hash": later().hash() },
        "validator_set": { "bytes": hex::encode(set().to_canonical()), "hash": set().hash() },
        "vote": { "bytes": hex::encode(vote().to_canonical()) },
        "certificate": { "bytes": hex::encode(certificate().to_canonical()) },
        "transaction": { "bytes": hex::encode(transaction().to_canonical()), "id": transaction().id() },
        "receipt": { "bytes": hex::encode(receipt().to_canonical()) },
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the new text of a changed file is left for the developer")]
fn formats_are_as_pinned() {
    let pinned: Value = serde_json::from_str(include_str!("../vectors/formats.json")).unwrap();
    let now = vectors();
    if now != pinned {
        let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/formats.json");
        std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(&now).unwrap())).unwrap();
        panic!("a format changed; if that is decided, copy {path} to ledger/vectors/");
    }
    certificate().verify(&chain(), &set()).unwrap();
    assert!(transaction().signature_is_valid());
}

/// Every truncation, every longer form and every other version of the bytes is refused.
fn strict<T: Canonical + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = value.to_canonical();
    assert_eq!(T::from_canonical(&bytes).as_ref(), Ok(value));
    for cut in 0..bytes.len() {
        assert!(T::from_canonical(&bytes[..cut]).is_err());
    }
    assert!(T::from_canonical(&[&bytes[..], &[0]].concat()).is_err());
    assert!(T::from_canonical(&[&[T::VERSION + 1], &bytes[1..]].concat()).is_err());
}

#[test]
fn decoders_take_whole_values_of_their_version_only() {
    strict(&header());
    strict(&later());
    strict(&block(header()));
    strict(&block(later()));
    strict(&set());
    strict(&vote());
    strict(&certificate());
    strict(&transaction());
    strict(&receipt());
}

#[test]
fn protocol_1_has_one_form_and_a_later_one_another() {
    let first = header().to_canonical();
    let dressed_up = [&[3u8, 1, 0][..], &first[1..]].concat();
    assert!(Header::from_canonical(&dressed_up).is_err(), "protocol 1 in the later form");
    let without_a_number = [&[2u8][..], &later().to_canonical()[3..]].concat();
    assert_eq!(
        Header::from_canonical(&without_a_number),
        Ok(header()),
        "the number is hashed, the fields are the same"
    );
    assert_ne!(later().hash(), header().hash());
    let (old, new) = (block(header()).to_canonical(), block(later()).to_canonical());
    assert_eq!((old[0], new[0], new[1]), (1, 2, 3));
    assert_eq!(old[1..first.len()], first[1..], "a block of protocol 1 has its header's fields alone");
}

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn tree_head() -> impl Strategy<Value = TreeHead> {
    (any::<u64>(), hash()).prop_map(|(leaf_count, root)| TreeHead { leaf_count, root })
}

fn headers() -> impl Strategy<Value = Header> {
    let roots = (tree_head(), tree_head(), tree_head());
    (any::<[u8; 32]>(), any::<(u64, u64, [u8; 20], u16)>(), roots, prop::array::uniform4(hash())).prop_map(
        |(chain, (height, time, proposer, protocol), (transactions, receipts, students), hashes)| Header {
            protocol: Protocol(protocol.max(1)),
            genesis: Hash(chain),
            height: Height(height),
            time_ms: TimeMs(time),
            parent: hashes[0],
            proposer: ValidatorAddress(proposer),
            transactions,
            receipts,
            students,
            state_root: hashes[1],
            validators_hash: hashes[2],
            next_validators_hash: hashes[3],
        },
    )
}

/// One value, one encoding: bytes that decode at all are the value's own.
fn one_encoding<T: Canonical>(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = T::from_canonical(bytes) {
        prop_assert_eq!(value.to_canonical(), bytes);
    }
    Ok(())
}

proptest! {
    #[test]
    fn headers_come_back_as_they_were(header in headers()) {
        prop_assert_eq!(Header::from_canonical(&header.to_canonical()), Ok(header));
    }

    #[test]
    fn certificates_come_back_as_they_were(
        height in any::<u64>(), round in any::<u32>(), block_hash in hash(),
        signatures in prop::collection::vec(any::<([u8; 20], [u8; 32], [u8; 32])>(), 0..8),
    ) {
        let signature = |(address, r, s): ([u8; 20], [u8; 32], [u8; 32])| {
            let mut bytes = [0; 64];
            bytes[..32].copy_from_slice(&r);
            bytes[32..].copy_from_slice(&s);
            (ValidatorAddress(address), Signature(bytes))
        };
        let signatures = signatures.into_iter().map(signature).collect();
        let certificate = CommitCertificate { height: Height(height), round, block_hash, signatures };
        prop_assert_eq!(CommitCertificate::from_canonical(&certificate.to_canonical()), Ok(certificate));
    }

    #[test]
    fn transactions_come_back_as_they_were(
        account in any::<[u8; 20]>(), sequence in any::<u64>(), until in any::<u64>(),
        amount in any::<u64>(), year in any::<u16>(), public_key in any::<[u8; 32]>(),
    ) {
        let payload = FundBudget { school_year: SchoolYear(year), amount_cents: Cents(amount) };
        let body = Body {
            genesis: chain(), account: AccountId(account), sequence, valid_until_height: Height(until),
            payload: payload.into(),
        };
        let transaction = Transaction { public_key: PublicKey(public_key), ..Transaction::sign(body, &key()) };
        prop_assert_eq!(Transaction::from_canonical(&transaction.to_canonical()), Ok(transaction));
    }

    #[test]
    fn mutated_bytes_are_refused_or_another_value(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        for (kind, bytes) in [
            header().to_canonical(), set().to_canonical(), vote().to_canonical(),
            certificate().to_canonical(), transaction().to_canonical(), receipt().to_canonical(),
        ].iter_mut().enumerate() {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            match kind {
                0 => one_encoding::<Header>(bytes)?,
                1 => one_encoding::<ValidatorSet>(bytes)?,
                2 => one_encoding::<Vote>(bytes)?,
                3 => one_encoding::<CommitCertificate>(bytes)?,
                4 => one_encoding::<Transaction>(bytes)?,
                _ => one_encoding::<Receipt>(bytes)?,
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        one_encoding::<Header>(&bytes)?;
        one_encoding::<Transaction>(&bytes)?;
        one_encoding::<Receipt>(&bytes)?;
        one_encoding::<aula_ledger::audit::Bundle>(&bytes)?;
    }
}
