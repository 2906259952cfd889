//! Where a genesis file comes from: a file, or a URL that names its SHA-256.
//!
//! The genesis says who decides. From a file the operator compares the printed hash with the published one; from the network
//! nobody may be believed, so a URL without the hash is refused before anything is asked.

use std::path::Path;
use std::time::Duration;

use aula_files::read_at_most;
use aula_ledger::genesis::MAX_GENESIS_BYTES;
use aula_ledger::types::Hash;
use aula_store::sha256;
use reqwest::redirect::Policy;

use crate::terminal::{Advise, Failure};

/// Longest wait for all of it.
const TIMEOUT: Duration = Duration::from_secs(60);
const HINT: &str = "fetch the consortium's genesis file again";

/// The bytes that `FILE`, `FILE#SHA256` or `URL#SHA256` names.
///
/// # Errors
/// When they cannot be had, are more than a genesis may be, or have another SHA-256 than the one given.
pub(super) async fn read(from: &str) -> Result<Vec<u8>, Failure> {
    let is_url = from.starts_with("https://") || from.starts_with("http://");
    let pinned = from.rsplit_once('#').and_then(|(place, hash)| Some((place, hash.parse::<Hash>().ok()?)));
    let (place, expected) = match pinned {
        Some((place, hash)) => (place, Some(hash)),
        None if is_url => {
            return Err(Failure::new(
                "unpinned",
                format!("{from} does not say which genesis it must be"),
                "append # and the published SHA-256 of the file: https://HOST/genesis.json#9f2c…",
            ));
        }
        None => (from, None),
    };
    let what = || format!("the genesis {place} is refused");
    let bytes = match is_url {
        true => fetch(place).await?,
        // What the operator names may be a pipe: it is read to the bound alone.
        false => read_at_most(Path::new(place), MAX_GENESIS_BYTES as u64).advise(what(), HINT)?,
    };
    let found = sha256(&bytes);
    match expected.filter(|expected| *expected != found) {
        None => Ok(bytes),
        Some(expected) => Err(Failure::new(
            "genesis_sha256",
            format!("{}: its SHA-256 is {found}, not {expected}", what()),
            "compare both with what the consortium publishes: the file or the hash is another chain's",
        )),
    }
}

async fn fetch(url: &str) -> Result<Vec<u8>, Failure> {
    let hint = "check the address and this machine's network, or fetch the file by hand and name it";
    let what = || format!("the genesis {url} cannot be fetched");
    let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(Policy::limited(3)).build();
    let mut answer = client.advise(what(), hint)?.get(url).send().await.advise(what(), hint)?;
    if !answer.status().is_success() {
        return Err(Failure::because(format!("{}: the server says {}", what(), answer.status()), hint));
    }
    let mut bytes = Vec::new();
    while let Some(more) = answer.chunk().await.advise(what(), hint)? {
        if bytes.len() + more.len() > MAX_GENESIS_BYTES {
            return Err(Failure::because(format!("{}: it has more bytes than a genesis may", what()), hint));
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsRawFd;

    use super::*;

    /// Serves these bytes once, at a port of its own.
    fn serving(bytes: &'static [u8]) -> std::io::Result<String> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let _ = stream.read(&mut [0; 1024])?;
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len())?;
            stream.write_all(bytes)
        });
        Ok(format!("http://{address}/genesis.json"))
    }

    #[tokio::test]
    async fn a_url_must_say_which_genesis_it_is() -> Result<(), Box<dyn std::error::Error>> {
        let asked = read("https://127.0.0.1:1/genesis.json").await;
        assert!(asked.is_err_and(|failure| failure.code == "unpinned"), "and nobody was asked");
        let hash = sha256(b"a genesis");
        assert_eq!(
            read(&format!("{}#{hash}", serving(b"a genesis")?)).await.ok().as_deref(),
            Some(&b"a genesis"[..])
        );
        let other = read(&format!("{}#{hash}", serving(b"another")?)).await;
        assert!(other.is_err_and(|failure| failure.code == "genesis_sha256"));
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("genesis.json");
        std::fs::write(&path, b"a genesis")?;
        assert!(read(&path.display().to_string()).await.is_ok());
        assert!(read(&format!("{}#{hash}", path.display())).await.is_ok());
        let wrong = read(&format!("{}#{}", path.display(), "0".repeat(64))).await;
        assert!(wrong.is_err_and(|failure| failure.code == "genesis_sha256"));
        // It takes no place on the disk.
        std::fs::File::create(&path)?.set_len(256 << 20)?;
        let large = read(&path.display().to_string()).await;
        assert!(large.is_err_and(|failure| {
            failure.message.contains("more than 16777216 bytes") && failure.hint == HINT
        }));
        let endless = read("/dev/zero").await;
        assert!(endless.is_err_and(|failure| failure.message.contains("more than 16777216 bytes")));
        Ok(())
    }

    #[tokio::test]
    async fn a_genesis_may_come_through_a_pipe() -> Result<(), Box<dyn std::error::Error>> {
        let (end, mut begin) = std::io::pipe()?;
        begin.write_all(b"a genesis")?;
        drop(begin);
        let piped = read(&format!("/dev/fd/{}", end.as_raw_fd())).await;
        assert_eq!(piped.ok().as_deref(), Some(&b"a genesis"[..]));
        Ok(())
    }
}
