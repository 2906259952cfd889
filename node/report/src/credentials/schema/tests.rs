use serde_json::{Value, json};

use super::{Kind, check};

fn badge() -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": {"id": "https://school.example/", "type": ["Profile"]},
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {
            "id": "did:example:1",
            "type": ["AchievementSubject"],
            "achievement": {
                "id": "urn:uuid:2",
                "type": ["Achievement"],
                "name": "Fractions",
                "description": "Adds fractions",
                "criteria": {"narrative": "A test"},
            },
        },
    })
}

fn complaint(change: impl Fn(&mut Value)) -> String {
    let mut value = badge();
    change(&mut value);
    check(&value).err().unwrap_or_default()
}

#[test]
fn a_sound_badge_passes() {
    assert_eq!(check(&badge()), Ok(Kind::Achievement));
}

#[test]
fn every_broken_rule_is_told_with_its_place() {
    type Broken = (fn(&mut Value), &'static str);
    let rules: [Broken; 14] = [
        (|v| v["type"] = json!(["VerifiableCredential"]), "neither an Open Badge"),
        (|v| v["@context"] = json!("https://www.w3.org/ns/credentials/v2"), "@context is not a list"),
        (|v| v["@context"][0] = json!("https://example.com/"), "first context is not"),
        (|v| v["@context"][1] = json!("https://example.com/"), "context 2 is not"),
        (|v| v["validFrom"] = json!("2026-01-01"), "/validFrom is not a date and time"),
        (|v| v["issuer"]["type"] = json!("Issuer"), "/issuer/type does not name Profile"),
        (|v| v["issuer"]["id"] = json!("no scheme"), "/issuer/id is not a URI"),
        (|v| v["credentialSubject"]["id"] = Value::Null, "/credentialSubject/id is null"),
        (
            |v| v["credentialSubject"]["achievement"]["criteria"] = json!({}),
            "criteria has none of id, narrative",
        ),
        (|v| v["credentialSubject"]["achievement"]["name"] = json!(7), "achievement/name is not a text"),
        (|v| v["credentialSubject"]["achievement"]["achievementType"] = json!("Medal"), "one of its words"),
        (|v| v["credentialSubject"] = json!([]), "/credentialSubject is not an object"),
        (|v| v["evidence"] = json!([{"type": "Proof"}]), "/evidence/0/type does not name Evidence"),
        (|v| v["issuanceDate"] = json!("2026-01-01T00:00:00Z"), "another version"),
    ];
    for (change, words) in rules {
        assert!(complaint(change).contains(words), "{words}: {}", complaint(change));
    }
    assert!(
        complaint(|v| drop(v.as_object_mut().and_then(|v| v.remove("validFrom"))))
            .contains("validFrom is missing")
    );
}
