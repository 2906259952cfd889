//! `aula district alerts`: what the service told people about, and that somebody knows.

use aula_district::alert_book::{Alert, Book};
use aula_read::utc;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::command::{Context, Failure, Outcome, now_ms};

/// Arguments of `aula district alerts`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district alerts list                 what stands\n  aula district alerts list --all           what ended or is known, of the last 90 days\n  aula district \
                  alerts ack ID ID\n  aula district alerts ack --all\n\nRaised by `aula district run`; [alerts] in config.toml says of what, to whom and when it is quiet \
                  (docs/service.md). An id may be cut, as long as it names one. Exit 0: done; 1: list: something stands; ack: nothing did; 2: could not."
)]
pub struct AlertsArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What is done with alerts.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List those that stand
    List {
        /// Those too that ended or that somebody knows of, of the last 90 days
        #[arg(long)]
        all: bool,
    },
    /// Say that somebody knows: they are told to nobody else
    Ack {
        /// The alerts, by their ids from `list`
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// Everything that stands
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

/// Lists or acknowledges, in the home's own book: no node is asked.
///
/// # Errors
/// A book that cannot be read or written, an id that names none or several.
pub fn run(context: &Context, args: &AlertsArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::List { all } => list(context, *all),
        Action::Ack { ids, all } => acknowledge(context, ids, *all),
    }
}

fn list(context: &Context, all: bool) -> Result<Outcome, Failure> {
    let book = Book::load(&context.home)?;
    let shown: Vec<&Alert> = book.alerts.iter().filter(|alert| all || alert.stands()).collect();
    let standing = book.alerts.iter().filter(|alert| alert.stands()).count();
    let rows: Vec<Value> = shown
        .iter()
        .map(|alert| {
            let failing = book.notes.iter().filter(|note| note.alerts.contains(&alert.id));
            let failing: Vec<_> = failing
                .filter_map(|note| Some(json!({ "to": note.to, "error": note.error.as_ref()? })))
                .collect();
            json!({
                "id": alert.id, "kind": alert.kind, "about": alert.about, "since_ms": alert.since_ms, "ended_ms": alert.ended_ms,
                "acknowledged_ms": alert.acknowledged_ms, "told_ms": alert.told_ms, "failing": failing,
            })
        })
        .collect();
    let line = |alert: &&Alert| {
        let state = match (alert.ended_ms, alert.acknowledged_ms) {
            (Some(ended), _) => format!("ended {}", utc(ended)),
            (None, Some(known)) => format!("known since {}", utc(known)),
            (None, None) => format!(
                "told to {}",
                if alert.told_ms.is_empty() { "nobody yet".into() } else { names(alert) }
            ),
        };
        format!("{}  {}  {:<16}  {}; {state}", &alert.id, utc(alert.since_ms), alert.kind.name(), alert.about)
    };
    let text = match shown.is_empty() {
        true => "nothing stands".to_owned(),
        false => shown.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    let json = json!({ "standing": standing, "alerts": rows });
    Ok(if standing == 0 { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

fn names(alert: &Alert) -> String {
    alert.told_ms.keys().cloned().collect::<Vec<_>>().join(", ")
}

fn acknowledge(context: &Context, ids: &[String], all: bool) -> Result<Outcome, Failure> {
    let book = Book::load(&context.home)?;
    for id in ids {
        let named = book.alerts.iter().filter(|alert| alert.id.starts_with(id.as_str())).count();
        if named != 1 || id.is_empty() {
            let message = format!("{named} alerts begin with {id:?}");
            return Err(Failure::new("unknown_alert", message, "see `aula district alerts list --all`"));
        }
    }
    let is_meant = |alert: &Alert| all || ids.iter().any(|id| alert.id.starts_with(id.as_str()));
    let known = Book::change(&context.home, |book| book.acknowledge(is_meant, now_ms()))?;
    let (json, text) = (json!({ "acknowledged": known }), format!("{known} alerts are known"));
    Ok(if known > 0 { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}
