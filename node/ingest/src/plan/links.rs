//! Who reads whom: the sections and counselors of the files against what is kept.
//!
//! A teacher reads a section's students, a counselor a school's. What files hold whole replaces what is kept of its kind; a part adds
//! and takes away what its rows name, together with what is kept. A student who left is read by nobody new. Invariant: a row whose
//! student or school is not known is refused and ties nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fate, Kept, Making};
use crate::reading::{Coverage, Fault, Link, Reading, Rule, Said};

/// What ties a reader to a student.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tie {
    /// The reader teaches this section.
    Section(String),
    /// The reader counsels at this school, by its number.
    School(u32),
}

/// Ties by student and reader.
pub type Ties = BTreeMap<(String, String), BTreeSet<Tie>>;

/// What the rows say, and what they take away.
#[derive(Default)]
struct Named {
    teaches: BTreeMap<String, BTreeSet<String>>,
    attends: BTreeMap<String, BTreeSet<String>>,
    counsels: BTreeMap<u32, BTreeSet<String>>,
    ended: BTreeSet<Link>,
}

impl<K: Kept> Making<'_, K> {
    /// Plans all ties, and tells the rows' fates.
    pub(super) fn links(&mut self, reading: &Reading) -> Result<(), K::Error> {
        if reading.sections.is_none() && reading.counselors.is_none() {
            return Ok(());
        }
        let kept = self.kept.ties()?;
        let named = self.named(reading)?;
        let wanted = self.wanted(reading, &kept, &named)?;
        let none = BTreeSet::new();
        let pairs: BTreeSet<&(String, String)> = kept.keys().chain(wanted.keys()).collect();
        let (mut new, mut gone) = (BTreeSet::new(), BTreeSet::new());
        let year = self.kept.year();
        for pair in pairs {
            let (before, after) = (kept.get(pair).unwrap_or(&none), wanted.get(pair).unwrap_or(&none));
            if before == after {
                continue;
            }
            let (student, reader) = pair;
            new.extend(after.difference(before).flat_map(|tie| touches(student, reader, tie)));
            gone.extend(before.difference(after).flat_map(|tie| touches(student, reader, tie)));
            let change = self.plan.changes.entry((student.clone(), year)).or_default();
            change.ties.insert(reader.clone(), after.clone());
        }
        for (at, row) in reading.rows.iter().enumerate() {
            let Said::Links { links, ended } = &row.said else { continue };
            let fate = match self.plan.fates.get(at) {
                Some((_, Fate::Refused(_))) | None => continue,
                Some(_)
                    if *ended
                        && links.iter().any(|link| gone.contains(&key(link, self.number(reading, link)))) =>
                {
                    Fate::Changed
                }
                Some(_)
                    if !*ended
                        && links.iter().any(|link| new.contains(&key(link, self.number(reading, link)))) =>
                {
                    Fate::Added
                }
                Some(_) => Fate::Unchanged,
            };
            if let Some(slot) = self.plan.fates.get_mut(at) {
                slot.1 = fate;
            }
        }
        Ok(())
    }

    /// Collects the rows, and refuses those whose student or school is not known.
    fn named(&mut self, reading: &Reading) -> Result<Named, K::Error> {
        let mut named = Named::default();
        for (at, row) in reading.rows.iter().enumerate() {
            let Said::Links { links, ended } = &row.said else { continue };
            for link in links {
                if *ended {
                    named.ended.insert(link.clone());
                    continue;
                }
                let fault = match link {
                    Link::Teaches { reader, section } => {
                        named.teaches.entry(section.clone()).or_default().insert(reader.clone());
                        None
                    }
                    Link::Attends { student, section } => match self.is_entered(student)? {
                        true => {
                            named.attends.entry(section.clone()).or_default().insert(student.clone());
                            None
                        }
                        false => Some(Fault::new("userSourcedId", Rule::UnknownStudent, student)),
                    },
                    Link::Counsels { reader, school } => match self.number(reading, link) {
                        Some(number) => {
                            named.counsels.entry(number).or_default().insert(reader.clone());
                            None
                        }
                        None => Some(Fault::new("school", Rule::UnknownSchool, school)),
                    },
                };
                if let (Some(fault), Some(slot)) = (fault, self.plan.fates.get_mut(at)) {
                    slot.1 = Fate::Refused(fault);
                }
            }
        }
        Ok(named)
    }

    fn number(&self, reading: &Reading, link: &Link) -> Option<u32> {
        match link {
            Link::Counsels { school, .. } => self.schools.find(school, reading.schools.get(school)),
            _ => None,
        }
    }

    /// Whether a student is on the roster of the year, or enters it now.
    fn is_entered(&self, student: &str) -> Result<bool, K::Error> {
        let enters = self.plan.changes.get(&(student.to_owned(), self.kept.year()));
        let enters = enters.is_some_and(|change| change.roster.is_some());
        Ok(enters || self.kept.student(student)?.is_some())
    }

    /// All ties from now on.
    fn wanted(&self, reading: &Reading, kept: &Ties, named: &Named) -> Result<Ties, K::Error> {
        let (mut teaches, mut attends) = (named.teaches.clone(), named.attends.clone());
        let mut wanted = Ties::new();
        for ((student, reader), ties) in kept {
            for tie in ties {
                let stays = match tie {
                    Tie::Section(section) => {
                        let part = reading.sections != Some(Coverage::Bulk);
                        if part {
                            teaches.entry(section.clone()).or_default().insert(reader.clone());
                            attends.entry(section.clone()).or_default().insert(student.clone());
                        }
                        false
                    }
                    // Worked out anew below where the files say who counsels.
                    Tie::School(_) => reading.counselors.is_none(),
                };
                if stays {
                    wanted.entry((student.clone(), reader.clone())).or_default().insert(tie.clone());
                }
            }
        }
        for link in &named.ended {
            match link {
                Link::Teaches { reader, section } => remove(&mut teaches, section, reader),
                Link::Attends { student, section } => remove(&mut attends, section, student),
                Link::Counsels { .. } => {}
            }
        }
        for (section, students) in &attends {
            for reader in teaches.get(section).into_iter().flatten() {
                for student in students {
                    let pair = (student.clone(), reader.clone());
                    wanted.entry(pair).or_default().insert(Tie::Section(section.clone()));
                }
            }
        }
        if reading.counselors.is_some() {
            self.counselors(reading, kept, named, &mut wanted)?;
        }
        Ok(wanted)
    }

    /// A counselor's ties are to everybody enrolled at the school.
    fn counselors(
        &self,
        reading: &Reading,
        kept: &Ties,
        named: &Named,
        wanted: &mut Ties,
    ) -> Result<(), K::Error> {
        let mut counsels = named.counsels.clone();
        if reading.counselors != Some(Coverage::Bulk) {
            for ((_, reader), ties) in kept {
                for tie in ties {
                    if let Tie::School(school) = tie {
                        counsels.entry(*school).or_default().insert(reader.clone());
                    }
                }
            }
        }
        for link in &named.ended {
            if let (Link::Counsels { reader, .. }, Some(number)) = (link, self.number(reading, link)) {
                counsels.entry(number).or_default().remove(reader);
            }
        }
        for (student, school) in self.enrolled_at()? {
            for reader in counsels.get(&school).into_iter().flatten() {
                wanted.entry((student.clone(), reader.clone())).or_default().insert(Tie::School(school));
            }
        }
        Ok(())
    }

    /// Everybody who is enrolled after this import, with the school.
    fn enrolled_at(&self) -> Result<BTreeMap<String, u32>, K::Error> {
        let mut found = BTreeMap::new();
        for student in self.kept.enrolled()? {
            if let Some(school) = self.kept.student(&student)?.and_then(|kept| kept.school) {
                found.insert(student, school);
            }
        }
        let year = self.kept.year();
        for ((student, of_year), change) in &self.plan.changes {
            let Some(roster) = change.roster.as_ref().filter(|_| *of_year == year) else { continue };
            match roster.school.filter(|_| roster.enrolled) {
                Some(school) => found.insert(student.clone(), school),
                None => found.remove(student),
            };
        }
        Ok(found)
    }
}

fn remove(of: &mut BTreeMap<String, BTreeSet<String>>, section: &str, who: &str) {
    if let Some(all) = of.get_mut(section) {
        all.remove(who);
    }
}

/// The rows that a tie concerns.
fn touches(student: &str, reader: &str, tie: &Tie) -> Vec<(u8, String, String)> {
    match tie {
        Tie::Section(section) => {
            vec![(0, reader.to_owned(), section.clone()), (1, student.to_owned(), section.clone())]
        }
        Tie::School(school) => vec![(2, reader.to_owned(), school.to_string())],
    }
}

/// A row's key among those.
fn key(link: &Link, school: Option<u32>) -> (u8, String, String) {
    match link {
        Link::Teaches { reader, section } => (0, reader.clone(), section.clone()),
        Link::Attends { student, section } => (1, student.clone(), section.clone()),
        Link::Counsels { reader, .. } => {
            (2, reader.clone(), school.map(|school| school.to_string()).unwrap_or_default())
        }
    }
}
