//! The node of the bench: a vault, a pipeline and a listener, as `aula start` has them, and what the bench asks of it.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aula_connect::door::Door;
use aula_connect::given::Feed;
use aula_connect::intake::Intake;
use aula_connect::kafka::Member;
use aula_connect::mqtt::listener;
use aula_connect::mqtt::served::Mqtt;
use aula_connect::pipeline::{Observer, Pipeline, Settings};
use aula_connect::server::router;
use aula_connect::statements::Statements;
use aula_district::live::Changed;
use aula_home::{Advise, Failure, config};
use aula_ingest::event::xapi::Rules;
use aula_ledger::types::Handle;
use aula_lrs::clients::{Client, Clients, Scope};
use aula_lrs::desk::Desk;
use aula_lrs::http::{Service, router as lrs_router};
use aula_lrs::store::{Roster, SealedStore};
use aula_lrs::version::Version;
use aula_twin_runtime::event::Event;
use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::Params;
use aula_vault::{Folders, Vault};
use axum::extract::{Query, State};
use axum::routing::get;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::publish::kafka::split;
use super::{CLIENT, HINT, Source, events, now_us};

/// Arguments of the bench's own node.
#[derive(Debug, Args)]
pub struct HostArgs {
    /// The bench's folder
    #[arg(long)]
    pub folder: PathBuf,
    /// Where events come from
    #[arg(long, value_enum)]
    pub source: Source,
    /// The broker and its topic
    #[arg(long)]
    pub topic: Option<String>,
}

/// What is counted as twins are folded.
#[derive(Debug, Default)]
struct Meter {
    folded: AtomicU64,
    /// Events that were due since this moment are timed, milliseconds since 1970.
    from_ms: AtomicU64,
    latencies_us: Mutex<Vec<u32>>,
}

impl Observer for Meter {
    fn folded(&self, events: &[(Handle, Event)], _: &[Changed]) {
        self.folded.fetch_add(events.len() as u64, Ordering::Relaxed);
        let (from, now_us) = (self.from_ms.load(Ordering::Relaxed), now_us());
        if from > 0 {
            let timed =
                events.iter().map(|(_, event)| event.key.stamp).filter(|stamp| stamp.wall_ms() >= from);
            let late = timed
                .map(|stamp| now_us.saturating_sub(stamp.wall_ms() * 1_000 + u64::from(stamp.counter())));
            let late = late.map(|us| u32::try_from(us).unwrap_or(u32::MAX));
            self.latencies_us.lock().unwrap_or_else(PoisonError::into_inner).extend(late);
        }
    }
}

/// Serves until it is killed; prints its origin, and where events are sent to.
///
/// # Errors
/// A vault or a socket that is not to be had.
pub async fn run(args: &HostArgs) -> Result<(), Failure> {
    let vault =
        Arc::new(Vault::open(&Folders::below(&args.folder)).advise("the vault cannot be opened", HINT)?);
    let feed = Arc::new(Feed {
        home_page: events::HOME_PAGE.into(),
        rules: Rules::with(&events::rules()).advise("the rules are refused", HINT)?,
        ..Feed::plain(events::FEED).advise("the rules are refused", HINT)?
    });
    let meter = Arc::new(Meter::default());
    let door: Arc<dyn Door> = Arc::new(vault.clone());
    let settings = Settings {
        params: Params::reference(Model::unfitted()),
        spool: None,
        room: None,
        feeds: vec![feed.clone()],
        observer: Some(meter.clone()),
    };
    let pipeline = Arc::new(Pipeline::start(door, settings).advise("the pipeline cannot start", HINT)?);
    let clients =
        || Clients::new(vec![Client::new(CLIENT.0, Client::hash(CLIENT.1.as_bytes()), [Scope::All])]);
    let (mut target, routes) = (None, axum::Router::new());
    let routes = match args.source {
        Source::Mqtt => {
            let own = configured("kind = 'mqtt'\nlisten = '127.0.0.1:1'\n")?;
            let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.advise("no socket", HINT)?;
            target = Some(format!("mqtt://{}", socket.local_addr().advise("no socket", HINT)?));
            tokio::spawn(listener::serve(socket, Arc::new(Mqtt::new(&own, feed, pipeline, clients()))));
            routes
        }
        Source::Kafka => {
            let topic = args.topic.clone().unwrap_or_default();
            let (hosts, name) = split(&topic)?;
            let own = configured(&format!(
                "kind = 'kafka'\nbroker = 'kafka://{hosts}'\ngroup = '{name}'\n[topics]\n'{name}' = 'statements'\n"
            ))?;
            tokio::spawn(Member::new(own, feed, pipeline).run());
            target = Some(topic);
            routes
        }
        Source::Xapi => {
            let roster = Roster { home_page: events::HOME_PAGE.into(), unassigned_days: 90 };
            let store =
                SealedStore::new(Box::new(vault), roster).advise("the record store cannot start", HINT)?;
            let desk = Desk::new(Arc::new(store)).advise("the record store cannot start", HINT)?;
            let desk = desk.with_listener(Arc::new(Statements::new(feed, pipeline)));
            let service = Service::new(desk, clients(), events::HOME_PAGE, Version::Two);
            axum::Router::new().nest("/xapi", lrs_router(Arc::new(service)))
        }
        Source::Frames => router(Arc::new(Intake::new(feed, pipeline, clients()))),
    };
    let own = axum::Router::new().route("/stats", get(stats)).with_state(meter);
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.advise("no socket", HINT)?;
    let at = socket.local_addr().advise("no socket", HINT)?;
    let mut out = std::io::stdout().lock();
    let target = target.unwrap_or_else(|| format!("http://{at}"));
    writeln!(out, "http://{at} {target}").and_then(|()| out.flush()).advise("nobody listens", HINT)?;
    drop(out);
    axum::serve(socket, routes.merge(own)).await.advise("the listener ended", HINT)
}

/// The bench's feed as config.toml would have it.
fn configured(text: &str) -> Result<config::Feed, Failure> {
    let text = format!("name = '{}'\nhome_page = '{}'\n{text}", events::FEED, events::HOME_PAGE);
    toml::from_str(&text).advise("the feed cannot be read", HINT)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    from_ms: Option<u64>,
    #[serde(default)]
    latencies: bool,
}

/// What the node says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stats {
    folded: u64,
    latencies_us: Vec<u32>,
}

async fn stats(State(meter): State<Arc<Meter>>, Query(asked): Query<Asked>) -> axum::Json<Stats> {
    if let Some(from_ms) = asked.from_ms {
        meter.from_ms.store(from_ms, Ordering::Relaxed);
    }
    let latencies_us = match asked.latencies {
        true => meter.latencies_us.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        false => Vec::new(),
    };
    axum::Json(Stats { folded: meter.folded.load(Ordering::Relaxed), latencies_us })
}

impl Stats {
    async fn ask(url: &str, query: &str) -> Result<Self, Failure> {
        let client = reqwest::Client::builder().no_proxy().build().advise("no client", HINT)?;
        let answer =
            client.get(format!("{url}/stats{query}")).send().await.advise("the node is gone", HINT)?;
        answer.json().await.advise("the node's answer cannot be read", HINT)
    }

    /// Waits until so many events are folded; gives how many are.
    ///
    /// # Errors
    /// When they are not in time.
    pub async fn wait_for(url: &str, events: u64, patience: Duration) -> Result<u64, Failure> {
        let end = Instant::now() + patience;
        loop {
            let folded = Self::ask(url, "").await?.folded;
            if folded >= events {
                return Ok(folded);
            }
            if Instant::now() > end {
                let message = format!("{folded} of {events} events were folded in time");
                return Err(Failure::because(message, HINT));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until nothing was folded for a while; until anything was, three times as long: a group whose member died without a word
    /// is slow to take another.
    ///
    /// # Errors
    /// When the node is gone.
    pub async fn wait_until_quiet(url: &str, quiet: Duration, patience: Duration) -> Result<(), Failure> {
        let end = Instant::now() + patience;
        let (mut folded, mut since) = (0, Instant::now());
        let enough = |folded: u64| if folded == 0 { quiet * 3 } else { quiet };
        while since.elapsed() < enough(folded) && Instant::now() < end {
            let now = Self::ask(url, "").await?.folded;
            if now != folded {
                (folded, since) = (now, Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Times events that are due from this moment on.
    ///
    /// # Errors
    /// When the node is gone.
    pub async fn measure_from(url: &str, from_ms: u64) -> Result<(), Failure> {
        Self::ask(url, &format!("?from_ms={from_ms}")).await.map(drop)
    }

    /// Every latency, milliseconds.
    ///
    /// # Errors
    /// When the node is gone.
    pub async fn latencies_ms(url: &str) -> Result<Vec<f64>, Failure> {
        let stats = Self::ask(url, "?latencies=true").await?;
        Ok(stats.latencies_us.into_iter().map(|us| f64::from(us) / 1_000.0).collect())
    }
}
