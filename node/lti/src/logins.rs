//! Logins that began, launches that wait for their browser, and sessions: in memory, each for its time, each kind within a number.

use aula_foreign::secret::{Digest32, digest, drawn};
use aula_foreign::shelf::{self, Shelf};

use crate::claims::Launch;
use crate::records::Subject;

/// How long a login may take.
pub const LOGIN_MS: u64 = 600_000;
/// How long a session is good.
pub const SESSION_MS: u64 = 3_600_000;
/// Logins that are under way at most.
const MAX_LOGINS: usize = 20_000;
/// Sessions at most.
const MAX_SESSIONS: usize = 50_000;

/// A login that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The platform's name.
    pub platform: String,
    /// What the token must say.
    pub nonce: String,
    /// The digest of what the browser alone knows.
    browser: Digest32,
    /// Where the platform stores for the tool: the frame's name.
    pub storage: Option<String>,
}

impl Login {
    /// Whether this is what the browser was given.
    pub fn is_browser(&self, secret: &str) -> bool {
        // Digests are compared, so that time tells nothing of the secret.
        self.browser == digest(secret)
    }
}

/// What a browser goes to the platform with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// What the platform brings back unchanged; it finds the login.
    pub state: String,
    /// What the signed token must hold, so that an old one serves no second time.
    pub nonce: String,
    /// What the browser keeps.
    pub browser: String,
}

/// Too many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many launches at once: try again in a few minutes")]
pub struct Full;

impl From<shelf::Full> for Full {
    fn from(_: shelf::Full) -> Self {
        Self
    }
}

/// All of them.
#[derive(Debug)]
pub struct Logins {
    begun: Shelf<Login>,
    waiting: Shelf<(Login, Launch)>,
    sessions: Shelf<Subject>,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            begun: Shelf::new(MAX_LOGINS),
            waiting: Shelf::new(MAX_LOGINS),
            sessions: Shelf::new(MAX_SESSIONS),
        }
    }
}

impl Logins {
    /// Begins a login.
    ///
    /// # Errors
    /// [`Full`].
    pub fn begin(&self, platform: &str, storage: Option<&str>, now_ms: u64) -> Result<Begun, Full> {
        let begun = Begun { state: drawn(), nonce: drawn(), browser: drawn() };
        let login = Login {
            platform: platform.to_owned(),
            nonce: begun.nonce.clone(),
            browser: digest(&begun.browser),
            storage: storage.map(str::to_owned),
        };
        self.begun.put(&begun.state, login, (now_ms, LOGIN_MS))?;
        Ok(begun)
    }

    /// Takes a login by its state: once, whatever becomes of the launch.
    pub fn take(&self, state: &str, now_ms: u64) -> Option<Login> {
        self.begun.take(state, now_ms)
    }

    /// Keeps a verified launch until its browser has shown what it keeps.
    ///
    /// # Errors
    /// [`Full`].
    pub fn wait(&self, state: &str, login: Login, launch: Launch, now_ms: u64) -> Result<(), Full> {
        Ok(self.waiting.put(state, (login, launch), (now_ms, LOGIN_MS))?)
    }

    /// Takes a launch that waits: once, whatever the browser shows.
    pub fn confirm(&self, state: &str, browser: &str, now_ms: u64) -> Option<Launch> {
        let (login, launch) = self.waiting.take(state, now_ms)?;
        login.is_browser(browser).then_some(launch)
    }

    /// Begins a session; its bearer is kept nowhere.
    ///
    /// # Errors
    /// [`Full`].
    pub fn open(&self, subject: Subject, now_ms: u64) -> Result<String, Full> {
        let bearer = drawn();
        self.sessions.put(&bearer, subject, (now_ms, SESSION_MS))?;
        Ok(bearer)
    }

    /// Whose a session is, and until when it lasts.
    pub fn session(&self, bearer: &str, now_ms: u64) -> Option<(Subject, u64)> {
        self.sessions.get(bearer, now_ms)
    }
}
