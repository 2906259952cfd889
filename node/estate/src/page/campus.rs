//! The plan of each floor, a rectangle a room, shaded by use.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::grid::Grid;
use super::{ink, scale, shade};
use crate::check::estate::{Estate, Place, Room};
use crate::xml::escape;

/// Width of a plan in pixels.
const WIDTH: f64 = 560.0;
const MARGIN: f64 = 6.0;

pub fn campus(estate: &Estate, today: Option<&Grid>, plan: Option<&Grid>) -> String {
    let mut floors: Floors<'_> = BTreeMap::new();
    for room in &estate.rooms {
        if let Some(place) = room.place {
            let house = room.building.as_deref().unwrap_or("");
            floors.entry((house, place.floor)).or_default().push((room, place));
        }
    }
    let mut out = String::new();
    if !floors.is_empty() {
        out.push_str(&if today.is_some() { scale() } else { String::new() });
        out.push_str("<div class=\"two\">\n");
        for ((house, floor), rooms) in &floors {
            let by = pixels_a_metre(&floors, house);
            out.push_str(&one(estate, (*house, *floor), rooms, by, today, plan));
        }
        out.push_str("</div>\n");
    }
    let unplaced: Vec<&Room> = estate.rooms.iter().filter(|room| room.place.is_none()).collect();
    if !unplaced.is_empty() {
        let told = |room: &&Room| {
            let used = today.map_or(String::new(), |grid| format!(", {:.0}%", 100.0 * grid.share(&room.id)));
            format!("{} ({} seats{used})", escape(&room.id), room.capacity)
        };
        let list: Vec<String> = unplaced.iter().map(told).collect();
        let _ = writeln!(out, "<p class=\"note\">Rooms without a place on a plan: {}.</p>", list.join(", "));
    }
    out
}

/// Floors by house and storey, their rooms with their places.
type Floors<'a> = BTreeMap<(&'a str, i16), Vec<(&'a Room, Place)>>;

/// Pixels a metre: as many on each floor of a house, so that rooms of two floors are compared by eye. Where a floor begins is its
/// own, as plans have it.
fn pixels_a_metre(floors: &Floors<'_>, house: &str) -> f64 {
    let width = |rooms: &Vec<(&Room, Place)>| {
        let left = rooms.iter().map(|(_, place)| place.x).fold(f64::MAX, f64::min);
        rooms.iter().map(|(_, place)| place.x + place.width).fold(f64::MIN, f64::max) - left
    };
    let own = floors.iter().filter(|((other, _), _)| *other == house);
    (WIDTH - 2.0 * MARGIN) / own.map(|(_, rooms)| width(rooms)).fold(1.0, f64::max)
}

fn one(
    estate: &Estate,
    (house, floor): (&str, i16),
    rooms: &[(&Room, Place)],
    by: f64,
    today: Option<&Grid>,
    plan: Option<&Grid>,
) -> String {
    let least =
        |of: &dyn Fn(&Place) -> f64| rooms.iter().map(|(_, place)| of(place)).fold(f64::MAX, f64::min);
    let most = |of: &dyn Fn(&Place) -> f64| rooms.iter().map(|(_, place)| of(place)).fold(f64::MIN, f64::max);
    let (left, top) = (least(&|place| place.x), least(&|place| place.y));
    let bottom = most(&|place| place.y + place.depth);
    let height = (bottom - top) * by + 2.0 * MARGIN;
    let site = estate
        .buildings
        .iter()
        .find(|one| one.id == house)
        .and_then(|one| estate.sites.iter().find(|site| site.id == one.site));
    let site = site.map(|site| if site.name.is_empty() { &site.id } else { &site.name });
    let name = format!("{}{house}, floor {floor}", site.map(|site| format!("{site}: ")).unwrap_or_default());
    let mut out = format!(
        "<figure style=\"margin:0\"><figcaption>{0}</figcaption>\n<svg role=\"img\" viewBox=\"0 0 {WIDTH} {height:.1}\" \
         width=\"{WIDTH}\" height=\"{height:.0}\"><title>{0}</title>\n",
        escape(&name)
    );
    for (room, place) in rooms {
        let share = today.map(|grid| grid.share(&room.id));
        let (x, y) = (MARGIN + (place.x - left) * by, MARGIN + (place.y - top) * by);
        let (width, depth) = (place.width * by, place.depth * by);
        let mut told = format!("{}, {} seats", room.id, room.capacity);
        if !room.features.is_empty() {
            let _ = write!(told, ", {}", room.features.join(", "));
        }
        if let Some(share) = share {
            let _ = write!(told, ", used {:.0}% of the week's periods", 100.0 * share);
        }
        if let Some(plan) = plan {
            let _ = write!(told, ", by the plan {:.0}%", 100.0 * plan.share(&room.id));
        }
        let _ = writeln!(
            out,
            "<g><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{depth:.1}\" fill=\"{}\" stroke=\"#5b6b73\"/>",
            escape(&told),
            shade(share.unwrap_or(0.0))
        );
        // A name as wide as the room lets it be; what is too small keeps its name in the title alone.
        let size = (width / (room.id.chars().count().max(3) as f64 * 0.62)).min(depth * 0.4).min(14.0);
        if size >= 5.0 {
            let _ = writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size:.1}\" text-anchor=\"middle\" fill=\"{}\">{}</text>",
                x + width / 2.0,
                y + depth / 2.0 + size * 0.35,
                ink(share.unwrap_or(0.0)),
                escape(&room.id)
            );
        }
        out.push_str("</g>\n");
    }
    out.push_str("</svg></figure>\n");
    out
}
