//! The scheduler: everything that happens, one thing after another, in simulated time.
//!
//! Flow: the next event in time → a machine hears, wakes, starts or stops, or something breaks or heals → its node does what
//! is due → what it sends becomes deliveries later. Events at the same time keep the order in which they were made, and
//! every draw is from a stream of the seed, so a plan gives one history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aula_consensus::bare::Output;
use aula_consensus::signing::Remembered;
use aula_consensus::{Event as NodeEvent, FatalError};
use aula_ledger::protocol::Protocol;
use aula_ledger::types::Height;

use self::members::Members;
use self::progress::PROGRESS_MS;
use self::sending::Copied;
use crate::chance::Chance;
use crate::charges;
use crate::checks::Checks;
use crate::clients::Clients;
use crate::consortium::{Consortium, ConsortiumError, validator_address};
use crate::deviant::Deviant;
use crate::machine::{Machine, NotStarted, Now};
use crate::measure::{Measure, Measured, WARM_UP};
use crate::network::Ways;
use crate::plan::{DOWN_MS, MOST_NODES, Plan, Way};
use crate::report::Report;
use crate::trace::Trace;

mod accused;
mod breaking;
mod charging;
mod members;
mod progress;
mod sending;
mod upgrade;

/// How long an operator takes to look a height up and confirm it.
const OPERATOR_MS: u64 = 5_000;
/// How often a twin's halves are seen by others, in milliseconds at most.
const TWINS_MS: u64 = 4_000;
/// Who has had a message: a bit for each machine, the second halves of twins included, and every member may be one.
type Seen = [u64; 7];
const _: () = assert!(7 * 64 >= 2 * MOST_NODES as usize, "a machine without a bit");
/// For how long a measured chain may stand still at least, and how many times as long as its longest height so far, or as a block
/// takes to be built, sent to everybody and executed: what is slow is not said to stand still.
const STILL_MS: u64 = 120_000;
const STILL_TIMES: u64 = 4;
/// How often memory is looked at.
const LOOK_MS: u64 = 5_000;

/// Why a simulation does not begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The consortium cannot be made.
    #[error(transparent)]
    Consortium(#[from] ConsortiumError),
    /// A machine cannot be set up.
    #[error("a machine cannot be set up: {0}")]
    Machine(String),
}

impl From<NotStarted> for BeginError {
    fn from(why: NotStarted) -> Self {
        Self::Machine(match why {
            NotStarted::Outdated => "its program does not know the genesis's protocol".into(),
            NotStarted::Failed(why) => why,
        })
    }
}

enum Event {
    Deliver(Copied),
    Read(Copied),
    Take(Copied),
    Wake(usize),
    Start(usize),
    Begin(usize),
    End(usize),
    Confirm(usize),
    Transactions,
    Twins,
    Upgrade,
    Members,
    Look,
    Healed,
    FirstBlock(u64),
    Judge,
}

/// A simulation under way.
pub struct World {
    plan: Plan,
    consortium: Consortium,
    machines: Vec<Machine>,
    deviants: BTreeMap<u8, Deviant>,
    /// Which half of a twin each other member sees; 2 is both.
    twins: BTreeMap<(u8, u8), u64>,
    ways: Ways,
    active: BTreeSet<usize>,
    queue: BTreeMap<(u64, u64), Event>,
    made: u64,
    now: Now,
    checks: Checks,
    clients: Clients,
    trace: Trace,
    counts: BTreeMap<String, u64>,
    network: Chance,
    disks: Chance,
    lies: Chance,
    /// Who has had a message that was sent to all, by its number.
    seen: BTreeMap<u64, Seen>,
    messages: u64,
    /// When everything was healed, and how high the chain was.
    healed: Option<(u64, u64)>,
    /// Since when a quorum is back after that, and how high the chain was.
    quorum: Option<(u64, u64)>,
    first_block_ms: Option<u64>,
    level_after_ms: Option<u64>,
    /// Everybody had the time to be level.
    judged: bool,
    /// Whose disk is full, and until when its process may still fail for that, in microseconds.
    refused: BTreeMap<usize, u64>,
    /// The first height of the next protocol, once it was proposed.
    switch_at: Option<Height>,
    /// How far the planned changes of members are.
    members: Members,
    /// Each member's neighbours, where costs are charged.
    mesh: Vec<BTreeSet<usize>>,
    /// What is measured, in a run that is.
    measure: Option<Measure>,
}

impl World {
    /// A world that begins as planned.
    ///
    /// # Errors
    /// [`BeginError`].
    pub fn new(plan: Plan) -> Result<Self, BeginError> {
        let protocol = plan.upgrade.as_ref().map_or(Protocol::NEWEST, |_| Protocol::FIRST);
        let founders = plan.membership.as_ref().map_or(plan.nodes, |membership| membership.founders);
        let consortium = Consortium::new(founders, protocol)?;
        let (now, remembered) = (Now::default(), Arc::new(Remembered::default()));
        let deviant = |member: u8| plan.deviants.iter().find(|one| one.member == member);
        let is_twin = |member: u8| deviant(member).is_some_and(|one| one.ways.contains(&Way::Twin));
        let halves = (0..plan.nodes).filter(|member| is_twin(*member));
        let mut machines = Vec::new();
        for member in (0..plan.nodes).chain(halves) {
            let is_correct = deviant(member).is_none();
            let mut machine = Machine::new(member, is_correct, Arc::clone(&now), Arc::clone(&remembered))?;
            machine.is_old = plan.upgrade.as_ref().is_some_and(|upgrade| upgrade.older.contains(&member));
            machines.push(machine);
        }
        let (genesis, nodes) = (consortium.genesis, plan.nodes);
        let deviants =
            plan.deviants.iter().map(|one| (one.member, Deviant::new(one, genesis, nodes))).collect();
        let mut world = Self {
            checks: Checks::new(
                genesis,
                consortium.tip.time_ms,
                (0..founders).map(validator_address).collect(),
            ),
            clients: Clients::new(plan.seed),
            network: Chance::of(plan.seed, "network"),
            disks: Chance::of(plan.seed, "disks"),
            lies: Chance::of(plan.seed, "lies"),
            plan,
            consortium,
            machines,
            deviants,
            twins: BTreeMap::new(),
            ways: Ways::default(),
            active: BTreeSet::new(),
            queue: BTreeMap::new(),
            made: 0,
            now,
            trace: Trace::default(),
            counts: BTreeMap::new(),
            seen: BTreeMap::new(),
            messages: 0,
            healed: None,
            quorum: None,
            first_block_ms: None,
            level_after_ms: None,
            judged: false,
            refused: BTreeMap::new(),
            switch_at: None,
            members: Members::default(),
            mesh: Vec::new(),
            measure: None,
        };
        if let Some(charged) = world.plan.charges {
            world.mesh = charges::mesh(nodes, charged.mesh, &mut Chance::of(world.plan.seed, "mesh"));
            for machine in &mut world.machines {
                machine.disk.set_sync_us(charged.sync_us);
                machine.is_loaded = charged.records > 0;
            }
        }
        world.prepare();
        Ok(world)
    }

    fn prepare(&mut self) {
        for at in 0..self.machines.len() {
            let first = self.network.below(500_000);
            self.later(first, Event::Start(at));
        }
        for (at, fault) in self.plan.faults.clone().iter().enumerate() {
            self.later(fault.at_ms * 1_000, Event::Begin(at));
            self.later((fault.at_ms + fault.what.for_ms()) * 1_000, Event::End(at));
        }
        if self.plan.transaction_every_ms > 0 {
            self.later(self.plan.transaction_every_ms * 1_000, Event::Transactions);
        }
        if let Some(upgrade) = &self.plan.upgrade {
            let at_us = upgrade.at_ms * 1_000;
            self.later(at_us, Event::Upgrade);
        }
        self.plan_next_change();
        if self.plan.deviants.iter().any(|one| one.ways.contains(&Way::Twin)) {
            self.later(0, Event::Twins);
        }
        self.later(LOOK_MS * 1_000, Event::Look);
        let healed_us = self.plan.healed_at * 1_000_000;
        self.later(healed_us, Event::Healed);
        self.later(healed_us + PROGRESS_MS * 1_000, Event::Judge);
    }

    /// Runs to the end of the plan, or until all have gone on where it ends with that.
    pub fn run(mut self) -> Report {
        let end = self.plan.seconds * 1_000_000;
        while let Some(((at, _), event)) = self.queue.pop_first() {
            if at > end || self.checks.count() > 0 || self.ends_level() {
                break;
            }
            self.happens_at(at, event);
        }
        self.report()
    }

    /// Runs until every member has decided so many heights beyond the first few, or to the first violation.
    pub fn measure(mut self, heights: u64) -> (Report, Option<Measured>) {
        self.measure = Some(Measure::new(self.plan.nodes, WARM_UP + heights));
        // A chain that stands still for this long will not go on by itself: what was measured until then is told.
        let charges = self.plan.charges.unwrap_or_default();
        let a_block_us = charges.block_us(self.plan.nodes);
        let (mut reached, mut reached_us, mut longest_us) = (0, 0, a_block_us);
        let mut until = still_us(longest_us);
        while let Some(((at, _), event)) = self.queue.pop_first() {
            let is_over = self.measure.as_ref().is_some_and(Measure::is_over);
            if is_over || at > until || self.checks.count() > 0 {
                break;
            }
            self.happens_at(at, event);
            if self.checks.height() > reached {
                longest_us = longest_us.max(at - reached_us);
                (reached, reached_us) = (self.checks.height(), at);
                until = at + still_us(longest_us);
            }
        }
        let now_us = self.now_us();
        let measured = self.measure.take().and_then(|measure| measure.finish(now_us, &charges));
        (self.report(), measured)
    }

    fn report(mut self) -> Report {
        let progress_judged = self.judged || self.ends_level();
        for machine in &self.machines {
            for (what, count) in machine.disk.counts() {
                *self.counts.entry(what.to_owned()).or_default() += count;
            }
        }
        for deviant in self.deviants.values() {
            for (what, count) in deviant.told() {
                let what = what.strip_prefix("lie-").unwrap_or(what);
                *self.counts.entry(format!("lie {what}")).or_default() += count;
            }
        }
        let seen = [
            ("switches of the protocol", self.checks.switches()),
            ("late precommits for nil", self.checks.late_nils()),
        ];
        for (what, count) in seen.into_iter().filter(|(_, count)| *count > 0) {
            self.counts.insert(what.to_owned(), count);
        }
        let simulated_us = self.now.load(Ordering::Relaxed);
        Report {
            seed: self.plan.seed,
            hours: self.plan.seconds as f64 / 3_600.0,
            heights: self.checks.height(),
            faults: self.counts,
            progress_judged,
            violations: self.checks.violations(),
            events: self.trace.entries(),
            trace_sha256: self.trace.finish(),
            nodes: self.plan.nodes,
            simulated_ms: simulated_us / 1_000,
            first_block_ms: self.first_block_ms,
            level_after_ms: self.level_after_ms,
        }
    }

    fn now_us(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    fn later(&mut self, at_us: u64, event: Event) {
        self.made += 1;
        self.queue.insert((at_us, self.made), event);
    }

    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    fn happens_at(&mut self, at_us: u64, event: Event) {
        self.now.store(at_us, Ordering::Relaxed);
        self.checks.set_time(at_us / 1_000);
        self.happens(event);
    }

    fn happens(&mut self, event: Event) {
        let now = self.now_us();
        match event {
            Event::Deliver(copy) => {
                if self.plan.charges.is_some() {
                    return self.arrives(copy);
                }
                let machine = &self.machines[copy.to];
                if machine.busy_us > now && machine.node.is_some() {
                    return self.later(machine.busy_us, Event::Deliver(copy));
                }
                self.deliver(&copy);
            }
            Event::Read(copy) => self.reads(copy),
            Event::Take(copy) => self.takes(&copy),
            Event::Wake(at) => {
                if self.machines[at].wakes_us != Some(now) {
                    return;
                }
                self.machines[at].wakes_us = None;
                self.work(at);
            }
            Event::Start(at) => self.start(at),
            Event::Begin(fault) => self.begin(fault),
            Event::End(fault) => self.end(fault),
            Event::Confirm(at) => {
                self.stop(at);
                self.machines[at].confirmed = Some(Height(self.checks.height() + 2));
                self.count("confirmed heights");
                self.start(at);
            }
            Event::Transactions => {
                self.submit();
                self.later(now + self.plan.transaction_every_ms * 1_000, Event::Transactions);
            }
            Event::Twins => {
                self.deal_twins();
                let next = now + (500 + self.lies.below(TWINS_MS)) * 1_000;
                self.later(next, Event::Twins);
            }
            Event::Upgrade => self.vote_for_upgrade(),
            Event::Members => self.change_members(),
            Event::Look => {
                for machine in self.machines.iter().filter(|machine| machine.is_correct) {
                    if let Some(node) = &machine.node {
                        self.checks.holds(machine.member, &node.holds(), node.waiting());
                    }
                    if let Some(store) = &machine.store {
                        self.checks.keeps(machine.member, store.most_undecided(), machine.sessions);
                    }
                }
                self.later(now + LOOK_MS * 1_000, Event::Look);
            }
            Event::Healed => self.healed(),
            Event::FirstBlock(since) => self.judge_first_block(since),
            Event::Judge => self.judge(),
        }
    }

    /// Whether two machines have to do with each other at all.
    fn sees(&self, one: usize, other: usize) -> bool {
        let (a, b) = (self.machines[one].member, self.machines[other].member);
        if a == b {
            return false;
        }
        let shown = |half: usize, member: u8, to: u8| {
            let which = self.twins.get(&(member, to)).copied().unwrap_or(2);
            let is_second = half >= usize::from(self.plan.nodes);
            which == 2 || (which == 1) == is_second
        };
        shown(one, a, b) && shown(other, b, a)
    }

    fn deal_twins(&mut self) {
        for half in usize::from(self.plan.nodes)..self.machines.len() {
            let member = self.machines[half].member;
            for other in 0..self.plan.nodes {
                self.twins.insert((member, other), self.lies.below(3));
            }
            self.count("lie twin");
        }
    }

    fn start(&mut self, at: usize) {
        if self.machines[at].node.is_some() {
            return;
        }
        let (now, seed) = (self.now_us(), self.plan.seed);
        let started = self.machines[at].start(&self.consortium, seed);
        if let Err(NotStarted::Outdated) = started {
            return self.outdated(at);
        }
        if let Err(NotStarted::Failed(why)) = started {
            let member = self.machines[at].member;
            if self.machines[at].counts() && !self.is_refused(at) {
                self.checks.violated("starts", format!("member {member} does not start: {why}"));
            }
            self.count("failed starts");
            return self.later(now + DOWN_MS * 1_000, Event::Start(at));
        }
        self.trace.note(now, at, "start", &[]);
        let machine = &self.machines[at];
        if machine.counts()
            && let Some(store) = &machine.store
        {
            self.checks.back(machine.member, machine.decided, store);
        }
        for other in 0..self.machines.len() {
            if self.machines[other].member == self.machines[at].member {
                continue;
            }
            let (own, peer) = (self.machines[at].peer, self.machines[other].peer);
            if let Some(node) = &mut self.machines[other].node {
                node.connect(own);
                if let Some(node) = &mut self.machines[at].node {
                    node.connect(peer);
                }
                self.wake_at(other, now);
            }
        }
        self.work(at);
    }

    fn stop(&mut self, at: usize) {
        if self.machines[at].node.is_none() {
            return;
        }
        let now = self.now_us();
        self.trace.note(now, at, "stop", &[]);
        self.machines[at].stop();
        self.note_quorum();
        let (own, member) = (self.machines[at].peer, self.machines[at].member);
        for other in 0..self.machines.len() {
            if self.machines[other].member != member
                && let Some(node) = &mut self.machines[other].node
            {
                node.disconnect(own);
                self.wake_at(other, now);
            }
        }
    }

    fn wake_at(&mut self, at: usize, when_us: u64) {
        let when = when_us.max(self.machines[at].busy_us).max(self.now_us());
        if self.machines[at].wakes_us.is_none_or(|known| when < known) {
            self.machines[at].wakes_us = Some(when);
            self.later(when, Event::Wake(at));
        }
    }

    /// Lets a node do what is due, and takes what it says.
    fn work(&mut self, at: usize) {
        let now = self.now_us();
        let Some(node) = &mut self.machines[at].node else { return };
        let outputs = node.run(Duration::from_micros(now));
        let faults = node.take_faults();
        if faults > 0 {
            *self.counts.entry("answers refused".to_owned()).or_default() += faults;
        }
        let busy_us = self.writes(at, now);
        for output in outputs {
            match output {
                Output::Send(to, message) => self.sends(at, to, message, busy_us),
                Output::Event(event) => self.tells(at, &event),
                Output::Stopped(fatal) => return self.gives_up(at, &fatal),
            }
        }
        if let Some(wakes) = self.machines[at].node.as_ref().and_then(|node| node.wakes_at()) {
            let wakes_us = u64::try_from(wakes.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX);
            // Something that is due and was not done is looked at again a moment later.
            self.wake_at(at, if wakes_us <= now { now + 1_000 } else { wakes_us });
        }
        self.note_quorum();
    }

    /// How long from now until a machine's disk has what its node has just written: what it says waits for that.
    fn writes(&mut self, at: usize, now: u64) -> u64 {
        let took_us = self.machines[at].disk.take_busy_us();
        // Where costs are charged the engine takes messages while the disk is still at the write before: this one begins after it.
        let is_charged = self.plan.charges.is_some();
        let begins_us = if is_charged { self.machines[at].busy_us.max(now) } else { now };
        self.machines[at].busy_us = begins_us + took_us;
        if took_us == 0 { 0 } else { begins_us + took_us - now }
    }

    fn tells(&mut self, at: usize, event: &NodeEvent) {
        let (now, member) = (self.now_us(), self.machines[at].member);
        tracing::info!(at_ms = now / 1_000, member, ?event);
        match event {
            NodeEvent::Decided { height, hash, .. } => {
                self.trace.note(now, at, "decided", &hash.0);
                self.machines[at].decided = height.0;
                self.machines[at].decided_us = now;
                self.machines[at].sessions = 1;
                if let (Some(measure), Some(store)) = (&mut self.measure, &self.machines[at].store) {
                    measure.decided(usize::from(member), height.0, now, store);
                }
                let machine = &self.machines[at];
                if machine.counts()
                    && let Some(store) = &machine.store
                {
                    self.checks.decided(member, height.0, *hash, store);
                    self.clients.decided(height.0, store);
                    self.note_progress(now);
                }
            }
            NodeEvent::Started(_) => self.machines[at].sessions += 1,
            NodeEvent::WalDamaged(_) => self.count("damaged logs"),
            NodeEvent::GuardLost(_) if self.machines[at].confirmed.is_none() => {
                self.count("guards lost");
                if self.machines[at].starts > 0 && !self.was_confirmed(at) {
                    self.later(now + OPERATOR_MS * 1_000, Event::Confirm(at));
                }
            }
            NodeEvent::CannotFollow { height, why } if self.machines[at].counts() => {
                self.checks
                    .violated("agreement", format!("member {member} cannot follow at {height}: {why}"));
            }
            NodeEvent::Equivocation { validator, evidence, .. } => {
                self.count("equivocations seen");
                self.accused(*validator, evidence.as_deref());
            }
            _ => {}
        }
    }

    /// Whether the process was started with an operator's word: its guard is new then.
    fn was_confirmed(&self, at: usize) -> bool {
        self.machines[at].node.as_ref().is_some_and(|node| node.is_confirmed())
    }

    fn gives_up(&mut self, at: usize, fatal: &FatalError) {
        if matches!(fatal, FatalError::Outdated(_)) {
            return self.outdated(at);
        }
        let (now, machine) = (self.now_us(), &self.machines[at]);
        if machine.counts() && !self.is_refused(at) {
            let member = machine.member;
            self.checks.violated("goes on", format!("member {member} stops by itself: {fatal}"));
        }
        self.count("stopped by themselves");
        self.stop(at);
        self.later(now + DOWN_MS * 1_000, Event::Start(at));
    }

    fn submit(&mut self) {
        let running: Vec<usize> = (0..self.machines.len())
            .filter(|at| self.machines[*at].is_correct && self.machines[*at].node.is_some())
            .collect();
        let now = self.now_us();
        for (bytes, choice) in self.clients.due(now / 1_000, &self.consortium) {
            self.checks.submitted(&bytes);
            let Some(at) = running.get(usize::try_from(choice).unwrap_or(0) % running.len().max(1)).copied()
            else {
                continue;
            };
            if let Some(node) = &mut self.machines[at].node
                && node.submit(bytes).is_err()
            {
                self.count("refused transactions");
            }
            self.work(at);
        }
    }
}

/// How long a chain whose longest height took so long may stand still, in microseconds.
fn still_us(longest_us: u64) -> u64 {
    (STILL_MS * 1_000).max(longest_us * STILL_TIMES)
}

#[cfg(test)]
mod tests {
    use aula_consensus::ports::Disk as _;

    use super::*;
    use crate::charges::Charges;

    #[test]
    fn a_slow_chain_is_waited_for_longer_than_a_usual_one() {
        let usual = Charges::default();
        assert_eq!(still_us(usual.block_us(200)), 120_000_000);
        let slow = Charges { records: 20_000, line_mbit: 10, ..usual };
        // 20,000 records of 184 bytes are three seconds of such a line, and as many copies leave one after another.
        assert!(still_us(slow.block_us(42)) > 4 * 41 * 2_900_000, "{}", slow.block_us(42));
        assert_eq!(still_us(60_000_000), 240_000_000);
    }

    #[test]
    fn blocks_in_parts_and_unjudged_ones_are_among_what_a_node_holds() {
        let mut world = World::new(crate::generate::plan(1, 4, 120)).unwrap();
        let mut most = BTreeMap::<&str, usize>::new();
        while world.checks.height() < 5 {
            let ((at, _), event) = world.queue.pop_first().unwrap();
            world.happens_at(at, event);
            let nodes = world.machines.iter().filter_map(|machine| machine.node.as_ref());
            for (what, size) in nodes.flat_map(|node| node.holds()) {
                let known = most.entry(what).or_default();
                *known = size.max(*known);
            }
        }
        assert!(most["assembly bytes"] > 0 && most["unjudged blocks"] > 0, "{most:?}");
    }

    #[test]
    fn a_write_begins_when_the_one_before_is_done_where_costs_are_charged() {
        let plan = crate::measure::plan(1, 4, Charges::default());
        let free = Plan { charges: None, ..plan.clone() };
        for (plan, nothing_us, done_us) in [(plan, 9_000, 12_000), (free, 1_000, 4_000)] {
            let mut world = World::new(plan).unwrap();
            let _ = world.machines[0].disk.take_busy_us();
            world.machines[0].busy_us = 9_000;
            // Nothing was written: nothing waits, and where it is charged the write before is not forgotten.
            assert_eq!((world.writes(0, 1_000), world.machines[0].busy_us), (0, nothing_us));
            world.machines[0].disk.set_sync_us(3_000);
            world.machines[0].disk.sync_folder_of(std::path::Path::new("wal")).unwrap();
            assert_eq!((world.writes(0, 1_000), world.machines[0].busy_us), (done_us - 1_000, done_us));
        }
    }
}
