//! RDF Dataset Canonicalization, RDFC-1.0 with SHA-256 (W3C Recommendation of 2024): names for blank nodes that depend on the
//! statements alone.
//!
//! Most nodes differ by their own statements; the rest are told apart by walking to their neighbours in every order, whose
//! number a hostile graph can make grow as a factorial. [`MAX_C14N_STEPS`] ends that: a credential that needs more is not
//! judged.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::limits::{MAX_C14N_DEPTH, MAX_C14N_STEPS};
use super::rdf::{Dataset, Quad};

/// The graph was built so that telling its blank nodes apart takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("telling its blank nodes apart takes more than {MAX_C14N_STEPS} steps: no credential needs that")]
pub struct TooHard;

/// A dataset's canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical {
    /// N-Quads lines in order, each with its newline.
    pub lines: Vec<String>,
    /// From the labels given to the canonical ones (`c14n0`, …).
    pub labels: BTreeMap<String, String>,
}

impl Canonical {
    /// The lines as one text.
    pub fn text(&self) -> String {
        self.lines.concat()
    }
}

/// Canonicalizes.
///
/// # Errors
/// [`TooHard`].
pub fn canonicalize(dataset: &Dataset) -> Result<Canonical, TooHard> {
    let mut work = Work::new(dataset);
    let mut by_hash: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let nodes: Vec<&str> = work.quads.keys().copied().collect();
    for node in nodes {
        let hash = work.first_degree(node);
        by_hash.entry(hash.clone()).or_default().push(node);
        work.first.insert(node, hash);
    }
    by_hash.retain(|_, nodes| match nodes.as_slice() {
        [one] => {
            work.canonical.issue(one);
            false
        }
        _ => true,
    });
    for nodes in by_hash.values() {
        let mut paths = Vec::new();
        for node in nodes {
            if work.canonical.get(node).is_none() {
                let mut issuer = Issuer::new("b");
                issuer.issue(node);
                paths.push(work.many_degrees(node, issuer)?);
            }
        }
        paths.sort_by(|a, b| a.0.cmp(&b.0));
        for (_, issuer) in &paths {
            for node in &issuer.order {
                work.canonical.issue(node);
            }
        }
    }
    let issued = &work.canonical;
    let mut lines: Vec<String> =
        dataset.iter().map(|quad| quad.line(&|node| issued.get(node).unwrap_or_default())).collect();
    lines.sort();
    let labels = issued.names.iter().map(|(from, to)| ((*from).to_owned(), to.clone())).collect();
    Ok(Canonical { lines, labels })
}

/// Gives names in order of asking.
#[derive(Debug, Clone)]
struct Issuer<'a> {
    prefix: &'static str,
    names: BTreeMap<&'a str, String>,
    order: Vec<&'a str>,
}

impl<'a> Issuer<'a> {
    const fn new(prefix: &'static str) -> Self {
        Self { prefix, names: BTreeMap::new(), order: Vec::new() }
    }

    fn get(&self, node: &str) -> Option<&str> {
        self.names.get(node).map(String::as_str)
    }

    fn issue(&mut self, node: &'a str) -> String {
        if let Some(name) = self.names.get(node) {
            return name.clone();
        }
        let name = format!("{}{}", self.prefix, self.order.len());
        self.names.insert(node, name.clone());
        self.order.push(node);
        name
    }
}

struct Work<'a> {
    quads: BTreeMap<&'a str, Vec<&'a Quad>>,
    first: BTreeMap<&'a str, String>,
    canonical: Issuer<'a>,
    steps: u32,
    depth: u32,
}

fn hex_sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

impl<'a> Work<'a> {
    fn new(dataset: &'a Dataset) -> Self {
        let mut quads: BTreeMap<&str, Vec<&Quad>> = BTreeMap::new();
        for quad in dataset {
            let mut seen: Vec<&str> = quad.blanks().map(|(_, node)| node).collect();
            seen.sort_unstable();
            seen.dedup();
            for node in seen {
                quads.entry(node).or_default().push(quad);
            }
        }
        Self { quads, first: BTreeMap::new(), canonical: Issuer::new("c14n"), steps: 0, depth: 0 }
    }

    fn step(&mut self) -> Result<(), TooHard> {
        self.steps += 1;
        if self.steps > MAX_C14N_STEPS { Err(TooHard) } else { Ok(()) }
    }

    /// RDFC-1.0, 4.6: the node's own statements, itself as `a`, the others as `z`.
    fn first_degree(&self, node: &str) -> String {
        let own = self.quads.get(node).map_or(&[][..], Vec::as_slice);
        let mut lines: Vec<String> =
            own.iter().map(|quad| quad.line(&|other| if other == node { "a" } else { "z" })).collect();
        lines.sort();
        hex_sha256(&lines.concat())
    }

    /// RDFC-1.0, 4.7.
    fn related(
        &mut self,
        related: &str,
        quad: &Quad,
        issuer: &Issuer<'a>,
        at: char,
    ) -> Result<String, TooHard> {
        self.step()?;
        let mut input = String::from(at);
        if at != 'g' {
            input.push_str(&format!("<{}>", quad.predicate));
        }
        match self.canonical.get(related).or_else(|| issuer.get(related)) {
            Some(name) => input.push_str(&format!("_:{name}")),
            None => input.push_str(self.first.get(related).map_or("", String::as_str)),
        }
        Ok(hex_sha256(&input))
    }

    /// RDFC-1.0, 4.8: the node by its neighbours, in the order that gives the least path.
    fn many_degrees(
        &mut self,
        node: &'a str,
        mut issuer: Issuer<'a>,
    ) -> Result<(String, Issuer<'a>), TooHard> {
        let mut neighbours: BTreeMap<String, Vec<&'a str>> = BTreeMap::new();
        for quad in self.quads.get(node).cloned().unwrap_or_default() {
            for (at, other) in quad.blanks().filter(|(_, other)| *other != node) {
                let hash = self.related(other, quad, &issuer, at)?;
                neighbours.entry(hash).or_default().push(other);
            }
        }
        let mut data = String::new();
        for (hash, mut list) in neighbours {
            data.push_str(&hash);
            list.sort_unstable();
            let (mut chosen, mut chosen_issuer) = (String::new(), issuer.clone());
            loop {
                self.step()?;
                if let Some((path, copy)) = self.walk(&list, &issuer, &chosen)? {
                    (chosen, chosen_issuer) = (path, copy);
                }
                if !next_permutation(&mut list) {
                    break;
                }
            }
            data.push_str(&chosen);
            issuer = chosen_issuer;
        }
        Ok((hex_sha256(&data), issuer))
    }

    /// One order of neighbours; none when its path is longer than the one chosen so far, or after it.
    fn walk(
        &mut self,
        order: &[&'a str],
        issuer: &Issuer<'a>,
        chosen: &str,
    ) -> Result<Option<(String, Issuer<'a>)>, TooHard> {
        let mut copy = issuer.clone();
        let (mut path, mut open) = (String::new(), Vec::new());
        let worse = |path: &str| !chosen.is_empty() && path.len() >= chosen.len() && path > chosen;
        for other in order {
            match self.canonical.get(other) {
                Some(name) => path.push_str(&format!("_:{name}")),
                None => {
                    if copy.get(other).is_none() {
                        open.push(*other);
                    }
                    path.push_str(&format!("_:{}", copy.issue(other)));
                }
            }
            if worse(&path) {
                return Ok(None);
            }
        }
        for other in open {
            self.depth += 1;
            if self.depth > MAX_C14N_DEPTH {
                return Err(TooHard);
            }
            let (hash, deeper) = self.many_degrees(other, copy.clone())?;
            self.depth -= 1;
            path.push_str(&format!("_:{}<{hash}>", copy.issue(other)));
            copy = deeper;
            if worse(&path) {
                return Ok(None);
            }
        }
        Ok((chosen.is_empty() || path.as_str() < chosen).then_some((path, copy)))
    }
}

/// The next order of a list, from ascending to descending; false after the last.
fn next_permutation(list: &mut [&str]) -> bool {
    let Some(pivot) = list.windows(2).rposition(|pair| pair[0] < pair[1]) else { return false };
    let Some(swap) = list.iter().rposition(|one| *one > list[pivot]) else { return false };
    list.swap(pivot, swap);
    list[pivot + 1..].reverse();
    true
}

#[cfg(test)]
mod tests {
    use super::super::rdf::Term;
    use super::*;

    fn edge(from: &str, to: &str) -> Quad {
        let blank = |label: &str| Term::Blank(label.to_owned());
        Quad { subject: blank(from), predicate: "urn:p".into(), object: blank(to), graph: None }
    }

    #[test]
    fn every_order_is_visited_once() {
        let mut list = ["a", "b", "c", "d"];
        let mut count = 1;
        while next_permutation(&mut list) {
            count += 1;
        }
        assert_eq!((count, list), (24, ["d", "c", "b", "a"]));
    }

    #[test]
    fn names_do_not_depend_on_labels() {
        let one: Dataset = [edge("x", "y"), edge("y", "z"), edge("z", "x"), edge("z", "w")].into();
        let two: Dataset = [edge("n3", "n1"), edge("n1", "n2"), edge("n2", "n3"), edge("n2", "a")].into();
        assert_eq!(canonicalize(&one).map(|c| c.lines), canonicalize(&two).map(|c| c.lines));
    }

    #[test]
    fn a_poison_graph_is_given_up() {
        let mut clique = Dataset::new();
        for from in 0..12 {
            for to in 0..12 {
                if from != to {
                    clique.insert(edge(&format!("n{from}"), &format!("n{to}")));
                }
            }
        }
        assert_eq!(canonicalize(&clique), Err(TooHard));
    }
}
