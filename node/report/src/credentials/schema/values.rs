//! Walks a value along the table of classes.

use serde_json::Value;

use super::classes::{Class, Field, Form};
use crate::credentials::json::has_type;
use crate::credentials::time::Moment;

/// Checks an object against a class.
pub fn object(value: &Value, class: &Class, at: &str, complaints: &mut Vec<String>) {
    let Some(map) = value.as_object() else {
        return complaints.push(format!("{at} is not an object"));
    };
    if let Some(name) = class.type_name
        && !has_type(value, name)
    {
        complaints.push(format!("{at}/type does not name {name}"));
    }
    if map.get("type").is_some_and(|types| !is_types(types)) {
        complaints.push(format!("{at}/type is neither a string nor a list of strings"));
    }
    for field in class.fields {
        check_field(map.get(field.name), field, at, complaints);
    }
    if !class.one_of.is_empty() && !class.one_of.iter().any(|name| map.get(*name).is_some_and(is_something)) {
        complaints.push(format!("{at} has none of {}", class.one_of.join(", ")));
    }
}

fn is_types(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Array(list) => !list.is_empty() && list.iter().all(Value::is_string),
        _ => false,
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    }
}

fn check_field(value: Option<&Value>, field: &Field, at: &str, complaints: &mut Vec<String>) {
    let here = format!("{at}/{}", field.name);
    match value {
        None | Some(Value::Null) if field.required => complaints.push(format!("{here} is missing")),
        None => {}
        Some(Value::Null) => complaints.push(format!("{here} is null")),
        Some(Value::Array(list)) if field.many => {
            if list.is_empty() && field.required {
                complaints.push(format!("{here} is empty"));
            }
            for (i, one) in list.iter().enumerate() {
                form(one, &field.form, &format!("{here}/{i}"), complaints);
            }
        }
        Some(one) => form(one, &field.form, &here, complaints),
    }
}

fn form(value: &Value, wanted: &Form, here: &str, complaints: &mut Vec<String>) {
    let text = value.as_str();
    let (good, what) = match wanted {
        Form::Text => (is_text(value), "a text"),
        Form::Uri => (text.is_some_and(is_uri), "a URI"),
        Form::Moment => {
            (text.is_some_and(|text| Moment::parse(text).is_some()), "a date and time with a zone")
        }
        Form::Date => (text.is_some_and(is_date), "a date"),
        Form::Boolean => (value.is_boolean(), "true or false"),
        Form::Number => (value.is_number(), "a number"),
        Form::Index => (is_index(value), "a whole number from 0"),
        Form::Email => (
            text.is_some_and(|text| {
                text.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
            }),
            "an address",
        ),
        Form::OneOf(words) => (text.is_some_and(|text| words.contains(&text)), "one of its words"),
        Form::Word(words) => (
            text.is_some_and(|text| words.contains(&text) || text.starts_with("ext:")),
            "one of its words, or ext:…",
        ),
        Form::Object(class) => return object(value, class, here, complaints),
        Form::Reference(class) => match value {
            Value::String(id) => (is_uri(id), "a URI or an object"),
            other => return object(other, class, here, complaints),
        },
    };
    if !good {
        complaints.push(format!("{here} is not {what}"));
    }
}

/// A string, a value with its language, or a list of those (VC Data Model 2.0, 11.1).
fn is_text(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Object(map) => map.get("@value").is_some_and(Value::is_string),
        Value::Array(list) => list.iter().all(|one| !one.is_array() && is_text(one)),
        _ => false,
    }
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut bytes = scheme.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !rest.is_empty()
        && !rest.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_date(text: &str) -> bool {
    Moment::parse(&format!("{text}T00:00:00Z")).is_some() || Moment::parse(text).is_some()
}

/// An index of a list: a number, or its digits, as issuers write both.
fn is_index(value: &Value) -> bool {
    value.as_u64().is_some() || value.as_str().is_some_and(|text| text.parse::<u64>().is_ok())
}
