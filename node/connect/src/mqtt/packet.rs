//! Packets of MQTT 3.1.1 and 5.0 as a listener gets them (sections 3.1 to 3.14 of both standards).

use bytes::{Bytes, BytesMut};

use super::body::{Body, Fault, USER};

/// Which standard a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Protocol level 4: MQTT 3.1.1.
    Four,
    /// Protocol level 5: MQTT 5.0.
    Five,
}

/// How surely a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// At most once.
    Once,
    /// At least once: acknowledged.
    Acknowledged,
    /// Exactly once: received, then released.
    Released,
}

/// A PUBLISH, in either direction (section 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// How surely.
    pub quality: Quality,
    /// The packet's number; 0 for one that is not acknowledged.
    pub number: u16,
    /// The topic, UTF-8.
    pub topic: Bytes,
    /// The message's own bytes, as the feed's rules read them.
    pub payload: Bytes,
}

/// A client's first packet: who it is and what it may ask of the connection.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// Which standard.
    pub version: Version,
    /// The client's own name; may be empty.
    pub client: String,
    /// Whether it wants to begin anew.
    pub clean: bool,
    /// Seconds after which a silent client is gone; 0 never.
    pub keep_alive_s: u16,
    /// User and password.
    pub login: Option<(String, Bytes)>,
    /// What is said for it when it goes without a word.
    pub will: Option<Publish>,
    /// The largest packet that it takes.
    pub maximum_packet: Option<u32>,
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connect").field("client", &self.client).finish_non_exhaustive()
    }
}

/// A packet of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// A message that the client sends.
    Publish(Publish),
    /// PUBREL: the message of this number counts as delivered.
    Release(u16),
    /// Filters that it wants messages of.
    Subscribe(u16, Vec<String>),
    /// How many filters it wants no more messages of.
    Unsubscribe(u16, usize),
    /// A sign of life.
    Ping,
    /// An acknowledgement, of which nothing depends.
    Acknowledged,
    /// It goes; its will counts or not.
    Disconnect {
        /// Whether its will is said all the same.
        will: bool,
    },
}

/// Cuts the next packet off: its first byte and its body; none when more bytes are needed.
///
/// # Errors
/// [`Fault`].
pub fn cut(buffer: &mut BytesMut, most: usize) -> Result<Option<(u8, Body)>, Fault> {
    let Some((first, rest)) = buffer.split_first() else { return Ok(None) };
    let (first, mut length, mut head) = (*first, 0usize, 1usize);
    for shift in [0, 7, 14, 21] {
        let Some(byte) = rest.get(head - 1) else { return Ok(None) };
        head += 1;
        length |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            if length > most {
                return Err(Fault::TooLarge);
            }
            if buffer.len() < head + length {
                buffer.reserve(head + length - buffer.len());
                return Ok(None);
            }
            let packet = buffer.split_to(head + length).freeze();
            return Ok(Some((first, Body(packet.slice(head..)))));
        }
    }
    Err(Fault::Malformed)
}

/// The first byte of a connection.
pub const CONNECT: u8 = 0x10;

/// Reads the first packet of a connection.
///
/// # Errors
/// [`Fault`].
pub fn connect(first: u8, mut body: Body) -> Result<Connect, Fault> {
    if first != CONNECT {
        return Err(Fault::Protocol);
    }
    let (name, level) = (body.text()?, body.byte()?);
    let version = match (&name[..], level) {
        (b"MQTT", 4) => Version::Four,
        (b"MQTT", 5) => Version::Five,
        (b"MQTT" | b"MQIsdp", _) => return Err(Fault::Version),
        _ => return Err(Fault::Malformed),
    };
    let five = version == Version::Five;
    let flags = body.byte()?;
    let has = |bit: u8| flags & bit != 0;
    let (will, quality) = (has(0x04), quality(flags >> 3 & 3)?);
    let will_alone = will || (quality == Quality::Once && !has(0x20));
    if has(0x01) || !will_alone || (!five && has(0x40) && !has(0x80)) {
        return Err(Fault::Malformed);
    }
    let keep_alive_s = body.two()?;
    let mut maximum_packet = None;
    if five {
        maximum_packet =
            body.properties(&[0x11, 0x21, 0x27, 0x22, 0x19, 0x17, USER, 0x15, 0x16])?.maximum_packet;
    }
    let client = body.string()?;
    let will = match will {
        true => {
            if five {
                body.properties(&[0x18, 0x01, 0x02, 0x03, 0x08, 0x09, USER])?;
            }
            let (topic, payload) = (topic(body.text()?)?, body.binary()?);
            Some(Publish { quality, number: 0, topic, payload })
        }
        false => None,
    };
    let user = if has(0x80) { body.string()? } else { String::new() };
    let password = if has(0x40) { body.binary()? } else { Bytes::new() };
    body.end()?;
    let login = (has(0x80) || has(0x40)).then_some((user, password));
    Ok(Connect { version, client, clean: has(0x02), keep_alive_s, login, will, maximum_packet })
}

/// Reads any later packet.
///
/// # Errors
/// [`Fault`].
pub fn packet(version: Version, first: u8, mut body: Body) -> Result<Packet, Fault> {
    let five = version == Version::Five;
    let packet = match (first >> 4, first & 0x0F) {
        (3, flags) => return publish(version, flags, body).map(Packet::Publish),
        // Acknowledgements of what was sent without asking for one.
        (4 | 7, 0) => {
            body.number()?;
            return Ok(Packet::Acknowledged);
        }
        (6, 2) => {
            let number = body.number()?;
            if five && !body.is_empty() {
                body.byte()?;
                if !body.is_empty() {
                    body.properties(&[0x1F, USER])?;
                }
            }
            Packet::Release(number)
        }
        (8, 2) => {
            let number = body.number()?;
            if five {
                body.properties(&[0x0B, USER])?;
            }
            let mut filters = Vec::new();
            while !body.is_empty() {
                let filter = body.string()?;
                let options = body.byte()?;
                let reserved = if five { 0xC0 } else { 0xFC };
                if options & reserved != 0 || options & 0x03 == 3 || options & 0x30 == 0x30 {
                    return Err(Fault::Malformed);
                }
                filters.push(filter);
            }
            if filters.is_empty() {
                return Err(Fault::Protocol);
            }
            Packet::Subscribe(number, filters)
        }
        (10, 2) => {
            let number = body.number()?;
            if five {
                body.properties(&[USER])?;
            }
            let mut count = 0;
            while !body.is_empty() {
                body.text()?;
                count += 1;
            }
            if count == 0 {
                return Err(Fault::Protocol);
            }
            Packet::Unsubscribe(number, count)
        }
        (12, 0) => Packet::Ping,
        (14, 0) => {
            let reason = if five && !body.is_empty() { body.byte()? } else { 0 };
            if five && !body.is_empty() {
                body.properties(&[0x11, 0x1F, USER])?;
            }
            Packet::Disconnect { will: reason == 0x04 }
        }
        (4 | 6 | 7 | 8 | 10 | 12 | 14, _) => return Err(Fault::Malformed),
        _ => return Err(Fault::Protocol),
    };
    body.end()?;
    Ok(packet)
}

fn publish(version: Version, flags: u8, mut body: Body) -> Result<Publish, Fault> {
    let quality = quality(flags >> 1 & 3)?;
    if quality == Quality::Once && flags & 8 != 0 {
        return Err(Fault::Malformed);
    }
    let name = body.text()?;
    let number = if quality == Quality::Once { 0 } else { body.number()? };
    if version == Version::Five {
        // An alias is refused as such, also where the topic is empty for it.
        body.properties(&[0x01, 0x02, 0x23, 0x08, 0x09, 0x03, USER])?;
    }
    Ok(Publish { quality, number, topic: topic(name)?, payload: body.0 })
}

fn quality(bits: u8) -> Result<Quality, Fault> {
    match bits {
        0 => Ok(Quality::Once),
        1 => Ok(Quality::Acknowledged),
        2 => Ok(Quality::Released),
        _ => Err(Fault::Malformed),
    }
}

fn topic(name: Bytes) -> Result<Bytes, Fault> {
    if name.is_empty() || name.iter().any(|byte| matches!(byte, b'+' | b'#')) {
        Err(Fault::Topic)
    } else {
        Ok(name)
    }
}
