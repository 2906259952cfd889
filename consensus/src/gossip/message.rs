//! What one gossip message holds: a number and transactions.
//!
//! The number makes every message another one. Gossipsub refuses to send what it has sent within the last minute, and a
//! transaction that is told again is told to those whom the first message did not reach.

use std::sync::Arc;

use super::batch_of;

/// A message: the number, then the transactions as borsh writes a list of byte strings.
pub(super) fn encode(number: u64, transactions: &[Arc<Vec<u8>>]) -> Vec<u8> {
    let bytes: usize = transactions.iter().map(|one| one.len().saturating_add(4)).sum();
    let mut message = Vec::with_capacity(bytes.saturating_add(12));
    message.extend(number.to_le_bytes());
    message.extend(length(transactions.len()));
    for one in transactions {
        message.extend(length(one.len()));
        message.extend(one.as_slice());
    }
    message
}

/// The transactions of a message; none if it is not a number and a batch of them.
pub(super) fn decode(message: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (_, batch) = message.split_first_chunk::<8>()?;
    batch_of(batch)
}

/// Lengths here are of one message, which is far below 4 GiB.
fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written_and_each_differs() {
        let sent: Vec<Arc<Vec<u8>>> = (0..500).map(|n| Arc::new(vec![1; 1 + n % 7])).collect();
        for count in [1, 2, 500] {
            let got = decode(&encode(7, &sent[..count])).unwrap();
            assert!(got.iter().eq(sent[..count].iter().map(|one| one.as_ref())));
        }
        assert_ne!(encode(1, &sent), encode(2, &sent));
        let good = encode(1, &sent);
        assert_eq!(decode(&good[..good.len() - 1]), None);
        for length in 0..12 {
            assert_eq!(decode(&good[..length]), None);
        }
    }
}
