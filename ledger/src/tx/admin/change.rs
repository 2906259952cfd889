//! What members may vote on, and how each is applied.

use super::class_change;
use super::membership::{
    check_free, check_operator, check_voter_remains, enter, forget_validator, is_voter, recount,
    remove_operator, set_standing, with_validator, without_operator, without_validator,
};
use super::node;
use super::register_member::check_place;
use super::{anchor_head, district_change, key_change, protocol_change, seed_account};
use crate::chain::{Validator, validators};
use crate::code::Code;
use crate::keys::Label;
use crate::roles::{RoleSet, place_fits};
use crate::state::Overlay;
use crate::state::schema::Change;
use crate::state::schema::{self, Moment, Peer, ProtocolSwitch, Standing, UpgradeNote, ValidatorInfo};
use crate::twin::{self};
use crate::tx::Event;
use crate::tx::handler::{Refusal, ensure};
use crate::types::{Hash, Height, ProposalId};

impl Change {
    /// Rules that need no state.
    ///
    /// # Errors
    /// [`Code::InvalidPayload`].
    pub fn check(&self) -> Result<(), Code> {
        let fine = match self {
            Self::AddValidator { public_key, power, seed_key, .. } => {
                *power > 0 && public_key.is_usable() && seed_key.is_usable()
            }
            Self::SetParameters { params } => params.check().is_ok(),
            Self::SetRoles { roles, district, school, .. } => place_fits(*roles, *district, *school),
            Self::CloseDistrict { district, successor } => *successor != Some(*district),
            Self::AdmitNode { node } => node.is_consistent(),
            Self::ReplaceValidatorKey { public_key, .. } => public_key.is_usable(),
            Self::SetTwinParameters { parameters, .. } => parameters.check_tables().is_ok(),
            _ => true,
        };
        if fine { Ok(()) } else { Err(Code::InvalidPayload) }
    }

    /// How many signatures it carries, which are verified when it is proposed.
    pub const fn signatures(&self) -> u32 {
        match self {
            Self::AdmitNode { .. } => 2,
            Self::ReplaceValidatorKey { .. } => 1,
            _ => 0,
        }
    }

    /// Whether the keys that it would bring in signed it. Asked once, when it is proposed: it never changes afterwards.
    ///
    /// # Errors
    /// [`Code::PossessionNotProved`].
    pub fn check_possession(&self, genesis: &Hash) -> Result<(), Code> {
        let held = match self {
            Self::AdmitNode { node } => node.is_signed(genesis),
            Self::ReplaceValidatorKey { address, public_key, possession } => {
                let statement = key_change::replacement_statement(genesis, address, public_key);
                public_key.verifies(Label::KeyRotation, &statement, possession)
            }
            _ => true,
        };
        ensure(held, Code::PossessionNotProved)
    }
}

impl Change {
    /// Rules of the state as it is: whether the change could be applied now.
    ///
    /// # Errors
    /// The code of the rule it breaks.
    pub fn validate(&self, overlay: &Overlay<'_>, now: Height) -> Result<(), Refusal> {
        match self {
            Self::AdmitMember { account } => {
                let member = schema::member(overlay, account)?.ok_or(Code::UnknownMember)?;
                Ok(ensure(member.standing != Standing::Admitted, Code::StandingUnchanged)?)
            }
            Self::RemoveMember { account } => {
                let member = schema::member(overlay, account)?.ok_or(Code::UnknownMember)?;
                ensure(member.standing == Standing::Admitted, Code::StandingUnchanged)?;
                check_voter_remains(overlay, &member, RoleSet::of(&[]))?;
                without_operator(overlay, account).map(|_| ())
            }
            Self::AdmitPeer { peer_id, operator, .. } => {
                ensure(overlay.get(&schema::peer_key(peer_id))?.is_none(), Code::PeerExists)?;
                check_operator(overlay, operator)
            }
            Self::RemovePeer { peer_id } => {
                ensure(overlay.get(&schema::peer_key(peer_id))?.is_some(), Code::UnknownPeer)?;
                let used = schema::validator_infos(overlay)?.iter().any(|info| info.peer_id == *peer_id);
                let waits = schema::waiting_validators(overlay)?.iter().any(|one| one.peer_id == *peer_id);
                Ok(ensure(!used && !waits, Code::PeerInUse)?)
            }
            Self::AddValidator { name, public_key, power, operator, peer_id, seed_key } => {
                check_operator(overlay, operator)?;
                ensure(overlay.get(&schema::peer_key(peer_id))?.is_some(), Code::UnknownPeer)?;
                let address = validators::address(public_key);
                check_free(overlay, name, peer_id, &address)?;
                seed_account::may_admit(overlay, seed_key, &address)?;
                let after = schema::validator_schedule(overlay)?.after;
                with_validator(&after, Validator::new(*public_key, u64::from(*power))).map(|_| ())
            }
            Self::RemoveValidator { address } => {
                if schema::waiting_validator(overlay, address)?.is_some() {
                    return Ok(());
                }
                let after = schema::validator_schedule(overlay)?.after;
                without_validator(&after, address).map(|_| ())
            }
            Self::SetParameters { .. } => Ok(()),
            Self::SetRoles { account, roles, district, school } => {
                let member = schema::member(overlay, account)?.ok_or(Code::UnknownMember)?;
                // Of a closed district, its members may keep what they have.
                if (member.district, member.school) != (*district, *school) {
                    check_place(overlay, *district, *school)?;
                }
                check_voter_remains(overlay, &member, *roles)
            }
            Self::Upgrade { height, .. } => Ok(ensure(*height > now, Code::UpgradePast)?),
            Self::SwitchProtocol { protocol, height, .. } => {
                ensure(*height > now, Code::UpgradePast)?;
                protocol_change::may_switch(overlay, *protocol)
            }
            Self::ReplaceSteward { class, steward } => class_change::may_replace(overlay, *class, steward),
            Self::RevertDecision { round, .. } => class_change::may_revert(overlay, *round).map(|_| ()),
            Self::CancelRound { round } => class_change::may_cancel(overlay, *round).map(|_| ()),
            Self::AdmitDistrict { district, operator, .. } => {
                district_change::may_admit(overlay, *district, operator).map(|_| ())
            }
            Self::CloseDistrict { district, successor } => {
                district_change::may_close(overlay, *district, *successor).map(|_| ())
            }
            Self::AdmitNode { node } => node::may_admit(overlay, node),
            Self::ReplaceValidatorKey { address, public_key, .. } => {
                key_change::may_replace(overlay, address, public_key).map(|_| ())
            }
            Self::AdmitConsortium { genesis, .. } => anchor_head::may_admit(overlay, genesis),
            Self::SetTwinParameters { from_year, parameters } => {
                ensure(parameters.need.check().is_ok(), Code::NeedRuleBounds)?;
                let now = schema::chain(overlay)?.time_ms;
                ensure(*from_year >= schema::params(overlay)?.first_open_year(now), Code::SchoolYearPast)?;
                let versions = schema::twin_versions(overlay)?.from_years.len();
                Ok(ensure(versions < twin::MAX_VERSIONS, Code::TwinVersionLimit)?)
            }
        }
    }

    /// Applies the change; gives the first height at which it counts. What else the receipt should say is added to
    /// `events`.
    ///
    /// # Errors
    /// As [`Change::validate`]: what was possible when proposed may no longer be.
    pub fn apply(
        &self,
        overlay: &mut Overlay<'_>,
        at: Moment,
        proposal: ProposalId,
        events: &mut Vec<Event>,
    ) -> Result<Height, Refusal> {
        let now = at.height;
        self.validate(overlay, now)?;
        match self {
            Self::AdmitMember { account } => set_standing(overlay, account, Standing::Admitted, now)?,
            Self::RemoveMember { account } => {
                let moved = remove_operator(overlay, account)?;
                set_standing(overlay, account, Standing::Removed, now)?;
                if moved {
                    return Ok(now.next().next());
                }
            }
            Self::AdmitPeer { peer_id, listen, operator } => {
                let peer = Peer { peer_id: peer_id.clone(), listen: listen.clone(), operator: *operator };
                schema::write(overlay, schema::peer_key(peer_id), &peer);
                schema::use_peer(overlay, peer_id);
            }
            Self::RemovePeer { peer_id } => overlay.delete(schema::peer_key(peer_id)),
            Self::AddValidator { name, public_key, power, operator, peer_id, seed_key } => {
                let validator = Validator::new(*public_key, u64::from(*power));
                let address = validator.address;
                enter(overlay, validator)?;
                schema::use_key(overlay, public_key);
                overlay.delete(schema::waiting_key(&address));
                let seed = seed_account::admit(overlay, *seed_key, name, now)?;
                let (name, peer_id, operator) = (name.clone(), peer_id.clone(), *operator);
                let info = ValidatorInfo { address, name, operator, peer_id, rotated_ms: None, seed };
                schema::write(overlay, schema::validator_key(&address), &info);
                return Ok(now.next().next());
            }
            Self::RemoveValidator { address } if schema::waiting_validator(overlay, address)?.is_some() => {
                overlay.delete(schema::waiting_key(address));
            }
            Self::RemoveValidator { address } => {
                let mut schedule = schema::validator_schedule(overlay)?;
                schedule.after = without_validator(&schedule.after, address)?;
                schema::write(overlay, schema::validators_key(), &schedule);
                forget_validator(overlay, address)?;
                return Ok(now.next().next());
            }
            Self::SetParameters { params } => schema::write(overlay, schema::params_key(), params),
            Self::SetRoles { account, roles, district, school } => {
                let mut member = schema::member(overlay, account)?.ok_or(Code::UnknownMember)?;
                let voted = is_voter(&member);
                (member.roles, member.district, member.school) = (*roles, *district, *school);
                recount(overlay, voted, is_voter(&member))?;
                schema::write(overlay, schema::member_key(account), &member);
            }
            Self::Upgrade { note, height } => {
                let note = UpgradeNote { height: *height, note: note.clone(), proposal };
                schema::write(overlay, schema::upgrade_key(*height), &note);
            }
            Self::SwitchProtocol { protocol, height, program } => {
                let switch = ProtocolSwitch {
                    protocol: *protocol,
                    height: *height,
                    program: program.clone(),
                    proposal,
                };
                return protocol_change::switch(overlay, switch, now);
            }
            Self::ReplaceSteward { class, steward } => {
                events.push(class_change::replace_steward(overlay, *class, *steward)?);
            }
            Self::RevertDecision { round, reason } => {
                events.extend(class_change::revert(overlay, *round, *reason, proposal, at)?);
            }
            Self::CancelRound { round } => events.push(class_change::cancel(overlay, *round, at)?),
            Self::AdmitDistrict { district, name, operator } => {
                events.push(district_change::admit(overlay, *district, name, operator, now)?);
            }
            Self::CloseDistrict { district, successor } => {
                events.push(district_change::close(overlay, *district, *successor, now)?);
            }
            Self::AdmitNode { node } => events.push(node::admit(overlay, node, at)?),
            Self::ReplaceValidatorKey { address, public_key, .. } => {
                let in_force = now.next().next();
                events.push(key_change::replace(overlay, address, public_key, at.time_ms, in_force)?);
                return Ok(in_force);
            }
            Self::AdmitConsortium { genesis, name, founded_ms, validators } => {
                let (genesis, founded_ms) = (*genesis, *founded_ms);
                anchor_head::admit(
                    overlay,
                    anchor_head::Admission { genesis, name, founded_ms, validators },
                    now,
                );
            }
            Self::SetTwinParameters { from_year, parameters } => {
                let version = schema::add_twin_version(overlay, (**parameters).clone(), *from_year, now)??;
                events.push(Event::TwinParametersSet { version, from_year: *from_year });
            }
        }
        Ok(now.next())
    }
}
