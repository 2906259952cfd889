//! Where status lists and issuers' documents come from. The core asks; it never fetches.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::baked::MAX_PICTURE_BYTES;
use super::json;
use super::limits::MAX_BYTES;

/// Answers with what is named, if it can be had.
pub trait Sources {
    /// The status list credential at this address; none when it cannot be had.
    ///
    /// # Errors
    /// A sentence that says why it could not be read or fetched.
    fn status_list(&self, url: &str) -> Result<Option<Vec<u8>>, String>;

    /// The document of this issuer (its id is a DID or an address): its keys.
    ///
    /// # Errors
    /// As [`Sources::status_list`].
    fn controller(&self, id: &str) -> Result<Option<Value>, String>;
}

/// Nothing can be had.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

impl Sources for Nowhere {
    fn status_list(&self, _url: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    fn controller(&self, _id: &str) -> Result<Option<Value>, String> {
        Ok(None)
    }
}

/// Files of this machine.
#[derive(Debug, Clone, Default)]
pub struct Local {
    /// A status list, or a folder of them. A file is taken for whichever list is asked for; in a folder the file's `id` says
    /// which list it is.
    pub status: Option<PathBuf>,
    /// A folder of issuers' documents (DID documents), each file one, known by its `id`.
    pub controllers: Option<PathBuf>,
}

/// Most files of a folder that are looked at.
const MAX_FILES: usize = 10_000;

impl Sources for Local {
    fn status_list(&self, url: &str) -> Result<Option<Vec<u8>>, String> {
        match &self.status {
            None => Ok(None),
            Some(path) if path.is_dir() => {
                let found = find(path, |bytes| list_id(bytes).as_deref() == Some(url))?;
                Ok(found.map(|(bytes, _)| bytes))
            }
            Some(path) => read(path).map(Some),
        }
    }

    fn controller(&self, id: &str) -> Result<Option<Value>, String> {
        let Some(folder) = &self.controllers else { return Ok(None) };
        let parsed = |bytes: &[u8]| json::parse(bytes).ok();
        let found = find(folder, |bytes| {
            parsed(bytes).is_some_and(|value| value.get("id").and_then(Value::as_str) == Some(id))
        })?;
        Ok(found.and_then(|(bytes, _)| parsed(&bytes)))
    }
}

/// The id of a status list credential, JSON or token.
fn list_id(bytes: &[u8]) -> Option<String> {
    let value = match super::jwt::Token::parse(bytes) {
        Ok(token) => token.credential().ok()?,
        Err(_) => json::parse(bytes).ok()?,
    };
    value.get("id").and_then(Value::as_str).map(str::to_owned)
}

/// The folder's first file, by name, that fits.
fn find(folder: &Path, fits: impl Fn(&[u8]) -> bool) -> Result<Option<(Vec<u8>, PathBuf)>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read the folder {}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)?.take(MAX_FILES) {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    for path in files {
        // Other files may lie there; one that cannot be read is not the one that is asked for.
        if let Ok(bytes) = read(&path)
            && fits(&bytes)
        {
            return Ok(Some((bytes, path)));
        }
    }
    Ok(None)
}

/// A file of at most [`MAX_BYTES`].
///
/// # Errors
/// A sentence with the path.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    read_within(path, MAX_BYTES)
}

/// A file that may be a picture, of at most [`MAX_PICTURE_BYTES`].
///
/// # Errors
/// A sentence with the path.
pub fn read_picture(path: &Path) -> Result<Vec<u8>, String> {
    read_within(path, MAX_PICTURE_BYTES)
}

fn read_within(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    aula_files::read_at_most(path, most as u64)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Where an issuer's document is: its own address, or the one that follows from a `did:web` (did:web, 3.2).
pub fn address_of(id: &str) -> Option<String> {
    if id.starts_with("https://") {
        return Some(id.to_owned());
    }
    let mut parts = id.strip_prefix("did:web:")?.split(':');
    // A colon before a port is written %3A; nothing else of a name is.
    let host = parts.next()?.replace("%3A", ":").replace("%3a", ":");
    let sound = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b) || more.as_bytes().contains(&b))
    };
    let path: Vec<&str> = parts.collect();
    if !sound(&host, ":") || !path.iter().all(|part| sound(part, "") && !matches!(*part, "." | "..")) {
        return None;
    }
    let path = if path.is_empty() { ".well-known".to_owned() } else { path.join("/") };
    Some(format!("https://{host}/{path}/did.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_did_web_has_its_address() {
        let of = |id: &str| address_of(id).unwrap_or_default();
        assert_eq!(of("did:web:w3c-ccg.github.io"), "https://w3c-ccg.github.io/.well-known/did.json");
        assert_eq!(
            of("did:web:example.com%3A3000:user:alice"),
            "https://example.com:3000/user/alice/did.json"
        );
        assert_eq!(of("https://school.example/issuer"), "https://school.example/issuer");
        for id in [
            "did:web:a/b",
            "did:web:a@b",
            "did:web:a:..:c",
            "did:web:",
            "did:key:z6",
            "http://school.example",
        ] {
            assert_eq!(of(id), "", "{id}");
        }
    }

    #[test]
    fn a_folder_gives_the_document_of_the_id() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("a.json"), "{\"id\":\"did:web:a\"}")?;
        std::fs::write(folder.path().join("b.json"), "{\"id\":\"did:web:b\",\"x\":1}")?;
        std::fs::write(folder.path().join("junk"), b"\xff")?;
        let local = Local { status: None, controllers: Some(folder.path().to_owned()) };
        assert_eq!(local.controller("did:web:b")?.map(|document| document["x"].clone()), Some(1.into()));
        assert_eq!(local.controller("did:web:c")?, None);
        Ok(())
    }
}
