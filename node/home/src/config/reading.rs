//! The bytes of the home's settings, up to a bound.
//!
//! Invariant: only a home that has no file goes by the defaults. A link that leads nowhere, as to a disk that is not mounted, is not such a
//! home: a follower would sign, and what is to stay inside its places would leave them.

use std::io::ErrorKind;

use aula_files::regular_at_most;

use super::ConfigError;
use crate::home::Home;

/// Most bytes of the file, comments included: a thousand feeds with their folders have a tenth.
pub(super) const MOST_BYTES: u64 = 4 << 20;

/// The file; none where there is none.
///
/// # Errors
/// [`ConfigError::Read`].
pub(super) fn bytes(home: &Home) -> Result<Option<Vec<u8>>, ConfigError> {
    let path = home.config_file();
    match regular_at_most(&path, MOST_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound && std::fs::symlink_metadata(&path).is_err() => {
            Ok(None)
        }
        Err(source) => Err(ConfigError::Read { path, source }),
    }
}
