//! Files that are written as they come: line after line, hashed on the way, on disk when they are closed.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aula_files::Access;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::form::{FileLine, MANIFEST, Manifest};

/// A folder that is being filled. The manifest is written last: without one the folder is not whole.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    files: Vec<FileLine>,
}

/// A file that is being written.
#[derive(Debug)]
pub struct Out {
    name: String,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    lines: u64,
}

impl Folder {
    /// Fills this folder, which is there and empty.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), files: Vec::new() }
    }

    /// A new file in it, its owner's alone.
    ///
    /// # Errors
    /// When the disk refuses, or there is one.
    pub fn file(&self, name: &str) -> io::Result<Out> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path.join(name))?;
        let (name, file) = (name.to_owned(), BufWriter::with_capacity(1 << 20, file));
        Ok(Out { name, file, hash: Sha256::new(), bytes: 0, lines: 0 })
    }

    /// Closes a file: on disk on return.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(&mut self, out: Out) -> io::Result<()> {
        let file = out.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        let sha256 = hex::encode(out.hash.finalize());
        self.files.push(FileLine { name: out.name, lines: out.lines, bytes: out.bytes, sha256 });
        Ok(())
    }

    /// A whole file at once.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn whole(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut out = self.file(name)?;
        out.bytes(bytes)?;
        self.close(out)
    }

    /// Names every file in the manifest, which makes the folder whole.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(self, mut manifest: Manifest) -> io::Result<Manifest> {
        manifest.files = self.files;
        let mut text = serde_json::to_vec_pretty(&manifest)?;
        text.push(b'\n');
        aula_files::create(&self.path.join(MANIFEST), Access::Private, &text)?;
        Ok(manifest)
    }
}

impl Out {
    /// One object, on a line of its own.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn line(&mut self, object: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(object)?;
        text.push(b'\n');
        self.lines = self.lines.saturating_add(1);
        self.bytes(&text)
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.file.write_all(bytes)
    }
}
