//! `aula feed dead-letters`: messages that became no event. Reasons and places are told, never what a message says.

use aula_connect::letters;
use clap::Args;
use serde_json::json;

use super::configured;
use crate::command::vault::{Place, refused};
use crate::command::{Context, Failure, Outcome};

/// Arguments of `aula feed dead-letters`.
#[derive(Debug, Args)]
pub struct LettersArgs {
    /// Only letters of the feed of this name
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Only letters of this reason
    #[arg(long, value_name = "REASON", value_parser = ["unknown_student", "unknown_kind", "unknown_target", "refused"])]
    pub reason: Option<String>,
    /// Most letters to list
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub limit: usize,
}

/// Lists.
///
/// # Errors
/// A configuration that is refused, a vault that cannot be read.
pub fn run(context: &Context, place: &Place, args: &LettersArgs) -> Result<Outcome, Failure> {
    let feeds = configured(context, args.name.as_deref())?;
    let (mut told, mut lines, mut count) = (Vec::new(), Vec::new(), 0usize);
    if !feeds.is_empty() {
        let vault = place.open(context)?;
        for (_, feed) in &feeds {
            for (_, letter) in letters::list(&vault, feed.source).map_err(refused)? {
                if args.reason.as_ref().is_some_and(|reason| *reason != letter.reason) {
                    continue;
                }
                count += 1;
                if told.len() < args.limit {
                    let name = letter.name.as_deref().unwrap_or("(no id)");
                    lines.push(format!(
                        "{}  {name}  {}: {} (from {}, number {})",
                        letter.feed, letter.reason, letter.detail, letter.sender, letter.number
                    ));
                    told.push(json!({
                        "feed": letter.feed, "message": letter.name, "reason": letter.reason,
                        "detail": letter.detail, "sender": letter.sender, "number": letter.number,
                        "received_ms": letter.received_ms,
                    }));
                }
            }
        }
    }
    lines.push(format!("{count} dead letters"));
    Ok(Outcome::yes(json!({ "count": count, "dead_letters": told }), lines.join("\n")))
}
