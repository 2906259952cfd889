//! What a provider says of somebody: names, each with its values as text.

use std::collections::BTreeMap;

use serde_json::Value;

/// Claims by name. A claim in an object is named by its path: `realm_access.roles`.
pub type Claims = BTreeMap<String, Vec<String>>;

/// What a provider said in one login.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// What it says of the person, by name, each with its values.
    pub claims: Claims,
    /// Whom it means by its own word: `sub`, or the name of a SAML subject.
    pub subject: Option<String>,
    /// How it calls the session that it began: `sid`, or `SessionIndex`.
    pub session: Option<String>,
}

/// Whose logins a provider ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Whom it means; none: whoever has one of the sessions.
    pub subject: Option<String>,
    /// Which of its sessions; none: all of the subject.
    pub sessions: Vec<String>,
}

impl Ended {
    /// Whether a login in which the provider said so is over. A login without a session of its own is over with its subject.
    pub fn means(&self, subject: Option<&str>, session: Option<&str>) -> bool {
        let named = |session: &str| self.sessions.iter().any(|one| one == session);
        match &self.subject {
            Some(own) => {
                Some(own.as_str()) == subject && (self.sessions.is_empty() || session.is_none_or(named))
            }
            None => session.is_some_and(named),
        }
    }
}

/// How deep objects are read.
const MAX_DEPTH: usize = 4;

/// The claims of a JSON object: texts, numbers and truth values, alone or in a list. What else there is has no claim.
pub fn of_json(value: &Value) -> Claims {
    let mut claims = Claims::new();
    enter(&mut claims, "", value, MAX_DEPTH);
    claims
}

fn enter(claims: &mut Claims, name: &str, value: &Value, depth: usize) {
    match value {
        Value::Object(members) => {
            let Some(depth) = depth.checked_sub(1) else { return };
            for (member, value) in members {
                let path = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                enter(claims, &path, value, depth);
            }
        }
        Value::Array(list) => {
            claims.entry(name.to_owned()).or_default().extend(list.iter().filter_map(text));
        }
        other => claims.entry(name.to_owned()).or_default().extend(text(other)),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_ends_a_session_a_subject_or_nothing() {
        let ended = |subject: Option<&str>, sessions: &[&str]| Ended {
            subject: subject.map(str::to_owned),
            sessions: sessions.iter().map(|one| (*one).to_owned()).collect(),
        };
        for (what, subject, session, over) in [
            (ended(Some("u"), &[]), Some("u"), Some("s"), true),
            (ended(Some("u"), &[]), Some("v"), Some("s"), false),
            (ended(Some("u"), &["s"]), Some("u"), Some("s"), true),
            (ended(Some("u"), &["s"]), Some("u"), Some("t"), false),
            (ended(Some("u"), &["s"]), Some("u"), None, true),
            (ended(Some("u"), &["s"]), Some("v"), Some("s"), false),
            (ended(None, &["s"]), Some("v"), Some("s"), true),
            (ended(None, &["s"]), Some("v"), None, false),
            (ended(None, &[]), Some("v"), None, false),
        ] {
            assert_eq!(what.means(subject, session), over, "{what:?} {subject:?} {session:?}");
        }
    }

    #[test]
    fn values_are_texts_and_objects_are_paths() {
        let claims = of_json(&serde_json::json!({
            "sub": "u-1", "n": 7, "groups": ["a", "b", {"c": 1}, null], "realm": {"roles": ["x"], "deep": {"er": {"est": {"of": 1}}}}, "gone": null,
        }));
        let of = |name: &str| claims.get(name).cloned().unwrap_or_default();
        assert_eq!(
            (of("sub"), of("n"), of("groups")),
            (vec!["u-1".into()], vec!["7".into()], vec!["a".into(), "b".into()])
        );
        assert_eq!((of("realm.roles"), of("gone")), (vec!["x".to_owned()], vec![]));
        assert_eq!(of("realm.deep.er.est.of"), Vec::<String>::new(), "deeper than is read");
    }
}
