//! The tool's own keys: drawn here, in a folder of the operator's alone, published while their signatures may be asked for.
//!
//! Flow: [`Keys::open`] reads the folder, and draws a key where none is → [`Keys::sign`] with the newest → [`Keys::rotate`] draws another
//! when the newest is older than [`ROTATE_MS`], and forgets those that were replaced more than [`KEEP_MS`] ago. A key's file is
//! named by when it was made. Invariants: a private key is in no other file, log or answer.

use std::fs;
use std::path::{Path, PathBuf};

use aula_files::{Access, Unread};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use rsa::RsaPrivateKey;
use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
use serde_json::{Value, json};

/// Age after which a key is replaced: 90 days.
pub const ROTATE_MS: u64 = 90 * 86_400_000;
/// How long a replaced key stays published: a week, longer than any platform holds a set of keys.
pub const KEEP_MS: u64 = 7 * 86_400_000;
const BITS: usize = 2_048;

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The folder or a file.
    #[error("the keys in {0:?} cannot be used")]
    Disk(PathBuf, #[source] std::io::Error),
    /// Others can read it.
    #[error("others can read {0:?}: remove it, so that another key is drawn")]
    Open(PathBuf),
    /// A file that is no key, or a key that does not sign.
    #[error("{0:?} is not a private key of RSA: remove it, so that another is drawn")]
    Key(PathBuf),
}

struct Own {
    made_ms: u64,
    path: PathBuf,
    key: CoreRsaPrivateSigningKey,
}

/// Keys, the oldest first.
pub struct Keys {
    folder: PathBuf,
    own: Vec<Own>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("count", &self.own.len()).finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys of a folder; one is drawn where there is none.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn open(folder: &Path, now_ms: u64) -> Result<Self, KeysError> {
        let failed = |error| KeysError::Disk(folder.to_owned(), error);
        aula_files::private_folder(folder).map_err(failed)?;
        let mut own = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let made = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if let Some(made_ms) = made.filter(|_| path.extension().is_some_and(|end| end == "pem")) {
                own.push(read(&path, made_ms)?);
            }
        }
        own.sort_by_key(|own| own.made_ms);
        let mut keys = Self { folder: folder.to_owned(), own };
        if keys.own.is_empty() {
            keys.draw(now_ms)?;
        }
        Ok(keys)
    }

    fn draw(&mut self, now_ms: u64) -> Result<(), KeysError> {
        let path = self.folder.join(format!("{now_ms}.pem"));
        let wrong = || KeysError::Key(path.clone());
        let key = RsaPrivateKey::new(&mut rand::rngs::OsRng, BITS).map_err(|_| wrong())?;
        let pem = key.to_pkcs1_pem(LineEnding::LF).map_err(|_| wrong())?;
        aula_files::create(&path, Access::Private, pem.as_bytes())
            .map_err(|error| KeysError::Disk(self.folder.clone(), error))?;
        self.own.push(read(&path, now_ms)?);
        Ok(())
    }

    /// Draws another key when the newest is old, and forgets what was replaced long ago. True when something changed.
    ///
    /// # Errors
    /// [`KeysError`]; the keys stay as they were.
    pub fn rotate(&mut self, now_ms: u64) -> Result<bool, KeysError> {
        let newest = self.own.last().map_or(0, |own| own.made_ms);
        let due = now_ms.saturating_sub(newest) >= ROTATE_MS;
        if due {
            self.draw(now_ms)?;
        }
        let replaced: Vec<u64> = self.own.iter().skip(1).map(|next| next.made_ms).collect();
        let gone = replaced.iter().take_while(|at| now_ms.saturating_sub(**at) > KEEP_MS).count();
        for old in self.own.drain(..gone) {
            fs::remove_file(&old.path).map_err(|error| KeysError::Disk(old.path.clone(), error))?;
        }
        Ok(due || gone > 0)
    }

    /// The published set.
    pub fn published(&self) -> Value {
        let public = |own: &Own| {
            let mut key = serde_json::to_value(own.key.as_verification_key()).unwrap_or_default();
            if let Some(members) = key.as_object_mut() {
                members.insert("alg".into(), json!("RS256"));
            }
            key
        };
        json!({ "keys": self.own.iter().map(public).collect::<Vec<_>>() })
    }

    /// A token with these claims, signed with the newest key.
    ///
    /// # Errors
    /// [`KeysError::Key`] when it does not sign.
    pub fn sign(&self, claims: &Value) -> Result<String, KeysError> {
        let wrong = || KeysError::Key(self.folder.clone());
        let own = self.own.last().ok_or_else(wrong)?;
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": own.made_ms.to_string() });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
        let signature = own.key.sign(&algorithm, signed.as_bytes()).map_err(|_| wrong())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn read(path: &Path, made_ms: u64) -> Result<Own, KeysError> {
    let pem = aula_files::read_private(path).map_err(|why| match why {
        Unread::Refused(error) => KeysError::Disk(path.to_owned(), error),
        Unread::Open(_) => KeysError::Open(path.to_owned()),
    })?;
    let wrong = || KeysError::Key(path.to_owned());
    let pem = std::str::from_utf8(&pem).map_err(|_| wrong())?;
    let kid = Some(JsonWebKeyId::new(made_ms.to_string()));
    let key = CoreRsaPrivateSigningKey::from_pem(pem, kid).map_err(|_| wrong())?;
    Ok(Own { made_ms, path: path.to_owned(), key })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_rotated_and_a_replaced_one_stays_published_for_a_week()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("keys");
        let mut keys = Keys::open(&path, 1_000)?;
        let count = |keys: &Keys| keys.published()["keys"].as_array().map_or(0, Vec::len);
        assert_eq!((count(&keys), keys.rotate(1_000 + ROTATE_MS - 1)?), (1, false));
        assert_eq!((keys.rotate(1_000 + ROTATE_MS)?, count(&keys)), (true, 2));
        let token = keys.sign(&json!({ "a": 1 }))?;
        let set = crate::jwt::keys(keys.published().to_string().as_bytes())?;
        assert_eq!(crate::jwt::Token::split(&token)?.verified(&set)?, &json!({ "a": 1 }));
        let mut again = Keys::open(&path, 0)?;
        assert_eq!(again.published(), keys.published(), "a restart draws none");
        assert_eq!((again.rotate(1_000 + ROTATE_MS + KEEP_MS + 1)?, count(&again)), (true, 1));
        assert_eq!(fs::read_dir(&path)?.count(), 1);
        assert!(!format!("{again:?}").contains("PRIVATE"));
        for entry in fs::read_dir(&path)? {
            let path = entry?.path();
            assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o077, 0);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        }
        assert!(matches!(Keys::open(&path, 0), Err(KeysError::Open(_))));
        Ok(())
    }
}
