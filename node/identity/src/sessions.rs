//! Logins that began and sessions, in memory: each for its time, each kind within a number. A restart ends them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_foreign::secret::{Digest32, digest, drawn, number};
use aula_foreign::shelf::Shelf;
use serde::Serialize;

use crate::claims::{Ended, Said};
use crate::mapping::Staff;

/// How long a login may take.
pub const LOGIN_MS: u64 = 600_000;
/// Logins that are under way at most.
const MAX_LOGINS: usize = 20_000;
/// Sessions at most.
const MAX_SESSIONS: usize = 50_000;

/// Too many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many logins at once: try again in a few minutes")]
pub struct Full;

/// A login that began: what it was begun with, and what the browser alone knows.
#[derive(Debug)]
pub struct Login<T> {
    /// The provider's name.
    pub provider: String,
    /// What the protocol keeps.
    pub kept: T,
    browser: Digest32,
}

impl<T> Login<T> {
    /// Whether this is what the browser was given.
    pub fn is_browser(&self, secret: &str) -> bool {
        self.browser == digest(secret)
    }
}

/// Logins that began, by what comes back from the provider.
#[derive(Debug)]
pub struct Logins<T> {
    begun: Shelf<Login<T>>,
}

impl<T> Default for Logins<T> {
    fn default() -> Self {
        Self { begun: Shelf::new(MAX_LOGINS) }
    }
}

impl<T> Logins<T> {
    /// Keeps one under `state`; gives the browser's secret.
    ///
    /// # Errors
    /// [`Full`].
    pub fn begin(&self, state: &str, provider: &str, kept: T, now_ms: u64) -> Result<String, Full> {
        let secret = drawn();
        let login = Login { provider: provider.to_owned(), kept, browser: digest(&secret) };
        self.begun.put(state, login, (now_ms, LOGIN_MS)).map_err(|_| Full)?;
        Ok(secret)
    }

    /// Takes one, once, within its time.
    pub fn take(&self, state: &str, now_ms: u64) -> Option<Login<T>> {
        self.begun.take(state, now_ms)
    }
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// In all, from the login.
    pub whole_ms: u64,
    /// Without a request.
    pub idle_ms: u64,
}

/// A session as it is listed; the secret is the browser's alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its number.
    pub id: String,
    /// The name that the access log lists its reads under.
    pub reader: String,
    /// The vault's word for the role: teacher, counselor, admin.
    pub role: String,
    /// The provider's name in the operator's file.
    pub provider: String,
    /// Whom that provider means, by its own word.
    #[serde(skip)]
    pub subject: Option<String>,
    /// How that provider calls its own session.
    #[serde(skip)]
    pub there: Option<String>,
    /// When the login was.
    pub begun_ms: u64,
    /// The last request.
    pub used_ms: u64,
    /// When it ends at the latest.
    pub until_ms: u64,
}

/// Sessions that hold, by digest of their secret.
#[derive(Debug)]
pub struct Sessions {
    lifetime: Lifetime,
    held: Mutex<HashMap<Digest32, Session>>,
}

impl Sessions {
    /// None, which will last for so long.
    pub fn new(lifetime: Lifetime) -> Self {
        Self { lifetime, held: Mutex::default() }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Digest32, Session>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self, session: &Session, now_ms: u64) -> bool {
        session.until_ms <= now_ms || session.used_ms.saturating_add(self.lifetime.idle_ms) <= now_ms
    }

    /// Begins one; gives its secret.
    ///
    /// # Errors
    /// [`Full`].
    pub fn begin(
        &self,
        staff: &Staff,
        (provider, said): (&str, &Said),
        now_ms: u64,
    ) -> Result<(String, Session), Full> {
        let mut held = self.locked();
        if held.len() >= MAX_SESSIONS {
            held.retain(|_, one| !self.is_over(one, now_ms));
        }
        if held.len() >= MAX_SESSIONS {
            return Err(Full);
        }
        let secret = drawn();
        let session = Session {
            id: number(),
            reader: staff.reader.clone(),
            role: staff.role.clone(),
            provider: provider.to_owned(),
            subject: said.subject.clone(),
            there: said.session.clone(),
            begun_ms: now_ms,
            used_ms: now_ms,
            until_ms: now_ms.saturating_add(self.lifetime.whole_ms),
        };
        held.insert(digest(&secret), session.clone());
        Ok((secret, session))
    }

    /// The session of a secret, which is used now.
    pub fn find(&self, secret: &str, now_ms: u64) -> Option<Session> {
        let mut held = self.locked();
        let key = digest(secret);
        let session = held.get_mut(&key)?;
        if self.is_over(session, now_ms) {
            held.remove(&key);
            return None;
        }
        session.used_ms = now_ms;
        Some(session.clone())
    }

    /// Those that go on, the oldest first.
    pub fn list(&self, now_ms: u64) -> Vec<Session> {
        let mut held = self.locked();
        held.retain(|_, one| !self.is_over(one, now_ms));
        let mut all: Vec<Session> = held.values().cloned().collect();
        all.sort_by(|a, b| (a.begun_ms, &a.id).cmp(&(b.begun_ms, &b.id)));
        all
    }

    /// Ends the one of this number; false when there is none.
    pub fn revoke(&self, id: &str) -> bool {
        let mut held = self.locked();
        let before = held.len();
        held.retain(|_, one| one.id != id);
        held.len() < before
    }

    /// Ends all of a reader; says how many.
    pub fn revoke_reader(&self, reader: &str) -> usize {
        let mut held = self.locked();
        let before = held.len();
        held.retain(|_, one| one.reader != reader);
        before.saturating_sub(held.len())
    }

    /// Gives a reader's another role.
    pub fn set_role(&self, reader: &str, role: &str) {
        for one in self.locked().values_mut().filter(|one| one.reader == reader) {
            role.clone_into(&mut one.role);
        }
    }

    /// The readers of those that go on, but for admins, whose relation is the office.
    pub fn readers(&self, now_ms: u64) -> BTreeSet<String> {
        let held = self.locked();
        let going = held.values().filter(|one| !self.is_over(one, now_ms) && one.role != "admin");
        going.map(|one| one.reader.clone()).collect()
    }

    /// Ends all of a provider that is no longer registered.
    pub fn revoke_of(&self, gone: impl Fn(&str) -> bool) {
        self.locked().retain(|_, one| !gone(&one.provider));
    }

    /// Ends those that a provider ends; says how many.
    pub fn end(&self, provider: &str, ended: &Ended) -> usize {
        let mut held = self.locked();
        let before = held.len();
        held.retain(|_, one| {
            one.provider != provider || !ended.means(one.subject.as_deref(), one.there.as_deref())
        });
        before.saturating_sub(held.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(subject: &str, session: &str) -> Said {
        Said { subject: Some(subject.into()), session: Some(session.into()), ..Said::default() }
    }

    #[test]
    fn a_provider_ends_its_own_sessions_and_no_other_s() {
        let sessions = Sessions::new(Lifetime { whole_ms: 1_000, idle_ms: 1_000 });
        let begin = |provider: &str, said: &Said| sessions.begin(&staff(), (provider, said), 0).unwrap().0;
        let east = begin("east", &said("u", "1"));
        let again = begin("east", &said("u", "2"));
        let west = begin("west", &said("u", "1"));
        let one = Ended { subject: None, sessions: vec!["1".into()] };
        assert_eq!((sessions.end("east", &one), sessions.end("east", &one)), (1, 0));
        assert!(sessions.find(&east, 1).is_none() && sessions.find(&again, 1).is_some());
        let all = Ended { subject: Some("u".into()), sessions: Vec::new() };
        assert_eq!(sessions.end("east", &all), 1);
        assert!(sessions.find(&west, 1).is_some(), "another provider's");
    }

    fn staff() -> Staff {
        Staff { reader: "t-1042".into(), role: "teacher".into(), sections: None }
    }

    #[test]
    fn a_login_is_taken_once_by_its_state_within_its_time() {
        let logins = Logins::default();
        let secret = logins.begin("s1", "east", 7, 0).unwrap();
        let login = logins.take("s1", LOGIN_MS - 1).unwrap();
        assert!(login.is_browser(&secret) && !login.is_browser("other") && login.kept == 7);
        assert!(logins.take("s1", 1).is_none(), "taken once");
        logins.begin("s2", "east", 8, 0).unwrap();
        assert!(logins.take("s2", LOGIN_MS).is_none(), "over");
    }

    #[test]
    fn no_more_logins_are_kept_than_their_number_and_old_ones_make_room() {
        let logins = Logins::default();
        for n in 0..MAX_LOGINS {
            logins.begin(&n.to_string(), "east", (), 0).unwrap();
        }
        assert_eq!(logins.begin("more", "east", (), 1), Err(Full));
        assert!(logins.begin("more", "east", (), LOGIN_MS).is_ok());
    }

    #[test]
    fn a_session_ends_by_age_by_silence_and_by_revocation() {
        let sessions = Sessions::new(Lifetime { whole_ms: 1_000, idle_ms: 300 });
        let (secret, session) = sessions.begin(&staff(), ("east", &Said::default()), 0).unwrap();
        assert_eq!(sessions.find("guessed", 1), None);
        for now in [299, 590, 880] {
            assert_eq!(sessions.find(&secret, now).map(|one| one.used_ms), Some(now));
        }
        assert_eq!(sessions.find(&secret, 1_000), None, "by age");
        let (secret, _) = sessions.begin(&staff(), ("east", &Said::default()), 0).unwrap();
        assert_eq!(sessions.find(&secret, 300), None, "by silence");
        let (secret, own) = sessions.begin(&staff(), ("east", &Said::default()), 0).unwrap();
        assert_eq!(sessions.list(1), vec![own.clone()]);
        assert!(!sessions.revoke(&session.id) && sessions.revoke(&own.id));
        assert_eq!(sessions.find(&secret, 1), None, "by revocation");
        let (secret, _) = sessions.begin(&staff(), ("east", &Said::default()), 0).unwrap();
        sessions.revoke_of(|provider| provider == "east");
        assert_eq!(sessions.find(&secret, 1), None, "with its provider");
    }
}
