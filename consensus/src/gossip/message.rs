//! What one gossip message holds: a number and transactions.
//!
//! The number makes every message another one. Gossipsub refuses to send what it has sent within the last minute, and a
//! transaction that is told again is told to those whom the first message did not reach.

use std::sync::Arc;

use borsh::BorshDeserialize;

/// Most transactions of a message.
pub(super) const MAX_TRANSACTIONS: usize = 2_048;

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

/// The transactions of a message; none if it has another form, more than [`MAX_TRANSACTIONS`], or an empty one.
pub(super) fn decode(message: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (_, list) = message.split_first_chunk::<8>()?;
    let (count, _) = list.split_first_chunk::<4>()?;
    // Looked at before anything is made room for.
    if u32::from_le_bytes(*count) as usize > MAX_TRANSACTIONS {
        return None;
    }
    let transactions = Vec::<Vec<u8>>::try_from_slice(list).ok()?;
    transactions.iter().all(|one| !one.is_empty()).then_some(transactions)
}

/// Lengths here are of one message, which is far below 4 GiB.
fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transactions(count: usize) -> Vec<Arc<Vec<u8>>> {
        (0..count).map(|n| Arc::new(vec![1; 1 + n % 7])).collect()
    }

    #[test]
    fn a_message_is_read_as_it_was_written_and_each_differs() {
        for count in [0, 1, 5, MAX_TRANSACTIONS] {
            let sent = transactions(count);
            let got = decode(&encode(7, &sent)).unwrap();
            assert!(got.iter().eq(sent.iter().map(|one| one.as_ref())));
        }
        assert_ne!(encode(1, &transactions(1)), encode(2, &transactions(1)));
    }

    #[test]
    fn other_forms_are_refused() {
        assert_eq!(decode(&encode(1, &transactions(MAX_TRANSACTIONS + 1))), None);
        assert_eq!(decode(&encode(1, &[Arc::new(vec![])])), None);
        let good = encode(1, &transactions(3));
        assert_eq!(decode(&good[..good.len() - 1]), None);
        assert_eq!(decode(&[good.clone(), vec![0]].concat()), None);
        for length in 0..12 {
            assert_eq!(decode(&good[..length]), None);
        }
        // A count that the bytes do not bear out.
        assert_eq!(decode(&[[0; 8].as_slice(), &2_000u32.to_le_bytes()].concat()), None);
        assert_eq!(decode(&[[0; 8].as_slice(), &[255; 4]].concat()), None);
    }
}
