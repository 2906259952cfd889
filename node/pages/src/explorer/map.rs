//! Where the schools are, as SVG: no tiles, no foreign host. Degrees are drawn as they are, narrowed by the latitude's cosine, which at
//! the size of a consortium no eye tells from a projection.

use maud::{Markup, html};

use aula_read::places::SchoolLine;

/// Longest side of the map, in SVG units, and room around it.
const SIDE: f64 = 600.0;
const ROOM: f64 = 16.0;

/// A school's place on the map.
struct Spot<'a> {
    line: &'a SchoolLine,
    x: f64,
    y: f64,
}

fn spots(schools: &[SchoolLine]) -> (Vec<Spot<'_>>, f64, f64) {
    let degrees = |e6: i32| f64::from(e6) / 1e6;
    let at: Vec<(&SchoolLine, f64, f64)> = schools
        .iter()
        .filter_map(|line| {
            let at = line.position?;
            Some((line, degrees(at.longitude_e6()), degrees(at.latitude_e6())))
        })
        .collect();
    let bounds = |of: fn(&(&SchoolLine, f64, f64)) -> f64| {
        let least = at.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = at.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        (least, most)
    };
    let ((west, east), (south, north)) = (bounds(|at| at.1), bounds(|at| at.2));
    let narrow = ((south + north) / 2.0).to_radians().cos().max(0.01);
    let (wide, high) = ((east - west) * narrow, north - south);
    // One school, or several at one place, stand in the middle of a small map.
    let scale = SIDE / wide.max(high).max(1e-4);
    let found = at.into_iter().map(|(line, longitude, latitude)| Spot {
        line,
        x: ROOM + (longitude - west) * narrow * scale,
        y: ROOM + (north - latitude) * scale,
    });
    (found.collect(), wide * scale + 2.0 * ROOM, high * scale + 2.0 * ROOM)
}

/// The map; nothing where no school says where it is.
pub(super) fn map(schools: &[SchoolLine]) -> Markup {
    let (spots, width, height) = spots(schools);
    html! { @if !spots.is_empty() {
        figure .map {
            figcaption { strong { "Where they are" } " " (spots.len()) " of " (schools.len()) " schools, north up, by their districts' word. The table below has them all." }
            svg role="group" aria-label="Map of schools; the table below lists them" viewBox={ "0 0 " (width.ceil()) " " (height.ceil()) } {
                rect .frame width=(width.ceil()) height=(height.ceil()) {}
                @for spot in &spots { a href={ "/schools/" (spot.line.school.id) } {
                    title { (spot.line.title()) }
                    circle cx={ (format!("{:.1}", spot.x)) } cy={ (format!("{:.1}", spot.y)) } r="6" {}
                } }
            }
        }
    } }
}
