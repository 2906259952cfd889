//! Whether a district or a school takes something new.

use super::handler::{Context, Refusal, ensure};
use crate::code::Code;
use crate::state::schema::{District, Records, School, district, school};
use crate::types::{DistrictId, SchoolId, SchoolYear};

/// Refuses a district that does not exist or was closed.
///
/// # Errors
/// [`Code::UnknownDistrict`], [`Code::DistrictClosed`].
pub(crate) fn open_district(from: &(impl Records + ?Sized), id: DistrictId) -> Result<District, Refusal> {
    let record = district(from, id)?.ok_or(Code::UnknownDistrict)?;
    ensure(record.closed.is_none(), Code::DistrictClosed)?;
    Ok(record)
}

impl Context<'_, '_> {
    /// The district the sender acts for, refused when it was closed: nothing new begins there.
    ///
    /// # Errors
    /// [`Code::RoleNotAllowed`], [`Code::DistrictClosed`].
    pub fn open_district(&self) -> Result<DistrictId, Refusal> {
        let district = self.district()?;
        open_district(self.overlay, district)?;
        Ok(district)
    }
}

/// The school, if it takes students and pools of this school year.
///
/// # Errors
/// [`Code::UnknownSchool`], [`Code::SchoolClosed`], [`Code::DistrictClosed`].
pub(crate) fn open_school(
    from: &(impl Records + ?Sized),
    id: SchoolId,
    year: SchoolYear,
) -> Result<School, Refusal> {
    let record = school(from, id)?.ok_or(Code::UnknownSchool)?;
    ensure(record.is_open(year), Code::SchoolClosed)?;
    open_district(from, record.district)?;
    Ok(record)
}
