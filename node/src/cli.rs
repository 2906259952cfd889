//! The command line as types; no behaviour. A subcommand's own arguments stand in its file under `command`.
//!
//! Precedence: flags over `AULA_*` environment variables over `config.toml` over defaults. Which variables there are stands at the
//! head of `config.toml`.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::command::{
    backup, badge, bench, completion, consortium, demo, district, doctor, estate, evidence, feed, funder,
    genesis, init, join, keys, lake, localnet, man, node, optimize, prune, query, replay, report, restore,
    sim, snapshot, start, status, steward, twin, tx, vault,
};
use crate::terminal::OutputFormat;

/// A ledger node for school districts.
#[derive(Debug, Parser)]
#[command(name = "aula", version, arg_required_else_help = true, propagate_version = true)]
#[command(
    about = "A ledger node for school districts: order, execute, finalise, and prove.",
    long_about = "A ledger node for school districts.\n\nEach district runs one node; together they agree on student \
                  state and on the allocation of school resources, and anybody with the genesis file can check an \
                  allocation afterwards, offline.\n\nExit codes: 0 yes, 1 checked and the answer is no, 2 could not.",
    after_help = "Examples:\n  aula demo                          a whole consortium on this machine\n  \
                  aula init --home ~/.aula           a folder, keys and a commented config.toml\n  \
                  aula status --output json          one line for a script"
)]
pub struct Cli {
    /// Options of every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every subcommand.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The node's folder: configuration, keys, data; `district run` takes several [default: ~/.aula]
    #[arg(long, global = true, env = "AULA_HOME", value_name = "DIR", action = ArgAction::Append)]
    pub home: Vec<PathBuf>,
    /// How the answer is printed on stdout: text for people, json for one line a program reads
    #[arg(long, global = true, env = "AULA_OUTPUT", value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// What is logged on stderr, for example `info` or `aula=debug,warn` [default: the config's, else warn]
    #[arg(long, global = true, env = "AULA_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

/// The subcommands, one file each in `command/`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole consortium on this machine: four school years of real students
    Demo(demo::DemoArgs),
    /// Make a node's folder: keys, a commented config.toml, and the public-key file for the genesis
    Init(init::InitArgs),
    /// Build the genesis file from the operators' public-key files
    Genesis(genesis::GenesisArgs),
    /// Make this home a follower of a chain, from its genesis and a peer's address
    Join(join::JoinArgs),
    /// Run this node until it is told to stop
    Start(start::StartArgs),
    /// Run a consortium of validators on this machine
    Localnet(localnet::LocalnetArgs),
    /// Say where a node is
    Status(status::StatusArgs),
    /// Propose and vote on changes of the consortium; list proposals in words
    Consortium(consortium::ConsortiumArgs),
    /// Fund a school year, grant it to stewards, state where it went
    Funder(funder::FunderArgs),
    /// Define classes and pools, open and run their rounds
    Steward(steward::StewardArgs),
    /// A district's own work: import, request places, tell decisions, alerts, export; run the duties
    District(district::DistrictArgs),
    /// Live feeds: what they brought, what became no event, where an event came from
    Feed(feed::FeedArgs),
    /// The district's lake: events, decisions, readings and figures as Iceberg tables
    Lake(lake::LakeArgs),
    /// Look at everything that keeps a node from working, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Show what is final: blocks, transactions, rounds, pools, members
    Query(query::QueryArgs),
    /// Sign and submit any transaction, and follow it until it is final
    Tx(tx::TxArgs),
    /// Fetch an evidence bundle, for aula-audit
    Evidence(evidence::EvidenceArgs),
    /// Execute the whole chain again and compare every root
    Replay(replay::ReplayArgs),
    /// Create, show, export and rotate this node's keys, or have lost ones replaced
    Keys(keys::KeysArgs),
    /// Solve an allocation instance with the production optimizer, and prove it
    Optimize(optimize::OptimizeArgs),
    /// Measure this program on this machine
    Bench(bench::BenchArgs),
    /// Run a consortium through seeded faults, in simulated time
    Sim(sim::SimArgs),
    /// The school itself: timetables, conflicts, energy, demand, failures
    Estate(estate::EstateArgs),
    /// Verifiable credentials: Open Badges 3.0 and CLR 2.0, judged offline
    Badge(badge::BadgeArgs),
    /// Make reports and exports from the chain, aggregate only, the same bytes each time
    Report(report::ReportArgs),
    /// Fit, judge and use students' digital twins
    Twin(twin::TwinArgs),
    /// The district's private vault: records, keys, erasure, access
    Vault(vault::VaultArgs),
    /// Copy the vault: its data without keys, and its newest keys apart
    Backup(backup::BackupArgs),
    /// Bring a vault back from its two copies
    Restore(restore::RestoreArgs),
    /// Copy the running node's database, put a copy back (never the sign guard), change what is logged
    Node(node::NodeArgs),
    /// The state of one height as files: make, list, verify
    Snapshot(snapshot::SnapshotArgs),
    /// Delete old blocks and give the disk back
    Prune(prune::PruneArgs),
    /// Print a shell's completion script
    Completion(completion::CompletionArgs),
    /// Write the manual's pages, for who packages this program
    #[command(hide = true)]
    Man(man::ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    /// An argument that shares a name with a global one is silently read as that one, and ends in a panic.
    fn check(command: &clap::Command, path: &str) {
        for argument in command.get_arguments() {
            let name = argument.get_id().as_str();
            assert!(
                !["home", "output", "log"].contains(&name),
                "aula{path} --{name} hides the global --{name}"
            );
        }
        for sub in command.get_subcommands() {
            check(sub, &format!("{path} {}", sub.get_name()));
        }
    }

    fn variables(command: &clap::Command, found: &mut BTreeSet<String>) {
        let named = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str());
        found.extend(named.map(str::to_owned));
        command.get_subcommands().for_each(|sub| variables(sub, found));
    }

    #[test]
    fn the_sample_names_the_variables_that_are_heard_and_no_other() {
        let (head, _) = aula_home::config::SAMPLE.split_once("\n[").unwrap_or_default();
        let words = head.split(|c: char| !c.is_ascii_uppercase() && c != '_' && !c.is_ascii_digit());
        let named: BTreeSet<String> =
            words.filter(|word| word.starts_with("AULA_")).map(str::to_owned).collect();
        let mut heard = BTreeSet::new();
        variables(&Cli::command(), &mut heard);
        assert!(heard.len() > 10, "{heard:?}");
        assert_eq!(named, heard);
    }

    #[test]
    fn no_subcommand_hides_a_global_option() {
        for sub in Cli::command().get_subcommands() {
            check(sub, &format!(" {}", sub.get_name()));
        }
    }
}
