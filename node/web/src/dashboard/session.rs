//! Sessions of dashboards: a secret of 256 bits that opens one student's dashboard as one reader in one role.
//!
//! Kept in memory by its hash, so that neither a restart nor a dump of memory's strings gives one out: after a restart the link
//! is opened again. The cookie is bound to the one address under which its dashboard stands, so that two children's do not
//! get in each other's way.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aula_ledger::keys::{Label, hash};
use aula_ledger::names::Name;
use aula_ledger::types::{DistrictId, Handle, Hash, SchoolYear};
use aula_vault::access::{Linked, ReaderRole};
use axum::http::{HeaderMap, header};
use rand::RngCore;
use rand::rngs::OsRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// How long a session lasts at most, milliseconds: a school day and a bit.
const LASTS_MS: u64 = 12 * 3_600_000;
/// Most sessions at once; the ones that end first go first.
const MAX_SESSIONS: usize = 100_000;
/// The cookie's name.
const COOKIE: &str = "aula_dashboard";

/// Whose dashboard, for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose student.
    pub district: DistrictId,
    /// The school year of the handle.
    pub school_year: SchoolYear,
    /// The student's pseudonym for that school year.
    pub handle: Handle,
    /// As the access log names the reader.
    pub reader: Name,
    /// In which role: a student, a family or a teacher.
    pub role: ReaderRole,
    /// The link that opened it, which is looked at again; none of an LMS's launch, which ends by its time.
    pub link: Option<Hash>,
    /// The origins that may frame the page, of an LMS's launch; none: nobody may.
    pub framed_by: Vec<String>,
    /// Until when it may be seen at most, milliseconds since 1970.
    pub expires_ms: u64,
}

impl Grant {
    /// The reader as the vault's access check knows it.
    pub fn linked(&self) -> Linked {
        Linked { reader: self.reader.clone(), role: self.role }
    }
}

/// A session's secret: 64 hex digits. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(secret)")
    }
}

impl Token {
    /// What is shown or sent; none of what is no token.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(digit)).then(|| Self(text.to_owned()))
    }

    /// The digits, for the browser that holds it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn id(&self) -> Hash {
        hash(Label::FamilyLink, &[b"session", self.0.as_bytes()])
    }

    /// What the session is called in addresses: says nothing of the secret.
    pub fn name(&self) -> String {
        name_of(&self.id())
    }

    /// The cookie that holds it, for the dashboard's address alone.
    pub fn cookie(&self, lasts_s: u64, secure: bool) -> String {
        let secure = if secure { "; Secure" } else { "" };
        let (name, token) = (self.name(), self.expose());
        format!("{COOKIE}={token}; Path=/s/of/{name}; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}")
    }

    /// From a request's cookies.
    pub fn of_cookies(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, token)| Self::parse(token))
    }
}

fn name_of(id: &Hash) -> String {
    id.to_string().chars().take(16).collect()
}

/// Sessions that are open.
#[derive(Debug, Default)]
pub struct Sessions {
    open: Mutex<HashMap<Hash, Grant>>,
}

impl Sessions {
    /// Makes a session for one student, one reader and one role; the caller has checked the link or the launch. It lasts until
    /// the grant's end, at most twelve hours.
    pub fn mint(&self, grant: Grant, now_ms: u64) -> Token {
        let mut bytes = [0u8; 32];
        OsRng.fill_bytes(&mut bytes);
        let token = Token(hex::encode(bytes));
        bytes.zeroize();
        let grant = Grant { expires_ms: grant.expires_ms.min(now_ms.saturating_add(LASTS_MS)), ..grant };
        let mut open = self.locked();
        if open.len() >= MAX_SESSIONS {
            open.retain(|_, grant| grant.expires_ms > now_ms);
        }
        if open.len() >= MAX_SESSIONS
            && let Some(first) = open.iter().min_by_key(|(_, grant)| grant.expires_ms).map(|(id, _)| *id)
        {
            open.remove(&first);
        }
        open.insert(token.id(), grant);
        token
    }

    /// What a session opens, under the name that its address has.
    pub fn find(&self, token: &Token, name: &str, now_ms: u64) -> Option<Grant> {
        let id = token.id();
        let grant = self.locked().get(&id).filter(|grant| grant.expires_ms > now_ms).cloned();
        grant.filter(|_| name_of(&id) == name)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Hash, Grant>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            district: DistrictId(1),
            school_year: SchoolYear(2026),
            handle: Handle([7; 32]),
            reader: Name::new("f-1").expect("a name"),
            role: ReaderRole::Family,
            link: None,
            framed_by: Vec::new(),
            expires_ms: 5_000,
        }
    }

    #[test]
    fn a_session_opens_its_own_address_until_its_end() {
        let sessions = Sessions::default();
        let token = sessions.mint(grant(), 1_000);
        let name = token.name();
        assert_eq!(sessions.find(&token, &name, 4_999), Some(grant()));
        assert_eq!(sessions.find(&token, &name, 5_000), None);
        assert_eq!(sessions.find(&token, "0123456789abcdef", 1_000), None);
        assert!(!format!("{token:?}{sessions:?}").contains(token.expose()));
        let long = sessions.mint(Grant { expires_ms: u64::MAX, ..grant() }, 1_000);
        assert!(sessions.find(&long, &long.name(), 1_000 + LASTS_MS).is_none());
    }

    #[test]
    fn a_cookie_is_read_back_among_others_and_is_for_one_address() {
        let token = Sessions::default().mint(grant(), 1_000);
        let cookie = token.cookie(60, true);
        for part in ["HttpOnly", "SameSite=Lax", "Secure", &format!("Path=/s/of/{}", token.name())] {
            assert!(cookie.contains(part), "{part}");
        }
        let mut headers = HeaderMap::new();
        let sent = format!("other=1; {COOKIE}={}", token.expose());
        headers.insert(header::COOKIE, sent.parse().expect("a header"));
        assert_eq!(Token::of_cookies(&headers).map(|found| found.name()), Some(token.name()));
        headers.insert(header::COOKIE, format!("{COOKIE}=abc").parse().expect("a header"));
        assert!(Token::of_cookies(&headers).is_none());
    }
}
