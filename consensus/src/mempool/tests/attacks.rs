//! Attacks on the pool and on what is built from it, against the real ledger, without a network. Each failed on the pool
//! that knew no accounts.

use std::sync::Arc;

use super::*;
use crate::executor::LedgerExecutor;
use crate::ports::{Executor, SystemClock, Tip};
use crate::proposal::{Base, BlockBuilder};
use aula_ledger::genesis::{
    self, GenesisDistrict, GenesisMember, GenesisSchool, GenesisValidator, genesis_state,
};
use aula_ledger::keys::account_of;
use aula_ledger::names::{ListenHint, Name, PeerName, Title};
use aula_ledger::proof::committed::ProofBytes;
use aula_ledger::proof::need::NeedProof;
use aula_ledger::state::schema::{self, RoundStatus, Window};
use aula_ledger::tx::{
    Calendar, Change, CommitSeed, DefineClass, DefinePool, Mandate, OpenRound, ProposeChange, Request,
    RevealSeed, RunRound, SubmitRequests, seed_commitment, seed_share,
};

const DISTRICTS: u16 = 20;

fn named(name: &str) -> SigningKey {
    use sha2::{Digest, Sha256};
    SigningKey::from_bytes(&Sha256::digest(name).into())
}

fn account_named(name: &str) -> AccountId {
    account_of(&public_key(&named(name)))
}

fn member(name: &str, roles: &[Role], district: Option<u16>) -> GenesisMember {
    GenesisMember {
        name: Name::new(name).unwrap(),
        roles: RoleSet::of(roles),
        public_key: public_key(&named(name)),
        district: district.map(DistrictId),
        school: None,
    }
}

/// Four voters, of whom one is hostile; two funders, of whom one is; a reader; districts of a school each.
fn file() -> genesis::Genesis {
    let mut members = vec![
        member("voter-a", &[Role::Consortium], None),
        member("voter-b", &[Role::Consortium], None),
        member("voter-c", &[Role::Consortium], None),
        member("hostile", &[Role::Consortium, Role::Funder], None),
        member("honest", &[Role::Funder], None),
        member("reader", &[Role::Reader], None),
    ];
    members.extend((1..=DISTRICTS).map(|n| member(&format!("district-{n}"), &[Role::District], Some(n))));
    let school =
        |n: u16| GenesisSchool::unnamed(SchoolId(n.into()), DistrictId(n), Name::new("rural").unwrap());
    genesis::Genesis {
        name: Name::new("test").unwrap(),
        time_ms: TimeMs(1_000),
        protocol: aula_ledger::protocol::Protocol::FIRST,
        // A batch as large as may be fills a block.
        params: Params { max_block_range_values: 1_024, ..Params::default() },
        members,
        validators: vec![GenesisValidator {
            name: Name::new("validator").unwrap(),
            operator: Name::new("voter-a").unwrap(),
            public_key: public_key(&named("validator")),
            power: 1,
            peer_id: PeerName::new(&format!("12D3KooW{:0>40}", 1)).unwrap(),
            listen: ListenHint::new("/ip4/127.0.0.1/tcp/27000").unwrap(),
            seed_key: public_key(&named("seed")),
        }],
        districts: (1..=DISTRICTS)
            .map(|n| GenesisDistrict { id: DistrictId(n), name: Title::new("D").unwrap() })
            .collect(),
        schools: (1..=DISTRICTS).map(school).collect(),
        twin: Default::default(),
        sources: vec![],
    }
}

struct World {
    parsed: genesis::Parsed,
    state: MemoryState,
    tip: Tip,
    pool: Arc<Mempool>,
    blocks: BlockBuilder,
}

impl World {
    fn new() -> Self {
        let parsed = genesis::Genesis::parse(&file().to_json().unwrap()).unwrap();
        let (writes, _) = genesis_state(&parsed).unwrap();
        let mut state = MemoryState::new();
        state.apply(writes);
        let (genesis, clock) = (parsed.sha256, Arc::new(SystemClock));
        let pool = Arc::new(Mempool::new(genesis, Limits::default(), Height(1), clock.clone()));
        let blocks = BlockBuilder::new(genesis, Arc::new(LedgerExecutor::NEWEST), clock, Arc::clone(&pool));
        let tip = Tip { height: Height(0), hash: parsed.sha256, time_ms: TimeMs(1_000) };
        Self { parsed, state, tip, pool, blocks }
    }

    fn sign(&self, sender: &str, sequence: u64, payload: impl Into<Payload>) -> Transaction {
        let body = Body {
            genesis: self.parsed.sha256,
            account: account_named(sender),
            sequence,
            valid_until_height: Height(u64::MAX),
            payload: payload.into(),
        };
        Transaction::sign(body, &named(sender))
    }

    fn try_send(&self, sender: &str, sequence: u64, payload: impl Into<Payload>) -> Result<(), Refusal> {
        let bytes = self.sign(sender, sequence, payload).to_canonical();
        let tip = AtTip::new(&LedgerExecutor::NEWEST, &self.state, self.tip.height.next());
        self.pool.submit(bytes, &tip).map(|_| ())
    }

    fn send(&self, sender: &str, sequence: u64, payload: impl Into<Payload>) {
        self.try_send(sender, sequence, payload).unwrap();
    }

    /// Builds and decides the next block; whose transactions it holds.
    fn block(&mut self) -> Vec<String> {
        let state = Arc::new(self.state.clone());
        let validators =
            Arc::new(LedgerExecutor::NEWEST.next_validators(state.as_ref(), self.tip.height).unwrap());
        let proposer = validators.validators()[0].address;
        let following = Arc::clone(&validators);
        let base = Base { tip: self.tip, state, following, validators, misses: Arc::default() };
        let judged = self.blocks.build(&base, proposer).unwrap();
        self.state.apply(judged.outcome.writes.clone());
        let header = &judged.block.header;
        self.tip = Tip { height: header.height, hash: judged.hash, time_ms: header.time_ms };
        self.blocks.decided();
        let settled = self.pool.settled(&judged.block.transactions, &judged.outcome.receipts);
        let next = self.tip.height.next();
        let tip = AtTip::new(&LedgerExecutor::NEWEST, &self.state, next);
        self.pool.after_block(next, BUILDER, &settled, &tip).unwrap();
        judged.block.transactions.iter().map(|bytes| self.name_of(bytes)).collect()
    }

    fn name_of(&self, transaction: &[u8]) -> String {
        let account = Transaction::from_canonical(transaction).unwrap().body.account;
        schema::admitted_member(&self.state, &account).unwrap().unwrap().1.name.to_string()
    }

    fn round(&self, id: u32) -> Option<schema::Round> {
        schema::round(&self.state, RoundId(id)).unwrap()
    }

    /// A class with a pool and its first round open; the sequence numbers that this used are below 10.
    fn open_round(&mut self) {
        let class = DefineClass {
            class: ClassId(1),
            title: Title::new("Devices").unwrap(),
            school_year: SchoolYear(1988),
            kinds: vec![Name::new("reading").unwrap()],
            tier_costs: [10, 20, 40],
            rank_step: 5,
            waitlist_cost: Some(60),
            calendar: Calendar { opens_ms: TimeMs(0), closes_ms: TimeMs(u64::MAX) },
            steward: None,
        };
        let pool = DefinePool {
            pool: PoolId(1),
            class: ClassId(1),
            school: SchoolId(1),
            kind: KindId(0),
            capacity: 5,
            floor: 0,
            unit_cost_cents: Cents(0),
            funder: account_named("honest"),
        };
        self.send("honest", 0, fund());
        self.send("voter-a", 0, class);
        self.block();
        self.send("voter-a", 1, pool);
        self.block();
        self.send("voter-a", 2, OpenRound { class: ClassId(1), extra_request_ms: 0, extra_reveal_ms: 0 });
        self.block();
        assert!(self.round(0).is_some(), "a round is open");
    }

    fn until_it_may_run(&mut self) {
        let (genesis, secret) = (self.parsed.sha256, named("seed").to_bytes());
        let (round, share) = (RoundId(0), seed_share(&secret, &genesis, RoundId(0), 1));
        let commitment = seed_commitment(round, 1, &account_named("seed"), &share);
        self.send("seed", 0, CommitSeed { round, attempt: 1, commitment });
        self.pass_to(Window::Reveals);
        self.send("seed", 1, RevealSeed { round, attempt: 1, secret: share });
        self.pass_to(Window::Closed);
    }

    /// Each block is a day later, since the chain begins in 1970: what is waited for is the number of blocks.
    fn pass_to(&mut self, window: Window) {
        while self.round(0).unwrap().window != window {
            self.block();
        }
    }
}

fn fund() -> FundBudget {
    FundBudget { school_year: SchoolYear(1988), amount_cents: Cents(1) }
}

fn anchor(count: usize, tag: u64) -> AnchorStates {
    let state = |n: usize| {
        let mut handle = [0; 32];
        handle[..8].copy_from_slice(&(n as u64).to_be_bytes());
        handle[8..16].copy_from_slice(&tag.to_be_bytes());
        StudentState {
            handle: Handle(handle),
            version: 1,
            state_hash: Hash([0; 32]),
            home_school: SchoolId(1),
            inputs: vec![],
            commitments: vec![],
            event_watermark: 0,
        }
    };
    let states = (0..count).map(state).collect();
    AnchorStates {
        school_year: SchoolYear(1988),
        parameters: 1,
        model_digest: aula_ledger::twin::TwinParameters::default().digest(),
        states,
    }
}

/// As much as one account can bring in, large pieces first, from this sequence number on; how much that was.
fn flood(world: &World, sender: &str, first: u64) -> u64 {
    let mut sent = 0;
    for size in [9_900, 2_000, 100, 1] {
        while world.try_send(sender, first + sent, anchor(size, sent)).is_ok() {
            sent += 1;
        }
    }
    sent
}

#[test]
fn attack_03_what_waits_behind_a_gap_keeps_nobody_out() {
    let mut world = World::new();
    // Sequence 0 never comes, so nothing of this is ever executed, paid for or on the chain.
    assert!(flood(&world, "district-1", 1) > 0);
    let (_, bytes) = world.pool.size();
    assert!(bytes <= 1024 * 1024, "one account holds {bytes} bytes behind a gap");
    world.send("honest", 0, fund());
    assert_eq!(world.block(), ["honest"]);
}

#[test]
fn attack_03_what_can_be_executed_keeps_nobody_out_either() {
    let mut world = World::new();
    assert!(flood(&world, "district-1", 0) > 1);
    let (_, bytes) = world.pool.size();
    assert!(bytes <= 9 * 1024 * 1024, "one account holds {bytes} bytes");
    world.send("honest", 0, fund());
    assert!(world.block().contains(&"honest".to_owned()));
}

#[test]
fn attack_03_whose_roles_may_not_send_it_is_refused_at_the_door_with_that_code() {
    let world = World::new();
    assert_eq!(world.try_send("reader", 0, anchor(1, 0)), Err(Refusal::Ledger(Code::RoleNotAllowed)));
    assert_eq!(world.try_send("honest", 0, anchor(1, 0)), Err(Refusal::Ledger(Code::RoleNotAllowed)));
    assert_eq!(world.pool.size(), (0, 0));
}

#[test]
fn attack_03_a_vote_removes_the_flooder_while_twenty_accounts_keep_the_pool_full() {
    let mut world = World::new();
    let flooders: Vec<String> = (1..=DISTRICTS).map(|n| format!("district-{n}")).collect();
    for name in &flooders {
        flood(&world, name, 0);
    }
    assert_eq!(world.pool.size().1 / (1024 * 1024), 127, "the pool is full");
    let removed = account_named("district-1");
    let change = Change::RemoveMember { account: removed };
    world.send("voter-a", 0, ProposeChange { change, open_until: Height(1_000) });
    assert!(world.block().contains(&"voter-a".to_owned()));
    for name in ["voter-a", "voter-b", "voter-c"] {
        let sequence = u64::from(name == "voter-a");
        world.send(name, sequence, VoteChange { proposal: ProposalId(0), choice: Choice::Approve });
    }
    let block = world.block();
    assert!(["voter-a", "voter-b", "voter-c"].iter().all(|name| block.contains(&(*name).to_owned())));
    assert!(schema::admitted_member(&world.state, &removed).unwrap().is_none());
    assert_eq!(world.try_send("district-1", 0, anchor(1, 0)), Err(Refusal::Ledger(Code::UnknownAccount)));
    let inner = world.pool.lock();
    assert!(inner.accounts.get(&removed).is_none_or(|entry| entry.waiting.is_empty()), "all of it is gone");
}

#[test]
fn attack_04_runs_of_rounds_that_are_not_there_are_refused_at_the_door() {
    let mut world = World::new();
    for n in 0..100 {
        let refused = world.try_send("hostile", n, RunRound { round: RoundId(77) });
        assert_eq!(refused, Err(Refusal::Ledger(Code::UnknownRound)));
    }
    for n in 0..500 {
        world.send("honest", n, fund());
    }
    assert_eq!(world.block().len(), 500);
}

#[test]
fn attack_04_runs_of_a_round_that_may_run_starve_nobody() {
    let mut world = World::new();
    world.open_round();
    world.until_it_may_run();
    let run = || RunRound { round: RoundId(0) };
    assert_eq!(world.try_send("hostile", 0, run()), Err(Refusal::Ledger(Code::NotSteward)));
    // The class's steward himself.
    let mut sent = 0;
    while world.try_send("voter-a", 3 + sent, run()).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, Limits::default().account_rounds, "a quota an account");
    for n in 1..=500 {
        world.send("honest", n, fund());
    }
    world.send("district-1", 0, anchor(100, 0));
    let block = world.block();
    assert_eq!(block.iter().filter(|name| *name == "honest").count(), 500, "nothing is halved");
    assert!(block.contains(&"district-1".to_owned()));
    assert!(matches!(world.round(0).unwrap().status, RoundStatus::Decided { .. }));
}

#[test]
fn attack_04_two_runs_of_one_round_cost_nobody_a_block() {
    let mut world = World::new();
    world.open_round();
    world.until_it_may_run();
    world.send("voter-a", 3, RunRound { round: RoundId(0) });
    world.send("voter-a", 4, RunRound { round: RoundId(0) });
    for n in 1..=900 {
        world.send("honest", n, fund());
    }
    let block = world.block();
    assert_eq!(block.iter().filter(|name| *name == "honest").count(), 900);
    assert!(block.len() > 900);
    world.block();
    assert_eq!(world.pool.size(), (0, 0));
}

#[test]
fn attack_04_a_lottery_whose_outcome_is_known_cannot_be_kept_out_of_the_blocks() {
    let mut world = World::new();
    world.open_round();
    world.until_it_may_run();
    // Whoever dislikes the draw fills the block's one place for a round, with rounds that do not exist.
    let queued =
        (0..50).filter(|n| world.try_send("hostile", *n, RunRound { round: RoundId(1_000) }).is_ok());
    assert_eq!(queued.count(), 0);
    world.send("voter-a", 3, RunRound { round: RoundId(0) });
    assert_eq!(world.block(), ["voter-a"]);
    assert!(matches!(world.round(0).unwrap().status, RoundStatus::Decided { .. }));
}

fn garbage_requests(round: u32, tag: u64) -> SubmitRequests {
    let request = |n: u64| {
        let mut handle = [0u8; 32];
        handle[..8].copy_from_slice(&n.to_be_bytes());
        handle[8..16].copy_from_slice(&tag.to_be_bytes());
        Request {
            handle: Handle(handle),
            home_school: SchoolId(1),
            band: Band::new(0).unwrap(),
            mandate: Mandate::None,
            kinds: vec![KindId(0)],
            inputs: vec![CommitmentBytes([0; 32])],
        }
    };
    let bytes = [672u32.to_le_bytes().as_slice(), &[0; 672]].concat();
    let proof: ProofBytes = borsh::from_slice(&bytes).unwrap();
    SubmitRequests {
        round: RoundId(round),
        requests: (0..512).map(request).collect(),
        proofs: vec![NeedProof { ranges: vec![proof; 2], flags: vec![] }; 64],
    }
}

#[test]
fn attack_06_batches_for_a_round_that_takes_none_are_refused_at_the_door() {
    let mut world = World::new();
    let unknown = world.try_send("district-1", 0, garbage_requests(u32::MAX, 0));
    assert_eq!(unknown, Err(Refusal::Ledger(Code::UnknownRound)));
    world.open_round();
    world.until_it_may_run();
    let closed = world.try_send("district-1", 0, garbage_requests(0, 0));
    assert_eq!(closed, Err(Refusal::Ledger(Code::RequestsClosed)));
}

#[test]
fn attack_06_garbage_proofs_for_an_open_round_keep_no_other_district_waiting() {
    let mut world = World::new();
    world.open_round();
    let mut sent = 0;
    while world.try_send("district-1", sent, garbage_requests(0, sent)).is_ok() {
        sent += 1;
    }
    assert_eq!(sent, 16, "sixteen blocks' range values an account");
    // What is in a district's batch makes no difference to its turn: these fail as well.
    assert_eq!(world.block(), ["district-1"]);
    for n in 2..=5 {
        world.send(&format!("district-{n}"), 0, garbage_requests(0, 100));
    }
    let blocks: Vec<Vec<String>> = (0..5).map(|_| world.block()).collect();
    // The batch that failed is charged to its account: the others go first, all of them.
    let waited = |n: u16| blocks.iter().position(|block| block.contains(&format!("district-{n}")));
    let mut turns: Vec<Option<usize>> = (2..=5).map(waited).collect();
    turns.sort_unstable();
    assert_eq!(turns, [Some(0), Some(1), Some(2), Some(3)]);
}
