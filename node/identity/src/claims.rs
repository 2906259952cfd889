//! What a provider says of somebody: names, each with its values as text.

use std::collections::BTreeMap;

use serde_json::Value;

/// Claims by name. A claim in an object is named by its path: `realm_access.roles`.
pub type Claims = BTreeMap<String, Vec<String>>;

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
