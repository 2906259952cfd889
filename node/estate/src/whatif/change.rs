//! What may be changed, as `NAME=VALUE`.

use std::collections::BTreeSet;

use crate::check::estate::Estate;
use crate::check::schedule::Schedule;
use crate::reseat::closures;
use crate::staffing::Staff;
use crate::text::Unreadable;

/// Ten times as many.
const MOST_PERCENT: u32 = 1_000;

/// What one `NAME=VALUE` asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// `close=WHAT[@DAY[,PERIOD]]`: rooms taken out.
    Close(String),
    /// `room.R.capacity=N`.
    Capacity(String, u32),
    /// `students=P%`: in every lesson and course.
    Students(u32),
    /// `staff.S=N`: full posts of a subject.
    Staff(String, f64),
    /// `energy_budget=N`: kWh a day.
    Budget(f64),
}

impl Change {
    /// Reads one.
    ///
    /// # Errors
    /// When it is not a change; the error lists what there is.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let refused = || {
            let names = "close=WHAT[@DAY[,PERIOD]], room.R.capacity=N, students=P%, staff.SUBJECT=N, energy_budget=KWH";
            Unreadable::at(format_args!("{text:?}"), format_args!("it is not a change; there are {names}"))
        };
        let (name, value) = text.split_once('=').ok_or_else(refused)?;
        let real =
            || value.parse::<f64>().ok().filter(|value| (0.0..=1e9).contains(value)).ok_or_else(refused);
        if let Some(room) = name.strip_prefix("room.").and_then(|rest| rest.strip_suffix(".capacity")) {
            return Ok(Self::Capacity(room.to_owned(), value.parse().map_err(|_| refused())?));
        }
        if let Some(subject) = name.strip_prefix("staff.") {
            return Ok(Self::Staff(subject.to_owned(), real()?));
        }
        match name {
            "close" if !value.is_empty() => Ok(Self::Close(value.to_owned())),
            "students" => {
                let percent = value.strip_suffix('%').and_then(|digits| digits.parse().ok());
                percent.filter(|percent| *percent <= MOST_PERCENT).map(Self::Students).ok_or_else(refused)
            }
            "energy_budget" => Ok(Self::Budget(real()?)),
            _ => Err(refused()),
        }
    }

    /// What it sets, where a second one would take the first back; closures add up.
    fn sets(&self) -> Option<String> {
        match self {
            Self::Close(_) => None,
            Self::Capacity(room, _) => Some(format!("room.{room}.capacity")),
            Self::Students(_) => Some("students".to_owned()),
            Self::Staff(subject, _) => Some(format!("staff.{subject}")),
            Self::Budget(_) => Some("energy_budget".to_owned()),
        }
    }

    /// Makes it in a copy of the present.
    ///
    /// # Errors
    /// When it names what is not there.
    pub fn apply(
        &self,
        estate: &mut Estate,
        schedule: &mut Schedule,
        staff: &mut [Staff],
        percent: &mut u32,
    ) -> Result<(), Unreadable> {
        match self {
            Self::Close(what) => {
                let more = closures(what, estate, schedule)?;
                estate.closures.extend(more);
            }
            Self::Capacity(id, seats) => {
                let room = estate.rooms.iter_mut().find(|room| room.id == *id);
                room.ok_or_else(|| missing("room", id))?.capacity = *seats;
            }
            Self::Students(share) => {
                *percent = *share;
                for students in schedule.lessons.iter_mut().filter_map(|lesson| lesson.students.as_mut()) {
                    let many = u64::from(*students) * u64::from(*share);
                    *students = u32::try_from(many.div_ceil(100)).unwrap_or(u32::MAX);
                }
            }
            Self::Staff(subject, posts) => {
                let own = staff.iter_mut().find(|one| one.subject == *subject);
                own.ok_or_else(|| missing("subject among the staff", subject))?.teachers = *posts;
            }
            Self::Budget(kwh) => estate.energy_budget_kwh_per_day = Some(*kwh),
        }
        Ok(())
    }
}

/// Refuses changes of which two set the same.
///
/// # Errors
/// When there are such.
pub fn each_once(changes: &[Change]) -> Result<(), Unreadable> {
    let mut seen = BTreeSet::new();
    match changes.iter().filter_map(Change::sets).find(|name| !seen.insert(name.clone())) {
        None => Ok(()),
        Some(name) => Err(Unreadable::at(name, "it is set twice; set it once")),
    }
}

fn missing(what: &str, id: &str) -> Unreadable {
    Unreadable::at(format_args!("{id:?}"), format_args!("there is no such {what}"))
}
