//! Where an event came from, as it is sealed beside it: by feeds and by imports alike.

use borsh::BorshSerialize;

/// What [`encode`] wrote: name, when it came, feed, sender, number. None of bytes that are no origin.
pub fn decode(bytes: &[u8]) -> Option<(String, u64, String, String, u32)> {
    borsh::from_slice(bytes).ok()
}

/// The bytes: the message's own name, when it came (milliseconds since 1970), by which feed or format, who sent it or which file it
/// stood in, and which message of the request or line of the file, from 1.
pub fn encode(name: &str, received_ms: u64, feed: &str, sender: &str, number: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + feed.len() + sender.len() + 24);
    // Writing to a Vec has no failing path; an empty origin is told as an unknown one.
    let _ = (name, received_ms, feed, sender, number).serialize(&mut bytes);
    bytes
}
