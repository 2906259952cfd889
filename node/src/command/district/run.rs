//! `aula district run`: the service of a district: everything that can be automatic, done again and again.
//!
//! Flow: threads of its own a home → every few seconds the duties that are due, one after another → what became of each, durably and in
//! metrics. Invariants: a duty that fails stops no other and is tried again; a home knows nothing of another; a process that dies at
//! any write goes on where it was, and sends nothing twice. Absent: the node, which `aula start` runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use aula_home::Home;
use clap::Args;
use serde_json::json;
use tracing::Instrument;
use tracing::field::Empty;

use crate::command::start::stop_signal;
use crate::command::vault::Place;
use crate::command::vault::record::LedgerArgs;
use crate::command::{Context, Failure, Outcome, absolute};
use crate::service_manager::ServiceManager;
use crate::terminal::follow_filter;

mod acknowledgements;
mod alerts;
pub(super) mod duties;
mod interventions;
mod log;
mod metrics;
mod milestones;
mod office;
mod pulse;
mod rosters;
mod rounds;
mod sensors;
pub(super) mod shown;
mod states;
mod tenants;
pub(super) mod told;

use duties::Duty;
use metrics::Metrics;
use office::Office;
use pulse::{Heart, Pulse};
use told::Told;

/// Arguments of `aula district run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district run --home /srv/lake                           until it is told to stop\n  aula district run --once                                     every duty once, for a \
                  timer\n  aula district run --home /srv/river --home /srv/hill        several districts in one process, nothing shared\n  aula district run --listen \
                  127.0.0.1:9464              with metrics for Prometheus; elsewhere with --tls-certificate and --tls-key\n\nDuties, in this order: what an earlier process left, rosters asked for, states folded and anchored (with interventions), \
                  milestones, requests in open rounds, own rounds run, acknowledgements, the access log, the lake, alerts. [district] in config.toml says how \
                  often, and what waits for a command; `aula district status` tells what became of each. Kill it at any moment: it goes \
                  on where it was.\nExit 0: stopped, or with --once all done; 1: with --once, some duty failed; 2: could not begin."
)]
pub struct RunArgs {
    /// Do every duty once, due or not, and exit
    #[arg(long)]
    pub once: bool,
    /// Homes beyond the first, from further `--home`
    #[arg(skip)]
    pub further: Vec<PathBuf>,
    /// Serve metrics at this address, for example 127.0.0.1:9464; another than loopback needs a certificate and its key
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// PEM file of the metrics' certificate chain; with it they are told over TLS, and read again at SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key", requires = "listen")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of that certificate's private key
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Die at the Nth write, for tests of what is left
    #[arg(long, hide = true, default_value_t = 0, value_name = "N")]
    pub die_at_write: u64,
    /// Where the vault is, of --home alone
    #[command(flatten)]
    pub place: Place,
}

/// Works until it is told to stop, or once.
///
/// # Errors
/// A home whose configuration is refused, an address that cannot be served.
pub async fn run(context: &Context, ledger: &LedgerArgs, args: &RunArgs) -> Result<Outcome, Failure> {
    aula_home::fault::arm(args.die_at_write);
    let mut offices = vec![Office::of(context.clone(), args.place.clone(), ledger.clone())?];
    for further in &args.further {
        let home = Home::at(absolute(further)?);
        aula_server::pairs::register(&home);
        let own = Context { home, ..context.clone() };
        offices.push(Office::of(own, Place { vault: None, keystore: None }, ledger.clone())?);
    }
    tenants::apart(&offices)?;
    let metrics = Arc::new(Metrics::default());
    if args.once {
        let mut homes = Vec::new();
        for office in &offices {
            let told = look(office, &Duty::ALL, true, &metrics).await?;
            homes.push((office.context.home.path().to_owned(), told));
        }
        // After all duties: a table that is refused stops none.
        for office in &offices {
            sensors::round(office).await?;
        }
        return Ok(once(&homes));
    }
    let _alone = tenants::alone(&offices)?;
    let mut stop = pin!(stop_signal(false)?);
    follow_filter(context);
    let mut pulse = Pulse::default();
    let hearts: Vec<_> =
        offices.iter().map(|office| pulse.home(office.context.home.path(), loops(office))).collect();
    let pulse = Arc::new(pulse);
    if let Some(address) = args.listen {
        let tls = args.tls_certificate.clone().zip(args.tls_key.clone());
        metrics::serve(address, tls, Arc::clone(&metrics), Arc::clone(&pulse))?;
    }
    let mut threads = tenants::Threads::none();
    for (office, hearts) in offices.into_iter().zip(hearts) {
        let (home, at_once) = (office.context.home.path().to_owned(), office.quotas.long_work);
        let metrics = Arc::clone(&metrics);
        threads.begin(&home, at_once, move || work(Arc::new(office), metrics, hearts))?;
    }
    context.tell(format_args!("{}; stop with SIGTERM or Ctrl-C", pulse.status()));
    let manager = ServiceManager::of_this_process();
    let is_up = tokio::select! {
        () = pulse.begun() => true,
        () = &mut stop => false,
    };
    if is_up {
        manager.ready(&pulse.status());
        tokio::spawn(manager.clone().attend(move || pulse.says()));
        stop.await;
    }
    manager.stopping();
    // Whatever is under way may be cut anywhere: the next process goes on.
    threads.end().await;
    Ok(Outcome::yes(json!({ "stopped": true }), "stopped"))
}

/// How many loops a home has.
const LOOPS: usize = 4;
/// The longest interval that a table of points may have.
const POINTS_PAUSE: Duration = Duration::from_secs(86_400);

/// What goes on beside each other in a home, as the watchdog's log names it, and how long each waits between two rounds at most.
fn loops(office: &Office) -> [(&'static str, Duration); LOOPS] {
    let look = Duration::from_secs(office.settings.look_every_s);
    [("sensors", POINTS_PAUSE), ("alerts", look), ("rosters", look), ("duties", look)]
}

/// All that the service does of one home, for as long as it runs.
async fn work(office: Arc<Office>, metrics: Arc<Metrics>, hearts: [Arc<Heart>; LOOPS]) {
    let [sensors_heart, alerts_heart, rosters_heart, duties_heart] = hearts;
    let (home, pause) =
        (office.context.home.path().to_owned(), Duration::from_secs(office.settings.look_every_s));
    let mut working = tokio::task::JoinSet::new();
    let own = Arc::clone(&office);
    working.spawn(tenants::kept(home.clone(), pause, move || {
        let (own, heart) = (Arc::clone(&own), Arc::clone(&sensors_heart));
        async move { heart.attend(sensors::watch(&own)).await }
    }));
    // An anchor may take minutes, and so may another system; an alert may not wait for them, nor they for each other.
    let apart = [Duty::Alerts, Duty::Rosters];
    let others: Vec<Duty> = Duty::ALL.into_iter().filter(|duty| !apart.contains(duty)).collect();
    let loops =
        [(alerts_heart, vec![Duty::Alerts]), (rosters_heart, vec![Duty::Rosters]), (duties_heart, others)];
    for (heart, duties) in loops {
        let (office, metrics, duties) = (Arc::clone(&office), Arc::clone(&metrics), Arc::from(duties));
        working.spawn(tenants::kept(home.clone(), pause, move || {
            let heart = Arc::clone(&heart);
            let looking = repeat(Arc::clone(&office), Arc::clone(&duties), Arc::clone(&metrics));
            async move { heart.attend(looking).await }
        }));
    }
    while working.join_next().await.is_some() {}
}

/// Does what is due of one home, again and again.
async fn repeat(office: Arc<Office>, duties: Arc<[Duty]>, metrics: Arc<Metrics>) {
    let periods = duties.iter().map(|duty| duty.every_s(&office));
    let pause = Duration::from_secs(periods.fold(office.settings.look_every_s, u64::min));
    loop {
        if let Err(failure) = look(&office, &duties, false, &metrics).await {
            tracing::error!(home = %office.context.home.path().display(), "{}; next: {}", failure.message, failure.hint);
        }
        tokio::time::sleep(pause).await;
    }
}

/// Does what is due of one home, or all of these duties.
async fn look(office: &Office, duties: &[Duty], all: bool, metrics: &Metrics) -> Result<Told, Failure> {
    let home = &office.context.home;
    if let Err(why) = aula_server::pairs::acts(home)? {
        // Not a failure: the other one does it.
        tracing::debug!(home = %home.path().display(), why, "nothing is done here");
        return Ok(Told::load(home));
    }
    for duty in duties.iter().copied() {
        let begun_ms = office.now_ms();
        let every_s = duty.every_s(office);
        if !all && !Told::load(home).is_due(duty, begun_ms, every_s) {
            continue;
        }
        let span = tracing::debug_span!(target: "aula_trace", "duty", duty = duty.name(), failed = Empty);
        let outcome = duty.run(office).instrument(span.clone()).await;
        span.record("failed", outcome.is_err());
        drop(span);
        match &outcome {
            Ok(did) => tracing::info!(home = %home.path().display(), duty = duty.name(), "{did}"),
            Err(failure) => {
                tracing::warn!(home = %home.path().display(), duty = duty.name(), "{}; next: {}", failure.message, failure.hint);
            }
        }
        let _changing = office.status.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = Told::load(home);
        told.note(duty, &outcome, office.now_ms(), if outcome.is_ok() { every_s } else { 0 });
        told.keep(home)?;
        metrics.note(home.path(), duty, &told);
        if duty == Duty::Rosters {
            metrics.note_rosters(home.path(), rosters::kept(home));
        }
    }
    metrics.note_vault(home.path(), &office.room()?);
    Ok(Told::load(home))
}

fn once(homes: &[(PathBuf, Told)]) -> Outcome {
    let failed = homes.iter().any(|(_, told)| told.duties.values().any(|line| line.error.is_some()));
    let rows: Vec<_> = homes.iter().map(|(home, told)| shown::json(home, told)).collect();
    let text: Vec<String> = homes.iter().map(|(home, told)| shown::text(home, told)).collect();
    let json = json!({ "homes": rows });
    if failed { Outcome::no(json, text.join("\n")) } else { Outcome::yes(json, text.join("\n")) }
}
