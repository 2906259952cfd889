//! Fitted models in a home, and from nodes: found by the digest that the ledger names, and used only if they have it.
//!
//! Flow: [`of_home`] reads `HOME/models` → what is not there [`fetch`] asks for, of the home's own node first and then of those that
//! `district.models_from` names → a file that this home's node serves too, so a model goes from one member to the next.
//! Invariant: nobody who sends a model is believed; its bytes are hashed before they are kept, and again before they are used.

use aula_api::paths;
use aula_client::Client;
use aula_files::Access;
use aula_home::config::Config;
use aula_home::{Advise, Failure, Home, with_causes};
use aula_ledger::types::Hash;
use aula_twin_model::model_file;
use aula_twin_runtime::model::{MAX_MODEL_BYTES, Model};

/// A model of the home: what `aula twin publish` or a fetch put there, else a file of `aula twin fit` under its digest.
///
/// # Errors
/// A file that is there and is not the model that its name says.
pub fn of_home(home: &Home, digest: &Hash) -> Result<Option<Model>, Failure> {
    let path = home.model_file(digest);
    let fitted = home.fitted_file(digest);
    let (path, model) = if path.is_file() {
        let hint = "delete the file: it is fetched again";
        let bytes = aula_files::read_at_most(&path, MAX_MODEL_BYTES as u64)
            .advise(format!("the model {} cannot be read", path.display()), hint)?;
        let model = Model::decode(&bytes).advise(format!("{} is not a model", path.display()), hint)?;
        (path, model)
    } else if fitted.is_file() {
        let hint = "put it there again with `aula twin publish`";
        let (model, _) =
            model_file::read(&fitted).advise(format!("{} is not a model file", fitted.display()), hint)?;
        (fitted, model)
    } else {
        return Ok(None);
    };
    if model.digest() != digest.0 {
        let found = Hash(model.digest());
        let message = format!("{} holds the model {found}", path.display());
        return Err(Failure::new("other_model", message, "delete the file: the right one is fetched"));
    }
    Ok(Some(model))
}

/// Puts a model where this home's commands look and its node serves from; gives its digest.
///
/// # Errors
/// A folder that cannot be written, or a model that is longer than nodes serve.
pub fn keep(home: &Home, model: &Model) -> Result<Hash, Failure> {
    let (digest, bytes) = (Hash(model.digest()), model.encode());
    if bytes.len() > MAX_MODEL_BYTES {
        let message = format!("the model has {} bytes, and nodes serve {MAX_MODEL_BYTES}", bytes.len());
        return Err(Failure::new("too_large", message, "fit it on fewer items"));
    }
    let path = home.model_file(&digest);
    let hint = "check the folder's owner and the space left";
    aula_files::private_folder(&home.models_dir())
        .advise(format!("cannot make {}", home.models_dir().display()), hint)?;
    aula_files::replace(&path, Access::Private, &bytes)
        .advise(format!("cannot write {}", path.display()), hint)?;
    Ok(digest)
}

/// Asks nodes for a model, one after another, and keeps the first that has its digest.
///
/// # Errors
/// When none has it: what each answered. A home that cannot be written.
pub async fn fetch(client: &Client, home: &Home, digest: &Hash) -> Result<(), Failure> {
    let mut asked = vec![(client.origin().to_owned(), Ok(client.clone()))];
    for origin in Config::load(home)?.district.models_from {
        let other = client.elsewhere(&origin);
        asked.push((origin, other));
    }
    let mut answers = Vec::new();
    for (origin, client) in asked {
        let sent = match client {
            Ok(client) => client.get_at_most(&paths::model(digest), MAX_MODEL_BYTES).await,
            Err(error) => Err(error),
        };
        match sent.map(|bytes| Model::decode(&bytes)) {
            Ok(Ok(model)) if model.digest() == digest.0 => {
                keep(home, &model)?;
                tracing::info!(%digest, from = origin, "a fitted model was fetched");
                return Ok(());
            }
            Ok(Ok(model)) => answers.push(format!("{origin} sent the model {}", Hash(model.digest()))),
            Ok(Err(_)) => answers.push(format!("{origin} sent something else than a model")),
            Err(error) if error.is_not_found() => answers.push(format!("{origin} does not have it")),
            Err(error) => answers.push(with_causes(&error)),
        }
    }
    let message = format!("the fitted model {digest} is on no node that was asked: {}", answers.join("; "));
    let hint = "have its maker run `aula twin publish MODEL.twin` at a node's home, and name that node's address in district.models_from \
                of config.toml";
    Err(Failure::new("no_model", message, hint))
}
