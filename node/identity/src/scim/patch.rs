//! Operations of RFC 7644, 3.5.2, which change a user: all of them, or none.

use serde_json::Value;

use super::user::{Attribute, Named, User, check_schema, field, members, values_of, without_schema};
use super::{CORE, ENTERPRISE, Fault, MAX_VALUES};

/// The schema of a request that changes.
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// Which values of an attribute a path means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// The path has no filter.
    All,
    /// Those that are this.
    Of(String),
}

/// What a path means here.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Kept(Attribute, Which),
    /// Something that is dropped.
    Dropped,
}

/// The user as a request changes it.
///
/// # Errors
/// What is no such request, a path that there is not, a user that cannot be.
pub fn apply(request: &Value, user: &User) -> Result<User, Fault> {
    check_schema(request, PATCH)?;
    let operations = field(request, "Operations").and_then(Value::as_array);
    let operations = operations.filter(|list| (1..=MAX_VALUES).contains(&list.len()));
    let operations = operations
        .ok_or_else(|| Fault::bad("invalidSyntax", format!("Operations is a list of 1 to {MAX_VALUES}")))?;
    let mut changed = user.clone();
    for operation in operations {
        one(operation, &mut changed)?;
    }
    changed.check()?;
    Ok(changed)
}

fn one(operation: &Value, user: &mut User) -> Result<(), Fault> {
    let verb = match field(operation, "op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Verb::Add,
        Some("replace") => Verb::Replace,
        Some("remove") => Verb::Remove,
        _ => return Err(Fault::bad("invalidSyntax", "op is add, replace or remove")),
    };
    let value = field(operation, "value");
    let path = match field(operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if !path.trim().is_empty() => Some(path.trim()),
        Some(_) => return Err(Fault::bad("invalidPath", "path is not a text")),
    };
    let is_schema = |path: &str| [CORE, ENTERPRISE].iter().any(|schema| schema.eq_ignore_ascii_case(path));
    let Some(path) = path.filter(|path| !is_schema(path)) else {
        if verb == Verb::Remove {
            return Err(Fault::bad("noTarget", "remove needs the path of an attribute"));
        }
        let value = value.ok_or_else(|| Fault::bad("invalidValue", "value is missing"))?;
        for (attribute, values) in members(value)? {
            put(verb, user, (attribute, &Which::All), values)?;
        }
        return Ok(());
    };
    let Target::Kept(attribute, which) = target(path)? else { return Ok(()) };
    if verb == Verb::Remove {
        return remove(user, (attribute, &which), value);
    }
    let value = value.ok_or_else(|| Fault::bad("invalidValue", "value is missing"))?;
    put(verb, user, (attribute, &which), values_of(attribute, value)?)
}

fn put(
    verb: Verb,
    user: &mut User,
    (attribute, which): (Attribute, &Which),
    values: Vec<String>,
) -> Result<(), Fault> {
    match (verb, which) {
        (Verb::Add, Which::All) => user.add(attribute, values),
        (_, Which::All) => {
            user.set(attribute, values);
            Ok(())
        }
        (_, Which::Of(old)) => {
            let there = user.remove(attribute, |value| value == old);
            if !there && verb == Verb::Replace {
                return Err(Fault::bad("noTarget", format!("{} has no value {old:?}", attribute.name())));
            }
            user.add(attribute, values)
        }
    }
}

fn remove(
    user: &mut User,
    (attribute, which): (Attribute, &Which),
    value: Option<&Value>,
) -> Result<(), Fault> {
    // Without it a user is active again: who is to go is told so.
    if matches!(attribute, Attribute::UserName | Attribute::Active) {
        return Err(Fault::bad("mutability", format!("{} is replaced, never removed", attribute.name())));
    }
    match (which, value) {
        (Which::Of(old), _) => drop(user.remove(attribute, |value| value == old)),
        // As some systems take values out of a list.
        (Which::All, Some(value)) if attribute.is_many() && !value.is_null() => {
            let gone = values_of(attribute, value)?;
            user.remove(attribute, |value| gone.iter().any(|one| one == value));
        }
        (Which::All, _) => user.set(attribute, Vec::new()),
    }
    Ok(())
}

/// What a path means: `active`, `roles`, `roles[value eq "x"]`, each with its schema before it or not.
fn target(path: &str) -> Result<Target, Fault> {
    let wrong = || Fault::bad("invalidPath", format!("there is no attribute {path}"));
    let name = without_schema(path);
    let end = name.find(['.', '[']).unwrap_or(name.len());
    let (first, rest) = name.split_at(end);
    let attribute = match Attribute::named(first) {
        Named::Kept(attribute) => attribute,
        Named::Dropped => return Ok(Target::Dropped),
        Named::Own => return Err(Fault::bad("mutability", format!("{first} is the service's own"))),
        Named::Unknown => return Err(wrong()),
    };
    if rest.is_empty() {
        return Ok(Target::Kept(attribute, Which::All));
    }
    if !attribute.is_many() {
        return Err(wrong());
    }
    let Some(inner) = rest.strip_prefix('[') else {
        let is_value = rest.eq_ignore_ascii_case(".value");
        return if is_value { Ok(Target::Kept(attribute, Which::All)) } else { Err(wrong()) };
    };
    let (inner, behind) = inner.rsplit_once(']').ok_or_else(wrong)?;
    if !behind.is_empty() && !behind.eq_ignore_ascii_case(".value") {
        return Err(wrong());
    }
    let mut words = inner.trim().splitn(3, char::is_whitespace);
    let (sub, operator, value) = (words.next(), words.next(), words.next());
    let value = value.and_then(|value| serde_json::from_str::<Value>(value.trim()).ok());
    let (Some(sub), Some(operator), Some(value)) = (sub, operator, value) else { return Err(wrong()) };
    if !operator.eq_ignore_ascii_case("eq") {
        return Err(Fault::bad("invalidFilter", format!("the operator {operator} is not supported")));
    }
    match (sub.to_ascii_lowercase().as_str(), value) {
        ("value", Value::String(value)) => Ok(Target::Kept(attribute, Which::Of(value))),
        // What stands beside a value is not kept: all values are alike.
        ("primary" | "type" | "display", _) => Ok(Target::Kept(attribute, Which::All)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user() -> User {
        User::read(
            &json!({"schemas": [CORE], "userName": "a", "roles": ["teacher", "coach"], "externalId": "1"}),
        )
        .unwrap()
    }

    fn patched(operations: Value) -> Result<Value, Fault> {
        let request = json!({"schemas": [PATCH], "Operations": operations});
        apply(&request, &user()).map(|user| Value::Object(user.resource()))
    }

    #[test]
    fn operations_change_what_they_name() {
        for (operations, name, value) in [
            (json!([{"op": "replace", "path": "active", "value": false}]), "active", json!(false)),
            (json!([{"op": "Replace", "path": "active", "value": "False"}]), "active", json!(false)),
            (json!([{"op": "replace", "value": {"active": false}}]), "active", json!(false)),
            (
                json!([{"op": "replace", "value": {"name.givenName": "x", "Active": "False"}}]),
                "active",
                json!(false),
            ),
            (
                json!([{"op": "add", "path": "roles", "value": [{"value": "head"}]}]),
                "roles",
                json!([{"value": "teacher"}, {"value": "coach"}, {"value": "head"}]),
            ),
            (
                json!([{"op": "add", "path": "roles", "value": ["coach"]}]),
                "roles",
                json!([{"value": "teacher"}, {"value": "coach"}]),
            ),
            (
                json!([{"op": "replace", "path": "roles", "value": [{"value": "head"}]}]),
                "roles",
                json!([{"value": "head"}]),
            ),
            (
                json!([{"op": "replace", "path": "roles[primary eq \"True\"].value", "value": "head"}]),
                "roles",
                json!([{"value": "head"}]),
            ),
            (
                json!([{"op": "replace", "path": "roles[value eq \"coach\"].value", "value": "head"}]),
                "roles",
                json!([{"value": "teacher"}, {"value": "head"}]),
            ),
            (
                json!([{"op": "remove", "path": "roles[value eq \"coach\"]"}]),
                "roles",
                json!([{"value": "teacher"}]),
            ),
            (
                json!([{"op": "remove", "path": "roles", "value": [{"value": "coach"}]}]),
                "roles",
                json!([{"value": "teacher"}]),
            ),
            (json!([{"op": "remove", "path": "roles"}]), "roles", Value::Null),
            (json!([{"op": "remove", "path": "externalId"}]), "externalId", Value::Null),
            (
                json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:userName", "value": "b"}]),
                "userName",
                json!("b"),
            ),
            (
                json!([{"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Maths"}]),
                ENTERPRISE,
                json!({"department": "Maths"}),
            ),
            (
                json!([{"op": "add", "path": ENTERPRISE, "value": {"employeeNumber": "9"}}]),
                ENTERPRISE,
                json!({"employeeNumber": "9"}),
            ),
            (
                json!([{"op": "replace", "value": {ENTERPRISE: {"employeeNumber": "9"}}}]),
                ENTERPRISE,
                json!({"employeeNumber": "9"}),
            ),
            (
                json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x@y"}, {"op": "replace", "path": "name.familyName", "value": "x"}]),
                "userName",
                json!("a"),
            ),
        ] {
            let told = patched(operations.clone()).unwrap_or_else(|fault| panic!("{operations}: {fault}"));
            assert_eq!(told.get(name).cloned().unwrap_or_default(), value, "{operations}");
        }
    }

    #[test]
    fn what_cannot_be_done_changes_nothing_and_says_the_standard_s_word() {
        for (operations, kind) in [
            (json!([]), "invalidSyntax"),
            (json!({"op": "add"}), "invalidSyntax"),
            (json!([{"op": "move", "path": "active"}]), "invalidSyntax"),
            (json!([{"path": "active", "value": true}]), "invalidSyntax"),
            (json!([{"op": "remove"}]), "noTarget"),
            (json!([{"op": "add", "path": "active"}]), "invalidValue"),
            (json!([{"op": "add"}]), "invalidValue"),
            (json!([{"op": "add", "value": 7}]), "invalidSyntax"),
            (json!([{"op": "replace", "path": "active", "value": "perhaps"}]), "invalidValue"),
            (json!([{"op": "remove", "path": "userName"}]), "mutability"),
            (json!([{"op": "remove", "path": "active"}]), "mutability"),
            (json!([{"op": "replace", "path": "id", "value": "x"}]), "mutability"),
            (json!([{"op": "replace", "path": "userName", "value": ""}]), "invalidValue"),
            (json!([{"op": "replace", "path": "unheard", "value": "x"}]), "invalidPath"),
            (json!([{"op": "replace", "path": 7, "value": "x"}]), "invalidPath"),
            (json!([{"op": "replace", "path": "userName.value", "value": "x"}]), "invalidPath"),
            (json!([{"op": "replace", "path": "roles[value eq \"coach\"", "value": "x"}]), "invalidPath"),
            (
                json!([{"op": "replace", "path": "roles[value eq \"coach\"].type", "value": "x"}]),
                "invalidPath",
            ),
            (json!([{"op": "replace", "path": "roles[value]", "value": "x"}]), "invalidPath"),
            (json!([{"op": "replace", "path": "roles[value sw \"coach\"]", "value": "x"}]), "invalidFilter"),
            (json!([{"op": "replace", "path": "roles[value eq \"head\"]", "value": "x"}]), "noTarget"),
            (json!([{"op": "replace", "path": "active", "value": false}, {"op": "remove"}]), "noTarget"),
        ] {
            let fault = patched(operations.clone()).expect_err(&operations.to_string());
            assert_eq!((fault.status, fault.kind), (400, Some(kind)), "{operations}");
        }
        let plain = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
        assert_eq!(apply(&plain, &user()).unwrap_err().kind, Some("invalidSyntax"));
        let many: Vec<String> = (0..=MAX_VALUES).map(|n| n.to_string()).collect();
        let (first, last) = many.split_at(MAX_VALUES / 2);
        let operations = json!([{"op": "add", "path": "roles", "value": first}, {"op": "add", "path": "roles", "value": last}]);
        assert_eq!(patched(operations).unwrap_err().kind, Some("tooMany"));
    }
}
