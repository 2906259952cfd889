//! What a statement is found by. Terms are texts; a store keeps only keys of them ([`crate::store::Store::key`]).
//!
//! Whoever is actor or object stands under [`Term::Agent`] alone, and so does an activity under [`Term::Activity`]: who asks for
//! one anywhere in a statement asks for both terms ([`Term::ways`]). Statements of earlier versions of this store stand under both.

use std::collections::BTreeMap;

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
    /// The identifier of its verb.
    Verb(String),
    /// The registration in its context, a UUID.
    Registration(String),
    /// An agent or a group that is its actor or object, or a member of one.
    Agent(String),
    /// An agent elsewhere in it; asked for, anywhere in it.
    AnyAgent(String),
    /// The activity that is its object.
    Activity(String),
    /// An activity elsewhere in it; asked for, anywhere in it.
    AnyActivity(String),
    /// The client that sent it.
    Client(String),
    /// The school's replica that has it too: it brought it, or the same.
    Replica(String),
}

impl Term {
    /// True for what statements that refer to this one are found by as well.
    pub fn is_handed_down(&self) -> bool {
        !matches!(self, Self::Id(_) | Self::Refers(_) | Self::Voids(_) | Self::Client(_) | Self::Replica(_))
    }

    /// The terms of which one is enough when this one is asked for.
    pub fn ways(&self) -> Vec<Self> {
        let narrower = match self {
            Self::AnyAgent(text) => Some(Self::Agent(text.clone())),
            Self::AnyActivity(text) => Some(Self::Activity(text.clone())),
            _ => None,
        };
        std::iter::once(self.clone()).chain(narrower).collect()
    }

    /// The same one, elsewhere in a statement than where it acts or is acted on.
    fn elsewhere(self) -> Self {
        match self {
            Self::Agent(text) => Self::AnyAgent(text),
            Self::Activity(text) => Self::AnyActivity(text),
            other => other,
        }
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
            Self::Replica(text) => (10, text),
        }
    }
}

/// The home page and the name of an account's [`identifier`]; none of another kind.
pub fn account_of(identifier: &str) -> Option<(&str, &str)> {
    identifier.strip_prefix("account ")?.split_once(' ')
}

/// An agent's or an identified group's identifier as one text; none for an anonymous group.
pub fn identifier(actor: &Json) -> Option<String> {
    let named = |kind: &str, text: &str| [kind, text].concat();
    if let Some(account) = actor.get("account") {
        // A space cannot stand in an IRI, so that no two accounts are one text.
        return Some(["account ", account.text_of("homePage")?, " ", account.text_of("name")?].concat());
    }
    if let Some(mbox) = actor.text_of("mbox") {
        return Some(named("mbox ", mbox));
    }
    if let Some(sum) = actor.text_of("mbox_sha1sum") {
        return Some(named("mbox_sha1sum ", &sum.to_ascii_lowercase()));
    }
    actor.text_of("openid").map(|openid| named("openid ", openid))
}

/// The statement that this one refers to by its object.
pub fn target_of(statement: &Json) -> Option<String> {
    let object = statement.get("object")?;
    let is_reference = object.text_of("objectType") == Some("StatementRef");
    object.text_of("id").filter(|_| is_reference).map(super::id_of)
}

/// Every term of a statement that has its identifier, each once.
pub fn terms_of(statement: &Json) -> Vec<Term> {
    let mut found = Vec::with_capacity(10);
    found.extend(statement.text_of("id").map(|id| Term::Id(super::id_of(id))));
    if let Some(target) = target_of(statement) {
        if is_voiding(statement) {
            found.push(Term::Voids(target.clone()));
        }
        found.push(Term::Refers(target));
    }
    found.extend(statement.get("verb").and_then(|v| v.text_of("id")).map(|verb| Term::Verb(verb.to_owned())));
    let registration = statement.get("context").and_then(|context| context.text_of("registration"));
    found.extend(registration.map(|text| Term::Registration(super::id_of(text))));
    direct(statement, &mut |actor| add(&mut found, identifier(actor).map(Term::Agent)));
    if let Some(object) = statement.get("object").filter(|object| is_activity(object)) {
        found.extend(object.text_of("id").map(|id| Term::Activity(id.to_owned())));
    }
    let mut elsewhere = |actor: &Json| {
        let term = identifier(actor).map(Term::Agent).filter(|term| !found.contains(term));
        add(&mut found, term.map(Term::elsewhere));
    };
    related(statement, &mut elsewhere);
    actors(statement.get("authority"), &mut elsewhere);
    activities(statement, &mut |activity| {
        let term = activity.text_of("id").map(|id| Term::Activity(id.to_owned()));
        let term = term.filter(|term| !found.contains(term));
        add(&mut found, term.map(Term::elsewhere));
    });
    found
}

/// Adds a term that is not there.
fn add(found: &mut Vec<Term>, term: Option<Term>) {
    found.extend(term.filter(|term| !found.contains(term)));
}

/// The identifiers of everybody whom a statement names, each once; who vouches for it apart.
pub fn people_of(statement: &Json) -> Vec<String> {
    let mut found: Vec<String> = Vec::with_capacity(2);
    let mut take = |actor: &Json| {
        let new = identifier(actor).filter(|own| !found.contains(own));
        found.extend(new);
    };
    direct(statement, &mut take);
    related(statement, &mut take);
    found
}

/// The definitions of activities that a statement gives; of an activity that stands in it twice, the last.
pub fn definitions_of(statement: &Json) -> BTreeMap<String, Json> {
    let mut found = BTreeMap::new();
    activities(statement, &mut |activity| {
        if let (Some(id), Some(definition)) = (activity.text_of("id"), activity.get("definition")) {
            found.insert(id.to_owned(), definition.clone());
        }
    });
    found
}

/// Every activity that a statement names.
fn activities<'a>(statement: &'a Json, with: &mut impl FnMut(&'a Json)) {
    let inner = statement.get("object").filter(|o| o.text_of("objectType") == Some("SubStatement"));
    for one in [Some(statement), inner].into_iter().flatten() {
        if let Some(object) = one.get("object").filter(|object| is_activity(object)) {
            with(object);
        }
        let lists = one.get("context").and_then(|context| context.get("contextActivities"));
        for (_, list) in lists.and_then(Json::as_object).into_iter().flat_map(|lists| lists.iter()) {
            match list {
                Json::Array(items) => items.iter().for_each(&mut *with),
                single => with(single),
            }
        }
    }
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

/// Actor and object.
fn direct<'a>(statement: &'a Json, with: &mut impl FnMut(&'a Json)) {
    for key in ["actor", "object"] {
        actors(statement.get(key), with);
    }
}

/// Everybody else: those of the context, and those of a statement inside.
fn related<'a>(statement: &'a Json, with: &mut impl FnMut(&'a Json)) {
    if let Some(context) = statement.get("context") {
        for key in ["instructor", "team"] {
            actors(context.get(key), with);
        }
        for (list, key) in [("contextAgents", "agent"), ("contextGroups", "group")] {
            for item in context.get(list).and_then(Json::as_array).into_iter().flatten() {
                actors(item.get(key), with);
            }
        }
    }
    if let Some(inner) = statement.get("object").filter(|o| o.text_of("objectType") == Some("SubStatement")) {
        direct(inner, with);
        related(inner, with);
    }
}
