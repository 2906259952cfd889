//! `aula feed replay`: dead letters whose cause is gone become events.

use aula_connect::taking::Taking;
use clap::Args;
use serde_json::json;

use super::configured;
use crate::command::brought::brought;
use crate::command::vault::{Place, refused};
use crate::command::{Context, Failure, Outcome};

/// Arguments of `aula feed replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Only letters of the feed of this name
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// Replays. Exit 0: none is left; 1: some stay.
///
/// # Errors
/// A configuration that is refused, a vault that cannot be written: what was entered stays, and the call can be repeated.
pub fn run(context: &Context, place: &Place, args: &ReplayArgs) -> Result<Outcome, Failure> {
    let feeds = configured(context, args.name.as_deref())?;
    let (mut told, mut lines, mut entered, mut left) = (Vec::new(), Vec::new(), 0, 0);
    if !feeds.is_empty() {
        let vault = place.open(context)?;
        let mut taking = Taking::new(&vault).map_err(refused)?;
        for (_, feed) in &feeds {
            let (replayed, events) = taking.replay(&vault, feed).map_err(refused)?;
            brought(context, &events.iter().map(|(handle, _)| *handle).collect());
            entered += replayed.entered;
            left += replayed.left;
            lines.push(format!("{}: {} entered, {} stay", feed.name, replayed.entered, replayed.left));
            told.push(json!({ "name": feed.name, "entered": replayed.entered, "left": replayed.left }));
        }
    }
    if left > 0 {
        lines.push("`aula feed dead-letters` says why".into());
    }
    let json = json!({ "entered": entered, "left": left, "feeds": told });
    let text = lines.join("\n");
    Ok(if left == 0 { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}
