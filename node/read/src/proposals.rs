//! Proposed changes in words, with who is for them, what is needed and until when.

use std::collections::BTreeMap;

pub use aula_api::registers::{ProposalLine, Voter};
use aula_ledger::roles::Role;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Proposal, ProposalStatus, Standing};
use aula_ledger::tx::{Change, Choice};
use aula_ledger::types::{AccountId, Height, ValidatorAddress};

use aula_store::ChainView;

/// All proposals, oldest first.
///
/// # Errors
/// When the database fails.
pub fn lines(view: &ChainView) -> Result<Vec<ProposalLine>, StoreError> {
    let members = schema::members(view)?;
    let names: BTreeMap<AccountId, String> =
        members.iter().map(|member| (member.account, member.name.to_string())).collect();
    let may_vote = |account: &AccountId| {
        members.iter().any(|member| {
            member.account == *account
                && member.standing == Standing::Admitted
                && member.roles.has(Role::Consortium)
        })
    };
    let voting = schema::counters(view)?.consortium_members;
    let (needed, now) = (voting.saturating_mul(2) / 3 + 1, view.tip().height);
    let against: BTreeMap<ValidatorAddress, String> =
        schema::misbehaviours(view)?.into_iter().map(|one| (one.validator, one.words())).collect();
    let line = |record: Proposal| {
        let counts = |choice: Choice| {
            let votes = record.votes.iter().filter(|(voter, voted)| *voted == choice && may_vote(voter));
            u32::try_from(votes.count()).unwrap_or(u32::MAX)
        };
        let voters = record.votes.iter();
        ProposalLine {
            what: match accused(&record.change).and_then(|validator| against.get(validator)) {
                Some(told) => format!("{}; by evidence on record {told}", in_words(&record.change, &names)),
                None => in_words(&record.change, &names),
            },
            approvals: counts(Choice::Approve),
            against: counts(Choice::Reject),
            needed: (record.status == ProposalStatus::Open).then_some(needed),
            standing: standing(&record, now).to_owned(),
            proposer_name: name(&names, &record.proposer),
            voters: voters
                .map(|(voter, choice)| Voter { name: name(&names, voter), choice: *choice })
                .collect(),
            record,
        }
    };
    Ok(schema::proposals(view)?.into_iter().map(line).collect())
}

/// The validator that a change would remove or give another key.
fn accused(change: &Change) -> Option<&ValidatorAddress> {
    match change {
        Change::RemoveValidator { address } | Change::ReplaceValidatorKey { address, .. } => Some(address),
        _ => None,
    }
}

fn standing(record: &Proposal, now: Height) -> &'static str {
    match record.status {
        ProposalStatus::Applied { .. } => "applied",
        ProposalStatus::Refused { .. } => "refused",
        ProposalStatus::Open if now >= record.open_until => "lapsed",
        ProposalStatus::Open => "open",
    }
}

fn name(names: &BTreeMap<AccountId, String>, account: &AccountId) -> String {
    names.get(account).cloned().unwrap_or_else(|| format!("account {account}"))
}

/// What a change would do, in a sentence without its full stop.
pub fn in_words(change: &Change, names: &BTreeMap<AccountId, String>) -> String {
    let who = |account: &AccountId| name(names, account);
    match change {
        Change::AdmitMember { account } => format!("admit {} as a member", who(account)),
        Change::RemoveMember { account } => format!("remove the member {}", who(account)),
        Change::AdmitPeer { peer_id, operator, .. } => {
            format!("let {}'s peer {peer_id} connect", who(operator))
        }
        Change::RemovePeer { peer_id } => format!("refuse the peer {peer_id}"),
        Change::AddValidator { name, power, operator, .. } => {
            format!("give the validator {name} of {} a power of {power} at once", who(operator))
        }
        Change::RemoveValidator { address } => format!("remove the validator {address}"),
        Change::SetParameters { .. } => "set the parameters of the ledger".to_owned(),
        Change::SetRoles { account, roles, district, school } => {
            let place = match (district, school) {
                (_, Some(school)) => format!(" for school {school}"),
                (Some(district), None) => format!(" for district {district}"),
                (None, None) => String::new(),
            };
            format!("give {} the roles {}{place}", who(account), roles.names(", "))
        }
        Change::Upgrade { note, height } => format!("run from height {height}: {note}"),
        Change::SwitchProtocol { protocol, height, program } => {
            format!("go by protocol {protocol} from height {height} on, with Aula {program}")
        }
        Change::ReplaceSteward { class, steward } => {
            format!("make {} the steward of class {class}", who(steward))
        }
        Change::RevertDecision { round, .. } => format!("take back the decision of round {round}"),
        Change::CancelRound { round } => format!("cancel the open round {round}"),
        Change::AdmitDistrict { district, name, operator } => {
            format!("admit district {district}, {name}, for which {} acts", who(operator))
        }
        Change::CloseDistrict { district, successor } => {
            let then = match successor {
                Some(next) => format!("district {next} has its business"),
                None => "nobody has its business".to_owned(),
            };
            format!("close district {district}; {then}")
        }
        Change::AdmitNode { node } => {
            let place = match node.district.as_ref().map(|one| (one.id, &one.name)) {
                Some((id, Some(name))) => format!(" of the new district {id}, {name}"),
                Some((id, None)) => format!(" of district {id}"),
                None => String::new(),
            };
            format!("admit the node {}{place}: member, peer and, once it is ready, validator", node.name)
        }
        Change::ReplaceValidatorKey { address, .. } => format!("replace the key of the validator {address}"),
        Change::AdmitConsortium { genesis, name, validators, .. } => {
            let count = validators.validators().len();
            format!(
                "let heads of {name}, the ledger of genesis {genesis} with {count} validators, be anchored"
            )
        }
        Change::SetTwinParameters { from_year, parameters } => {
            let rule = &parameters.need;
            let reveals: Vec<String> = rule.reveals().iter().map(ToString::to_string).collect();
            let told =
                if reveals.is_empty() { "no band reveals an input".to_owned() } else { reveals.join(", ") };
            format!(
                "set the twins' parameters from school year {from_year} on, with the need {}; {told}",
                rule.words()
            )
        }
        _ => "a change that this program does not know".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_ledger::types::{ClassId, DistrictId, RoundId};

    #[test]
    fn changes_are_told_with_names_and_numbers() {
        let steward = AccountId([1; 20]);
        let names = BTreeMap::from([(steward, "lake".to_owned())]);
        let said = |change: Change| in_words(&change, &names);
        assert_eq!(
            said(Change::ReplaceSteward { class: ClassId(3), steward }),
            "make lake the steward of class 3"
        );
        let close = |successor| Change::CloseDistrict { district: DistrictId(1), successor };
        assert_eq!(said(close(Some(DistrictId(2)))), "close district 1; district 2 has its business");
        assert_eq!(said(close(None)), "close district 1; nobody has its business");
        assert_eq!(said(Change::CancelRound { round: RoundId(7) }), "cancel the open round 7");
        let stranger = AccountId([2; 20]);
        assert!(said(Change::RemoveMember { account: stranger }).ends_with(&stranger.to_string()));
    }
}
