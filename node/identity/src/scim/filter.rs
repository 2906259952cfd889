//! Filters of RFC 7644, 3.4.2.2, as far as systems that keep users in step ask: `userName eq "x"`, and several joined by `and`.

use serde_json::Value;

use super::Fault;
use super::user::{Attribute, Named, User, without_schema};

/// Most characters of a filter.
const MAX_FILTER: usize = 2_048;

/// Which users are meant: those for whom all of it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(Vec<Term>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    what: What,
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Id,
    Of(Attribute),
}

fn wrong(why: impl std::fmt::Display) -> Fault {
    Fault::bad("invalidFilter", format!("{why}: write ATTRIBUTE eq \"VALUE\", joined by and"))
}

impl Filter {
    /// Reads one.
    ///
    /// # Errors
    /// Another operator, an attribute that is not kept, what is no filter.
    pub fn read(text: &str) -> Result<Self, Fault> {
        if text.chars().count() > MAX_FILTER {
            return Err(wrong("the filter is too long"));
        }
        let (mut terms, mut rest) = (Vec::new(), text.trim());
        loop {
            let (path, after) = word(rest).ok_or_else(|| wrong("an attribute is missing"))?;
            let (operator, after) = word(after).ok_or_else(|| wrong("an operator is missing"))?;
            if !operator.eq_ignore_ascii_case("eq") {
                return Err(wrong(format!("the operator {operator} is not supported")));
            }
            let (value, after) = value(after)?;
            terms.push(Term { what: what(path)?, value });
            rest = after.trim_start();
            if rest.is_empty() {
                return Ok(Self(terms));
            }
            match word(rest) {
                Some((and, after)) if and.eq_ignore_ascii_case("and") => rest = after,
                _ => return Err(wrong("behind a term stands something else than and")),
            }
        }
    }

    /// Whether this user is meant.
    pub fn fits(&self, id: &str, user: &User) -> bool {
        self.0.iter().all(|Term { what, value }| match what {
            What::Id => id == value,
            What::Of(Attribute::Active) => user.is_active().to_string() == *value,
            What::Of(attribute) if attribute.counts_case() => user.values(*attribute).contains(value),
            What::Of(attribute) => {
                user.values(*attribute).iter().any(|one| one.to_lowercase() == value.to_lowercase())
            }
        })
    }

    /// The name that it asks for, where it asks for one alone.
    pub fn user_name(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Term { what: What::Of(Attribute::UserName), value }] => Some(value),
            _ => None,
        }
    }
}

/// The next word, and what stands behind it.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn what(path: &str) -> Result<What, Fault> {
    let name = without_schema(path);
    let (first, sub) = name.split_once('.').map_or((name, None), |(first, sub)| (first, Some(sub)));
    match Attribute::named(first) {
        Named::Own if first.eq_ignore_ascii_case("id") && sub.is_none() => Ok(What::Id),
        Named::Kept(attribute) => match sub {
            None => Ok(What::Of(attribute)),
            Some(sub) if attribute.is_many() && sub.eq_ignore_ascii_case("value") => Ok(What::Of(attribute)),
            Some(_) => Err(wrong(format!("{path} is not kept here"))),
        },
        // Whoever asked would believe that there is nobody.
        _ => Err(wrong(format!("{path} is not kept here"))),
    }
}

/// A value of JSON, and what stands behind it.
fn value(text: &str) -> Result<(String, &str), Fault> {
    let text = text.trim_start();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let read = values.next().and_then(Result::ok);
    let rest = text.get(values.byte_offset()..).unwrap_or_default();
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return Err(wrong("a value ends where another begins"));
    }
    match read {
        Some(Value::String(value)) => Ok((value, rest)),
        Some(Value::Bool(value)) => Ok((value.to_string(), rest)),
        _ => Err(wrong("a value is neither a text nor true or false")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{CORE, ENTERPRISE};
    use super::*;

    #[test]
    fn a_filter_means_whom_it_names() {
        let user = json!({"schemas": [CORE], "userName": "T-1042@East.example", "externalId": "Ab", "roles": ["teacher"],
            ENTERPRISE: {"employeeNumber": "9"}});
        let user = User::read(&user).unwrap();
        for (text, fits) in [
            ("userName eq \"t-1042@east.example\"", true),
            ("USERNAME EQ \"t-1042@east.example\"", true),
            ("  userName   eq   \"t-1042@east.example\"  ", true),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"t-1042@east.example\"", true),
            ("userName eq \"t-1042\"", false),
            ("externalId eq \"Ab\"", true),
            ("externalId eq \"ab\"", false),
            ("id eq \"7\"", true),
            ("id eq \"8\"", false),
            ("active eq true", true),
            ("active eq \"true\" and userName eq \"t-1042@east.example\"", true),
            ("active eq false and userName eq \"t-1042@east.example\"", false),
            ("roles.value eq \"teacher\"", true),
            ("roles eq \"head\"", false),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq \"9\"", true),
            ("userName eq \"a \\\" b and c\"", false),
        ] {
            assert_eq!(Filter::read(text).unwrap().fits("7", &user), fits, "{text}");
        }
        let one = Filter::read("userName eq \"x\"").unwrap();
        assert_eq!((one.user_name(), Filter::read("id eq \"x\"").unwrap().user_name()), (Some("x"), None));
    }

    #[test]
    fn what_is_not_understood_is_refused_and_never_taken_for_nobody() {
        for text in [
            "",
            "userName",
            "userName eq",
            "userName eq x",
            "userName eq \"x",
            "userName eq \"x\"and id eq \"1\"",
            "userName eq \"x\" or id eq \"1\"",
            "userName eq \"x\" and",
            "userName sw \"x\"",
            "userName pr",
            "not (userName eq \"x\")",
            "(userName eq \"x\")",
            "emails.value eq \"x\"",
            "emails[type eq \"work\"].value eq \"x\"",
            "roles.display eq \"x\"",
            "userName.value eq \"x\"",
            "meta.lastModified eq \"x\"",
            "unheard eq \"x\"",
            "userName eq 7",
            "userName eq null",
        ] {
            let fault = Filter::read(text).unwrap_err();
            assert_eq!((fault.status, fault.kind), (400, Some("invalidFilter")), "{text}");
        }
        assert!(Filter::read(&format!("userName eq \"{}\"", "x".repeat(MAX_FILTER))).is_err());
    }
}
