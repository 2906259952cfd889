//! Where an event stands among its student's: the key under which the vault keeps it.

use aula_twin_runtime::event::EventKey;

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

#[cfg(test)]
mod tests {
    use super::*;
    use aula_twin_runtime::clock::Stamp;
    use aula_twin_runtime::event::SourceId;

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
        Ok(())
    }
}
