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
        /// The place's name in config.toml, or its address.
        place: String,
        /// What the other side says, or how the connection ended.
        why: String,
    },
    /// The other side has other bytes than were sent, or a file of that name already.
    #[error("{place} holds other bytes under {name} than were sent")]
    Differs {
        /// The place's name in config.toml, or its address.
        place: String,
        /// The file's name there.
        name: String,
    },
    /// A file of this machine that cannot be read or written.
    #[error("{}: {why}", path.display())]
    Here {
        /// The file that was opened.
        path: std::path::PathBuf,
        /// The operating system's words.
        why: String,
    },
    /// Encryption failed.
    #[error("cannot encrypt: {0}")]
    Seal(String),
}

impl DeliveryError {
    /// A request that was not answered, with all its causes.
    pub(crate) fn request(place: &str, error: &reqwest::Error) -> Self {
        let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
        let why: Vec<String> = causes.map(ToString::to_string).collect();
        Self::peer(place, why.join(": "))
    }

    pub(crate) fn peer(place: &str, why: impl std::fmt::Display) -> Self {
        Self::Peer { place: place.to_owned(), why: why.to_string() }
    }
}
