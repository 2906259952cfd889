//! ChangeSchool: a district enters, renames and closes its own schools, each from a school year on.
//!
//! A school's number, district and type never change, and no year that is over does: decided rounds were about them. Its
//! name and position may change from any year that takes states.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::names::{Name, Title};
use crate::position::Position;
use crate::state::Overlay;
use crate::state::schema::{self, Described, School};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::{DistrictId, SchoolId, SchoolYear};

/// What happens to a school.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum SchoolChange {
    /// There is a new school, which takes students and pools from the year on.
    Enter {
        /// What people call it.
        name: Title,
        /// Its type, for example `rural`; schools of one type share tier 2.
        school_type: Name,
        /// Where it is, in microdegrees.
        #[serde(default)]
        position: Option<Position>,
    } = 1,
    /// It has another name, or stands elsewhere.
    Rename {
        /// What people call it from then on.
        name: Title,
        /// Where it is from then on; none: where it was.
        #[serde(default)]
        position: Option<Position>,
    } = 2,
    /// It takes no students and no pools any more. Refused while pools of such a school year stand there.
    Close = 3,
}

/// A change of one school of the sender's district.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeSchool {
    /// Which; for one that enters a number that no school of the consortium has.
    pub school: SchoolId,
    /// From which school year on.
    pub from_year: SchoolYear,
    /// What happens.
    pub change: SchoolChange,
}

impl Handler for ChangeSchool {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let district = context.open_district()?;
        // A district's own business: no school may enter or close schools, itself neither.
        ensure(context.sender.school.is_none(), Code::RoleNotAllowed)?;
        let first = context.facts.params.first_open_year(context.facts.time_ms);
        ensure(self.from_year >= first, Code::SchoolYearPast)?;
        let school = match &self.change {
            SchoolChange::Enter { name, school_type, position } => {
                self.enter(context.overlay, district, name, school_type, *position)?
            }
            SchoolChange::Rename { name, position } => {
                self.rename(self.own(context.overlay, district)?, name, *position)?
            }
            SchoolChange::Close => self.close(context.overlay, district)?,
        };
        schema::write(context.overlay, schema::school_key(self.school), &school);
        Ok(vec![Event::SchoolChanged { district, school: self.school, from_year: self.from_year }])
    }
}

impl ChangeSchool {
    /// The school, one of the district's.
    fn own(&self, overlay: &Overlay<'_>, district: DistrictId) -> Result<School, Refusal> {
        let school = schema::school(overlay, self.school)?.ok_or(Code::UnknownSchool)?;
        ensure(school.district == district, Code::ForeignSchool)?;
        ensure(school.closed_from.is_none_or(|closed| self.from_year < closed), Code::SchoolYearPast)?;
        Ok(school)
    }

    fn enter(
        &self,
        overlay: &Overlay<'_>,
        district: DistrictId,
        name: &Title,
        school_type: &Name,
        position: Option<Position>,
    ) -> Result<School, Refusal> {
        ensure(schema::school(overlay, self.school)?.is_none(), Code::SchoolExists)?;
        let mut school = School::founding(self.school, district, school_type.clone());
        school.from_year = self.from_year;
        school.describe(Described { from_year: self.from_year, name: Some(name.clone()), position });
        Ok(school)
    }

    fn rename(
        &self,
        mut school: School,
        name: &Title,
        position: Option<Position>,
    ) -> Result<School, Refusal> {
        let from_year = self.from_year.max(school.from_year);
        let before = school.described_in(from_year).and_then(|said| said.position);
        let position = position.or(before);
        school.describe(Described { from_year, name: Some(name.clone()), position });
        Ok(school)
    }

    fn close(&self, overlay: &Overlay<'_>, district: DistrictId) -> Result<School, Refusal> {
        let school = self.own(overlay, district)?;
        for class in schema::classes(overlay)? {
            let definition = &class.definition;
            let counts = definition.school_year >= self.from_year;
            // Of a retired pool nothing stands under this key.
            let pools = || overlay.list(&schema::pools_at_prefix(definition.class, self.school));
            ensure(!counts || pools()?.is_empty(), Code::SchoolInUse)?;
        }
        Ok(School { closed_from: Some(self.from_year), ..school })
    }
}
