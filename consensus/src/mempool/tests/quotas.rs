//! Bounds in all, by account and by lane; who makes room when the pool is full.

use super::*;

#[test]
fn the_pool_is_bounded_in_count_and_bytes_and_whoever_holds_most_makes_room() {
    let state = State::new();
    let few = pool(Limits { transactions: 4, ..Limits::default() });
    for sequence in 0..4 {
        state.submit(&few, &transaction(1, sequence)).unwrap();
    }
    assert_eq!(state.submit(&few, &transaction(1, 4)), Err(Refusal::PoolFull));
    state.submit(&few, &transaction(2, 0)).unwrap();
    state.submit(&few, &transaction(2, 1)).unwrap();
    // Two against two: nobody holds more than the newcomer would.
    assert_eq!(state.submit(&few, &transaction(2, 2)), Err(Refusal::PoolFull));
    assert_eq!(sequences(&state, &few).len(), 4);
    let dropped = few.after_block(Height(2), BUILDER, &[], &state).unwrap();
    assert_eq!(dropped.len(), 2);
    assert!(dropped.iter().all(|(_, refusal)| *refusal == Refusal::Evicted));
    let length = transaction(1, 0).to_canonical().len();
    let small = pool(Limits { bytes: 4 * length, account_share: 2, ..Limits::default() });
    state.submit(&small, &transaction(1, 0)).unwrap();
    state.submit(&small, &transaction(1, 1)).unwrap();
    assert_eq!(state.submit(&small, &transaction(1, 2)), Err(Refusal::AccountFull));
    assert_eq!(small.size(), (2, 2 * length));
}

#[test]
fn each_lane_of_the_reserve_has_room_of_its_own_for_every_account() {
    let (state, full) = (State::new(), pool(Limits { transactions: 1, ..Limits::default() }));
    state.submit(&full, &transaction(1, 0)).unwrap();
    assert_eq!(state.submit(&full, &transaction(2, 0)), Err(Refusal::PoolFull));
    for n in 10..=48 {
        state.submit(&full, &vote(n, 0)).unwrap();
    }
    let limits = Limits {
        account_lane: Room { bytes: 100_000, transactions: 2 },
        transactions: 3,
        ..Limits::default()
    };
    let few = pool(limits);
    // Beyond its part of the lane an account's votes wait as everything else does.
    for sequence in 0..5 {
        state.submit(&few, &vote(1, sequence)).unwrap();
    }
    assert_eq!(state.submit(&few, &vote(1, 5)), Err(Refusal::PoolFull));
    state.submit(&few, &vote(2, 0)).unwrap();
    assert_eq!(sequences(&state, &few).len(), 6);
}

#[test]
fn every_kind_with_a_deadline_and_all_of_governance_has_a_lane() {
    use PayloadKind::*;
    let with: Vec<_> = PayloadKind::ALL.iter().filter(|kind| Lane::of(**kind).is_some()).collect();
    let expected =
        [RegisterMember, ProposeChange, VoteChange, RotateKey, CommitSeed, RevealSeed, RunRound, Acknowledge];
    assert!(expected.iter().all(|kind| with.contains(&kind)), "{with:?}");
    let indices: BTreeSet<usize> =
        expected.iter().filter_map(|kind| Lane::of(*kind)).map(Lane::index).collect();
    assert_eq!(indices, (0..Lane::COUNT).collect());
}

#[test]
fn range_values_and_rounds_have_quotas_by_account() {
    let limits = Limits { account_range_values: 1_000, account_rounds: 2, ..Limits::default() };
    let (state, pool) = (State::new(), pool(limits));
    state.submit(&pool, &proved(1, 0, 600)).unwrap();
    assert_eq!(state.submit(&pool, &proved(1, 1, 401)), Err(Refusal::AccountFull));
    state.submit(&pool, &proved(1, 1, 400)).unwrap();
    state.submit(&pool, &proved(2, 0, 600)).unwrap();
    let run = |sequence| sign(3, sequence, aula_ledger::tx::RunRound { round: RoundId(1) });
    state.submit(&pool, &run(0)).unwrap();
    state.submit(&pool, &run(1)).unwrap();
    assert_eq!(state.submit(&pool, &run(2)), Err(Refusal::AccountFull));
}

#[derive(Debug, Clone)]
enum Step {
    Submit(u8, u64, u32),
    Vote(u8, u64),
    Decide(usize),
    Aside(u8, u64),
    Later(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        10 => (1u8..5, 0u64..12, 1u32..6).prop_map(|(n, s, size)| Step::Submit(n, s, size)),
        3 => (1u8..5, 0u64..12).prop_map(|(n, s)| Step::Vote(n, s)),
        3 => (0usize..5).prop_map(Step::Decide),
        1 => (1u8..5, 0u64..12).prop_map(|(n, s)| Step::Aside(n, s)),
        1 => (0u64..600).prop_map(Step::Later),
    ];
    proptest::collection::vec(step, 0..80)
}

/// Sums over what waits are what the pool says it holds, no bound is passed, and runs have no gap.
fn check(pool: &Mempool, state: &State) {
    let inner = pool.lock();
    let mut all = accounts::Holdings::default();
    for (id, entry) in &inner.accounts {
        let mut own = accounts::Holdings::default();
        for (sequence, waiting) in &entry.waiting {
            assert_eq!(*sequence, waiting.pooled.sequence);
            assert!(inner.by_id.contains_key(&waiting.pooled.id));
            own.add(&waiting.pooled, waiting.place);
            all.add(&waiting.pooled, waiting.place);
        }
        assert_eq!(own, entry.held, "of {id}");
        assert!(own.gap.within(pool.limits.account_gap));
        assert!(own.lanes.iter().all(|lane| lane.within(pool.limits.account_lane)));
        assert_eq!(entry.run().count() as u64, entry.ready);
        assert_eq!(own.ready().transactions as u64, entry.ready);
        assert!(entry.run().all(|waiting| waiting.place != Place::Gap));
    }
    assert_eq!(all, inner.held);
    let most = Room { bytes: pool.limits.bytes, transactions: pool.limits.transactions };
    assert!(all.open.within(most) && all.gap.within(pool.limits.gaps));
    assert_eq!(inner.by_id.len(), inner.accounts.values().map(|entry| entry.waiting.len()).sum::<usize>());
    drop(inner);
    let mut next: BTreeMap<AccountId, u64> = BTreeMap::new();
    for pooled in state.select(pool).chosen {
        let expected = next.entry(pooled.account).or_insert(state.next(pooled.account.0[0]));
        assert_eq!(pooled.sequence, *expected);
        *expected += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_happens_counts_agree_bounds_hold_and_selections_execute(steps in steps()) {
        let limits = Limits {
            transactions: 9,
            bytes: 6_000,
            per_account: 8,
            account_share: 2,
            lane: Room { bytes: 2_000, transactions: 5 },
            account_lane: Room { bytes: 1_000, transactions: 2 },
            gaps: Room { bytes: 3_000, transactions: 6 },
            account_gap: Room { bytes: 2_000, transactions: 4 },
            gap_ms: 1_000,
            ..Limits::default()
        };
        let clock = Arc::new(Told::default());
        let state = State::new();
        let pool = Mempool::new(chain(), limits, Height(1), clock.clone());
        let mut height = 1;
        for step in steps {
            match step {
                Step::Submit(n, sequence, size) => { let _ = state.submit(&pool, &states(n, sequence, size)); }
                Step::Vote(n, sequence) => { let _ = state.submit(&pool, &vote(n, sequence)); }
                Step::Aside(n, sequence) => pool.set_aside(&states(n, sequence, 1).id()),
                Step::Later(ms) => { clock.0.fetch_add(ms, Ordering::Relaxed); }
                Step::Decide(count) => {
                    let chosen: Vec<_> = state.select(&pool).chosen.into_iter().take(count).collect();
                    state.decide(&chosen);
                    height += 1;
                    pool.after_block(Height(height), BUILDER, &settled(&chosen, true), &state).unwrap();
                }
            }
            check(&pool, &state);
        }
    }
}
