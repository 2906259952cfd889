//! Caliper's public examples, which lie beside the project (see `given.rs`): each is taken, and each with one thing broken is not.

use std::path::{Path, PathBuf};

use aula_ingest::event::caliper::{Version, described, envelope};
use serde_json::{Value, json};

fn folder() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = ["../../../shared/data", "../../../../shared/data"].map(|way| own.join(way));
    let roots = std::env::var_os("AULA_SHARED").map(PathBuf::from).into_iter().chain(beside);
    let found = roots.map(|root| root.join("caliper")).find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: the folder caliper is not there (AULA_SHARED names the one above it)");
    }
    found
}

fn files() -> Vec<(String, Value)> {
    let Some(folder) = folder() else { return Vec::new() };
    let paths = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let json = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
    json.map(|path| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        (path.display().to_string(), serde_json::from_str(&text).expect("JSON"))
    })
    .collect()
}

#[test]
fn every_public_example_is_taken_and_none_with_a_broken_part() {
    let wrap = |value: &Value| {
        json!({ "sensor": "urn:a:b", "sendTime": "2026-03-02T09:31:00.000Z",
                "dataVersion": Version::V1p1.context(), "data": [value] })
    };
    for (name, value) in files() {
        let whole = if value.get("data").is_some() { value.clone() } else { wrap(&value) };
        let read = envelope(whole.to_string().as_bytes());
        assert!(read.is_ok(), "{name}: {read:?}");
        let broken = |member: &str, to: Option<Value>| {
            let mut value = value.clone();
            let members = value.as_object_mut().expect("an object");
            match to {
                Some(to) => members.insert(member.to_owned(), to),
                None => members.remove(member),
            };
            value
        };
        if value.get("data").is_some() {
            for member in ["sensor", "sendTime", "dataVersion", "data"] {
                for to in [None, Some(json!(17))] {
                    assert!(envelope(broken(member, to).to_string().as_bytes()).is_err(), "{name} {member}");
                }
            }
            continue;
        }
        let needed: &[&str] = match value.get("action") {
            Some(_) => &["@context", "id", "type", "actor", "action", "object", "eventTime"],
            None => &["@context", "id", "type"],
        };
        for member in needed {
            for to in [None, Some(json!(17)), Some(json!("no such"))] {
                assert!(described(&broken(member, to), Version::V1p1).is_err(), "{name} {member}");
            }
        }
        assert!(described(&value, Version::V1p2).is_err(), "{name} is of 1.1");
        assert!(
            described(&broken("nickname", Some(json!("x"))), Version::V1p1).is_err()
                || value["@context"].is_array()
        );
    }
}
