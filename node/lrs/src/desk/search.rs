//! Finding statements.

use super::{Desk, DeskError};
use crate::attachments::Attachment;
use crate::json::Json;
use crate::limits::{MAX_LOOKED_AT, MAX_PAGE_BYTES, MAX_REFERENCES};
use crate::statements::{Filter, Order, Term};
use crate::store::{Outline, Range, Reader, TermKey};

/// How many places are asked for at once.
const STRIDE: usize = 512;

/// A page of statements.
#[derive(Debug, Default)]
pub struct Page {
    /// The statements in order, each with its place.
    pub statements: Vec<(u64, Json)>,
    /// Where the next page begins beyond; none at the end.
    pub more: Option<u64>,
}

impl Desk {
    /// One statement by its identifier: the voided one, or the one that is not. `only` restricts to a client's own.
    ///
    /// # Errors
    /// The store's.
    pub fn one(
        &self,
        reader: Reader<'_>,
        id: &str,
        voided: bool,
        only: Option<&str>,
    ) -> Result<Option<(u64, Json)>, DeskError> {
        let Some(place) = self.place_of(id)? else { return Ok(None) };
        let Some(outline) = self.store.outline(place)? else { return Ok(None) };
        let own = only
            .is_none_or(|client| outline.terms.contains(&self.store.key(&Term::Client(client.to_owned()))));
        if outline.voided != voided || !own {
            return Ok(None);
        }
        Ok(self.store.open(reader, &[place])?.pop())
    }

    /// A page of what a filter finds.
    ///
    /// # Errors
    /// The store's.
    pub fn find(&self, reader: Reader<'_>, filter: &Filter, only: Option<&str>) -> Result<Page, DeskError> {
        let ways = |term: &Term| term.ways().iter().map(|way| self.store.key(way)).collect();
        let wanted: Vec<Vec<TermKey>> = filter.terms.iter().map(ways).collect();
        let own = only.map(|client| vec![self.store.key(&Term::Client(client.to_owned()))]);
        let mut range = Range {
            from: filter.after_us.map_or(0, |after| after.saturating_add(1)),
            to: filter.until_us.unwrap_or(u64::MAX),
            order: filter.order,
        };
        go_on(&mut range, filter.from_us);
        let (mut found, mut looked_at, mut more) = (Vec::new(), 0usize, None);
        'pages: while range.from <= range.to {
            let places = self.places(wanted.first().or(own.as_ref()), range)?;
            for place in &places {
                if found.len() == filter.limit || looked_at == MAX_LOOKED_AT {
                    more = before(*place, filter.order);
                    break 'pages;
                }
                looked_at = looked_at.saturating_add(1);
                if self.fits(*place, &wanted, own.as_ref())? {
                    found.push(*place);
                }
            }
            if places.len() < STRIDE {
                break;
            }
            go_on(&mut range, places.last().copied());
        }
        self.opened(reader, &found, more)
    }

    /// Places under any of these keys, or all of them, in their order, at most a stride.
    fn places(&self, ways: Option<&Vec<TermKey>>, range: Range) -> Result<Vec<u64>, DeskError> {
        let Some([first, others @ ..]) = ways.map(Vec::as_slice) else {
            return Ok(self.store.places(None, range, STRIDE)?);
        };
        let mut places = self.store.places(Some(first), range, STRIDE)?;
        for key in others {
            places.extend(self.store.places(Some(key), range, STRIDE)?);
        }
        if !others.is_empty() {
            places.sort_unstable_by(|one, other| match range.order {
                Order::Ascending => one.cmp(other),
                Order::Descending => other.cmp(one),
            });
            places.dedup();
            places.truncate(STRIDE);
        }
        Ok(places)
    }

    /// Opens what was found, as far as a page's bytes go.
    fn opened(&self, reader: Reader<'_>, places: &[u64], more: Option<u64>) -> Result<Page, DeskError> {
        let mut page = Page { more, ..Page::default() };
        let mut bytes = 0usize;
        for (done, chunk) in places.chunks(64).enumerate() {
            if bytes > MAX_PAGE_BYTES {
                page.more = places.get(..done.saturating_mul(64)).and_then(<[u64]>::last).copied();
                break;
            }
            for (place, body) in self.store.open(reader, chunk)? {
                bytes = bytes.saturating_add(body.to_string().len());
                page.statements.push((place, body));
            }
        }
        Ok(page)
    }

    /// True when a statement is shown to who asks: not voided, the client's own when it must be, and it or one that it
    /// refers to has one of the keys of every term.
    fn fits(
        &self,
        place: u64,
        wanted: &[Vec<TermKey>],
        own: Option<&Vec<TermKey>>,
    ) -> Result<bool, DeskError> {
        let Some(first) = self.store.outline(place)? else { return Ok(false) };
        let has = |outline: &Outline, ways: &Vec<TermKey>| ways.iter().any(|key| outline.terms.contains(key));
        if first.voided || own.is_some_and(|own| !has(&first, own)) {
            return Ok(false);
        }
        let mut outline = first;
        for _ in 0..=MAX_REFERENCES {
            if wanted.iter().all(|ways| has(&outline, ways)) {
                return Ok(true);
            }
            let Some(target) = outline.target else { break };
            let Some(next) = self.place_of_key(&target)? else { break };
            let Some(next) = self.store.outline(next)? else { break };
            outline = next;
        }
        Ok(false)
    }

    /// The attachments of the statements of a page, each once.
    ///
    /// # Errors
    /// The store's.
    pub fn attachments(&self, places: impl Iterator<Item = u64>) -> Result<Vec<Attachment>, DeskError> {
        let mut found: Vec<Attachment> = Vec::new();
        for place in places {
            for one in self.store.attachments(place)? {
                if !found.iter().any(|other| other.sha2 == one.sha2) {
                    found.push(one);
                }
            }
        }
        Ok(found)
    }
}

/// Cuts a range so that it begins beyond a place.
fn go_on(range: &mut Range, beyond: Option<u64>) {
    let Some(beyond) = beyond else { return };
    match range.order {
        Order::Ascending => range.from = range.from.max(beyond.saturating_add(1)),
        Order::Descending => match beyond.checked_sub(1) {
            Some(to) => range.to = range.to.min(to),
            None => (range.from, range.to) = (1, 0),
        },
    }
}

/// The place that a page ends beyond, so that the next one begins with this one.
fn before(place: u64, order: Order) -> Option<u64> {
    match order {
        Order::Ascending => place.checked_sub(1),
        Order::Descending => place.checked_add(1),
    }
}
