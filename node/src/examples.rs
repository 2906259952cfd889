//! An example for each command whose group alone shows some, in its help and its page of the manual.
//!
//! Flow: [`command`] is the command line as [`Cli`] describes it, with the lines below in their places. A test asks every command for an
//! example, and the parser for each line, so that none is left behind when a flag changes.

use clap::CommandFactory;

use crate::cli::Cli;

/// What follows `aula`, one line a command. Words in capitals stand for what other commands print.
const LINES: [&str; 88] = [
    "consortium propose request.json",
    "consortium vote 7 yes",
    "consortium anchor --of https://east.example:8480",
    "consortium list --output json",
    "funder fund --year 2026 --cents 250000000",
    "funder grant --class 2 --cents 90000000",
    "funder state --year 2026",
    "steward class --class 2 --title Devices --year 2026 --kinds tablet,laptop --waitlist 60",
    "steward pool --pool 17 --class 2 --school 51 --kind laptop --places 40 --unit-cents 30000 --funder state",
    "steward open --class 2",
    "steward run --round 5",
    "district school add --school 51 --name Lakeside --type rural --position 36.162664,-86.781602",
    "district school rename --school 51 --name Lakeview",
    "district school close --school 51",
    "district school list --output json",
    "district corrections list",
    "district corrections answer ID --amended --text answer.txt",
    "district alerts list --output json",
    "district alerts ack --all",
    "feed status",
    "feed replay",
    "feed dead-letters",
    "feed trace EVENT",
    "feed level --check",
    "feed test lessons",
    "lake sync",
    "lake compact",
    "lake status --output json",
    "query blocks --limit 5",
    "query block 390",
    "query transaction ID",
    "query account ACCOUNT",
    "query rounds --output json",
    "query round 3",
    "query report 3",
    "query pools --class 2",
    "query classes",
    "query budgets",
    "query districts",
    "query schools",
    "query members",
    "query proposals",
    "query validators",
    "query params",
    "evidence round 7 -o round-7.aula",
    "evidence allocation 7 HANDLE -o place.bundle",
    "evidence student 12 2026 HANDLE --fields skill:00001 -o field.bundle",
    "evidence milestone 12 HANDLE 0 -o milestone.bundle",
    "evidence budget ACCOUNT 2026 -o money.bundle",
    "evidence access 12 --entry 3 -o read.bundle",
    "evidence figures -o figures.bundle",
    "evidence sample 7",
    "keys create --home /srv/district-07",
    "keys rotate --kind validator",
    "keys replace-lost --kind validator",
    "keys show --output json",
    "keys export --name district-07 --p2p /ip4/192.0.2.7/tcp/8481",
    "bench ledger --validators 4 --seconds 20 --records 300000",
    "bench reads --requests 100",
    "bench join --snapshot-only",
    "bench zk --output json",
    "bench replicas --events 100000",
    "bench feed --seconds 10 --source frames",
    "badge verify badge.json --status list.json --require-trusted",
    "badge issue request.json --evidence milestone.bundle --genesis genesis.json -o badge.json",
    "badge revoke badge.json",
    "twin evaluate --train a.csv --test b.csv --predictions p.csv",
    "twin fit --train a.csv --model fitted.twin",
    "twin drift --train a.csv --responses b.csv --by term",
    "twin plan --graph graph/ --mastery m.json --trajectories 10000 --seed 7",
    "twin study --graph graph/ --train a.csv --scores star.csv",
    "twin risk star --data star_long.csv.gz",
    "twin risk oulad --data oulad/",
    "twin replay --events disclosure.json --anchored HASH",
    "vault status --output json",
    "vault handles",
    "vault roster roster.csv",
    "vault links",
    "vault log list",
    "vault log anchor",
    "vault log prove 3 -o read.proof",
    "vault log verify read.proof",
    "node backup -o /mnt/backup/2026-11-29",
    "node restore /mnt/backup/2026-11-29 --home /srv/district-07",
    "node log-level aula=debug,warn",
    "snapshot create",
    "snapshot list --output json",
    "snapshot verify 20000",
];

/// The command line with its examples.
#[must_use]
pub fn command() -> clap::Command {
    let mut program = Cli::command();
    for line in LINES {
        add(&mut program, &line.split(' ').collect::<Vec<_>>(), line);
    }
    program
}

/// Puts a line below the help of the command that its first words name.
fn add(command: &mut clap::Command, words: &[&str], line: &str) {
    match words.split_first() {
        Some((word, rest)) if command.find_subcommand(word).is_some() => {
            if let Some(inner) = command.find_subcommand_mut(word) {
                add(inner, rest, line);
            }
        }
        _ => {
            let before = command.get_after_help().map_or_else(String::new, |help| format!("{help}\n\n"));
            *command = std::mem::take(command).after_help(format!("{before}Example:\n  aula {line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command that is shown.
    fn without(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        let own = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        if !own.contains("Example") {
            found.push(path.to_owned());
        }
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            without(inner, &format!("{path} {}", inner.get_name()), found);
        }
    }

    #[test]
    fn every_command_shows_an_example() {
        let mut found = Vec::new();
        without(&command(), "aula", &mut found);
        assert_eq!(found, Vec::<String>::new(), "a line above, or one in the command's own file");
    }

    #[test]
    fn every_example_is_one_that_the_program_takes() {
        let (id, account) = ("ab".repeat(32), "ab".repeat(20));
        for line in LINES {
            let words = line.split(' ').map(|word| match word {
                "ID" | "HANDLE" | "HASH" | "EVENT" => id.as_str(),
                "ACCOUNT" => account.as_str(),
                word => word,
            });
            let taken = command().try_get_matches_from(std::iter::once("aula").chain(words));
            assert!(taken.is_ok(), "aula {line}: {:?}", taken.err().map(|error| error.to_string()));
        }
    }
}
