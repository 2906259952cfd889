//! A class's steward: the member who defines its pools, opens and runs its rounds and sets its terms. DefineClass names
//! it, a vote names another.
//!
//! Without one, any funder could put a pool with a floor that nobody can fill into any class, and any member with a vote
//! could keep a class's rounds open for months.

use crate::code::Code;
use crate::state::Overlay;
use crate::state::schema::{self, Class, Standing};
use crate::tx::handler::{Context, Refusal, ensure};
use crate::tx::rights::STEWARDS;
use crate::types::{AccountId, ClassId};

/// The class, if the sender is its steward.
///
/// # Errors
/// [`Code::UnknownClass`], [`Code::NotSteward`].
pub(super) fn class_of_steward(context: &Context<'_, '_>, class: ClassId) -> Result<Class, Refusal> {
    let class = schema::class(context.overlay, class)?.ok_or(Code::UnknownClass)?;
    ensure(class.steward == context.sender.account, Code::NotSteward)?;
    Ok(class)
}

/// Whether an account may be a steward: an admitted member with a role that may open rounds.
///
/// # Errors
/// [`Code::StewardUnfit`].
pub(crate) fn check_steward(overlay: &Overlay<'_>, account: &AccountId) -> Result<(), Refusal> {
    let member = schema::member(overlay, account)?;
    let fit = member.is_some_and(|m| m.standing == Standing::Admitted && m.roles.meets(STEWARDS));
    Ok(ensure(fit, Code::StewardUnfit)?)
}
