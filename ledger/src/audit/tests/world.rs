//! A chain of four validators that signs what it decides, with one round decided and a validator added.

use std::collections::BTreeMap;

use aula_allocation::certificate::Certificate;
use aula_allocation::{Limits, Solution, solve};
use ed25519_dalek::SigningKey;

use crate::audit::{Archive, Body, Collector};
use crate::chain::{CommitCertificate, Header, ValidatorSet, Vote, VoteType, validators};
use crate::code::Code;
use crate::codec::Canonical;
use crate::genesis::Genesis;
use crate::keys::{Label, public_key, sign};
use crate::params::FAIRNESS_WORK_SHARE;
use crate::proof::merkle;
use crate::protocol::Protocol;
use crate::rounds::{self, RoundInputs};
use crate::state::schema::{ChainRecord, Decision, PoolPrice, StoredCertificate, StoredPlain, Window};
use crate::state::{Overlay, StateReader, StoreError, schema};
use crate::testkit::{self, Chain, account, key, listen, name, peer, seeds, title};
use crate::tx::{
    Change, Choice, FairShare, FundBudget, Mandate, MilestoneKind, Payload, ProposeChange, RecordMilestone,
    VoteChange,
};
use crate::types::{Cents, Hash, Height, ProposalId, RoundId, ValidatorAddress};

/// The chain and its signed blocks.
#[derive(Clone)]
pub struct World {
    pub chain: Chain,
    pub genesis: Vec<u8>,
    pub blocks: BTreeMap<Height, (Header, CommitCertificate)>,
    pub bodies: BTreeMap<Height, Body>,
    signers: BTreeMap<ValidatorAddress, SigningKey>,
}

impl Archive for World {
    fn signed_header(&self, height: Height) -> Result<Option<(Header, CommitCertificate)>, StoreError> {
        Ok(self.blocks.get(&height).cloned())
    }

    fn body(&self, height: Height) -> Result<Option<Body>, StoreError> {
        Ok(self.bodies.get(&height).cloned())
    }
}

impl World {
    /// At genesis.
    pub fn named(chain: &str) -> Self {
        Self::with(chain, |_| {})
    }

    /// At a changed genesis.
    pub fn with(chain: &str, change: impl FnOnce(&mut Genesis)) -> Self {
        let mut genesis = testkit::genesis();
        genesis.name = name(chain);
        change(&mut genesis);
        genesis.validators = seeds::genesis_of(4).validators;
        let signer = |number| {
            let key = key(&format!("validator-{number}"));
            (validators::address(&public_key(&key)), key)
        };
        Self {
            genesis: genesis.to_json().expect("a genesis"),
            chain: Chain::of(genesis),
            blocks: BTreeMap::new(),
            bodies: BTreeMap::new(),
            signers: (1..=5).map(signer).collect(),
        }
    }

    /// Round 0 decided, then a fifth validator in force, then an idle block.
    pub fn decided() -> Self {
        Self::decided_as("audited")
    }

    pub fn decided_as(chain: &str) -> Self {
        Self::decided_on(Self::named(chain))
    }

    /// At a changed genesis.
    pub fn decided_with(change: impl FnOnce(&mut Genesis)) -> Self {
        Self::decided_on(Self::with("audited", change))
    }

    /// A round in which district 2 has copied two of district 1's handles and asked first, and an entry of district 1's
    /// batch was refused.
    pub fn copied() -> Self {
        let mut world = Self::named("copied");
        world.prepare();
        world.accept("district-2", testkit::anchor(3..5, 22));
        world.accept("voter-a", testkit::open(1));
        let ask = |number: u32, school| {
            testkit::request(number, school, testkit::band_of(number), Mandate::None, &[0, 1])
        };
        let copies = testkit::submit(&world.chain, 0, (3..5).map(|number| ask(number, 22)).collect());
        world.accept("district-2", copies);
        let mut batch = testkit::submit(&world.chain, 0, (0..10).map(|number| ask(number, 11)).collect());
        batch.requests[0].home_school = crate::types::SchoolId(12);
        world.accept("district-1", batch);
        world.draw(0, &["seed-1", "seed-2"], &[]);
        world.accept("voter-a", testkit::run(0));
        world.block(None);
        world
    }

    /// The same round with a fair share of places by school.
    pub fn shared() -> Self {
        let mut world = Self::named("shared");
        world.prepare();
        let share = FairShare { penalty: 2_000, min_share_percent: 30 };
        world.accept("voter-a", testkit::terms(1, Some(share), None));
        world.round();
        world.block(None);
        world
    }

    /// The same round with a result that is a little worse than the optimum, as a solver that ran out of work leaves it.
    pub fn with_a_gap() -> Self {
        let mut world = Self::named("gap");
        world.prepare();
        world.round();
        let inputs = world.inputs();
        let problem = inputs.problem().expect("a problem");
        let mut solution = solve(&problem, &Limits::default()).expect("a solution");
        let cost = |student: usize, pool: u32| problem.cost(student, pool).map(i64::from);
        let worst =
            |student: usize| problem.row(student).map(|entry| i64::from(entry.cost)).max().unwrap_or(0);
        let room = (0..problem.students()).map(worst).sum::<i64>() - solution.objective;
        let students = 0..problem.students();
        let swaps = students.clone().flat_map(|one| students.clone().map(move |other| (one, other)));
        let lost = |(one, other): (usize, usize)| {
            let (here, there) = (solution.assignment[one], solution.assignment[other]);
            let after = cost(one, there)? + cost(other, here)?;
            Some((after - cost(one, here)? - cost(other, there)?, one, other)).filter(|(lost, ..)| *lost > 0)
        };
        let (lost, one, other) = swaps.filter_map(lost).min().expect("a worse assignment");
        solution.assignment.swap(one, other);
        let gap_ppm = u32::try_from((lost * 1_000_000 + room - 1) / room).expect("a gap");
        assert!(gap_ppm <= 3_000, "{gap_ppm}");
        let objective = solution.objective + lost;
        solution.certificate = Certificate { objective, gap_ppm, draw: None, ..solution.certificate };
        solution.published.iter_mut().for_each(|price| *price = None);
        world.redecide(&inputs, Solution { objective, gap_ppm, ..solution });
        world.block(None);
        world
    }

    /// What round 0 was decided from.
    pub fn inputs(&self) -> RoundInputs {
        let (state, label) = (&self.chain.state, schema::requests_tree(RoundId(0)));
        let round = schema::round(state, RoundId(0)).expect("a store").expect("a round");
        let class = schema::class(state, round.class).expect("a store").expect("a class");
        let draw = schema::draw(state, RoundId(0)).expect("a store").expect("a draw");
        let rows = state.rows(&label).expect("a store");
        let schools = schema::schools(state).expect("a store");
        RoundInputs {
            definition: class.definition,
            equity: round.equity,
            terms: round.terms,
            pools: schema::pools(state, round.class).expect("a store"),
            schools: schools.into_iter().map(|school| (school.id, school)).collect(),
            requests: rounds::requests_in_order(&rows).expect("rows"),
            seed: draw.seed,
        }
    }

    /// Puts another result in the place of round 0's decision, all its records made as the ledger makes them.
    pub fn redecide(&mut self, inputs: &RoundInputs, result: Solution) {
        let id = RoundId(0);
        let before = schema::decision(&self.chain.state, id).expect("a store").expect("a decision");
        let problem = inputs.problem().expect("a problem");
        let rows = inputs.decisions(&result.assignment).expect("decisions");
        let work = before.max_work / FAIRNESS_WORK_SHARE;
        let solved = inputs.at_equity_0(&problem, work).expect("people");
        let figures = inputs.figures(&problem, &result.assignment, solved.as_ref(), work).expect("figures");
        let stored = StoredCertificate { bytes: borsh::to_vec(&result.certificate).expect("bytes") };
        let used = |at: usize| result.assignment.iter().filter(|pool| **pool as usize == at).count() as u32;
        let prices = inputs.pools.iter().zip(&result.published).enumerate();
        let prices =
            prices.map(|(at, (pool, price))| PoolPrice { pool: pool.pool, price: *price, used: used(at) });
        let mut decision = Decision {
            objective: result.objective,
            dual: result.dual,
            gap_ppm: result.gap_ppm,
            certificate_sha256: crate::audit::sha256(&stored.bytes),
            prices: prices.collect(),
            report: inputs.report(&rows),
            ..before
        };
        self.lie(|overlay| {
            let label = schema::decisions_tree(id);
            for (key, row) in inputs.keyed(&rows) {
                overlay.put_row(&label, key, row.to_canonical());
            }
            decision.decisions = overlay.tree_head(&label).expect("a store");
            let report = rounds::published(&figures, &decision, 10);
            schema::write(overlay, schema::decision_key(id), &decision);
            schema::write(overlay, schema::certificate_key(id), &stored);
            schema::write(overlay, schema::plain_key(id), &StoredPlain { solved });
            schema::write(overlay, schema::report_key(id), &report);
        });
    }

    /// The class's next round, of four students.
    pub fn another_round(&mut self) {
        self.accept("voter-a", testkit::open(1));
        let ask =
            |number: u32| testkit::request(number, 11, testkit::band_of(number), Mandate::None, &[0, 1]);
        let batch = testkit::submit(&self.chain, 1, (0..4).map(ask).collect());
        self.accept("district-1", batch);
        self.draw(1, &["seed-1", "seed-2"], &[]);
        self.accept("voter-a", testkit::run(1));
        self.block(None);
    }

    fn decided_on(mut world: Self) -> Self {
        world.prepare();
        world.round();
        world.add_validator();
        // A budget of another year, stated without a floor.
        let year = crate::types::SchoolYear(testkit::YEAR.0 + 1);
        world.accept("funder", FundBudget { school_year: year, amount_cents: Cents(5_000) });
        let lines = [(11, 3_000), (12, 2_000)];
        let stated = testkit::money::stated_for(&world.chain.parsed.sha256, year, &lines, 5_000);
        world.accept("funder", stated);
        world.accept("funder-b", testkit::fund(1));
        world.block(None);
        world
    }

    /// The newest block with a transaction: an act of a funder, after the change of the validators.
    pub fn newest_act(&self) -> Height {
        let mut acts = self.bodies.iter().filter(|(_, body)| !body.0.is_empty());
        *acts.next_back().expect("an act").0
    }

    /// What [`testkit::prepare`] does, with signed blocks; a floor, and students of two districts.
    pub fn prepare(&mut self) {
        self.accept("funder", testkit::fund(100_000));
        self.accept("funder-b", testkit::fund(50_000));
        self.accept("voter-a", testkit::class(1));
        self.accept("funder", testkit::grant(1, "voter-a", 100_000));
        self.accept("funder-b", testkit::grant(1, "voter-a", 50_000));
        let mut pools = [
            testkit::pool(1, 1, 11, 0, 3),
            testkit::pool(2, 1, 11, 1, 2),
            testkit::pool(3, 1, 21, 0, 2),
            testkit::pool(4, 1, 12, 1, 4),
        ];
        pools[2].floor = 1;
        pools[3].funder = account("funder-b");
        for pool in pools {
            self.accept("voter-a", pool);
        }
        self.accept("district-1", testkit::anchor(0..12, 11));
        self.accept("district-2", testkit::anchor(20..26, 21));
        // A student with a real state, to open fields of.
        self.accept("district-1", super::disclosure::anchored(1));
        self.accept("district-1", super::reads::anchored(self.chain.parsed.sha256));
        let (kind, evidence) = (MilestoneKind::GradeCompleted, Hash([7; 32]));
        let (school_year, handle) = (testkit::YEAR, testkit::handle(3));
        let mastery = None;
        self.accept(
            "district-1",
            RecordMilestone { school_year, handle, number: 0, kind, evidence, supersedes: None, mastery },
        );
    }

    fn round(&mut self) {
        let round = RoundId(0);
        self.accept("voter-a", testkit::open(1));
        let request = |number: u32, school, mandate| {
            let kinds: &[u8] = if number.is_multiple_of(3) { &[1, 0] } else { &[0, 1] };
            testkit::request(number, school, (number % 10) as u8, mandate, kinds)
        };
        let mandate = |number: u32| if number.is_multiple_of(5) { Mandate::Mandated } else { Mandate::None };
        let first = (0..12).map(|number| request(number, 11, mandate(number))).collect();
        self.accept("district-1", testkit::submit(&self.chain, 0, first));
        let second = (20..26).map(|number| request(number, 21, Mandate::None)).collect();
        self.accept("district-2", testkit::submit(&self.chain, 0, second));
        // One node withholds its share, another takes no part.
        self.draw(0, &["seed-1", "seed-2"], &["seed-3"]);
        self.accept("voter-a", testkit::run(0));
        let stated = testkit::money::stated(&self.chain.parsed.sha256, &testkit::money::AMOUNTS, 100_000);
        self.accept("funder", stated);
        let weights = testkit::money::weights_of(&self.chain, round);
        // School 21 got 19,999 cents for six pupils of a weight of at most 169.
        self.accept("funder", testkit::money::floor_stated(&self.chain, &weights, 15));
    }

    /// Some nodes commit and reveal, others commit alone, and the windows of a round pass.
    pub fn draw(&mut self, round: u32, reveal: &[&str], withhold: &[&str]) {
        let (genesis, attempt) = (self.chain.parsed.sha256, self.chain.round(round).attempt);
        for node in reveal.iter().chain(withhold) {
            self.accept(node, seeds::commit(&genesis, node, round, attempt));
        }
        self.pass_to(round, Window::Reveals);
        for node in reveal {
            self.accept(node, seeds::reveal(&genesis, node, round, attempt));
        }
        self.pass_to(round, Window::Closed);
    }

    fn pass_to(&mut self, round: u32, window: Window) {
        while self.chain.round(round).window != window {
            self.block(None);
        }
    }

    /// The three voters take a round's decision back.
    pub fn revert(&mut self, round: u32) {
        self.agree(testkit::reverting(round));
    }

    /// The three voters agree on a change.
    pub fn agree(&mut self, change: Change) {
        let proposal = schema::counters(&self.chain.state).expect("a store").next_proposal;
        let open_until = Height(self.chain.height.0 + 50);
        self.accept("voter-a", ProposeChange { change, open_until });
        for voter in ["voter-a", "voter-b", "voter-c"] {
            self.accept(voter, VoteChange { proposal: ProposalId(proposal), choice: Choice::Approve });
        }
    }

    fn add_validator(&mut self) {
        let admit = Change::AdmitPeer { peer_id: peer(5), listen: listen(), operator: account("voter-a") };
        let add = Change::AddValidator {
            name: name("validator-5"),
            public_key: public_key(&key("validator-5")),
            power: 1,
            operator: account("voter-a"),
            peer_id: peer(5),
            seed_key: public_key(&key("seed-5")),
        };
        self.agree(admit);
        self.agree(add);
        self.advance_to(Height(self.chain.height.0 + 3));
    }

    /// The chain goes on by protocol 2.
    pub fn upgrade(&mut self) {
        let height = Height(self.chain.height.0 + 10);
        self.agree(Change::SwitchProtocol { protocol: Protocol(2), height, program: title("0.2.0") });
        self.advance_to(height.next());
    }

    pub fn accept(&mut self, sender: &str, payload: impl Into<Payload>) {
        let transaction = self.chain.transaction(sender, 0, payload.into());
        let code = self.block(Some(transaction.to_canonical()));
        assert_eq!(code, Some(Code::Accepted), "{sender}: {:?}", code.map(Code::explain));
    }

    pub fn advance_to(&mut self, height: Height) {
        while self.chain.height < height {
            self.block(None);
        }
    }

    /// Executes, keeps and signs a block; gives its transaction's code.
    pub fn block(&mut self, transaction: Option<Vec<u8>>) -> Option<Code> {
        let transactions: Vec<Vec<u8>> = transaction.into_iter().collect();
        let outcome = self.chain.block(&transactions);
        let code = outcome.receipts.first().map(|receipt| receipt.code);
        self.bodies.insert(outcome.header.height, (transactions, outcome.receipts));
        let certificate = self.certify(&outcome.header);
        self.blocks.insert(outcome.header.height, (outcome.header, certificate));
        code
    }

    /// A block in which more than two thirds of the validators agree on a state that no transaction gives: what
    /// `change` writes on top of an empty block.
    pub fn lie(&mut self, change: impl FnOnce(&mut Overlay<'_>)) {
        self.lie_with((Vec::new(), Vec::new()), change);
    }

    /// The same with a body of their own making.
    pub fn lie_with(&mut self, body: Body, change: impl FnOnce(&mut Overlay<'_>)) {
        let mut outcome = self.chain.try_block(&[]).expect("an empty block");
        let state = self.chain.state.clone();
        let mut overlay = Overlay::new(&state);
        for (key, value) in outcome.writes.values {
            overlay.put(key, value.expect("an empty block deletes nothing"));
        }
        change(&mut overlay);
        let record: ChainRecord = overlay
            .get(&schema::chain_key())
            .ok()
            .flatten()
            .and_then(|bytes| schema::decode(&bytes).ok())
            .expect("the chain's record");
        let (state_root, writes) = overlay.finish(outcome.header.height).expect("a state");
        let transactions = merkle::head(&body.0);
        let receipts = merkle::head(body.1.iter().map(Canonical::to_canonical));
        let time_ms = record.time_ms;
        outcome.header = Header { state_root, transactions, receipts, time_ms, ..outcome.header };
        outcome.writes = writes;
        self.chain.keep(&outcome);
        self.bodies.insert(outcome.header.height, body);
        let certificate = self.certify(&outcome.header);
        self.blocks.insert(outcome.header.height, (outcome.header, certificate));
    }

    /// Precommits of all but one of the set that decides this header (all, if it has fewer than four).
    fn certify(&self, header: &Header) -> CommitCertificate {
        let set = schema::validator_schedule(&self.chain.state).expect("a schedule").now;
        self.certify_by(header, &set)
    }

    /// The same of any set of validators whose keys are known here.
    pub fn certify_by(&self, header: &Header, set: &ValidatorSet) -> CommitCertificate {
        assert_eq!(set.hash(), header.validators_hash);
        let all = set.validators();
        let signatures = all.iter().skip(usize::from(all.len() > 3)).map(|validator| {
            let vote = Vote {
                genesis: header.genesis,
                vote_type: VoteType::Precommit,
                height: header.height,
                round: 1,
                block_hash: Some(header.hash()),
                validator: validator.address,
            };
            (validator.address, sign(&self.signers[&validator.address], Label::Vote, &vote.to_canonical()))
        });
        CommitCertificate {
            height: header.height,
            round: 1,
            block_hash: header.hash(),
            signatures: signatures.collect(),
        }
    }

    pub fn collector(&self, waypoints: &[Height]) -> Collector<'_> {
        Collector::new(&self.chain.state, self, waypoints).expect("evidence")
    }
}
