//! What the routes read from: the database, the running consensus, and what does not change.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use aula_api::delays::Delays;
use aula_home::clock::now_ms;
use aula_home::config::{Config, Quotas};
use aula_ledger::genesis::Parsed;
use aula_ledger::state::{StoreError, schema};
use aula_ledger::tx::TransactionId;
use aula_ledger::types::{Height, ValidatorAddress};
use aula_read::index::Index;
use aula_store::{ChainDb, ChainView};
use aula_vault::{Folders, VaultError, pair};
use axum::http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;

use super::acting::Acting;
use super::bodies::Bodies;
use super::cache::Cache;
use super::callers::Callers;
use super::kept_vault::KeptVault;
use super::kept_vault::unreadable;
use super::purpose::Purpose;
use crate::api_error::ApiError;
use crate::consortia::Figures;
use crate::family_link::{self, FamilyLink, LinkRefused};
use crate::hours::Shelf;

mod finality;

pub use aula_api::chain::{SeedDuty, SharedSeed, Standing};
pub use finality::{Finality, Latency};

/// Most questions about the node's health at once.
const MAX_HEALTH: usize = 32;

/// Most streams that have a block made for them at once: each holds a thread.
const MAX_PAST: usize = 1;

/// A transaction that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The ledger's number (1 to 255) or the pool's (1001 and above).
    pub code: u16,
    /// Why, in a sentence.
    pub message: String,
}

/// Which blocks a node has, or says it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// Its network identity.
    pub peer: String,
    /// From this height on, 1 where it has all.
    pub oldest: u64,
    /// Up to this height.
    pub newest: u64,
}

/// What the API asks of the running consensus. A trait, so that the routes are tested without a network.
pub trait Network: Send + Sync {
    /// Checks a transaction, keeps it and tells the peers.
    ///
    /// # Errors
    /// [`Refused`] with the number.
    fn submit(&self, bytes: Vec<u8>) -> Result<TransactionId, Refused>;
    /// True when the transaction waits to be in a block.
    fn is_pending(&self, id: &TransactionId) -> bool;
    /// How many transactions wait, and their bytes.
    fn waiting(&self) -> (usize, usize);
    /// How long they wait, and whom blocks pass over.
    fn delays(&self) -> Delays {
        Delays::default()
    }
    /// How many peers are connected.
    fn peers(&self) -> usize;
    /// The highest block that the connected validators, or else the peers, say they have, one liar among them not believed; none before
    /// one has said so.
    fn told_height(&self) -> Option<Height> {
        None
    }
    /// How many of the other validators are connected; none where that is not known.
    fn validators_connected(&self) -> Option<usize> {
        None
    }
    /// `validator` while this node signs votes when it is in the set, else `follower`.
    fn mode(&self) -> &'static str;
    /// The validator that this node is to vote as; none where it only follows by its operator's choice.
    fn votes_as(&self) -> Option<ValidatorAddress> {
        None
    }
    /// The last thing that an operator should know of: a damaged log, a lost guard.
    fn attention(&self) -> Option<String> {
        None
    }
    /// What this node does for the lotteries; none where it only follows by its operator's choice.
    fn seeds(&self) -> Option<SeedDuty> {
        None
    }
    /// What this node found damaged in its own state, with what to do next; none while all is well.
    fn damage(&self) -> Option<String> {
        None
    }
    /// Since when no block was decided, and who is missing; none while blocks come.
    fn standing(&self) -> Option<Standing> {
        None
    }
    /// How far the last block's time lies ahead of this node's clock, in milliseconds, 0 when it does not; none when the
    /// clock cannot be read.
    fn ahead_of_clock_ms(&self) -> Option<u64> {
        Some(0)
    }
    /// What blocks that keep arriving old say of this node's clock, with what to do next; none while they come fresh.
    fn fast_clock(&self) -> Option<String> {
        None
    }
    /// What a node that was never level waits for before it acts on the chain that it follows; none once that is proven.
    fn unproven(&self) -> Option<String> {
        None
    }
    /// Which blocks this node has, and which the connected ones say they have.
    fn keepers(&self) -> Vec<Keeper> {
        Vec::new()
    }
}

/// Whom the district's directory calls staff.
pub trait Staff: Send + Sync {
    /// Whether a credential of this reader in this role holds still: `true` where no directory decides over the role. May block.
    fn holds(&self, reader: &str, role: &str) -> bool;
}

/// Shared by all routes, behind an `Arc`.
pub struct AppState {
    /// Everything final.
    pub db: Arc<ChainDb>,
    /// The running consensus.
    pub network: Arc<dyn Network>,
    /// The genesis as parsed.
    pub genesis: Parsed,
    /// The genesis file's bytes.
    pub genesis_bytes: Vec<u8>,
    /// The operator's limits.
    pub limits: aula_home::config::Api,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Where families' links are looked up.
    pub links: Vec<PathBuf>,
    /// Where fitted models lie.
    pub models: Option<PathBuf>,
    /// The estate's page, where this node shows one.
    estate: RwLock<Option<Arc<str>>>,
    /// Whom to ask who is staff, where this node keeps a directory.
    staff: OnceLock<Arc<dyn Staff>>,
    /// Figures of consortia under this ledger, as their files were checked.
    consortia: RwLock<Arc<Figures>>,
    /// Where schools' published hours lie.
    pub hours: Option<Shelf>,
    /// The district's vault, where it would be.
    pub vault: Option<Folders>,
    /// The same, while it is kept open.
    pub(crate) kept_vault: Arc<KeptVault>,
    /// Whether the home acts, as it was seen last.
    acting: Acting,
    /// What the blocks alone do not answer quickly.
    pub index: Index,
    /// How long blocks take to be final, as seen here.
    pub finality: Latency,
    pub(crate) cache: Cache,
    /// Of all callers together, readings and submissions apart.
    pub(crate) tenant: Callers<Purpose>,
    pub(crate) quotas: Quotas,
    pub(crate) callers: Callers,
    pub(crate) submitters: Callers,
    pub(crate) bodies: Arc<Bodies>,
    /// Places for questions after its health, apart from all others.
    pub health: Arc<Semaphore>,
    /// Places for submissions.
    pub submissions: Arc<Semaphore>,
    /// Places for exports, apart from all others.
    pub exports: Arc<Semaphore>,
    /// The one place for questions that solve a round again.
    pub(crate) solving: Arc<Semaphore>,
    /// Places for everything else.
    pub requests: Arc<Semaphore>,
    /// Places for streams.
    pub streams: Arc<Semaphore>,
    /// Streams that have a message made at this moment.
    pub past: Arc<Semaphore>,
    pub(crate) started: Instant,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState").field("chain_id", &self.genesis.chain_id).finish_non_exhaustive()
    }
}

/// Whether a node signs votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    /// It follows, as its operator wants it.
    Follows,
    /// It would, and its key is not a validator's: not yet, or no longer.
    NotInSet,
    /// It does.
    Signs,
    /// Its key is a validator's, and it signs nothing: the others wait for it in vain.
    Silent(String),
}

impl AppState {
    /// The vault, as the routes keep it open.
    pub fn kept_vault(&self) -> Arc<KeptVault> {
        self.kept_vault.clone()
    }

    /// Puts together what the routes share.
    pub fn new(
        config: &Config,
        db: Arc<ChainDb>,
        network: Arc<dyn Network>,
        genesis: Parsed,
        genesis_bytes: Vec<u8>,
        metrics: PrometheusHandle,
    ) -> Self {
        Self {
            index: Index::new(db.read_index()),
            db,
            network,
            genesis,
            genesis_bytes,
            finality: Latency::default(),
            cache: Cache::new(config.api.cache_mib.saturating_mul(1 << 20)),
            tenant: Callers::new(config.quotas.requests_per_second),
            callers: Callers::new(config.api.reads_per_second),
            submitters: Callers::new(config.api.submissions_per_second),
            bodies: Arc::default(),
            health: Arc::new(Semaphore::new(MAX_HEALTH)),
            submissions: Arc::new(Semaphore::new(config.api.max_requests)),
            exports: Arc::new(Semaphore::new(config.quotas.long_work)),
            solving: Arc::new(Semaphore::new(1)),
            requests: Arc::new(Semaphore::new(config.api.max_requests)),
            streams: Arc::new(Semaphore::new(config.api.max_streams)),
            past: Arc::new(Semaphore::new(MAX_PAST)),
            limits: config.api.clone(),
            quotas: config.quotas.clone(),
            links: config.api.links.clone(),
            models: None,
            hours: None,
            estate: RwLock::default(),
            staff: OnceLock::new(),
            consortia: RwLock::default(),
            vault: None,
            kept_vault: Arc::default(),
            acting: Acting::default(),
            metrics,
            started: Instant::now(),
        }
    }

    /// Shows this as the estate's page from now on.
    pub fn show_estate(&self, page: String) {
        *self.estate.write().unwrap_or_else(PoisonError::into_inner) = Some(page.into());
    }

    /// The estate's page, where there is one.
    pub fn estate(&self) -> Option<Arc<str>> {
        self.estate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks this directory from now on, at each read by a reader's credential.
    pub fn ask_staff(&self, staff: Arc<dyn Staff>) {
        // A node has one directory for as long as it runs.
        let _ = self.staff.set(staff);
    }

    /// Whom to ask who is staff; none where no directory is kept.
    pub(crate) fn staff(&self) -> Option<Arc<dyn Staff>> {
        self.staff.get().cloned()
    }

    /// Shows these figures of consortia from now on.
    pub fn show_consortia(&self, figures: Figures) {
        *self.consortia.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(figures);
    }

    /// Figures of consortia; none where the operator put no files.
    pub fn consortia(&self) -> Arc<Figures> {
        self.consortia.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether this node signs votes, and if it is to and does not, why.
    ///
    /// # Errors
    /// When the database fails.
    pub fn signing(&self) -> Result<Signing, StoreError> {
        let Some(own) = self.network.votes_as() else { return Ok(Signing::Follows) };
        let set = schema::validator_schedule(&*self.view())?.next;
        if !set.validators().iter().any(|validator| validator.address == own) {
            return Ok(Signing::NotInSet);
        }
        if self.network.mode() == "validator" {
            return Ok(Signing::Signs);
        }
        let why = self.network.attention();
        Ok(Signing::Silent(why.unwrap_or_else(|| "it catches up with what it may have signed before".into())))
    }

    /// Everything final, as of now.
    pub fn view(&self) -> Arc<ChainView> {
        self.db.latest()
    }

    /// Measures blocks as they become final and reads a long chain into the index, until the process ends.
    pub async fn attend(self: Arc<Self>) {
        let reader = self.clone();
        let _ = tokio::task::spawn_blocking(move || {
            while let Ok(contents) = reader.index.follow(&reader.view()) {
                if contents.height() >= reader.view().tip().height.0 {
                    return;
                }
            }
        })
        .await;
        let mut tips = self.db.watch_tip();
        while tips.changed().await.is_ok() {
            let tip = *tips.borrow_and_update();
            self.finality.saw(now_ms().saturating_sub(tip.time_ms.0));
            let reader = self.clone();
            let _ = tokio::task::spawn_blocking(move || {
                if let Err(error) = reader.index.follow(&reader.view()) {
                    tracing::error!(%error, "the index cannot be read on");
                }
            })
            .await;
        }
    }

    /// Whether this node's home does its district's work: it is in no pair, or it acts.
    ///
    /// # Errors
    /// 503 while it does not.
    pub fn acts(&self) -> Result<(), ApiError> {
        let folders = self.vault.as_ref();
        folders.map_or(Ok(()), |folders| pair::may_write(&folders.data)).map_err(unreadable)
    }

    /// The same as it was seen within a moment, for whoever asks again and again.
    ///
    /// # Errors
    /// 503 while it does not.
    pub(crate) fn acted(&self) -> Result<(), ApiError> {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX >> 1);
        match self.acting.told(now_ms, || self.acts().is_ok()) {
            true => Ok(()),
            false => Err(unreadable(VaultError::NotActing("as it was seen last".into()))),
        }
    }

    /// Whom a family's link is about. The token is not logged, whatever becomes of it. Who does not act may not have heard of every
    /// revocation.
    ///
    /// # Errors
    /// 401 when the link is unknown, expired or revoked; 503 where the other one of a pair acts.
    pub fn family(&self, token: &str) -> Result<FamilyLink, ApiError> {
        self.acts()?;
        family_link::check(&self.links, token, now_ms()).map_err(|refused| {
            if let LinkRefused::Folder { .. } = &refused {
                tracing::error!(error = %refused, "a family's link cannot be checked");
                let (status, hint) = (StatusCode::INTERNAL_SERVER_ERROR, "tell the district");
                return ApiError::new(status, "links_unusable", "this node cannot read its links", hint);
            }
            let hint = "ask the district for a new link";
            ApiError::new(StatusCode::UNAUTHORIZED, "bad_link", refused, hint)
        })
    }
}
