//! What a node asks before it keeps a transaction: whether the next block could accept it.
//!
//! Asked only of what costs everybody dearly when it is in vain: a batch of requests takes a block's range-proved values,
//! a RunRound its one round; and of what the protocol in force does not have, which no block may hold.
//! Everything else is decided where it is executed, and leaves a receipt.
//!
//! No rule of validity: a block may hold what this refuses, and rejects it with the same code.

use super::rights::is_in;
use super::{Payload, may_send_run};
use crate::code::Code;
use crate::protocol::Protocol;
use crate::state::schema::{self, Round, RoundStatus};
use crate::state::{StateReader, StoreError};
use crate::types::{AccountId, Height, RoundId};

/// `Err(code)`: the block after this state could not accept it; submit it again when what the code names has changed.
///
/// # Errors
/// [`StoreError`] from the store.
pub fn prospect(
    state: &dyn StateReader,
    sender: &AccountId,
    payload: &Payload,
) -> Result<Result<(), Code>, StoreError> {
    let next = || Ok(schema::chain(state)?.height.next());
    // What every protocol has costs no look.
    if !is_in(Protocol::FIRST, payload) && !is_in(schema::protocol(state)?.at(next()?).now, payload) {
        return Ok(Err(Code::NotInProtocol));
    }
    match payload {
        Payload::RunRound(run) => match open_round(state, run.round)? {
            Ok(round) => may_run(state, sender, &round, next()?),
            Err(code) => Ok(Err(code)),
        },
        Payload::SubmitRequests(batch) => match open_round(state, batch.round)? {
            Ok(round) => Ok(takes_requests(&round)),
            Err(code) => Ok(Err(code)),
        },
        _ => Ok(Ok(())),
    }
}

fn open_round(state: &dyn StateReader, id: RoundId) -> Result<Result<Round, Code>, StoreError> {
    let Some(round) = schema::round(state, id)? else { return Ok(Err(Code::UnknownRound)) };
    Ok(if round.status == RoundStatus::Open { Ok(round) } else { Err(Code::RoundClosed) })
}

fn may_run(
    state: &dyn StateReader,
    sender: &AccountId,
    round: &Round,
    next: Height,
) -> Result<Result<(), Code>, StoreError> {
    if !round.may_run(next) {
        return Ok(Err(Code::TooEarlyToRun));
    }
    if !may_send_run(state, round, sender)? {
        return Ok(Err(Code::NotSteward));
    }
    let Some(refused) = schema::refused_run(state, round.round)? else { return Ok(Ok(())) };
    Ok(if refused.stands(&schema::params(state)?) { Err(Code::RunRefused) } else { Ok(()) })
}

fn takes_requests(round: &Round) -> Result<(), Code> {
    if round.takes_requests() { Ok(()) } else { Err(Code::RequestsClosed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::schema::Window;
    use crate::testkit::*;
    use crate::tx::Mandate;

    fn asked_by(chain: &Chain, sender: &str, payload: impl Into<Payload>) -> Result<(), Code> {
        prospect(&chain.state, &account(sender), &payload.into()).expect("a store")
    }

    fn asked(chain: &Chain, payload: impl Into<Payload>) -> Result<(), Code> {
        asked_by(chain, "voter-a", payload)
    }

    #[test]
    fn attack_04_a_run_by_who_is_not_the_steward_is_not_kept_until_the_steward_has_had_his_time() {
        let mut chain = ready();
        chain.accept("voter-a", open(1));
        chain.draw(0);
        assert_eq!(asked_by(&chain, "voter-b", run(0)), Err(Code::NotSteward));
        assert_eq!(asked(&chain, run(0)), Ok(()));
        let closed = chain.round(0).reveals_closed().expect("closed").time_ms;
        for (early, expected) in [(1, Err(Code::NotSteward)), (0, Ok(()))] {
            let at = crate::types::TimeMs(closed.0 + crate::params::RUN_BY_ANYBODY_AFTER_MS - early);
            let block = chain.try_block_at(at, &[]).expect("a valid block");
            chain.keep(&block);
            assert_eq!(asked_by(&chain, "voter-b", run(0)), expected);
        }
    }

    #[test]
    fn attack_14_a_round_that_failed_is_not_even_kept() {
        let mut chain = Chain::with_params(|params| params.max_round_work = 1);
        prepare(&mut chain);
        chain.accept("voter-a", open(1));
        let requests = (0..12).map(|n| request(n, 11, band_of(n), Mandate::None, &[0, 1])).collect();
        let batch = submit(&chain, 0, requests);
        chain.accept("district-1", batch);
        chain.draw(0);
        assert_eq!(asked(&chain, run(0)), Ok(()));
        assert_eq!(chain.send("voter-a", run(0)).code, Code::NotProved);
        assert_eq!(asked(&chain, run(0)), Err(Code::RunRefused));
    }

    #[test]
    fn rounds_are_run_and_requested_of_only_while_a_block_could_take_it() {
        let mut chain = ready();
        let batch = |chain: &Chain| submit(chain, 0, vec![request(1, 11, 1, Mandate::None, &[0])]);
        assert_eq!(asked(&chain, run(0)), Err(Code::UnknownRound));
        assert_eq!(asked(&chain, batch(&chain)), Err(Code::UnknownRound));
        chain.accept("voter-a", open(1));
        assert_eq!(asked(&chain, batch(&chain)), Ok(()));
        assert_eq!(asked(&chain, run(0)), Err(Code::TooEarlyToRun));
        chain.commit_all(0);
        chain.pass_to(0, Window::Reveals);
        assert_eq!(asked(&chain, batch(&chain)), Err(Code::RequestsClosed));
        assert_eq!(asked(&chain, run(0)), Err(Code::TooEarlyToRun));
        chain.draw_committed(0);
        assert_eq!(asked(&chain, run(0)), Ok(()));
        chain.accept("voter-a", run(0));
        assert_eq!(asked(&chain, run(0)), Err(Code::RoundClosed));
        assert_eq!(asked(&chain, batch(&chain)), Err(Code::RoundClosed));
        // What has no such question is never refused here.
        assert_eq!(asked(&chain, fund(1)), Ok(()));
    }
}
