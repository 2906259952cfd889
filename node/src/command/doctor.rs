//! `aula doctor`: looks at everything that keeps a node from working, and says of each what to do.
//!
//! Flow: the home, its keys and the disk → what is kept (database, sign guard, vault, backups) → the network → the running
//! node, when one answers. A check that cannot be made because an earlier one failed is left out, so that one fault is one
//! line. Nothing is changed: files that are written to measure the disk are removed, the database is opened read-only.
//!
//! Invariants: the names of checks are stable; a check that is not `ok` has a `next`.

use aula_home::config::Config;
use clap::{Args, Subcommand};
use folder::Needs;
use serde::Serialize;

use super::{Answer, Context, Failure, Outcome, RpcArgs, Verdict};

mod archive;
mod capacity;
mod folder;
mod kept;
mod keys;
mod leaves;
mod network;
mod pair;
mod running;
mod settings;
#[cfg(test)]
mod tests;
mod vault;

/// Arguments of `aula doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula doctor --home /srv/district-07\n  aula doctor --output json | jq '.checks[] | \
                  select(.level != \"ok\")'\n  aula doctor capacity 50000\n  aula doctor leaves -o leaves.html\n\nLooks at the folder, the keys, the disk, the database, the sign guard, the vault and its \
                  copies, addresses, certificate, peers, and the running node. It changes nothing and may be run at any time.\nExit 0: \
                  nothing fails (warnings may stand); 1: something fails; 2: it could not look."
)]
pub struct DoctorArgs {
    /// The node to ask, when it runs
    #[command(flatten)]
    pub rpc: RpcArgs,
    /// Look at something other than the node's health
    #[command(subcommand)]
    pub about: Option<About>,
}

/// What the doctor says beside a node's health.
#[derive(Debug, Subcommand)]
pub enum About {
    /// What a district of so many students needs, from measured costs
    Capacity(capacity::CapacityArgs),
    /// What leaves the district, when, to whom
    Leaves(leaves::LeavesArgs),
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works today; somebody should look at it soon.
    Warn,
    /// Keeps the node, or a part of it, from working.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What: stable, lower case.
    pub name: String,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub detail: String,
    /// What to do; empty when it is as it should be.
    pub next: String,
}

impl Check {
    fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), level: Level::Ok, detail: detail.into(), next: String::new() }
    }

    fn warn(name: impl Into<String>, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { name: name.into(), level: Level::Warn, detail: detail.into(), next: next.into() }
    }

    fn fail(name: impl Into<String>, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { name: name.into(), level: Level::Fail, detail: detail.into(), next: next.into() }
    }

    /// A failure of another command as a check.
    fn failure(name: impl Into<String>, failure: Failure) -> Self {
        Self::fail(name, failure.message, failure.hint)
    }
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    checks: Vec<Check>,
}

/// Looks, and prints what was found.
///
/// # Errors
/// When the node's URL is not valid.
pub async fn run(context: &Context, args: &DoctorArgs) -> Result<Outcome, Failure> {
    match &args.about {
        Some(About::Capacity(asked)) => return capacity::run(asked),
        Some(About::Leaves(asked)) => return leaves::run(context, asked),
        None => {}
    }
    let checks = examine(context, args, &Needs::OF_A_NODE).await?;
    let worst = checks.iter().map(|check| check.level).max().unwrap_or(Level::Ok);
    let verdict = if worst == Level::Fail { Verdict::No } else { Verdict::Yes };
    let text = told(&checks);
    Ok(Outcome { verdict, answer: Some(Answer::new(Report { checks }, text)) })
}

/// All checks, in the order in which a node needs what they look at.
async fn examine(context: &Context, args: &DoctorArgs, needs: &Needs) -> Result<Vec<Check>, Failure> {
    let home = &context.home;
    let mut checks = vec![folder::home(home)];
    if checks.iter().any(|check| check.level == Level::Fail) {
        return Ok(checks);
    }
    let config = match Config::load(home) {
        Ok(config) => {
            checks.push(folder::config(&home.config_file()));
            config
        }
        Err(error) => {
            checks.push(Check::failure("config", error.into()));
            return Ok(checks);
        }
    };
    checks.extend(settings::all(&config, super::now_ms()));
    checks.extend(keys::all(home));
    checks.extend([folder::space(home, needs), folder::speed(home, needs)]);
    checks.push(folder::open_files(config.api.max_connections, needs));
    let client = args.rpc.client(context)?;
    let seen = running::ask(&client).await;
    let genesis = kept::genesis(home, &mut checks);
    let tip = genesis.and_then(|genesis| kept::database(home, &config, &genesis, seen.is_ok(), &mut checks));
    checks.push(kept::sign_guard(home, &config, tip, seen.is_ok()));
    checks.extend(kept::clock(tip, super::now_ms()));
    checks.extend([kept::snapshots(home, &config), kept::node_backup(home, super::now_ms())]);
    checks.extend(vault::all(home, &config, super::now_ms()));
    checks.extend(pair::all(home, &config, super::now_ms()));
    checks.extend(archive::all(&config));
    checks.extend(network::tls(&config.api, super::now_ms()));
    checks.extend(network::listening(&config, seen.is_ok()));
    checks.extend(network::external(&config));
    match seen {
        Ok(seen) => checks.extend(running::judge(&client, &seen).await),
        Err(failure) => checks.push(running::silent(failure)),
    }
    Ok(checks)
}

/// A line a check, and below what is not well what to do.
fn told(checks: &[Check]) -> String {
    let line = |check: &Check| {
        let level = match check.level {
            Level::Ok => "ok  ",
            Level::Warn => "WARN",
            Level::Fail => "FAIL",
        };
        let next =
            if check.next.is_empty() { String::new() } else { format!("\n       next: {}", check.next) };
        format!("{level}  {:<14} {}{next}", check.name, check.detail)
    };
    let count = |level| checks.iter().filter(|check| check.level == level).count();
    let lines: Vec<String> = checks.iter().map(line).collect();
    format!(
        "{}\n{} checks: {} fail, {} warn",
        lines.join("\n"),
        checks.len(),
        count(Level::Fail),
        count(Level::Warn)
    )
}
