//! What waits behind a missing sequence number: little of it, out of the others' way, and not for ever.

use super::*;

#[test]
fn what_waits_behind_a_gap_is_dropped_in_time_by_the_clock_and_not_by_heights() {
    let clock = Arc::new(Told::default());
    let limits = Limits { gap_ms: 1_000, ..Limits::default() };
    let (state, pool) = (State::new(), Mempool::new(chain(), limits, Height(1), clock.clone()));
    state.submit(&pool, &transaction(1, 1)).unwrap();
    state.submit(&pool, &transaction(2, 0)).unwrap();
    assert_eq!(pool.after_block(Height(700), BUILDER, &[], &state).unwrap(), [], "700 heights in no time");
    clock.0.store(1_000, Ordering::Relaxed);
    assert_eq!(pool.after_block(Height(701), BUILDER, &[], &state).unwrap(), []);
    clock.0.store(1_001, Ordering::Relaxed);
    let dropped = pool.after_block(Height(702), BUILDER, &[], &state).unwrap();
    assert_eq!(dropped, [(transaction(1, 1).id(), Refusal::Ledger(Code::WrongSequence))]);
    clock.0.store(1_000_000_000, Ordering::Relaxed);
    assert_eq!(
        pool.after_block(Height(703), BUILDER, &[], &state).unwrap(),
        [],
        "what can be executed is never too old"
    );
    assert_eq!(sequences(&state, &pool), [(2, 0)]);
}

#[test]
fn what_only_waits_for_room_is_not_behind_a_gap() {
    let clock = Arc::new(Told::default());
    let limits = Limits { account_range_values: 10, gap_ms: 1_000, ..Limits::default() };
    let (state, pool) = (State::new(), Mempool::new(chain(), limits, Height(1), clock.clone()));
    // The second comes before the first, and then finds no room of its own beside it.
    state.submit(&pool, &proved(1, 1, 8)).unwrap();
    state.submit(&pool, &proved(1, 0, 8)).unwrap();
    clock.0.store(5_000, Ordering::Relaxed);
    assert_eq!(pool.after_block(Height(2), BUILDER, &[], &state).unwrap(), []);
    assert_eq!(state.block(&pool, 2), [(1, 0)]);
    assert_eq!(state.block(&pool, 3), [(1, 1)]);
}

#[test]
fn a_gap_that_opens_takes_what_is_behind_it_out_of_the_run_and_back_when_it_closes() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    for sequence in 0..5 {
        state.submit(&pool, &transaction(1, sequence)).unwrap();
    }
    pool.set_aside(&transaction(1, 2).id());
    assert_eq!(sequences(&state, &pool), [(1, 0), (1, 1)]);
    assert_eq!(pool.size().0, 4);
    let other = sign(1, 2, FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(2) });
    state.submit(&pool, &other).unwrap();
    assert_eq!(sequences(&state, &pool).len(), 5);
}

#[test]
fn the_room_behind_gaps_is_an_accounts_and_everybodys() {
    let length = transaction(1, 1).to_canonical().len();
    let limits = Limits {
        gaps: Room { bytes: 5 * length, transactions: 100 },
        account_gap: Room { bytes: 3 * length, transactions: 100 },
        ..Limits::default()
    };
    let (state, pool) = (State::new(), pool(limits));
    for sequence in 1..=3 {
        state.submit(&pool, &transaction(1, sequence)).unwrap();
    }
    assert_eq!(state.submit(&pool, &transaction(1, 4)), Err(Refusal::GapFull { missing: 0 }));
    for sequence in 1..=2 {
        state.submit(&pool, &transaction(2, sequence)).unwrap();
    }
    // Full: the one that holds most makes room, its last first, and nobody below it.
    state.submit(&pool, &transaction(3, 1)).unwrap();
    assert!(pool.get(&transaction(1, 3).id()).is_none());
    assert_eq!(state.submit(&pool, &transaction(3, 2)), Err(Refusal::GapFull { missing: 0 }));
    let dropped = pool.after_block(Height(2), BUILDER, &[], &state).unwrap();
    assert_eq!(dropped, [(transaction(1, 3).id(), Refusal::Evicted)]);
    // None of it took room from what can be executed.
    state.submit(&pool, &transaction(4, 0)).unwrap();
    assert_eq!(sequences(&state, &pool), [(4, 0)]);
}
