//! The table of points: which register or object of which device is what, of which room.

use std::net::SocketAddr;

use serde::Deserialize;

/// Most devices, and most points of one.
const MAX_DEVICES: usize = 1_000;
const MAX_POINTS: usize = 10_000;
/// Longest word, bytes.
const MAX_WORD: usize = 64;

/// Why a table is refused.
#[derive(Debug, thiserror::Error)]
pub enum PointsError {
    /// Not TOML, or not these members.
    #[error("the table of points is refused: {0}")]
    Toml(#[from] toml::de::Error),
    /// A value out of its bounds: of which device, and what is wanted.
    #[error("{0}: {1}")]
    Value(String, String),
}

/// A table of points.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// Seconds between two rounds, 10 to 86,400.
    #[serde(default = "five_minutes")]
    pub every_s: u64,
    /// Devices that speak Modbus TCP.
    #[serde(default)]
    pub modbus: Vec<Modbus>,
    /// Devices that speak BACnet/IP.
    #[serde(default)]
    pub bacnet: Vec<Bacnet>,
}

const fn five_minutes() -> u64 {
    300
}

/// A device that speaks Modbus TCP, or a gateway to one.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modbus {
    /// What the operator calls it.
    pub name: String,
    /// Where it is; the protocol's port is 502.
    pub address: SocketAddr,
    /// Its number behind a gateway.
    #[serde(default = "one")]
    pub unit: u8,
    /// What is read of it, in order.
    #[serde(rename = "point")]
    pub points: Vec<Register>,
}

const fn one() -> u8 {
    1
}

/// A register, or several that are one number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Register {
    /// Which table it stands in.
    pub table: Table,
    /// The address of the first, from 0.
    pub at: u16,
    /// What its bits are.
    #[serde(default)]
    pub r#type: Type,
    /// Which of several words stands first.
    #[serde(default)]
    pub words: Words,
    /// What it is.
    #[serde(flatten)]
    pub point: Point,
}

/// The four tables of Modbus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    /// Bits that could be written, read here.
    Coil,
    /// Bits.
    Discrete,
    /// Words.
    Input,
    /// Words that could be written, read here.
    Holding,
}

/// What the bits of words are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// One word, from 0.
    #[default]
    U16,
    /// One word with a sign.
    I16,
    /// Two words, from 0.
    U32,
    /// Two words with a sign.
    I32,
    /// Two words, IEEE 754.
    F32,
}

/// The order of two words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Words {
    /// The high one first, as the protocol's own numbers.
    #[default]
    Big,
    /// The low one first, as many devices do.
    Little,
}

/// A device that speaks BACnet/IP.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bacnet {
    /// What the operator calls it.
    pub name: String,
    /// Where it is; the protocol's port is 47808.
    pub address: SocketAddr,
    /// What is read of it, in order.
    #[serde(rename = "point")]
    pub points: Vec<Object>,
}

/// An object whose present value is read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Object {
    /// The object's type.
    pub object: Kind,
    /// Its number, 0 to 4,194,302.
    pub instance: u32,
    /// What it is.
    #[serde(flatten)]
    pub point: Point,
}

/// Types of objects with a present value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Analog input, type 0 of the standard.
    AnalogInput,
    /// Analog output, read here.
    AnalogOutput,
    /// Analog value, type 2.
    AnalogValue,
    /// Binary input, type 3.
    BinaryInput,
    /// Binary output, read here.
    BinaryOutput,
    /// Binary value, type 5.
    BinaryValue,
    /// Multi-state input, type 13.
    MultiStateInput,
    /// Multi-state value, type 19.
    MultiStateValue,
    /// Accumulator: a meter's count.
    Accumulator,
}

/// What a number is: of which room, what, and within which bounds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Point {
    /// The room's id; the first half of the meter's name, `ROOM/QUANTITY`.
    pub room: String,
    /// What is measured, such as `air_temperature`.
    pub quantity: String,
    /// The unit after scaling, such as `degC`.
    #[serde(default)]
    pub unit: String,
    /// What the device's number is multiplied by.
    #[serde(default = "unscaled")]
    pub scale: f64,
    /// What is added then.
    #[serde(default)]
    pub offset: f64,
    /// The least value that is believed.
    #[serde(default)]
    pub min: Option<f64>,
    /// The largest value that is believed.
    #[serde(default)]
    pub max: Option<f64>,
}

const fn unscaled() -> f64 {
    1.0
}

impl Point {
    /// The value in the point's unit, within its bounds.
    pub(crate) fn scaled(&self, raw: f64) -> Result<f64, String> {
        let value = raw * self.scale + self.offset;
        let within = self.min.is_none_or(|least| value >= least) && self.max.is_none_or(|most| value <= most);
        match value.is_finite() && within && value.abs() < 1e12 {
            true => Ok(value),
            false => Err(format!("{value} is beyond the point's range")),
        }
    }

    fn check(&self, device: &str) -> Result<(), PointsError> {
        for (name, word, may_be_empty) in
            [("room", &self.room, false), ("quantity", &self.quantity, false), ("unit", &self.unit, true)]
        {
            if !is_word(word, may_be_empty) {
                let why =
                    format!("{name} is 1 to {MAX_WORD} bytes without commas, quotes and control characters");
                return Err(PointsError::Value(device.to_owned(), why));
            }
        }
        let finite = [Some(self.scale), Some(self.offset), self.min, self.max];
        if finite.into_iter().flatten().any(|number| !number.is_finite()) || self.scale == 0.0 {
            let why = "scale, offset, min and max are finite, and scale is not 0".to_owned();
            return Err(PointsError::Value(device.to_owned(), why));
        }
        Ok(())
    }
}

fn is_word(text: &str, may_be_empty: bool) -> bool {
    let plain = !text.chars().any(|c| c.is_control() || matches!(c, ',' | '"'));
    plain && text.len() <= MAX_WORD && (may_be_empty || !text.trim().is_empty())
}

impl Points {
    /// Reads a table.
    ///
    /// # Errors
    /// [`PointsError`].
    pub fn parse(text: &str) -> Result<Self, PointsError> {
        let points: Self = toml::from_str(text)?;
        let refused = |name: &str, why: &str| Err(PointsError::Value(name.to_owned(), why.to_owned()));
        if !(10..=86_400).contains(&points.every_s) {
            return refused("every_s", "10 to 86400 s");
        }
        if points.modbus.len() + points.bacnet.len() > MAX_DEVICES {
            return refused("the table", "at most 1000 devices");
        }
        for device in &points.modbus {
            if !is_word(&device.name, false) || device.points.len() > MAX_POINTS {
                return refused("modbus", "a name of 1 to 64 bytes, and at most 10000 points");
            }
            for register in &device.points {
                register.point.check(&device.name)?;
                if register.at == u16::MAX && register.count() == 2 {
                    return refused(&device.name, "at 65535 there is no second word");
                }
            }
        }
        for device in &points.bacnet {
            if !is_word(&device.name, false) || device.points.len() > MAX_POINTS {
                return refused("bacnet", "a name of 1 to 64 bytes, and at most 10000 points");
            }
            if device.address.is_ipv6() {
                return refused(&device.name, "BACnet/IP is asked by IPv4");
            }
            for object in &device.points {
                object.point.check(&device.name)?;
                if object.instance > 4_194_302 {
                    return refused(&device.name, "instance is 0 to 4194302");
                }
            }
        }
        Ok(points)
    }
}

impl Register {
    /// How many words it is.
    pub(crate) const fn count(&self) -> u16 {
        match self.r#type {
            Type::U16 | Type::I16 => 1,
            Type::U32 | Type::I32 | Type::F32 => 2,
        }
    }

    /// The number of these words; none of too few.
    pub(crate) fn number(&self, words: &[u16]) -> Option<f64> {
        let first = *words.first()?;
        let double = || {
            let second = u32::from(*words.get(1)?);
            Some(match self.words {
                Words::Big => u32::from(first) << 16 | second,
                Words::Little => second << 16 | u32::from(first),
            })
        };
        Some(match self.r#type {
            Type::U16 => f64::from(first),
            Type::I16 => f64::from(i16::from_be_bytes(first.to_be_bytes())),
            Type::U32 => f64::from(double()?),
            Type::I32 => f64::from(i32::from_be_bytes(double()?.to_be_bytes())),
            Type::F32 => f64::from(f32::from_bits(double()?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
        every_s = 60
        [[modbus]]
        name = "plant"
        address = "127.0.0.1:502"
        [[modbus.point]]
        table = "input"
        at = 4
        type = "i16"
        room = "B-204"
        quantity = "air_temperature"
        unit = "degC"
        scale = 0.1
        min = -30
        max = 60
        [[bacnet]]
        name = "ahu"
        address = "127.0.0.1:47808"
        [[bacnet.point]]
        object = "analog-input"
        instance = 3
        room = "B-204"
        quantity = "co2"
        unit = "ppm"
    "#;

    #[test]
    fn a_table_says_what_each_number_is() -> Result<(), PointsError> {
        let points = Points::parse(TABLE)?;
        let register = &points.modbus[0].points[0];
        assert_eq!(register.number(&[0xff38]).map(|raw| register.point.scaled(raw)), Some(Ok(-20.0)));
        assert!(register.point.scaled(700.0).is_err(), "70 degrees are not believed");
        assert!(register.point.scaled(f64::NAN).is_err());
        assert_eq!(points.bacnet[0].points[0].object, Kind::AnalogInput);
        Ok(())
    }

    #[test]
    fn words_are_put_together_in_their_order() -> Result<(), PointsError> {
        let mut register = Points::parse(TABLE)?.modbus[0].points[0].clone();
        for (kind, words, order, number) in [
            (Type::U32, [0x0001, 0x86a0], Words::Big, 100_000.0),
            (Type::U32, [0x86a0, 0x0001], Words::Little, 100_000.0),
            (Type::I32, [0xffff, 0xfffe], Words::Big, -2.0),
            (Type::F32, [0x41a4, 0x0000], Words::Big, 20.5),
        ] {
            (register.r#type, register.words) = (kind, order);
            assert_eq!(register.number(&words), Some(number), "{kind:?} {order:?}");
            assert_eq!(register.number(&words[..1]), None, "a cut answer is not a number");
        }
        Ok(())
    }

    #[test]
    fn a_table_that_says_the_impossible_is_refused() {
        for (from, to) in [
            ("every_s = 60", "every_s = 1"),
            ("scale = 0.1", "scale = 0.0"),
            ("scale = 0.1", "scale = nan"),
            ("B-204", "B,204"),
            ("B-204", ""),
            ("instance = 3", "instance = 4194303"),
            ("analog-input", "file"),
            ("127.0.0.1:47808", "[::1]:47808"),
            ("127.0.0.1:502", "plant.example.org"),
            ("at = 4", "at = 70000"),
            ("at = 4\n        type = \"i16\"", "at = 65535\n        type = \"u32\""),
            ("name = \"plant\"", "nmae = \"plant\""),
        ] {
            assert!(TABLE.contains(from), "{from}");
            assert!(Points::parse(&TABLE.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }
}
