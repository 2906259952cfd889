//! How a round goes from one window to the next: before the transactions of the block that ends a window, by rule and
//! without anybody's transaction.
//!
//! Requests and commitments → reveals → the seed is drawn. A window ends once its block time has passed AND every
//! validator has had four turns to propose, so neither fast blocks nor a leap of time alone end it. When validators with
//! no more than a third of the power have revealed, nothing is drawn: the requests stay, and commitments and reveals begin
//! again, with new shares, up to `max_seed_attempts` times.
//!
//! The same requests of a class and period keep the seed that was drawn for them first. Other requests in the place of
//! requests that were drawn for are drawn for after a vote only, which cancels their round and so frees the class.

use super::seed;
use crate::params::WINDOW_BLOCKS_PER_VALIDATOR;
use crate::state::BlockFacts;
use crate::state::schema::{
    self, Class, Draw, Moment, Round, SeedPower, SeedShare, Window, keep_draw, note_window,
};
use crate::state::{Overlay, StoreError};
use crate::types::{AccountId, Hash, Height, TimeMs};

/// The end of a window of so much block time: of the blocks from `first` on, four a validator belong to it at least.
pub(crate) fn window_end(first: Height, now: TimeMs, window_ms: u64, validators: u32) -> Moment {
    let blocks = u64::from(validators).saturating_mul(WINDOW_BLOCKS_PER_VALIDATOR);
    Moment {
        height: Height(first.0.saturating_add(blocks).saturating_sub(1)),
        time_ms: TimeMs(now.0.saturating_add(window_ms)),
    }
}

/// Ends the windows that end with this block.
pub(crate) fn pass(overlay: &mut Overlay<'_>, facts: &BlockFacts) -> Result<(), StoreError> {
    let now = Moment { height: facts.height, time_ms: facts.time_ms };
    for id in schema::open_windows(overlay)? {
        let round = schema::round(overlay, id)?.filter(|round| round.window_ends(now));
        let Some(round) = round else { continue };
        let next = match round.window {
            Window::Requests | Window::Commits => reveals(round, facts, now),
            Window::Reveals => settle(overlay, round, facts, now)?,
            Window::Closed => continue,
        };
        note_window(overlay, id, next.window);
        schema::write(overlay, schema::round_key(id), &next);
    }
    Ok(())
}

/// A window that begins with this block.
fn begins(round: Round, window: Window, window_ms: u64, facts: &BlockFacts, now: Moment) -> Round {
    let ends = window_end(now.height, now.time_ms, window_ms, facts.validators);
    Round { window, since: now, ends, ..round }
}

fn reveals(round: Round, facts: &BlockFacts, now: Moment) -> Round {
    let last = Height(now.height.0.saturating_sub(1));
    let requests_until = round.requests_until.or(Some(last));
    let window_ms = round.reveal_window_ms;
    begins(Round { requests_until, ..round }, Window::Reveals, window_ms, facts, now)
}

/// Draws, or begins the next attempt, or leaves it.
fn settle(
    overlay: &mut Overlay<'_>,
    round: Round,
    facts: &BlockFacts,
    now: Moment,
) -> Result<Round, StoreError> {
    let closed = |round| Round { window: Window::Closed, since: now, ends: now, ..round };
    let damaged = || StoreError::Damaged("the class of an open round is missing".into());
    let mut class = schema::class(overlay, round.class)?.ok_or_else(damaged)?;
    match drawn(overlay, &round, &class, &facts.genesis)? {
        Drawn::Seed(draw) => {
            keep_draw(overlay, round.class, &draw);
            class.last_draw = Some(round.round);
            schema::write(overlay, schema::class_key(round.class), &class);
            Ok(closed(round))
        }
        Drawn::NeedsVote => Ok(closed(round)),
        Drawn::TooFew if round.attempt >= facts.params.max_seed_attempts => Ok(closed(round)),
        Drawn::TooFew => {
            let window_ms = round.request_window_ms;
            let next = Round { attempt: round.attempt.saturating_add(1), ..round };
            Ok(begins(next, Window::Commits, window_ms, facts, now))
        }
    }
}

/// What the end of the reveals gives.
enum Drawn {
    /// This one: drawn now, or kept from an earlier round with the same requests.
    Seed(Draw),
    /// Nothing: shares of too little power.
    TooFew,
    /// Nothing: other requests than those that were drawn for already.
    NeedsVote,
}

fn drawn(overlay: &Overlay<'_>, round: &Round, class: &Class, genesis: &Hash) -> Result<Drawn, StoreError> {
    let root = overlay.tree_head(&schema::requests_tree(round.round))?.root;
    if let Some(kept) = schema::kept_draw(overlay, round.class, &root)?
        && same_period(overlay, round, class, &kept)?
    {
        return Ok(Drawn::Seed(Draw { round: round.round, ..kept }));
    }
    if other_requests_need_a_vote(overlay, round, &root)? {
        return Ok(Drawn::NeedsVote);
    }
    let shares = schema::seed_shares(overlay, round.round, round.attempt)?;
    let revealed = accounts(&shares, true);
    let power = schema::seed_power(overlay, round.round)?;
    let enough = |power: SeedPower| power.suffices(power.of(revealed.iter()));
    if !power.is_some_and(enough) {
        return Ok(Drawn::TooFew);
    }
    let last = match class.last_draw {
        Some(last) => schema::draw(overlay, last)?,
        None => None,
    };
    let earlier = match last {
        Some(last) if same_period(overlay, round, class, &last)? => Some(last),
        _ => None,
    };
    Ok(Drawn::Seed(Draw {
        round: round.round,
        requests: root,
        seed: seed(genesis, round.round, &root, &shares),
        source: round.round,
        attempt: round.attempt,
        number: earlier.as_ref().map_or(0, |draw| draw.number).saturating_add(1),
        previous: earlier.map(|draw| draw.round),
        withheld: accounts(&shares, false),
        revealed,
    }))
}

fn accounts(shares: &[SeedShare], revealed: bool) -> Vec<AccountId> {
    let wanted = shares.iter().filter(|share| share.secret.is_some() == revealed);
    wanted.map(|share| share.account).collect()
}

/// Whether a draw was made for a round of the same period; on demand, a class has one period.
fn same_period(overlay: &Overlay<'_>, round: &Round, class: &Class, draw: &Draw) -> Result<bool, StoreError> {
    let period = |at| round.terms.cadence.period(class.definition.calendar.opens_ms, at);
    let source = schema::round(overlay, draw.source)?;
    Ok(source.is_some_and(|source| period(source.opened_ms) == period(round.opened_ms)))
}

/// Whether the round took the place of one that other requests were drawn for, without a vote.
pub(crate) fn other_requests_need_a_vote(
    overlay: &Overlay<'_>,
    round: &Round,
    root: &Hash,
) -> Result<bool, StoreError> {
    let Some(before) = round.follows else { return Ok(false) };
    Ok(schema::draw(overlay, before)?.is_some_and(|draw| draw.requests != *root))
}
