//! Arrows go down: which crate may use which (ARCHITECTURE.md draws it), no circle between the rooms of a crate, and none of two files
//! of a folder.
//!
//! Crates are read from `cargo metadata`, normal and build dependencies; rooms (top-level modules) from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use aula_tests::sources::{paths, production};

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// What each crate may name of ours. A crate may also name what its arrows reach.
const MAY_USE: &[(&str, &[&str])] = &[
    ("aula-zk", &[]),
    ("aula-allocation", &[]),
    // What an input of a need may be.
    ("aula-twin-runtime", &["aula-allocation"]),
    ("aula-ledger", &["aula-allocation", "aula-zk"]),
    ("aula-consensus", &["aula-ledger"]),
    // The parser is told, and nothing else: the auditor uses it too.
    ("aula-arguments", &[]),
    ("aula-audit", &["aula-arguments", "aula-ledger"]),
    ("aula-verifier", &["aula-ledger"]),
    ("aula-files", &[]),
    ("aula-vault", &["aula-files", "aula-ledger"]),
    ("aula-twin-model", &["aula-twin-runtime"]),
    ("aula-estate", &["aula-allocation"]),
    // An event's body is the twin's own type.
    ("aula-ingest", &["aula-twin-runtime"]),
    ("aula-connect", &["aula-district", "aula-home", "aula-ingest", "aula-lrs", "aula-vault"]),
    // Credentials; what a district reads and reports comes with it later.
    ("aula-report", &["aula-files"]),
    // Tables of rows that others bring, and places that others send to.
    ("aula-lake", &[]),
    ("aula-delivery", &[]),
    // A request's form is read as every form is.
    ("aula-lrs", &["aula-foreign", "aula-vault"]),
    // Protocols of others, in pieces that several speak.
    ("aula-foreign", &[]),
    // What a launching user may see is asked of a trait.
    ("aula-lti", &["aula-files", "aula-foreign"]),
    // What a login may do is asked of a trait, and a reading is handed to one.
    ("aula-identity", &["aula-files", "aula-foreign"]),
    ("aula-sensors", &["aula-foreign"]),
    // What a provider gives is asked of a trait; what consumers had is read as the same systems' files are.
    ("aula-rosters", &["aula-foreign", "aula-ingest"]),
    // Whether an address is this machine is asked alike by settings and by whoever speaks to others.
    ("aula-home", &["aula-files", "aula-ledger", "aula-consensus", "aula-foreign"]),
    // Where the lease is, a bucket among the places; what is copied is the vault's.
    ("aula-standby", &["aula-delivery", "aula-files", "aula-home", "aula-vault"]),
    // Spans of all crates come to it by `tracing`: it knows none of them.
    ("aula-traces", &[]),
    ("aula-store", &["aula-files", "aula-ledger"]),
    ("aula-sim", &["aula-consensus", "aula-ledger"]),
    // Rows are the contract's.
    ("aula-read", &["aula-api", "aula-store"]),
    // A dashboard is folded from the vault's events as the district folds them.
    ("aula-web", &["aula-api", "aula-district", "aula-home", "aula-read", "aula-store", "aula-vault"]),
    // A path's parameters are encoded as everybody's are.
    ("aula-api", &["aula-foreign", "aula-ledger"]),
    // An account signs with the key that lies in its home.
    ("aula-client", &["aula-api", "aula-home"]),
    // What is disclosed says the next step by `aula_home::NextStep`.
    ("aula-district", &["aula-home", "aula-ingest", "aula-vault"]),
    // It measures the store's own work.
    ("aula-lab", &["aula-client", "aula-connect", "aula-district", "aula-home", "aula-store", "aula-vault"]),
    // A running node is put together from everything that serves, and from nothing that measures.
    (
        "aula-server",
        &[
            "aula-client",
            "aula-connect",
            "aula-consensus",
            "aula-delivery",
            "aula-estate",
            "aula-identity",
            "aula-lrs",
            "aula-lti",
            "aula-report",
            "aula-rosters",
            "aula-standby",
            "aula-twin-model",
            "aula-web",
        ],
    ),
    // A changed page compiles nothing but itself and the program: what serves it knows it not.
    ("aula-pages", &["aula-web"]),
    (
        "aula-node",
        &[
            "aula-arguments",
            "aula-pages",
            "aula-lab",
            "aula-lake",
            "aula-sensors",
            "aula-server",
            "aula-sim",
            "aula-traces",
        ],
    ),
    (KIT, &["aula-home", "aula-store", "aula-twin-runtime", "aula-vault"]),
    ("aula-tests", &["aula-node"]),
];

/// What tests build their worlds with; a dev-dependency and nothing else.
const KIT: &str = "aula-kit";

/// What a crate must not name although it lies below it: settings reach the engine, and who serves asks it by a trait.
const FORBIDDEN: &[(&str, &str)] = &[
    ("aula-client", "aula-consensus"),
    ("aula-connect", "aula-consensus"),
    ("aula-district", "aula-consensus"),
    ("aula-pages", "aula-consensus"),
    ("aula-web", "aula-consensus"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
}

fn reached(from: &str, arrows: &Arrows) -> BTreeSet<String> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(one) = next.pop() {
        for target in arrows.get(&one).into_iter().flatten() {
            if seen.insert(target.clone()) {
                next.push(target.clone());
            }
        }
    }
    seen
}

/// What the demo may name: what an operator's commands are made of, the types of what is sent and told, and the lab's own.
const DEMO_MAY_NAME: [&str; 6] =
    ["aula_api", "aula_client", "aula_district", "aula_files", "aula_home", "aula_ledger"];

#[test]
fn the_demo_does_nothing_but_what_an_operators_commands_are_made_of() {
    let mut found = vec![root().join("node/lab/src/demo.rs")];
    sources(&root().join("node/lab/src/demo"), &mut found);
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for path in found {
        let is_test = path.file_name().is_some_and(|name| name == "tests.rs");
        let text = std::fs::read_to_string(&path).expect("a source");
        // A file's own tests stand at its end.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for name in text.split(|sign: char| !sign.is_alphanumeric() && sign != '_') {
            if name.starts_with("aula_") && !is_test {
                named.insert(name.to_owned());
                if !DEMO_MAY_NAME.contains(&name) && name != "aula_lab" {
                    wrong.push(format!("{} names {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        named.contains("aula_district") && named.contains("aula_client"),
        "nothing was looked at: {named:?}"
    );
}

/// A crate of ours.
struct Krate {
    name: String,
    /// Its folder, from the root.
    house: String,
    /// What it names of ours, and whether in its tests alone.
    names: Vec<(String, bool)>,
}

impl Krate {
    fn uses(&self, target: &str) -> bool {
        self.names.iter().any(|(name, in_tests)| name == target && !in_tests)
    }
}

/// Every crate of the workspace.
fn crates() -> Vec<Krate> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo metadata runs");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let one = |package: &serde_json::Value| {
        let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
        let folder = manifest.parent().expect("a manifest's folder");
        let house = folder.strip_prefix(root()).expect("below the root").display().to_string();
        let names = package["dependencies"].as_array().expect("dependencies").iter().map(|dependency| {
            let name = dependency["name"].as_str().expect("a name");
            (name.to_owned(), dependency["kind"] == "dev")
        });
        let names = names.filter(|(name, _)| name.starts_with("aula-")).collect();
        Krate { name: package["name"].as_str().expect("a name").to_owned(), house, names }
    };
    metadata["packages"].as_array().expect("packages").iter().map(one).collect()
}

#[test]
fn crates_use_only_what_lies_below_them() {
    let allowed: Arrows = MAY_USE
        .iter()
        .map(|(name, targets)| ((*name).to_owned(), targets.iter().map(|t| (*t).to_owned()).collect()))
        .collect();
    let mut wrong = Vec::new();
    let beneath_the_kit = reached(KIT, &allowed);
    let crates = crates();
    for one in &crates {
        let name = &one.name;
        if !allowed.contains_key(name) {
            wrong.push(format!("{name} has no line in this test: say what it may use"));
            continue;
        }
        let reach = reached(name, &allowed);
        for (target, in_tests) in &one.names {
            if !in_tests && !reach.contains(target) {
                wrong.push(format!("{name} uses {target}, which does not lie below it"));
            }
            if target == KIT && beneath_the_kit.contains(name) {
                wrong.push(format!("{name} lies beneath the kit: its unit tests would see its types twice"));
            }
        }
    }
    for (name, target) in allowed.iter().flat_map(|(name, targets)| targets.iter().map(move |t| (name, t))) {
        if !crates.iter().any(|one| one.name == *name && one.uses(target)) {
            wrong.push(format!("{name} does not use {target}: take the arrow out"));
        }
    }
    for (name, target) in FORBIDDEN {
        if !reached(name, &allowed).contains(*target) {
            wrong.push(format!("{target} does not lie below {name}: take it out of FORBIDDEN"));
        }
        if crates.iter().any(|one| one.name == *name && one.uses(target)) {
            wrong.push(format!("{name} must not use {target}: it asks by a trait"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "tests" | "testkit" | "target") {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !matches!(name.as_str(), "tests.rs" | "testkit.rs") {
            found.push(path);
        }
    }
}

/// A module's place: its path from the crate's root.
type Place = Vec<String>;

/// The modules of a crate, but for its root, with their sources.
fn modules(house: &str) -> BTreeMap<Place, String> {
    let src = root().join(house).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let place = |file: &Path| -> Place {
        let inside = file.strip_prefix(&src).expect("below src").with_extension("");
        inside.iter().map(|part| part.to_string_lossy().into_owned()).collect()
    };
    files
        .iter()
        .map(|file| (place(file), std::fs::read_to_string(file).expect("a source")))
        .filter(|(place, _)| !["lib", "main"].contains(&place.join("/").as_str()))
        .collect()
}

/// What a path means in the module at `here`, as far as it names modules.
fn meant(here: &[String], path: &[String], modules: &BTreeMap<Place, String>) -> Place {
    let mut place = if path[0] == "crate" { Place::new() } else { here.to_vec() };
    for name in path {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => {
                place.pop();
            }
            _ => place.push(name.clone()),
        }
    }
    while !place.is_empty() && !modules.contains_key(&place) {
        place.pop();
    }
    place
}

/// Which modules use which that lie in the same folder; what lies below a module is its own.
fn beside(modules: &BTreeMap<Place, String>) -> BTreeSet<(Place, Place)> {
    let mut found = BTreeSet::new();
    for (here, source) in modules {
        for path in paths(&production(source)) {
            let there = meant(here, &path, modules);
            let shared = here.iter().zip(&there).take_while(|(one, other)| one == other).count();
            if shared < here.len() && shared < there.len() {
                found.insert((here[..=shared].to_vec(), there[..=shared].to_vec()));
            }
        }
    }
    found
}

/// Which rooms use which.
fn rooms(arrows: &BTreeSet<(Place, Place)>) -> Arrows {
    let mut found = Arrows::new();
    for (from, to) in arrows.iter().filter(|(from, _)| from.len() == 1) {
        found.entry(from.concat()).or_default().insert(to.concat());
    }
    found
}

/// The pairs that use each other.
fn pairs(arrows: &BTreeSet<(Place, Place)>) -> impl Iterator<Item = &(Place, Place)> {
    arrows.iter().filter(move |(one, other)| one < other && arrows.contains(&(other.clone(), one.clone())))
}

/// The rooms that reach themselves through another.
fn circle(arrows: &Arrows) -> BTreeSet<String> {
    arrows.keys().filter(|room| reached(room, arrows).contains(*room)).cloned().collect()
}

#[test]
fn no_rooms_of_a_crate_use_each_other_in_a_circle() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for house in crates().iter().map(|one| &one.house) {
        let modules = modules(house);
        read += modules.len();
        let found = circle(&rooms(&beside(&modules)));
        if !found.is_empty() {
            wrong.push(format!("{house}: rooms in a circle are {found:?}"));
        }
    }
    assert!(read > 1000, "{read} modules were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Files of one folder that use each other, and why they may.
const PAIRS: &[(&str, &str, &str)] = &[
    (
        "node/report/src/credentials/verify/judge",
        "node/report/src/credentials/verify/nested",
        "a credential inside a credential is judged as the one around it",
    ),
    (
        "node/src/command/evidence",
        "node/src/command/vault",
        "evidence opens the vault, and what a vault discloses is evidence",
    ),
    (
        "node/src/command/lake",
        "node/src/command/vault",
        "the lake is filled from the vault, and who is erased there is erased in the lake",
    ),
];

#[test]
fn no_two_files_of_a_folder_use_each_other() {
    let mut found = Vec::new();
    for house in crates().iter().map(|one| &one.house) {
        let name = |place: &Place| format!("{house}/src/{}", place.join("/"));
        let arrows = beside(&modules(house));
        found.extend(pairs(&arrows).map(|(one, other)| (name(one), name(other))));
    }
    found.sort();
    let known: Vec<_> =
        PAIRS.iter().map(|(one, other, _)| ((*one).to_owned(), (*other).to_owned())).collect();
    assert_eq!(
        found, known,
        "found and known: move what both use down, or take a line that is no more out of PAIRS"
    );
}

#[test]
fn the_reader_of_sources_sees_arrows_and_circles() {
    let source = "use crate::{tx, state::{Map, Set as Other},\n    proof};\nuse super::super::keys::{self, Key};\nuse super::sibling;\n\
        #[cfg(test)]\nmod tests;\nfn f() { crate::codec::read::<u8>(); $crate::other(); }\n// crate::not\n\
        #[cfg(test)]\nmod inner {\n    use crate::never;\n}\n";
    let at = |place: &str| place.split('/').map(str::to_owned).collect::<Place>();
    let mut modules: BTreeMap<Place, String> =
        ["tx", "state", "proof", "keys", "tx/keys", "tx/deep/sibling", "codec", "other", "not", "never"]
            .map(|place| (at(place), String::new()))
            .into();
    modules.insert(at("tx/deep/one"), source.to_owned());
    let arrow = |from: &str, to: &str| (at(from), at(to));
    let mut arrows = BTreeSet::from([
        arrow("tx", "codec"),
        arrow("tx", "proof"),
        arrow("tx", "state"),
        arrow("tx/deep", "tx/keys"),
        arrow("tx/deep/one", "tx/deep/sibling"),
    ]);
    assert_eq!(beside(&modules), arrows);
    assert_eq!(pairs(&arrows).count(), 0);
    arrows.insert(arrow("tx/keys", "tx/deep"));
    assert_eq!(pairs(&arrows).collect::<Vec<_>>(), [&arrow("tx/deep", "tx/keys")]);
    assert!(circle(&rooms(&arrows)).is_empty());
    arrows.extend([arrow("codec", "proof"), arrow("proof", "tx")]);
    assert_eq!(circle(&rooms(&arrows)), ["codec", "proof", "tx"].map(str::to_owned).into());
}
