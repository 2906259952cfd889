//! An example for each command whose group alone shows some, in its help and its page of the manual.
//!
//! Flow: [`command`] is the command line as [`Cli`] describes it, with the lines below in their places. A test asks every command for an
//! example, and the parser for each, also for those of the commands' own files, so that none is left behind when a flag changes.

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

    /// Every example, those of the commands' own files too: what follows `aula`.
    fn examples(command: &clap::Command, found: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        // A line that ends with a backslash goes on in the next one.
        let whole: String = help.split("\\\n").map(str::trim_start).collect();
        found.extend(
            whole.lines().filter_map(|line| line.trim_start().strip_prefix("aula ")).map(str::to_owned),
        );
        command.get_subcommands().for_each(|inner| examples(inner, found));
    }

    /// A line's words as a shell takes them, up to what is said of it, or what is done with what it prints.
    fn words(line: &str) -> Vec<String> {
        let ends = ["  ", " > ", " | ", " && "].iter().filter_map(|mark| line.find(mark));
        let end = ends.min().unwrap_or(line.len());
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for letter in line[..end].chars() {
            match (letter, quote) {
                (' ', None) => words.push(std::mem::take(&mut word)),
                ('"' | '\'', None) => quote = Some(letter),
                _ if quote == Some(letter) => quote = None,
                _ => word.push(letter),
            }
        }
        words.push(word);
        words
    }

    #[test]
    fn a_line_is_read_as_a_shell_reads_it() {
        assert_eq!(
            words(r#"tx x '{"a":1}' --name "Lake s" > out"#),
            ["tx", "x", r#"{"a":1}"#, "--name", "Lake s"]
        );
        assert_eq!(words(r#"a --b "c d"    what it does"#), ["a", "--b", "c d"]);
    }

    #[test]
    fn every_example_is_one_that_the_program_takes() {
        let (id, account) = ("ab".repeat(32), "ab".repeat(20));
        let given = |word: String| match word.as_str() {
            "ID" | "HANDLE" | "H" | "HASH" | "HEX" | "EVENT" => id.clone(),
            "ACCOUNT" => account.clone(),
            "DISTRICT" => "3".to_owned(),
            // A hash that is shown by its beginning.
            _ => word.replace("9f2c…", &id),
        };
        let (mut program, mut found) = (command(), Vec::new());
        examples(&program, &mut found);
        assert!(found.len() > 2 * LINES.len(), "{}", found.len());
        for line in found {
            let words = std::iter::once("aula".to_owned()).chain(words(&line).into_iter().map(given));
            let taken = program.try_get_matches_from_mut(words);
            assert!(taken.is_ok(), "aula {line}: {:?}", taken.err().map(|error| error.to_string()));
        }
    }
}
