//! Building automation, read and never written: points of Modbus and BACnet devices as readings of rooms.
//!
//! Flow: a table of points ([`points`]) → each device asked in turn, its points one by one ([`modbus`], [`bacnet`]) → readings
//! appended to a day's CSV file ([`readings`]), which the lake and `aula estate` read. Invariants: nothing is ever written to a device:
//! no function of this crate sends anything but a read; a device that is silent costs a bounded time and no other its reading; a
//! value beyond a point's range is told and not kept. Absent: commands, alarms, subscriptions, discovery.

pub mod bacnet;
pub mod modbus;
pub mod points;
pub mod readings;

use std::time::Duration;

use points::{Point, Points};
use readings::Reading;

/// How long a device has to answer one question.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What a round of questions gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Round {
    /// Readings, in the table's order.
    pub readings: Vec<Reading>,
    /// What was not read: the device or point, and why.
    pub failures: Vec<(String, String)>,
}

impl Round {
    /// Keeps a point's value, or says why it is not a reading.
    fn take(&mut self, device: &str, point: &Point, at_ms: u64, value: Result<f64, String>) {
        let scaled = value.and_then(|raw| point.scaled(raw));
        match scaled {
            Ok(value) => self.readings.push(Reading {
                at_ms,
                room: point.room.clone(),
                quantity: point.quantity.clone(),
                unit: point.unit.clone(),
                value,
            }),
            Err(why) => self.failures.push((format!("{device} {}/{}", point.room, point.quantity), why)),
        }
    }

    fn refuse(&mut self, device: &str, why: impl std::fmt::Display) {
        self.failures.push((device.to_owned(), why.to_string()));
    }
}

/// Asks every device of a table once. `now_ms` says when a value was read, milliseconds since 1970.
pub async fn read(points: &Points, now_ms: impl Fn() -> u64) -> Round {
    let mut round = Round::default();
    for device in &points.modbus {
        modbus::read(device, &now_ms, &mut round).await;
    }
    bacnet::read(&points.bacnet, &now_ms, &mut round).await;
    round
}
