//! Where a school is, as its district declares it.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

/// Most microdegrees north or south.
const MAX_LATITUDE_E6: i32 = 90_000_000;
/// Most microdegrees east or west.
const MAX_LONGITUDE_E6: i32 = 180_000_000;

/// A point of the earth in microdegrees (WGS 84); a microdegree is at most 11 cm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Position {
    latitude_e6: i32,
    longitude_e6: i32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    latitude_e6: i32,
    longitude_e6: i32,
}

/// A point that is not on the earth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a latitude is from -90000000 to 90000000 microdegrees, a longitude from -180000000 to 180000000")]
pub struct PositionError;

impl Position {
    /// A point; latitude north and longitude east are positive.
    ///
    /// # Errors
    /// [`PositionError`] outside of ±90,000,000 and ±180,000,000.
    pub const fn new(latitude_e6: i32, longitude_e6: i32) -> Result<Self, PositionError> {
        let fits = latitude_e6 >= -MAX_LATITUDE_E6
            && latitude_e6 <= MAX_LATITUDE_E6
            && longitude_e6 >= -MAX_LONGITUDE_E6
            && longitude_e6 <= MAX_LONGITUDE_E6;
        if fits { Ok(Self { latitude_e6, longitude_e6 }) } else { Err(PositionError) }
    }

    /// Microdegrees north.
    pub const fn latitude_e6(self) -> i32 {
        self.latitude_e6
    }

    /// Microdegrees east.
    pub const fn longitude_e6(self) -> i32 {
        self.longitude_e6
    }
}

impl TryFrom<Raw> for Position {
    type Error = PositionError;

    fn try_from(raw: Raw) -> Result<Self, PositionError> {
        Self::new(raw.latitude_e6, raw.longitude_e6)
    }
}

impl BorshDeserialize for Position {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        let (latitude_e6, longitude_e6) = <(i32, i32)>::deserialize_reader(reader)?;
        Self::new(latitude_e6, longitude_e6).map_err(std::io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_beyond_the_poles_are_refused_in_bytes_and_in_json() {
        assert!(Position::new(90_000_000, -180_000_000).is_ok());
        for (north, east) in [(90_000_001, 0), (-90_000_001, 0), (0, 180_000_001), (0, i32::MIN)] {
            assert_eq!(Position::new(north, east), Err(PositionError));
            let bytes = borsh::to_vec(&(north, east)).expect("eight bytes");
            assert!(Position::try_from_slice(&bytes).is_err());
            let json = serde_json::json!({ "latitude_e6": north, "longitude_e6": east });
            assert!(serde_json::from_value::<Position>(json).is_err());
        }
    }
}
