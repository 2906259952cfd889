//! A client of a district's own broker: what comes under the feed's topics, acknowledged once it is on disk.
//!
//! Flow: connect with a name that stays, so that the broker keeps what comes meanwhile → subscribe at quality 1 → each message to the
//! pipeline → PUBACK when its answer is there. A connection that ends is opened again after a while that grows; what was not
//! acknowledged comes again then, and is an event once. A file of secrets that changed ends the connection, and the next one has the
//! new secret. Invariant: no acknowledgement of an earlier connection is sent on a later one, where its number may be another
//! message's: what acknowledges ends with its connection.

use std::sync::Arc;
use std::time::Duration;

use aula_home::clock::now_ms;
use aula_home::config;
use aula_home::own_file::Watch;
use rumqttc::{AsyncClient, ConnectReturnCode, Event, EventLoop, Packet, Publish, QoS, SubscribeReasonCode};
use tokio::sync::{mpsc, oneshot};

use super::topics::Topics;
use crate::broker::{Broker, BrokerError, backoff, changed, watch};
use crate::given::Feed;
use crate::payload::{self, MAX_PAYLOAD_BYTES};
use crate::pipeline::{Busy, Pipeline, Summary};

/// Acknowledgements under way at most: as many as packets have numbers.
const UNDER_WAY: usize = 70_000;
/// When a refused message is submitted again.
const AGAIN: Duration = Duration::from_millis(500);

/// A message that waits for the disk.
struct Waiting {
    message: Publish,
    answer: Option<oneshot::Receiver<Result<Summary, Busy>>>,
}

/// The client of one feed's broker.
#[derive(Debug)]
pub struct Subscriber {
    own: config::Feed,
    feed: Arc<Feed>,
    pipeline: Arc<Pipeline>,
    topics: Topics,
}

impl Subscriber {
    /// Of this feed.
    pub fn new(own: config::Feed, feed: Arc<Feed>, pipeline: Arc<Pipeline>) -> Self {
        let topics = Topics::of(&own);
        Self { own, feed, pipeline, topics }
    }

    /// Takes what comes, for ever; a file of secrets that changed is read for the next connection.
    pub async fn run(self) {
        let mut tries = 0;
        loop {
            let watch = watch(&self.own);
            // Files are read here, small ones.
            match connect(&self.own, false) {
                Ok((client, events)) => self.attend((&client, events), watch, &mut tries).await,
                Err(error) => {
                    let error = aula_home::with_causes(&error);
                    tracing::warn!(feed = self.own.name, error, "the broker cannot be asked");
                }
            }
            tokio::time::sleep(backoff(tries)).await;
            tries = tries.saturating_add(1);
        }
    }

    /// One client to its end: the broker is gone, or the secret changed.
    async fn attend(
        &self,
        (client, mut events): (&AsyncClient, EventLoop),
        watch: Option<Watch>,
        tries: &mut u32,
    ) {
        let (waiting, jobs) = mpsc::unbounded_channel();
        let acknowledging = tokio::spawn(acknowledge(client.clone(), jobs, self.again()));
        let changed = changed(watch);
        tokio::pin!(changed);
        loop {
            let event = tokio::select! {
                event = events.poll() => event,
                () = &mut changed => {
                    tracing::info!(feed = self.own.name, "the secret changed: connecting anew");
                    *tries = 0;
                    break;
                }
            };
            match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    *tries = 0;
                    tracing::info!(feed = self.own.name, "connected to the broker");
                    if let Err(error) = subscribe(client, &self.topics) {
                        tracing::warn!(feed = self.own.name, error, "the topics cannot be asked for");
                    }
                }
                Ok(Event::Incoming(Packet::SubAck(answer))) => {
                    if answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                        tracing::warn!(feed = self.own.name, "the broker does not grant a topic");
                    }
                }
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    let answer = self.submit(&message).ok();
                    // Its receiver lives as long as this loop.
                    let _ = waiting.send(Waiting { message, answer });
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(feed = self.own.name, %error, "the broker is gone for a moment");
                    break;
                }
            }
        }
        acknowledging.abort();
    }

    fn submit(&self, message: &Publish) -> Result<oneshot::Receiver<Result<Summary, Busy>>, Busy> {
        submit(&self.feed, &self.pipeline, &self.topics, message)
    }

    /// How a message is submitted again.
    fn again(&self) -> Again {
        Again { feed: self.feed.clone(), pipeline: self.pipeline.clone(), topics: self.topics.clone() }
    }
}

fn subscribe(client: &AsyncClient, topics: &Topics) -> Result<(), String> {
    for filter in topics.filters() {
        client.try_subscribe(filter, QoS::AtLeastOnce).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn connect(own: &config::Feed, only_once: bool) -> Result<(AsyncClient, EventLoop), BrokerError> {
    let mut options = Broker::of(own)?.mqtt_options(only_once)?;
    options.set_manual_acks(true);
    options.set_clean_session(only_once);
    // A payload over the feed's own limit is a letter; one over this would come again for ever.
    options.set_max_packet_size(64 * MAX_PAYLOAD_BYTES, 64 << 10);
    Ok(AsyncClient::new(options, UNDER_WAY))
}

/// Tries a broker: it takes the name and the secret, and grants the topics. The session is one of its own that ends with it, and
/// nothing that comes is acknowledged.
///
/// # Errors
/// What the broker says, in words.
pub async fn probe(own: &config::Feed) -> Result<String, String> {
    let topics = Topics::of(own);
    let (client, mut events) = connect(own, true).map_err(|error| aula_home::with_causes(&error))?;
    let mut granted = 0;
    loop {
        match events.poll().await.map_err(|error| format!("the broker cannot be reached: {error}"))? {
            Event::Incoming(Packet::ConnAck(answer)) => {
                if answer.code != ConnectReturnCode::Success {
                    return Err(format!("the broker refuses: {:?}", answer.code));
                }
                subscribe(&client, &topics)?;
            }
            Event::Incoming(Packet::SubAck(answer)) => {
                if answer.return_codes.contains(&SubscribeReasonCode::Failure) {
                    return Err("the broker does not grant a topic: see its list of access".into());
                }
                granted += answer.return_codes.len();
                if granted >= topics.filters().count() {
                    // It goes either way.
                    let _ = client.try_disconnect();
                    return Ok(format!("connected, {granted} topics granted"));
                }
            }
            _ => {}
        }
    }
}

struct Again {
    feed: Arc<Feed>,
    pipeline: Arc<Pipeline>,
    topics: Topics,
}

fn submit(
    feed: &Arc<Feed>,
    pipeline: &Pipeline,
    topics: &Topics,
    message: &Publish,
) -> Result<oneshot::Receiver<Result<Summary, Busy>>, Busy> {
    let mut given = Vec::new();
    let sender: Arc<str> = Arc::from(message.topic.as_str());
    // The broker sends only what was asked for; anything else would be acknowledged and nothing more.
    if let Some(form) = topics.form(&message.topic) {
        payload::read(feed, form, &message.payload, &sender, now_ms(), &mut given);
    }
    pipeline.submit(given)
}

/// Acknowledges each message once it is on disk, in order; repeats what was refused.
async fn acknowledge(client: AsyncClient, mut jobs: mpsc::UnboundedReceiver<Waiting>, again: Again) {
    while let Some(Waiting { message, mut answer }) = jobs.recv().await {
        loop {
            let done = match answer.take() {
                Some(answer) => answer.await.unwrap_or(Err(Busy::Closed)),
                None => Err(Busy::Queue),
            };
            if done.is_ok() {
                break;
            }
            tokio::time::sleep(AGAIN).await;
            answer = submit(&again.feed, &again.pipeline, &again.topics, &message).ok();
        }
        if let Err(error) = client.try_ack(&message) {
            tracing::warn!(%error, "a message is acknowledged when it comes again");
        }
    }
}
