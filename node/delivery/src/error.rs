//! Why something was not delivered.

/// Why something was not delivered. Every one may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// A setting that cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The other side cannot be reached, refuses, or stopped in the middle.
    #[error("{place}: {why}")]
    Peer {
        /// Whom.
        place: String,
        /// Why.
        why: String,
    },
    /// The other side has other bytes than were sent, or a file of that name already.
    #[error("{place} holds other bytes under {name} than were sent")]
    Differs {
        /// Where.
        place: String,
        /// Which file.
        name: String,
    },
    /// A file of this machine that cannot be read or written.
    #[error("{}: {why}", path.display())]
    Here {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        why: String,
    },
    /// Encryption failed.
    #[error("cannot encrypt: {0}")]
    Seal(String),
}

impl DeliveryError {
    pub(crate) fn peer(place: &str, why: impl std::fmt::Display) -> Self {
        Self::Peer { place: place.to_owned(), why: why.to_string() }
    }
}
