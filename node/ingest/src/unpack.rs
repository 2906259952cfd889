//! Files as they are given: archives and packed files opened in memory, within limits.
//!
//! A zip or gzip is known by its first bytes, not by its name. Nothing is written anywhere, so that a member's path can do no
//! harm; one that climbs out of its folder is refused all the same, since its sender is not to be trusted. Absent:
//! archives inside archives, encrypted members.

use std::io::{Cursor, Read};

use crate::limits::{MAX_FILE_BYTES, MAX_MEMBERS, MAX_SWELL, MAX_TOTAL_BYTES, SWELL_FROM_BYTES};

/// A file as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name for people, without folders.
    pub name: String,
    /// All of it, packed as it was given or unpacked.
    pub bytes: Vec<u8>,
}

/// Why files cannot be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// Not whole, or not what its first bytes say.
    #[error("{file} cannot be unpacked: {why}")]
    Damaged {
        /// The name of the file as it was given.
        file: String,
        /// What the unpacker says.
        why: String,
    },
    /// A path that climbs out of its folder.
    #[error("{file} holds a member with an unsafe path: {member:?}")]
    UnsafePath {
        /// The archive.
        file: String,
        /// The path in the archive, as the archive writes it.
        member: String,
    },
    /// Two members of one name.
    #[error("{file} holds two files named {member:?}")]
    Twice {
        /// The archive.
        file: String,
        /// The name.
        member: String,
    },
    /// More than the limit.
    #[error("{file} unpacks to more than {limit}")]
    TooLarge {
        /// The name of the file as it was given.
        file: String,
        /// The limit, in words.
        limit: String,
    },
    /// Small bytes that become many.
    #[error("{file} swells to more than {MAX_SWELL} times its size: it is not an export of a roster")]
    Swells {
        /// The name of the file as it was given.
        file: String,
    },
}

/// Opens archives and packed files; plain ones stay as they are.
///
/// # Errors
/// [`UnpackError`] names the file.
pub fn unpack(inputs: Vec<Input>) -> Result<Vec<Input>, UnpackError> {
    let (mut files, mut left) = (Vec::with_capacity(inputs.len()), MAX_TOTAL_BYTES);
    for input in inputs {
        if input.bytes.starts_with(b"PK\x03\x04") || input.bytes.starts_with(b"PK\x05\x06") {
            members(&input, &mut files, &mut left)?;
        } else if input.bytes.starts_with(&[0x1f, 0x8b]) {
            let packed = input.bytes.len() as u64;
            let name = input.name.strip_suffix(".gz").unwrap_or(&input.name).to_owned();
            let mut reader = flate2::read::MultiGzDecoder::new(input.bytes.as_slice());
            let bytes = bounded(&mut reader, &input.name, packed, &mut left)?;
            files.push(Input { name, bytes });
        } else {
            let size = input.bytes.len() as u64;
            left = left
                .checked_sub(size)
                .filter(|_| size <= MAX_FILE_BYTES)
                .ok_or_else(|| large(&input.name))?;
            files.push(input);
        }
    }
    distinct(&mut files);
    Ok(files)
}

fn large(file: &str) -> UnpackError {
    let limit =
        format!("{} MiB, or {} MiB with the files before it", MAX_FILE_BYTES >> 20, MAX_TOTAL_BYTES >> 20);
    UnpackError::TooLarge { file: file.to_owned(), limit }
}

fn members(input: &Input, files: &mut Vec<Input>, left: &mut u64) -> Result<(), UnpackError> {
    let damaged = |why: String| UnpackError::Damaged { file: input.name.clone(), why };
    let mut archive = zip::ZipArchive::new(Cursor::new(input.bytes.as_slice()))
        .map_err(|error| damaged(error.to_string()))?;
    if archive.len() > MAX_MEMBERS {
        return Err(UnpackError::TooLarge {
            file: input.name.clone(),
            limit: format!("{MAX_MEMBERS} members"),
        });
    }
    // The library keeps the last of several members of one name, and says nothing of the others.
    if listed(&input.bytes).is_some_and(|count| usize::from(count) != archive.len()) {
        return Err(damaged(
            "its directory lists another number of members than it has names: some stand twice".into(),
        ));
    }
    let first = files.len();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(|error| damaged(error.to_string()))?;
        let path = member.name().to_owned();
        if is_unsafe(&path) {
            return Err(UnpackError::UnsafePath { file: input.name.clone(), member: path });
        }
        // What a Macintosh adds to every archive.
        if member.is_dir() || path.starts_with("__MACOSX/") || path.ends_with(".DS_Store") {
            continue;
        }
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        let known = files.iter().skip(first).any(|file| file.name.eq_ignore_ascii_case(&name));
        if known {
            return Err(UnpackError::Twice { file: input.name.clone(), member: name });
        }
        let packed = member.compressed_size().min(input.bytes.len() as u64);
        let bytes = bounded(&mut member, &format!("{}/{name}", input.name), packed, left)?;
        files.push(Input { name, bytes });
    }
    Ok(())
}

/// How many members the archive's directory says that it lists; none where that stands elsewhere (more than 65,534).
fn listed(bytes: &[u8]) -> Option<u16> {
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06")?;
    let count = bytes.get(end.checked_add(10)?..)?.first_chunk::<2>()?;
    Some(u16::from_le_bytes(*count)).filter(|count| *count != u16::MAX)
}

fn is_unsafe(path: &str) -> bool {
    path.is_empty()
        || path.starts_with('/')
        || path.contains(['\\', ':', '\0'])
        || path.split('/').any(|part| part == "..")
}

/// Reads what a reader really gives; headers that lie about sizes change nothing.
fn bounded(reader: &mut impl Read, name: &str, packed: u64, left: &mut u64) -> Result<Vec<u8>, UnpackError> {
    let limit = MAX_FILE_BYTES.min(*left);
    let swell = SWELL_FROM_BYTES.max(packed.saturating_mul(MAX_SWELL));
    let (mut bytes, stop) = (Vec::new(), limit.min(swell));
    let read = reader.take(stop.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| UnpackError::Damaged { file: name.to_owned(), why: error.to_string() })?;
    let size = bytes.len() as u64;
    if size > limit {
        return Err(large(name));
    }
    if size > swell {
        return Err(UnpackError::Swells { file: name.to_owned() });
    }
    *left = left.saturating_sub(size);
    Ok(bytes)
}

/// Gives files of one name from several archives a number, so that a report's line means one place.
fn distinct(files: &mut [Input]) {
    for index in 1..files.len() {
        let (before, rest) = files.split_at_mut(index);
        if let Some(file) = rest.first_mut() {
            let count = before.iter().filter(|other| other.name == file.name).count();
            if count > 0 {
                file.name = format!("{} ({})", file.name, count + 1);
            }
        }
    }
}
