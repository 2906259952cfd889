//! The rows of a round's problem: the eligible pools of each request with their weighted costs, ascending by pool.
//!
//! Flow: lengths first, from counts by kind, so that every row has its place → requests by home school, and of one
//! school by ranking: what such a group may get, and at what cost before the weight, is worked out once → each row of
//! the group is that list times its weight. At the largest round that the parameters allow this is a good part of what
//! RunRound costs beyond the optimizer, so a student costs little more than writing the row down.
//!
//! Invariant: entry for entry what [`RoundInputs::decision`] says of the pair, which a test compares.

use aula_allocation::problem::{Entry, ProblemError};

use super::{Eligibility, RoundError, RoundInputs, eligibility::Near, weight, weighted};
use crate::state::schema::Mandate;
use crate::state::schema::RequestRow;
use crate::types::KindId;

/// What fills a place that no eligible pool takes; [`aula_allocation::problem::Problem::lists`] refuses it.
const NOTHING: Entry = Entry { pool: u32::MAX, cost: 0 };

impl RoundInputs {
    /// Where each row starts, with the end of the last, and all entries.
    pub(super) fn rows(&self) -> Result<(Vec<u32>, Vec<Entry>), RoundError> {
        let eligibility = Eligibility::of(&self.pools, &self.schools);
        let starts = self.row_starts(&eligibility)?;
        let mut entries = vec![NOTHING; starts.last().map_or(0, |end| *end as usize)];
        let requests = self.requests.iter().map(|(_, request)| request);
        let mut order: Vec<(usize, &RequestRow)> = requests.enumerate().collect();
        order.sort_by(|(_, a), (_, b)| (a.home_school, &a.kinds).cmp(&(b.home_school, &b.kinds)));
        let mut plain = Vec::new();
        for neighbours in order.chunk_by(|(_, a), (_, b)| a.home_school == b.home_school) {
            let Some((_, first)) = neighbours.first() else { continue };
            let near = eligibility.near(self.school(first.home_school)?);
            for alike in neighbours.chunk_by(|(_, a), (_, b)| a.kinds == b.kinds) {
                alike.first().into_iter().for_each(|(_, one)| self.plain(&near, &one.kinds, &mut plain));
                for (at, request) in alike {
                    let ends = starts.get(*at).zip(starts.get(at.saturating_add(1)));
                    let row = ends.and_then(|(from, to)| entries.get_mut(*from as usize..*to as usize));
                    self.fill(request, &plain, row.unwrap_or_default());
                }
            }
        }
        Ok((starts, entries))
    }

    fn row_starts(&self, eligibility: &Eligibility) -> Result<Vec<u32>, RoundError> {
        let mut end = 0u64;
        let mut starts = vec![0];
        for (_, request) in &self.requests {
            let pools = eligibility.count(self.school(request.home_school)?, &request.kinds);
            end = end.saturating_add(pools).saturating_add(self.waiting_cost(request).is_some().into());
            starts.push(u32::try_from(end).map_err(|_| ProblemError::PairCount(usize::MAX))?);
        }
        Ok(starts)
    }

    /// Pools and costs before the weight of a ranking.
    fn plain(&self, near: &[Near], kinds: &[KindId], plain: &mut Vec<(u32, u32)>) {
        let mut by_kind = [None; 256];
        for (kind, rank) in kinds.iter().zip(0u8..) {
            let costs = [0, 1, 2].map(|tier| self.cost(tier, rank));
            by_kind.get_mut(usize::from(kind.0)).into_iter().for_each(|slot| *slot = Some(costs));
        }
        plain.clear();
        plain.extend(near.iter().filter_map(|place| {
            let costs = by_kind.get(usize::from(place.kind.0)).copied().flatten()?;
            Some((place.pool, *costs.get(usize::from(place.tier))?))
        }));
    }

    fn fill(&self, request: &RequestRow, plain: &[(u32, u32)], row: &mut [Entry]) {
        let weight = weight(self.equity, request.band);
        for (slot, (pool, cost)) in row.iter_mut().zip(plain) {
            *slot = Entry { pool: *pool, cost: weighted(weight, *cost) };
        }
        if let (Some(cost), Some(last)) = (self.waiting_cost(request), row.last_mut()) {
            let pool = u32::try_from(self.pools.len()).unwrap_or(u32::MAX);
            *last = Entry { pool, cost: weighted(weight, cost) };
        }
    }

    /// What waiting costs before the weight; none where the request may not wait.
    pub(super) fn waiting_cost(&self, request: &RequestRow) -> Option<u32> {
        self.definition.waitlist_cost.filter(|_| request.mandate == Mandate::None)
    }
}
