//! A decided round on the chain of the tests: twenty-four students of one school ask for four and eleven places, the one
//! node shares its seed, in a second attempt after it withheld in the first, and the places are to be acknowledged within a
//! millisecond of block time.

use aula_home::founding::Base;
use aula_ledger::genesis::{GenesisDistrict, GenesisMember, GenesisSchool};
use aula_ledger::keys::{PublicKey, account_of, public_key};
use aula_ledger::names::{Name, Title};
use aula_ledger::params::Params;
use aula_ledger::proof::committed::BAND_GROUP;
use aula_ledger::proof::need::{NeedClaim, NeedStatement, input_field};
use aula_ledger::roles::{Role, RoleSet};
use aula_ledger::state::schema::{self, Window};
use aula_ledger::twin::NeedRule;
use aula_ledger::tx::{
    AnchorStates, Cadence, Calendar, Change, Choice, ClassTerms, CommitSeed, DefineClass, DefinePool,
    FundBudget, Mandate, OpenRound, Payload, ProposeChange, Request, RevealSeed, RunRound, SetClassTerms,
    StudentState, SubmitRequests, VoteChange, seed_commitment, seed_share,
};
use aula_ledger::types::{
    Band, Cents, ClassId, CommitmentBytes, DistrictId, Handle, Hash, Height, KindId, PoolId, ProposalId,
    RoundId, SchoolId, SchoolYear, TimeMs,
};
use aula_zk::{Field, Opening, StudentSecret};
use ed25519_dalek::SigningKey;
use rand::rngs::OsRng;

use std::ops::RangeInclusive;

use crate::{DevChain, Made, failed};

/// The one round.
pub const ROUND: RoundId = RoundId(0);
const YEAR: SchoolYear = SchoolYear(1988);
/// The one input of every student: by the default rule a need of 900, in band 3.
const POSITION: u64 = 90;

type Failed = Box<dyn std::error::Error>;

/// A student of the round, 1 to 24.
pub fn handle(number: u8) -> Handle {
    Handle([number; 32])
}

/// Who else is a member of the chain: its name is the key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// Acts for district 2, which has no school.
    District2 = 2,
    /// Funds the year that rounds are of.
    Funder = 3,
    /// Takes rounds' rows and records what it found.
    Auditor = 4,
    /// Another auditor.
    Auditor2 = 5,
    /// Votes, and acts for nobody.
    Voter = 6,
    /// A member who may read what members may, which is what everybody may.
    Reader = 7,
}

impl Other {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::District2, Self::Funder, Self::Auditor, Self::Auditor2, Self::Voter, Self::Reader];

    /// Its account's key.
    pub fn key(self) -> SigningKey {
        SigningKey::from_bytes(&[self as u8; 32])
    }

    fn member(self) -> Made<GenesisMember> {
        let (name, role) = match self {
            Self::District2 => ("district-2", Role::District),
            Self::Funder => ("funder", Role::Funder),
            Self::Auditor => ("auditor", Role::Auditor),
            Self::Auditor2 => ("auditor-2", Role::Auditor),
            Self::Voter => ("voter", Role::Consortium),
            Self::Reader => ("reader", Role::Reader),
        };
        Ok(GenesisMember {
            name: Name::new(name)?,
            roles: RoleSet::of(&[role]),
            public_key: public_key(&self.key()),
            district: (self == Self::District2).then_some(DistrictId(2)),
            school: None,
        })
    }
}

/// District 1 of two schools, and another; one member has every role that acts.
pub fn base(public_key: PublicKey) -> Made<Base> {
    let district = DistrictId(1);
    let school = |id| Ok::<_, Failed>(GenesisSchool::unnamed(SchoolId(id), district, Name::new("rural")?));
    let member = GenesisMember {
        name: Name::new("all")?,
        roles: RoleSet::of(&[Role::Consortium, Role::District, Role::Funder, Role::Auditor]),
        public_key,
        district: Some(district),
        school: None,
    };
    let others = Other::ALL.into_iter().map(Other::member).collect::<Made<Vec<_>>>()?;
    let other = GenesisDistrict { id: DistrictId(2), name: Title::new("Another")? };
    Ok(Base {
        params: Params { first_school_year: 1987, last_school_year: 1989, ..Params::default() },
        members: [vec![member], others].concat(),
        districts: vec![GenesisDistrict { id: district, name: Title::new("District")? }, other],
        schools: vec![school(11)?, school(12)?],
        ..Base::default()
    })
}

fn need_of(handle: &Handle) -> Made<(Opening, CommitmentBytes)> {
    let field = Field::new(&input_field(0).to_string())?;
    let opening = Opening::derive(&StudentSecret::new(handle.0), &field, 1, POSITION);
    let commitment = CommitmentBytes(*opening.commit()?.as_bytes());
    Ok((opening, commitment))
}

fn anchors(school: SchoolId, numbers: RangeInclusive<u8>) -> Made<AnchorStates> {
    let state = |number| {
        let handle = handle(number);
        let (_, commitment) = need_of(&handle)?;
        Ok::<_, Failed>(StudentState {
            handle,
            version: 1,
            state_hash: Hash([1; 32]),
            home_school: school,
            inputs: vec![commitment],
            commitments: Vec::new(),
            event_watermark: 1,
        })
    };
    let states = numbers.map(state).collect::<Made<_>>()?;
    Ok(AnchorStates {
        school_year: YEAR,
        parameters: 1,
        model_digest: aula_ledger::twin::TwinParameters::default().digest(),
        states,
    })
}

/// The class of the round's pools.
pub fn class() -> Made<DefineClass> {
    Ok(DefineClass {
        class: ClassId(1),
        title: Title::new("Aids")?,
        school_year: YEAR,
        kinds: vec![Name::new("aid")?],
        tier_costs: [10, 20, 40],
        rank_step: 5,
        waitlist_cost: Some(80),
        calendar: Calendar { opens_ms: TimeMs(0), closes_ms: TimeMs(1_000_000) },
        steward: None,
    })
}

/// A pool of the class at 100 cents a place, charged to the chain's own account.
pub fn pool(chain: &DevChain, id: u32, school: u32, capacity: u32) -> DefinePool {
    DefinePool {
        pool: PoolId(id),
        class: ClassId(1),
        school: SchoolId(school),
        kind: KindId(0),
        capacity,
        floor: 0,
        unit_cost_cents: Cents(100),
        funder: chain.account(),
    }
}

fn requests(chain: &Hash, home_school: SchoolId, numbers: RangeInclusive<u8>) -> Made<SubmitRequests> {
    let band = Band::new(u8::try_from(POSITION * 10 / 256)?).ok_or("a band")?;
    let kinds = vec![KindId(0)];
    let request = |number| {
        let inputs = vec![need_of(&handle(number))?.1];
        let (handle, kinds) = (handle(number), kinds.clone());
        Ok(Request { handle, home_school, band, mandate: Mandate::None, kinds, inputs })
    };
    let requests: Vec<Request> = numbers.map(request).collect::<Made<_>>()?;
    let prove = |group: &[Request]| {
        let claims: Vec<NeedClaim> = group.iter().map(Request::claim).collect();
        let opening = |request: &Request| Ok(vec![need_of(&request.handle)?.0]);
        let openings: Vec<Vec<Opening>> = group.iter().map(opening).collect::<Made<_>>()?;
        let rule = NeedRule::default();
        Ok(NeedStatement::of(chain, ROUND, &rule, &claims)?.prove(&rule, &openings, &mut OsRng)?)
    };
    let proofs = requests.chunks(BAND_GROUP).map(prove).collect::<Made<_>>()?;
    Ok(SubmitRequests { round: ROUND, requests, proofs })
}

/// Sends each payload in a block of its own; all must be accepted.
pub fn accept(chain: &mut DevChain, payloads: Vec<Payload>) -> Made<()> {
    for payload in payloads {
        let transaction = chain.transaction(payload);
        let receipts = chain.block(&[transaction]).map_err(failed)?;
        let code = receipts.first().map(|receipt| receipt.code).ok_or("no receipt")?;
        if code.number() != 0 {
            return Err(code.explain().into());
        }
    }
    Ok(())
}

/// Sends another member's transaction in a block of its own; it must be accepted.
fn accept_of(chain: &DevChain, key: &SigningKey, sequence: u64, payload: impl Into<Payload>) -> Made<()> {
    let receipts = chain.block(&[chain.by(key, sequence, payload)]).map_err(failed)?;
    match receipts.first() {
        Some(receipt) if receipt.code.number() == 0 => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// Takes the round's decision back by vote: both voters agree. The other's first transaction.
pub fn revert(chain: &mut DevChain) -> Made<()> {
    let change = Change::RevertDecision { round: ROUND, reason: Some(Hash([4; 32])) };
    let proposal = ProposalId(schema::counters(&*chain.db.latest())?.next_proposal);
    let vote = VoteChange { proposal, choice: Choice::Approve };
    let open_until = Height(1_000);
    accept(chain, vec![ProposeChange { change, open_until }.into(), vote.clone().into()])?;
    accept_of(chain, &Other::Voter.key(), 0, vote)
}

/// The one node commits to its share, and reveals it or not; then the attempt is over.
fn attempt(chain: &DevChain, attempt: u32, reveals: bool) -> Made<()> {
    let secret = seed_share(&chain.seed_key().to_bytes(), &chain.genesis.sha256, ROUND, attempt);
    let account = account_of(&public_key(chain.seed_key()));
    let commitment = seed_commitment(ROUND, attempt, &account, &secret);
    let round = || Ok::<_, Failed>(schema::round(&*chain.db.latest(), ROUND)?.ok_or("no round")?);
    let pass = |window: Window| {
        while round()?.window == window {
            chain.block_after(5_000, &[], |_| {}).map_err(failed)?;
        }
        Ok::<_, Failed>(())
    };
    let send = |payload: Payload| {
        let receipts = chain.block(&[chain.of_node(payload).map_err(failed)?]).map_err(failed)?;
        let code = receipts.first().map(|receipt| receipt.code).ok_or("no receipt")?;
        if code.number() == 0 { Ok(()) } else { Err(Failed::from(code.explain())) }
    };
    send(CommitSeed { round: ROUND, attempt, commitment }.into())?;
    pass(round()?.window)?;
    if reveals {
        send(RevealSeed { round: ROUND, attempt, secret }.into())?;
    }
    pass(Window::Reveals)
}

/// A second class of the same kind, with a pool.
pub fn second_class() -> Made<Vec<Payload>> {
    let class = DefineClass { class: ClassId(2), ..class()? };
    let funder = account_of(&public_key(&Other::Funder.key()));
    let pool = DefinePool {
        pool: PoolId(21),
        class: ClassId(2),
        school: SchoolId(11),
        kind: KindId(0),
        capacity: 1,
        floor: 0,
        unit_cost_cents: Cents(0),
        funder,
    };
    Ok(vec![class.into(), pool.into()])
}

/// The chain with the decided round.
pub fn decided() -> Made<DevChain> {
    run(opened()?)
}

/// The same where district 2 has a school, and has copied a handle of district 1's: two students ask under it.
pub fn copied(number: u8) -> Made<DevChain> {
    let with_school = |key| {
        let mut base = base(key)?;
        let school_type = Name::new("rural")?;
        base.schools.push(GenesisSchool::unnamed(SchoolId(21), DistrictId(2), school_type));
        Ok(base)
    };
    run(asked(DevChain::of(with_school).map_err(failed)?, Some(number))?)
}

/// The chain with the round open and everybody's requests in it.
pub fn opened() -> Made<DevChain> {
    asked(DevChain::of(base).map_err(failed)?, None)
}

/// Opens the round, has all students ask, and district 2 for its copy of a handle.
fn asked(mut chain: DevChain, copy: Option<u8>) -> Made<DevChain> {
    let terms =
        ClassTerms { acknowledge_within_ms: Some(1), cadence: Cadence::Weekly, ..ClassTerms::default() };
    let payloads = vec![
        FundBudget { school_year: YEAR, amount_cents: Cents(100_000) }.into(),
        class()?.into(),
        pool(&chain, 1, 11, 4).into(),
        pool(&chain, 2, 12, 11).into(),
        SetClassTerms { class: ClassId(1), terms }.into(),
        anchors(SchoolId(11), 1..=24)?.into(),
    ];
    accept(&mut chain, payloads)?;
    if let Some(number) = copy {
        let anchored = anchors(SchoolId(21), number..=number)?;
        accept_of(&chain, &Other::District2.key(), 0, anchored)?;
    }
    let payloads = vec![
        OpenRound { class: ClassId(1), extra_request_ms: 0, extra_reveal_ms: 0 }.into(),
        requests(&chain.genesis.sha256, SchoolId(11), 1..=24)?.into(),
    ];
    accept(&mut chain, payloads)?;
    if let Some(number) = copy {
        let asked = requests(&chain.genesis.sha256, SchoolId(21), number..=number)?;
        accept_of(&chain, &Other::District2.key(), 1, asked)?;
    }
    Ok(chain)
}

/// Draws its seed and runs the open round.
fn run(mut chain: DevChain) -> Made<DevChain> {
    attempt(&chain, 1, false)?;
    attempt(&chain, 2, true)?;
    accept(&mut chain, vec![RunRound { round: ROUND }.into()])?;
    Ok(chain)
}
