//! Under which key each record stands: a word, then the numbers that name it, big endian, so that a prefix lists them in order.

use super::MilestoneKind;
use crate::keys::PublicKey;
use crate::names::{Name, PeerName};
use crate::types::{
    AccountId, ClassId, CommitmentBytes, DistrictId, Handle, Hash, Height, KindId, PoolId, ProposalId,
    RoundId, SchoolId, SchoolYear, ValidatorAddress,
};

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($($field:ident: $type:ty => $bytes:expr),*) = $word:literal;)*) => {
        $(
            $(#[$doc])*
            pub fn $name($($field: $type),*) -> Vec<u8> {
                [$word.as_bytes() $(, &$bytes[..])*].concat()
            }
        )*
    };
}

keys! {
    /// Identity, height and time.
    chain_key() = "chain";
    /// What members may vote to change.
    params_key() = "params";
    /// Whose rules are in force.
    protocol_key() = "protocol";
    /// A version of the twins' parameters.
    twin_version_key(version: u32 => version.to_be_bytes()) = "twin_version/";
    /// All versions of the twins' parameters.
    twin_version_prefix() = "twin_version/";
    /// The first school year of every version.
    twin_versions_key() = "twin_versions";
    /// The validator sets of this height and the next two.
    validators_key() = "validators";
    /// The validator set that the block of this height announced for the next one, another than its own.
    set_change_key(height: Height => height.0.to_be_bytes()) = "set_change/";
    /// All changes of the validator set.
    set_change_prefix() = "set_change/";
    /// How many vote, and the next numbers of proposals and rounds.
    counters_key() = "counters";
    /// An account's key and sequence.
    account_key(account: &AccountId => account.0) = "account/";
    /// A member, admitted or not.
    member_key(account: &AccountId => account.0) = "member/";
    /// The account of a member's name.
    name_key(name: &Name => name.as_str().as_bytes()) = "name/";
    /// What is known of a validator beside its vote.
    validator_key(address: &ValidatorAddress => address.0) = "validator/";
    /// A validator that is admitted and has no power before it has said that it is ready.
    waiting_key(address: &ValidatorAddress => address.0) = "waiting/";
    /// Who proposed a block lately.
    proposers_key() = "proposers";
    /// Who missed a turn to propose lately.
    missed_turns_key() = "missed_turns";
    /// What is held against a validator.
    misbehaviour_key(validator: &ValidatorAddress => validator.0) = "misbehaviour/";
    /// All that is held against validators.
    misbehaviour_prefix() = "misbehaviour/";
    /// That an account's or a validator's key was once one on this chain.
    used_key_key(key: &PublicKey => key.0) = "used_key/";
    /// That a peer was once admitted.
    used_peer_key(peer: &PeerName => peer.as_str().as_bytes()) = "used_peer/";
    /// A peer that may connect.
    peer_key(peer: &PeerName => peer.as_str().as_bytes()) = "peer/";
    /// A proposed change with its votes.
    proposal_key(proposal: ProposalId => proposal.0.to_be_bytes()) = "proposal/";
    /// A version of the program that members agreed to run from this height on.
    upgrade_key(height: Height => height.0.to_be_bytes()) = "upgrade/";
    /// A district, closed ones included.
    district_key(district: DistrictId => district.0.to_be_bytes()) = "district/";
    /// How many students a district has anchored.
    district_leaves_key(district: DistrictId => district.0.to_be_bytes()) = "leaves/";
    /// A school, whichever district's: numbers are unique in the consortium.
    school_key(school: SchoolId => school.0.to_be_bytes()) = "school/";
    /// A milestone, by district, handle and number: no district writes another's.
    milestone_key(
        district: DistrictId => district.0.to_be_bytes(), handle: &Handle => handle.0, number: u16 => number.to_be_bytes()
    ) = "milestone/";
    /// All milestones of a handle.
    milestones_prefix(district: DistrictId => district.0.to_be_bytes(), handle: &Handle => handle.0) = "milestone/";
    /// The number of the record that corrects a milestone.
    superseded_key(
        district: DistrictId => district.0.to_be_bytes(), handle: &Handle => handle.0, number: u16 => number.to_be_bytes()
    ) = "superseded/";
    /// The number of the milestone that a proved mastery backs, by its commitment.
    mastery_key(
        district: DistrictId => district.0.to_be_bytes(), handle: &Handle => handle.0, commitment: &CommitmentBytes => commitment.0
    ) = "mastery/";
    /// How many milestones of a kind were recorded for a school year; not for the public.
    milestones_recorded_key(year: SchoolYear => year.0.to_be_bytes(), kind: MilestoneKind => [kind as u8]) = "milestones_recorded/";
    /// How many of them the public sees.
    milestones_shown_key(year: SchoolYear => year.0.to_be_bytes(), kind: MilestoneKind => [kind as u8]) = "milestones_shown/";
    /// An auditor's result on a drawn student.
    audit_key(
        round: RoundId => round.0.to_be_bytes(), district: DistrictId => district.0.to_be_bytes(), handle: &Handle => handle.0
    ) = "audit/";
    /// That an auditor took a round's rows.
    rows_taken_key(round: RoundId => round.0.to_be_bytes(), auditor: &AccountId => auditor.0) = "rows_taken/";
    /// All auditors who took a round's rows.
    rows_taken_prefix(round: RoundId => round.0.to_be_bytes()) = "rows_taken/";
    /// All results of a round.
    audits_prefix(round: RoundId => round.0.to_be_bytes()) = "audit/";
    /// A funder's stated budget of a school year.
    stated_budget_key(funder: &AccountId => funder.0, year: SchoolYear => year.0.to_be_bytes()) = "stated_budget/";
    /// In which block a funder's stated budget was bound to what its pools were charged.
    bound_budget_key(funder: &AccountId => funder.0, year: SchoolYear => year.0.to_be_bytes()) = "bound_budget/";
    /// A funder's stated floor of a school year.
    stated_equity_key(funder: &AccountId => funder.0, year: SchoolYear => year.0.to_be_bytes()) = "stated_equity/";
    /// A funder's budget of a school year.
    budget_key(funder: &AccountId => funder.0, year: SchoolYear => year.0.to_be_bytes()) = "budget/";
    /// What a funder lets a class's steward charge.
    grant_key(
        funder: &AccountId => funder.0, class: ClassId => class.0.to_be_bytes(), steward: &AccountId => steward.0
    ) = "grant/";
    /// The rounds that have a window open.
    windows_prefix() = "window/";
    /// That a round has a window open.
    window_key(round: RoundId => round.0.to_be_bytes()) = "window/";
    /// The account of a validator for shares of seeds.
    seed_account_key(account: &AccountId => account.0) = "seed_account/";
    /// Whose shares of a round's seed count.
    seed_power_key(round: RoundId => round.0.to_be_bytes()) = "seed_power/";
    /// What was drawn for a round.
    draw_key(round: RoundId => round.0.to_be_bytes()) = "draw/";
    /// The draw of a class for these requests.
    kept_draw_key(class: ClassId => class.0.to_be_bytes(), requests: &Hash => requests.0) = "kept_draw/";
    /// The first decision that places somebody in a pool.
    pool_user_key(pool: PoolId => pool.0.to_be_bytes()) = "pool_user/";
    /// What of a round a district took.
    intake_key(round: RoundId => round.0.to_be_bytes(), district: DistrictId => district.0.to_be_bytes()) = "intake/";
    /// A class with its terms and where its rounds are.
    class_key(class: ClassId => class.0.to_be_bytes()) = "class/";
    /// A pool of a class.
    pool_key(class: ClassId => class.0.to_be_bytes(), pool: PoolId => pool.0.to_be_bytes()) = "pool/";
    /// All pools of a class.
    pools_prefix(class: ClassId => class.0.to_be_bytes()) = "pool/";
    /// The pools of all classes, by class and number.
    all_pools_prefix() = "pool/";
    /// Which class a pool is of: pools' numbers are unique in the consortium.
    pool_class_key(pool: PoolId => pool.0.to_be_bytes()) = "pool_class/";
    /// The pools of a class at a school.
    pools_at_prefix(class: ClassId => class.0.to_be_bytes(), school: SchoolId => school.0.to_be_bytes()) = "pool_at/";
    /// The pool of a class, school and kind.
    pool_at_key(
        class: ClassId => class.0.to_be_bytes(), school: SchoolId => school.0.to_be_bytes(), kind: KindId => [kind.0]
    ) = "pool_at/";
    /// A round: what was fixed at its opening, and where it is.
    round_key(round: RoundId => round.0.to_be_bytes()) = "round/";
    /// That a round was run and had no result.
    refused_run_key(round: RoundId => round.0.to_be_bytes()) = "refused_run/";
    /// A share of a round's seed.
    seed_key(
        round: RoundId => round.0.to_be_bytes(), attempt: u32 => attempt.to_be_bytes(), account: &AccountId => account.0
    ) = "seed/";
    /// All shares of an attempt.
    seeds_prefix(round: RoundId => round.0.to_be_bytes(), attempt: u32 => attempt.to_be_bytes()) = "seed/";
    /// A round's decision.
    decision_key(round: RoundId => round.0.to_be_bytes()) = "decision/";
    /// The optimizer's certificate of a round.
    certificate_key(round: RoundId => round.0.to_be_bytes()) = "certificate/";
    /// A round at equity 0, for the price of fairness.
    plain_key(round: RoundId => round.0.to_be_bytes()) = "plain/";
    /// A round's published report.
    report_key(round: RoundId => round.0.to_be_bytes()) = "report/";
    /// That a round's decision was taken back.
    reversion_key(round: RoundId => round.0.to_be_bytes()) = "revert/";
    /// What a school owes an acknowledgement for.
    acknowledgement_key(round: RoundId => round.0.to_be_bytes(), pool: PoolId => pool.0.to_be_bytes()) = "acknowledgement/";
    /// All acknowledgements of a round.
    acknowledgements_prefix(round: RoundId => round.0.to_be_bytes()) = "acknowledgement/";
    /// Requests counted in a round when this block was over; there is one for each block that took a batch.
    batches_key(round: RoundId => round.0.to_be_bytes(), height: Height => height.0.to_be_bytes()) = "batches/";
    /// The blocks that took a round's batches.
    batches_prefix(round: RoundId => round.0.to_be_bytes()) = "batches/";
    /// The newest anchored head of a district's access log.
    access_log_key(district: DistrictId => district.0.to_be_bytes()) = "access_log/";
    /// A district's anchored buildings.
    estate_key(district: DistrictId => district.0.to_be_bytes()) = "estate/";
    /// A pool's newest report of use.
    utilisation_key(pool: PoolId => pool.0.to_be_bytes()) = "utilisation/";
}
