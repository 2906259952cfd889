//! Members, their nodes and the validator set, as votes change them.

use super::seed_account;
use crate::chain::{Validator, ValidatorSet};
use crate::code::Code;
use crate::names::{Name, PeerName};
use crate::roles::{Role, RoleSet};
use crate::state::schema::{self, Member, Standing};
use crate::state::{Overlay, StoreError};
use crate::tx::handler::{Refusal, ensure};
use crate::types::{AccountId, Height, ValidatorAddress};

pub(super) fn is_voter(member: &Member) -> bool {
    member.standing == Standing::Admitted && member.roles.has(Role::Consortium)
}

/// Refuses a change after which nobody could vote: no later vote could undo it.
pub(super) fn check_voter_remains(
    overlay: &Overlay<'_>,
    member: &Member,
    roles: RoleSet,
) -> Result<(), Refusal> {
    let loses = is_voter(member) && !roles.has(Role::Consortium);
    let voters = schema::counters(overlay)?.consortium_members;
    Ok(ensure(!loses || voters > 1, Code::LastConsortiumMember)?)
}

pub(super) fn check_operator(overlay: &Overlay<'_>, operator: &AccountId) -> Result<(), Refusal> {
    let member = schema::member(overlay, operator)?;
    let admitted = member.is_some_and(|member| member.standing == Standing::Admitted);
    Ok(ensure(admitted, Code::UnknownMember)?)
}

pub(super) fn recount(overlay: &mut Overlay<'_>, voted: bool, votes: bool) -> Result<(), StoreError> {
    let mut counters = schema::counters(overlay)?;
    counters.consortium_members = match (voted, votes) {
        (false, true) => counters.consortium_members.saturating_add(1),
        (true, false) => counters.consortium_members.saturating_sub(1),
        _ => return Ok(()),
    };
    schema::write(overlay, schema::counters_key(), &counters);
    Ok(())
}

pub(super) fn set_standing(
    overlay: &mut Overlay<'_>,
    account: &AccountId,
    standing: Standing,
    since: Height,
) -> Result<(), Refusal> {
    let mut member = schema::member(overlay, account)?.ok_or(Code::UnknownMember)?;
    let voted = is_voter(&member);
    (member.standing, member.since) = (standing, since);
    recount(overlay, voted, is_voter(&member))?;
    schema::write(overlay, schema::member_key(account), &member);
    Ok(())
}

/// The set without this operator's validators, and their addresses; none when it has none.
///
/// # Errors
/// [`Code::LastValidator`] when nobody would be left.
pub(super) fn without_operator(
    overlay: &Overlay<'_>,
    operator: &AccountId,
) -> Result<Option<(ValidatorSet, Vec<ValidatorAddress>)>, Refusal> {
    let infos = schema::validator_infos(overlay)?;
    let own: Vec<ValidatorAddress> =
        infos.into_iter().filter(|info| info.operator == *operator).map(|info| info.address).collect();
    if own.is_empty() {
        return Ok(None);
    }
    let mut validators = schema::validator_schedule(overlay)?.after.validators().to_vec();
    validators.retain(|validator| !own.contains(&validator.address));
    let set = ValidatorSet::new(validators).map_err(|_| Code::LastValidator)?;
    Ok(Some((set, own)))
}

/// A member that is removed takes its validators and peers with it: who may not send must not decide. True when the
/// validator set changes.
pub(super) fn remove_operator(overlay: &mut Overlay<'_>, operator: &AccountId) -> Result<bool, Refusal> {
    let moved = without_operator(overlay, operator)?;
    let moves = moved.is_some();
    if let Some((set, own)) = moved {
        let mut schedule = schema::validator_schedule(overlay)?;
        schedule.after = set;
        schema::write(overlay, schema::validators_key(), &schedule);
        own.iter().try_for_each(|address| forget_validator(overlay, address))?;
    }
    for waiting in schema::waiting_validators(overlay)?.into_iter().filter(|one| one.operator == *operator) {
        overlay.delete(schema::waiting_key(&waiting.address));
    }
    for peer in schema::peers(overlay)?.into_iter().filter(|peer| peer.operator == *operator) {
        overlay.delete(schema::peer_key(&peer.peer_id));
    }
    Ok(moves)
}

/// What is known of a validator, and its account for shares of seeds, are gone.
pub(super) fn forget_validator(
    overlay: &mut Overlay<'_>,
    address: &ValidatorAddress,
) -> Result<(), StoreError> {
    if let Some(info) = schema::validator_info(overlay, address)? {
        seed_account::remove(overlay, &info.seed);
    }
    overlay.delete(schema::validator_key(address));
    Ok(())
}

/// Enters a validator two heights later.
pub(super) fn enter(overlay: &mut Overlay<'_>, validator: Validator) -> Result<(), Refusal> {
    let mut schedule = schema::validator_schedule(overlay)?;
    schedule.after = with_validator(&schedule.after, validator)?;
    schema::write(overlay, schema::validators_key(), &schedule);
    Ok(())
}

/// Refuses a name, peer or key that a validator has, or one that waits, other than the one of `address`.
///
/// # Errors
/// [`Code::ValidatorExists`].
pub(super) fn check_free(
    overlay: &Overlay<'_>,
    name: &Name,
    peer: &PeerName,
    address: &ValidatorAddress,
) -> Result<(), Refusal> {
    let infos = schema::validator_infos(overlay)?;
    let taken = infos.iter().any(|one| one.name == *name || one.peer_id == *peer || one.address == *address);
    let waiting = schema::waiting_validators(overlay)?;
    let mut others = waiting.iter().filter(|one| one.address != *address);
    let waits = others.any(|one| one.name == *name || one.peer_id == *peer);
    Ok(ensure(!taken && !waits, Code::ValidatorExists)?)
}

pub(super) fn with_validator(set: &ValidatorSet, validator: Validator) -> Result<ValidatorSet, Refusal> {
    ensure(set.get(&validator.address).is_none(), Code::ValidatorExists)?;
    let mut validators = set.validators().to_vec();
    validators.push(validator);
    Ok(ValidatorSet::new(validators).map_err(|_| Code::ValidatorLimit)?)
}

pub(super) fn without_validator(
    set: &ValidatorSet,
    address: &ValidatorAddress,
) -> Result<ValidatorSet, Refusal> {
    ensure(set.get(address).is_some(), Code::UnknownValidator)?;
    let mut validators = set.validators().to_vec();
    validators.retain(|validator| validator.address != *address);
    Ok(ValidatorSet::new(validators).map_err(|_| Code::LastValidator)?)
}
