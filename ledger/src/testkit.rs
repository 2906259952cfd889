//! A small consortium on a state in memory, for tests: send a payload, get its receipt.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aula_zk::{Opening, StudentSecret};
use ed25519_dalek::SigningKey;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

use crate::access::{ConsentChoice, Purpose};
use crate::code::Code;
use crate::codec::Canonical;
use crate::execute::{BlockInput, ExecuteError, Outcome, VerifyAll, execute_block, time};
use crate::genesis::{
    Genesis, GenesisDistrict, GenesisMember, GenesisSchool, GenesisValidator, Parsed, genesis_state,
};
use crate::keys::{account_of, public_key};
use crate::names::{ListenHint, Name, PeerName, Title};
use crate::params::Params;
use crate::proof::committed::{BAND_GROUP, CommittedField, FieldCommitment, ProofBytes, mastery_statement};
use crate::proof::consistency;
use crate::proof::merkle::{head_of_hashes, leaf_hash};
use crate::proof::need::{NeedClaim, NeedProof, NeedStatement};
use crate::protocol::Protocol;
use crate::roles::{Role, RoleSet};
use crate::rounds::sample::{asked, audit_sample};
use crate::state::schema;
use crate::state::{MemoryState, StateReader};
use crate::twin::NeedRule;
use crate::tx::{
    Acknowledge, AnchorStates, Arrival, Cadence, Calendar, Change, Choice, Claims, ClassTerms, ConsentEntry,
    DefineClass, DefinePool, FairShare, FundBudget, GrantBudget, Mandate, MasteryProof, OpenRound, Payload,
    ProposeChange, RecordAccess, RecordAudit, RecordConsent, RecordErasure, RecordsSay, Replay, Request,
    RunRound, SetClassTerms, StudentState, SubmitRequests, VoteChange,
};
use crate::tx::{Body, Receipt, Transaction};
use crate::types::*;

pub mod consortia;
pub mod money;
pub mod seeds;

/// The school year of all tests.
pub const YEAR: SchoolYear = SchoolYear(1988);

/// A key that depends on its name alone.
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(name).into())
}

/// The account of a member of the test consortium.
pub fn account(name: &str) -> AccountId {
    account_of(&public_key(&key(name)))
}

pub fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub fn title(text: &str) -> Title {
    Title::new(text).expect("a title")
}

pub fn peer(number: u8) -> PeerName {
    PeerName::new(&format!("12D3KooW{:0>40}", number)).expect("a peer")
}

pub fn listen() -> ListenHint {
    ListenHint::new("/ip4/127.0.0.1/tcp/27000").expect("a multiaddr")
}

pub fn handle(number: u32) -> Handle {
    Handle(Sha256::digest(number.to_le_bytes()).into())
}

fn member(text: &str, roles: &[Role], district: Option<u16>, school: Option<u32>) -> GenesisMember {
    GenesisMember {
        name: name(text),
        roles: RoleSet::of(roles),
        public_key: public_key(&key(text)),
        district: district.map(DistrictId),
        school: school.map(SchoolId),
    }
}

/// Three voters, two districts with two schools each, two funders, a school, a reader; one validator.
pub fn genesis() -> Genesis {
    let school = |id, district, kind| GenesisSchool::unnamed(SchoolId(id), DistrictId(district), name(kind));
    Genesis {
        name: name("test"),
        time_ms: TimeMs(1_000),
        protocol: Protocol::FIRST,
        params: Params {
            first_school_year: YEAR.0 - 1,
            last_school_year: YEAR.0 + 1,
            request_window_ms: 10_000,
            reveal_window_ms: 4_000,
            ..Params::default()
        },
        members: vec![
            member("voter-a", &[Role::Consortium], None, None),
            member("voter-b", &[Role::Consortium], None, None),
            member("voter-c", &[Role::Consortium], None, None),
            member("district-1", &[Role::District], Some(1), None),
            member("district-2", &[Role::District], Some(2), None),
            member("funder", &[Role::Funder], None, None),
            member("funder-b", &[Role::Funder], None, None),
            member("school-11", &[Role::School], Some(1), Some(11)),
            member("reader", &[Role::Reader], None, None),
            member("auditor", &[Role::Auditor], None, None),
        ],
        validators: vec![GenesisValidator {
            name: name("validator-1"),
            operator: name("voter-a"),
            public_key: public_key(&key("validator-1")),
            power: 1,
            peer_id: peer(1),
            listen: listen(),
            seed_key: public_key(&key("seed-1")),
        }],
        districts: (1..=2u16)
            .map(|id| GenesisDistrict { id: DistrictId(id), name: title(&format!("District {id}")) })
            .collect(),
        schools: vec![
            school(11, 1, "rural"),
            school(12, 1, "urban"),
            school(21, 2, "rural"),
            school(22, 2, "inner-city"),
        ],
        twin: crate::twin::TwinParameters::default(),
        sources: vec![],
    }
}

/// A chain that executes and keeps every block it is given.
#[derive(Clone)]
pub struct Chain {
    pub parsed: Parsed,
    pub state: MemoryState,
    pub height: Height,
    pub parent: Hash,
    /// Keys that were rotated.
    pub keys: BTreeMap<String, SigningKey>,
    /// Who proposes the next blocks; no validator at first.
    pub proposer: ValidatorAddress,
}

impl Chain {
    pub fn new() -> Self {
        Self::of(genesis())
    }

    pub fn with_params(change: impl FnOnce(&mut Params)) -> Self {
        let mut genesis = genesis();
        change(&mut genesis.params);
        Self::of(genesis)
    }

    pub fn of(genesis: Genesis) -> Self {
        let parsed = Genesis::parse(&genesis.to_json().expect("a genesis")).expect("it parses");
        let (writes, _) = genesis_state(&parsed).expect("a state");
        let mut state = MemoryState::new();
        state.apply(writes);
        let proposer = ValidatorAddress([7; 20]);
        Self { parent: parsed.sha256, parsed, state, height: Height(0), keys: BTreeMap::new(), proposer }
    }

    pub fn sequence(&self, sender: &str) -> u64 {
        let found = schema::account(&self.state, &account(sender)).expect("a store");
        found.map_or(0, |account| account.sequence)
    }

    /// A signed transaction with the sender's sequence plus `ahead`.
    pub fn transaction(&self, sender: &str, ahead: u64, payload: Payload) -> Transaction {
        let body = Body {
            genesis: self.parsed.sha256,
            account: account(sender),
            sequence: self.sequence(sender) + ahead,
            valid_until_height: Height(self.height.0 + 100),
            payload,
        };
        Transaction::sign(body, self.keys.get(sender).unwrap_or(&key(sender)))
    }

    /// Executes a block of these bytes without keeping it.
    pub fn try_block(&self, transactions: &[Vec<u8>]) -> Result<Outcome, ExecuteError> {
        let last = schema::chain(&self.state).expect("a store").time_ms;
        self.try_block_at(TimeMs(((self.height.0 + 2) * 1_000).max(last.0 + 1)), transactions)
    }

    pub fn try_block_at(&self, time_ms: TimeMs, transactions: &[Vec<u8>]) -> Result<Outcome, ExecuteError> {
        let input = BlockInput {
            genesis: &self.parsed.sha256,
            height: self.height.next(),
            time_ms,
            parent: self.parent,
            proposer: self.proposer,
            transactions,
        };
        execute_block(&self.state, &input, &VerifyAll)
    }

    /// Empty blocks, each as late as it may be, until one at `time_ms` may follow.
    pub fn pass_towards(&mut self, time_ms: TimeMs) {
        loop {
            let latest = time::latest_after(schema::chain(&self.state).expect("a store").time_ms);
            if time_ms <= latest {
                return;
            }
            let outcome = self.try_block_at(latest, &[]).expect("a valid block");
            self.keep(&outcome);
        }
    }

    /// Executes and keeps a block.
    pub fn block(&mut self, transactions: &[Vec<u8>]) -> Outcome {
        let outcome = self.try_block(transactions).expect("a valid block");
        self.keep(&outcome);
        outcome
    }

    pub fn keep(&mut self, outcome: &Outcome) {
        self.state.apply(outcome.writes.clone());
        self.height = outcome.header.height;
        self.parent = outcome.header.hash();
    }

    /// One transaction in a block of its own; kept.
    pub fn send(&mut self, sender: &str, payload: impl Into<Payload>) -> Receipt {
        let bytes = self.transaction(sender, 0, payload.into()).to_canonical();
        self.block(&[bytes]).receipts.remove(0)
    }

    /// As [`Chain::send`], and it must be accepted.
    pub fn accept(&mut self, sender: &str, payload: impl Into<Payload>) -> Receipt {
        let receipt = self.send(sender, payload);
        assert_eq!(receipt.code, Code::Accepted, "{}", receipt.code.explain());
        receipt
    }

    /// The three voters agree on a change; gives the receipt of the vote that applies it.
    pub fn agree(&mut self, change: Change) -> Receipt {
        let proposal = ProposalId(schema::counters(&self.state).expect("a store").next_proposal);
        let open_until = Height(self.height.0 + 50);
        self.accept("voter-a", ProposeChange { change, open_until });
        let vote = |voter: &str, chain: &mut Self| {
            chain.accept(voter, VoteChange { proposal, choice: Choice::Approve })
        };
        vote("voter-a", self);
        vote("voter-b", self);
        vote("voter-c", self)
    }

    /// Takes a round's decision back, by vote.
    pub fn revert(&mut self, round: u32) -> Receipt {
        self.agree(reverting(round))
    }

    /// Empty blocks until `height` is kept.
    pub fn advance_to(&mut self, height: Height) {
        while self.height < height {
            self.block(&[]);
        }
    }
}

pub fn state_of(number: u32, school: u32, version: u32) -> StudentState {
    StudentState {
        handle: handle(number),
        version,
        state_hash: Hash([version as u8; 32]),
        home_school: SchoolId(school),
        inputs: vec![committed(number, CommittedField::Input(0)).commitment],
        commitments: vec![committed(number, SKILL)],
        event_watermark: 10,
    }
}

/// An anchor of these students, at version 1, all at one school.
pub fn anchor(numbers: impl IntoIterator<Item = u32>, school: u32) -> AnchorStates {
    anchor_version(numbers, school, 1)
}

pub fn anchor_version(numbers: impl IntoIterator<Item = u32>, school: u32, version: u32) -> AnchorStates {
    let mut states: Vec<StudentState> = numbers.into_iter().map(|n| state_of(n, school, version)).collect();
    states.sort_by_key(|state| state.handle);
    AnchorStates {
        school_year: YEAR,
        parameters: 1,
        model_digest: crate::twin::TwinParameters::default().digest(),
        states,
    }
}

/// An anchor of an access log of `size` entries, proved against its first `old`.
pub fn access(size: u64, old: u64) -> RecordAccess {
    let hashes: Vec<Hash> = (0..size).map(|n| leaf_hash(&n.to_le_bytes())).collect();
    let consistency = consistency::path(&hashes, old).expect("fewer entries");
    RecordAccess { epoch: 0, log_size: size, root: head_of_hashes(&hashes).root, consistency }
}

/// The same word of these students' families.
pub fn consent(choice: ConsentChoice, numbers: impl IntoIterator<Item = u32>) -> RecordConsent {
    let entry = |n| ConsentEntry { handle: handle(n), evidence: Hash([6; 32]) };
    let mut entries: Vec<ConsentEntry> = numbers.into_iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.handle);
    RecordConsent { school_year: YEAR, purpose: Purpose::EducationalNecessity, choice, entries }
}

/// The erasure of these students.
pub fn erasure(numbers: impl IntoIterator<Item = u32>) -> RecordErasure {
    let mut handles: Vec<Handle> = numbers.into_iter().map(handle).collect();
    handles.sort();
    RecordErasure { school_year: YEAR, handles, destroyed_keystore: Hash([8; 32]) }
}

/// A class of two kinds with a waitlist.
pub fn class(id: u16) -> DefineClass {
    DefineClass {
        class: ClassId(id),
        title: title("Learning devices"),
        school_year: YEAR,
        kinds: vec![name("reading"), name("math")],
        tier_costs: [10, 20, 40],
        rank_step: 5,
        waitlist_cost: Some(90),
        calendar: Calendar { opens_ms: TimeMs(0), closes_ms: TimeMs(1_000_000) },
        steward: None,
    }
}

pub fn pool(id: u32, class: u16, school: u32, kind: u8, capacity: u32) -> DefinePool {
    DefinePool {
        pool: PoolId(id),
        class: ClassId(class),
        school: SchoolId(school),
        kind: KindId(kind),
        capacity,
        floor: 0,
        unit_cost_cents: Cents(100),
        funder: account("funder"),
    }
}

pub fn request(number: u32, school: u32, band: u8, mandate: Mandate, kinds: &[u8]) -> Request {
    Request {
        handle: handle(number),
        home_school: SchoolId(school),
        band: Band::new(band).expect("a band"),
        mandate,
        kinds: kinds.iter().map(|kind| KindId(*kind)).collect(),
        inputs: vec![committed(number, CommittedField::Input(0)).commitment],
    }
}

/// A batch with its proofs for this chain. An entry that names another band than [`band_of`] its student cannot be
/// proved; its group then gets the proof of the true bands.
pub fn submit(chain: &Chain, round: u32, requests: Vec<Request>) -> SubmitRequests {
    submit_on(&chain.parsed.sha256, round, requests)
}

pub fn submit_on(chain: &Hash, round: u32, mut requests: Vec<Request>) -> SubmitRequests {
    requests.sort_by_key(|request| request.handle);
    let round = RoundId(round);
    let proofs = requests.chunks(BAND_GROUP).map(|group| prove_bands(chain, round, group)).collect();
    SubmitRequests { round, requests, proofs }
}

fn committed(number: u32, field: CommittedField) -> FieldCommitment {
    let commitment = opening(&handle(number), field).commit().expect("hidden");
    FieldCommitment { field, commitment: CommitmentBytes(*commitment.as_bytes()) }
}

/// By the rule of the default parameters: ten times the one position.
fn prove_bands(chain: &Hash, round: RoundId, group: &[Request]) -> NeedProof {
    let rule = NeedRule::default();
    let input = |request: &Request| opening(&request.handle, CommittedField::Input(0));
    let openings: Vec<Vec<Opening>> = group.iter().map(|request| vec![input(request)]).collect();
    let claim = |(request, openings): (&Request, &Vec<Opening>)| NeedClaim {
        handle: request.handle,
        band: Band::new((openings[0].value() * 10 / 256) as u8).expect("a band"),
        inputs: vec![CommitmentBytes(*openings[0].commit().expect("hidden").as_bytes())],
    };
    let claims: Vec<NeedClaim> = group.iter().zip(&openings).map(claim).collect();
    let statement = NeedStatement::of(chain, round, &rule, &claims).expect("a statement");
    statement.prove(&rule, &openings, &mut StdRng::seed_from_u64(7)).expect("a proof")
}

/// The band of a test student's need: the last digit of its number.
pub fn band_of(number: u32) -> u8 {
    (number % 10) as u8
}

/// The skill whose mastery is committed to.
pub const SKILL: CommittedField = CommittedField::Mastery(4);

/// What opens a commitment of a test student, whatever the state's version. Mastery is 8,500 for even numbers, which
/// is not enough, and 8,501 for odd ones.
pub fn opening(handle: &Handle, field: CommittedField) -> Opening {
    static NUMBERS: LazyLock<BTreeMap<Handle, u32>> =
        LazyLock::new(|| (0..20_000).map(|number| (super::testkit::handle(number), number)).collect());
    let number = NUMBERS.get(handle).copied().unwrap_or(0);
    let value = match field {
        // The middle of the band's positions.
        CommittedField::Input(_) => u64::from(band_of(number)) * 256 / 10 + 13,
        _ => 8_500 + u64::from(number % 2),
    };
    let field = aula_zk::Field::new(&field.to_string()).expect("a name");
    Opening::derive(&StudentSecret::new(handle.0), &field, 1, value)
}

/// That a test student, anchored at this height, has mastered [`SKILL`]; the student's number must be odd.
pub fn mastered(chain: &Hash, number: u32, anchored: Height) -> MasteryProof {
    let (handle, opening) = (handle(number), opening(&handle(number), SKILL));
    let commitment = opening.commit().expect("hidden");
    let statement = mastery_statement(chain, anchored, &handle, 4, commitment).expect("a statement");
    let proof = statement.prove(&[opening], &mut StdRng::seed_from_u64(8)).expect("a proof");
    MasteryProof { skill: 4, proof: ProofBytes(proof) }
}

pub fn fund(amount: u64) -> FundBudget {
    FundBudget { school_year: YEAR, amount_cents: Cents(amount) }
}

pub fn open(class: u16) -> OpenRound {
    OpenRound { class: ClassId(class), extra_request_ms: 0, extra_reveal_ms: 0 }
}

pub fn run(round: u32) -> RunRound {
    RunRound { round: RoundId(round) }
}

pub fn terms(class: u16, fair_share: Option<FairShare>, acknowledge_within_ms: Option<u64>) -> SetClassTerms {
    SetClassTerms {
        class: ClassId(class),
        terms: ClassTerms { fair_share, acknowledge_within_ms, ..ClassTerms::default() },
    }
}

/// Class 1 opens rounds this often.
pub fn cadence(cadence: Cadence) -> SetClassTerms {
    SetClassTerms { class: ClassId(1), terms: ClassTerms { cadence, ..ClassTerms::default() } }
}

pub fn acknowledge(pool: u32, arrival: Arrival) -> Acknowledge {
    Acknowledge { round: RoundId(0), pool: PoolId(pool), arrival }
}

/// The change that takes a round's decision back.
pub fn reverting(round: u32) -> Change {
    Change::RevertDecision { round: RoundId(round), reason: Some(Hash([4; 32])) }
}

/// What a funder lets a member charge to its budget for a class.
pub fn grant(class: u16, steward: &str, cents: u64) -> GrantBudget {
    GrantBudget { class: ClassId(class), steward: account(steward), granted_cents: Cents(cents) }
}

/// A chain with a funded class 1 (pools 1 and 2 at school 11, pool 3 at school 21), and twelve students of
/// district 1 anchored at school 11; nothing opened yet.
pub fn ready() -> Chain {
    let mut chain = Chain::new();
    prepare(&mut chain);
    chain
}

/// The same on a chain that begins with the newest protocol.
pub fn ready_newest() -> Chain {
    let mut chain = Chain::of(Genesis { protocol: Protocol::NEWEST, ..genesis() });
    prepare(&mut chain);
    chain
}

pub fn prepare(chain: &mut Chain) {
    chain.accept("funder", fund(100_000));
    chain.accept("voter-a", class(1));
    chain.accept("funder", grant(1, "voter-a", 100_000));
    chain.accept("voter-a", pool(1, 1, 11, 0, 3));
    chain.accept("voter-a", pool(2, 1, 11, 1, 2));
    chain.accept("voter-a", pool(3, 1, 21, 0, 2));
    chain.accept("district-1", anchor(0..12, 11));
}

/// A confirming audit of the first student that a decided round's seed drew.
pub fn audit_of_drawn(chain: &Chain, round: RoundId) -> RecordAudit {
    let decision = schema::decision(&chain.state, round).expect("a store").expect("a decision");
    let rows = chain.state.rows(&schema::requests_tree(round)).expect("a store");
    let rows = crate::rounds::requests_in_order(&rows).expect("requests");
    let sample = audit_sample(&decision.seed, rows.iter().map(|(_, row)| asked(row)));
    let (district, handle) = *sample.keys().next().expect("somebody is drawn");
    let drawn = |row: &schema::RequestRow| (row.district, row.handle) == (district, handle);
    let row = rows.iter().map(|(_, row)| row).find(|row| drawn(row)).expect("a row");
    RecordAudit {
        round,
        district,
        handle,
        state_row: row.state_row,
        replay: Replay::Agrees,
        claims: Claims::all(RecordsSay::Confirm),
        report: Hash([6; 32]),
    }
}
