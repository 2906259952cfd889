//! Feeds of a running node: one pipeline, and a listener or a folder for each `[[feed]]`.
//!
//! Flow: the pipeline starts on the node's own vault → each feed is served for as long as the node runs. Files of clients are looked
//! at every few seconds, so that a secret changes without a restart. Absent: what a message means and where it goes, which
//! `aula-connect` knows.

use std::sync::Arc;
use std::time::Duration;

use aula_connect::caliper;
use aula_connect::clients::{self, read_clients};
use aula_connect::door::{Door, lent};
use aula_connect::folder::Folder;
use aula_connect::given::{Feed, Form};
use aula_connect::intake::Intake;
use aula_connect::kafka::Member;
use aula_connect::mqtt::listener;
use aula_connect::mqtt::served::Mqtt;
use aula_connect::mqtt::subscriber::Subscriber;
use aula_connect::pipeline::{Observer, Pipeline, Settings};
use aula_connect::server::router;
use aula_connect::statements::Statements;
use aula_home::Home;
use aula_home::config::{self, Config, FeedKind, Lines};
use aula_ledger::types::Hash;
use aula_lrs::clients::Clients;
use aula_vault::room::Room;
use aula_web::dashboard::Hub;
use tokio::net::TcpListener;

use super::dashboards::Told;
use super::feed_health::{self, Seen};
use super::in_force::{in_force_now, version};
use super::risk::Risk;
use super::xapi::{self, KeptDoor};
use aula_home::clock::now_ms;
use aula_home::{Advise, Failure};
use aula_store::ChainDb;
use aula_web::http::AppState;

/// How often folders are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How often it is looked whether other parameters of the twins are in force.
const PARAMETERS_EVERY: Duration = Duration::from_secs(10);
/// How often what nobody was matched with is looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);
const HINT: &str = "correct [[feed]] in config.toml; docs/feeds.md has examples";

/// Starts the feeds that config.toml names; none of a node that has none, or no vault.
///
/// # Errors
/// A socket that cannot be bound, a file that is refused, a spool that cannot be used.
pub(super) async fn start(
    home: &Home,
    config: &Config,
    (node, db): (&Arc<AppState>, &Arc<ChainDb>),
    (dashboards, risk): (&Arc<Hub>, Option<Arc<Risk>>),
) -> Result<Option<Arc<Pipeline>>, Failure> {
    let Some(door) = KeptDoor::of(node).filter(|_| !config.feed.is_empty()) else { return Ok(None) };
    let mut feeds = Vec::with_capacity(config.feed.len());
    for feed in &config.feed {
        feeds.push(Feed::of(feed).advise("a feed cannot be used", HINT)?);
    }
    // A spool lies on one disk alone: one of a pair refuses what its vault cannot take now.
    let spools = config.feeds.spool_mib > 0 && config.pair.is_none();
    let spool = spools.then(|| (home.feeds_dir(), config.feeds.spool_mib << 20));
    let told = Told::of(dashboards);
    let next: Arc<dyn Observer> = match risk {
        Some(risk) => risk.before(told.clone()),
        None => told.clone(),
    };
    let seen = Seen::before(next);
    let observer: Option<Arc<dyn Observer>> = Some(seen.clone());
    let (digest, params) = in_force_now(home, db)?;
    let room = node.vault.as_ref().map(|vault| Room::new(&vault.data, config.quotas.vault_mib));
    let settings = Settings { params, spool, room, feeds: feeds.clone(), observer };
    let shared: Arc<dyn Door> = Arc::new(door.clone());
    tokio::spawn(sweep(shared.clone()));
    let pipeline = Pipeline::start(shared, settings)
        .advise("feeds cannot start", "check the folder's owner and space")?;
    let pipeline = Arc::new(pipeline);
    tokio::spawn(follow(home.clone(), db.clone(), pipeline.clone(), digest));
    told.follow(&pipeline);
    tokio::spawn(super::quotas::tell(config.quotas.clone(), Arc::downgrade(&pipeline)));
    tokio::spawn(feed_health::tell(home.clone(), feeds.clone(), Arc::downgrade(&pipeline), seen));
    for (own, feed) in config.feed.iter().zip(feeds) {
        match (own.kind, own.broker.is_some()) {
            (FeedKind::Files, _) => watch(own, feed, &pipeline)?,
            (FeedKind::Xapi, _) => {
                let statements = Arc::new(Statements::new(feed, pipeline.clone()));
                if let (Some(listen), Some(clients)) = (own.listen, own.clients.clone()) {
                    xapi::serve(own, (listen, clients), door.clone(), Some(statements)).await?;
                }
            }
            (FeedKind::Frames, _) => {
                let (socket, known) = listening(own).await?;
                let frames = Arc::new(Intake::new(feed, pipeline.clone(), known));
                let taker = frames.clone();
                attend(own, move |clients| taker.set_clients(clients));
                let name = own.name.clone();
                tokio::spawn(async move {
                    if let Err(error) = axum::serve(socket, router(frames)).await {
                        tracing::error!(feed = name, %error, "the feed ended");
                    }
                });
            }
            (FeedKind::Mqtt, false) => {
                let (socket, known) = listening(own).await?;
                let mqtt = Arc::new(Mqtt::new(own, feed, pipeline.clone(), known));
                let taker = mqtt.clone();
                attend(own, move |clients| taker.set_clients(clients));
                tokio::spawn(listener::serve(socket, mqtt));
            }
            (FeedKind::Mqtt, true) => {
                tokio::spawn(Subscriber::new(own.clone(), feed, pipeline.clone()).run());
            }
            (FeedKind::Kafka, _) => {
                tokio::spawn(Member::new(own.clone(), feed, pipeline.clone()).run());
            }
            (FeedKind::Caliper, _) => serve_caliper(own, feed, &pipeline).await?,
        }
    }
    Ok(Some(pipeline))
}

/// The socket of a feed that is served, and its clients.
async fn listening(own: &config::Feed) -> Result<(TcpListener, Clients), Failure> {
    let missing = || Failure::because(format!("the feed {} has no address or no clients", own.name), HINT);
    let (listen, file) = own.listen.zip(own.clients.as_deref()).ok_or_else(missing)?;
    let known = read_clients(file).advise(format!("the feed {} has no clients", own.name), HINT)?;
    let socket = TcpListener::bind(listen).await;
    let socket = socket.advise(format!("the feed {} cannot listen on {listen}", own.name), HINT)?;
    tracing::info!(feed = own.name, kind = own.kind.name(), %listen, "events are taken");
    Ok((socket, known))
}

/// Gives a feed its clients anew whenever their file changes.
fn attend(own: &config::Feed, take: impl Fn(Clients) + Send + Sync + 'static) {
    if let Some(file) = own.clients.clone() {
        tokio::spawn(clients::attend(own.name.clone(), file, read_clients, take));
    }
}

/// Serves a feed of Caliper.
async fn serve_caliper(own: &config::Feed, feed: Arc<Feed>, pipeline: &Arc<Pipeline>) -> Result<(), Failure> {
    let (socket, known) = listening(own).await?;
    let endpoint = Arc::new(Intake::new(feed, pipeline.clone(), known));
    let taker = endpoint.clone();
    attend(own, move |clients| taker.set_clients(clients));
    let name = own.name.clone();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(socket, caliper::router(endpoint)).await {
            tracing::error!(feed = name, %error, "the feed ended");
        }
    });
    Ok(())
}

/// Folds live twins by each version of the parameters that comes into force, for as long as the node runs.
async fn follow(home: Home, db: Arc<ChainDb>, pipeline: Arc<Pipeline>, mut digest: Hash) {
    loop {
        tokio::time::sleep(PARAMETERS_EVERY).await;
        if version(&db).is_ok_and(|voted| voted.digest == digest) {
            continue;
        }
        let (own, of) = (home.clone(), db.clone());
        match tokio::task::spawn_blocking(move || in_force_now(&own, &of)).await {
            Ok(Ok((now, params))) => {
                tracing::info!(parameters = %now, "live twins are folded by other parameters");
                digest = now;
                pipeline.set_params(params);
            }
            Ok(Err(failure)) => {
                tracing::warn!(error = failure.message, next = failure.hint, "live twins stay as they were");
            }
            Err(_) => return,
        }
    }
}

/// Drops what named nobody in time: dead letters, and statements of nobody whom the vault knows.
async fn sweep(door: Arc<dyn Door>) {
    loop {
        let own = door.clone();
        let dropped =
            tokio::task::spawn_blocking(move || lent(&*own, |vault| vault.drop_unassigned(now_ms())));
        match dropped.await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(rows)) => tracing::info!(rows, "records that named nobody in time were dropped"),
            Ok(Err(error)) => {
                tracing::warn!(%error, "records that named nobody are looked through within the hour");
            }
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

/// Looks for files for as long as the node runs.
fn watch(own: &config::Feed, feed: Arc<Feed>, pipeline: &Arc<Pipeline>) -> Result<(), Failure> {
    let Some(path) = own.folder.clone() else { return Ok(()) };
    std::fs::create_dir_all(&path).advise(format!("cannot make {}", path.display()), HINT)?;
    let form = if own.lines == Lines::Statements { Form::Statement } else { Form::Line };
    let (folder, name) = (Arc::new(Folder::new(feed, pipeline.clone(), &path, form)), own.name.clone());
    tokio::spawn(async move {
        loop {
            let own = folder.clone();
            match tokio::task::spawn_blocking(move || own.sweep()).await {
                Ok(Ok(files)) => {
                    for (file, summary) in files {
                        tracing::info!(feed = name, file, ?summary, "a file was taken");
                    }
                }
                Ok(Err(error)) => tracing::warn!(feed = name, %error, "files are read later"),
                Err(_) => return,
            }
            tokio::time::sleep(EVERY).await;
        }
    });
    Ok(())
}
