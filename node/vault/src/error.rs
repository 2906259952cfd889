//! Why a vault cannot do what it is asked. No variant ever holds a key or a record.

use std::path::PathBuf;

use aula_ledger::names::FieldName;
use aula_ledger::types::Handle;

use crate::files::FileError;
use crate::keystore::KeyStoreError;
use crate::seal::SealError;

/// Why the vault cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no vault in the folder.
    #[error("there is no vault in {0}")]
    Absent(PathBuf),
    /// There is one already.
    #[error("{0} holds a vault already")]
    Present(PathBuf),
    /// It was made before a chain was known, and was not bound to one yet.
    #[error("the vault belongs to no chain yet")]
    Unbound,
    /// It belongs to another chain, district or account.
    #[error("the vault is {bound}, and this is {asked}")]
    OtherChain {
        /// What it is bound to.
        bound: String,
        /// What it was asked to be.
        asked: String,
    },
    /// Another process has it open.
    #[error("another process has the vault open")]
    Busy,
    /// It is of a pair, and this one may not write now, or cannot say that a write is done.
    #[error("the vault is of a pair and this one does not act: {0}")]
    NotActing(String),
    /// The data is damaged or cut.
    #[error("the vault's data is damaged: {0}")]
    Damaged(String),
    /// The disk refused: nothing of this write counts.
    #[error("the vault cannot be written: {0}")]
    Unwritable(String),
    /// The keystore is refused.
    #[error("the keystore is refused")]
    KeyStore(#[from] KeyStoreError),
    /// The keystore has fewer handles than it had.
    #[error(
        "the keystore has keys for {found} handles, and had them for {kept}: it is cut, or an older copy"
    )]
    KeysMissing {
        /// Handles with keys.
        found: u64,
        /// Handles it had.
        kept: u64,
    },
    /// A copy of the one half would lie with the other.
    #[error("{0} would hold data and keys together")]
    Together(PathBuf),
    /// A file is refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// No student of this handle.
    #[error("the vault has no student {0}")]
    UnknownHandle(Handle),
    /// A field that only the program writes.
    #[error("the field {0} is the program's own, and nobody else writes it")]
    Reserved(FieldName),
    /// The student was erased.
    #[error("the student {0} was erased")]
    Erased(Handle),
    /// More bytes than a value or an event's key may have.
    #[error("{what} of {found} bytes is over the limit of {limit}")]
    TooLarge {
        /// What is too large, in a word for the message.
        what: &'static str,
        /// Bytes found.
        found: usize,
        /// Most bytes.
        limit: usize,
    },
    /// A value does not open.
    #[error("a value of {0} does not open")]
    Sealed(Handle, #[source] SealError),
}

impl From<rocksdb::Error> for VaultError {
    fn from(error: rocksdb::Error) -> Self {
        use rocksdb::ErrorKind;
        let text = error.to_string();
        match error.kind() {
            ErrorKind::IOError if text.contains("/LOCK") => Self::Busy,
            ErrorKind::Corruption | ErrorKind::NotFound => Self::Damaged(text),
            _ if text.contains("No such file") => Self::Damaged(text),
            _ => Self::Unwritable(text),
        }
    }
}
