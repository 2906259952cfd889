//! The CBOR of ecdsa-sd-2023 proof values (RFC 8949): arrays, maps, byte and text strings, unsigned integers, each of a
//! definite length in its shortest form. Anything else is refused.

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cbor {
    /// An unsigned integer.
    Number(u64),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A text string.
    Text(String),
    /// Its items in order.
    Array(Vec<Cbor>),
    /// A map, in its order.
    Map(Vec<(Cbor, Cbor)>),
}

/// Levels inside each other; a proof value has two.
const MAX_LEVELS: u8 = 4;

/// The one value that the bytes are.
pub fn parse(bytes: &[u8]) -> Option<Cbor> {
    let mut rest = bytes;
    let value = value(&mut rest, MAX_LEVELS)?;
    rest.is_empty().then_some(value)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

/// Major type and argument; only the shortest form of the argument.
fn head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let first = take(rest, 1)?[0];
    let (major, low) = (first >> 5, first & 31);
    let (argument, least) = match low {
        0..=23 => (u64::from(low), 0),
        24 => (u64::from(take(rest, 1)?[0]), 24),
        25 => (u64::from(u16::from_be_bytes(take(rest, 2)?.try_into().ok()?)), 1 << 8),
        26 => (u64::from(u32::from_be_bytes(take(rest, 4)?.try_into().ok()?)), 1 << 16),
        _ => return None,
    };
    (argument >= least).then_some((major, argument))
}

fn value(rest: &mut &[u8], levels: u8) -> Option<Cbor> {
    let levels = levels.checked_sub(1)?;
    let (major, argument) = head(rest)?;
    let count = usize::try_from(argument).ok()?;
    match major {
        0 => Some(Cbor::Number(argument)),
        2 => Some(Cbor::Bytes(take(rest, count)?.to_vec())),
        3 => Some(Cbor::Text(String::from_utf8(take(rest, count)?.to_vec()).ok()?)),
        // Each item has a byte at least, so that a count cannot ask for more memory than there is input.
        4 if count <= rest.len() => {
            (0..count).map(|_| value(rest, levels)).collect::<Option<_>>().map(Cbor::Array)
        }
        5 if count <= rest.len() => {
            let pairs = (0..count).map(|_| Some((value(rest, levels)?, value(rest, levels)?)));
            pairs.collect::<Option<_>>().map(Cbor::Map)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_shortest_form_is_refused() {
        assert_eq!(parse(&[0x18, 24]), Some(Cbor::Number(24)));
        assert_eq!(
            parse(&[0x82, 1, 0x41, 7]),
            Some(Cbor::Array(vec![Cbor::Number(1), Cbor::Bytes(vec![7])]))
        );
        for bad in [
            &[0x18, 23][..],
            &[1, 1],
            &[0x9f, 0xff],
            &[0x9a, 0xff, 0xff, 0xff, 0xff],
            &[0x42, 1],
            &[],
            &[0xf6],
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(parse(&[0x81, 0x81, 0x81, 0x81, 1]), None, "too deep");
    }
}
