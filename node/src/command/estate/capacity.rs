//! `aula estate capacity`: where one more place is worth most, from a decided round's prices.

use std::path::PathBuf;

use aula_estate::capacity::{Worth, propose};
use clap::Args;

use super::super::{Failure, Outcome};
use super::{read, refused};

/// Pools of each kind that the text for people lists.
const SHOWN: usize = 20;

/// Arguments of `aula estate capacity`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula query pools --output json > pools.json\n  aula query round 3 --output json > round.json\n  aula \
                  estate capacity --pools pools.json --round round.json\n\nA price is what the round's cost would fall by with one more \
                  place, proved by its certificate. It is the worth of the first further place; later ones are worth at most as much. \
                  People decide."
)]
pub struct CapacityArgs {
    /// What `aula query pools --output json` printed
    #[arg(long, value_name = "FILE.json")]
    pub pools: PathBuf,
    /// What `aula query round N --output json` printed of a decided round
    #[arg(long, value_name = "FILE.json")]
    pub round: PathBuf,
}

/// Runs `aula estate capacity`.
///
/// # Errors
/// When a file cannot be read or is refused.
pub fn run(args: &CapacityArgs) -> Result<Outcome, Failure> {
    let proposal = propose(&read(&args.pools)?, &read(&args.round)?);
    let proposal = proposal.map_err(|error| {
        let at_pools = error.to_string().starts_with("pools");
        refused(if at_pools { &args.pools } else { &args.round }, &error)
    })?;
    let mut lines = Vec::new();
    let mut list = |title: &str, of: &[Worth], told: &dyn Fn(&Worth) -> String| {
        lines.push(format!("{title}: {}", of.len()));
        lines.extend(
            of.iter()
                .take(SHOWN)
                .map(|one| format!("  pool {} at school {}: {}", one.pool, one.school, told(one))),
        );
    };
    list("one more place is worth something", &proposal.more, &|one| match one.price_per_1000_dollars {
        Some(value) => format!("{} for a place, {value} for 1,000 dollars", one.price),
        None => format!("{} for a place", one.price),
    });
    list("places are left", &proposal.spare, &|one| {
        format!("{} of {} used", one.used.unwrap_or(one.capacity), one.capacity)
    });
    list("guaranteed places cost something", &proposal.floors, &|one| {
        format!("{} for a place", one.price.unsigned_abs())
    });
    let text = lines.join("\n");
    Ok(Outcome::yes(proposal, text))
}
