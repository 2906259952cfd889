//! Measures the twin: steps a second grouped and interleaved, bytes of 50,000 twins, snapshot and digest,
//! levelling of two replicas. Run: `cargo run --release -p aula-twin-model --example throughput [grouped|short|…]`.

use std::time::Instant;

use aula_twin_runtime::clock::{Skew, Stamp};
use aula_twin_runtime::event::{
    Correctness, Event, EventBody, EventKey, ItemId, SkillId, SkillSet, SourceId,
};
use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::replica::Replica;
use aula_twin_runtime::twin::{TwinState, leaves, step};

const TWINS: u64 = 50_000;
const SKILLS: u16 = 847;

fn response(n: u64, skill: u16) -> Event {
    let stamp = Stamp::new(n * 1_000, 0).unwrap_or_else(|e| panic!("{e}"));
    let skills = SkillSet::new(vec![SkillId(skill)]).unwrap_or_else(|e| panic!("{e}"));
    let correctness = if n.is_multiple_of(3) { Correctness::Incorrect } else { Correctness::Correct };
    let body = EventBody::Response { item: ItemId(u32::from(skill)), skills, correctness, duration_ms: 0 };
    Event { key: EventKey { stamp, source: SourceId(1), sequence: n }, skew: Skew::Within, body }
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn main() {
    let only = std::env::args().nth(1);
    let mut params = Params::reference(Model::unfitted());
    params.model.skills = vec![params.model.unseen_skill; usize::from(SKILLS)];
    params.model.items = vec![params.model.unseen_skill.median_item; usize::from(SKILLS)];
    type Part = (&'static str, fn(&Params));
    let parts: [Part; 4] =
        [("grouped", grouped), ("short", short), ("interleaved", interleaved), ("level", level)];
    for (name, part) in parts {
        if only.as_deref().is_none_or(|o| o == name) {
            part(&params);
        }
    }
}

fn grouped(params: &Params) {
    let events: Vec<Event> = (1..=400).map(|n| response(n, (n % 40) as u16)).collect();
    let started = Instant::now();
    for _ in 0..2_500 {
        let mut state = TwinState::new(params);
        for event in &events {
            step(&mut state, event, params).unwrap_or_else(|e| panic!("{e}"));
        }
    }
    println!("long, grouped: {:.0} responses/s", 1e6 / started.elapsed().as_secs_f64());
}

/// Students of a test: 25 answers to as many items and skills, each new to the student.
fn short(params: &Params) {
    let events: Vec<Event> = (1..=25).map(|n| response(n, (n * 37 % 847) as u16)).collect();
    let started = Instant::now();
    for _ in 0..40_000 {
        let mut state = TwinState::new(params);
        for event in &events {
            step(&mut state, event, params).unwrap_or_else(|e| panic!("{e}"));
        }
    }
    println!("short, grouped: {:.0} responses/s", 1e6 / started.elapsed().as_secs_f64());
}

fn interleaved(params: &Params) {
    let mut first = TwinState::new(params);
    for skill in 0..SKILLS {
        step(&mut first, &response(1 + u64::from(skill), skill), params).unwrap_or_else(|e| panic!("{e}"));
    }
    let before = resident_mib();
    let mut twins: Vec<TwinState> = (0..TWINS).map(|_| first.clone()).collect();
    println!("{TWINS} twins of {SKILLS} skills: {:.0} MiB", resident_mib() - before);
    let events: Vec<Event> =
        (0..1_000_000_u64).map(|n| response(1_000 + n, (n * 7_919 % 847) as u16)).collect();
    let started = Instant::now();
    for (n, event) in (0_u64..).zip(&events) {
        let at = (n.wrapping_mul(2_654_435_761) % TWINS) as usize;
        step(&mut twins[at], event, params).unwrap_or_else(|e| panic!("{e}"));
    }
    println!("interleaved: {:.0} responses/s", 1e6 / started.elapsed().as_secs_f64());
    let started = Instant::now();
    let digest = (0..100).map(|n| twins[n].digest()[0]).fold(0, u8::wrapping_add);
    println!("snapshot and digest: {:.3} ms ({digest})", started.elapsed().as_secs_f64() * 10.0);
    let started = Instant::now();
    let count = (0..20).map(|n| leaves(&twins[n], params).len()).sum::<usize>() / 20;
    println!("{count} leaves: {:.3} ms", started.elapsed().as_secs_f64() * 50.0);
}

fn level(params: &Params) {
    let handle = |n: u64| {
        let mut handle = [0; 32];
        handle[..8].copy_from_slice(&n.to_be_bytes());
        handle
    };
    let mut a = Replica::default();
    a.add((1..=4 * TWINS).map(|n| (handle(n % TWINS), response(n, (n % 40) as u16))), params);
    let mut b = a.clone();
    let late = |from: u64| (from..from + 500).map(move |n| (handle(n * 7 % TWINS), response(n, 3)));
    a.add(late(4 * TWINS + 1), params);
    b.add(late(4 * TWINS + 1_001), params);
    let started = Instant::now();
    let (to_a, to_b) = (b.missing_from(a.seen()), a.missing_from(b.seen()));
    let sent = to_a.len() + to_b.len();
    a.add(to_a, params);
    b.add(to_b, params);
    println!("levelled {sent} events between two replicas: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
    assert!(a.students().zip(b.students()).all(|(x, y)| x.1.state() == y.1.state()));
}
