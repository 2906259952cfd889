//! Small frameworks, and those that are not valid.

use serde_json::{Value, json};

use super::*;

fn package(items: &[&str], associations: &[(&str, &str, &str)]) -> Value {
    let item = |id: &&str| json!({ "identifier": id, "fullStatement": format!("knows {id}"), "humanCodingScheme": id, "educationLevel": ["06", "07"] });
    let association = |(at, (kind, from, to)): (usize, &(&str, &str, &str))| {
        json!({
            "identifier": format!("as-{at}"), "associationType": kind, "originNodeURI": { "identifier": from },
            "destinationNodeURI": format!("https://case.example.org/uri/{to}"),
        })
    };
    json!({
        "CFDocument": { "identifier": "DOC" }, "CFItems": items.iter().map(item).collect::<Vec<_>>(),
        "CFAssociations": associations.iter().enumerate().map(association).collect::<Vec<_>>(),
    })
}

fn read(package: &Value) -> Result<Graph, CaseError> {
    graph(&[("a.json".to_owned(), package.to_string().into_bytes())])
}

#[test]
fn what_precedes_a_group_precedes_what_lies_below_it() -> Result<(), CaseError> {
    let found = read(&package(
        &["a", "b", "g", "g1", "g2"],
        &[
            ("isChildOf", "a", "DOC"),
            ("isChildOf", "g", "doc"),
            ("isChildOf", "g1", "g"),
            ("isChildOf", "G2", "g"),
            ("precedes", "a", "g"),
            ("precedes", "g1", "b"),
            ("precedes", "g1", "g"),
            ("precedes", "a", "elsewhere"),
            ("exactMatchOf", "a", "elsewhere"),
        ],
    ))?;
    let ids: Vec<&str> = found.skills.iter().map(|skill| skill.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "g1", "g2"]);
    assert_eq!((found.groups, found.outside, found.within), (1, 1, 1));
    let edges: Vec<(&str, &str)> =
        found.prerequisites.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(edges, [("a", "g1"), ("a", "g2"), ("g1", "b")]);
    assert_eq!(found.skills[0].grades, "06;07");
    assert_eq!(found.associations.get("precedes"), Some(&4));
    Ok(())
}

#[test]
fn circles_and_doubles_are_named() {
    let circle =
        package(&["a", "b", "c"], &[("precedes", "a", "b"), ("precedes", "b", "c"), ("precedes", "c", "a")]);
    assert_eq!(read(&circle), Err(CaseError::Circle("a -> b -> c -> a".into())));
    let own = package(&["a"], &[("precedes", "a", "a")]);
    assert_eq!(read(&own), Err(CaseError::Circle("a -> a".into())));
    let parents = package(&["a", "b"], &[("isChildOf", "a", "b"), ("isChildOf", "b", "a")]);
    assert!(matches!(read(&parents), Err(CaseError::Circle(_))));
    // A circle through groups is one too.
    let groups = package(
        &["a", "b", "g", "h"],
        &[("isChildOf", "a", "g"), ("isChildOf", "b", "h"), ("precedes", "g", "h"), ("precedes", "b", "a")],
    );
    assert_eq!(read(&groups), Err(CaseError::Circle("a -> b -> a".into())));
    let mut twice = package(&["a", "A", "b"], &[]);
    assert_eq!(read(&twice), Err(CaseError::Twice("a".into())));
    twice["CFItems"][1] = twice["CFItems"][0].clone();
    assert_eq!(read(&twice).map(|graph| graph.skills.len()), Ok(2), "the same item again is the same");
}

#[test]
fn what_is_no_package_is_refused_with_its_place() {
    for (value, told) in [
        (json!([]), "CFDocument.identifier"),
        (json!({ "CFDocument": {} }), "CFDocument.identifier"),
        (json!({ "CFDocument": { "identifier": "d" }, "CFItems": {} }), "CFItems must be a list"),
        (
            json!({ "CFDocument": { "identifier": "d" }, "CFItems": [{ "identifier": "a" }] }),
            "CFItems.0.fullStatement",
        ),
        (
            json!({ "CFDocument": { "identifier": "d" }, "CFAssociations": [{ "associationType": "precedes" }] }),
            "CFAssociations.0.originNodeURI",
        ),
    ] {
        let found = read(&value).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(found.contains(told), "{told}: {found}");
    }
    let deep = format!("{{\"CFDocument\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    for text in [deep.as_str(), "{\"CFItems\":[],\"CFItems\":[]}", "{\"a\":1e999}", "<xml/>", ""] {
        let found = graph(&[("a.json".to_owned(), text.as_bytes().to_vec())]);
        assert!(matches!(found, Err(CaseError::Json(..))), "{text:.40}");
    }
    // A long chain is no deep recursion.
    let ids: Vec<String> = (0..20_000).map(|n| format!("i{n:05}")).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let chain: Vec<(&str, &str, &str)> = names.windows(2).map(|two| ("precedes", two[0], two[1])).collect();
    assert_eq!(read(&package(&names, &chain)).map(|graph| graph.prerequisites.len()), Ok(19_999));
}
