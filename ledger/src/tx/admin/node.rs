//! A whole new node as one proposal: what it asks for, signed with its account's and its validator's key.
//!
//! Flow: the newcomer's `aula join` writes a [`NodeRequest`] → a member proposes it as it is ([`crate::tx::Change::AdmitNode`]) →
//! the deciding vote makes it a member, admits its district and its peer, and lets it follow → once it is level it sends
//! [`super::Ready`], and votes two heights later. A node that never comes costs the others nothing.

use super::membership::{check_free, is_voter, recount, with_validator};
use super::{district_change, seed_account};
use crate::chain::{Validator, validators};
use crate::code::Code;
use crate::keys::account_of;
use crate::state::Overlay;
use crate::state::schema::{self, Account, Member, Moment, Peer, Standing, WaitingValidator};
use crate::tx::handler::{Refusal, ensure};
use crate::tx::places::open_district;
use crate::tx::{Event, NewDistrict, NodeRequest};

/// The power a new validator begins with: one vote, as everybody's at genesis.
const POWER: u64 = 1;

/// Whether the node could be admitted now.
///
/// # Errors
/// The code of the rule that it breaks.
pub(super) fn may_admit(overlay: &Overlay<'_>, node: &NodeRequest) -> Result<(), Refusal> {
    ensure(schema::account_of_name(overlay, &node.name)?.is_none(), Code::NameTaken)?;
    let account = account_of(&node.account_key);
    ensure(schema::member(overlay, &account)?.is_none(), Code::AccountExists)?;
    if let Some(NewDistrict { id, name }) = &node.district {
        match name {
            Some(_) => ensure(schema::district(overlay, *id)?.is_none(), Code::DistrictExists)?,
            None => open_district(overlay, *id).map(|_| ())?,
        }
    }
    ensure(overlay.get(&schema::peer_key(&node.peer_id))?.is_none(), Code::PeerExists)?;
    let address = validators::address(&node.validator_key);
    check_free(overlay, &node.name, &node.peer_id, &address)?;
    ensure(schema::waiting_validator(overlay, &address)?.is_none(), Code::ValidatorExists)?;
    seed_account::may_admit(overlay, &node.seed_key, &address)?;
    for key in [&node.account_key, &node.validator_key, &node.seed_key] {
        ensure(!schema::key_was_used(overlay, key)?, Code::KeyUsed)?;
    }
    let after = schema::validator_schedule(overlay)?.after;
    with_validator(&after, Validator::new(node.validator_key, POWER)).map(|_| ())
}

/// Makes it a member with its district, peer and a validator that waits.
pub(super) fn admit(overlay: &mut Overlay<'_>, node: &NodeRequest, at: Moment) -> Result<Event, Refusal> {
    let account = account_of(&node.account_key);
    let member = Member {
        account,
        name: node.name.clone(),
        roles: node.roles,
        district: node.district.as_ref().map(|district| district.id),
        school: None,
        standing: Standing::Admitted,
        since: at.height,
    };
    recount(overlay, false, is_voter(&member))?;
    schema::write(overlay, schema::member_key(&account), &member);
    overlay.put(schema::name_key(&node.name), account.0.to_vec());
    let keys = Account { public_key: node.account_key, sequence: 0 };
    schema::write(overlay, schema::account_key(&account), &keys);
    if let Some(NewDistrict { id, name: Some(name) }) = &node.district {
        district_change::enter(overlay, *id, name, at.height);
    }
    let peer = Peer { peer_id: node.peer_id.clone(), listen: node.listen.clone(), operator: account };
    schema::write(overlay, schema::peer_key(&node.peer_id), &peer);
    let waiting = WaitingValidator {
        address: validators::address(&node.validator_key),
        name: node.name.clone(),
        public_key: node.validator_key,
        power: POWER,
        operator: account,
        peer_id: node.peer_id.clone(),
        seed_key: node.seed_key,
        admitted: at.height,
        admitted_ms: at.time_ms,
    };
    schema::write(overlay, schema::waiting_key(&waiting.address), &waiting);
    schema::use_key(overlay, &node.account_key);
    schema::use_key(overlay, &node.validator_key);
    schema::use_key(overlay, &node.seed_key);
    schema::use_peer(overlay, &node.peer_id);
    let ready_until_ms = waiting.ready_until_ms();
    Ok(Event::NodeAdmitted { account, validator: waiting.address, ready_until_ms })
}
