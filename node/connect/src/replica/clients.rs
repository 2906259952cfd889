//! The replicas that a district has registered: a file of the operator's alone, read again when it changes.

use std::path::Path;

use aula_district::enter::source_of;
use aula_ledger::names::Name;
use aula_lrs::clients::{Client, Clients};
use aula_lrs::validate::text::is_iri;
use aula_twin_runtime::event::SourceId;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::clients::{ClientsError, read_lines, secret_hash};

/// A replica that is registered.
#[derive(Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its name; the access log's reader.
    pub name: Name,
    /// The schools whose students it has, by number on the ledger.
    pub schools: Vec<u32>,
    /// The feeds whose events it may bring.
    pub feeds: Vec<SourceId>,
    /// The home page whose accounts are students, in records that it brings; that of the district's own where it is left out.
    pub home_page: Option<String>,
    /// The digest of its line, secret and all: a line that was changed is another registration.
    line: [u8; 32],
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registered").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The replicas of a district.
#[derive(Debug, Clone, Default)]
pub struct Replicas {
    clients: Clients,
    all: Vec<Registered>,
}

impl Replicas {
    /// Whom an `Authorization` header of the scheme Basic names.
    pub fn known(&self, header: &str) -> Option<&Registered> {
        let client = self.clients.known(header)?;
        self.all.iter().find(|own| own.name.as_str() == client.name)
    }

    /// Whether a replica of this name is registered.
    pub fn names(&self, name: &str) -> bool {
        self.all.iter().any(|own| own.name.as_str() == name)
    }

    /// Whether a registration stands as it did.
    pub fn has(&self, registered: &Registered) -> bool {
        self.all.contains(registered)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    replica: Vec<Line>,
}

#[derive(Deserialize, borsh::BorshSerialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    secret_sha256: String,
    schools: Vec<u32>,
    feeds: Vec<String>,
    home_page: Option<String>,
}

/// Reads the file.
///
/// # Errors
/// [`ClientsError`], which never says what is in it.
pub fn read(path: &Path) -> Result<Replicas, ClientsError> {
    let file: File = read_lines(path, "write [[replica]] with name, secret_sha256, schools and feeds")?;
    let malformed = |why: String| ClientsError::Malformed(path.display().to_string(), why);
    let (mut all, mut clients): (Vec<Registered>, Vec<Client>) = Default::default();
    for line in file.replica {
        let name = Name::new(&line.name).map_err(|error| malformed(error.to_string()))?;
        let hash = secret_hash(&line.name, &line.secret_sha256).map_err(malformed)?;
        if all.iter().any(|other| other.name == name) {
            return Err(malformed(format!("the replica {name} stands twice")));
        }
        if line.schools.is_empty() {
            return Err(malformed(format!("the replica {name} has no school")));
        }
        // Writing to a Vec has no failing path.
        let digest = Sha256::digest(borsh::to_vec(&line).unwrap_or_default()).into();
        let feeds = line.feeds.iter().map(|feed| source_of(feed)).collect();
        let home_page = line.home_page;
        if home_page.as_deref().is_some_and(|text| !is_iri(text)) {
            return Err(malformed(format!(
                "the home_page of the replica {name} is not an IRI with a scheme"
            )));
        }
        clients.push(Client::new(line.name, hash, Vec::new()));
        all.push(Registered { name, schools: line.schools, feeds, home_page, line: digest });
    }
    Ok(Replicas { clients: Clients::new(clients), all })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn replicas_are_read_and_a_file_that_others_can_read_is_refused() -> Result<(), Box<dyn std::error::Error>>
    {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("replicas.toml");
        let hash = hex::encode(Client::hash(b"s"));
        let good = format!(
            "[[replica]]\nname = \"lincoln\"\nsecret_sha256 = \"{hash}\"\nschools = [11]\nfeeds = [\"lincoln-tablets\"]\n"
        );
        let write = |text: &str, mode| {
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
        };
        write(&good, 0o600)?;
        let all = read(&path)?;
        // lincoln:s, lincoln:t, other:s
        let own = all.known("Basic bGluY29sbjpz").ok_or("not known")?;
        assert_eq!((&own.feeds[..], &own.schools[..]), (&[source_of("lincoln-tablets")][..], &[11][..]));
        assert!(all.known("Basic bGluY29sbjp0").is_none() && all.known("Basic b3RoZXI6cw==").is_none());
        // Of another secret, or of other schools, it is another registration.
        for (from, to) in [(hash.as_str(), hex::encode(Client::hash(b"t"))), ("[11]", "[11, 12]".into())] {
            write(&good.replacen(from, &to, 1), 0o600)?;
            assert!(!read(&path)?.has(own), "{to}");
        }
        write(&good, 0o600)?;
        assert!(read(&path)?.has(own));
        let paged = good.replacen("feeds", "home_page = \"https://sis.example.org\"\nfeeds", 1);
        write(&paged, 0o600)?;
        let all = read(&path)?;
        assert!(!all.has(own), "of another home page it is another registration");
        let now = all.known("Basic bGluY29sbjpz").ok_or("not known")?;
        assert_eq!(now.home_page.as_deref(), Some("https://sis.example.org"));
        for mode in [0o644, 0o640, 0o620, 0o602] {
            write(&good, mode)?;
            assert!(matches!(read(&path), Err(ClientsError::Open(_))), "{mode:o}");
        }
        for (from, to) in [
            ("[11]", "[]"),
            ("\"lincoln\"", "\"L i\""),
            (hash.as_str(), "00"),
            ("feeds", "feed"),
            ("feeds", "home_page = \"sis\"\nfeeds"),
        ] {
            write(&good.replacen(from, to, 1), 0o600)?;
            let refused = read(&path).err().ok_or(to)?.to_string();
            assert!(!refused.contains(&hash), "{refused}");
        }
        write(&format!("{good}{good}"), 0o600)?;
        assert!(read(&path).is_err());
        Ok(())
    }
}
