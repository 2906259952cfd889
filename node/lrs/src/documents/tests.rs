use super::*;

fn document(content_type: &str, text: &str) -> Document {
    Document { content_type: content_type.into(), bytes: text.into(), updated_us: 1 }
}

#[test]
fn members_are_set_one_level_deep() {
    let there =
        document("application/json", r#"{"car":{"make":"Ford","model":"Escape"},"driver":"Dale","n":1.50}"#);
    let sent = document("application/json; charset=utf-8", r#"{"car":{"make":"Dodge"},"new":null}"#);
    let whole = merged(Some(there), sent).expect("two objects");
    let text = String::from_utf8(whole.bytes).expect("text");
    assert_eq!(text, r#"{"car":{"make":"Dodge"},"driver":"Dale","n":1.50,"new":null}"#);
}

#[test]
fn what_is_no_object_is_not_merged() {
    let object = || document("application/json", "{}");
    let other = || document("text/plain", "{}");
    assert_eq!(merged(Some(other()), object()), Err(Unmergeable::There));
    assert_eq!(merged(Some(object()), other()), Err(Unmergeable::Sent));
    assert_eq!(merged(Some(object()), document("application/json", "[1]")), Err(Unmergeable::Sent));
    assert!(matches!(merged(None, document("application/json", "{")), Err(Unmergeable::Malformed(_))));
    assert_eq!(merged(None, other()), Ok(other()));
}

#[test]
fn a_tag_is_the_sha1_in_quotes() {
    // FIPS 180-1, appendix A.
    assert_eq!(document("text/plain", "abc").tag(), "\"a9993e364706816aba3e25717850c26c9cd0d89d\"");
}

#[test]
fn conditions_decide() {
    let there = document("text/plain", "abc");
    let tag = there.tag();
    let with = |matches: Option<&str>, none: Option<&str>| Conditions {
        matches: matches.map(str::to_owned),
        none_matches: none.map(str::to_owned),
    };
    for demand in [Demand::Always, Demand::Named, Demand::Free] {
        assert_eq!(permitted(&with(Some(&tag), None), Some(&there), demand), Ok(()));
        assert_eq!(permitted(&with(Some(&format!("\"x\", W/{tag}")), None), Some(&there), demand), Ok(()));
        assert_eq!(permitted(&with(Some("\"x\""), None), Some(&there), demand), Err(Unmet::Failed));
        assert_eq!(permitted(&with(Some("*"), None), Some(&there), demand), Ok(()));
        assert_eq!(permitted(&with(Some("*"), None), None, demand), Err(Unmet::Failed));
        assert_eq!(permitted(&with(None, Some("*")), Some(&there), demand), Err(Unmet::Failed));
        assert_eq!(permitted(&with(None, Some("*")), None, demand), Ok(()));
        assert_eq!(permitted(&with(None, Some(&tag)), Some(&there), demand), Err(Unmet::Failed));
    }
    assert_eq!(permitted(&with(None, None), None, Demand::Always), Err(Unmet::Silent));
    assert_eq!(permitted(&with(None, None), None, Demand::Named), Ok(()));
    assert_eq!(permitted(&with(None, None), Some(&there), Demand::Always), Err(Unmet::Unconditional));
    assert_eq!(permitted(&with(None, None), Some(&there), Demand::Named), Err(Unmet::Unconditional));
    assert_eq!(permitted(&with(None, None), Some(&there), Demand::Free), Ok(()));
}
