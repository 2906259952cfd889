//! The fields of packets (MQTT 5.0, sections 1.5 and 2.2), read from any bytes: no panic, and no more memory than came.

use bytes::{Buf, Bytes};

/// Why bytes are no packet, or one that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// They are no packet.
    #[error("a packet is malformed")]
    Malformed,
    /// A packet that may not come here, or says what it may not.
    #[error("the protocol does not allow this packet")]
    Protocol,
    /// Longer than is taken.
    #[error("a packet is too large")]
    TooLarge,
    /// A topic has a wildcard, or is empty.
    #[error("a topic has a wildcard or is empty")]
    Topic,
    /// A topic alias, which this listener does not keep.
    #[error("topic aliases are not kept")]
    Alias,
    /// An authentication beyond name and password.
    #[error("only name and password are asked for")]
    Authentication,
    /// Another version than 3.1.1 and 5.0.
    #[error("the protocol's version is another than 3.1.1 and 5.0")]
    Version,
}

impl Fault {
    /// The reason code of MQTT 5.0.
    pub const fn code(self) -> u8 {
        match self {
            Self::Malformed => 0x81,
            Self::Protocol => 0x82,
            Self::TooLarge => 0x95,
            Self::Topic => 0x90,
            Self::Alias => 0x94,
            Self::Authentication => 0x8C,
            Self::Version => 0x84,
        }
    }
}

/// What is left of a packet.
#[derive(Debug, Clone)]
pub struct Body(pub Bytes);

/// Properties that matter here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Properties {
    /// The largest packet that the sender takes.
    pub maximum_packet: Option<u32>,
}

impl Body {
    /// The next byte; [`Fault::Malformed`] at the end.
    pub fn byte(&mut self) -> Result<u8, Fault> {
        if self.0.has_remaining() { Ok(self.0.get_u8()) } else { Err(Fault::Malformed) }
    }

    /// The next two bytes as a number, the higher first.
    pub fn two(&mut self) -> Result<u16, Fault> {
        if self.0.remaining() >= 2 { Ok(self.0.get_u16()) } else { Err(Fault::Malformed) }
    }

    /// The next four bytes as a number, the highest first.
    pub fn four(&mut self) -> Result<u32, Fault> {
        if self.0.remaining() >= 4 { Ok(self.0.get_u32()) } else { Err(Fault::Malformed) }
    }

    /// A packet's number, never 0.
    pub fn number(&mut self) -> Result<u16, Fault> {
        self.two().and_then(|number| if number == 0 { Err(Fault::Protocol) } else { Ok(number) })
    }

    /// An integer of one to four bytes.
    pub fn variable(&mut self) -> Result<usize, Fault> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Fault::Malformed)
    }

    /// The next bytes.
    pub fn take(&mut self, count: usize) -> Result<Bytes, Fault> {
        if self.0.remaining() >= count { Ok(self.0.split_to(count)) } else { Err(Fault::Malformed) }
    }

    /// Bytes with their length before them.
    pub fn binary(&mut self) -> Result<Bytes, Fault> {
        let count = self.two()?;
        self.take(usize::from(count))
    }

    /// Text: UTF-8 without the null character.
    pub fn text(&mut self) -> Result<Bytes, Fault> {
        let bytes = self.binary()?;
        match std::str::from_utf8(&bytes) {
            Ok(text) if !text.contains('\0') => Ok(bytes),
            _ => Err(Fault::Malformed),
        }
    }

    /// Text as a string.
    pub fn string(&mut self) -> Result<String, Fault> {
        String::from_utf8(self.text()?.to_vec()).map_err(|_| Fault::Malformed)
    }

    /// True when nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An error unless nothing is left.
    pub fn end(&self) -> Result<(), Fault> {
        if self.is_empty() { Ok(()) } else { Err(Fault::Malformed) }
    }

    /// Reads properties, of which only these may stand here, each once but a user's own.
    pub fn properties(&mut self, allowed: &[u8]) -> Result<Properties, Fault> {
        let count = self.variable()?;
        let mut body = Self(self.take(count)?);
        let (mut found, mut seen) = (Properties::default(), [false; 64]);
        while !body.is_empty() {
            let id = body.byte()?;
            let once = seen.get_mut(usize::from(id)).ok_or(Fault::Malformed)?;
            if !allowed.contains(&id) {
                return Err(Fault::Malformed);
            }
            if std::mem::replace(once, true) && id != USER {
                return Err(Fault::Protocol);
            }
            match id {
                0x15 | 0x16 => return Err(Fault::Authentication),
                0x23 => return Err(Fault::Alias),
                0x01 | 0x17 | 0x19 if body.byte()? > 1 => return Err(Fault::Protocol),
                0x01 | 0x17 | 0x19 => {}
                0x21 if body.two()? == 0 => return Err(Fault::Protocol),
                0x21 => {}
                0x22 => drop(body.two()?),
                0x27 => {
                    let most = body.four()?;
                    found.maximum_packet = Some(most).filter(|most| *most > 0);
                    found.maximum_packet.ok_or(Fault::Protocol)?;
                }
                0x02 | 0x11 | 0x18 => drop(body.four()?),
                0x0B if body.variable()? == 0 => return Err(Fault::Protocol),
                0x0B => {}
                0x03 | 0x08 | 0x1F => drop(body.text()?),
                0x09 => drop(body.binary()?),
                USER => drop((body.text()?, body.text()?)),
                _ => return Err(Fault::Malformed),
            }
        }
        Ok(found)
    }
}

/// The property of a user's own names and values.
pub const USER: u8 = 0x26;
