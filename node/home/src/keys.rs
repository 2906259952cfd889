//! A node's four keys, each its own: account (signs transactions), validator (votes), network (libp2p), seed (shares of
//! lotteries' seeds follow from it, and it signs the transactions that commit to and reveal them); and a district's fifth,
//! issuer (signs credentials), made for the first of them.
//!
//! Flow: `aula init` or `aula keys create` draws them from the system's randomness and writes
//! `keys/KIND.json` with mode 0600, never over an existing file; [`NodeKey::load`] refuses a file that
//! others can read. Secrets are zeroized when dropped and never appear in Debug, errors, logs or argv.
//! Key-encryption keys of the vault are not here: they live in the vault's own keystore.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aula_files::Access;
use aula_ledger::chain::validators;
use aula_ledger::keys::{PublicKey, public_key};
use aula_ledger::types::ValidatorAddress;
use clap::ValueEnum;
use ed25519_dalek::SigningKey;
use rand::RngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::home::Home;
use crate::{NextStep, unread};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Signs transactions of the member.
    Account,
    /// Signs votes of the validator.
    Validator,
    /// Identifies the node to its peers.
    Network,
    /// Shares of lotteries' seeds follow from it and are sent with it.
    Seed,
    /// Signs the credentials that a district issues.
    Issuer,
}

impl KeyKind {
    /// The kinds that every node has; an issuer's key is made for the first credential.
    pub const ALL: [Self; 4] = [Self::Account, Self::Validator, Self::Network, Self::Seed];

    /// Lower-case name, as in the file's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Validator => "validator",
            Self::Network => "network",
            Self::Seed => "seed",
            Self::Issuer => "issuer",
        }
    }
}

/// Why a key cannot be used. Never holds key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot use the key file {path}")]
    Io {
        /// The key file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A key is already there; keys are never overwritten.
    #[error("{path} exists already and keys are never overwritten")]
    Exists {
        /// The key file that stays as it is.
        path: PathBuf,
    },
    /// Others can read or write the file.
    #[error(
        "{path} has mode {mode:o}: others can read it (chmod 600 it, and replace the key if others may have)"
    )]
    TooOpen {
        /// The key file; nothing was read from it.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a key file of this kind.
    #[error("{path} is not a {kind} key file of version 1: {reason}")]
    Malformed {
        /// The file that is refused.
        path: PathBuf,
        /// The kind wanted.
        kind: &'static str,
        /// Which rule is broken; never the content.
        reason: &'static str,
    },
}

impl NextStep for KeyError {
    fn next_step(&self) -> String {
        let step = match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "create missing keys with `aula keys create`, or give the folder that has them with --home"
            }
            Self::Io { source, .. } => {
                unread::step(source).unwrap_or("check the folder's owner and the space left")
            }
            Self::Exists { .. } => "use the key that is there, or move it away first",
            Self::TooOpen { .. } => "make it private, or draw a new key if others may have read it",
            Self::Malformed { .. } => "put the file back from a copy, or move it away and draw a new key",
        };
        step.to_owned()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile<'a> {
    version: u8,
    kind: KeyKind,
    public_key: PublicKey,
    // Borrowed from a buffer that is zeroized, so that no copy of the secret stays behind.
    secret_key: &'a str,
}

/// A secret key and what it is for.
pub struct NodeKey {
    kind: KeyKind,
    secret: SigningKey,
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeKey").field("kind", &self.kind).field("public", &self.public()).finish()
    }
}

impl NodeKey {
    /// A new key from the operating system's randomness.
    pub fn generate(kind: KeyKind) -> Self {
        let mut bytes = Zeroizing::new([0u8; 32]);
        OsRng.fill_bytes(bytes.as_mut_slice());
        Self { kind, secret: SigningKey::from_bytes(&bytes) }
    }

    /// What it is for.
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        public_key(&self.secret)
    }

    /// The secret, for the one place that signs with it.
    pub const fn signing_key(&self) -> &SigningKey {
        &self.secret
    }

    /// Takes the secret out, for the one place that signs with it.
    pub fn into_signing_key(self) -> SigningKey {
        self.secret
    }

    /// The validator address that follows from the public key.
    pub fn validator_address(&self) -> ValidatorAddress {
        validators::address(&self.public())
    }

    /// The libp2p key pair.
    ///
    /// # Errors
    /// When the secret is not an Ed25519 key, which a generated or loaded one always is.
    pub fn network_keypair(&self) -> Result<libp2p_identity::Keypair, libp2p_identity::DecodingError> {
        let bytes = Zeroizing::new(self.secret.to_bytes());
        libp2p_identity::Keypair::ed25519_from_bytes(*bytes)
    }

    /// Where the home keeps this kind of key.
    pub fn path(home: &Home, kind: KeyKind) -> PathBuf {
        home.keys_dir().join(format!("{}.json", kind.name()))
    }

    /// Writes a new file with mode 0600, whole or not at all; the folder is made with mode 0700.
    ///
    /// # Errors
    /// [`KeyError::Exists`] when there is one already; [`KeyError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
            _ => KeyError::Io { path: path.to_owned(), source },
        };
        if let Some(folder) = path.parent() {
            aula_files::private_folder(folder).map_err(io)?;
        }
        let secret = Zeroizing::new(hex::encode(Zeroizing::new(self.secret.to_bytes())));
        let file = KeyFile { version: 1, kind: self.kind, public_key: self.public(), secret_key: &secret };
        let mut text = Zeroizing::new(serde_json::to_string_pretty(&file).map_err(|e| io(e.into()))?);
        text.push('\n');
        aula_files::create(path, Access::Private, text.as_bytes()).map_err(io)
    }

    /// Reads a key file; refuses one that group or others may read or write.
    ///
    /// # Errors
    /// [`KeyError::TooOpen`], [`KeyError::Malformed`], [`KeyError::Io`].
    pub fn load(path: &Path, kind: KeyKind) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { path: path.to_owned(), source };
        let malformed = |reason| KeyError::Malformed { path: path.to_owned(), kind: kind.name(), reason };
        let found = fs::metadata(path).map_err(io)?;
        if !found.is_file() {
            return Err(io(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
        }
        if let Some(mode) = aula_files::open_to_others(&found) {
            return Err(KeyError::TooOpen { path: path.to_owned(), mode });
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(io)?);
        if text.is_empty() {
            return Err(malformed("it is empty, as a full disk leaves it; `aula init` draws a new key"));
        }
        // The parser's own message could quote the secret.
        let file: KeyFile<'_> = serde_json::from_str(&text).map_err(|_| malformed("its fields"))?;
        if file.version != 1 || file.kind != kind {
            return Err(malformed("its version or kind"));
        }
        let mut bytes = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(file.secret_key.as_bytes(), bytes.as_mut_slice())
            .map_err(|_| malformed("the secret is not 64 hex digits"))?;
        let key = Self { kind, secret: SigningKey::from_bytes(&bytes) };
        if key.public() != file.public_key {
            return Err(malformed("the public key is not the secret's"));
        }
        Ok(key)
    }

    /// Reads the home's key of this kind.
    ///
    /// # Errors
    /// As [`NodeKey::load`].
    pub fn of_home(home: &Home, kind: KeyKind) -> Result<Self, KeyError> {
        Self::load(&Self::path(home, kind), kind)
    }
}

/// What an operator sends to whoever builds the genesis, or who proposes the operator as a member: public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorFile {
    /// Always 1; a file of another version is refused.
    pub version: u8,
    /// The operator's name, 1 to 40 letters, digits, dashes.
    pub name: String,
    /// The account's public key.
    pub account: PublicKey,
    /// The validator's public key.
    pub validator: PublicKey,
    /// The public key with which the node signs shares of seeds.
    pub seed: PublicKey,
    /// The network's peer id, in base58.
    pub peer_id: String,
    /// Where the node is reached, a multiaddress over TCP, if it is known yet.
    pub p2p: Option<String>,
}

impl OperatorFile {
    /// What an earlier `aula init` or `aula keys export` wrote; none when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read or is of another form.
    pub fn stored(home: &Home) -> io::Result<Option<Self>> {
        match fs::read(home.operator_file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Ok(bytes) if bytes.is_empty() => Ok(None),
            read => Ok(Some(serde_json::from_slice(&read?)?)),
        }
    }

    /// From the home's keys.
    ///
    /// # Errors
    /// When a key is missing or refused.
    pub fn of_home(home: &Home, name: &str, p2p: Option<String>) -> Result<Self, KeyError> {
        let network = NodeKey::of_home(home, KeyKind::Network)?;
        Ok(Self {
            version: 1,
            name: name.to_owned(),
            account: NodeKey::of_home(home, KeyKind::Account)?.public(),
            validator: NodeKey::of_home(home, KeyKind::Validator)?.public(),
            seed: NodeKey::of_home(home, KeyKind::Seed)?.public(),
            peer_id: peer_id(&network.public()).ok_or_else(|| KeyError::Malformed {
                path: NodeKey::path(home, KeyKind::Network),
                kind: "network",
                reason: "it is not an Ed25519 key",
            })?,
            p2p,
        })
    }
}

/// The libp2p peer id of a network public key, in base58; none when the bytes are not a point.
pub fn peer_id(public: &PublicKey) -> Option<String> {
    let key = libp2p_identity::ed25519::PublicKey::try_from_bytes(&public.0).ok()?;
    Some(libp2p_identity::PublicKey::from(key).to_peer_id().to_base58())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_private_files_and_come_back() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let home = Home::resolve(Some(folder.path()))?;
        let path = NodeKey::path(&home, KeyKind::Account);
        let key = NodeKey::generate(KeyKind::Account);
        key.save(&path)?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(NodeKey::of_home(&home, KeyKind::Account)?.public(), key.public());
        assert!(matches!(key.save(&path), Err(KeyError::Exists { .. })));
        assert!(matches!(NodeKey::load(&path, KeyKind::Network), Err(KeyError::Malformed { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640))?;
        assert!(matches!(NodeKey::load(&path, KeyKind::Account), Err(KeyError::TooOpen { mode: 0o640, .. })));
        Ok(())
    }

    #[test]
    fn an_empty_key_file_is_refused_by_name_and_written_anew() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("validator.json");
        fs::write(&path, b"")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let refused = NodeKey::load(&path, KeyKind::Validator).err().map(|e| e.to_string());
        assert!(refused.is_some_and(|text| text.contains("validator.json") && text.contains("it is empty")));
        let key = NodeKey::generate(KeyKind::Validator);
        key.save(&path)?;
        assert_eq!(NodeKey::load(&path, KeyKind::Validator)?.public(), key.public());
        Ok(())
    }

    #[test]
    fn what_lies_there_and_is_not_a_key_file_is_refused_with_its_name_and_the_next_step() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("validator.json");
        let refused = |step: &str| {
            let failure = NodeKey::load(&path, KeyKind::Validator).err().map(crate::Failure::from);
            let failure = failure.expect("no key");
            assert!(failure.message.contains("validator.json"), "{failure:?}");
            assert!(failure.hint.contains(step), "{failure:?}");
        };
        // What nobody may read is not open to others either.
        unread::each_spoiled(&path, refused)?;
        fs::write(&path, [0xff, 0xfe])?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        refused("UTF-8");
        Ok(())
    }

    #[test]
    fn debug_and_errors_never_show_the_secret() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let key = NodeKey::generate(KeyKind::Validator);
        let secret = hex::encode(key.signing_key().to_bytes());
        assert!(!format!("{key:?}").contains(&secret));
        let path = folder.path().join("validator.json");
        key.save(&path)?;
        let spoiled = fs::read_to_string(&path)?.replace("\"version\"", &format!("\"{secret}\""));
        fs::write(&path, spoiled)?;
        let error = NodeKey::load(&path, KeyKind::Validator).err().map(|e| format!("{e:?} {e}"));
        assert!(error.is_some_and(|text| text.contains("its fields") && !text.contains(&secret)));
        Ok(())
    }
}
