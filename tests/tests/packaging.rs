//! The packaging's files speak of settings, files and values that there are. What runs them is tried by
//! `scripts/packaging/check.sh` and `container/check.sh`.

use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use aula_tests::founders::command;
use aula_tests::program;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").join(path)
}

fn read(path: &str) -> std::io::Result<String> {
    std::fs::read_to_string(root(path))
}

/// Every file of a folder with one of these endings, as text.
fn texts(folder: &Path, endings: &[&str], found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target" && name != "fuzz") {
            texts(&path, endings, found)?;
        } else if path.is_file() && endings.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            found.push(std::fs::read_to_string(path)?);
        }
    }
    Ok(())
}

/// The variables that a text names.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
    words.filter(|word| word.strip_prefix("AULA_").is_some_and(|rest| !rest.is_empty()))
}

#[test]
fn every_variable_is_one_that_the_programs_or_the_entry_point_hear() -> std::io::Result<()> {
    let (mut sources, mut files) = (Vec::new(), Vec::new());
    texts(&root("node"), &[".rs"], &mut sources)?;
    texts(
        &root("scripts/packaging"),
        &[".yaml", ".yml", ".sh", ".default", ".service", "file", ".tpl"],
        &mut files,
    )?;
    let heard: BTreeSet<&str> = sources
        .iter()
        .flat_map(|text| text.match_indices("env = \"AULA_").map(|(at, _)| &text[at + 7..]))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(heard.contains("AULA_API_TLS_KEY") && heard.len() > 8, "{heard:?}");
    let entry = read("scripts/packaging/container/aula-container")?;
    let of_the_entry: BTreeSet<&str> = variables(&entry).collect();
    // What the scripts that try the packaging, and Compose, ask of whoever starts them.
    let of_scripts = BTreeSet::from(["AULA_PORT", "AULA_IMAGE"]);
    for name in files.iter().flat_map(|text| variables(text)) {
        let is_heard = heard.contains(name) || of_the_entry.contains(name) || of_scripts.contains(name);
        assert!(is_heard, "nothing hears {name}");
    }
    Ok(())
}

#[test]
fn every_file_that_the_package_takes_is_there() -> std::io::Result<()> {
    let manifest = read("node/Cargo.toml")?;
    let assets: Vec<&str> = manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[\""))
        .filter_map(|line| line.split('"').next())
        .collect();
    assert!(assets.len() > 10, "{assets:?}");
    let made = read("scripts/package.sh")?;
    for asset in assets {
        let name = asset.rsplit('/').next().unwrap_or_default();
        let is_there = match asset.strip_prefix("target/release/packaging/") {
            // Written by the script before.
            Some(made_there) => {
                let ending = made_there.rsplit('.').next().unwrap_or_default();
                made.contains(ending)
            }
            None if asset.starts_with("target/release/") => ["aula", "aula-audit"].contains(&name),
            None => root("node").join(asset).is_file(),
        };
        assert!(is_there, "node/Cargo.toml packs {asset}, which nobody makes");
    }
    Ok(())
}

#[test]
fn every_value_of_the_chart_is_in_the_table() -> std::io::Result<()> {
    let (values, page) = (read("scripts/packaging/helm/aula/values.yaml")?, read("docs/install.md")?);
    let names: Vec<&str> = values
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split(':').next())
        .collect();
    assert!(names.len() > 12, "{names:?}");
    for name in names {
        let is_told = page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}."));
        assert!(is_told, "docs/install.md does not tell of the value {name}");
    }
    Ok(())
}

#[test]
fn the_settings_of_compose_are_ones_that_a_node_takes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let home = aula_home::Home::resolve(Some(folder.path())).map_err(anyhow::Error::msg)?;
    std::fs::copy(root("scripts/packaging/compose/district-1.toml"), home.config_file())?;
    let config = aula_home::config::Config::load(&home)?;
    assert_eq!((config.feed.len(), config.report.len(), config.delivery.len()), (1, 1, 1));
    Ok(())
}

/// What a service manager hears next.
fn heard(manager: &UnixDatagram) -> std::io::Result<String> {
    let mut bytes = [0; 512];
    let length = manager.recv(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

#[test]
fn a_service_manager_hears_that_a_district_s_service_is_up_that_it_lives_and_that_it_stops()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (home, socket) = (folder.path().join("lake"), folder.path().join("notify"));
    command(&home, &["init", "--name", "lake"])?;
    let manager = UnixDatagram::bind(&socket)?;
    manager.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut service = Command::new(program("aula")?)
        .args(["district", "run", "--home"])
        .arg(&home)
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "200000")
        .env_remove("WATCHDOG_PID")
        .env_remove("AULA_RPC")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let up_and_lives = [heard(&manager), heard(&manager), heard(&manager)];
    let told = Command::new("kill").args(["-TERM", &service.id().to_string()]).status();
    let is_told = told.is_ok_and(|status| status.success());
    if !is_told {
        service.kill()?;
    }
    let last = loop {
        match heard(&manager) {
            Ok(word) if word.starts_with("WATCHDOG=1") => {}
            other => break other,
        }
    };
    // Whatever was heard, it does not outlive the test.
    if last.is_err() {
        service.kill()?;
    }
    let ended = service.wait()?;
    let pulse = "WATCHDOG=1\nSTATUS=working for 1 homes";
    assert_eq!(
        up_and_lives.map(Result::unwrap_or_default),
        ["READY=1\nSTATUS=working for 1 homes", pulse, pulse]
    );
    assert!(is_told && last?.starts_with("STOPPING=1") && ended.success(), "{ended}");
    Ok(())
}

#[test]
fn every_file_that_names_the_version_names_this_one() -> std::io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    let named = [
        (
            "scripts/packaging/helm/aula/Chart.yaml",
            format!("version: {version}\nappVersion: \"{version}\"\n"),
        ),
        ("scripts/packaging/compose/compose.yaml", format!(":-aula:{version}}}")),
        ("scripts/packaging/container/Dockerfile", format!("-t aula:{version} ")),
        ("docs/install.md", format!("-t aula:{version} ")),
        ("docs/install.md", format!("aula_{version}-1_amd64.deb")),
        ("node/openapi.json", format!("\"version\": \"{version}\"")),
    ];
    for (path, words) in named {
        assert!(read(path)?.contains(&words), "{path} does not say {words:?}");
    }
    let changes = read("CHANGELOG.md")?;
    let newest = changes.lines().find(|line| line.starts_with("## ")).unwrap_or_default();
    assert!(
        newest.starts_with(&format!("## {version}, ")),
        "the newest heading of CHANGELOG.md is {newest:?}"
    );
    // Whoever reads what is new has to know first what there is to do.
    let parts = changes.split("\n## ").nth(1).unwrap_or_default();
    let first = parts.lines().find(|line| line.starts_with("### "));
    assert_eq!(first, Some("### Before you install it"), "of the newest version in CHANGELOG.md");
    Ok(())
}
