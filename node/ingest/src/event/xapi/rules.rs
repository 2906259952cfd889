//! Rules as a district writes them in TOML, and the built-in ones.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::event::rules_file::{self, Mark, Resource, RulesError, Test};

/// The built-in rules.
const BUILT_IN: &str = include_str!("rules.toml");
/// Rules, the district's own first, and what its activities are.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Skills by the IRI of an activity: the object, or one that its context names.
    pub(super) skills: BTreeMap<String, Vec<u16>>,
    /// Items by the object's IRI.
    pub(super) items: BTreeMap<String, u32>,
    /// Tests by the object's IRI.
    pub(super) tests: BTreeMap<String, Test>,
    /// Resources by the object's IRI.
    pub(super) resources: BTreeMap<String, Resource>,
}

/// What a rule makes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Becomes {
    Response,
    Session,
    Assessment,
    Attendance,
    ResourceUse,
    Deletion,
    Nothing,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// The verb's IRI.
    #[serde(default)]
    verb: Option<String>,
    /// Or several.
    #[serde(default)]
    verbs: Vec<String>,
    /// Only for objects of this type.
    #[serde(default)]
    pub(super) r#type: Option<String>,
    /// Only for objects that `[tests]` names.
    #[serde(default)]
    pub(super) tests: bool,
    /// Only for statements that say how long it took.
    #[serde(default)]
    pub(super) timed: bool,
    /// The kind.
    pub(super) becomes: Becomes,
    /// The mark of an attendance.
    #[serde(default)]
    pub(super) mark: Option<Mark>,
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
    resources: BTreeMap<String, Resource>,
}

impl Rule {
    pub(super) fn is_for(&self, verb: &str) -> bool {
        self.verb.as_deref() == Some(verb) || self.verbs.iter().any(|own| own == verb)
    }

    fn check(&self) -> Result<(), String> {
        if self.verb.is_none() && self.verbs.is_empty() {
            return Err("it needs verb or verbs".into());
        }
        if (self.becomes == Becomes::Attendance) != self.mark.is_some() {
            return Err("mark is for attendance, which needs it".into());
        }
        Ok(())
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
        Ok(Self { rules, skills: own.skills, items: own.items, tests: own.tests, resources: own.resources })
    }

    pub(super) fn first(&self, fits: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        self.rules.iter().find(|rule| fits(rule))
    }
}
