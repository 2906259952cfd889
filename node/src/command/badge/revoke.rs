//! `aula badge revoke`: takes a badge back for good, or for now, and writes the status lists anew.

use std::path::Path;

use aula_report::credentials::baked;
use aula_report::credentials::json;
use aula_report::credentials::jwt::Token;
use clap::Args;
use serde_json::Value;

use super::register::{Register, Standing};
use super::verify::moment;
use crate::command::{Advise, Context, Failure, Outcome};

/// Arguments of `aula badge revoke`.
#[derive(Debug, Args)]
#[command(
    after_help = "Publish badges/revocation.json and suspension.json again: whoever has the older ones believes them."
)]
pub struct RevokeArgs {
    /// The badge: its file, or the `id` in it
    pub badge: String,
    /// Suspend it, until --lift; without this flag it is revoked, for good
    #[arg(long, conflicts_with = "lift")]
    pub suspend: bool,
    /// Lift a suspension: the badge holds again
    #[arg(long)]
    pub lift: bool,
}

/// Changes how a badge stands.
///
/// # Errors
/// When this home did not issue it, or it is revoked already and something else is asked for.
pub fn run(context: &Context, args: &RevokeArgs) -> Result<Outcome, Failure> {
    let id =
        if Path::new(&args.badge).is_file() { id_in(Path::new(&args.badge))? } else { args.badge.clone() };
    let mut register = Register::open(context, None)?;
    let wanted = match (args.suspend, args.lift) {
        (true, _) => Standing::Suspended,
        (_, true) => Standing::Good,
        _ => Standing::Revoked,
    };
    let Some(issued) = register.issued(&id) else {
        let message = format!("this home did not issue {id}");
        return Err(Failure::new("not_found", message, "give the home that issued it with --home"));
    };
    if issued.standing == Standing::Revoked && wanted != Standing::Revoked {
        let message = format!("{id} was revoked, and that is for good");
        return Err(Failure::new("revoked", message, "issue another badge for the milestone"));
    }
    let changed = issued.standing != wanted;
    issued.standing = wanted;
    let index = issued.index;
    let published = register.publish(moment(None)?)?;
    let word = serde_json::json!(wanted).as_str().unwrap_or_default().to_owned();
    let again = if changed { "" } else { ", as it was" };
    let text = format!(
        "{id}: {word}{again}\npublish: {}",
        published.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    );
    let json = serde_json::json!({"id": id, "index": index, "status": word, "changed": changed, "publish": published});
    Ok(Outcome::yes(json, text))
}

/// The id of a badge's file.
fn id_in(path: &Path) -> Result<String, Failure> {
    let hint = "give the badge's file or its id";
    let unreadable = || format!("{} is not a badge", path.display());
    let bytes = super::read(path)?;
    let inside = baked::take_out(&bytes).advise(unreadable(), hint)?.unwrap_or(bytes);
    let value = match Token::parse(&inside) {
        Ok(token) => token.credential().advise(unreadable(), hint)?,
        Err(_) => json::parse(&inside).advise(unreadable(), hint)?,
    };
    let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| Failure::new("unreadable", unreadable(), hint))
}
