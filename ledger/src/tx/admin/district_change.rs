//! What a vote does to a district: it enters with its operator, or it is closed.
//!
//! Closing ends what begins: states, requests, milestones, schools. What has begun goes on: consents and erasures of its
//! students are recorded by its members as before, and its standing decisions, acknowledgements and audits are its
//! successor's. Nothing is ever erased; every record of it keeps its number.

use crate::code::Code;
use crate::names::Title;
use crate::roles::Role;
use crate::state::Overlay;
use crate::state::schema::{self, Closing, District, Member, Standing};
use crate::tx::Event;
use crate::tx::handler::{Refusal, ensure};
use crate::tx::places::open_district;
use crate::types::{AccountId, DistrictId, Height};

/// The member who would act for a new district.
///
/// # Errors
/// [`Code::DistrictExists`], [`Code::UnknownMember`], [`Code::ActsElsewhere`].
pub(super) fn may_admit(
    overlay: &Overlay<'_>,
    district: DistrictId,
    operator: &AccountId,
) -> Result<Member, Refusal> {
    ensure(schema::district(overlay, district)?.is_none(), Code::DistrictExists)?;
    let member = schema::member(overlay, operator)?.filter(|member| member.standing == Standing::Admitted);
    let member = member.ok_or(Code::UnknownMember)?;
    ensure(member.district.is_none(), Code::ActsElsewhere)?;
    Ok(member)
}

/// The district, and that the member acts for it.
pub(super) fn admit(
    overlay: &mut Overlay<'_>,
    id: DistrictId,
    name: &Title,
    operator: &AccountId,
    now: Height,
) -> Result<Event, Refusal> {
    let mut member = may_admit(overlay, id, operator)?;
    (member.roles, member.district) = (member.roles.with(Role::District), Some(id));
    schema::write(overlay, schema::member_key(operator), &member);
    enter(overlay, id, name, now);
    Ok(Event::DistrictAdmitted { district: id, operator: *operator })
}

/// Writes a new district's record.
pub(super) fn enter(overlay: &mut Overlay<'_>, id: DistrictId, name: &Title, now: Height) {
    let record = District { id, name: name.clone(), admitted: now, closed: None };
    schema::write(overlay, schema::district_key(id), &record);
}

/// The district, if it can be closed now.
///
/// # Errors
/// [`Code::UnknownDistrict`], [`Code::DistrictClosed`], [`Code::RoundOpen`].
pub(super) fn may_close(
    overlay: &Overlay<'_>,
    district: DistrictId,
    successor: Option<DistrictId>,
) -> Result<District, Refusal> {
    let record = open_district(overlay, district)?;
    if let Some(successor) = successor {
        open_district(overlay, successor)?;
    }
    // Its students' requests are in the open rounds, or could be.
    let idle = schema::classes(overlay)?.iter().all(|class| class.open_round.is_none());
    ensure(idle, Code::RoundOpen)?;
    Ok(record)
}

/// What [`may_close`] allows, done: from this height on the district begins nothing.
pub(super) fn close(
    overlay: &mut Overlay<'_>,
    id: DistrictId,
    successor: Option<DistrictId>,
    now: Height,
) -> Result<Event, Refusal> {
    let record = may_close(overlay, id, successor)?;
    let closed = Some(Closing { height: now, successor });
    schema::write(overlay, schema::district_key(id), &District { closed, ..record });
    Ok(Event::DistrictClosed { district: id, successor })
}
