//! Requests of a provider that a session of its own is over (Single Logout): signed, each taken once, and answered where it wants one.

use std::sync::PoisonError;
use std::time::{Duration, UNIX_EPOCH};

use saml_rs::{
    BrowserInput, ClockSkew, FormField, LogoutRequest, ReplayPolicy, RespondSlo, SamlError,
    SamlValidationContext,
};

use super::{Client, MAX_RESPONSE, Refused, SKEW_MS, refused};
use crate::claims::Ended;

/// How far a request's time of issue may lie from this node's clock.
const ISSUED_WITHIN_MS: u64 = 600_000;

/// How a request came.
#[derive(Debug, Clone, Copy)]
pub enum Came<'a> {
    /// In the address: the query as it was sent, which is what the signature covers.
    Redirect(&'a str),
    /// In a form: its fields.
    Post(&'a [(String, String)]),
}

/// What the browser takes back to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whose sessions are over.
    pub ended: Ended,
    /// Where the browser goes with the answer; none where the provider wants none, or this district has no key to sign it with.
    pub back: Option<String>,
}

impl Client {
    /// Whose sessions a request ends, and the answer to it. A request without a signature of the provider ends nothing.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn ended(&self, came: Came<'_>, now_ms: u64) -> Result<Answer, Refused> {
        let input = match came {
            Came::Redirect(query) if query.len() <= MAX_RESPONSE => {
                BrowserInput::<LogoutRequest>::redirect(query)
            }
            Came::Post(fields) => {
                let fields = fields.iter().map(|(name, value)| FormField::new(name, value)).collect();
                BrowserInput::<LogoutRequest>::post(fields)
            }
            Came::Redirect(_) => return Err(Refused::Response("the request is too long".into())),
        };
        let now = UNIX_EPOCH + Duration::from_millis(now_ms);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if !taken.make_room(now) {
            return Err(Refused::Response("too many requests at once: try again in a few minutes".into()));
        }
        let validation = SamlValidationContext::new(now, ReplayPolicy::RequireCache(&mut *taken))
            .with_clock_skew(ClockSkew::from_millis(-SKEW_MS, SKEW_MS))
            .with_replay_retention(Duration::from_secs(3_600));
        let received =
            self.sp.receive_slo(&self.idp, input, validation).map_err(|error: SamlError| refused(&error))?;
        let request = received.message();
        // An old request is not one to today's sessions.
        let issued = chrono::DateTime::parse_from_rfc3339(request.issue_instant().as_str())
            .ok()
            .and_then(|at| u64::try_from(at.timestamp_millis()).ok());
        if issued.is_none_or(|at| at.abs_diff(now_ms) > ISSUED_WITHIN_MS) {
            return Err(Refused::Response("it was issued at another time than now".into()));
        }
        let ended = Ended {
            subject: request.name_id().map(|name| name.value().to_owned()),
            sessions: request.session_indexes().iter().map(|index| index.as_str().to_owned()).collect(),
        };
        let back = self.sp.respond_slo(&self.idp, &received, RespondSlo::redirect());
        let back = back.and_then(|outbound| outbound.redirect_url().map(str::to_owned));
        Ok(Answer { ended, back: back.ok() })
    }
}
