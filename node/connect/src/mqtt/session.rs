//! One connection: packets in, messages to the pipeline, acknowledgements once they are on disk.
//!
//! Flow: CONNECT within `PATIENCE` → packets, of which all messages that came together are one submission → each submission's
//! acknowledgements in order, when its answer is there. While the pipeline refuses, nothing more is read and the submission is
//! repeated; after `REFUSED` the connection ends without an acknowledgement, and a client sends again. Quality 2 holds no
//! state: a message that comes again before its release is known by its name. Invariants: no PUBACK and no PUBREC before the
//! disk has the message; a packet that breaks the standard ends the connection, of 5.0 with its reason.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aula_home::clock::now_ms;
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::answer::{self, Say, Welcome};
use super::body::Fault;
use super::packet::{self, Connect, Packet, Publish, Quality, Version};
use super::served::{MAX_PACKET_BYTES, Mqtt};
use super::topics;
use crate::payload;
use crate::pipeline::{Busy, MAX_SUBMITTED, Summary};

/// How long the first packet may take, and any write.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the pipeline may refuse before the connection ends.
const REFUSED: Duration = Duration::from_secs(20);
/// When a refused submission is repeated.
const AGAIN: Duration = Duration::from_millis(500);
/// Submissions of a connection that wait at most; then nothing more is read.
const MAX_WAITING: usize = 64;
/// Messages of one submission, about.
const AT_ONCE: usize = 2_000;
/// Most bytes that are read at once; a quiet connection holds [`SMALL`].
const LARGE: usize = 64 << 10;
const SMALL: usize = 512;
/// Reason codes of 5.0.
const TAKEN_OVER: u8 = 0x8E;
const KEEP_ALIVE: u8 = 0x8D;
const OVER_QUOTA: u8 = 0x97;

type Answer = oneshot::Receiver<Result<Summary, Busy>>;

/// Messages that wait for the disk.
struct Waiting {
    messages: Vec<Publish>,
    answers: VecDeque<Answer>,
    /// When they were refused first, and when they are submitted again.
    refused: Option<(Instant, Instant)>,
}

enum End {
    /// It went with a word: its will does not count.
    Parted,
    /// It went without one.
    Lost,
    /// It is sent away for this reason.
    Sent(u8),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Sent(fault.code())
    }
}

enum Event {
    Settled(Result<(), Busy>),
    Again,
    Read(std::io::Result<usize>),
    Silent,
    TakenOver,
}

struct Session<'a, S> {
    mqtt: &'a Mqtt,
    stream: S,
    version: Version,
    sender: Arc<str>,
    buffer: BytesMut,
    out: BytesMut,
    waiting: VecDeque<Waiting>,
    /// Silence after which it is gone.
    keep_alive: Option<Duration>,
    most: Option<u32>,
}

/// Serves a connection to its end.
pub async fn run<S: AsyncRead + AsyncWrite + Unpin>(mqtt: &Mqtt, mut stream: S, peer: IpAddr) {
    let mut buffer = BytesMut::with_capacity(SMALL);
    let Ok(Some(connect)) = timeout(PATIENCE, first(&mut stream, &mut buffer)).await else { return };
    let given = format!("aula-{:016x}", rand_name());
    let (welcome, sender) = match admitted(mqtt, &connect, peer) {
        Ok(sender) => (Welcome::Yes, sender),
        Err(why) => (why, Arc::from("")),
    };
    let named = connect.client.is_empty().then_some(given.as_str());
    let mut out = BytesMut::with_capacity(64);
    answer::welcome(&mut out, connect.version, welcome, named, MAX_PACKET_BYTES as u32);
    let written = timeout(PATIENCE, stream.write_all(&out)).await;
    if welcome != Welcome::Yes || !matches!(written, Ok(Ok(()))) {
        // What was refused was said, or nobody heard it.
        let _ = timeout(PATIENCE, stream.shutdown()).await;
        return;
    }
    out.clear();
    // Names of different users never meet.
    let name = format!("{sender}\u{0}{}", named.unwrap_or(&connect.client));
    let (number, other) = mqtt.enter(&name);
    let keep_alive =
        (connect.keep_alive_s > 0).then(|| Duration::from_millis(u64::from(connect.keep_alive_s) * 1_500));
    let (version, most) = (connect.version, connect.maximum_packet);
    let mut session =
        Session { mqtt, stream, version, sender, buffer, out, waiting: VecDeque::new(), keep_alive, most };
    let end = match session.attend(&other).await {
        Ok(()) => End::Parted,
        Err(end) => end,
    };
    mqtt.leave(&name, number);
    session.part(end, connect.will).await;
}

/// A name's random part, for a client that has none.
fn rand_name() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // The process's own random keys: names must differ, not be secret.
    RandomState::new().hash_one(now_ms())
}

/// Reads the first packet; nothing of one that is not a packet.
async fn first<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, buffer: &mut BytesMut) -> Option<Connect> {
    loop {
        // Another protocol says so with its first byte.
        if buffer.first().is_some_and(|first| *first != packet::CONNECT) {
            return None;
        }
        // A name, a password and a will: more than this no stranger may make the node hold.
        match packet::cut(buffer, LARGE) {
            Ok(Some((first, body))) => match packet::connect(first, body) {
                Ok(connect) => return Some(connect),
                Err(Fault::Version) => {
                    let _ = stream.write_all(&answer::OTHER_VERSION).await;
                    return None;
                }
                Err(Fault::Authentication) => {
                    let mut out = BytesMut::new();
                    let refused = Welcome::Fault(Fault::Authentication.code());
                    answer::welcome(&mut out, Version::Five, refused, None, 0);
                    let _ = stream.write_all(&out).await;
                    return None;
                }
                Err(_) => return None,
            },
            Ok(None) => match stream.read_buf(buffer).await {
                Ok(read) if read > 0 => {}
                _ => return None,
            },
            Err(_) => return None,
        }
    }
}

fn admitted(mqtt: &Mqtt, connect: &Connect, peer: IpAddr) -> Result<Arc<str>, Welcome> {
    let sender = mqtt.admits(connect, peer)?;
    // Without a name of its own there is no session to come back to.
    if connect.client.is_empty() && connect.version == Version::Four && !connect.clean {
        return Err(Welcome::Client);
    }
    match &connect.will {
        Some(will) if mqtt.form(will).is_none() => Err(Welcome::Scope),
        _ => Ok(sender),
    }
}

impl Mqtt {
    /// How a message is written; none of one whose topic is not this feed's.
    fn form(&self, message: &Publish) -> Option<crate::given::Form> {
        // The bytes were read as text.
        self.topics.form(std::str::from_utf8(&message.topic).unwrap_or_default())
    }

    fn submit(&self, messages: &[Publish], sender: &Arc<str>) -> Result<VecDeque<Answer>, Busy> {
        let (mut given, now) = (Vec::with_capacity(messages.len()), now_ms());
        for message in messages {
            if let Some(form) = self.form(message) {
                payload::read(&self.feed, form, &message.payload, sender, now, &mut given);
            }
        }
        let mut answers = VecDeque::with_capacity(1);
        while !given.is_empty() {
            let rest = given.split_off(given.len().min(MAX_SUBMITTED));
            answers.push_back(self.pipeline.submit(std::mem::replace(&mut given, rest))?);
        }
        Ok(answers)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    async fn attend(&mut self, other: &Notify) -> Result<(), End> {
        let mut heard = Instant::now();
        // What came together with the first packet.
        if self.packets()? {
            return self.flush().await;
        }
        self.flush().await?;
        loop {
            match self.next(heard, other).await {
                Event::TakenOver => return Err(End::Sent(TAKEN_OVER)),
                Event::Silent => return Err(End::Sent(KEEP_ALIVE)),
                Event::Read(Ok(0) | Err(_)) => return Err(End::Lost),
                Event::Read(Ok(_)) => {
                    heard = Instant::now();
                    if self.packets()? {
                        self.flush().await?;
                        return Ok(());
                    }
                    if self.buffer.is_empty() && self.buffer.capacity() == 0 {
                        self.buffer.reserve(SMALL);
                    }
                }
                Event::Settled(Ok(())) => {
                    if let Some(done) = self.waiting.pop_front() {
                        for message in &done.messages {
                            match message.quality {
                                Quality::Once => {}
                                Quality::Acknowledged => {
                                    answer::say(&mut self.out, Say::Acknowledge, message.number);
                                }
                                Quality::Released => {
                                    answer::say(&mut self.out, Say::Received, message.number)
                                }
                            }
                        }
                    }
                }
                Event::Settled(Err(_)) => self.refused()?,
                Event::Again => {
                    if let Some(front) = self.waiting.front_mut() {
                        match self.mqtt.submit(&front.messages, &self.sender) {
                            Ok(answers) => front.answers = answers,
                            Err(_) => self.refused()?,
                        }
                    }
                }
            }
            self.flush().await?;
        }
    }

    /// The next thing that happens.
    async fn next(&mut self, heard: Instant, other: &Notify) -> Event {
        let waits = self.waiting.len();
        let (buffer, stream) = (&mut self.buffer, &mut self.stream);
        let front = self.waiting.front_mut();
        let held = front.as_ref().is_some_and(|front| front.refused.is_some());
        let reads = !held && waits < MAX_WAITING;
        let deadline = self.keep_alive.filter(|_| reads).map(|after| heard + after);
        // What fills its buffer has more to say.
        if reads && buffer.len() == buffer.capacity() {
            buffer.reserve(buffer.capacity().clamp(SMALL, LARGE));
        }
        tokio::select! {
            biased;
            () = other.notified() => Event::TakenOver,
            event = settled(front) => event,
            read = stream.read_buf(buffer), if reads => Event::Read(read),
            () = sleep_until(deadline.unwrap_or(heard)), if deadline.is_some() => Event::Silent,
        }
    }

    /// The first submission was refused: it is repeated until that took too long.
    fn refused(&mut self) -> Result<(), End> {
        let Some(front) = self.waiting.front_mut() else { return Ok(()) };
        let now = Instant::now();
        let since = front.refused.map_or(now, |(since, _)| since);
        if now.duration_since(since) > REFUSED {
            return Err(End::Sent(OVER_QUOTA));
        }
        front.answers.clear();
        front.refused = Some((since, now + AGAIN));
        Ok(())
    }

    /// Every whole packet in the buffer; true when the client parted.
    fn packets(&mut self) -> Result<bool, End> {
        let (mut messages, mut bytes, mut parted) = (Vec::new(), 0, false);
        while let Some((first, body)) = packet::cut(&mut self.buffer, MAX_PACKET_BYTES)? {
            match packet::packet(self.version, first, body)? {
                Packet::Publish(message) => {
                    if self.mqtt.form(&message).is_none() {
                        // 3.1.1 has no word for it: a client that is told nothing would think it was taken.
                        return Err(End::Sent(Fault::Topic.code()));
                    }
                    bytes += message.payload.len();
                    messages.push(message);
                    if messages.len() >= AT_ONCE || bytes >= payload::MAX_PAYLOAD_BYTES {
                        self.submit(std::mem::take(&mut messages));
                        bytes = 0;
                    }
                }
                Packet::Release(number) => answer::say(&mut self.out, Say::Complete, number),
                Packet::Subscribe(number, filters) => self.subscribe(number, &filters),
                Packet::Unsubscribe(number, count) => {
                    answer::unsubscribed(&mut self.out, self.version, number, count);
                }
                Packet::Ping => answer::alive(&mut self.out),
                Packet::Acknowledged => {}
                Packet::Disconnect { will: true } => return Err(End::Lost),
                Packet::Disconnect { will: false } => {
                    parted = true;
                    break;
                }
            }
        }
        self.submit(messages);
        Ok(parted)
    }

    fn submit(&mut self, messages: Vec<Publish>) {
        if messages.is_empty() {
            return;
        }
        let (answers, refused) = match self.mqtt.submit(&messages, &self.sender) {
            Ok(answers) => (answers, None),
            Err(_) => (VecDeque::new(), Some((Instant::now(), Instant::now() + AGAIN))),
        };
        self.waiting.push_back(Waiting { messages, answers, refused });
    }

    /// Only what is said of the feed is given; students' events never are.
    fn subscribe(&mut self, number: u16, filters: &[String]) {
        let (topic, text) = &self.mqtt.about;
        let gives = |filter: &String| topics::is_filter(filter) && topics::matches(filter, topic);
        let refused = if self.version == Version::Five { 0x87 } else { 0x80 };
        let codes: Vec<u8> = filters.iter().map(|filter| if gives(filter) { 0 } else { refused }).collect();
        answer::subscribed(&mut self.out, self.version, number, &codes);
        let fits = self.most.is_none_or(|most| text.len() + topic.len() + 16 <= most as usize);
        if codes.contains(&0) && fits {
            answer::retained(&mut self.out, self.version, topic, text.as_bytes());
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        if self.out.is_empty() {
            return Ok(());
        }
        let written = timeout(PATIENCE, self.stream.write_all(&self.out)).await;
        self.out.clear();
        if matches!(written, Ok(Ok(()))) { Ok(()) } else { Err(End::Lost) }
    }

    async fn part(mut self, end: End, will: Option<Publish>) {
        if let End::Sent(code) = end {
            answer::goodbye(&mut self.out, self.version, code);
            // It may be gone already.
            let _ = self.flush().await;
        }
        if let Some(will) = will.filter(|_| !matches!(end, End::Parted))
            && let Err(busy) = self.mqtt.submit(&[will], &self.sender)
        {
            tracing::warn!(feed = self.mqtt.feed.name, %busy, "a client's will was not taken");
        }
        let _ = timeout(PATIENCE, self.stream.shutdown()).await;
    }
}

/// When the first submission is answered, or is to be repeated; never without one.
async fn settled(front: Option<&mut Waiting>) -> Event {
    let Some(front) = front else { return std::future::pending().await };
    if front.answers.is_empty()
        && let Some((_, again)) = front.refused
    {
        sleep_until(again).await;
        return Event::Again;
    }
    while let Some(answer) = front.answers.front_mut() {
        let answered = answer.await.unwrap_or(Err(Busy::Closed));
        front.answers.pop_front();
        if let Err(busy) = answered {
            return Event::Settled(Err(busy));
        }
    }
    front.refused = None;
    Event::Settled(Ok(()))
}
