//! A student's events and twin as parts: whole, from the vault's events, and event by event as a feed brings them.
//!
//! Flow: [`Follower::of`] folds the events once, looking before and after each of the last weeks' → [`Follower::parts`] → events
//! come with the twin as a feed's fold left it → [`Follower::moved`] gives the parts that are not what they were. Invariants: what
//! is told as before and after are levels of the same fold; a trend's week shows what was known in that week.

use std::collections::{BTreeMap, BTreeSet};

use aula_twin_runtime::event::{Attendance, Event, EventBody, EventKey, SkillId};
use aula_twin_runtime::fixed::Proportion;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::planner::{Plan, PlanParams};
use aula_twin_runtime::skill_graph::SkillGraph;
use aula_twin_runtime::twin::{SkillEntry, Stage, TwinState};

use super::parts::{Key, MOVES, Move, Part, Step, WEEKS, What};

const WEEK_MS: u64 = 7 * 86_400_000;
/// Units shown one by one at first, and at most as others are practised.
const UNITS: usize = 60;
const MAX_UNITS: usize = 90;
/// Resources shown.
const RESOURCES: usize = 12;
/// Steps of the path.
const STEPS: usize = 4;

/// Parts that are not what they were; none for one that is gone.
pub(super) type Changes = Vec<(Key, Part)>;

/// What is known of a student between events.
#[derive(Debug, Clone)]
pub(super) struct Follower {
    /// The last event inside.
    last: Option<EventKey>,
    shown: BTreeSet<u16>,
    levels: BTreeMap<u16, u16>,
    engagement_e4: u16,
    rate_e4: u16,
    /// The week of the last column.
    week: u64,
    engagement: [Option<u16>; WEEKS],
    /// Sessions attended and all, by week.
    attendance: [(u16, u16); WEEKS],
    moves: Vec<Move>,
    /// Moves so far: the place of the next one.
    moved: u64,
}

const fn share(value: Proportion) -> u16 {
    value.e4()
}

fn week_of(event: &Event) -> u64 {
    event.key.stamp.wall_ms() / WEEK_MS
}

/// What an event is about.
fn kinds(body: &EventBody) -> Vec<What> {
    match body {
        EventBody::Response { skills, .. } => {
            skills.as_slice().iter().map(|skill| What::Answers(skill.0)).collect()
        }
        EventBody::Assessment { skill, .. } => vec![What::Test(skill.0)],
        EventBody::Written { .. } => vec![What::Written],
        EventBody::Session { .. } => vec![What::Session],
        EventBody::Attendance(_) => vec![What::Attendance],
        EventBody::ResourceUse { resource, .. } => vec![What::Resource(resource.0)],
        EventBody::InterventionOpened { .. } | EventBody::InterventionClosed { .. } => vec![What::Support],
        EventBody::InputRecorded { .. } => vec![What::Recorded],
        EventBody::Correction { .. } => vec![What::Amended],
    }
}

impl Follower {
    /// Of a student with these events, and the twin that they fold to.
    pub fn of(mut events: Vec<Event>, params: &Params) -> (Self, TwinState) {
        events.sort_unstable_by_key(|event| event.key);
        let week = events.last().map_or(0, week_of);
        let begins = week.saturating_sub(WEEKS as u64 - 1);
        let recent = events.split_off(events.partition_point(|event| week_of(event) < begins));
        let mut history = History::new(params);
        history.add(events, params);
        let level =
            |entry: &SkillEntry| (entry.skill.0, share(history.state().mastery(entry.skill, params).level));
        let mut own = Self {
            last: history.events().last().map(|event| event.key),
            shown: BTreeSet::new(),
            levels: history.state().skills().iter().map(level).collect(),
            engagement_e4: share(history.state().engagement().level),
            rate_e4: share(history.state().attendance().rate),
            week: begins,
            engagement: [None; WEEKS],
            attendance: [(0, 0); WEEKS],
            moves: Vec::new(),
            moved: 0,
        };
        for event in recent {
            let told = event.clone();
            history.add([event], params);
            own.note(&[&told], history.state(), params);
        }
        let mut by_evidence: Vec<&SkillEntry> = history.state().skills().iter().collect();
        by_evidence.sort_by_key(|entry| {
            (std::cmp::Reverse(entry.track.wins.saturating_add(entry.track.fails)), entry.skill)
        });
        own.shown = by_evidence.iter().take(UNITS).map(|entry| entry.skill.0).collect();
        (own, history.state().clone())
    }

    /// Every part of the twin.
    pub fn parts(&self, state: &TwinState, params: &Params) -> Changes {
        let shown = state.skills().iter().filter(|entry| self.shown.contains(&entry.skill.0));
        let mut parts: Changes = shown.map(|entry| unit(entry, state, params)).collect();
        parts.push((Key::MoreUnits, Part::MoreUnits(state.skills().len().saturating_sub(self.shown.len()))));
        parts.push((Key::Next, next(state, params)));
        parts.push((Key::Support, support(state)));
        parts.push(self.engagement_part(state));
        parts.push(self.attendance_part(state));
        parts.extend(resources(state));
        let first = self.moved.saturating_sub(self.moves.len() as u64);
        parts.extend((first..).zip(&self.moves).map(|(n, one)| (Key::Move(n % MOVES), Part::Move(*one))));
        parts
    }

    /// What events changed that a feed folded into this twin. `in_order` says that they came last and amended nothing, so that what
    /// they do not name stands as it was. Events that are inside already are not told again. Gives how many were new too.
    pub fn moved(
        &mut self,
        events: &[&Event],
        in_order: bool,
        state: &TwinState,
        params: &Params,
    ) -> (Changes, usize) {
        let last = self.last;
        let mut events: Vec<&Event> =
            events.iter().copied().filter(|event| last.is_none_or(|last| event.key > last)).collect();
        events.sort_unstable_by_key(|event| event.key);
        let events = events.as_slice();
        let named: BTreeSet<u16> = events.iter().flat_map(|event| skills(&event.body)).collect();
        for skill in &named {
            if self.shown.len() < MAX_UNITS {
                self.shown.insert(*skill);
            }
        }
        let first = self.moved;
        self.note(events, state, params);
        let shown = state.skills().iter().filter(|entry| self.shown.contains(&entry.skill.0));
        let touched = shown.filter(|entry| !in_order || named.contains(&entry.skill.0));
        let mut parts: Changes = touched.map(|entry| unit(entry, state, params)).collect();
        parts.push((Key::MoreUnits, Part::MoreUnits(state.skills().len().saturating_sub(self.shown.len()))));
        parts.push((Key::Support, support(state)));
        parts.push(self.engagement_part(state));
        parts.push(self.attendance_part(state));
        parts.extend(resources(state));
        let first = first.max(self.moved.saturating_sub(MOVES));
        let behind = self.moves.len().saturating_sub(usize::try_from(self.moved - first).unwrap_or(0));
        let new = self.moves.get(behind..).unwrap_or_default();
        parts.extend((first..).zip(new).map(|(n, one)| (Key::Move(n % MOVES), Part::Move(*one))));
        (parts, events.len())
    }

    /// Takes note of events after which the twin stands so.
    fn note(&mut self, events: &[&Event], state: &TwinState, params: &Params) {
        for event in events {
            self.last = self.last.max(Some(event.key));
            self.turn_to(week_of(event));
            if let EventBody::Attendance(mark) = &event.body {
                let (here, all) = match mark {
                    Attendance::Present | Attendance::Late => (1, 1),
                    Attendance::Absent => (0, 1),
                    Attendance::Excused => (0, 0),
                };
                if let Some(week) = self.column(week_of(event)).and_then(|at| self.attendance.get_mut(at)) {
                    *week = (week.0.saturating_add(here), week.1.saturating_add(all));
                }
            }
        }
        let mut grouped: BTreeMap<What, (u32, u64)> = BTreeMap::new();
        for event in events {
            for what in kinds(&event.body) {
                let (count, at_ms) = grouped.entry(what).or_default();
                *count = count.saturating_add(1);
                *at_ms = event.key.stamp.wall_ms().max(*at_ms);
            }
        }
        let before = (self.engagement_e4, self.rate_e4);
        self.engagement_e4 = share(state.engagement().level);
        self.rate_e4 = share(state.attendance().rate);
        if let Some(last) = self.engagement.last_mut() {
            *last = Some(self.engagement_e4);
        }
        for (what, (count, at_ms)) in grouped {
            let change = match what {
                What::Answers(unit) | What::Test(unit) => {
                    let level = share(state.mastery(SkillId(unit), params).level);
                    let prior = || share(TwinState::new(params).mastery(SkillId(unit), params).level);
                    let was = self.levels.insert(unit, level).unwrap_or_else(prior);
                    Some((was, level))
                }
                What::Session | What::Written => Some((before.0, self.engagement_e4)),
                What::Attendance => Some((before.1, self.rate_e4)),
                What::Resource(_) | What::Support | What::Recorded | What::Amended => None,
            };
            if self.moves.len() as u64 >= MOVES {
                self.moves.remove(0);
            }
            self.moves.push(Move { at_ms, what, count, change });
            self.moved += 1;
        }
    }

    /// The column of a week; none of one that is not shown.
    fn column(&self, week: u64) -> Option<usize> {
        let back = usize::try_from(self.week.checked_sub(week)?).ok()?;
        (WEEKS - 1).checked_sub(back)
    }

    /// Moves the columns on when a week begins.
    fn turn_to(&mut self, week: u64) {
        let ahead = usize::try_from(week.saturating_sub(self.week)).unwrap_or(WEEKS);
        if ahead == 0 {
            return;
        }
        let ahead_shown = ahead.min(WEEKS);
        self.engagement.rotate_left(ahead_shown);
        self.attendance.rotate_left(ahead_shown);
        for column in self.engagement.iter_mut().rev().take(ahead_shown) {
            *column = None;
        }
        for column in self.attendance.iter_mut().rev().take(ahead_shown) {
            *column = (0, 0);
        }
        self.week = week;
    }

    fn engagement_part(&self, state: &TwinState) -> (Key, Part) {
        let engagement = state.engagement();
        let part = Part::Engagement {
            level_e4: share(engagement.level),
            usual_e4: share(engagement.baseline),
            low_since_ms: engagement.low_since_ms,
            weeks: self.engagement,
        };
        (Key::Engagement, part)
    }

    fn attendance_part(&self, state: &TwinState) -> (Key, Part) {
        let of = state.attendance();
        let marks = [of.present, of.late, of.absent, of.excused];
        let rate_e4 = share(of.rate);
        (Key::Attendance, Part::Attendance { marks, rate_e4, weeks: self.attendance })
    }
}

/// The units that an event is about.
fn skills(body: &EventBody) -> Vec<u16> {
    match body {
        EventBody::Response { skills, .. } => skills.as_slice().iter().map(|skill| skill.0).collect(),
        EventBody::Assessment { skill, .. } => vec![skill.0],
        _ => Vec::new(),
    }
}

fn unit(entry: &SkillEntry, state: &TwinState, params: &Params) -> (Key, Part) {
    let mastery = state.mastery(entry.skill, params);
    let part = Part::Unit {
        level_e4: share(mastery.level),
        sure_e4: share(mastery.confidence),
        answers: entry.track.wins.saturating_add(entry.track.fails),
        advanced: entry.stage == Stage::Advanced,
        gate_e4: share(params.thresholds.mastery_gate),
    };
    (Key::Unit(entry.skill.0), part)
}

fn support(state: &TwinState) -> Part {
    let list = &state.interventions().list;
    let running = list.iter().filter(|one| one.closed_ms.is_none());
    let last = list.iter().rfind(|one| one.closed_ms.is_some());
    Part::Support {
        running: running.clone().count(),
        closed: list.len() - running.clone().count() + state.interventions().older_closed as usize,
        since_ms: running.map(|one| one.opened_ms).min(),
        effect_e4: last.map(|one| one.efficacy().e4()),
    }
}

fn resources(state: &TwinState) -> Changes {
    let mut tracks: Vec<_> = state.resources().tracks.iter().collect();
    tracks.sort_by_key(|track| (std::cmp::Reverse(track.last_ms), track.resource));
    tracks.truncate(RESOURCES);
    let part = |track: &&aula_twin_runtime::life::ResourceTrack| {
        let part = Part::Resource {
            uses: track.uses,
            minutes: track.used_minutes,
            used_e4: share(track.utilisation),
            last_ms: track.last_ms,
        };
        (Key::Resource(track.resource.0), part)
    };
    tracks.iter().map(part).collect()
}

/// The units to practise next: those begun and not yet above the gate, by what ten minutes are expected to add. The node knows no
/// prerequisites, so that a unit that was never begun is not among them.
fn next(state: &TwinState, params: &Params) -> Part {
    let gate_e4 = share(params.thresholds.mastery_gate);
    let open = state.skills().iter().filter(|entry| entry.stage == Stage::Learning);
    let open: Vec<(SkillId, Proportion)> = open
        .map(|entry| (entry.skill, state.mastery(entry.skill, params).level))
        .filter(|(_, level)| *level <= params.thresholds.mastery_gate)
        .take(UNITS)
        .collect();
    let names = open.iter().map(|(skill, _)| skill.0.to_string()).collect();
    let mastery: Vec<_> = open.iter().map(|(_, level)| Some(*level)).collect();
    let rules = PlanParams { gate: params.thresholds.mastery_gate, ..PlanParams::reference() };
    let graph = SkillGraph::new(names, &[]);
    let plan = graph.as_ref().ok().and_then(|graph| Plan::new(graph, &mastery, rules).ok());
    let mut steps: Vec<Step> = Vec::new();
    for (at, (skill, level)) in (0_u16..).zip(&open) {
        let gain = plan.as_ref().and_then(|plan| plan.next_block_gain_e4(at)).unwrap_or_default();
        steps.push(Step {
            unit: skill.0,
            level_e4: share(*level),
            gain_e4: u16::try_from(gain.max(0)).unwrap_or(u16::MAX),
        });
    }
    steps.sort_by_key(|step| (std::cmp::Reverse(step.gain_e4), step.unit));
    steps.truncate(STEPS);
    Part::Next { steps, gate_e4 }
}
