//! The twins' parameters that a node has on its ledger, with the models that they name.
//!
//! Flow: [`Voted::of`] asks a node for every version → [`Voted::in_force`] for a school year, or [`Voted::version`] as a leaf names
//! it → with the model of its digest, ready to fold with. The unfitted model is built in; another lies in the home's `models/`, or is
//! fetched from nodes (`aula_server::models`). Invariant: a model is used only under the digest that the ledger names.

use std::collections::{BTreeMap, BTreeSet};

use aula_api::chain::TwinVersionList;
use aula_api::paths;
use aula_client::Client;
use aula_district::parameters::InForce;
use aula_home::Home;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Records};
use aula_ledger::twin::{TwinVersion, TwinVersions};
use aula_ledger::types::{Hash, SchoolYear};
use aula_server::models;
use aula_twin_runtime::model::Model;

use super::{Advise, Failure, OTHER_VERSION};

/// Every version of the parameters.
#[derive(Debug, Clone)]
pub struct Voted {
    home: Home,
    versions: Vec<TwinVersion>,
    /// Why a model could not be fetched, by its digest.
    unfetched: BTreeMap<Hash, Failure>,
}

impl Voted {
    /// Asks a node.
    ///
    /// # Errors
    /// A node that cannot be reached.
    pub async fn of(client: &Client, home: &Home) -> Result<Self, Failure> {
        let told: TwinVersionList = client.get(paths::TWIN_PARAMETERS).await?;
        let mut voted = Self { home: home.clone(), versions: told.versions, unfetched: BTreeMap::new() };
        // A version of years ago whose model nobody has any more stops nothing but what needs it.
        for digest in voted.missing()? {
            if let Err(failure) = models::fetch(client, home, &digest).await {
                voted.unfetched.insert(digest, failure);
            }
        }
        Ok(voted)
    }

    /// Reads an executed state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of_state(state: &impl Records, home: &Home) -> Result<Self, StoreError> {
        let versions = schema::twin_version_list(state)?;
        Ok(Self { home: home.clone(), versions, unfetched: BTreeMap::new() })
    }

    /// The fitted models that the versions name and the home has not.
    fn missing(&self) -> Result<BTreeSet<Hash>, Failure> {
        let unfitted = Hash(Model::unfitted().digest());
        let mut missing = BTreeSet::new();
        for digest in self.versions.iter().map(|one| one.parameters.model).filter(|one| *one != unfitted) {
            if models::of_home(&self.home, &digest)?.is_none() {
                missing.insert(digest);
            }
        }
        Ok(missing)
    }

    /// What is in force for a school year.
    ///
    /// # Errors
    /// A model that is not at hand.
    pub fn in_force(&self, year: SchoolYear) -> Result<InForce, Failure> {
        let versions = TwinVersions { from_years: self.versions.iter().map(|one| one.from_year).collect() };
        let number = versions.in_force(year).ok_or_else(|| {
            let message = format!("no version of the twins' parameters is in force for school year {year}");
            Failure::new("no_parameters", message, "see /v1/twin-parameters and propose one")
        })?;
        self.version(number)
    }

    /// The version of this number.
    ///
    /// # Errors
    /// One that the ledger does not have, or a model that is not at hand.
    pub fn version(&self, number: u32) -> Result<InForce, Failure> {
        let found = self.versions.iter().find(|one| one.version == number).ok_or_else(|| {
            let message = format!("the ledger has no version {number} of the twins' parameters");
            Failure::new("no_parameters", message, "see /v1/twin-parameters")
        })?;
        let model = self.model(found)?;
        InForce::of(found.clone(), model).advise("the twins' parameters cannot be used", OTHER_VERSION)
    }

    fn model(&self, version: &TwinVersion) -> Result<Model, Failure> {
        let named = &version.parameters.model;
        let unfitted = Model::unfitted();
        if named.0 == unfitted.digest() {
            return Ok(unfitted);
        }
        if let Some(model) = models::of_home(&self.home, named)? {
            return Ok(model);
        }
        Err(self.unfetched.get(named).cloned().unwrap_or_else(|| {
            let message = format!("the fitted model {named} is not at hand");
            let hint = "put it into this home with `aula twin publish MODEL.twin`, or let `aula twin anchor` fetch it from a node";
            Failure::new("no_model", message, hint)
        }))
    }
}
