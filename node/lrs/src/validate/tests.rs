//! Parts of statements from the public conformance suite (`vectors/README.md`), and what strangers may send.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::json::read;
use crate::version::Version;

/// A statement that is taken, for parts to be put into.
const BASE: &str = r#"{"actor":{"mbox":"mailto:ada@example.org"},"verb":{"id":"http://example.org/did"},
    "object":{"id":"http://example.org/activity"}}"#;

fn base() -> Json {
    read(BASE.as_bytes()).expect("JSON")
}

fn with(key: &str, value: Json) -> Json {
    let mut statement = base();
    statement.as_object_mut().expect("an object").set(key, value);
    statement
}

/// Where the parts of a folder stand in a statement, and the files that are refused there: those with a fault, and those
/// that the suite completes before it sends them.
const FOLDERS: [(&str, Option<&str>, &[&str]); 8] = [
    (
        "activities",
        Some("object"),
        &[
            "description_invalid",
            "interaction_type_invalid_iri",
            "interaction_type_invalid_numeric",
            "interaction_type_invalid_object",
            "interaction_type_invalid_string",
            "name_invalid",
            "no_id",
            "numeric_description",
            "numeric_name",
            "string_description",
            "string_name",
        ],
    ),
    ("agents", Some("actor"), &["account_no_homepage", "account_no_name"]),
    ("contexts", Some("context"), &["instructor", "invalid_activity", "team"]),
    (
        "groups",
        Some("actor"),
        &["anonymous_no_member", "identified_account_no_homepage", "identified_account_no_name"],
    ),
    ("results", Some("result"), &[]),
    (
        "substatements",
        Some("object"),
        &[
            "activity",
            "activity_definition_description_invalid",
            "activity_definition_name_invalid",
            "actor",
            "agent",
            "context_invalid_language_map",
            "group",
            "interaction_component_invalid_language_map",
            "no_actor",
            "no_object",
            "no_verb",
            "statementref_no_id",
            "verb",
            "verb_invalid",
        ],
    ),
    ("verbs", Some("verb"), &["no_id", "voided"]),
    (
        "statements",
        None,
        &[
            "actor",
            "authority",
            "multiple_actor",
            "no_actor",
            "no_object",
            "no_verb",
            "object_activity",
            "object_actor",
            "object_statementref_no_id",
            "object_substatement",
            "verb",
        ],
    ),
];

fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/suite").join(folder);
    let mut found: Vec<_> = std::fs::read_dir(path)
        .expect("the vectors")
        .map(|entry| entry.expect("a file").path())
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

#[test]
fn the_suites_parts_are_taken_or_refused_as_it_says() {
    let mut wrong = Vec::new();
    for (folder, place, refused) in FOLDERS {
        for (name, path) in files(folder) {
            let part = read(&std::fs::read(path).expect("a file"));
            let outcome = part.map_err(|error| error.to_string()).and_then(|part| {
                let whole = match place {
                    Some(place) => with(place, part),
                    None => part,
                };
                statement(&whole, Version::One).map_err(|refused| refused.to_string())
            });
            if outcome.is_err() != refused.contains(&name.as_str()) {
                wrong.push(format!("{folder}/{name}: {outcome:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn refusals_name_the_place() {
    let refused = |key: &str, text: &str| {
        statement(&with(key, read(text.as_bytes()).expect("JSON")), Version::One).expect_err(text).to_string()
    };
    assert!(refused("actor", r#"{"mbox":"ada"}"#).starts_with("actor.mbox: must be mailto:"));
    assert!(refused("actor", "{}").starts_with("actor: an agent needs exactly one of mbox"));
    assert!(
        refused("result", r#"{"score":{"scaled":1.00001}}"#)
            .starts_with("result.score: scaled must be from -1 to 1")
    );
    assert!(
        refused("result", r#"{"score":{"raw":5,"min":6,"max":9}}"#).contains("raw must be from min to max")
    );
    assert!(refused("result", r#"{"score":{"min":9,"max":9}}"#).contains("min must be below max"));
    assert!(refused("nonsense", "1").starts_with("has no property \"nonsense\""));
    assert!(refused("result", "null").starts_with("result: must be a JSON object"));
    assert!(
        refused("context", r#"{"contextActivities":{"parent":[{"id":"x"}]}}"#)
            .starts_with("context.contextActivities.parent.0.id: must be an IRI")
    );
}

#[test]
fn nulls_are_for_extensions_only() {
    let with_null =
        |text: &str| statement(&with("context", read(text.as_bytes()).expect("JSON")), Version::One);
    assert!(with_null(r#"{"extensions":{"http://example.org/x":null}}"#).is_ok());
    for key in ["registration", "team", "contextActivities", "platform", "language", "extensions"] {
        assert!(with_null(&format!("{{\"{key}\":null}}")).is_err(), "{key}");
    }
}

#[test]
fn agents_of_a_context_came_with_2_0() {
    let context = r#"{"contextAgents":[{"objectType":"contextAgent","agent":{"mbox":"mailto:a@b.org"},
        "relevantTypes":["http://example.org/t"]}]}"#;
    let whole = with("context", read(context.as_bytes()).expect("JSON"));
    assert!(statement(&whole, Version::Two).is_ok());
    assert!(statement(&whole, Version::One).is_err());
    let empty = context.replace("[\"http://example.org/t\"]", "[]");
    assert!(statement(&with("context", read(empty.as_bytes()).expect("JSON")), Version::Two).is_err());
}

#[test]
fn only_a_reference_is_voided() {
    let voided = read(format!("{{\"id\":\"{VOIDED}\"}}").as_bytes()).expect("JSON");
    let mut whole = with("verb", voided);
    assert!(statement(&whole, Version::One).is_err());
    let reference = br#"{"objectType":"StatementRef","id":"8f87ccde-bb56-4c2e-ab83-44982ef22df0"}"#;
    whole.as_object_mut().expect("an object").set("object", read(reference).expect("JSON"));
    assert!(statement(&whole, Version::One).is_ok());
    assert!(is_voiding(&whole));
}

#[test]
fn a_version_is_one_that_the_request_can_speak() {
    for (text, one, two) in
        [("1.0", true, true), ("1.0.9", true, true), ("2.0.0", false, true), ("0.95", false, false)]
    {
        let whole = with("version", Json::text(text));
        assert_eq!(statement(&whole, Version::One).is_ok(), one, "{text}");
        assert_eq!(statement(&whole, Version::Two).is_ok(), two, "{text}");
    }
}

/// JSON of the standard's own keys, in any disorder.
fn any_part() -> impl Strategy<Value = Json> {
    let texts = [
        "Agent",
        "Group",
        "SubStatement",
        "StatementRef",
        "mailto:a@b.org",
        "http://a.org/b",
        "PT1S",
        "en",
        "é",
    ];
    let keys = [
        "objectType",
        "actor",
        "verb",
        "object",
        "id",
        "member",
        "mbox",
        "context",
        "result",
        "score",
        "raw",
        "x",
        "contextActivities",
        "parent",
        "attachments",
        "definition",
        "name",
        "extensions",
        "account",
        "timestamp",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<i64>().prop_map(|value| Json::Number(
            crate::json::Number::parse(&value.to_string()).expect("a number")
        )),
        prop::sample::select(texts.to_vec()).prop_map(Json::text),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::Array),
            prop::collection::vec((prop::sample::select(keys.to_vec()), inner), 0..6).prop_map(|members| {
                let mut object = Object::default();
                members.into_iter().for_each(|(key, value)| object.set(key, value));
                Json::Object(object)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_that_is_sent_makes_a_check_panic(
        key in prop::sample::select(vec!["actor", "verb", "object", "result", "context", "attachments", "authority"]),
        part in any_part(),
    ) {
        let whole = with(key, part.clone());
        for version in [Version::One, Version::Two] {
            let _ = (statement(&whole, version), statement(&part, version));
        }
        let _ = (actor(&part), group(&part), activity(&part), authority(&part));
        crate::statements::same(&whole, &part);
        crate::statements::terms_of(&whole);
        crate::statements::people_of(&whole);
    }
}
