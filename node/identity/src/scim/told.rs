//! What the service says of itself (RFC 7643, 5 to 7), how it lists, and its form of error.

use serde_json::{Map, Value, json};

use super::user::{Attribute, Named, User, without_schema};
use super::{CORE, ENTERPRISE, Fault};

/// Most users of one answer.
pub const MAX_RESULTS: usize = 200;
/// Users of an answer where nobody says how many.
pub const RESULTS: usize = 100;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// The body of an error.
pub fn error(fault: &Fault) -> Value {
    let mut body = json!({ "schemas": [ERROR], "status": fault.status.to_string(), "detail": fault.detail });
    if let (Some(kind), Some(body)) = (fault.kind, body.as_object_mut()) {
        body.insert("scimType".into(), kind.into());
    }
    body
}

/// A list of resources, of which these are the ones from `start` on.
pub fn list(resources: Vec<Value>, total: usize, start: usize) -> Value {
    json!({
        "schemas": [LIST], "totalResults": total, "startIndex": start, "itemsPerPage": resources.len(), "Resources": resources,
    })
}

/// Which attributes an answer has: all, those that are named, or all but those.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// By `attributes`; none: all.
    pub only: Option<Vec<String>>,
    /// By `excludedAttributes`.
    pub without: Vec<String>,
}

impl Shown {
    /// From the two parameters, lists with commas between.
    pub fn of(only: Option<&str>, without: Option<&str>) -> Self {
        let names = |list: &str| list.split(',').map(|name| name.trim().to_owned()).collect();
        Self { only: only.map(names), without: without.map(names).unwrap_or_default() }
    }

    fn shows(&self, attribute: Attribute) -> bool {
        let named = |name: &String| {
            let whole = attribute.is_of_enterprise() && name.eq_ignore_ascii_case(ENTERPRISE);
            let first = without_schema(name).split('.').next().unwrap_or_default();
            whole || Attribute::named(first) == Named::Kept(attribute)
        };
        self.only.as_ref().is_none_or(|only| only.iter().any(named)) && !self.without.iter().any(named)
    }
}

/// When a user was made and changed, and where it is.
#[derive(Debug, Clone, Copy)]
pub struct Meta<'a> {
    /// Its number.
    pub id: &'a str,
    /// Made, as a date of RFC 3339.
    pub made: &'a str,
    /// The last change, as a date of RFC 3339.
    pub changed: &'a str,
    /// The address of the service.
    pub at: &'a str,
}

/// A user as a resource.
pub fn user(user: &User, meta: Meta<'_>, shown: &Shown) -> Value {
    let mut resource = user.resource();
    for attribute in Attribute::ALL.into_iter().filter(|one| !shown.shows(*one)) {
        resource.remove(attribute.name());
        if let Some(added) = resource.get_mut(ENTERPRISE).and_then(Value::as_object_mut) {
            added.remove(attribute.name());
        }
    }
    if resource.get(ENTERPRISE).and_then(Value::as_object).is_some_and(Map::is_empty) {
        resource.remove(ENTERPRISE);
    }
    resource.insert("id".into(), meta.id.into());
    let location = format!("{}/Users/{}", meta.at, meta.id);
    let meta = json!({ "resourceType": "User", "created": meta.made, "lastModified": meta.changed, "location": location });
    resource.insert("meta".into(), meta);
    Value::Object(resource)
}

/// `/ServiceProviderConfig`.
pub fn config(at: &str) -> Value {
    let not = json!({ "supported": false });
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MAX_RESULTS },
        "changePassword": not, "sort": not, "etag": not,
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Bearer",
            "description": "a token of the scope scim, which an admin of the district makes", "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{at}/ServiceProviderConfig") },
    })
}

/// `/ResourceTypes`.
pub fn resource_types(at: &str) -> Vec<Value> {
    vec![json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": "User", "name": "User", "description": "a member of the district's staff", "endpoint": "/Users",
        "schema": CORE, "schemaExtensions": [{ "schema": ENTERPRISE, "required": false }],
        "meta": { "resourceType": "ResourceType", "location": format!("{at}/ResourceTypes/User") },
    })]
}

/// `/Schemas`: the attributes that are kept.
pub fn schemas(at: &str) -> Vec<Value> {
    let schema = |id: &str, name: &str, added: bool| {
        let own = Attribute::ALL.into_iter().filter(|attribute| attribute.is_of_enterprise() == added);
        let attributes: Vec<Value> = own.map(attribute).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": id, "name": name, "description": "what is kept of a member of staff", "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": format!("{at}/Schemas/{id}") },
        })
    };
    vec![schema(CORE, "User", false), schema(ENTERPRISE, "EnterpriseUser", true)]
}

fn attribute(of: Attribute) -> Value {
    let (kind, unique) = match of {
        Attribute::Active => ("boolean", "none"),
        Attribute::UserName => ("string", "server"),
        many if many.is_many() => ("complex", "none"),
        _ => ("string", "none"),
    };
    let mut told = json!({
        "name": of.name(), "type": kind, "multiValued": of.is_many(), "description": "", "required": of == Attribute::UserName,
        "caseExact": of.counts_case(), "mutability": "readWrite", "returned": "default", "uniqueness": unique,
    });
    if let Some(told) = told.as_object_mut().filter(|_| of.is_many()) {
        let value = json!({
            "name": "value", "type": "string", "multiValued": false, "description": "", "required": true, "caseExact": true,
            "mutability": "readWrite", "returned": "default", "uniqueness": "none",
        });
        told.insert("subAttributes".into(), json!([value]));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_attributes_that_were_asked_for_and_always_its_number() {
        let kept = json!({"schemas": [CORE], "userName": "a", "roles": ["teacher"], ENTERPRISE: {"department": "d"}});
        let kept = User::read(&kept).unwrap();
        let meta = Meta { id: "7", made: "then", changed: "now", at: "https://a.example/scim" };
        let names = |only: Option<&str>, without: Option<&str>| {
            let told = user(&kept, meta, &Shown::of(only, without));
            assert_eq!(
                (&told["id"], &told["meta"]["location"]),
                (&json!("7"), &json!("https://a.example/scim/Users/7"))
            );
            let mut names: Vec<String> = told.as_object().unwrap().keys().cloned().collect();
            names.retain(|name| !["id", "meta", "schemas"].contains(&name.as_str()));
            names.sort();
            names
        };
        assert_eq!(names(None, None), ["active", "roles", ENTERPRISE, "userName"]);
        assert_eq!(names(Some("username, roles.value"), None), ["roles", "userName"]);
        assert_eq!(names(None, Some("roles,members")), ["active", ENTERPRISE, "userName"]);
        assert_eq!(names(Some(ENTERPRISE), None), [ENTERPRISE]);
        assert_eq!(names(Some("unheard"), None), Vec::<String>::new());
    }

    #[test]
    fn an_error_has_its_status_as_a_text_and_the_word_where_there_is_one() {
        let told = error(&Fault::bad("noTarget", "why"));
        assert_eq!(
            told,
            json!({"schemas": [ERROR], "status": "400", "scimType": "noTarget", "detail": "why"})
        );
        assert!(error(&Fault::of(404, "gone")).get("scimType").is_none());
        let listed = schemas("x");
        let of = |at: usize| listed[at]["attributes"].as_array().map(Vec::len);
        assert_eq!((of(0), of(1)), (Some(6), Some(2)));
    }
}
