//! `filter`: conditions on fields, joined by AND and OR.
//!
//! `field predicate 'value'`, with the predicates `=`, `!=`, `>`, `>=`, `<`, `<=` and `~` (contains). AND binds before OR; a quote
//! within a value is written twice. Fields are those of the standard's types, parts of one behind a dot (`primaryOrg.sourcedId`); what
//! a type does not have is refused. Moments compare as moments, numbers as numbers, all else as text whatever the case. Of a list,
//! one element is enough; `=` also takes the whole list, its elements joined by commas in any order. A field that an object lacks
//! meets `!=` alone.
//!
//! Whom a filter lets through is told by the count of an answer alone, so a filter on what is in somebody's record is a reading of it,
//! whatever page was asked for: [`Filter::tells_of`].

use std::cmp::Ordering;
use std::collections::BTreeSet;

use aula_ingest::date::moment_ms;
use serde_json::Value;

use super::schema::{Kind, Type};

/// Most bytes of a filter.
const MAX_BYTES: usize = 4_096;
/// Most conditions of one.
const MAX_CONDITIONS: usize = 16;

/// Why a filter is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Not of the language.
    #[error("the filter is not FIELD PREDICATE 'VALUE', joined by AND or OR: {0}")]
    Malformed(&'static str),
    /// No such field.
    #[error("the filter names {0:?}, which is not a field of this type")]
    Field(String),
    /// Not a value of its field.
    #[error("the filter's value for {0:?} is not {1}")]
    Value(String, &'static str),
    /// More than 4,096 bytes or 16 conditions.
    #[error("a filter has at most 4096 bytes and 16 conditions")]
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Predicate {
    Is,
    IsNot,
    After,
    From,
    Before,
    Until,
    Contains,
}

const PREDICATES: [(&str, Predicate); 7] = [
    ("!=", Predicate::IsNot),
    (">=", Predicate::From),
    ("<=", Predicate::Until),
    ("=", Predicate::Is),
    (">", Predicate::After),
    ("<", Predicate::Before),
    ("~", Predicate::Contains),
];

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    path: Vec<String>,
    kind: Kind,
    predicate: Predicate,
    value: String,
}

/// Alternatives, each of conditions that hold together.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Vec<Vec<Condition>>);

impl Filter {
    /// Reads a filter for a type.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn parse(text: &str, of: Type) -> Result<Self, FilterError> {
        if text.len() > MAX_BYTES {
            return Err(FilterError::TooLong);
        }
        let (mut rest, mut alternatives, mut count) = (text.trim(), vec![Vec::new()], 0);
        loop {
            let (condition, behind) = condition(rest, of)?;
            count += 1;
            if count > MAX_CONDITIONS {
                return Err(FilterError::TooLong);
            }
            if let Some(last) = alternatives.last_mut() {
                last.push(condition);
            }
            let trimmed = behind.trim_start();
            if trimmed.is_empty() {
                return Ok(Self(alternatives));
            }
            let (word, next) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
            match word.to_ascii_uppercase().as_str() {
                _ if trimmed.len() == behind.len() => {
                    return Err(FilterError::Malformed("a space is missing behind a value"));
                }
                "AND" => {}
                "OR" => alternatives.push(Vec::new()),
                _ => return Err(FilterError::Malformed("AND or OR is missing between conditions")),
            }
            rest = next.trim_start();
        }
    }

    /// Whether an answer to it tells something of an object that need not be on the page: the object meets conditions on more than
    /// [`OPEN`] fields. Of a negated one not meeting it tells as much, and where an alternative names whom it is about, any outcome does;
    /// such conditions count as met. A moment of change is open to whoever asks what changed since, as every delta does: asked for
    /// otherwise, or of somebody by name, it is what stands in a record.
    pub fn tells_of(&self, object: &Value) -> bool {
        self.0.iter().any(|all| {
            let named = all.iter().any(Condition::names_somebody);
            let open = |one: &Condition| one.is_open() || one.is_since() && !named;
            !all.iter().all(open)
                && all.iter().all(|one| {
                    let asks = !open(one) && !one.names_somebody();
                    asks && (named || one.predicate == Predicate::IsNot) || one.meets(object)
                })
        })
    }

    /// Whether an object meets it.
    pub fn meets(&self, object: &Value) -> bool {
        self.0.iter().any(|all| all.iter().all(|condition| condition.meets(object)))
    }
}

/// Fields that say nothing of a person beyond that there is one: its identifier, whether it is so, in which role.
const OPEN: [&[&str]; 4] = [&["sourcedId"], &["status"], &["role"], &["roles", "role"]];
/// When an object was changed.
const CHANGED: [&str; 1] = ["dateLastModified"];
/// Fields that name a person.
const NAMES: [&[&str]; 6] = [
    &["sourcedId"],
    &["identifier"],
    &["username"],
    &["userMasterIdentifier"],
    &["user", "sourcedId"],
    &["student", "sourcedId"],
];

fn condition(text: &str, of: Type) -> Result<(Condition, &str), FilterError> {
    let ends = |c: char| c.is_whitespace() || "=!<>~'".contains(c);
    let at = text.find(ends).ok_or(FilterError::Malformed("a predicate is missing"))?;
    let (name, rest) = text.split_at(at);
    if name.is_empty() {
        return Err(FilterError::Malformed("a field is missing"));
    }
    let path: Vec<String> = name.split('.').map(str::to_owned).collect();
    let kind = of.kind(&path).ok_or_else(|| FilterError::Field(name.to_owned()))?;
    let rest = rest.trim_start();
    let found = PREDICATES.into_iter().find_map(|(word, is)| Some((is, rest.strip_prefix(word)?)));
    let (predicate, rest) =
        found.ok_or(FilterError::Malformed("the predicate is not one of = != > >= < <= ~"))?;
    let quoted = rest.trim_start().strip_prefix('\'');
    let mut rest = quoted.ok_or(FilterError::Malformed("a value stands in single quotes"))?;
    let mut value = String::new();
    loop {
        let (part, behind) =
            rest.split_once('\'').ok_or(FilterError::Malformed("a value has no closing quote"))?;
        value.push_str(part);
        match behind.strip_prefix('\'') {
            Some(behind) => {
                value.push('\'');
                rest = behind;
            }
            None => {
                rest = behind;
                break;
            }
        }
    }
    let wrong = |what| Err(FilterError::Value(name.to_owned(), what));
    match kind {
        Kind::Moment if predicate != Predicate::Contains && moment_ms(&value).is_none() => {
            return wrong("a moment such as 2026-03-02T09:30:00Z");
        }
        Kind::Number if predicate != Predicate::Contains && number(&value).is_none() => {
            return wrong("a number");
        }
        _ => {}
    }
    Ok((Condition { path, kind, predicate, value }, rest))
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

impl Condition {
    fn is_open(&self) -> bool {
        OPEN.iter().any(|open| self.path == *open)
    }

    /// Whether it asks what changed since a moment.
    fn is_since(&self) -> bool {
        self.path == CHANGED && matches!(self.predicate, Predicate::After | Predicate::From)
    }

    fn names_somebody(&self) -> bool {
        self.predicate != Predicate::IsNot && NAMES.iter().any(|name| self.path == *name)
    }

    fn meets(&self, object: &Value) -> bool {
        let mut found = Vec::new();
        values(object, &self.path, &mut found);
        match self.predicate {
            Predicate::IsNot => !self.is(&found),
            Predicate::Is => self.is(&found),
            Predicate::Contains => {
                let wanted = self.value.to_lowercase();
                found.iter().any(|text| text.to_lowercase().contains(&wanted))
            }
            Predicate::After => self.any(&found, |order| order == Ordering::Greater),
            Predicate::From => self.any(&found, |order| order != Ordering::Less),
            Predicate::Before => self.any(&found, |order| order == Ordering::Less),
            Predicate::Until => self.any(&found, |order| order != Ordering::Greater),
        }
    }

    fn is(&self, found: &[String]) -> bool {
        self.any(found, |order| order == Ordering::Equal) || found.len() > 1 && self.is_whole(found)
    }

    /// The whole list, whatever its order.
    fn is_whole(&self, found: &[String]) -> bool {
        let wanted: BTreeSet<String> = self.value.split(',').map(|one| one.trim().to_lowercase()).collect();
        found.iter().map(|one| one.to_lowercase()).collect::<BTreeSet<_>>() == wanted
    }

    fn any(&self, found: &[String], is: impl Fn(Ordering) -> bool) -> bool {
        found.iter().any(|text| self.compare(text).is_some_and(&is))
    }

    fn compare(&self, text: &str) -> Option<Ordering> {
        match self.kind {
            Kind::Moment => Some(moment_ms(text)?.cmp(&moment_ms(&self.value)?)),
            Kind::Number => number(text)?.partial_cmp(&number(&self.value)?),
            _ => Some(text.to_lowercase().cmp(&self.value.to_lowercase())),
        }
    }
}

/// The texts at a path; lists on the way count by their elements.
pub(super) fn values(value: &Value, path: &[String], found: &mut Vec<String>) {
    match (value, path.split_first()) {
        (Value::Array(list), _) => list.iter().for_each(|one| values(one, path, found)),
        (Value::Object(object), Some((name, rest))) => {
            if let Some(inner) = object.get(name) {
                values(inner, rest, found);
            }
        }
        (Value::String(text), None) => found.push(text.clone()),
        (Value::Bool(_) | Value::Number(_), None) => found.push(value.to_string()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user() -> Value {
        json!({
            "sourcedId": "S-17", "status": "active", "dateLastModified": "2026-03-02T09:30:00.250Z", "givenName": "Zoë",
            "familyName": "O'Hara", "enabledUser": "true", "grades": ["04", "05"], "primaryOrg": { "sourcedId": "o-1", "type": "org" },
            "roles": [{ "role": "student", "org": { "sourcedId": "o-1" } }, { "role": "aide", "org": { "sourcedId": "o-2" } }],
        })
    }

    #[test]
    fn each_predicate_and_both_joints_mean_what_the_standard_says() -> Result<(), FilterError> {
        for (filter, meets) in [
            ("familyName='o''hara'", true),
            ("familyName != 'O''Hara'", false),
            ("familyName='O'", false),
            ("familyName~'HAR'", true),
            ("givenName>'Zo'", true),
            ("givenName<'Zo'", false),
            ("sourcedId>='S-17' AND sourcedId<='S-17'", true),
            ("dateLastModified>'2026-03-02'", true),
            ("dateLastModified>'2026-03-02T09:30:00.250Z'", false),
            ("dateLastModified>='2026-03-02T10:30:00.250+01:00'", true),
            ("dateLastModified<'2026-03-02T09:30:00.251Z'", true),
            ("grades='05'", true),
            ("grades='05,04'", true),
            ("grades='05,06'", false),
            ("grades!='06'", true),
            ("grades!='05'", false),
            ("grades~'0'", true),
            ("roles.role='aide'", true),
            ("roles.org.sourcedId='o-3'", false),
            ("primaryOrg.sourcedId='o-1'", true),
            ("email='a@b.c'", false),
            ("email!='a@b.c'", true),
            ("metadata.colour='blue'", false),
            ("familyName='x' OR givenName='zoë'", true),
            ("familyName='x' or givenName='y' or sourcedId='s-17'", true),
            // AND binds before OR.
            ("familyName='x' AND sourcedId='y' OR grades='04'", true),
            ("grades='04' OR familyName='x' AND sourcedId='y'", true),
            ("givenName='' AND grades='04'", false),
            ("givenName = 'AND OR' OR sourcedId = 'S-17'", true),
        ] {
            assert_eq!(Filter::parse(filter, Type::User)?.meets(&user()), meets, "{filter}");
        }
        let result = json!({ "score": 9.5, "scoreDate": "2026-02-01" });
        for (filter, meets) in [
            ("score>'10'", false),
            ("score>'9'", true),
            ("score='9.50'", true),
            ("scoreDate>='2026-02-01'", true),
            ("scoreDate<'2026-01-31'", false),
        ] {
            assert_eq!(Filter::parse(filter, Type::AssessmentResult)?.meets(&result), meets, "{filter}");
        }
        Ok(())
    }

    #[test]
    fn attack_who_is_singled_out_by_what_stands_in_a_record_is_told_of() -> Result<(), FilterError> {
        for (filter, tells) in [
            // What nobody's record is asked for.
            ("sourcedId='S-17'", false),
            ("status='active' AND dateLastModified>'2026-03-01' AND roles.role='student'", false),
            ("sourcedId='S-17' OR status='active'", false),
            // A moment of change is in the record for whoever does not merely ask what is new.
            ("dateLastModified>='2026-03-02T09:30:00.250Z'", false),
            ("dateLastModified='2026-03-02T09:30:00.250Z'", true),
            ("dateLastModified='2026-03-02T09:30:00.251Z'", false),
            ("dateLastModified!='2026-03-02T09:30:00.251Z'", true),
            (
                "dateLastModified>='2026-03-02T09:30:00.250Z' AND dateLastModified<='2026-03-02T09:30:00.250Z'",
                true,
            ),
            ("dateLastModified<'2026-03-03'", true),
            ("dateLastModified~'09:30'", true),
            ("sourcedId='S-17' AND dateLastModified>'2026-03-03'", true),
            ("sourcedId='S-18' AND dateLastModified>'2026-03-01'", false),
            // Whoever meets it, and nobody else of the whole roster.
            ("familyName='o''hara'", true),
            ("familyName='jones'", false),
            ("primaryOrg.sourcedId='o-1' AND status='active'", true),
            ("primaryOrg.sourcedId='o-1' AND status='tobedeleted'", false),
            ("sourcedId='S-18' OR grades='04'", true),
            // By not meeting it, too.
            ("familyName!='O''Hara'", true),
            ("roles.role='student' AND givenName='Zoë' AND grades!='04'", true),
            ("roles.role='teacher' AND grades!='04'", false),
            ("sourcedId='S-17' AND familyName='Jones'", true),
            ("sourcedId='S-17' AND familyName<'A'", true),
            ("sourcedId='S-18' AND familyName='O''Hara'", false),
            ("identifier='S-18' AND familyName='O''Hara'", false),
            ("sourcedId!='S-18' AND familyName='Jones'", false),
        ] {
            assert_eq!(Filter::parse(filter, Type::User)?.tells_of(&user()), tells, "{filter}");
        }
        Ok(())
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let malformed = [
            "",
            "familyName",
            "familyName=",
            "familyName=Jones",
            "='x'",
            "familyName='x",
            "familyName='x''",
            "familyName LIKE 'x'",
            "familyName='x' givenName='y'",
            "familyName='x'AND givenName='y'",
            "familyName='x' AND",
            "familyName='x' XOR givenName='y'",
            "(familyName='x')",
            "'x'=familyName",
            "familyName='x' AND AND givenName='y'",
        ];
        for filter in malformed {
            assert!(Filter::parse(filter, Type::User).is_err(), "{filter}");
        }
        for (filter, of) in [
            ("colour='x'", Type::User),
            ("title='x'", Type::User),
            ("role='student'", Type::User),
            ("familyname='x'", Type::User),
            ("primaryOrg.name='x'", Type::User),
            ("familyName.x='x'", Type::User),
            ("familyName='x'", Type::Org),
            ("birthDate='x'", Type::User),
        ] {
            assert!(matches!(Filter::parse(filter, of), Err(FilterError::Field(_))), "{filter}");
        }
        for (filter, of) in [
            ("dateLastModified>'yesterday'", Type::Org),
            ("score>'many'", Type::AssessmentResult),
            ("score>'inf'", Type::AssessmentResult),
        ] {
            assert!(matches!(Filter::parse(filter, of), Err(FilterError::Value(..))), "{filter}");
        }
        let many = vec!["givenName='x'"; MAX_CONDITIONS + 1].join(" OR ");
        assert_eq!(Filter::parse(&many, Type::User), Err(FilterError::TooLong));
        let long = format!("givenName='{}'", "x".repeat(MAX_BYTES));
        assert_eq!(Filter::parse(&long, Type::User), Err(FilterError::TooLong));
    }
}
