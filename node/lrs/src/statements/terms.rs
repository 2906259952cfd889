//! What a statement is found by. Terms are texts; a store keeps only keys of them ([`crate::store::Store::key`]).

use std::collections::{BTreeMap, BTreeSet};

use crate::json::Json;
use crate::validate::is_voiding;

/// One thing that statements are found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// The statement's own identifier.
    Id(String),
    /// A statement that it refers to.
    Refers(String),
    /// A statement that it voids.
    Voids(String),
    /// Its verb.
    Verb(String),
    /// Its registration.
    Registration(String),
    /// An agent or a group that is its actor or object, or a member of one.
    Agent(String),
    /// An agent anywhere in it.
    AnyAgent(String),
    /// The activity that is its object.
    Activity(String),
    /// An activity anywhere in it.
    AnyActivity(String),
    /// The client that sent it.
    Client(String),
}

impl Term {
    /// True for what statements that refer to this one are found by as well.
    pub fn is_handed_down(&self) -> bool {
        !matches!(self, Self::Id(_) | Self::Refers(_) | Self::Voids(_) | Self::Client(_))
    }

    /// A byte for the kind, and the text.
    pub fn parts(&self) -> (u8, &str) {
        match self {
            Self::Id(text) => (0, text),
            Self::Refers(text) => (1, text),
            Self::Voids(text) => (2, text),
            Self::Verb(text) => (3, text),
            Self::Registration(text) => (4, text),
            Self::Agent(text) => (5, text),
            Self::AnyAgent(text) => (6, text),
            Self::Activity(text) => (7, text),
            Self::AnyActivity(text) => (8, text),
            Self::Client(text) => (9, text),
        }
    }
}

/// An agent's or an identified group's identifier as one text; none for an anonymous group.
pub fn identifier(actor: &Json) -> Option<String> {
    if let Some(mbox) = actor.text_of("mbox") {
        return Some(format!("mbox {mbox}"));
    }
    if let Some(sum) = actor.text_of("mbox_sha1sum") {
        return Some(format!("mbox_sha1sum {}", sum.to_ascii_lowercase()));
    }
    if let Some(openid) = actor.text_of("openid") {
        return Some(format!("openid {openid}"));
    }
    let account = actor.get("account")?;
    // A space cannot stand in an IRI, so that no two accounts are one text.
    Some(format!("account {} {}", account.text_of("homePage")?, account.text_of("name")?))
}

/// The statement that this one refers to by its object.
pub fn target_of(statement: &Json) -> Option<String> {
    let object = statement.get("object")?;
    let is_reference = object.text_of("objectType") == Some("StatementRef");
    object.text_of("id").filter(|_| is_reference).map(super::id_of)
}

/// Every term of a statement that has its identifier.
pub fn terms_of(statement: &Json) -> BTreeSet<Term> {
    let mut found = BTreeSet::new();
    found.extend(statement.text_of("id").map(|id| Term::Id(super::id_of(id))));
    if let Some(target) = target_of(statement) {
        if is_voiding(statement) {
            found.insert(Term::Voids(target.clone()));
        }
        found.insert(Term::Refers(target));
    }
    found.extend(statement.get("verb").and_then(|v| v.text_of("id")).map(|verb| Term::Verb(verb.to_owned())));
    let registration = statement.get("context").and_then(|context| context.text_of("registration"));
    found.extend(registration.map(|text| Term::Registration(super::id_of(text))));
    for key in ["actor", "object"] {
        actors(statement.get(key), &mut |actor| found.extend(identifier(actor).map(Term::Agent)));
    }
    if let Some(object) = statement.get("object").filter(|object| is_activity(object)) {
        found.extend(object.text_of("id").map(|id| Term::Activity(id.to_owned())));
    }
    everybody(statement, &mut |actor| found.extend(identifier(actor).map(Term::AnyAgent)));
    for id in activities_of(statement).into_keys() {
        found.insert(Term::AnyActivity(id));
    }
    found
}

/// The identifiers of everybody whom a statement names; who vouches for it apart.
pub fn people_of(statement: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    subjects(statement, &mut |actor| found.extend(identifier(actor)));
    found
}

/// The activities that a statement names, each with the definition it gives.
pub fn activities_of(statement: &Json) -> BTreeMap<String, Option<Json>> {
    let mut found = BTreeMap::new();
    let mut take = |activity: &Json| {
        if let Some(id) = activity.text_of("id") {
            let place = found.entry(id.to_owned()).or_insert(None);
            if let Some(definition) = activity.get("definition") {
                *place = Some(definition.clone());
            }
        }
    };
    let inner = statement.get("object").filter(|o| o.text_of("objectType") == Some("SubStatement"));
    for one in [Some(statement), inner].into_iter().flatten() {
        if let Some(object) = one.get("object").filter(|object| is_activity(object)) {
            take(object);
        }
        let related = one.get("context").and_then(|context| context.get("contextActivities"));
        for (_, list) in related.and_then(Json::as_object).into_iter().flat_map(|related| related.iter()) {
            match list {
                Json::Array(items) => items.iter().for_each(&mut take),
                single => take(single),
            }
        }
    }
    found
}

fn is_activity(object: &Json) -> bool {
    matches!(object.text_of("objectType"), None | Some("Activity"))
}

/// An actor and, of a group, its members. Activities and references are no actors.
fn actors<'a>(value: Option<&'a Json>, with: &mut impl FnMut(&'a Json)) {
    let Some(value) = value else { return };
    if matches!(value.text_of("objectType"), Some("Activity" | "StatementRef" | "SubStatement")) {
        return;
    }
    with(value);
    value.get("member").and_then(Json::as_array).into_iter().flatten().for_each(with);
}

fn everybody<'a>(statement: &'a Json, with: &mut impl FnMut(&'a Json)) {
    subjects(statement, with);
    actors(statement.get("authority"), with);
}

fn subjects<'a>(statement: &'a Json, with: &mut impl FnMut(&'a Json)) {
    for key in ["actor", "object"] {
        actors(statement.get(key), with);
    }
    let Some(context) = statement.get("context") else { return inner(statement, with) };
    for key in ["instructor", "team"] {
        actors(context.get(key), with);
    }
    for (list, key) in [("contextAgents", "agent"), ("contextGroups", "group")] {
        for item in context.get(list).and_then(Json::as_array).into_iter().flatten() {
            actors(item.get(key), with);
        }
    }
    inner(statement, with);
}

fn inner<'a>(statement: &'a Json, with: &mut impl FnMut(&'a Json)) {
    if let Some(inner) = statement.get("object").filter(|o| o.text_of("objectType") == Some("SubStatement")) {
        subjects(inner, with);
    }
}
