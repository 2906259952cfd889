//! Who may ask, and for what: clients with a user name, a secret and the standard's scopes (xAPI 1.0.3, Communication 4.2).
//!
//! Only SHA-256 of a secret is held, and two hashes are compared, so that the time of a comparison tells nothing of the
//! secret. Secrets are drawn at random by whoever makes a client; a person's password has no place here.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A scope of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// `statements/write`: send statements; it reads nothing back.
    StatementsWrite,
    /// Read the statements that this client wrote.
    StatementsReadMine,
    /// `statements/read`: read any statement, whoever wrote it.
    StatementsRead,
    /// Read and write state.
    State,
    /// Describe activities and agents.
    Define,
    /// Read and write profiles.
    Profile,
    /// `all/read`: read everything, write nothing.
    AllRead,
    /// `all`: whatever the standard has.
    All,
}

impl Scope {
    /// Where a word of a client's file is looked up.
    pub const EVERY: [Self; 8] = [
        Self::StatementsWrite,
        Self::StatementsReadMine,
        Self::StatementsRead,
        Self::State,
        Self::Define,
        Self::Profile,
        Self::AllRead,
        Self::All,
    ];

    /// The word of the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StatementsWrite => "statements/write",
            Self::StatementsReadMine => "statements/read/mine",
            Self::StatementsRead => "statements/read",
            Self::State => "state",
            Self::Define => "define",
            Self::Profile => "profile",
            Self::AllRead => "all/read",
            Self::All => "all",
        }
    }

    /// From the word of the standard.
    pub fn parse(word: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|scope| scope.name() == word)
    }
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Something that stores statements or voids them.
    WriteStatements,
    /// Any reading of statements; which of them, the scope says.
    ReadStatements,
    /// Documents of kind state, and lists of them.
    ReadState,
    /// Storing or deleting documents of kind state.
    WriteState,
    /// Read profiles, and what is known of agents and activities.
    ReadProfile,
    /// Storing or deleting profiles of activities and agents.
    WriteProfile,
}

/// A program that sends or asks, as its district registered it.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// The name in lists of reads and, as an account, in the authority of its statements.
    pub name: String,
    secret_sha256: [u8; 32],
    scopes: BTreeSet<Scope>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Whether a client may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Yes.
    All,
    /// Its own statements only.
    Mine,
    /// No.
    None,
}

impl Client {
    /// A client whose secret has this SHA-256.
    pub fn new(
        name: impl Into<String>,
        secret_sha256: [u8; 32],
        scopes: impl IntoIterator<Item = Scope>,
    ) -> Self {
        Self { name: name.into(), secret_sha256, scopes: scopes.into_iter().collect() }
    }

    /// The hash to give to [`Client::new`].
    pub fn hash(secret: &[u8]) -> [u8; 32] {
        Sha256::digest(secret).into()
    }

    /// Whether it may do what a request needs.
    pub fn may(&self, need: Need) -> Leave {
        let has = |scopes: &[Scope]| scopes.iter().any(|scope| self.scopes.contains(scope));
        let read_all = has(&[Scope::All, Scope::AllRead]);
        let allowed = match need {
            Need::WriteStatements => has(&[Scope::All, Scope::StatementsWrite]),
            Need::ReadStatements if !read_all && !has(&[Scope::StatementsRead]) => {
                return if has(&[Scope::StatementsReadMine]) { Leave::Mine } else { Leave::None };
            }
            Need::ReadStatements => true,
            Need::ReadState => read_all || has(&[Scope::State]),
            Need::WriteState => has(&[Scope::All, Scope::State]),
            Need::ReadProfile => read_all || has(&[Scope::Profile, Scope::Define]),
            Need::WriteProfile => has(&[Scope::All, Scope::Profile]),
        };
        if allowed { Leave::All } else { Leave::None }
    }
}

/// The clients of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clients(Vec<Client>);

impl Clients {
    /// Whoever may ask: nobody, where there are none.
    pub fn new(clients: Vec<Client>) -> Self {
        Self(clients)
    }

    /// Whom an `Authorization` header of the scheme Basic (RFC 7617) names.
    pub fn known(&self, header: &str) -> Option<&Client> {
        let (scheme, encoded) = header.split_once(' ')?;
        let decoded =
            STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let at = decoded.iter().position(|byte| *byte == b':')?;
        self.of_secret(decoded.get(..at)?, decoded.get(at.checked_add(1)?..)?)
    }

    /// Whom a name and its secret name.
    pub fn of_secret(&self, name: &[u8], secret: &[u8]) -> Option<&Client> {
        // Hashed whether or not the name is known, so that time does not tell names.
        let hash = Client::hash(secret);
        let client = self.0.iter().find(|client| client.name.as_bytes() == name)?;
        let differing =
            hash.iter().zip(&client.secret_sha256).fold(0, |sum, (one, other)| sum | (one ^ other));
        (differing == 0).then_some(client)
    }
}

impl Clients {
    /// Whom an `Authorization` header of the scheme Bearer (RFC 6750) names: the secret alone, which no two clients share.
    pub fn bearer(&self, header: &str) -> Option<&Client> {
        let (scheme, secret) = header.split_once(' ')?;
        let hash = Client::hash(secret.trim().as_bytes());
        let same = |client: &&Client| {
            hash.iter().zip(&client.secret_sha256).fold(0, |sum, (one, other)| sum | (one ^ other)) == 0
        };
        let named = scheme.eq_ignore_ascii_case("bearer") && !secret.trim().is_empty();
        self.0.iter().find(same).filter(|_| named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn only_the_secret_opens() {
        let clients = Clients::new(vec![Client::new("lms", Client::hash(b"a:b"), [Scope::All])]);
        assert_eq!(clients.known(&header("lms:a:b")).map(|client| client.name.as_str()), Some("lms"));
        let refused = [
            header("lms:a"),
            header("lms:"),
            header("LMS:a:b"),
            header("lms"),
            "Basic !".into(),
            "Basic".into(),
        ];
        for text in refused.iter().chain(&[header("lms:a:b").replace("Basic", "Bearer")]) {
            assert_eq!(clients.known(text), None, "{text}");
        }
        assert_eq!(clients.bearer("Bearer a:b").map(|client| client.name.as_str()), Some("lms"));
        for text in ["Bearer a", "Bearer", "Bearer ", "Basic a:b", "a:b", "Bearer a:b:c"] {
            assert_eq!(clients.bearer(text), None, "{text}");
        }
        assert!(!format!("{clients:?}").contains(&hex::encode(Client::hash(b"a:b"))));
    }

    #[test]
    fn scopes_give_what_the_standard_says() {
        use Need::{ReadProfile, ReadState, ReadStatements, WriteProfile, WriteState, WriteStatements};
        let needs = [WriteStatements, ReadStatements, ReadState, WriteState, ReadProfile, WriteProfile];
        let (all, mine, none) = (Leave::All, Leave::Mine, Leave::None);
        for (scope, leave) in [
            (Scope::StatementsWrite, [all, none, none, none, none, none]),
            (Scope::StatementsReadMine, [none, mine, none, none, none, none]),
            (Scope::StatementsRead, [none, all, none, none, none, none]),
            (Scope::State, [none, none, all, all, none, none]),
            (Scope::Define, [none, none, none, none, all, none]),
            (Scope::Profile, [none, none, none, none, all, all]),
            (Scope::AllRead, [none, all, all, none, all, none]),
            (Scope::All, [all; 6]),
        ] {
            let client = Client::new("c", [0; 32], [scope]);
            assert_eq!(needs.map(|need| client.may(need)), leave, "{}", scope.name());
            assert_eq!(Scope::parse(scope.name()), Some(scope));
        }
    }
}
