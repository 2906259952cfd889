//! SIF's JSON: an element is a member, several of one name are a list, attributes have an `@`, text beside attributes is `$`, `#text` or
//! `value`.

use serde_json::{Map, Value};

use super::COLLECTIONS;
use crate::json;
use crate::limits::MAX_DEPTH;
use crate::reading::{Fault, Rule};
use crate::tree::{Node, Record};

/// The objects of a file in their order; none of a file that has no collection.
pub(super) fn objects(text: &str) -> Option<Vec<Record>> {
    let Value::Object(whole) = json::parse(text.as_bytes(), MAX_DEPTH).ok()? else { return None };
    let (mut found, mut known) = (Vec::new(), false);
    for (many, one) in COLLECTIONS {
        let inner = match (whole.get(many), whole.get(one)) {
            (Some(Value::Object(collection)), _) => {
                collection.get(one).cloned().unwrap_or(Value::Array(Vec::new()))
            }
            (Some(list @ Value::Array(_)), _) => list.clone(),
            (Some(Value::Null), _) => Value::Array(Vec::new()),
            (None, Some(single)) => single.clone(),
            _ => continue,
        };
        known = true;
        match inner {
            Value::Array(list) => found.extend(list.iter().map(|object| record(one, object))),
            object => found.push(record(one, &object)),
        }
    }
    known.then_some(found)
}

fn record(name: &str, object: &Value) -> Record {
    match object {
        Value::Object(members) => Ok(filled(name, members)),
        _ => Err(Fault::new(name, Rule::Unreadable, "it is not an object")),
    }
}

fn filled(name: &str, members: &Map<String, Value>) -> Node {
    let mut node = Node::named(name);
    for (member, value) in members {
        match (member.as_str(), value) {
            ("$" | "#text" | "value", Value::String(text)) => node.text.clone_from(text),
            (member, Value::Array(list)) => node.children.extend(list.iter().map(|one| child(member, one))),
            (member, value) => node.children.push(child(member, value)),
        }
    }
    node
}

fn child(name: &str, value: &Value) -> Node {
    let mut node = Node::named(name);
    match value {
        Value::Object(members) => return filled(name, members),
        Value::String(text) => node.text.clone_from(text),
        Value::Bool(_) | Value::Number(_) => node.text = value.to_string(),
        Value::Null | Value::Array(_) => {}
    }
    node
}
