use super::*;

fn reopen(path: &Path) -> SignGuard {
    match SignGuard::open(path).unwrap() {
        Opened::Ready(guard) => guard,
        other => panic!("expected a whole file, got {other:?}"),
    }
}

#[test]
fn same_bytes_sign_again_and_a_conflict_is_refused_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guard");
    let guard = SignGuard::create(&path, 0).unwrap();
    guard.admit(5, 0, Step::Prevote, b"block a").unwrap();
    guard.admit(5, 0, Step::Prevote, b"block a").unwrap();
    let conflict = guard.admit(5, 0, Step::Prevote, b"block b");
    assert!(matches!(conflict, Err(GuardError::Conflict { height: 5, round: 0, step: Step::Prevote })));
    // Another step and another round are other questions.
    guard.admit(5, 0, Step::Precommit, b"block b").unwrap();
    guard.admit(5, 1, Step::Prevote, b"block b").unwrap();
    drop(guard);
    let guard = reopen(&path);
    assert_eq!(guard.last_height(), 5);
    guard.admit(5, 0, Step::Prevote, b"block a").unwrap();
    assert!(guard.admit(5, 0, Step::Prevote, b"block b").is_err());
    assert!(guard.admit(5, 0, Step::Precommit, b"block a").is_err());
    assert_eq!(guard.signed_at_last_height().0.len(), 3);
}

#[test]
fn an_older_height_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let guard = SignGuard::create(&folder.path().join("guard"), 0).unwrap();
    guard.admit(5, 0, Step::Prevote, b"a").unwrap();
    assert!(matches!(guard.admit(4, 9, Step::Prevote, b"a"), Err(GuardError::BelowFloor { .. })));
    guard.admit(6, 0, Step::Prevote, b"a").unwrap();
    assert!(guard.admit(5, 0, Step::Prevote, b"a").is_err());
}

#[test]
fn the_floor_holds_across_restarts_and_only_rises() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guard");
    SignGuard::create(&path, 7).unwrap();
    let guard = reopen(&path);
    assert!(matches!(
        guard.admit(7, 0, Step::Propose, b"a"),
        Err(GuardError::BelowFloor { height: 7, floor: 7 })
    ));
    guard.admit(8, 0, Step::Propose, b"a").unwrap();
    guard.raise_floor(3).unwrap();
    assert_eq!(guard.floor(), 7);
    guard.raise_floor(8).unwrap();
    let guard = reopen(&path);
    assert_eq!((guard.floor(), guard.last_height()), (8, 8));
    assert!(guard.admit(8, 0, Step::Propose, b"a").is_err());
    guard.admit(9, 0, Step::Propose, b"a").unwrap();
}

#[test]
fn the_file_is_rewritten_when_full_and_forgets_only_old_heights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guard");
    let guard = SignGuard::create(&path, 0).unwrap();
    let heights = (CAPACITY as u64) + 20;
    for height in 1..=heights {
        guard.admit(height, 0, Step::Prevote, &height.to_le_bytes()).unwrap();
    }
    assert_eq!(std::fs::metadata(&path).unwrap().len(), (CAPACITY * RECORD_BYTES) as u64);
    let guard = reopen(&path);
    assert_eq!(guard.last_height(), heights);
    guard.admit(heights, 0, Step::Prevote, &heights.to_le_bytes()).unwrap();
    assert!(guard.admit(heights, 0, Step::Prevote, b"other").is_err());
    assert!(guard.admit(heights - 1, 0, Step::Prevote, b"other").is_err());
}

/// It used to refuse everything after 1,023 rounds of one height, across restarts as well.
#[test]
fn a_height_may_have_any_number_of_rounds_and_none_is_signed_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guard");
    let guard = SignGuard::create(&path, 0).unwrap();
    for round in 0..3_000u32 {
        for step in [Step::Prevote, Step::Precommit] {
            guard.admit(7, round, step, &round.to_le_bytes()).unwrap();
        }
    }
    drop(guard);
    let guard = reopen(&path);
    guard.admit(7, 2_999, Step::Prevote, &2_999u32.to_le_bytes()).unwrap();
    assert!(matches!(guard.admit(7, 2_999, Step::Prevote, b"other"), Err(GuardError::Conflict { .. })));
    // What was forgotten is not signed again, neither the same nor another.
    assert!(matches!(
        guard.admit(7, 5, Step::Prevote, &5u32.to_le_bytes()),
        Err(GuardError::BelowRound { .. })
    ));
    assert!(matches!(guard.admit(7, 5, Step::Prevote, b"other"), Err(GuardError::BelowRound { .. })));
    guard.admit(7, 3_000, Step::Prevote, b"next").unwrap();
    guard.admit(8, 0, Step::Prevote, b"next height").unwrap();
}

#[test]
fn a_missing_file_is_told_from_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guard");
    assert!(matches!(SignGuard::open(&path).unwrap(), Opened::Missing));
    let guard = SignGuard::create(&path, 0).unwrap();
    for height in 1..=3 {
        guard.admit(height, 0, Step::Prevote, b"a").unwrap();
    }
    drop(guard);
    let whole = std::fs::read(&path).unwrap();
    // Every byte of the header's and of the records' used part matters.
    for at in [0usize, 16, 50, 64, 72, 76, 100, 127, 128 + 20, 192 + 63] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(SignGuard::open(&path).unwrap(), Opened::Damaged(_)), "flip at {at}");
    }
    // A record zeroed in the middle, and a cut file.
    let mut bytes = whole.clone();
    bytes[64..128].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    assert!(matches!(SignGuard::open(&path).unwrap(), Opened::Damaged(_)));
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(SignGuard::open(&path).unwrap(), Opened::Damaged(_)));
    std::fs::write(&path, &whole).unwrap();
    assert!(matches!(SignGuard::open(&path).unwrap(), Opened::Ready(_)));
}
