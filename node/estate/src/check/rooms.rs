//! An estate from what others write: a CSV of rooms, or the rooms of a timetabling instance.

use super::estate::{Estate, House, Place, Room, Site, read_estate};
use crate::table::Table;
use crate::text::Unreadable;
use crate::{ctt, xhstt};

/// Reads rooms from CSV: `room` (or id, name) and `capacity` (or seats); optional building, site, school, features (several joined
/// by `;`), zone, kwh_per_hour, and floor, x, y, width and depth. What is left out of building and site is `main`.
///
/// # Errors
/// When a column is missing, a field is not what its column is, or the estate would be none.
pub fn of_csv(bytes: &[u8]) -> Result<Estate, Unreadable> {
    let table = Table::read(bytes)?;
    let find = |names: &[&str]| table.find_any(names);
    let (id, seats) = (table.any_column(&["room", "id", "name"])?, table.any_column(&["capacity", "seats"])?);
    let [building, site, school] =
        [["building", "house"], ["site", "campus"], ["school", "school_id"]].map(|names| find(&names));
    let [features, zone, energy] =
        [["features", "feature"], ["zone", "zone_id"], ["kwh_per_hour", "kwh"]].map(|names| find(&names));
    let (building, site, school) = (building?, site?, school?);
    let (features, zone, energy) = (features?, zone?, energy?);
    let [floor, x, y, width, depth] = ["floor", "x", "y", "width", "depth"].map(|name| find(&[name]));
    let place = [floor?, x?, y?, width?, depth?];
    let mut estate = Estate::default();
    for (index, row) in table.rows().iter().enumerate() {
        let text = |column: Option<usize>| column.map_or("", |column| row[column].trim());
        let fault = |what: String| Unreadable::at(format_args!("row {}", index + 1), what);
        let number = |column: Option<usize>, name: &str| match text(column) {
            "" => Ok(None),
            digits => {
                let value = digits.parse::<f64>().ok().filter(|value| value.is_finite());
                value.map(Some).ok_or_else(|| fault(format!("{name} is a number")))
            }
        };
        let or_main = |column| if text(column).is_empty() { "main" } else { text(column) }.to_owned();
        let (house, of) = (or_main(building), or_main(site));
        let school = match text(school) {
            "" => None,
            digits => Some(digits.parse::<u32>().map_err(|_| fault("school is a whole number".to_owned()))?),
        };
        standing_on(&mut estate, (&house, &of), school).map_err(fault)?;
        let [floor, x, y, width, depth] = place;
        let corners = [number(x, "x")?, number(y, "y")?, number(width, "width")?, number(depth, "depth")?];
        let place = match corners {
            [Some(x), Some(y), Some(width), Some(depth)] => {
                let floor = match text(floor) {
                    "" => 0,
                    digits => digits.parse().map_err(|_| {
                        fault(format!("floor is a whole number from {} to {}", i16::MIN, i16::MAX))
                    })?,
                };
                Some(Place { floor, x, y, width, depth })
            }
            [None, None, None, None] => None,
            _ => return Err(fault("x, y, width and depth come together".to_owned())),
        };
        estate.rooms.push(Room {
            id: text(Some(id)).to_owned(),
            building: Some(house),
            capacity: text(Some(seats))
                .parse()
                .map_err(|_| fault("capacity is a whole number".to_owned()))?,
            features: text(features)
                .split(';')
                .map(str::trim)
                .filter(|one| !one.is_empty())
                .map(str::to_owned)
                .collect(),
            zone: Some(text(zone)).filter(|zone| !zone.is_empty()).map(str::to_owned),
            kwh_per_hour: number(energy, "kwh_per_hour")?.unwrap_or(0.0),
            place,
        });
    }
    checked(estate)
}

/// Holds a row's building and site: each stands once, a building on one site, a site with one school.
fn standing_on(estate: &mut Estate, (house, of): (&str, &str), school: Option<u32>) -> Result<(), String> {
    match estate.sites.iter_mut().find(|site| site.id == of) {
        None => estate.sites.push(Site { id: of.to_owned(), name: String::new(), school }),
        Some(known) => match (known.school, school) {
            (Some(one), Some(other)) if one != other => {
                return Err(format!("site {of:?} has school {one} in a row before"));
            }
            (None, Some(_)) => known.school = school,
            _ => {}
        },
    }
    match estate.buildings.iter().find(|known| known.id == house) {
        None => estate.buildings.push(House { id: house.to_owned(), site: of.to_owned() }),
        Some(known) if known.site == of => {}
        Some(known) => return Err(format!("building {house:?} is on site {:?} in a row before", known.site)),
    }
    Ok(())
}

/// The rooms of a `.ctt` instance, in one building.
///
/// # Errors
/// When two rooms have the same name once they are text.
pub fn of_ctt(instance: &ctt::Instance) -> Result<Estate, Unreadable> {
    checked(in_one(instance.rooms.iter().map(|room| (room.name.to_string(), room.capacity))))
}

/// The resources of an XHSTT instance whose type is called Room, in one building; the format knows no seats, so that there are 0 to
/// be entered.
///
/// # Errors
/// When no resource has that type.
pub fn of_archive(archive: &xhstt::Archive) -> Result<Estate, Unreadable> {
    match archive {
        xhstt::Archive::Week(instance) => rooms_of(instance),
        xhstt::Archive::Long(instance) => rooms_of(instance),
    }
}

fn rooms_of<T>(instance: &xhstt::Instance<T>) -> Result<Estate, Unreadable> {
    if instance.rooms.is_empty() {
        return Err(Unreadable::at("Resources", "no resource has a type called Room"));
    }
    checked(in_one(instance.rooms.iter().map(|room| (instance.resources[*room as usize].clone(), 0))))
}

fn in_one(rooms: impl Iterator<Item = (String, u32)>) -> Estate {
    let room = |(id, capacity)| Room {
        id,
        building: Some("main".to_owned()),
        capacity,
        features: Vec::new(),
        zone: None,
        kwh_per_hour: 0.0,
        place: None,
    };
    Estate {
        sites: vec![Site { id: "main".to_owned(), name: String::new(), school: None }],
        buildings: vec![House { id: "main".to_owned(), site: "main".to_owned() }],
        rooms: rooms.map(room).collect(),
        ..Estate::default()
    }
}

/// By the same checks as an estate's own file.
fn checked(estate: Estate) -> Result<Estate, Unreadable> {
    let bytes = serde_json::to_vec(&estate).map_err(|error| Unreadable::at("estate", error))?;
    read_estate(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_of_a_table_are_an_estate() {
        let table = "room,seats,building,site,school,features,kwh,floor,x,y,width,depth\nA1,30,A,s,61,lab;sink,1.5,1,0,0,9,7\n\
                     A2,24,A,s,,,,,,,,\nB1,60,B,s,61,,,,,,,\n";
        let estate = of_csv(table.as_bytes()).unwrap();
        assert_eq!((estate.sites.len(), estate.buildings.len(), estate.rooms.len()), (1, 2, 3));
        assert_eq!(estate.school_of(&estate.rooms[2]), Some(61));
        let first = &estate.rooms[0];
        assert_eq!((first.features.join(" "), first.kwh_per_hour), ("lab sink".to_owned(), 1.5));
        assert_eq!(first.place.map(|place| (place.floor, place.width)), Some((1, 9.0)));
        let plain = of_csv(b"room,capacity\nx,3\n").unwrap();
        assert_eq!(plain.rooms[0].building.as_deref(), Some("main"));
    }

    #[test]
    fn rooms_of_instances_are_an_estate() {
        let text = "Name: t\nCourses: 1\nRooms: 2\nDays: 1\nPeriods_per_day: 2\nCurricula: 0\nConstraints: 0\n\nCOURSES:\nc t 1 1 9\n\nROOMS:\nA 20\nB 9\n\n\
                    CURRICULA:\n\nUNAVAILABILITY_CONSTRAINTS:\n\nEND.\n";
        let estate = of_ctt(&ctt::read(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(estate.rooms.iter().map(|room| room.capacity).collect::<Vec<_>>(), [20, 9]);
    }

    #[test]
    fn faults_are_said() {
        let refused = |text: &str| of_csv(text.as_bytes()).unwrap_err().to_string();
        assert!(refused("a,b\n1,2\n").starts_with("header: there is no column \"room\""));
        assert_eq!(refused("room,capacity\nx,many\n"), "row 1: capacity is a whole number");
        assert_eq!(refused("room,capacity,x\nx,1,3\n"), "row 1: x, y, width and depth come together");
        for floor in ["1.5", "ground", "40000", "1e2"] {
            let told = refused(&format!("room,capacity,floor,x,y,width,depth\nx,1,{floor},0,0,9,7\n"));
            assert_eq!(told, "row 1: floor is a whole number from -32768 to 32767");
        }
        assert_eq!(refused("room,capacity,site,school\nx,1,s,no\n"), "row 1: school is a whole number");
        assert!(refused("room,capacity,building,site\nx,1,A,s\ny,1,A,t\n").contains("is on site \"s\""));
        assert!(refused("room,capacity,site,school\nx,1,s,1\ny,1,s,2\n").contains("has school 1"));
        assert_eq!(refused("room,capacity\nx,1\nx,1\n"), "rooms: the id \"x\" is there twice");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(junk: Vec<u8>, text in "[a-z,\n0-9;.-]{0,120}") {
            let _ = of_csv(&junk);
            let _ = of_csv(format!("room,capacity,floor,x,y,width,depth\n{text}").as_bytes());
        }
    }
}
