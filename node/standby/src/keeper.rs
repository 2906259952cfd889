//! The threads of a running node of a pair: one answers the other, one asks how it is, one keeps the lease.
//!
//! Flow: the lease's thread reads the record, renews it or waits for it ([`crate::contender`]) → when it is had, the standby's store is
//! closed behind its fence ([`crate::receiver`]), then the permit is given, then the node is told. When another has it, the node is
//! told to begin anew: nothing of what it had in memory outlives its turn. Both waits for one that died begin with its death, not one
//! after the other: its line ends, which is followed by a check at once, and the record is looked at again in the moment in which it
//! has stood for a whole lease or the last check is missed. Looking sooner and oftener changes nothing of when the lease may be taken. Who
//! cannot write fence or permit takes no lease, and gives up the one that it has to who has everything; so does who cannot write the vault.
//! Invariant: one keeper a home. Absent: what a node does while it acts.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use aula_home::clock::now_ms;
use aula_vault::pair::Level;
use rustls::ServerConfig;

use crate::accept::{self, Accepted};
use crate::contender::{Contender, Facts};
use crate::lease::{LeaseError, Record};
use crate::permit::uptime_ms;
use crate::receiver::{Caller, Own, Receiver, UNKNOWN};
use crate::shipper::Reach;
use crate::standing::Standing;
use crate::who;
use crate::wire::{Answer, Line, MAX_FRAME, MAX_STRANGER, Question};

/// Checks in a row that the other one must miss.
pub const MISSES: u32 = 3;
/// A connection that asks nothing for so long is ended.
const QUIET: Duration = Duration::from_secs(120);
/// Who does not say who it is has so long.
const SHY: Duration = Duration::from_secs(5);
/// Connections at once.
const MOST: u32 = 32;
/// Why this one does not act although the other is away.
const AWAY: &str = "the other one is away and went on alone: what it acknowledged is only there; start it, or accept the loss (aula district failover --accept-loss)";
/// Why nobody acts although the store answers.
const EMPTIED: &str = "the lease's store has no record, and this pair ran before: see whether it is the right one (is the share mounted?); where the record is gone for good, run aula district failover --accept-loss in the home that acted last";
/// Why a copy of a home does not act.
const NAMESAKE: &str = "same_name: another home has this one's name, and the lease's record is that one's. Where both exist, give this one another [pair] name; where this one was moved or restored and the other is gone for good: aula district failover --accept-loss";
/// Why a lease that nobody acts with is kept.
const STUCK: &str =
    "the lease is held but cannot be used, and nobody else has everything that was acknowledged";
/// Why who has the lease does not act by it.
const OVERDUE: &str = "the lease was not renewed in time: this one does not act, and nothing is written here until it is renewed";
/// Why one that is free is not taken.
const UNWRITABLE: &str = "this one cannot act: nothing can be written in its HOME/pair";
/// The roles of who has the lease: it may write, or not.
const ACTING: &str = "acting";
const NOBODY: &str = "nobody";
/// How often the standing is written, where nothing changes.
const TELL: Duration = Duration::from_secs(1);

/// What a keeper needs.
#[derive(Clone)]
pub struct Setup {
    /// How the other one is reached.
    pub reach: Reach,
    /// The standby's store.
    pub own: Own,
    /// Where the other one is listened for.
    pub listen: std::net::SocketAddr,
    /// The certificate that is shown there; none on one machine.
    pub tls: Option<Arc<ServerConfig>>,
    /// The lease, milliseconds.
    pub lease_ms: u64,
    /// Between two checks of the other one, milliseconds.
    pub check_ms: u64,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("reach", &self.reach).finish_non_exhaustive()
    }
}

/// What the node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It acts from now on, in this epoch.
    Acts(u64),
    /// Another acts: it is to begin anew.
    Over,
}

/// What the threads share.
struct Shared {
    setup: Setup,
    receiver: Receiver,
    missed: AtomicU32,
    /// When the first of the checks that were missed in a row was missed, and the last that it takes, by [`uptime_ms`].
    missed_at: AtomicU64,
    gone_at: AtomicU64,
    lines: AtomicU32,
    stop: AtomicBool,
    /// The vault's disk refuses what is written.
    refused: AtomicBool,
    standing: Mutex<Standing>,
    /// One keeper a home; ends with the process.
    _lock: File,
}

/// A keeper at work.
pub struct Keeper {
    shared: Arc<Shared>,
    lease: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    /// Starts the threads; `told` is called on the lease's.
    ///
    /// # Errors
    /// A folder that cannot be used, another keeper of this home, an address that cannot be had.
    pub fn start(setup: Setup, told: impl Fn(Turn) + Send + 'static) -> io::Result<Self> {
        let folder = setup.own.folder.clone();
        aula_files::private_folder(&folder)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("LOCK"))?;
        lock.try_lock().map_err(|_| io::Error::other("another process keeps this home's lease"))?;
        setup.reach.permit.revoke()?;
        let receiver = Receiver::of(setup.own.clone())?;
        let socket = TcpListener::bind(setup.listen)?;
        let standing =
            Mutex::new(Standing { name: who::name_of(&setup.reach.name).to_owned(), ..Standing::default() });
        let (missed, missed_at, gone_at, lines, stop, refused) = Default::default();
        let shared = Arc::new(Shared {
            setup,
            receiver,
            missed,
            missed_at,
            gone_at,
            lines,
            stop,
            refused,
            standing,
            _lock: lock,
        });
        let own = shared.clone();
        thread::Builder::new().name("pair-listens".into()).spawn(move || listen(&own, &socket))?;
        let own = shared.clone();
        let lease = thread::Builder::new().name("pair-lease".into()).spawn(move || keep(&own, &told))?;
        let (own, keeps) = (shared.clone(), lease.thread().clone());
        thread::Builder::new().name("pair-checks".into()).spawn(move || check(&own, &keeps))?;
        Ok(Self { shared, lease: Mutex::new(Some(lease)) })
    }

    /// How it stands. Whether it acts is asked of the permit, which may end while the lease's thread waits for its store.
    pub fn standing(&self) -> Standing {
        let mut standing = locked(&self.shared.standing).clone();
        if standing.role == ACTING && self.shared.setup.reach.permit.epoch().is_err() {
            standing.role = NOBODY.to_owned();
        }
        standing
    }

    /// Notes what bringing the standby level came to.
    pub fn note(&self, level: Level) {
        let mut standing = locked(&self.shared.standing);
        standing.behind = level.behind;
        // What the lease's thread has to say of that goes before.
        if !self.shared.refused.load(Ordering::SeqCst) {
            standing.why = level.why;
        }
    }

    /// Notes whether the vault's disk refuses what is written.
    pub fn disk_refuses(&self, refuses: bool) {
        self.shared.refused.store(refuses, Ordering::SeqCst);
    }

    /// Gives the lease up, where this one has it: the vault is not written any more. The other one need not wait.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(lease) = locked(&self.lease).take() {
            lease.thread().unpark();
            // A panic was told where it happened.
            let _ = lease.join();
        }
    }
}

/// Answers whoever calls.
fn listen(shared: &Arc<Shared>, socket: &TcpListener) {
    for stream in socket.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        if shared.lines.fetch_add(1, Ordering::SeqCst) >= MOST {
            shared.lines.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let own = shared.clone();
        let serving = thread::Builder::new().name("pair-answers".into()).spawn(move || {
            if let Err(error) = serve(&own, stream) {
                tracing::debug!(%error, "a line of the pair ended");
            }
            own.lines.fetch_sub(1, Ordering::SeqCst);
        });
        if serving.is_err() {
            shared.lines.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn serve(shared: &Shared, stream: TcpStream) -> io::Result<()> {
    let mut line = Line::answer(stream, shared.setup.tls.as_ref(), SHY)?;
    let mut caller = Caller::default();
    loop {
        let most = if caller.is_known() { MAX_FRAME } else { MAX_STRANGER };
        let Some(question) = line.receive::<Question>(most)? else { return Ok(()) };
        let answer = shared.receiver.answer(&mut caller, question);
        line.send(&answer)?;
        if let Answer::Refused { code, message } = &answer {
            tracing::info!(code, message, "the other one of the pair is refused");
            if code == UNKNOWN {
                // A stranger: its place is another's.
                return Ok(());
            }
        }
        line.set_patience(QUIET)?;
    }
}

/// Asks the other one how it is, again and again, and at once where its line ends; wakes the lease's thread when it is gone.
fn check(shared: &Shared, keeps: &Thread) {
    let every = Duration::from_millis(shared.setup.check_ms);
    let (reach, mut line, mut hurried) = (&shared.setup.reach, None::<Line>, false);
    loop {
        let begun = Instant::now();
        let wait = patience(every, shared.missed.load(Ordering::SeqCst));
        let acts = ask(reach, &mut line, wait);
        let silent = acts.is_err() && begun.elapsed() >= wait;
        match acts {
            Ok(true) => shared.missed.store(0, Ordering::SeqCst),
            Ok(false) | Err(_) => miss(shared, keeps),
        }
        if acts.is_err() {
            line = None;
        }
        // Who was silent is asked again without a pause; who answered or refused, in its time.
        let rest = || if silent { Duration::ZERO } else { every.saturating_sub(begun.elapsed()) };
        // Once: who answers and ends each line is not asked without a pause.
        hurried = !hurried && line.as_ref().is_some_and(|line| line.ends_within(rest()));
        if hurried {
            line = None;
        } else {
            thread::sleep(rest());
        }
    }
}

/// How long the answer to a check may take. While one is missing it is half: the first check after a death begins as late as `every` after it,
/// so that silence is known between two and three times `every` after it, as an end is after two.
fn patience(every: Duration, missed: u32) -> Duration {
    match missed {
        1..MISSES => every / 2,
        _ => every,
    }
}

/// Counts a check that was missed, or answered by one that does not act.
fn miss(shared: &Shared, keeps: &Thread) {
    // More than enough is enough.
    let missed = shared.missed.load(Ordering::SeqCst).saturating_add(1);
    if missed == 1 {
        shared.missed_at.store(uptime_ms(), Ordering::SeqCst);
    }
    if missed == MISSES {
        shared.gone_at.store(uptime_ms(), Ordering::SeqCst);
    }
    shared.missed.store(missed, Ordering::SeqCst);
    if missed == MISSES {
        keeps.unpark();
    }
}

fn ask(reach: &Reach, line: &mut Option<Line>, patience: Duration) -> io::Result<bool> {
    let line = match line {
        Some(line) => {
            line.set_patience(patience)?;
            line
        }
        None => line.insert(Line::call(&reach.peer, reach.tls.as_ref(), patience)?),
    };
    match line.ask(&Question::Ping { secret: reach.secret.clone() })? {
        Answer::Here { acting } => Ok(acting),
        _ => Err(io::Error::other("the other one refuses to say how it is")),
    }
}

/// Renews the lease, or waits for it.
fn keep(shared: &Shared, told: &dyn Fn(Turn)) {
    let setup = &shared.setup;
    let mut contender = Contender::new(&setup.reach.name, setup.lease_ms);
    let (mut epoch, mut noted) = (None, Instant::now());
    let every = Duration::from_millis(setup.lease_ms / 5);
    loop {
        let begun = Instant::now();
        let stopping = shared.stop.load(Ordering::SeqCst);
        let (looked, free_at) = (uptime_ms(), contender.free_at());
        let tried = once(shared, &mut contender, stopping);
        if stopping {
            return;
        }
        let had_at = uptime_ms();
        let mut stuck = None;
        match (epoch, contender.acts(uptime_ms())) {
            (None, Some((new, until))) => {
                // The fence, then the permit, then the node.
                let ready = shared.receiver.act(new).and_then(|()| setup.reach.permit.give(new, until));
                match ready {
                    Ok(()) => {
                        epoch = Some(new);
                        log_switch(shared, new, free_at, had_at);
                        told(Turn::Acts(new));
                    }
                    Err(error) => stuck = Some(error),
                }
            }
            (Some(own), Some((held, until))) if own == held => {
                let given = setup.reach.permit.give(held, until);
                // The one before may hold for a while yet.
                let lost = given.err().filter(|_| setup.reach.permit.epoch().is_err());
                let refused = || io::Error::other("the vault's disk refuses what is written");
                stuck = lost.or_else(|| shared.refused.load(Ordering::SeqCst).then(refused));
            }
            // Over by its own clock, and nobody else's yet: the permit has ended, and a renewal gives another.
            (Some(_), None) if contender.holds() => {}
            (Some(_), _) => {
                // What cannot be taken back ends by itself within the lease.
                let _ = setup.reach.permit.revoke();
                tracing::warn!("another has the lease: this one begins anew and stands by");
                told(Turn::Over);
                return;
            }
            (None, None) => {}
        }
        if let Some(error) = &stuck
            && leave(shared, &contender, epoch.is_some(), error)
        {
            told(Turn::Over);
            return;
        }
        // What every process of this home goes by.
        let acts = epoch.is_some() && setup.reach.permit.epoch().is_ok();
        let failed = why_not(epoch.is_some() && !acts, stuck, tried);
        if tell(shared, &contender, acts, failed) || noted.elapsed() >= TELL {
            noted = Instant::now();
            let mut standing = locked(&shared.standing).clone();
            standing.at_ms = now_ms();
            if let Err(error) = standing.keep(&setup.own.folder) {
                tracing::warn!(%error, "how the pair stands is not told");
            }
        }
        let rest = every.saturating_sub(begun.elapsed());
        // Sooner where another's lease is over sooner; once it is, the next look comes in its time.
        let free = contender.free_at().filter(|at| *at > looked);
        let free = free.map(|at| Duration::from_millis(at.saturating_sub(uptime_ms())));
        thread::park_timeout(free.map_or(rest, |free| rest.min(free)));
    }
}

/// What is to be said of a lease that cannot be used, or not be renewed in time, or of a store that does not answer.
fn why_not(overdue: bool, stuck: Option<io::Error>, tried: Result<(), String>) -> Option<String> {
    match (stuck, tried.err()) {
        (Some(error), _) => Some(format!("{STUCK}: {error}")),
        (None, Some(error)) if overdue => Some(format!("{OVERDUE}: {error}")),
        (None, error) => error,
    }
}

/// Says where the time of a switch went: each moment in milliseconds since the machine's start, 0 where it was not waited for.
fn log_switch(shared: &Shared, epoch: u64, free_at: Option<u64>, had_at: u64) {
    let (missed_at, gone_at) = (&shared.missed_at, &shared.gone_at);
    tracing::info!(
        epoch,
        missed_at = missed_at.load(Ordering::SeqCst),
        gone_at = gone_at.load(Ordering::SeqCst),
        free_at = free_at.unwrap_or(0),
        had_at,
        fenced_at = uptime_ms(),
        "this one acts"
    );
}

/// Gives up a lease that this one cannot act with, where another has everything; false where it is kept.
fn leave(shared: &Shared, contender: &Contender, acted: bool, error: &io::Error) -> bool {
    let reach = &shared.setup.reach;
    let Some(intent) = contender.leaves(acted) else { return false };
    tracing::error!(%error, "the lease is held but cannot be used: it is given up, and this one begins anew");
    // Nothing is written any more, before anybody else may act.
    let _ = reach.permit.revoke();
    // Whatever becomes of it: it may come about late, and this one has acted for the last time before it begins anew.
    if let Err(error) = reach.lease.put(intent.over.as_deref(), &intent.record) {
        tracing::warn!(%error, "whether the lease is given up is not known");
    }
    true
}

/// Reads, and puts what is to be put.
fn once(shared: &Shared, contender: &mut Contender, stopping: bool) -> Result<(), String> {
    let setup = &shared.setup;
    let store = &setup.reach.lease;
    let failed = |error: LeaseError| error.to_string();
    let kept = store.read().map_err(failed)?;
    contender.observe(kept, uptime_ms());
    let facts = Facts {
        other_is_gone: shared.missed.load(Ordering::SeqCst) >= MISSES,
        has_vault: shared.receiver.has_vault(),
        accepted_loss: accepted(shared, contender),
        floor: shared.receiver.floor(),
    };
    let now = uptime_ms();
    let Some(mut intent) = contender.wants(now, facts) else { return Ok(()) };
    match (contender.holds(), stopping) {
        (true, true) => {
            let _ = setup.reach.permit.revoke();
            intent.record.released = true;
        }
        (true, false) => {}
        (false, true) => return Ok(()),
        // Who could not act with it leaves it to the other one.
        (false, false) => {
            setup.reach.permit.can_be_given().map_err(|error| format!("{UNWRITABLE}: {error}"))?;
        }
    }
    let tag = store.put(intent.over.as_deref(), &intent.record).map_err(failed)?;
    contender.put(intent, now, uptime_ms(), tag);
    Ok(())
}

/// Whether an operator accepts that what was seen last ends, with what is lost by it.
fn accepted(shared: &Shared, contender: &Contender) -> Option<Accepted> {
    let of = contender.in_question(shared.receiver.floor())?;
    accept::said(&shared.setup.own.folder, of)
}

/// Notes how it stands; true where something changed that somebody waits for.
fn tell(shared: &Shared, contender: &Contender, acts: bool, failed: Option<String>) -> bool {
    let (record, floor) = (contender.record(), shared.receiver.floor());
    let mut standing = locked(&shared.standing);
    let before = standing.clone();
    standing.epoch = record.map_or(floor, |record| record.epoch);
    let me = shared.setup.reach.name.as_str();
    let shown = |said: &String| who::shown(me, said).to_owned();
    let is_namesakes = |record: &Record| {
        let mut named = [Some(&record.holder), record.level.as_ref()].into_iter().flatten();
        named.any(|said| who::is_namesake(me, said))
    };
    standing.holder = record.map(|record| shown(&record.holder));
    standing.level = record.and_then(|record| record.level.as_ref()).map(shown);
    standing.turn = record.map(|record| record.turn);
    // What could not be read may have been renewed.
    standing.over = failed.is_none() && contender.is_over(uptime_ms());
    let role = match (acts, record) {
        (true, _) => ACTING,
        (false, Some(record)) if !who::is(me, &record.holder) => "standby",
        _ => NOBODY,
    };
    let is_new = standing.role != role;
    if is_new {
        (standing.role, standing.since_ms) = (role.to_owned(), now_ms());
        tracing::info!(role, epoch = standing.epoch, "what this one of the pair is from now on");
    }
    if let Some(error) = failed {
        standing.why = Some(error);
    } else if role != ACTING {
        let gone = shared.missed.load(Ordering::SeqCst) >= MISSES;
        let lacks = standing.level.as_deref() != Some(standing.name.as_str());
        standing.why = match record {
            None => (floor > 0).then(|| EMPTIED.to_owned()),
            Some(record) if is_namesakes(record) => Some(NAMESAKE.to_owned()),
            Some(_) => (role == "standby" && gone && lacks).then(|| AWAY.to_owned()),
        };
    } else if is_new {
        // Why it did not act.
        standing.why = None;
    }
    if let Some(why) = standing.why.as_ref().filter(|why| before.why.as_ref() != Some(*why)) {
        tracing::warn!(%why, role, "how this one of the pair stands");
    }
    let now = (&standing.role, &standing.level, &standing.why, standing.over);
    (&before.role, &before.level, &before.why, before.over) != now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_answers_that_do_not_come_take_as_long_as_two_checks() {
        let every = Duration::from_millis(500);
        let waits: Vec<Duration> = (0..MISSES).map(|missed| patience(every, missed)).collect();
        assert!(waits.iter().all(|wait| *wait >= every / 2), "{waits:?}");
        assert_eq!(waits.iter().sum::<Duration>(), 2 * every);
        // Who is gone is asked in the usual pace.
        assert_eq!(patience(every, MISSES), every);
    }
}
