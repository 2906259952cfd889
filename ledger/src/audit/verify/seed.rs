//! The lottery's seed: it follows from the requests and from shares of more than a third of the validators' power.

use std::collections::BTreeSet;

use super::super::bundle::Proved;
use super::super::report::{Checks, Stop};
use super::State;
use super::context::Context;
use crate::rounds;
use crate::state::schema::{Decision, SeedPower, SeedShare, seed_key, seed_power_key};
use crate::tx::seed_commitment;
use crate::types::AccountId;

const NAME: &str = "seed";

/// Checks shares, power and seed.
pub(super) fn verify(
    checks: &mut Checks,
    state: &State,
    context: &Context,
    power: &Proved,
    shares: &[Proved],
) -> Result<(), Stop> {
    let decision = &context.decision;
    let source = decision.seed_round;
    let counted = source <= decision.round && decision.attempt > 0 && decision.draw > 0;
    checks.ensure(
        NAME,
        counted,
        "The decision names a seed of a later round, or counts its draws wrongly.",
    )?;
    let power: SeedPower = state.open(checks, NAME, &seed_power_key(source), power)?;
    check_power(checks, decision, &power)?;
    let opened = open_shares(checks, state, decision, shares)?;
    let follows = rounds::seed(&state.genesis, source, &context.requests.root, &opened) == decision.seed;
    checks.ensure(NAME, follows, "The lottery's seed does not follow from the requests and shares.")?;
    checks.pass(NAME, words(decision, &power));
    Ok(())
}

fn check_power(checks: &mut Checks, decision: &Decision, power: &SeedPower) -> Result<(), Stop> {
    let sharers = &power.sharers;
    let ascending = sharers.iter().zip(sharers.iter().skip(1)).all(|(a, b)| a.account < b.account);
    let sum = sharers.iter().fold(0u64, |sum, sharer| sum.saturating_add(sharer.power));
    let whole = power.round == decision.seed_round && ascending && sum <= power.total;
    checks.ensure(NAME, whole, "The record of whose shares count is of another round or does not add up.")?;
    let known = decision.revealed.iter().chain(&decision.withheld).all(|account| power.has(account));
    checks.ensure(NAME, known, "The seed has a share of an account that was no validator's.")?;
    let enough = power.suffices(power.of(decision.revealed.iter()));
    checks.ensure(NAME, enough, "Shares of no more than a third of the validators' power are in the seed.")
}

/// The shares that the decision names, each what its account committed to.
fn open_shares(
    checks: &mut Checks,
    state: &State,
    decision: &Decision,
    shares: &[Proved],
) -> Result<Vec<SeedShare>, Stop> {
    let (source, attempt) = (decision.seed_round, decision.attempt);
    let revealed: BTreeSet<&AccountId> = decision.revealed.iter().collect();
    let withheld: BTreeSet<&AccountId> = decision.withheld.iter().collect();
    let accounts: BTreeSet<&AccountId> = revealed.union(&withheld).copied().collect();
    let ascend = decision.revealed.is_sorted() && decision.withheld.is_sorted();
    let named = ascend
        && accounts.len() == shares.len()
        && accounts.len() == decision.revealed.len().saturating_add(decision.withheld.len());
    checks.ensure(NAME, named, "The shares shown are not those that the decision names.")?;
    let mut opened = Vec::with_capacity(shares.len());
    for (account, proved) in accounts.into_iter().zip(shares) {
        let share: SeedShare = state.open(checks, NAME, &seed_key(source, attempt, account), proved)?;
        let commits = |secret| seed_commitment(source, attempt, account, &secret) == share.commitment;
        let honest = share.account == *account
            && share.secret.is_some() == revealed.contains(account)
            && share.secret.is_none_or(commits);
        checks.ensure(NAME, honest, "A share of the seed is not what its account committed to.")?;
        opened.push(share);
    }
    Ok(opened)
}

fn words(decision: &Decision, power: &SeedPower) -> String {
    let withheld = match decision.withheld.len() {
        0 => "nobody withheld one".to_owned(),
        1 => "1 withheld: it chose between two seeds".to_owned(),
        count => format!("{count} withheld: together they chose among 2^{count} seeds"),
    };
    let kept = match decision.seed_round == decision.round {
        true => String::new(),
        false => format!(", kept from round {}, which had the same requests", decision.seed_round),
    };
    format!(
        "Draw {} of the class and period{kept}: the lottery's seed follows from the requests and the shares of {} of {} \
         validators, with {} of {} of the power (attempt {}); {withheld}.",
        decision.draw,
        decision.revealed.len(),
        power.sharers.len(),
        power.of(decision.revealed.iter()),
        power.total,
        decision.attempt,
    )
}
