//! What a long life of the validator set costs evidence: one link a change, whatever the number of heights, and a few siblings.
//! Its bytes and times: `cargo test --release -p aula-ledger --lib -- --nocapture ten_thousand_heights`.

use super::*;
use crate::audit::bundle::{ChainEvidence, Link, MAX_LINKS, SignedHeader};
use crate::chain::{Header, ValidatorSet, validators};
use crate::keys::public_key;
use crate::protocol::Protocol;
use crate::testkit::{key, name, peer};
use crate::tx::Change;
use crate::types::TimeMs;

/// Heights of the measured chain.
const HEIGHTS: u64 = 10_000;
/// Votes that change the validator set.
const CHANGES: u64 = 100;
/// The most bytes of a change between sets of four and five: a header (316), a certificate (44 and its count, 84 a signature,
/// four of them), the new set (60 a validator, its count, and that there is one).
const LINK_BYTES: usize = 316 + 48 + 4 * 84 + 1 + 4 + 5 * 60;
/// The most bytes of everything else: the head, the chain's record, a student's row with their proofs.
const REST_BYTES: usize = 4_096;
/// The most siblings of a proof in a state of some hundred records, and of a row's path in a tree of some twelve.
const SIBLINGS: usize = 24;

#[test]
#[allow(clippy::disallowed_types, clippy::disallowed_methods)]
fn ten_thousand_heights_and_a_hundred_changes_of_the_set() {
    let mut world = World::decided();
    // The fifth validator leaves and comes back under its key.
    let fifth = public_key(&key("validator-5"));
    let add = Change::AddValidator {
        name: name("validator-5"),
        public_key: fifth,
        power: 1,
        operator: account("voter-a"),
        peer_id: peer(5),
        seed_key: public_key(&key("seed-5")),
    };
    let remove = Change::RemoveValidator { address: validators::address(&fifth) };
    let every = HEIGHTS / CHANGES;
    for (number, change) in (1..=CHANGES).zip([remove, add].into_iter().cycle()) {
        world.agree(change);
        world.advance_to(Height(number * every));
    }
    world.advance_to(Height(HEIGHTS));
    let start = std::time::Instant::now();
    let bundle = world.collector(&[]).student(DistrictId(1), YEAR, &handle(3)).unwrap();
    let built = start.elapsed();
    let (links, bytes) = (bundle.chain.links.len(), bundle.to_canonical());
    let start = std::time::Instant::now();
    let report = verify(&bytes, &world.genesis, &Options::default());
    let verified = start.elapsed();
    assert_eq!(report.verdict, Verdict::Valid, "{}", lines(&report));
    assert_eq!(report.height, Some(Height(HEIGHTS)));
    // The one that made the fifth a validator at first, and these.
    assert_eq!(links as u64, CHANGES + 1, "a link a change, none for a height without");
    let signatures = |link: &crate::audit::bundle::Link| link.block.certificate.signatures.len();
    let signed = bundle.chain.links.iter().map(signatures).sum::<usize>();
    assert!(signed <= links * 4, "{signed} signatures in {links} links");
    assert!(bytes.len() <= links * LINK_BYTES + REST_BYTES, "{} bytes in {links} links", bytes.len());
    let Subject::Student(student) = &bundle.subject else { panic!("not a student's bundle") };
    let StudentStanding::Anchored { tree, row, .. } = &student.standing else { panic!("not anchored") };
    let proofs = [&bundle.chain_record.proof, &tree.proof].map(|proof| proof.siblings.len());
    let steps = proofs.iter().max().copied().unwrap_or(0).max(row.path.siblings.len());
    assert!(steps <= SIBLINGS, "{steps} siblings");
    println!(
        "measured: {HEIGHTS} heights, {links} changes of the set: a bundle of {} bytes ({} a change), {signed} signatures, \
         proofs of at most {steps} siblings, built in {built:?}, verified in {verified:?}",
        bytes.len(),
        bytes.len() / links.max(1)
    );
}

/// The way through so many changes of the set, one a height: the genesis's four validators, three of them, the four again.
fn changing(world: &World, changes: u64) -> ChainEvidence {
    let (genesis, model) = (&world.chain.parsed, &world.blocks[&Height(1)].0);
    let four = genesis.validators.clone();
    let three = ValidatorSet::new(four.validators()[1..].to_vec()).unwrap();
    let set_of = |height: u64| if height.is_multiple_of(2) { &three } else { &four };
    let mut parent = genesis.sha256;
    let mut block = |height: u64, next: &ValidatorSet| {
        let header = Header {
            height: Height(height),
            time_ms: TimeMs(genesis.genesis.time_ms.0 + height),
            parent,
            validators_hash: set_of(height).hash(),
            next_validators_hash: next.hash(),
            ..model.clone()
        };
        parent = header.hash();
        SignedHeader { certificate: world.certify_by(&header, set_of(height)), header }
    };
    let links = (1..=changes).map(|height| {
        let next = set_of(height + 1);
        Link { block: block(height, next), new_set: Some(next.clone()) }
    });
    let links = links.collect();
    ChainEvidence { links, head: block(changes + 1, set_of(changes + 1)) }
}

#[test]
fn a_set_that_changed_4_097_times_is_proved_by_bundles_and_snapshots() {
    let world = World::decided();
    let chain = changing(&world, 4_097);
    let head = certified(&chain, &world.chain.parsed, None).map(|header| header.height);
    assert_eq!(head, Ok(Height(4_098)));
    for height in (0..=4_099).map(Height) {
        let shown = (1..=4_098).contains(&height.0).then_some(height);
        assert_eq!(chain.header(height).map(|header| header.height), shown);
    }
    // As a snapshot's proof it stands by itself.
    assert!(borsh::from_slice::<ChainEvidence>(&borsh::to_vec(&chain).unwrap()).unwrap() == chain);
    let mut bundle = world.collector(&[]).student(DistrictId(1), YEAR, &handle(3)).unwrap();
    bundle.chain = chain;
    // Both versions of a bundle's bytes.
    for protocol in [Protocol::FIRST, Protocol::NEWEST] {
        let links = bundle.chain.links.iter_mut().map(|link| &mut link.block);
        links.chain([&mut bundle.chain.head]).for_each(|block| block.header.protocol = protocol);
        assert!(Bundle::from_canonical(&bundle.to_canonical()).unwrap() == bundle, "{protocol}");
    }
}

#[test]
fn a_count_of_links_beyond_the_limit_is_refused_before_any_is_read() {
    let count = u32::try_from(MAX_LINKS).unwrap() + 1;
    let refused = borsh::from_slice::<ChainEvidence>(&count.to_le_bytes()).unwrap_err().to_string();
    assert_eq!(refused, "more entries than the limit");
    let cut = borsh::from_slice::<ChainEvidence>(&(count - 1).to_le_bytes()).unwrap_err().to_string();
    assert_ne!(cut, refused, "within it, it is the bytes that are missing");
}
