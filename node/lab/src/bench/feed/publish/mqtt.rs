//! Events by MQTT 3.1.1, each a message of quality 1 of its own.

use std::time::{Duration, Instant};

use aula_connect::mqtt::answer;
use aula_home::{Advise, Failure};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::{PublishArgs, Span};
use crate::bench::feed::{CLIENT, HINT, events};

/// Messages under way at full speed.
const UNDER_WAY: u64 = 8_000;
/// Messages written at once.
const AT_ONCE: u64 = 500;
/// Bytes of an acknowledgement.
const ACK_BYTES: usize = 4;

/// A connection whose acknowledgements come in order.
pub struct Sender {
    reads: OwnedReadHalf,
    writes: OwnedWriteHalf,
    buffer: BytesMut,
}

impl Sender {
    /// Connects; none when the node is gone.
    pub async fn connect(url: &str, number: u64) -> Result<Self, Failure> {
        let address = url.trim_start_matches("mqtt://");
        let mut stream = TcpStream::connect(address).await.advise("the node is gone", HINT)?;
        stream.set_nodelay(true).advise("no socket", HINT)?;
        let (mut out, mut said) = (BytesMut::new(), [0; 4]);
        answer::connect(&mut out, &format!("bench-{number}"), CLIENT.0, CLIENT.1);
        stream.write_all(&out).await.advise("the node is gone", HINT)?;
        stream.read_exact(&mut said).await.advise("the node is gone", HINT)?;
        if said != [0x20, 2, 0, 0] {
            return Err(Failure::because("the node refuses the connection", HINT));
        }
        let (reads, writes) = stream.into_split();
        Ok(Self { reads, writes, buffer: BytesMut::with_capacity(64 << 10) })
    }

    async fn acknowledged(&mut self) -> std::io::Result<u64> {
        if self.reads.read_buf(&mut self.buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let whole = self.buffer.len() / ACK_BYTES;
        let _ = self.buffer.split_to(whole * ACK_BYTES);
        Ok(whole as u64)
    }
}

/// The packets of these events.
pub fn packets(span: impl Iterator<Item = (u64, u32, u64)>, to: &mut BytesMut) {
    let mut frame = Vec::with_capacity(128);
    for (number, student, at) in span {
        frame.clear();
        events::frame(number, student, at, &mut frame);
        // Any number but 0: acknowledgements come in order.
        answer::publish(to, &format!("aula/{}/frames", events::FEED), (number % 65_000) as u16 + 1, &frame);
    }
}

/// One sender as fast as it is answered; gives how many of its events were.
pub async fn as_answered(args: &PublishArgs, span: &Span, end: Instant) -> Result<u64, Failure> {
    let mut sender = match Sender::connect(&args.url, span.sender).await {
        Ok(sender) => sender,
        Err(_) if args.until_down => return Ok(0),
        Err(why) => return Err(why),
    };
    let (mut sent, mut answered, mut out) = (0, 0, BytesMut::new());
    loop {
        let more = Instant::now() < end;
        if !more && answered == sent {
            return Ok(answered);
        }
        if more && sent - answered + AT_ONCE <= UNDER_WAY {
            out.clear();
            packets((sent..sent + AT_ONCE).map(|n| span.of(n)), &mut out);
            sent += AT_ONCE;
            if let Err(why) = sender.writes.write_all(&out).await {
                return gone(args, answered, &why);
            }
            continue;
        }
        match sender.acknowledged().await {
            Ok(count) => answered += count,
            Err(why) => return gone(args, answered, &why),
        }
    }
}

fn gone(args: &PublishArgs, answered: u64, why: &std::io::Error) -> Result<u64, Failure> {
    if args.until_down { Ok(answered) } else { Err(Failure::because(why.to_string(), HINT)) }
}

/// Events at their moments on one connection; gives how many were answered.
pub async fn open_loop(
    args: &PublishArgs,
    total: u64,
    each: u64,
    due_us: impl Fn(u64) -> u64,
    start: (Instant, u64),
) -> Result<u64, Failure> {
    let Sender { mut reads, mut writes, buffer } = Sender::connect(&args.url, 99).await?;
    let answers = tokio::spawn(async move {
        let (mut buffer, mut answered) = (buffer, 0);
        while answered < total {
            match tokio::time::timeout(Duration::from_secs(30), reads.read_buf(&mut buffer)).await {
                Ok(Ok(read)) if read > 0 => {}
                _ => break,
            }
            let whole = buffer.len() / ACK_BYTES;
            let _ = buffer.split_to(whole * ACK_BYTES);
            answered += whole as u64;
        }
        answered
    });
    let (mut next, mut out) = (0, BytesMut::new());
    let students = u64::from(args.students);
    while next < total {
        let to = (next + each).min(total);
        let due = Duration::from_micros(due_us(to - 1).saturating_sub(start.1));
        tokio::time::sleep_until((start.0 + due).into()).await;
        out.clear();
        packets((next..to).map(|n| (args.first + n, (n % students) as u32, due_us(n))), &mut out);
        writes.write_all(&out).await.advise("the node is gone", HINT)?;
        next = to;
    }
    answers.await.advise("the acknowledgements cannot be read", HINT)
}
