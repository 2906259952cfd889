//! Reading files of bounded size.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::answer::Failure;

/// Reads a whole file of at most `most` bytes.
pub(crate) fn read(path: &Path, what: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let cannot = |why: &dyn std::fmt::Display| Failure {
        message: format!("the {what} {} cannot be read: {why}", path.display()),
        next: "check the path, that the file may be read, and that it is the file you were given",
    };
    let file = File::open(path).map_err(|error| cannot(&error))?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > most {
        return Err(cannot(&format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}
