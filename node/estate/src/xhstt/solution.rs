//! Timetables of an archive, in and out.

use std::fmt::Write;

use super::instance::{Event, Instance, NOBODY, Sub, UNTIMED};
use super::names::{at, reference};
use super::read::{first, from_element, is_long};
use super::times::{Long, Times};
use crate::text::Unreadable;
use crate::xml::{self, Element, escape};

/// A timetable that an archive holds, and what it says that it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// Parts by event.
    pub subs: Vec<Vec<Sub>>,
    /// Hard and soft cost, where the archive reports them.
    pub reported: Option<(i64, i64)>,
}

/// Reads every timetable of the archive's first instance.
///
/// # Errors
/// When one names what is not there.
pub fn read_solutions(bytes: &[u8]) -> Result<Vec<Solution>, Unreadable> {
    let root = xml::read(bytes)?;
    match is_long(first(&root)?) {
        false => solutions::<u128>(&root),
        true => solutions::<Long>(&root),
    }
}

fn solutions<T: Times>(root: &Element) -> Result<Vec<Solution>, Unreadable> {
    let (instance, names) = from_element::<T>(first(root)?)?;
    let mut all = Vec::new();
    for solution in root.list("SolutionGroups").iter().flat_map(|group| &group.children) {
        if solution.name != "Solution" || solution.attribute("Reference") != Some(&instance.id) {
            continue;
        }
        let mut subs: Vec<Vec<Sub>> = vec![Vec::new(); instance.events.len()];
        for part in solution.list("Events") {
            let event = *reference(part, &names.events)?;
            let whole = &instance.events[event];
            let duration = match part.text_of("Duration") {
                None => Some(whole.duration),
                Some(text) => {
                    text.parse::<u16>().ok().filter(|duration| (1..=whole.duration).contains(duration))
                }
            };
            let duration = duration.ok_or_else(|| at(part, "has a Duration that its event does not have"))?;
            let time =
                part.child("Time").map_or(Ok(whole.given), |time| reference(time, &names.times).copied())?;
            if time != UNTIMED && usize::from(time + duration) > instance.times.len() {
                return Err(at(part, "does not end within the times"));
            }
            let mut sub = Sub { duration, time, resources: given(whole) };
            for resource in part.list("Resources") {
                let role = resource.text_of("Role").unwrap_or_default();
                let index = *reference(resource, &names.resources)?;
                let open = whole.slots.iter().position(|slot| slot.role == role && slot.given == NOBODY);
                if let Some(slot) = open {
                    sub.resources[slot] = index;
                } else if !whole.slots.iter().any(|slot| slot.given == index) {
                    return Err(at(resource, "fills a role that its event does not have"));
                }
            }
            subs[event].push(sub);
        }
        for (event, subs) in instance.events.iter().zip(&mut subs).filter(|(_, subs)| subs.is_empty()) {
            subs.push(Sub { duration: event.duration, time: event.given, resources: given(event) });
        }
        all.push(Solution { subs, reported: reported(solution) });
    }
    Ok(all)
}

/// The timetable with parts of an event that follow each other and have the same resources, at least one, taken for one part. Some
/// programs count so: the format counts the parts as they are written.
#[must_use]
pub fn joined<T: Times>(instance: &Instance<T>, subs: &[Vec<Sub>]) -> Vec<Vec<Sub>> {
    let join = |(event, parts): (&Event, &Vec<Sub>)| {
        let mut parts = parts.clone();
        parts.sort_by_key(|sub| sub.time);
        let mut all: Vec<Sub> = Vec::with_capacity(parts.len());
        for sub in parts {
            match all.last_mut() {
                Some(last)
                    if sub.time != UNTIMED
                        && !event.slots.is_empty()
                        && last.time + last.duration == sub.time
                        && last.resources == sub.resources
                        && same_day(instance, last.time, sub.time) =>
                {
                    last.duration += sub.duration;
                }
                _ => all.push(sub),
            }
        }
        all
    };
    instance.events.iter().zip(subs).map(join).collect()
}

fn same_day<T: Times>(instance: &Instance<T>, one: u16, two: u16) -> bool {
    instance.days.iter().any(|day| day.has(one) && day.has(two))
}

/// The resources that an event is given.
pub fn given(event: &Event) -> Vec<u32> {
    event.slots.iter().map(|slot| slot.given).collect()
}

fn reported(solution: &Element) -> Option<(i64, i64)> {
    let report = solution.child("Report")?;
    let value = |name: &str| report.text_of(name)?.parse::<i64>().ok();
    Some((value("InfeasibilityValue")?, value("ObjectiveValue")?))
}

/// The archive of the instance with one timetable, in one solution group.
#[must_use]
pub fn write_archive<T: Times>(bytes: &[u8], instance: &Instance<T>, subs: &[Vec<Sub>]) -> String {
    let text = String::from_utf8_lossy(bytes);
    // The instances as they stand, so that whoever judges the timetable has the very same.
    let instances = text.find("<Instances>").zip(text.find("</Instances>"));
    let instances = instances.map_or("", |(start, end)| &text[start..end + "</Instances>".len()]);
    let mut out =
        format!("<HighSchoolTimetableArchive>\n{instances}\n<SolutionGroups>\n<SolutionGroup Id=\"aula\">\n");
    out += "<MetaData>\n<Contributor>aula estate timetable</Contributor>\n<Date></Date>\n<Description></Description>\n</MetaData>\n";
    let _ = writeln!(out, "<Solution Reference=\"{}\">\n<Events>", escape(&instance.id));
    for (event, parts) in instance.events.iter().zip(subs) {
        for sub in parts {
            let _ = write!(
                out,
                "<Event Reference=\"{}\"><Duration>{}</Duration>",
                escape(&event.id),
                sub.duration
            );
            if sub.time != UNTIMED {
                let _ =
                    write!(out, "<Time Reference=\"{}\"/>", escape(&instance.times[usize::from(sub.time)]));
            }
            let open = event.slots.iter().zip(&sub.resources);
            let open = open.filter(|(slot, resource)| slot.given == NOBODY && **resource != NOBODY);
            let filled: String = open
                .map(|(slot, resource)| {
                    let resource = escape(&instance.resources[*resource as usize]);
                    format!(
                        "<Resource Reference=\"{resource}\"><Role>{}</Role></Resource>",
                        escape(&slot.role)
                    )
                })
                .collect();
            if !filled.is_empty() {
                let _ = write!(out, "<Resources>{filled}</Resources>");
            }
            out += "</Event>\n";
        }
    }
    out += "</Events>\n</Solution>\n</SolutionGroup>\n</SolutionGroups>\n</HighSchoolTimetableArchive>\n";
    out
}
