//! The reader of archives: times, resources, events; constraints are read beside it.

use std::collections::BTreeMap;

use super::constraints;
use super::instance::{Event, Instance, NOBODY, Slot, UNTIMED};
use super::names::{Names, at, reference};
use super::times::{Long, Times};
use crate::text::Unreadable;
use crate::xml::{self, Element};

const MOST_EVENTS: usize = 20_000;
const MOST_RESOURCES: usize = 20_000;
const MOST_DURATION: u16 = 1_000;
/// Most resources × times, each of which a search counts.
const MOST_CELLS: usize = 4_000_000;
/// Most times of events' resources and resources to choose from: by slot its event's duration and its candidates.
const MOST_CHOICES: usize = 20_000_000;

/// An archive's first instance, its sets of times as wide as it needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archive {
    /// Of at most 128 times.
    Week(Instance<u128>),
    /// Of at most 1,024.
    Long(Instance<Long>),
}

/// Reads the archive's first instance.
///
/// # Errors
/// When the bytes are not an archive, or something in it is not known.
pub fn read(bytes: &[u8]) -> Result<Archive, Unreadable> {
    let root = xml::read(bytes)?;
    let instance = first(&root)?;
    Ok(match is_long(instance) {
        false => Archive::Week(from_element(instance)?.0),
        true => Archive::Long(from_element(instance)?.0),
    })
}

/// The same with sets of times of one width.
///
/// # Errors
/// As [`read`], and when there are more times than these sets hold.
pub fn read_as<T: Times>(bytes: &[u8]) -> Result<Instance<T>, Unreadable> {
    let root = xml::read(bytes)?;
    from_element(first(&root)?).map(|(instance, _)| instance)
}

/// The first instance's element.
pub fn first(root: &Element) -> Result<&Element, Unreadable> {
    if root.name != "HighSchoolTimetableArchive" {
        return Err(at(root, "is not a HighSchoolTimetableArchive"));
    }
    root.list("Instances").first().ok_or_else(|| at(root, "has no instance"))
}

/// Whether an instance has more times than a number has bits.
pub fn is_long(instance: &Element) -> bool {
    let times = instance.child("Times").map_or(&[][..], |all| &all.children);
    times.iter().filter(|child| child.name == "Time").count() > u128::MOST
}

/// The instance and its names.
pub fn from_element<T: Times>(element: &Element) -> Result<(Instance<T>, Names<T>), Unreadable> {
    let mut names = Names {
        times: BTreeMap::new(),
        time_groups: BTreeMap::new(),
        resources: BTreeMap::new(),
        resource_groups: BTreeMap::new(),
        events: BTreeMap::new(),
        event_groups: BTreeMap::new(),
    };
    let mut instance = Instance {
        id: id(element)?,
        times: Vec::new(),
        days: Vec::new(),
        resources: Vec::new(),
        rooms: Vec::new(),
        events: Vec::new(),
        constraints: Vec::new(),
        points: Vec::new(),
    };
    times(element, &mut instance, &mut names)?;
    let types = resources(element, &mut instance, &mut names)?;
    if instance.times.len() * instance.resources.len() > MOST_CELLS {
        let what = format_args!("has more resources × times than the {MOST_CELLS} that this program takes");
        return Err(at(element, what));
    }
    events(element, &mut instance, &mut names, &types)?;
    constraints::read(element, &mut instance, &names)?;
    Ok((instance, names))
}

fn id(element: &Element) -> Result<String, Unreadable> {
    element.attribute("Id").map(str::to_owned).ok_or_else(|| at(element, "has no Id"))
}

/// A new name, once.
fn insert<V>(names: &mut BTreeMap<String, V>, element: &Element, value: V) -> Result<String, Unreadable> {
    let id = id(element)?;
    match names.insert(id.clone(), value) {
        None => Ok(id),
        Some(_) => Err(at(element, format_args!("{id:?} is there twice"))),
    }
}

fn times<T: Times>(
    element: &Element,
    instance: &mut Instance<T>,
    names: &mut Names<T>,
) -> Result<(), Unreadable> {
    let all = element.child("Times").ok_or_else(|| at(element, "has no Times"))?;
    let mut days = Vec::new();
    for group in all.list("TimeGroups") {
        let id = insert(&mut names.time_groups, group, T::NONE)?;
        if group.name == "Day" {
            days.push(id);
        }
    }
    for time in all.children.iter().filter(|child| child.name == "Time") {
        let index = instance.times.len();
        if index >= T::MOST {
            let what = format_args!("is one more than {}, which is what this program takes", T::MOST);
            return Err(at(time, what));
        }
        instance.times.push(insert(&mut names.times, time, index as u16)?);
        let own = time.children.iter().filter(|child| ["Day", "Week"].contains(&child.name.as_str()));
        for group in own.chain(time.list("TimeGroups")) {
            reference(group, &names.time_groups)?;
            if let Some(times) = names.time_groups.get_mut(group.attribute("Reference").unwrap_or_default()) {
                *times = times.or(T::one(index as u16));
            }
        }
    }
    if instance.times.is_empty() {
        return Err(at(all, "has no time"));
    }
    instance.days = days.iter().filter_map(|id| names.time_groups.get(id).copied()).collect();
    Ok(())
}

/// Resources by type.
fn resources<T: Times>(
    element: &Element,
    instance: &mut Instance<T>,
    names: &mut Names<T>,
) -> Result<BTreeMap<String, Vec<u32>>, Unreadable> {
    let mut types: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let Some(all) = element.child("Resources") else { return Ok(types) };
    for kind in all.list("ResourceTypes") {
        insert(&mut types, kind, Vec::new())?;
    }
    for group in all.list("ResourceGroups") {
        insert(&mut names.resource_groups, group, Vec::new())?;
    }
    for resource in all.children.iter().filter(|child| child.name == "Resource") {
        let index = instance.resources.len() as u32;
        if index as usize >= MOST_RESOURCES {
            return Err(at(resource, format_args!("is one more than {MOST_RESOURCES}")));
        }
        instance.resources.push(insert(&mut names.resources, resource, index)?);
        let kind = resource.child("ResourceType").ok_or_else(|| at(resource, "has no ResourceType"))?;
        reference(kind, &types)?;
        let kind = kind.attribute("Reference").unwrap_or_default();
        types.entry(kind.to_owned()).or_default().push(index);
        if ["Room", "Rooms"].iter().any(|name| kind.eq_ignore_ascii_case(name)) {
            instance.rooms.push(index);
        }
        for group in resource.list("ResourceGroups") {
            reference(group, &names.resource_groups)?;
            if let Some(members) =
                names.resource_groups.get_mut(group.attribute("Reference").unwrap_or_default())
            {
                members.push(index);
            }
        }
    }
    Ok(types)
}

fn events<T: Times>(
    element: &Element,
    instance: &mut Instance<T>,
    names: &mut Names<T>,
    types: &BTreeMap<String, Vec<u32>>,
) -> Result<(), Unreadable> {
    let Some(all) = element.child("Events") else { return Ok(()) };
    for group in all.list("EventGroups") {
        insert(&mut names.event_groups, group, Vec::new())?;
    }
    let mut choices = 0;
    for event in all.children.iter().filter(|child| child.name == "Event") {
        let index = instance.events.len();
        if index >= MOST_EVENTS {
            return Err(at(event, format_args!("is one more than {MOST_EVENTS}")));
        }
        let id = insert(&mut names.events, event, index)?;
        let duration = event.text_of("Duration").and_then(|text| text.parse::<u16>().ok());
        let duration = duration.filter(|duration| (1..=MOST_DURATION).contains(duration));
        let duration =
            duration.ok_or_else(|| at(event, format_args!("has no Duration from 1 to {MOST_DURATION}")))?;
        let whole = event.text_of("Workload").and_then(|text| text.parse::<u32>().ok());
        let given = event.child("Time").map_or(Ok(UNTIMED), |time| reference(time, &names.times).copied())?;
        if given != UNTIMED && usize::from(given + duration) > instance.times.len() {
            return Err(at(event, "does not end within the times"));
        }
        let mut slots = Vec::new();
        for resource in event.list("Resources") {
            let slot = slot(resource, names, types, whole.unwrap_or(u32::from(duration)))?;
            choices += usize::from(duration) + slot.candidates.len();
            if choices > MOST_CHOICES {
                let what =
                    format_args!("asks for more resources than the {MOST_CHOICES} that this program takes");
                return Err(at(event, what));
            }
            slots.push(slot);
        }
        instance.events.push(Event { id, duration, given, slots });
        let course = event.children.iter().filter(|child| child.name == "Course");
        for group in course.chain(event.list("EventGroups")) {
            reference(group, &names.event_groups)?;
            if let Some(members) =
                names.event_groups.get_mut(group.attribute("Reference").unwrap_or_default())
            {
                members.push(index);
            }
        }
    }
    Ok(())
}

fn slot<T: Times>(
    element: &Element,
    names: &Names<T>,
    types: &BTreeMap<String, Vec<u32>>,
    workload: u32,
) -> Result<Slot, Unreadable> {
    let given = match element.attribute("Reference") {
        None => NOBODY,
        Some(_) => *reference(element, &names.resources)?,
    };
    let candidates = match element.child("ResourceType") {
        Some(kind) => reference(kind, types)?.clone(),
        None if given == NOBODY => return Err(at(element, "has neither Reference nor ResourceType")),
        None => Vec::new(),
    };
    let own = element
        .text_of("Workload")
        .map(|text| text.parse::<u32>().map_err(|_| at(element, "has a Workload that is not a number")));
    Ok(Slot {
        role: element.text_of("Role").unwrap_or_default().to_owned(),
        given,
        candidates,
        workload: own.transpose()?.unwrap_or(workload).min(1_000_000),
    })
}
