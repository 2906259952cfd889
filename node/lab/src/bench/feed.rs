//! `aula bench feed`: events from a publishing process into the vault and the twins of another, over loopback.
//!
//! Three phases, each by a separate publishing process. Throughput: four senders, each with its own students and one submission at a
//! time, as fast as they are answered. Latency: an open loop at a fixed rate, from the moment an event was due to be sent to the
//! moment its twin had it. A Kafka broker answers a publisher by itself: there the node is started again after the crash, and has
//! to take what it had not committed. Crash: at full speed the node is killed (SIGKILL), and what its senders had been told is
//! looked for in the store, which is opened and read anew; an event that stands there twice counts as duplicated. Durable means: in
//! a synced group commit and folded. Absent: tuning; the vault is a district's own, with its sealing.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aula_home::clock::now_ms;
use aula_home::{Advise, Failure};
use aula_ledger::types::{AccountId, DistrictId, Hash, SchoolYear, TimeMs};
use aula_vault::{Folders, Identity, LocalId, Vault};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Figures, Folder, percentile};

mod count;
mod events;
mod host;
mod publish;

pub use host::{HostArgs, run as run_host};
pub use publish::{PublishArgs, run as run_publish};

/// The client's name and secret: the listener is on loopback for the time of a bench.
const CLIENT: (&str, &str) = ("bench", "loopback-only");
const HINT: &str = "run it again; see `ulimit -n` and the space of TMPDIR";
/// Events a second of the open loop (the design's figure).
const RATE: u32 = 5_000;
/// How long the crash phase lasts at most; the node is killed in its middle.
const CRASH_S: u64 = 2;
/// How long a child has to come up or to finish what it has.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long nothing is folded before a node that was started again is taken to have everything: longer than a broker waits for
/// a member that died.
const QUIET: Duration = Duration::from_secs(20);

/// Microseconds since 1970.
fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// Where events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// Binary frames over HTTP
    Frames,
    /// xAPI statements, kept by the record store and mapped
    Xapi,
    /// An embedded MQTT listener
    Mqtt,
    /// A Kafka broker
    Kafka,
}

impl Source {
    const fn word(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Xapi => "xapi",
            Self::Mqtt => "mqtt",
            Self::Kafka => "kafka",
        }
    }
}

/// Arguments of `aula bench feed`.
#[derive(Debug, Args)]
pub struct FeedArgs {
    /// How long each of throughput and latency is measured, in seconds
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// Where events come from
    #[arg(long, value_enum, default_value_t = Source::Frames)]
    pub source: Source,
    /// A Kafka broker that makes topics, which --source kafka needs: this program has none in it
    #[arg(long, env = "AULA_BENCH_BROKER", value_name = "kafka://HOST:PORT")]
    pub broker: Option<String>,
    /// Students of the district
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(8..=1_000_000))]
    pub students: u32,
}

/// What a publishing process says at its end.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Published {
    /// Events that the node said are on disk, as ranges of numbers, the last excluded.
    acknowledged: Vec<(u64, u64)>,
    /// From the first to the last answer, seconds.
    seconds: f64,
}

impl Published {
    fn count(&self) -> u64 {
        self.acknowledged.iter().map(|(from, to)| to - from).sum()
    }
}

/// A child that is killed when it is let go.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that ended already needs nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures.
///
/// # Errors
/// A source that is not built; a child that does not come up; a disk that refuses.
pub async fn run(args: &FeedArgs, tell: &impl Fn(String)) -> Result<Figures, Failure> {
    let topic = match (args.source, &args.broker) {
        (Source::Kafka, Some(broker)) => {
            let topic =
                format!("{}/aula-bench-{}-{}", broker.trim_end_matches('/'), std::process::id(), now_ms());
            publish::kafka::make_topic(&topic).await?;
            Some(topic)
        }
        (Source::Kafka, None) => {
            let next = "start a Kafka broker on loopback and name it: --broker kafka://127.0.0.1:9092, or AULA_BENCH_BROKER";
            return Err(Failure::new("no_broker", "--source kafka needs a broker", next));
        }
        _ => None,
    };
    let folder = Folder::temporary()?;
    let folders = make_vault(folder.path(), args.students)?;
    let mut all = Vec::new();
    let start = || start_host(folder.path(), args, topic.as_deref());
    let (node, url, target) = start()?;
    tell(format!("{} students; {} s as fast as answered", args.students, args.seconds));
    let started = Instant::now();
    let publisher = start_publisher(args, &target, 0, args.seconds, 0, false)?;
    let full = finished(publisher).await?;
    // Everything that was answered is on disk; the twins may be a group or two behind.
    let folded = host::Stats::wait_for(&url, full.count(), PATIENCE).await?;
    let until_folded = started.elapsed().as_secs_f64().max(full.seconds);
    tell(format!("{} events; {} s at {RATE} events a second", full.count(), args.seconds));
    let mut next = 1 << 40;
    host::Stats::measure_from(&url, now_ms()).await?;
    let publisher = start_publisher(args, &target, next, args.seconds, RATE, false)?;
    let open = finished(publisher).await?;
    host::Stats::wait_for(&url, folded + open.count(), PATIENCE).await?;
    let mut latencies = host::Stats::latencies_ms(&url).await?;
    latencies.sort_by(f64::total_cmp);
    next <<= 1;
    tell(format!("killing the node after {} s at full speed", CRASH_S / 2));
    let publisher = start_publisher(args, &target, next, CRASH_S, 0, true)?;
    tokio::time::sleep(Duration::from_millis(CRASH_S * 500)).await;
    drop(node);
    let cut = finished(publisher).await?;
    if args.source == Source::Kafka {
        tell("starting the node again".into());
        let (node, url, _) = start()?;
        host::Stats::wait_until_quiet(&url, QUIET, PATIENCE).await?;
        drop(node);
    }
    let answered = full.count() + open.count() + cut.count();
    all.extend([&full, &open, &cut].into_iter().flat_map(|published| published.acknowledged.iter().copied()));
    tell(format!("looking for {answered} events in the store"));
    let found = tokio::task::block_in_place(|| count::count(&folders, args.source, &all))?;
    let events_per_s = (full.count() as f64 / full.seconds.max(1e-9)).round();
    let durable = (full.count() as f64 / until_folded.max(1e-9)).round();
    let (p50, p99) = (percentile(&latencies, 0.5), percentile(&latencies, 0.99));
    let json = json!({
        "events_per_s": events_per_s, "durable_events_per_s": durable,
        "latency_ms": { "p50": round(p50), "p99": round(p99) },
        "lost": found.lost, "duplicated": found.duplicated,
    });
    let text = format!(
        "{} over {} s: {events_per_s} events a second answered, {durable} durable and folded\nlatency at {RATE} a second, from due to twin: \
         p50 {p50:.1} ms, p99 {p99:.1} ms ({} events)\nafter a kill at full speed: {answered} answered, {} lost, {} duplicated",
        args.source.word(),
        args.seconds,
        latencies.len(),
        found.lost,
        found.duplicated
    );
    Ok(Figures { json, text, within: found.lost == 0 && found.duplicated == 0 })
}

fn round(ms: f64) -> f64 {
    (ms * 100.0).round() / 100.0
}

fn make_vault(folder: &Path, students: u32) -> Result<Folders, Failure> {
    let folders = Folders::below(folder);
    let identity = Identity {
        district: DistrictId(1),
        chain_id: "bench-00000000".into(),
        genesis: Hash([0; 32]),
        account: AccountId([0; 20]),
    };
    let vault = Vault::create(&folders, &identity, now_ms()).advise("cannot make a vault", HINT)?;
    let year = SchoolYear::at(TimeMs(now_ms()));
    let asked: Vec<_> =
        (0..students).filter_map(|n| LocalId::new(&events::student(n))).map(|id| (id, year)).collect();
    vault.enrol(&asked).advise("cannot enrol students", HINT)?;
    Ok(folders)
}

fn this_program() -> Result<PathBuf, Failure> {
    std::env::current_exe().advise("this program cannot be found again", HINT)
}

/// Starts the node; gives what asks it how it stands, and where events are sent to.
fn start_host(
    folder: &Path,
    args: &FeedArgs,
    topic: Option<&str>,
) -> Result<(Running, String, String), Failure> {
    use std::io::BufRead;
    let mut command = Command::new(this_program()?);
    command.args(["bench", "feed-host", "--source", args.source.word(), "--folder"]).arg(folder);
    if let Some(topic) = topic {
        command.args(["--topic", topic]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .advise("the node cannot be started", HINT)?;
    let said = child.stdout.take();
    let node = Running(child);
    let mut line = String::new();
    let said = said.ok_or_else(|| Failure::because("the node says nothing", HINT))?;
    std::io::BufReader::new(said).read_line(&mut line).advise("the node says nothing", HINT)?;
    match line.trim().split_once(' ') {
        Some((url, target)) if url.starts_with("http://") => Ok((node, url.to_owned(), target.to_owned())),
        _ => Err(Failure::because("the node did not come up", HINT)),
    }
}

fn start_publisher(
    args: &FeedArgs,
    url: &str,
    first: u64,
    seconds: u64,
    rate: u32,
    until_down: bool,
) -> Result<tokio::process::Child, Failure> {
    let mut command = tokio::process::Command::new(this_program()?);
    command.args(["bench", "feed-publish", "--source", args.source.word(), "--url", url]);
    for (flag, value) in [
        ("--first", first),
        ("--seconds", seconds),
        ("--rate", u64::from(rate)),
        ("--students", u64::from(args.students)),
    ] {
        command.args([flag, &value.to_string()]);
    }
    if until_down {
        command.arg("--until-down");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().advise("the publisher cannot be started", HINT)
}

async fn finished(publisher: tokio::process::Child) -> Result<Published, Failure> {
    let output = publisher.wait_with_output().await.advise("the publisher ended", HINT)?;
    if !output.status.success() {
        return Err(Failure::because("the publisher failed; its words stand above", HINT));
    }
    serde_json::from_slice(&output.stdout).advise("the publisher's last line is not an answer", HINT)
}
