//! The figures for Prometheus keep its rules (`promtool check metrics`): each has a description of its own kind, counters end
//! in `_total` and nothing else does, and units are base units written out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const KINDS: [&str; 3] = ["counter", "gauge", "histogram"];
/// Units that are not a base unit, and abbreviations of units.
const NO_UNITS: [&str; 12] = [
    "ms",
    "millis",
    "milliseconds",
    "minutes",
    "hours",
    "days",
    "kib",
    "mib",
    "kilobytes",
    "percent",
    "s",
    "sec",
];

/// Every Rust file of a folder.
fn sources(folder: &Path, found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(std::fs::read_to_string(path)?);
        }
    }
    Ok(())
}

/// Names after `macro_name!(`, wherever a line is broken.
fn named(text: &str, macro_name: &str) -> Vec<String> {
    let call = format!("{macro_name}!(");
    let names = text.match_indices(&call).filter_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        let rest = text[at + call.len()..].trim_start().strip_prefix('"')?;
        let is_whole = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        is_whole.then(|| rest.split('"').next().unwrap_or_default().to_owned())
    });
    names.filter(|name| name.starts_with("aula_")).collect()
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").join(path)
}

/// Names by kind: what the sources record, and what they describe.
type Figures = BTreeMap<String, &'static str>;

fn of_the_sources() -> std::io::Result<(Figures, Figures)> {
    let mut files = Vec::new();
    for folder in ["node", "consensus"] {
        sources(&root(folder), &mut files)?;
    }
    let (mut recorded, mut described) = (BTreeMap::new(), BTreeMap::new());
    for text in &files {
        for kind in KINDS {
            recorded.extend(named(text, kind).into_iter().map(|name| (name, kind)));
            described.extend(named(text, &format!("describe_{kind}")).into_iter().map(|name| (name, kind)));
        }
    }
    // What is written without the recorder: `family("name", "kind", "description", …)`.
    for text in files.iter().filter(|text| text.contains("# HELP {name} {help}")) {
        let calls = text.match_indices("family(").map(|(at, call)| text[at + call.len()..].split('"'));
        for mut words in calls {
            let (name, kind) = (words.nth(1), words.nth(1));
            let kind = KINDS.into_iter().find(|known| Some(*known) == kind);
            if let (Some(name), Some(kind)) = (name.filter(|name| name.starts_with("aula_")), kind) {
                recorded.insert(name.to_owned(), kind);
                described.insert(name.to_owned(), kind);
            }
        }
    }
    Ok((recorded, described))
}

/// The rows of the table in docs/metrics.md.
fn of_the_page() -> std::io::Result<Figures> {
    let page = std::fs::read_to_string(root("docs/metrics.md"))?;
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `aula_")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        let kind = KINDS.into_iter().find(|kind| Some(*kind) == cells.clone().next())?;
        Some((format!("aula_{name}"), kind))
    });
    Ok(rows.collect())
}

/// Every word of a text that begins like a figure's name.
fn spoken(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("aula_") && word.len() > 5).map(str::to_owned).collect()
}

#[test]
fn the_page_the_rules_and_the_dashboard_speak_of_the_figures_that_there_are() -> std::io::Result<()> {
    let (recorded, _) = of_the_sources()?;
    assert_eq!(of_the_page()?, recorded, "docs/metrics.md has a row a figure, with its kind");
    for file in ["alerts.yml", "alerts_test.yml", "dashboard.json"] {
        let text = std::fs::read_to_string(root("scripts/packaging/monitoring").join(file))?;
        let names = spoken(&text);
        assert!(names.len() > 8, "{file}: {names:?}");
        for name in names {
            // What Prometheus makes of a histogram.
            let base = name.strip_suffix("_bucket").unwrap_or(&name);
            assert!(recorded.contains_key(base), "{file} asks for {name}, which no node tells");
        }
    }
    Ok(())
}

#[test]
fn each_alert_is_documented_and_is_fired_and_kept_quiet_by_series() -> std::io::Result<()> {
    let read = |path: &str| std::fs::read_to_string(root(path));
    let rules = read("scripts/packaging/monitoring/alerts.yml")?;
    let (tests, page) = (read("scripts/packaging/monitoring/alerts_test.yml")?, read("docs/metrics.md")?);
    let names: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 10, "{names:?}");
    let (controls, told) = (read("docs/controls.md")?, format!("{} alerts", names.len()));
    assert!(controls.contains(&told), "docs/controls.md does not say {told}");
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "docs/metrics.md does not name {name}");
        for case in ["fires", "is quiet"] {
            assert!(tests.contains(&format!("- name: {name} {case}\n")), "no series where {name} {case}");
        }
    }
    Ok(())
}

#[test]
fn a_moment_is_a_timestamp_and_a_length_of_time_is_none() -> std::io::Result<()> {
    let page = std::fs::read_to_string(root("docs/metrics.md"))?;
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let moments: Vec<&str> = rows
        .map(|(name, rest)| {
            let is_moment = rest.contains("s since 1970 UTC");
            assert_eq!(name.ends_with("_timestamp_seconds"), is_moment, "{name} | {rest}");
            if is_moment { name } else { "" }
        })
        .filter(|name| !name.is_empty())
        .collect();
    assert!(moments.len() >= 5, "{moments:?}");
    Ok(())
}

#[test]
fn every_figure_is_described_and_named_as_prometheus_wants_it() -> std::io::Result<()> {
    let (recorded, described) = of_the_sources()?;
    assert!(recorded.len() > 12, "{recorded:?}");
    for (name, kind) in &recorded {
        assert_eq!(described.get(name), Some(kind), "{name} has no description of its kind");
        assert_eq!(name.ends_with("_total"), *kind == "counter", "{name} is a {kind}");
        let words: Vec<&str> = name.split('_').collect();
        assert!(words.iter().all(|word| !NO_UNITS.contains(word) && !KINDS.contains(word)), "{name}");
    }
    Ok(())
}
