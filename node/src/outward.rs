//! What a command writes beside the home: which of its arguments name it, whether that lies in a place of `[sovereignty]`, and that it was
//! run.
//!
//! Flow: the program parses → [`Outward::of`] takes the paths out of what was parsed → [`Outward::check`] refuses before anything is opened
//! → [`note`] appends a line to HOME/left.jsonl, which `aula doctor leaves` reads, → the command: one that fails or is ended halfway may have
//! left files, and stands in the list. A test walks the whole command line: a path that stands in no list here fails it, so that no new
//! command is forgotten. Invariant: a line names the command and the place, never the path: whoever has the home learns nothing of where
//! copies lie.

use std::io::ErrorKind;
use std::path::PathBuf;

use aula_home::config::{Config, ConfigError, Outside, Sovereignty, real};
use clap::ArgMatches;
use serde::Serialize;

use crate::terminal::{Context, Failure};

mod list;

pub use list::{Left, Noted, Sum, note, noted};

/// What a path that is given is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It is read.
    Reads,
    /// A half of the vault, opened or made there.
    Keeps,
    /// A file or folder that is written for somebody.
    Leaves,
    /// It is written and has nothing of a district: the manual, made-up districts.
    Apart,
}

/// Arguments that are read, whatever the command.
const READ: [&str; 78] = [
    "admit",
    "amounts",
    "base",
    "because",
    "building",
    "bundle",
    "ca",
    "case",
    "consortium",
    "costs",
    "credential",
    "data",
    "did",
    "disclosure",
    "diverged",
    "enrolments",
    "esco",
    "estate",
    "events",
    "evidence",
    "figures",
    "file",
    "files",
    "folder",
    "forecast",
    "form",
    "from",
    "from_vault",
    "genesis",
    "given",
    "graph",
    "heat",
    "history",
    "home",
    "inputs",
    "instance",
    "keys",
    "load",
    "map",
    "mastery",
    "meter",
    "model",
    "now",
    "operator",
    "optout",
    "parameters",
    "picture",
    "pins",
    "plan",
    "pools",
    "record",
    "request",
    "responses",
    "round",
    "schedule",
    "schools",
    "scores",
    "sections",
    "source",
    "split",
    "staff",
    "status",
    "students",
    "table",
    "test",
    "text",
    "then",
    "timetable",
    "tls_certificate",
    "tls_key",
    "train",
    "twin_parameters",
    "twins",
    "verify",
    "via_genesis",
    "weather",
    "which",
    "wishes",
];

/// What an argument of a command is for; none of one that is not judged here.
fn use_of(command: &str, id: &str) -> Option<Use> {
    Some(match (id, command) {
        ("folder", "man" | "bench feed-host") | ("dir" | "save_plan", _) => Use::Apart,
        ("data" | "keys", "backup")
        | ("model", "twin fit")
        | ("picture" | "load", "estate plan")
        | ("report", "district import")
        | ("predictions" | "explain", "twin evaluate")
        | ("out" | "into" | "letters" | "assignment" | "save_certificate" | "lake", _) => Use::Leaves,
        ("vault" | "keystore", _) => Use::Keeps,
        (id, _) if READ.contains(&id) => Use::Reads,
        _ => return None,
    })
}

/// A group of commands whose files somebody takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ByHand {
    /// The command, or the one above several.
    pub command: &'static str,
    /// What it writes, in words.
    pub what: &'static str,
    /// Whether that tells of single students: `none`, `pseudonyms`, `named`.
    pub students: &'static str,
    /// The format, and whether it is encrypted.
    pub form: &'static str,
}

const fn by_hand(
    command: &'static str,
    students: &'static str,
    what: &'static str,
    form: &'static str,
) -> ByHand {
    ByHand { command, what, students, form }
}

/// Every command that writes for somebody, what tells of named students first.
pub static BY_HAND: [ByHand; 16] = [
    by_hand(
        "district export",
        "named",
        "everything that the district holds, students' secrets too",
        "JSON lines, not encrypted",
    ),
    by_hand(
        "district decisions",
        "named",
        "a round's decisions and letters to families",
        "CSV and pages, not encrypted",
    ),
    by_hand("district import", "named", "reports of rejected rows", "CSV, not encrypted"),
    by_hand(
        "backup",
        "named",
        "copies of the vault's data, and of its keys apart",
        "sealed records, which the keys open",
    ),
    by_hand("badge", "named", "badges", "signed JSON, tokens, pictures, pages"),
    by_hand(
        "vault disclose",
        "pseudonyms",
        "events of a student whom a round drew, for the auditor",
        "JSON, not encrypted",
    ),
    by_hand("vault log", "pseudonyms", "proofs that a read is listed", "an entry with its proof"),
    by_hand("evidence", "pseudonyms", "evidence about the ledger", "bundles, for aula-audit"),
    by_hand("lake", "pseudonyms", "the lake's tables, in another folder", "Parquet, not encrypted"),
    by_hand("node backup", "pseudonyms", "copies of the node's database", "the ledger and its state; no key"),
    by_hand("twin", "pseudonyms", "models, graphs and predictions", "files of the twins' own and CSV"),
    by_hand(
        "estate",
        "pseudonyms",
        "timetables, loads, forecasts and tables of the estate",
        "CSV, JSON, pages",
    ),
    by_hand("optimize", "pseudonyms", "solutions of allocations", "assignments and certificates"),
    by_hand("report", "none", "reports and exports of the chain", "HTML, PDF, Parquet, CSV"),
    by_hand("doctor", "none", "this list", "a page"),
    by_hand("genesis", "none", "the consortium's genesis", "JSON"),
];

/// Commands that read no setting of the home. They are run without a home too, and by accounts that may not read one's.
const WITHOUT_HOME: [&str; 5] = ["twin", "estate", "optimize", "badge show", "genesis"];

fn is_below(command: &str, group: &str) -> bool {
    command.strip_prefix(group).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Which group a command is of.
pub fn group(command: &str) -> Option<&'static ByHand> {
    BY_HAND.iter().find(|own| is_below(command, own.command))
}

/// The paths that a command was given to write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outward {
    command: String,
    paths: Vec<(Use, PathBuf)>,
}

impl Outward {
    /// Those of a command line, variables included.
    pub fn of(matches: &ArgMatches) -> Self {
        let (mut command, mut paths, mut here) = (String::new(), Vec::new(), matches);
        loop {
            for id in here.ids() {
                let id = id.as_str();
                let Some(purpose @ (Use::Keeps | Use::Leaves)) = use_of(&command, id) else { continue };
                for value in here.get_raw(id).into_iter().flatten() {
                    let one = (purpose, PathBuf::from(value));
                    if !paths.contains(&one) {
                        paths.push(one);
                    }
                }
            }
            let Some((name, below)) = here.subcommand() else { break };
            if !command.is_empty() {
                command.push(' ');
            }
            command.push_str(name);
            here = below;
        }
        Self { command, paths }
    }

    /// Refuses what lies in no place of `[sovereignty]`, where the home names places; gives what is to be noted before it is written.
    ///
    /// # Errors
    /// `outside`, or when the home's settings are refused and the command needs them, or what of them is the rule cannot be told.
    pub fn check(&self, context: &Context) -> Result<Vec<Left>, Failure> {
        if self.paths.is_empty() {
            return Ok(Vec::new());
        }
        let (rule, lake) = match Config::load(&context.home) {
            Ok(config) => {
                let lake = is_below(&self.command, "lake").then(|| config.lake.folder(&context.home));
                (config.sovereignty, lake.and_then(|lake| real(&lake)))
            }
            Err(error) => (self.rule_alone(context, error)?, None),
        };
        let what = format!("what `aula {}` writes", self.command);
        // Of a home that is not there nothing is noted.
        let home = context.home.path().canonicalize().ok();
        let mut left = Vec::new();
        for (purpose, path) in &self.paths {
            let place = rule.of_folder(&what, path).map_err(refused)?;
            let inside = real(path).is_some_and(|path| {
                lake.as_ref() == Some(&path) || home.as_ref().is_some_and(|home| path.starts_with(home))
            });
            if *purpose == Use::Leaves && !inside && self.command != "lake status" {
                let place = place.map(str::to_owned);
                left.push(Left { at_ms: aula_home::clock::now_ms(), command: self.command.clone(), place });
            }
        }
        Ok(left)
    }

    /// The rule of a home whose settings are refused, for a command that needs none of them; the refusal is said.
    fn rule_alone(&self, context: &Context, error: ConfigError) -> Result<Sovereignty, Failure> {
        let failure = Failure::from(error);
        if !WITHOUT_HOME.iter().any(|group| is_below(&self.command, group)) {
            return Err(failure);
        }
        let rule = match Sovereignty::alone(&context.home) {
            Ok(rule) => rule,
            // Whoever may not read the settings is not whom they bind.
            Err(ConfigError::Read { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
                Sovereignty::default()
            }
            Err(error) => return Err(error.into()),
        };
        let message = failure.message.trim_end_matches('.');
        context.tell(format_args!("aula: {message}; it is not needed here.\n  next: {}", failure.hint));
        Ok(rule)
    }
}

fn refused(outside: Outside) -> Failure {
    let next = "name a folder inside one of the places of [sovereignty] in config.toml";
    Failure::new("outside", outside.to_string(), next)
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;
    use crate::terminal::OutputFormat;
    use aula_home::Home;

    /// Every argument that some command takes: its words, the argument's name, whether it is a path.
    fn arguments(command: &clap::Command, words: &str, found: &mut BTreeSet<(String, String, bool)>) {
        for argument in command.get_arguments() {
            let is_path = argument.get_value_parser().type_id() == TypeId::of::<PathBuf>();
            found.insert((words.to_owned(), argument.get_id().to_string(), is_path));
        }
        for sub in command.get_subcommands() {
            arguments(sub, format!("{words} {}", sub.get_name()).trim_start(), found);
        }
    }

    #[test]
    fn every_path_of_every_command_is_judged() {
        let mut found = BTreeSet::new();
        arguments(&Cli::command(), "", &mut found);
        let (all, words): (Vec<_>, Vec<_>) = found.into_iter().partition(|(.., is_path)| *is_path);
        let taken: Vec<_> = words
            .iter()
            .filter(|(command, id, _)| matches!(use_of(command, id), Some(Use::Keeps | Use::Leaves)))
            .collect();
        assert!(taken.is_empty(), "these are not paths and are taken for what is written: {taken:?}");
        let all: BTreeSet<_> = all.into_iter().map(|(command, id, _)| (command, id)).collect();
        assert!(all.len() > 120, "{}", all.len());
        let forgotten: Vec<_> = all.iter().filter(|(command, id)| use_of(command, id).is_none()).collect();
        assert!(forgotten.is_empty(), "say in outward.rs what these are for: {forgotten:?}");
        let leaves = |command: &str, id: &str| use_of(command, id) == Some(Use::Leaves);
        for (command, id) in
            [("district export", "out"), ("district decisions", "letters"), ("vault disclose", "out")]
        {
            assert!(
                all.contains(&(command.to_owned(), id.to_owned())) && leaves(command, id),
                "{command} {id}"
            );
        }
        let writing: BTreeSet<&str> = all
            .iter()
            .filter(|(command, id)| leaves(command, id))
            .map(|(command, _)| command.as_str())
            .collect();
        let unnamed: Vec<_> = writing.iter().filter(|command| group(command).is_none()).collect();
        assert!(unnamed.is_empty(), "say in BY_HAND what these write: {unnamed:?}");
        for own in &BY_HAND {
            assert!(
                writing.iter().any(|command| group(command) == Some(own)),
                "{} writes nothing",
                own.command
            );
        }
    }

    fn outward(line: &[&str]) -> Outward {
        Outward::of(&Cli::command().try_get_matches_from(line).expect("a command line"))
    }

    #[test]
    fn a_command_that_writes_outside_of_the_places_is_refused_and_one_inside_is_noted() {
        let above = tempfile::tempdir().expect("a folder");
        let root = above.path().canonicalize().expect("a path");
        let (inside, outside) = (root.join("in"), root.join("out"));
        let context = Context { home: Home::at(inside.join("home")), output: OutputFormat::Text, log: None };
        std::fs::create_dir_all(context.home.path()).expect("a folder");
        let rule = format!("[[sovereignty.place]]\nname = 'county'\nfolders = ['{}']\n", inside.display());
        std::fs::write(context.home.config_file(), rule).expect("a file");
        let text = |path: PathBuf| path.display().to_string();
        let (away, near) = (text(outside.join("x")), text(inside.join("x")));
        let own = text(context.home.path().join("x"));
        let export = |to: &str| outward(&["aula", "district", "export", "-o", to]);
        for line in [
            vec!["aula", "district", "export", "-o", &away],
            vec!["aula", "district", "decisions", "--round", "1", "-o", &near, "--letters", &away],
            vec!["aula", "vault", "log", "prove", "1", "-o", &away],
            vec!["aula", "vault", "--vault", &away, "status"],
            vec!["aula", "backup", "--keys", &away],
            vec!["aula", "doctor", "leaves", "-o", &away],
        ] {
            let failure = outward(&line).check(&context).expect_err(line[1]);
            assert_eq!(failure.code, "outside", "{line:?}");
            assert!(failure.message.contains(&away), "{line:?}: {}", failure.message);
        }
        let kept = export(&own).check(&context).expect("inside");
        assert!(kept.is_empty(), "what stays in the home has not left: {kept:?}");
        assert!(outward(&["aula", "status"]).check(&context).expect("no path").is_empty());
        let left = export(&near).check(&context).expect("inside");
        assert!(
            matches!(left.as_slice(), [one] if one.command == "district export" && one.place.as_deref() == Some("county"))
        );
        note(&context, &left);
        note(&context, &left);
        let exports = || {
            let noted = noted(&context.home).expect("a list");
            (noted.by_group.get("district export").map(|sum| sum.times), noted.unread)
        };
        assert_eq!(exports(), (Some(2), 0));
        let list = std::fs::read_to_string(context.home.left_file()).expect("a list");
        assert!(!list.contains(&near), "no path of what was written stands in the home: {list}");
        std::fs::write(context.home.left_file(), &list[..list.len() - 9]).expect("a torn list");
        note(&context, &left);
        assert_eq!(exports(), (Some(2), 1));
        // A folder that is no home is left as it is.
        let nowhere = Context { home: Home::at(root.clone()), ..context.clone() };
        note(&nowhere, &[Left { at_ms: 1, command: "x".into(), place: None }]);
        assert!(!nowhere.home.left_file().exists());
    }

    /// A home below a folder, with no rule of its own.
    fn bare(root: &Path) -> Context {
        let home = Home::at(root.join("in/bare"));
        std::fs::create_dir_all(home.path()).expect("a folder");
        Context { home, output: OutputFormat::Text, log: None }
    }

    #[test]
    fn what_really_lies_inside_of_the_home_has_not_left() {
        let above = tempfile::tempdir().expect("a folder");
        let root = above.path().canonicalize().expect("a path");
        let bare = bare(&root);
        std::os::unix::fs::symlink(&root, bare.home.path().join("link")).expect("a link");
        for (to, times) in [("x", 0), ("new/x", 0), ("../x", 1), ("link", 1), ("link/x", 1)] {
            let to = bare.home.path().join(to).display().to_string();
            let export = outward(&["aula", "district", "export", "-o", &to]);
            assert_eq!(export.check(&bare).expect("no rule").len(), times, "{to}");
        }
        let lake = root.join("lake").display().to_string();
        let noted = |action: &str| {
            outward(&["aula", "lake", action, "--lake", &lake]).check(&bare).expect("no rule").len()
        };
        assert_eq!((noted("sync"), noted("compact"), noted("status")), (1, 1, 0));
        let settings = format!("[lake]\nfolder = '{lake}'\n");
        std::fs::write(bare.home.config_file(), settings).expect("a file");
        assert_eq!(noted("sync"), 0, "the lake's own folder");
    }

    #[test]
    fn settings_that_are_refused_keep_nobody_from_what_needs_none_and_their_rule_binds() {
        let above = tempfile::tempdir().expect("a folder");
        let root = above.path().canonicalize().expect("a path");
        let (bare, file) = (bare(&root), root.join("in/bare/config.toml"));
        let (near, away) = (root.join("in/x").display().to_string(), root.join("x").display().to_string());
        let solve = |to: &str| outward(&["aula", "optimize", "round.srap", "--assignment", to]).check(&bare);
        let rule =
            format!("[[sovereignty.place]]\nname = 'county'\nfolders = ['{}']\n", root.join("in").display());
        let both = format!("unknown = true\n{rule}");
        for (settings, is_refused) in [
            ("x = [", false),
            ("unknown = true\n", false),
            ("[sovereignty\n", true),
            ("[sovereignty]\nplace = 1\n", true),
            (both.as_str(), true),
        ] {
            std::fs::write(&file, settings).expect("a file");
            let export = outward(&["aula", "district", "export", "-o", &near]);
            assert!(export.check(&bare).is_err(), "{settings}");
            assert_eq!(solve(&away).is_err(), is_refused, "{settings}");
        }
        assert_eq!(solve(&away).expect_err("outside").code, "outside");
        assert_eq!(solve(&near).expect("inside").len(), 1);
        std::fs::remove_file(&file).expect("a file");
        std::fs::create_dir(&file).expect("a folder where the file should be");
        let refused = solve(&away).expect_err("whether there is a rule cannot be told");
        assert!(
            refused.message.contains("config.toml") && refused.hint.contains("not a file"),
            "{refused:?}"
        );
        std::fs::remove_dir(&file).expect("a folder");
        std::fs::write(&file, &both).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).expect("its owner's");
        // Root may read it all the same.
        if std::fs::File::open(&file).is_err() {
            assert_eq!(solve(&away).expect("no rule can be read").len(), 1);
        }
    }
}
