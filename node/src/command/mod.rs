//! One file a subcommand; the conventions they share.
//!
//! Flow: [`main`] parses, starts logging and a runtime, calls `dispatch`, prints the [`Outcome`]. stdout is
//! the answer, stderr the story. Exit codes: 0 yes, 1 checked and the answer is no, 2 could not (bad usage
//! included, which clap reports). A failure is one sentence and what to do next; with `--output json` the
//! one line on stdout is then `{"error":{"code","message","hint"}}`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use serde::Serialize;

use crate::cli::{Cli, Command, OutputFormat};
use crate::home::Home;

mod failure;
mod lines;
mod logging;

pub mod backup;
pub mod bench;
pub mod completion;
pub mod demo;
pub mod evidence;
pub mod genesis;
pub mod init;
pub mod join;
pub mod keys;
pub mod localnet;
pub mod optimize;
pub mod query;
pub mod replay;
pub mod restore;
mod rpc;
pub mod start;
pub mod status;
pub mod twin;
pub mod tx;
pub mod vault;

pub use failure::{Advise, Failure};
pub use rpc::RpcArgs;

/// What every subcommand is given.
#[derive(Debug, Clone)]
pub struct Context {
    /// The node's folder, absolute; it need not exist.
    pub home: Home,
    /// How answers are printed.
    pub output: OutputFormat,
    /// The log filter from flag or environment, if one was given.
    pub log: Option<String>,
}

/// Whether the question asked was answered with yes or with no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Exit 0.
    Yes,
    /// Exit 1: checked, and the answer is no.
    No,
}

/// The end of a subcommand that could do its work.
#[derive(Debug)]
pub struct Outcome {
    /// Yes or no.
    pub verdict: Verdict,
    /// What is printed on stdout; none when the subcommand printed its lines as it went.
    pub answer: Option<Answer>,
}

/// One answer in both forms.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The one line of `--output json`.
    pub json: serde_json::Value,
    /// The text for people, without a final newline.
    pub text: String,
}

impl Answer {
    /// An answer from a serializable value and its text.
    pub fn new(json: impl Serialize, text: impl Into<String>) -> Self {
        Self { json: serde_json::to_value(json).unwrap_or_default(), text: text.into() }
    }
}

impl Outcome {
    /// Exit 0 with an answer.
    pub fn yes(json: impl Serialize, text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Yes, answer: Some(Answer::new(json, text)) }
    }

    /// Exit 1 with an answer: it was checked, and it is not so.
    pub fn no(json: impl Serialize, text: impl Into<String>) -> Self {
        Self { verdict: Verdict::No, answer: Some(Answer::new(json, text)) }
    }

    /// Exit 0; everything was printed already with [`Context::print`].
    pub fn printed() -> Self {
        Self { verdict: Verdict::Yes, answer: None }
    }
}

impl Context {
    /// Prints one answer on stdout and flushes: for subcommands that print lines as they go.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn print(&self, answer: &Answer) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.output {
            OutputFormat::Json => writeln!(out, "{}", answer.json)?,
            OutputFormat::Text if answer.text.is_empty() => {}
            OutputFormat::Text => writeln!(out, "{}", answer.text)?,
        }
        out.flush()
    }

    /// Prints a line of the story on stderr.
    pub fn tell(&self, line: impl std::fmt::Display) {
        // A closed stderr must not stop the work.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

/// An absolute path as the user meant it: relative ones start at the working directory.
///
/// # Errors
/// When the working directory cannot be read.
pub fn absolute(path: &std::path::Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .advise(format!("cannot make {} absolute", path.display()), "name an absolute path")
}

/// This machine's clock, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis());
    u64::try_from(now).unwrap_or(u64::MAX)
}

/// The whole program: parse, run, print, exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.global.output;
    let (context, finished) = match Home::resolve(cli.global.home.as_deref()) {
        Ok(home) => {
            let context = Context { home, output, log: cli.global.log.clone() };
            logging::start(&context, &cli.command);
            let finished = run(&context, cli.command);
            (Some(context), finished)
        }
        Err(error) => (None, Err(Failure::new("no_home", error, "give --home DIR"))),
    };
    match finished {
        Ok(Outcome { verdict, answer }) => {
            if let (Some(context), Some(answer)) = (&context, &answer)
                && context.print(answer).is_err()
            {
                return ExitCode::from(2);
            }
            ExitCode::from(if verdict == Verdict::Yes { 0 } else { 1 })
        }
        Err(failure) => {
            failure.print(output);
            ExitCode::from(2)
        }
    }
}

fn run(context: &Context, command: Command) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .advise("cannot start threads", "raise the limit on processes (ulimit -u) and run again")?;
    let finished = runtime.block_on(dispatch(context, command));
    // A blocking task that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    finished
}

async fn dispatch(context: &Context, command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Demo(args) => demo::run(context, &args).await,
        Command::Tx(args) => tx::run(context, &args).await,
        Command::Evidence(args) => evidence::run(context, &args).await,
        Command::Bench(args) => bench::run(context, &args).await,
        Command::Init(args) => init::run(context, &args),
        Command::Join(args) => join::run(context, &args),
        Command::Start(args) => start::run(context, &args).await,
        Command::Localnet(args) => localnet::run(context, &args).await,
        Command::Status(args) => status::run(context, &args).await,
        Command::Query(args) => query::run(context, &args).await,
        Command::Replay(args) => replay::run(context, &args),
        Command::Genesis(args) => genesis::run(context, &args),
        Command::Keys(args) => keys::run(context, &args),
        Command::Optimize(args) => optimize::run(&args),
        Command::Vault(args) => vault::run(context, &args).await,
        Command::Backup(args) => backup::run(context, &args),
        Command::Restore(args) => restore::run(context, &args),
        Command::Twin(args) => twin::run(context, &args),
        Command::Completion(args) => completion::run(&args),
    }
}
