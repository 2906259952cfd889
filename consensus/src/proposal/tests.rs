//! Building and judging against a ledger that can be told to misbehave.

use super::*;
use crate::mempool::{AtTip, Limits};
use crate::ports::{AccountView, AdmittedPeer, ClockError};
use aula_ledger::chain::{Header, Validator};
use aula_ledger::code::Code;
use aula_ledger::execute::SignatureMemory;
use aula_ledger::keys::public_key;
use aula_ledger::params::Params;
use aula_ledger::protocol::Protocol;
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::state::{MemoryState, StateWrites};
use aula_ledger::tx::FundBudget;
use aula_ledger::tx::{Body, Transaction};
use aula_ledger::types::{AccountId, Cents, SchoolYear};
use ed25519_dalek::SigningKey;
use libp2p::PeerId;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Accounts 1 and 4 are fine, 2's transactions make a block invalid, 3's make the ledger panic, 7's need a record that is
/// damaged in this node's state, 8's a store that fails; more than `limit` transactions are over a limit, and `told_limit`
/// is what it says of that.
struct Ledger {
    limit: usize,
    told_limit: u32,
    runs: AtomicUsize,
}

fn genesis() -> Hash {
    Hash([0; 32])
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn set() -> ValidatorSet {
    ValidatorSet::new((1..=2).map(|n| Validator::new(public_key(&key(n)), 1)).collect()).unwrap()
}

impl Executor for Ledger {
    fn execute(
        &self,
        _: &dyn StateReader,
        input: &BlockInput<'_>,
        _: &dyn SignatureMemory,
    ) -> Result<Outcome, ExecuteError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        if input.transactions.len() > self.limit {
            return Err(ExecuteError::OverLimit { limit: "transactions" });
        }
        for (index, bytes) in (0u32..).zip(input.transactions) {
            match Transaction::from_canonical(bytes).unwrap().body.account.0[0] {
                1 | 4 => {}
                2 => return Err(ExecuteError::Invalid { index, code: Code::InvalidPayload }),
                7 => return Err(StoreError::Damaged("a record".into()).into()),
                8 => return Err(StoreError::Failed("the disk".into()).into()),
                _ => panic!("a bug in the ledger"),
            }
        }
        let empty = merkle::head(Vec::<Vec<u8>>::new());
        let header = Header {
            protocol: Protocol::FIRST,
            genesis: *input.genesis,
            height: input.height,
            time_ms: input.time_ms,
            parent: input.parent,
            proposer: input.proposer,
            transactions: merkle::head(input.transactions),
            receipts: empty,
            students: empty,
            state_root: Hash([9; 32]),
            validators_hash: set().hash(),
            next_validators_hash: set().hash(),
        };
        Ok(Outcome { header, receipts: vec![], student_leaves: vec![], writes: StateWrites::default() })
    }

    fn next_validators(&self, _: &dyn StateReader, _: Height) -> Result<ValidatorSet, StoreError> {
        Ok(set())
    }

    fn following_validators(&self, _: &dyn StateReader, _: Height) -> Result<ValidatorSet, StoreError> {
        Ok(set())
    }

    fn account(&self, _: &dyn StateReader, id: &AccountId) -> Result<Option<AccountView>, StoreError> {
        let roles = RoleSet::of(&Role::ALL);
        Ok(Some(AccountView { next_sequence: 0, public_key: public_key(&key(id.0[0])), roles }))
    }

    fn params(&self, _: &dyn StateReader) -> Result<Params, StoreError> {
        Ok(Params { max_block_signatures: self.told_limit, ..Params::default() })
    }

    fn validator_peers(&self, _: &dyn StateReader) -> Result<Vec<(ValidatorAddress, PeerId)>, StoreError> {
        Ok(Vec::new())
    }

    fn admitted_peers(&self, _: &dyn StateReader) -> Result<Vec<AdmittedPeer>, StoreError> {
        Ok(vec![])
    }
}

/// A clock that shows what it is told; 0 is a failure.
struct Told(AtomicU64);

impl Clock for Told {
    fn now_ms(&self) -> Result<u64, ClockError> {
        match self.0.load(Ordering::Relaxed) {
            0 => Err(ClockError),
            now => Ok(now),
        }
    }
}

struct Bench {
    blocks: BlockBuilder,
    pool: Arc<Mempool>,
    ledger: Arc<Ledger>,
    clock: Arc<Told>,
    base: Base,
}

fn bench(limit: usize) -> Bench {
    bench_that_says(limit, limit as u32)
}

fn bench_that_says(limit: usize, told_limit: u32) -> Bench {
    let ledger = Arc::new(Ledger { limit, told_limit, runs: AtomicUsize::new(0) });
    let clock = Arc::new(Told(AtomicU64::new(5_000)));
    let pool = Arc::new(Mempool::new(genesis(), Limits::default(), Height(1), clock.clone()));
    let blocks = BlockBuilder::new(genesis(), ledger.clone(), clock.clone(), pool.clone());
    let base = Base {
        tip: Tip { height: Height(0), hash: Hash([4; 32]), time_ms: TimeMs(1_000) },
        state: Arc::new(MemoryState::new()),
        validators: Arc::new(set()),
        following: Arc::new(set()),
        misses: Arc::default(),
    };
    Bench { blocks, pool, ledger, clock, base }
}

impl Bench {
    fn fill(&self, account: u8, count: u64) {
        for sequence in 0..count {
            let body = Body {
                genesis: genesis(),
                account: AccountId([account; 20]),
                sequence,
                valid_until_height: Height(9),
                payload: FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(1) }.into(),
            };
            let bytes = Transaction::sign(body, &key(account)).to_canonical();
            let state = MemoryState::new();
            self.pool.submit(bytes, &AtTip::new(self.ledger.as_ref(), &state, Height(1))).unwrap();
        }
    }

    fn build(&self) -> Arc<ExecutedBlock> {
        self.blocks.build(&self.base, proposer()).unwrap()
    }

    fn judge(
        &self,
        judged: &ExecutedBlock,
        fresh: Option<ValidatorAddress>,
    ) -> Result<Arc<ExecutedBlock>, InvalidProposal> {
        self.blocks.judge(&self.base, judged.bytes.to_vec(), judged.hash, fresh).unwrap()
    }
}

fn proposer() -> ValidatorAddress {
    set().validators()[0].address
}

#[test]
fn a_built_block_is_right_and_is_executed_once() {
    let bench = bench(1_000);
    bench.fill(1, 10);
    let built = bench.build();
    assert_eq!(built.block.transactions.len(), 10);
    assert_eq!(built.block.header.time_ms, TimeMs(5_000));
    let runs = bench.ledger.runs.load(Ordering::Relaxed);
    let judged = bench.judge(&built, Some(proposer())).unwrap();
    assert!(Arc::ptr_eq(&judged, &built), "the kept outcome");
    assert_eq!(bench.ledger.runs.load(Ordering::Relaxed), runs);
    bench.blocks.decided();
    assert!(bench.blocks.kept(&bench.base, &built.hash).is_none());
    assert_eq!(bench.judge(&built, Some(proposer())).unwrap().hash, built.hash);
    assert_eq!(bench.ledger.runs.load(Ordering::Relaxed), runs + 1);
}

#[test]
fn a_transaction_that_makes_the_block_invalid_or_panics_is_set_aside_alone() {
    let bench = bench(1_000);
    bench.fill(1, 5);
    bench.fill(2, 3);
    bench.fill(3, 2);
    bench.fill(5, 1);
    let built = bench.build();
    assert_eq!(built.block.transactions.len(), 5);
    // Of each bad account the first is out for good, the rest waits behind it.
    assert_eq!(bench.pool.size().0, 5 + 2 + 1);
}

#[test]
fn a_block_over_a_limit_is_built_smaller() {
    let bench = bench(6);
    bench.fill(1, 20);
    let runs = bench.ledger.runs.load(Ordering::Relaxed);
    assert_eq!(bench.build().block.transactions.len(), 6);
    assert_eq!(bench.ledger.runs.load(Ordering::Relaxed), runs + 1, "nothing is tried that does not fit");
}

#[test]
fn a_ledger_that_refuses_what_it_said_would_fit_costs_one_account_and_not_the_block() {
    let bench = bench_that_says(6, 1_000);
    bench.fill(1, 3);
    bench.fill(4, 20);
    assert_eq!(bench.build().block.transactions.len(), 3);
}

#[test]
fn each_lie_of_a_header_is_found() {
    let bench = bench(1_000);
    bench.fill(1, 3);
    let built = bench.build();
    bench.blocks.decided();
    let refuse = |change: &dyn Fn(&mut Block), fresh| {
        let mut block = (*built.block).clone();
        change(&mut block);
        let hash = block.header.hash();
        bench.blocks.judge(&bench.base, block.to_canonical(), hash, fresh).unwrap().unwrap_err()
    };
    let says = |wrong: InvalidProposal, word: &str| wrong.fault == Fault::Block && wrong.why.contains(word);
    let me = Some(proposer());
    let other = set().validators()[1].address;
    assert!(says(refuse(&|b| b.header.height = Height(2), me), "follow"));
    assert!(says(refuse(&|b| b.header.parent = Hash([5; 32]), me), "follow"));
    assert!(says(refuse(&|b| b.header.time_ms = TimeMs(1_000), me), "time"));
    assert!(says(refuse(&|b| b.header.time_ms = TimeMs(1_001 + time::MAX_STEP_MS), me), "time"));
    assert!(says(refuse(&|b| b.header.time_ms = TimeMs(u64::MAX), me), "time"));
    assert!(says(refuse(&|b| b.header.genesis = Hash([1; 32]), me), "chain"));
    assert!(says(refuse(&|b| b.header.proposer = ValidatorAddress([1; 20]), None), "validator"));
    assert_eq!(refuse(&|b| b.header.proposer = other, me).fault, Fault::Head);
    assert!(says(refuse(&|b| b.header.state_root = Hash([1; 32]), me), "roots"));
    let cut = refuse(&|b| drop(b.transactions.pop()), me);
    assert_eq!(cut.fault, Fault::Bytes, "whoever cut it may not be its proposer: {}", cut.why);
    // Another validator's block proposed again is fine.
    let mut theirs = (*built.block).clone();
    theirs.header.proposer = other;
    let hash = theirs.header.hash();
    assert!(bench.blocks.judge(&bench.base, theirs.to_canonical(), hash, None).unwrap().is_ok());
    let wrong_hash = bench.blocks.judge(&bench.base, built.bytes.to_vec(), Hash([0; 32]), me).unwrap();
    assert!(wrong_hash.unwrap_err().why.contains("hash"));
    // Wrong transactions under the right hash do not spoil the right block that comes later.
    let mut cut = (*built.block).clone();
    cut.transactions.pop();
    assert!(bench.blocks.judge(&bench.base, cut.to_canonical(), built.hash, me).unwrap().is_err());
    assert!(bench.judge(&built, me).is_ok());
}

#[test]
fn the_clock_judges_fresh_blocks_and_nothing_else() {
    let bench = bench(1_000);
    let built = bench.build();
    assert_eq!(built.block.header.time_ms, TimeMs(5_000));
    for (now, timely) in [(4_500, true), (4_499, false), (9_999_999, true), (0, false)] {
        bench.clock.0.store(now, Ordering::Relaxed);
        assert_eq!(bench.blocks.is_timely(&bench.base, built.block.header.time_ms), timely, "at {now}");
        assert!(bench.judge(&built, Some(proposer())).is_ok(), "the verdict knows no clock");
    }
    // A failed clock proposes parent + 1 ms, which always passes.
    bench.clock.0.store(0, Ordering::Relaxed);
    bench.blocks.decided();
    let built = bench.build();
    assert_eq!(built.block.header.time_ms, TimeMs(1_001));
    assert!(bench.blocks.is_timely(&bench.base, built.block.header.time_ms));
}

/// What another node proposes, whose state is whole: this node's own, with another's transaction in it.
fn theirs(bench: &Bench, account: u8) -> Block {
    let mut block = (*bench.build().block).clone();
    let body = Body {
        genesis: genesis(),
        account: AccountId([account; 20]),
        sequence: 0,
        valid_until_height: Height(9),
        payload: FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(1) }.into(),
    };
    block.transactions = vec![Transaction::sign(body, &key(account)).to_canonical()];
    block.header.transactions = merkle::head(&block.transactions);
    block
}

#[test]
fn attack_15_a_damaged_record_is_a_nil_vote_and_the_node_says_so() {
    let bench = bench(1_000);
    assert_eq!(bench.blocks.damage(), None);
    let block = theirs(&bench, 7);
    let judge = |block: &Block| {
        bench.blocks.judge(&bench.base, block.to_canonical(), block.header.hash(), Some(proposer()))
    };
    let wrong = judge(&block).unwrap().unwrap_err();
    assert!(
        wrong.fault == Fault::Block && wrong.why.contains("damaged") && wrong.why.contains("aula replay"),
        "{}",
        wrong.why
    );
    assert_eq!(bench.blocks.damage(), Some(wrong.why));
    // It lives, and votes for what it can judge.
    assert!(judge(&theirs(&bench, 1)).unwrap().is_ok());
    assert!(bench.blocks.damage().is_some(), "and goes on saying so");
    // So does the next process.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("damaged");
    let earlier =
        BlockBuilder::new(genesis(), bench.ledger.clone(), bench.clock.clone(), Arc::clone(&bench.pool));
    let earlier = earlier.remembering(Damage::open(file.clone()));
    let bytes = block.to_canonical();
    assert!(earlier.judge(&bench.base, bytes, block.header.hash(), Some(proposer())).unwrap().is_err());
    assert_eq!(Damage::open(file).found(), earlier.damage());
    // A store that fails is another matter.
    assert!(judge(&theirs(&bench, 8)).is_err());
}

#[test]
fn attack_15_a_proposer_that_meets_damage_leaves_its_block_empty() {
    let bench = bench(1_000);
    bench.fill(1, 2);
    bench.fill(7, 1);
    assert!(bench.build().block.transactions.is_empty());
    assert!(bench.blocks.damage().is_some());
}

#[test]
fn garbage_is_refused_without_a_panic() {
    let bench = bench(1_000);
    for bytes in [vec![], vec![1], vec![0; 500], vec![255; 5_000], vec![1; MAX_BLOCK_BYTES + 1]] {
        assert!(bench.blocks.judge(&bench.base, bytes, Hash([0; 32]), None).unwrap().is_err());
    }
}

#[test]
fn attack_01_a_proposer_whose_clock_is_far_ahead_builds_what_the_ledger_admits() {
    let bench = bench(1_000);
    bench.clock.0.store(u64::MAX, Ordering::Relaxed);
    let built = bench.build();
    assert_eq!(built.block.header.time_ms, TimeMs(1_000 + time::MAX_STEP_MS));
    assert!(bench.judge(&built, Some(proposer())).is_ok());
    bench.clock.0.store(5_000, Ordering::Relaxed);
    assert!(
        !bench.blocks.is_timely(&bench.base, built.block.header.time_ms),
        "and everybody else's clock refuses it"
    );
}

#[test]
fn what_was_judged_on_another_tip_is_not_used() {
    let bench = bench(1_000);
    let built = bench.build();
    let tip = Tip { height: Height(1), hash: built.hash, time_ms: built.block.header.time_ms };
    let next = Base { tip, ..bench.base.clone() };
    assert!(bench.blocks.kept(&next, &built.hash).is_none());
    assert!(bench.blocks.judge(&next, built.bytes.to_vec(), built.hash, None).unwrap().is_err());
}
