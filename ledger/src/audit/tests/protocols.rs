//! Evidence across a switch of the protocol: what was shown before it, and what is shown after.

use super::*;
use crate::protocol::Protocol;

/// A chain that went on by protocol 2 after its round was decided.
fn upgraded() -> World {
    let mut world = World::decided();
    world.upgrade();
    world
}

#[test]
fn one_bundle_shows_blocks_of_two_protocols_and_an_old_one_still_verifies() {
    let mut world = World::decided();
    let old = world.collector(&[Height(5)]).round(ROUND).unwrap();
    let bytes = old.to_canonical();
    world.upgrade();
    assert_eq!(verify(&bytes, &world.genesis, &Options::default()).verdict, Verdict::Valid);
    let new = world.collector(&[Height(5)]).round(ROUND).unwrap();
    let protocols: Vec<u16> = new.chain.headers().map(|header| header.protocol.0).collect();
    assert_eq!((protocols.first(), protocols.last()), (Some(&1), Some(&2)), "{protocols:?}");
    assert_valid(&world, &new);
    let again = new.to_canonical();
    assert_eq!((bytes[0], again[0]), (7, 8));
    assert_eq!(Bundle::from_canonical(&again).as_ref(), Ok(&new));
}

#[test]
fn a_version_that_its_blocks_do_not_ask_for_is_damage() {
    let reseal = |mut bytes: Vec<u8>, version: u8| {
        bytes.truncate(bytes.len() - 32);
        bytes[0] = version;
        let sum = crate::audit::sha256(&bytes);
        [bytes, sum.0.to_vec()].concat()
    };
    let (old, new) = (World::decided(), upgraded());
    for (world, other) in [(&old, 8), (&new, 7)] {
        let bundle = reseal(world.collector(&[]).round(ROUND).unwrap().to_canonical(), other);
        assert_eq!(
            verify(&bundle, &world.genesis, &Options::default()).verdict,
            Verdict::Invalid,
            "as {other}"
        );
    }
    let bundle = reseal(old.collector(&[]).round(ROUND).unwrap().to_canonical(), 9);
    assert_eq!(verify(&bundle, &old.genesis, &Options::default()).verdict, Verdict::CannotTell);
}

#[test]
fn a_protocol_that_this_program_does_not_have_is_not_judged_and_none_goes_back() {
    let world = upgraded();
    let whole = world.collector(&[Height(5)]).round(ROUND).unwrap();
    let mut unknown = whole.clone();
    unknown.chain.head.header.protocol = Protocol::NEWEST.next();
    let report = check(&world, &unknown, &Options::default());
    assert_eq!(report.verdict, Verdict::CannotTell, "{}", lines(&report));
    assert!(report.sentence.contains("verify with a newer version"), "{}", report.sentence);
    let mut back = whole;
    back.chain.links[0].block.header.protocol = Protocol(2);
    back.chain.head.header.protocol = Protocol::FIRST;
    let report = check(&world, &back, &Options::default());
    assert_eq!(report.verdict, Verdict::Invalid);
    assert_eq!(report.checks.last().map(|one| one.name), Some("protocol"));
}
