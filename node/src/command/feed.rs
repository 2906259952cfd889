//! `aula feed`: what a district's feeds brought, what became of it, and where any event came from.

use std::sync::Arc;

use aula_connect::given::Feed;
use aula_home::config;
use aula_home::config::Config;
use clap::{Args, Subcommand};

use super::vault::Place;
use super::{Advise, Context, Failure, Outcome};

mod letters;
mod level;
mod replay;
mod status;
mod test;
mod trace;

const HINT: &str = "correct [[feed]] in config.toml; docs/feeds.md has examples";

/// Arguments of `aula feed`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula feed status                       what each feed brought, and what waits\n  aula feed \
                  dead-letters registers            messages that became no event, and why\n  aula feed replay registers                  \
                  once the cause is gone\n  aula feed trace HANDLE/PLACE                where an event came from, and what it \
                  amended\n  aula feed trace HANDLE --skill 12           every event that moved a skill\n  aula feed trace --feed registers --message \
                  m-1042  what became of a message\n  aula feed test registers                    its file of clients, its address, its \
                  rules\n  aula feed level                             a school's replica and its district, now\n\nA running node gives the vault up for a moment. Exit codes: 0 yes, 1 checked and no, 2 could not."
)]
pub struct FeedArgs {
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with feeds.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Say what each feed brought, by kind, and what waits
    Status(status::StatusArgs),
    /// Enter dead letters whose cause is gone; exit 1 when some stay
    Replay(replay::ReplayArgs),
    /// List messages that became no event, with their reason; no values of students
    DeadLetters(letters::LettersArgs),
    /// Say where an event came from, or what became of a message; the read is listed
    Trace(trace::TraceArgs),
    /// Level this school's replica with its district now; exit 1 when they stay apart
    Level(level::LevelArgs),
    /// Try a feed: its file of clients, its address, its rules; nothing is taken in
    Test(test::TestArgs),
}

/// Runs the action.
///
/// # Errors
/// A configuration that is refused, a vault that cannot be read.
pub async fn run(context: &Context, args: &FeedArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Status(asked) => status::run(context, &args.place, asked),
        Action::Replay(asked) => replay::run(context, &args.place, asked),
        Action::DeadLetters(asked) => letters::run(context, &args.place, asked),
        Action::Trace(asked) => trace::run(context, &args.place, asked).await,
        Action::Level(asked) => level::run(context, &args.place, asked).await,
        Action::Test(asked) => test::run(context, asked).await,
    }
}

/// The feeds of config.toml, or the one of this name.
fn configured(context: &Context, only: Option<&str>) -> Result<Vec<(config::Feed, Arc<Feed>)>, Failure> {
    let config = Config::load(&context.home)?;
    let wanted = |feed: &config::Feed| only.is_none_or(|only| feed.name == only);
    let mut feeds = Vec::new();
    for own in config.feed.into_iter().filter(wanted) {
        let feed = Feed::of(&own).advise("a feed cannot be used", HINT)?;
        feeds.push((own, feed));
    }
    match (only, feeds.is_empty()) {
        (Some(name), true) => Err(Failure::new("no_feed", format!("config.toml has no feed {name}"), HINT)),
        _ => Ok(feeds),
    }
}
