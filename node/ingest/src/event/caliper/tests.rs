//! Every row of the table in docs/feeds.md, every event with every action, and envelopes of the hostile.

use serde_json::{Value, json};

use super::check::dangling;
use super::vocabulary::{EVENTS, EventType, is_action};
use super::*;
use crate::event::{Reason, Refusal};

type Tested = Result<(), Box<dyn std::error::Error>>;

/// The vectors, one a line; the table in the documentation names each.
const VECTORS: &str = include_str!("../../../vectors/caliper.jsonl");
const DOCS: &str = include_str!("../../../../../docs/feeds.md");
/// A district's own rules, as the documentation shows them.
const OWN_RULES: &str = include_str!("../../../vectors/caliper_rules.toml");
const HOME: &str = "https://lms.example.org/users/";
const VERSIONS: [Version; 2] = [Version::V1p1, Version::V1p2];

fn version(name: &str) -> Version {
    if name == "1.1" { Version::V1p1 } else { Version::V1p2 }
}

fn told(found: Result<Option<crate::event::Message>, Refusal>) -> String {
    match found {
        Ok(Some(message)) => format!("{:?} {:?}", message.student, message.what),
        Ok(None) => "nothing".to_owned(),
        Err(refusal) => format!("{}: {}", refusal.reason.name(), refusal.detail),
    }
}

#[test]
fn every_row_of_the_table_is_what_the_program_does() -> Tested {
    let rules = Rules::with(OWN_RULES)?;
    let mut count = 0;
    for line in VECTORS.lines() {
        let vector: Value = serde_json::from_str(line)?;
        let word = |key: &str| vector.get(key).and_then(Value::as_str).unwrap_or_default();
        let (name, wanted) = (word("vector"), word("is"));
        assert!(DOCS.contains(&format!("| `{name}` |")), "docs/feeds.md has no row for {name}");
        let event = vector.get("message").ok_or("a message")?;
        let found = match described(event, version(word("version"))) {
            Err(fault) => format!("invalid: {fault}"),
            Ok(()) => told(rules.message(event, HOME)),
        };
        assert_eq!(found, wanted, "{name}");
        count += 1;
    }
    assert_eq!(DOCS.lines().filter(|line| line.starts_with("| `caliper-")).count(), count);
    Ok(())
}

#[test]
fn the_tables_name_nothing_that_they_do_not_have() {
    assert_eq!(dangling(), [""; 0]);
    for row in EVENTS {
        let unknown: Vec<_> = row.actions.iter().filter(|action| !is_action(action, Version::V1p2)).collect();
        assert!(unknown.is_empty(), "{} has {unknown:?}", row.term);
    }
}

/// The smallest event of a row.
fn smallest(row: &EventType, action: &str, version: Version) -> Value {
    let timed_out = action == "TimedOut";
    let actor =
        if timed_out { "SoftwareApplication" } else { row.actors.first().copied().unwrap_or_default() };
    let object = row.objects.first().copied().unwrap_or_default();
    json!({
        "@context": version.context(), "id": "urn:uuid:2f1b6f0e-6a5d-4a7c-9d4b-0c6f0a1e2d3c", "type": row.term,
        "actor": { "id": "https://lms.example.org/users/S-17", "type": actor }, "action": action,
        "object": { "id": "https://lms.example.org/things/1", "type": object }, "eventTime": "2026-03-02T09:30:00.000Z",
    })
}

#[test]
fn every_event_takes_its_own_actions_in_its_versions_and_has_a_rule() -> Tested {
    let (rules, every) = (Rules::built_in()?, super::vocabulary::every_action());
    for row in EVENTS {
        for version in VERSIONS {
            let spoken = row.spoken.0 <= version && version <= row.spoken.1;
            for action in &every {
                let event = smallest(row, action, version);
                let own = row.actions.is_empty() || row.actions.contains(action);
                let good = spoken && own && is_action(action, version);
                assert_eq!(
                    described(&event, version).is_ok(),
                    good,
                    "{} {action} {}",
                    row.term,
                    version.name()
                );
                if good && row.term != "Event" {
                    let found = told(rules.message(&event, HOME));
                    let ruled = found == "nothing" || !found.contains("no rule is for");
                    assert!(ruled, "{} {action}: {found}", row.term);
                }
            }
        }
    }
    Ok(())
}

/// A good event with one thing changed.
fn changed(pointer: &str, to: Option<Value>) -> Result<Value, Box<dyn std::error::Error>> {
    let row = EVENTS.iter().find(|row| row.term == "GradeEvent").ok_or("GradeEvent")?;
    let mut event = smallest(row, "Graded", Version::V1p1);
    let (way, name) = pointer.rsplit_once('/').ok_or("a pointer")?;
    let members = event.pointer_mut(way).and_then(Value::as_object_mut).ok_or("an object")?;
    match to {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    Ok(event)
}

#[test]
fn what_is_not_the_standards_is_refused_with_its_place() -> Tested {
    let iri = "https://example.edu/1";
    for (pointer, to, place) in [
        ("/id", None, "id"),
        ("/id", Some(json!("2f1b6f0e-6a5d-4a7c-9d4b-0c6f0a1e2d3c")), "id"),
        ("/id", Some(json!(7)), "id"),
        ("/type", None, "type"),
        ("/type", Some(json!("GradedEvent")), "type"),
        ("/type", Some(json!(["GradeEvent"])), "type"),
        ("/action", None, "action"),
        ("/action", Some(json!("graded")), "action"),
        ("/actor", None, "actor"),
        ("/actor", Some(json!("S-17")), "actor"),
        ("/actor", Some(json!({ "id": iri })), "actor.type"),
        ("/actor", Some(json!({ "type": "Person" })), "actor.id"),
        ("/actor", Some(json!({ "id": iri, "type": "Attempt" })), "actor.type"),
        ("/object", None, "object"),
        ("/object", Some(json!({ "id": iri, "type": "Assessment" })), "object.type"),
        ("/object/count", Some(json!(-1)), "object.count"),
        ("/object/count", Some(json!(1.5)), "object.count"),
        ("/object/duration", Some(json!("40 minutes")), "object.duration"),
        ("/object/startedAtTime", Some(json!("2016-11-15")), "object.startedAtTime"),
        ("/object/assignable", Some(json!({ "id": iri, "type": "Person" })), "object.assignable.type"),
        ("/object/nickname", Some(json!("x")), "object.nickname"),
        ("/eventTime", None, "eventTime"),
        ("/eventTime", Some(json!("2026-03-02T09:30:00.000+01:00")), "eventTime"),
        ("/generated", Some(json!({ "id": iri, "type": "Result" })), "generated.type"),
        (
            "/generated",
            Some(json!({ "id": iri, "type": "Score", "scoreGiven": "5" })),
            "generated.scoreGiven",
        ),
        ("/edApp", Some(json!({ "id": iri, "type": "Person" })), "edApp.type"),
        ("/group", Some(json!({ "id": iri, "type": "Person" })), "group.type"),
        ("/federatedSession", Some(json!({ "id": iri, "type": "Session" })), "federatedSession.type"),
        ("/extensions", Some(json!("x")), "extensions"),
        ("/profile", Some(json!("GradingProfile")), "profile"),
        ("/colour", Some(json!("red")), "colour"),
        (
            "/object",
            Some(json!({ "id": iri, "type": "Attempt", "@context": Version::V1p1.context(), "x": 1 })),
            "object.x",
        ),
        ("/@context", None, "@context"),
        ("/@context", Some(json!("http://schema.org")), "@context"),
        ("/@context", Some(json!([Version::V1p1.context(), "http://schema.org"])), "@context"),
        ("/@context", Some(json!({ "caliper": Version::V1p1.context() })), "@context"),
        ("/@context", Some(json!(Version::V1p2.context())), "@context"),
    ] {
        let found = described(&changed(pointer, to.clone())?, Version::V1p1);
        let fault = found.err().ok_or_else(|| format!("{pointer} {to:?} was taken"))?;
        assert_eq!(fault.place, place, "{pointer} {to:?}: {}", fault.what);
    }
    for (pointer, to) in [
        ("/actor", json!("https://example.edu/autograder")),
        ("/object", json!("_:b1")),
        ("/generated", json!(null)),
        (
            "/object",
            json!({ "id": "urn:x:1", "type": "Attempt", "@context": { "x": "http://example.org/x" }, "x": 1 }),
        ),
        ("/extensions", json!({ "any": [{ "thing": 1e300 }] })),
        ("/@context", json!([{ "nickname": "http://example.org/nickname" }, Version::V1p1.context()])),
    ] {
        assert_eq!(described(&changed(pointer, Some(to))?, Version::V1p1), Ok(()), "{pointer}");
    }
    // Terms of another context may stand where that is in force.
    let mut event = changed("/@context", Some(json!(["http://example.org/terms", Version::V1p1.context()])))?;
    event["colour"] = json!("red");
    event["object"]["nickname"] = json!("x");
    assert_eq!(described(&event, Version::V1p1), Ok(()));
    Ok(())
}

fn enveloped(data: &Value) -> Value {
    json!({
        "sensor": "https://lms.example.org/sensor", "sendTime": "2026-03-02T09:31:00.000Z",
        "dataVersion": Version::V1p1.context(), "data": data,
    })
}

#[test]
fn an_envelope_is_taken_whole_or_refused_with_its_place() -> Tested {
    let event = changed("/extensions", None)?;
    let person =
        json!({ "@context": Version::V1p1.context(), "id": "https://example.edu/1", "type": "Person" });
    let mut strange = person.clone();
    strange["nickname"] = json!("x");
    assert_eq!(described(&strange, Version::V1p1).err().map(|fault| fault.place), Some("nickname".into()));
    let read = envelope(enveloped(&json!([person, event, event])).to_string().as_bytes())?;
    assert_eq!((read.entities, read.events.len(), read.events[0].0), (1, 2, 2));
    assert_eq!(serde_json::from_str::<Value>(&read.events[1].1)?, event);
    let refused = |value: &Value| envelope(value.to_string().as_bytes()).err().map(|error| error.to_string());
    let good = enveloped(&json!([event]));
    let with = |name: &str, to: Option<Value>| -> Value {
        let mut value = good.clone();
        if let Some(members) = value.as_object_mut() {
            match to {
                Some(to) => members.insert(name.to_owned(), to),
                None => members.remove(name),
            };
        }
        value
    };
    for (value, place) in [
        (event.clone(), "sensor"),
        (json!([event]), "must be an envelope"),
        (with("sensor", None), "sensor: is missing"),
        (with("sensor", Some(json!(""))), "sensor"),
        (with("sendTime", Some(json!("2026-03-02T09:31:00Z"))), "sendTime"),
        (with("dataVersion", Some(json!(1))), "dataVersion"),
        (with("dataVersion", Some(json!("http://purl.imsglobal.org/ctx/caliper/v1p0"))), "dataVersion"),
        (with("data", Some(json!([]))), "data"),
        (with("data", Some(event.clone())), "data"),
        (with("note", Some(json!("x"))), "note"),
        (with("data", Some(json!([event, person, { "type": "Person" }]))), "data.2"),
        (with("data", Some(json!([event, "https://example.edu/1"]))), "data.1"),
        (with("data", Some(json!([changed("/actor", None)?]))), "data.0.actor"),
    ] {
        let found = refused(&value).ok_or_else(|| format!("{place} was taken"))?;
        assert!(found.starts_with(place), "{place}: {found}");
    }
    assert_eq!(
        envelope(with("dataVersion", Some(json!("http://a.b/c"))).to_string().as_bytes()),
        Err(Refused::Version)
    );
    let text = good.to_string();
    for hostile in [
        text.replace("\"sensor\"", "\"sensor\":\"a\",\"sensor\""),
        text.replace("\"action\":\"Graded\"", "\"action\":\"Graded\",\"action\":\"Viewed\""),
        text.replace("\"Graded\"", "1e999"),
        text.replace("\"Graded\"", &format!("{}{}", "[".repeat(5_000), "]".repeat(5_000))),
        text[..text.len() - 1].to_owned(),
        String::new(),
    ] {
        assert!(matches!(envelope(hostile.as_bytes()), Err(Refused::Json(_))), "{hostile}");
    }
    assert!(matches!(envelope(b"{\"sensor\":\"\xff\"}"), Err(Refused::Json(_))));
    let many = json!(vec![json!(1); MAX_PARTS + 1]);
    assert!(matches!(envelope(enveloped(&many).to_string().as_bytes()), Err(Refused::TooLarge(_))));
    let large = changed("/extensions", Some(json!({ "a": "x".repeat(MAX_EVENT_BYTES) })))?;
    assert!(matches!(envelope(enveloped(&json!([large])).to_string().as_bytes()), Err(Refused::TooLarge(_))));
    assert!(matches!(envelope(&vec![b' '; MAX_ENVELOPE_BYTES + 1]), Err(Refused::TooLarge(_))));
    Ok(())
}

#[test]
fn a_share_of_the_points_can_count_and_an_own_path_names_the_student() -> Tested {
    let vector =
        VECTORS.lines().find(|line| line.contains("caliper-graded-item-partly")).ok_or("a vector")?;
    let vector: Value = serde_json::from_str(vector)?;
    let mut event = vector.get("message").cloned().ok_or("a message")?;
    let half = format!(
        "student = [\"extensions\", \"sis_id\"]\n[[rule]]\nevent = \"GradeEvent\"\nbecomes = \"response\"\ncorrect_from = 0.5\n{OWN_RULES}"
    );
    let rules = Rules::with(&half)?;
    assert!(told(rules.message(&event, HOME)).contains("correctness: Correct"));
    event["object"]["assignee"] =
        json!({ "id": "urn:x:1", "type": "Person", "extensions": { "sis_id": 4711 } });
    assert!(told(rules.message(&event, HOME)).starts_with("Some(\"4711\")"));
    event["generated"] = json!({ "id": "urn:x:2", "type": "Score", "scoreGiven": 1 });
    assert!(told(rules.message(&event, HOME)).contains("generated.maxScore is missing"));
    event["eventTime"] = json!("1969-12-31T23:59:59.000Z");
    assert_eq!(rules.message(&event, HOME).err().map(|refusal| refusal.reason), Some(Reason::Refused));
    Ok(())
}

#[test]
fn rules_that_cannot_be_ones_are_refused() {
    for text in [
        "[[rule]]\nbecomes = 'session'",
        "[[rule]]\nevent = 'SesionEvent'\nbecomes = 'session'",
        "[[rule]]\nevent = 'SessionEvent'\nactions = ['LogOut']\nbecomes = 'session'",
        "[[rule]]\nevent = 'SessionEvent'\nbecomes = 'attendance'",
        "[[rule]]\nevent = 'SessionEvent'\nbecomes = 'session'\ncorrect_from = 0.5",
        "[[rule]]\nevent = 'GradeEvent'\nbecomes = 'response'\ncorrect_from = 1.5",
        "[[rule]]\nevent = 'GradeEvent'\nbecomes = 'need'",
        "[rules]\n",
    ] {
        assert!(Rules::with(text).is_err(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = envelope(&bytes);
    }

    #[test]
    fn no_value_makes_the_check_panic(member in "[a-zA-Z@]{0,16}", text in "\\PC{0,40}") {
        let event = changed("/extensions", None).unwrap_or_default();
        let mut event = event;
        event[member.as_str()] = json!(text);
        let _ = described(&event, Version::V1p1);
        let rules = Rules::built_in();
        if let Ok(rules) = rules {
            let _ = rules.message(&event, &text);
        }
    }
}
