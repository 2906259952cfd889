//! Ready: an admitted node says itself that it follows the chain and votes from now on. Its power starts two heights later.
//!
//! Refused while the validators that propose would hold two thirds of the power or less with one more that may be silent:
//! the node asks again once others are back. The newcomer counts as silent until it has proposed a block, so that several
//! enter one after another.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use super::membership::enter;
use super::seed_account;
use crate::chain::Validator;
use crate::code::Code;
use crate::keys::{Label, Signature};
use crate::state::schema::{self, ValidatorInfo, WaitingValidator};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::{Hash, Height, ValidatorAddress};

/// How many heights ago a node may have signed what it says of itself: it was at the tip then.
pub const SIGNED_WITHIN_HEIGHTS: u64 = 100;

/// That a node is ready. Sent by its operator's account, signed by its validator key.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// The validator that waits.
    pub validator: ValidatorAddress,
    /// The last block that the node had executed when it signed; at most 100 heights ago.
    pub height: Height,
    /// The validator key's signature over [`ready_statement`], under [`Label::ValidatorReady`].
    pub signature: Signature,
}

/// What the validator key signs: the genesis hash, its address, and the height (eight bytes, little endian).
pub fn ready_statement(genesis: &Hash, validator: &ValidatorAddress, height: Height) -> Vec<u8> {
    [&genesis.0[..], &validator.0, &height.0.to_le_bytes()].concat()
}

/// Refuses what was signed for a height too far back, or one that has not been.
///
/// # Errors
/// [`Code::StatementStale`].
pub(super) fn check_fresh(signed: Height, now: Height) -> Result<(), Code> {
    let ago = now.0.checked_sub(signed.0);
    ensure(ago.is_some_and(|ago| (1..=SIGNED_WITHIN_HEIGHTS).contains(&ago)), Code::StatementStale)
}

impl Handler for Ready {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let (facts, account) = (context.facts, context.sender.account);
        let waiting = schema::waiting_validator(context.overlay, &self.validator)?;
        let waiting = waiting.filter(|one| one.operator == account).ok_or(Code::NothingWaits)?;
        check_fresh(self.height, facts.height)?;
        let statement = ready_statement(&facts.genesis, &self.validator, self.height);
        let held = waiting.public_key.verifies(Label::ValidatorReady, &statement, &self.signature);
        ensure(held, Code::PossessionNotProved)?;
        ensure(facts.time_ms <= waiting.ready_until_ms(), Code::ReadyLate)?;
        check_live(context, &waiting)?;
        let overlay = &mut *context.overlay;
        enter(overlay, Validator::new(waiting.public_key, waiting.power))?;
        overlay.delete(schema::waiting_key(&self.validator));
        let WaitingValidator { address, name, operator, peer_id, seed_key, .. } = waiting;
        let seed = seed_account::admit(overlay, seed_key, &name, facts.height)?;
        let info = ValidatorInfo { address, name, operator, peer_id, rotated_ms: None, seed };
        schema::write(overlay, schema::validator_key(&address), &info);
        Ok(vec![Event::ValidatorReady { validator: address, in_force: facts.height.next().next() }])
    }
}

/// Whether those who propose would still decide alone.
fn check_live(context: &Context<'_, '_>, waiting: &WaitingValidator) -> Result<(), Refusal> {
    let after = schema::validator_schedule(context.overlay)?.after;
    let live = schema::live_power(context.overlay, &after, context.facts.height)?;
    let total = u128::from(after.total_power()).saturating_add(waiting.power.into());
    let enough = u128::from(live).saturating_mul(3) > total.saturating_mul(2);
    Ok(ensure(enough, Code::TooLittleLivePower)?)
}
