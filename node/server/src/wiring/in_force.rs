//! The twins' parameters that are in force now, as the node folds by them.

use aula_district::parameters::InForce;
use aula_home::clock::now_ms;
use aula_home::{Advise, Failure, Home};
use aula_ledger::state::schema::twin_in_force;
use aula_ledger::twin::TwinVersion;
use aula_ledger::types::{Hash, SchoolYear, TimeMs};
use aula_store::ChainDb;
use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::Params;

use crate::models;

/// The version of the twins' parameters that is in force now.
pub(super) fn version(db: &ChainDb) -> Result<TwinVersion, Failure> {
    let hint = "see /v1/twin-parameters";
    let found = twin_in_force(&*db.latest(), SchoolYear::at(TimeMs(now_ms())));
    let found = found.advise("the twins' parameters cannot be read", hint)?;
    found.ok_or_else(|| {
        Failure::because("no version of the twins' parameters is in force this school year", hint)
    })
}

/// The twins' parameters in force now, with their model: the unfitted one, or the file of its digest in the home; and their digest.
pub(super) fn in_force_now(home: &Home, db: &ChainDb) -> Result<(Hash, Params), Failure> {
    let voted = version(db)?;
    let (digest, named, unfitted) = (voted.digest, voted.parameters.model, Model::unfitted());
    let model = if named.0 == unfitted.digest() {
        unfitted
    } else {
        models::of_home(home, &named)?.ok_or_else(|| {
            let message = format!("the fitted model {named} is not at hand");
            let hint = "put it into this home with `aula twin publish MODEL.twin`; `aula district run` fetches it from other nodes";
            Failure::new("no_model", message, hint)
        })?
    };
    let hint = "see /v1/twin-parameters";
    Ok((digest, InForce::of(voted, model).advise("the twins' parameters cannot be used", hint)?.params))
}

/// The twins' parameters in force now.
pub(super) fn params(home: &Home, db: &ChainDb) -> Result<Params, Failure> {
    in_force_now(home, db).map(|(_, params)| params)
}
