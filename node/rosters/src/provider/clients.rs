//! Who may ask, and how far: clients with the standard's scopes, from a file of the operator's alone.

use std::collections::BTreeSet;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What stands before a scope's word.
pub const SCOPES: &str = "https://purl.imsglobal.org/spec/or/v1p2/scope/";

/// A scope of OneRoster 1.2. Demographics are in none that a client can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Collections and single objects of the roster.
    RosterCore,
    /// The roster by school, class, person and term as well.
    Roster,
    /// Collections and single objects of the gradebook.
    GradebookCore,
    /// The gradebook by class and student as well.
    Gradebook,
    /// Results that belong to no class.
    Assessment,
}

impl Scope {
    /// Where a word of a client's file is looked up, and what is named to whoever wrote another.
    pub const EVERY: [Self; 5] =
        [Self::RosterCore, Self::Roster, Self::GradebookCore, Self::Gradebook, Self::Assessment];

    /// Its word behind [`SCOPES`].
    pub const fn word(self) -> &'static str {
        match self {
            Self::RosterCore => "roster-core.readonly",
            Self::Roster => "roster.readonly",
            Self::GradebookCore => "gradebook-core.readonly",
            Self::Gradebook => "gradebook.readonly",
            Self::Assessment => "assessment.readonly",
        }
    }

    /// From the whole address, or its word alone.
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.strip_prefix(SCOPES).unwrap_or(text);
        Self::EVERY.into_iter().find(|scope| scope.word() == word)
    }
}

/// A consumer that the district gives its roster to.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// The name in the access log.
    pub name: String,
    /// The secret itself is kept nowhere.
    pub(super) secret_sha256: [u8; 32],
    /// How far it may ask.
    pub scopes: BTreeSet<Scope>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Why a file of clients is refused. Never says what is in it beyond names and scopes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientsError {
    /// Not a file of clients.
    #[error("write [[client]] with name, secret_sha256 and scopes")]
    Malformed,
    /// Two of one name.
    #[error("the client {0} stands twice")]
    Twice(String),
    /// Not a hash.
    #[error("secret_sha256 of {0} is not 64 hexadecimal digits")]
    Hash(String),
    /// Not a scope.
    #[error("{0:?} is not a scope of this provider: {1}")]
    Scope(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    client: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    secret_sha256: String,
    scopes: Vec<String>,
}

/// The clients of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clients(Vec<Client>);

impl Clients {
    /// Reads a file of clients.
    ///
    /// # Errors
    /// [`ClientsError`].
    pub fn read(text: &str) -> Result<Self, ClientsError> {
        // The parser's own words would quote the line.
        let file: File = toml::from_str(text).map_err(|_| ClientsError::Malformed)?;
        let mut clients: Vec<Client> = Vec::with_capacity(file.client.len());
        for Line { name, secret_sha256, scopes } in file.client {
            if clients.iter().any(|other| other.name == name) {
                return Err(ClientsError::Twice(name));
            }
            let mut hash = [0; 32];
            hex::decode_to_slice(&secret_sha256, &mut hash).map_err(|_| ClientsError::Hash(name.clone()))?;
            let known = || Scope::EVERY.map(Scope::word).join(", ");
            let scope =
                |text: &String| Scope::parse(text).ok_or_else(|| ClientsError::Scope(text.clone(), known()));
            let scopes = scopes.iter().map(scope).collect::<Result<_, _>>()?;
            clients.push(Client { name, secret_sha256: hash, scopes });
        }
        Ok(Self(clients))
    }

    /// Names of all clients, in the file's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|client| client.name.as_str())
    }

    /// Whom a name and its secret name.
    pub fn of_secret(&self, name: &str, secret: &str) -> Option<&Client> {
        // Hashed whether or not the name is known, so that time does not tell names.
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        self.0.iter().find(|client| client.name == name).filter(|client| same(&hash, &client.secret_sha256))
    }

    /// A client that is still the one to whom a token was given.
    pub(super) fn still(&self, client: &Client) -> Option<&Client> {
        self.0.iter().find(|own| own.name == client.name && same(&own.secret_sha256, &client.secret_sha256))
    }
}

fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.iter().zip(other).fold(0, |sum, (one, other)| sum | (one ^ other)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[client]]\nname = 'lms'\nsecret_sha256 = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'\n\
                        scopes = ['roster.readonly', 'https://purl.imsglobal.org/spec/or/v1p2/scope/assessment.readonly']\n";

    #[test]
    fn a_file_of_clients_is_read_and_tells_no_secret() {
        let clients = Clients::read(GOOD).unwrap_or_default();
        let scopes = clients.of_secret("lms", "secret").map(|client| client.scopes.clone());
        assert_eq!(scopes, Some([Scope::Roster, Scope::Assessment].into()));
        for (name, secret) in [("lms", "Secret"), ("LMS", "secret"), ("", ""), ("lms", "")] {
            assert_eq!(clients.of_secret(name, secret), None);
        }
        assert!(!format!("{clients:?}").contains("2bb80d"));
        for (from, to) in [
            ("name", "nom"),
            ("'2bb8", "'zzzz"),
            ("'roster.readonly'", "'roster-demographics.readonly'"),
            ("'roster.readonly'", "'roster'"),
            ("[[client]]", "[client]"),
        ] {
            let refused = Clients::read(&GOOD.replacen(from, to, 1)).err().map(|error| error.to_string());
            assert!(refused.is_some_and(|text| !text.contains("2bb80d537")), "{to}");
        }
        assert_eq!(Clients::read(&[GOOD, GOOD].concat()), Err(ClientsError::Twice("lms".into())));
    }
}
