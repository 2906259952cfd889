//! Where an event stands among its student's: the key under which the vault keeps it.

use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::{EventKey, SourceId};

/// Bytes that sort as the events' keys do.
pub type EventPlace = [u8; 28];

/// The place of an event with this key.
pub fn place(key: &EventKey) -> EventPlace {
    let mut place = [0; 28];
    let parts = [
        &key.stamp.wall_ms().to_be_bytes()[..],
        &key.stamp.counter().to_be_bytes()[..],
        &key.source.0.to_be_bytes()[..],
        &key.sequence.to_be_bytes()[..],
    ];
    place.copy_from_slice(&parts.concat());
    place
}

/// The key of the event at a place; none for bytes that are not an event's.
pub fn key_at(place: &[u8]) -> Option<EventKey> {
    let (wall_ms, rest) = place.split_first_chunk::<8>()?;
    let (counter, rest) = rest.split_first_chunk::<4>()?;
    let (source, rest) = rest.split_first_chunk::<8>()?;
    let stamp = Stamp::new(u64::from_be_bytes(*wall_ms), u32::from_be_bytes(*counter)).ok()?;
    let (source, sequence) = (u64::from_be_bytes(*source), u64::from_be_bytes(rest.try_into().ok()?));
    Some(EventKey { stamp, source: SourceId(source), sequence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_as_keys_do() -> Result<(), Box<dyn std::error::Error>> {
        let key = |wall, source, sequence| {
            Stamp::new(wall, 0).map(|stamp| EventKey { stamp, source: SourceId(source), sequence })
        };
        let mut keys = [key(256, 1, 1)?, key(5, 300, 1)?, key(5, 2, 256)?, key(5, 2, 9)?];
        let mut places: Vec<_> = keys.iter().map(place).collect();
        keys.sort();
        places.sort_unstable();
        assert_eq!(places, keys.iter().map(place).collect::<Vec<_>>());
        assert!(keys.iter().all(|key| key_at(&place(key)) == Some(*key)) && key_at(&[0; 27]).is_none());
        Ok(())
    }
}
