//! What of the sun falls on a window: its place in the sky by declination and hour angle (Duffie and Beckman), diffuse
//! light isotropic, the ground reflecting a fifth. In integers: angles are parts of a turn of 2³², sines have 30 bits.

// Products of two numbers of 30 binary places are brought back to 30; parentheses around each would hide the formula.
#![allow(clippy::precedence)]

use serde_json::Value;

use super::weather::Site;
use crate::decimal::scaled;
use crate::text::Unreadable;

const ONE: i64 = 1 << 30;
const ALBEDO_PERCENT: i64 = 20;

/// How much of the sun a window lets in, and which way it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// m² × g × 10⁶: what lets the sun through.
    aperture: i64,
    /// Its normal: up, south, west, 30 bits.
    normal: [i64; 3],
}

impl Window {
    /// The windows of a zone; without a list one of that area that looks south.
    ///
    /// # Errors
    /// When a window is not an object of numbers in range.
    pub fn all(value: Option<&Value>, area: i64, place: &str) -> Result<Vec<Self>, Unreadable> {
        let Some(value) = value else {
            return Ok(vec![Self::new(area, 600_000, 180_000_000, 90_000_000)]);
        };
        let list = value.as_array().ok_or_else(|| Unreadable::at(place, "windows is not a list"))?;
        list.iter()
            .map(|window| {
                let number = |name: &str, otherwise: &str, most: i64| {
                    let text = match window.get(name) {
                        None => otherwise.to_owned(),
                        Some(Value::Number(number)) => number.to_string(),
                        Some(_) => String::new(),
                    };
                    let range = || {
                        Unreadable::at(place, format_args!("a window's {name} is a number from 0 to {most}"))
                    };
                    scaled(&text, 6).filter(|value| (0..=most * 1_000_000).contains(value)).ok_or_else(range)
                };
                let (area, g) = (number("area", "", 1_000_000)?, number("g", "0.6", 1)?);
                Ok(Self::new(area, g, number("azimuth", "180", 360)?, number("tilt", "90", 180)?))
            })
            .collect()
    }

    /// Area × 10⁶, g × 10⁶, azimuth from north over east and tilt from the horizontal in 10⁻⁶ degrees.
    #[must_use]
    pub fn new(area: i64, g: i64, azimuth: i64, tilt: i64) -> Self {
        let (azimuth, tilt) = (turn(azimuth), turn(tilt));
        let flat = sin(tilt);
        Self {
            aperture: (i128::from(area) * i128::from(g) / 1_000_000) as i64,
            normal: [cos(tilt), -(flat * cos(azimuth) >> 30), -(flat * sin(azimuth) >> 30)],
        }
    }

    /// The gain in mW under direct normal, diffuse and global horizontal light in W/m² × 1000.
    #[must_use]
    pub fn gain(&self, sun: &[i64; 3], direct: i64, diffuse: i64, global: i64) -> i64 {
        let [up, ..] = self.normal;
        let cosine: i64 = self.normal.iter().zip(sun).map(|(n, s)| n * s >> 30).sum();
        let beam = if sun[0] > 0 { direct * cosine.max(0) >> 30 } else { 0 };
        let sky = diffuse * (ONE + up) >> 31;
        let ground = (global * (ONE - up) >> 31) * ALBEDO_PERCENT / 100;
        (i128::from(beam + sky + ground) * i128::from(self.aperture) / 1_000_000) as i64
    }
}

/// The direction of the sun (up, south, west) at a minute of a day of the year, both from 0, in the site's own zone's time.
#[must_use]
pub fn position(site: &Site, day: u32, minute: u32) -> [i64; 3] {
    let year_angle = |offset: i64| (((i64::from(day) + 1 - offset) * (1 << 32)) / 365) as u32;
    let b = year_angle(81);
    let declination = ((i128::from(turn(23_450_000)) * i128::from(sin(b))) >> 30) as u32;
    // Equation of time, in 10⁻⁶ minutes.
    let equation = (9_870_000 * sin(b.wrapping_mul(2)) - 7_530_000 * cos(b) - 1_500_000 * sin(b)) >> 30;
    // Four minutes a degree from the zone's meridian.
    let shift = 4 * site.longitude - 60 * site.zone_hours + equation;
    let solar = i64::from(minute) * 1_000_000 + shift - 720 * 1_000_000;
    let hour_angle = ((i128::from(solar) << 32) / 1_440_000_000) as u32;
    let latitude = turn(site.latitude);
    let (sl, cl, sd, cd) = (sin(latitude), cos(latitude), sin(declination), cos(declination));
    let toward = cd * cos(hour_angle) >> 30;
    [(sl * sd >> 30) + (cl * toward >> 30), (sl * toward >> 30) - (cl * sd >> 30), cd * sin(hour_angle) >> 30]
}

/// 10⁻⁶ degrees as part of a turn.
fn turn(micro_degrees: i64) -> u32 {
    ((i128::from(micro_degrees) << 32) / 360_000_000) as u32
}

fn cos(angle: u32) -> i64 {
    sin(angle.wrapping_add(1 << 30))
}

/// The sine, 30 bits: quarter waves, each by its Taylor series.
fn sin(angle: u32) -> i64 {
    let (quarter, rest) = (angle >> 30, i64::from(angle & 0x3fff_ffff));
    let into = if quarter & 1 == 0 { rest } else { ONE - rest };
    // π/2 × into, 30 bits.
    let x = ((i128::from(into) * 1_686_629_713) >> 30) as i64;
    let square = x * x >> 30;
    let mut sum = ONE;
    for (a, b) in [(12, 13), (10, 11), (8, 9), (6, 7), (4, 5), (2, 3)] {
        sum = ONE - (square * sum >> 30) / (a * b);
    }
    let value = x * sum >> 30;
    if quarter < 2 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_right() {
        for degrees in -720..720 {
            let exact = f64::from(degrees).to_radians().sin() * ONE as f64;
            let ours = sin(turn(i64::from(degrees) * 1_000_000));
            assert!((ours as f64 - exact).abs() < 60.0, "{degrees}: {ours} {exact}");
        }
    }

    #[test]
    fn the_noon_sun_of_zurich_stands_where_it_should() {
        let site = Site { latitude: 47_380_000, longitude: 8_540_000, zone_hours: 1_000_000 };
        let height =
            |day: u32, minute: u32| (position(&site, day, minute)[0] as f64 / ONE as f64).asin().to_degrees();
        // Midsummer 90 − 47.4 + 23.4; midwinter 90 − 47.4 − 23.4; solar noon is half an hour late.
        assert!((height(171, 12 * 60 + 28) - 66.0).abs() < 0.3);
        assert!((height(354, 12 * 60 + 24) - 19.2).abs() < 0.3);
        assert!(height(171, 0) < 0.0);
        let noon = position(&site, 171, 12 * 60 + 28);
        assert!(noon[1] > 0 && noon[2].abs() < ONE / 50, "{noon:?}");
        assert!(position(&site, 171, 18 * 60)[2] > 0, "the evening sun is in the west");
    }

    #[test]
    fn a_window_gets_the_beam_it_faces() {
        let south = Window::new(1_000_000, 1_000_000, 180_000_000, 90_000_000);
        let west = Window::new(1_000_000, 1_000_000, 270_000_000, 90_000_000);
        let roof = Window::new(1_000_000, 1_000_000, 0, 0);
        let low_south = [ONE / 2, (ONE as f64 * 0.866_025_403_8) as i64, 0];
        assert!((south.gain(&low_south, 800_000, 0, 0) - 692_820).abs() < 5);
        assert!(west.gain(&low_south, 800_000, 0, 0).abs() < 5);
        assert!((roof.gain(&low_south, 800_000, 0, 0) - 400_000).abs() < 5);
        assert!((roof.gain(&low_south, 0, 100_000, 0) - 100_000).abs() < 5);
        assert!((south.gain(&low_south, 0, 100_000, 200_000) - 70_000).abs() < 5);
        assert_eq!(south.gain(&[-1, ONE, 0], 800_000, 0, 0), 0, "the sun is below the horizon");
    }
}
