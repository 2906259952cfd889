//! Events as xAPI statements to a topic of a Kafka broker, each a record of its own.

use std::time::{Duration, Instant};

use aula_home::{Advise, Failure};
use krafka::admin::{CreateTopicsOptions, NewTopic};
use krafka::producer::Producer;
use krafka::{Kafka, Record};

use super::{PublishArgs, Span};
use crate::bench::feed::{HINT, events};

/// Records under way of one sender.
const AT_ONCE: u64 = 4_000;
/// Partitions of the bench's topic.
const PARTITIONS: i32 = 4;

/// The broker's hosts and the topic of `kafka://HOST:PORT/TOPIC`.
pub fn split(url: &str) -> Result<(&str, &str), Failure> {
    let parts = url.strip_prefix("kafka://").and_then(|rest| rest.split_once('/'));
    parts.ok_or_else(|| Failure::because("the broker is kafka://HOST:PORT", HINT))
}

/// Makes the topic.
///
/// # Errors
/// A broker that is gone or refuses.
pub async fn make_topic(url: &str) -> Result<(), Failure> {
    let (hosts, topic) = split(url)?;
    let kafka = connect(hosts).await?;
    let new = NewTopic::new(topic, PARTITIONS, 1).advise("the topic cannot be", HINT)?;
    let made = kafka.admin().create_topics([new], CreateTopicsOptions::default()).await;
    let made = made.advise("the broker makes no topic", HINT)?;
    made.into_values().collect::<Result<Vec<()>, _>>().map(drop).advise("the broker makes no topic", HINT)
}

async fn connect(hosts: &str) -> Result<Kafka, Failure> {
    Kafka::builder(hosts).client_id("aula-bench").connect().await.advise("the broker is gone", HINT)
}

/// A producer, and the topic that the address names.
///
/// # Errors
/// A broker that is gone.
pub async fn producer(url: &str) -> Result<(Producer, String), Failure> {
    let (hosts, topic) = split(url)?;
    let made = connect(hosts).await?.producer().linger(Duration::from_millis(2)).build().await;
    Ok((made.advise("the broker is gone", HINT)?, topic.to_owned()))
}

fn record(topic: &str, (number, student, at): (u64, u32, u64)) -> Record {
    let value = events::statement(number, student, at);
    Record::new(topic.to_owned(), value).key(events::student(student))
}

/// One sender as fast as the broker acknowledges; gives how many of its events were.
pub async fn as_answered(args: &PublishArgs, span: &Span, end: Instant) -> Result<u64, Failure> {
    let (producer, topic) = producer(&args.url).await?;
    let mut sent = 0;
    while Instant::now() < end {
        sent = send(&producer, &topic, (sent..sent + AT_ONCE).map(|n| span.of(n)), sent).await?;
    }
    producer.close().await.advise("the broker is gone", HINT)?;
    Ok(sent)
}

async fn send(
    producer: &Producer,
    topic: &str,
    list: impl Iterator<Item = (u64, u32, u64)>,
    mut sent: u64,
) -> Result<u64, Failure> {
    let mut handles = Vec::new();
    for one in list {
        handles.push(producer.enqueue(record(topic, one)).await.advise("the broker refuses", HINT)?);
    }
    for handle in handles {
        drop(handle.await.advise("the broker refuses", HINT)?);
        sent += 1;
    }
    Ok(sent)
}

/// Events at their moments; gives how many were acknowledged.
pub async fn open_loop(
    args: &PublishArgs,
    total: u64,
    each: u64,
    due_us: impl Fn(u64) -> u64,
    start: (Instant, u64),
) -> Result<u64, Failure> {
    let (producer, topic) = producer(&args.url).await?;
    let (mut next, mut handles, students) = (0, Vec::new(), u64::from(args.students));
    while next < total {
        let to = (next + each).min(total);
        let due = Duration::from_micros(due_us(to - 1).saturating_sub(start.1));
        tokio::time::sleep_until((start.0 + due).into()).await;
        for n in next..to {
            let record = record(&topic, (args.first + n, (n % students) as u32, due_us(n)));
            handles.push(producer.enqueue(record).await.advise("the broker refuses", HINT)?);
        }
        next = to;
    }
    let mut sent = 0;
    for handle in handles {
        drop(handle.await.advise("the broker refuses", HINT)?);
        sent += 1;
    }
    producer.close().await.advise("the broker is gone", HINT)?;
    Ok(sent)
}
