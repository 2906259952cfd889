//! Who is passed over by blocks that had room, and what says nothing about their builders.

use super::*;

const OTHER: ValidatorAddress = ValidatorAddress([9; 20]);

/// A block of these transactions by a builder, begun after all that waits has come.
fn decide(state: &State, pool: &Mempool, height: u64, builder: ValidatorAddress, chosen: &[Arc<Pooled>]) {
    pool.block_begins();
    state.decide(chosen);
    pool.after_block(Height(height + 1), builder, &settled(chosen, true), state).unwrap();
}

#[test]
fn an_account_that_blocks_with_room_leave_out_is_told_with_their_builders() {
    let clock = Arc::new(Told::default());
    let (state, pool) = (State::new(), Mempool::new(chain(), Limits::default(), Height(1), clock.clone()));
    clock.0.store(5_000, Ordering::Relaxed);
    let id = state.submit(&pool, &transaction(1, 0)).unwrap().id();
    // The block that was begun when it came, and the one after it, count for nobody.
    decide(&state, &pool, 1, BUILDER, &[]);
    for height in 2..4 {
        decide(&state, &pool, height, BUILDER, &[]);
        assert_eq!(pool.delays().passed_over, [], "height {height}");
    }
    decide(&state, &pool, 4, OTHER, &[]);
    let expected = PassedOver {
        account: account(1),
        transaction: id,
        blocks: 3,
        by: BTreeMap::from([(BUILDER, 2), (OTHER, 1)]),
    };
    clock.0.store(9_500, Ordering::Relaxed);
    assert_eq!(pool.delays(), Delays { oldest_ms: Some(4_500), passed_over: vec![expected] });
    // In a block at last: nothing is held against anybody, and nothing waits.
    let chosen = state.select(&pool).chosen;
    decide(&state, &pool, 5, OTHER, &chosen);
    assert_eq!(pool.delays(), Delays::default());
}

#[test]
fn a_full_block_and_one_that_holds_something_of_the_account_say_nothing() {
    let params = Params { max_block_signatures: 2, ..Params::default() };
    let state = State::with(params);
    let pool = Mempool::new(chain(), Limits::default(), Height(1), Arc::new(Told::default()));
    for (sender, sequence) in [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1)] {
        state.submit(&pool, &transaction(sender, sequence)).unwrap();
    }
    let waiting = |n: u8, sequence: u64| {
        let all = [transaction(n, sequence)].map(|one| id_of_bytes(&one.to_canonical()));
        pool.get(&all[0]).unwrap()
    };
    decide(&state, &pool, 1, BUILDER, &[]);
    decide(&state, &pool, 2, BUILDER, &[]);
    let of_two = [waiting(2, 0), waiting(2, 1)];
    decide(&state, &pool, 3, BUILDER, &of_two);
    let of_three = [waiting(3, 0), waiting(3, 1)];
    decide(&state, &pool, 4, BUILDER, &of_three);
    assert_eq!(pool.delays().passed_over, [], "two of the four blocks were full");
    decide(&state, &pool, 5, BUILDER, &[]);
    decide(&state, &pool, 6, BUILDER, &[]);
    let told = pool.delays().passed_over;
    assert_eq!(told.iter().map(|one| (one.account, one.blocks)).collect::<Vec<_>>(), [(account(1), 3)]);
}
