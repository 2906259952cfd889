//! The listener over real sockets, with a client of another maker, by packets of our own, and by any bytes.

use std::time::Duration;

use aula_district::live::events_of;
use aula_home::config;
use bytes::{Buf, BufMut, BytesMut};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet as Theirs, QoS};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::body::{Body, Fault};
use super::listener::serve;
use super::packet::{self, Version};
use super::served::Mqtt;
use crate::clients::read_clients;
use crate::given::Feed;
use crate::letters;
use crate::pipeline::Pipeline;
use crate::testkit::{NOW_MS, Shutter, Tested, World, plain_settings, write_clients};

type Made<T> = Result<T, Box<dyn std::error::Error>>;

struct Served {
    world: World,
    door: Arc<Shutter>,
    pipeline: Arc<Pipeline>,
    mqtt: Arc<Mqtt>,
    port: u16,
}

async fn served() -> Made<Served> {
    let mut world = World::new()?;
    world.feed = Arc::new(Feed::plain("sensors")?);
    let door = Shutter::of(&world.vault, false);
    let settings = plain_settings(vec![world.feed.clone()]);
    let pipeline = Arc::new(Pipeline::start(door.clone(), settings)?);
    let path = world.root.path().join("clients.toml");
    write_clients(&path, "east", b"secret")?;
    let own: config::Feed = toml::from_str("name = 'sensors'\nkind = 'mqtt'\nlisten = '127.0.0.1:1883'")?;
    let mqtt = Arc::new(Mqtt::new(&own, world.feed.clone(), pipeline.clone(), read_clients(&path)?));
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let port = socket.local_addr()?.port();
    tokio::spawn(serve(socket, mqtt.clone()));
    Ok(Served { world, door, pipeline, mqtt, port })
}

fn line(name: &str, student: &str) -> String {
    format!(
        r#"{{"id":"{name}","at":{NOW_MS},"student":"{student}","event":{{"kind":"attendance","mark":"late"}}}}"#
    )
}

impl Served {
    fn events(&self, student: usize) -> Made<usize> {
        Ok(events_of(&self.world.vault, &self.world.handles[student])?.len())
    }

    async fn open(&self) -> Made<Raw> {
        Ok(Raw(TcpStream::connect(("127.0.0.1", self.port)).await?))
    }
}

/// A connection on which any bytes are sent.
struct Raw(TcpStream);

fn text(to: &mut BytesMut, text: &str) {
    to.put_u16(text.len() as u16);
    to.put_slice(text.as_bytes());
}

fn connect(level: u8, client: &str, secret: &str) -> Vec<u8> {
    let mut body = BytesMut::new();
    text(&mut body, "MQTT");
    body.put_slice(&[level, 0xC2, 0, 60]);
    if level == 5 {
        body.put_u8(0);
    }
    for part in [client, "east", secret] {
        text(&mut body, part);
    }
    packet(0x10, &body)
}

fn publish(level: u8, quality: u8, number: u16, topic: &str, payload: &str) -> Vec<u8> {
    let mut body = BytesMut::new();
    text(&mut body, topic);
    if quality > 0 {
        body.put_u16(number);
    }
    if level == 5 {
        body.put_u8(0);
    }
    body.put_slice(payload.as_bytes());
    packet(0x30 | quality << 1, &body)
}

/// A packet of less than 16 KiB.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    [&[first, (body.len() & 0x7F) as u8 | 0x80, (body.len() >> 7) as u8][..], body].concat()
}

impl Raw {
    /// Sends, and gives so many bytes of what is said.
    async fn says(&mut self, bytes: &[u8], count: usize) -> Made<Vec<u8>> {
        self.0.write_all(bytes).await?;
        let mut said = vec![0; count];
        tokio::time::timeout(Duration::from_secs(10), self.0.read_exact(&mut said)).await??;
        Ok(said)
    }

    /// Sends, and gives all that is said until the connection is closed.
    async fn ends(&mut self, bytes: &[u8]) -> Made<Vec<u8>> {
        // Who was sent away already hears nothing more.
        let _ = self.0.write_all(bytes).await;
        let mut said = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), self.0.read_to_end(&mut said)).await?;
        // A reset is an end, too.
        let _ = read;
        Ok(said)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_another_maker_is_acknowledged_when_the_disk_has_it() -> Tested {
    let served = served().await?;
    let mut options = MqttOptions::new("pump", "127.0.0.1", served.port);
    options.set_credentials("east", "secret");
    let (client, mut events) = AsyncClient::new(options, 64);
    for n in 0..20 {
        let payload = format!("{}\n{}", line(&format!("m{n}"), "S-0"), line(&format!("n{n}"), "S-1"));
        client.publish("aula/sensors/events", QoS::AtLeastOnce, n % 2 == 0, payload).await?;
    }
    client.publish("aula/sensors/events", QoS::ExactlyOnce, false, line("x", "S-2")).await?;
    client.publish("aula/sensors/events", QoS::AtLeastOnce, false, "no JSON").await?;
    client.subscribe("aula/+/about", QoS::AtLeastOnce).await?;
    let (mut acknowledged, mut complete, mut about) = (0, 0, String::new());
    while acknowledged < 21 || complete < 1 || about.is_empty() {
        match tokio::time::timeout(Duration::from_secs(20), events.poll()).await?? {
            Event::Incoming(Theirs::PubAck(_)) => acknowledged += 1,
            Event::Incoming(Theirs::PubComp(_)) => complete += 1,
            Event::Incoming(Theirs::Publish(said)) => {
                assert!(said.retain);
                about = String::from_utf8(said.payload.to_vec())?;
            }
            _ => {}
        }
    }
    assert!(about.contains("aula/sensors/events"), "{about}");
    assert_eq!((served.events(0)?, served.events(1)?, served.events(2)?), (20, 20, 1));
    assert_eq!(letters::list(&served.world.vault, served.world.feed.source)?.len(), 1);
    assert_eq!(served.mqtt.connected(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_while_the_vault_is_shut_and_all_of_it_afterwards() -> Tested {
    let served = served().await?;
    served.door.shut.store(true, Ordering::SeqCst);
    let mut raw = served.open().await?;
    assert_eq!(raw.says(&connect(4, "a", "secret"), 4).await?, [0x20, 2, 0, 0]);
    let two = [
        publish(4, 1, 7, "aula/sensors/events", &line("a", "S-0")),
        publish(4, 2, 8, "aula/sensors/events", &line("b", "S-0")),
    ];
    raw.0.write_all(&two.concat()).await?;
    let mut said = [0; 8];
    let early = tokio::time::timeout(Duration::from_millis(700), raw.0.read_exact(&mut said)).await;
    assert!(early.is_err(), "acknowledged before it was on disk");
    assert_eq!(served.events(0)?, 0);
    served.door.shut.store(false, Ordering::SeqCst);
    assert_eq!(raw.says(&[], 8).await?, [0x40, 2, 0, 7, 0x50, 2, 0, 8]);
    assert_eq!(served.events(0)?, 2);
    assert_eq!(raw.says(&[0x62, 2, 0, 8], 4).await?, [0x70, 2, 0, 8]);
    // The same again before its release is the same event.
    assert_eq!(raw.says(&two[1], 4).await?, [0x50, 2, 0, 8]);
    assert_eq!(served.events(0)?, 2);
    assert_eq!(raw.says(&[0xC0, 0], 2).await?, [0xD0, 0]);
    // A pipeline that takes nothing any more acknowledges nothing.
    tokio::task::block_in_place(|| served.pipeline.stop());
    raw.0.write_all(&publish(4, 1, 9, "aula/sensors/events", &line("c", "S-0"))).await?;
    let mut said = [0; 4];
    let never = tokio::time::timeout(Duration::from_millis(700), raw.0.read_exact(&mut said)).await;
    assert!(never.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_unknown_or_breaks_the_standard_is_sent_away_with_the_reason() -> Tested {
    let served = served().await?;
    let good = |level: u8| publish(level, 1, 1, "aula/sensors/events", &line("a", "S-0"));
    // Before a connection: no word for who says nothing of the protocol.
    for (bytes, said) in [
        (connect(4, "a", "wrong"), vec![0x20, 2, 0, 4]),
        (connect(5, "a", "wrong"), vec![0x20, 3, 0, 0x86, 0]),
        (connect(3, "a", "secret"), vec![0x20, 2, 0, 1]),
        (good(4), vec![]),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![]),
        (vec![0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], vec![]),
        (vec![0x10, 0xFF, 0xFF, 0xFF, 0x7F], vec![]),
    ] {
        assert_eq!(served.open().await?.ends(&bytes).await?, said, "{bytes:02x?}");
    }
    // On a connection of 5.0, each with its reason.
    for (bytes, reason) in [
        (publish(5, 1, 1, "aula/other/events", "{}"), 0x90),
        (publish(5, 1, 1, "aula/+/events", "{}"), 0x90),
        (publish(5, 1, 0, "aula/sensors/events", "{}"), 0x82),
        (publish(5, 3, 1, "aula/sensors/events", "{}"), 0x81),
        (connect(5, "b", "secret"), 0x82),
        (vec![0xF0, 0], 0x82),
        (vec![0x00, 0], 0x82),
        (vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF], 0x81),
        (vec![0x30, 0xFF, 0xFF, 0xFF, 0x7F], 0x95),
        (vec![0x82, 2, 0, 1], 0x81),
        (vec![0x30, 3, 0, 9, b'a'], 0x81),
        (vec![0x30, 4, 0, 1, 0xFF, 0], 0x81),
        // A topic alias: property 35.
        (vec![0x32, 9, 0, 1, b'a', 0, 1, 3, 35, 0, 1], 0x94),
    ] {
        let mut raw = served.open().await?;
        raw.0.write_all(&connect(5, "a", "secret")).await?;
        let said = raw.ends(&bytes).await?;
        assert_eq!(said[said.len() - 4..], [0xE0, 2, reason, 0], "{bytes:02x?}");
    }
    // 3.1.1 has no word: the connection ends without an acknowledgement.
    let mut raw = served.open().await?;
    raw.0.write_all(&connect(4, "a", "secret")).await?;
    assert_eq!(raw.ends(&publish(4, 1, 1, "elsewhere", "{}")).await?, [0x20, 2, 0, 0]);
    assert_eq!(served.events(0)?, 0);
    // Events are never given out.
    let mut raw = served.open().await?;
    raw.says(&connect(4, "a", "secret"), 4).await?;
    let mut body = BytesMut::new();
    body.put_u16(5);
    for filter in ["#", "aula/sensors/events", "a#"] {
        text(&mut body, filter);
        body.put_u8(1);
    }
    let said = raw.says(&packet(0x82, &body), 7).await?;
    assert_eq!(said, [0x90, 5, 0, 5, 0, 0x80, 0x80]);
    // Too many tries of one address: who is known is not kept out.
    let mut waits = 0;
    for _ in 0..40 {
        let said = served.open().await?.ends(&connect(5, "a", "wrong")).await?;
        waits += usize::from(said == [0x20, 3, 0, 0x89, 0]);
    }
    assert!(waits > 0, "an address that tries too often is told to wait");
    assert_eq!(served.open().await?.says(&connect(4, "b", "secret"), 4).await?, [0x20, 2, 0, 0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_one_connection_and_a_lost_one_says_its_will() -> Tested {
    let served = served().await?;
    let mut body = BytesMut::new();
    text(&mut body, "MQTT");
    // A will, name and password; one second of silence.
    body.put_slice(&[4, 0xC6, 0, 1]);
    let will = line("will", "S-1");
    for part in ["pump", "aula/sensors/events", &will, "east", "secret"] {
        text(&mut body, part);
    }
    let mut first = served.open().await?;
    first.says(&packet(0x10, &body), 4).await?;
    let mut second = served.open().await?;
    second.says(&packet(0x10, &body), 4).await?;
    assert_eq!(first.ends(&[]).await?, Vec::<u8>::new(), "the first one is told to go");
    // Silent for one and a half seconds: gone.
    assert_eq!(second.ends(&[]).await?, Vec::<u8>::new());
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while served.events(1)? == 0 && std::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(served.events(1)?, 1);
    Ok(())
}

#[test]
fn packets_are_cut_whatever_pieces_they_come_in() -> Result<(), Fault> {
    let whole = [publish(4, 1, 7, "a", "x"), vec![0xC0, 0]].concat();
    let (mut buffer, mut found) = (BytesMut::new(), Vec::new());
    for byte in whole {
        buffer.put_u8(byte);
        while let Some((first, body)) = packet::cut(&mut buffer, 100)? {
            found.push(packet::packet(Version::Four, first, body)?);
        }
    }
    assert!(matches!(&found[..], [packet::Packet::Publish(said), packet::Packet::Ping] if said.number == 7));
    Ok(())
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), kind in 0u8..16) {
        let mut buffer = BytesMut::from(&bytes[..]);
        while let Ok(Some((first, body))) = packet::cut(&mut buffer, 1_000) {
            let _ = (packet::connect(first, body.clone()), packet::packet(Version::Five, first, body));
            if !buffer.has_remaining() {
                break;
            }
        }
        // Bodies of every kind, and properties of every kind.
        let body = Body(bytes.clone().into());
        for flags in [0, 2] {
            let _ = packet::packet(Version::Five, kind << 4 | flags, body.clone());
            let _ = packet::packet(Version::Four, kind << 4 | flags, body.clone());
        }
        bytes.splice(0..0, [0, 4, b'M', b'Q', b'T', b'T', 5, 0xC6, 0, 9]);
        let _ = packet::connect(0x10, Body(bytes.into()));
    }
}
