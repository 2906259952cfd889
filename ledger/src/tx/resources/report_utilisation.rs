//! ReportUtilisation: how many of a pool's places are in use, said by the school that has them or its district, and
//! shown beside how many asked for them.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Deserialize;

use crate::code::Code;
use crate::state::schema::{self, Moment, Utilisation};
use crate::tx::Event;
use crate::tx::handler::{Context, Handler, Refusal, ensure};
use crate::types::PoolId;

/// A pool's use.
#[derive(Debug, Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportUtilisation {
    /// A pool that is not retired, at a school the sender acts for.
    pub pool: PoolId,
    /// Places in use, at most the pool's capacity.
    pub in_use: u32,
}

impl Handler for ReportUtilisation {
    fn check(&self) -> Result<(), Code> {
        Ok(())
    }

    fn execute(&self, context: &mut Context<'_, '_>) -> Result<Vec<Event>, Refusal> {
        let overlay = &*context.overlay;
        let pool = schema::pool(overlay, self.pool)?.filter(|pool| pool.retired.is_none());
        let pool = pool.ok_or(Code::UnknownPool)?;
        let school = schema::school(overlay, pool.school)?.ok_or(Code::UnknownSchool)?;
        let sender = context.sender;
        // A school's account names its school; a district's names none and speaks for all of its schools.
        let heir = schema::heir(overlay, school.district)?.ok_or(Code::DistrictClosed)?;
        let own = sender.school.map_or(sender.district == Some(heir), |own| own == school.id);
        ensure(own, Code::ForeignPool)?;
        ensure(self.in_use <= pool.capacity, Code::OverCapacity)?;
        let class = schema::class(overlay, pool.class)?.ok_or(Code::UnknownClass)?;
        let round = class.standing_round;
        let report = round.map(|round| schema::published_report(overlay, round)).transpose()?.flatten();
        let line = report.and_then(|report| report.pools.into_iter().find(|line| line.pool == self.pool));
        let demand = line.and_then(|line| line.demand);
        let earlier = schema::utilisation(overlay, self.pool)?.map_or(0, |last| last.reports);
        let record = Utilisation {
            pool: self.pool,
            capacity: pool.capacity,
            in_use: self.in_use,
            round,
            demand,
            by: sender.account,
            at: Moment { height: context.facts.height, time_ms: context.facts.time_ms },
            reports: earlier.saturating_add(1),
        };
        schema::write(context.overlay, schema::utilisation_key(self.pool), &record);
        let (capacity, in_use) = (pool.capacity, self.in_use);
        Ok(vec![Event::UtilisationReported { pool: self.pool, in_use, capacity, demand }])
    }
}
