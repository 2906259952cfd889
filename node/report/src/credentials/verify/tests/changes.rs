//! Nothing of a signed credential can be changed, left out or added.

use super::*;

/// Every copy of a value with one part changed, left out, or added to, and where.
fn changed(value: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    match value {
        Value::String(text) => all.push((String::new(), json!(format!("{text}x")))),
        Value::Number(_) | Value::Bool(_) | Value::Null => all.push((String::new(), json!("another"))),
        Value::Array(list) => {
            for (i, one) in list.iter().enumerate() {
                for (at, inner) in changed(one) {
                    let mut copy = list.clone();
                    copy[i] = inner;
                    all.push((format!("/{i}{at}"), Value::Array(copy)));
                }
                let mut copy = list.clone();
                copy.remove(i);
                all.push((format!("/{i} left out"), Value::Array(copy)));
            }
        }
        Value::Object(map) => {
            for (key, one) in map {
                for (at, inner) in changed(one) {
                    let mut copy = map.clone();
                    copy.insert(key.clone(), inner);
                    all.push((format!("/{key}{at}"), Value::Object(copy)));
                }
                let mut copy = map.clone();
                copy.remove(key);
                all.push((format!("/{key} left out"), Value::Object(copy)));
            }
            for (name, extra) in [
                ("unknownTerm", json!("x")),
                ("description", json!("another")),
                ("url", json!("https://mallory.example/")),
            ] {
                let mut copy = map.clone();
                if copy.insert(name.to_owned(), extra).is_none() {
                    all.push((format!("/{name} added"), Value::Object(copy)));
                }
            }
        }
    }
    all
}

fn none_holds(whole: &Value) -> Result<(), Failure> {
    assert!(judge(&serde_json::to_vec(whole)?)?.valid);
    let all = changed(whole);
    assert!(all.len() > 50, "{}", all.len());
    for (at, value) in all {
        if let Ok(report) = judge(&serde_json::to_vec(&value)?) {
            assert!(!report.valid, "{at} changes nothing");
        }
    }
    Ok(())
}

#[test]
fn of_the_public_vector() -> Result<(), Failure> {
    none_holds(&serde_json::from_slice(&file("simple.json")?)?)
}

#[test]
fn of_a_rich_credential() -> Result<(), Failure> {
    let mut rich = badge();
    rich["credentialSubject"]["result"] =
        json!([{"type": ["Result"], "value": "0.91", "status": "Completed"}]);
    rich["credentialSubject"]["creditsEarned"] = json!(2.5);
    rich["credentialSubject"]["identifier"] = json!([{"type": "IdentityObject", "hashed": true, "identityHash": "sha256$00", "identityType": "emailAddress"}]);
    rich["credentialSubject"]["achievement"]["tag"] = json!(["maths", "year 5"]);
    rich["credentialSubject"]["achievement"]["alignment"] = json!([{"type": ["Alignment"], "targetName": "Fractions", "targetUrl": "https://case.example/1", "targetType": "CFItem"}]);
    rich.insert(
        "evidence".into(),
        json!([{"id": "urn:x:1", "type": ["Evidence"], "narrative": "A milestone"}]),
    );
    none_holds(&serde_json::from_slice(&signed(rich, &key(1))?)?)
}

#[test]
fn an_order_of_keys_or_of_types_changes_nothing() -> Result<(), Failure> {
    let mut value: Value = serde_json::from_slice(&file("simple.json")?)?;
    value["type"] = json!(["OpenBadgeCredential", "VerifiableCredential"]);
    assert!(judge(&serde_json::to_vec(&value)?)?.valid);
    Ok(())
}

/// One proof that holds does not cover for another that does not.
#[test]
fn every_proof_has_to_hold() -> Result<(), Failure> {
    let mut value: Value = serde_json::from_slice(&file("simple.json")?)?;
    let good = value["proof"][0].clone();
    let mut bad = good.clone();
    bad["created"] = json!("2011-01-01T00:00:00Z");
    value["proof"] = json!([good, bad]);
    let report = judge(&serde_json::to_vec(&value)?)?;
    assert_eq!((report.verdict(), failed(&report)), (Verdict::Invalid, vec!["signature"]));
    Ok(())
}

#[test]
fn a_proof_for_something_else_or_expired_is_none() -> Result<(), Failure> {
    let mut value: Value = serde_json::from_slice(&file("simple.json")?)?;
    value["proof"][0]["proofPurpose"] = json!("authentication");
    let report = judge(&serde_json::to_vec(&value)?)?;
    assert!(
        report.verdict() == Verdict::Invalid && report.reason.contains("assertionMethod"),
        "{}",
        report.reason
    );
    let mut value: Value = serde_json::from_slice(&file("simple.json")?)?;
    value["proof"][0]["expires"] = json!("2020-01-01T00:00:00Z");
    assert!(failed(&judge(&serde_json::to_vec(&value)?)?).contains(&"dates"));
    Ok(())
}

/// A record of badges holds only if each of its badges does.
#[test]
fn a_record_is_as_good_as_its_badges() -> Result<(), Failure> {
    let own = key(1);
    let record = |inner: Value| -> Result<Report, Failure> {
        let value = json!({
            "@context": [CREDENTIALS_V2, "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json", OPEN_BADGES],
            "id": "urn:uuid:0f3c9ba0-1111-4c1a-9f11-000000000009",
            "type": ["VerifiableCredential", "ClrCredential"],
            "issuer": {"id": ISSUER, "type": ["Profile"]},
            "name": "A record",
            "validFrom": "2026-06-01T00:00:00Z",
            "credentialSubject": {"id": "did:example:learner", "type": ["ClrSubject"], "verifiableCredential": [inner]},
        });
        Ok(judge(&signed(value.as_object().cloned().unwrap_or_default(), &own)?)?)
    };
    let inner: Value = serde_json::from_slice(&signed(badge(), &key(2))?)?;
    let report = record(inner.clone())?;
    assert!(report.valid, "{}", report.reason);
    let mut bad = inner.clone();
    bad["credentialSubject"]["achievement"]["name"] = json!("Calculus");
    let report = record(bad)?;
    assert_eq!(
        (report.verdict(), failed(&report)),
        (Verdict::Invalid, vec!["credentials"]),
        "{}",
        report.reason
    );
    let mut bare = inner;
    bare.as_object_mut().ok_or("an object")?.remove("proof");
    assert!(record(bare)?.reason.contains("it has no proof"));
    Ok(())
}
