//! One file a subcommand; the conventions they share.
//!
//! A subcommand gets a [`Context`] and ends in an [`Outcome`]; [`crate::program`] prints it. Exit codes: 0 yes, 1 checked
//! and the answer is no, 2 could not (bad usage included, which clap reports). A failure is one sentence and what to do
//! next; with `--output json` the one line on stdout is then `{"error":{"code","message","hint"}}`.

use std::path::PathBuf;

mod acting;
mod brought;
mod folded;
mod given;
mod lines;

pub mod backup;
pub mod badge;
pub mod bench;
pub mod completion;
pub mod consortium;
pub mod demo;
pub mod district;
pub mod doctor;
pub mod estate;
pub mod evidence;
pub mod feed;
pub mod funder;
pub mod genesis;
pub mod init;
pub mod join;
pub mod keys;
pub mod lake;
pub mod localnet;
pub mod man;
pub mod node;
pub mod optimize;
mod posting;
mod processor;
pub mod prune;
pub mod query;
pub mod replay;
pub mod report;
pub mod restore;
mod rpc;
pub mod sim;
pub mod snapshot;
pub mod start;
pub mod status;
pub mod steward;
pub mod twin;
pub mod twin_parameters;
pub mod tx;
pub mod vault;

pub use crate::terminal::{
    Advise, Answer, Context, DEFECT, Failure, OTHER_VERSION, OUTDATED, Outcome, Verdict,
};
pub use rpc::RpcArgs;

use aula_home::Home;
pub(crate) use aula_home::clock::now_ms;

/// The home whose chain is read: the one that was given, or, where that is the folder of a demo or localnet and has no chain itself, its
/// first node's, which is said.
pub(crate) fn with_chain(context: &Context) -> Context {
    let first = Home::at(context.home.path().join("node-01"));
    if context.home.data_dir().exists() || !first.data_dir().exists() {
        return context.clone();
    }
    context.tell(format_args!(
        "aula: {} holds a consortium and no chain of its own: reading its first node's, {}",
        context.home.path().display(),
        first.path().display()
    ));
    Context { home: first, ..context.clone() }
}

/// An absolute path as the user meant it: relative ones start at the working directory.
///
/// # Errors
/// When the working directory cannot be read.
pub fn absolute(path: &std::path::Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .advise(format!("cannot make {} absolute", path.display()), "name an absolute path")
}
