//! What a vote does to a class: another steward, its standing decision taken back, its open round cancelled.
//!
//! A decision taken back no longer stands. Its rows, prices, certificate and report stay for good; its places are free, and
//! the decision that it had replaced, if any, stands again. Only the standing decision can be reverted, so the chain of
//! replaced decisions never holds a reverted one. No member does any of this alone: whoever disliked a draw could draw anew.

use crate::code::Code;
use crate::state::Overlay;
use crate::state::schema::{self, Class, Decision, Moment, Reversion, Round, RoundStatus, Window};
use crate::tx::Event;
use crate::tx::handler::{Refusal, ensure};
use crate::tx::resources::steward::check_steward;
use crate::types::{AccountId, ClassId, Hash, ProposalId, RoundId};

/// Whether a class may get this steward.
pub(super) fn may_replace(overlay: &Overlay<'_>, class: ClassId, steward: &AccountId) -> Result<(), Refusal> {
    let class = schema::class(overlay, class)?.ok_or(Code::UnknownClass)?;
    ensure(class.steward != *steward, Code::StandingUnchanged)?;
    check_steward(overlay, steward)
}

/// The class is this member's from now on; the grants of the one before are not.
pub(super) fn replace_steward(
    overlay: &mut Overlay<'_>,
    id: ClassId,
    steward: AccountId,
) -> Result<Event, Refusal> {
    let class = schema::class(overlay, id)?.ok_or(Code::UnknownClass)?;
    schema::write(overlay, schema::class_key(id), &Class { steward, ..class });
    Ok(Event::StewardReplaced { class: id, steward })
}

/// The decision and its class, if it stands.
pub(super) fn may_revert(overlay: &Overlay<'_>, round: RoundId) -> Result<(Decision, Class), Refusal> {
    let decision = schema::decision(overlay, round)?.ok_or(Code::NotDecided)?;
    let class = schema::class(overlay, decision.class)?.ok_or(Code::UnknownClass)?;
    ensure(class.standing_round == Some(round), Code::NotStanding)?;
    Ok((decision, class))
}

/// Takes the decision back. An open round of the class is cancelled: its requests were made knowing which decision stands.
pub(super) fn revert(
    overlay: &mut Overlay<'_>,
    round: RoundId,
    reason: Option<Hash>,
    proposal: ProposalId,
    at: Moment,
) -> Result<Vec<Event>, Refusal> {
    let (_, class) = may_revert(overlay, round)?;
    let mut events = Vec::new();
    if let Some(open) = class.open_round {
        events.push(cancel(overlay, open, at)?);
    }
    let (decision, mut class) = may_revert(overlay, round)?;
    let (freed, standing) = (decision.report.placed, decision.replaces);
    class.standing_round = standing;
    // Freed places may be given again without waiting for the next period.
    class.opened_ms = None;
    schema::write(overlay, schema::class_key(decision.class), &class);
    let record = Reversion { round, proposal, at, reason, freed, standing };
    schema::write(overlay, schema::reversion_key(round), &record);
    events.push(Event::DecisionReverted { round, freed, standing });
    Ok(events)
}

/// The round and its class, if it is open.
pub(super) fn may_cancel(overlay: &Overlay<'_>, id: RoundId) -> Result<(Round, Class), Refusal> {
    let round = schema::round(overlay, id)?.ok_or(Code::UnknownRound)?;
    ensure(round.status == RoundStatus::Open, Code::RoundClosed)?;
    let class = schema::class(overlay, round.class)?.ok_or(Code::UnknownClass)?;
    Ok((round, class))
}

/// Ends a round without a decision; its period is free again.
pub(super) fn cancel(overlay: &mut Overlay<'_>, id: RoundId, at: Moment) -> Result<Event, Refusal> {
    let (mut round, mut class) = may_cancel(overlay, id)?;
    round.status = RoundStatus::GivenUp { height: at.height };
    schema::note_window(overlay, id, Window::Closed);
    schema::write(overlay, schema::round_key(id), &round);
    class.open_round = None;
    class.opened_ms = None;
    schema::write(overlay, schema::class_key(round.class), &class);
    Ok(Event::RoundCancelled { round: id })
}
