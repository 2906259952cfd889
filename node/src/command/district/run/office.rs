//! What every duty is given: a home, its node, its vault, its settings. Homes share nothing but the process.

use std::sync::{Mutex, PoisonError};

use aula_api::paths;
use aula_api::transactions::AccountStatus;
use aula_client::Client;
use aula_client::sender::Sender;
use aula_home::clock::now_ms;
use aula_home::config::{Config, District, LakePlace, Quotas};
use aula_ledger::credential::Scope;
use aula_ledger::state::schema::Member;
use aula_ledger::types::{DistrictId, Hash};
use aula_vault::room::Room;

use crate::command::evidence::rows::no_district;
use crate::command::posting::Posting;
use crate::command::vault::record::LedgerArgs;
use crate::command::vault::{Place, bind_to_node};
use crate::command::{Context, Failure};

/// One district's home at work.
pub(super) struct Office {
    pub context: Context,
    pub place: Place,
    pub ledger: LedgerArgs,
    pub settings: District,
    pub lake: LakePlace,
    pub quotas: Quotas,
    /// Held while the status is changed: two loops of a home do.
    pub status: Mutex<()>,
    /// The chain that the vault is known to be bound to: it is not opened again to see that.
    bound: Mutex<Option<Hash>>,
}

/// A node that knows this office.
pub(super) struct Node {
    pub public: Client,
    /// Asks for the district's own rows.
    pub own: Client,
    pub member: Member,
    /// SHA-256 of its chain's genesis file.
    pub genesis: Hash,
}

impl Office {
    /// The office of a home.
    ///
    /// # Errors
    /// A configuration that is refused.
    pub fn of(context: Context, place: Place, ledger: LedgerArgs) -> Result<Self, Failure> {
        let Config { district: settings, lake, quotas, .. } = Config::load(&context.home)?;
        let (status, bound) = (Mutex::new(()), Mutex::new(None));
        Ok(Self { context, place, ledger, settings, lake, quotas, status, bound })
    }

    /// The node, and as what it knows this home.
    ///
    /// # Errors
    /// A node that cannot be reached, or to which the home's account is nobody.
    pub async fn node(&self) -> Result<Node, Failure> {
        let public = self.ledger.rpc.client(&self.context)?;
        let sender = Sender::of_home(&public, &self.context.home, 0).await?;
        let told: AccountStatus = public.get(&paths::account(sender.account())).await?;
        let member = told.member.ok_or_else(|| {
            Failure::new(
                "no_member",
                "the home's account is not a member of the consortium",
                "a vote on HOME/request.json admits it",
            )
        })?;
        let own =
            public.signed_by(*sender.genesis(), sender.account(), sender.key().clone(), Scope::District);
        Ok(Node { public, own, member, genesis: *sender.genesis() })
    }

    /// The node, once the vault is bound to its chain, and the district.
    ///
    /// # Errors
    /// As [`Office::node`]; a vault of another chain, an account that acts for no district.
    pub async fn district(&self) -> Result<(Node, DistrictId), Failure> {
        let node = self.node().await?;
        if *self.bound.lock().unwrap_or_else(PoisonError::into_inner) != Some(node.genesis) {
            bind_to_node(&self.context, &self.place, &node.public).await?;
            *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = Some(node.genesis);
        }
        let district = node.member.district.ok_or_else(no_district)?;
        Ok((node, district))
    }

    /// The home's account, ready to send.
    ///
    /// # Errors
    /// As [`Posting::begin`].
    pub async fn posting(&self) -> Result<Posting<'_>, Failure> {
        Posting::begin(&self.context, &self.place, &self.ledger).await
    }

    /// How much disk the vault may take.
    ///
    /// # Errors
    /// A configuration that is refused.
    pub fn room(&self) -> Result<Room, Failure> {
        Ok(Room::new(&self.place.folders(&self.context)?.data, self.quotas.vault_mib))
    }

    /// The clock's time, milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        now_ms()
    }
}
