//! The figures for Prometheus keep its rules (`promtool check metrics`): each has a description of its own kind, counters end
//! in `_total` and nothing else does, and units are base units written out.

use std::collections::BTreeMap;
use std::path::Path;

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

#[test]
fn every_figure_is_described_and_named_as_prometheus_wants_it() -> std::io::Result<()> {
    let mut files = Vec::new();
    for folder in ["../node", "../consensus"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files)?;
    }
    let (mut recorded, mut described) = (BTreeMap::new(), BTreeMap::new());
    for text in &files {
        for kind in KINDS {
            recorded.extend(named(text, kind).into_iter().map(|name| (name, kind)));
            described.extend(named(text, &format!("describe_{kind}")).into_iter().map(|name| (name, kind)));
        }
    }
    assert!(recorded.len() > 12, "{recorded:?}");
    for (name, kind) in &recorded {
        assert_eq!(described.get(name), Some(kind), "{name} has no description of its kind");
        assert_eq!(name.ends_with("_total"), *kind == "counter", "{name} is a {kind}");
        let words: Vec<&str> = name.split('_').collect();
        assert!(words.iter().all(|word| !NO_UNITS.contains(word) && !KINDS.contains(word)), "{name}");
    }
    Ok(())
}
