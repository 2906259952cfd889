//! Constraints, each taken apart into the places where it applies.

use std::collections::BTreeSet;

use super::instance::{Function, Instance, Limits, Point, Wanted};
use super::names::{Names, at, reference};
use super::times::Times;
use crate::text::Unreadable;
use crate::xml::Element;

const MOST: i64 = 1_000_000;
/// Most places at which an instance's constraints apply; of one constraint each is counted once more for every event or set of times in
/// it. Of weeks that one number holds.
const MOST_PLACES: usize = 4_000_000;
/// All constraints' places together may have so many times as many events and sets of times in them.
const PARTS_A_PLACE: usize = 4;

/// The same for sets of so many times, which are so much larger.
fn most_places<T: Times>() -> usize {
    MOST_PLACES / (T::MOST / 128).max(1)
}

/// Reads all constraints of an instance.
pub fn read<T: Times>(
    element: &Element,
    instance: &mut Instance<T>,
    names: &Names<T>,
) -> Result<(), Unreadable> {
    let mut inside = 0;
    for constraint in element.list("Constraints") {
        let index = instance.constraints.len();
        instance.constraints.push(constraint.attribute("Id").unwrap_or_default().to_owned());
        let wanted = Reader { element: constraint, instance, names }.wanted()?;
        let hard = match constraint.text_of("Required") {
            Some("true") => true,
            Some("false") => false,
            _ => return Err(at(constraint, "has no Required of true or false")),
        };
        let weight = number(constraint, "Weight")?.unwrap_or(1).clamp(0, 1000);
        let function = match constraint.text_of("CostFunction") {
            Some("Linear" | "Sum") | None => Function::Linear,
            Some("Quadratic" | "SumSquare" | "SumSquares" | "SquareSum") => Function::Quadratic,
            Some("Step" | "SumStep" | "SumSteps" | "StepSum") => Function::Step,
            Some(other) => {
                return Err(at(
                    constraint,
                    format_args!("has the CostFunction {other:?}, which is not known"),
                ));
            }
        };
        inside += wanted.iter().map(parts).sum::<usize>();
        let point = |wanted| Point { constraint: index, hard, weight, function, wanted };
        instance.points.extend(wanted.into_iter().map(point));
        if instance.points.len().max(inside / PARTS_A_PLACE) > most_places::<T>() {
            return Err(too_many::<T>(constraint));
        }
    }
    Ok(())
}

/// How many events, resources or sets of times a place has in it.
fn parts<T>(wanted: &Wanted<T>) -> usize {
    match wanted {
        Wanted::OneOf(_, _, preferred) => preferred.len(),
        Wanted::Spread(events, sets) => events.len() + sets.len(),
        Wanted::Linked(events) => events.len(),
        Wanted::Unsplit(slots) => slots.len(),
        Wanted::Idle(_, sets, _) | Wanted::Cluster(_, sets, _) | Wanted::Busy(_, sets, _) => sets.len(),
        Wanted::Timed(_)
        | Wanted::Resourced(..)
        | Wanted::Starts(..)
        | Wanted::Split(..)
        | Wanted::Parts(..)
        | Wanted::Ordered(..)
        | Wanted::NoClash(_)
        | Wanted::Free(..)
        | Wanted::Workload(..) => 0,
    }
}

fn too_many<T: Times>(constraint: &Element) -> Unreadable {
    let most = most_places::<T>();
    at(constraint, format_args!("applies at more places than the {most} that this program takes"))
}

fn number(element: &Element, name: &str) -> Result<Option<i64>, Unreadable> {
    let range = |text: &str| text.parse::<i64>().ok().filter(|number| (-MOST..=MOST).contains(number));
    match element.text_of(name) {
        None | Some("") => Ok(None),
        Some(text) => range(text)
            .map(Some)
            .ok_or_else(|| at(element, format_args!("has a {name} that is not a number up to {MOST}"))),
    }
}

struct Reader<'a, T> {
    element: &'a Element,
    instance: &'a Instance<T>,
    names: &'a Names<T>,
}

impl<T: Times> Reader<'_, T> {
    fn wanted(&self) -> Result<Vec<Wanted<T>>, Unreadable> {
        match self.element.name.as_str() {
            "AssignTimeConstraint" => Ok(self.events()?.into_iter().map(Wanted::Timed).collect()),
            "AssignResourceConstraint" => Ok(self
                .slots(&self.events()?)
                .into_iter()
                .map(|(event, slot)| Wanted::Resourced(event, slot))
                .collect()),
            "PreferTimesConstraint" => {
                let times = self.times(self.element)?;
                let duration = number(self.element, "Duration")?.map(|duration| duration as u16);
                Ok(self.events()?.into_iter().map(|event| Wanted::Starts(event, times, duration)).collect())
            }
            "PreferResourcesConstraint" => {
                let preferred = self.resources_in(self.element)?;
                let slots = self.slots(&self.events()?);
                self.affords(slots.len(), preferred.len())?;
                Ok(slots
                    .into_iter()
                    .map(|(event, slot)| Wanted::OneOf(event, slot, preferred.clone()))
                    .collect())
            }
            "SplitEventsConstraint" => {
                let (durations, amounts) = (
                    self.limits("MinimumDuration", "MaximumDuration")?,
                    self.limits("MinimumAmount", "MaximumAmount")?,
                );
                Ok(self.events()?.into_iter().map(|event| Wanted::Split(event, durations, amounts)).collect())
            }
            "DistributeSplitEventsConstraint" => {
                let duration = number(self.element, "Duration")?
                    .ok_or_else(|| at(self.element, "has no Duration"))?
                    as u16;
                let limits = self.limits("Minimum", "Maximum")?;
                Ok(self.events()?.into_iter().map(|event| Wanted::Parts(event, duration, limits)).collect())
            }
            "SpreadEventsConstraint" => self.spread(),
            "LinkEventsConstraint" => Ok(self.groups()?.into_iter().map(Wanted::Linked).collect()),
            "OrderEventsConstraint" => self.ordered(),
            "AvoidSplitAssignmentsConstraint" => {
                Ok(self.groups()?.iter().map(|group| Wanted::Unsplit(self.slots(group))).collect())
            }
            _ => self.wanted_of_resources(),
        }
    }

    fn wanted_of_resources(&self) -> Result<Vec<Wanted<T>>, Unreadable> {
        let limits = || self.limits("Minimum", "Maximum");
        let each = |wanted: &dyn Fn(usize) -> Wanted<T>| -> Result<Vec<Wanted<T>>, Unreadable> {
            let applies = self.applies()?;
            let all: BTreeSet<u32> = self.resources_in(applies)?.into_iter().collect();
            self.affords(all.len(), self.element.list("TimeGroups").len())?;
            Ok(all.into_iter().map(|resource| wanted(resource as usize)).collect())
        };
        match self.element.name.as_str() {
            "AvoidClashesConstraint" => each(&Wanted::NoClash),
            "AvoidUnavailableTimesConstraint" => {
                let times = self.times(self.element)?;
                each(&|resource| Wanted::Free(resource, times))
            }
            "LimitIdleTimesConstraint" => {
                let (groups, limits) = (self.time_groups()?, limits()?);
                each(&|resource| Wanted::Idle(resource, groups.clone(), limits))
            }
            "ClusterBusyTimesConstraint" => {
                let (groups, limits) = (self.time_groups()?, limits()?);
                each(&|resource| Wanted::Cluster(resource, groups.clone(), limits))
            }
            "LimitBusyTimesConstraint" => {
                let (groups, limits) = (self.time_groups()?, limits()?);
                each(&|resource| Wanted::Busy(resource, groups.clone(), limits))
            }
            "LimitWorkloadConstraint" => {
                let limits = limits()?;
                each(&|resource| Wanted::Workload(resource, limits))
            }
            other => {
                Err(Unreadable::line(self.element.line, format_args!("the constraint {other} is not known")))
            }
        }
    }

    /// Refuses a constraint whose places, each with so many parts, are more than fit.
    fn affords(&self, places: usize, parts: usize) -> Result<(), Unreadable> {
        match places.saturating_mul(1 + parts) <= most_places::<T>() {
            true => Ok(()),
            false => Err(too_many::<T>(self.element)),
        }
    }

    fn applies(&self) -> Result<&Element, Unreadable> {
        self.element.child("AppliesTo").ok_or_else(|| at(self.element, "has no AppliesTo"))
    }

    fn limits(&self, least: &str, most: &str) -> Result<Limits, Unreadable> {
        let (least, most) =
            (number(self.element, least)?.unwrap_or(0), number(self.element, most)?.unwrap_or(MOST));
        Ok(Limits { least, most })
    }

    /// Every event named, alone or in a group, once.
    fn events(&self) -> Result<Vec<usize>, Unreadable> {
        let applies = self.applies()?;
        let mut all = BTreeSet::new();
        for event in applies.list("Events") {
            all.insert(*reference(event, &self.names.events)?);
        }
        for group in applies.list("EventGroups") {
            all.extend(reference(group, &self.names.event_groups)?);
        }
        Ok(all.into_iter().collect())
    }

    fn groups(&self) -> Result<Vec<Vec<usize>>, Unreadable> {
        let groups = self.applies()?.list("EventGroups").iter();
        let groups = groups.map(|group| reference(group, &self.names.event_groups));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        self.affords(groups.iter().map(|group| group.len()).sum(), 0)?;
        Ok(groups.into_iter().cloned().collect())
    }

    /// The events' slots of the constraint's role.
    fn slots(&self, events: &[usize]) -> Vec<(usize, usize)> {
        let role = self.element.text_of("Role").unwrap_or_default();
        let of = |event: usize| {
            let slots = self.instance.events[event].slots.iter().enumerate();
            slots.filter(|(_, slot)| slot.role == role).map(move |(slot, _)| (event, slot))
        };
        events.iter().flat_map(|event| of(*event)).collect()
    }

    fn resources_in(&self, element: &Element) -> Result<Vec<u32>, Unreadable> {
        let mut all = BTreeSet::new();
        for resource in element.list("Resources") {
            all.insert(*reference(resource, &self.names.resources)?);
        }
        for group in element.list("ResourceGroups") {
            all.extend(reference(group, &self.names.resource_groups)?);
        }
        Ok(all.into_iter().collect())
    }

    fn times(&self, element: &Element) -> Result<T, Unreadable> {
        let mut all = T::NONE;
        for time in element.list("Times") {
            all = all.or(T::one(*reference(time, &self.names.times)?));
        }
        for group in element.list("TimeGroups") {
            all = all.or(*reference(group, &self.names.time_groups)?);
        }
        Ok(all)
    }

    /// Each set of times; times without a set are one.
    fn time_groups(&self) -> Result<Vec<T>, Unreadable> {
        let groups = self.element.list("TimeGroups").iter();
        let mut all: Vec<T> = groups
            .map(|group| reference(group, &self.names.time_groups).copied())
            .collect::<Result<_, _>>()?;
        let mut single = T::NONE;
        for time in self.element.list("Times") {
            single = single.or(T::one(*reference(time, &self.names.times)?));
        }
        all.extend((!single.is_none()).then_some(single));
        Ok(all)
    }

    fn spread(&self) -> Result<Vec<Wanted<T>>, Unreadable> {
        let mut sets = Vec::new();
        for group in self.element.list("TimeGroups") {
            let limits = Limits {
                least: number(group, "Minimum")?.unwrap_or(0),
                most: number(group, "Maximum")?.unwrap_or(MOST),
            };
            sets.push((*reference(group, &self.names.time_groups)?, limits));
        }
        let groups = self.groups()?;
        self.affords(groups.len(), sets.len())?;
        Ok(groups.into_iter().map(|group| Wanted::Spread(group, sets.clone())).collect())
    }

    fn ordered(&self) -> Result<Vec<Wanted<T>>, Unreadable> {
        let pairs = self.applies()?.list("EventPairs");
        let pair = |pair: &Element| {
            let event = |name: &str| {
                let event = pair.child(name).ok_or_else(|| at(pair, format_args!("has no {name}")))?;
                reference(event, &self.names.events).copied()
            };
            let limits = Limits {
                least: number(pair, "MinSeparation")?.unwrap_or(0),
                most: number(pair, "MaxSeparation")?.unwrap_or(MOST),
            };
            Ok(Wanted::Ordered(event("FirstEvent")?, event("SecondEvent")?, limits))
        };
        pairs.iter().map(pair).collect()
    }
}
