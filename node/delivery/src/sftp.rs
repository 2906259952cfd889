//! Upload by SFTP, resumed after a cut.
//!
//! Flow of [`Upload::put`]: a file of the final name that has these bytes is done → `NAME.part` is looked at: what it has is compared
//! with what it should have and gone on from, or it is deleted → the rest is written → the whole is read back → it is renamed. So a
//! reader of the folder sees whole files alone, and a server that lost or changed bytes is found out before the rename. Host keys are
//! pinned: another than the one of the settings ends the connection before anything is said.

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
        let pinned = PublicKey::from_openssh(&place.host_key)
            .map_err(|why| DeliveryError::Setting(format!("host_key of {} is none: {why}", place.address)))?;
        let key = load_secret_key(key, None).map_err(|why| {
            DeliveryError::Setting(format!("{} is no key of OpenSSH: {why}", key.display()))
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
        Ok(Self { place: place.clone(), sftp, _session: session })
    }

    /// Puts a file into the folder, whole; one that is there with these bytes already stays.
    ///
    /// # Errors
    /// A server that refuses, stops or holds other bytes: what was written stays as `.part`, and the next call goes on.
    pub async fn put(&self, name: &str, file: &Local) -> Result<(), DeliveryError> {
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
