//! The table of contents of the running process: what is started, from what, in which order, and how it ends.
//!
//! Start: genesis → database (made from the genesis when there is none) → the API's socket → keys → consensus →
//! API. The socket is bound before consensus starts, so that a wrong address costs nothing. End: at a signal
//! the API finishes what is open, consensus stops, the database closes; everything decided is on disk already,
//! because each height is one synced batch. When consensus fails by itself the process ends with its words. Before all of it, a validator
//! of a pair has its keys known to be its own ([`claim`]): it may wait long for that, and holds neither database nor socket meanwhile.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use aula_api::delays::{self, Builder, Delays};
use aula_connect::pipeline::Pipeline;
use aula_consensus::executor::LedgerExecutor;
use aula_consensus::mempool::{PassedOver, Submitted};
use aula_consensus::ports::{AdmittedPeer, Executor, SystemClock};
use aula_consensus::{Config as EngineConfig, FatalError, Keys, Mode, Ports, RunningConsensus, Timeouts};
use aula_home::config::{Config, Role, Storage};
use aula_home::keys::{KeyKind, NodeKey};
use aula_home::outside::{self, Outside};
use aula_home::{Advise, Failure, Home, OUTDATED, with_causes};
use aula_ledger::chain::validators;
use aula_ledger::genesis::Parsed;
use aula_ledger::keys::public_key;
use aula_ledger::protocol::Outdated;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::{Height, ValidatorAddress};
use aula_store::ChainDb;
use aula_vault::Folders;
use aula_vault::room::Room;
use aula_web::api::chain::Standing;
use aula_web::api::ops;
use aula_web::dashboard::Hub;
use aula_web::hours::Shelf;
use aula_web::http::server::Server;
use aula_web::http::{AppState, Keeper, Network, Refused, SeedDuty, connections};
use axum::Router;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::bootstrap::{db_options, open_database, read_genesis};
use crate::upkeep::newcomer::proof::{self, Proof};
use crate::upkeep::newcomer::{self, Newcomer};
use crate::upkeep::serving::Serving;
use crate::{trusted, upkeep};

mod consortia;
pub mod dashboards;
mod disk;
mod erasures;
mod estate;
mod evidence;
mod feed_health;
mod feeds;
mod figures;
mod hours;
mod identity;
mod in_force;
mod lti;
mod pair;
mod quotas;
mod ready;
pub mod replicas;
mod reports;
mod risk;
mod rosters;
mod rotation;
mod seeds;
mod standing;
mod watch;
pub mod xapi;

pub use pair::{Claimed, claim};

/// How much the threads that answer readers stand back.
const READERS_NICE: i32 = 5;

/// What `aula start` may say beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct StartOptions {
    /// A height that the operator confirms to lie above everything the validator key may have signed.
    pub confirmed_height: Option<u64>,
}

/// A node that is up.
pub struct Running {
    /// The origin of its API.
    pub origin: String,
    /// Everything final.
    pub db: Arc<ChainDb>,
    /// The genesis as parsed.
    pub genesis: Parsed,
    consensus: Arc<RunningConsensus>,
    server: Server,
    node: Arc<AppState>,
    dashboards: Arc<Hub>,
    feeds: Option<Arc<Pipeline>>,
    anew: oneshot::Receiver<()>,
    pair: Option<pair::Paired>,
    /// End when this node must: its disk takes no bytes, or a newcomer's chain is not the one it is to follow.
    ends: (JoinHandle<Failure>, JoinHandle<Option<Failure>>),
}

/// Makes all that a node serves, with its pages: the program's, which stands above this crate.
pub type Site = fn(Arc<AppState>, Arc<Hub>) -> Router;

/// How a node's run ended, when nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// It was told to stop.
    Stopped,
    /// It stands to begin anew: with the database of a snapshot, which the next start puts in place, or because the other one of its
    /// pair acts.
    Anew,
}

/// Starts everything, with the leave to sign that [`claim`] gave; nothing serves requests until [`Running::serve`].
///
/// # Errors
/// A sentence for whatever cannot start.
pub async fn start(
    home: &Home,
    config: &Config,
    options: &StartOptions,
    _: Claimed,
) -> Result<Running, Failure> {
    let (genesis_bytes, genesis) = read_genesis(home)?;
    newcomer::swap::take_in(home)
        .advise("the snapshot's database cannot be put in place", "check the home's owner and its disk")?;
    let db = Arc::new(open_database(home, db_options(config), &genesis_bytes, &genesis)?);
    let executor = Arc::new(LedgerExecutor::NEWEST);
    check_protocol(&db, &*executor)?;
    let proof = proof::begin(&db, trusted::of_config(config))?;
    let mut limits = config.api.clone();
    limits.max_connections = connections::most(limits.max_connections, connections::open_files());
    let server = Server::bind(&limits)
        .advise("the API cannot be served", "correct [api] in config.toml or the --listen flag")?;
    let metrics = ops::install_metrics().advise("metrics cannot start", "start one node a process")?;
    let mut engine = engine_config(home, config, options)?;
    engine.unproven = proof.as_ref().is_some_and(Proof::is_unproven);
    let ports = Ports { store: db.clone(), executor, clock: Arc::new(SystemClock) };
    // Before the keys are read: a command that finds nobody on the socket may take a lost key for one that nobody has.
    upkeep::control::serve(&db, home, config)?;
    let keys = engine_keys(home, config)?;
    let speaker = keys.validator.clone().map(|key| ready::Speaker::new(home.clone(), genesis.sha256, key));
    let shares = shares(home, config, &genesis)?;
    let votes_as = keys.validator.as_ref().map(|key| validators::address(&public_key(key)));
    let hint = "check [p2p] in config.toml: is the port free, is the address this machine's?";
    let consensus = aula_consensus::start(engine, ports, keys, genesis.sha256)
        .await
        .advise("consensus cannot start", hint)?;
    let consensus = Arc::new(consensus);
    upkeep::interval::start(&db, home, config)?;
    consensus.serve_snapshots(Arc::new(Serving::new(home.clone(), Arc::downgrade(&db))));
    let anew = begin_with_a_snapshot(home, config, &consensus, &db, (&genesis_bytes, &genesis))?;
    let (unproven, doubt) = proof::watch(proof, &consensus);
    tokio::spawn(watch::count(consensus.subscribe()));
    if let Some(speaker) = speaker {
        tokio::spawn(speaker.attend(consensus.clone(), db.clone()));
    }
    let vault = Folders { data: config.vault.data_dir(home), keystore: config.vault.keystore_dir(home) };
    tokio::spawn(rotation::watch(vault.clone(), config.vault.rotation));
    let told = shares.as_ref().map(seeds::Shares::told);
    let standing = standing::Told::default();
    let votes = consensus.clone();
    let watch = standing::Watch {
        disk: disk::Disk::of(home.consensus_dir()),
        db: db.clone(),
        silent: Box::new(move || votes.silent()),
        told: standing.clone(),
        pace: standing::Pace::of(Duration::from_millis(config.consensus.idle_block_ms)),
    };
    let ends = (tokio::spawn(watch.attend()), doubt);
    let network = Arc::new(Consensus { running: consensus.clone(), votes_as, told, standing, unproven });
    if let Some(shares) = shares {
        let evidence = evidence::Evidence::default();
        tokio::spawn(evidence.clone().listen(consensus.subscribe()));
        let shares = shares.reporting(evidence, votes_as);
        tokio::spawn(shares.attend(db.clone(), network.clone()));
    }
    tokio::spawn(watch::upkeep(metrics.clone()));
    tokio::spawn(figures::watch(home.path().to_owned(), db.clone()));
    if !crate::reports::schedule::check(config)?.is_empty() {
        tokio::spawn(reports::watch(home.clone(), config.clone(), db.clone()));
    }
    let mut node = AppState::new(config, db.clone(), network, genesis.clone(), genesis_bytes, metrics);
    node.links.insert(0, home.links_dir());
    tokio::spawn(quotas::watch(config.quotas.clone(), Room::new(&vault.data, config.quotas.vault_mib)));
    node.vault = Some(vault);
    node.models = Some(home.models_dir());
    node.hours = Some(Shelf::at(&home.hours_dir()));
    let node = Arc::new(node);
    tokio::spawn(node.clone().attend());
    let pair = pair::start(home, config, &node)?;
    let dashboards = dashboards::hub(home, &db);
    let risk = risk::start(home, config, (&node, &db));
    let feeds = feeds::start(home, config, (&node, &db), (&dashboards, risk)).await?;
    lti::start(home, config, (&node, &db), &dashboards).await?;
    identity::start(home, config, &node).await?;
    rosters::start(config, (&node, &db)).await?;
    replicas::start(home, config, (&node, &db), (feeds.as_ref(), genesis.sha256)).await?;
    hours::start(home, config, &node)?;
    estate::start(config, &node);
    consortia::start(home, &node);
    let origin = server.origin();
    Ok(Running { origin, db, genesis, consensus, server, node, dashboards, feeds, anew, pair, ends })
}

impl Running {
    /// Where the node is, in a few words: nothing once its disk is lost, and no answer when consensus or the store holds its locks
    /// for ever. It reads memory alone, so that it tells nothing of a disk that it was not told of.
    pub fn pulse(&self) -> impl Fn() -> Option<String> + Send + 'static {
        let (network, db) = (self.node.network.clone(), self.db.clone());
        move || {
            let lives = !standing::is_lost(network.standing().as_ref());
            lives.then(|| format!("at height {}, {} peers", db.latest().tip().height, network.peers()))
        }
    }

    /// Serves a site until `stop` is done or something fails, then ends everything in order.
    ///
    /// # Errors
    /// Why the node could not go on by itself.
    pub async fn serve(
        self,
        site: Site,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Served, Failure> {
        let (keeper, over) = match self.pair {
            Some(pair) => (Some(pair.keeper), Some(pair.over)),
            None => (None, None),
        };
        let over = async move {
            match over {
                Some(over) => over.await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let (stop_api, api_stopped) = tokio::sync::oneshot::channel::<()>();
        let readers =
            readers().advise("the API's threads cannot start", "see how many this system allows")?;
        let api = readers.spawn(self.server.serve(site(self.node, self.dashboards), async move {
            // An error means that the sender is gone, which ends the API as well.
            let _ = api_stopped.await;
        }));
        let ended = tokio::select! {
            () = stop => Ok(Served::Stopped),
            Ok(()) = self.anew => Ok(Served::Anew),
            true = over => Ok(Served::Anew),
            Ok(failure) = self.ends.0 => Err(failure),
            Ok(Some(failure)) = self.ends.1 => Err(failure),
            fatal = self.consensus.wait() => fatal.map(|()| Served::Stopped).map_err(stopped),
        };
        tracing::info!("stopping");
        // The receiver is gone only when the API has ended already.
        let _ = stop_api.send(());
        let served = api.await.advise("the API failed", "report it together with the log");
        readers.shutdown_background();
        let served = served?;
        let consensus = self.consensus.stop().await.map_err(stopped);
        if let Some(feeds) = self.feeds {
            // What waits is finished; nobody was told of it yet.
            tokio::task::block_in_place(|| feeds.stop());
        }
        if let Some(keeper) = keeper {
            // Nothing is written any more: the other one need not wait.
            tokio::task::block_in_place(|| keeper.stop());
        }
        tracing::info!(height = self.db.latest().tip().height.0, "stopped; everything final is on disk");
        let ended = ended?;
        consensus?;
        served.advise("the API failed", "look at [api] in config.toml")?;
        Ok(ended)
    }
}

/// Refuses a chain that has come to rules which this program does not have.
fn check_protocol(db: &ChainDb, executor: &dyn Executor) -> Result<(), Failure> {
    let view = db.latest();
    let found = executor.outdated(&*view, view.tip().height);
    let found =
        found.advise("the protocol in force cannot be read", "run `aula doctor` and `aula replay`")?;
    found.map_or(Ok(()), |outdated| Err(too_old(&outdated)))
}

fn too_old(outdated: &Outdated) -> Failure {
    Failure::new(OUTDATED, outdated, outdated.next_step())
}

/// Why consensus stopped by itself.
fn stopped(fatal: FatalError) -> Failure {
    match &fatal {
        FatalError::Outdated(outdated) => too_old(outdated),
        _ => Failure::because(
            format!("consensus stopped: {}", with_causes(&fatal)),
            "see the log above; start again once the cause is gone",
        ),
    }
}

/// Has a node that may begin with a snapshot look for one; what comes says that its database stands ready.
fn begin_with_a_snapshot(
    home: &Home,
    config: &Config,
    consensus: &Arc<RunningConsensus>,
    db: &Arc<ChainDb>,
    genesis: (&[u8], &Parsed),
) -> Result<oneshot::Receiver<()>, Failure> {
    let (ready, anew) = oneshot::channel();
    if !newcomer::takes_part(db, config) {
        return Ok(anew);
    }
    let trusted = trusted::of_config(config)?;
    let interval = match config.storage.snapshot_every {
        // Of the others nothing is known then: what most do.
        0 => Storage::default().snapshot_every,
        every => every,
    };
    let newcomer = Newcomer {
        home: home.clone(),
        genesis_bytes: genesis.0.to_vec(),
        genesis: genesis.1.clone(),
        trusted,
        options: db_options(config),
        interval,
        patience: newcomer::Patience::default(),
    };
    let (consensus, db) = (consensus.clone(), db.clone());
    tokio::spawn(async move {
        if newcomer.attend(&*consensus, &db).await {
            // Refused only when the node stops already.
            let _ = ready.send(());
        }
    });
    Ok(anew)
}

/// Threads of their own for the API: an answer that takes long must not hold up a vote, and when the processors are busy,
/// consensus goes first.
fn readers() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("http")
        .on_thread_start(|| {
            // On Linux this is the one thread's; where it is refused, all are equal.
            let _ = rustix::process::nice(READERS_NICE);
        })
        .enable_all()
        .build()
}

fn engine_keys(home: &Home, config: &Config) -> Result<Keys, Failure> {
    let hint = "create the keys with `aula init`, correct the file's mode, or have a lost one replaced: `aula keys replace-lost`";
    let network = NodeKey::of_home(home, KeyKind::Network).advise("the network key is refused", hint)?;
    let network = network.network_keypair().advise("the network key is refused", hint)?;
    let validator = match config.consensus.role {
        Role::Follower => None,
        Role::Validator => {
            let key =
                NodeKey::of_home(home, KeyKind::Validator).advise("the validator key is refused", hint)?;
            Some(key.into_signing_key())
        }
    };
    Ok(Keys { validator, network })
}

/// What this node does for the lotteries; a follower does nothing.
fn shares(home: &Home, config: &Config, genesis: &Parsed) -> Result<Option<seeds::Shares>, Failure> {
    if config.consensus.role == Role::Follower {
        return Ok(None);
    }
    let hint = "create it with `aula init`, correct the file's mode, or have a lost one replaced: `aula keys replace-lost`";
    let key = NodeKey::of_home(home, KeyKind::Seed).advise("the seed key is refused", hint)?;
    Ok(Some(seeds::Shares::new(genesis.sha256, key.into_signing_key())))
}

/// Binds where peers are listened for and lets go again: the engine would say no more than that it stopped.
fn check_listens(config: &Config) -> Result<(), Failure> {
    let own = outside::socket("p2p.listen", &config.p2p.listen)?;
    let gossip = match config.p2p.gossip_listen.as_deref() {
        Some(text) => outside::socket("p2p.gossip_listen", text)?,
        None => SocketAddr::new(own.ip(), own.port().saturating_add(1)),
    };
    for (field, address) in [("p2p.listen", own), ("p2p.gossip_listen", gossip)] {
        let hint = match TcpListener::bind(address).as_ref().map_err(std::io::Error::kind) {
            Ok(_) => continue,
            Err(ErrorKind::AddrInUse) => {
                "stop the program that has this port, or choose another in [p2p] of config.toml"
            }
            Err(ErrorKind::AddrNotAvailable) => {
                "listen on an address of this machine, for example /ip4/0.0.0.0/tcp/8481, and put the one by which others reach \
                 it into p2p.external"
            }
            Err(_) => "choose another address in [p2p] of config.toml",
        };
        TcpListener::bind(address).advise(format!("cannot listen for peers on {address} ({field})"), hint)?;
    }
    Ok(())
}

fn engine_config(home: &Home, config: &Config, options: &StartOptions) -> Result<EngineConfig, Failure> {
    let hint = "correct [p2p] in config.toml; an address looks like /ip4/192.0.2.7/tcp/8481";
    check_listens(config)?;
    let listen = config.p2p.listen.parse().advise("p2p.listen is not a multiaddress", hint)?;
    let folder = home.consensus_dir();
    std::fs::create_dir_all(&folder)
        .advise(format!("cannot make {}", folder.display()), "check the folder's owner and space")?;
    let moniker = home.path().file_name().map_or_else(|| "aula".into(), |name| name.to_string_lossy());
    let mut engine = EngineConfig::new(&moniker, listen, home.wal_file(), home.sign_guard_file());
    let gossip = config.p2p.gossip_listen.as_deref().map(str::parse).transpose();
    engine.gossip_listen = gossip.advise("p2p.gossip_listen is not a multiaddress", hint)?;
    engine.peers = config.p2p.peers.iter().map(|text| peer(text)).collect::<Result<_, _>>()?;
    engine.damage = Some(home.damage_file());
    engine.confirmed_height = options.confirmed_height.map(Height);
    engine.idle = Duration::from_millis(config.consensus.idle_block_ms);
    let propose = Duration::from_millis(config.consensus.propose_timeout_ms);
    engine.timeouts = Timeouts { propose, ..Timeouts::default() };
    engine.limits.transactions = config.consensus.max_mempool_transactions;
    Ok(engine)
}

/// A peer from its multiaddress, which ends in `/p2p/ID`.
///
/// # Errors
/// When it does not.
pub fn peer(text: &str) -> Result<AdmittedPeer, Failure> {
    let refused = |why: String| {
        let hint = "write /ip4/ADDRESS/tcp/PORT/p2p/ID or /dns/NAME/tcp/PORT/p2p/ID, with the id that `aula keys show` prints on \
                    that node";
        Failure::new("bad_peer", format!("{text:?} is not a peer's address: {why}"), hint)
    };
    let (address, id) =
        text.rsplit_once("/p2p/").ok_or_else(|| refused("it lacks /p2p/ID at its end".into()))?;
    address.parse::<Outside>().map_err(|failure| refused(failure.message))?;
    let listen = Some(address.parse().map_err(|error| refused(with_causes(&error)))?);
    let peer =
        id.parse().map_err(|error| refused(format!("its id is malformed: {}", with_causes(&error))))?;
    Ok(AdmittedPeer { peer, listen })
}

/// Consensus as the API sees it.
struct Consensus {
    running: Arc<RunningConsensus>,
    votes_as: Option<ValidatorAddress>,
    told: Option<seeds::Told>,
    standing: standing::Told,
    unproven: proof::Told,
}

impl Network for Consensus {
    fn submit(&self, bytes: Vec<u8>) -> Result<TransactionId, Refused> {
        match self.running.submit(bytes) {
            Ok(Submitted::New(id) | Submitted::Known(id)) => Ok(id),
            Err(refusal) => Err(Refused { code: refusal.code(), message: refusal.to_string() }),
        }
    }

    fn is_pending(&self, id: &TransactionId) -> bool {
        self.running.pool().get(id).is_some()
    }

    fn waiting(&self) -> (usize, usize) {
        self.running.pool().size()
    }

    fn delays(&self) -> Delays {
        let delays = self.running.pool().delays();
        let told = |one: PassedOver| delays::PassedOver {
            account: one.account,
            transaction: one.transaction,
            blocks: one.blocks,
            by: one.by.into_iter().map(|(validator, blocks)| Builder { validator, blocks }).collect(),
        };
        Delays {
            oldest_waiting_ms: delays.oldest_ms,
            passed_over: delays.passed_over.into_iter().map(told).collect(),
        }
    }

    fn peers(&self) -> usize {
        self.running.status().peers
    }

    fn told_height(&self) -> Option<Height> {
        self.running.told_height()
    }

    fn validators_connected(&self) -> Option<usize> {
        // A store that fails is told elsewhere.
        self.running.validators_connected().ok()
    }

    fn damage(&self) -> Option<String> {
        self.running.damage()
    }

    fn ahead_of_clock_ms(&self) -> Option<u64> {
        self.running.status().ahead_of_clock_ms
    }

    fn mode(&self) -> &'static str {
        match self.running.status().mode {
            Mode::Validator => "validator",
            Mode::Follower { .. } => "follower",
        }
    }
    fn votes_as(&self) -> Option<ValidatorAddress> {
        self.votes_as
    }

    fn attention(&self) -> Option<String> {
        self.running.status().attention
    }

    fn unproven(&self) -> Option<String> {
        self.unproven.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fast_clock(&self) -> Option<String> {
        self.running.status().fast_clock
    }

    fn keepers(&self) -> Vec<Keeper> {
        let keeper = |one: aula_consensus::Keeper| Keeper {
            peer: one.peer.to_string(),
            oldest: one.oldest.0,
            newest: one.tip.0,
        };
        self.running.keepers().into_iter().map(keeper).collect()
    }

    fn standing(&self) -> Option<Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn seeds(&self) -> Option<SeedDuty> {
        self.told.as_ref().map(|told| told.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
