//! What a newcomer makes of the blocks that it is given, and that a node which was level once is not one.

use aula_kit::{DevChain, Tested, failed};
use aula_ledger::types::TimeMs;

use super::*;

const HASH: Hash = Hash([7; 32]);
const OTHER: Hash = Hash([8; 32]);

/// A tip at height 100 that is this old, where a peer says it has so many blocks.
fn seen(age_ms: u64, told: Option<u64>, still: Duration) -> Seen {
    let tip = Tip { height: Height(100), hash: HASH, time_ms: TimeMs(1_000) };
    Seen { tip, shown: None, told: told.map(Height), now_ms: 1_000 + age_ms, still }
}

fn trusted(height: u64) -> Option<TrustedBlock> {
    Some(TrustedBlock { height: Height(height), hash: HASH })
}

/// The code and all words of a refusal.
fn refusal(finding: Finding) -> Option<(String, String)> {
    match finding {
        Finding::Refused(failure) => Some((failure.code, format!("{} {}", failure.message, failure.hint))),
        _ => None,
    }
}

#[test]
fn an_old_tip_is_refused_once_it_stays_the_newest_that_anybody_shows() {
    let old = OLDEST_MS + 1;
    let told = |seen: &Seen| judge(Newcomer::Unproven, None, seen);
    assert_eq!(told(&seen(old, None, STILL)), Finding::Nothing, "nobody said how far the chain is");
    assert_eq!(told(&seen(old, Some(101), STILL)), Finding::Nothing, "there is more to come");
    assert_eq!(told(&seen(old, Some(100), STILL / 2)), Finding::Nothing, "it may have just come back");
    let found = refusal(told(&seen(old, Some(100), STILL)));
    let (code, words) = found.unwrap_or_default();
    assert_eq!(code, "old_tip");
    assert!(
        words.contains(&format!("trusted = \"100:{HASH}\"")) && words.contains("24 hours old"),
        "{words}"
    );
    assert_eq!(told(&seen(OLDEST_MS, Some(100), STILL)), Finding::Proven);
    // An idle chain makes a block a minute at the least: its newest is never old, and is proven at once.
    assert_eq!(told(&seen(60_000, Some(100), Duration::ZERO)), Finding::Proven);
    // A clock that is behind makes blocks look young, as it does for snapshots.
    let future = Seen { now_ms: 0, ..seen(0, None, STILL) };
    assert_eq!(told(&future), Finding::Proven);
}

#[test]
fn the_trusted_block_proves_a_chain_however_old_and_another_one_in_its_place_refuses_it() {
    let old = seen(OLDEST_MS * 1_000, Some(100), STILL);
    let with = |shown| Seen { shown, ..old };
    let told = |height, shown| judge(Newcomer::Unproven, trusted(height), &with(shown));
    assert_eq!(told(101, None), Finding::Nothing, "it has not come yet, and nothing else proves the chain");
    let young = Seen { now_ms: 1_000, ..old };
    assert_eq!(judge(Newcomer::Unproven, trusted(101), &young), Finding::Nothing, "being young does not");
    assert_eq!(told(40, Some(HASH)), Finding::Proven);
    let (code, words) = refusal(told(40, Some(OTHER))).unwrap_or_default();
    assert_eq!(code, "not_trusted");
    assert!(words.contains(&HASH.to_string()) && words.contains(&OTHER.to_string()), "{words}");
    let (code, words) = refusal(told(40, None)).unwrap_or_default();
    assert!(code == "not_trusted" && words.contains("does not keep block 40"), "{code} {words}");
}

#[test]
fn a_proven_chain_is_level_at_a_fresh_block_or_at_the_newest_that_anybody_has() {
    let told = |seen: &Seen| judge(Newcomer::Proven, None, seen);
    assert_eq!(told(&seen(LEVEL_MS, Some(101), STILL)), Finding::Nothing);
    assert_eq!(told(&seen(LEVEL_MS - 1, Some(101), STILL)), Finding::Level);
    assert_eq!(told(&seen(OLDEST_MS * 9, Some(100), STILL)), Finding::Level, "a chain that rests");
    let genesis = Tip { height: Height::GENESIS, ..seen(0, None, STILL).tip };
    for known in [Newcomer::Unproven, Newcomer::Proven] {
        let at_genesis = Seen { tip: genesis, ..seen(OLDEST_MS * 9, Some(0), STILL) };
        assert_eq!(judge(known, None, &at_genesis), Finding::Nothing, "a chain that has not begun");
    }
}

#[test]
fn a_peer_that_told_of_more_blocks_and_left_is_waited_for() -> Tested {
    let chain = DevChain::new().map_err(failed)?;
    let mut proof = begin(&chain.db, Ok(None)).map_err(failed)?.ok_or("no newcomer")?;
    for _ in 0..3 {
        chain.block(&[]).map_err(failed)?;
    }
    let found = |proof: &Proof| {
        let seen = proof.seen(chain.db.latest().tip(), STILL).map_err(failed)?;
        Ok::<_, Box<dyn std::error::Error>>(refusal(judge(proof.known, proof.trusted, &seen)))
    };
    // Another newcomer, as far as this one, while nobody told of more.
    proof.hear(Some(Height(3)));
    assert_eq!(found(&proof)?.map(|(code, _)| code).as_deref(), Some("old_tip"));
    // The one full peer comes and goes; with it gone, the other newcomer's word is the highest, or there is none.
    for told in [Some(Height(9)), Some(Height(3)), None] {
        proof.hear(told);
        assert_eq!(found(&proof)?, None, "half way, where {told:?} is told now");
    }
    Ok(())
}

#[test]
fn a_node_that_was_level_once_is_never_a_newcomer_again_and_one_that_was_not_stays_one() -> Tested {
    let chain = DevChain::new().map_err(failed)?;
    let right = || {
        let header = chain.db.latest().header(Height(2))?.ok_or("no block 2")?;
        Ok::<_, Box<dyn std::error::Error>>(TrustedBlock { height: Height(2), hash: header.hash() })
    };
    let unproven = |trusted| {
        let proof = begin(&chain.db, Ok(trusted)).map_err(failed)?;
        Ok::<_, Box<dyn std::error::Error>>(proof.map(|proof| proof.is_unproven()))
    };
    assert_eq!(unproven(None)?, Some(true), "it holds the genesis alone");
    for _ in 0..3 {
        chain.block(&[]).map_err(failed)?;
    }
    // Blocks of 1970, after a restart: still a newcomer, and nothing proves it.
    assert_eq!(unproven(None)?, Some(true));
    let wrong = TrustedBlock { hash: OTHER, ..right()? };
    let refused = begin(&chain.db, Ok(Some(wrong))).err().ok_or("another block is taken")?;
    assert_eq!(refused.code, "not_trusted");
    assert!(refused.message.contains(&OTHER.to_string()), "{refused:?}");
    assert!(refused.message.contains(&right()?.hash.to_string()), "{refused:?}");
    assert_eq!(unproven(None)?, Some(true), "what was refused proves nothing afterwards");
    let genesis = TrustedBlock { height: Height::GENESIS, hash: OTHER };
    assert_eq!(unproven(Some(genesis))?, Some(true), "the genesis proves nothing and refuses nothing");
    let malformed = || begin(&chain.db, Err(Failure::new("bad_trusted", "it is not a block", "correct it")));
    let refused = malformed().err().ok_or("a newcomer goes on without what it was to trust")?;
    assert_eq!(refused.code, "bad_trusted");
    assert_eq!(unproven(Some(right()?))?, Some(false), "a mistyped hash costs no second fetch");
    assert_eq!(unproven(None)?, Some(false), "and that is remembered");
    chain.db.set_newcomer(None)?;
    assert_eq!(unproven(None)?, None, "it was level, however old its blocks are now");
    assert_eq!(unproven(Some(wrong))?, None);
    assert!(malformed().map_err(failed)?.is_none(), "nor does a setting that cannot be read stop it");
    Ok(())
}
