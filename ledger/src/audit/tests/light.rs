//! What a long life of the validator set costs evidence: its bytes and its verification. Run by hand:
//! `cargo test --release -p aula-ledger --lib -- --ignored --nocapture ten_thousand_heights`.

use super::*;
use crate::chain::validators;
use crate::keys::public_key;
use crate::testkit::{key, name, peer};
use crate::tx::Change;

/// Heights of the measured chain.
const HEIGHTS: u64 = 10_000;
/// Votes that change the validator set.
const CHANGES: u64 = 100;

#[test]
#[ignore = "measures, asserts nothing about time"]
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
    println!(
        "{HEIGHTS} heights, {links} changes of the set: a bundle of {} bytes ({} a change), built in {built:?}, verified in \
         {verified:?}",
        bytes.len(),
        bytes.len() / links.max(1)
    );
}
