//! A fitted model as a file: the integers that the ledger's digest names, and the dictionary that it does not.
//!
//! Bytes: `AULATWIN`, version 1, then Borsh of (model bytes, item names, skill names).

use std::path::{Path, PathBuf};

use aula_twin_runtime::model::{Model, ModelError};
use thiserror::Error;

use super::log::Names;

const MAGIC: &[u8; 8] = b"AULATWIN";
const VERSION: u8 = 1;
/// Longest model file, bytes.
const MAX_BYTES: u64 = 256 << 20;

/// Why a model file cannot be written or read.
#[derive(Debug, Error)]
pub enum ModelFileError {
    /// Reading or writing failed.
    #[error("cannot use {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a model file.
    #[error("{0} is not a model file of version {VERSION}")]
    Format(PathBuf),
    /// The model inside is refused.
    #[error("the model in {path} is refused")]
    Model {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: ModelError,
    },
}

/// Writes a model with its dictionary.
///
/// # Errors
/// [`ModelFileError::Io`].
pub fn write(path: &Path, model: &Model, names: &Names) -> Result<(), ModelFileError> {
    let io = |source| ModelFileError::Io { path: path.into(), source };
    let mut bytes = MAGIC.to_vec();
    bytes.push(VERSION);
    let body = (model.encode(), &names.item_names, &names.skill_names);
    borsh::to_writer(&mut bytes, &body).map_err(io)?;
    std::fs::write(path, bytes).map_err(io)
}

/// Reads a model with its dictionary.
///
/// # Errors
/// Any [`ModelFileError`].
pub fn read(path: &Path) -> Result<(Model, Names), ModelFileError> {
    let io = |source| ModelFileError::Io { path: path.into(), source };
    let format = || ModelFileError::Format(path.into());
    if std::fs::metadata(path).map_err(io)?.len() > MAX_BYTES {
        return Err(format());
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let rest = bytes.strip_prefix(MAGIC).and_then(|b| b.strip_prefix(&[VERSION])).ok_or_else(format)?;
    let (model, items, skills): (Vec<u8>, Vec<String>, Vec<String>) =
        borsh::from_slice(rest).map_err(|_| format())?;
    let model =
        Model::decode(&model).map_err(|source| ModelFileError::Model { path: path.into(), source })?;
    if items.len() != model.items.len() || skills.len() != model.skills.len() {
        return Err(format());
    }
    Ok((model, Names::from_lists(items, skills)))
}
