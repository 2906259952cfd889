//! Upload by SFTP, resumed after a cut.
//!
//! Flow of [`Upload::put`]: a file of the final name that has these bytes is done → `NAME.part` is looked at: what it has is compared
//! with what it should have and gone on from, or it is deleted → the rest is written → the whole is read back → it is renamed. So a
//! reader of the folder sees whole files alone, and a server that lost or changed bytes is found out before the rename. Host keys are
//! pinned: another than the one of the settings ends the connection before anything is said. Each request has a limit of time, and so
//! has the whole (`Pace`): a server that answers each a moment before it is given up holds nobody up for days.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle, Handler};
use russh::keys::{PrivateKeyWithHashAlg, PublicKey, load_secret_key};
use russh_sftp::client::SftpSession;
use russh_sftp::client::fs::File;
use russh_sftp::protocol::OpenFlags;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::{DeliveryError, Local};

/// Without a byte from the server for so long, the connection is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// For one request of the protocol, seconds.
const REQUEST_S: u64 = 30;
/// Bytes that are read or written at once.
const CHUNK: usize = 256 << 10;

/// How slow a server may be with a whole file.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// What it may take beside its bytes.
    patience: Duration,
    /// Bytes a second, written and read back.
    least_rate: u64,
}

/// 1 Mbit a second: what is slower is given up, and goes on from there at the next try.
const PACE: Pace = Pace { patience: Duration::from_secs(120), least_rate: 128 << 10 };

impl Pace {
    /// The longest that a file of so many bytes may take: what is there may be read, the rest is written, the whole is read back.
    fn most(self, length: u64) -> Duration {
        let moved = length.saturating_mul(3);
        self.patience.saturating_add(Duration::from_secs(moved / self.least_rate.max(1)))
    }
}

/// A server, and who comes to it.
#[derive(Debug, Clone)]
pub struct Place {
    /// `HOST:PORT`.
    pub address: String,
    /// The account there.
    pub user: String,
    /// Its host key, as a line of OpenSSH: `ssh-ed25519 AAAA…`.
    pub host_key: String,
    /// The folder there; the account's own when empty.
    pub folder: String,
}

/// Knows the server by its key.
struct Pinned(PublicKey);

impl Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        Ok(match shown {
            russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } => key.key_data() == self.0.key_data(),
            russh::keys::PublicKeyOrCertificate::Certificate(_) => false,
        })
    }
}

/// An open connection.
pub struct Upload {
    place: Place,
    sftp: SftpSession,
    pace: Pace,
    /// The connection ends with it.
    _session: Handle<Pinned>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upload").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Upload {
    /// Connects with the private key in a file of OpenSSH without a passphrase.
    ///
    /// # Errors
    /// A key that cannot be used; a server that cannot be reached, is another, or does not know the account.
    pub async fn connect(place: &Place, key: &Path) -> Result<Self, DeliveryError> {
        let pinned = PublicKey::from_openssh(&place.host_key).map_err(|why| {
            DeliveryError::Setting(format!("host_key of {} is not a key of OpenSSH: {why}", place.address))
        })?;
        let key = load_secret_key(key, None).map_err(|why| {
            DeliveryError::Setting(format!("{} is not a key of OpenSSH: {why}", key.display()))
        })?;
        let failed = |why: &dyn std::fmt::Display| DeliveryError::peer(&place.address, why);
        let mut config = client::Config { inactivity_timeout: Some(SILENCE), ..client::Config::default() };
        // Of a server with several keys the pinned one is asked for.
        config.preferred.key = Cow::Owned(vec![pinned.algorithm()]);
        let connecting = client::connect(Arc::new(config), place.address.as_str(), Pinned(pinned));
        let mut session = match tokio::time::timeout(SILENCE, connecting).await {
            Ok(Ok(session)) => session,
            Ok(Err(russh::Error::UnknownKey)) => {
                return Err(failed(&"it shows another host key than the one of the settings"));
            }
            Ok(Err(error)) => return Err(failed(&error)),
            Err(_) => return Err(failed(&"it does not answer")),
        };
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
        let known = session.authenticate_publickey(&place.user, key).await.map_err(|e| failed(&e))?;
        if !known.success() {
            return Err(failed(&format!("it does not take the key of {}", place.user)));
        }
        let channel = session.channel_open_session().await.map_err(|e| failed(&e))?;
        channel.request_subsystem(true, "sftp").await.map_err(|e| failed(&e))?;
        let sftp = SftpSession::new(channel.into_stream()).await.map_err(|e| failed(&e))?;
        sftp.set_timeout(REQUEST_S);
        Ok(Self { place: place.clone(), sftp, pace: PACE, _session: session })
    }

    /// Puts a file into the folder, whole; one that is there with these bytes already stays.
    ///
    /// # Errors
    /// A server that refuses, stops, is too slow or holds other bytes: what was written stays as `.part`, and the next call goes on.
    pub async fn put(&self, name: &str, file: &Local) -> Result<(), DeliveryError> {
        let most = self.pace.most(file.length());
        match tokio::time::timeout(most, self.put_whole(name, file)).await {
            Ok(put) => put,
            Err(_) => {
                Err(self.failed(&format!("{name} was not there after {} s: it is too slow", most.as_secs())))
            }
        }
    }

    async fn put_whole(&self, name: &str, file: &Local) -> Result<(), DeliveryError> {
        let path = self.path(name);
        let differs = || DeliveryError::Differs { place: self.place.address.clone(), name: name.to_owned() };
        if self.there(&path).await? {
            return if self.same(&path, file).await? == Some(file.length()) {
                Ok(())
            } else {
                Err(differs())
            };
        }
        let part = format!("{path}.part");
        let kept = self.kept(&part, file).await?;
        if kept < file.length() || file.length() == 0 {
            self.write(&part, kept, file).await?;
        }
        if self.same(&part, file).await? != Some(file.length()) {
            return Err(differs());
        }
        self.sftp.rename(&part, &path).await.map_err(|e| self.failed(&e))?;
        if self.there(&path).await? {
            Ok(())
        } else {
            Err(self.failed(&format!("{name} is not there after its rename")))
        }
    }

    fn path(&self, name: &str) -> String {
        match self.place.folder.trim_end_matches('/') {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        }
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> DeliveryError {
        DeliveryError::peer(&self.place.address, why)
    }

    async fn there(&self, path: &str) -> Result<bool, DeliveryError> {
        self.sftp.try_exists(path).await.map_err(|e| self.failed(&e))
    }

    /// How many first bytes the server has already; what it has is deleted when it is something else.
    async fn kept(&self, part: &str, file: &Local) -> Result<u64, DeliveryError> {
        if !self.there(part).await? {
            return Ok(0);
        }
        if let Some(kept) = self.same(part, file).await? {
            return Ok(kept);
        }
        self.sftp.remove_file(part).await.map_err(|e| self.failed(&e))?;
        Ok(0)
    }

    async fn write(&self, part: &str, mut at: u64, file: &Local) -> Result<(), DeliveryError> {
        let flags = OpenFlags::CREATE | OpenFlags::WRITE;
        let mut there = self.sftp.open_with_flags(part, flags).await.map_err(|e| self.failed(&e))?;
        there.seek(std::io::SeekFrom::Start(at)).await.map_err(|e| self.failed(&e))?;
        while at < file.length() {
            let piece = file.piece(at, CHUNK)?;
            if piece.is_empty() {
                break;
            }
            there.write_all(&piece).await.map_err(|e| self.failed(&e))?;
            at = at.saturating_add(piece.len() as u64);
        }
        there.flush().await.map_err(|e| self.failed(&e))?;
        there.close().await.map_err(|e| self.failed(&e))
    }

    /// How many bytes a file there has, where they are the first of this one; none when any is another.
    async fn same(&self, path: &str, file: &Local) -> Result<Option<u64>, DeliveryError> {
        let mut there: File = self.sftp.open(path).await.map_err(|e| self.failed(&e))?;
        let (mut at, mut chunk) = (0u64, vec![0; CHUNK]);
        loop {
            let count = there.read(&mut chunk).await.map_err(|e| self.failed(&e))?;
            if count == 0 {
                return Ok(Some(at));
            }
            let found = chunk.get(..count).unwrap_or_default();
            if file.piece(at, count)? != found {
                return Ok(None);
            }
            at = at.saturating_add(count as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told;

    #[test]
    fn a_file_may_take_as_long_as_its_bytes_and_no_longer() {
        assert_eq!(PACE.most(0), Duration::from_secs(120));
        assert_eq!(PACE.most(128 << 20), Duration::from_secs(120 + 3 * 1_024));
        assert!(PACE.most(u64::MAX) > PACE.most(2_400_000_000));
    }

    /// The folder of `scripts/delivery/servers.py` in which each request is answered in good time, and the whole never ends.
    #[tokio::test]
    #[ignore = "asks for servers: scripts/delivery-peers.sh"]
    async fn asyncssh_that_trickles_is_given_up_as_a_whole_and_the_next_try_goes_on()
    -> Result<(), Box<dyn std::error::Error>> {
        let (above, own) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let path = own.path().join("report");
        std::fs::write(&path, vec![7u8; 2_000_000])?;
        let file = Local::of(&path)?;
        let slow = above.path().join("trickling");
        std::fs::create_dir(&slow)?;
        let place = Place {
            address: told("AULA_SFTP_FAULTY")?,
            user: "district".into(),
            host_key: told("AULA_SFTP_HOST_KEY")?,
            folder: slow.to_str().ok_or("a path that is not text")?.to_owned(),
        };
        let key = std::path::PathBuf::from(told("AULA_SFTP_KEY")?);
        let mut upload = Upload::connect(&place, &key).await?;
        upload.pace = Pace { patience: Duration::from_secs(4), least_rate: 6_000_000 };
        let began = std::time::Instant::now();
        let refused = upload.put("report", &file).await.map_err(|error| error.to_string());
        assert!(refused.as_ref().is_err_and(|told| told.contains("too slow")), "{refused:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(!slow.join("report").exists() && slow.join("report.part").exists());
        drop(upload);
        let mended = above.path().join("mended");
        std::fs::rename(&slow, &mended)?;
        let place = Place { folder: mended.to_str().ok_or("a path that is not text")?.to_owned(), ..place };
        Upload::connect(&place, &key).await?.put("report", &file).await?;
        assert_eq!(std::fs::read(mended.join("report"))?, std::fs::read(&path)?);
        Ok(())
    }
}
