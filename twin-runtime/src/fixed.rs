//! Integers with a scale and a range: the only numbers a twin is made of.
//!
//! Purpose: every quantity of a twin is a bounded integer whose unit stands in its name (`_e4` is
//! ten-thousandths, `_e6` is millionths), so that two machines that apply the same events hold the same
//! bytes. Flow: the wire and the snapshot carry the bare integer; the checked constructor, which decoding
//! goes through as well, is the only way to a value. Invariants: a value out of range cannot exist, so
//! arithmetic on values widens to `i64` and cannot overflow. Absent: floating point, and any rounding
//! without a name: see [`div_floor`], [`div_nearest`] and [`mul_e6`].

use borsh::{BorshDeserialize, BorshSerialize};
use thiserror::Error;

/// One, in millionths.
pub const ONE_E6: i64 = 1_000_000;
/// One, in ten-thousandths.
pub const ONE_E4: i64 = 10_000;

/// A number outside the range its type allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} is {value}, outside {min}..={max}")]
pub struct OutOfRange {
    /// Name of the type.
    pub what: &'static str,
    /// The value that was offered.
    pub value: i64,
    /// Least value allowed.
    pub min: i64,
    /// Greatest value allowed.
    pub max: i64,
}

/// Declares a bounded integer: checked and clamping constructors, reader, canonical bytes.
macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident($int:ty), $min:expr, $max:expr, $get:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize)]
        pub struct $name($int);

        impl $name {
            /// Least value.
            pub const MIN: Self = Self($min);
            /// Greatest value.
            pub const MAX: Self = Self($max);

            /// Checks the range given in the type's documentation.
            ///
            /// # Errors
            /// [`OutOfRange`] when the value lies outside it.
            pub fn new(value: $int) -> Result<Self, OutOfRange> {
                if !(Self::MIN.0..=Self::MAX.0).contains(&value) {
                    return Err(OutOfRange {
                        what: stringify!($name),
                        value: i64::from(value),
                        min: i64::from(Self::MIN.0),
                        max: i64::from(Self::MAX.0),
                    });
                }
                Ok(Self(value))
            }

            /// The nearest value inside the range.
            #[must_use]
            pub fn clamped(value: i64) -> Self {
                let bounded = value.clamp(i64::from(Self::MIN.0), i64::from(Self::MAX.0));
                Self(<$int>::try_from(bounded).unwrap_or($max))
            }

            /// The integer itself, in the unit of the name.
            #[must_use]
            pub const fn $get(self) -> $int {
                self.0
            }
        }

        impl BorshDeserialize for $name {
            fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
                let value = <$int>::deserialize_reader(reader)?;
                Self::new(value).map_err(|e| borsh::io::Error::new(borsh::io::ErrorKind::InvalidData, e))
            }
        }
    };
}

bounded! {
    /// A share or probability in ten-thousandths, 0..=10,000.
    Proportion(u16), 0, 10_000, e4
}
bounded! {
    /// A signed signal in ten-thousandths, −10,000..=10,000: sentiment of a text, trend of a level.
    Signal(i16), -10_000, 10_000, e4
}
bounded! {
    /// Log-odds in millionths, −32,000,000..=32,000,000 (±32 logits; a probability is 0 or 1 long before).
    Logit(i32), -32_000_000, 32_000_000, e6
}
bounded! {
    /// Variance of log-odds in millionths, 0..=100,000,000.
    Variance(u32), 0, 100_000_000, e6
}
bounded! {
    /// A probability in millionths, 0..=1,000,000.
    Probability(u32), 0, 1_000_000, e6
}
bounded! {
    /// Observed minus predicted, or an average of it, in millionths, −1,000,000..=1,000,000.
    Residual(i32), -1_000_000, 1_000_000, e6
}
bounded! {
    /// Need score 0..=2,559; its band is the score divided by 256, rounded down.
    Need(u16), 0, 2_559, score
}

impl Need {
    /// Band 0..=9: ⌊score / 256⌋.
    #[must_use]
    pub const fn band(self) -> u8 {
        self.0.to_be_bytes()[0]
    }
}

impl Probability {
    /// In ten-thousandths, to the nearest, half up.
    #[must_use]
    pub fn to_proportion(self) -> Proportion {
        Proportion::clamped((i64::from(self.0) + 50) / 100)
    }
}

/// Quotient rounded towards minus infinity; a divisor of 0 gives 0.
#[must_use]
pub fn div_floor(numerator: i64, divisor: i64) -> i64 {
    match (numerator.checked_div_euclid(divisor), divisor > 0) {
        (Some(quotient), true) => quotient,
        // For a negative divisor, flip both signs first: Euclid then rounds down.
        _ => numerator.checked_neg().and_then(|n| n.checked_div_euclid(divisor.checked_neg()?)).unwrap_or(0),
    }
}

/// Quotient rounded to the nearest, halves away from zero; a divisor of 0 gives 0.
/// `numerator` must stay below 2^62 in size, which every use here does by a wide margin.
#[must_use]
pub fn div_nearest(numerator: i64, divisor: i64) -> i64 {
    let half = divisor.saturating_abs() / 2;
    let shifted =
        if numerator >= 0 { numerator.saturating_add(half) } else { numerator.saturating_sub(half) };
    shifted.checked_div(divisor).unwrap_or(0)
}

/// Product of two numbers in millionths, rounded towards zero, saturating.
#[must_use]
pub fn mul_e6(a: i64, b: i64) -> i64 {
    a.saturating_mul(b) / ONE_E6
}

/// One step of an exponential average: `level + (target − level)·rate`, rounded towards `level`, so that a
/// constant signal is never overshot. All three in one unit but the rate, which is in ten-thousandths.
#[must_use]
pub fn smooth(level: i64, target: i64, rate: Proportion) -> i64 {
    let change = target.saturating_sub(level).saturating_mul(i64::from(rate.e4())) / ONE_E4;
    level.saturating_add(change)
}

#[cfg(test)]
mod tests;
