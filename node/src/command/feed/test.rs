//! `aula feed test`: whether a feed would take what it is sent.

use std::time::Duration;

use aula_connect::clients::read_clients;
use aula_home::config::FeedKind;
use clap::Args;
use serde_json::{Value, json};

use super::configured;
use crate::command::{Context, Failure, Outcome};

/// How long a listener has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Arguments of `aula feed test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The feed
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// Tries. Exit 0: it would; 1: it would not, with what is wrong.
///
/// # Errors
/// A configuration that is refused, no such feed.
pub async fn run(context: &Context, args: &TestArgs) -> Result<Outcome, Failure> {
    let feeds = configured(context, Some(&args.name))?;
    let Some((own, _)) = feeds.first() else {
        return Err(Failure::new("no_feed", "no such feed", super::HINT));
    };
    // Its rules were read: configured() would have refused them.
    let mut checks = vec![("rules", Ok("read".to_owned()))];
    if let Some(path) = &own.clients {
        let read = read_clients(path).map(|_| "read".to_owned());
        checks.push(("clients", read.map_err(|error| crate::terminal::with_causes(&error))));
    }
    if let Some(path) = own.folder.as_ref().filter(|_| own.kind == FeedKind::Files) {
        let probe = path.join(format!(".aula-feed-test-{}.part", std::process::id()));
        let tried = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
        let why = |error| format!("files cannot be moved in {}: {error}", path.display());
        checks.push(("folder", tried.map(|()| path.display().to_string()).map_err(why)));
    }
    if let Some(listen) = own.listen.filter(|_| own.kind != FeedKind::Files) {
        let path = if own.kind == FeedKind::Xapi { "xapi/about" } else { "healthz" };
        checks.push(("listener", answers(&format!("http://{listen}/{path}")).await));
    }
    let good = checks.iter().all(|(_, found)| found.is_ok());
    let line = |(what, found): &(&str, Result<String, String>)| match found {
        Ok(detail) => format!("ok    {what}: {detail}"),
        Err(why) => format!("fail  {what}: {why}"),
    };
    let text: Vec<String> = checks.iter().map(line).collect();
    let told: Vec<Value> = checks
        .iter()
        .map(|(what, found)| {
            let detail = found.as_ref().map_or_else(String::clone, String::clone);
            json!({ "name": what, "ok": found.is_ok(), "detail": detail })
        })
        .collect();
    let json = json!({ "feed": own.name, "kind": own.kind.name(), "ok": good, "checks": told });
    let text = text.join("\n");
    Ok(if good { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}

async fn answers(url: &str) -> Result<String, String> {
    let down = |error: reqwest::Error| format!("{url} does not answer ({error}): is the node running?");
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(down)?;
    let response = client.get(url).send().await.map_err(down)?;
    match response.status().is_success() {
        true => Ok(format!("{url} answers")),
        false => Err(format!("{url} answers {}: another program has the port", response.status())),
    }
}
