//! Two of a pair under simulated clocks that differ and drift, a store that is slow, loses answers, does late what nobody waits for any more
//! and is cut off, a line between them that is cut, disks that are full, processes that stop for long and that die: seeded, so that a seed
//! that fails fails again. The lease is the real contender, the fence the real receiver.
//!
//! Held at every step: no two act at once, no epoch has two holders, a write of an older epoch is never taken; at the end, when all is
//! well again: every write that was acknowledged is with who acts, but those that an operator gave up when only the other one had them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::accept::Accepted;
use crate::contender::{Contender, Facts, Intent};
use crate::lease::{Kept, LeaseError, LeaseStore, Record, set_level};
use crate::permit::Permit;
use crate::receiver::{Caller, Own, Receiver};
use crate::wire::{Answer, Hello, Question, VERSION};

const LEASE_MS: u64 = 1_000;
/// Milliseconds of a step.
const STEP: u64 = 10;
/// Rates of clocks, in ten-thousandths, that are apart by as much as the lease allows: the holder stops after four fifths of what the other
/// waits, so that no clock may run faster than five fourths of the other.
const SLOWEST: u64 = 8_900;
const FASTEST: u64 = 11_125;

/// The store as it really is.
#[derive(Default)]
struct Truth(Mutex<Option<Kept>>, Mutex<BTreeMap<String, String>>);

impl LeaseStore for Truth {
    fn read(&self) -> Result<Option<Kept>, LeaseError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().map(|kept| kept.tag.as_str()) != over {
            return Ok(None);
        }
        let next = kept.as_ref().map_or(1, |kept| kept.tag.parse::<u64>().unwrap_or(0) + 1);
        *kept = Some(Kept { tag: next.to_string(), record: record.clone() });
        Ok(Some(next.to_string()))
    }

    fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError> {
        let mut owners = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(owners.entry(what.to_owned()).or_insert_with(|| owner.to_owned()).clone())
    }
}

/// The store as who gave up waiting for it knows it: what was put may come about later.
struct Silent<'a> {
    truth: &'a Truth,
    put: Mutex<Option<Late>>,
}

/// A put on its way: over which record, and what.
type Late = (Option<String>, Record);

impl LeaseStore for Silent<'_> {
    fn read(&self) -> Result<Option<Kept>, LeaseError> {
        self.truth.read()
    }

    fn put(&self, over: Option<&str>, record: &Record) -> Result<Option<String>, LeaseError> {
        let put = (over.map(str::to_owned), record.clone());
        *self.put.lock().unwrap_or_else(PoisonError::into_inner) = Some(put);
        Err(LeaseError("no answer in time".into()))
    }

    fn claim(&self, what: &str, owner: &str) -> Result<String, LeaseError> {
        self.truth.claim(what, owner)
    }
}

/// What a node asked the store, as it comes about.
enum Asked {
    Nothing { again: u64 },
    Read { effect: u64, back: u64, got: Option<Option<Kept>> },
    Put { effect: u64, back: u64, sent: u64, intent: Intent, got: Option<Option<String>> },
}

/// A write on its way.
struct Write {
    id: u64,
    epoch: u64,
    written: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Unknown,
    Alone,
    Level,
}

struct Node {
    name: &'static str,
    contender: Contender,
    receiver: Receiver,
    caller: Caller,
    /// The epoch it acts in, as its keeper knows.
    acting: Option<u64>,
    asked: Asked,
    mode: Mode,
    log: Vec<(u64, u64)>,
    write: Option<Write>,
    /// Its clock: rate in ten-thousandths, offset.
    clock: (u64, u64),
    /// Nothing of it runs before this true time; it is dead, or stands still.
    still_until: u64,
    dead: bool,
    /// When the other was heard last, by its own clock.
    heard: u64,
    store_cut_until: u64,
    /// Its disk takes nothing before this true time.
    full_until: u64,
    /// What its operator said, in a file, and the writes that were only with the other one then.
    accepted: Option<(Accepted, Vec<u64>)>,
}

impl Node {
    fn clock(&self, now: u64) -> u64 {
        now * self.clock.0 / 10_000 + self.clock.1
    }

    /// Until its next look: in its time, or when another's lease is over by its own clock.
    fn looks_in(&self, clock: u64) -> u64 {
        let free = self.contender.free_at().filter(|at| *at > clock);
        free.map_or(200, |at| ((at - clock) * 10_000 / self.clock.0 + 1).min(200))
    }

    /// What it would put over the record that it has just read.
    fn wants(&mut self, clock: u64) -> Option<Intent> {
        let floor = self.receiver.floor();
        let said = self.accepted.as_ref().map(|(said, _)| *said);
        // Of any other record it is taken back.
        if said != self.contender.in_question(floor) {
            self.accepted = None;
        }
        let facts = Facts {
            // Three checks of 500 ms, the first of which follows the end of its line.
            other_is_gone: clock.saturating_sub(self.heard) >= 1_000,
            has_vault: true,
            accepted_loss: self.accepted.as_ref().and(said),
            floor,
        };
        self.contender.wants(clock, facts)
    }

    fn acts(&self, now: u64) -> Option<u64> {
        let held = self.contender.acts(self.clock(now)).map(|(epoch, _)| epoch);
        held.filter(|epoch| self.acting == Some(*epoch))
    }

    fn own(name: &'static str, folder: &std::path::Path) -> Own {
        Own {
            name: name.into(),
            secret: "s".repeat(32),
            keys: Vec::new(),
            data: folder.join("vault"),
            roots: Vec::new(),
            folder: folder.to_owned(),
            lease_id: None,
            permit: Permit::at(folder),
        }
    }

    /// A process that begins anew: what is on disk is there, and nothing else.
    fn begin(&mut self, folder: &std::path::Path, now: u64) {
        self.contender = Contender::new(self.name, LEASE_MS);
        self.receiver = Receiver::of(Self::own(self.name, folder)).expect("a folder");
        self.caller = Caller::default();
        self.heard = self.clock(now);
        (self.acting, self.mode, self.write) = (None, Mode::Unknown, None);
        self.asked = Asked::Nothing { again: now };
    }

    /// Whether the fence lets a write of this epoch through.
    fn takes(&mut self, epoch: u64) -> bool {
        let hello = Hello {
            version: VERSION,
            secret: "s".repeat(32),
            name: "the other".into(),
            epoch,
            keys: Vec::new(),
            pair: [0; 16],
            lease_id: None,
        };
        let floor = self.receiver.floor();
        let mut caller = std::mem::take(&mut self.caller);
        // A line that was begun earlier goes on, in its own epoch.
        if !caller.is_known() {
            self.receiver.answer(&mut caller, Question::Hello(hello));
        }
        let answer = self.receiver.answer(&mut caller, Question::Batches(epoch, Vec::new()));
        self.caller = caller;
        // Past the fence there is no vault in this test.
        let taken = matches!(&answer, Answer::Refused { code, .. } if code == "no_vault");
        assert!(!(taken && epoch < floor), "a write of epoch {epoch} was taken behind {floor}");
        taken
    }
}

struct World {
    random: StdRng,
    store: Truth,
    nodes: [Node; 2],
    folders: [tempfile::TempDir; 2],
    /// What comes about at these times although nobody waits for it.
    late: Vec<(u64, Late)>,
    line_cut_until: u64,
    now: u64,
    next_id: u64,
    acknowledged: Vec<u64>,
    /// Writes that were lost with an operator's word.
    given_up: BTreeSet<u64>,
    holders: BTreeMap<u64, &'static str>,
    switches: u64,
    faults: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        // Half of the seeds have them as far apart as they may be, one way and the other.
        let rates = match seed % 4 {
            0 => [SLOWEST, FASTEST],
            1 => [FASTEST, SLOWEST],
            _ => [(); 2].map(|()| random.gen_range(SLOWEST..=FASTEST)),
        };
        let mut node = |name: &'static str, folder: &tempfile::TempDir, rate: u64| Node {
            name,
            contender: Contender::new(name, LEASE_MS),
            receiver: Receiver::of(Node::own(name, folder.path())).expect("a folder"),
            caller: Caller::default(),
            acting: None,
            asked: Asked::Nothing { again: 0 },
            mode: Mode::Unknown,
            log: Vec::new(),
            write: None,
            clock: (rate, random.gen_range(0..1_000_000)),
            still_until: 0,
            dead: false,
            heard: 0,
            store_cut_until: 0,
            full_until: 0,
            accepted: None,
        };
        let nodes = [node("east.1", &folders[0], rates[0]), node("west.2", &folders[1], rates[1])];
        Self {
            random,
            store: Truth::default(),
            nodes,
            folders,
            late: Vec::new(),
            line_cut_until: 0,
            now: 0,
            next_id: 0,
            acknowledged: Vec::new(),
            given_up: BTreeSet::new(),
            holders: BTreeMap::new(),
            switches: 0,
            faults: true,
        }
    }

    fn chance(&mut self, of_a_million: u32) -> bool {
        self.random.gen_range(0..1_000_000) < of_a_million
    }

    fn step(&mut self) {
        self.now += STEP;
        if self.faults {
            self.break_something();
        }
        self.land();
        for i in 0..2 {
            if self.now < self.nodes[i].still_until {
                continue;
            }
            if self.nodes[i].dead {
                self.nodes[i].dead = false;
                let (now, folder) = (self.now, self.folders[i].path().to_owned());
                self.nodes[i].begin(&folder, now);
            }
            self.hear(i);
            self.keep(i);
            self.accept(i);
            self.write(i);
            self.level(i);
        }
        let acting = self.nodes.iter().filter(|node| node.acts(self.now).is_some()).count();
        assert!(acting < 2, "both act at {}", self.now);
    }

    fn break_something(&mut self) {
        for i in 0..2 {
            if self.chance(600) {
                let long = self.random.gen_range(10..6_000);
                self.nodes[i].still_until = self.now + long;
                self.nodes[i].dead = self.random.gen_bool(0.5);
            }
            if self.chance(500) {
                self.nodes[i].store_cut_until = self.now + self.random.gen_range(100..5_000);
            }
        }
        for node in &mut self.nodes {
            if self.random.gen_range(0..1_000_000) < 300 {
                node.full_until = self.now + self.random.gen_range(200..6_000);
            }
        }
        if self.chance(800) {
            self.line_cut_until = self.now + self.random.gen_range(100..8_000);
        }
    }

    /// Puts that nobody waits for come about.
    fn land(&mut self) {
        let now = self.now;
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = later;
        for (_, (over, record)) in due {
            self.store.put(over.as_deref(), &record).expect("it is memory");
        }
    }

    /// Lets a put come about soon, or long after.
    fn put_late(&mut self, put: Late) {
        let most = if self.random.gen_bool(0.5) { 150 } else { 4_000 };
        let at = self.now + self.random.gen_range(0..most);
        self.late.push((at, put));
    }

    /// Says in the record who is level beside a node; none where the store did not answer in time.
    fn say(&mut self, i: usize, epoch: u64, level: Option<&str>) -> Option<bool> {
        let own = (self.nodes[i].name, epoch);
        if !(self.faults && self.chance(200_000)) {
            return Some(set_level(&self.store, own, level).expect("it is memory"));
        }
        let silent = Silent { truth: &self.store, put: Mutex::default() };
        let said = set_level(&silent, own, level).ok();
        let put = silent.put.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(put) = put {
            self.put_late(put);
        }
        said
    }

    fn line_is_up(&self) -> bool {
        self.now >= self.line_cut_until
    }

    /// Checks of the other one, as far as they matter: when it was heard last.
    fn hear(&mut self, i: usize) {
        let other = &self.nodes[1 - i];
        let there = self.line_is_up() && !other.dead && self.now >= other.still_until;
        if there && other.acts(self.now).is_some() {
            self.nodes[i].heard = self.nodes[i].clock(self.now);
        }
    }

    /// What the keeper of a node does now.
    fn keep(&mut self, i: usize) {
        let now = self.now;
        let slow = self.faults;
        let delay = |random: &mut StdRng| {
            let most = if slow && random.gen_bool(0.05) { 1_500 } else { 60 };
            random.gen_range(0..=most)
        };
        let cut = now < self.nodes[i].store_cut_until;
        let full = now < self.nodes[i].full_until;
        let (one, two) = (delay(&mut self.random), delay(&mut self.random));
        let clock = self.nodes[i].clock(now);
        let node = &mut self.nodes[i];
        let asked = std::mem::replace(&mut node.asked, Asked::Nothing { again: now });
        node.asked = match asked {
            Asked::Nothing { again } if now < again => Asked::Nothing { again },
            Asked::Nothing { .. } => Asked::Read { effect: now + one, back: now + one + two, got: None },
            Asked::Read { effect, back, got: None } if now >= effect => {
                // A question that is cut off is asked again.
                let read = (!cut).then(|| self.store.read().expect("it is memory"));
                match read {
                    Some(read) => Asked::Read { effect, back, got: Some(read) },
                    None => Asked::Nothing { again: now + 200 },
                }
            }
            Asked::Read { back, got: Some(read), .. } if now >= back => {
                node.contender.observe(read, clock);
                let left = node.contender.leaves(node.acting.is_some()).filter(|_| full);
                if let Some(left) = left {
                    // It begins anew whatever becomes of it.
                    self.put_late((left.over, left.record));
                    return self.again(i);
                }
                match node.wants(clock).filter(|_| !full || node.contender.holds()) {
                    Some(intent) => Asked::Put {
                        effect: now + one,
                        back: now + one + two,
                        sent: clock,
                        intent,
                        got: None,
                    },
                    None => Asked::Nothing { again: now + node.looks_in(clock) },
                }
            }
            Asked::Put { effect, back, sent, intent, got: None } if now >= effect => match cut {
                true => Asked::Nothing { again: now + 200 },
                false => {
                    let tag = self.store.put(intent.over.as_deref(), &intent.record).expect("it is memory");
                    if tag.is_some() {
                        let before = self.holders.insert(intent.record.epoch, node.name);
                        assert!(before.is_none_or(|before| before == node.name), "two of one epoch");
                        self.switches += u64::from(before.is_none());
                        let lost = node.accepted.take().map(|(_, lost)| lost);
                        self.given_up.extend(lost.into_iter().flatten());
                    }
                    // The answer may be lost on its way.
                    match self.faults && self.random.gen_bool(0.01) {
                        true => Asked::Nothing { again: now + 800 },
                        false => Asked::Put { effect, back, sent, intent, got: Some(tag) },
                    }
                }
            },
            Asked::Put { back, sent, intent, got: Some(tag), .. } if now >= back => {
                node.contender.put(intent, sent, clock, tag);
                Asked::Nothing { again: now + 200 }
            }
            waiting => waiting,
        };
        self.turn(i, full);
    }

    /// What it does about the lease that it has, or has no longer.
    fn turn(&mut self, i: usize, full: bool) {
        let node = &mut self.nodes[i];
        let (held, acts) = (node.contender.holds(), node.contender.acts(node.clock(self.now)));
        match (node.acting, acts) {
            (None, Some((epoch, _))) if !full && node.receiver.act(epoch).is_ok() => {
                node.acting = Some(epoch)
            }
            (Some(own), Some((epoch, _))) if own != epoch => self.again(i),
            (Some(_), None) if !held => self.again(i),
            _ => {}
        }
    }

    /// Its operator accepts that what only the other one has is lost, where the command takes that: of what is so now, and of nothing later.
    fn accept(&mut self, i: usize) {
        let node = &self.nodes[i];
        let stands_by =
            |record: &Record| record.holder != node.name && record.level.as_deref() != Some(node.name);
        let taken =
            node.contender.record().is_some_and(stands_by) && node.contender.is_over(node.clock(self.now));
        let word = node.contender.in_question(node.receiver.floor());
        if !(self.faults && taken && self.chance(5_000)) {
            return;
        }
        let here: BTreeSet<u64> = self.nodes[i].log.iter().map(|(_, id)| *id).collect();
        let on_its_way = self.nodes[1 - i].write.as_ref().map(|write| write.id);
        let all = self.acknowledged.iter().copied().chain(on_its_way);
        let lost = all.filter(|id| !here.contains(id)).collect();
        self.nodes[i].accepted = word.map(|word| (word, lost));
    }

    fn again(&mut self, i: usize) {
        let (now, folder) = (self.now, self.folders[i].path().to_owned());
        self.nodes[i].begin(&folder, now);
    }

    fn store_is_up(&self, i: usize) -> bool {
        self.now >= self.nodes[i].store_cut_until
    }

    fn other_is_up(&self, i: usize) -> bool {
        let other = &self.nodes[1 - i];
        self.line_is_up() && !other.dead && self.now >= other.still_until.max(other.full_until)
    }

    /// The other one's log where this one's goes on from it, and the fence lets it through.
    fn copy(&mut self, i: usize, epoch: u64) -> bool {
        let theirs = self.nodes[1 - i].log.len();
        // No two writes are one: where the last one is the same, so are those before it.
        let last = theirs.checked_sub(1);
        let goes_on = last.is_none_or(|last| self.nodes[i].log.get(last) == self.nodes[1 - i].log.get(last));
        if !self.other_is_up(i) || !goes_on {
            return false;
        }
        if !self.nodes[1 - i].takes(epoch) {
            return false;
        }
        let more = self.nodes[i].log[theirs..].to_vec();
        self.nodes[1 - i].log.extend(more);
        true
    }

    /// A write of a node, a piece further: asked whether it may; on its disk; with the other or alone; acknowledged.
    fn write(&mut self, i: usize) {
        let now = self.now;
        let Some(mut write) = self.nodes[i].write.take() else {
            if let Some(epoch) = self.nodes[i].acts(now) {
                self.nodes[i].write = Some(Write { id: self.next_id, epoch, written: false });
                self.next_id += 1;
            }
            return;
        };
        if !write.written && now < self.nodes[i].full_until {
            return;
        }
        if !write.written {
            // Between the question and the disk it may have stood still for long.
            self.nodes[i].log.push((write.epoch, write.id));
            write.written = true;
        }
        let (epoch, name) = (write.epoch, self.nodes[i].name);
        if self.nodes[i].mode == Mode::Unknown {
            if !self.store_is_up(i) {
                self.nodes[i].write = self.nodes[i].acts(now).map(|_| write);
                return;
            }
            let record = self.store.read().expect("it is memory").map(|kept| kept.record);
            let Some(record) = record.filter(|record| record.holder == name && record.epoch == epoch) else {
                return;
            };
            // That nobody is level is put once more, below.
            if record.level.is_some() {
                self.nodes[i].mode = Mode::Level;
            }
        }
        if self.nodes[i].mode == Mode::Level && self.copy(i, epoch) {
            // Its answer may be lost.
            if !self.random.gen_bool(0.02) {
                self.acknowledged.push(write.id);
                return;
            }
        }
        if self.nodes[i].mode != Mode::Alone {
            if self.nodes[i].acts(now).is_none() {
                return;
            }
            let said = self.store_is_up(i).then(|| self.say(i, epoch, None)).flatten();
            match said {
                Some(true) => self.nodes[i].mode = Mode::Alone,
                Some(false) => return,
                None => {
                    self.nodes[i].write = Some(write);
                    return;
                }
            }
        }
        self.acknowledged.push(write.id);
    }

    /// The acting one brings the other level.
    fn level(&mut self, i: usize) {
        let now = self.now;
        if !self.chance(20_000) || self.nodes[i].mode != Mode::Alone || self.nodes[i].write.is_some() {
            return;
        }
        let Some(epoch) = self.nodes[i].acts(now) else { return };
        if !self.store_is_up(i) || !self.other_is_up(i) || !self.nodes[1 - i].takes(epoch) {
            return;
        }
        // A copy of the whole, where they parted.
        self.nodes[1 - i].log = self.nodes[i].log.clone();
        let other = self.nodes[1 - i].name;
        match self.say(i, epoch, Some(other)) {
            Some(true) => self.nodes[i].mode = Mode::Level,
            Some(false) => {}
            None => self.nodes[i].mode = Mode::Unknown,
        }
    }

    fn run(&mut self) {
        for _ in 0..12_000 {
            self.step();
        }
        self.faults = false;
        let before = self.acknowledged.len();
        for _ in 0..3_000 {
            self.step();
        }
        // Where another change got in the way of a renewal, nobody acts for the moment until the next one.
        for _ in 0..100 {
            if self.nodes.iter().any(|node| node.acts(self.now).is_some()) {
                break;
            }
            self.step();
        }
        let acting = self.nodes.iter().find(|node| node.acts(self.now).is_some()).expect("one acts");
        assert!(self.acknowledged.len() > before, "it goes on");
        let held: BTreeSet<u64> = acting.log.iter().map(|(_, id)| *id).collect();
        let kept = |id: &u64| held.contains(id) || self.given_up.contains(id);
        let lost: Vec<u64> = self.acknowledged.iter().copied().filter(|id| !kept(id)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert!(
            acting.log.windows(2).all(|pair| pair[0].0 <= pair[1].0),
            "an older epoch's write after a newer's"
        );
    }
}

#[test]
fn no_two_act_and_nothing_that_was_acknowledged_is_lost() {
    let (mut switches, mut acknowledged, mut given_up) = (0, 0, 0);
    for seed in 0..40 {
        let mut world = World::new(seed);
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run()));
        assert!(ran.is_ok(), "seed {seed}");
        switches += world.switches;
        acknowledged += world.acknowledged.len();
        given_up += world.given_up.len();
    }
    // The test would hold if nothing ever happened.
    assert!(switches > 150 && acknowledged > 60_000 && given_up > 0, "{switches} {acknowledged} {given_up}");
}

#[test]
fn the_clocks_that_are_tried_are_apart_by_all_that_the_lease_allows() {
    let rates = |seed| World::new(seed).nodes.map(|node| node.clock.0);
    assert_eq!((rates(0), rates(1)), ([SLOWEST, FASTEST], [FASTEST, SLOWEST]));
    assert_eq!(4 * FASTEST, 5 * SLOWEST);
}

#[test]
fn who_waits_less_than_the_lease_would_act_beside_the_holder() {
    // The test bites: a contender that counts the lease at half of what it is acts beside the other in some seed.
    let beside = (0..40).any(|seed| {
        let mut world = World::new(seed);
        world.nodes[1].clock.0 *= 3;
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.run()));
        std::panic::set_hook(quiet);
        ran.is_err()
    });
    assert!(beside);
}
