//! `aula feed test`: whether a feed would take what it is sent.

use std::time::Duration;

use aula_connect::clients::read_clients;
use aula_connect::kafka;
use aula_connect::mqtt::subscriber;
use aula_home::config::FeedKind;
use clap::Args;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::configured;
use crate::command::{Context, Failure, Outcome};

/// How long a listener has to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Arguments of `aula feed test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The feed, by its name in config.toml
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
    if let Some(listen) = own.listen.filter(|_| own.kind == FeedKind::Mqtt) {
        checks.push(("listener", speaks_mqtt(listen).await));
    } else if let Some(listen) = own.listen.filter(|_| own.is_served()) {
        let path = if own.kind == FeedKind::Xapi { "xapi/about" } else { "healthz" };
        checks.push(("listener", answers(&format!("http://{listen}/{path}")).await));
    }
    if own.broker.is_some() {
        checks.push(("broker", asked(own).await));
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

/// Whether a listener of MQTT refuses a stranger in the words of the protocol.
async fn speaks_mqtt(listen: std::net::SocketAddr) -> Result<String, String> {
    let down =
        |error: &dyn std::fmt::Display| format!("{listen} does not answer ({error}): is the node running?");
    let asked = async {
        let mut socket = tokio::net::TcpStream::connect(listen).await?;
        // MQTT 3.1.1 without a name and a password.
        socket.write_all(&[0x10, 12, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 0]).await?;
        let mut said = [0; 2];
        socket.read_exact(&mut said).await.map(|_| said)
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok([0x20, 2])) => Ok(format!("{listen} speaks MQTT")),
        Ok(Ok(_)) => Err(format!("{listen} answers, and not in MQTT: another program has the port")),
        Ok(Err(error)) => Err(down(&error)),
        Err(late) => Err(down(&late)),
    }
}

/// What a broker says to the feed's name and secret; nothing is taken in.
async fn asked(own: &aula_home::config::Feed) -> Result<String, String> {
    let probe = match own.kind {
        FeedKind::Kafka => return kafka::probe(own).await,
        _ => subscriber::probe(own),
    };
    tokio::time::timeout(PATIENCE, probe)
        .await
        .unwrap_or_else(|_| Err("the broker does not answer in time".into()))
}
