//! `aula twin publish`: a fitted model where this home's node serves it from.

use std::path::PathBuf;

use aula_server::models;
use aula_twin_model::model_file;
use clap::Args;
use serde_json::json;

use super::super::{Advise, Context, Failure, Outcome};

/// Arguments of `aula twin publish`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula twin publish model.twin\n\nThe model goes to HOME/models under its digest. This home's node serves it at \
                  /v1/models/DIGEST once a version of the twins' parameters names that digest; other members' commands fetch it and check it. The \
                  names of items and skills stay here: nothing that folds twins needs them."
)]
pub struct PublishArgs {
    /// The file that `aula twin fit` wrote
    #[arg(value_name = "MODEL.twin")]
    pub model: PathBuf,
}

/// Runs `aula twin publish`.
///
/// # Errors
/// When the file is not a model's, or the home cannot be written.
pub fn run(context: &Context, args: &PublishArgs) -> Result<Outcome, Failure> {
    let (model, _) = model_file::read(&args.model).advise(
        format!("{} is not a model file", args.model.display()),
        "give what `aula twin fit --model` wrote",
    )?;
    let digest = models::keep(&context.home, &model)?;
    let path = context.home.model_file(&digest);
    let text = format!(
        "{}\nmodel digest {digest}\nnext: have it voted in with `aula consortium propose --twin-parameters FILE`, the file being \
         {{\"model\":\"{digest}\"}}",
        path.display()
    );
    Ok(Outcome::yes(json!({ "model": path, "digest": digest }), text))
}
