//! What members may vote on, and how each is applied.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::register_member::check_place;
use super::{class_change, seed_account};
use crate::chain::{Code, Validator, ValidatorSet};
use crate::keys::PublicKey;
use crate::names::{ListenHint, Name, PeerName, Title};
use crate::params::Params;
use crate::roles::{Role, RoleSet, place_fits};
use crate::state::schema::{self, Member, Moment, Peer, Standing, UpgradeNote, ValidatorInfo};
use crate::state::{Overlay, StoreError};
use crate::tx::Event;
use crate::tx::handler::{Refusal, ensure};
use crate::types::{
    AccountId, ClassId, DistrictId, Hash, Height, ProposalId, RoundId, SchoolId, ValidatorAddress,
};

/// A change of the consortium that needs more than two thirds of its members.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[borsh(use_discriminant = true)]
#[repr(u8)]
#[non_exhaustive]
pub enum Change {
    /// Admits a registered candidate, or a removed member again.
    AdmitMember {
        /// Whom.
        account: AccountId,
    } = 0,
    /// Removes a member: its transactions are no longer accepted, its validators and peers leave with it. Its history stays.
    RemoveMember {
        /// Whom.
        account: AccountId,
    } = 1,
    /// Lets a peer connect.
    AdmitPeer {
        /// Its identity.
        peer_id: PeerName,
        /// Where it may be reached.
        listen: ListenHint,
        /// Who runs it.
        operator: AccountId,
    } = 2,
    /// Refuses a peer from now on.
    RemovePeer {
        /// Its identity.
        peer_id: PeerName,
    } = 3,
    /// Adds a validator, in force two heights later. Its peer is admitted before.
    AddValidator {
        /// Its name.
        name: Name,
        /// The key that signs its votes.
        public_key: PublicKey,
        /// Voting power, at least 1.
        power: u32,
        /// Who runs it.
        operator: AccountId,
        /// Its peer.
        peer_id: PeerName,
        /// The key with which its node signs shares of seeds.
        seed_key: PublicKey,
    } = 4,
    /// Removes a validator, in force two heights later.
    RemoveValidator {
        /// Its address.
        address: ValidatorAddress,
    } = 5,
    /// Replaces all parameters.
    SetParameters {
        /// The new ones, whole.
        params: Params,
    } = 6,
    /// Gives a member its roles.
    SetRoles {
        /// Whom.
        account: AccountId,
        /// Its roles from now on.
        roles: RoleSet,
        /// The district it acts for, when a district or a school.
        district: Option<DistrictId>,
        /// The school it acts for, when a school.
        school: Option<SchoolId>,
    } = 7,
    /// Agrees on a program version to run from a height. The ledger only records it.
    Upgrade {
        /// The version and what operators do.
        note: Title,
        /// From which height.
        height: Height,
    } = 8,
    /// Names another steward of a class.
    ReplaceSteward {
        /// Of which class.
        class: ClassId,
        /// Whom: an admitted member with the role consortium, district or funder.
        steward: AccountId,
    } = 9,
    /// Takes the standing decision of a class back and keeps its history. An open round of the class is cancelled.
    RevertDecision {
        /// Of which round.
        round: RoundId,
        /// SHA-256 of the document that says why; the document stays with its author.
        #[serde(default)]
        reason: Option<Hash>,
    } = 10,
    /// Cancels an open round.
    CancelRound {
        /// Which.
        round: RoundId,
    } = 11,
}

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
            _ => true,
        };
        if fine { Ok(()) } else { Err(Code::InvalidPayload) }
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
                Ok(ensure(!used, Code::PeerInUse)?)
            }
            Self::AddValidator { name, public_key, power, operator, peer_id, seed_key } => {
                check_operator(overlay, operator)?;
                ensure(overlay.get(&schema::peer_key(peer_id))?.is_some(), Code::UnknownPeer)?;
                let taken = |info: &ValidatorInfo| info.name == *name || info.peer_id == *peer_id;
                let taken = schema::validator_infos(overlay)?.iter().any(taken);
                ensure(!taken, Code::ValidatorExists)?;
                seed_account::may_admit(overlay, seed_key)?;
                let after = schema::validator_schedule(overlay)?.after;
                with_validator(&after, Validator::new(*public_key, u64::from(*power))).map(|_| ())
            }
            Self::RemoveValidator { address } => {
                let after = schema::validator_schedule(overlay)?.after;
                without_validator(&after, address).map(|_| ())
            }
            Self::SetParameters { .. } => Ok(()),
            Self::SetRoles { account, roles, district, school } => {
                let member = schema::member(overlay, account)?.ok_or(Code::UnknownMember)?;
                check_place(overlay, *district, *school)?;
                check_voter_remains(overlay, &member, *roles)
            }
            Self::Upgrade { height, .. } => Ok(ensure(*height > now, Code::UpgradePast)?),
            Self::ReplaceSteward { class, steward } => class_change::may_replace(overlay, *class, steward),
            Self::RevertDecision { round, .. } => class_change::may_revert(overlay, *round).map(|_| ()),
            Self::CancelRound { round } => class_change::may_cancel(overlay, *round).map(|_| ()),
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
            }
            Self::RemovePeer { peer_id } => overlay.delete(schema::peer_key(peer_id)),
            Self::AddValidator { name, public_key, power, operator, peer_id, seed_key } => {
                let validator = Validator::new(*public_key, u64::from(*power));
                let address = validator.address;
                let mut schedule = schema::validator_schedule(overlay)?;
                schedule.after = with_validator(&schedule.after, validator)?;
                schema::write(overlay, schema::validators_key(), &schedule);
                let seed = seed_account::admit(overlay, *seed_key, name, now)?;
                let info = ValidatorInfo {
                    address,
                    name: name.clone(),
                    operator: *operator,
                    peer_id: peer_id.clone(),
                    seed,
                };
                schema::write(overlay, schema::validator_key(&address), &info);
                return Ok(now.next().next());
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
            Self::ReplaceSteward { class, steward } => {
                events.push(class_change::replace_steward(overlay, *class, *steward)?);
            }
            Self::RevertDecision { round, reason } => {
                events.extend(class_change::revert(overlay, *round, *reason, proposal, at)?);
            }
            Self::CancelRound { round } => events.push(class_change::cancel(overlay, *round, at)?),
        }
        Ok(now.next())
    }
}

fn is_voter(member: &Member) -> bool {
    member.standing == Standing::Admitted && member.roles.has(Role::Consortium)
}

/// Refuses a change after which nobody could vote: no later vote could undo it.
fn check_voter_remains(overlay: &Overlay<'_>, member: &Member, roles: RoleSet) -> Result<(), Refusal> {
    let loses = is_voter(member) && !roles.has(Role::Consortium);
    let voters = schema::counters(overlay)?.consortium_members;
    Ok(ensure(!loses || voters > 1, Code::LastConsortiumMember)?)
}

fn check_operator(overlay: &Overlay<'_>, operator: &AccountId) -> Result<(), Refusal> {
    let member = schema::member(overlay, operator)?;
    let admitted = member.is_some_and(|member| member.standing == Standing::Admitted);
    Ok(ensure(admitted, Code::UnknownMember)?)
}

fn recount(overlay: &mut Overlay<'_>, voted: bool, votes: bool) -> Result<(), StoreError> {
    let mut counters = schema::counters(overlay)?;
    counters.consortium_members = match (voted, votes) {
        (false, true) => counters.consortium_members.saturating_add(1),
        (true, false) => counters.consortium_members.saturating_sub(1),
        _ => return Ok(()),
    };
    schema::write(overlay, schema::counters_key(), &counters);
    Ok(())
}

fn set_standing(
    overlay: &mut Overlay<'_>,
    account: &AccountId,
    standing: Standing,
    since: Height,
) -> Result<(), Refusal> {
    let mut member = schema::member(overlay, account)?.ok_or(Code::UnknownMember)?;
    let voted = is_voter(&member);
    (member.standing, member.since) = (standing, since);
    recount(overlay, voted, is_voter(&member))?;
    schema::write(overlay, schema::member_key(account), &member);
    Ok(())
}

/// The set without this operator's validators, and their addresses; none when it has none.
///
/// # Errors
/// [`Code::LastValidator`] when nobody would be left.
fn without_operator(
    overlay: &Overlay<'_>,
    operator: &AccountId,
) -> Result<Option<(ValidatorSet, Vec<ValidatorAddress>)>, Refusal> {
    let infos = schema::validator_infos(overlay)?;
    let own: Vec<ValidatorAddress> =
        infos.into_iter().filter(|info| info.operator == *operator).map(|info| info.address).collect();
    if own.is_empty() {
        return Ok(None);
    }
    let mut validators = schema::validator_schedule(overlay)?.after.validators().to_vec();
    validators.retain(|validator| !own.contains(&validator.address));
    let set = ValidatorSet::new(validators).map_err(|_| Code::LastValidator)?;
    Ok(Some((set, own)))
}

/// A member that is removed takes its validators and peers with it: who may not send must not decide. True when the
/// validator set changes.
fn remove_operator(overlay: &mut Overlay<'_>, operator: &AccountId) -> Result<bool, Refusal> {
    let moved = without_operator(overlay, operator)?;
    let moves = moved.is_some();
    if let Some((set, own)) = moved {
        let mut schedule = schema::validator_schedule(overlay)?;
        schedule.after = set;
        schema::write(overlay, schema::validators_key(), &schedule);
        own.iter().try_for_each(|address| forget_validator(overlay, address))?;
    }
    for peer in schema::peers(overlay)?.into_iter().filter(|peer| peer.operator == *operator) {
        overlay.delete(schema::peer_key(&peer.peer_id));
    }
    Ok(moves)
}

/// What is known of a validator, and its account for shares of seeds, are gone.
fn forget_validator(overlay: &mut Overlay<'_>, address: &ValidatorAddress) -> Result<(), StoreError> {
    if let Some(info) = schema::validator_info(overlay, address)? {
        seed_account::remove(overlay, &info.seed);
    }
    overlay.delete(schema::validator_key(address));
    Ok(())
}

fn with_validator(set: &ValidatorSet, validator: Validator) -> Result<ValidatorSet, Refusal> {
    ensure(set.get(&validator.address).is_none(), Code::ValidatorExists)?;
    let mut validators = set.validators().to_vec();
    validators.push(validator);
    Ok(ValidatorSet::new(validators).map_err(|_| Code::ValidatorLimit)?)
}

fn without_validator(set: &ValidatorSet, address: &ValidatorAddress) -> Result<ValidatorSet, Refusal> {
    ensure(set.get(address).is_some(), Code::UnknownValidator)?;
    let mut validators = set.validators().to_vec();
    validators.retain(|validator| validator.address != *address);
    Ok(ValidatorSet::new(validators).map_err(|_| Code::LastValidator)?)
}
