//! From the vault and the ledger to a student's channel, and whether a reader may see it.
//!
//! Flow: the vault on its turn → the access check, which lists the look or, of a page that is open, only looks again → events are
//! folded when the vault has others than the channel heard of → decisions and corrections. Invariants: nothing is folded for
//! a reader who was denied. Absent: writing, but for corrections ([`super::wrong`]).

use std::sync::Arc;

use aula_district::live::events_of;
use aula_home::clock::now_ms;
use aula_ledger::audit::why::Who;
use aula_ledger::names::FieldName;
use aula_vault::Vault;
use aula_vault::access::{DataClass, ReadError, Wanted};

use super::channel::{Channel, Hub};
use super::decided;
use super::parts::{ALLOCATION, FIELDS, Granted, Key, Part};
use super::refusal::Refusal;
use super::session::Grant;
use super::twin::Follower;
use crate::family_link;
use crate::http::AppState;
use crate::http::lent_vault::{bind, with_vault};

/// Whether a look is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It is: something is shown for the first time.
    Listed,
    /// It was, and this asks whether it would be granted still.
    Again,
}

/// A dashboard that may be shown.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub granted: Granted,
    /// The student's name, where the vault has one and the reader needs it.
    pub name: Option<String>,
    pub channel: Arc<Channel>,
}

/// Looks whether the reader may see the student's dashboard, and brings its channel up to date.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn look(
    node: &Arc<AppState>,
    hub: &Arc<Hub>,
    grant: &Grant,
    look: Look,
) -> Result<Opened, Refusal> {
    if let Some(link) = &grant.link {
        family_link::check_id(&node.links, link, now_ms()).map_err(Refusal::from)?;
    }
    let (hub, grant) = (hub.clone(), grant.clone());
    let looked = with_vault(node.clone(), move |node, vault| {
        bind(node, vault)?;
        if vault.identity().map_or(true, |identity| identity.district != grant.district) {
            return Ok(Err(Refusal::Elsewhere));
        }
        Ok(in_vault(node, vault, &hub, &grant, look))
    });
    looked.await.map_err(Refusal::from)?
}

fn in_vault(node: &AppState, vault: &Vault, hub: &Hub, grant: &Grant, look: Look) -> Result<Opened, Refusal> {
    let (personal, name) = granted(vault, grant, (DataClass::FerpaPii, &FIELDS), look)?;
    let (shared, _) = granted(vault, grant, (DataClass::ResourceAllocation, &ALLOCATION), look)?;
    let granted = Granted::of(personal.into_iter().chain(shared), grant.role);
    let channel = hub.channel(&grant.handle);
    if !channel.is_fresh() || look == Look::Again {
        let count = vault.event_keys(&grant.handle).map_err(Refusal::vault)?.len();
        if !channel.has_events(count) {
            let params = hub.params().map_err(|why| {
                tracing::warn!(why, "a dashboard has no parameters to fold by");
                Refusal::Unusable
            })?;
            let events = events_of(vault, &grant.handle).map_err(|error| {
                tracing::error!(%error, "a student's events cannot be folded");
                Refusal::Unusable
            })?;
            let (follower, state) = Follower::of(events, &params);
            channel.read(follower, &state, count, &params);
        }
    }
    let who = Who { handle: grant.handle, district: Some(grant.district) };
    let mut beside = decided::parts(&node.view(), grant.school_year, who).map_err(|error| {
        tracing::error!(%error, "a student's decisions cannot be read");
        Refusal::Unusable
    })?;
    let corrections = vault.corrections(&grant.handle).map_err(Refusal::vault)?;
    beside.extend((0_u16..).zip(corrections).map(|(n, one)| (Key::Correction(n), Part::Correction(one))));
    channel.stand(beside);
    Ok(Opened { granted, name, channel })
}

/// The fields granted of those, and the name where it is among them.
fn granted(
    vault: &Vault,
    grant: &Grant,
    (class, names): (DataClass, &[&str]),
    look: Look,
) -> Result<(Vec<String>, Option<String>), Refusal> {
    let fields: Vec<FieldName> = names.iter().filter_map(|name| FieldName::new(name).ok()).collect();
    let wanted = Wanted { handle: grant.handle, class, fields: &fields };
    let text = |fields: &[FieldName]| fields.iter().map(ToString::to_string).collect();
    if look == Look::Again {
        let fields = vault.may_read_linked(&grant.linked(), &wanted, now_ms()).map_err(refused)?;
        return Ok((text(&fields), None));
    }
    let given = vault.read_linked(&grant.linked(), &wanted, now_ms()).map_err(refused)?;
    let name = given.values.iter().find(|(field, _)| field.as_str() == "name");
    let name = name.and_then(|(_, value)| serde_json::from_slice::<String>(value.as_ref()?).ok());
    Ok((text(&given.entry.fields), name))
}

/// A read that gave nothing.
pub(super) fn refused(error: ReadError) -> Refusal {
    match error {
        ReadError::Denied(denial, _) | ReadError::Stranger(denial) => Refusal::Denied(denial),
        ReadError::Vault(error) | ReadError::LogUnwritable(error) => Refusal::vault(error),
        ReadError::Fields => Refusal::Unusable,
    }
}
