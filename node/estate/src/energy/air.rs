//! The air that a zone exchanges: what is ventilated whoever is there, what people need, what a closed zone is left with, and
//! heat recovery that is by-passed where it would make the zone too warm.
//!
//! The hourly method is linear for one exchange of air. A by-pass that is opened as far as keeps the air at its upper set
//! point lies between none and all of it, and so does the mass: both are taken in proportion.

use std::collections::BTreeMap;

use super::building::{Exchange, ZoneInUse};
use super::schedule::Use;
use super::zone::{Control, Fabric, Gains, Step, Zone};

/// A zone with the exchanges of air that it has had so far, each worked out once.
pub struct Aired<'a> {
    zone: &'a ZoneInUse,
    made: BTreeMap<i64, Zone>,
}

impl<'a> Aired<'a> {
    /// Before the first hour.
    #[must_use]
    pub fn new(zone: &'a ZoneInUse) -> Self {
        Self { zone, made: BTreeMap::new() }
    }

    /// An hour; without a schedule the zone is in use and empty.
    pub fn step(&mut self, mass: i64, gains: &Gains, slot: Option<Use>) -> Step {
        let (zone, slot) = (self.zone, slot.unwrap_or(Use { open: true, ..Use::default() }));
        let control = if slot.open { zone.control } else { zone.set_back.of(zone.control) };
        let Exchange { vented, infiltrated, recovered, .. } = zone.exchange;
        let of_all = |share: i64| (i128::from(vented) * i128::from(share) / 1_000_000) as i64;
        let wanted = if slot.open {
            let people =
                zone.airing.per_person.unwrap_or(0).saturating_mul(i64::from(slot.person_minutes)) / 60;
            vented.max(people)
        } else {
            zone.airing.set_back.map_or(vented, of_all)
        };
        let kept = (i128::from(wanted) * i128::from(recovered) / 1_000_000) as i64;
        let usual = if wanted == vented { zone.zone } else { self.of(infiltrated + wanted - kept) };
        let step = usual.step(mass, gains, &control);
        let helps = zone.airing.bypass.unwrap_or(false) && kept > 0 && gains.outdoor < step.air;
        // What is cooled is told by its cooling; a zone that has none shows by its air that it is too warm.
        let too_warm = |step: &Step| match control.most_cooling {
            0 => step.air > control.cool_above,
            _ => step.demand < 0,
        };
        if !too_warm(&step) || !helps {
            return step;
        }
        let full =
            self.of(infiltrated + wanted).step(mass, gains, &Control { heat_below: i64::MIN / 4, ..control });
        if too_warm(&full) {
            return full;
        }
        let idle = Control { most_heating: 0, most_cooling: 0, ..control };
        let none = usual.step(mass, gains, &idle);
        // From `none`, too warm, as far towards `full` as brings the air to its set point.
        let part = |from: i64, to: i64| {
            let (way, all) =
                (i128::from(none.air - control.cool_above), i128::from(none.air - full.air).max(1));
            (i128::from(from) + i128::from(to - from) * way / all) as i64
        };
        Step { demand: 0, air: control.cool_above, mass: part(none.mass, full.mass) }
    }

    /// The zone with an exchange of air; the greatest that the method takes where it takes none so great.
    fn of(&mut self, air: i64) -> Zone {
        let zone = self.zone;
        *self
            .made
            .entry(air)
            .or_insert_with(|| Zone::new(&Fabric { air, ..zone.exchange.fabric }).unwrap_or(zone.zone))
    }
}
