//! The whole program: parse, start logging and a runtime, run one subcommand, print its outcome, exit.

use std::path::PathBuf;
use std::process::ExitCode;

use aula_home::Home;
use clap::FromArgMatches;

use crate::cli::{Cli, Command};
use crate::command::{
    backup, badge, bench, completion, consortium, demo, district, doctor, estate, evidence, feed, funder,
    genesis, init, join, keys, lake, localnet, man, node, optimize, prune, query, replay, report, restore,
    sim, snapshot, start, status, steward, twin, tx, vault,
};
use crate::examples;
use crate::outward::{self, Outward};
use crate::terminal::{
    Advise, Context, Failure, OUTDATED, Outcome, Verdict, failure_line, print_failure, start_logging,
};

/// How long the end of a program waits for a collector of spans.
const LAST_SPANS: std::time::Duration = std::time::Duration::from_millis(500);

/// What helps with refused arguments when the parser has no tip of its own.
const HELP: &str = "aula --help and aula COMMAND --help show what is taken";

/// Runs the subcommand that the arguments name. Exit codes: 0 yes, 1 checked and the answer is no, 2 could not, 3 (of
/// `aula start` alone) the chain goes by rules that this version does not have.
pub fn main() -> ExitCode {
    let (mut cli, written) = match parse() {
        Ok(parsed) => parsed,
        Err(shown) => {
            let environment = std::env::var_os("AULA_OUTPUT");
            return aula_arguments::answer(&shown, environment.as_deref(), HELP, |refusal| {
                failure_line(&Failure::new("usage", refusal.message, refusal.hint));
            });
        }
    };
    let output = cli.global.output;
    let further = cli.global.home.split_off(cli.global.home.len().min(1));
    if let Err(failure) = take_further(&mut cli.command, further) {
        print_failure(&failure, output);
        return ExitCode::from(2);
    }
    let starts = matches!(cli.command, Command::Start(_));
    let (context, finished) = match Home::resolve(cli.global.home.first().map(PathBuf::as_path)) {
        Ok(home) => {
            let context = Context { home, output, log: cli.global.log.clone() };
            let traces = start_logging(&context);
            aula_server::pairs::register(&context.home);
            let finished = written.check(&context).and_then(|left| {
                outward::note(&context, &left);
                run(&context, cli.command)
            });
            if let Some(traces) = traces {
                traces.flush(LAST_SPANS);
            }
            (Some(context), finished)
        }
        Err(error) => (None, Err(Failure::new("no_home", error, "give --home DIR"))),
    };
    match finished {
        Ok(Outcome { verdict, answer }) => {
            if let (Some(context), Some(answer)) = (&context, &answer)
                && let Err(error) = context.print(answer)
            {
                context.tell(format_args!("aula: the answer cannot be written: {error}.\n  next: give standard output a place that can take it"));
                return ExitCode::from(2);
            }
            ExitCode::from(match verdict {
                Verdict::Yes => 0,
                Verdict::No => 1,
                Verdict::CannotTell => 2,
            })
        }
        Err(failure) => {
            print_failure(&failure, output);
            ExitCode::from(if starts && failure.code == OUTDATED { 3 } else { 2 })
        }
    }
}

/// The command line, and the paths that it names to be written to.
fn parse() -> Result<(Cli, Outward), clap::Error> {
    let matches = examples::command().try_get_matches()?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut examples::command()))?;
    Ok((cli, Outward::of(&matches)))
}

/// Gives the homes beyond the first to the one subcommand that works for several.
fn take_further(command: &mut Command, homes: Vec<PathBuf>) -> Result<(), Failure> {
    if homes.is_empty() {
        return Ok(());
    }
    let taken = match command {
        Command::District(args) => args.take_homes(&homes),
        _ => false,
    };
    if taken {
        return Ok(());
    }
    let message = format!("{} homes are given", homes.len() + 1);
    Err(Failure::new("several_homes", message, "give one --home; `aula district run` alone takes several"))
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
        Command::Consortium(args) => consortium::run(context, &args).await,
        Command::Funder(args) => funder::run(context, &args).await,
        Command::Steward(args) => steward::run(context, &args).await,
        Command::District(args) => district::run(context, &args).await,
        Command::Feed(args) => feed::run(context, &args).await,
        Command::Lake(args) => lake::run(context, &args).await,
        Command::Evidence(args) => evidence::run(context, &args).await,
        Command::Bench(args) => bench::run(context, &args).await,
        Command::Init(args) => init::run(context, &args),
        Command::Join(args) => join::run(context, &args).await,
        Command::Start(args) => start::run(context, &args).await,
        Command::Localnet(args) => localnet::run(context, &args).await,
        Command::Status(args) => status::run(context, &args).await,
        Command::Doctor(args) => doctor::run(context, &args).await,
        Command::Query(args) => query::run(context, &args).await,
        Command::Replay(args) => replay::run(context, &args),
        Command::Report(args) => report::run(context, &args),
        Command::Sim(args) => sim::run(context, &args),
        Command::Genesis(args) => genesis::run(context, &args),
        Command::Keys(args) => keys::run(context, &args).await,
        Command::Badge(args) => badge::run(context, args).await,
        Command::Estate(args) => estate::run(context, &args).await,
        Command::Optimize(args) => optimize::run(&args),
        Command::Vault(args) => vault::run(context, &args).await,
        Command::Backup(args) => backup::run(context, &args),
        Command::Restore(args) => restore::run(context, &args),
        Command::Node(args) => node::run(context, &args),
        Command::Snapshot(args) => snapshot::run(context, &args),
        Command::Prune(args) => prune::run(context, &args),
        Command::Twin(args) => twin::run(context, &args).await,
        Command::Completion(args) => completion::run(&args, examples::command()),
        Command::Man(args) => man::run(&args, examples::command()),
    }
}
