//! Activities and their definitions, interactions of SCORM included.

use std::collections::BTreeSet;

use super::{
    At, Checked, Refused, each, extensions, iri, is_string, language_map, object, object_type, optional,
    required, string,
};
use crate::json::{Json, Object};

const INTERACTIONS: [&str; 10] = [
    "true-false",
    "choice",
    "fill-in",
    "long-fill-in",
    "matching",
    "performance",
    "sequencing",
    "likert",
    "numeric",
    "other",
];
/// Lists of components, in a definition of an interaction.
const COMPONENTS: [&str; 5] = ["choices", "scale", "source", "target", "steps"];

/// An activity.
///
/// # Errors
/// [`Refused`].
pub fn activity(value: &Json) -> Checked {
    let found = object(value, &["objectType", "id", "definition"])?;
    object_type(found, "Activity")?;
    required(found, "id", iri)?;
    optional(found, "definition", definition)
}

fn definition(value: &Json) -> Checked {
    let keys = [
        "name",
        "description",
        "type",
        "moreInfo",
        "extensions",
        "interactionType",
        "correctResponsesPattern",
        "choices",
        "scale",
        "source",
        "target",
        "steps",
    ];
    let found = object(value, &keys)?;
    optional(found, "name", language_map)?;
    optional(found, "description", language_map)?;
    optional(found, "type", iri)?;
    optional(found, "moreInfo", iri)?;
    optional(found, "extensions", extensions)?;
    interaction(found)
}

fn interaction(found: &Object) -> Checked {
    optional(found, "interactionType", |value| match INTERACTIONS.contains(&string(value)?) {
        true => Ok(()),
        false => Err(Refused::new(format!("must be one of {}", INTERACTIONS.join(", ")))),
    })?;
    optional(found, "correctResponsesPattern", |value| each(value, is_string))?;
    for key in COMPONENTS {
        optional(found, key, components)?;
    }
    let needs = COMPONENTS.iter().chain(&["correctResponsesPattern"]).any(|key| found.get(key).is_some());
    match needs && found.get("interactionType").is_none() {
        true => Err(Refused::new("is missing: responses or components are given")).at("interactionType"),
        false => Ok(()),
    }
}

fn components(value: &Json) -> Checked {
    each(value, |component| {
        let found = object(component, &["id", "description"])?;
        required(found, "id", is_string)?;
        optional(found, "description", language_map)
    })?;
    let mut seen = BTreeSet::new();
    let ids = value.as_array().into_iter().flatten().filter_map(|component| component.text_of("id"));
    match ids.into_iter().find(|id| !seen.insert(*id)) {
        Some(id) => Err(Refused::new(format!("the id {id:?} stands twice"))),
        None => Ok(()),
    }
}
