//! A building's zones from JSON: one zone as `params`, or `zones`, each with the parameters that differ from `params`.

use serde_json::{Map, Value};

use super::sun::Window;
use super::zone::{Control, Fabric, Zone};
use crate::decimal::scaled;
use crate::text::Unreadable;

/// Six decimal places everywhere.
const PLACES: u32 = 6;
const MOST_ZONES: usize = 10_000;
/// No limit on heating or cooling, mW.
const UNLIMITED: i64 = i64::MAX / 4;

/// What the energy model knows of a building.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Building {
    /// Its zones in the file's order.
    pub zones: Vec<ZoneInUse>,
}

/// A zone with what its use adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneInUse {
    /// Unique; schedules name it.
    pub id: String,
    /// The method's factors.
    pub zone: Zone,
    /// Set points and limits while in use.
    pub control: Control,
    /// Set points while closed.
    pub set_back: SetBack,
    /// Ventilation, cracks and the rest of the zone, µW/K.
    pub exchange: Exchange,
    /// How it is aired.
    pub airing: Airing,
    /// Those that the sun falls on; one that looks south where the file lists none.
    pub windows: Vec<Window>,
    /// Heat of a person, mW.
    pub person: i64,
    /// Lights while somebody is there, mW.
    pub lights: i64,
    /// Plugs while somebody is there, mW.
    pub plugs: i64,
    /// Share of lights and plugs that stays on between the day's first and last use while nobody is there, × 10⁶.
    pub idle_load: Option<i64>,
    /// Mass at the start, µ°C.
    pub start: i64,
    /// Heat per electricity, × 10⁶; none when heat is not made of electricity.
    pub heating_cop: Option<i64>,
    /// Cold per electricity, × 10⁶.
    pub cooling_eer: Option<i64>,
}

/// How a zone is aired; what is not said is as the method's plain form has it: the same exchange always, all of it
/// through the heat recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Airing {
    /// Outdoor air for a person, µW/K; the zone gets the greater of this for all and its own.
    pub per_person: Option<i64>,
    /// Share of the zone's ventilation that is left while it is set back, × 10⁶.
    pub set_back: Option<i64>,
    /// Whether recovery is by-passed while the zone would be too warm and the outdoor air is colder.
    pub bypass: Option<bool>,
}

impl Airing {
    /// As rooms of classes are aired: 7 l/s a person (EN 16798-1, category II), by-passed when too warm, nothing while
    /// nobody is to come.
    pub const CLASSES: Self = Self { per_person: Some(8_400_000), set_back: Some(0), bypass: Some(true) };

    /// What is not said here is as there.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            per_person: self.per_person.or(other.per_person),
            set_back: self.set_back.or(other.set_back),
            bypass: self.bypass.or(other.bypass),
        }
    }
}

/// What a zone's air is made of, µW/K.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// The rest of the zone.
    pub fabric: Fabric,
    /// Ventilated, before recovery.
    pub vented: i64,
    /// Through cracks.
    pub infiltrated: i64,
    /// Share recovered of what is ventilated, × 10⁶.
    pub recovered: i64,
}

/// Set points of a zone while it is closed, µ°C; limits are those of its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetBack {
    /// Heated below; five degrees under the zone's own where nothing is said.
    pub heat_below: Option<i64>,
    /// Cooled above; six degrees over the zone's own where nothing is said.
    pub cool_above: Option<i64>,
}

impl SetBack {
    /// As rooms of classes are left: their fabric is kept from the cold at 10 °C, the stage at which a building's heating starts by
    /// itself (CIBSE Guide H, fabric protection), and nobody cools a locked room.
    pub const CLASSES: Self = Self { heat_below: Some(10_000_000), cool_above: Some(100_000_000) };

    /// What is not said here is as there.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            heat_below: self.heat_below.or(other.heat_below),
            cool_above: self.cool_above.or(other.cool_above),
        }
    }

    /// How a zone is kept while closed that is kept so while in use; never closer than that.
    #[must_use]
    pub fn of(self, in_use: Control) -> Control {
        let heat_below = self.heat_below.unwrap_or(in_use.heat_below - 5_000_000);
        let cool_above = self.cool_above.unwrap_or(in_use.cool_above + 6_000_000);
        Control {
            heat_below: heat_below.min(in_use.heat_below),
            cool_above: cool_above.max(in_use.cool_above),
            ..in_use
        }
    }
}

/// Reads a building.
///
/// # Errors
/// When the JSON is not valid, a parameter is missing or out of range.
pub fn read_building(bytes: &[u8]) -> Result<Building, Unreadable> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| Unreadable::at("JSON", error))?;
    let top = value.as_object().ok_or_else(|| Unreadable::at("JSON", "a building is an object"))?;
    let iso_coupling = match top.get("coupling").map(Value::as_str) {
        None | Some(Some("iso")) => true,
        Some(Some("simple")) => false,
        Some(_) => return Err(Unreadable::at("coupling", "it is \"iso\" or \"simple\"")),
    };
    let empty = Map::new();
    let shared = match top.get("params") {
        None => &empty,
        Some(params) => params.as_object().ok_or_else(|| Unreadable::at("params", "it is not an object"))?,
    };
    let zones = match top.get("zones") {
        None => {
            vec![zone("0", &Params { own: top, own_params: &empty, shared, place: "params" }, iso_coupling)?]
        }
        Some(zones) => {
            let zones = zones.as_array().ok_or_else(|| Unreadable::at("zones", "it is not a list"))?;
            if zones.is_empty() || zones.len() > MOST_ZONES {
                return Err(Unreadable::at("zones", format_args!("a building has 1 to {MOST_ZONES}")));
            }
            zones
                .iter()
                .enumerate()
                .map(|(index, value)| listed(index, value, shared, iso_coupling))
                .collect::<Result<_, _>>()?
        }
    };
    let mut ids: Vec<&str> = zones.iter().map(|zone: &ZoneInUse| zone.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Unreadable::at("zones", format_args!("the id {:?} is there twice", pair[0]))),
        None => Ok(Building { zones }),
    }
}

fn listed(
    index: usize,
    value: &Value,
    shared: &Map<String, Value>,
    iso: bool,
) -> Result<ZoneInUse, Unreadable> {
    let place = format!("zones[{index}]");
    let own = value.as_object().ok_or_else(|| Unreadable::at(&place, "a zone is an object"))?;
    let id = match own.get("id") {
        None => index.to_string(),
        Some(Value::String(id)) if !id.is_empty() && !id.contains([',', '"', '\n', '\r']) => id.clone(),
        Some(_) => return Err(Unreadable::at(&place, "an id is text without commas and quotes")),
    };
    let empty = Map::new();
    let own_params = match own.get("params") {
        None => &empty,
        Some(params) => {
            params.as_object().ok_or_else(|| Unreadable::at(&place, "params is not an object"))?
        }
    };
    zone(&id, &Params { own, own_params, shared, place: &place }, iso)
}

/// Where a zone's parameters are looked for: its own first.
struct Params<'a> {
    own: &'a Map<String, Value>,
    own_params: &'a Map<String, Value>,
    shared: &'a Map<String, Value>,
    place: &'a str,
}

impl Params<'_> {
    /// A parameter × 10⁶, from `least` to `most` in its own unit; none when it is absent or null.
    fn may(&self, name: &str, least: i64, most: i64) -> Result<Option<i64>, Unreadable> {
        let found = [self.own_params, self.own, self.shared].into_iter().find_map(|map| map.get(name));
        let place = || format!("{}.{name}", self.place);
        let value = match found {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => scaled(&number.to_string(), PLACES),
            Some(_) => None,
        };
        match value {
            Some(value) if (least * 1_000_000..=most * 1_000_000).contains(&value) => Ok(Some(value)),
            _ => Err(Unreadable::at(place(), format_args!("it is a number from {least} to {most}"))),
        }
    }

    /// A yes or no; none when it is absent or null.
    fn flag(&self, name: &str) -> Result<Option<bool>, Unreadable> {
        match [self.own_params, self.own, self.shared].into_iter().find_map(|map| map.get(name)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Unreadable::at(format_args!("{}.{name}", self.place), "it is true or false")),
        }
    }

    fn must(&self, name: &str, least: i64, most: i64) -> Result<i64, Unreadable> {
        let missing = || Unreadable::at(self.place, format_args!("{name} is missing"));
        self.may(name, least, most)?.ok_or_else(missing)
    }

    fn or(&self, name: &str, otherwise: i64, most: i64) -> Result<i64, Unreadable> {
        Ok(self.may(name, 0, most)?.unwrap_or(otherwise * 1_000_000))
    }
}

fn product(one: i64, two: i64) -> i64 {
    (i128::from(one) * i128::from(two) / 1_000_000) as i64
}

fn zone(id: &str, params: &Params<'_>, iso_coupling: bool) -> Result<ZoneInUse, Unreadable> {
    let floor_area = params.must("floor_area", 0, 1_000_000)?;
    let (vent, infiltrated) = (params.must("ach_vent", 0, 100)?, params.must("ach_infl", 0, 100)?);
    let efficiency = params.must("ventilation_efficiency", 0, 1)?;
    let volume = params.must("room_vol", 0, 10_000_000)?;
    // 1200 J/(m³K) of air, of which a share is recovered from what is ventilated: b·n = n − vent·efficiency.
    let exchanged = vent + infiltrated - product(vent, efficiency);
    let fabric = Fabric {
        floor_area,
        total_internal_area: params.must("total_internal_area", 0, 10_000_000)?,
        walls: product(params.must("u_walls", 0, 100)?, params.must("walls_area", 0, 1_000_000)?),
        windows: product(params.must("u_windows", 0, 100)?, params.must("window_area", 0, 1_000_000)?),
        air: product(volume, exchanged) / 3,
        capacity: product(params.must("thermal_capacitance_per_floor_area", 1, 10_000_000)?, floor_area)
            / 1_000_000,
        iso_coupling,
    };
    let made = Zone::new(&fabric).ok_or_else(|| {
        let what = "floor and inner surfaces do not allow the method (2.5 × floor and the windows within total_internal_area)";
        Unreadable::at(params.place, what)
    })?;
    let (heat_below, cool_above) =
        (params.must("t_set_heating", -50, 100)?, params.must("t_set_cooling", -50, 100)?);
    if heat_below > cool_above {
        return Err(Unreadable::at(params.place, "t_set_heating is above t_set_cooling"));
    }
    let limit = |name: &str| -> Result<i64, Unreadable> {
        let most = params.may(name, -1_000_000, 1_000_000)?;
        Ok(most.map_or(UNLIMITED, |most| product(most.abs(), floor_area) / 1000))
    };
    let per_volume = |changes: i64| product(volume, changes) / 3;
    let exchange = Exchange {
        fabric,
        vented: per_volume(vent),
        infiltrated: per_volume(infiltrated),
        recovered: efficiency,
    };
    let airing = Airing {
        // A litre a second takes 1.2 W/K.
        per_person: params.may("fresh_air_per_person", 0, 100)?.map(|litres| litres / 5 * 6),
        set_back: params.may("ventilation_set_back", 0, 1)?,
        bypass: params.flag("bypass")?,
    };
    let control = Control {
        heat_below,
        cool_above,
        most_heating: limit("max_heating_energy_per_floor_area")?,
        most_cooling: limit("max_cooling_energy_per_floor_area")?,
    };
    let set_back = SetBack {
        heat_below: params.may("t_setback_heating", -50, 100)?,
        cool_above: params.may("t_setback_cooling", -50, 100)?,
    };
    Ok(ZoneInUse {
        id: id.to_owned(),
        zone: made,
        exchange,
        airing,
        control,
        set_back,
        windows: Window::all(
            params.own.get("windows"),
            params.must("window_area", 0, 1_000_000)?,
            params.place,
        )?,
        person: params.or("person_w", 100, 1_000)? / 1000,
        lights: product(params.or("lighting_load", 0, 1_000)?, floor_area) / 1000,
        plugs: product(params.or("plug_load", 0, 1_000)?, floor_area) / 1000,
        idle_load: params.may("idle_load", 0, 1)?,
        start: params.may("t_start", -50, 100)?.unwrap_or(20_000_000),
        heating_cop: params.may("heating_cop", 0, 100)?.filter(|cop| *cop > 0),
        cooling_eer: params.may("cooling_eer", 0, 100)?.filter(|eer| *eer > 0),
    })
}
