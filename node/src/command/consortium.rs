//! `aula consortium`: the members' votes. A change is proposed once, from a newcomer's request file, from flags or from a
//! file; each member votes once; the vote that makes it more than two thirds applies it.

use clap::{Args, Subcommand, ValueEnum};

use super::acting::ActingArgs;
use super::{Context, Failure, Outcome};

mod anchor;
mod list;
mod propose;
pub(super) mod request;
mod totals;
mod vote;

/// Arguments of `aula consortium`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula consortium propose request.json           a newcomer's file, as its `aula join` wrote it\n  \
                  aula consortium vote 7 yes\n  aula consortium list\n  aula consortium propose --close-district 3 --successor 4\n  \
                  aula consortium propose --revert 12 --because minutes.pdf\n  aula consortium propose --steward 2 district-07\n  \
                  aula consortium propose --consortium east.json --name 'Eastern consortium'\n  aula consortium anchor --of https://east.example:8480\n  \
                  aula consortium totals east.bundle west.bundle --genesis parent.json --via-genesis east.json --via-genesis west.json\n\n\
                  More than two thirds of the members with the role consortium must say yes; proposing is not voting.\nExit codes: \
                  0 done, 1 rejected by the ledger, 2 could not."
)]
pub struct ConsortiumArgs {
    /// The node to ask
    #[command(flatten)]
    pub acting: ActingArgs,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What a member does.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Put a change to the vote
    Propose(Box<propose::ProposeArgs>),
    /// Vote on a proposal; a vote cannot be changed
    Vote {
        /// The proposal's number
        number: u32,
        /// For or against
        #[arg(value_enum)]
        word: Word,
    },
    /// Bring the newest certified head of another consortium, which was admitted by vote, to this ledger
    Anchor {
        /// A node of that consortium
        #[arg(long, value_name = "URL")]
        of: String,
    },
    /// Add up what consortia under one parent ledger show of themselves, each checked offline: money, requests, places
    Totals(Box<totals::TotalsArgs>),
    /// List proposals in words: who is for them, what is needed, until when
    List {
        /// Only those that may be voted on
        #[arg(long)]
        open: bool,
    },
}

/// What a member says to a proposal, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Word {
    /// For the change.
    Yes,
    /// Against it.
    No,
}

/// Runs the action. Exit 1 when the ledger rejects what it sent.
///
/// # Errors
/// When the node cannot be reached or refuses.
pub async fn run(context: &Context, args: &ConsortiumArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Propose(proposed) => propose::run(context, &args.acting, proposed).await,
        Action::Vote { number, word } => vote::run(context, &args.acting, *number, *word).await,
        Action::Anchor { of } => anchor::run(context, &args.acting, of).await,
        Action::Totals(given) => totals::run(given),
        Action::List { open } => list::run(context, &args.acting.rpc, *open).await,
    }
}
