//! The attributes that are kept of a user.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{CORE, ENTERPRISE, Fault, MAX_TEXT, MAX_VALUES};
use crate::claims::Claims;

/// One attribute that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attribute {
    /// By what the user logs in; no two users have it alike, whatever the capitals.
    UserName,
    /// How the sending system numbers the user.
    ExternalId,
    /// Whether the user is staff now.
    Active,
    /// In what relation the user is to the organisation.
    UserType,
    /// The user's roles there.
    Roles,
    /// What the user is entitled to there.
    Entitlements,
    /// The number that the organisation gave the user.
    EmployeeNumber,
    /// Where in it the user works.
    Department,
}

/// What the standard has of users beside it, in lower case: taken and dropped.
const DROPPED: [&str; 20] = [
    "name",
    "displayname",
    "nickname",
    "profileurl",
    "title",
    "preferredlanguage",
    "locale",
    "timezone",
    "password",
    "emails",
    "phonenumbers",
    "ims",
    "photos",
    "addresses",
    "groups",
    "x509certificates",
    "costcenter",
    "organization",
    "division",
    "manager",
];

/// What a path's first word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// This service keeps it, as this attribute.
    Kept(Attribute),
    /// The standard has it, and it is dropped here.
    Dropped,
    /// It is the service's own, and nobody else changes it.
    Own,
    /// The standard has no such attribute.
    Unknown,
}

impl Attribute {
    /// All, in the order in which they are written.
    pub const ALL: [Self; 8] = [
        Self::UserName,
        Self::ExternalId,
        Self::Active,
        Self::UserType,
        Self::Roles,
        Self::Entitlements,
        Self::EmployeeNumber,
        Self::Department,
    ];

    /// As the standard writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserName => "userName",
            Self::ExternalId => "externalId",
            Self::Active => "active",
            Self::UserType => "userType",
            Self::Roles => "roles",
            Self::Entitlements => "entitlements",
            Self::EmployeeNumber => "employeeNumber",
            Self::Department => "department",
        }
    }

    /// Whether it has any number of values, each in an object.
    pub const fn is_many(self) -> bool {
        matches!(self, Self::Roles | Self::Entitlements)
    }

    /// Whether it is of [`ENTERPRISE`].
    pub const fn is_of_enterprise(self) -> bool {
        matches!(self, Self::EmployeeNumber | Self::Department)
    }

    /// Whether capitals count where values are compared.
    pub const fn counts_case(self) -> bool {
        matches!(self, Self::ExternalId | Self::EmployeeNumber)
    }

    /// What a name means, whatever its capitals.
    pub fn named(name: &str) -> Named {
        if let Some(kept) = Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name)) {
            return Named::Kept(kept);
        }
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "id" | "meta" | "schemas" => Named::Own,
            other if DROPPED.contains(&other) => Named::Dropped,
            _ => Named::Unknown,
        }
    }
}

/// A name without the schema that may stand before it; the whole of [`ENTERPRISE`] is itself.
pub fn without_schema(name: &str) -> &str {
    let behind = |schema: &str| {
        let (before, rest) = name.split_at_checked(schema.len())?;
        before.eq_ignore_ascii_case(schema).then(|| rest.strip_prefix(':'))?
    };
    behind(CORE).or_else(|| behind(ENTERPRISE)).unwrap_or(name)
}

/// A user: each attribute with its values, none of one that is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct User(BTreeMap<Attribute, Vec<String>>);

impl User {
    /// The values of an attribute.
    pub fn values(&self, attribute: Attribute) -> &[String] {
        self.0.get(&attribute).map(Vec::as_slice).unwrap_or_default()
    }

    fn one(&self, attribute: Attribute) -> Option<&str> {
        self.values(attribute).first().map(String::as_str)
    }

    /// By what the user logs in.
    pub fn user_name(&self) -> &str {
        self.one(Attribute::UserName).unwrap_or_default()
    }

    /// Whether the user is staff now: unless it says otherwise.
    pub fn is_active(&self) -> bool {
        self.one(Attribute::Active) != Some("false")
    }

    /// Puts these values in place of those that are there.
    pub fn set(&mut self, attribute: Attribute, values: Vec<String>) {
        match values.is_empty() {
            true => drop(self.0.remove(&attribute)),
            false => drop(self.0.insert(attribute, values)),
        }
    }

    /// Puts these values beside those that are there; of what has one value, in its place.
    ///
    /// # Errors
    /// More than [`MAX_VALUES`].
    pub fn add(&mut self, attribute: Attribute, values: Vec<String>) -> Result<(), Fault> {
        if !attribute.is_many() {
            self.set(attribute, values);
            return Ok(());
        }
        let all = self.0.entry(attribute).or_default();
        for value in values {
            if !all.contains(&value) {
                all.push(value);
            }
        }
        if all.len() > MAX_VALUES {
            return Err(Fault::bad("tooMany", format!("{} has over {MAX_VALUES} values", attribute.name())));
        }
        Ok(())
    }

    /// Takes away the values that fit; gives whether there was one.
    pub fn remove(&mut self, attribute: Attribute, fits: impl Fn(&str) -> bool) -> bool {
        let mut left = self.values(attribute).to_vec();
        let before = left.len();
        left.retain(|value| !fits(value));
        let removed = left.len() < before;
        self.set(attribute, left);
        removed
    }

    /// Whether a user may be so.
    ///
    /// # Errors
    /// No name, or an empty one.
    pub fn check(&self) -> Result<(), Fault> {
        match self.user_name() {
            "" => Err(Fault::bad("invalidValue", "userName is missing")),
            _ => Ok(()),
        }
    }

    /// What a mapping reads: each attribute by its name.
    pub fn claims(&self) -> Claims {
        self.0.iter().map(|(attribute, values)| (attribute.name().to_owned(), values.clone())).collect()
    }

    /// Reads a whole resource, as POST and PUT send it.
    ///
    /// # Errors
    /// What is not one, or has values that cannot be.
    pub fn read(resource: &Value) -> Result<Self, Fault> {
        check_schema(resource, CORE)?;
        let mut user = Self::default();
        for (attribute, values) in members(resource)? {
            user.set(attribute, values);
        }
        user.check()?;
        Ok(user)
    }

    /// The resource, without what the service adds.
    pub fn resource(&self) -> Map<String, Value> {
        let told = |attribute: Attribute| match attribute {
            Attribute::Active => json!(self.is_active()),
            many if many.is_many() => {
                self.values(many).iter().map(|value| json!({ "value": value })).collect()
            }
            one => json!(self.one(one)),
        };
        let has = |attribute: &Attribute| *attribute == Attribute::Active || self.0.contains_key(attribute);
        let (mut resource, mut added) = (Map::new(), Map::new());
        for attribute in Attribute::ALL.into_iter().filter(has) {
            let into = if attribute.is_of_enterprise() { &mut added } else { &mut resource };
            into.insert(attribute.name().into(), told(attribute));
        }
        let mut schemas = vec![CORE];
        if !added.is_empty() {
            schemas.push(ENTERPRISE);
            resource.insert(ENTERPRISE.into(), Value::Object(added));
        }
        resource.insert("schemas".into(), json!(schemas));
        resource
    }
}

/// A member of an object, whatever its name's capitals.
pub fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let members = object.as_object()?;
    members.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Whether what was sent says that it is of a schema.
///
/// # Errors
/// It does not.
pub fn check_schema(sent: &Value, schema: &str) -> Result<(), Fault> {
    let is_it = |one: &Value| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(schema));
    match field(sent, "schemas").and_then(Value::as_array).is_some_and(|all| all.iter().any(is_it)) {
        true => Ok(()),
        false => Err(Fault::bad("invalidSyntax", format!("schemas must name {schema}"))),
    }
}

/// The attributes of an object that are kept, each once, with their values.
///
/// # Errors
/// No object, one attribute twice, values that cannot be.
pub fn members(object: &Value) -> Result<Vec<(Attribute, Vec<String>)>, Fault> {
    let object = object.as_object().ok_or_else(|| Fault::bad("invalidSyntax", "a user is a JSON object"))?;
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    let mut take = |name: &str, value: &Value| {
        // A sub-attribute, such as name.familyName, is of what is dropped.
        let first = without_schema(name).split(['.', '[']).next().unwrap_or_default();
        let Named::Kept(attribute) = Attribute::named(first) else { return Ok(()) };
        if !seen.insert(attribute) {
            return Err(Fault::bad("invalidSyntax", format!("{} stands there twice", attribute.name())));
        }
        found.push((attribute, values_of(attribute, value)?));
        Ok(())
    };
    for (name, value) in object {
        match value.as_object().filter(|_| name.eq_ignore_ascii_case(ENTERPRISE)) {
            Some(added) => added.iter().try_for_each(|(name, value)| take(name, value))?,
            None => take(name, value)?,
        }
    }
    Ok(found)
}

/// The values that JSON gives an attribute.
///
/// # Errors
/// Another type than the attribute's, a text that is too long or not plain, too many.
pub fn values_of(attribute: Attribute, value: &Value) -> Result<Vec<String>, Fault> {
    let wrong = |what: &str| Fault::bad("invalidValue", format!("{} {what}", attribute.name()));
    let plain = |text: &str| {
        let fits = text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control);
        if fits { Ok(text.to_owned()) } else { Err(wrong("is too long, or has control characters")) }
    };
    let text = |value: &Value| match value {
        Value::String(text) => plain(text),
        Value::Object(object) => match object.get("value") {
            Some(Value::String(text)) if attribute.is_many() => plain(text),
            _ => Err(wrong("has a value that is not a text")),
        },
        _ => Err(wrong("is not a text")),
    };
    match (attribute, value) {
        (Attribute::Active, Value::Bool(active)) => Ok(vec![active.to_string()]),
        // As some systems send it.
        (Attribute::Active, Value::String(word))
            if ["true", "false"].contains(&word.to_lowercase().as_str()) =>
        {
            Ok(vec![word.to_lowercase()])
        }
        (Attribute::Active, _) => Err(wrong("is not true or false")),
        (_, Value::Null) => Ok(Vec::new()),
        (many, Value::Array(list)) if many.is_many() => {
            if list.len() > MAX_VALUES {
                return Err(wrong("has too many values"));
            }
            let mut values = list.iter().map(text).collect::<Result<Vec<_>, _>>()?;
            let mut seen = BTreeSet::new();
            values.retain(|value| seen.insert(value.clone()));
            Ok(values)
        }
        (_, one) => text(one).map(|text| if text.is_empty() { Vec::new() } else { vec![text] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_whatever_the_capitals_and_what_is_not_kept_is_dropped() {
        let sent = json!({
            "schemas": [CORE, ENTERPRISE], "USERNAME": "t-1042@east.example", "externalId": "701984", "active": true,
            "name": {"familyName": "no", "givenName": "body"}, "emails": [{"value": "t@east.example", "primary": true}], "password": "p",
            "roles": [{"value": "teacher", "primary": true}, {"value": "teacher"}, "coach"], "userType": "Employee", "id": "mine", "unheard": 1,
            ENTERPRISE: {"employeeNumber": "701984", "department": "Maths", "manager": {"value": "x"}},
        });
        let user = User::read(&sent).unwrap();
        assert_eq!((user.user_name(), user.is_active()), ("t-1042@east.example", true));
        assert_eq!(user.values(Attribute::Roles), ["teacher", "coach"]);
        assert_eq!(user.claims()["employeeNumber"], ["701984"]);
        let written = Value::Object(user.resource());
        assert_eq!(written[ENTERPRISE], json!({"employeeNumber": "701984", "department": "Maths"}));
        assert_eq!(User::read(&written).unwrap(), user, "what is written is read");
        let text = written.to_string();
        for dropped in ["familyName", "emails", "password", "manager", "mine"] {
            assert!(!text.contains(dropped), "{dropped} in {text}");
        }
        let kept = serde_json::to_string(&user).unwrap();
        assert_eq!(serde_json::from_str::<User>(&kept).unwrap(), user);
    }

    #[test]
    fn a_user_without_a_name_or_with_values_that_cannot_be_is_refused_with_the_standard_s_word() {
        let long = "x".repeat(MAX_TEXT + 1);
        for (sent, kind) in [
            (json!([]), "invalidSyntax"),
            (json!({"userName": "a"}), "invalidSyntax"),
            (json!({"schemas": CORE, "userName": "a"}), "invalidSyntax"),
            (json!({"schemas": [CORE]}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": ""}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": null}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": 7}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": long}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": "a\nb"}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": "a", "UserName": "b"}), "invalidSyntax"),
            (json!({"schemas": [CORE], "userName": "a", "active": "no"}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": "a", "active": null}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": "a", "roles": [7]}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": "a", "roles": [{"display": "x"}]}), "invalidValue"),
            (json!({"schemas": [CORE], "userName": "a", "roles": vec!["x"; MAX_VALUES + 1]}), "invalidValue"),
        ] {
            let fault = User::read(&sent).unwrap_err();
            assert_eq!((fault.status, fault.kind), (400, Some(kind)), "{sent}");
        }
        assert!(
            User::read(&json!({"schemas": [CORE], "userName": "a", "active": "False"}))
                .is_ok_and(|user| !user.is_active())
        );
    }
}
