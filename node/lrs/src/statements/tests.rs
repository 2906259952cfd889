use super::*;
use crate::json::{Json, read};
use crate::time::Stamp;
use crate::version::Version;

fn json(text: &str) -> Json {
    read(text.as_bytes()).expect(text)
}

const STATEMENT: &str = r#"{"id":"2f1b6f0e-6a5d-4a7c-9d4b-0c6f0a1e2d3c",
    "actor":{"objectType":"Group","member":[{"mbox":"mailto:ada@example.org"},{"mbox_sha1sum":"AB9b00a5611f94eaa7b1661edab976068e364975"}]},
    "verb":{"id":"http://example.org/did","display":{"en":"did","de":"tat"}},
    "object":{"id":"http://example.org/a","definition":{"name":{"en":"A","de-CH":"Ä"},"type":"http://example.org/t"}},
    "result":{"score":{"scaled":0.50},"duration":"PT1.25S"},
    "context":{"registration":"EC531277-b57b-4c15-8d91-d292c5b2b8f7","instructor":{"openid":"http://example.org/grace"},
        "contextActivities":{"parent":{"id":"http://example.org/p"}}}}"#;

fn complete_one(version: Version) -> Json {
    let mut statement = json(STATEMENT);
    let authority = json(r#"{"account":{"homePage":"http://localhost/xapi","name":"lms"}}"#);
    let stored = Stamp::from_micros(1_780_000_000_000_001);
    complete(&mut statement, &Set { id: "unused", authority: &authority, version });
    stamp(&mut statement, stored);
    statement
}

#[test]
fn a_store_sets_what_is_its_own_and_nothing_else() {
    let kept = complete_one(Version::One);
    assert_eq!(kept.text_of("id"), Some("2f1b6f0e-6a5d-4a7c-9d4b-0c6f0a1e2d3c"));
    assert_eq!(kept.text_of("stored"), Some("2026-05-28T20:26:40.000001Z"));
    assert_eq!(kept.text_of("timestamp"), kept.text_of("stored"));
    assert_eq!(kept.text_of("version"), Some("1.0.0"));
    assert_eq!(complete_one(Version::Two).text_of("version"), Some("2.0.0"));
    assert!(kept.to_string().contains("\"scaled\":0.50"), "digits are kept");
    assert!(kept.to_string().contains("\"parent\":[{"), "one related activity becomes a list");
    assert_eq!(kept.get("actor"), json(STATEMENT).get("actor"));
}

#[test]
fn what_does_not_count_does_not_make_another_statement() {
    let kept = complete_one(Version::One);
    for (from, to) in [
        ("2f1b6f0e", "2F1B6F0E"),
        ("EC531277", "ec531277"),
        ("AB9b00", "ab9B00"),
        ("0.50", "5e-1"),
        ("PT1.25S", "PT1.259S"),
        ("\"en\":\"did\"", "\"en\":\"does\""),
        ("\"en\":\"A\"", "\"en\":\"B\""),
        ("{\"mbox\":\"mailto:ada", "{\"objectType\":\"Agent\",\"mbox\":\"mailto:ada"),
        ("{\"id\":\"http://example.org/p\"}", "[{\"id\":\"http://example.org/p\"}]"),
    ] {
        let sent = STATEMENT.replacen(from, to, 1);
        assert_ne!(sent, STATEMENT, "{from}");
        assert!(same(&kept, &json(&sent)), "{from} → {to}");
    }
    assert!(same(&kept, &kept));
}

#[test]
fn what_counts_makes_another_statement() {
    let kept = complete_one(Version::One);
    for (from, to) in [
        ("0.50", "0.51"),
        ("mailto:ada", "mailto:ida"),
        ("org/did", "org/undid"),
        ("PT1.25S", "PT1.24S"),
        ("org/p", "org/q"),
        ("\"result\":", "\"timestamp\":\"2020-01-01T00:00:00Z\",\"result\":"),
    ] {
        let sent = STATEMENT.replacen(from, to, 1);
        assert_ne!(sent, STATEMENT, "{from}");
        assert!(!same(&kept, &json(&sent)), "{from} → {to}");
    }
}

#[test]
fn a_statement_is_found_by_what_it_names() {
    let terms = terms_of(&complete_one(Version::One));
    let text = |text: &str| text.to_owned();
    for term in [
        Term::Id(text("2f1b6f0e-6a5d-4a7c-9d4b-0c6f0a1e2d3c")),
        Term::Verb(text("http://example.org/did")),
        Term::Registration(text("ec531277-b57b-4c15-8d91-d292c5b2b8f7")),
        Term::Agent(text("mbox mailto:ada@example.org")),
        Term::Agent(text("mbox_sha1sum ab9b00a5611f94eaa7b1661edab976068e364975")),
        Term::AnyAgent(text("openid http://example.org/grace")),
        Term::AnyAgent(text("account http://localhost/xapi lms")),
        Term::Activity(text("http://example.org/a")),
        Term::AnyActivity(text("http://example.org/p")),
    ] {
        assert!(terms.contains(&term), "{term:?}");
    }
    for term in
        [Term::Agent(text("openid http://example.org/grace")), Term::Activity(text("http://example.org/p"))]
    {
        assert!(!terms.contains(&term), "{term:?}");
    }
    // Who acts stands under that alone, and is found anywhere by either.
    let acts = Term::AnyAgent(text("mbox mailto:ada@example.org"));
    assert!(!terms.contains(&acts) && acts.ways().iter().any(|way| terms.contains(way)));
    let people = people_of(&complete_one(Version::One));
    assert!(
        people.contains(&text("openid http://example.org/grace"))
            && !people.contains(&text("account http://localhost/xapi lms"))
    );
}

#[test]
fn formats_show_less() {
    let kept = complete_one(Version::One);
    let mut none = |_: &str| None;
    assert_eq!(shown(&kept, Format::Exact, &Languages::default(), &mut none), kept);
    let ids = shown(&kept, Format::Ids, &Languages::default(), &mut none);
    assert_eq!(ids.get("verb"), Some(&json(r#"{"id":"http://example.org/did"}"#)));
    assert_eq!(ids.get("object"), Some(&json(r#"{"id":"http://example.org/a"}"#)));
    let mut known =
        |id: &str| (id == "http://example.org/a").then(|| json(r#"{"name":{"fr":"F","de":"D","en":"E"}}"#));
    for (header, name, display) in [
        ("de-AT;q=0.9, en;q=0.1", r#"{"de":"D"}"#, r#"{"de":"tat"}"#),
        ("en;q=0.1, de;q=0", r#"{"en":"E"}"#, r#"{"en":"did"}"#),
        ("it", r#"{"fr":"F"}"#, r#"{"en":"did"}"#),
        ("", r#"{"fr":"F"}"#, r#"{"en":"did"}"#),
    ] {
        let shown = shown(&kept, Format::Canonical, &Languages::parse(header), &mut known);
        let found = shown.get("object").and_then(|o| o.get("definition")).and_then(|d| d.get("name"));
        assert_eq!(found, Some(&json(name)), "{header}");
        assert_eq!(shown.get("verb").and_then(|verb| verb.get("display")), Some(&json(display)), "{header}");
    }
}

fn parsed(pairs: &[(&str, &str)]) -> Result<Query, QueryError> {
    let owned: Vec<(String, String)> =
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Query::parse(&owned)
}

#[test]
fn parameters_are_checked() {
    let id = "2f1b6f0e-6a5d-4a7c-9d4b-0c6f0a1e2d3c";
    assert_eq!(parsed(&[("statementId", id)]).map(|query| query.which), Ok(Which::One(id.into())));
    for bad in [
        &[("statementId", "x")][..],
        &[("StatementId", id)],
        &[("statementId", id), ("limit", "1")],
        &[("statementId", id), ("voidedStatementId", id)],
        &[("verb", "no.iri")],
        &[("verb", "http://a.org"), ("verb", "http://b.org")],
        &[("agent", "wrong")],
        &[("agent", "{\"mbox\":\"x\"}")],
        &[("agent", r#"{"objectType":"Group","member":[{"mbox":"mailto:a@b.org"}]}"#)],
        &[("registration", "x")],
        &[("since", "yesterday")],
        &[("limit", "-1")],
        &[("ascending", "1")],
        &[("format", "all")],
    ] {
        assert!(parsed(bad).is_err(), "{bad:?}");
    }
    let Ok(Query { which: Which::Many(filter), .. }) =
        parsed(&[("limit", "0"), ("until", "1970-01-01T00:00:01Z")])
    else {
        panic!("a filter");
    };
    assert_eq!((filter.limit, filter.until_us), (crate::limits::MAX_PAGE, Some(1_000_000)));
}

#[test]
fn new_identifiers_are_uuids_of_version_4() {
    let id = new_id();
    assert!(
        crate::validate::text::is_uuid(&id)
            && id.as_bytes()[14] == b'4'
            && b"89ab".contains(&id.as_bytes()[19])
    );
    assert_ne!(id, new_id());
}
