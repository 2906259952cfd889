//! Packets that a listener sends, and the two of a publisher that a bench and tests send.

use bytes::{BufMut, BytesMut};

use super::packet::Version;

/// Whether a client may connect, in the codes of MQTT 5.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Welcome {
    /// It may.
    Yes,
    /// The protocol's version is not spoken.
    Version,
    /// Its own name cannot be one.
    Client,
    /// Nobody of this name and password.
    Login,
    /// It may not send to this feed.
    Scope,
    /// Too many are connected, or it tried too often.
    Later,
    /// Its packet is refused with this code.
    Fault(u8),
}

impl Welcome {
    const fn code(self, version: Version) -> u8 {
        match (version, self) {
            (_, Self::Yes) => 0,
            (Version::Four, Self::Version) => 1,
            (Version::Four, Self::Client) => 2,
            (Version::Four, Self::Later) => 3,
            (Version::Four, Self::Login) => 4,
            (Version::Four, Self::Scope | Self::Fault(_)) => 5,
            (Version::Five, Self::Version) => 0x84,
            (Version::Five, Self::Client) => 0x85,
            (Version::Five, Self::Login) => 0x86,
            (Version::Five, Self::Scope) => 0x87,
            (Version::Five, Self::Later) => 0x89,
            (Version::Five, Self::Fault(code)) => code,
        }
    }
}

/// The refusal of a version that is not spoken, in the words of 3.1.1, which all of them read.
pub const OTHER_VERSION: [u8; 4] = [0x20, 2, 0, 1];

/// The answer to who connects. `given` is the name of one who gave none; `most` is the largest packet taken.
pub fn welcome(to: &mut BytesMut, version: Version, welcome: Welcome, given: Option<&str>, most: u32) {
    let code = welcome.code(version);
    if version == Version::Four || welcome != Welcome::Yes {
        let length = if version == Version::Four { 2 } else { 3 };
        to.put_slice(&[0x20, length, 0, code]);
        to.put_bytes(0, usize::from(length) - 2);
        return;
    }
    let mut properties = BytesMut::with_capacity(64);
    // No session outlives its connection: what is acknowledged is on disk, and the rest is sent again.
    properties.put_slice(&[0x11, 0, 0, 0, 0]);
    properties.put_u8(0x21);
    properties.put_u16(RECEIVE_MOST);
    properties.put_u8(0x27);
    properties.put_u32(most);
    // No subscription by identifier, none shared.
    properties.put_slice(&[0x29, 0, 0x2A, 0]);
    if let Some(name) = given {
        properties.put_u8(0x12);
        text(&mut properties, name.as_bytes());
    }
    to.put_u8(0x20);
    variable(to, 2 + 1 + properties.len());
    to.put_slice(&[0, code]);
    // Under 128 bytes: one byte of length.
    variable(to, properties.len());
    to.put_slice(&properties);
}

/// Messages that a client of 5.0 may have under way.
const RECEIVE_MOST: u16 = 4_096;

/// What is said of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// It is on disk.
    Acknowledge = 0x40,
    /// It is on disk and may be released.
    Received = 0x50,
    /// It is released.
    Complete = 0x70,
}

/// Says it of the packet with this number.
pub fn say(to: &mut BytesMut, what: Say, number: u16) {
    to.put_slice(&[what as u8, 2]);
    to.put_u16(number);
}

/// The answer to filters, a code each.
pub fn subscribed(to: &mut BytesMut, version: Version, number: u16, codes: &[u8]) {
    listed(to, version, 0x90, number, codes);
}

/// The answer to filters that are given up.
pub fn unsubscribed(to: &mut BytesMut, version: Version, number: u16, count: usize) {
    let codes = if version == Version::Five { vec![0; count] } else { Vec::new() };
    listed(to, version, 0xB0, number, &codes);
}

fn listed(to: &mut BytesMut, version: Version, first: u8, number: u16, codes: &[u8]) {
    let properties = usize::from(version == Version::Five);
    to.put_u8(first);
    variable(to, 2 + properties + codes.len());
    to.put_u16(number);
    to.put_bytes(0, properties);
    to.put_slice(codes);
}

/// The answer to a sign of life.
pub fn alive(to: &mut BytesMut) {
    to.put_slice(&[0xD0, 0]);
}

/// A retained message that nobody has to acknowledge.
pub fn retained(to: &mut BytesMut, version: Version, topic: &str, payload: &[u8]) {
    let properties = usize::from(version == Version::Five);
    to.put_u8(0x31);
    variable(to, 2 + topic.len() + properties + payload.len());
    text(to, topic.as_bytes());
    to.put_bytes(0, properties);
    to.put_slice(payload);
}

/// Why the connection ends; only 5.0 has a word for it.
pub fn goodbye(to: &mut BytesMut, version: Version, code: u8) {
    if version == Version::Five {
        to.put_slice(&[0xE0, 2, code, 0]);
    }
}

/// The first packet of a publisher that speaks 3.1.1, without a limit on silence.
pub fn connect(to: &mut BytesMut, client: &str, user: &str, password: &str) {
    to.put_u8(0x10);
    variable(to, 10 + 6 + client.len() + user.len() + password.len());
    text(to, b"MQTT");
    to.put_slice(&[4, 0xC2, 0, 0]);
    for part in [client, user, password] {
        text(to, part.as_bytes());
    }
}

/// A message of quality 1 with this number, in 3.1.1.
pub fn publish(to: &mut BytesMut, topic: &str, number: u16, payload: &[u8]) {
    to.put_u8(0x32);
    variable(to, 2 + topic.len() + 2 + payload.len());
    text(to, topic.as_bytes());
    to.put_u16(number);
    to.put_slice(payload);
}

fn text(to: &mut BytesMut, bytes: &[u8]) {
    to.put_u16(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
    to.put_slice(bytes);
}

fn variable(to: &mut BytesMut, mut value: usize) {
    loop {
        let byte = (value & 0x7F) as u8;
        value >>= 7;
        to.put_u8(if value > 0 { byte | 0x80 } else { byte });
        if value == 0 {
            return;
        }
    }
}
