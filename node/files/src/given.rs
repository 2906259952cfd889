//! Files that others may have made: read whole, up to a bound, so that one that never ends is refused before it fills the memory.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Most bytes of a file that somebody gives, where its form sets no closer bound: 256 MiB.
pub const MOST_GIVEN_BYTES: u64 = 256 << 20;

/// Reads a file of so many bytes at most. What is longer is read no further.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] for one that has more; otherwise why it cannot be read.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    take_at_most(File::open(path)?, most)
}

/// The same of a regular file alone, whose length is looked at first: whoever opens a pipe may wait for ever.
///
/// # Errors
/// As [`read_at_most`], and [`ErrorKind::InvalidInput`] for what is not a regular file.
pub fn regular_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    match found.len() > most {
        true => Err(too_large(most)),
        false => read_at_most(path, most),
    }
}

/// The same of text.
///
/// # Errors
/// As [`read_at_most`], and [`ErrorKind::InvalidData`] for what is not UTF-8.
pub fn text_at_most(path: &Path, most: u64) -> io::Result<String> {
    text_of(read_at_most(path, most)?)
}

/// The same of what stands open already, such as standard input.
///
/// # Errors
/// As [`read_at_most`].
pub fn take_at_most(from: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(too_large(most)),
        false => Ok(bytes),
    }
}

fn too_large(most: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes, the most that are read"))
}

/// Bytes as text.
///
/// # Errors
/// [`ErrorKind::InvalidData`] for what is not UTF-8.
pub fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind<T>(read: io::Result<T>) -> Option<ErrorKind> {
        read.err().map(|error| error.kind())
    }

    #[test]
    fn a_file_is_read_up_to_its_bound_and_one_byte_more_is_refused_with_the_bound() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("given");
        std::fs::write(&path, b"1234")?;
        assert_eq!(read_at_most(&path, 4)?, b"1234");
        assert_eq!(text_at_most(&path, u64::MAX)?, "1234");
        let refused = read_at_most(&path, 3).err();
        assert!(refused.is_some_and(|error| error.to_string().contains("more than 3 bytes")));
        assert_eq!(kind(text_at_most(&path, 3)), Some(ErrorKind::FileTooLarge));
        assert_eq!(kind(read_at_most(&folder.path().join("none"), 3)), Some(ErrorKind::NotFound));
        std::fs::write(&path, [0xff])?;
        assert_eq!(kind(text_at_most(&path, 3)), Some(ErrorKind::InvalidData));
        Ok(())
    }

    #[test]
    fn what_never_ends_is_read_no_further_than_its_bound() {
        assert_eq!(kind(take_at_most(io::repeat(7), 1 << 16)), Some(ErrorKind::FileTooLarge));
    }

    #[test]
    fn a_regular_file_is_read_and_nothing_else_is_opened() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("given");
        fs::write(&path, b"1234")?;
        assert_eq!(regular_at_most(&path, 4)?, b"1234");
        // It takes no place on the disk.
        File::create(&path)?.set_len(100 << 30)?;
        assert_eq!(kind(regular_at_most(&path, 4)), Some(ErrorKind::FileTooLarge));
        for other in [folder.path(), Path::new("/dev/zero")] {
            assert_eq!(kind(regular_at_most(other, u64::MAX)), Some(ErrorKind::InvalidInput));
        }
        assert_eq!(kind(regular_at_most(&folder.path().join("none"), 4)), Some(ErrorKind::NotFound));
        Ok(())
    }
}
