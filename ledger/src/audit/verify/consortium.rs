//! Public records of the consortium: validators, members, districts, schools, proposals, milestones, access logs, estates.

use serde_json::{Map, Value, json};

use super::super::bundle::{Figure, FigureKey};
use super::super::report::{Checks, Stop};
use super::{State, heads, keyed};
use crate::roles::RoleSet;
use crate::state::schema::{
    AccessLog, District, Estate, Member, MilestonesShown, Proposal, School, ValidatorInfo, ValidatorSchedule,
};

/// Checks a record and gives what it says; figures of money and rounds are none of these.
pub(super) fn one(checks: &mut Checks, state: &State, figure: &Figure, key: &[u8]) -> Result<Value, Stop> {
    match &figure.key {
        FigureKey::Validators => {
            let sets: ValidatorSchedule = state.open(checks, "validators", key, &figure.record)?;
            let next = sets.next.validators();
            let words = format!("{} validators decide the next block.", next.len());
            checks.pass("validators", words);
            let mut said: Map<String, Value> =
                next.iter().map(|one| (one.address.to_string(), json!({ "power": one.power }))).collect();
            said.insert("count".into(), json!(next.len()));
            Ok(json!({ "validators": said }))
        }
        FigureKey::Validator(address) => {
            let record: ValidatorInfo = state.open(checks, "validator", key, &figure.record)?;
            let own = record.address == *address;
            checks.ensure("validator", own, "The record names another validator.")?;
            checks.pass("validator", format!("Validator {address} is {}.", record.name));
            Ok(keyed(&format!("validator-{address}"), json!(record)))
        }
        FigureKey::Member(account) => {
            let record: Member = state.open(checks, "member", key, &figure.record)?;
            checks.ensure("member", record.account == *account, "The record names another member.")?;
            checks.pass("member", format!("Account {account} is {}.", record.name));
            let said = json!({
                "name": record.name,
                "roles": roles(&record.roles),
                "district": record.district,
                "school": record.school,
                "standing": record.standing,
                "since": record.since,
            });
            Ok(keyed(&format!("member-{account}"), said))
        }
        FigureKey::District(id) => {
            let record: District = state.open(checks, "district", key, &figure.record)?;
            checks.ensure("district", record.id == *id, "The record names another district.")?;
            checks.pass("district", format!("District {id} is {}.", record.name));
            Ok(keyed(&format!("district-{id}"), json!(record)))
        }
        FigureKey::School(id) => {
            let record: School = state.open(checks, "school", key, &figure.record)?;
            checks.ensure("school", record.id == *id, "The record names another school.")?;
            checks.pass("school", format!("School {id} belongs to district {}.", record.district));
            Ok(keyed(&format!("school-{id}"), json!(record)))
        }
        FigureKey::Proposal(id) => {
            let record: Proposal = state.open(checks, "proposal", key, &figure.record)?;
            checks.ensure("proposal", record.proposal == *id, "The record names another proposal.")?;
            let votes = record.votes.len();
            checks.pass("proposal", format!("Proposal {id} of account {}: {votes} votes.", record.proposer));
            Ok(keyed(&format!("proposal-{id}"), json!(record)))
        }
        FigureKey::Milestones { school_year, kind } => {
            let record: MilestonesShown = state.open(checks, "milestones", key, &figure.record)?;
            let own = (record.school_year, record.kind) == (*school_year, *kind);
            checks.ensure("milestones", own, "The record names another school year or kind.")?;
            let kind = json!(kind).as_str().unwrap_or_default().to_owned();
            let words = format!("School year {school_year}, {kind}: at least {}.", record.at_least);
            checks.pass("milestones", words);
            // Fewer than the least number that may be shown is shown as nothing.
            let at_least = Some(record.at_least).filter(|n| *n > 0);
            Ok(keyed(&format!("milestones-{school_year}-{kind}"), json!({ "at_least": at_least })))
        }
        FigureKey::AccessLog(district) => {
            let record: AccessLog = state.open(checks, "access log", key, &figure.record)?;
            let own = record.district == *district;
            checks.ensure("access log", own, "The record names another district.")?;
            let words = format!("District {district} anchored {} entries.", record.head.leaf_count);
            checks.pass("access log", words);
            Ok(keyed(&format!("access-log-{district}"), json!(record)))
        }
        FigureKey::Estate(district) => {
            let record: Estate = state.open(checks, "estate", key, &figure.record)?;
            let own = record.district == *district;
            checks.ensure("estate", own, "The record names another district.")?;
            let words = format!("District {district} anchored {} buildings.", record.buildings.len());
            checks.pass("estate", words);
            Ok(keyed(&format!("estate-{district}"), json!(record)))
        }
        FigureKey::Consortium(_) | FigureKey::AnchoredHead { .. } => heads::one(checks, state, figure, key),
        _ => checks.fail("figures", "A record is of a kind that this program does not show."),
    }
}

/// Roles as a page lists them.
fn roles(roles: &RoleSet) -> String {
    let names = roles.roles().map(|role| json!(role).as_str().unwrap_or_default().to_owned());
    names.collect::<Vec<_>>().join(", ")
}
