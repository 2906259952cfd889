//! Topics of a Kafka broker, read as a member of a group of consumers.
//!
//! Flow: records → the pipeline, some submissions ahead of each other → once one is on disk, its offsets are committed. While
//! the pipeline refuses, every partition is paused and the member stays in its group. A rebalance, a crash or a commit that the
//! broker refuses brings records again, and each is an event once. A record that is no message is a letter with its topic,
//! partition and offset. Invariant: no offset is committed before every record below it is on disk. Absent: making topics.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aula_home::clock::now_ms;
use aula_home::config;
use krafka::Kafka;
use krafka::consumer::{AutoOffsetReset, Consumer, ConsumerRecord, OffsetAndMetadata, TopicPartition};
use krafka::error::KrafkaError;
use tokio::sync::oneshot;

use crate::broker::{Broker, BrokerError, backoff, changed, watch};
use crate::given::{Feed, Form, Given};
use crate::payload;
use crate::pipeline::{Busy, MAX_SUBMITTED, Pipeline, Summary};

#[cfg(test)]
mod secured;
#[cfg(test)]
mod tests;

/// Records of one poll at most.
const AT_ONCE: i32 = 4_000;
/// Records that were fetched and wait here at most: what a broker gives at once is not thrown away and asked for again. Their bytes
/// are bounded by what one answer may have.
const FETCHED: i32 = 32_000;
/// How often offsets are committed while records come.
const COMMIT_EVERY: Duration = Duration::from_millis(250);
/// How long a broker waits for a member that says nothing before others get its partitions.
const SESSION: Duration = Duration::from_secs(10);
/// How long a poll waits for records.
const POLL: Duration = Duration::from_millis(100);
/// Submissions under way at most.
const UNDER_WAY: usize = 4;
/// When a refused submission is repeated.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a broker has to answer a test.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a broker's topics are not read now.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// Its address or its file of secrets cannot be used.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// What it says, or that it says nothing.
    #[error("the broker refuses, or is gone")]
    Client(#[from] KrafkaError),
}

type Answer = oneshot::Receiver<Result<Summary, Busy>>;

/// Records that wait for the disk, and where each partition goes on after them.
struct Waiting {
    records: Vec<ConsumerRecord>,
    answers: VecDeque<Answer>,
    next: BTreeMap<(Arc<str>, i32), i64>,
}

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    own: config::Feed,
    feed: Arc<Feed>,
    pipeline: Arc<Pipeline>,
}

impl Member {
    /// Of this feed.
    pub fn new(own: config::Feed, feed: Arc<Feed>, pipeline: Arc<Pipeline>) -> Self {
        Self { own, feed, pipeline }
    }

    /// Takes what comes, for ever; a file of secrets that changed is read for the next connection.
    pub async fn run(self) {
        let mut tries = 0;
        loop {
            match self.attend(&mut tries).await {
                Ok(()) => tracing::info!(feed = self.own.name, "the secret changed: connecting anew"),
                Err(error) => {
                    let error = aula_home::with_causes(&error);
                    tracing::warn!(feed = self.own.name, error, "the broker's topics are read later");
                }
            }
            tokio::time::sleep(backoff(tries)).await;
            tries = tries.saturating_add(1);
        }
    }

    async fn attend(&self, tries: &mut u32) -> Result<(), KafkaError> {
        let watch = watch(&self.own);
        let kafka = connect(&self.own).await?;
        let group = self.own.group.clone().unwrap_or_else(|| format!("aula-{}", self.own.name));
        let consumer = kafka
            .consumer(group)
            .auto_offset_reset(AutoOffsetReset::Earliest)
            .enable_auto_commit(false)
            .session_timeout(SESSION)
            .max_poll_records(AT_ONCE)
            .max_buffered_records(FETCHED)
            .build()
            .await?;
        consumer.subscribe(self.own.topics.keys()).await?;
        let changed = changed(watch);
        tokio::pin!(changed);
        let ended = tokio::select! {
            ended = self.take(&consumer, tries) => ended,
            () = &mut changed => Ok(()),
        };
        // A member that says goodbye is replaced at once.
        let closed = consumer.close().await;
        ended.and(closed.map_err(KafkaError::from))
    }

    async fn take(&self, consumer: &Consumer, tries: &mut u32) -> Result<(), KafkaError> {
        let mut waiting: VecDeque<Waiting> = VecDeque::new();
        // On disk, and not told to the broker yet.
        let (mut done, mut committed) = (BTreeMap::new(), Instant::now());
        loop {
            let records = consumer.poll(if waiting.is_empty() { POLL } else { Duration::ZERO }).await?;
            *tries = 0;
            let idle = records.is_empty();
            if !idle {
                waiting.push_back(self.submit(records));
            }
            while waiting.len() >= UNDER_WAY || (idle && !waiting.is_empty()) {
                let Some(front) = waiting.front_mut() else { break };
                if settled(front).await.is_ok() {
                    done.extend(waiting.pop_front().map(|front| front.next).unwrap_or_default());
                } else {
                    self.commit(consumer, std::mem::take(&mut done)).await;
                    self.repeat(consumer, front).await?;
                }
            }
            if waiting.is_empty() || committed.elapsed() >= COMMIT_EVERY {
                self.commit(consumer, std::mem::take(&mut done)).await;
                committed = Instant::now();
            }
        }
    }

    /// Submits what was refused until it is on disk, and stays a member of the group meanwhile.
    async fn repeat(&self, consumer: &Consumer, front: &mut Waiting) -> Result<(), KafkaError> {
        tracing::warn!(feed = self.own.name, "records wait at the broker: the pipeline refuses");
        loop {
            let assigned = consumer.assignment().await;
            for (topic, partitions) in &assigned {
                consumer.pause(topic, partitions).await;
            }
            // Paused partitions give nothing; the poll keeps the membership.
            let records = consumer.poll(AGAIN).await?;
            if !records.is_empty() {
                // A rebalance gave a partition that was not paused yet: it is read again from where it stood.
                let mut back: BTreeMap<(Arc<str>, i32), i64> = BTreeMap::new();
                for record in &records {
                    back.entry((record.topic.clone(), record.partition)).or_insert(record.offset);
                }
                for ((topic, partition), offset) in back {
                    consumer.seek(&topic, partition, offset).await?;
                }
            }
            front.answers = self.submit(std::mem::take(&mut front.records)).into_parts(front);
            let taken = settled(front).await.is_ok();
            if taken {
                for (topic, partitions) in &consumer.assignment().await {
                    consumer.resume(topic, partitions).await;
                }
                return Ok(());
            }
        }
    }

    fn submit(&self, records: Vec<ConsumerRecord>) -> Waiting {
        let (mut given, now) = (Vec::with_capacity(records.len()), now_ms());
        let mut next = BTreeMap::new();
        for record in &records {
            next.insert((record.topic.clone(), record.partition), record.offset + 1);
            self.read(record, now, &mut given);
        }
        let mut answers = VecDeque::with_capacity(1);
        while !given.is_empty() {
            let rest = given.split_off(given.len().min(MAX_SUBMITTED));
            let (answer, refused) = match self.pipeline.submit(std::mem::replace(&mut given, rest)) {
                Ok(answer) => (answer, false),
                Err(busy) => {
                    let (sender, answer) = oneshot::channel();
                    // Its receiver is here.
                    let _ = sender.send(Err(busy));
                    (answer, true)
                }
            };
            answers.push_back(answer);
            if refused {
                break;
            }
        }
        Waiting { records, answers, next }
    }

    fn read(&self, record: &ConsumerRecord, now: u64, to: &mut Vec<Given>) {
        // A record without a value says that an earlier one of its key may go: nothing happened to a student.
        let Some(value) = &record.value else { return };
        let form = self.own.topics.get(&*record.topic).map_or(Form::Line, |of| payload::form(*of));
        let sender = Arc::from(format!("{}/{}@{}", record.topic, record.partition, record.offset));
        payload::read(&self.feed, form, value, &sender, now, to);
    }

    async fn commit(&self, consumer: &Consumer, next: BTreeMap<(Arc<str>, i32), i64>) {
        if next.is_empty() {
            return;
        }
        let offsets: Vec<(TopicPartition, OffsetAndMetadata)> = next
            .into_iter()
            .map(|((topic, partition), offset)| {
                (TopicPartition::new(&*topic, partition), OffsetAndMetadata::new(offset))
            })
            .collect();
        if let Err(error) = consumer.commit_offsets(offsets).await {
            // Such as after a rebalance: whoever has the partition now reads them again, and they are known.
            tracing::info!(feed = self.own.name, %error, "offsets were not committed");
        }
    }
}

impl Waiting {
    /// Gives its records back to where they waited, and its answers.
    fn into_parts(self, to: &mut Self) -> VecDeque<Answer> {
        to.records = self.records;
        self.answers
    }
}

/// Tries a broker: it takes the name and the secret, and has the topics.
///
/// # Errors
/// What it says.
pub async fn probe(own: &config::Feed) -> Result<String, String> {
    let asked = async {
        let kafka = connect(own).await?;
        let consumer = kafka.consumer_without_group().build().await?;
        let mut missing = None;
        for topic in own.topics.keys() {
            if consumer.fetch_metadata(Some(topic)).await?.topics.is_empty() {
                missing = Some(topic.clone());
            }
        }
        consumer.close().await?;
        Ok::<_, KafkaError>(missing)
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(None)) => Ok(format!("connected, {} topics found", own.topics.len())),
        Ok(Ok(Some(topic))) => Err(format!("the broker has no topic {topic}")),
        Ok(Err(error)) => Err(aula_home::with_causes(&error)),
        Err(_) => Err(format!("the broker does not answer within {} s", PATIENCE.as_secs())),
    }
}

async fn connect(own: &config::Feed) -> Result<Kafka, KafkaError> {
    let broker = Broker::of(own)?;
    let security = broker.kafka_security()?;
    let kafka = Kafka::builder(broker.hosts()).client_id(format!("aula-{}", own.name)).security(security);
    Ok(kafka.connect().await?)
}

async fn settled(front: &mut Waiting) -> Result<(), Busy> {
    while let Some(answer) = front.answers.front_mut() {
        let answered = answer.await.unwrap_or(Err(Busy::Closed));
        front.answers.pop_front();
        answered?;
    }
    Ok(())
}
