//! What OpenAPI 3.1 asks of a description beyond what is written at each route: every answer has a description, every
//! operation a name of its own, a parameter that the path does not name stands in the query, and what is answered before a route
//! is asked, by whoever reads the address and by the gate, stands at each.
//!
//! A linter asks for an answer of 200 to 299 and one of 400 to 499 everywhere. `/v1/stream` has none of the first: it is a
//! WebSocket, whose success is 101. Questions about the node's health have none of the second: they take no parameter and no
//! rate counts them.

use aula_api::CREDENTIAL_HEADER;
use aula_api::paths;
use aula_api::routes::{RouteClass, class_of};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::vault::FAMILY_HEADER;

/// Where the routes are, and the two things that open those which are not public.
pub fn open(api: &mut Value) {
    // Relative to the description itself: each node serves its own.
    api["servers"] = json!([{ "url": "/", "description": "this node" }]);
    let key = |name: &str, description: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": description });
    api["components"]["securitySchemes"] = json!({
        "credential": key(CREDENTIAL_HEADER, "signed by a member's key, of the scope that the route's class takes"),
        "family": key(FAMILY_HEADER, "a family's link"),
    });
    name_arguments(&mut api["components"]["schemas"]);
}

/// utoipa writes the argument of a generic type out in `Figures_X`, though X is a component too: that one is referred to.
fn name_arguments(schemas: &mut Value) {
    let Some(all) = schemas.as_object_mut() else { return };
    let arguments: Vec<String> =
        all.keys().filter_map(|name| name.strip_prefix(FIGURES)).map(str::to_owned).collect();
    for argument in arguments {
        let known = all.get(&argument).cloned();
        let generic = all.get_mut(&format!("{FIGURES}{argument}"));
        let written = generic.and_then(|schema| schema.pointer_mut("/properties/figures"));
        if let Some(written) = written.filter(|written| Some(&**written) == known.as_ref()) {
            *written = json!({ "$ref": format!("#/components/schemas/{argument}") });
        }
    }
}

/// What opens a route of this class: nothing, a credential, a family's link.
fn security(class: Option<RouteClass>) -> Value {
    match class {
        Some(RouteClass::Public) => json!([]),
        Some(RouteClass::Family) => json!([{ "family": [] }]),
        _ => json!([{ "credential": [] }]),
    }
}

/// How `Figures<T>` is called in the description, before its argument.
const FIGURES: &str = "Figures_";

/// What is answered before the route itself is asked; the route's own words stand where it has some.
fn beforehand(path: &str, operation: &Value) -> Vec<&'static str> {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    let is_read = parameters.any(|one| one["in"] == "path" || one["in"] == "query");
    let counted = !paths::HEALTH.contains(&path);
    let statuses = [("400", is_read), ("429", counted), ("503", true), ("504", true)];
    statuses.into_iter().filter(|(_, may_be)| *may_be).map(|(status, _)| status).collect()
}

/// An answer that is the one body of errors.
fn error(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/ErrorBody" } } }
    })
}

/// Served for whoever asks by an earlier name still.
const DEPRECATED: [&str; 1] = [paths::PARAMETERS_BY_THEIR_EARLIER_NAME];

/// Completes the operation of `method` on `path`.
pub fn complete(path: &str, method: &str, operation: &mut Value) {
    // Names of functions repeat between files; method and path together do not.
    let words = path.split(['/', '{', '}', '.']).filter(|word| !word.is_empty());
    operation["operationId"] = std::iter::once(method).chain(words).collect::<Vec<_>>().join("_").into();
    operation["security"] = security(class_of(path));
    if DEPRECATED.contains(&path) {
        operation["deprecated"] = true.into();
    }
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let named = parameter["name"].as_str().is_some_and(|name| path.contains(&format!("{{{name}}}")));
        match (named, parameter["in"].as_str()) {
            (true, _) => parameter["required"] = true.into(),
            (false, Some("path")) => {
                parameter["in"] = "query".into();
                // A type that may be left out says so; utoipa calls everything in a path required.
                let optional =
                    parameter["schema"]["type"].as_array().is_some_and(|t| t.contains(&json!("null")));
                if optional {
                    parameter["required"] = false.into();
                }
            }
            (false, _) => {}
        }
    }
    let beforehand = beforehand(path, operation);
    let Some(answers) = operation["responses"].as_object_mut() else { return };
    for status in beforehand {
        answers.entry(status).or_insert_with(|| error(&meaning(status)));
    }
    answers.insert("default".into(), error("any other answer: the one error body"));
    for (status, answer) in answers {
        if answer["description"].as_str().is_none_or(str::is_empty) {
            answer["description"] = meaning(status).into();
        }
    }
}

fn meaning(status: &str) -> String {
    let words = match status {
        "200" => "the answer",
        "202" => "taken; it waits to be in a block",
        "400" => "the request is malformed; the message says where",
        "401" => "a credential is needed, or the one given is refused",
        "403" => "the credential does not open this",
        "404" => "there is no such thing on this chain",
        "409" => "more than one is meant: say which",
        "413" => "the body is too long",
        "422" => "refused, with the ledger's or the pool's number",
        "429" => "more is asked than is answered: wait as long as Retry-After says",
        "503" => "this node cannot answer now",
        "504" => "no answer within the node's limit of time",
        other => {
            let known = other.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
            known.and_then(|code| code.canonical_reason()).unwrap_or("another answer")
        }
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::openapi_json;
    use super::*;

    #[test]
    fn every_answer_is_described_and_every_parameter_stands_where_its_name_does() -> serde_json::Result<()> {
        let api: Value = serde_json::from_str(&openapi_json())?;
        let (mut answers, mut parameters, mut names) = (0, 0, std::collections::BTreeSet::new());
        for (path, operations) in api["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                assert!(
                    names.insert(operation["operationId"].to_string()),
                    "{method} {path} has another's name"
                );
                for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                    let described = answer["description"].as_str().is_some_and(|text| !text.is_empty());
                    assert!(described, "{method} {path} {status}");
                    answers += 1;
                }
                let listed = operation["parameters"].as_array().into_iter().flatten();
                for parameter in listed {
                    let name = parameter["name"].as_str().unwrap_or_default();
                    let in_path = path.contains(&format!("{{{name}}}"));
                    assert_eq!(parameter["in"] == "path", in_path, "{method} {path} {name}");
                    assert!(!in_path || parameter["required"] == true, "{method} {path} {name}");
                    parameters += 1;
                }
                let braces = path.matches('{').count();
                let named = operation["parameters"].as_array().into_iter().flatten();
                assert_eq!(named.filter(|one| one["in"] == "path").count(), braces, "{method} {path}");
            }
        }
        assert!(answers > 100 && parameters > 20, "{answers} {parameters}");
        Ok(())
    }

    #[test]
    fn what_is_served_under_an_earlier_name_is_deprecated_and_nothing_else_is() -> serde_json::Result<()> {
        let api: Value = serde_json::from_str(&openapi_json())?;
        let paths = api["paths"].as_object().into_iter().flatten();
        let deprecated = paths.filter(|(_, operations)| operations["get"]["deprecated"] == true);
        assert_eq!(deprecated.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), DEPRECATED);
        assert_eq!(
            api["paths"][DEPRECATED[0]]["get"]["responses"]["200"],
            api["paths"][paths::PARAMETERS]["get"]["responses"]["200"]
        );
        Ok(())
    }

    #[test]
    fn every_answer_of_json_is_of_a_named_type() -> serde_json::Result<()> {
        let api: Value = serde_json::from_str(&openapi_json())?;
        let (mut typed, mut untyped) = (0, Vec::new());
        for (path, operations) in api["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                    // Only these two have no body at all.
                    let has_body = status != "101" && status != "304";
                    let contents = answer["content"].as_object();
                    if contents.is_none_or(serde_json::Map::is_empty) == has_body {
                        untyped.push(format!("{method} {path} {status}: no content, or one too many"));
                    }
                    for (kind, content) in contents.into_iter().flatten() {
                        match content["schema"]["$ref"].as_str() {
                            Some(name)
                                if !api.pointer(name.trim_start_matches('#')).is_none_or(Value::is_null) =>
                            {
                                typed += 1;
                            }
                            // Bytes and texts of other kinds say what they are by their kind.
                            None if kind != "application/json" && content["schema"]["type"].is_string() => {}
                            _ => untyped.push(format!("{method} {path} {status} {kind}")),
                        }
                    }
                }
            }
        }
        assert!(untyped.is_empty(), "{untyped:?}");
        assert!(typed > 250, "{typed}");
        Ok(())
    }

    /// Where an object stands of which nothing is told: neither members nor what others it may have.
    fn silent(schema: &Value, at: &str, found: &mut Vec<String>) {
        if let Value::Object(members) = schema {
            let kinds = members.get("type");
            let is_object = kinds.is_some_and(|kinds| match kinds {
                Value::Array(kinds) => kinds.contains(&json!("object")),
                kind => kind == "object",
            });
            let tells = members.contains_key("properties") || members.contains_key("additionalProperties");
            if is_object && !tells {
                found.push(at.to_owned());
            }
        }
        let inner: Vec<(String, &Value)> = match schema {
            Value::Object(members) => members.iter().map(|(name, one)| (name.clone(), one)).collect(),
            Value::Array(list) => list.iter().enumerate().map(|(n, one)| (n.to_string(), one)).collect(),
            _ => Vec::new(),
        };
        inner.into_iter().for_each(|(name, one)| silent(one, &format!("{at}/{name}"), found));
    }

    #[test]
    fn every_object_tells_its_members() -> serde_json::Result<()> {
        let api: Value = serde_json::from_str(&openapi_json())?;
        let mut found = Vec::new();
        silent(&api, "", &mut found);
        assert!(found.is_empty(), "{found:#?}");
        silent(&json!({ "a": [{ "type": ["object", "null"] }, { "type": "object" }] }), "", &mut found);
        assert_eq!(found, ["/a/0", "/a/1"]);
        Ok(())
    }

    #[test]
    fn every_component_is_of_use_and_every_counted_route_says_what_it_refuses() -> serde_json::Result<()> {
        let (text, api) = (openapi_json(), serde_json::from_str::<Value>(&openapi_json())?);
        for name in api["components"]["schemas"].as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "nobody uses {name}");
        }
        for (path, operations) in api["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                let answers = &operation["responses"];
                assert!(!answers["504"].is_null(), "{method} {path}");
                assert_eq!(
                    answers["429"].is_null(),
                    paths::HEALTH.contains(&path.as_str()),
                    "{method} {path}"
                );
            }
        }
        Ok(())
    }
}
