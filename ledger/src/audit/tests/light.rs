//! What a long life of the validator set costs evidence: one link a change, whatever the number of heights, and a few siblings.
//! Its bytes and times: `cargo test --release -p aula-ledger --lib -- --nocapture ten_thousand_heights`.

use super::*;
use crate::chain::validators;
use crate::keys::public_key;
use crate::testkit::{key, name, peer};
use crate::tx::Change;

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
