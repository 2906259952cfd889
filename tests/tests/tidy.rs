//! Files of a size that can be read, and words with one meaning.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use aula_tests::sources::production;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
}

/// Every file of the repository with this ending, with its text.
fn files(ending: &str) -> Vec<(String, String)> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git lists its files");
    let names = String::from_utf8(output.stdout).expect("names are UTF-8");
    let found: Vec<_> = names
        .split('\0')
        .filter(|name| name.ends_with(ending))
        .filter_map(|name| Some((name.to_owned(), std::fs::read_to_string(root().join(name)).ok()?)))
        .collect();
    assert!(!found.is_empty(), "no file ends with {ending}");
    found
}

/// Whether a source is a test or what tests are made of.
fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part.contains("tests") || matches!(part, "testkit.rs" | "peer.rs"))
}

#[test]
fn no_source_has_more_than_700_lines() {
    let long: Vec<_> = files(".rs")
        .into_iter()
        .map(|(name, text)| (text.lines().count(), name))
        .filter(|(lines, _)| *lines > 700)
        .collect();
    assert!(long.is_empty(), "split these, one idea a file: {long:?}");
}

/// Functions that are longer than others and read as a table, a line a kind, or tell one order of steps in which nothing repeats.
const TABLES: &[(&str, &str)] = &[
    ("consensus/src/bare/effects.rs", "perform"),
    ("consensus/src/running.rs", "start"),
    ("ledger/src/audit/verify/consortium.rs", "one"),
    ("ledger/src/audit/verify/figures.rs", "one"),
    ("ledger/src/execute/cost.rs", "add_payload"),
    ("ledger/src/tx/admin/change.rs", "apply"),
    ("ledger/src/tx/admin/change.rs", "validate"),
    ("node/connect/src/taking.rs", "try_take"),
    ("node/estate/src/ctt/search/tables.rs", "new"),
    ("node/estate/src/page/ahead.rs", "one"),
    ("node/read/src/words.rs", "event"),
    ("node/report/src/credentials/jsonld/context.rs", "definition"),
    ("node/report/src/district/sections.rs", "equity"),
    ("node/server/src/wiring.rs", "start"),
    ("node/src/command/doctor/leaves/ways.rs", "asked"),
    ("node/src/command/estate/moved.rs", "run"),
    ("node/src/command/feed/level.rs", "run"),
    ("node/web/src/api/ops.rs", "install_metrics"),
];

/// The functions of a formatted source before its unit tests, each with its lines of code.
fn functions(source: &str) -> Vec<(String, usize)> {
    let code = production(source);
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for at in 0..lines.len() {
        let line = lines[at].trim_start();
        let before = line.split("fn ").next().unwrap_or_default();
        let is_head = line.contains("fn ")
            && before.split_whitespace().all(|word| {
                word.starts_with("pub") || word.ends_with(')') || matches!(word, "const" | "async" | "unsafe")
            });
        if !is_head {
            continue;
        }
        let indent = &lines[at][..lines[at].len() - line.len()];
        let Some(open) = (at..lines.len()).find(|line| lines[*line].ends_with(['{', ';', '}'])) else {
            continue;
        };
        if !lines[open].ends_with('{') {
            continue;
        }
        let close =
            (open + 1..lines.len()).find(|line| lines[*line] == format!("{indent}}}")).unwrap_or(lines.len());
        let name = line.split("fn ").nth(1).unwrap_or_default();
        let name = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        found.push((name, lines[open + 1..close].iter().filter(|line| !line.trim().is_empty()).count()));
    }
    found
}

#[test]
fn no_function_has_more_than_70_lines_of_code_but_tables() {
    let (mut long, mut tables) = (Vec::new(), Vec::new());
    for (path, text) in files(".rs") {
        if is_test(&path) {
            continue;
        }
        for (name, lines) in functions(&text).into_iter().filter(|(_, lines)| *lines > 70) {
            match TABLES.iter().find(|(file, function)| *file == path && *function == name) {
                Some(table) => tables.push(*table),
                None => long.push(format!("{path}: {name} has {lines}")),
            }
        }
    }
    assert!(long.is_empty(), "split these, or say in TABLES that they read as one: {long:#?}");
    tables.sort_unstable();
    assert_eq!(tables, TABLES, "those that became shorter are tables no longer");
}

#[test]
fn the_reader_of_functions_counts_lines_of_code() {
    let source = "impl A {\n    pub(crate) async fn one(\n        a: u8,\n    ) -> u8 {\n        // why\n\n        let b = a;\n        if b > 0 {\n        }\n        b\n    }\n\
        }\nfn two() {}\n#[cfg(test)]\nmod tests {\n    fn three() {\n        four();\n    }\n}\n";
    assert_eq!(functions(source), [("one".to_owned(), 4)]);
}

/// Whoever edits a crate that is not named there waits for the gate's profile.
#[test]
fn the_profile_for_editing_names_every_crate_of_ours() {
    let manifests: Vec<_> =
        files("Cargo.toml").into_iter().filter(|(name, _)| !name.contains("/fuzz/")).collect();
    let ours = manifests.iter().filter_map(|(_, text)| {
        let package = text.split("[package]").nth(1)?;
        Some(package.lines().find_map(|line| line.strip_prefix("name = \""))?.trim_end_matches('"'))
    });
    let profile = std::fs::read_to_string(root().join(".cargo/edit.toml")).expect(".cargo/edit.toml");
    let missing: Vec<_> =
        ours.filter(|name| !profile.contains(&format!("[profile.release.package.{name}]\n"))).collect();
    assert!(missing.is_empty(), "give these their lines in .cargo/edit.toml: {missing:?}");
}

/// Whether a message on this line says "is no address", or of an address that it "is none".
fn dodges_is_not(line: &str) -> bool {
    [" is no ", " are no ", " is none", " are none"].iter().any(|form| {
        line.match_indices(form).any(|(at, found)| {
            let (before, after) = (&line[..at], &line[at + found.len()..]);
            let quoted = before.contains('"') && !before.trim_start().starts_with("//");
            let other = ["longer", "more", "less"].iter().any(|word| after.starts_with(word));
            quoted && !other && !before.ends_with("there") && !before.ends_with("There")
        })
    })
}

/// "is not a valid address" is how an error says it.
#[test]
fn messages_say_is_not_a() {
    let mut found = Vec::new();
    for (name, text) in files(".rs").iter().filter(|(name, _)| !name.ends_with("tidy.rs")) {
        let lines = text.lines().filter(|line| dodges_is_not(line));
        found.extend(lines.map(|line| format!("{name}: {}", line.trim())));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The description of the API calls a type by its name alone: of two of one name it would give one the other's fields.
#[test]
fn no_two_described_types_have_one_name() {
    let named = |line: &str| {
        let name = line.trim_start().strip_prefix("pub ")?;
        let name = name.strip_prefix("struct ").or_else(|| name.strip_prefix("enum "))?;
        Some(name.chars().take_while(|c| c.is_alphanumeric()).collect::<String>())
    };
    let (mut known, mut twice) = (BTreeSet::new(), Vec::new());
    for (path, text) in files(".rs").iter().filter(|(path, _)| path.starts_with("node/")) {
        let described = text.split("ToSchema)]").skip(1).filter_map(|after| after.lines().find_map(named));
        // Of a macro's argument the name stands elsewhere.
        for name in described.filter(|name| !name.is_empty()) {
            if !known.insert(name.clone()) {
                twice.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(known.len() > 100, "{}", known.len());
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn both_dodges_of_is_not_are_found() {
    for said in [
        "\"this is no address\"",
        "\"these are no paths\"",
        "\"a word that is none\"",
        "\"some are none: why\"",
    ] {
        assert!(dodges_is_not(said), "{said}");
    }
    for fine in [
        "\"there is no block\"",
        "\"it is no longer staff\"",
        "\"2: there is none.\"",
        "// what is none stays",
    ] {
        assert!(!dodges_is_not(fine), "{fine}");
    }
}

/// The driver is simulated as it is: time, tasks and connections are asked of its ports. Channels belong to no runtime.
#[test]
fn the_driver_knows_no_clock_no_task_and_no_socket() {
    let of_the_driver: Vec<_> =
        files(".rs").into_iter().filter(|(name, _)| name.starts_with("consensus/src/driver")).collect();
    assert!(of_the_driver.len() > 8, "{}", of_the_driver.len());
    for (name, text) in of_the_driver.iter().filter(|(name, _)| !name.ends_with("tests.rs")) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let channels = |after: &str| after.starts_with("sync::") || after.starts_with("select!");
            let tokio = line.split("tokio::").skip(1).all(channels);
            let names = ["Instant", "SystemTime", "libp2p"].iter().any(|word| line.contains(word));
            assert!(tokio && !names, "{name}: {line}");
        }
    }
}

/// Which sources write a path of the API out, and why they may.
const PATHS_IN_FULL: &[(&str, &str)] = &[
    ("node/api/src/paths.rs", "it is the one place"),
    ("node/report/src/proofs.rs", "a paper says where its figures are proved, and knows no API"),
];

#[test]
fn paths_of_the_api_stand_in_one_place() {
    let in_full =
        files(".rs").into_iter().filter(|(name, text)| !is_test(name) && production(text).contains("\"/v1/"));
    let found: BTreeSet<_> = in_full.map(|(name, _)| name).collect();
    let known: BTreeSet<_> = PATHS_IN_FULL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        found, known,
        "take paths from node/api/src/paths.rs, and lines of those that do out of PATHS_IN_FULL"
    );
}

/// Where a text speaks of a path of the API, in a sentence or in code.
fn paths_spoken_of(text: &str) -> Vec<&str> {
    let starts = text.match_indices("/v1/").filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"_/.-".contains(c))
    });
    let path = |(at, _): (usize, &str)| {
        let rest = &text[at..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && !"_/{}.-".contains(c));
        rest[..end.unwrap_or(rest.len())].trim_end_matches('.')
    };
    starts.map(path).collect()
}

/// Whether there is a route of this path, or one below it. What stands for a parameter may be anything.
fn is_route(path: &str) -> bool {
    let parts = |path: &'static str| path.split('/').filter(|part| !part.is_empty());
    let spoken: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    aula_api::paths::ALL.iter().copied().any(|route| {
        parts(route).count() >= spoken.len()
            && parts(route).zip(&spoken).all(|(of_route, said)| {
                of_route == *said || of_route.starts_with('{') || said.starts_with('{')
            })
    })
}

/// A path that a hint, a comment or a page of the documentation names leads somewhere.
#[test]
fn every_path_that_is_spoken_of_is_a_route() {
    // Where collectors of spans listen.
    const OTHERS: [&str; 1] = ["/v1/traces"];
    let (mut spoken_of, mut wrong) = (0, Vec::new());
    let sources = files(".rs").into_iter().filter(|(name, _)| !is_test(name));
    for (name, text) in sources.chain(files(".md")) {
        let paths = paths_spoken_of(&text);
        spoken_of += paths.len();
        let lost = paths.into_iter().filter(|path| !is_route(path) && !OTHERS.contains(path));
        wrong.extend(lost.map(|path| format!("{name}: {path}")));
    }
    assert!(spoken_of > 100, "{spoken_of}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reader_of_paths_knows_a_route_from_what_is_none() {
    let text = "see /v1/blocks/7. `{origin}/v1/rounds/{id}/report?x`, aula/x/v1/y, (/v1/blokcs)";
    assert_eq!(paths_spoken_of(text), ["/v1/blocks/7", "/v1/rounds/{id}/report", "/v1/blokcs"]);
    assert!(is_route("/v1/blocks/7") && is_route("/v1/evidence/") && is_route("/v1/schools/ID/hours"));
    assert!(!is_route("/v1/blokcs") && !is_route("/v1/blocks/7/8"));
}

/// Production code never names the lab: what only the demo can do is not done.
#[test]
fn only_the_labs_own_commands_name_the_lab() {
    const OWN: &[&str] = &["demo.rs", "localnet.rs", "bench.rs"];
    let own = |name: &str| {
        let command = name.strip_prefix("node/src/command/");
        name.starts_with("node/lab/")
            || command.is_some_and(|file| OWN.contains(&file))
            || name.starts_with("tests/")
    };
    let names = |line: &str| line.contains("aula_lab") && !line.trim_start().starts_with("//");
    let named: Vec<_> = files(".rs")
        .into_iter()
        .filter(|(name, _)| !own(name))
        .filter(|(_, text)| text.lines().any(names))
        .map(|(name, _)| name)
        .collect();
    assert!(named.is_empty(), "these name the lab: {named:?}");
}

/// One module style: `x.rs` beside `x/`. What several test programs of a crate share stands in a folder, or it would be one of them.
#[test]
fn modules_stand_beside_their_folders() {
    let old: Vec<_> = files("mod.rs")
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !name.contains("/tests/") && !name.contains("/benches/"))
        .collect();
    assert!(old.is_empty(), "name these after their modules: {old:?}");
}

/// What a type was called before its word had one meaning: where, its old name, and what to call it. Words of the engine
/// (Malachite) are the engine's alone.
const GONE: &[(&str, &str, &str)] = &[
    ("consensus/", "struct Handle", "RunningConsensus: a handle is a student's"),
    ("consensus/", "struct EngineHandle", "RunningConsensus: the other is the engine's"),
    ("consensus/", "enum Fatal", "FatalError"),
    ("consensus/", "enum Validity", "Verdict: the other is the engine's"),
    ("consensus/", "struct Blocks", "BlockBuilder"),
    ("consensus/", "struct Judged", "ExecutedBlock"),
    ("consensus/", "struct ValidBlock", "ExecutedBlock: a valid block has a quorum of prevotes"),
    ("consensus/", "struct Wrong", "InvalidProposal"),
    ("consensus/src/engine", "struct Verdicts", "EngineActors: the driver keeps the verdicts"),
    ("node/web/", "struct Node", "AppState: a node is a machine, or an element of a tree"),
];

/// Whether the source defines a type of this very name.
fn defines(source: &str, definition: &str) -> bool {
    source.match_indices(definition).any(|(at, found)| {
        let after = source[at + found.len()..].chars().next();
        after.is_some_and(|c| !c.is_alphanumeric() && c != '_')
    })
}

#[test]
fn every_script_has_its_line_in_the_index() {
    let index = files("scripts/README.md").remove(0).1;
    let scripts = files(".sh").into_iter().chain(files(".py")).map(|(name, _)| name);
    // What lies deeper is part of the script of its folder's name.
    let own = scripts.filter_map(|name| Some(name.strip_prefix("scripts/")?.to_owned()));
    let missing: Vec<_> = own
        .filter(|name| !name.contains('/') || name.ends_with("check.sh"))
        .filter(|name| !index.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "scripts/README.md has no line of {missing:?}");
}

#[test]
fn words_have_one_meaning() {
    let (mut found, mut looked_at) = (Vec::new(), [false; GONE.len()]);
    for (name, text) in files(".rs") {
        for (at, (folder, old, now)) in GONE.iter().enumerate() {
            if !name.starts_with(folder) {
                continue;
            }
            looked_at[at] = true;
            if defines(&text, old) {
                found.push(format!("{name}: {old} is called {now}"));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(looked_at.iter().all(|any| *any), "these folders went: {looked_at:?}");
    assert!(defines("pub struct Node {", "struct Node") && !defines("struct NodeKey {", "struct Node"));
}
