//! A message as a binary frame: four bytes of length, little endian, then that many bytes.
//!
//! A frame is one byte of version (1) and the borsh encoding of name, wall time, counter, student and what it says, with the
//! runtime's own encoding of an event's body. One message has one frame. Invariants: lengths are looked at before anything is
//! reserved; what follows a frame's fields refuses it.

use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::EventBody;
use borsh::{BorshDeserialize, BorshSerialize};

use super::{Message, Reason, Refusal, What, checked};

/// First byte of a frame.
const VERSION: u8 = 1;
/// Most bytes of a frame: two names, a student, and the largest body. It also bounds how deep bodies can nest: 40 levels.
pub const MAX_FRAME_BYTES: usize = 1_024;

#[derive(BorshSerialize, BorshDeserialize)]
struct Frame {
    name: String,
    wall_ms: u64,
    counter: u32,
    student: Option<String>,
    what: Said,
}

#[derive(BorshSerialize, BorshDeserialize)]
enum Said {
    Happened(EventBody),
    Amended { of: String, instead: Option<EventBody> },
}

/// Bytes that cannot be cut into frames: what follows is lost with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length over the limit.
    #[error(
        "a frame of {0} bytes is over the limit of {MAX_FRAME_BYTES}: write its length as four bytes, little endian"
    )]
    TooLong(u32),
    /// The bytes end inside a frame.
    #[error("the bytes end inside a frame")]
    Cut,
}

/// Cuts bytes into frames.
///
/// # Errors
/// [`FrameError`]; none of the frames is to be taken then.
pub fn cut(mut bytes: &[u8]) -> Result<Vec<&[u8]>, FrameError> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or(FrameError::Cut)?;
        let length = u32::from_le_bytes(*length);
        let count = usize::try_from(length).unwrap_or(usize::MAX);
        if count > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong(length));
        }
        let (frame, rest) = rest.split_at_checked(count).ok_or(FrameError::Cut)?;
        frames.push(frame);
        bytes = rest;
    }
    Ok(frames)
}

/// Reads one frame, without its length.
///
/// # Errors
/// [`Refusal`].
pub fn decode(frame: &[u8]) -> Result<Message, Refusal> {
    let malformed = || Refusal::new(None, Reason::Refused, "these are not the bytes of a frame of version 1");
    let (version, rest) = frame.split_first().ok_or_else(malformed)?;
    if *version != VERSION || frame.len() > MAX_FRAME_BYTES {
        return Err(malformed());
    }
    let read: Frame = borsh::from_slice(rest).map_err(|_| malformed())?;
    let at = Stamp::new(read.wall_ms, read.counter)
        .map_err(|error| Refusal::new(Some(&read.name), Reason::Refused, error.to_string()))?;
    let what = match read.what {
        Said::Happened(body) => What::Happened(body),
        Said::Amended { of, instead } => What::Amended { of, instead },
    };
    checked(Message { name: read.name, at, student: read.student, what })
}

/// Appends a message's frame with its length.
pub fn encode(message: &Message, to: &mut Vec<u8>) {
    let what = match &message.what {
        What::Happened(body) => Said::Happened(body.clone()),
        What::Amended { of, instead } => Said::Amended { of: of.clone(), instead: instead.clone() },
    };
    let frame = Frame {
        name: message.name.clone(),
        wall_ms: message.at.wall_ms(),
        counter: message.at.counter(),
        student: message.student.clone(),
        what,
    };
    let at = to.len();
    to.extend_from_slice(&[0, 0, 0, 0, VERSION]);
    // Writing to a Vec has no failing path; a cut frame would fail every decode.
    let _ = frame.serialize(to);
    let length = u32::try_from(to.len().saturating_sub(at + 4)).unwrap_or(u32::MAX);
    if let Some(place) = to.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}
