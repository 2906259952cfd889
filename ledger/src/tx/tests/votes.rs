//! Members, validators, parameters and keys change by votes of more than two thirds, one each.

use crate::chain::validators;
use crate::code::Code;
use crate::codec::Canonical;
use crate::execute::ExecuteError;
use crate::keys::{Label, public_key, sign};
use crate::params::Params;
use crate::roles::{Role, RoleSet};
use crate::state::schema::{self, ProposalStatus, Standing};
use crate::testkit::*;
use crate::tx::admin::rotate_key::{KeyName, possession_statement};
use crate::tx::*;
use crate::types::*;

fn propose(chain: &mut Chain, change: Change) -> ProposalId {
    let open_until = Height(chain.height.0 + 50);
    let receipt = chain.accept("voter-a", ProposeChange { change, open_until });
    match receipt.events.as_slice() {
        [Event::ChangeProposed { proposal }] => *proposal,
        other => panic!("{other:?}"),
    }
}

fn vote(chain: &mut Chain, voter: &str, proposal: ProposalId, choice: Choice) -> Event {
    chain.accept(voter, VoteChange { proposal, choice }).events.remove(0)
}

/// Proposes and has all three voters approve; gives the height of the deciding vote.
fn pass(chain: &mut Chain, change: Change) -> Height {
    let proposal = propose(chain, change);
    for voter in ["voter-a", "voter-b"] {
        assert!(matches!(vote(chain, voter, proposal, Choice::Approve), Event::ChangeVoted { .. }));
    }
    assert!(matches!(vote(chain, "voter-c", proposal, Choice::Approve), Event::ChangeApplied { .. }));
    chain.height
}

#[test]
fn two_of_three_are_not_more_than_two_thirds() {
    let mut chain = Chain::new();
    let note = Change::Upgrade { note: title("0.2.0"), height: Height(90) };
    let proposal = propose(&mut chain, note);
    vote(&mut chain, "voter-a", proposal, Choice::Approve);
    let second = vote(&mut chain, "voter-b", proposal, Choice::Approve);
    assert_eq!(second, Event::ChangeVoted { proposal, approvals: 2, members: 3 });
    assert!(schema::upgrades(&chain.state).unwrap().is_empty());
    let third = vote(&mut chain, "voter-c", proposal, Choice::Approve);
    assert_eq!(third, Event::ChangeApplied { proposal, in_force: Height(chain.height.0 + 1) });
    assert_eq!(schema::upgrades(&chain.state).unwrap().len(), 1);
}

#[test]
fn one_rejection_of_three_puts_approval_out_of_reach() {
    let mut chain = Chain::new();
    let proposal =
        propose(&mut chain, Change::SetParameters { params: Params { equity: 0, ..Params::default() } });
    vote(&mut chain, "voter-a", proposal, Choice::Approve);
    assert_eq!(vote(&mut chain, "voter-b", proposal, Choice::Reject), Event::ChangeRefused { proposal });
    let status = schema::proposal(&chain.state, proposal).unwrap().unwrap().status;
    assert!(matches!(status, ProposalStatus::Refused { .. }));
    assert_eq!(schema::params(&chain.state).unwrap().equity, 73);
}

#[test]
fn votes_are_conserved_one_each_and_only_of_members_who_still_may_vote() {
    let mut chain = Chain::new();
    let kept = propose(&mut chain, Change::Upgrade { note: title("0.2.0"), height: Height(90) });
    vote(&mut chain, "voter-c", kept, Choice::Approve);
    pass(&mut chain, Change::RemoveMember { account: account("voter-c") });
    assert_eq!(schema::counters(&chain.state).unwrap().consortium_members, 2);
    // Two members remain; the removed one's approval no longer counts, so one more is not enough.
    let event = vote(&mut chain, "voter-a", kept, Choice::Approve);
    assert_eq!(event, Event::ChangeVoted { proposal: kept, approvals: 1, members: 2 });
    assert!(matches!(vote(&mut chain, "voter-b", kept, Choice::Approve), Event::ChangeApplied { .. }));
    let proposal = schema::proposal(&chain.state, kept).unwrap().unwrap();
    assert_eq!(proposal.votes.len(), 3, "every vote cast stays on record");
}

#[test]
fn a_candidate_may_send_only_after_a_vote_admits_it_and_not_after_its_removal() {
    let mut chain = Chain::new();
    let roles = RoleSet::of(&[Role::Funder]);
    let register = RegisterMember {
        name: name("newcomer"),
        public_key: public_key(&key("newcomer")),
        roles,
        district: None,
        school: None,
        possession: {
            let genesis = chain.parsed.sha256;
            let statement = admin::register_member::member_statement(&genesis, &account("newcomer"));
            sign(&key("newcomer"), Label::MemberPossession, &statement)
        },
    };
    chain.accept("voter-b", register);
    let sends = |chain: &Chain| {
        let bytes = chain.transaction("newcomer", 0, fund(5).into()).to_canonical();
        chain.try_block(&[bytes]).map(|outcome| outcome.receipts[0].code)
    };
    let unknown = Err(ExecuteError::Invalid { index: 0, code: Code::UnknownAccount });
    assert_eq!(sends(&chain), unknown);
    pass(&mut chain, Change::AdmitMember { account: account("newcomer") });
    chain.accept("newcomer", fund(5));
    pass(&mut chain, Change::RemoveMember { account: account("newcomer") });
    assert_eq!(sends(&chain), unknown);
    let member = schema::member(&chain.state, &account("newcomer")).unwrap().unwrap();
    assert_eq!(member.standing, Standing::Removed);
    // Admitted again it goes on where it was: an old transaction cannot be replayed.
    pass(&mut chain, Change::AdmitMember { account: account("newcomer") });
    assert_eq!(chain.sequence("newcomer"), 1);
    chain.accept("newcomer", fund(5));
}

#[test]
fn a_validator_enters_and_leaves_two_heights_after_the_vote() {
    let mut chain = Chain::new();
    let new = public_key(&key("validator-2"));
    pass(&mut chain, Change::AdmitPeer { peer_id: peer(2), listen: listen(), operator: account("voter-b") });
    assert_eq!(schema::peers(&chain.state).unwrap().len(), 2);
    let add = Change::AddValidator {
        name: name("validator-2"),
        public_key: new,
        power: 1,
        operator: account("voter-b"),
        peer_id: peer(2),
        seed_key: public_key(&key("seed-2")),
    };
    let voted = pass(&mut chain, add);
    let size = |chain: &Chain, height: u64| {
        let set = schema::validator_set_at(&chain.state, Height(height)).unwrap();
        set.map(|set| set.validators().len())
    };
    let at = |ahead: u64| size(&chain, voted.0 + ahead);
    assert_eq!([at(0), at(1), at(2), at(3)], [Some(1), Some(1), Some(2), None]);
    let after_one = chain.block(&[]);
    assert_ne!(after_one.header.validators_hash, after_one.header.next_validators_hash);
    let after_two = chain.block(&[]);
    assert_eq!(after_two.header.validators_hash, after_one.header.next_validators_hash);
    assert_eq!(after_two.header.next_validators_hash, after_two.header.validators_hash);

    let address = validators::address(&public_key(&key("validator-1")));
    let voted = pass(&mut chain, Change::RemoveValidator { address });
    assert_eq!(size(&chain, voted.0 + 1), Some(2));
    assert_eq!(size(&chain, voted.0 + 2), Some(1));
    chain.advance_to(Height(voted.0 + 3));
    let set = schema::validator_set_at(&chain.state, chain.height).unwrap().unwrap();
    assert_eq!(set.validators()[0].public_key, new);
    assert_eq!(schema::validator_infos(&chain.state).unwrap().len(), 1);
}

#[test]
fn parameters_count_from_the_next_block_on() {
    let mut chain = Chain::new();
    let params = Params { max_batch_entries: 1, ..Params::default() };
    let proposal = propose(&mut chain, Change::SetParameters { params });
    vote(&mut chain, "voter-a", proposal, Choice::Approve);
    vote(&mut chain, "voter-b", proposal, Choice::Approve);
    let deciding = VoteChange { proposal, choice: Choice::Approve };
    let block = [
        chain.transaction("voter-c", 0, deciding.into()).to_canonical(),
        chain.transaction("district-1", 0, anchor(0..2, 11).into()).to_canonical(),
    ];
    let codes: Vec<Code> = chain.block(&block).receipts.iter().map(|r| r.code).collect();
    assert_eq!(codes, [Code::Accepted, Code::Accepted]);
    assert_eq!(chain.send("district-1", anchor(2..4, 11)).code, Code::BatchTooLarge);
}

#[test]
fn roles_change_by_vote_and_the_count_of_voters_follows() {
    let mut chain = Chain::new();
    let change = Change::SetRoles {
        account: account("district-1"),
        roles: RoleSet::of(&[Role::District, Role::Consortium]),
        district: Some(DistrictId(1)),
        school: None,
    };
    pass(&mut chain, change);
    assert_eq!(schema::counters(&chain.state).unwrap().consortium_members, 4);
    chain.accept("district-1", class(5));
}

#[test]
fn after_a_rotation_only_the_new_key_signs_and_the_account_stays() {
    let mut chain = Chain::new();
    let new = key("funder-2026");
    let statement = possession_statement(&chain.parsed.sha256, &account("funder"));
    let possession = sign(&new, Label::KeyRotation, &statement);
    let rotation =
        RotateKey { key: KeyName::Account, public_key: public_key(&new), possession, replaces: None };
    chain.accept("funder", rotation);
    let old = chain.transaction("funder", 0, fund(5).into()).to_canonical();
    let refused = ExecuteError::Invalid { index: 0, code: Code::KeyNotCurrent };
    assert_eq!(chain.try_block(&[old]).unwrap_err(), refused);
    chain.keys.insert("funder".into(), new);
    chain.accept("funder", fund(5));
    assert!(schema::budget(&chain.state, &account("funder"), YEAR).unwrap().is_some());
}
