//! The names of an archive, and what refers to them.

use std::collections::BTreeMap;

use crate::text::Unreadable;
use crate::xml::Element;

/// What names stand for.
#[derive(Debug)]
pub struct Names<T> {
    pub times: BTreeMap<String, u16>,
    pub time_groups: BTreeMap<String, T>,
    pub resources: BTreeMap<String, u32>,
    pub resource_groups: BTreeMap<String, Vec<u32>>,
    pub events: BTreeMap<String, usize>,
    pub event_groups: BTreeMap<String, Vec<usize>>,
}

/// Where an element is, for errors.
pub fn at(element: &Element, what: impl std::fmt::Display) -> Unreadable {
    Unreadable::line(element.line, format_args!("<{}> {what}", element.name))
}

/// What an element refers to.
pub fn reference<'a, T>(element: &Element, names: &'a BTreeMap<String, T>) -> Result<&'a T, Unreadable> {
    let name = element.attribute("Reference").ok_or_else(|| at(element, "has no Reference"))?;
    names.get(name).ok_or_else(|| at(element, format_args!("refers to {name:?}, which is not there")))
}
