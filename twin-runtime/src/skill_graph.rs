//! Which skill must come before which: a checked graph without cycles.
//!
//! Purpose: the planner and the gate may rely on the graph. Flow: names and edges come in as read; every name
//! must be there once, every edge between names that are there, and no chain of prerequisites may lead back.
//! A graph that breaks this is refused with all that is wrong, the cycle named skill by skill. Invariants:
//! indices follow the order of the names given; lists of neighbours ascend. Absent: weights.

use std::collections::BTreeMap;
use thiserror::Error;

/// Most skills of a graph: public ones have up to 1,500.
pub const MAX_SKILLS: usize = 16_384;
/// Most edges of a graph.
pub const MAX_EDGES: usize = 131_072;

/// What is wrong with a graph.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GraphError {
    /// No skills, too many, or too many edges.
    #[error(
        "{skills} skills and {edges} edges: a graph has 1..={MAX_SKILLS} skills and at most {MAX_EDGES} edges"
    )]
    Size {
        /// How many skills were given.
        skills: usize,
        /// How many edges were given.
        edges: usize,
    },
    /// Names that stand twice, edges to names that are not there, a cycle: whichever there are.
    #[error("{}", describe(.duplicates, .unknown, .cycle))]
    Broken {
        /// Names given more than once.
        duplicates: Vec<String>,
        /// Names in edges that are not skills.
        unknown: Vec<String>,
        /// One cycle, each skill a prerequisite of the next and the last of the first; empty when there is none.
        cycle: Vec<String>,
    },
}

fn describe(duplicates: &[String], unknown: &[String], cycle: &[String]) -> String {
    let mut parts = Vec::new();
    if let Some(first) = cycle.first() {
        parts.push(format!("the prerequisites form a cycle: {} -> {first}", cycle.join(" -> ")));
    }
    if !duplicates.is_empty() {
        parts.push(format!("skills named twice: {}", duplicates.join(", ")));
    }
    if !unknown.is_empty() {
        parts.push(format!("edges name skills that are not there: {}", unknown.join(", ")));
    }
    parts.join("; ")
}

/// A checked graph of prerequisites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillGraph {
    names: Vec<String>,
    prerequisites: Vec<Vec<u16>>,
    dependents: Vec<Vec<u16>>,
}

impl SkillGraph {
    /// Checks names and edges (prerequisite, dependent). An edge given twice counts once.
    ///
    /// # Errors
    /// [`GraphError`], with everything that is wrong.
    pub fn new(names: Vec<String>, edges: &[(String, String)]) -> Result<Self, GraphError> {
        if names.is_empty() || names.len() > MAX_SKILLS || edges.len() > MAX_EDGES {
            return Err(GraphError::Size { skills: names.len(), edges: edges.len() });
        }
        let mut places: BTreeMap<&str, u16> = BTreeMap::new();
        let mut duplicates = Vec::new();
        for (n, name) in (0_u16..).zip(&names) {
            if places.insert(name, n).is_some() {
                duplicates.push(name.clone());
            }
        }
        let mut unknown = Vec::new();
        let mut prerequisites = vec![Vec::new(); names.len()];
        let mut dependents = vec![Vec::new(); names.len()];
        for (before, after) in edges {
            let (from, to) = (places.get(before.as_str()), places.get(after.as_str()));
            for (place, name) in [(from, before), (to, after)] {
                if place.is_none() && !unknown.contains(name) {
                    unknown.push(name.clone());
                }
            }
            if let (Some(from), Some(to)) = (from, to) {
                push(&mut prerequisites, *to, *from);
                push(&mut dependents, *from, *to);
            }
        }
        for list in prerequisites.iter_mut().chain(&mut dependents) {
            list.sort_unstable();
            list.dedup();
        }
        let cycle = find_cycle(&prerequisites, &dependents);
        let cycle: Vec<String> = cycle.iter().filter_map(|n| names.get(usize::from(*n)).cloned()).collect();
        if !duplicates.is_empty() || !unknown.is_empty() || !cycle.is_empty() {
            return Err(GraphError::Broken { duplicates, unknown, cycle });
        }
        Ok(Self { names, prerequisites, dependents })
    }

    /// How many skills.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never: a graph has a skill.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names, in the order given.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Direct prerequisites of a skill, ascending; none for a skill that is not there.
    #[must_use]
    pub fn prerequisites(&self, skill: u16) -> &[u16] {
        self.prerequisites.get(usize::from(skill)).map_or(&[], Vec::as_slice)
    }

    /// Skills that a skill is a direct prerequisite of, ascending.
    #[must_use]
    pub fn dependents(&self, skill: u16) -> &[u16] {
        self.dependents.get(usize::from(skill)).map_or(&[], Vec::as_slice)
    }
}

fn push(lists: &mut [Vec<u16>], at: u16, value: u16) {
    if let Some(list) = lists.get_mut(usize::from(at)) {
        list.push(value);
    }
}

/// Takes away skills without open prerequisites until none is left (Kahn 1962). What stays is on a cycle or
/// behind one; walking back along prerequisites from there must repeat, and the repeated part is the cycle.
fn find_cycle(prerequisites: &[Vec<u16>], dependents: &[Vec<u16>]) -> Vec<u16> {
    let mut open: Vec<usize> = prerequisites.iter().map(Vec::len).collect();
    let mut ready: Vec<u16> = (0_u16..).zip(&open).filter(|(_, n)| **n == 0).map(|(at, _)| at).collect();
    while let Some(skill) = ready.pop() {
        for next in dependents.get(usize::from(skill)).into_iter().flatten() {
            if let Some(count) = open.get_mut(usize::from(*next)) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.push(*next);
                }
            }
        }
    }
    let stuck = |n: &u16| open.get(usize::from(*n)).is_some_and(|count| *count > 0);
    let Some(mut here) = (0_u16..).zip(&open).find(|(_, n)| **n > 0).map(|(at, _)| at) else {
        return Vec::new();
    };
    let mut trail: Vec<u16> = Vec::new();
    loop {
        if let Some(start) = trail.iter().position(|n| *n == here) {
            // Walked backwards: reversed, each is a prerequisite of the next. It starts at its least skill.
            let mut cycle: Vec<u16> = trail.split_off(start);
            cycle.reverse();
            let least = cycle.iter().enumerate().min_by_key(|(_, n)| **n).map_or(0, |(at, _)| at);
            cycle.rotate_left(least);
            return cycle;
        }
        trail.push(here);
        // A stuck skill has a stuck prerequisite, or it would have been taken away.
        let Some(back) = prerequisites.get(usize::from(here)).into_iter().flatten().find(|n| stuck(n)) else {
            return trail;
        };
        here = *back;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(names: &str, edges: &str) -> Result<SkillGraph, GraphError> {
        let pair = |e: &str| (e[..1].to_owned(), e[1..].to_owned());
        let edges: Vec<_> = edges.split_whitespace().map(pair).collect();
        SkillGraph::new(names.chars().map(String::from).collect(), &edges)
    }

    #[test]
    fn neighbours_ascend_and_double_edges_count_once() {
        let g = graph("abcd", "ad bd ad ab").unwrap();
        assert_eq!(g.prerequisites(3), [0, 1]);
        assert_eq!(g.dependents(0), [1, 3]);
        assert_eq!((g.len(), g.names()[2].as_str(), g.prerequisites(9).len()), (4, "c", 0));
    }

    #[test]
    fn a_cycle_is_named_in_order_also_behind_others() {
        let error = graph("abcde", "ab bc cd db de").unwrap_err();
        assert_eq!(error.to_string(), "the prerequisites form a cycle: b -> c -> d -> b");
        let error = graph("ab", "aa").unwrap_err();
        assert_eq!(error.to_string(), "the prerequisites form a cycle: a -> a");
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let error = graph("abbc", "ab ba xc").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the prerequisites form a cycle: a -> b -> a; skills named twice: b; \
             edges name skills that are not there: x"
        );
        assert_eq!(graph("", "").unwrap_err(), GraphError::Size { skills: 0, edges: 0 });
    }
}
