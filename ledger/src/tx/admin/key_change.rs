//! Replacing a node's keys: what is signed, the limits of doing it alone, and what changes.

use crate::chain::{Validator, ValidatorSet};
use crate::code::Code;
use crate::keys::PublicKey;
use crate::state::Overlay;
use crate::state::schema::{self, ValidatorInfo};
use crate::tx::Event;
use crate::tx::handler::{Refusal, ensure};
use crate::types::{Hash, Height, TimeMs, ValidatorAddress};

/// Block time in milliseconds between two rotations of a validator's key: 30 days.
pub const ROTATION_EVERY_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// What the key signs that a vote puts in another's place: the genesis hash, the validator's address, the new key.
pub fn replacement_statement(genesis: &Hash, validator: &ValidatorAddress, new: &PublicKey) -> Vec<u8> {
    [&genesis.0[..], &validator.0, &new.0].concat()
}

/// The validator and what is known of it, if its key can be replaced by this one.
///
/// # Errors
/// [`Code::UnknownValidator`], [`Code::KeyUsed`].
pub(super) fn may_replace(
    overlay: &Overlay<'_>,
    address: &ValidatorAddress,
    new: &PublicKey,
) -> Result<(Validator, ValidatorInfo), Refusal> {
    let after = schema::validator_schedule(overlay)?.after;
    let info = schema::validator_info(overlay, address)?;
    let (old, info) = after.get(address).cloned().zip(info).ok_or(Code::UnknownValidator)?;
    ensure(!schema::key_was_used(overlay, new)?, Code::KeyUsed)?;
    Ok((old, info))
}

/// Puts the new key into the old one's place, two heights later: the same name, power and peer.
pub(super) fn replace(
    overlay: &mut Overlay<'_>,
    address: &ValidatorAddress,
    new: &PublicKey,
    now_ms: TimeMs,
    in_force: Height,
) -> Result<Event, Refusal> {
    let (old, info) = may_replace(overlay, address, new)?;
    let validator = Validator::new(*new, old.power);
    let successor = validator.address;
    let mut schedule = schema::validator_schedule(overlay)?;
    let mut validators = schedule.after.validators().to_vec();
    validators.retain(|one| one.address != *address);
    validators.push(validator);
    schedule.after = ValidatorSet::new(validators).map_err(|_| Code::ValidatorLimit)?;
    schema::write(overlay, schema::validators_key(), &schedule);
    overlay.delete(schema::validator_key(address));
    let info = ValidatorInfo { address: successor, rotated_ms: Some(now_ms), ..info };
    schema::write(overlay, schema::validator_key(&successor), &info);
    schema::use_key(overlay, new);
    Ok(Event::ValidatorRotated { validator: *address, successor, in_force })
}

/// Whether a validator may have its key replaced by its operator alone: once in 30 days, and together with the others whose
/// new key has not proposed yet less than a third of the power.
///
/// # Errors
/// [`Code::RotationLimit`].
pub(super) fn check_limits(
    overlay: &Overlay<'_>,
    validator: &Validator,
    info: &ValidatorInfo,
    now_ms: TimeMs,
) -> Result<(), Refusal> {
    let lately = info.rotated_ms.is_some_and(|last| now_ms.0.saturating_sub(last.0) < ROTATION_EVERY_MS);
    ensure(!lately, Code::RotationLimit)?;
    let (after, proposers) = (schema::validator_schedule(overlay)?.after, schema::proposers(overlay)?);
    let mut pending = u128::from(validator.power);
    for other in schema::validator_infos(overlay)? {
        let silent = other.rotated_ms.is_some() && proposers.last(&other.address).is_none();
        let power = after.get(&other.address).map_or(0, |one| one.power);
        pending = pending.saturating_add(if silent { power.into() } else { 0 });
    }
    let few = pending.saturating_mul(3) < u128::from(after.total_power());
    Ok(ensure(few, Code::RotationLimit)?)
}
