//! Rules as a district writes them in TOML, and the built-in ones.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Version;
use super::vocabulary::{event_type, is_action};
use crate::event::rules_file::{self, Mark, Resource, RulesError, Test};

/// The built-in rules.
const BUILT_IN: &str = include_str!("rules.toml");
/// Rules, the district's own first, and what its things are.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Skills by the IRI of an item, of what it is part of, or of a learning objective.
    pub(super) skills: BTreeMap<String, Vec<u16>>,
    /// Items by their IRI.
    pub(super) items: BTreeMap<String, u32>,
    /// Tests by their IRI.
    pub(super) tests: BTreeMap<String, Test>,
    /// Right answers by the item's IRI: all of them, in any order.
    pub(super) answers: BTreeMap<String, Vec<String>>,
    /// Resources by the tool's IRI.
    pub(super) resources: BTreeMap<String, Resource>,
    /// Where a person's own description has the district's identifier.
    pub(super) student: Vec<String>,
}

/// What a rule makes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Becomes {
    Response,
    Session,
    Assessment,
    Attendance,
    ResourceUse,
    Nothing,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    events: Vec<String>,
    /// Only with these actions; none names all.
    #[serde(default)]
    actions: Vec<String>,
    /// Only for things that `[tests]` names.
    #[serde(default)]
    pub(super) tests: bool,
    /// Only for items that `[answers]` names.
    #[serde(default)]
    pub(super) answers: bool,
    /// Only for tools that `[resources]` names.
    #[serde(default)]
    pub(super) resources: bool,
    /// Only for events that say how long it took.
    #[serde(default)]
    pub(super) timed: bool,
    /// The kind.
    pub(super) becomes: Becomes,
    /// The mark of an attendance.
    #[serde(default)]
    pub(super) mark: Option<Mark>,
    /// The share of a graded item's points from which it counts as correct, above 0 to 1; all of them where it is not said.
    #[serde(default)]
    pub(super) correct_from: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
    #[serde(default)]
    skills: BTreeMap<String, Vec<u16>>,
    #[serde(default)]
    items: BTreeMap<String, u32>,
    #[serde(default)]
    tests: BTreeMap<String, Test>,
    #[serde(default)]
    answers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    resources: BTreeMap<String, Resource>,
    #[serde(default)]
    student: Vec<String>,
}

impl Rule {
    pub(super) fn is_for(&self, event: &str, action: &str) -> bool {
        let named = self.event.as_deref() == Some(event) || self.events.iter().any(|own| own == event);
        named && (self.actions.is_empty() || self.actions.iter().any(|own| own == action))
    }

    fn check(&self) -> Result<(), String> {
        let known = |event: &str| {
            event_type(event, Version::V1p1).is_some() || event_type(event, Version::V1p2).is_some()
        };
        let mut named = self.event.iter().chain(&self.events).peekable();
        if named.peek().is_none() {
            return Err("it needs event or events".into());
        }
        if let Some(other) = named.find(|event| !known(event)) {
            return Err(format!("{other} is not an event of the standard"));
        }
        if let Some(other) = self.actions.iter().find(|action| !is_action(action, Version::V1p2)) {
            return Err(format!("{other} is not an action of the standard"));
        }
        if (self.becomes == Becomes::Attendance) != self.mark.is_some() {
            return Err("mark is for attendance, which needs it".into());
        }
        match self.correct_from {
            Some(_) if self.becomes != Becomes::Response => Err("correct_from is for a response".into()),
            Some(share) if !(share > 0.0 && share <= 1.0) => {
                Err("correct_from is above 0 and at most 1".into())
            }
            _ => Ok(()),
        }
    }
}

impl Rules {
    /// The built-in rules alone.
    ///
    /// # Errors
    /// Never for the rules of this program, which a test reads.
    pub fn built_in() -> Result<Self, RulesError> {
        Self::with("")
    }

    /// A district's own rules before the built-in ones.
    ///
    /// # Errors
    /// [`RulesError`].
    pub fn with(own: &str) -> Result<Self, RulesError> {
        let (own, built_in): (File, File) = rules_file::read(own, BUILT_IN)?;
        let rules: Vec<Rule> = own.rules.into_iter().chain(built_in.rules).collect();
        rules_file::check_each(&rules, Rule::check)?;
        let File { skills, items, tests, answers, resources, student, .. } = own;
        Ok(Self { rules, skills, items, tests, answers, resources, student })
    }

    pub(super) fn first(&self, fits: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        self.rules.iter().find(|rule| fits(rule))
    }
}
