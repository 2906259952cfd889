//! Which version of the twins' parameters is in force, and the next one.

use super::Records;
use crate::code::Code;
use crate::state::{Overlay, StoreError, schema};
use crate::twin::{MAX_VERSIONS, TwinParameters, TwinVersion};
use crate::types::{Height, SchoolYear};

/// The version in force for a school year.
///
/// # Errors
/// [`StoreError`] when the store fails or a record is damaged.
pub fn twin_in_force(
    from: &(impl Records + ?Sized),
    year: SchoolYear,
) -> Result<Option<TwinVersion>, StoreError> {
    match schema::twin_versions(from)?.in_force(year) {
        Some(version) => schema::twin_version(from, version),
        None => Ok(None),
    }
}

/// Adds a version, in force from a school year on; gives its number.
///
/// # Errors
/// [`Code::TwinVersionLimit`] after [`MAX_VERSIONS`]; [`StoreError`].
pub(crate) fn add_twin_version(
    overlay: &mut Overlay<'_>,
    parameters: TwinParameters,
    from_year: SchoolYear,
    voted: Height,
) -> Result<Result<u32, Code>, StoreError> {
    let mut versions = schema::twin_versions(overlay)?;
    if versions.from_years.len() >= MAX_VERSIONS {
        return Ok(Err(Code::TwinVersionLimit));
    }
    versions.from_years.push(from_year);
    let version = u32::try_from(versions.from_years.len()).unwrap_or(u32::MAX);
    let record = TwinVersion { version, from_year, voted, digest: parameters.digest(), parameters };
    schema::write(overlay, schema::twin_version_key(version), &record);
    schema::write(overlay, schema::twin_versions_key(), &versions);
    Ok(Ok(version))
}
