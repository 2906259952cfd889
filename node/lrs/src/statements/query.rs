//! What a reader asks for: the parameters of `GET statements`.

use super::format::Format;
use super::terms::{Term, identifier};
use crate::json::{self, Json};
use crate::limits::MAX_PAGE;
use crate::time::Stamp;
use crate::validate::{self, text};

/// Why parameters are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A parameter that this resource does not have.
    #[error("this resource has no parameter {0:?}")]
    Unknown(String),
    /// A parameter twice.
    #[error("the parameter {0:?} stands twice")]
    Twice(String),
    /// A parameter that is missing.
    #[error("the parameter {0} is missing")]
    Missing(&'static str),
    /// A value of the wrong form.
    #[error("the parameter {0} must be {1}")]
    Value(&'static str, &'static str),
    /// An agent that is not valid.
    #[error("the parameter agent: {0}")]
    Agent(String),
    /// Parameters that exclude each other.
    #[error("{0} goes with attachments and format only")]
    Alone(&'static str),
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    Descending,
    /// The oldest first.
    Ascending,
}

/// Which statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// All of these must hold, of the statement or of one that it refers to. The first is the rarest by its kind.
    pub terms: Vec<Term>,
    /// Stored after this, in microseconds since 1970.
    pub after_us: Option<u64>,
    /// Stored at this or before.
    pub until_us: Option<u64>,
    /// Which way.
    pub order: Order,
    /// Most statements on a page.
    pub limit: usize,
    /// Where a page before ended: go on beyond it.
    pub from_us: Option<u64>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// One by its identifier, or all that a filter finds.
    pub which: Which,
    /// How shown.
    pub format: Format,
    /// With the bytes of attachments.
    pub attachments: bool,
}

/// One statement, or those that a filter finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The statement of this identifier, if it is not voided.
    One(String),
    /// The voided statement of this identifier.
    Voided(String),
    /// Those that a filter finds.
    Many(Filter),
}

/// The parameter that `more` links carry: where the page before ended.
pub(crate) const FROM: &str = "from";
const NAMES: [&str; 15] = [
    "statementId",
    "voidedStatementId",
    "agent",
    "verb",
    "activity",
    "registration",
    "related_activities",
    "related_agents",
    "since",
    "until",
    "limit",
    "format",
    "attachments",
    "ascending",
    FROM,
];

impl Query {
    /// Reads the parameters.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn parse(parameters: &[(String, String)]) -> Result<Self, QueryError> {
        let given = Given::new(parameters, &NAMES)?;
        let format = given.checked("format", "exact, ids or canonical", Format::parse)?.unwrap_or_default();
        let attachments = given.flag("attachments")?;
        for (name, of) in [("statementId", Which::One as fn(_) -> _), ("voidedStatementId", Which::Voided)] {
            let Some(id) = given.get(name) else { continue };
            if parameters.iter().any(|(other, _)| ![name, "format", "attachments"].contains(&other.as_str()))
            {
                return Err(QueryError::Alone(name));
            }
            let id = if text::is_uuid(id) {
                super::id_of(id)
            } else {
                return Err(QueryError::Value(name, "a UUID"));
            };
            return Ok(Self { which: of(id), format, attachments });
        }
        Ok(Self { which: Which::Many(filter(&given)?), format, attachments })
    }
}

fn filter(given: &Given<'_>) -> Result<Filter, QueryError> {
    let related = (given.flag("related_agents")?, given.flag("related_activities")?);
    let mut terms = Vec::new();
    if let Some(registration) = given.uuid("registration")? {
        terms.push(Term::Registration(registration));
    }
    if let Some(agent) = given.get("agent") {
        let own = agent_of(agent, validate::actor)?;
        terms.push(if related.0 { Term::AnyAgent(own) } else { Term::Agent(own) });
    }
    if let Some(activity) = given.iri("activity")? {
        terms.push(if related.1 { Term::AnyActivity(activity) } else { Term::Activity(activity) });
    }
    if let Some(verb) = given.iri("verb")? {
        terms.push(Term::Verb(verb));
    }
    let limit = given.number("limit")?.map_or(0, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Filter {
        terms,
        after_us: given.stamp("since")?,
        until_us: given.stamp("until")?,
        order: if given.flag("ascending")? { Order::Ascending } else { Order::Descending },
        limit: if limit == 0 { MAX_PAGE } else { limit.min(MAX_PAGE) },
        from_us: given.number(FROM)?,
    })
}

/// The identifier of an agent that stands as JSON in a parameter.
pub(crate) fn agent_of(text: &str, check: fn(&Json) -> validate::Checked) -> Result<String, QueryError> {
    let agent = json::read(text.as_bytes()).map_err(|error| QueryError::Agent(error.to_string()))?;
    check(&agent).map_err(|refused| QueryError::Agent(refused.to_string()))?;
    identifier(&agent).ok_or_else(|| QueryError::Agent("an anonymous group cannot be asked for".to_owned()))
}

/// Parameters, each known and given once.
pub(crate) struct Given<'a>(&'a [(String, String)]);

impl<'a> Given<'a> {
    pub(crate) fn new(parameters: &'a [(String, String)], names: &[&str]) -> Result<Self, QueryError> {
        for (place, (name, _)) in parameters.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                return Err(QueryError::Unknown(name.clone()));
            }
            if parameters.iter().take(place).any(|(other, _)| other == name) {
                return Err(QueryError::Twice(name.clone()));
            }
        }
        Ok(Self(parameters))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn checked<T>(
        &self,
        name: &'static str,
        what: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, QueryError> {
        self.get(name).map(|text| read(text).ok_or(QueryError::Value(name, what))).transpose()
    }

    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, QueryError> {
        let read = |text| match text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        Ok(self.checked(name, "true or false", read)?.unwrap_or(false))
    }

    pub(crate) fn uuid(&self, name: &'static str) -> Result<Option<String>, QueryError> {
        self.checked(name, "a UUID", |text| text::is_uuid(text).then(|| super::id_of(text)))
    }

    pub(crate) fn iri(&self, name: &'static str) -> Result<Option<String>, QueryError> {
        self.checked(name, "an IRI with a scheme", |text| text::is_iri(text).then(|| text.to_owned()))
    }

    pub(crate) fn stamp(&self, name: &'static str) -> Result<Option<u64>, QueryError> {
        self.checked(name, "a timestamp", |text| Stamp::parse(text).map(Stamp::micros))
    }

    fn number(&self, name: &'static str) -> Result<Option<u64>, QueryError> {
        self.checked(name, "a whole number, zero or more", |text| text.parse().ok())
    }
}
