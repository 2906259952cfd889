//! The writer of a pipeline: groups into the vault, or into the spools and back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aula_home::clock::now_ms;
use aula_ingest::event::{Kind, Reason};
use aula_vault::seal::Cipher;
use aula_vault::{Vault, VaultError};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::share::Share;
use super::{Busy, Folding, Job, LAG_MS, Levelling, MAX_GROUP, State, Summary, Work, locked};
use crate::breaker::{Breaker, FAILURES, RETRIES, wait};
use crate::door::{Closed, Door, Lent, lent};
use crate::given::{Feed, Given};
use crate::spool::{Spool, SpoolError, Spooled};
use crate::taking::{Fate, Levelled, Taken, Taking};

/// How often spools are looked at while nothing comes.
const TICK: Duration = Duration::from_millis(200);
/// Groups of the hot spool that go back into the vault between two looks at the queue.
const AT_ONCE: usize = 4;

/// What the thread of the writer holds.
pub(super) struct Writer {
    pub(super) door: Arc<dyn Door>,
    pub(super) hot: Option<Spool>,
    pub(super) cold: Option<Spool>,
    pub(super) feeds: BTreeMap<String, Arc<Feed>>,
    pub(super) taking: Option<Taking>,
    pub(super) breaker: Breaker,
    pub(super) share: Arc<Mutex<Share>>,
    pub(super) cipher: Option<Cipher>,
    /// Groups of the hot spool that are on their way back, and how many of its bytes they are.
    pub(super) draining: VecDeque<Vec<Spooled>>,
    pub(super) drained: u64,
    pub(super) folding: SyncSender<Folding>,
    pub(super) queued: Arc<AtomicUsize>,
    pub(super) state: Arc<Mutex<State>>,
}

impl Writer {
    /// Takes what waits until nobody can send any more.
    pub(super) fn run(mut self, jobs: &Receiver<Work>) {
        loop {
            let patience = if self.draining.is_empty() { TICK } else { Duration::ZERO };
            match jobs.recv_timeout(patience) {
                Ok(first) => {
                    let (group, other) = gather(first, jobs);
                    let count = group.iter().map(|job| job.given.len()).sum::<usize>();
                    if !group.is_empty() {
                        self.group(group);
                    }
                    self.queued.fetch_sub(count, Ordering::Relaxed);
                    if let Some((levelling, reply)) = other {
                        // Who went away will level again.
                        let _ = reply.send(self.level(&levelling));
                    }
                    self.drain_hot();
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.drain_hot();
                    self.drain_cold();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.tell();
        }
    }

    /// Changes what a replica or its district has otherwise, and hands on what is to be folded.
    fn level(&mut self, levelling: &Levelling) -> Result<Levelled, Lent> {
        let mut levelled = self.lent(|taking, vault| taking.level(vault, levelling))?;
        let (events, anew) = (std::mem::take(&mut levelled.events), std::mem::take(&mut levelled.anew));
        self.hand_on(Folding { events, anew });
        Ok(levelled)
    }

    fn lag_ms(&self) -> u64 {
        let oldest = self.hot.as_ref().and_then(Spool::oldest_ms);
        oldest.map_or(0, |oldest| now_ms().saturating_sub(oldest))
    }

    fn tell(&self) {
        let bytes = |spool: &Option<Spool>| spool.as_ref().map_or(0, Spool::bytes);
        let mut state = locked(&self.state);
        state.spooled_bytes = [bytes(&self.hot), bytes(&self.cold)];
        state.lag_ms = self.lag_ms();
    }

    fn attend(&self, why: Option<String>) {
        let mut state = locked(&self.state);
        if let Some(why) = why.as_ref().filter(|why| state.attention.as_ref() != Some(why)) {
            tracing::warn!(why, "feeds do not enter the vault now");
        }
        state.attention = why;
    }

    fn group(&mut self, jobs: Vec<Job>) {
        // What was acknowledged before, and waits in a spool, still enters.
        let room = locked(&self.share).check(Instant::now());
        if let Err(over) = room {
            self.attend(Some(over.to_string()));
            for Job { given, reply } in jobs {
                locked(&self.state).over += given.len() as u64;
                let _ = reply.send(Err(Busy::Over));
            }
            return;
        }
        // Without the spools' key nothing can wait there: everything enters at once.
        let lags = self.lag_ms() > LAG_MS && self.cipher.is_some();
        let (mut all, mut waiting, mut parts) = (Vec::new(), Vec::new(), Vec::with_capacity(jobs.len()));
        for Job { given, reply } in jobs {
            let count = given.len();
            let (wait, now): (Vec<Given>, Vec<Given>) =
                given.into_iter().partition(|given| lags && self.cold.is_some() && may_wait(given));
            parts.push((now.len(), wait.len(), count, reply));
            all.extend(now);
            waiting.extend(wait);
        }
        if !waiting.is_empty() {
            // A full spool refuses before anything is acknowledged.
            match self.push(Which::Cold, &waiting) {
                Ok(()) => {}
                Err(why) => {
                    self.attend(Some(why.to_string()));
                    for (.., reply) in parts {
                        let _ = reply.send(Err(Busy::Full));
                    }
                    return;
                }
            }
        }
        match self.take(&all) {
            Ok(taken) => {
                self.attend(None);
                let mut fates = taken.fates.iter();
                for (now, wait, _, reply) in parts {
                    let mut summary = Summary { spooled: wait, ..Summary::default() };
                    for fate in fates.by_ref().take(now) {
                        match fate {
                            Fate::New => summary.new += 1,
                            Fate::Known => summary.known += 1,
                            Fate::Letter(_) => summary.dead_letters += 1,
                        }
                    }
                    // Who went away will send it again, and it is there already.
                    let _ = reply.send(Ok(summary));
                }
                self.hand_on(Folding { events: taken.events, anew: Vec::new() });
            }
            Err(why) => {
                self.attend(Some(why.to_string()));
                let pushed = self.push(Which::Hot, &all);
                for (_, _, count, reply) in parts {
                    let answer = match &pushed {
                        Ok(()) => Ok(Summary { spooled: count, ..Summary::default() }),
                        Err(Unspooled::NoSpool | Unspooled::NoKey) => Err(Busy::Closed),
                        Err(Unspooled::Spool(_)) => Err(Busy::Full),
                    };
                    let _ = reply.send(answer);
                }
            }
        }
    }

    /// Takes a group into the vault; repeats what fails, and leaves a vault alone that fails again and again.
    fn take(&mut self, group: &[Given]) -> Result<Taken, Lent> {
        for repetition in 0.. {
            if let Some(left) = self.breaker.rests(Instant::now()) {
                let seconds = left.as_secs() + 1;
                let why = format!("it failed {FAILURES} times in a row, and is tried again in {seconds} s");
                return Err(Closed(why).into());
            }
            match self.take_once(group) {
                Ok(taken) => {
                    self.breaker.succeeded();
                    return Ok(taken);
                }
                Err(Lent::Vault(why)) => {
                    self.breaker.failed(Instant::now());
                    if repetition == RETRIES {
                        return Err(why.into());
                    }
                    std::thread::sleep(wait(repetition));
                }
                Err(closed) => return Err(closed),
            }
        }
        Err(Closed("it was not asked for".into()).into())
    }

    fn take_once(&mut self, group: &[Given]) -> Result<Taken, Lent> {
        let messages = group.len() as u64;
        let span = tracing::debug_span!(target: "aula_trace", "batch", messages);
        span.in_scope(|| self.lent(|taking, vault| taking.take(vault, group)))
    }

    /// Calls with the open vault and what is held ready for it.
    fn lent<T>(
        &mut self,
        call: impl FnOnce(&mut Taking, &Vault) -> Result<T, VaultError>,
    ) -> Result<T, Lent> {
        let (taking, cipher) = (&mut self.taking, &mut self.cipher);
        lent(&*self.door, |vault| {
            let mut ready = match taking.take().filter(|taking| taking.is_of(vault)) {
                Some(ready) => ready,
                None => {
                    let key = vault.keystore().district_key("feed-spool")?;
                    *cipher = Some(Cipher::new(&key));
                    Taking::new(vault)?
                }
            };
            let given = call(&mut ready, vault);
            *taking = Some(ready);
            given
        })
    }

    fn hand_on(&self, folding: Folding) {
        let nothing = folding.events.is_empty() && folding.anew.is_empty();
        if !nothing && self.folding.send(folding).is_err() {
            tracing::error!("twins are folded no longer; the events are in the vault");
        }
    }

    fn push(&mut self, which: Which, group: &[Given]) -> Result<(), Unspooled> {
        let cipher = self.cipher.as_ref().ok_or(Unspooled::NoKey)?;
        let spool = match which {
            Which::Hot => self.hot.as_mut(),
            Which::Cold => self.cold.as_mut(),
        };
        let spool = spool.ok_or(Unspooled::NoSpool)?;
        let spooled: Vec<Spooled> = group.iter().map(spooled).collect();
        Ok(spool.push(cipher, &spooled)?)
    }

    /// One group of the hot spool back into the vault; the file is emptied after the last.
    fn drain_hot(&mut self) {
        if self.hot.as_ref().is_none_or(Spool::is_empty) {
            return;
        }
        if self.draining.is_empty() {
            let Some(cipher) = self.cipher_or_open() else { return };
            self.cipher = Some(cipher);
            let Some(cipher) = self.cipher.as_ref() else { return };
            match hot_records(self.hot.as_ref(), cipher) {
                Ok(records) => {
                    self.drained = self.hot.as_ref().map_or(0, Spool::bytes);
                    self.draining = records.into();
                }
                Err(error) => return self.attend(Some(error.to_string())),
            }
        }
        for _ in 0..AT_ONCE {
            let Some(group) = self.draining.pop_front() else { break };
            let taken = self.read(&group).and_then(|given| self.take(&given).map_err(|why| why.to_string()));
            match taken {
                Ok(taken) => self.hand_on(Folding { events: taken.events, anew: Vec::new() }),
                Err(why) => {
                    self.draining.push_front(group);
                    return self.attend(Some(why));
                }
            }
        }
        if !self.draining.is_empty() {
            return;
        }
        self.attend(None);
        // What was pushed meanwhile stays: all of it is read again then, and what is known is known.
        if let Some(hot) = self.hot.as_mut().filter(|hot| hot.bytes() == self.drained)
            && let Err(error) = hot.clear()
        {
            self.attend(Some(error.to_string()));
        }
    }

    /// Everything in the cold spool into the vault, when nothing else waits.
    fn drain_cold(&mut self) {
        let idle = self.hot.as_ref().is_none_or(Spool::is_empty);
        if !idle || self.cold.as_ref().is_none_or(Spool::is_empty) {
            return;
        }
        let Some(cipher) = self.cipher_or_open() else { return };
        let records = hot_records(self.cold.as_ref(), &cipher);
        self.cipher = Some(cipher);
        let records = match records {
            Ok(records) => records,
            Err(error) => return self.attend(Some(error.to_string())),
        };
        for group in records {
            let taken = self.read(&group).and_then(|given| {
                let taken = self.take(&given).map_err(|why| why.to_string())?;
                if let Some(taking) = &mut self.taking {
                    given.iter().for_each(|given| taking.count_deferred(given));
                }
                Ok(taken)
            });
            match taken {
                Ok(taken) => self.hand_on(Folding { events: taken.events, anew: Vec::new() }),
                Err(why) => return self.attend(Some(why)),
            }
        }
        if let Some(Err(error)) = self.cold.as_mut().map(Spool::clear) {
            self.attend(Some(error.to_string()));
        }
    }

    /// The spools' key: held, or asked of the vault once it is open.
    fn cipher_or_open(&mut self) -> Option<Cipher> {
        if self.cipher.is_none()
            && let Err(why) = self.take(&[])
        {
            self.attend(Some(why.to_string()));
        }
        self.cipher.take()
    }

    /// Reads a group again; an error when config.toml no longer has its feed, so that nothing of it is lost.
    fn read(&self, group: &[Spooled]) -> Result<Vec<Given>, String> {
        let mut all = Vec::with_capacity(group.len());
        for spooled in group {
            let feed = self.feeds.get(&spooled.feed).ok_or_else(|| {
                format!("the spool has messages of the feed {}: put it back into config.toml", spooled.feed)
            })?;
            let (raw, sender) = (Bytes::copy_from_slice(&spooled.raw), Arc::from(spooled.sender.as_str()));
            all.extend(Given::read(feed, spooled.form, raw, (&sender, spooled.number), spooled.received_ms));
        }
        Ok(all)
    }
}

/// What a replica asks for, and who is told what became of it.
type Asked = (Levelling, oneshot::Sender<Result<Levelled, Lent>>);

/// What waits, up to a group, and what a replica asks for that ended it.
fn gather(first: Work, jobs: &Receiver<Work>) -> (Vec<Job>, Option<Asked>) {
    let (mut group, mut count, mut next) = (Vec::new(), 0, Some(first));
    while let Some(work) = next.take() {
        match work {
            Work::Messages(job) => {
                count += job.given.len();
                group.push(job);
            }
            Work::Levelling(levelling, reply) => return (group, Some((levelling, reply))),
        }
        if count < MAX_GROUP {
            next = jobs.try_recv().ok();
        }
    }
    (group, None)
}

fn hot_records(spool: Option<&Spool>, cipher: &Cipher) -> Result<Vec<Vec<Spooled>>, SpoolError> {
    spool.map_or(Ok(Vec::new()), |spool| spool.records(cipher))
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Hot,
    Cold,
}

#[derive(Debug, thiserror::Error)]
enum Unspooled {
    #[error("there is no spool")]
    NoSpool,
    #[error("the spool's key is in the vault, which was not open yet")]
    NoKey,
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

fn may_wait(given: &Given) -> bool {
    match &given.message {
        Ok(message) => Kind::of(&message.what).is_some_and(Kind::may_wait),
        Err(refusal) => refusal.reason != Reason::Refused,
    }
}

pub(super) fn spooled(given: &Given) -> Spooled {
    Spooled {
        feed: given.feed.name.clone(),
        form: given.form,
        raw: given.raw.to_vec(),
        sender: given.sender.to_string(),
        number: given.number,
        received_ms: given.received_ms,
    }
}
