//! Who may send to a feed: a file of the operator's alone, read again when it changes; and how such files are read and watched,
//! whoever's they are.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aula_home::own_file::{self, OwnFileError, Watch};
use aula_ledger::names::Name;
use aula_lrs::clients::{Client, Clients, Scope};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why a file of clients is refused. Never says what is in it.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// It cannot be read.
    #[error("cannot read {0}")]
    Read(String, #[source] std::io::Error),
    /// Others can read it.
    #[error("others can read {0}: chmod 600 it, and draw new secrets")]
    Open(String),
    /// It says what no client is.
    #[error("{0} is not a file of clients: {1}")]
    Malformed(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientsFile {
    client: Vec<ClientLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientLine {
    name: String,
    secret_sha256: String,
    scopes: Vec<String>,
}

/// How often a file of clients is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Gives `take` what a file of the operator's alone says anew whenever it has changed, for ever; a file that is refused changes nothing, and
/// that is told once. `whose` names those who are in it, for the log.
pub async fn attend<T, E: Display>(
    whose: String,
    file: PathBuf,
    read: impl Fn(&Path) -> Result<T, E>,
    take: impl Fn(T),
) {
    let mut watch = Watch::unread(&file);
    loop {
        tokio::time::sleep(EVERY).await;
        if !watch.is_due() {
            continue;
        }
        match read(&file) {
            Ok(clients) => {
                watch.take();
                take(clients);
            }
            Err(error) if watch.refuse() => tracing::warn!(whose, %error, "its clients stay as they were"),
            Err(_) => {}
        }
    }
}

/// Reads a file of the operator's alone; `wanted` says what stands in one.
///
/// # Errors
/// [`ClientsError`].
pub(crate) fn read_lines<T: DeserializeOwned>(path: &Path, wanted: &str) -> Result<T, ClientsError> {
    let shown = path.display().to_string();
    let text = own_file::read(path).map_err(|error| match error {
        OwnFileError::Read(_, error) => ClientsError::Read(shown.clone(), error),
        OwnFileError::Open(..) => ClientsError::Open(shown.clone()),
    })?;
    // The parser's own words would quote the line.
    toml::from_str(&text).map_err(|_| ClientsError::Malformed(shown, wanted.to_owned()))
}

/// The SHA-256 of somebody's secret, as a line has it.
///
/// # Errors
/// What is wrong with it, without it.
pub(crate) fn secret_hash(name: &str, digits: &str) -> Result<[u8; 32], String> {
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash)
        .map_err(|_| format!("secret_sha256 of {name} is not 64 hexadecimal digits"))?;
    Ok(hash)
}

/// Reads a file of clients.
///
/// # Errors
/// [`ClientsError`].
pub fn read_clients(path: &Path) -> Result<Clients, ClientsError> {
    let file: ClientsFile = read_lines(path, "write [[client]] with name, secret_sha256 and scopes")?;
    let malformed = |why: String| ClientsError::Malformed(path.display().to_string(), why);
    let mut clients: Vec<Client> = Vec::with_capacity(file.client.len());
    for line in file.client {
        Name::new(&line.name).map_err(|error| malformed(error.to_string()))?;
        if clients.iter().any(|other| other.name == line.name) {
            return Err(malformed(format!("the client {} stands twice", line.name)));
        }
        let hash = secret_hash(&line.name, &line.secret_sha256).map_err(malformed)?;
        let scopes = line.scopes.iter().map(|word| {
            let known = Scope::EVERY.map(Scope::name).join(", ");
            Scope::parse(word).ok_or_else(|| malformed(format!("{word:?} is not a scope: {known}")))
        });
        clients.push(Client::new(line.name, hash, scopes.collect::<Result<Vec<_>, _>>()?));
    }
    Ok(Clients::new(clients))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testkit::write_clients;

    #[test]
    fn clients_that_others_can_read_or_that_are_malformed_are_refused()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("clients.toml");
        assert!(matches!(read_clients(&path), Err(ClientsError::Read(..))));
        write_clients(&path, "lms", b"s")?;
        assert!(read_clients(&path).is_ok());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640))?;
        assert!(matches!(read_clients(&path), Err(ClientsError::Open(_))));
        for (from, to) in [
            ("\"all\"", "\"root\""),
            ("name", "nom"),
            ("\"lms\"", "\"l m s\""),
            ("secret_sha256 = \"", "secret_sha256 = \"z"),
        ] {
            write_clients(&path, "lms", b"s")?;
            let text = std::fs::read_to_string(&path)?.replacen(from, to, 1);
            std::fs::write(&path, text)?;
            let refused = read_clients(&path).err().ok_or(to)?.to_string();
            assert!(!refused.contains(&hex::encode(Client::hash(b"s"))), "{refused}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn whoevers_file_it_is_it_is_taken_again_when_it_changes() -> Result<(), Box<dyn std::error::Error>>
    {
        use crate::replica::clients::{Replicas, read};
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("replicas.toml");
        let write = |secret: &[u8], mode| {
            let (other, hash) = (folder.path().join("other"), hex::encode(Client::hash(secret)));
            let line = format!(
                "[[replica]]\nname = \"lincoln\"\nsecret_sha256 = \"{hash}\"\nschools = [11]\nfeeds = []\n"
            );
            std::fs::write(&other, line)?;
            std::fs::set_permissions(&other, std::fs::Permissions::from_mode(mode))?;
            std::fs::rename(other, &path)
        };
        write(b"s", 0o600)?;
        let (sender, mut taken) = tokio::sync::mpsc::unbounded_channel::<Replicas>();
        let take = move |known| {
            let _ = sender.send(known);
        };
        let watching = tokio::spawn(attend("the replicas".into(), path.clone(), read, take));
        let mut next = async || tokio::time::timeout(Duration::from_secs(30), taken.recv()).await;
        // lincoln:s, lincoln:t
        let (old, new) = ("Basic bGluY29sbjpz", "Basic bGluY29sbjp0");
        let known = next().await?.ok_or("ended")?;
        assert!(known.known(old).is_some() && known.known(new).is_none());
        // One that others can read is not taken; mended, it is, and nothing came between.
        write(b"u", 0o644)?;
        tokio::time::sleep(EVERY + EVERY / 2).await;
        write(b"t", 0o600)?;
        let known = next().await?.ok_or("ended")?;
        assert!(known.known(new).is_some() && known.known(old).is_none());
        watching.abort();
        Ok(())
    }
}
