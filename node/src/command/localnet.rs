//! `aula localnet`: validators as processes on this machine, until SIGINT or SIGTERM.

use std::path::PathBuf;

use aula_home::clock::now_ms;
use aula_home::founding;
use aula_lab::localnet::{Asked, Localnet, Plan, agree, prepare, stored_validators};
use aula_ledger::types::TimeMs;
use clap::Args;
use serde_json::json;

use super::{Advise, Answer, Context, Failure, Outcome, start};

/// Validators when no number is given.
const VALIDATORS: u16 = 4;
/// The chain's name when none is given.
const NAME: &str = "localnet";

/// Arguments of `aula localnet`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula localnet --validators 4 --home /tmp/county\n  aula localnet --validators 4 --home /tmp/county \
                  --base-port 27000 --output json\n\nOne line a node, then a line that says ready. Nodes that die are neither \
                  restarted nor waited for: start one again with `aula start --home HOME`. A second run with the same \
                  --home continues the chain; a flag that says otherwise than that chain is refused. AULA_* variables are not \
                  handed on to the nodes: each has its own config.toml."
)]
pub struct LocalnetArgs {
    /// How many validators, 1 to 32 [default: those of an earlier run, else 4]
    #[arg(long)]
    pub validators: Option<u16>,
    /// The first port; each node takes three, one after another [default: free ports]
    #[arg(long, value_name = "PORT")]
    pub base_port: Option<u16>,
    /// The chain's name [default: that of an earlier run, else localnet]
    #[arg(long)]
    pub name: Option<String>,
    /// Districts, schools, further members and parameters, JSON, as for `aula genesis`
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
}

/// Starts the nodes and stops them at a signal.
///
/// # Errors
/// When a home cannot be made or a node does not come up.
pub async fn run(context: &Context, args: &LocalnetArgs) -> Result<Outcome, Failure> {
    // A signal during the start is not lost.
    let stop = start::stop_signal(false)?;
    let asked = Asked {
        name: args.name.clone(),
        base_port: args.base_port,
        base: args.base.as_deref().map(founding::read).transpose()?,
    };
    let dir = context.home.path().to_owned();
    let plan = Plan {
        validators: args.validators.or_else(|| stored_validators(&dir)).unwrap_or(VALIDATORS),
        dir,
        name: args.name.clone().unwrap_or_else(|| NAME.into()),
        base_port: args.base_port,
        time_ms: TimeMs(now_ms()),
        base: asked.base.clone().unwrap_or_default(),
    };
    let prepared = prepare(&plan)?;
    agree(&prepared, &asked)?;
    context.tell(format_args!(
        "chain {}, genesis {}",
        prepared.genesis.chain_id,
        prepared.genesis_file.display()
    ));
    let program = std::env::current_exe().advise("cannot find this program", "run it by its path")?;
    let mut net = Localnet::start(&program, &prepared.homes).await?;
    for line in net.lines() {
        let text = format!("{}  pid {}  {}  {}", line.node, line.pid, line.rpc, line.home.display());
        context.print(&Answer::new(line, text)).hint("run it with standard output open")?;
    }
    context
        .print(&Answer::new(json!({ "ready": true }), "ready; Ctrl-C stops all nodes"))
        .hint("run it with standard output open")?;
    stop.await;
    context.tell("stopping");
    net.stop().await;
    Ok(Outcome::printed())
}
