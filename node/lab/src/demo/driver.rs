//! The demo's driver: plays the consortium's members through four epochs, over HTTP alone.
//!
//! An epoch is one grade of the study: the funder funds it, an operator defines its two classes, the funder its
//! pools; districts anchor their students' states, record families' consents, and prove the need bands they are going to request
//! with; a round per class is opened, districts request, the validators' nodes share seeds by themselves; the rounds run. While a
//! round's windows pass, districts record which students completed the grade, one a block. Every step waits until the one before is
//! final.
//!
//! Invariants: a rejection anywhere ends the demo with the code in words; nothing is read from a node but what
//! its API tells everybody. Absent: the rules, which are [`super::rules`], and starting nodes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aula_api::PublicEvent;
use aula_api::event::RoundOpened;
use aula_api::paths;
use aula_api::registers::Rounds;
use aula_api::rounds::{DecisionView, OneRound};
use aula_client::Client;
use aula_client::sender::{Sender, Signed, submit, submit_all};
use aula_client::watch::{Final, Watcher};
use aula_district::cores::on_all_cores;
use aula_district::keep::anchors;
use aula_district::parameters::InForce;
use aula_district::requests::{Unproved, prove_all};
use aula_district::statements::{Ledger, NotStated};
use aula_home::Failure;
use aula_ledger::names::{Name, TextError, Title};
use aula_ledger::proof::money::Purse;
use aula_ledger::state::schema::Window;
use aula_ledger::tx::TransactionId;
use aula_ledger::tx::{
    Calendar, DefineClass, DefinePool, FundBudget, GrantBudget, OpenRound, RunRound, SubmitRequests,
};
use aula_ledger::types::{Cents, DistrictId, Height, KindId, PoolId, RoundId, SchoolYear, TimeMs};

use super::asks::batches;
use super::milestones::{Milestones, milestones};
use super::office::Office;
use super::rules::{self, Class, PoolPlan};
use super::star::{ComputerRatio, Grade, StudentYear};
use super::twins::{self, Anchored, Versions};
use crate::{defect, unkept};

mod families;

/// How long nothing more of a step may become final: many propose timeouts.
const STEP_LIMIT: Duration = Duration::from_secs(120);
/// Most states of one batch: about a megabyte of states, so that two share a block.
const BATCH: usize = 5_000;
/// Longest wait until a round's seed is drawn: its windows, and further attempts while a node is down.
const DRAW_LIMIT: Duration = Duration::from_secs(600);
/// The ledger's default equity weight, which the demo's genesis keeps.
const EQUITY: u32 = 73;
/// How long a class's calendar is open: a year.
const CALENDAR_MS: u64 = 365 * 24 * 3_600_000;

/// A round that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The number that the ledger gave it.
    pub round: RoundId,
    /// The grade of the study whose epoch it is of.
    pub grade: Grade,
    /// Which of the epoch's two classes it gave places of.
    pub class: Class,
    /// Requests that count.
    pub requests: u64,
    /// Requests that got a place.
    pub placed: u64,
    /// Requests that wait.
    pub waitlisted: u64,
    /// Weighted cost.
    pub objective: i64,
    /// Whether the certificate proves the optimum.
    pub optimal: bool,
    /// Whether every mandated request is placed.
    pub mandates_met: bool,
}

/// Everybody who sends in the demo, and what they know.
pub struct Driver {
    /// The node that is asked and told.
    pub client: Client,
    /// Reads its blocks.
    pub watcher: Watcher,
    /// The validators' operators: they open and run.
    pub operators: Vec<Sender>,
    /// Funds each epoch's year and opens its pools.
    pub funder: Sender,
    /// Each district's vault, and the account that sends for it.
    pub districts: BTreeMap<DistrictId, (Office, Sender)>,
    /// Students' states so far.
    pub versions: Versions,
    /// Their parameters, as the ledger has them for every year of the study.
    pub in_force: InForce,
    /// California's computers.
    pub ratios: Vec<ComputerRatio>,
    /// When calendars begin: the genesis's time.
    pub opens_ms: TimeMs,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Driver {
    /// Plays one grade.
    ///
    /// # Errors
    /// The first refusal or rejection, in words, or that the chain stands still.
    pub async fn epoch(
        &mut self,
        students: &[StudentYear],
        tell: &(dyn Fn(String) + Sync),
    ) -> Result<Vec<Decided>, Failure> {
        let Some(grade) = students.first().map(|year| year.grade) else { return Ok(Vec::new()) };
        let start = Instant::now();
        let plans = [rules::device_pools(students, &self.ratios), rules::aid_pools(students)];
        self.define(grade, &plans).await?;
        let anchored = self.anchor(grade, students).await?;
        let count: usize = anchored.values().map(Vec::len).sum();
        let pools: usize = plans.iter().map(Vec::len).sum();
        tell(format!("{}: {pools} pools open, {count} states anchored", grade.name()));
        let mut milestones = milestones(self.funder.genesis(), grade, &anchored);
        let asked = self.ask_families(grade, &anchored).await?;
        let proved = self.prove(&anchored, tell).await?;
        self.agree(&asked, &anchored).await?;
        let rounds = self.open(grade, &proved).await?;
        self.request(proved).await?;
        self.pass(&rounds, &mut milestones).await?;
        let decided = self.run(grade, &rounds).await?;
        let devices = rounds.iter().find(|round| round.class == Class::Devices).ok_or_else(strange)?;
        tell(self.state(grade, &plans, devices.round, &anchored).await?);
        for round in &decided {
            tell(format!(
                "{}: {}: {} requests, {} placed, {} waiting, cost {}{}",
                grade.name(),
                round.class.title().to_lowercase(),
                round.requests,
                round.placed,
                round.waitlisted,
                round.objective,
                if round.optimal { ", proved optimal" } else { "" },
            ));
        }
        tell(format!("{}: done in {:.1} s", grade.name(), start.elapsed().as_secs_f64()));
        Ok(decided)
    }

    /// Money and classes, then what their steward may charge of it, then pools.
    async fn define(&mut self, grade: Grade, plans: &[Vec<PoolPlan>; 2]) -> Result<(), Failure> {
        let school_year = SchoolYear(rules::school_year(grade));
        let cost: u64 =
            plans.iter().flatten().map(|pool| pool.unit_cost_cents * u64::from(pool.capacity)).sum();
        let funded = vec![self.funder.sign(FundBudget { school_year, amount_cents: Cents(cost) })];
        let (opens_ms, operator) = (self.opens_ms, first(&mut self.operators)?);
        let mut classes = Vec::new();
        for class in Class::ALL {
            classes.push(operator.sign(definition(class, grade, opens_ms).map_err(defect)?));
        }
        self.send(vec![funded, classes]).await?;
        let steward = first(&mut self.operators)?.account();
        let mut grants = Vec::new();
        for (class, plans) in Class::ALL.into_iter().zip(plans) {
            let cost = plans.iter().map(|pool| pool.unit_cost_cents * u64::from(pool.capacity)).sum();
            let class = class.id(grade);
            grants.push(self.funder.sign(GrantBudget { class, steward, granted_cents: Cents(cost) }));
        }
        self.send(vec![grants]).await?;
        let (funder, operator) = (self.funder.account(), first(&mut self.operators)?);
        let mut pools = Vec::new();
        for (class, plans) in Class::ALL.into_iter().zip(plans) {
            let class = class.id(grade);
            for (index, plan) in (0u32..).zip(plans) {
                pools.push(operator.sign(DefinePool {
                    pool: PoolId(u32::from(class.0) * 10_000 + index),
                    class,
                    school: plan.school,
                    kind: KindId(plan.kind),
                    capacity: plan.capacity,
                    floor: plan.floor,
                    unit_cost_cents: Cents(plan.unit_cost_cents),
                    funder,
                }));
            }
        }
        self.send(vec![pools]).await.map(drop)
    }

    /// Every district's students: events, twins, vault, then the anchor.
    async fn anchor(
        &mut self,
        grade: Grade,
        students: &[StudentYear],
    ) -> Result<BTreeMap<DistrictId, Vec<Anchored>>, Failure> {
        let school_year = SchoolYear(rules::school_year(grade));
        let own = |district: &DistrictId| -> Vec<StudentYear> {
            students.iter().filter(|year| year.district == *district).cloned().collect()
        };
        let work: Vec<(&Office, Vec<StudentYear>)> =
            self.districts.iter().map(|(district, (office, _))| (office, own(district))).collect();
        let advance = |(office, own): &(&Office, Vec<StudentYear>)| {
            twins::advance(office, &self.versions, own, &self.in_force)
        };
        let made = tokio::task::block_in_place(|| on_all_cores(&work, advance)).ok_or_else(strange)?;
        let states = made.into_iter().collect::<Result<Vec<_>, _>>().map_err(unkept)?;
        twins::count(&mut self.versions, students);
        let (mut anchored, mut queues) = (BTreeMap::new(), Vec::new());
        for ((district, (_, sender)), states) in self.districts.iter_mut().zip(states) {
            let leaves: Vec<_> = states.iter().map(|student| student.leaf.clone()).collect();
            let batches = anchors(&leaves, school_year, &self.in_force, BATCH);
            queues.push(batches.into_iter().map(|batch| sender.sign(batch)).collect());
            anchored.insert(*district, states);
        }
        let finals = self.send(queues).await?;
        let batches = anchored.values_mut().flat_map(|students| students.chunks_mut(BATCH));
        for (batch, one) in batches.zip(&finals) {
            batch.iter_mut().for_each(|student| student.anchored = Height(one.height));
        }
        Ok(anchored)
    }

    /// Every district's requests with their proofs, for the rounds that come next: rounds count up, so a district
    /// can prove before the round is open, and its window need not wait for that.
    async fn prove(
        &self,
        anchored: &BTreeMap<DistrictId, Vec<Anchored>>,
        tell: &(dyn Fn(String) + Sync),
    ) -> Result<Proved, Failure> {
        let start = Instant::now();
        let known: Rounds = self.client.get(paths::ROUNDS).await?;
        let next = u32::try_from(known.count).map_err(|_| strange())?;
        let rounds: Vec<RoundId> = (next..).map(RoundId).take(Class::ALL.len()).collect();
        let (mut districts, mut asked): (Vec<DistrictId>, Vec<Unproved>) = (Vec::new(), Vec::new());
        for (district, students) in anchored {
            for (round, class) in rounds.iter().zip(Class::ALL) {
                let rule = &self.in_force.voted.parameters.need;
                let batches = batches(*round, rule, class, students);
                districts.extend(std::iter::repeat_n(*district, batches.len()));
                asked.extend(batches);
            }
        }
        let chain = self.funder.genesis();
        let made = tokio::task::block_in_place(|| prove_all(chain, &asked)).map_err(defect)?;
        let (count, seconds) =
            (made.iter().map(|batch| batch.requests.len()).sum::<usize>(), start.elapsed().as_secs_f64());
        tell(format!("{count} need bands proved in {seconds:.1} s"));
        Ok(Proved { rounds, batches: districts.into_iter().zip(made).collect() })
    }

    async fn open(&mut self, grade: Grade, proved: &Proved) -> Result<Vec<Opened>, Failure> {
        let operator = first(&mut self.operators)?;
        let open = |class: Class| {
            operator.sign(OpenRound { class: class.id(grade), extra_request_ms: 0, extra_reveal_ms: 0 })
        };
        let queue = Class::ALL.map(open).to_vec();
        let finals = self.send(vec![queue]).await?;
        let opened = Class::ALL.into_iter().zip(&finals).map(|(class, one)| Opened::of(class, one));
        let opened = opened.collect::<Result<Vec<Opened>, Failure>>()?;
        let foreseen = opened.iter().map(|one| one.round).eq(proved.rounds.iter().copied());
        if foreseen { Ok(opened) } else { Err(strange()) }
    }

    /// Every district's requests.
    async fn request(&mut self, proved: Proved) -> Result<(), Failure> {
        let mut asked: BTreeMap<DistrictId, Vec<Signed>> = BTreeMap::new();
        for (district, batch) in proved.batches {
            let (_, sender) = self.districts.get_mut(&district).ok_or_else(strange)?;
            asked.entry(district).or_default().push(sender.sign(batch));
        }
        self.send(asked.into_values().collect()).await.map(drop)
    }

    async fn run(&mut self, grade: Grade, rounds: &[Opened]) -> Result<Vec<Decided>, Failure> {
        let operator = first(&mut self.operators)?;
        let queue = rounds.iter().map(|round| operator.sign(RunRound { round: round.round })).collect();
        self.send(vec![queue]).await?;
        let mut decided = Vec::new();
        for round in rounds {
            let told: OneRound = self.client.get(&paths::round(round.round)).await?;
            decided.push(Decided::of(round, grade, told.round.decision.as_ref().ok_or_else(strange)?)?);
        }
        Ok(decided)
    }

    /// The funder's statements of the year, weighed by the device round; gives what they say in words.
    async fn state(
        &mut self,
        grade: Grade,
        plans: &[Vec<PoolPlan>; 2],
        round: RoundId,
        anchored: &BTreeMap<DistrictId, Vec<Anchored>>,
    ) -> Result<String, Failure> {
        let chain = *self.funder.genesis();
        let school_year = SchoolYear(rules::school_year(grade));
        let purse = Purse { chain: &chain, funder: self.funder.account(), school_year };
        let cost = |pool: &PoolPlan| Cents(pool.unit_cost_cents * u64::from(pool.capacity));
        let ledger =
            Ledger::of(plans.iter().flatten().map(|pool| (pool.school, cost(pool)))).map_err(defect)?;
        let as_of = Height(self.watcher.height());
        let protocol = self.client.status().await?.protocol.now;
        let made = tokio::task::block_in_place(|| {
            let budget = ledger.state(protocol, &purse, as_of)?;
            let students = anchored.values().flatten().map(|one| (one.leaf.home_school, one.need));
            Ok::<_, NotStated>((budget, ledger.equity(&purse, round, EQUITY, students)?))
        });
        let (budget, equity) = made.map_err(defect)?;
        let words = format!(
            "{}: the amounts of {} schools are proved to be what their pools were charged; each got at least {} cents a \
             hundredth of a weighted pupil",
            grade.name(),
            budget.lines.len(),
            equity.floor_cents
        );
        let queue = vec![self.funder.sign(budget), self.funder.sign(equity)];
        self.send(vec![queue]).await?;
        Ok(words)
    }

    /// Lets blocks pass until the rounds' seeds are drawn, with a milestone in each.
    async fn pass(&mut self, rounds: &[Opened], milestones: &mut Milestones) -> Result<(), Failure> {
        let start = Instant::now();
        while !self.are_drawn(rounds).await? {
            if start.elapsed() > DRAW_LIMIT {
                let message = format!("no seed is drawn after {} s", DRAW_LIMIT.as_secs());
                return Err(Failure::new(
                    "no_seed",
                    message,
                    "look at `seeds` in `aula status` of each validator",
                ));
            }
            let sent = milestones.pop().and_then(|(district, milestone)| {
                self.districts.get_mut(&district).map(|(_, sender)| sender.sign(milestone))
            });
            match sent {
                Some(signed) => {
                    submit(&self.client, &signed).await?;
                    let finals = self.watcher.until(&[signed.id], STEP_LIMIT).await?;
                    accepted(&finals)?;
                }
                // With nothing to record a block still comes each second.
                None => self.watcher.until_height(self.watcher.height() + 1, STEP_LIMIT).await?,
            }
        }
        Ok(())
    }

    /// Whether the rounds' reveals are closed.
    async fn are_drawn(&self, rounds: &[Opened]) -> Result<bool, Failure> {
        for round in rounds {
            let told: OneRound = self.client.get(&paths::round(round.round)).await?;
            if told.round.window != Window::Closed {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Submits, waits until all is final, and refuses to go on after a rejection.
    async fn send(&mut self, queues: Vec<Vec<Signed>>) -> Result<Vec<Final>, Failure> {
        let ids: Vec<TransactionId> = submit_all(&self.client, queues).await?;
        let finals = self.watcher.until(&ids, STEP_LIMIT).await?;
        accepted(&finals)?;
        Ok(finals)
    }
}

/// Requests that are ready to be sent once these rounds are open.
struct Proved {
    rounds: Vec<RoundId>,
    batches: Vec<(DistrictId, SubmitRequests)>,
}

/// A round that is open.
#[derive(Debug, Clone, Copy)]
struct Opened {
    round: RoundId,
    class: Class,
}

impl Opened {
    fn of(class: Class, one: &Final) -> Result<Self, Failure> {
        let event = one.events.first().and_then(PublicEvent::fields::<RoundOpened>).ok_or_else(strange)?;
        Ok(Self { round: event.round, class })
    }
}

impl Decided {
    fn of(opened: &Opened, grade: Grade, decision: &DecisionView) -> Result<Self, Failure> {
        // The demo's rounds are large enough that no count is withheld.
        let shown = |count: Option<u32>| count.map(u64::from).ok_or_else(strange);
        Ok(Self {
            round: opened.round,
            grade,
            class: opened.class,
            requests: shown(decision.requests)?,
            placed: shown(decision.placed)?,
            waitlisted: shown(decision.waitlisted)?,
            objective: decision.objective,
            optimal: decision.optimal,
            mandates_met: decision.mandates_met,
        })
    }
}

fn strange() -> Failure {
    let message = "the node's answer about a round is not what this program expects";
    Failure::new("bad_answer", message, "report it with the logs of the nodes")
}

fn first(operators: &mut [Sender]) -> Result<&mut Sender, Failure> {
    operators.first_mut().ok_or_else(|| Failure::because("there is no validator", "give --validators 4"))
}

fn accepted(finals: &[Final]) -> Result<(), Failure> {
    match finals.iter().find(|one| one.code != 0) {
        None => Ok(()),
        Some(one) => {
            let message = format!("{} was rejected: {} (code {})", one.kind, one.meaning, one.code);
            Err(Failure::new("rejected", message, "report it with the logs of the nodes"))
        }
    }
}

fn definition(class: Class, grade: Grade, opens_ms: TimeMs) -> Result<DefineClass, TextError> {
    let year = rules::school_year(grade);
    let title = format!("{}, {year}-{:02}, {}", class.title(), (year + 1) % 100, grade.name());
    Ok(DefineClass {
        class: class.id(grade),
        title: Title::new(&title)?,
        school_year: SchoolYear(year),
        kinds: class.kinds().iter().map(|kind| Name::new(kind)).collect::<Result<_, _>>()?,
        tier_costs: rules::TIER_COSTS,
        rank_step: rules::RANK_STEP,
        waitlist_cost: Some(rules::WAITLIST_COST),
        calendar: Calendar { opens_ms, closes_ms: TimeMs(opens_ms.0.saturating_add(CALENDAR_MS)) },
        // Who defines it: the first operator, who also opens and runs its rounds.
        steward: None,
    })
}
