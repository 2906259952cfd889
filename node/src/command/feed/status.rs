//! `aula feed status`: what each feed brought, and what waits.

use aula_connect::letters;
use aula_connect::note::Note;
use aula_server::wiring::replicas::{By, Standing};
use clap::Args;
use serde_json::json;

use super::configured;
use crate::command::vault::{Place, refused};
use crate::command::{Context, Failure, Outcome, absolute};

/// Arguments of `aula feed status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only the feed of this name
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// Reads the sources' notes and the spools.
///
/// # Errors
/// A configuration that is refused, a vault that cannot be read.
pub fn run(context: &Context, place: &Place, args: &StatusArgs) -> Result<Outcome, Failure> {
    let feeds = configured(context, args.name.as_deref())?;
    let size =
        |name: &str| std::fs::metadata(context.home.feeds_dir().join(name)).map_or(0, |found| found.len());
    let spool = [size("hot.spool"), size("cold.spool")];
    let (mut told, mut lines) = (Vec::with_capacity(feeds.len()), Vec::new());
    if !feeds.is_empty() {
        let vault = place.open(context)?;
        for (own, feed) in &feeds {
            let note = Note::of(&vault, feed.source.0, &feed.name).map_err(refused)?;
            let waiting = letters::list(&vault, feed.source).map_err(refused)?.len();
            lines.push(format!(
                "{} ({}): {} events, {} came again, {waiting} dead letters",
                feed.name,
                own.kind.name(),
                note.total(),
                note.known
            ));
            for (kind, count) in &note.events {
                lines.push(format!("  {kind:20} {count}"));
            }
            let folder = own.folder.as_deref().map(absolute).transpose()?;
            told.push(json!({
                "name": feed.name, "kind": own.kind.name(), "listen": own.listen, "folder": folder,
                "events": note.total(), "kinds": note.events, "known": note.known, "deferred": note.deferred,
                "dead_letters": waiting, "last_received_ms": note.last_received_ms,
                "newest_event_ms": note.newest_event_ms,
            }));
        }
    } else {
        lines.push("config.toml has no [[feed]]; docs/feeds.md has examples".into());
    }
    if spool != [0, 0] {
        lines.push(format!(
            "spool: {} bytes wait for the vault, {} until nothing else does",
            spool[0], spool[1]
        ));
    }
    let replica = Standing::of(&context.home);
    if let Some(standing) = &replica {
        lines.extend(of_replica(standing));
    }
    let json = json!({
        "feeds": told, "spool": { "hot_bytes": spool[0], "cold_bytes": spool[1] }, "replica": replica,
    });
    Ok(Outcome::yes(json, lines.join("\n")))
}

/// How a school's replica stands to its district.
fn of_replica(standing: &Standing) -> Vec<String> {
    let apart = match (&standing.error, standing.last.level) {
        (Some(error), _) => format!("apart, {} cut: {error}", standing.cut),
        (None, true) => "level".to_owned(),
        (None, false) => match (standing.last.refused, standing.last.records_refused) {
            (0, 0) => "not level: the next levelling goes on".to_owned(),
            (events, 0) => format!("not level: the district refuses {events} events"),
            (0, records) => {
                format!(
                    "not level: the district refuses {records} statements and documents, or has them otherwise"
                )
            }
            (events, records) => format!(
                "not level: the district refuses {events} events, and {records} statements and documents, or has these otherwise"
            ),
        },
    };
    let since = match standing.level_ms {
        0 => "never level yet".to_owned(),
        at_ms => format!("level last at {}, with {} events", aula_read::utc(at_ms), standing.last.events),
    };
    let mut lines = vec![format!("replica: {apart}; {since}")];
    if standing.last.left_out > 0 {
        lines.push(format!(
            "  {} students whom the new year's roster leaves out stay until it has as many",
            standing.last.left_out
        ));
    }
    for (by, at_ms) in &standing.began_ms {
        let who = match by {
            By::Node => "the node's levelling",
            By::Command => "a levelling by command",
        };
        let at = aula_read::utc(*at_ms);
        lines.push(format!("  {who} began at {at} and has not ended: it runs, or was killed"));
    }
    lines
}
