//! Rules as a district writes them in TOML, and the built-in ones.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The built-in rules.
const BUILT_IN: &str = include_str!("rules.toml");
/// Most bytes of a file of rules.
const MAX_RULES_BYTES: usize = 1 << 20;

/// Why rules are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Not TOML, or a key that is not known.
    #[error("the rules are refused: {0}")]
    Toml(String),
    /// A rule that cannot be one.
    #[error("rule {0} is refused: {1}")]
    Rule(usize, &'static str),
    /// Too large.
    #[error("the rules have more than a megabyte")]
    TooLarge,
}

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

/// A mark of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::event) enum Mark {
    Present,
    Late,
    Absent,
    Excused,
}

/// A rule.
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

/// A test.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::event) struct Test {
    /// The subject as a skill.
    pub(in crate::event) skill: u16,
    /// The grade, 0 = kindergarten.
    pub(in crate::event) grade: u8,
}

/// A resource.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::event) struct Resource {
    /// Its number.
    pub(in crate::event) resource: u32,
    /// How long it was there to be used, minutes.
    pub(in crate::event) available_minutes: u16,
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

    fn check(&self, number: usize) -> Result<(), RulesError> {
        if self.verb.is_none() && self.verbs.is_empty() {
            return Err(RulesError::Rule(number, "it needs verb or verbs"));
        }
        if (self.becomes == Becomes::Attendance) != self.mark.is_some() {
            return Err(RulesError::Rule(number, "mark is for attendance, which needs it"));
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
        if own.len() > MAX_RULES_BYTES {
            return Err(RulesError::TooLarge);
        }
        let parse = |text| toml::from_str::<File>(text).map_err(|error| RulesError::Toml(error.to_string()));
        let (own, built_in) = (parse(own)?, parse(BUILT_IN)?);
        let rules: Vec<Rule> = own.rules.into_iter().chain(built_in.rules).collect();
        rules.iter().enumerate().try_for_each(|(at, rule)| rule.check(at + 1))?;
        Ok(Self { rules, skills: own.skills, items: own.items, tests: own.tests, resources: own.resources })
    }

    pub(super) fn first(&self, fits: impl Fn(&Rule) -> bool) -> Option<&Rule> {
        self.rules.iter().find(|rule| fits(rule))
    }
}
