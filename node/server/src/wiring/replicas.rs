//! Replicas of a running node: where a district's schools level with it, and a school's own levelling.
//!
//! Flow: a district's listener serves the replicas of its file → a school's node levels every few seconds, makes its vault the first
//! time, and writes how that went to HOME/feeds/replica.json, where `aula feed status` reads it. Without a network a school's
//! node takes in, folds and shows all the same. Absent: TLS, which a proxy ends.

use std::sync::Arc;
use std::time::Duration;

use aula_connect::clients::attend;
use aula_connect::given::Feed;
use aula_connect::pipeline::Pipeline;
use aula_connect::replica::asking::{Replica, make};
use aula_connect::replica::clients;
use aula_connect::replica::district::District;
use aula_connect::replica::entering::Entering;
use aula_connect::replica::served::{Served, router};
pub use aula_connect::replica::standing::{By, Standing};
use aula_home::Home;
use aula_home::config::{self, Config, FeedKind};
use aula_ledger::types::Hash;
use aula_vault::Folders;
use aula_vault::vault::is_there;
use tokio::net::TcpListener;

use super::in_force::in_force_now;
use super::xapi::KeptDoor;
use aula_home::clock::now_ms;
use aula_home::{Advise, Failure};
use aula_store::ChainDb;
use aula_web::http::AppState;

/// How often it is looked which levellings are over.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// How long a school waits after failures, at most.
const MOST: Duration = Duration::from_secs(300);
const HINT: &str = "correct [replica] or [replicas] in config.toml; docs/replicas.md has an example";

/// Serves replicas, and levels with a district, where config.toml asks for it.
///
/// # Errors
/// A file that is refused, a socket that cannot be bound.
pub(super) async fn start(
    home: &Home,
    config: &Config,
    (node, db): (&Arc<AppState>, &Arc<ChainDb>),
    (pipeline, genesis): (Option<&Arc<Pipeline>>, Hash),
) -> Result<(), Failure> {
    let Some(door) = KeptDoor::of(node) else { return Ok(()) };
    let entering = || Entering::new(Arc::new(door.clone()), pipeline.cloned());
    if let Some(own) = config.replicas.clone() {
        let known = clients::read(&own.clients).advise("the replicas are refused", HINT)?;
        let (home, db) = (home.clone(), db.clone());
        let parameters = Arc::new(move || match in_force_now(&home, &db) {
            Ok((digest, params)) => Ok((digest.0, params)),
            Err(failure) => Err(failure.message),
        });
        let store = config.feed.iter().find(|feed| feed.kind == FeedKind::Xapi);
        let served = Served::new(entering(), known, parameters, now_ms);
        let served = Arc::new(served.of_home_page(store.map(|feed| feed.home_page.clone())));
        let socket = TcpListener::bind(own.listen).await;
        let socket = socket.advise(format!("replicas cannot be listened for on {}", own.listen), HINT)?;
        tracing::info!(listen = %own.listen, "replicas level below /replica/v1");
        let taker = served.clone();
        let take = move |known| taker.set_clients(known);
        tokio::spawn(attend("the replicas".into(), own.clients, clients::read, take));
        tokio::spawn(forget(served.clone()));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(socket, router(served)).await {
                tracing::error!(%error, "replicas level no longer");
            }
        });
    }
    if let Some(own) = config.replica.clone() {
        let district = District::of(&own.of, &own.secret).advise("the district cannot be spoken to", HINT)?;
        let feeds = config.feed.iter().map(Feed::of).collect::<Result<Vec<_>, _>>();
        let feeds = feeds
            .advise("a feed cannot be used", "correct [[feed]] in config.toml; docs/feeds.md has examples")?;
        let replica = Replica::new(entering(), feeds);
        tokio::spawn(keep_level(home.clone(), config.clone(), own, (replica, district), genesis));
    }
    Ok(())
}

/// Levels again and again; after failures less often.
async fn keep_level(
    home: Home,
    config: Config,
    own: config::Replica,
    (mut replica, district): (Replica, District),
    genesis: Hash,
) {
    let folders = Folders { data: config.vault.data_dir(&home), keystore: config.vault.keystore_dir(&home) };
    let every = Duration::from_secs(own.every_s);
    let mut pause = every;
    loop {
        let told = |noted: std::io::Result<Standing>| {
            if let Err(error) = noted {
                tracing::warn!(%error, "how the replica stands is not told");
            }
        };
        told(Standing::began(&home, By::Node, now_ms()));
        let did = async {
            if !is_there(&folders.data) {
                make(&district, &folders, (genesis.0, now_ms())).await?;
                tracing::info!("this replica's vault was made");
            }
            replica.level(&district, (genesis.0, now_ms()), None).await
        };
        let did = did.await;
        match &did {
            Ok(did) => {
                pause = every;
                let moved = did.sent + did.received + did.removed + did.enrolled + did.erased + did.refused;
                let records = did.records_sent + did.records_received + did.records_refused;
                if moved + records > 0 || !did.level {
                    tracing::info!(?did, "levelled with the district");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the district is levelled with later");
                pause = pause.saturating_mul(2).min(MOST.max(every));
            }
        }
        told(Standing::ended(&home, By::Node, now_ms(), did.as_ref()));
        tokio::time::sleep(pause).await;
    }
}

/// Lets go of what nobody levels with any more, for as long as the node runs.
async fn forget(served: Arc<Served>) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        served.forget();
    }
}
