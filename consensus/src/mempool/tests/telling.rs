//! What the others are told of again, when, and how much at once.

use super::*;

fn told(pool: &Mempool, occasion: Occasion) -> Vec<Transaction> {
    pool.due_to_tell(occasion).iter().map(|bytes| Transaction::from_canonical(bytes).unwrap()).collect()
}

fn at(pool: &Mempool, state: &State, height: u64) {
    pool.after_block(Height(height), BUILDER, &[], state).unwrap();
}

#[test]
fn what_waits_is_told_again_ever_more_seldom_until_it_is_in_a_block() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    state.submit(&pool, &transaction(1, 0)).unwrap();
    let mut heights = Vec::new();
    for height in 1..=60 {
        at(&pool, &state, height);
        heights.extend(told(&pool, Occasion::Height).iter().map(|_| height));
    }
    assert_eq!(heights, [4, 10, 22, 46]);
    assert_eq!(state.block(&pool, 60), [(1, 0)]);
    at(&pool, &state, 200);
    assert!(told(&pool, Occasion::Height).is_empty());
}

#[test]
fn what_came_from_another_node_is_left_to_that_one_for_a_while() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    pool.hear(transaction(1, 0).to_canonical(), &state).unwrap();
    state.submit(&pool, &transaction(2, 0)).unwrap();
    // Behind a gap: nothing that another could use.
    state.submit(&pool, &transaction(3, 1)).unwrap();
    at(&pool, &state, 4);
    assert_eq!(told(&pool, Occasion::Height), [transaction(2, 0)]);
    assert_eq!(told(&pool, Occasion::NewListener), [transaction(2, 0)]);
    at(&pool, &state, 28);
    assert!(told(&pool, Occasion::Height).contains(&transaction(1, 0)));
}

#[test]
fn whoever_submits_again_has_it_told_again_once_a_height() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    let id = transaction(1, 0).id();
    state.submit(&pool, &transaction(1, 0)).unwrap();
    assert!(pool.tell_known(&id).is_none(), "it was told a moment ago");
    at(&pool, &state, 2);
    assert_eq!(*pool.tell_known(&id).unwrap(), transaction(1, 0).to_canonical());
    assert!(pool.tell_known(&id).is_none());
    assert!(pool.tell_known(&Hash([1; 32])).is_none());
}

#[test]
fn no_more_is_told_at_once_than_may_be_and_a_backlog_is_not_taken_for_a_loss() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    for n in 1..=8 {
        state.submit(&pool, &states(n, 0, 1_000)).unwrap();
    }
    at(&pool, &state, 4);
    let bytes: usize = pool.due_to_tell(Occasion::Height).iter().map(|bytes| bytes.len()).sum();
    assert!((80_000..=256 * 1024).contains(&bytes), "{bytes}");
    let rest: usize = pool.due_to_tell(Occasion::Height).iter().map(|bytes| bytes.len()).sum();
    assert!(rest > 0, "the next time the others");
    let full = self::pool(Limits::default());
    for sequence in 0..5_000 {
        state.submit(&full, &transaction(9 + 1, sequence)).unwrap();
    }
    at(&full, &state, 7);
    assert!(full.due_to_tell(Occasion::Height).is_empty(), "five blocks' worth waits five blocks longer");
    at(&full, &state, 9);
    assert!(!full.due_to_tell(Occasion::Height).is_empty());
}
