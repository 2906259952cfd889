//! What is given to a command: a file, or standard input where it is named `-`; what a setting names is a file, whatever its name. All are
//! read up to a bound.

use std::io;
use std::path::Path;

use aula_files::{take_at_most, text_at_most, text_of};

/// Most bytes of a text that a person writes: a change, a credential, the fields of a transaction, of which the largest has
/// [`aula_ledger::params::MAX_TRANSACTION_BYTES`].
const MOST_TEXT_BYTES: u64 = 16 << 20;

/// Text of a file, or of standard input.
pub(super) fn text(path: &Path) -> io::Result<String> {
    match path == Path::new("-") {
        true => text_of(take_at_most(io::stdin(), MOST_TEXT_BYTES)?),
        false => text_of_file(path),
    }
}

/// Text of a file that a setting names: a service's standard input is nobody's file.
pub(super) fn text_of_file(path: &Path) -> io::Result<String> {
    text_at_most(path, MOST_TEXT_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_up_to_its_bound() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("change.json");
        std::fs::write(&path, b"{}")?;
        assert_eq!(text(&path)?, "{}");
        // It takes no place on the disk.
        std::fs::File::create(&path)?.set_len(256 << 20)?;
        assert_eq!(text(&path).err().map(|error| error.kind()), Some(io::ErrorKind::FileTooLarge));
        Ok(())
    }

    #[test]
    fn a_dash_in_a_setting_is_the_name_of_a_file() {
        let missing = text_of_file(Path::new("-")).err().map(|error| error.kind());
        assert_eq!(missing, Some(io::ErrorKind::NotFound));
    }
}
