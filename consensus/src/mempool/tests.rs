use super::*;
use aula_ledger::chain::Body;
use aula_ledger::keys::public_key;
use aula_ledger::proof::money::BudgetLine;
use aula_ledger::tx::{BudgetStatement, FundBudget};
use aula_ledger::types::{Cents, CommitmentBytes, SchoolId, SchoolYear};
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use std::cell::RefCell;

const WIDE: Budget =
    Budget { transactions: 10_000, bytes: usize::MAX, per_account: 10_000, range_values: u32::MAX };

fn chain() -> Hash {
    Hash([0; 32])
}

fn account(n: u8) -> AccountId {
    AccountId([n; 20])
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn transaction(n: u8, sequence: u64) -> Transaction {
    let body = Body {
        genesis: chain(),
        account: account(n),
        sequence,
        valid_until_height: Height(100),
        payload: FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(1) }.into(),
    };
    Transaction::sign(body, &key(n))
}

/// A state of accounts 1 to 9 with their next sequence numbers.
struct State(RefCell<BTreeMap<AccountId, AccountView>>);

impl State {
    fn new() -> Self {
        let accounts =
            (1..=9).map(|n| (account(n), AccountView { next_sequence: 0, public_key: public_key(&key(n)) }));
        Self(RefCell::new(accounts.collect()))
    }

    fn look(&self, id: &AccountId) -> Result<Option<AccountView>, StoreError> {
        Ok(self.0.borrow().get(id).copied())
    }

    fn submit(&self, pool: &Mempool, transaction: &Transaction) -> Result<Submitted, Refusal> {
        pool.submit(transaction.to_canonical(), &|id| self.look(id))
    }

    fn advance(&self, n: u8, to: u64) {
        if let Some(view) = self.0.borrow_mut().get_mut(&account(n)) {
            view.next_sequence = to;
        }
    }
}

fn pool(limits: Limits) -> Mempool {
    Mempool::new(chain(), limits, Height(1))
}

fn sequences(pool: &Mempool, budget: Budget) -> Vec<(u8, u64)> {
    pool.select(budget).iter().map(|p| (p.account.0[0], p.sequence)).collect()
}

#[test]
fn transactions_wait_in_sequence_order_whatever_order_they_come_in() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    for sequence in [2, 0, 3, 1, 5] {
        state.submit(&pool, &transaction(1, sequence)).unwrap();
    }
    // 5 waits for 4.
    assert_eq!(sequences(&pool, WIDE), [(1, 0), (1, 1), (1, 2), (1, 3)]);
}

#[test]
fn accounts_are_served_oldest_first() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    for (n, sequence) in [(2, 0), (1, 0), (2, 1), (3, 0)] {
        state.submit(&pool, &transaction(n, sequence)).unwrap();
    }
    assert_eq!(sequences(&pool, WIDE), [(2, 0), (1, 0), (2, 1), (3, 0)]);
    let two = Budget { transactions: 2, ..WIDE };
    assert_eq!(sequences(&pool, two), [(2, 0), (1, 0)]);
    let one_each = Budget { per_account: 1, ..WIDE };
    assert_eq!(sequences(&pool, one_each), [(2, 0), (1, 0), (3, 0)]);
    let small = Budget { bytes: transaction(1, 0).to_canonical().len(), ..WIDE };
    assert_eq!(sequences(&pool, small).len(), 1);
}

/// A budget statement of so many lines: as many range-proved values. Its proof is of the right form and proves nothing.
fn proved(n: u8, sequence: u64, values: u32) -> Transaction {
    let amount = CommitmentBytes([0; 32]);
    let lines = (0..values).map(|school| BudgetLine { school: SchoolId(school), amount }).collect();
    let no_ranges: Vec<u8> = [vec![0; 4], vec![0; 64]].concat();
    let payload = BudgetStatement {
        school_year: SchoolYear(1988),
        as_of: Height(0),
        total_cents: Cents(1),
        lines,
        proof: borsh::from_slice(&no_ranges).unwrap(),
    };
    let body = Body { payload: payload.into(), ..transaction(n, sequence).body };
    Transaction::sign(body, &key(n))
}

#[test]
fn a_block_takes_no_more_range_proved_values_than_it_may_and_fills_up_with_others() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    for (n, values) in [(1, 600), (2, 500), (3, 424), (4, 1)] {
        state.submit(&pool, &proved(n, 0, values)).unwrap();
    }
    state.submit(&pool, &transaction(2, 1)).unwrap();
    state.submit(&pool, &transaction(5, 0)).unwrap();
    // 500 do not fit beside 600, and nothing of that account overtakes them; 424 do, and then not one more.
    let block = Budget { range_values: 1_024, ..WIDE };
    assert_eq!(sequences(&pool, block), [(1, 0), (3, 0), (5, 0)]);
    assert_eq!(sequences(&pool, WIDE).len(), 6);
}

#[test]
fn duplicates_are_known_and_do_no_harm() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    let id = transaction(1, 0).id();
    assert_eq!(state.submit(&pool, &transaction(1, 0)), Ok(Submitted::New(id)));
    for _ in 0..3 {
        assert_eq!(state.submit(&pool, &transaction(1, 0)), Ok(Submitted::Known(id)));
    }
    assert_eq!(pool.size().0, 1);
    assert_eq!(*pool.get(&id).unwrap().bytes, transaction(1, 0).to_canonical());
}

#[test]
fn each_refusal_has_its_code() {
    let limits = Limits { per_account: 3, ..Limits::default() };
    let (state, pool) = (State::new(), pool(limits));
    let code = |transaction: &Transaction| state.submit(&pool, transaction).unwrap_err().code();
    let raw = |bytes: Vec<u8>| pool.submit(bytes, &|id| state.look(id)).unwrap_err().code();
    assert_eq!(raw(vec![]), 1);
    assert_eq!(raw(vec![1; 40]), 1);
    assert_eq!(raw(vec![0; MAX_TRANSACTION_BYTES as usize + 1]), 9);
    let good = transaction(1, 0);
    let mut forged = good.clone();
    forged.signature.0[5] ^= 1;
    assert_eq!(code(&forged), 2);
    let elsewhere = Body { genesis: Hash([1; 32]), ..good.body.clone() };
    assert_eq!(code(&Transaction::sign(elsewhere, &key(1))), 3);
    state.advance(2, 4);
    assert_eq!(code(&transaction(2, 3)), 4);
    let expired = Body { valid_until_height: Height(0), ..good.body.clone() };
    assert_eq!(code(&Transaction::sign(expired, &key(1))), 5);
    assert_eq!(code(&transaction(77, 0)), 6);
    assert_eq!(code(&Transaction::sign(good.body.clone(), &key(2))), 7);
    assert_eq!(code(&transaction(1, 3)), 1004);
    state.submit(&pool, &good).unwrap();
    let other = Body { valid_until_height: Height(99), ..good.body.clone() };
    assert_eq!(code(&Transaction::sign(other, &key(1))), 1003);
    pool.set_aside(&good.id());
    assert_eq!(code(&good), 1005);
    assert_eq!(pool.size(), (0, 0));
}

#[test]
fn the_pool_is_bounded_in_count_and_bytes() {
    let state = State::new();
    let few = pool(Limits { transactions: 3, ..Limits::default() });
    for sequence in 0..3 {
        state.submit(&few, &transaction(1, sequence)).unwrap();
    }
    assert_eq!(state.submit(&few, &transaction(2, 0)), Err(Refusal::PoolFull));
    let length = transaction(1, 0).to_canonical().len();
    let small = pool(Limits { bytes: 2 * length, ..Limits::default() });
    state.submit(&small, &transaction(1, 0)).unwrap();
    state.submit(&small, &transaction(1, 1)).unwrap();
    assert_eq!(state.submit(&small, &transaction(2, 0)), Err(Refusal::PoolFull));
    assert_eq!(small.size(), (2, 2 * length));
}

#[test]
fn a_block_takes_out_what_is_decided_expired_or_signed_with_an_old_key() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    for n in 1..=4 {
        state.submit(&pool, &transaction(n, 0)).unwrap();
        state.submit(&pool, &transaction(n, 1)).unwrap();
    }
    state.advance(1, 1);
    state.advance(2, 2);
    state.0.borrow_mut().get_mut(&account(3)).unwrap().public_key = public_key(&key(8));
    state.0.borrow_mut().remove(&account(4));
    let dropped = pool.after_block(Height(2), &|id| state.look(id)).unwrap();
    let mut codes: Vec<u16> = dropped.iter().map(|(_, refusal)| refusal.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [6, 6, 7, 7]);
    assert_eq!(sequences(&pool, WIDE), [(1, 1)]);
    let dropped = pool.after_block(Height(101), &|id| state.look(id)).unwrap();
    assert_eq!(dropped, [(transaction(1, 1).id(), Refusal::Ledger(Code::Expired))]);
    assert_eq!(pool.size(), (0, 0));
}

#[test]
fn a_transaction_whose_predecessor_never_comes_is_dropped_in_time() {
    let limits = Limits { gap_heights: 10, ..Limits::default() };
    let (state, pool) = (State::new(), pool(limits));
    state.submit(&pool, &transaction(1, 1)).unwrap();
    assert!(!pool.has_ready());
    assert_eq!(pool.after_block(Height(11), &|id| state.look(id)).unwrap(), []);
    assert_eq!(pool.after_block(Height(12), &|id| state.look(id)).unwrap().len(), 1);
}

#[tokio::test]
async fn waiting_ends_when_something_executable_comes() {
    let (state, pool) = (State::new(), Arc::new(pool(Limits::default())));
    state.submit(&pool, &transaction(1, 1)).unwrap();
    let waiter = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.wait_ready().await }
    });
    tokio::task::yield_now().await;
    assert!(!waiter.is_finished());
    state.submit(&pool, &transaction(1, 0)).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(5), waiter).await.unwrap().unwrap();
}

#[test]
fn a_signature_is_remembered_by_all_bytes() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    let good = transaction(1, 0);
    state.submit(&pool, &good).unwrap();
    assert!(pool.verified().contains(&good.id()));
    let mut forged = good.clone();
    forged.signature.0[0] ^= 1;
    assert!(!pool.verified().contains(&forged.id()));
    let small = Verified::new(2);
    for byte in 1..=3 {
        small.insert(aula_ledger::types::Hash([byte; 32]));
    }
    assert!(!small.contains(&aula_ledger::types::Hash([1; 32])));
    assert!(small.contains(&aula_ledger::types::Hash([3; 32])));
}

#[derive(Debug, Clone)]
enum Step {
    Submit(u8, u64),
    Decide(usize),
    Aside(u8, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (1u8..4, 0u64..12).prop_map(|(n, s)| Step::Submit(n, s)),
        2 => (0usize..5).prop_map(Step::Decide),
        1 => (1u8..4, 0u64..12).prop_map(|(n, s)| Step::Aside(n, s)),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_counts_agree_bounds_hold_and_selections_execute(steps in steps()) {
        let limits = Limits { transactions: 14, per_account: 6, ..Limits::default() };
        let (state, pool) = (State::new(), pool(limits));
        let mut height = 1;
        for step in steps {
            match step {
                Step::Submit(n, sequence) => { let _ = state.submit(&pool, &transaction(n, sequence)); }
                Step::Aside(n, sequence) => pool.set_aside(&transaction(n, sequence).id()),
                Step::Decide(count) => {
                    for pooled in pool.select(Budget { transactions: count, ..WIDE }) {
                        state.advance(pooled.account.0[0], pooled.sequence + 1);
                    }
                    height += 1;
                    pool.after_block(Height(height), &|id| state.look(id)).unwrap();
                }
            }
            let (count, bytes) = pool.size();
            prop_assert!(count <= 14);
            let inner = pool.lock();
            let waiting: Vec<_> = inner.accounts.values().flat_map(|a| a.waiting.values()).collect();
            prop_assert_eq!(waiting.len(), count);
            prop_assert_eq!(waiting.iter().map(|p| p.bytes.len()).sum::<usize>(), bytes);
            prop_assert!(inner.accounts.values().all(|a| a.waiting.len() <= 6));
            drop(inner);
            // A selection is exactly each account's run from its next sequence number, without a gap.
            let mut next: BTreeMap<AccountId, u64> = BTreeMap::new();
            for pooled in pool.select(WIDE) {
                let view = state.look(&pooled.account).unwrap().unwrap();
                let expected = next.entry(pooled.account).or_insert(view.next_sequence);
                prop_assert_eq!(pooled.sequence, *expected);
                *expected += 1;
            }
        }
    }
}
