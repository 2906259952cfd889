//! What is known of the estate: an open JSON of sites, buildings, rooms, closures and budgets (docs/estate.md).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::table::{day, minute, weekday};
use crate::fit::{self, Date};
use crate::text::Unreadable;

/// What docs/estate.md describes; every list may be left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Estate {
    /// Places with an address.
    pub sites: Vec<Site>,
    /// Houses on sites.
    pub buildings: Vec<House>,
    /// Rooms in buildings.
    pub rooms: Vec<Room>,
    /// When rooms cannot be used.
    pub closures: Vec<Closure>,
    /// Meters and points of buildings.
    pub meters: Vec<Meter>,
    /// Most energy that the rooms in use may take on a day, kWh.
    pub energy_budget_kwh_per_day: Option<f64>,
}

/// A place with an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Unique.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// The school's number on the ledger.
    #[serde(default)]
    pub school: Option<u32>,
}

/// A house on a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct House {
    /// Unique.
    pub id: String,
    /// The id of its site.
    pub site: String,
}

/// A room that lessons can be in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// Unique; schedules name it.
    pub id: String,
    /// The id of its house; none where nothing is said.
    #[serde(default)]
    pub building: Option<String>,
    /// How many people it seats.
    pub capacity: u32,
    /// What it has; lessons ask for features by these words.
    #[serde(default)]
    pub features: Vec<String>,
    /// Zone of the energy model.
    #[serde(default)]
    pub zone: Option<String>,
    /// Energy of an hour in use.
    #[serde(default)]
    pub kwh_per_hour: f64,
    /// Where it is on its floor's plan.
    #[serde(default)]
    pub place: Option<Place>,
}

/// A room on a plan: a rectangle in metres, the same corner and axes for all rooms of a floor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Storey; 0 at the ground.
    #[serde(default)]
    pub floor: i16,
    /// From the plan's left, at most 10,000 either way.
    pub x: f64,
    /// From the plan's top, at most 10,000 either way.
    pub y: f64,
    /// To the right, above 0.
    pub width: f64,
    /// To the bottom, above 0.
    pub depth: f64,
}

impl Place {
    /// Whether it is a rectangle that a plan can show: within ten kilometres.
    fn is_one(&self) -> bool {
        let near = |value: f64| value.abs() <= 10_000.0;
        near(self.x) && near(self.y) && [self.width, self.depth].iter().all(|size| near(*size) && *size > 0.0)
    }
}

impl Estate {
    /// Its rooms, each with the zone that it names.
    pub fn zoned(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.rooms.iter().map(|room| (room.id.as_str(), room.zone.as_deref()))
    }

    /// The number on the ledger of the school that has a room.
    #[must_use]
    pub fn school_of(&self, room: &Room) -> Option<u32> {
        let house = room.building.as_ref()?;
        let house = self.buildings.iter().find(|one| one.id == *house)?;
        self.sites.iter().find(|site| site.id == house.site)?.school
    }
}

/// When a room cannot be used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    /// Which; every room without it.
    #[serde(default)]
    pub room: Option<String>,
    /// The week, where the schedule has several and not all are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub week: Option<u32>,
    /// As the schedule writes days; a weekday is also each such day of a calendar of dates.
    pub day: serde_json::Value,
    /// Period or HH:MM; the whole day without it.
    #[serde(default)]
    pub period: Option<serde_json::Value>,
}

/// A meter or a point of a building.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Unique.
    pub id: String,
    /// The id of its house.
    pub building: String,
    /// electricity, gas, heat, water, temperature, …
    pub kind: String,
    /// kWh, m3, degC, …
    pub unit: String,
}

/// Reads an estate and checks that what it names is there.
///
/// # Errors
/// When the JSON is not valid or names what is not there.
pub fn read_estate(bytes: &[u8]) -> Result<Estate, Unreadable> {
    // A list would be taken for the fields in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Unreadable::at("JSON", "an estate is an object"));
    }
    let estate: Estate = serde_json::from_slice(bytes).map_err(|error| Unreadable::at("JSON", error))?;
    unique("sites", estate.sites.iter().map(|site| site.id.as_str()))?;
    unique("buildings", estate.buildings.iter().map(|house| house.id.as_str()))?;
    unique("rooms", estate.rooms.iter().map(|room| room.id.as_str()))?;
    unique("meters", estate.meters.iter().map(|meter| meter.id.as_str()))?;
    let site = |id: &str| estate.sites.iter().any(|site| site.id == id);
    let house = |id: &str| estate.buildings.iter().any(|house| house.id == id);
    let missing = |kind: &str, id: &str| Unreadable::at(kind, format_args!("{id:?} is not in the estate"));
    if let Some(house) = estate.buildings.iter().find(|house| !site(&house.site)) {
        return Err(missing("buildings: site", &house.site));
    }
    let named = estate.rooms.iter().filter_map(|room| room.building.as_deref());
    if let Some(id) =
        named.chain(estate.meters.iter().map(|meter| meter.building.as_str())).find(|id| !house(id))
    {
        return Err(missing("building", id));
    }
    let closed = estate.closures.iter().filter_map(|closure| closure.room.as_deref());
    if let Some(id) = closed.clone().find(|id| !estate.rooms.iter().any(|room| room.id == *id)) {
        return Err(missing("closures: room", id));
    }
    let energy = estate.rooms.iter().map(|room| room.kwh_per_hour).chain(estate.energy_budget_kwh_per_day);
    if energy.clone().any(|value| !value.is_finite() || value < 0.0) {
        return Err(Unreadable::at("energy", "it is a number from 0"));
    }
    if let Some(room) = estate.rooms.iter().find(|room| room.place.is_some_and(|place| !place.is_one())) {
        let what =
            format_args!("{:?} is not a rectangle: x, y within 10000 m, width and depth above 0", room.id);
        return Err(Unreadable::at("rooms: place", what));
    }
    for closure in &estate.closures {
        day(&text(&closure.day)).map_err(|what| Unreadable::at("closures", what))?;
    }
    Ok(estate)
}

fn unique<'a>(kind: &str, ids: impl Iterator<Item = &'a str>) -> Result<(), Unreadable> {
    let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
    for id in ids {
        if seen.insert(id, ()).is_some() {
            return Err(Unreadable::at(kind, format_args!("the id {id:?} is there twice")));
        }
    }
    Ok(())
}

/// A number or a text as text.
#[must_use]
pub fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Closure {
    /// Whether a day, as a schedule writes it, is this one.
    fn is_on(&self, held: &str) -> bool {
        let closed = text(&self.day);
        match (weekday(&closed), Date::read(held)) {
            (Some(closed), Ok(date)) => closed == i64::from(fit::weekday(date.number())),
            _ => {
                let number = |text: &str| day(text).ok().map(|day| day.0);
                number(&closed) == number(held)
            }
        }
    }

    /// Whether a lesson of that day, period and length (in minutes for times) falls into it.
    #[must_use]
    pub fn hits(&self, lesson: &super::schedule::Lesson) -> bool {
        self.hits_in(&lesson.room, lesson)
    }

    /// The same if the lesson were in a room.
    #[must_use]
    pub fn hits_in(&self, room: &str, lesson: &super::schedule::Lesson) -> bool {
        let elsewhere = self.room.as_ref().is_some_and(|own| own != room);
        let other_week = self.week.is_some() && self.week != lesson.week;
        if elsewhere || other_week || !self.is_on(&text(&lesson.day)) {
            return false;
        }
        let Some(period) = &self.period else { return true };
        let (closed, held) = (text(period), text(&lesson.period));
        match (minute(&closed), minute(&held)) {
            (Some(closed), Some(held)) => (held..held + lesson.end - lesson.start).contains(&closed),
            _ => match (closed.parse::<i64>(), held.parse::<i64>()) {
                (Ok(closed), Ok(held)) => (held..held + lesson.end - lesson.start).contains(&closed),
                _ => closed == held,
            },
        }
    }
}
