//! The publishing process: sends events and says which of them were answered.

use std::io::Write;
use std::time::{Duration, Instant};

use aula_home::{Advise, Failure};
use clap::Args;

use super::{CLIENT, HINT, Published, Source, events, now_us};

pub mod kafka;
mod mqtt;

/// Senders, each with its own students and one submission at a time, as a partitioned broker has them.
const SENDERS: u64 = 4;
/// Events of a submission at full speed.
const FRAMES_AT_ONCE: u64 = 2_000;
const STATEMENTS_AT_ONCE: u64 = 500;
/// Time between two submissions of the open loop.
const PERIOD: Duration = Duration::from_millis(5);
/// How far apart events stand in time at full speed, microseconds: they began an hour ago.
const APART_US: u64 = 50;

/// Arguments of the publishing process.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The node's origin, for example http://127.0.0.1:8480
    #[arg(long)]
    pub url: String,
    /// Where events come from
    #[arg(long, value_enum)]
    pub source: Source,
    /// Number of the first event
    #[arg(long)]
    pub first: u64,
    /// How long it sends, in seconds
    #[arg(long)]
    pub seconds: u64,
    /// Events a second in an open loop; 0 as fast as answered
    #[arg(long)]
    pub rate: u32,
    /// How many students the events are of
    #[arg(long)]
    pub students: u32,
    /// When the node is gone, end without a failure
    #[arg(long)]
    pub until_down: bool,
}

/// Sends; prints what was answered.
///
/// # Errors
/// A node that refuses or is gone.
pub async fn run(args: &PublishArgs) -> Result<(), Failure> {
    let published = if args.rate == 0 { as_answered(args).await? } else { open_loop(args).await? };
    let line = serde_json::to_string(&published).advise("the answer cannot be written", HINT)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).advise("nobody listens", HINT)
}

fn client() -> Result<reqwest::Client, Failure> {
    reqwest::Client::builder().no_proxy().build().advise("no client", HINT)
}

/// The body of these events; each has its number, its student and its moment.
fn body(source: Source, list: impl Iterator<Item = (u64, u32, u64)>) -> (Vec<u8>, &'static str) {
    if source == Source::Xapi {
        let mut text = String::from("[");
        for (number, student, at) in list {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&events::statement(number, student, at));
        }
        text.push(']');
        return (text.into_bytes(), "application/json");
    }
    let mut bytes = Vec::with_capacity(64 * FRAMES_AT_ONCE as usize);
    list.for_each(|(number, student, at)| events::frame(number, student, at, &mut bytes));
    (bytes, aula_connect::server::FRAMES)
}

enum Answer {
    Taken,
    Later,
    Gone(String),
}

async fn send(
    client: &reqwest::Client,
    args: &PublishArgs,
    (bytes, kind): (Vec<u8>, &'static str),
) -> Answer {
    let path = if args.source == Source::Xapi { "xapi/statements" } else { "events" };
    let request = client.post(format!("{}/{path}", args.url)).basic_auth(CLIENT.0, Some(CLIENT.1));
    let request = request.header("content-type", kind).header("x-experience-api-version", "2.0.0");
    match request.body(bytes).send().await {
        Err(error) => Answer::Gone(error.to_string()),
        Ok(response) if matches!(response.status().as_u16(), 429 | 503) => Answer::Later,
        Ok(response) if !response.status().is_success() => {
            let status = response.status();
            Answer::Gone(format!("{status}: {}", response.text().await.unwrap_or_default()))
        }
        // The whole answer: what is cut was not heard.
        Ok(response) => match response.bytes().await {
            Ok(_) => Answer::Taken,
            Err(error) => Answer::Gone(error.to_string()),
        },
    }
}

/// The events of one sender: their numbers stand together, and its students are its own.
pub struct Span {
    sender: u64,
    first: u64,
    own: u64,
    base_us: u64,
}

impl Span {
    fn of(&self, n: u64) -> (u64, u32, u64) {
        let student = (n % self.own) * SENDERS + self.sender;
        (self.first + n, student as u32, self.base_us + n * APART_US)
    }
}

/// Every sender as fast as it is answered.
async fn as_answered(args: &PublishArgs) -> Result<Published, Failure> {
    let start = Instant::now();
    let end = start + Duration::from_secs(args.seconds);
    let base_us = now_us().saturating_sub(3_600_000_000);
    let client = client()?;
    let senders = (0..SENDERS).map(|sender| {
        let client = client.clone();
        async move {
            let own = u64::from(args.students) / SENDERS;
            let span = Span { sender, first: args.first + (sender << 36), own, base_us };
            let acknowledged = match args.source {
                Source::Mqtt => mqtt::as_answered(args, &span, end).await?,
                Source::Kafka => kafka::as_answered(args, &span, end).await?,
                Source::Frames | Source::Xapi => by_http(&client, args, &span, end).await?,
            };
            Ok::<_, Failure>((span.first, span.first + acknowledged))
        }
    });
    let acknowledged = futures::future::try_join_all(senders).await?;
    Ok(Published { acknowledged, seconds: start.elapsed().as_secs_f64() })
}

/// One sender over HTTP; gives how many of its events were answered.
async fn by_http(
    client: &reqwest::Client,
    args: &PublishArgs,
    span: &Span,
    end: Instant,
) -> Result<u64, Failure> {
    let at_once = if args.source == Source::Xapi { STATEMENTS_AT_ONCE } else { FRAMES_AT_ONCE };
    let mut next = 0u64;
    while Instant::now() < end {
        match send(client, args, body(args.source, (next..next + at_once).map(|n| span.of(n)))).await {
            Answer::Taken => next += at_once,
            Answer::Later => tokio::time::sleep(Duration::from_millis(20)).await,
            Answer::Gone(_) if args.until_down => break,
            Answer::Gone(why) => return Err(Failure::because(why, HINT)),
        }
    }
    Ok(next)
}

/// Events at their moments, whether or not earlier ones were answered.
async fn open_loop(args: &PublishArgs) -> Result<Published, Failure> {
    let client = client()?;
    let start = Instant::now();
    let base_us = now_us();
    let total = u64::from(args.rate) * args.seconds;
    let each = (u64::from(args.rate) * PERIOD.as_millis() as u64 / 1_000).max(1);
    let rate = u64::from(args.rate);
    let due_us = move |n: u64| base_us + n * 1_000_000 / rate;
    let by_broker = match args.source {
        Source::Mqtt => Some(mqtt::open_loop(args, total, each, due_us, (start, base_us)).await?),
        Source::Kafka => Some(kafka::open_loop(args, total, each, due_us, (start, base_us)).await?),
        Source::Frames | Source::Xapi => None,
    };
    if let Some(count) = by_broker {
        let acknowledged = vec![(args.first, args.first + count)];
        return Ok(Published { acknowledged, seconds: start.elapsed().as_secs_f64() });
    }
    let (mut next, mut sent) = (0u64, tokio::task::JoinSet::new());
    let args = std::sync::Arc::new(PublishArgs { url: args.url.clone(), ..*args });
    while next < total {
        let to = (next + each).min(total);
        // The last of a submission is due when it is sent; the first ones wait for it, and their wait counts.
        let due = Duration::from_micros(due_us(to - 1) - base_us);
        tokio::time::sleep_until((start + due).into()).await;
        let students = u64::from(args.students);
        let of = |n: u64| (args.first + n, (n % students) as u32, due_us(n));
        let body = body(args.source, (next..to).map(of));
        let (client, args, range) = (client.clone(), args.clone(), (args.first + next, args.first + to));
        sent.spawn(async move {
            match send(&client, &args, body).await {
                Answer::Taken => Ok(Some(range)),
                Answer::Later => Ok(None),
                Answer::Gone(why) => Err(Failure::because(why, HINT)),
            }
        });
        next = to;
    }
    let mut acknowledged = Vec::new();
    while let Some(done) = sent.join_next().await {
        acknowledged.extend(done.advise("a sender failed", HINT)??);
    }
    Ok(Published { acknowledged, seconds: start.elapsed().as_secs_f64() })
}
