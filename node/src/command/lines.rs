//! Lines of a file of JSON lines, one at a time, bounded: records of students, so each is wiped when it is dropped.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Advise, Failure};

/// An open file of lines.
pub struct Lines {
    reader: Box<dyn BufRead>,
    number: u64,
    max_bytes: u64,
    hint: &'static str,
}

impl Lines {
    /// Opens a file, or standard input for `-`; `hint` says what to do about a line of more than `max_bytes`.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path, max_bytes: u64, hint: &'static str) -> Result<Self, Failure> {
        let reader: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(BufReader::new(stdin()))
        } else {
            let cannot = format!("cannot read {}", path.display());
            Box::new(BufReader::new(File::open(path).advise(cannot, "name a file of JSON lines")?))
        };
        Ok(Self { reader, number: 0, max_bytes, hint })
    }

    /// The next line that is not blank, with its number from 1; none at the end.
    ///
    /// # Errors
    /// A line that is too long or not UTF-8, by its number.
    pub fn next_line(&mut self) -> Result<Option<(u64, Zeroizing<String>)>, Failure> {
        loop {
            self.number += 1;
            let (number, mut text) = (self.number, Zeroizing::new(String::new()));
            let read = self.reader.by_ref().take(self.max_bytes).read_line(&mut text);
            let read = read.advise(format!("line {number} cannot be read"), "give JSON lines in UTF-8")?;
            if read as u64 == self.max_bytes {
                let message = format!("line {number} is longer than {} bytes", self.max_bytes);
                return Err(Failure::new("bad_line", message, self.hint));
            }
            match (read, text.trim().is_empty()) {
                (0, _) => return Ok(None),
                (_, true) => {}
                (_, false) => return Ok(Some((number, text))),
            }
        }
    }
}
