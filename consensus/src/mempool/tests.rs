//! What every test of the pool works with, and the pool's order, refusals and memory.

use super::*;
use aula_ledger::execute::limits::Cost;
use aula_ledger::keys::public_key;
use aula_ledger::params::Params;
use aula_ledger::proof::money::BudgetLine;
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::state::MemoryState;
use aula_ledger::tx::Body;
use aula_ledger::tx::{AnchorStates, BudgetStatement, Choice, FundBudget, Payload, StudentState, VoteChange};
use aula_ledger::types::*;
use ed25519_dalek::SigningKey;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ports::ClockError;

mod attacks;
mod fairness;
mod gaps;
mod quotas;
mod telling;

fn chain() -> Hash {
    Hash([0; 32])
}

fn account(n: u8) -> AccountId {
    AccountId([n; 20])
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn sign(n: u8, sequence: u64, payload: impl Into<Payload>) -> Transaction {
    let body = Body {
        genesis: chain(),
        account: account(n),
        sequence,
        valid_until_height: Height(1_000),
        payload: payload.into(),
    };
    Transaction::sign(body, &key(n))
}

fn transaction(n: u8, sequence: u64) -> Transaction {
    sign(n, sequence, FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(1) })
}

fn vote(n: u8, sequence: u64) -> Transaction {
    sign(n, sequence, VoteChange { proposal: ProposalId(0), choice: Choice::Approve })
}

/// An anchor of so many states: about 60 bytes each.
fn states(n: u8, sequence: u64, count: u32) -> Transaction {
    let state = |number: u32| {
        let mut handle = [0; 32];
        handle[..4].copy_from_slice(&number.to_be_bytes());
        StudentState {
            handle: Handle(handle),
            version: 1,
            state_hash: Hash([0; 32]),
            home_school: SchoolId(1),
            inputs: vec![],
            commitments: vec![],
            event_watermark: sequence,
        }
    };
    let states = (0..count).map(state).collect();
    sign(
        n,
        sequence,
        AnchorStates {
            school_year: SchoolYear(1988),
            parameters: 1,
            model_digest: aula_ledger::twin::TwinParameters::default().digest(),
            states,
        },
    )
}

/// A budget statement of so many lines: as many range-proved values. Its proof is of the right form and proves nothing.
fn proved(n: u8, sequence: u64, values: u32) -> Transaction {
    let amount = CommitmentBytes([0; 32]);
    let lines = (0..values).map(|school| BudgetLine { school: SchoolId(school), amount }).collect();
    let no_ranges: Vec<u8> = [vec![0; 4], vec![0; 64]].concat();
    let statement = BudgetStatement {
        school_year: SchoolYear(1988),
        as_of: Height(0),
        total_cents: Cents(1),
        lines,
        proof: borsh::from_slice(&no_ranges).unwrap(),
    };
    sign(n, sequence, statement)
}

/// A clock that shows what it is told.
#[derive(Default)]
struct Told(AtomicU64);

impl Clock for Told {
    fn now_ms(&self) -> Result<u64, ClockError> {
        Ok(self.0.load(Ordering::Relaxed))
    }
}

/// A state of accounts 1 to 99 with their next sequence numbers; all of them may send everything but account 9, a reader.
struct State {
    accounts: RefCell<BTreeMap<AccountId, AccountView>>,
    params: Params,
    empty: MemoryState,
}

impl State {
    fn new() -> Self {
        Self::with(Params::default())
    }

    fn with(params: Params) -> Self {
        let view = |n: u8| {
            let roles = if n == 9 { RoleSet::of(&[Role::Reader]) } else { RoleSet::of(&Role::ALL) };
            (account(n), AccountView { next_sequence: 0, public_key: public_key(&key(n)), roles })
        };
        Self { accounts: RefCell::new((1..=99).map(view).collect()), params, empty: MemoryState::new() }
    }

    fn submit(&self, pool: &Mempool, transaction: &Transaction) -> Result<Submitted, Refusal> {
        pool.submit(transaction.to_canonical(), self)
    }

    fn next(&self, n: u8) -> u64 {
        self.accounts.borrow()[&account(n)].next_sequence
    }

    fn advance(&self, n: u8, to: u64) {
        if let Some(view) = self.accounts.borrow_mut().get_mut(&account(n)) {
            view.next_sequence = to;
        }
    }

    fn select(&self, pool: &Mempool) -> Selection {
        pool.select(&self.budget().unwrap()).unwrap()
    }

    /// Decides what the pool selects; whose transactions the block holds.
    fn block(&self, pool: &Mempool, height: u64) -> Vec<(u8, u64)> {
        let chosen = self.select(pool).chosen;
        self.decide(&chosen);
        pool.after_block(Height(height + 1), &settled(&chosen, true), self).unwrap();
        chosen.iter().map(|p| (p.account.0[0], p.sequence)).collect()
    }

    fn decide(&self, chosen: &[Arc<Pooled>]) {
        for pooled in chosen {
            self.advance(pooled.account.0[0], pooled.sequence + 1);
        }
    }
}

fn settled(chosen: &[Arc<Pooled>], accepted: bool) -> Vec<Settled> {
    chosen.iter().map(|pooled| Settled { id: pooled.id, account: pooled.account, accepted }).collect()
}

impl Ledger for State {
    fn account(&self, id: &AccountId) -> Result<Option<AccountView>, StoreError> {
        Ok(self.accounts.borrow().get(id).copied())
    }

    fn admits(&self, _: &Transaction) -> Result<Result<(), Code>, StoreError> {
        Ok(Ok(()))
    }

    fn budget(&self) -> Result<Budget<'_>, StoreError> {
        Ok(Budget::of(&self.empty, Height(1), self.params.clone()))
    }
}

fn pool(limits: Limits) -> Mempool {
    Mempool::new(chain(), limits, Height(1), Arc::new(Told::default()))
}

fn small_block(change: impl FnOnce(&mut Params)) -> State {
    let mut params = Params::default();
    change(&mut params);
    State::with(params)
}

fn sequences(state: &State, pool: &Mempool) -> Vec<(u8, u64)> {
    state.select(pool).chosen.iter().map(|p| (p.account.0[0], p.sequence)).collect()
}

#[test]
fn transactions_wait_in_sequence_order_whatever_order_they_come_in() {
    let (state, pool) = (State::new(), pool(Limits::default()));
    for sequence in [2, 0, 3, 1, 5] {
        state.submit(&pool, &transaction(1, sequence)).unwrap();
    }
    // 5 waits for 4.
    assert_eq!(sequences(&state, &pool), [(1, 0), (1, 1), (1, 2), (1, 3)]);
}

#[test]
fn a_block_takes_no_more_range_proved_values_than_it_may_and_fills_up_with_others() {
    let state = small_block(|params| params.max_block_range_values = 1_024);
    let pool = pool(Limits::default());
    for (n, values) in [(1, 600), (2, 500), (3, 424), (4, 1)] {
        state.submit(&pool, &proved(n, 0, values)).unwrap();
    }
    state.submit(&pool, &transaction(2, 1)).unwrap();
    state.submit(&pool, &transaction(5, 0)).unwrap();
    // The smaller claims first; 600 do not fit beside the others, and nothing of that account overtakes them.
    assert_eq!(state.block(&pool, 1), [(5, 0), (4, 0), (3, 0), (2, 0), (2, 1)]);
    assert_eq!(state.block(&pool, 2), [(1, 0)]);
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
    let limits =
        Limits { per_account: 4, account_gap: Room { bytes: 10_000, transactions: 1 }, ..Limits::default() };
    let state = small_block(|params| params.max_block_range_values = 1_000);
    let pool = pool(limits);
    let code = |transaction: &Transaction| state.submit(&pool, transaction).unwrap_err().code();
    let raw = |bytes: Vec<u8>| pool.submit(bytes, &state).unwrap_err().code();
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
    assert_eq!(code(&transaction(177, 0)), 6);
    assert_eq!(code(&Transaction::sign(good.body.clone(), &key(2))), 7);
    assert_eq!(code(&transaction(9, 0)), 100, "a reader sends nothing of this");
    assert_eq!(code(&transaction(1, 4)), 1004);
    state.submit(&pool, &good).unwrap();
    let other = Body { valid_until_height: Height(99), ..good.body.clone() };
    assert_eq!(code(&Transaction::sign(other, &key(1))), 1003);
    state.submit(&pool, &transaction(1, 3)).unwrap();
    assert_eq!(code(&transaction(1, 2)), 1006, "behind a gap there is room for one");
    pool.set_aside(&good.id());
    assert_eq!(code(&good), 1005);
    pool.after_block(Height(2), &[], &state).unwrap();
    assert_eq!(code(&proved(3, 0, 1_001)), 1008);
}

#[test]
fn what_no_block_may_hold_is_named_instead_of_standing_in_the_way() {
    let state = small_block(|params| params.max_block_range_values = 10);
    let pool = pool(Limits::default());
    state.submit(&pool, &proved(1, 0, 11)).unwrap();
    state.submit(&pool, &transaction(2, 0)).unwrap();
    let selection = state.select(&pool);
    assert_eq!(selection.chosen.len(), 1);
    assert_eq!(selection.never.len(), 1);
    assert_eq!(selection.never[0].1, "max_block_range_values");
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
    state.accounts.borrow_mut().get_mut(&account(3)).unwrap().public_key = public_key(&key(8));
    state.accounts.borrow_mut().remove(&account(4));
    let dropped = pool.after_block(Height(2), &[], &state).unwrap();
    let mut codes: Vec<u16> = dropped.iter().map(|(_, refusal)| refusal.code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [6, 6, 7, 7]);
    assert_eq!(sequences(&state, &pool), [(1, 1)]);
    let dropped = pool.after_block(Height(1_001), &[], &state).unwrap();
    assert_eq!(dropped, [(transaction(1, 1).id(), Refusal::Ledger(Code::Expired))]);
    assert_eq!(pool.size(), (0, 0));
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
        small.insert(Hash([byte; 32]));
    }
    assert!(!small.contains(&Hash([1; 32])));
    assert!(small.contains(&Hash([3; 32])));
}
