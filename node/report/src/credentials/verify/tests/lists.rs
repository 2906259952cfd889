//! Revocation and suspension, and which lists are believed.

use super::*;

fn with_status(purpose: &str) -> Map<String, Value> {
    let mut credential = badge();
    credential.insert(
        "credentialStatus".into(),
        json!({"id": format!("{LIST}#7"), "type": "BitstringStatusListEntry",
        "statusPurpose": purpose, "statusListIndex": "7", "statusListCredential": LIST}),
    );
    credential
}

fn list(purpose: Purpose, set: bool, issuer: &str, key: &SigningKey) -> Result<Vec<u8>, Failure> {
    let mut bits = StatusList::default();
    bits.set(7, set)?;
    let mut credential = bits.credential(LIST, issuer, purpose, "2026-06-01T00:00:00Z");
    let name = format!("{issuer}#{}", multikey_of(&key.verifying_key()));
    integrity::sign(&mut credential, key, &name, "2026-06-01T00:00:00Z", Contexts::pinned())?;
    Ok(serde_json::to_vec(&credential)?)
}

fn with_list(credential: &[u8], list: Vec<u8>, pins: &[Pin]) -> Result<Report, Failure> {
    let given = Given { lists: [(LIST.to_owned(), list)].into(), ..Given::default() };
    Ok(verify(credential, &options(&given, pins))?)
}

#[test]
fn a_set_bit_revokes_or_suspends() -> Result<(), Failure> {
    let own = key(1);
    for (purpose, status) in
        [(Purpose::Revocation, Status::Revoked), (Purpose::Suspension, Status::Suspended)]
    {
        let credential = signed(with_status(purpose.word()), &own)?;
        let good = with_list(&credential, list(purpose, false, ISSUER, &own)?, &[])?;
        assert_eq!((good.valid, good.status), (true, Status::Good), "{}", good.reason);
        let set = with_list(&credential, list(purpose, true, ISSUER, &own)?, &[])?;
        assert_eq!((set.verdict(), set.status, failed(&set)), (Verdict::Invalid, status, vec!["status"]));
    }
    Ok(())
}

#[test]
fn a_list_as_a_token_is_read_too() -> Result<(), Failure> {
    let own = key(1);
    let credential = signed(with_status("revocation"), &own)?;
    let mut bits = StatusList::default();
    bits.set(7, true)?;
    let list = bits.credential(LIST, ISSUER, Purpose::Revocation, "2026-06-01T00:00:00Z");
    let report = with_list(&credential, jwt::sign(&list, &own, &method(&own)).into_bytes(), &[])?;
    assert_eq!(report.status, Status::Revoked, "{}", report.reason);
    Ok(())
}

#[test]
fn a_list_that_is_missing_or_not_the_issuers_says_nothing() -> Result<(), Failure> {
    let (own, other) = (key(1), key(2));
    let credential = signed(with_status("revocation"), &own)?;
    let mut changed: Value = serde_json::from_slice(&list(Purpose::Revocation, true, ISSUER, &own)?)?;
    changed["credentialSubject"]["encodedList"] = json!(StatusList::default().pack());
    for (why, list) in [
        ("another's key under the issuer's name", list(Purpose::Revocation, false, ISSUER, &other)?),
        ("another issuer's", list(Purpose::Revocation, false, "https://mallory.example/", &own)?),
        ("for another purpose", list(Purpose::Suspension, false, ISSUER, &own)?),
        ("changed", serde_json::to_vec(&changed)?),
        ("a badge", credential.clone()),
        ("junk", b"junk".to_vec()),
    ] {
        let report = with_list(&credential, list, &[])?;
        assert_eq!((report.verdict(), report.status), (Verdict::CannotTell, Status::Unknown), "{why}");
    }
    let report = judge(&credential)?;
    assert!(
        report.verdict() == Verdict::CannotTell && report.reason.contains("--status"),
        "{}",
        report.reason
    );
    Ok(())
}

/// A district that changed its key: the reader pins both, and the list may be signed by the newer.
#[test]
fn a_pinned_key_may_sign_the_list() -> Result<(), Failure> {
    let (old, new) = (key(1), key(2));
    let credential = signed(with_status("revocation"), &old)?;
    let pins = [pin(&old)?, pin(&new)?];
    let report = with_list(&credential, list(Purpose::Revocation, false, ISSUER, &new)?, &pins)?;
    assert!(report.valid, "{}", report.reason);
    Ok(())
}

#[test]
fn a_list_that_expired_says_nothing() -> Result<(), Failure> {
    let own = key(1);
    let credential = signed(with_status("revocation"), &own)?;
    let mut old = StatusList::default().credential(LIST, ISSUER, Purpose::Revocation, "2026-06-01T00:00:00Z");
    old.insert("validUntil".into(), json!("2026-07-01T00:00:00Z"));
    let report = with_list(&credential, signed(old, &own)?, &[])?;
    assert_eq!(report.verdict(), Verdict::CannotTell, "{}", report.reason);
    Ok(())
}

#[test]
fn an_index_beyond_the_list_says_nothing() -> Result<(), Failure> {
    let own = key(1);
    let mut credential = with_status("revocation");
    credential["credentialStatus"]["statusListIndex"] = json!(131_072);
    let report = with_list(&signed(credential, &own)?, list(Purpose::Revocation, false, ISSUER, &own)?, &[])?;
    assert_eq!((report.verdict(), report.status), (Verdict::CannotTell, Status::Unknown));
    Ok(())
}
