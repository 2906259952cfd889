//! The hardest rounds that the work bound admits, run by a RunRound on four nodes: the block that holds one is decided in round 0,
//! within the time to propose ([`aula_consensus::config::Timeouts`]). On a quiet machine: `scripts/hardest-round.sh`.
//!
//! The rounds are those of the ledger's `tx::tests::work_bound` that take longest there: rows, pairs and scans at the default
//! parameters' limits. Their rows are put into the state directly, as there.
//!
//! Four nodes share this machine. Whoever proposes executes by itself, as everywhere; the three others, who would execute at the same
//! time on machines of their own, execute once between them here. So what is waited for is what a consortium waits for: the block
//! built, and then executed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aula_consensus::executor::LedgerExecutor;
use aula_consensus::ports::{Executor, StoreError};
use aula_ledger::chain::Block;
use aula_ledger::chain::validators::address;
use aula_ledger::code::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::execute::{BlockInput, ExecuteError, Outcome, SignatureMemory};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::names::{Name, Title};
use aula_ledger::params::{MAX_SHARE_PENALTY, Params};
use aula_ledger::proof::bulk_tree::row_hash;
use aula_ledger::state::schema::{
    self, Calendar, Class, ClassTerms, DefineClass, Draw, FairShare, Mandate, Moment, PoolRecord, RequestRow,
    Round, RoundStatus, School, Window,
};
use aula_ledger::state::{Overlay, StateReader};
use aula_ledger::tx::{RunRound, Transaction};
use aula_ledger::types::*;
use sha2::{Digest, Sha256};

use crate::common::{Genesis, Network, Pace, as_the_ledger, validator_key};
use crate::ledger::{network, operator, sign_as};

const SECONDS_60: Duration = Duration::from_secs(60);
const YEAR: SchoolYear = SchoolYear(1988);
const ROUND: RoundId = RoundId(0);
const CLASS: ClassId = ClassId(1);

/// What one of the followers executed, by what it executed.
type Judged = BTreeMap<(Height, TimeMs, Hash, ValidatorAddress, Vec<Vec<u8>>), Outcome>;

/// A node's ledger: its own where it proposes, else the followers' one.
struct Machine {
    own: ValidatorAddress,
    judged: Arc<Mutex<Judged>>,
}

impl Executor for Machine {
    fn execute(
        &self,
        state: &dyn StateReader,
        input: &BlockInput<'_>,
        memory: &dyn SignatureMemory,
    ) -> Result<Outcome, ExecuteError> {
        if input.proposer == self.own {
            return LedgerExecutor::NEWEST.execute(state, input, memory);
        }
        let key = (input.height, input.time_ms, input.parent, input.proposer, input.transactions.to_vec());
        let mut judged = self.judged.lock().unwrap();
        if let Some(outcome) = judged.get(&key) {
            return Ok(outcome.clone());
        }
        let outcome = LedgerExecutor::NEWEST.execute(state, input, memory)?;
        *judged = BTreeMap::from([(key, outcome.clone())]);
        Ok(outcome)
    }

    fn admits(
        &self,
        state: &dyn StateReader,
        transaction: &Transaction,
    ) -> Result<Result<(), Code>, StoreError> {
        LedgerExecutor::NEWEST.admits(state, transaction)
    }

    as_the_ledger!();
}

/// A round to be run.
struct Hard {
    name: &'static str,
    requests: u32,
    /// Schools, each with a pool of every kind.
    schools: u32,
    kinds: u8,
    tier_costs: [u32; 3],
    rank_step: u32,
    waitlist_cost: Option<u32>,
    share: Option<FairShare>,
    /// Capacity of a school's pools, given the even share of all requests.
    places: fn(u32, u32) -> u32,
    /// Students may go to their own school, the next and the one before; else to all.
    path: bool,
}

/// About `pairs` pairs over schools of 32 kinds, each student with an order of its own.
fn wide(name: &'static str, schools: u32, pairs: u32) -> Hard {
    Hard {
        name,
        requests: (pairs / (schools * 32)).min(100_000),
        schools,
        kinds: 32,
        tier_costs: [100, 200, 400],
        rank_step: 250,
        waitlist_cost: None,
        share: None,
        places: |_, each| each,
        path: false,
    }
}

/// Many students of few pools, students beyond their schools' shares with most pools, and a chain of schools through which one link's
/// surplus must travel.
fn hardest() -> Vec<Hard> {
    let pairs = u32::try_from(Params::default().max_round_pairs).unwrap();
    let share = Some(FairShare { penalty: MAX_SHARE_PENALTY, min_share_percent: 100 });
    vec![
        wide("shuffled", 15, pairs),
        Hard {
            waitlist_cost: Some(16_000),
            share,
            places: |_, each| each / 2 + 1,
            ..wide("shares, most pools", 62, pairs)
        },
        Hard {
            requests: Params::default().max_round_requests,
            kinds: 1,
            places: |school, each| if school == 1_999 { each * 2 } else { each },
            path: true,
            ..wide("path", 2_000, pairs)
        },
    ]
}

impl Hard {
    fn pools(&self) -> u32 {
        self.schools * u32::from(self.kinds)
    }

    fn school(&self, number: u32) -> School {
        let (district, kind) = if self.path { (number / 2, number.div_ceil(2)) } else { (number % 8, 0) };
        let district = DistrictId(1_000 + u16::try_from(district).unwrap());
        School::founding(SchoolId(1_000 + number), district, Name::new(&format!("type-{kind}")).unwrap())
    }

    fn pool(&self, school: u32, kind: u8) -> PoolRecord {
        let operator = account_of(&public_key(&operator()));
        PoolRecord {
            pool: PoolId(school * u32::from(self.kinds) + u32::from(kind)),
            class: CLASS,
            school: SchoolId(1_000 + school),
            kind: KindId(kind),
            capacity: (self.places)(school, self.requests / self.pools() + 1),
            floor: 0,
            unit_cost_cents: Cents(1),
            funder: operator,
            steward: operator,
            defined: Height(0),
            retired: None,
        }
    }

    fn class(&self) -> Class {
        let definition = DefineClass {
            class: CLASS,
            title: Title::new("Learning devices").unwrap(),
            school_year: YEAR,
            kinds: (0..self.kinds).map(|kind| Name::new(&format!("kind-{kind}")).unwrap()).collect(),
            tier_costs: self.tier_costs,
            rank_step: self.rank_step,
            waitlist_cost: self.waitlist_cost,
            calendar: Calendar { opens_ms: TimeMs(0), closes_ms: TimeMs(u64::MAX) },
            steward: None,
        };
        Class {
            definition,
            steward: account_of(&public_key(&operator())),
            terms: self.terms(),
            pools: self.pools(),
            retired: 0,
            open_round: Some(ROUND),
            standing_round: None,
            opened_ms: None,
            last_draw: None,
        }
    }

    fn terms(&self) -> ClassTerms {
        ClassTerms { fair_share: self.share, ..ClassTerms::default() }
    }

    /// Open, with its reveals closed.
    fn round(&self) -> Round {
        let begin = Moment { height: Height(0), time_ms: TimeMs(1) };
        Round {
            round: ROUND,
            class: CLASS,
            school_year: YEAR,
            opened: begin.height,
            opened_ms: begin.time_ms,
            request_window_ms: 10_000,
            reveal_window_ms: 4_000,
            attempt: 1,
            window: Window::Closed,
            since: begin,
            ends: begin,
            requests_until: Some(begin.height),
            follows: None,
            parameters: 1,
            equity: 1_000,
            terms: self.terms(),
            requests: self.requests,
            pairs: u64::from(self.requests) * u64::from(if self.path { 3 } else { self.pools() }),
            status: RoundStatus::Open,
        }
    }

    fn request(&self, number: u32) -> RequestRow {
        RequestRow {
            district: DistrictId(1),
            handle: Handle(Sha256::digest(number.to_le_bytes()).into()),
            home_school: SchoolId(1_000 + number % self.schools),
            band: Band::new((number / 7 % 10) as u8).unwrap(),
            mandate: Mandate::None,
            kinds: self.order(number).into_iter().map(KindId).collect(),
            state_row: row_hash(&number.to_le_bytes()),
            inputs: vec![CommitmentBytes([1; 32])],
        }
    }

    /// The kinds that a student wants, each student's in an order of its own.
    fn order(&self, number: u32) -> Vec<u8> {
        let place = |kind: u8| (number * 32 + u32::from(kind)).wrapping_mul(0x9E37_79B9) >> 7;
        let mut kinds: Vec<(u32, u8)> = (0..self.kinds).map(|kind| (place(kind), kind)).collect();
        kinds.sort_unstable();
        kinds.into_iter().map(|(_, kind)| kind).collect()
    }

    /// Puts it into the state that the network begins with. The authenticated map has none of it, which nobody asks for here.
    fn begin(&self, network: &mut Network) {
        let mut state = network.genesis.state.clone();
        let mut overlay = Overlay::new(&network.genesis.state);
        for number in 0..self.schools {
            let school = self.school(number);
            schema::write(&mut overlay, schema::school_key(school.id), &school);
            for kind in 0..self.kinds {
                let pool = self.pool(number, kind);
                schema::write(&mut overlay, schema::pool_key(CLASS, pool.pool), &pool);
            }
        }
        schema::write(&mut overlay, schema::class_key(CLASS), &self.class());
        schema::write(&mut overlay, schema::round_key(ROUND), &self.round());
        let requests = schema::requests_tree(ROUND);
        for number in 0..self.requests {
            let row = self.request(number);
            overlay.put_row(&requests, row.key(), row.to_canonical());
        }
        let draw = Draw {
            round: ROUND,
            requests: overlay.tree_head(&requests).unwrap().root,
            seed: Hash([5; 32]),
            source: ROUND,
            attempt: 1,
            number: 1,
            previous: None,
            revealed: Vec::new(),
            withheld: Vec::new(),
        };
        schema::write(&mut overlay, schema::draw_key(ROUND), &draw);
        let (_, mut writes) = overlay.finish(Height(1)).unwrap();
        writes.map_nodes.clear();
        writes.stale_map_nodes.clear();
        state.apply(writes);
        let begun = Genesis { state, ..network.genesis.clone() };
        network.begin_at(begun);
    }
}

/// Runs the round on four nodes, and gives the round of consensus in which its block was decided.
async fn decided_in(hard: &Hard) -> u32 {
    let mut network = network();
    network.pace = Pace::Shipped;
    hard.begin(&mut network);
    let judged = Arc::new(Mutex::new(Judged::new()));
    for node in &mut network.nodes {
        let own = address(&public_key(&validator_key(node.number)));
        node.executor = Some(Arc::new(Machine { own, judged: judged.clone() }));
    }
    for n in 0..4 {
        network.start(n).await;
    }
    network.reach(&[0, 1, 2, 3], 3, SECONDS_60).await;
    for n in 0..4 {
        network.connected(n, 3).await;
    }
    let run = sign_as(&network, &operator(), 0, RunRound { round: ROUND }.into());
    let before = network.height(0);
    let took = network.send(0, &run).await;
    let bytes = run.to_canonical();
    let found = (before..=network.height(0)).find_map(|height| {
        let decided = network.nodes[0].store.decided_at(height)?;
        let block = Block::from_canonical(&decided.block).unwrap();
        block.transactions.contains(&bytes).then_some((height, decided.certificate.round))
    });
    let (height, round) = found.expect("the block with the round");
    network.reach(&[0, 1, 2, 3], height + 1, SECONDS_60).await;
    let state = network.nodes[0].store.state().unwrap();
    let (decision, refused) =
        (schema::decision(&*state, ROUND).unwrap(), schema::refused_run(&*state, ROUND).unwrap());
    let told = match (&decision, &refused) {
        (Some(decision), _) => format!("work {}", decision.work),
        (None, Some(refused)) => format!("{:?}", refused.code),
        (None, None) => panic!("{}: the optimizer did not run", hard.name),
    };
    println!(
        "measured: {:<20} {} requests, {} pools: decided in round {round} of height {height}, {} ms from submit, {told}",
        hard.name,
        hard.requests,
        hard.pools(),
        took.as_millis()
    );
    network.stop_all().await;
    round
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute on a quiet machine; scripts/hardest-round.sh"]
async fn the_hardest_admitted_rounds_are_decided_in_round_0() {
    for hard in hardest() {
        assert_eq!(decided_in(&hard).await, 0, "{}", hard.name);
    }
}
