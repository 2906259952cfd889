//! `aula doctor capacity`: what a district of N students needs of one machine, from costs that were measured.
//!
//! Flow: costs ([`MEASURED`], or a file of one's own measurements) → each need by its formula, with the cost that it comes from → the
//! machine: cores, memory, disk → how many such machines share the events, and whether their number is fixed or follows the load.
//! Absent: the other districts' validators, whose load is the sum of all districts' anchors, and
//! whatever nobody has measured: then there is no line.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::command::{Advise, Failure, Outcome, given};

/// Arguments of `aula doctor capacity`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula doctor capacity 11600\n  aula doctor capacity 250000 --events 60 --hours 7 --output json\n  aula doctor capacity \
                  50000 --costs measured.json     your own, from `aula bench`; what is not in the file stays\n\nExit 0: one machine of \
                  --cores and --memory-gib does it; 1: it does not, and the answer says what is too little first, and how many machines \
                  share the events then. Up to three their number is fixed; above, it follows the load: 72% of the CPU, validators never."
)]
pub struct CapacityArgs {
    /// How many students the district has, 1 to 10,000,000
    #[arg(value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub students: u64,
    /// Events of one student on one school day, 0 to 100,000
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u64).range(0..=100_000))]
    pub events: u64,
    /// Within how many hours of a day they come, 1 to 24
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=24))]
    pub hours: u64,
    /// How many times a day each student's state is anchored, 0 to 1,440
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=1_440))]
    pub anchors: u64,
    /// Of a hundred students, how many request in one round, 0 to 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=100))]
    pub requests: u64,
    /// Costs that you measured, JSON with members of the answer's `costs`; what is not in the file stays
    #[arg(long, value_name = "FILE")]
    pub costs: Option<PathBuf>,
    /// The machine's cores, to say whether it is enough [default: this machine's]
    #[arg(long)]
    pub cores: Option<u64>,
    /// The machine's memory in GiB, to say whether it is enough [default: this machine's]
    #[arg(long)]
    pub memory_gib: Option<u64>,
}

/// What things cost. The defaults are those of docs/capacity.md: two cores, one run each, a machine that was nearly quiet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Costs {
    /// Events folded durably a second and core, as xAPI over HTTP: the dearest of the ways in.
    pub xapi_events_per_core_s: f64,
    /// The same as binary frames: the cheapest.
    pub frames_events_per_core_s: f64,
    /// MiB of memory of the district's service without a student.
    pub memory_base_mib: f64,
    /// KiB of memory a student while a round's requests are made.
    pub memory_student_kib: f64,
    /// Milliseconds a student from an import to the anchored state, four validators on the same two cores.
    pub first_anchor_student_ms: f64,
    /// Milliseconds of one core that a request's proofs take: two flags and a position.
    pub prove_request_ms: f64,
    /// Microseconds of one core a range-proved value on each validator.
    pub verify_value_us: f64,
    /// Records anchored and final a second, four validators on two cores.
    pub records_s: f64,
    /// Bytes of a block with nothing in it, one a second.
    pub idle_block_bytes: f64,
    /// Bytes of an anchored state of three inputs, in the block and again as the tree's row.
    pub state_bytes: f64,
    /// Bytes of a request in its block.
    pub request_bytes: f64,
    /// Milliseconds of a core a student of an import of a roster with results.
    pub import_student_ms: f64,
}

/// What was measured, and where: docs/capacity.md.
pub const MEASURED: Costs = Costs {
    xapi_events_per_core_s: 15_841.0,
    frames_events_per_core_s: 89_175.0,
    memory_base_mib: 60.0,
    memory_student_kib: 7.7,
    first_anchor_student_ms: 12.1,
    prove_request_ms: 2.8,
    verify_value_us: 43.0,
    records_s: 50_898.0,
    idle_block_bytes: 459.0,
    state_bytes: 368.0,
    request_bytes: 586.0,
    import_student_ms: 0.91,
};

impl Default for Costs {
    fn default() -> Self {
        MEASURED
    }
}

impl Costs {
    /// The costs as JSON writes them.
    fn all(&self) -> serde_json::Map<String, serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(all)) => all,
            _ => serde_json::Map::new(),
        }
    }
}

/// One thing that is needed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Need {
    /// What is needed, as the table's row is called.
    pub what: &'static str,
    /// In `unit`.
    pub value: f64,
    /// Of `value`: cores, s, MiB, GB; `/s` is a second.
    pub unit: &'static str,
    /// The costs and figures that it follows from.
    pub from: &'static str,
}

/// The machine that is needed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Machine {
    /// For the events at 72% of a core's time, and one more.
    pub cores: u64,
    /// Twice what the district's service takes, and one more.
    pub memory_gib: u64,
    /// Disk for one year's chain, GB.
    pub disk_gb_a_year: u64,
}

/// How far a core may be used on the mean of its busiest hours: the reference design's rule of 72%.
const USED: f64 = 0.72;
/// Up to so many machines their number is fixed: the reference design lets it follow the load on more than three nodes.
const FIXED: u64 = 3;
/// School days of a year.
const DAYS: f64 = 180.0;
const SECONDS_A_YEAR: f64 = 365.0 * 86_400.0;

/// What so many students need, by these costs.
pub fn needs(args: &CapacityArgs, costs: &Costs) -> (Vec<Need>, Machine) {
    let students = args.students as f64;
    let rate = students * args.events as f64 / (args.hours as f64 * 3_600.0);
    let requests = (students * args.requests as f64 / 100.0).ceil();
    let anchored = students * args.anchors as f64 * DAYS;
    let memory_mib = costs.memory_base_mib + students * costs.memory_student_kib / 1_024.0;
    let feed_cores = rate / costs.xapi_events_per_core_s;
    let chain_gb = (SECONDS_A_YEAR * costs.idle_block_bytes
        + anchored * costs.state_bytes
        + requests * costs.request_bytes)
        / 1e9;
    let need =
        |what, value: f64, unit, from| Need { what, value: (value * 100.0).round() / 100.0, unit, from };
    let needs = vec![
        need("events, mean of the busy hours", rate, "/s", "students × events ÷ hours"),
        need("cores for them as xAPI", feed_cores, "cores", "xapi_events_per_core_s"),
        need(
            "cores for them as frames",
            rate / costs.frames_events_per_core_s,
            "cores",
            "frames_events_per_core_s",
        ),
        need(
            "roster and results imported",
            students * costs.import_student_ms / 1e3,
            "s",
            "import_student_ms",
        ),
        need(
            "from there to anchored states",
            students * costs.first_anchor_student_ms / 1e3,
            "s",
            "first_anchor_student_ms",
        ),
        need("all states anchored again", students / costs.records_s, "s", "records_s, all validators"),
        need("a round's proofs made", requests * costs.prove_request_ms / 1e3, "core s", "prove_request_ms"),
        need(
            "verified by each validator",
            requests * 4.0 * costs.verify_value_us / 1e6,
            "core s",
            "verify_value_us, four values a request",
        ),
        need("memory while it requests", memory_mib, "MiB", "memory_base_mib, memory_student_kib"),
        need(
            "chain, one district alone",
            chain_gb,
            "GB a year",
            "idle_block_bytes, state_bytes, request_bytes",
        ),
    ];
    // A core for consensus and the API beside the feeds; memory twice over for the database's caches.
    let machine = Machine {
        cores: (feed_cores / USED).ceil() as u64 + 1,
        memory_gib: (memory_mib * 2.0 / 1_024.0).ceil() as u64 + 1,
        disk_gb_a_year: chain_gb.ceil() as u64,
    };
    (needs, machine)
}

/// How the machines that share the events and the API come to be so many. A validator is one operator's and never one of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// So many, up to three: each is sized at 72% of its cores.
    Fixed,
    /// More than three: their number follows the load, at 72% of the CPU that they ask for.
    ByLoad,
}

impl Scaling {
    /// The reference design's rule.
    pub const fn of(machines: u64) -> Self {
        if machines > FIXED { Self::ByLoad } else { Self::Fixed }
    }
}

/// How many machines of so many cores share the events, a core of each being for consensus and the API; at least one core of
/// each carries events.
pub fn machines(needed: &Machine, cores: u64) -> u64 {
    let carries = cores.saturating_sub(1).max(1);
    needed.cores.saturating_sub(1).div_ceil(carries).max(1)
}

#[derive(Debug, Serialize)]
struct Told {
    students: u64,
    needs: Vec<Need>,
    machine: Machine,
    /// Machines of --cores that share the events, and how they come to be so many.
    machines: u64,
    scaling: Scaling,
    enough: bool,
    short_of: Vec<&'static str>,
    costs: Costs,
}

/// Computes, and says whether this machine is enough.
///
/// # Errors
/// A file of costs that cannot be read, or with a cost that is not above 0.
pub fn run(args: &CapacityArgs) -> Result<Outcome, Failure> {
    let costs = match &args.costs {
        None => MEASURED,
        Some(path) => {
            let hint = "give a JSON object with members of `costs` of this command's answer";
            let what = format!("{} holds no costs", path.display());
            let text = given::text(path).advise(&what, hint)?;
            let costs: Costs = serde_json::from_str(&text).advise(&what, hint)?;
            if costs.all().values().any(|cost| !cost.as_f64().is_some_and(|cost| cost > 0.0)) {
                return Err(Failure::because(format!("{what}: a cost is above 0"), hint));
            }
            costs
        }
    };
    let (needs, machine) = needs(args, &costs);
    let cores =
        args.cores.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get() as u64));
    let memory = args.memory_gib.or_else(memory_gib);
    let mut short_of = Vec::new();
    if machine.cores > cores {
        short_of.push("cores");
    }
    if memory.is_some_and(|gib| machine.memory_gib > gib) {
        short_of.push("memory");
    }
    let mut lines: Vec<String> = needs
        .iter()
        .map(|need| format!("{:<34} {:>12.2} {:<9} {}", need.what, need.value, need.unit, need.from))
        .collect();
    lines.push(format!(
        "a machine of {} cores, {} GiB, {} GB of disk a year",
        machine.cores, machine.memory_gib, machine.disk_gb_a_year
    ));
    let machines = machines(&machine, cores);
    let scaling = Scaling::of(machines);
    if !short_of.is_empty() {
        lines.push(format!(
            "too little here: {}; spread feeds over several `aula district run`, or take a larger machine",
            short_of.join(", ")
        ));
        lines.push(match scaling {
            Scaling::Fixed => format!("machines of {cores} cores that share the events: {machines}"),
            Scaling::ByLoad => format!(
                "machines of {cores} cores that share the events: {machines}, which is more than {FIXED}: let their number \
                 follow the load, at 72% of the CPU; never that of validators"
            ),
        });
    }
    let enough = short_of.is_empty();
    let students = args.students;
    let told = Told { students, needs, machine, machines, scaling, enough, short_of, costs };
    let told = serde_json::to_value(told).advise("the answer cannot be written", "report it")?;
    Ok(if enough { Outcome::yes(told, lines.join("\n")) } else { Outcome::no(told, lines.join("\n")) })
}

/// This machine's memory, rounded to the next GiB; none where Linux does not say.
fn memory_gib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(kib.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(students: u64) -> CapacityArgs {
        CapacityArgs {
            students,
            events: 40,
            hours: 6,
            anchors: 1,
            requests: 100,
            costs: None,
            cores: Some(4),
            memory_gib: Some(8),
        }
    }

    fn value(needs: &[Need], what: &str) -> f64 {
        needs.iter().find(|need| need.what.starts_with(what)).map_or(f64::NAN, |need| need.value)
    }

    #[test]
    fn needs_follow_from_the_costs_that_were_measured() {
        let (needs, machine) = needs(&args(50_000), &MEASURED);
        // What scripts/bench-district.py saw of 50,000 students, within a tenth.
        assert!((value(&needs, "memory") / 438.0 - 1.0).abs() < 0.1, "{needs:?}");
        assert!((value(&needs, "a round's proofs") / 140.0 - 1.0).abs() < 0.01);
        assert!((value(&needs, "events") - 92.59).abs() < 0.01);
        assert_eq!((machine.cores, machine.memory_gib), (2, 2));
    }

    #[test]
    fn more_students_never_need_less_and_a_dearer_event_needs_more_cores() {
        let mut before = needs(&args(1), &MEASURED).1;
        for students in [10, 1_000, 11_600, 1_000_000, 10_000_000] {
            let machine = needs(&args(students), &MEASURED).1;
            assert!(machine.cores >= before.cores && machine.memory_gib >= before.memory_gib);
            assert!(machine.disk_gb_a_year >= before.disk_gb_a_year);
            before = machine;
        }
        let dearer = Costs { xapi_events_per_core_s: 100.0, ..MEASURED };
        assert!(needs(&args(100_000), &dearer).1.cores > needs(&args(100_000), &MEASURED).1.cores);
    }

    #[test]
    fn up_to_three_machines_are_fixed_and_more_follow_the_load() {
        let of = |cores, each| {
            let needed = Machine { cores, memory_gib: 1, disk_gb_a_year: 1 };
            let machines = machines(&needed, each);
            (machines, Scaling::of(machines))
        };
        // Of each machine's cores one is for consensus and the API, where it has more than one.
        assert_eq!(of(2, 2), (1, Scaling::Fixed));
        assert_eq!(of(2, 1), (1, Scaling::Fixed));
        assert_eq!(of(4, 2), (3, Scaling::Fixed));
        assert_eq!(of(5, 2), (4, Scaling::ByLoad));
        assert_eq!(of(10, 4), (3, Scaling::Fixed));
        assert_eq!(of(11, 4), (4, Scaling::ByLoad));
        let large = CapacityArgs { cores: Some(2), events: 400, ..args(10_000_000) };
        let told = run(&large).map(|outcome| outcome.answer.map(|answer| answer.json));
        let told = told.ok().flatten().unwrap_or_default();
        assert_eq!(told["scaling"], "by_load", "{told}");
        assert!(told["machines"].as_u64() > Some(FIXED), "{told}");
    }

    #[test]
    fn a_machine_that_is_too_small_is_a_no_that_says_of_what() -> Result<(), Failure> {
        let small = run(&CapacityArgs { cores: Some(1), ..args(2_000_000) })?;
        assert_eq!(small.verdict, crate::command::Verdict::No);
        assert_eq!(run(&args(11_600))?.verdict, crate::command::Verdict::Yes);
        Ok(())
    }
}
