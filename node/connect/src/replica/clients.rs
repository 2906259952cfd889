//! The replicas that a district has registered: a file of the operator's alone, read again when it changes.

use std::path::Path;

use aula_district::enter::source_of;
use aula_home::own_file::{self, OwnFileError};
use aula_ledger::names::Name;
use aula_lrs::clients::{Client, Clients};
use aula_twin_runtime::event::SourceId;
use serde::Deserialize;

use crate::clients::ClientsError;

/// A replica that is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its name; the access log's reader.
    pub name: Name,
    /// The schools whose students it has, by number on the ledger.
    pub schools: Vec<u32>,
    /// The feeds whose events it may bring.
    pub feeds: Vec<SourceId>,
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
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    replica: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    secret_sha256: String,
    schools: Vec<u32>,
    feeds: Vec<String>,
}

/// Reads the file.
///
/// # Errors
/// [`ClientsError`], which never says what is in it.
pub fn read(path: &Path) -> Result<Replicas, ClientsError> {
    let shown = path.display().to_string();
    let text = own_file::read(path).map_err(|error| match error {
        OwnFileError::Read(_, error) => ClientsError::Read(shown.clone(), error),
        OwnFileError::Open(..) => ClientsError::Open(shown.clone()),
    })?;
    let malformed = |why: String| ClientsError::Malformed(shown.clone(), why);
    let wanted = "write [[replica]] with name, secret_sha256, schools and feeds";
    let file: File = toml::from_str(&text).map_err(|_| malformed(wanted.into()))?;
    let (mut all, mut clients): (Vec<Registered>, Vec<Client>) = Default::default();
    for line in file.replica {
        let name = Name::new(&line.name).map_err(|error| malformed(error.to_string()))?;
        let mut hash = [0; 32];
        hex::decode_to_slice(&line.secret_sha256, &mut hash)
            .map_err(|_| malformed(format!("secret_sha256 of {name} is not 64 hexadecimal digits")))?;
        if all.iter().any(|other| other.name == name) {
            return Err(malformed(format!("the replica {name} stands twice")));
        }
        if line.schools.is_empty() {
            return Err(malformed(format!("the replica {name} has no school")));
        }
        let feeds = line.feeds.iter().map(|feed| source_of(feed)).collect();
        clients.push(Client::new(line.name, hash, Vec::new()));
        all.push(Registered { name, schools: line.schools, feeds });
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
        write(&good, 0o644)?;
        assert!(matches!(read(&path), Err(ClientsError::Open(_))));
        for (from, to) in
            [("[11]", "[]"), ("\"lincoln\"", "\"L i\""), (hash.as_str(), "00"), ("feeds", "feed")]
        {
            write(&good.replacen(from, to, 1), 0o600)?;
            let refused = read(&path).err().ok_or(to)?.to_string();
            assert!(!refused.contains(&hash), "{refused}");
        }
        write(&format!("{good}{good}"), 0o600)?;
        assert!(read(&path).is_err());
        Ok(())
    }
}
