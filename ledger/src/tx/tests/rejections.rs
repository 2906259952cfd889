//! A row for each rejection code: how it is reached, and that only the sequence moved.

use super::{attacks_state, estates, grow, heads, nodes, proofs, statements, twins, vaults};
use crate::code::Code;
use crate::codec::Canonical;
use crate::keys::{Label, public_key, sign};
use crate::params::{MAX_AMOUNT_CENTS, Params};
use crate::protocol::Protocol;
use crate::roles::{Role, RoleSet};
use crate::state::schema::{self, Window};
use crate::testkit::*;
use crate::tx::admin::rotate_key::KeyName;
use crate::tx::*;
use crate::types::*;

/// A way to a rejection: a chain made ready, who sends, and what.
pub(super) type Row = (Code, fn() -> (Chain, &'static str, Payload));

fn register(text: &str) -> RegisterMember {
    let statement = admin::register_member::member_statement(&Chain::new().parsed.sha256, &account(text));
    RegisterMember {
        possession: sign(&key(text), Label::MemberPossession, &statement),
        name: name(text),
        public_key: public_key(&key(text)),
        roles: RoleSet::of(&[Role::Consortium]),
        district: None,
        school: None,
    }
}

pub(super) fn propose(change: Change) -> Payload {
    ProposeChange { change, open_until: Height(60) }.into()
}

fn vote(proposal: u32, choice: Choice) -> VoteChange {
    VoteChange { proposal: ProposalId(proposal), choice }
}

fn add_validator(text: &str, peer_number: u8) -> Change {
    Change::AddValidator {
        name: name(text),
        public_key: public_key(&key(text)),
        power: 1,
        operator: account("voter-a"),
        peer_id: peer(peer_number),
        seed_key: public_key(&key(&format!("seed-{peer_number}"))),
    }
}

fn admit_peer(number: u8) -> Change {
    Change::AdmitPeer { peer_id: peer(number), listen: listen(), operator: account("voter-a") }
}

fn lone_voter() -> Chain {
    let mut genesis = genesis();
    genesis.members.retain(|member| !["voter-b", "voter-c"].contains(&member.name.as_str()));
    Chain::of(genesis)
}

fn open_upgrade() -> Chain {
    let mut chain = Chain::new();
    let change = Change::Upgrade { note: title("0.2.0"), height: Height(50) };
    chain.accept("voter-a", propose(change));
    chain
}

pub(super) fn opened() -> Chain {
    let mut chain = ready();
    chain.accept("voter-a", open(1));
    chain
}

/// A round whose requests are closed, with a commitment of the one node.
fn revealing() -> Chain {
    let mut chain = opened();
    chain.accept("seed-1", commit("seed-1"));
    chain.pass_to(0, Window::Reveals);
    chain
}

pub(super) fn round(chain: &Chain) -> schema::Round {
    schema::round(&chain.state, RoundId(0)).unwrap().unwrap()
}

fn commit(node: &str) -> CommitSeed {
    seeds::commit(&Chain::new().parsed.sha256, node, 0, 1)
}

fn reveal() -> RevealSeed {
    seeds::reveal(&Chain::new().parsed.sha256, "seed-1", 0, 1)
}

/// District 1 asks for one student of a school, with a proof that holds.
pub(super) fn asks(chain: Chain, number: u32, school: u32, kinds: &[u8]) -> (Chain, &'static str, Payload) {
    let asked = vec![request(number, school, band_of(number), Mandate::None, kinds)];
    let payload = submit(&chain, 0, asked).into();
    (chain, "district-1", payload)
}

pub(super) fn milestone(number: u16, supersedes: Option<u16>) -> RecordMilestone {
    RecordMilestone {
        school_year: YEAR,
        handle: handle(1),
        number,
        kind: MilestoneKind::GradeCompleted,
        evidence: Hash([1; 32]),
        supersedes,
        mastery: None,
    }
}

pub(super) fn limited(change: impl FnOnce(&mut Params)) -> Chain {
    let mut chain = Chain::with_params(change);
    prepare(&mut chain);
    chain
}

/// A round that is over, with these requests, on a chain with these parameters.
pub(super) fn runnable(chain: Chain, requests: Vec<Request>) -> Chain {
    let mut chain = chain;
    chain.accept("voter-a", open(1));
    chain.accept("district-1", submit(&chain, 0, requests));
    chain.draw(0);
    chain
}

const MEMBERS: &[Row] = &[
    (Code::RoleNotAllowed, || (ready(), "reader", fund(1).into())),
    (Code::NameTaken, || {
        (ready(), "voter-a", RegisterMember { name: name("funder"), ..register("new") }.into())
    }),
    (Code::AccountExists, || {
        (ready(), "voter-a", RegisterMember { name: name("other"), ..register("funder") }.into())
    }),
    (Code::UnknownDistrict, || {
        let roles = RoleSet::of(&[Role::District]);
        let payload = RegisterMember { roles, district: Some(DistrictId(9)), ..register("new") };
        (ready(), "voter-a", payload.into())
    }),
    (Code::UnknownSchool, || {
        let roles = RoleSet::of(&[Role::School]);
        let (district, school) = (Some(DistrictId(2)), Some(SchoolId(11)));
        (ready(), "voter-a", RegisterMember { roles, district, school, ..register("new") }.into())
    }),
    (Code::PossessionNotProved, || {
        // Somebody else's key: its owner signed nothing.
        let possession = register("new").possession;
        (ready(), "voter-a", RegisterMember { possession, ..register("stranger") }.into())
    }),
    (Code::LastValidator, || {
        (ready(), "voter-b", propose(Change::RemoveMember { account: account("voter-a") }))
    }),
    (Code::UnknownMember, || {
        (ready(), "voter-a", propose(Change::AdmitMember { account: account("nobody") }))
    }),
    (Code::StandingUnchanged, || {
        (ready(), "voter-a", propose(Change::AdmitMember { account: account("funder") }))
    }),
    (Code::LastConsortiumMember, || {
        (lone_voter(), "voter-a", propose(Change::RemoveMember { account: account("voter-a") }))
    }),
    (Code::KeyUnchanged, || {
        let chain = ready();
        let new = key("funder");
        let statement = admin::rotate_key::possession_statement(&chain.parsed.sha256, &account("funder"));
        let possession = sign(&new, Label::KeyRotation, &statement);
        let payload =
            RotateKey { key: KeyName::Account, public_key: public_key(&new), possession, replaces: None };
        (chain, "funder", payload.into())
    }),
    (Code::PossessionNotProved, || {
        let new = key("funder-new");
        let possession = sign(&new, Label::KeyRotation, &account("funder").0);
        let payload =
            RotateKey { key: KeyName::Account, public_key: public_key(&new), possession, replaces: None };
        (ready(), "funder", payload.into())
    }),
];

const VOTES: &[Row] = &[
    (Code::UnknownProposal, || (ready(), "voter-a", vote(7, Choice::Approve).into())),
    (Code::ProposalClosed, || {
        let mut chain = open_upgrade();
        chain.accept("voter-a", vote(0, Choice::Reject));
        (chain, "voter-b", vote(0, Choice::Approve).into())
    }),
    (Code::ProposalClosed, || {
        let mut chain = open_upgrade();
        chain.advance_to(Height(60));
        (chain, "voter-b", vote(0, Choice::Approve).into())
    }),
    (Code::AlreadyVoted, || {
        let mut chain = open_upgrade();
        chain.accept("voter-a", vote(0, Choice::Approve));
        (chain, "voter-a", vote(0, Choice::Reject).into())
    }),
    (Code::VotingPeriod, || {
        let change = Change::Upgrade { note: title("0.2.0"), height: Height(50) };
        (ready(), "voter-a", ProposeChange { change, open_until: Height(1) }.into())
    }),
    (Code::UpgradePast, || {
        let change = Change::Upgrade { note: title("0.2.0"), height: Height(1) };
        (ready(), "voter-a", propose(change))
    }),
    (Code::UpgradePast, || {
        let mut chain = open_upgrade();
        chain.accept("voter-a", vote(0, Choice::Approve));
        chain.accept("voter-b", vote(0, Choice::Approve));
        chain.advance_to(Height(55));
        (chain, "voter-c", vote(0, Choice::Approve).into())
    }),
    (Code::PeerExists, || (ready(), "voter-a", propose(admit_peer(1)))),
    (Code::UnknownPeer, || (ready(), "voter-a", propose(Change::RemovePeer { peer_id: peer(9) }))),
    (Code::UnknownPeer, || (ready(), "voter-a", propose(add_validator("validator-2", 9)))),
    (Code::PeerInUse, || (ready(), "voter-a", propose(Change::RemovePeer { peer_id: peer(1) }))),
    (Code::ValidatorExists, || (ready(), "voter-a", propose(add_validator("validator-1", 1)))),
    (Code::UnknownValidator, || {
        (ready(), "voter-a", propose(Change::RemoveValidator { address: ValidatorAddress([1; 20]) }))
    }),
    (Code::LastValidator, || {
        let address = crate::chain::validators::address(&public_key(&key("validator-1")));
        (ready(), "voter-a", propose(Change::RemoveValidator { address }))
    }),
    (Code::ValidatorLimit, || {
        let mut genesis = genesis();
        let first = genesis.validators.remove(0);
        genesis.validators = (0..200u8)
            .map(|n| {
                let text = format!("validator-{n}");
                let public_key = public_key(&key(&text));
                let (name, peer_id) = (name(&text), peer(n));
                let seed_key = crate::keys::public_key(&key(&format!("seed-of-{n}")));
                crate::genesis::GenesisValidator { name, peer_id, public_key, seed_key, ..first.clone() }
            })
            .collect();
        let mut chain = Chain::of(genesis);
        chain.accept("voter-a", propose(admit_peer(250)));
        for voter in ["voter-a", "voter-b", "voter-c"] {
            chain.accept(voter, vote(0, Choice::Approve));
        }
        (chain, "voter-a", propose(add_validator("validator-250", 250)))
    }),
];

const STUDENTS: &[Row] = &[
    (Code::BatchTooLarge, || {
        (limited(|p| p.max_batch_entries = 12), "district-1", anchor(20..33, 11).into())
    }),
    (Code::ForeignSchool, || (ready(), "district-1", anchor([50], 21).into())),
    (Code::VersionNotHigher, || (ready(), "district-1", anchor([1], 11).into())),
    (Code::TooManyStudents, || {
        (limited(|p| p.max_district_students = 12), "district-1", anchor([50], 11).into())
    }),
    (Code::SchoolYearClosed, || {
        let old = AnchorStates { school_year: SchoolYear(YEAR.0 - 2), ..anchor([50], 11) };
        (ready(), "district-1", old.into())
    }),
    (Code::TooManyLeaves, || {
        (limited(|p| p.max_district_leaves = 12), "district-1", anchor([50], 11).into())
    }),
    (Code::RecordTooLarge, || (attacks_state::with_a_full_record(), "district-1", anchor([50], 11).into())),
    (Code::UnknownHandle, || (ready(), "district-2", milestone(0, None).into())),
    (Code::MilestoneImmutable, || {
        let mut chain = ready();
        chain.accept("district-1", milestone(0, None));
        let kind = MilestoneKind::GradeCompleted;
        (chain, "district-1", RecordMilestone { kind, ..milestone(0, None) }.into())
    }),
    (Code::MilestoneGap, || (ready(), "district-1", milestone(1, None).into())),
    (Code::MilestoneSuperseded, || {
        let mut chain = ready();
        chain.accept("district-1", milestone(0, None));
        chain.accept("district-1", milestone(1, Some(0)));
        (chain, "district-1", milestone(2, Some(0)).into())
    }),
];

const MONEY: &[Row] = &[
    (Code::BudgetOverflow, || (ready(), "funder", fund(MAX_AMOUNT_CENTS).into())),
    (Code::UnknownBudget, || (ready(), "funder-b", grant(1, "voter-a", 1).into())),
    (Code::OverBudget, || (ready(), "voter-a", pool(9, 1, 12, 0, 1_000).into())),
    (Code::ForeignBudget, || {
        (ready(), "voter-a", DefinePool { funder: account("funder-b"), ..pool(9, 1, 12, 0, 1) }.into())
    }),
    (Code::OverGrant, || {
        let mut chain = ready();
        // Seven places are charged.
        chain.accept("funder", grant(1, "voter-a", 800));
        (chain, "voter-a", pool(9, 1, 12, 0, 2).into())
    }),
    (Code::OtherSteward, || (ready(), "funder", grant(1, "voter-b", 800).into())),
];

const CLASSES: &[Row] = &[
    (Code::ClassExists, || (ready(), "voter-a", class(1).into())),
    (Code::UnknownClass, || (ready(), "voter-a", open(9).into())),
    (Code::PoolExists, || (ready(), "voter-a", pool(1, 1, 12, 0, 1).into())),
    (Code::PoolRepeated, || (ready(), "voter-a", pool(9, 1, 11, 0, 1).into())),
    (Code::UnknownKind, || (ready(), "voter-a", pool(9, 1, 12, 2, 1).into())),
    (Code::TooManyPools, || (limited(|p| p.max_class_pools = 3), "voter-a", pool(9, 1, 12, 0, 1).into())),
    (Code::UnknownSchool, || (ready(), "voter-a", pool(9, 1, 99, 0, 1).into())),
    (Code::RoundOpen, || (opened(), "voter-a", pool(9, 1, 12, 0, 1).into())),
    (Code::RoundOpen, || (opened(), "voter-a", open(1).into())),
    (Code::NotSteward, || (ready(), "voter-b", open(1).into())),
    (Code::NotSteward, || (ready(), "funder-b", pool(9, 1, 12, 0, 1).into())),
    (Code::NotSteward, || (ready(), "voter-b", terms(1, None, None).into())),
    (Code::NotSteward, || (ready(), "voter-b", RetirePool { pool: PoolId(1) }.into())),
    (Code::StewardUnfit, || {
        (ready(), "voter-a", DefineClass { steward: Some(account("reader")), ..class(2) }.into())
    }),
    (Code::StewardUnfit, || {
        (ready(), "voter-a", DefineClass { steward: Some(account("nobody")), ..class(2) }.into())
    }),
    (Code::StewardUnfit, || {
        let change = Change::ReplaceSteward { class: ClassId(1), steward: account("auditor") };
        (ready(), "voter-a", propose(change))
    }),
    (Code::StandingUnchanged, || {
        let change = Change::ReplaceSteward { class: ClassId(1), steward: account("voter-a") };
        (ready(), "voter-b", propose(change))
    }),
    (Code::WindowTooLong, || {
        let long = OpenRound { extra_reveal_ms: 6, ..open(1) };
        (limited(|p| p.max_extra_window_ms = 5), "voter-a", long.into())
    }),
    (Code::RoundOpen, || (opened(), "voter-a", RetirePool { pool: PoolId(1) }.into())),
    (Code::UnknownPool, || (ready(), "voter-a", RetirePool { pool: PoolId(9) }.into())),
    (Code::NoPools, || {
        let mut chain = ready();
        for pool in 1..=3 {
            chain.accept("voter-a", RetirePool { pool: PoolId(pool) });
        }
        (chain, "voter-a", open(1).into())
    }),
    (Code::NoPools, || {
        let mut chain = ready();
        chain.accept("voter-a", class(2));
        (chain, "voter-a", open(2).into())
    }),
    (Code::OutsideCalendar, || {
        let mut chain = ready();
        let calendar = Calendar { opens_ms: TimeMs(500_000), closes_ms: TimeMs(600_000) };
        chain.accept("voter-a", DefineClass { calendar, ..class(2) });
        chain.accept("voter-a", DefinePool { unit_cost_cents: Cents(0), ..pool(9, 2, 11, 0, 1) });
        (chain, "voter-a", open(2).into())
    }),
];

const ROUNDS: &[Row] = &[
    (Code::UnknownRound, || asks(ready(), 1, 11, &[0])),
    (Code::RoundClosed, || {
        let mut chain = runnable(ready(), vec![request(1, 11, band_of(1), Mandate::None, &[0])]);
        chain.accept("voter-a", run(0));
        (chain, "voter-a", run(0).into())
    }),
    (Code::RoundClosed, || {
        let mandated = (0..12).map(|n| request(n, 11, band_of(n), Mandate::Mandated, &[0, 1])).collect();
        let mut chain = runnable(ready(), mandated);
        assert_eq!(chain.send("voter-a", run(0)).code, Code::Infeasible);
        chain.accept("voter-a", open(1));
        (chain, "voter-a", run(0).into())
    }),
    (Code::RequestsClosed, || asks(revealing(), 1, 11, &[0])),
    (Code::RequestsClosed, || (revealing(), "seed-1", commit("seed-1").into())),
    (Code::NotRevealTime, || {
        let mut chain = opened();
        chain.accept("seed-1", commit("seed-1"));
        (chain, "seed-1", reveal().into())
    }),
    (Code::TooEarlyToRun, || (revealing(), "voter-a", run(0).into())),
    (Code::AlreadyCommitted, || {
        let mut chain = opened();
        chain.accept("seed-1", commit("seed-1"));
        (chain, "seed-1", commit("seed-1").into())
    }),
    (Code::NoCommitment, || {
        let mut chain = opened();
        chain.pass_to(0, Window::Reveals);
        (chain, "seed-1", reveal().into())
    }),
    (Code::WrongReveal, || {
        (revealing(), "seed-1", RevealSeed { secret: SeedSecret([6; 32]), ..reveal() }.into())
    }),
    (Code::OtherAttempt, || (opened(), "seed-1", CommitSeed { attempt: 2, ..commit("seed-1") }.into())),
    (Code::OtherAttempt, || (revealing(), "seed-1", RevealSeed { attempt: 2, ..reveal() }.into())),
    (Code::NoSharer, || (super::attack_09::with_a_later_validator(), "seed-2", commit("seed-2").into())),
    (Code::NoSeed, || (super::attack_09::without_shares(), "voter-a", run(0).into())),
    (Code::ProtocolStep, || {
        let (protocol, program) = (Protocol(3), title("0.3.0"));
        (ready(), "voter-a", propose(Change::SwitchProtocol { protocol, height: Height(50), program }))
    }),
    (Code::OnDemandRests, || (super::protocol::decided(2), "voter-a", open(1).into())),
    (Code::DrawNeedsVote, || (super::attack_09::other_requests(), "voter-a", run(1).into())),
    (Code::RoleNotAllowed, || (opened(), "voter-a", commit("voter-a").into())),
    (Code::RoleNotAllowed, || (opened(), "seed-1", run(0).into())),
    (Code::AlreadyRevealed, || {
        let mut chain = revealing();
        chain.accept("seed-1", reveal());
        (chain, "seed-1", reveal().into())
    }),
    (Code::UnknownKind, || asks(opened(), 1, 11, &[0, 7])),
    (Code::UnknownHandle, || asks(opened(), 77, 11, &[0])),
    (Code::AnchoredTooLate, || {
        let mut chain = opened();
        chain.accept("district-1", anchor([50], 11));
        asks(chain, 50, 11, &[0])
    }),
    (Code::AnchoredTooLate, || {
        // In the very block that opens the round.
        let mut chain = ready();
        let opens = chain.transaction("voter-a", 0, open(1).into()).to_canonical();
        let anchors = chain.transaction("district-1", 0, anchor([50], 11).into()).to_canonical();
        chain.block(&[anchors, opens]);
        asks(chain, 50, 11, &[0])
    }),
    (Code::HomeSchoolDiffers, || asks(opened(), 1, 12, &[0])),
    (Code::NothingEligible, || {
        // Kind 1 is only at school 11, a rural one of district 1; school 22 is neither.
        let mut chain = ready();
        chain.accept("district-2", anchor([60], 22));
        chain.accept("voter-a", open(1));
        let payload = submit(&chain, 0, vec![request(60, 22, band_of(60), Mandate::Mandated, &[1])]);
        (chain, "district-2", payload.into())
    }),
    (Code::TooManyRequests, || {
        let mut chain = limited(|p| (p.max_round_requests, p.max_district_round_percent) = (1, 100));
        chain.accept("voter-a", open(1));
        chain.accept("district-1", submit(&chain, 0, vec![request(2, 11, band_of(2), Mandate::None, &[0])]));
        asks(chain, 1, 11, &[0])
    }),
    (Code::Infeasible, || {
        let mandated = (0..12).map(|n| request(n, 11, band_of(n), Mandate::Mandated, &[0, 1])).collect();
        (runnable(ready(), mandated), "voter-a", run(0).into())
    }),
    (Code::RunRefused, || {
        let mandated = (0..12).map(|n| request(n, 11, band_of(n), Mandate::Mandated, &[0, 1])).collect();
        let mut chain = runnable(ready(), mandated);
        assert_eq!(chain.send("voter-a", run(0)).code, Code::Infeasible);
        (chain, "voter-a", run(0).into())
    }),
    (Code::NotProved, || {
        let asked = (0..12).map(|n| request(n, 11, band_of(n), Mandate::None, &[0, 1])).collect();
        (runnable(limited(|p| p.max_round_work = 1), asked), "voter-a", run(0).into())
    }),
];

/// Round 0 of a class whose schools acknowledge within five seconds of block time, decided; pool 1 is used.
fn aided() -> Chain {
    let mut chain = ready();
    chain.accept("voter-a", terms(1, None, Some(5_000)));
    decided(chain)
}

fn decided(chain: Chain) -> Chain {
    let asked = (0..3).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
    let mut chain = runnable(chain, asked);
    chain.accept("voter-a", run(0));
    chain
}

fn overdue() -> Chain {
    let mut chain = aided();
    chain.advance_to(Height(chain.height.0 + 5));
    chain
}

fn uses(pool: u32, in_use: u32) -> Payload {
    ReportUtilisation { pool: PoolId(pool), in_use }.into()
}

const SERVICE: &[Row] = &[
    (Code::NotDecided, || (ready(), "voter-a", propose(reverting(0)))),
    (Code::PoolInUse, || (aided(), "voter-a", RetirePool { pool: PoolId(1) }.into())),
    (Code::UnknownRound, || (ready(), "voter-a", propose(Change::CancelRound { round: RoundId(7) }))),
    (Code::RoundClosed, || (aided(), "voter-a", propose(Change::CancelRound { round: RoundId(0) }))),
    (Code::DistrictQuota, || {
        // Two of three requests that the round may hold; there are seven places and the waitlist a request.
        let chain = limited(|p| (p.max_round_requests, p.max_district_round_percent) = (3, 50));
        let mut chain = chain;
        chain.accept("voter-a", open(1));
        let two = (0..2).map(|n| request(n, 11, band_of(n), Mandate::None, &[0])).collect();
        let payload = submit(&chain, 0, two).into();
        (chain, "district-1", payload)
    }),
    (Code::NotDecided, || (ready(), "school-11", acknowledge(1, Arrival::Received).into())),
    (Code::NotStanding, || {
        let mut chain = aided();
        chain.revert(0);
        (chain, "voter-a", propose(reverting(0)))
    }),
    (Code::NotStanding, || {
        let mut chain = aided();
        chain.revert(0);
        (chain, "school-11", acknowledge(1, Arrival::Received).into())
    }),
    (Code::RoundOpen, || (opened(), "voter-a", terms(1, None, None).into())),
    (Code::NothingToAcknowledge, || {
        (decided(ready()), "school-11", acknowledge(1, Arrival::Received).into())
    }),
    (Code::NothingToAcknowledge, || (aided(), "school-11", acknowledge(3, Arrival::Received).into())),
    (Code::ForeignPool, || (aided(), "district-1", acknowledge(1, Arrival::Received).into())),
    (Code::ForeignPool, || (overdue(), "district-2", acknowledge(1, Arrival::Missed).into())),
    (Code::ForeignPool, || (ready(), "district-2", uses(1, 1))),
    (Code::ForeignPool, || (ready(), "school-11", uses(3, 1))),
    (Code::AlreadyAcknowledged, || {
        let mut chain = aided();
        chain.accept("school-11", acknowledge(1, Arrival::Received));
        (chain, "school-11", acknowledge(1, Arrival::Received).into())
    }),
    (Code::AlreadyEscalated, || {
        let mut chain = overdue();
        chain.accept("district-1", acknowledge(1, Arrival::Missed));
        (chain, "voter-a", acknowledge(1, Arrival::Missed).into())
    }),
    (Code::WindowOpen, || (aided(), "district-1", acknowledge(1, Arrival::Missed).into())),
    (Code::UnknownPool, || (ready(), "district-1", uses(9, 1))),
    (Code::OverCapacity, || (ready(), "district-1", uses(1, 4))),
    (Code::PeriodTaken, || {
        let mut chain = ready();
        chain.accept("voter-a", cadence(Cadence::Daily));
        (decided(chain), "voter-a", open(1).into())
    }),
    (Code::NoWaitlist, || {
        let mut chain = ready();
        chain.accept("voter-a", DefineClass { waitlist_cost: None, ..class(2) });
        let share = FairShare { penalty: 1, min_share_percent: 0 };
        (chain, "voter-a", terms(2, Some(share), None).into())
    }),
];

fn rows() -> impl Iterator<Item = &'static Row> {
    let rows = [MEMBERS, VOTES, STUDENTS, vaults::ROWS, MONEY, CLASSES, ROUNDS, SERVICE];
    rows.into_iter()
        .chain([proofs::PROOFS, statements::STATEMENTS, grow::ROWS, estates::ROWS, nodes::ROWS, twins::ROWS])
        .chain([heads::ROWS])
        .flatten()
}

#[test]
fn every_rejection_is_reached_and_changes_nothing_but_the_sequence() {
    for (code, way) in rows() {
        let (mut chain, sender, payload) = way();
        let before = chain.sequence(sender);
        let bytes = chain.transaction(sender, 0, payload).to_canonical();
        let outcome = chain.block(&[bytes]);
        assert_eq!(outcome.receipts[0].code, *code, "wanted {code:?}");
        // Only a round that cannot be met says more than its code.
        assert_eq!(outcome.receipts[0].events.is_empty(), *code != Code::Infeasible, "{code:?}");
        let allowed = [schema::chain_key(), schema::account_key(&account(sender))];
        // A round that ran without a result leaves that it did.
        let ran = matches!(code, Code::Infeasible | Code::NotProved | Code::NoSeed);
        let noted = |key: &Vec<u8>| ran && *key == schema::refused_run_key(RoundId(0));
        // A block of a validator notes that it proposed, and who missed a turn.
        let proposed = |key: &Vec<u8>| [schema::proposers_key(), schema::missed_turns_key()].contains(key);
        let fine = |key| allowed.contains(key) || noted(key) || proposed(key);
        assert!(outcome.writes.values.keys().all(fine), "{code:?} wrote something");
        assert!(outcome.writes.rows.is_empty() && outcome.writes.trees.is_empty(), "{code:?} wrote rows");
        assert_eq!(outcome.header.students.leaf_count, 0);
        assert_eq!(chain.sequence(sender), before + 1);
    }
}

#[test]
fn no_rejection_is_without_a_row() {
    let missing: Vec<&Code> =
        Code::ALL.iter().filter(|code| code.number() >= 100 && !rows().any(|(c, _)| c == *code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn numbers_name_their_codes_and_words_say_what_to_do() {
    for code in Code::ALL {
        assert_eq!(Code::from_number(code.number()), Some(*code));
        assert!(!code.explain().is_empty() && !code.name().is_empty());
        assert_eq!(code.makes_block_invalid(), (1..100).contains(&code.number()));
    }
    assert_eq!(Code::from_number(254), None);
}

#[test]
fn a_batch_of_states_names_its_first_bad_entry_and_is_refused_whole() {
    let mut chain = ready();
    let mut batch = anchor(20..25, 11);
    batch.states[3].home_school = SchoolId(22);
    let receipt = chain.send("district-1", batch);
    assert_eq!((receipt.code, receipt.entry), (Code::ForeignSchool, Some(3)));
}
