//! A vote for the next protocol, or against one that was voted for.
//!
//! No program is asked which protocols it knows: one that does not know the next must agree with the others on everything
//! before it, the vote included.

use crate::code::Code;
use crate::protocol::Protocol;
use crate::state::Overlay;
use crate::state::schema::{self, ProtocolSwitch};
use crate::tx::handler::{Refusal, ensure};
use crate::types::Height;

/// Whether it is the protocol after the one in force, or the one in force while another was voted for.
pub(super) fn may_switch(overlay: &Overlay<'_>, protocol: Protocol) -> Result<(), Refusal> {
    let agreed = schema::protocol(overlay)?;
    let takes_back = protocol == agreed.now && agreed.next.is_some();
    Ok(ensure(protocol == agreed.now.next() || takes_back, Code::ProtocolStep)?)
}

/// Notes the switch in the place of any earlier one, or takes that back; gives the first height at which it counts.
pub(super) fn switch(
    overlay: &mut Overlay<'_>,
    switch: ProtocolSwitch,
    now: Height,
) -> Result<Height, Refusal> {
    let mut agreed = schema::protocol(overlay)?;
    let takes_back = switch.protocol == agreed.now;
    let in_force = if takes_back { now.next() } else { switch.height };
    agreed.next = (!takes_back).then_some(switch);
    schema::write(overlay, schema::protocol_key(), &agreed);
    Ok(in_force)
}
