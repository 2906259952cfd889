//! xAPI statements as events, by rules that a district can extend (docs/feeds.md has the table).
//!
//! Flow: [`Rules::with`] puts a district's own rules before the built-in ones → [`Rules::message`] finds the first that fits a
//! statement's verb, type and result and reads the event's values. Invariants: rules compute nothing but what stands here; a
//! statement of nobody whom the home page names, without a rule, or without the values its rule wants is a refusal with the
//! place. Absent: the record store, which keeps every valid statement whatever becomes of it here.

use super::instant::instant_ms;
use super::{Message, Reason, Refusal, What, checked};
use aula_twin_runtime::clock::Stamp;

pub(in crate::event) mod measure;
mod rules;
mod tree;

pub use rules::Rules;
pub use tree::Tree;

pub use super::rules_file::RulesError;

use rules::{Becomes, Rule};
use tree::text;

impl Rules {
    /// The message of a statement; none when its rule says that it is no event. `home_page` is that of students' accounts;
    /// a statement without a timestamp happened when it was received.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn message<'a>(
        &self,
        statement: impl Tree<'a>,
        home_page: &str,
        received_ms: u64,
    ) -> Result<Option<Message>, Refusal> {
        let name = text(statement, &["id"]).map(str::to_ascii_lowercase);
        let refused = |reason, detail: String| Refusal::new(name.as_deref(), reason, detail);
        let Some(id) = name.clone() else { return Err(refused(Reason::Refused, "id is missing".into())) };
        let verb = text(statement, &["verb", "id"]).unwrap_or_default();
        let rule = self.first(|rule| rule.is_for(verb) && self.fits(rule, statement));
        let Some(rule) = rule else {
            let detail = format!("no rule is for the verb {verb}: write one in the feed's rules");
            return Err(refused(Reason::UnknownKind, detail));
        };
        if rule.becomes == Becomes::Nothing {
            return Ok(None);
        }
        let wall_ms = match text(statement, &["timestamp"]) {
            Some(moment) => instant_ms(moment)
                .ok_or_else(|| refused(Reason::Refused, "timestamp is not a moment with its zone".into()))?,
            None => received_ms,
        };
        let at = Stamp::new(wall_ms, 0).map_err(|error| refused(Reason::Refused, error.to_string()))?;
        let what = match rule.becomes {
            Becomes::Deletion => {
                let of = text(statement, &["object", "id"]).map(str::to_ascii_lowercase);
                let missing = || refused(Reason::Refused, "object.id names no statement".into());
                What::Amended { of: of.ok_or_else(missing)?, instead: None }
            }
            _ => {
                let body = self.body(rule, statement);
                What::Happened(body.map_err(|(reason, detail)| refused(reason, detail))?)
            }
        };
        let account = statement.get("actor").and_then(|actor| actor.get("account"));
        let student = account
            .filter(|account| text(*account, &["homePage"]) == Some(home_page))
            .and_then(|account| text(account, &["name"]))
            .map(str::to_owned);
        if student.is_none() && matches!(what, What::Happened(_)) {
            let detail = "actor is not an account of the district's home page";
            return Err(refused(Reason::UnknownStudent, detail.into()));
        }
        // Whoever voids is the system, not the student.
        let student = student.filter(|_| matches!(what, What::Happened(_)));
        checked(Message { name: id, at, student, what }).map(Some)
    }

    /// Whether a statement has what a rule asks for.
    fn fits<'a>(&self, rule: &Rule, statement: impl Tree<'a>) -> bool {
        let kind = || text(statement, &["object", "definition", "type"]);
        rule.r#type.as_deref().is_none_or(|wanted| kind() == Some(wanted))
            && (!rule.tests || self.test(statement).is_some())
            && (!rule.timed || measure::time_ms(statement).is_some())
    }
}
